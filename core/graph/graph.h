/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A network as a list of operators. A graph knows shapes, parameters and cost, but holds no numbers and
 * computes nothing: AtlPlan does. It is built once, front to back, and not changed afterwards.
 */

#pragma once

#include "backends/backend.h"

G_BEGIN_DECLS

typedef struct AtlGraph AtlGraph;

/* The number of a node in its graph; what an operator returns is its output. */
typedef int AtlNode;

typedef enum
{
  ATL_PARAMETER_WEIGHT, /* of a convolution, O x I x K x K; of a transposed one I x O x K x K */
  ATL_PARAMETER_BIAS,   /* of a convolution, O */
  ATL_PARAMETER_GAMMA,  /* of a batch normalisation, C; starts at 1 */
  ATL_PARAMETER_BETA,   /* C; starts at 0 */
  ATL_PARAMETER_RUNNING_MEAN,    /* C; starts at 0; not trained by gradients */
  ATL_PARAMETER_RUNNING_VARIANCE /* C; starts at 1; not trained by gradients */
} AtlParameterRole;

typedef struct
{
  char *name; /* as in the weight file: "features.0.weight" */
  AtlParameterRole role;
  int n_dims;
  int dims[4];   /* outermost first */
  size_t size;   /* the product of dims */
  size_t offset; /* of its first number in AtlParameters' values */
  int shuffle;   /* factor of the pixel shuffle that its convolution feeds, else 1 */
} AtlParameter;

/* One operator, for people to read. */
typedef struct
{
  const char *kind;    /* "conv2d" */
  const char *name;    /* the prefix of its parameters' names; NULL if it has none */
  AtlShape output;     /* the shape of what it computes */
  size_t n_parameters; /* numbers in the weight file */
  double multiply_adds;
} AtlLayer;

/* Building. Names are the prefixes of parameter names in the weight file. */

AtlGraph *atl_graph_new (int n_input_channels);
void atl_graph_free (AtlGraph *graph);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlGraph, atl_graph_free)

AtlNode atl_graph_input (const AtlGraph *graph);

/* Convolution with a square kernel, zero padding on all sides and a bias; parameters NAME.weight and
 * NAME.bias. */
AtlNode atl_graph_conv2d (AtlGraph *graph, AtlNode x, const char *name, int n_channels, int kernel,
                          int stride, int padding);
/* The same without NAME.bias, for a normalisation that follows and has one. */
AtlNode atl_graph_conv2d_without_bias (AtlGraph *graph, AtlNode x, const char *name, int n_channels,
                                       int kernel, int stride, int padding);
/* Transposed convolution with a kernel of 2 x 2 and stride 2, to twice the sides; parameters NAME.weight,
 * I x O x 2 x 2, and NAME.bias. */
AtlNode atl_graph_conv_transpose2d (AtlGraph *graph, AtlNode x, const char *name, int n_channels);
AtlNode atl_graph_relu (AtlGraph *graph, AtlNode x);
/* a + gain b, of equal shapes; or a is larger by an even number of rows and of columns, and its middle is
 * taken. */
AtlNode atl_graph_scaled_add (AtlGraph *graph, AtlNode a, AtlNode b, float gain);
/* C f f x H x W to C x H f x W f. */
AtlNode atl_graph_pixel_shuffle (AtlGraph *graph, AtlNode x, int factor);
/* Nearest-neighbour enlargement. */
AtlNode atl_graph_upsample (AtlGraph *graph, AtlNode x, int factor);
/* The largest of kernel x kernel numbers; what lies in the padding does not count. */
AtlNode atl_graph_max_pool (AtlGraph *graph, AtlNode x, int kernel, int stride, int padding);
/* The same with sides rounded up, ceil ((size + 2 padding - kernel) / stride) + 1: a last window that ends beyond the
 * picture, but begins before its end, counts too, as in Caffe and with PyTorch's ceil_mode. A side smaller than the
 * kernel has one window. */
AtlNode atl_graph_max_pool_ceil (AtlGraph *graph, AtlNode x, int kernel, int stride, int padding);
/* The picture mirrored beyond its edges by so many pixels on each side. */
AtlNode atl_graph_reflection_pad (AtlGraph *graph, AtlNode x, int padding);
/* The channels of a, then those of b. */
AtlNode atl_graph_concat (AtlGraph *graph, AtlNode a, AtlNode b);
/* Added to the variance under the root, as PyTorch does. */
#define ATL_BATCH_NORM_EPSILON 1e-5f
/* Parameters NAME.weight (gamma), NAME.bias (beta), NAME.running_mean, NAME.running_var; momentum of the running
 * statistics 0.1. */
AtlNode atl_graph_batch_norm (AtlGraph *graph, AtlNode x, const char *name);
/* Makes a tensor inside the network one that a training plan shows, and takes the gradient of, beside the
 * output's: the features of a loss network. Taps are numbered from 0. */
void atl_graph_add_tap (AtlGraph *graph, AtlNode x);
/* Ends the building. */
void atl_graph_set_output (AtlGraph *graph, AtlNode x);

/* Asking. */

/* The shape of the output for an input of this shape. */
AtlShape atl_graph_output_shape (const AtlGraph *graph, const AtlShape *input);
int atl_graph_n_taps (const AtlGraph *graph);
/* Multiply-adds of the convolutions, counted as direct ones. */
double atl_graph_multiply_adds (const AtlGraph *graph, const AtlShape *input);
/* Input pixels on each side of a pixel that its output depends on. */
int atl_graph_halo (const AtlGraph *graph);

/* The operators in the order of computation, for an input of this shape: an array of 'n_layers', freed
 * by g_free (); the strings are borrowed as long as the graph lives. */
AtlLayer *atl_graph_layers (const AtlGraph *graph, const AtlShape *input, int *n_layers);

int atl_graph_n_parameters (const AtlGraph *graph);
/* Borrowed as long as the graph lives. */
const AtlParameter *atl_graph_parameter (const AtlGraph *graph, int index);
/* The number of floats that all parameters take, each starting on a multiple of 16 and its padding
 * zero, so that vectors may be read in whole blocks. */
size_t atl_graph_parameters_size (const AtlGraph *graph);
/* Whether gradients train this role. */
gboolean atl_parameter_role_is_trained (AtlParameterRole role);

G_END_DECLS
