/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the files of the command 'atelier evaluate' share: measuring one picture, and printing the scores.
 */

#pragma once

#include "base/progress.h"
#include "filters/filter.h"
#include "train/degrade.h"
#include "train/pairs.h"
#include "train/perceptual-distance.h"

G_BEGIN_DECLS

/* Ways to get the original back from the picture that was made of it. */
typedef enum
{
  ATL_METHOD_MODEL,
  ATL_METHOD_BICUBIC,
  ATL_METHOD_LANCZOS,
  ATL_METHOD_UNCHANGED, /* that picture as it is */
  ATL_N_METHODS
} AtlMethod;

/* How near the result of a method is to the original. */
typedef struct
{
  double psnr, ssim; /* of luma, see train/quality.h */
  double distance;   /* see train/perceptual-distance.h; 0 where it is not asked for */
} AtlScore;

/* The scores of a picture, or their means over a set. */
typedef struct
{
  char *name;        /* of a picture; NULL for the mean */
  int width, height; /* of the large picture; 0 for the mean */
  AtlScore scores[ATL_N_METHODS];
} AtlResult;

void atl_result_clear (AtlResult *result);

/* The mean of an array of AtlResult. */
AtlResult atl_results_mean (const GArray *results);

/* What is measured; all is borrowed. */
typedef struct
{
  const char *model; /* as it was typed */
  AtlJob *job;
  int scale;                       /* 1: the model cleans, and gets what the original has become */
  const char *save;                /* a folder for the pictures, or NULL */
  const AtlPerceptual *perceptual; /* NULL if no distances are asked for */
  const char *perceptual_weights;  /* its file, as it was typed */
  const AtlDegradation
      *degradation;    /* of the pictures that the model gets; NULL if they are as they were made */
  const char *degrade; /* the same, as it was typed */
} AtlEvaluation;

/* The methods that are compared: the model, then the one over which it gains, then others. An array of 'n', borrowed. */
const AtlMethod *atl_evaluation_methods (const AtlEvaluation *evaluation, int *n);

/* A picture's name without its ending, as it is saved; owned by the caller. */
char *atl_picture_stem (const char *path);

/* Reads a picture, makes it smaller, and degrades that: the same each time for a picture of the same name.
 * ATL_ERROR_SHAPE if it is too small to be measured. */
gboolean atl_evaluated_pair_init (AtlPair *pair, const AtlEvaluation *evaluation, const char *path,
                                  GError **error);

/* Enlarges and measures the pair of the picture at 'path', and saves what is to be saved. */
gboolean atl_evaluate_pair (AtlResult *result, const AtlEvaluation *evaluation, const char *path,
                            const AtlPair *pair, const AtlProgress *progress, GError **error);

/* Print to stdout the results of sets: names of sets, and for each a GArray of AtlResult that ends in the mean. */
void atl_evaluation_print_table (const AtlEvaluation *evaluation, const GPtrArray *names,
                                 const GPtrArray *sets);
void atl_evaluation_print_json (const AtlEvaluation *evaluation, const GPtrArray *names,
                                const GPtrArray *sets);

G_END_DECLS
