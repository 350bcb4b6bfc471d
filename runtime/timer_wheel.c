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

// A tick in slots of a level: its digits (base 64) from that level upwards.
static uint64_t slot_of(uint64_t tick, unsigned level) {
  return tick >> (level * ACT__WHEEL_SLOT_BITS);
}

static uint64_t block_of(uint64_t tick, unsigned level) {
  return slot_of(tick, level) >> ACT__WHEEL_SLOT_BITS;
}

// Where a tick lies on a level.
static unsigned row_of(uint64_t tick, unsigned level) {
  return 2 * level + block_of(tick, level) % 2;
}

static unsigned index_of(uint64_t tick, unsigned level) {
  return (unsigned)slot_of(tick, level) % ACT__WHEEL_SLOTS;
}

static bool is_occupied(const struct act__wheel *wheel, uint64_t tick, unsigned level) {
  return (wheel->occupied[row_of(tick, level)] & bit(index_of(tick, level))) != 0;
}

static uint64_t tick_to_wait_for(const struct act__wheel *wheel, const struct act__timer *timer) {
  uint64_t tick = timer->due_ns > 0 ? tick_of(timer->due_ns) : 0;
  return tick < wheel->tick ? wheel->tick : tick;  // overdue
}

// Links a timer in on a level that reaches its tick, or on a lower one that does too, but nowhere below
// a slot in which others wait for the same ticks.
static void link_in(struct act__wheel *wheel, struct act__timer *timer, uint64_t tick,
                    unsigned level) {
  // The blocks of a level are the slots of the next.
  while (level > 0 && slot_of(tick, level) - slot_of(wheel->tick, level) <= 1) {
#ifndef ACT_MUTANT_WHEEL_OVERTAKES
    if (is_occupied(wheel, tick, level)) break;
#endif
    level--;
  }
  unsigned row = row_of(tick, level), index = index_of(tick, level);
  struct act__wheel_slot *slot = &wheel->slots[row][index];
  if (level == 0 && !act__list_is_empty(&slot->timers) &&
      timer->due_ns < due_of(slot->timers.prev)) {
    wheel->unsorted[row] |= bit(index);
  }
  act__list_push_back(&slot->timers, &timer->link);
  if (timer->due_ns < slot->earliest_ns) slot->earliest_ns = timer->due_ns;
  slot->count++;
  wheel->occupied[row] |= bit(index);
  timer->place = (uint16_t)(1 + row * ACT__WHEEL_SLOTS + index);
}

// Puts a timer where it belongs as seen from the current tick.
static void place(struct act__wheel *wheel, struct act__timer *timer) {
  uint64_t tick = tick_to_wait_for(wheel, timer);
  uint64_t difference = tick ^ wheel->tick;
  unsigned level = 0;
  if (difference) level = (63u - (unsigned)__builtin_clzll(difference)) / ACT__WHEEL_SLOT_BITS;
  link_in(wheel, timer, tick, level);  // in the current block of that level
}

// Says of a slot that nothing is left in it.
static void slot_is_empty(struct act__wheel *wheel, unsigned row, unsigned index) {
  wheel->slots[row][index].earliest_ns = INT64_MAX;
  wheel->slots[row][index].count = 0;
  wheel->occupied[row] &= ~bit(index);
  if (row < 2) wheel->unsorted[row] &= ~bit(index);
}

void act__wheel_init(struct act__wheel *wheel, int64_t now_ns) {
  ACT_ASSERT(now_ns >= 0);
  *wheel = (struct act__wheel){.now_ns = now_ns, .tick = tick_of(now_ns), .ahead = tick_of(now_ns)};
  for (unsigned row = 0; row < ACT__WHEEL_ROWS; row++) {
    for (unsigned index = 0; index < ACT__WHEEL_SLOTS; index++) {
      act__list_init(&wheel->slots[row][index].timers);
      wheel->slots[row][index].earliest_ns = INT64_MAX;
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
  unsigned row = (timer->place - 1u) / ACT__WHEEL_SLOTS;
  unsigned index = (timer->place - 1u) % ACT__WHEEL_SLOTS;
  act__list_remove(&timer->link);
  timer->place = 0;
  wheel->count--;
  if (--wheel->slots[row][index].count == 0) slot_is_empty(wheel, row, index);
  return true;
}

// The tick at which a slot begins.
static uint64_t first_tick(const struct act__wheel *wheel, unsigned row, unsigned index) {
  unsigned level = row / 2;
  uint64_t block = block_of(wheel->tick, level);
  if (block % 2 != row % 2) block++;
  return (block << ACT__WHEEL_SLOT_BITS | index) << (level * ACT__WHEEL_SLOT_BITS);
}

// The first occupied slot in time; of those that begin at once, one of the highest level, for timers
// must come down before any expires. False when the wheel is empty.
static bool find_first(const struct act__wheel *wheel, unsigned *row, unsigned *index) {
  uint64_t first = UINT64_MAX;
  for (unsigned level = 0; level < ACT__WHEEL_LEVELS; level++) {
    unsigned at = row_of(wheel->tick, level);
    if (!wheel->occupied[at]) at ^= 1;
    if (!wheel->occupied[at]) continue;
    unsigned slot = (unsigned)__builtin_ctzll(wheel->occupied[at]);
    uint64_t tick = first_tick(wheel, at, slot);
    if (tick > first) continue;
    first = tick;
    *row = at;
    *index = slot;
    // Higher levels begin with the next block at the earliest: see enter.
    if (level == 0 && at == row_of(wheel->tick, 0)) break;
  }
  return first != UINT64_MAX;
}

// All timers of a slot move to lower levels, in their order.
static void cascade(struct act__wheel *wheel, unsigned row, unsigned index) {
  struct act__link moving;
  act__list_init(&moving);
  act__list_splice_back(&moving, &wheel->slots[row][index].timers);
  slot_is_empty(wheel, row, index);
  struct act__link *link;
  while ((link = act__list_pop_front(&moving))) place(wheel, timer_of(link));
}

// Time has entered a slot of a higher level, perhaps of several: all their timers come down. Those of the
// lowest first, which are older.
static void enter(struct act__wheel *wheel) {
#ifdef ACT_MUTANT_WHEEL_NEWEST_DOWN_FIRST
  for (unsigned level = ACT__WHEEL_LEVELS; level-- > 1;) {
#else
  for (unsigned level = 1; level < ACT__WHEEL_LEVELS; level++) {
#endif
    if (!is_occupied(wheel, wheel->tick, level)) continue;
    cascade(wheel, row_of(wheel->tick, level), index_of(wheel->tick, level));
  }
}

// Brings down a share of a slot that begins at `begin`: as large a part of it as has passed, since the
// last time, of what was left until then.
static void bring_down(struct act__wheel *wheel, unsigned level, uint64_t begin, uint64_t passed) {
  unsigned row = row_of(begin, level), index = index_of(begin, level);
  struct act__wheel_slot *slot = &wheel->slots[row][index];
  uint64_t left = begin - wheel->tick;
  uint64_t share = passed < left ? (slot->count * passed + left - 1) / left : slot->count;
  slot->count -= share;
  for (; share > 0; share--) {
    struct act__timer *timer = timer_of(act__list_pop_front(&slot->timers));
    link_in(wheel, timer, tick_of(timer->due_ns), level - 1);
  }
  if (slot->count == 0) slot_is_empty(wheel, row, index);
}

// Of the slot that comes next on each level.
static void bring_down_ahead(struct act__wheel *wheel) {
  uint64_t passed = wheel->tick - wheel->ahead;
  if (passed == 0) return;
  wheel->ahead = wheel->tick;
  for (unsigned level = 1; level < ACT__WHEEL_LEVELS; level++) {
    uint64_t begin = (slot_of(wheel->tick, level) + 1) << (level * ACT__WHEEL_SLOT_BITS);
    if (is_occupied(wheel, begin, level)) bring_down(wheel, level, begin, passed);
  }
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
static void expire(struct act__wheel *wheel, unsigned row, unsigned index, int64_t now_ns,
                   struct act__link *expired) {
  struct act__wheel_slot *slot = &wheel->slots[row][index];
#ifdef ACT_MUTANT_WHEEL_EARLY
  now_ns |= (INT64_C(1) << ACT__WHEEL_TICK_SHIFT) - 1;
#endif
  if (wheel->unsorted[row] & bit(index)) {
    sort_by_due(&slot->timers, (int64_t)(wheel->tick << ACT__WHEEL_TICK_SHIFT));
    wheel->unsorted[row] &= ~bit(index);
  }
  struct act__link *first_left = slot->timers.next;
  for (; first_left != &slot->timers && due_of(first_left) <= now_ns; first_left = first_left->next) {
    timer_of(first_left)->place = 0;
    slot->count--;
    wheel->count--;
  }
  move_before(expired, &slot->timers, first_left);
  if (act__list_is_empty(&slot->timers)) {
    slot_is_empty(wheel, row, index);
  } else {
    slot->earliest_ns = due_of(first_left);
  }
}

void act__wheel_advance(struct act__wheel *wheel, int64_t now_ns, struct act__link *expired) {
  if (now_ns < wheel->now_ns) now_ns = wheel->now_ns;
  wheel->now_ns = now_ns;
  uint64_t target = tick_of(now_ns);
  unsigned row, index;
  while (find_first(wheel, &row, &index)) {
    uint64_t tick = first_tick(wheel, row, index);
    if (tick > target) break;
    wheel->tick = tick;
    if (row >= 2) {  // not of the lowest level
      enter(wheel);
      continue;
    }
    expire(wheel, row, index, now_ns, expired);
    if (tick == target) break;
  }
  wheel->tick = target;
  bring_down_ahead(wheel);
}

int64_t act__wheel_next_due(const struct act__wheel *wheel) {
  unsigned row, index;
  if (!find_first(wheel, &row, &index)) return INT64_MAX;
  int64_t due_ns = wheel->slots[row][index].earliest_ns;
  if (row < 2) return due_ns;
  // The bound may be that of a timer that has come down, and was cancelled there.
  int64_t begin_ns = (int64_t)(first_tick(wheel, row, index) << ACT__WHEEL_TICK_SHIFT);
  return due_ns > begin_ns ? due_ns : begin_ns;
}
