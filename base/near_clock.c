// SPDX-License-Identifier: Apache-2.0
#include "base/near_clock.h"

#include <stdbool.h>

// The rate is measured over at least this long, so that what the looks themselves cost is small
// beside it; and anew as often, should the counter's rate change.
#define RATE_NS ACT__NS_PER_MS

// The answers run this part slower than measured, which is more than the measurement can be wrong by
// (two looks, each off by less than TOGETHER_TICKS, over RATE_NS): so they are never ahead of the
// clock, and a timer that is judged by them is never early.
#define SLOWER 256u

// More than this many ns to a tick is no counter worth trusting (and would overflow the product).
#define NS_PER_TICK_MAX 16u

void act__near_clock_init(struct act__near_clock *near, struct act__clock *clock) {
  *near = (struct act__near_clock){.clock = clock, .rate_ns = INT64_MAX};
  near->look_ns = near->latest_ns = act__clock_now(clock);
  near->look_ticks = act__ticks();
}

static void begin_measurement(struct act__near_clock *near) {
  near->rate_ns = near->look_ns;
  near->rate_ticks = near->look_ticks;
}

static void measure_rate(struct act__near_clock *near) {
  if (near->rate_ns == INT64_MAX) begin_measurement(near);
  uint64_t ns = (uint64_t)(near->look_ns - near->rate_ns);
  if (ns < (uint64_t)RATE_NS) return;
  uint64_t ticks = near->look_ticks - near->rate_ticks;
  begin_measurement(near);
  near->trust_ticks = 0;
  // A long silence says no more than a short one, and its square would overflow.
  if (ns > (uint64_t)ACT__NS_PER_S || ticks == 0 || ns / ticks >= NS_PER_TICK_MAX) return;
  uint64_t rate = (ns << 32) / ticks;
  near->ns_per_tick = rate - rate / SLOWER;
  if (near->ns_per_tick == 0) return;
  near->trust_ticks = ((uint64_t)ACT__NEAR_NS << 32) / near->ns_per_tick;
}

// A look and the counter belong together only if nothing came between them.
#define TOGETHER_TICKS 3000u

// False: something came between (this thread was interrupted): the pair is not exact.
static bool read_together(struct act__near_clock *near) {
  uint64_t before = act__ticks();
  near->look_ns = act__clock_now(near->clock);
  near->look_ticks = act__ticks();  // after the look: what is told from it is not ahead
  return near->look_ticks - before < TOGETHER_TICKS;
}

int64_t act__near_clock_look(struct act__near_clock *near) {
  if (read_together(near)) {
    measure_rate(near);
    near->near_ticks = near->trust_ticks;
  } else {
    near->near_ticks = 0;  // the next answer is a look again
  }
  if (near->look_ns > near->latest_ns) near->latest_ns = near->look_ns;
  return near->latest_ns;
}
