/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The architectures there are.
 */

#include "nets/network.h"

#include <string.h>

#include "base/error.h"
#include "base/i18n.h"
#include "base/json.h"
#include "base/text.h"

/* A member of a config. Its limits keep a hostile card from asking for wild amounts of memory. */
typedef struct
{
  const char *name;
  size_t offset; /* of the int in AtlNetworkConfig */
  int minimum, maximum;
} Member;

static const Member members[] = {
  { "scale", G_STRUCT_OFFSET (AtlNetworkConfig, scale), 1, 8 },
  { "width", G_STRUCT_OFFSET (AtlNetworkConfig, width), 1, 512 },
  { "blocks", G_STRUCT_OFFSET (AtlNetworkConfig, blocks), 0, 64 },
};
_Static_assert (G_N_ELEMENTS (members) == sizeof (AtlNetworkConfig) / sizeof (int),
                "a name and limits each");

typedef struct
{
  const char *name, *task;
  AtlNetworkConfig initial; /* a member that is 0 here is none of this architecture's */
  AtlGraph *(*build) (const AtlNetworkConfig *config);
  gboolean (*supply) (const AtlParameter *parameter, float *values); /* NULL for nothing */
} Architecture;

static AtlGraph *
build_sr_resnet (const AtlNetworkConfig *config)
{
  return atl_sr_resnet_new (config->scale, config->width, config->blocks);
}

static AtlGraph *
build_vgg16_bn (const AtlNetworkConfig *config)
{
  return atl_vgg16_bn_new (ATL_VGG_STAGES);
}

static AtlGraph *
build_vgg19_16x (const AtlNetworkConfig *config)
{
  return atl_vgg19_16x_new (ATL_VGG_STAGES);
}

static const Architecture architectures[] = {
  { "sr-resnet", "upscale", { .scale = 2, .width = 64, .blocks = 8 }, build_sr_resnet },
  { "vgg16-bn", "loss", { 0 }, build_vgg16_bn, atl_vgg16_bn_supply },
  { "vgg19-16x", "loss", { 0 }, build_vgg19_16x },
};

enum
{
  N_ARCHITECTURES = G_N_ELEMENTS (architectures)
};

static const Architecture *
find_architecture (const char *name, GError **error)
{
  for (int i = 0; i < N_ARCHITECTURES; i++)
    if (strcmp (architectures[i].name, name) == 0)
      return &architectures[i];

  g_set_error (error, ATL_ERROR, ATL_ERROR_MODEL,
               _ ("the architecture '%s' is unknown to this version of Atelier"), name);
  return NULL;
}

static int *
member_of (const AtlNetworkConfig *config, const Member *member)
{
  return (int *) G_STRUCT_MEMBER_P (config, member->offset);
}

static gboolean
has_member (const Architecture *architecture, const Member *member)
{
  return *member_of (&architecture->initial, member) != 0;
}

static gboolean
check_config (const Architecture *architecture, const AtlNetworkConfig *config, AtlError code,
              GError **error)
{
  for (size_t i = 0; i < G_N_ELEMENTS (members); i++)
    {
      const int value = *member_of (config, &members[i]);

      if (has_member (architecture, &members[i])
          && (value < members[i].minimum || value > members[i].maximum))
        {
          g_set_error (error, ATL_ERROR, code, _ ("'%s' is %d, but must be from %d to %d"),
                       members[i].name, value, members[i].minimum, members[i].maximum);
          return FALSE;
        }
    }

  if ((config->scale & (config->scale - 1)) != 0)
    {
      g_set_error (error, ATL_ERROR, code, _ ("'scale' is %d, but must be 1, 2, 4 or 8"),
                   config->scale);
      return FALSE;
    }
  return TRUE;
}

static gboolean
read_member (const Architecture *architecture, AtlNetworkConfig *config, const char *name,
             JsonNode *value, GError **error)
{
  for (size_t i = 0; i < G_N_ELEMENTS (members); i++)
    if (strcmp (members[i].name, name) == 0 && has_member (architecture, &members[i]))
      {
        if (! JSON_NODE_HOLDS_VALUE (value) || json_node_get_value_type (value) != G_TYPE_INT64)
          {
            g_set_error (error, ATL_ERROR, ATL_ERROR_FORMAT, _ ("'%s' is no whole number"), name);
            return FALSE;
          }

        /* What is outside of an int is outside of the limits too. */
        *member_of (config, &members[i]) = (int) CLAMP (json_node_get_int (value), -1, G_MAXINT);
        return TRUE;
      }

  g_autofree char *shown = atl_text_shown (name);
  g_set_error (error, ATL_ERROR, ATL_ERROR_FORMAT, _ ("'%s' is unknown"), shown);
  return FALSE;
}

static gboolean
read_config (const Architecture *architecture, AtlNetworkConfig *config, const char *json,
             GError **error)
{
  g_autoptr (JsonNode) root = atl_json_parse (json, error);
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;

  if (root == NULL)
    return FALSE;
  if (! JSON_NODE_HOLDS_OBJECT (root))
    {
      g_set_error (error, ATL_ERROR, ATL_ERROR_FORMAT, _ ("not a JSON object"));
      return FALSE;
    }

  json_object_iter_init (&iter, json_node_get_object (root));
  while (json_object_iter_next (&iter, &name, &value))
    if (! read_member (architecture, config, name, value, error))
      return FALSE;

  return check_config (architecture, config, ATL_ERROR_FORMAT, error);
}

gboolean
atl_network_config_parse (AtlNetworkConfig *config, const char *arch, const char *json,
                          GError **error)
{
  const Architecture *architecture = find_architecture (arch, error);

  if (architecture == NULL)
    return FALSE;

  *config = architecture->initial;
  if (read_config (architecture, config, json, error))
    return TRUE;

  g_prefix_error (error, _ ("the config of '%s': "), arch);
  return FALSE;
}

char *
atl_network_config_to_json (const char *arch, const AtlNetworkConfig *config)
{
  const Architecture *architecture = find_architecture (arch, NULL);
  g_autoptr (GString) json = g_string_new ("{");

  g_return_val_if_fail (architecture != NULL, NULL);

  for (size_t i = 0; i < G_N_ELEMENTS (members); i++)
    if (has_member (architecture, &members[i]))
      g_string_append_printf (json, "%s\"%s\": %d", json->len > 1 ? ", " : "", members[i].name,
                              *member_of (config, &members[i]));
  g_string_append_c (json, '}');
  return g_strdup (json->str);
}

AtlGraph *
atl_network_new (const char *arch, const AtlNetworkConfig *config, GError **error)
{
  const Architecture *architecture = find_architecture (arch, error);

  if (architecture == NULL || ! check_config (architecture, config, ATL_ERROR_ARGUMENT, error))
    return NULL;
  return architecture->build (config);
}

const char *
atl_network_name (int index)
{
  return index >= 0 && index < N_ARCHITECTURES ? architectures[index].name : NULL;
}

const char *
atl_network_task (const char *arch)
{
  const Architecture *architecture = find_architecture (arch, NULL);

  return architecture != NULL ? architecture->task : NULL;
}

gboolean
atl_network_supply (const char *arch, const AtlParameter *parameter, float *values)
{
  const Architecture *architecture = find_architecture (arch, NULL);

  return architecture != NULL && architecture->supply != NULL
         && architecture->supply (parameter, values);
}
