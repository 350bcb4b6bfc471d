// SPDX-License-Identifier: Apache-2.0
#include "runtime/timer_wheel.h"

#include <stddef.h>

#include "base/check.h"

// Runs of 2^i timers wait in bin i while a slot is sorted: 2^40 timers are more than memory holds.
#define SORT_BINS 40

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

// Stable sort by due time: a bottom-up merge sort whose bins work like the digits of a counter.
static void sort_by_due(struct act__link *head) {
  struct act__link *bins[SORT_BINS] = {NULL};
  struct act__link *node = head->next;
  while (node != head) {
    struct act__link *run = node;
    node = node->next;
    run->next = NULL;
    int bin = 0;
    for (; bins[bin]; bin++) {
      run = merge(bins[bin], run);
      bins[bin] = NULL;
    }
    bins[bin] = run;
  }
  struct act__link *chain = NULL;
  for (int bin = 0; bin < SORT_BINS; bin++) {
    if (bins[bin]) chain = merge(bins[bin], chain);
  }
  struct act__link *before = head;
  for (; chain; chain = chain->next) {
    before->next = chain;
    chain->prev = before;
    before = chain;
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
  timer->place = 1 + level * ACT__WHEEL_SLOTS + index;
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

// Time has entered (or passed) a slot of the lowest level: what is due leaves it.
static void expire(struct act__wheel *wheel, unsigned index, int64_t now_ns,
                   struct act__link *expired) {
  struct act__wheel_slot *slot = &wheel->slots[0][index];
#ifdef ACT_MUTANT_WHEEL_EARLY
  now_ns |= (INT64_C(1) << ACT__WHEEL_TICK_SHIFT) - 1;
#endif
  if (wheel->unsorted & bit(index)) {
    sort_by_due(&slot->timers);
    wheel->unsorted &= ~bit(index);
  }
  while (!act__list_is_empty(&slot->timers) && due_of(slot->timers.next) <= now_ns) {
    struct act__timer *timer = timer_of(act__list_pop_front(&slot->timers));
    timer->place = 0;
    wheel->count--;
    act__list_push_back(expired, &timer->link);
  }
  if (act__list_is_empty(&slot->timers)) {
    slot_is_empty(wheel, 0, index);
  } else {
    slot->earliest_ns = due_of(slot->timers.next);
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
