/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The options of a training: reading, storing, and the table of what every task has.
 */

#include "train/options.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/i18n.h"
#include "base/text.h"
#include "base/threads.h"

static gboolean
bad_value (const AtlOption *option, const char *text, GError **error)
{
  if (option->choices != NULL)
    {
      g_autofree char *choices = g_strjoinv (_ ("', '"), (char **) option->choices);

      g_set_error (error, ATL_ERROR, ATL_ERROR_ARGUMENT, _ ("'--%s' is '%s', but can be '%s'"),
                   option->name, text, choices);
    }
  else
    g_set_error (error, ATL_ERROR, ATL_ERROR_ARGUMENT,
                 option->kind == ATL_OPTION_INTEGER
                     ? _ ("'--%s' is '%s', but must be a whole number from %.10g to %.10g")
                     : _ ("'--%s' is '%s', but must be a number from %.10g to %.10g"),
                 option->name, text, option->minimum, option->maximum);
  return FALSE;
}

static gboolean
set_number (const AtlOption *option, void *value, const char *text, GError **error)
{
  double number;

  /* Written so that NaN fails. */
  if (! atl_text_to_number (text, &number)
      || ! (number >= option->minimum && number <= option->maximum)
      || (option->kind == ATL_OPTION_INTEGER && number != floor (number)))
    return bad_value (option, text, error);

  if (option->kind == ATL_OPTION_INTEGER)
    *(int *) value = (int) number;
  else
    *(double *) value = number;
  return TRUE;
}

static gboolean
set_choice (const AtlOption *option, int *value, const char *text, GError **error)
{
  for (int i = 0; option->choices[i] != NULL; i++)
    if (strcmp (option->choices[i], text) == 0)
      {
        *value = i;
        return TRUE;
      }

  return bad_value (option, text, error);
}

static void
add_string (char ***strings, const char *text)
{
  const guint n = *strings != NULL ? g_strv_length (*strings) : 0;

  *strings = g_renew (char *, *strings, n + 2);
  (*strings)[n] = g_strdup (text);
  (*strings)[n + 1] = NULL;
}

gboolean
atl_option_set (const AtlOption *option, void *values, const char *text, GError **error)
{
  void *value = (char *) values + option->offset;

  switch (option->kind)
    {
    case ATL_OPTION_FLAG:
      *(gboolean *) value = TRUE;
      return TRUE;
    case ATL_OPTION_INTEGER:
    case ATL_OPTION_NUMBER:
      return set_number (option, value, text, error);
    case ATL_OPTION_CHOICE:
      return set_choice (option, value, text, error);
    case ATL_OPTION_STRING:
      g_free (*(char **) value);
      *(char **) value = g_strdup (text);
      return TRUE;
    case ATL_OPTION_STRINGS:
      add_string (value, text);
      return TRUE;
    }

  g_return_val_if_reached (FALSE);
}

static JsonNode *
string_to_json (const char *string, gboolean name_only)
{
  g_autofree char *name = name_only ? g_path_get_basename (string) : NULL;

  return json_node_init_string (json_node_alloc (), name != NULL ? name : string);
}

static JsonArray *
strings_to_json (char **strings, gboolean names_only)
{
  JsonArray *array = json_array_new ();

  for (; *strings != NULL; strings++)
    json_array_add_element (array, string_to_json (*strings, names_only));
  return array;
}

static void
option_to_json (const AtlOption *option, const void *value, gboolean names_only, JsonObject *object)
{
  const gboolean name_only = names_only && option->is_path;

  switch (option->kind)
    {
    case ATL_OPTION_FLAG:
      json_object_set_boolean_member (object, option->name, *(const gboolean *) value);
      break;
    case ATL_OPTION_INTEGER:
      json_object_set_int_member (object, option->name, *(const int *) value);
      break;
    case ATL_OPTION_NUMBER:
      json_object_set_double_member (object, option->name, *(const double *) value);
      break;
    case ATL_OPTION_CHOICE:
      json_object_set_string_member (object, option->name, option->choices[*(const int *) value]);
      break;
    case ATL_OPTION_STRING:
      if (*(char *const *) value != NULL)
        json_object_set_member (object, option->name,
                                string_to_json (*(char *const *) value, name_only));
      break;
    case ATL_OPTION_STRINGS:
      if (*(char **const *) value != NULL)
        json_object_set_array_member (object, option->name,
                                      strings_to_json (*(char **const *) value, name_only));
      break;
    }
}

/* A number outside its range stands for 'not given'. */
static gboolean
is_given (const AtlOption *option, const void *value)
{
  if (option->kind == ATL_OPTION_INTEGER)
    return *(const int *) value >= option->minimum;
  if (option->kind == ATL_OPTION_NUMBER)
    return *(const double *) value >= option->minimum;
  return TRUE;
}

char *
atl_option_text (const AtlOption *option, const void *values)
{
  const void *value = (const char *) values + option->offset;

  if (! is_given (option, value))
    return NULL;

  switch (option->kind)
    {
    case ATL_OPTION_INTEGER:
      return g_strdup_printf ("%d", *(const int *) value);
    case ATL_OPTION_NUMBER:
      return g_strdup_printf ("%.10g", *(const double *) value);
    case ATL_OPTION_CHOICE:
      return g_strdup (option->choices[*(const int *) value]);
    case ATL_OPTION_STRING:
      return g_strdup (*(char *const *) value);
    case ATL_OPTION_FLAG:
    case ATL_OPTION_STRINGS:
      return NULL; /* have no standard value */
    }

  g_return_val_if_reached (NULL);
}

void
atl_options_to_json (const AtlOptionTable *table, const void *values, gboolean names_only,
                     JsonObject *object)
{
  for (int i = 0; i < table->n_options; i++)
    {
      const AtlOption *option = &table->options[i];
      const void *value = (const char *) values + option->offset;

      if (! option->of_this_run && is_given (option, value))
        option_to_json (option, value, names_only, object);
    }
}

/* A number, string or boolean of JSON as the text that atl_option_set () reads; NULL for others. */
static char *
json_to_text (JsonNode *node)
{
  const GType type = JSON_NODE_HOLDS_VALUE (node) ? json_node_get_value_type (node) : G_TYPE_NONE;
  char number[G_ASCII_DTOSTR_BUF_SIZE];

  if (type == G_TYPE_STRING)
    return json_node_dup_string (node);
  if (type == G_TYPE_INT64 || type == G_TYPE_DOUBLE)
    return g_strdup (g_ascii_dtostr (number, sizeof number, json_node_get_double (node)));
  return NULL;
}

static gboolean
option_from_node (const AtlOption *option, void *values, JsonNode *node, GError **error)
{
  if (option->kind == ATL_OPTION_FLAG)
    {
      *(gboolean *) ((char *) values + option->offset) = json_node_get_boolean (node);
      return TRUE;
    }

  g_autofree char *text = json_to_text (node);
  if (text != NULL)
    return atl_option_set (option, values, text, error);

  g_set_error (error, ATL_ERROR, ATL_ERROR_FORMAT, _ ("the value stored for '--%s' cannot be read"),
               option->name);
  return FALSE;
}

static gboolean
strings_from_node (const AtlOption *option, void *values, JsonNode *node, GError **error)
{
  if (! JSON_NODE_HOLDS_ARRAY (node))
    return option_from_node (option, values, node, error);

  JsonArray *array = json_node_get_array (node);
  char ***strings = (char ***) ((char *) values + option->offset);

  g_clear_pointer (strings, g_strfreev);
  for (guint i = 0; i < json_array_get_length (array); i++)
    if (! option_from_node (option, values, json_array_get_element (array, i), error))
      return FALSE;
  return TRUE;
}

gboolean
atl_options_from_json (const AtlOptionTable *table, void *values, JsonObject *object,
                       GError **error)
{
  for (int i = 0; i < table->n_options; i++)
    {
      const AtlOption *option = &table->options[i];
      JsonNode *node = option->of_this_run ? NULL : json_object_get_member (object, option->name);

      if (node == NULL)
        continue;
      if (! (option->kind == ATL_OPTION_STRINGS ? strings_from_node
                                                : option_from_node) (option, values, node, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
check_text (const AtlOption *option, const char *text, GError **error)
{
  if (text == NULL || atl_text_is_shown (text, "\t\r\n"))
    return TRUE;

  g_autofree char *shown = atl_text_shown (text);
  g_set_error (
      error, ATL_ERROR, ATL_ERROR_ARGUMENT,
      _ ("'--%s' is '%s', but goes into the card, which can hold neither control characters "
         "nor what is not UTF-8"),
      option->name, shown);
  return FALSE;
}

gboolean
atl_options_check_texts (const AtlOptionTable *table, const void *values, GError **error)
{
  for (int i = 0; i < table->n_options; i++)
    {
      const AtlOption *option = &table->options[i];
      const void *value = (const char *) values + option->offset;
      char **strings = option->kind == ATL_OPTION_STRINGS ? *(char **const *) value : NULL;

      if (option->of_this_run)
        continue;
      if (option->kind == ATL_OPTION_STRING && ! check_text (option, *(char *const *) value, error))
        return FALSE;
      for (; strings != NULL && *strings != NULL; strings++)
        if (! check_text (option, *strings, error))
          return FALSE;
    }
  return TRUE;
}

gboolean
atl_options_check_fixed (const AtlOptionTable *table, const void *values, JsonObject *stored,
                         GError **error)
{
  g_autoptr (JsonObject) given = json_object_new ();

  atl_options_to_json (table, values, FALSE, given);
  for (int i = 0; i < table->n_options; i++)
    {
      const char *name = table->options[i].name;
      JsonNode *before = json_object_get_member (stored, name);
      JsonNode *now = json_object_get_member (given, name);

      if (! table->options[i].is_fixed || before == NULL || now == NULL
          || json_node_equal (before, now))
        continue;

      g_autofree char *text_before = json_to_string (before, FALSE);
      g_autofree char *text_now = json_to_string (now, FALSE);
      g_set_error (error, ATL_ERROR, ATL_ERROR_ARGUMENT,
                   _ ("'--%s' cannot change when a training is resumed: it is %s there, not %s"),
                   name, text_before, text_now);
      return FALSE;
    }
  return TRUE;
}

void
atl_options_clear (const AtlOptionTable *table, void *values)
{
  for (int i = 0; i < table->n_options; i++)
    {
      void *value = (char *) values + table->options[i].offset;

      if (table->options[i].kind == ATL_OPTION_STRING)
        g_clear_pointer ((char **) value, g_free);
      else if (table->options[i].kind == ATL_OPTION_STRINGS)
        g_clear_pointer ((char ***) value, g_strfreev);
    }
}

static const char *const norms[] = { "frozen", "batch", NULL };
static const char *const precisions[] = { "f32", "f16", NULL }; /* as AtlDtype */

#define AT(member) G_STRUCT_OFFSET (AtlTrainOptions, member)

static const AtlOption options[] = {
  { "data", 0, ATL_OPTION_STRINGS, AT (data), .is_path = TRUE, .argument = N_ ("DIR"),
    .blurb = N_ ("Folder of photos to learn from, with all folders below; may be repeated") },
  { "output", 'o', ATL_OPTION_STRING, AT (output), TRUE, .argument = N_ ("FILE"),
    .blurb = N_ ("Weight file to write (.safetensors)"), .is_course = TRUE },
  { "from", 0, ATL_OPTION_STRING, AT (from), .is_path = TRUE, .argument = N_ ("FILE"),
    .blurb = N_ ("Start from the weights of this file, as far as names and shapes agree") },
  { "run", 0, ATL_OPTION_STRING, AT (run), TRUE, .argument = N_ ("DIR"),
    .blurb = N_ ("Folder for log, curves, sheets and checkpoint [output's name with '-run']"),
    .is_course = TRUE },
  { "resume", 0, ATL_OPTION_FLAG, AT (resume), TRUE,
    .blurb = N_ (
        "Go on from the run folder's checkpoint, with its options but for those given anew"),
    .is_course = TRUE },
  { "batch", 0, ATL_OPTION_INTEGER, AT (batch), FALSE, 1, 1024, .argument = N_ ("N"),
    .blurb = N_ ("Samples of one step") },
  { "lr", 0, ATL_OPTION_NUMBER, AT (rate), FALSE, 1e-9, 10, .argument = N_ ("RATE"),
    .blurb = N_ ("Highest learning rate"), .is_course = TRUE },
  { "schedule", 0, ATL_OPTION_STRING, AT (schedule), .argument = N_ ("HOW"),
    .blurb = N_ ("Course of the learning rate: constant, cosine, both also with a warm-up in per "
                 "cent, one-cycle:DIV,CUT or one-cycle-beta:DIV,PCT"),
    .is_course = TRUE },
  { "weight-decay", 0, ATL_OPTION_NUMBER, AT (weight_decay), FALSE, 0, 1, .argument = N_ ("D"),
    .blurb = N_ ("L2 weight decay, added to the gradient") },
  { "average", 0, ATL_OPTION_NUMBER, AT (average), FALSE, 0, 0.999999, .argument = N_ ("D"),
    .blurb = N_ ("Keep the average of the weights with this memory, and save it; 0 saves the "
                 "weights as they are"),
    .is_course = TRUE },
  { "norm", 0, ATL_OPTION_CHOICE, AT (norm), FALSE, 0, 0, norms,
    .blurb = N_ (
        "Batch normalisation in training: left as it is at the start, or by the statistics of each "
        "batch") },
  { "steps", 0, ATL_OPTION_INTEGER, AT (steps), FALSE, 1, 1e9, .argument = N_ ("N"),
    .blurb = N_ ("Train for so many steps"), .is_course = TRUE },
  { "epochs", 0, ATL_OPTION_INTEGER, AT (epochs), FALSE, 1, 1e6, .argument = N_ ("N"),
    .blurb = N_ ("Train for so many rounds over the data"), .is_course = TRUE },
  { "minutes", 0, ATL_OPTION_NUMBER, AT (minutes), FALSE, 0.01, 1e6, .argument = N_ ("N"),
    .blurb = N_ ("Train for so long [60]"), .is_course = TRUE },
  { "seed", 0, ATL_OPTION_INTEGER, AT (seed), FALSE, 0, 2147483647, .argument = N_ ("N"),
    .blurb = N_ ("All random numbers follow from it"), .is_fixed = TRUE },
  { "photos", 0, ATL_OPTION_INTEGER, AT (photos), FALSE, 1, 1e9, .argument = N_ ("N"),
    .blurb = N_ ("Photos of the data to use, at most [as many as fit into memory]"),
    .is_fixed = TRUE },
  { "validation", 0, ATL_OPTION_STRING, AT (validation), .is_path = TRUE,
    .argument = N_ ("DIR|PART"),
    .blurb = N_ ("Photos to measure on: a folder, or the part of the data that is held out, "
                 "of either the first few dozen"),
    .is_fixed = TRUE },
  { "threads", 0, ATL_OPTION_INTEGER, AT (threads), TRUE, 1, ATL_THREADS_MAX, NULL, FALSE, N_ ("N"),
    N_ ("Threads to compute with; the result does not depend on it [all processors]") },
  { "checkpoint", 0, ATL_OPTION_NUMBER, AT (checkpoint), TRUE, 0, 1e6, NULL, FALSE, N_ ("SECONDS"),
    N_ ("Time between checkpoints"), .is_course = TRUE },
  { "precision", 0, ATL_OPTION_CHOICE, AT (precision), FALSE, 0, 0, precisions,
    .blurb = N_ ("Numbers of the weight file"), .is_course = TRUE },
  { "name", 0, ATL_OPTION_STRING, AT (name), .argument = N_ ("TEXT"),
    .blurb = N_ ("Name of the model, for its card"), .is_course = TRUE },
  { "description", 0, ATL_OPTION_STRING, AT (description), .argument = N_ ("TEXT"),
    .blurb = N_ ("One sentence on the model, for its card"), .is_course = TRUE },
  { "license", 0, ATL_OPTION_STRING, AT (license), .argument = N_ ("TEXT"),
    .blurb = N_ ("Licence of the weights, for their card"), .is_course = TRUE },
  { "trained-on", 0, ATL_OPTION_STRING, AT (trained_on), .argument = N_ ("TEXT"),
    .blurb = N_ ("What the photos are, for the card [names of the data folders]"),
    .is_course = TRUE },
};

const AtlOptionTable atl_train_options = { options, G_N_ELEMENTS (options) };
