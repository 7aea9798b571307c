/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A filter's table of parameters as options of the command line.
 */

#include "cli/filter-options.h"

#include "base/i18n.h"

/* "How many times ... [2]": the parameter's sentence with its range and its initial value. */
static char *
describe_param (const AtlParam *param)
{
  GString *text = g_string_new (_ (param->blurb));

  switch (param->kind)
    {
    case ATL_PARAM_NUMBER:
      g_string_append_printf (text, _ (" (any number from %g to %g) [%g]"), param->minimum,
                              param->maximum, param->initial);
      break;
    case ATL_PARAM_INTEGER:
      g_string_append_printf (text, _ (" (%g to %g) [%g]"), param->minimum, param->maximum,
                              param->initial);
      break;
    case ATL_PARAM_BOOLEAN:
      g_string_append (text, param->initial != 0.0 ? " [yes]" : " [no]");
      break;
    case ATL_PARAM_CHOICE:
      g_string_append_printf (text, " [%s]", param->choices[(int) param->initial].name);
      break;
    case ATL_PARAM_MODEL:
    case ATL_PARAM_FILE:
      break;
    }
  return g_string_free (text, FALSE);
}

/* What the parameter's value is called, see options.h; owned by the caller. */
static char *
value_name (const AtlParam *param)
{
  switch (param->kind)
    {
    case ATL_PARAM_NUMBER:
    case ATL_PARAM_INTEGER:
      return g_strdup (N_ ("N"));
    case ATL_PARAM_BOOLEAN:
      return g_strdup ("yes|no");
    case ATL_PARAM_CHOICE:
      {
        GString *names = g_string_new (param->choices[0].name);

        for (int i = 1; i < param->n_choices; i++)
          g_string_append_printf (names, "|%s", param->choices[i].name);
        return g_string_free (names, FALSE);
      }
    case ATL_PARAM_MODEL:
      return g_strdup (N_ ("MODEL"));
    case ATL_PARAM_FILE:
      return g_strdup (N_ ("FILE"));
    }
  return NULL;
}

void
atl_filter_options_init (AtlFilterOptions *options, const AtlFilter *filter)
{
  options->filter = filter;
  options->texts = g_new0 (char *, (gsize) filter->n_params);
}

void
atl_filter_options_clear (AtlFilterOptions *options)
{
  for (int i = 0; i < options->filter->n_params; i++)
    g_free (options->texts[i]);
  g_free (options->texts);
}

void
atl_filter_options_add (AtlFilterOptions *options, const char *const *names,
                        AtlOptions *command_line)
{
  const AtlFilter *filter = options->filter;

  for (int i = 0; i < filter->n_params; i++)
    {
      const AtlParam *param = &filter->params[i];
      g_autofree char *description = describe_param (param);
      g_autofree char *value = value_name (param);
      const GOptionEntry entries[] = {
        { param->name, 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_STRING, &options->texts[i], description,
          value },
        { NULL },
      };

      if (! param->of_layers && (names == NULL || g_strv_contains (names, param->name)))
        atl_options_add (command_line, entries);
    }
}

AtlSettings *
atl_filter_options_settings (const AtlFilterOptions *options, GError **error)
{
  const AtlFilter *filter = options->filter;
  g_autoptr (AtlSettings) settings = atl_settings_new (filter);

  for (int i = 0; i < filter->n_params; i++)
    if (options->texts[i] != NULL
        && ! atl_settings_parse (settings, filter->params[i].name, options->texts[i], error))
      return NULL;
  return g_steal_pointer (&settings);
}
