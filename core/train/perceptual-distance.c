/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The distance of pictures by their features.
 *
 * A large picture is looked at in tiles. Each has a margin in which features are wrong, as they miss their neighbours,
 * and do not count; and it begins at a multiple of the largest stride, so that its features lie where those of the whole
 * picture do.
 */

#include "train/perceptual-distance.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "base/rounding.h"
#include "graph/plan.h"
#include "nets/network.h"
#include "nets/parameter.h"

enum
{
  N_TAPS = 4,
  FIRST_STRIDE = 2, /* of tap 0; that of each further tap is twice as large */
  TILE = 512,       /* a multiple of the largest stride */
  /* Pixels around a tile. The last tap's feature r depends on pixels 16 r - 60 to 16 r + 94, as its poolings look
   * forward, and those before on fewer: 60 are needed before a tile, and 79 behind it. A multiple of the stride. */
  MARGIN = 80,
  TRIAL = 128 /* pixels on a side of the square that tells how long others will take */
};

/* What the network's colours are less, in its order: blue, green, red of 0..255. */
static const float means[3] = { 104.0f, 117.0f, 123.0f };

/* Of a length that is divided by: where all features are zero, they stay so. */
static const double tiny = 1e-10;

struct AtlPerceptual
{
  char *path; /* of the weights, for messages */
  const AtlBackend *backend;
  AtlGraph *graph;
  float *parameters;
};

/* An interval of rows or columns: what counts of a tile, from 'begin' to before 'end', and what is looked at. */
typedef struct
{
  int begin, end;
  int first, n;
  gboolean is_last;
} Span;

/* A tile, and the network ready to look at it. */
typedef struct
{
  const AtlPerceptual *perceptual;
  Span rows, columns;
  AtlPlan *plan;
  float *workspace;
  float *planes;              /* 3 x rows.n x columns.n */
  float *features[2][N_TAPS]; /* in plain order: of the original, and of a picture */
} Tile;

/* Sums over the features that were compared. */
typedef struct
{
  double *squares;         /* n x N_TAPS: of each picture */
  double n_pixels[N_TAPS]; /* of all pictures together */
} Sums;

static gboolean
check_card (const AtlWeightFile *file, GError **error)
{
  const AtlCard *card = atl_weight_file_card (file);

  if (card->arch == NULL || strcmp (card->arch, "squeezenet") == 0)
    return TRUE;

  g_set_error (
      error, ATL_ERROR, ATL_ERROR_MODEL,
      _ ("this network is '%s', but pictures are compared by the features of 'squeezenet'"),
      card->arch);
  atl_weight_file_prefix_error (file, error);
  return FALSE;
}

AtlPerceptual *
atl_perceptual_load (const char *path, GError **error)
{
  g_autoptr (AtlWeightFile) file = atl_weight_file_open (path, error);
  g_autoptr (AtlPerceptual) perceptual = g_new0 (AtlPerceptual, 1);

  if (file == NULL || ! check_card (file, error))
    return NULL;

  perceptual->path = g_strdup (path);
  perceptual->backend = atl_backend_default ();
  perceptual->graph = atl_squeezenet_new ();
  perceptual->parameters = atl_parameters_load (perceptual->graph, file, "squeezenet", error);
  return perceptual->parameters != NULL ? g_steal_pointer (&perceptual) : NULL;
}

void
atl_perceptual_free (AtlPerceptual *perceptual)
{
  if (perceptual == NULL)
    return;

  g_free (perceptual->path);
  atl_graph_free (perceptual->graph);
  atl_floats_free (perceptual->parameters);
  g_free (perceptual);
}

static int
n_tiles (int size)
{
  return atl_divide_up (size, TILE);
}

static Span
span_of (int index, int size)
{
  const int begin = index * TILE, end = MIN (begin + TILE, size);
  const int first = MAX (begin - MARGIN, 0);

  return (Span) { begin, end, first, MIN (end + MARGIN, size) - first, end == size };
}

static void
tile_clear (Tile *tile)
{
  atl_plan_free (tile->plan);
  atl_floats_free (tile->workspace);
  atl_floats_free (tile->planes);
  for (int which = 0; which < 2; which++)
    for (int tap = 0; tap < N_TAPS; tap++)
      atl_floats_free (tile->features[which][tap]);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Tile, tile_clear)

static gboolean
allocate (float **floats, size_t n, GError **error)
{
  *floats = atl_floats_new (n, _ ("comparing pictures"), error);
  return *floats != NULL;
}

static gboolean
tile_init (Tile *tile, GError **error)
{
  const AtlPerceptual *p = tile->perceptual;
  const AtlShape shape = { 1, 3, tile->rows.n, tile->columns.n };
  g_autofree gboolean *trained = g_new0 (gboolean, (gsize) atl_graph_n_parameters (p->graph));

  tile->plan = atl_plan_new_training (p->graph, p->backend, &shape, trained, ATL_TRAINING_DEFAULT);
  if (! allocate (&tile->workspace, atl_plan_workspace_size (tile->plan), error)
      || ! allocate (&tile->planes, atl_shape_size (&shape), error))
    return FALSE;

  for (int which = 0; which < 2; which++)
    for (int tap = 0; tap < N_TAPS; tap++)
      {
        const AtlShape of_tap = atl_plan_tap_shape (tile->plan, tap);

        if (! allocate (&tile->features[which][tap], atl_shape_size (&of_tap), error))
          return FALSE;
      }
  return TRUE;
}

static void
look_at (Tile *tile, const AtlPhoto *photo, float *const *features)
{
  const AtlPerceptual *p = tile->perceptual;
  const Span *rows = &tile->rows, *columns = &tile->columns;
  const size_t n = (size_t) rows->n * columns->n;

  for (int y = 0; y < rows->n; y++)
    {
      const guint8 *pixel = photo->rgb
                            + 3 * ((size_t) (rows->first + y) * photo->width + columns->first);
      float *to = tile->planes + (size_t) y * columns->n;

      for (int x = 0; x < columns->n; x++, pixel += 3)
        for (int c = 0; c < 3; c++)
          to[c * n + x] = pixel[2 - c] - means[c];
    }

  atl_plan_forward (tile->plan, tile->workspace, p->parameters, tile->planes);
  for (int tap = 0; tap < N_TAPS; tap++)
    {
      const AtlShape shape = atl_plan_tap_shape (tile->plan, tap);

      p->backend->tensor_export (features[tap], atl_plan_tap (tile->plan, tile->workspace, tap),
                                 &shape);
    }
}

/* The features of a tap that count, of the 'n' that the tile has in one direction. */
static void
find_counted (int *begin, int *end, const Span *span, int stride, int n)
{
  const int first = span->first / stride;

  *begin = span->begin / stride - first;
  *end = span->is_last ? n : MIN (n, span->end / stride - first);
}

/* Sums over the channels, at n pixels of a row, of a^2, b^2 and a b: 'products' is 3 x n. Channels are 'stride' apart. */
static void
multiply_row (double *products, const float *a, const float *b, int n, int n_channels,
              size_t stride)
{
  double *aa = products, *bb = products + n, *ab = products + 2 * n;

  memset (products, 0, 3 * (size_t) n * sizeof (double));
  for (int c = 0; c < n_channels; c++, a += stride, b += stride)
    for (int x = 0; x < n; x++)
      {
        aa[x] += (double) a[x] * a[x];
        bb[x] += (double) b[x] * b[x];
        ab[x] += (double) a[x] * b[x];
      }
}

/* The sum over a row's pixels of (a / |a| - b / |b|)^2 = a^2 / |a|^2 + b^2 / |b|^2 - 2 a b / (|a| |b|). */
static double
squared_difference (const double *products, int n)
{
  const double *aa = products, *bb = products + n, *ab = products + 2 * n;
  double sum = 0.0;

  for (int x = 0; x < n; x++)
    {
      const double a = sqrt (aa[x]) + tiny, b = sqrt (bb[x]) + tiny;

      sum += aa[x] / (a * a) + bb[x] / (b * b) - 2.0 * ab[x] / (a * b);
    }
  return sum;
}

/* Adds the differences of a tap's features that count. */
static void
compare_tap (const Tile *tile, int tap, double *squares, double *n_pixels)
{
  const AtlShape shape = atl_plan_tap_shape (tile->plan, tap);
  int top, bottom, left, right;

  find_counted (&top, &bottom, &tile->rows, FIRST_STRIDE << tap, shape.h);
  find_counted (&left, &right, &tile->columns, FIRST_STRIDE << tap, shape.w);

  const int n = MAX (right - left, 0);
  g_autofree double *products = g_new (double, 3 * (size_t) n + 1);

  for (int y = top; y < bottom; y++)
    {
      const size_t at = (size_t) y * shape.w + left;

      multiply_row (products, tile->features[0][tap] + at, tile->features[1][tap] + at, n, shape.c,
                    (size_t) shape.h * shape.w);
      *squares += squared_difference (products, n);
      *n_pixels += n;
    }
}

static gboolean
add_tile (const AtlPerceptual *perceptual, Sums *sums, const Span *rows, const Span *columns,
          const AtlPhoto *original, const AtlPhoto *const *pictures, int n, GError **error)
{
  g_auto (Tile) tile = { .perceptual = perceptual, .rows = *rows, .columns = *columns };

  if (! tile_init (&tile, error))
    return FALSE;

  look_at (&tile, original, tile.features[0]);
  for (int i = 0; i < n; i++)
    {
      look_at (&tile, pictures[i], tile.features[1]);
      for (int tap = 0; tap < N_TAPS; tap++)
        compare_tap (&tile, tap, &sums->squares[i * N_TAPS + tap], &sums->n_pixels[tap]);
    }
  return TRUE;
}

/* From the sums over all tiles. */
static gboolean
find_distances (double *distances, const AtlPerceptual *perceptual, const Sums *sums, int n,
                GError **error)
{
  for (int i = 0; i < n; i++)
    {
      distances[i] = 0.0;
      for (int tap = 0; tap < N_TAPS; tap++)
        distances[i] += sums->squares[i * N_TAPS + tap] / (sums->n_pixels[tap] / n);
      if (isfinite (distances[i]))
        continue;
      g_set_error (error, ATL_ERROR, ATL_ERROR_RESULT,
                   _ ("'%s': the features that pictures are compared by are not finite"),
                   perceptual->path);
      return FALSE;
    }
  return TRUE;
}

gboolean
atl_perceptual_distances (const AtlPerceptual *perceptual, double *distances,
                          const AtlPhoto *original, const AtlPhoto *const *pictures, int n,
                          const AtlProgress *progress, GError **error)
{
  const int n_down = n_tiles (original->height), n_across = n_tiles (original->width);
  g_autofree double *squares = g_new0 (double, (size_t) n *N_TAPS);
  Sums sums = { .squares = squares };

  for (int r = 0; r < n_down; r++)
    for (int q = 0; q < n_across; q++)
      {
        const Span rows = span_of (r, original->height), columns = span_of (q, original->width);
        const double done = ((double) r * n_across + q) / ((double) n_down * n_across);

        if (! atl_progress_update (progress, done, error)
            || ! add_tile (perceptual, &sums, &rows, &columns, original, pictures, n, error))
          return FALSE;
      }
  return find_distances (distances, perceptual, &sums, n, error);
}

double
atl_perceptual_seconds (const AtlPerceptual *perceptual, int width, int height, int n,
                        GError **error)
{
  g_auto (AtlPhoto) grey = { 0 };
  const AtlPhoto *const pictures[] = { &grey };
  gint64 start = 0;
  double distance;

  if (! atl_photo_init (&grey, TRIAL, TRIAL, error))
    return -1.0;

  /* The first time memory and threads are new. */
  memset (grey.rgb, 128, 3 * TRIAL * TRIAL);
  for (int i = 0; i < 2; i++)
    {
      start = g_get_monotonic_time ();
      if (! atl_perceptual_distances (perceptual, &distance, &grey, pictures, 1, NULL, error))
        return -1.0;
    }

  /* Two pictures were looked at: the original and the other. */
  const double per_pixel = (double) (g_get_monotonic_time () - start)
                           / ((double) G_USEC_PER_SEC * 2 * TRIAL * TRIAL);
  return per_pixel * (n + 1.0) * width * height;
}
