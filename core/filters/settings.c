/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The values of a filter's parameters, checked when they are set.
 */

#include "filters/filter.h"

#include <math.h>
#include <string.h>

#include "base/i18n.h"
#include "base/text.h"

struct AtlSettings
{
  const AtlFilter *filter;
  double *numbers; /* one for each parameter; of no meaning for strings */
  char **strings;  /* one for each parameter; NULL for numbers */
};

static gboolean
is_string (const AtlParam *param)
{
  return param->kind == ATL_PARAM_MODEL || param->kind == ATL_PARAM_FILE;
}

/* The place of a parameter in the table, or -1. */
static int
find_param (const AtlFilter *filter, const char *name)
{
  for (int i = 0; i < filter->n_params; i++)
    if (strcmp (filter->params[i].name, name) == 0)
      return i;
  return -1;
}

static const AtlParam *
find_to_set (const AtlSettings *settings, const char *name, gboolean string, GError **error)
{
  const int i = find_param (settings->filter, name);

  if (i < 0)
    {
      g_set_error (error, ATL_ERROR, ATL_ERROR_ARGUMENT, _ ("'%s' has no parameter '%s'"),
                   settings->filter->name, name);
      return NULL;
    }

  if (is_string (&settings->filter->params[i]) != string)
    {
      g_set_error (error, ATL_ERROR, ATL_ERROR_ARGUMENT,
                   string ? _ ("'%s' is not a text") : _ ("'%s' is not a number"), name);
      return NULL;
    }
  return &settings->filter->params[i];
}

AtlSettings *
atl_settings_new (const AtlFilter *filter)
{
  AtlSettings *settings = g_new0 (AtlSettings, 1);

  settings->filter = filter;
  settings->numbers = g_new0 (double, filter->n_params);
  settings->strings = g_new0 (char *, filter->n_params);
  for (int i = 0; i < filter->n_params; i++)
    {
      settings->numbers[i] = filter->params[i].initial;
      if (is_string (&filter->params[i]))
        settings->strings[i] = g_strdup ("");
    }
  return settings;
}

void
atl_settings_free (AtlSettings *settings)
{
  if (settings == NULL)
    return;

  for (int i = 0; i < settings->filter->n_params; i++)
    g_free (settings->strings[i]);
  g_free (settings->strings);
  g_free (settings->numbers);
  g_free (settings);
}

/* "'normal', 'best'" */
static char *
list_choices (const AtlParam *param)
{
  g_autoptr (GString) list = g_string_new (NULL);

  for (int i = 0; i < param->n_choices; i++)
    g_string_append_printf (list, i == 0 ? _ ("'%s'") : _ (", '%s'"), param->choices[i].name);
  return g_strdup (list->str);
}

static void
set_range_error (const AtlParam *param, const char *found, GError **error)
{
  switch (param->kind)
    {
    case ATL_PARAM_NUMBER:
      g_set_error (error, ATL_ERROR, ATL_ERROR_ARGUMENT,
                   _ ("'%s' is %s, but must be a number from %g to %g"), param->name, found,
                   param->minimum, param->maximum);
      break;
    case ATL_PARAM_INTEGER:
      g_set_error (error, ATL_ERROR, ATL_ERROR_ARGUMENT,
                   _ ("'%s' is %s, but must be a whole number from %g to %g"), param->name, found,
                   param->minimum, param->maximum);
      break;
    case ATL_PARAM_BOOLEAN:
      g_set_error (error, ATL_ERROR, ATL_ERROR_ARGUMENT,
                   _ ("'%s' is %s, but must be 'yes' or 'no'"), param->name, found);
      break;
    case ATL_PARAM_CHOICE:
      {
        g_autofree char *choices = list_choices (param);

        g_set_error (error, ATL_ERROR, ATL_ERROR_ARGUMENT, _ ("'%s' is %s, but must be one of %s"),
                     param->name, found, choices);
        break;
      }
    case ATL_PARAM_MODEL:
    case ATL_PARAM_FILE:
      g_set_error (error, ATL_ERROR, ATL_ERROR_ARGUMENT, _ ("'%s' is not valid text"), param->name);
      break;
    }
}

/* Never true for NaN. */
static gboolean
in_range (const AtlParam *param, double value)
{
  switch (param->kind)
    {
    case ATL_PARAM_NUMBER:
      return value >= param->minimum && value <= param->maximum;
    case ATL_PARAM_INTEGER:
      return value >= param->minimum && value <= param->maximum && value == floor (value);
    case ATL_PARAM_BOOLEAN:
      return value == 0.0 || value == 1.0;
    case ATL_PARAM_CHOICE:
      return value >= 0.0 && value < param->n_choices && value == floor (value);
    case ATL_PARAM_MODEL:
    case ATL_PARAM_FILE:
      break;
    }
  return FALSE;
}

gboolean
atl_settings_set_number (AtlSettings *settings, const char *name, double value, GError **error)
{
  const AtlParam *param = find_to_set (settings, name, FALSE, error);

  if (param == NULL)
    return FALSE;

  if (! in_range (param, value))
    {
      g_autofree char *found = g_strdup_printf ("%g", value);

      set_range_error (param, found, error);
      return FALSE;
    }

  settings->numbers[param - settings->filter->params] = value;
  return TRUE;
}

gboolean
atl_settings_set_string (AtlSettings *settings, const char *name, const char *value, GError **error)
{
  const AtlParam *param = find_to_set (settings, name, TRUE, error);

  if (param == NULL)
    return FALSE;

  char **place = &settings->strings[param - settings->filter->params];
  g_free (*place);
  *place = g_strdup (value);
  return TRUE;
}

/* Reads the value of a number, boolean or choice. */
static gboolean
number_from_text (const AtlParam *param, const char *text, double *value)
{
  static const char *const yes[] = { "yes", "true", "on", "1", NULL };
  static const char *const no[] = { "no", "false", "off", "0", NULL };

  switch (param->kind)
    {
    case ATL_PARAM_NUMBER:
    case ATL_PARAM_INTEGER:
      return atl_text_to_number (text, value);
    case ATL_PARAM_BOOLEAN:
      *value = g_strv_contains (yes, text) ? 1.0 : 0.0;
      return *value == 1.0 || g_strv_contains (no, text);
    case ATL_PARAM_CHOICE:
      for (int i = 0; i < param->n_choices; i++)
        if (strcmp (param->choices[i].name, text) == 0)
          {
            *value = i;
            return TRUE;
          }
      return FALSE;
    case ATL_PARAM_MODEL:
    case ATL_PARAM_FILE:
      break;
    }
  return FALSE;
}

gboolean
atl_settings_parse (AtlSettings *settings, const char *name, const char *text, GError **error)
{
  const int i = find_param (settings->filter, name);
  double value;

  if (i >= 0 && is_string (&settings->filter->params[i]))
    return atl_settings_set_string (settings, name, text, error);

  const AtlParam *param = find_to_set (settings, name, FALSE, error);
  if (param == NULL)
    return FALSE;

  if (! number_from_text (param, text, &value) || ! in_range (param, value))
    {
      g_autofree char *found = g_strdup_printf (_ ("'%s'"), text);

      set_range_error (param, found, error);
      return FALSE;
    }

  settings->numbers[i] = value;
  return TRUE;
}

double
atl_settings_number (const AtlSettings *settings, const char *name)
{
  const int i = find_param (settings->filter, name);

  g_return_val_if_fail (i >= 0, 0.0);
  return settings->numbers[i];
}

const char *
atl_settings_string (const AtlSettings *settings, const char *name)
{
  const int i = find_param (settings->filter, name);

  g_return_val_if_fail (i >= 0 && settings->strings[i] != NULL, "");
  return settings->strings[i];
}
