/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A filter's table of parameters as options of the command line.
 */

#include "cli/filter-options.h"

#include "base/i18n.h"

/* "How many times ... [2]": the parameter's sentence with its range or choices and its initial value. */
static char *
describe_param (const AtlParam *param)
{
  g_autoptr (GString) text = g_string_new (_ (param->blurb));

  switch (param->kind)
    {
    case ATL_PARAM_NUMBER:
    case ATL_PARAM_INTEGER:
      g_string_append_printf (text, _ (", %g to %g [%g]"), param->minimum, param->maximum,
                              param->initial);
      break;
    case ATL_PARAM_BOOLEAN:
      g_string_append (text, param->initial != 0.0 ? _ (" [yes]") : _ (" [no]"));
      break;
    case ATL_PARAM_CHOICE:
      for (int i = 0; i < param->n_choices; i++)
        g_string_append_printf (text, "%s%s", i == 0 ? ": " : ", ", param->choices[i].name);
      g_string_append_printf (text, " [%s]", param->choices[(int) param->initial].name);
      break;
    case ATL_PARAM_MODEL:
    case ATL_PARAM_FILE:
      break;
    }
  return g_strdup (text->str);
}

static const char *
value_name (const AtlParam *param)
{
  switch (param->kind)
    {
    case ATL_PARAM_NUMBER:
    case ATL_PARAM_INTEGER:
      return N_ ("N");
    case ATL_PARAM_BOOLEAN:
      return N_ ("yes|no");
    case ATL_PARAM_CHOICE:
      return N_ ("CHOICE");
    case ATL_PARAM_MODEL:
      return N_ ("MODEL");
    case ATL_PARAM_FILE:
      return N_ ("FILE");
    }
  return NULL;
}

void
atl_filter_options_init (AtlFilterOptions *options, const AtlFilter *filter)
{
  options->filter = filter;
  options->texts = g_new0 (char *, (gsize) filter->n_params);
  options->descriptions = g_ptr_array_new_with_free_func (g_free);
}

void
atl_filter_options_clear (AtlFilterOptions *options)
{
  for (int i = 0; i < options->filter->n_params; i++)
    g_free (options->texts[i]);
  g_free (options->texts);
  g_ptr_array_unref (options->descriptions);
}

void
atl_filter_options_add (AtlFilterOptions *options, GOptionContext *context)
{
  const AtlFilter *filter = options->filter;
  g_autoptr (GArray) entries = g_array_new (TRUE, TRUE, sizeof (GOptionEntry));

  for (int i = 0; i < filter->n_params; i++)
    {
      const AtlParam *param = &filter->params[i];
      GOptionEntry entry = { .long_name = param->name,
                             .arg = G_OPTION_ARG_STRING,
                             .arg_data = &options->texts[i],
                             .arg_description = value_name (param) };

      if (param->of_layers)
        continue;
      g_ptr_array_add (options->descriptions, describe_param (param));
      entry.description = g_ptr_array_index (options->descriptions, options->descriptions->len - 1);
      g_array_append_val (entries, entry);
    }
  g_option_context_add_main_entries (context, (const GOptionEntry *) (void *) entries->data, NULL);
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
