/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The architectures there are, by the name that stands in a card.
 */

#pragma once

#include "base/random.h"
#include "graph/graph.h"

G_BEGIN_DECLS

/* What a card's config may hold: of every architecture some of these, the others being 0. */
typedef struct
{
  int scale;  /* of the result's sides to the input's: 1, 2, 4, 8 */
  int width;  /* channels of the inner layers */
  int blocks; /* residual blocks */
} AtlNetworkConfig;

/* Reads a card's config, a JSON object; what is missing keeps the architecture's default. ATL_ERROR_MODEL
 * for an unknown architecture, ATL_ERROR_FORMAT for a bad config (unknown members, wild sizes). */
gboolean atl_network_config_parse (AtlNetworkConfig *config, const char *arch, const char *json,
                                   GError **error);

/* The opposite, for an architecture that there is; owned by the caller. */
char *atl_network_config_to_json (const char *arch, const AtlNetworkConfig *config);

/* Builds the graph; ATL_ERROR_MODEL for an unknown architecture, ATL_ERROR_ARGUMENT for a bad config. */
AtlGraph *atl_network_new (const char *arch, const AtlNetworkConfig *config, GError **error);

/* The name of an architecture, numbered from 0; NULL after the last. */
const char *atl_network_name (int index);

/* What networks of an architecture are for, as in a card: "upscale", or "loss" for those whose features losses compare,
 * and which no filter runs. NULL if the architecture is unknown. */
const char *atl_network_task (const char *arch);

/* Sets a parameter that files of other programs lack, since those do outside of the network what it is for. FALSE if
 * it is not such a one. */
gboolean atl_network_supply (const char *arch, const AtlParameter *parameter, float *values);

/* SrResnet, sr-resnet.c. */
AtlGraph *atl_sr_resnet_new (int scale, int width, int n_blocks);

/* Changes fresh parameters so that the network begins as nearest-neighbour enlargement: the first three
 * channels carry the colours through, and what the blocks and the other channels add begins as zero. A
 * training then learns details from its first step on. Needs a width of at least 3. */
void atl_sr_resnet_start_nearest (const AtlGraph *graph, float *parameters);

/* StyleResnet, style-resnet.c: of a picture of H x W, multiples of four, one of the same size. 'width' is the
 * channels of the first layer, a multiple of four. */
AtlGraph *atl_style_resnet_new (int width);

/* Unet34, unet.c, and Upsample34, upsample-head.c: logits of n_classes x H x W for a picture of H x W, multiples of 32;
 * one class is the foreground. */
AtlGraph *atl_unet34_new (int n_classes);
AtlGraph *atl_upsample34_new (int n_classes);

#define ATL_VGG_STAGES 5

/* Loss networks, vgg.c: the first 'n_stages' of five, each of which ends in a tap; the output is the last one. */
AtlGraph *atl_vgg16_bn_new (int n_stages);
AtlGraph *atl_vgg19_16x_new (int n_stages);

/* See atl_network_supply (): the normalisation of the input. */
gboolean atl_vgg16_bn_supply (const AtlParameter *parameter, float *values);

/* SqueezeNet 1.0 without its classifier, squeezenet.c: features of a picture of at least 7 x 7, whose colours are 0..255 in
 * the order blue, green, red, less 104, 117 and 123. Four taps, the last one the output: 96, 256, 512 and 512
 * channels at a half, a quarter, an eighth and a sixteenth of the sides. */
AtlGraph *atl_squeezenet_new (void);

/* Fresh parameters: convolutions Kaiming-normal (He et al., "Delving Deep into Rectifiers", ICCV 2015), ICNR where a
 * pixel shuffle follows, biases zero, normalisations that change nothing. */
void atl_network_init_parameters (const AtlGraph *graph, float *parameters, AtlRandom *random);

G_END_DECLS
