/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which steps of an inference run in strips, and in how many: the division is looked for that needs least memory and
 * computes little twice. The kernels' scratch does not count: it depends on the number of threads, and the result must
 * not.
 */

#include "graph/plan-private.h"

/* In floats, 32 MiB: plans whose tensors take less are not divided, for the model and libraries take more. */
#define UNDIVIDED_SIZE ((size_t) 8 << 20)

/* Rows that each convolution of a strip has at least. With one or two the decoder of Unet34 takes 1.3 times as long,
 * for its weights are read again for each strip; with 16 it takes as long as undivided. */
#define MIN_ROWS 16

/* The multiply-adds that strips may add, as a part of all: a fourth of what the edges of a tile of 512 pixels add. */
#define MAX_ADDED 0.02

/* The memory that a division has to spare, or the one with fewer strips and steps is kept. */
#define MIN_SPARED 0.05

typedef struct
{
  int width, height;
  double max_multiply_adds;
  AtlPlan *plan; /* the best so far */
  size_t size;   /* of the tensors of the last one */
} Search;

/* Of what the convolutions of the first strip compute: none has fewer. */
static int
fewest_rows (const GPtrArray *strips)
{
  int n_rows = G_MAXINT;

  if (strips->len == 0)
    return n_rows;

  const AtlPlan *strip = g_ptr_array_index (strips, 0);

  for (guint i = 0; i < strip->steps->len; i++)
    {
      const AtlStep *step = &atl_plan_step (strip, i)->step;
      const int h = strip->shapes[step->node].h;

      if (atl_step_is_conv (step) && h > 0)
        n_rows = MIN (n_rows, h);
    }
  return n_rows;
}

/* Keeps the plan of a division if it needs less memory. FALSE if it has too few rows or adds too much. */
static gboolean
consider (Search *search, const AtlDivision *division)
{
  g_autoptr (AtlPlan) divided = atl_plan_new_divided (
      search->plan->prepared, search->width, search->height, &search->plan->asked, division);

  if (atl_plan_multiply_adds (divided) > search->max_multiply_adds
      || MIN (fewest_rows (divided->head), fewest_rows (divided->tail)) < MIN_ROWS)
    return FALSE;

  search->size = divided->scratch;
  if ((double) divided->scratch < (1.0 - MIN_SPARED) * (double) search->plan->scratch)
    {
      atl_plan_free (search->plan);
      search->plan = g_steal_pointer (&divided);
    }
  return TRUE;
}

/* The largest of what the steps from 'begin' to before 'end' store. */
static size_t
largest_stored (const AtlPlan *plan, guint begin, guint end)
{
  size_t size = 0;

  for (guint i = begin; i < end; i++)
    {
      const AtlNode y = g_array_index (plan->prepared->steps, AtlStep, i).y;

      size = MAX (size, plan->backend->tensor_size (&plan->shapes[y]));
    }
  return size;
}

/* With this head no tail, then longer and longer ones in more and more strips. The more steps run in strips, the more is
 * computed twice, and the fewer rows have the first of them: where two strips are too many it ends. FALSE if the head
 * alone is too much. */
static gboolean
consider_tails (Search *search, AtlDivision division)
{
  const AtlPrepared *prepared = search->plan->prepared;
  const guint n_steps = prepared->steps->len;
  const int most_strips = search->plan->asked.height / MIN_ROWS;

  division.tail_begin = n_steps;
  division.n_tail_strips = 1;
  if (! consider (search, &division))
    return FALSE;

  for (division.tail_begin = n_steps - 1; division.tail_begin > division.head_end;
       division.tail_begin--)
    if (atl_prepared_can_divide_tail (prepared, division.tail_begin))
      {
        size_t size = G_MAXSIZE;

        /* Until the other steps need more than the tail. */
        for (division.n_tail_strips = 2; division.n_tail_strips <= most_strips;
             division.n_tail_strips *= 2)
          {
            if (! consider (search, &division) || search->size == size)
              break;
            size = search->size;
          }
        if (division.n_tail_strips == 2)
          break;
      }
  return TRUE;
}

/* The same from the other end. A head is of use if what it gives is smaller than what it stores meanwhile. */
static void
consider_heads (Search *search)
{
  const AtlPrepared *prepared = search->plan->prepared;
  AtlDivision division = { 0 };

  for (division.head_end = 1; division.head_end < prepared->steps->len; division.head_end++)
    {
      const AtlNode result = g_array_index (prepared->steps, AtlStep, division.head_end - 1).y;
      const AtlShape shape = search->plan->shapes[result];

      if (largest_stored (search->plan, 0, division.head_end)
              == search->plan->backend->tensor_size (&shape)
          || ! atl_prepared_can_divide_head (prepared, division.head_end))
        continue;
      for (division.n_head_strips = 2; division.n_head_strips <= shape.h / MIN_ROWS;
           division.n_head_strips *= 2)
        if (! consider_tails (search, division))
          break;
      if (division.n_head_strips == 2)
        return;
    }
}

AtlPlan *
atl_plan_new_inference (const AtlPrepared *prepared, int width, int height, const AtlRegion *output)
{
  const AtlDivision none = { .tail_begin = prepared->steps->len, .n_tail_strips = 1 };
  Search search = { .width = width,
                    .height = height,
                    .plan = atl_plan_new_divided (prepared, width, height, output, &none) };

  search.max_multiply_adds = (1.0 + MAX_ADDED) * atl_plan_multiply_adds (search.plan);
  if (search.plan->scratch < UNDIVIDED_SIZE)
    return search.plan;

  consider_tails (&search, none);
  consider_heads (&search);
  return search.plan;
}
