/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a filter is: one description from which GIMP's arguments and dialogs, the command line's options
 * and the GEGL operations' properties are all made, and the functions that compute.
 *
 * No host repeats a name, a label, a range or a default. A new parameter is one new line at the end of
 * the filter's table (GIMP 2.10's arguments are positional).
 */

#pragma once

#include <gegl.h>

#include "base/error.h"
#include "base/progress.h"

G_BEGIN_DECLS

typedef enum
{
  ATL_PARAM_NUMBER,  /* double, minimum..maximum */
  ATL_PARAM_INTEGER, /* whole number, minimum..maximum */
  ATL_PARAM_BOOLEAN, /* 0 or 1 */
  ATL_PARAM_CHOICE,  /* one of the choices, by its index in the table */
  ATL_PARAM_MODEL, /* string: name or path of a weight file for the filter's task; "" = the best one */
  ATL_PARAM_FILE /* string: path of a file; "" = none */
} AtlParamKind;

typedef struct
{
  const char *name;  /* as typed: "best" */
  const char *label; /* as shown, marked by N_() */
} AtlChoice;

typedef struct
{
  const char *name;  /* lower case with hyphens: "brush-size" */
  const char *label; /* with a mnemonic, marked by N_() */
  const char *blurb; /* one sentence, marked by N_() */
  AtlParamKind kind;
  double minimum, maximum; /* of numbers */
  double initial; /* of numbers, booleans (0, 1) and choices (an index); strings start as "" */
  const AtlChoice *choices;
  int n_choices;
  gboolean of_layers; /* says which layers of an image are meant: no use for a file */
} AtlParam;

typedef enum
{
  ATL_RESULT_PIXELS,        /* as large as the input: replaces the pixels */
  ATL_RESULT_RESIZED_IMAGE, /* another size: the whole image is resized */
  ATL_RESULT_MASK           /* one channel, 0..1 */
} AtlResultKind;

typedef struct AtlFilter AtlFilter;

/* The values of a filter's parameters. */
typedef struct AtlSettings AtlSettings;

/* What is ready to compute: the model is loaded, the work may be done for many buffers. */
typedef struct AtlJob AtlJob;

struct AtlFilter
{
  const char *name;        /* "upscale": the command, and the procedure plug-in-atelier-upscale */
  const char *task;        /* the task of its models, as in their cards */
  const char *label;       /* of the menu entry, with mnemonic, marked by N_() */
  const char *blurb;       /* one sentence, marked by N_() */
  const char *help;        /* a paragraph, marked by N_() */
  const char *image_types; /* as GIMP writes them: "RGB*, GRAY*" */
  AtlResultKind result;
  const AtlParam *params;
  int n_params;

  AtlJob *(*job_new) (const AtlFilter *filter, const AtlSettings *settings, GError **error);
  void (*job_free) (AtlJob *job);
  GeglBuffer *(*job_run) (AtlJob *job, GeglBuffer *input, int width, int height,
                          const AtlProgress *progress, GError **error);
  double (*job_scale) (const AtlJob *job);
  double (*job_seconds) (const AtlJob *job, int width, int height, GError **error);
  size_t (*job_memory) (const AtlJob *job, int width, int height);
  char *(*job_describe) (const AtlJob *job);
};

/* The filters: a NULL-ended list. */
ATL_PUBLIC const AtlFilter *const *atl_filters (void);
/* NULL if there is none of this name. */
ATL_PUBLIC const AtlFilter *atl_filter_find (const char *name);

/* Settings with every parameter at its initial value. */
ATL_PUBLIC AtlSettings *atl_settings_new (const AtlFilter *filter);
ATL_PUBLIC void atl_settings_free (AtlSettings *settings);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlSettings, atl_settings_free)

/* Setting a value; ATL_ERROR_ARGUMENT, with the range or the choices in the message, if it is not
 * possible. Numbers for numbers, booleans and choices (index), strings for models and files; parse takes
 * any of them as text ("2", "yes", "best"). */
ATL_PUBLIC gboolean atl_settings_set_number (AtlSettings *settings, const char *name, double value,
                                             GError **error);
ATL_PUBLIC gboolean atl_settings_set_string (AtlSettings *settings, const char *name,
                                             const char *value, GError **error);
ATL_PUBLIC gboolean atl_settings_parse (AtlSettings *settings, const char *name, const char *text,
                                        GError **error);
ATL_PUBLIC double atl_settings_number (const AtlSettings *settings, const char *name);
/* Borrowed until it is set anew; never NULL. */
ATL_PUBLIC const char *atl_settings_string (const AtlSettings *settings, const char *name);

/* Loads what the settings ask for. */
ATL_PUBLIC AtlJob *atl_job_new (const AtlFilter *filter, const AtlSettings *settings,
                                GError **error);
ATL_PUBLIC void atl_job_free (AtlJob *job);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlJob, atl_job_free)

/* Computes the result for a buffer, which is only read: its extent is the picture. The result is a new
 * buffer at (0, 0) in the precision, space and channels of the input (a mask: "Y' float"), checked: no
 * NaN, no infinity, no constant from a picture that is none. A filter that resizes makes it 'width' x
 * 'height', which the host computes from atl_job_scale () with the rounding of its own; others ignore
 * these. On any error, and when cancelled, there is no result. */
ATL_PUBLIC GeglBuffer *atl_job_run (AtlJob *job, GeglBuffer *input, int width, int height,
                                    const AtlProgress *progress, GError **error);

/* The factor from the input's sides to the result's; 1 for filters that do not resize. */
ATL_PUBLIC double atl_job_scale (const AtlJob *job);

/* The seconds that a picture of this size will take, from a short trial on this machine; negative and an
 * error if memory is short. */
ATL_PUBLIC double atl_job_seconds (const AtlJob *job, int width, int height, GError **error);

/* The bytes that it will take at a time, beside the model itself and GEGL's buffers. */
ATL_PUBLIC size_t atl_job_memory (const AtlJob *job, int width, int height);

/* For people: which models run, and where; owned by the caller. */
ATL_PUBLIC char *atl_job_describe (const AtlJob *job);

G_END_DECLS
