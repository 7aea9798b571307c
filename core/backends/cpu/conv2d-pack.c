/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Weights in the order in which the direct convolution reads them, see kernels.h.
 */

#include "backends/cpu/kernels.h"

#include "backends/cpu/blocks.h"
#include "base/threads.h"

typedef struct
{
  float *packed;
  const float *weight;
  const AtlConv2d *conv;
  gboolean transposed;
  int n_out, n_in; /* channels of what is written and read: c_out and c_in, or changed */
} Packing;

/* O x I x K x K, or with the channels changed and the kernel turned. */
static float
weight_at (const Packing *p, int o, int i, int tap)
{
  const int n_taps = p->conv->kernel * p->conv->kernel;

  if (o >= p->n_out)
    return 0.0f;
  if (p->transposed)
    return p->weight[((size_t) i * p->n_out + o) * n_taps + n_taps - 1 - tap];
  return p->weight[((size_t) o * p->n_in + i) * n_taps + tap];
}

/* A chunk is a block of output channels. */
static void
pack_block (int block, int worker, void *data)
{
  const Packing *p = data;
  const int n_taps = p->conv->kernel * p->conv->kernel;
  float *to = p->packed + (size_t) block * ATL_CPU_LANES * n_taps * p->n_in;

  for (int first = 0; first < p->n_in; first += ATL_CHANNEL_BLOCK)
    for (int tap = 0; tap < n_taps; tap++)
      for (int i = first; i < MIN (first + ATL_CHANNEL_BLOCK, p->n_in); i++)
        for (int lane = 0; lane < ATL_CPU_LANES; lane++)
          *to++ = weight_at (p, block * ATL_CPU_LANES + lane, i, tap);
}

size_t
atl_cpu_conv2d_packed_size (const AtlConv2d *conv, AtlPass pass)
{
  if (pass == ATL_PASS_WEIGHT)
    return 0;

  const int n_out = pass == ATL_PASS_DATA ? conv->c_in : conv->c_out;
  const int n_in = pass == ATL_PASS_DATA ? conv->c_out : conv->c_in;

  return (size_t) atl_divide_up (n_out, ATL_CPU_LANES) * ATL_CPU_LANES * n_in * conv->kernel
         * conv->kernel;
}

void
atl_cpu_conv2d_pack (float *packed, const float *weight, const AtlConv2d *conv, AtlPass pass)
{
  if (pass == ATL_PASS_WEIGHT)
    return;

  const gboolean transposed = pass == ATL_PASS_DATA;
  Packing p = {
    .packed = packed,
    .weight = weight,
    .conv = conv,
    .transposed = transposed,
    .n_out = transposed ? conv->c_in : conv->c_out,
    .n_in = transposed ? conv->c_out : conv->c_in,
  };

  atl_parallel_for (atl_divide_up (p.n_out, ATL_CPU_LANES), pack_block, &p);
}
