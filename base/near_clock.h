// SPDX-License-Identifier: Apache-2.0
//
// The time, for whoever asks before every small piece of work: between two looks at the system's
// clock it is told from the processor's tick counter, which costs a third of a look.
//
// The counter is trusted only for ACT__NEAR_NS after a look, at the rate measured between the last
// two looks that lay apart; whatever else it does (another rate, another core's value, a jump back)
// costs a look and no more. Never runs backwards, is never ahead of the system's clock, and less than
// a microsecond behind it unless the thread is interrupted meanwhile. Where there is no such counter every call looks.
#ifndef TROUPE_BASE_NEAR_CLOCK_H
#define TROUPE_BASE_NEAR_CLOCK_H

#include <stdint.h>

#include "base/clock.h"

// How long after a look the counter is trusted.
#define ACT__NEAR_NS (50 * ACT__NS_PER_US)

// Used by one thread at a time.
struct act__near_clock {
  struct act__clock *clock;  // the system's
  int64_t look_ns;           // the latest look,
  uint64_t look_ticks;       // and the counter then
  uint64_t near_ticks;       // how many ticks it is trusted after that look; 0: not at all
  uint64_t trust_ticks;      // ACT__NEAR_NS in ticks; 0: the rate is not known yet
  uint64_t ns_per_tick;      // in 2^-32 ns
  int64_t rate_ns;           // where the measurement of the rate began; INT64_MAX: not yet
  uint64_t rate_ticks;
  int64_t latest_ns;         // latest answer
};

// A near clock of the system's clock. Borrows it.
void act__near_clock_init(struct act__near_clock *near, struct act__clock *clock);

// A look at the clock; what the next answers are told from.
int64_t act__near_clock_look(struct act__near_clock *near);

static inline uint64_t act__ticks(void) {
#if defined(__x86_64__)
  return __builtin_ia32_rdtsc();
#else
  return 0;
#endif
}

// Monotonic nanoseconds, as act__clock_now of the system's clock or a little less.
static inline int64_t act__near_clock_now(struct act__near_clock *near) {
  uint64_t passed = act__ticks() - near->look_ticks;
  if (passed >= near->near_ticks) return act__near_clock_look(near);
  int64_t now = near->look_ns + (int64_t)((passed * near->ns_per_tick) >> 32);
  if (now > near->latest_ns) near->latest_ns = now;
  return near->latest_ns;
}

#endif
