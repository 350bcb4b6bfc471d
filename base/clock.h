// SPDX-License-Identifier: Apache-2.0
//
// Time: int64_t nanoseconds everywhere, monotonic unless a name says "wall". Whoever needs time is
// handed a clock object, so that the simulation can hand in a virtual one; only base/clock.c asks
// the operating system.
#ifndef TROUPE_BASE_CLOCK_H
#define TROUPE_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#define ACT__NS_PER_US INT64_C(1000)
#define ACT__NS_PER_MS INT64_C(1000000)
#define ACT__NS_PER_S INT64_C(1000000000)

// A deadline that never comes.
#define ACT__TIME_NEVER INT64_MAX

// A clock is the first member of whatever implements it. Both functions may be called from any
// thread and never block.
struct act__clock {
  int64_t (*now_ns)(struct act__clock *clock);   // monotonic; its zero means nothing
  int64_t (*wall_ns)(struct act__clock *clock);  // since 1970-01-01 UTC; may jump
};

// The operating system's clocks. Static storage; any thread.
struct act__clock *act__clock_system(void);

static inline int64_t act__clock_now(struct act__clock *clock) {
  return clock->now_ns(clock);
}

static inline int64_t act__clock_wall(struct act__clock *clock) {
  return clock->wall_ns(clock);
}

// `start` plus `span`, stopping at ACT__TIME_NEVER and INT64_MIN instead of overflowing.
int64_t act__time_add(int64_t start, int64_t span);

// Bytes that act__time_format_utc may write, the terminating zero included.
#define ACT__TIME_TEXT 40

// Writes a wall time as "2026-01-02T03:04:05.678Z" (milliseconds, rounded down). Pure; any thread.
void act__time_format_utc(int64_t wall_ns, char out[ACT__TIME_TEXT]);

#endif
