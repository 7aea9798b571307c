/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Pictures and small networks for the tests of this folder.
 */

#include "pictures.h"

#include <CUnit/CUnit.h>
#include <math.h>

#include "base/memory.h"
#include "base/random.h"

static void
prepare (AtlTestModel *model, const float *parameters)
{
  model->prepared = atl_prepared_new (model->graph, parameters, atl_backend_cpu (), NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (model->prepared);
}

static AtlGraph *
random_graph (int factor)
{
  AtlGraph *g = atl_graph_new (3);
  AtlNode x = atl_graph_conv2d (g, atl_graph_input (g), "first", 8, 5, 1, 2);

  for (int block = 0; block < 3; block++)
    {
      g_autofree char *name = g_strdup_printf ("block%d", block);
      AtlNode h = atl_graph_relu (g, atl_graph_conv2d (g, x, name, 8, 7, 1, 3));

      x = atl_graph_scaled_add (g, x, h, 0.5f);
    }
  for (int size = 2; size <= factor; size *= 2)
    {
      g_autofree char *name = g_strdup_printf ("up%d", size);

      x = atl_graph_pixel_shuffle (g, atl_graph_conv2d (g, x, name, 32, 3, 1, 1), 2);
    }
  x = atl_graph_batch_norm (g, x, "norm");
  atl_graph_set_output (g, atl_graph_conv2d (g, x, "last", 3, 3, 1, 1));
  return g;
}

void
atl_test_model_init (AtlTestModel *model, int factor)
{
  AtlRandom random;

  model->graph = random_graph (factor);
  g_autoptr (AtlFloats)
      parameters = atl_floats_new (atl_graph_parameters_size (model->graph), "a test", NULL);

  atl_random_init (&random, 11, (guint64) factor);
  for (int i = 0; i < atl_graph_n_parameters (model->graph); i++)
    {
      const AtlParameter *p = atl_graph_parameter (model->graph, i);
      const gboolean last = g_str_has_prefix (p->name, "last");
      const double spread = sqrt (1.5 * p->dims[0] / (double) p->size) * (last ? 0.15 : 1.0);

      for (size_t k = 0; k < p->size; k++)
        parameters[p->offset + k] = p->n_dims == 4 ? (float) (spread * atl_random_normal (&random))
                                    : p->role == ATL_PARAMETER_GAMMA
                                            || p->role == ATL_PARAMETER_RUNNING_VARIANCE
                                        ? 1.0f
                                    : last ? 0.5f
                                           : 0.0f;
    }
  prepare (model, parameters);
}

void
atl_test_model_init_copy (AtlTestModel *model, int factor, float gain, float bias)
{
  const int n = factor * factor;
  AtlGraph *g = model->graph = atl_graph_new (3);
  AtlNode x = atl_graph_conv2d (g, atl_graph_input (g), "copy", 3 * n, 1, 1, 0);

  atl_graph_set_output (g, factor > 1 ? atl_graph_pixel_shuffle (g, x, factor) : x);

  g_autoptr (AtlFloats) parameters = atl_floats_new (atl_graph_parameters_size (g), "a test", NULL);
  const AtlParameter *weight = atl_graph_parameter (g, 0), *shift = atl_graph_parameter (g, 1);

  for (int o = 0; o < 3 * n; o++)
    {
      parameters[weight->offset + (size_t) o * 3 + o / n] = gain;
      parameters[shift->offset + o] = bias;
    }
  prepare (model, parameters);
}

void
atl_test_model_clear (AtlTestModel *model)
{
  atl_prepared_free (model->prepared);
  atl_graph_free (model->graph);
}

GeglBuffer *
atl_test_picture (const Babl *format, int width, int height)
{
  GeglBuffer *buffer = gegl_buffer_new (GEGL_RECTANGLE (0, 0, width, height), format);
  const Babl *floats = babl_format_with_space ("R~G~B~A float", babl_format_get_space (format));
  g_autofree float *rgba = g_new (float, (gsize) width *height * 4);
  AtlRandom random;

  atl_random_init (&random, 2, 0);
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      {
        float *pixel = rgba + ((gsize) y * width + x) * 4;
        const float edge = (x / 5 + y / 7) % 2 == 0 ? 0.3f : 0.0f;

        pixel[0] = edge + 0.6f * (float) x / (float) width;
        pixel[1] = 0.35f + 0.3f * sinf (0.3f * (float) (x + y)) + edge;
        pixel[2] = (float) atl_random_uniform (&random);
        pixel[3] = (x / 9 + y / 9) % 3 == 0 ? 0.0f : 0.5f + 0.5f * cosf (0.1f * (float) x);
      }
  gegl_buffer_set (buffer, NULL, 0, floats, rgba, GEGL_AUTO_ROWSTRIDE);
  return buffer;
}

float *
atl_test_pixels (GeglBuffer *buffer, const char *format, size_t *n)
{
  const Babl *floats = babl_format_with_space (
      format, babl_format_get_space (gegl_buffer_get_format (buffer)));
  const GeglRectangle *extent = gegl_buffer_get_extent (buffer);

  *n = (size_t) extent->width * extent->height * babl_format_get_n_components (floats);
  float *pixels = g_new (float, *n);
  gegl_buffer_get (buffer, extent, 1.0, floats, pixels, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
  return pixels;
}

double
atl_test_difference (GeglBuffer *a, GeglBuffer *b)
{
  size_t n, n_b;
  g_autofree float *pixels = atl_test_pixels (a, "R~G~B~A float", &n);
  g_autofree float *pixels_b = atl_test_pixels (b, "R~G~B~A float", &n_b);
  double largest = 0.0;

  if (! gegl_rectangle_equal (gegl_buffer_get_extent (a), gegl_buffer_get_extent (b)))
    return INFINITY;
  for (size_t i = 0; i < n; i++)
    {
      const double difference = fabs ((double) pixels[i] - (double) pixels_b[i]);

      if (difference > largest)
        largest = difference;
    }
  return largest;
}
