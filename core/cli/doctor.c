/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The command 'atelier doctor': what is found here, what is not as it should be, and what to do.
 */

#include <stdio.h>

#include "backends/backend.h"
#include "base/cpu.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/threads.h"
#include "cli/command.h"
#include "cli/doctor.h"
#include "cli/options.h"
#include "cli/output.h"
#include "nets/model.h"
#include "weights/library.h"

static const AtlUsage usage = {
  .command = "doctor",
  .blurb = N_ ("tell what is found here, and what is wrong"),
  .summary = N_ (
      "Tells what is found here: processor, models, GIMP and its plug-ins; and what is wrong\n"
      "with them and what to do, as PROBLEM. The exit status is 1 if there is one. No GIMP is no\n"
      "problem, nor is a second GIMP without the plug-ins; a GIMP without them and no other is."),
  .examples = "  atelier doctor\n"
              "  atelier doctor --json",
};

/* Upscale takes no more for 24 megapixels. */
#define MEMORY_NEEDED ((size_t) 512 << 20)

static void
finding_clear (void *data)
{
  AtlFinding *finding = data;

  g_free (finding->what);
  g_free (finding->found);
  g_free (finding->problem);
}

void
atl_findings_add (AtlFindings *findings, const char *what, char *take_found, char *take_problem)
{
  const AtlFinding finding = { g_strdup (what), take_found, take_problem };

  g_array_append_val (findings, finding);
}

const char *
atl_doctor_root (void)
{
  const char *root = g_getenv ("ATELIER_DOCTOR_ROOT");

  return root != NULL ? root : "/";
}

/* Why it is this instruction set. */
static const char *
reason_of_level (void)
{
  if (atl_cpu_is_lowered ())
    return _ ("lowered by ATELIER_CPU");
  switch (atl_cpu_level ())
    {
    case ATL_CPU_BASELINE:
      return _ ("the processor has no AVX2, which would be several times faster");
    case ATL_CPU_AVX2:
      return _ ("the processor has no AVX-512");
    case ATL_CPU_AVX512:
      return _ ("the widest there is");
    }
  return NULL;
}

static void
examine_memory (AtlFindings *findings)
{
  const size_t memory = atl_memory_available_under (atl_doctor_root ());

  if (memory == 0)
    return;
  atl_findings_add (
      findings, "memory",
      g_strdup_printf (_ ("%.1f GiB free"), (double) memory / (1024.0 * 1024.0 * 1024.0)),
      memory >= MEMORY_NEEDED
          ? NULL
          : g_strdup_printf (_ ("large photos need %zu MiB: close other programs, or process "
                                "smaller pictures"),
                             MEMORY_NEEDED >> 20));
}

static void
examine_machine (AtlFindings *findings)
{
  const AtlBackend *backend = atl_backend_default ();

  atl_findings_add (findings, "atelier", g_strdup (ATELIER_VERSION), NULL);
  atl_findings_add (
      findings, "backend",
      g_strdup_printf ("%s (%s): %s", backend->name, backend->variant, reason_of_level ()), NULL);
  atl_findings_add (findings, "threads", g_strdup_printf ("%d", atl_threads_count ()), NULL);
  examine_memory (findings);
}

static void
examine_models (AtlFindings *findings)
{
  g_autoptr (GPtrArray) problems = NULL;
  g_autoptr (GPtrArray) entries = atl_library_list (NULL, &problems);
  g_auto (GStrv) folders = atl_library_folders ();
  g_autofree char *searched = g_strjoinv (", ", folders);

  atl_findings_add (findings, "searched", g_strdup (searched), NULL);
  for (guint i = 0; i < entries->len; i++)
    {
      const AtlLibraryEntry *entry = g_ptr_array_index (entries, i);
      g_autoptr (GError) error = NULL;
      g_autoptr (AtlModel) model = atl_model_load (entry->path, NULL, &error);

      atl_findings_add (findings, "model", g_strdup (entry->path),
                        model != NULL ? NULL : g_strdup (error->message));
    }
  for (guint i = 0; i < problems->len; i++)
    atl_findings_add (findings, "model", NULL, g_strdup (g_ptr_array_index (problems, i)));
  if (entries->len == 0)
    atl_findings_add (
        findings, "model", NULL,
        g_strdup_printf (_ ("there is none in %s; install Atelier with 'ninja install', or set "
                            "ATELIER_MODEL_PATH to a folder that has one"),
                         searched));
}

/* A line each, whatever names of files and answers of programs hold. */
static void
print_findings (const AtlFindings *findings)
{
  for (guint i = 0; i < findings->len; i++)
    {
      const AtlFinding *f = &g_array_index (findings, AtlFinding, i);

      g_autofree char *line = g_strconcat (
          f->found != NULL ? f->found : "", f->found != NULL && f->problem != NULL ? ": " : "",
          f->problem != NULL ? _ ("PROBLEM: ") : "", f->problem, NULL);
      g_autofree char *shown = atl_text_shown_whole (line);

      printf ("%-10s %s\n", f->what, shown);
    }
}

static void
print_findings_json (const AtlFindings *findings)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_array (builder);
  for (guint i = 0; i < findings->len; i++)
    {
      const AtlFinding *f = &g_array_index (findings, AtlFinding, i);
      const char *const members[] = { "what", f->what, "found", f->found, "problem", f->problem };

      json_builder_begin_object (builder);
      for (size_t m = 0; m < G_N_ELEMENTS (members); m += 2)
        if (members[m + 1] != NULL)
          atl_json_add_text (builder, members[m], members[m + 1]);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  atl_print_json (builder);
}

static int
examine (gboolean json)
{
  g_autoptr (GArray) findings = g_array_new (FALSE, FALSE, sizeof (AtlFinding));
  int status = ATL_EXIT_DONE;

  g_array_set_clear_func (findings, finding_clear);
  examine_machine (findings);
  examine_models (findings);
  atl_doctor_examine_gimps (findings);

  if (json)
    print_findings_json (findings);
  else
    print_findings (findings);

  for (guint i = 0; i < findings->len; i++)
    if (g_array_index (findings, AtlFinding, i).problem != NULL)
      status = ATL_EXIT_FAILED;
  return status;
}

static int
run (AtlOptions *command_line)
{
  gboolean json = FALSE;
  const GOptionEntry entries[] = {
    { "json", 'j', G_OPTION_FLAG_NONE, G_OPTION_ARG_NONE, &json, N_ ("Print JSON, for programs"),
      NULL },
    { NULL },
  };
  g_auto (GStrv) arguments = NULL;
  int status;

  atl_options_add (command_line, entries);
  if (! atl_options_parse (command_line, &arguments, &status))
    return status;
  if (arguments[0] != NULL)
    return atl_say_usage (usage.command, _ ("'%s' is not known here"), arguments[0]);
  return examine (json);
}

const AtlCommand atl_command_doctor = {
  .usage = &usage,
  .run = run,
};
