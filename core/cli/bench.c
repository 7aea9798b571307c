/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The command 'atelier bench': how fast the kernels and networks are on this machine, and how near to what it
 * can do at most.
 *
 * A machine is never quiet: in every round the yardsticks are measured beside the case, and of all rounds the
 * medians count. Speeds are those of the direct convolution's operations, so that a kernel that needs fewer
 * exceeds the processor's peak.
 */

#include "cli/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/machine.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "base/threads.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/options.h"
#include "cli/output.h"

/* A round repeats a case for so long at least, in seconds, for clocks and threads to count little. */
#define ROUND_SECONDS 0.02

/* Floats of each array that the memory is measured with: 128 MiB, several times the caches. */
#define MEMORY_FLOATS ((size_t) 32 << 20)

static const AtlUsage usage = {
  .command = "bench",
  .blurb = N_ ("time the kernels and networks on this machine"),
  .arguments = N_ ("[WORD...]"),
  .summary = N_ (
      "Times the kernels and networks, and what the machine can do at most: all of them, or\n"
      "those whose name contains one of the words. Other programs should rest meanwhile.\n"
      "Counted are the operations of direct convolutions, of which fast ones need fewer: they\n"
      "exceed the peak. Shares of it are medians too, each against the peak of its round."),
  .examples = "  atelier bench\n"
              "  atelier bench conv3x3 --rounds 15\n"
              "  atelier bench sr-resnet --threads 1 --json",
};

typedef struct
{
  int rounds, threads;
  gboolean json, list;
  char **words;
} Options;

typedef struct
{
  double operations, bytes; /* a second: medians */
} Limits;

/* What was measured of a case. */
typedef struct
{
  double seconds; /* a run: median */
  Limits limits;  /* measured beside it */
} Timing;

typedef struct
{
  const Options *options;
  GCancellable *cancellable; /* borrowed */
  float *x, *y;              /* for the memory's speed */
  JsonBuilder *json;
} Bench;

void
atl_bench_case_free (AtlBenchCase *bench_case)
{
  if (bench_case == NULL)
    return;

  if (bench_case->data != NULL)
    bench_case->free (bench_case->data);
  g_free (bench_case->name);
  g_free (bench_case);
}

static int
compare (const void *a, const void *b)
{
  const double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

/* Sorts the values. */
static double
median (double *values, int n)
{
  qsort (values, (size_t) n, sizeof *values, compare);
  return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2.0;
}

/* The seconds of a run, the mean of as many as fill a round. */
static double
time_runs (const AtlBenchCase *bench_case)
{
  const gint64 start = g_get_monotonic_time ();
  double seconds = 0.0;
  int n = 0;

  for (; seconds < ROUND_SECONDS; n++)
    {
      bench_case->run (bench_case->data);
      seconds = (double) (g_get_monotonic_time () - start) * 1e-6;
    }
  return seconds / n;
}

static gboolean
measure (const Bench *bench, const AtlBenchCase *bench_case, Timing *timing, GError **error)
{
  const int n = bench->options->rounds;
  g_autofree double *seconds = g_new (double, n);
  g_autofree double *operations = g_new (double, n);
  g_autofree double *bytes = g_new (double, n);

  bench_case->run (bench_case->data); /* touches the memory */
  for (int i = 0; i < n; i++)
    {
      if (g_cancellable_set_error_if_cancelled (bench->cancellable, error))
        return FALSE;
      operations[i] = atl_machine_flops ();
      bytes[i] = bench_case->bytes > 0.0 ? atl_machine_bytes (bench->y, bench->x, MEMORY_FLOATS)
                                         : 0.0;
      seconds[i] = time_runs (bench_case);
    }

  *timing = (Timing) { .seconds = median (seconds, n),
                       .limits = { median (operations, n), median (bytes, n) } };
  return TRUE;
}

static gboolean
is_wanted (const Options *options, const char *name)
{
  if (options->words[0] == NULL)
    return TRUE;

  for (char **word = options->words; *word != NULL; word++)
    if (strstr (name, *word) != NULL)
      return TRUE;
  return FALSE;
}

static void
print_kernel (const Bench *bench, const AtlBenchCase *bench_case, const Timing *timing)
{
  const double gflops = bench_case->operations / timing->seconds * 1e-9;
  const double gbytes = bench_case->bytes / timing->seconds * 1e-9;
  const double share = gflops * 1e9 / timing->limits.operations;
  const double share_of_memory = gbytes * 1e9 / timing->limits.bytes;

  if (bench->json == NULL && bench_case->bytes > 0.0)
    printf (_ ("%-34s %9.3f ms %6.1f GB/s     %4.0f %% of the memory's speed\n"), bench_case->name,
            timing->seconds * 1e3, gbytes, 100.0 * share_of_memory);
  else if (bench->json == NULL)
    printf (_ ("%-34s %9.3f ms %6.0f GFLOPS   %4.2f of the peak\n"), bench_case->name,
            timing->seconds * 1e3, gflops, share);
  else
    {
      json_builder_begin_object (bench->json);
      atl_json_add_text (bench->json, "name", bench_case->name);
      atl_json_add_number (bench->json, "ms", timing->seconds * 1e3);
      if (bench_case->bytes > 0.0)
        {
          atl_json_add_number (bench->json, "gbytes_per_second", gbytes);
          atl_json_add_number (bench->json, "share_of_bandwidth", share_of_memory);
        }
      else
        {
          atl_json_add_integer (bench->json, "channels_in", bench_case->conv.c_in);
          atl_json_add_integer (bench->json, "channels_out", bench_case->conv.c_out);
          atl_json_add_integer (bench->json, "stride", bench_case->conv.stride);
          atl_json_add_number (bench->json, "gflops", gflops);
          atl_json_add_number (bench->json, "share_of_peak", share);
        }
      json_builder_end_object (bench->json);
    }
}

static void
print_network (const Bench *bench, const AtlBenchCase *bench_case, const Timing *timing)
{
  const double gflops = bench_case->operations / timing->seconds * 1e-9;

  if (bench->json == NULL)
    {
      printf (_ ("%-34s %9.1f ms %6.0f GFLOPS   %4.2f of the peak, %.0f MiB\n"), bench_case->name,
              timing->seconds * 1e3, gflops, gflops * 1e9 / timing->limits.operations,
              (double) bench_case->memory / (1 << 20));
      return;
    }

  json_builder_begin_object (bench->json);
  atl_json_add_text (bench->json, "name", bench_case->name);
  atl_json_add_number (bench->json, "ms", timing->seconds * 1e3);
  atl_json_add_number (bench->json, "gflops", gflops);
  atl_json_add_number (bench->json, "share_of_peak", gflops * 1e9 / timing->limits.operations);
  atl_json_add_integer (bench->json, "peak_bytes", (gint64) bench_case->memory);
  atl_json_add_integer (bench->json, "loaded_bytes", (gint64) bench_case->loaded);
  json_builder_end_object (bench->json);
}

/* Cases of one kind. */
typedef struct
{
  const char *name; /* of the member in JSON */
  int (*count) (void);
  char *(*name_of) (int index);
  AtlBenchCaseFunc *make;
  void (*print) (const Bench *bench, const AtlBenchCase *bench_case, const Timing *timing);
} Kind;

static const Kind kinds[] = {
  { "kernels", atl_bench_n_kernels, atl_bench_kernel_name, atl_bench_kernel_new, print_kernel },
  { "networks", atl_bench_n_networks, atl_bench_network_name, atl_bench_network_new,
    print_network },
};

/* Whether a word is part of any name. */
static gboolean
are_known (const Options *options)
{
  for (size_t k = 0; k < G_N_ELEMENTS (kinds); k++)
    for (int i = 0; i < kinds[k].count (); i++)
      {
        g_autofree char *name = kinds[k].name_of (i);

        if (is_wanted (options, name))
          return TRUE;
      }
  return FALSE;
}

static void
list (const Options *options)
{
  for (size_t k = 0; k < G_N_ELEMENTS (kinds); k++)
    for (int i = 0; i < kinds[k].count (); i++)
      {
        g_autofree char *name = kinds[k].name_of (i);

        if (is_wanted (options, name))
          printf ("%s\n", name);
      }
}

static gboolean
run_kind (const Bench *bench, const Kind *kind, GError **error)
{
  if (bench->json != NULL)
    {
      json_builder_set_member_name (bench->json, kind->name);
      json_builder_begin_array (bench->json);
    }

  for (int i = 0; i < kind->count (); i++)
    {
      g_autofree char *name = kind->name_of (i);
      Timing timing;

      if (! is_wanted (bench->options, name))
        continue;

      g_autoptr (AtlBenchCase) bench_case = kind->make (i, error);
      if (bench_case == NULL || ! measure (bench, bench_case, &timing, error))
        return FALSE;
      kind->print (bench, bench_case, &timing);
      fflush (stdout);
    }

  if (bench->json != NULL)
    json_builder_end_array (bench->json);
  return TRUE;
}

/* What the machine can do, by itself. */
static void
print_machine (const Bench *bench)
{
  const int n = bench->options->rounds;
  const AtlBackend *backend = atl_backend_default ();
  g_autofree double *operations = g_new (double, n);
  g_autofree double *bytes = g_new (double, n);

  for (int i = 0; i < n; i++)
    {
      operations[i] = atl_machine_flops ();
      bytes[i] = atl_machine_bytes (bench->y, bench->x, MEMORY_FLOATS);
    }

  const double gflops = median (operations, n) * 1e-9, gbytes = median (bytes, n) * 1e-9;

  if (bench->json == NULL)
    {
      printf (P_ ("%s (%s), %d thread: FMA peak %.0f GFLOPS, memory %.1f GB/s\n",
                  "%s (%s), %d threads: FMA peak %.0f GFLOPS, memory %.1f GB/s\n",
                  atl_threads_count ()),
              backend->name, backend->variant, atl_threads_count (), gflops, gbytes);
      return;
    }
  atl_json_add_text (bench->json, "backend", backend->name);
  atl_json_add_text (bench->json, "instruction_set", backend->variant);
  atl_json_add_integer (bench->json, "threads", atl_threads_count ());
  atl_json_add_integer (bench->json, "rounds", n);
  atl_json_add_number (bench->json, "fma_peak_gflops", gflops);
  atl_json_add_number (bench->json, "bandwidth_gbytes_per_second", gbytes);
}

static gboolean
run_all (const Bench *bench, GError **error)
{
  print_machine (bench);
  for (size_t i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (! run_kind (bench, &kinds[i], error))
      return FALSE;
  return TRUE;
}

static int
bench (const Options *options)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonBuilder) json = options->json ? json_builder_new () : NULL;
  g_autoptr (AtlFloats) x = atl_floats_new (MEMORY_FLOATS, _ ("the measure of memory"), &error);
  g_autoptr (AtlFloats)
      y = x != NULL ? atl_floats_new (MEMORY_FLOATS, _ ("the measure of memory"), &error) : NULL;
  const Bench bench = {
    .options = options, .cancellable = atl_interrupt_cancellable (), .x = x, .y = y, .json = json
  };

  if (y == NULL)
    return atl_say_failure (usage.command, error);

  for (size_t i = 0; i < MEMORY_FLOATS; i++)
    x[i] = 1.0f; /* pages of its own, not the one of zeros that all fresh ones share */

  if (json != NULL)
    json_builder_begin_object (json);
  if (! run_all (&bench, &error))
    return atl_say_failure (usage.command, error);

  if (json != NULL)
    {
      json_builder_end_object (json);
      atl_print_json (json);
    }
  return ATL_EXIT_DONE;
}

static int
run (AtlOptions *command_line)
{
  Options options = { .rounds = 7, .threads = atl_threads_count () };
  const GOptionEntry entries[] = {
    { "rounds", 'r', G_OPTION_FLAG_NONE, G_OPTION_ARG_INT, &options.rounds,
      N_ ("Rounds, of which the medians count [7]"), N_ ("N") },
    { "threads", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_INT, &options.threads,
      N_ ("Threads to compute with [all processors]"), N_ ("N") },
    { "list", 'l', G_OPTION_FLAG_NONE, G_OPTION_ARG_NONE, &options.list,
      N_ ("Only list what would be timed"), NULL },
    { "json", 'j', G_OPTION_FLAG_NONE, G_OPTION_ARG_NONE, &options.json,
      N_ ("Print JSON, for programs"), NULL },
    { NULL },
  };
  g_auto (GStrv) words = NULL;
  int status;

  atl_options_add (command_line, entries);
  if (! atl_options_parse (command_line, &words, &status))
    return status;
  if (options.rounds < 1 || options.rounds > 1000)
    return atl_say_usage (usage.command, _ ("'--rounds' is %d, but must be from 1 to 1000"),
                          options.rounds);
  if (! atl_options_set_threads (&usage, options.threads))
    return ATL_EXIT_USAGE;

  options.words = words;
  if (! are_known (&options))
    return atl_say_usage (usage.command, _ ("no case is named so; '--list' lists them"));
  if (options.list)
    {
      list (&options);
      return ATL_EXIT_DONE;
    }
  return bench (&options);
}

const AtlCommand atl_command_bench = {
  .usage = &usage,
  .run = run,
};
