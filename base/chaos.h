// SPDX-License-Identifier: Apache-2.0
//
// For --config=chaos only: before one atomic operation in some thirty the thread lingers for a while or
// lets another one run, so that what can happen between two operations does happen, also on two cores;
// and a weak compare-and-swap fails for no reason, as it may on other machines. What fails here can fail
// anywhere.
//
// Where it is asked: base/atomic.h.
#ifndef TROUPE_BASE_CHAOS_H
#define TROUPE_BASE_CHAOS_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

#define ACT__CHAOS_EVERY 32u
#define ACT__CHAOS_YIELD_EVERY 8u  // of those
#define ACT__CHAOS_LONG_EVERY 64u  // likewise: long enough for others to end and be born meanwhile
#define ACT__CHAOS_LONG 262144u    // steps, of a nanosecond or two
#define ACT__CHAOS_SHORT 2048u     // at most, of the others

// One for each thread in each file. Where it lies seeds it, and that differs from run to run: a
// schedule cannot be had a second time anyway.
static _Thread_local uint32_t act__chaos_state_;

__attribute__((noinline, cold, unused)) static void act__chaos_linger_(uint32_t random) {
  if (random % ACT__CHAOS_YIELD_EVERY == 0) {
    (void)sched_yield();
    return;
  }
  // Else the same chance for each power of two.
  bool is_long = (random >> 3) % ACT__CHAOS_LONG_EVERY == 0;
  uint32_t steps = is_long ? ACT__CHAOS_LONG : ACT__CHAOS_SHORT >> (random >> 9) % 11u;
  for (volatile uint32_t i = 0; i < steps; i++) {
  }
}

// True: it has lingered.
static inline bool act__chaos_(void) {
  uint32_t x = act__chaos_state_;
  if (x == 0) x = (uint32_t)((uintptr_t)&act__chaos_state_ >> 4) * 2654435761u | 1u;
  x ^= x << 13;  // xorshift32, Marsaglia 2003
  x ^= x >> 17;
  x ^= x << 5;
  act__chaos_state_ = x;
  if (x % ACT__CHAOS_EVERY != 0) return false;
  act__chaos_linger_(x / ACT__CHAOS_EVERY);
  return true;
}

#endif
