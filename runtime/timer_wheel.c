// SPDX-License-Identifier: Apache-2.0
#include "runtime/timer_wheel.h"

#include <stddef.h>

#include "base/check.h"

// Runs of 2^i timers wait in bin i while a slot is sorted: 2^40 timers are more than memory holds.
#define SORT_BINS 40

// A slot of the lowest level is sorted by parts of this many ns first, 64 to a tick.
#define SORT_PART_SHIFT (ACT__WHEEL_TICK_SHIFT - 6)
#define SORT_PARTS 64
#define SORT_FEW 16  // so many are merged at once

static struct act__timer *timer_of(struct act__link *link) {
  return ACT__CONTAINER_OF(link, struct act__timer, link);
}

static int64_t due_of(struct act__link *link) {
  return timer_of(link)->due_ns;
}

// Merges two chains (by next, ended by NULL); on equal times the first goes first.
static struct act__link *merge(struct act__link *first, struct act__link *second) {
  struct act__link *chain = NULL, **end = &chain;
  while (first && second) {
#ifdef ACT_MUTANT_WHEEL_UNSTABLE
    struct act__link **from = due_of(second) <= due_of(first) ? &second : &first;
#else
    struct act__link **from = due_of(second) < due_of(first) ? &second : &first;
#endif
    *end = *from;
    end = &(*end)->next;
    *from = *end;
  }
  *end = first ? first : second;
  return chain;
}

// Stable sort of a chain by due time: a bottom-up merge sort whose bins work like the digits of a
// counter.
static struct act__link *sort_chain(struct act__link *node) {
  struct act__link *bins[SORT_BINS] = {NULL};
  int used = 0;
  while (node) {
    struct act__link *run = node;
    node = node->next;
    run->next = NULL;
    int bin = 0;
    for (; bins[bin]; bin++) {
      run = merge(bins[bin], run);
      bins[bin] = NULL;
    }
    bins[bin] = run;
    if (bin >= used) used = bin + 1;
  }
  struct act__link *chain = NULL;
  for (int bin = 0; bin < used; bin++) {
    if (bins[bin]) chain = merge(bins[bin], chain);
  }
  return chain;
}

// The timers of a part of a tick: a chain that grows at its end, and what comes behind it, which grows
// at its front.
struct part {
  struct act__link *first, **end, *behind;
};

static struct part *part_of(struct part *parts, int64_t tick_ns, const struct act__link *node) {
  int64_t due = ACT__CONTAINER_OF(node, struct act__timer, link)->due_ns;
#ifdef ACT_MUTANT_WHEEL_OVERDUE_LAST
  if (due < tick_ns) due = tick_ns + (INT64_C(1) << ACT__WHEEL_TICK_SHIFT) - 1;
#endif
  return due < tick_ns ? parts : &parts[1 + ((due - tick_ns) >> SORT_PART_SHIFT)];
}

// Deals a list out, from both ends towards the middle: its timers come from far away in memory, and
// so two are on their way at a time.
static void deal_out(struct act__link *head, struct part *parts, int64_t tick_ns) {
  struct act__link *first = head->next, *last = head->prev;
  for (;;) {
    struct act__link *next = first->next, *before = last->prev;
    struct part *part = part_of(parts, tick_ns, first);
    *part->end = first;
    part->end = &first->next;
    if (first == last) return;
    part = part_of(parts, tick_ns, last);
    last->next = part->behind;
    part->behind = last;
    if (next == last) return;
    first = next;
    last = before;
  }
}

static bool are_few(const struct act__link *head) {
  int n = 0;
  for (const struct act__link *node = head->next; node != head; node = node->next) {
    if (++n > SORT_FEW) return false;
  }
  return true;
}

// Puts a chain behind a link of a list; gives the last of them.
static struct act__link *append(struct act__link *before, struct act__link *chain) {
  for (; chain; chain = chain->next) {
    before->next = chain;
    chain->prev = before;
    before = chain;
  }
  return before;
}

// Sorts a slot of the lowest level by due time, stably. First by the part of its tick, in one pass
// that brings the timers near; then each part, which is short, by merging. Those that were
// overdue when they were armed have earlier ticks: they come first, in a part of their own.
static void sort_by_due(struct act__link *head, int64_t tick_ns) {
  struct act__link *before = head;
  if (are_few(head)) {
    head->prev->next = NULL;
    before = append(before, sort_chain(head->next));
    before->next = head;
    head->prev = before;
    return;
  }
  struct part parts[1 + SORT_PARTS];
  for (int i = 0; i <= SORT_PARTS; i++) {
    parts[i].end = &parts[i].first;
    parts[i].behind = NULL;
  }
  deal_out(head, parts, tick_ns);
  for (int i = 0; i <= SORT_PARTS; i++) {
    *parts[i].end = parts[i].behind;
    before = append(before, sort_chain(parts[i].first));
  }
  before->next = head;
  head->prev = before;
}

static uint64_t bit(unsigned slot) {
  return UINT64_C(1) << slot;
}

static uint64_t tick_of(int64_t time_ns) {
  return (uint64_t)time_ns >> ACT__WHEEL_TICK_SHIFT;
}

// Puts a timer where it belongs as seen from the current tick.
static void place(struct act__wheel *wheel, struct act__timer *timer) {
  uint64_t tick = timer->due_ns > 0 ? tick_of(timer->due_ns) : 0;
  if (tick < wheel->tick) tick = wheel->tick;  // overdue
  uint64_t difference = tick ^ wheel->tick;
  unsigned level = 0;
  if (difference) level = (63u - (unsigned)__builtin_clzll(difference)) / ACT__WHEEL_SLOT_BITS;
  unsigned index = (unsigned)(tick >> (level * ACT__WHEEL_SLOT_BITS)) % ACT__WHEEL_SLOTS;
  struct act__wheel_slot *slot = &wheel->slots[level][index];
  if (level == 0 && !act__list_is_empty(&slot->timers) &&
      timer->due_ns < due_of(slot->timers.prev)) {
    wheel->unsorted |= bit(index);
  }
  act__list_push_back(&slot->timers, &timer->link);
  if (timer->due_ns < slot->earliest_ns) slot->earliest_ns = timer->due_ns;
  wheel->occupied[level] |= bit(index);
  timer->place = (uint16_t)(1 + level * ACT__WHEEL_SLOTS + index);
}

// Says of a slot that nothing is left in it.
static void slot_is_empty(struct act__wheel *wheel, unsigned level, unsigned index) {
  wheel->slots[level][index].earliest_ns = INT64_MAX;
  wheel->occupied[level] &= ~bit(index);
  if (level == 0) wheel->unsorted &= ~bit(index);
}

void act__wheel_init(struct act__wheel *wheel, int64_t now_ns) {
  ACT_ASSERT(now_ns >= 0);
  *wheel = (struct act__wheel){.now_ns = now_ns, .tick = tick_of(now_ns)};
  for (unsigned level = 0; level < ACT__WHEEL_LEVELS; level++) {
    for (unsigned index = 0; index < ACT__WHEEL_SLOTS; index++) {
      act__list_init(&wheel->slots[level][index].timers);
      wheel->slots[level][index].earliest_ns = INT64_MAX;
    }
  }
}

void act__wheel_arm(struct act__wheel *wheel, struct act__timer *timer, int64_t due_ns) {
  ACT_ASSERT(timer->place == 0);
  timer->due_ns = due_ns;
  place(wheel, timer);
  wheel->count++;
}

bool act__wheel_cancel(struct act__wheel *wheel, struct act__timer *timer) {
  if (timer->place == 0) return false;
  unsigned level = (timer->place - 1) / ACT__WHEEL_SLOTS;
  unsigned index = (timer->place - 1) % ACT__WHEEL_SLOTS;
  act__list_remove(&timer->link);
  timer->place = 0;
  wheel->count--;
  if (act__list_is_empty(&wheel->slots[level][index].timers)) slot_is_empty(wheel, level, index);
  return true;
}

// The first occupied slot in time; false when the wheel is empty.
static bool find_first(const struct act__wheel *wheel, unsigned *level, unsigned *index) {
  for (unsigned k = 0; k < ACT__WHEEL_LEVELS; k++) {
    if (!wheel->occupied[k]) continue;
    *level = k;
    *index = (unsigned)__builtin_ctzll(wheel->occupied[k]);
    return true;
  }
  return false;
}

// The tick at which a slot begins: the current one's digits above the level, then the slot's own.
static uint64_t first_tick(const struct act__wheel *wheel, unsigned level, unsigned index) {
  unsigned shift = level * ACT__WHEEL_SLOT_BITS;
  uint64_t above = wheel->tick >> (shift + ACT__WHEEL_SLOT_BITS) << ACT__WHEEL_SLOT_BITS;
  return (above | index) << shift;
}

// Time has entered a slot of a higher level: its timers move to lower ones, in their order.
static void cascade(struct act__wheel *wheel, unsigned level, unsigned index) {
  struct act__link moving;
  act__list_init(&moving);
  act__list_splice_back(&moving, &wheel->slots[level][index].timers);
  slot_is_empty(wheel, level, index);
  struct act__link *link;
  while ((link = act__list_pop_front(&moving))) place(wheel, timer_of(link));
}

// Moves what stands before `node` in a list (or all, if it is the head) to the end of another.
static void move_before(struct act__link *to, struct act__link *from, struct act__link *node) {
  struct act__link *first = from->next, *last = node->prev;
  if (first == node) return;
  from->next = node;
  node->prev = from;
  to->prev->next = first;
  first->prev = to->prev;
  last->next = to;
  to->prev = last;
}

// Time has entered (or passed) a slot of the lowest level: what is due leaves it.
static void expire(struct act__wheel *wheel, unsigned index, int64_t now_ns,
                   struct act__link *expired) {
  struct act__wheel_slot *slot = &wheel->slots[0][index];
#ifdef ACT_MUTANT_WHEEL_EARLY
  now_ns |= (INT64_C(1) << ACT__WHEEL_TICK_SHIFT) - 1;
#endif
  if (wheel->unsorted & bit(index)) {
    sort_by_due(&slot->timers, (int64_t)(wheel->tick << ACT__WHEEL_TICK_SHIFT));
    wheel->unsorted &= ~bit(index);
  }
  struct act__link *first_left = slot->timers.next;
  for (; first_left != &slot->timers && due_of(first_left) <= now_ns; first_left = first_left->next) {
    timer_of(first_left)->place = 0;
    wheel->count--;
  }
  move_before(expired, &slot->timers, first_left);
  if (act__list_is_empty(&slot->timers)) {
    slot_is_empty(wheel, 0, index);
  } else {
    slot->earliest_ns = due_of(first_left);
  }
}

void act__wheel_advance(struct act__wheel *wheel, int64_t now_ns, struct act__link *expired) {
  if (now_ns < wheel->now_ns) now_ns = wheel->now_ns;
  wheel->now_ns = now_ns;
  uint64_t target = tick_of(now_ns);
  unsigned level, index;
  while (find_first(wheel, &level, &index)) {
    uint64_t tick = first_tick(wheel, level, index);
    if (tick > target) break;
    wheel->tick = tick;
    if (level > 0) {
      cascade(wheel, level, index);
      continue;
    }
    expire(wheel, index, now_ns, expired);
    if (tick == target) break;
  }
  wheel->tick = target;
}

int64_t act__wheel_next_due(const struct act__wheel *wheel) {
  unsigned level, index;
  if (!find_first(wheel, &level, &index)) return INT64_MAX;
  return wheel->slots[level][index].earliest_ns;
}
