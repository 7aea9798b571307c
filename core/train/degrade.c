/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Blur, noise and compression of 8-bit photos.
 */

#include "train/degrade.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "image/rgb-file.h"

/* Pixels; of 255. */
#define MAX_BLUR 8
#define MAX_NOISE 100

/* How many deviations of a Gaussian count: its tails beyond have 0.3 % of it. */
#define REACH 3

typedef struct
{
  const char *name;
  size_t offset; /* of its range in AtlDegradation */
  double minimum, maximum;
} Part;

static const Part parts[] = {
  { "blur", G_STRUCT_OFFSET (AtlDegradation, blur), 0.0, MAX_BLUR },
  { "noise", G_STRUCT_OFFSET (AtlDegradation, noise), 0.0, MAX_NOISE },
  { "jpeg", G_STRUCT_OFFSET (AtlDegradation, jpeg), 1.0, 100.0 },
};

/* "30..95", or "30" for both ends. */
static gboolean
parse_range (AtlRange *range, const char *text)
{
  const char *dots = strstr (text, "..");
  g_autofree char *least = dots != NULL ? g_strndup (text, (gsize) (dots - text)) : g_strdup (text);

  return atl_text_to_number (least, &range->least)
         && atl_text_to_number (dots != NULL ? dots + 2 : text, &range->most);
}

static gboolean
parse_part (AtlDegradation *degradation, const char *text)
{
  for (size_t i = 0; i < G_N_ELEMENTS (parts); i++)
    {
      const size_t length = strlen (parts[i].name);
      AtlRange *range = (AtlRange *) ((char *) degradation + parts[i].offset);

      /* Written so that NaN fails. */
      if (g_str_has_prefix (text, parts[i].name) && text[length] == '=')
        return parse_range (range, text + length + 1) && range->least >= parts[i].minimum
               && range->most >= range->least && range->most <= parts[i].maximum;
    }
  return FALSE;
}

static gboolean
set_bad_part (const char *text, GError **error)
{
  g_set_error (
      error, ATL_ERROR, ATL_ERROR_ARGUMENT,
      _ ("'%s' is no way to degrade a photo; there are blur=LEAST..MOST (up to %d pixels), "
         "noise=LEAST..MOST (up to %d of 255) and jpeg=LEAST..MOST (quality, 1 to 100), "
         "with commas between them"),
      text, MAX_BLUR, MAX_NOISE);
  return FALSE;
}

gboolean
atl_degradation_parse (AtlDegradation *degradation, const char *text, GError **error)
{
  g_auto (GStrv) words = g_strsplit (text, ",", -1);

  *degradation = (AtlDegradation) { 0 };
  if (words[0] == NULL)
    return set_bad_part (text, error);
  for (int i = 0; words[i] != NULL; i++)
    if (! parse_part (degradation, words[i]))
      return set_bad_part (words[i], error);
  return TRUE;
}

static double
draw (const AtlRange *range, AtlRandom *random)
{
  return range->least + (range->most - range->least) * atl_random_uniform (random);
}

/* 'n' pixels, 'stride' bytes apart, to 'to', which has no gaps; the edge goes on beyond the ends. */
static void
blur_line (float *to, const guint8 *from, int n, size_t stride, const float *kernel, int reach)
{
  for (int i = 0; i < n; i++)
    {
      float sum = 0.0f;

      for (int k = -reach; k <= reach; k++)
        sum += kernel[k + reach] * from[(size_t) CLAMP (i + k, 0, n - 1) * stride];
      to[i] = sum;
    }
}

static void
blur_lines (AtlPhoto *photo, gboolean columns, const float *kernel, int reach, float *line)
{
  const int n = columns ? photo->height : photo->width;
  const int n_lines = columns ? photo->width : photo->height;
  const size_t row = 3 * (size_t) photo->width, stride = columns ? row : 3;

  for (int k = 0; k < n_lines; k++)
    for (int c = 0; c < 3; c++)
      {
        guint8 *first = photo->rgb + (size_t) k * (columns ? 3 : row) + c;

        blur_line (line, first, n, stride, kernel, reach);
        for (int i = 0; i < n; i++)
          first[(size_t) i * stride] = atl_photo_byte (line[i]);
      }
}

static gboolean
blur (AtlPhoto *photo, double deviation, GError **error)
{
  const int reach = (int) ceil (REACH * deviation);
  g_autoptr (AtlFloats) line = atl_floats_new ((size_t) MAX (photo->width, photo->height),
                                               _ ("blurring a photo"), error);
  float kernel[2 * REACH * MAX_BLUR + 1];
  float sum = 0.0f;

  if (line == NULL)
    return FALSE;
  if (reach == 0)
    return TRUE;

  for (int k = -reach; k <= reach; k++)
    sum += kernel[k + reach] = (float) exp (-0.5 * k * k / (deviation * deviation));
  for (int k = 0; k <= 2 * reach; k++)
    kernel[k] /= sum;

  blur_lines (photo, FALSE, kernel, reach, line);
  blur_lines (photo, TRUE, kernel, reach, line);
  return TRUE;
}

static void
add_noise (AtlPhoto *photo, double deviation, AtlRandom *random)
{
  const size_t n = 3 * (size_t) photo->width * photo->height;

  for (size_t i = 0; i < n; i++)
    photo->rgb[i] = atl_photo_byte (photo->rgb[i] + deviation * atl_random_normal (random));
}

gboolean
atl_degrade (const AtlDegradation *degradation, AtlPhoto *photo, AtlRandom *random, GError **error)
{
  if (degradation->blur.most > 0.0 && ! blur (photo, draw (&degradation->blur, random), error))
    return FALSE;
  if (degradation->noise.most > 0.0)
    add_noise (photo, draw (&degradation->noise, random), random);
  if (degradation->jpeg.most > 0.0)
    {
      const int quality = (int) lrint (draw (&degradation->jpeg, random));
      const gboolean halved = atl_random_below (random, 2) == 0;

      return atl_rgb_recompress (photo->rgb, photo->width, photo->height, quality, halved, error);
    }
  return TRUE;
}
