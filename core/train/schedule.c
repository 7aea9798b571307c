/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How the learning rate changes over a training.
 *
 * With p = progress, 0..1, and w, D, C, P = warm_up, divisor, cut, percent / 100:
 *
 *   warm-up             p / w while p < w, a factor to what follows
 *   cosine              (1 + cos (pi (p - w) / (1 - w))) / 2
 *   one-cycle           linear from 1/D to 1 at p = 1/C, then linear back to 1/D
 *   one-cycle beta      linear from 1/D to 1 at p = (1 - P)/2, back to 1/D at 1 - P, then on to 1/(100 D)
 *
 * One-cycle: Smith, "A disciplined approach to neural network hyper-parameters: part 1", 2018, in the two
 * forms of fastai 0.7. Cosine: Loshchilov and Hutter, "SGDR", ICLR 2017, without restarts.
 */

#include "train/schedule.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/i18n.h"

static double
line (double from, double to, double part)
{
  return from + (to - from) * part;
}

static double
one_cycle (const AtlSchedule *s, double p)
{
  const double low = 1.0 / s->divisor;
  const double top = 1.0 / s->cut;

  return p < top ? line (low, 1.0, p / top) : line (1.0, low, (p - top) / (1.0 - top));
}

static double
one_cycle_beta (const AtlSchedule *s, double p)
{
  const double low = 1.0 / s->divisor;
  const double end = 1.0 - s->percent / 100.0;
  const double top = end / 2.0;

  if (p < top)
    return line (low, 1.0, p / top);
  if (p < end)
    return line (1.0, low, (p - top) / top);
  return end < 1.0 ? line (low, low / 100.0, (p - end) / (1.0 - end)) : low;
}

double
atl_schedule_rate (const AtlSchedule *s, double peak, double progress)
{
  const double p = CLAMP (progress, 0.0, 1.0);
  const double warm = p < s->warm_up ? p / s->warm_up : 1.0;

  switch (s->kind)
    {
    case ATL_SCHEDULE_CONSTANT:
      return peak * warm;
    case ATL_SCHEDULE_COSINE:
      if (p < s->warm_up)
        return peak * warm;
      return peak * 0.5 * (1.0 + cos (G_PI * (p - s->warm_up) / (1.0 - s->warm_up)));
    case ATL_SCHEDULE_ONE_CYCLE:
      return peak * one_cycle (s, p);
    case ATL_SCHEDULE_ONE_CYCLE_BETA:
      return peak * one_cycle_beta (s, p);
    }

  g_return_val_if_reached (0.0);
}

/* Up to two numbers after the colon, separated by a comma; their count, or -1 for anything else. */
static int
parse_numbers (const char *text, double numbers[2])
{
  char *end;
  int n = 0;

  while (n < 2)
    {
      numbers[n++] = g_ascii_strtod (text, &end);
      if (end == text)
        return -1;
      if (*end == '\0')
        return n;
      if (*end != ',')
        return -1;
      text = end + 1;
    }

  return -1;
}

gboolean
atl_schedule_parse (AtlSchedule *schedule, const char *text, GError **error)
{
  static const char *const names[] = { "constant", "cosine", "one-cycle", "one-cycle-beta" };
  const char *colon = strchr (text, ':');
  g_autofree char *name = colon != NULL ? g_strndup (text, colon - text) : g_strdup (text);
  double numbers[2] = { 0.0, 0.0 };
  const int n = colon != NULL ? parse_numbers (colon + 1, numbers) : 0;
  const double a = numbers[0], b = numbers[1];
  gboolean good = FALSE;

  *schedule = (AtlSchedule) { .divisor = 1.0, .cut = 2.0 };
  for (size_t kind = 0; kind < G_N_ELEMENTS (names); kind++)
    {
      if (strcmp (name, names[kind]) != 0)
        continue;

      schedule->kind = (AtlScheduleKind) kind;
      if (kind == ATL_SCHEDULE_CONSTANT || kind == ATL_SCHEDULE_COSINE)
        {
          good = n == 0 || (n == 1 && a >= 0.0 && a < 100.0);
          schedule->warm_up = a / 100.0;
        }
      else
        {
          const gboolean beta = kind == ATL_SCHEDULE_ONE_CYCLE_BETA;

          good = n == 2 && a >= 1.0 && a <= 1e6
                 && (beta ? b >= 0.0 && b < 100.0 : b > 1.0 && b <= 1e6);
          schedule->divisor = a;
          *(beta ? &schedule->percent : &schedule->cut) = b;
        }
    }

  if (! good)
    g_set_error (
        error, ATL_ERROR, ATL_ERROR_ARGUMENT,
        _ ("the schedule '%s' is not known; there are 'constant', 'cosine', both also with a "
           "warm-up in per cent as in 'cosine:5', 'one-cycle:DIV,CUT' and "
           "'one-cycle-beta:DIV,PCT'"),
        text);
  return good;
}
