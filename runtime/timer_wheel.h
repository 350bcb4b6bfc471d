// SPDX-License-Identifier: Apache-2.0
//
// Hierarchical timing wheel (Varghese and Lauck 1987, scheme 7): arm and cancel in constant time, a
// million timers at once is normal. Pure: no clock, no thread, no memory of its own; the owner
// locks it and hands the time in.
//
// Time is cut into ticks of 2^20 ns (about 1 ms). A slot of level k covers 64^k ticks; 64 slots, side by
// side, are a block. Every level has two rows of slots: the current block and the next. A timer lies
// on the lowest level whose rows reach its tick, so timers of equal due time share a slot or come to.
//
// When time enters a slot of a higher level all its timers must have come down. A million of them at
// once would make those that are due then late by many milliseconds. So with every tick that passes a
// fair share of the slot that comes next on each level goes down ahead of time, into the rows of the
// next block; who is armed for a slot while some still wait in one above it waits behind them. Hence,
// of two timers of one tick the one on the lower level was armed first, and order is kept.
//
// Far timers are known to the tick only; inside a slot of the lowest level the order is exact: the
// slot is sorted (stable) when its tick has come, and only what is due leaves it.
//
// Invariants: never early; a cancelled timer never expires; expired timers come in order of due
// time, equal ones in arming order; after advance(now) nothing due at or before now remains.
#ifndef TROUPE_RUNTIME_TIMER_WHEEL_H
#define TROUPE_RUNTIME_TIMER_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

#define ACT__WHEEL_TICK_SHIFT 20  // 2^20 ns a tick
#define ACT__WHEEL_SLOT_BITS 6
#define ACT__WHEEL_SLOTS 64
#define ACT__WHEEL_LEVELS 8  // 8 x 6 bits hold the 43 bits of ticks in an int64_t of ns
#define ACT__WHEEL_ROWS (2 * ACT__WHEEL_LEVELS)  // of each level: for blocks of even number, and odd

// A timer inside its owner's record; all zero is an unarmed one. Fields are the wheel's, but due_ns
// may be read, also after it expired.
struct act__timer {
  struct act__link link;  // in a slot, then in the list of expired ones; otherwise meaningless
  int64_t due_ns;
  uint16_t place;  // 1 + row * 64 + slot; 0: not in the wheel
  uint8_t home;    // this, `bare` and `note`: for whoever embeds it; the wheel leaves them alone
  bool bare;
  uint32_t note;
};

struct act__wheel_slot {
  struct act__link timers;
  int64_t earliest_ns;  // lower bound of the due times here; INT64_MAX when empty
  uint64_t count;
};

// About 32 KiB.
struct act__wheel {
  int64_t now_ns;  // latest time handed in
  uint64_t tick;   // now_ns in ticks
  uint64_t count;
  uint64_t ahead;        // the tick when timers were last brought down ahead of time
  uint64_t unsorted[2];  // lowest level: slots that must be sorted before anything leaves
  uint64_t occupied[ACT__WHEEL_ROWS];
  struct act__wheel_slot slots[ACT__WHEEL_ROWS][ACT__WHEEL_SLOTS];
};

// Empty wheel at now_ns >= 0.
void act__wheel_init(struct act__wheel *wheel, int64_t now_ns);

// Lends the timer, which must not be armed, to the wheel until it expires or is cancelled. Any
// due_ns: what is due already expires with the next advance; INT64_MAX expires at INT64_MAX.
void act__wheel_arm(struct act__wheel *wheel, struct act__timer *timer, int64_t due_ns);

// True: it was in the wheel and will not expire. False: it has expired, was cancelled, or never
// armed (a timer that still waits in a list of expired ones is that list's owner's business).
bool act__wheel_cancel(struct act__wheel *wheel, struct act__timer *timer);

static inline bool act__timer_is_armed(const struct act__timer *timer) {
  return timer->place != 0;
}

// Moves all timers due at or before now_ns to the end of `expired`, by their `link`, in order. A
// time before the latest one counts as the latest one.
void act__wheel_advance(struct act__wheel *wheel, int64_t now_ns, struct act__link *expired);

// A time, no later than the earliest due time, at which an advance makes progress: either something
// expires, or the next answer is later. INT64_MAX: empty (or nothing before the end of time).
// Exact where nothing was cancelled. Cheap: at most 16 words.
int64_t act__wheel_next_due(const struct act__wheel *wheel);

static inline uint64_t act__wheel_count(const struct act__wheel *wheel) {
  return wheel->count;
}

#endif
