/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which part of each tensor a part of the result depends on: from the end of the network to its input,
 * every operator asks its own inputs for what it reads. Where a tensor is computed for one reader in a
 * larger part than another needs, the other one follows, until nothing grows any more.
 */

#include "graph/regions.h"

#include "base/rounding.h"
#include "graph/graph-private.h"

/* An interval of rows or of columns, from 'begin' to before 'end'. */
typedef struct
{
  int begin, end;
} Interval;

static int
conv_output_size (const AtlGraphNode *node, int size)
{
  return (size + 2 * node->padding - node->kernel) / node->stride + 1;
}

/* A window is no longer one if nothing but padding is in it. */
static int
pool_output_size (const AtlGraphNode *node, int size)
{
  if (! node->rounds_up)
    return conv_output_size (node, size);

  const int rest = MAX (0, size + 2 * node->padding - node->kernel);
  const int n = atl_divide_up (rest, node->stride) + 1;

  return (n - 1) * node->stride < size + node->padding ? n : n - 1;
}

AtlShape *
atl_graph_shapes (const AtlGraph *graph, const AtlShape *input)
{
  AtlShape *shapes = g_new (AtlShape, graph->nodes->len);

  for (AtlNode i = 0; i < (AtlNode) graph->nodes->len; i++)
    {
      const AtlGraphNode *node = atl_graph_node (graph, i);
      AtlShape *shape = &shapes[i];

      *shape = node->op == ATL_OP_INPUT ? *input : shapes[node->inputs[0]];
      shape->c = node->channels;

      switch (node->op)
        {
        case ATL_OP_MAX_POOL:
          shape->h = pool_output_size (node, shape->h);
          shape->w = pool_output_size (node, shape->w);
          break;
        case ATL_OP_CONV2D:
          shape->h = conv_output_size (node, shape->h);
          shape->w = conv_output_size (node, shape->w);
          break;
        case ATL_OP_CONV_TRANSPOSE2D:
          shape->h *= node->stride;
          shape->w *= node->stride;
          break;
        case ATL_OP_PIXEL_SHUFFLE:
        case ATL_OP_UPSAMPLE:
          shape->h *= node->factor;
          shape->w *= node->factor;
          break;
        case ATL_OP_REFLECTION_PAD:
          shape->h += 2 * node->padding;
          shape->w += 2 * node->padding;
          break;
        case ATL_OP_SCALED_ADD:
          shape->h = shapes[node->inputs[1]].h;
          shape->w = shapes[node->inputs[1]].w;
          break;
        case ATL_OP_INPUT:
        case ATL_OP_RELU:
        case ATL_OP_CONCAT:
        case ATL_OP_BATCH_NORM:
          break;
        }
    }

  return shapes;
}

/* What an operator really computes when 'wanted' is asked of it. */
static Interval
computed_interval (const AtlGraphNode *node, Interval wanted)
{
  if (node->op == ATL_OP_PIXEL_SHUFFLE || node->op == ATL_OP_UPSAMPLE)
    {
      const int f = node->factor;

      return (Interval) { wanted.begin / f * f, atl_round_up (wanted.end, f) };
    }

  return wanted;
}

/* What the pixels of 'interval' of a picture continued by 'padding' on each side read of its 'size' rows. */
static Interval
mirrored_interval (Interval interval, int padding, int size)
{
  Interval read = { size, 0 };

  for (int i = interval.begin - padding; i < interval.end - padding; i++)
    {
      read.begin = MIN (read.begin, atl_mirrored (i, size));
      read.end = MAX (read.end, atl_mirrored (i, size) + 1);
    }
  return read;
}

/* What an operator with an output of 'size_y' rows reads of an input of 'size' rows to compute 'interval'. */
static Interval
needed_interval (const AtlGraphNode *node, Interval interval, int size, int size_y)
{
  switch (node->op)
    {
    case ATL_OP_CONV2D:
    case ATL_OP_MAX_POOL:
      {
        const int begin = interval.begin * node->stride - node->padding;
        const int end = (interval.end - 1) * node->stride - node->padding + node->kernel;

        /* A kernel that lies wholly in the padding still is given a row to look at. */
        return (Interval) { CLAMP (begin, 0, size - 1), CLAMP (end, 1, size) };
      }
    case ATL_OP_CONV_TRANSPOSE2D:
      return (Interval) { interval.begin / node->stride,
                          atl_divide_up (interval.end, node->stride) };
    case ATL_OP_PIXEL_SHUFFLE:
    case ATL_OP_UPSAMPLE:
      return (Interval) { interval.begin / node->factor, interval.end / node->factor };
    case ATL_OP_REFLECTION_PAD:
      return mirrored_interval (interval, node->padding, size);
    case ATL_OP_SCALED_ADD:
      {
        const int cut = (size - size_y) / 2;

        return (Interval) { interval.begin + cut, interval.end + cut };
      }
    case ATL_OP_INPUT:
    case ATL_OP_RELU:
    case ATL_OP_CONCAT:
    case ATL_OP_BATCH_NORM:
      break;
    }

  return interval;
}

static Interval
interval_union (Interval a, Interval b)
{
  if (a.end <= a.begin)
    return b;
  return (Interval) { MIN (a.begin, b.begin), MAX (a.end, b.end) };
}

static gboolean
interval_equal (Interval a, Interval b)
{
  return a.begin == b.begin && a.end == b.end;
}

/* From the result to the input: every operator asks for what it reads. 'vertical' chooses the size. */
static void
ask_inputs (const AtlGraph *graph, const AtlShape *shapes, AtlNode result, gboolean vertical,
            Interval *intervals)
{
  for (AtlNode i = result; i > 0; i--)
    {
      const AtlGraphNode *node = atl_graph_node (graph, i);

      intervals[i] = computed_interval (node, intervals[i]);
      for (int k = 0; k < 2 && node->inputs[k] != ATL_NO_NODE; k++)
        {
          const AtlShape *shape = &shapes[node->inputs[k]];
          Interval *input = &intervals[node->inputs[k]];
          const Interval needed = vertical
                                      ? needed_interval (node, intervals[i], shape->h, shapes[i].h)
                                      : needed_interval (node, intervals[i], shape->w, shapes[i].w);

          *input = interval_union (*input, needed);
        }
    }
}

/* The kernels of some operators always work on the whole of an input. */
static Interval
forced_interval (const AtlGraph *graph, AtlNode i, const Interval *intervals)
{
  const AtlGraphNode *node = atl_graph_node (graph, i);

  switch (node->op)
    {
    case ATL_OP_RELU:
    case ATL_OP_BATCH_NORM:
      return intervals[node->inputs[0]];
    case ATL_OP_SCALED_ADD:
      return intervals[node->inputs[1]];
    case ATL_OP_PIXEL_SHUFFLE:
    case ATL_OP_UPSAMPLE:
      return (Interval) { intervals[node->inputs[0]].begin * node->factor,
                          intervals[node->inputs[0]].end * node->factor };
    case ATL_OP_INPUT:
    case ATL_OP_CONV2D:
    case ATL_OP_CONV_TRANSPOSE2D:
    case ATL_OP_MAX_POOL:
    case ATL_OP_REFLECTION_PAD:
    case ATL_OP_CONCAT:
      break;
    }

  return intervals[i];
}

/* From the input to the result; returns whether an interval grew. */
static gboolean
widen_outputs (const AtlGraph *graph, AtlNode result, Interval *intervals)
{
  gboolean grew = FALSE;

  for (AtlNode i = 1; i <= result; i++)
    {
      const Interval wider = interval_union (intervals[i], forced_interval (graph, i, intervals));

      grew = grew || ! interval_equal (wider, intervals[i]);
      intervals[i] = wider;
    }

  return grew;
}

static void
propagate (const AtlGraph *graph, const AtlShape *shapes, AtlNode result, gboolean vertical,
           Interval *intervals)
{
  do
    ask_inputs (graph, shapes, result, vertical, intervals);
  while (widen_outputs (graph, result, intervals));
}

AtlRegion *
atl_graph_regions (const AtlGraph *graph, const AtlShape *shapes, AtlNode result,
                   const AtlRegion *asked)
{
  const guint n_nodes = graph->nodes->len;
  g_autofree Interval *rows = g_new0 (Interval, n_nodes);
  g_autofree Interval *columns = g_new0 (Interval, n_nodes);
  AtlRegion *regions = g_new (AtlRegion, n_nodes);

  rows[result] = (Interval) { asked->y, asked->y + asked->height };
  columns[result] = (Interval) { asked->x, asked->x + asked->width };
  propagate (graph, shapes, result, TRUE, rows);
  propagate (graph, shapes, result, FALSE, columns);

  for (guint i = 0; i < n_nodes; i++)
    regions[i] = (AtlRegion) { .x = columns[i].begin,
                               .y = rows[i].begin,
                               .width = columns[i].end - columns[i].begin,
                               .height = rows[i].end - rows[i].begin };

  return regions;
}
