// SPDX-License-Identifier: Apache-2.0
//
// The near clock against the system's, and against clocks and counters that misbehave.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/near_clock.h"

// How far the answer may be behind: a part in some hundreds of ACT__NEAR_NS, and room for a slow read.
#define SLACK_NS (5 * ACT__NS_PER_US)

static void stays_close_to_the_system_clock_and_never_ahead(void **state) {
  (void)state;
  struct act__clock *clock = act__clock_system();
  struct act__near_clock near;
  act__near_clock_init(&near, clock);
  int64_t end = act__clock_now(clock) + 200 * ACT__NS_PER_MS;
  for (int64_t before = 0; before < end;) {
    before = act__clock_now(clock);
    int64_t now = act__near_clock_now(&near);
    int64_t after = act__clock_now(clock);
    assert_true(now >= before - SLACK_NS);
    assert_true(now <= after);
  }
}

static void never_runs_backwards(void **state) {
  (void)state;
  struct act__near_clock near;
  act__near_clock_init(&near, act__clock_system());
  int64_t latest = 0;
  for (int i = 0; i < 2000000; i++) {
    int64_t now = act__near_clock_now(&near);
    assert_true(now >= latest);
    latest = now;
  }
}

static void spares_most_looks(void **state) {
  (void)state;
  struct act__near_clock near;
  act__near_clock_init(&near, act__clock_system());
  unsigned looks = 0, calls = 0;
  int64_t seen = near.look_ns, end = near.look_ns + 50 * ACT__NS_PER_MS;
  while (act__near_clock_now(&near) < end) {
    calls++;
    if (near.look_ns != seen) looks++;
    seen = near.look_ns;
  }
#if defined(__x86_64__)
  assert_true(looks < calls / 4);
#endif
  assert_true(looks > 0);
}

struct set_clock {
  struct act__clock clock;
  int64_t now;
};

static int64_t set_now(struct act__clock *clock) {
  return ((struct set_clock *)(void *)clock)->now;
}

static void counter_of_a_strange_rate_is_not_trusted(void **state) {
  (void)state;
  // A clock that runs a hundred thousand times too fast for the counter: every answer is a look.
  struct set_clock fast = {.clock = {.now_ns = set_now}, .now = 1};
  struct act__near_clock near;
  act__near_clock_init(&near, &fast.clock);
  for (int i = 0; i < 1000; i++) {
    fast.now += ACT__NS_PER_S / 2;
    assert_int_equal(act__near_clock_now(&near), fast.now);
  }
}

static void counter_that_jumps_costs_a_look(void **state) {
  (void)state;
  struct act__near_clock near;
  act__near_clock_init(&near, act__clock_system());
  for (int i = 0; i < 10000000 && near.near_ticks == 0; i++) (void)act__near_clock_now(&near);
  near.look_ticks += UINT64_C(1) << 40;  // as if this core's counter were behind
  int64_t before = act__clock_now(act__clock_system());
  assert_true(act__near_clock_now(&near) >= before - SLACK_NS);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(stays_close_to_the_system_clock_and_never_ahead),
      cmocka_unit_test(never_runs_backwards),
      cmocka_unit_test(spares_most_looks),
      cmocka_unit_test(counter_of_a_strange_rate_is_not_trusted),
      cmocka_unit_test(counter_that_jumps_costs_a_look),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
