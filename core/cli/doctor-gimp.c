/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The part of 'atelier doctor' that finds out why a plug-in is not in GIMP's menu.
 */

#include "cli/doctor.h"

#include <string.h>

#include "base/i18n.h"
#include "base/text.h"
#include "cli/plugin-copies.h"
#include "filters/filter.h"

/* One of our plug-ins in one GIMP. */
typedef struct
{
  AtlFindings *findings;
  const GPtrArray *gimps; /* all, AtlGimp */
  const AtlGimp *gimp;
  char *row;       /* "GIMP 3.0" */
  char *name;      /* "atelier-upscale" */
  gboolean works;  /* a copy can run */
  gboolean broken; /* a copy is there, or nearly there, and cannot be used */
  char *lent;      /* what to do to have what another GIMP has, for people; NULL if none has it */
} Examination;

static void
examination_init (Examination *e, AtlFindings *findings, const GPtrArray *gimps,
                  const AtlGimp *gimp, const AtlFilter *filter)
{
  *e = (Examination) { .findings = findings, .gimps = gimps, .gimp = gimp };
  e->row = g_strdup_printf ("GIMP %s", gimp->version);
  e->name = g_strconcat ("atelier-", filter->name, NULL);
}

static void
examination_clear (Examination *e)
{
  g_free (e->row);
  g_free (e->name);
  g_free (e->lent);
}

static void
add_broken (Examination *e, const AtlPluginCopy *copy, char *take_problem)
{
  e->broken = TRUE;
  atl_findings_add (e->findings, e->row, g_strdup (copy->path), take_problem);
}

static char *
with_version (const AtlPluginCopy *copy, const AtlPluginTrial *trial)
{
  if (trial->version != NULL)
    return g_strdup_printf (_ ("%s, version %s"), copy->path, trial->version);
  return trial->remark != NULL ? g_strdup_printf ("%s, %s", copy->path, trial->remark)
                               : g_strdup (copy->path);
}

/* The copy that GIMP takes: what GIMP remembers of it. */
static void
add_used (Examination *e, const AtlPluginCopy *copy, const AtlPluginTrial *trial)
{
  g_autofree char *described = with_version (copy, trial);
  g_autofree char *memory = atl_gimp_memory_file (e->gimp);
  g_autofree char *quoted = atl_text_quoted (memory);
  g_autofree char *start = atl_text_quoted (e->gimp->windowed);

  switch (atl_gimp_remembers (e->gimp, copy->path))
    {
    case ATL_MEMORY_LISTED:
      atl_findings_add (e->findings, e->row,
                        g_strdup_printf (_ ("%s: in the menu Filters > Atelier"), described), NULL);
      return;
    case ATL_MEMORY_NOTHING:
      atl_findings_add (e->findings, e->row,
                        g_strdup_printf (_ ("%s: in the menu from GIMP's next start"), described),
                        NULL);
      return;
    case ATL_MEMORY_REFUSED:
      atl_findings_add (
          e->findings, e->row, g_strdup (copy->path),
          g_strdup_printf (_ ("GIMP has been started since this was installed, and did not take "
                              "it: start it anew; if that does not help, remove the file %s, start "
                              "it from a terminal by %s --verbose and read what it says of '%s'"),
                           quoted, start, e->name));
      e->works = FALSE;
      e->broken = TRUE;
      return;
    }
}

/* Of several copies GIMP takes the first in its order. */
static void
add_unused (Examination *e, const AtlPluginCopy *copy, const AtlPluginTrial *trial,
            const AtlPluginCopy *used, const AtlPluginTrial *used_trial)
{
  g_autofree char *described = with_version (copy, trial);
  g_autofree char *other = with_version (used, used_trial);

  if (g_strcmp0 (trial->version, used_trial->version) == 0)
    atl_findings_add (e->findings, e->row,
                      g_strdup_printf (_ ("%s: a second copy, which GIMP leaves aside"), described),
                      NULL);
  else
    atl_findings_add (e->findings, e->row, g_steal_pointer (&described),
                      g_strdup_printf (_ ("GIMP does not use this copy but %s: remove the one that "
                                          "you do not want"),
                                       other));
}

/* The copies that GIMP finds. */
static void
examine_found (Examination *e, const GPtrArray *copies)
{
  const AtlPluginCopy *used = NULL;
  g_auto (AtlPluginTrial) used_trial = { 0 };

  for (guint i = 0; i < copies->len; i++)
    {
      const AtlPluginCopy *copy = g_ptr_array_index (copies, i);
      char *blocked = copy->place == ATL_PLACE_RIGHT ? atl_plugin_copy_blocked (copy) : NULL;

      if (copy->place != ATL_PLACE_RIGHT)
        break;
      if (blocked != NULL)
        {
          add_broken (e, copy, blocked);
          continue;
        }

      g_auto (AtlPluginTrial) trial = atl_plugin_copy_try (copy, e->gimp);
      if (used != NULL)
        add_unused (e, copy, &trial, used, &used_trial);
      else if (trial.problem != NULL)
        add_broken (e, copy, g_strdup (trial.problem));
      else
        {
          e->works = TRUE;
          add_used (e, copy, &trial);
        }
      if (used == NULL)
        {
          used = copy;
          used_trial = trial;
          trial = (AtlPluginTrial) { 0 };
        }
    }
}

/* A command of the shell that brings a copy to where GIMP finds it: 'verb' is mv, or cp. */
static char *
command_to_bring (const char *verb, const Examination *e, const AtlPluginCopy *copy)
{
  g_autofree char *home = g_build_filename (
      copy->place == ATL_PLACE_ELSEWHERE ? g_ptr_array_index (e->gimp->folders, 0) : copy->folder,
      e->name, NULL);
  g_autofree char *aside = g_strconcat (copy->path, ".new", NULL);
  g_autofree char *to = atl_text_quoted (home);
  g_autofree char *from = atl_text_quoted (copy->path);
  g_autofree char *between = atl_text_quoted (aside);

  if (copy->place == ATL_PLACE_BARE)
    return g_strdup_printf ("mv %s %s; mkdir %s; mv %s %s/%s", from, between, to, between, to,
                            e->name);
  return g_strdup_printf ("mkdir -p %s; %s %s %s/", to, verb, from, to);
}

static gboolean
is_in (const char *path, const char *folder)
{
  g_autofree char *plugins = g_build_filename (folder, "plug-ins", "", NULL);

  return g_str_has_prefix (path, plugins);
}

/* Another GIMP of those here that finds this copy, which must stay where it is; NULL if none does. */
static const AtlGimp *
finder_of (const Examination *e, const AtlPluginCopy *copy)
{
  for (guint i = 0; i < e->gimps->len; i++)
    {
      const AtlGimp *other = g_ptr_array_index (e->gimps, i);
      g_autoptr (GPtrArray) copies = other != e->gimp ? atl_plugin_copies_find (other, e->name)
                                                      : g_ptr_array_new ();

      for (guint c = 0; c < copies->len; c++)
        {
          const AtlPluginCopy *found = g_ptr_array_index (copies, c);

          if (found->place == ATL_PLACE_RIGHT && strcmp (found->path, copy->path) == 0)
            return other;
        }
    }
  return NULL;
}

/* A copy that only other GIMPs may find. Another GIMP's plug-in is no fault; one of ours that has lost its way is. */
static void
examine_elsewhere (Examination *e, const AtlPluginCopy *copy)
{
  const AtlGimp *finder = finder_of (e, copy);
  g_autofree char *command = command_to_bring (finder != NULL ? "cp" : "mv", e, copy);
  g_auto (AtlPluginTrial) trial = atl_plugin_copy_try (copy, e->gimp);

  if (trial.problem != NULL || trial.version == NULL)
    return;
  if (finder == NULL)
    add_broken (e, copy,
                g_strdup_printf (_ ("lies in the folder of another version of GIMP, where %s does "
                                    "not look: %s"),
                                 e->row, command));
  else if (e->lent == NULL)
    e->lent = g_strdup_printf (_ ("the plug-in '%s' is in the folder of GIMP %s, where %s does not "
                                  "look; to have it in both: %s"),
                               e->name, finder->version, e->row, command);
}

/* A copy that GIMP does not find; there is none that it does. */
static void
examine_misplaced (Examination *e, const AtlPluginCopy *copy)
{
  g_autofree char *move = command_to_bring ("mv", e, copy);

  switch (copy->place)
    {
    case ATL_PLACE_RIGHT:
      return;
    case ATL_PLACE_BARE:
      add_broken (
          e, copy,
          g_strdup_printf (_ ("GIMP %s wants every plug-in in a folder of its own name: %s"),
                           e->gimp->version, move));
      return;
    case ATL_PLACE_NAMED:
      add_broken (e, copy,
                  g_strdup_printf (_ ("GIMP does not find it, since its folder must be called '%s' "
                                      "and lie in 'plug-ins': %s"),
                                   e->name, move));
      return;
    case ATL_PLACE_ELSEWHERE:
      break;
    }

  if (is_in (copy->path, e->gimp->directory) || is_in (copy->path, e->gimp->libraries))
    {
      add_broken (
          e, copy,
          g_strdup_printf (_ ("GIMP does not look in this folder: add its 'plug-ins' folder "
                              "in GIMP's Preferences > Folders > Plug-ins, or remove the "
                              "line 'plug-in-path' from %s"),
                           e->gimp->gimprc));
      return;
    }
  examine_elsewhere (e, copy);
}

/* Returns the row that tells that nothing was found. */
static int
add_absent (Examination *e)
{
  g_autoptr (GString) searched = g_string_new (NULL);

  if (e->lent != NULL)
    {
      atl_findings_add (e->findings, e->row, NULL, g_steal_pointer (&e->lent));
      return (int) e->findings->len - 1;
    }
  for (guint i = 0; i < e->gimp->folders->len; i++)
    g_string_append_printf (searched, i == 0 ? "%s" : ", %s",
                            (const char *) g_ptr_array_index (e->gimp->folders, i));
  atl_findings_add (e->findings, e->row, NULL,
                    g_strdup_printf (_ ("the plug-in '%s' is not in %s: build Atelier with 'meson "
                                        "setup build-gimp%d -Dgimp=%d' and install it by 'ninja "
                                        "-C build-gimp%d install'"),
                                     e->name, searched->str, e->gimp->major, e->gimp->major,
                                     e->gimp->major));
  return (int) e->findings->len - 1;
}

/* Returns the row that tells that there is no plug-in of this name, or -1; sets 'works' if it can be used. */
static int
examine_plugin (AtlFindings *findings, const GPtrArray *gimps, const AtlGimp *gimp,
                const AtlFilter *filter, gboolean *works)
{
  Examination e;
  int absent = -1;

  examination_init (&e, findings, gimps, gimp, filter);
  g_autoptr (GPtrArray) copies = atl_plugin_copies_find (gimp, e.name);
  examine_found (&e, copies);
  for (guint i = 0; ! e.works && ! e.broken && i < copies->len; i++)
    examine_misplaced (&e, g_ptr_array_index (copies, i));
  if (! e.works && ! e.broken)
    absent = add_absent (&e);
  *works |= e.works;
  examination_clear (&e);
  return absent;
}

/* A GIMP in a box of its own sees neither the system's plug-ins nor the libraries that they need. Returns whether
 * there is one. */
static gboolean
examine_boxes (AtlFindings *findings, gboolean works)
{
  g_autofree char *own = g_build_filename (g_get_user_data_dir (), "flatpak", NULL);
  const struct
  {
    const char *row, *root, *folder;
  } boxes[] = {
    { "Flatpak", own, "app/org.gimp.GIMP" },
    { "Flatpak", atl_doctor_root (), "var/lib/flatpak/app/org.gimp.GIMP" },
    { "Snap", atl_doctor_root (), "snap/gimp" },
  };
  gboolean any = FALSE;

  for (size_t i = 0; i < G_N_ELEMENTS (boxes); i++)
    {
      g_autofree char *folder = g_build_filename (boxes[i].root, boxes[i].folder, NULL);

      if (! g_file_test (folder, G_FILE_TEST_IS_DIR))
        continue;
      any = TRUE;
      if (works)
        atl_findings_add (
            findings, boxes[i].row,
            g_strdup_printf (_ ("%s: this GIMP cannot load Atelier; start the other"), folder),
            NULL);
      else
        atl_findings_add (findings, boxes[i].row, g_steal_pointer (&folder),
                          g_strdup (_ ("this GIMP is shut off from the system and cannot load "
                                       "Atelier: install GIMP from your distribution (Debian: "
                                       "'apt install gimp'), or use 'atelier upscale'")));
    }
  return any;
}

/* "gimp-console-2.10: GNU Image Manipulation Program version 2.10.34", or the program alone if it does not tell. */
static char *
describe (const AtlGimp *gimp)
{
  g_autofree char *name = g_path_get_basename (gimp->program);

  return gimp->answer != NULL ? g_strdup_printf ("%s: %s", name, gimp->answer)
                              : g_steal_pointer (&name);
}

/* A photographer who has the plug-in in one GIMP need not have it in all. */
static void
excuse (AtlFindings *findings, const GArray *absent)
{
  for (guint i = 0; i < absent->len; i++)
    {
      AtlFinding *finding = &g_array_index (findings, AtlFinding, g_array_index (absent, int, i));

      finding->found = g_steal_pointer (&finding->problem);
    }
}

void
atl_doctor_examine_gimps (AtlFindings *findings)
{
  g_autoptr (GPtrArray) problems = NULL;
  g_autoptr (GPtrArray) gimps = atl_gimps_find (&problems);
  g_autoptr (GArray) absent = g_array_new (FALSE, FALSE, sizeof (int));
  gboolean works = FALSE;

  for (guint i = 0; i < gimps->len; i++)
    {
      const AtlGimp *gimp = g_ptr_array_index (gimps, i);
      g_autofree char *row = g_strdup_printf ("GIMP %s", gimp->version);

      atl_findings_add (findings, row, describe (gimp), g_strdup (gimp->problem));
      for (const AtlFilter *const *filter = atl_filters ();
           gimp->problem == NULL && *filter != NULL; filter++)
        {
          const int at = examine_plugin (findings, gimps, gimp, *filter, &works);

          if (at >= 0)
            g_array_append_val (absent, at);
        }
    }
  if (works)
    excuse (findings, absent);
  for (guint i = 0; i < problems->len; i++)
    atl_findings_add (findings, "GIMP", NULL, g_strdup (g_ptr_array_index (problems, i)));
  if (! examine_boxes (findings, works) && gimps->len == 0 && problems->len == 0)
    atl_findings_add (findings, "GIMP",
                      g_strdup (_ ("not installed; the command line works without it")), NULL);
}
