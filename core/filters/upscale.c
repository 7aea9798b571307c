/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The filter Upscale: enlarges a picture by networks, or cleans it by one of factor 1.
 *
 * Networks have whole factors. Any other is reached by the smallest network that is large enough, or by
 * the largest one several times, and exact resampling of what is too large.
 */

#include "filters/filters.h"

#include <math.h>
#include <string.h>

#include "base/cpu.h"
#include "base/i18n.h"
#include "base/threads.h"
#include "filters/job.h"
#include "image/apply.h"
#include "nets/model.h"
#include "weights/library.h"

enum
{
  SCALE_MAX = 8,
  STAGES_MAX = 3 /* 8 = 2 x 2 x 2 */
};

/* A scale of 2.0000001 does not need a larger network. */
#define SCALE_TOLERANCE 1e-6

enum
{
  QUALITY_NORMAL,
  QUALITY_BEST
};

static const AtlChoice qualities[] = {
  { "normal", N_ ("Normal") },
  { "best", N_ ("Best") },
};

static const AtlChoice scopes[] = {
  { "image", N_ ("Whole image") },
  { "layers", N_ ("Selected layers") },
};

static const AtlParam params[] = {
  { .name = "scale",
    .label = N_ ("Sc_ale"),
    .blurb = N_ ("How many times wider and higher the result is; 1 only cleans the picture"),
    .kind = ATL_PARAM_NUMBER,
    .minimum = 1.0,
    .maximum = SCALE_MAX,
    .initial = 2.0 },
  { .name = "model",
    .label = N_ ("_Model"),
    .blurb = N_ ("Name of an installed model or path of a weight file; empty for the best one"),
    .kind = ATL_PARAM_MODEL },
  { .name = "quality",
    .label = N_ ("_Quality"),
    .blurb = N_ ("Best averages the results for the eight flips and rotations, in eight times the "
                 "time"),
    .kind = ATL_PARAM_CHOICE,
    .initial = QUALITY_NORMAL,
    .choices = qualities,
    .n_choices = G_N_ELEMENTS (qualities) },
  { .name = "scope",
    .label = N_ ("La_yers"),
    .blurb = N_ ("Whether the whole image is enlarged, or the selected layers alone"),
    .kind = ATL_PARAM_CHOICE,
    .choices = scopes,
    .n_choices = G_N_ELEMENTS (scopes),
    .of_layers = TRUE },
};

/* A model that the job uses, in one stage or several. */
typedef struct
{
  char *name;
  AtlModel *model;
  AtlPrepared *prepared;
} Network;

typedef struct
{
  AtlJob job;
  double scale;
  Network networks[STAGES_MAX];
  int n_networks;
  AtlStage stages[STAGES_MAX];
  AtlStages all;
} UpscaleJob;

/* A model that could be used: its path, and the factor that its card tells. */
typedef struct
{
  char *name, *path;
  int factor;
} Candidate;

static void
candidate_free (void *data)
{
  Candidate *candidate = data;

  g_free (candidate->name);
  g_free (candidate->path);
  g_free (candidate);
}

/* All installed models; of several with one factor the first counts, and the one that we ship comes
 * first. 'problems' is as atl_library_list () sets it. */
static GPtrArray *
installed_candidates (GPtrArray **problems)
{
  GPtrArray *candidates = g_ptr_array_new_with_free_func (candidate_free);
  g_autoptr (GPtrArray) entries = atl_library_list ("upscale", problems);

  for (guint i = 0; i < entries->len; i++)
    {
      const AtlLibraryEntry *entry = g_ptr_array_index (entries, i);
      Candidate *candidate = g_new0 (Candidate, 1);

      candidate->name = g_strdup (entry->name);
      candidate->path = g_strdup (entry->path);
      candidate->factor = atl_card_scale (entry->card, NULL);
      g_autofree char *shipped = g_strdup_printf ("upscale-x%d", candidate->factor);
      g_ptr_array_insert (candidates, strcmp (entry->name, shipped) == 0 ? 0 : -1, candidate);
    }
  return candidates;
}

/* The one model that was asked for. */
static GPtrArray *
named_candidate (const char *name, GError **error)
{
  g_autofree char *path = atl_library_find (name, "upscale", error);
  g_autoptr (AtlWeightFile) file = path != NULL ? atl_weight_file_open (path, error) : NULL;

  if (file == NULL)
    return NULL;

  GPtrArray *candidates = g_ptr_array_new_with_free_func (candidate_free);
  Candidate *candidate = g_new0 (Candidate, 1);
  const AtlCard *card = atl_weight_file_card (file);

  candidate->name = g_strdup (name);
  candidate->path = g_steal_pointer (&path);
  candidate->factor = atl_card_scale (card, NULL);
  g_ptr_array_add (candidates, candidate);
  return candidates;
}

/* The candidate for a remaining scale: the smallest factor that is large enough, else the largest. For 1
 * only a factor of 1 will do, and for more never 1. A file with an unknown network fits anything: loading
 * it will tell what is wrong. */
static const Candidate *
choose_candidate (const GPtrArray *candidates, double scale)
{
  const gboolean clean = scale <= 1.0 + SCALE_TOLERANCE;
  const Candidate *best = NULL;

  for (guint i = 0; i < candidates->len; i++)
    {
      const Candidate *c = g_ptr_array_index (candidates, i);

      if (c->factor == 0 && candidates->len == 1)
        return c;
      if (c->factor < 1 || clean != (c->factor == 1))
        continue;
      if (best == NULL
          || (best->factor < scale - SCALE_TOLERANCE
                  ? c->factor > best->factor
                  : c->factor < best->factor && c->factor >= scale - SCALE_TOLERANCE))
        best = c;
    }
  return best;
}

/* "; left out was ..." for files that could have been what is missing, else nothing; owned by the caller. */
static char *
list_problems (const GPtrArray *problems)
{
  g_autoptr (GString) list = g_string_new (NULL);

  for (guint i = 0; problems != NULL && i < problems->len; i++)
    g_string_append_printf (list, i == 0 ? _ ("; left out was %s") : ", %s",
                            (const char *) g_ptr_array_index (problems, i));
  return g_strdup (list->str);
}

static void
set_no_model_error (const char *name, double scale, const GPtrArray *problems, GError **error)
{
  g_auto (GStrv) folders = atl_library_folders ();
  g_autofree char *searched = g_strjoinv (", ", folders);
  g_autofree char *left_out = list_problems (problems);

  if (*name != '\0' && scale <= 1.0 + SCALE_TOLERANCE)
    g_set_error (error, ATL_ERROR, ATL_ERROR_MODEL,
                 _ ("The model '%s' enlarges, but a scale of 1 needs one that only cleans"), name);
  else if (*name != '\0')
    g_set_error (error, ATL_ERROR, ATL_ERROR_MODEL,
                 _ ("The model '%s' only cleans, but a scale of %g needs one that enlarges"), name,
                 scale);
  else if (scale <= 1.0 + SCALE_TOLERANCE)
    g_set_error (error, ATL_ERROR, ATL_ERROR_MODEL,
                 _ ("There is no model that cleans, which a scale of 1 needs, in %s%s"), searched,
                 left_out);
  else
    g_set_error (error, ATL_ERROR, ATL_ERROR_MODEL, _ ("There is no model that enlarges in %s%s"),
                 searched, left_out);
}

/* Loads a candidate, if it was not already; the number of its network, or -1. */
static int
load_network (UpscaleJob *job, const Candidate *candidate, GError **error)
{
  for (int i = 0; i < job->n_networks; i++)
    if (strcmp (job->networks[i].name, candidate->name) == 0)
      return i;

  Network *network = &job->networks[job->n_networks];
  network->model = atl_model_load (candidate->path, "upscale", error);
  if (network->model == NULL)
    return -1;

  network->name = g_strdup (candidate->name);
  job->n_networks++;
  network->prepared = atl_prepared_new (network->model->graph, network->model->parameters,
                                        atl_backend_default (), error);
  return network->prepared != NULL ? job->n_networks - 1 : -1;
}

static gboolean
choose_stages (UpscaleJob *job, const char *model, GError **error)
{
  g_autoptr (GPtrArray) problems = NULL;
  g_autoptr (GPtrArray) candidates = *model != '\0' ? named_candidate (model, error)
                                                    : installed_candidates (&problems);
  double remaining = job->scale;

  if (candidates == NULL)
    return FALSE;

  do
    {
      const Candidate *candidate = choose_candidate (candidates, remaining);

      if (candidate == NULL)
        {
          set_no_model_error (model, job->scale, problems, error);
          return FALSE;
        }

      const int network = load_network (job, candidate, error);
      if (network < 0)
        return FALSE;

      job->stages[job->all.n_stages++] = (AtlStage) {
        .prepared = job->networks[network].prepared,
        .factor = candidate->factor,
      };
      remaining /= candidate->factor;
    }
  while (remaining > 1.0 + SCALE_TOLERANCE);

  return TRUE;
}

static void
upscale_free (AtlJob *job)
{
  UpscaleJob *upscale = (UpscaleJob *) job;

  for (int i = 0; i < upscale->n_networks; i++)
    {
      g_free (upscale->networks[i].name);
      atl_prepared_free (upscale->networks[i].prepared);
      atl_model_free (upscale->networks[i].model);
    }
  g_free (upscale);
}

/* "'upscale-x4', 'upscale-x2'"; owned by the caller. */
static char *
model_names (const UpscaleJob *job)
{
  g_autoptr (GString) names = g_string_new (NULL);

  for (int i = 0; i < job->n_networks; i++)
    g_string_append_printf (names, i == 0 ? _ ("'%s'") : _ (", '%s'"), job->networks[i].name);
  return g_strdup (names->str);
}

static AtlJob *
upscale_new (const AtlFilter *filter, const AtlSettings *settings, GError **error)
{
  UpscaleJob *job = g_new0 (UpscaleJob, 1);

  job->scale = atl_settings_number (settings, "scale");
  job->all.stages = job->stages;
  job->all.average = atl_settings_number (settings, "quality") == QUALITY_BEST;
  if (! choose_stages (job, atl_settings_string (settings, "model"), error))
    {
      upscale_free (&job->job);
      return NULL;
    }
  return &job->job;
}

static GeglBuffer *
upscale_run (AtlJob *job, GeglBuffer *input, int width, int height, const AtlProgress *progress,
             GError **error)
{
  const UpscaleJob *upscale = (const UpscaleJob *) job;
  GError *cause = NULL;
  GeglBuffer *result = atl_apply_stages (&upscale->all, input, width, height, progress, &cause);

  if (g_error_matches (cause, ATL_ERROR, ATL_ERROR_RESULT))
    {
      g_autofree char *names = model_names (upscale);
      g_prefix_error (&cause, "%s: ", names);
    }
  if (cause != NULL)
    g_propagate_error (error, cause);
  return result;
}

static double
upscale_scale (const AtlJob *job)
{
  return ((const UpscaleJob *) job)->scale;
}

static double
upscale_seconds (const AtlJob *job, int width, int height, GError **error)
{
  return atl_apply_seconds (&((const UpscaleJob *) job)->all, width, height, error);
}

static size_t
upscale_memory (const AtlJob *job, int width, int height)
{
  return atl_apply_memory (&((const UpscaleJob *) job)->all, width, height);
}

static char *
upscale_describe (const AtlJob *job)
{
  g_autofree char *names = model_names ((const UpscaleJob *) job);

  return g_strdup_printf (P_ ("%s on the processor (%s), %d thread",
                              "%s on the processor (%s), %d threads", atl_threads_count ()),
                          names, atl_cpu_level_title (atl_cpu_level ()), atl_threads_count ());
}

const AtlFilter atl_filter_upscale = {
  .name = "upscale",
  .task = "upscale",
  .label = N_ ("_Upscale…"),
  .blurb = N_ ("Enlarge an image by a neural network"),
  .help = N_ (
      "Enlarges the image as Scale Image does, with its layers, masks, channels, paths and "
      "guides, and computes the pixels by a network that has learned from photos what small "
      "details look like when they are large."),
  .image_types = "RGB*, GRAY*",
  .result = ATL_RESULT_RESIZED_IMAGE,
  .params = params,
  .n_params = G_N_ELEMENTS (params),
  .job_new = upscale_new,
  .job_free = upscale_free,
  .job_run = upscale_run,
  .job_scale = upscale_scale,
  .job_seconds = upscale_seconds,
  .job_memory = upscale_memory,
  .job_describe = upscale_describe,
};
