/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "host/gimp3/arguments.h"

#include "base/i18n.h"

static GimpChoice *
new_choice (const AtlParam *param)
{
  GimpChoice *choice = gimp_choice_new ();

  for (int i = 0; i < param->n_choices; i++)
    gimp_choice_add (choice, param->choices[i].name, i, _ (param->choices[i].label), NULL);
  return choice;
}

static void
add_argument (GimpProcedure *procedure, const AtlParam *param)
{
  const char *label = _ (param->label), *blurb = _ (param->blurb);

  switch (param->kind)
    {
    case ATL_PARAM_NUMBER:
      gimp_procedure_add_double_argument (procedure, param->name, label, blurb, param->minimum,
                                          param->maximum, param->initial, G_PARAM_READWRITE);
      break;
    case ATL_PARAM_INTEGER:
      gimp_procedure_add_int_argument (procedure, param->name, label, blurb, (int) param->minimum,
                                       (int) param->maximum, (int) param->initial,
                                       G_PARAM_READWRITE);
      break;
    case ATL_PARAM_BOOLEAN:
      gimp_procedure_add_boolean_argument (procedure, param->name, label, blurb,
                                           param->initial != 0.0, G_PARAM_READWRITE);
      break;
    case ATL_PARAM_CHOICE:
      gimp_procedure_add_choice_argument (procedure, param->name, label, blurb, new_choice (param),
                                          param->choices[(int) param->initial].name,
                                          G_PARAM_READWRITE);
      break;
    case ATL_PARAM_MODEL:
    case ATL_PARAM_FILE:
      gimp_procedure_add_string_argument (procedure, param->name, label, blurb, "",
                                          G_PARAM_READWRITE);
      break;
    }
}

void
atl_arguments_add (GimpProcedure *procedure, const AtlFilter *filter)
{
  for (int i = 0; i < filter->n_params; i++)
    add_argument (procedure, &filter->params[i]);
}

static gboolean
read_setting (AtlSettings *settings, GimpProcedureConfig *config, const AtlParam *param,
              GError **error)
{
  g_autofree char *text = NULL;
  double number = 0.0;
  int integer = 0;

  switch (param->kind)
    {
    case ATL_PARAM_NUMBER:
      g_object_get (config, param->name, &number, NULL);
      return atl_settings_set_number (settings, param->name, number, error);
    case ATL_PARAM_INTEGER:
    case ATL_PARAM_BOOLEAN:
      g_object_get (config, param->name, &integer, NULL);
      return atl_settings_set_number (settings, param->name, integer, error);
    case ATL_PARAM_CHOICE:
      return atl_settings_set_number (
          settings, param->name, gimp_procedure_config_get_choice_id (config, param->name), error);
    case ATL_PARAM_MODEL:
    case ATL_PARAM_FILE:
      g_object_get (config, param->name, &text, NULL);
      return atl_settings_set_string (settings, param->name, text ? text : "", error);
    }
  g_return_val_if_reached (FALSE);
}

gboolean
atl_arguments_read (AtlSettings *settings, GimpProcedureConfig *config, const AtlFilter *filter,
                    GError **error)
{
  for (int i = 0; i < filter->n_params; i++)
    if (! read_setting (settings, config, &filter->params[i], error))
      return FALSE;
  return TRUE;
}
