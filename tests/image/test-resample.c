/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Resampling: MATLAB's numbers everywhere, Pillow's away from the borders, the same in any cut.
 */

#include "suite.h"

#include <math.h>

#include "base/memory.h"
#include "image/resample.h"

typedef struct
{
  AtlKernel kernel;
  int src_width, src_height, dst_width, dst_height;
  const float *matlab, *pillow;
} Golden;

#include "golden-resample.h"

/* The plane of golden-resample.py. */
static float *
source_new (int width, int height)
{
  float *source = atl_floats_new ((size_t) width * height, "test", NULL);

  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      source[y * width + x] = (37 * x + 59 * y + 11 * x * y) % 64 / 64.0f;
  return source;
}

static float *
resized_new (const Golden *g, const float *source, const AtlRegion *part)
{
  const AtlRegion whole_source = { 0, 0, g->src_width, g->src_height };
  g_autoptr (GError) error = NULL;
  g_autoptr (AtlResampler) resampler = atl_resampler_new (g->kernel, g->dst_width, g->dst_height,
                                                          g->src_width, g->src_height, &error);
  float *result = atl_floats_new ((size_t) part->width * part->height, "test", NULL);

  CU_ASSERT_PTR_NOT_NULL_FATAL (resampler);
  CU_ASSERT_TRUE (atl_resampler_run (resampler, result, part, source, &whole_source, &error));
  return result;
}

static void
equals_matlab (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (golden); i++)
    {
      const Golden *g = &golden[i];
      const AtlRegion whole = { 0, 0, g->dst_width, g->dst_height };
      g_autoptr (AtlFloats) source = source_new (g->src_width, g->src_height);
      g_autoptr (AtlFloats) result = resized_new (g, source, &whole);

      atl_test_close ("MATLAB", result, g->matlab, (size_t) g->dst_width * g->dst_height, 1e-6);
    }
}

/* How far from a side the kernel reaches outside, in destination pixels. */
static int
rim (const Golden *g, int n_dst, int n_src)
{
  const int radius = g->kernel == ATL_KERNEL_LINEAR ? 1 : g->kernel == ATL_KERNEL_BICUBIC ? 2 : 3;
  const double scale = (double) n_dst / n_src;

  return (int) ceil (radius * fmax (1.0, scale) + 0.5);
}

static void
equals_pillow_inside (void)
{
  int n_compared = 0;

  for (size_t i = 0; i < G_N_ELEMENTS (golden); i++)
    {
      const Golden *g = &golden[i];
      const AtlRegion whole = { 0, 0, g->dst_width, g->dst_height };
      const int rim_x = rim (g, g->dst_width, g->src_width);
      const int rim_y = rim (g, g->dst_height, g->src_height);
      g_autoptr (AtlFloats) source = source_new (g->src_width, g->src_height);
      g_autoptr (AtlFloats) result = resized_new (g, source, &whole);

      for (int y = rim_y; y < g->dst_height - rim_y; y++)
        for (int x = rim_x; x < g->dst_width - rim_x; x++, n_compared++)
          CU_ASSERT_DOUBLE_EQUAL (result[y * g->dst_width + x], g->pillow[y * g->dst_width + x],
                                  1e-6);
    }
  CU_ASSERT (n_compared > 200);
}

/* Each part is given only the source that it asks for. */
static void
parts_equal_whole (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (golden); i++)
    {
      const Golden *g = &golden[i];
      const AtlRegion whole = { 0, 0, g->dst_width, g->dst_height };
      g_autoptr (AtlFloats) source = source_new (g->src_width, g->src_height);
      g_autoptr (AtlFloats) expected = resized_new (g, source, &whole);
      g_autoptr (AtlResampler) resampler = atl_resampler_new (
          g->kernel, g->dst_width, g->dst_height, g->src_width, g->src_height, NULL);

      for (int y = 0; y < g->dst_height; y += 3)
        for (int x = 0; x < g->dst_width; x += 2)
          {
            const AtlRegion part = { x, y, MIN (2, g->dst_width - x), MIN (3, g->dst_height - y) };
            const AtlRegion from = atl_resampler_source_region (resampler, &part);
            float input[40 * 40], output[6];

            for (int r = 0; r < from.height; r++)
              for (int c = 0; c < from.width; c++)
                input[r * from.width + c] = source[(from.y + r) * g->src_width + from.x + c];
            CU_ASSERT_TRUE (atl_resampler_run (resampler, output, &part, input, &from, NULL));
            for (int r = 0; r < part.height; r++)
              for (int c = 0; c < part.width; c++)
                CU_ASSERT_EQUAL (output[r * part.width + c],
                                 expected[(y + r) * g->dst_width + x + c]);
          }
    }
}

static void
same_size_is_the_same (void)
{
  g_autoptr (AtlFloats) source = source_new (7, 5);
  g_autoptr (AtlFloats)
      result = atl_resized_plane_new (ATL_KERNEL_BICUBIC, 7, 5, source, 7, 5, NULL);

  CU_ASSERT_PTR_NOT_NULL_FATAL (result);
  for (int i = 0; i < 7 * 5; i++)
    CU_ASSERT_EQUAL (result[i], source[i]);
}

int
main (void)
{
  static const AtlTest tests[] = {
    { "equals MATLAB", equals_matlab },
    { "equals Pillow inside", equals_pillow_inside },
    { "parts equal the whole", parts_equal_whole },
    { "same size is the same", same_size_is_the_same },
  };

  return atl_suite_run ("resample", tests, G_N_ELEMENTS (tests));
}
