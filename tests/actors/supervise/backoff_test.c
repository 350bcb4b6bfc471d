// SPDX-License-Identifier: Apache-2.0
//
// Back-off: doubles, stops at its cap, stays inside its jitter, starts again after a healthy life.
#include "actors/supervise/backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/rand.h"

static struct act__backoff backoff_of(act_backoff rule, uint32_t within_ms) {
  struct act__backoff backoff;
  act__backoff_init(&backoff, &rule, within_ms);
  return backoff;
}

static void delays_double_up_to_the_cap(void **state) {
  (void)state;
  static const uint32_t expected[] = {100, 200, 400, 800, 1000, 1000, 1000};
  struct act__backoff backoff =
      backoff_of((act_backoff){.first_ms = 100, .max_ms = 1000}, 5000);
  for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
    assert_int_equal(act__backoff_next(&backoff, 0, i * 7919), expected[i]);
  }
}

static void without_a_rule_there_is_no_delay(void **state) {
  (void)state;
  struct act__backoff backoff = backoff_of((act_backoff){0}, 5000);
  for (int i = 0; i < 10; i++) assert_int_equal(act__backoff_next(&backoff, 0, ~UINT64_C(0)), 0);
}

static void without_a_cap_the_delay_stays_the_first(void **state) {
  (void)state;
  struct act__backoff backoff = backoff_of((act_backoff){.first_ms = 70}, 5000);
  for (int i = 0; i < 10; i++) assert_int_equal(act__backoff_next(&backoff, 0, 0), 70);
}

static void the_largest_delays_do_not_wrap(void **state) {
  (void)state;
  struct act__backoff backoff = backoff_of(
      (act_backoff){.first_ms = UINT32_MAX / 2 + 2, .max_ms = UINT32_MAX, .jitter_pct = 100}, 1);
  (void)act__backoff_next(&backoff, 0, 0);
  assert_int_equal(backoff.current_ms, UINT32_MAX);
  assert_int_equal(act__backoff_next(&backoff, 0, UINT64_C(2) * UINT32_MAX), UINT32_MAX);
}

static void jitter_reaches_both_ends_and_passes_neither(void **state) {
  (void)state;
  struct act__rand rand;
  act__rand_seed(&rand, 1);
  uint32_t least = UINT32_MAX, most = 0;
  for (int i = 0; i < 20000; i++) {
    struct act__backoff backoff = backoff_of(
        (act_backoff){.first_ms = 200, .max_ms = 200, .jitter_pct = 20}, 5000);
    uint32_t delay = act__backoff_next(&backoff, 0, act__rand_next(&rand));
    least = delay < least ? delay : least;
    most = delay > most ? delay : most;
  }
  assert_int_equal(least, 160);
  assert_int_equal(most, 240);
}

static void a_healthy_life_starts_the_row_again(void **state) {
  (void)state;
  struct act__backoff backoff =
      backoff_of((act_backoff){.first_ms = 10, .max_ms = 1000, .healthy_ms = 50}, 5000);
  (void)act__backoff_next(&backoff, 0, 0);
  (void)act__backoff_next(&backoff, 0, 0);
  assert_int_equal(act__backoff_next(&backoff, 50 * ACT__NS_PER_MS - 1, 0), 40);
  assert_int_equal(act__backoff_next(&backoff, 50 * ACT__NS_PER_MS, 0), 10);
  assert_int_equal(act__backoff_next(&backoff, 0, 0), 20);
}

static void healthy_is_the_intensity_window_by_default(void **state) {
  (void)state;
  struct act__backoff backoff = backoff_of((act_backoff){.first_ms = 10, .max_ms = 1000}, 300);
  (void)act__backoff_next(&backoff, 0, 0);
  assert_int_equal(act__backoff_next(&backoff, 300 * ACT__NS_PER_MS - 1, 0), 20);
  assert_int_equal(act__backoff_next(&backoff, 300 * ACT__NS_PER_MS, 0), 10);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(delays_double_up_to_the_cap),
      cmocka_unit_test(without_a_rule_there_is_no_delay),
      cmocka_unit_test(without_a_cap_the_delay_stays_the_first),
      cmocka_unit_test(the_largest_delays_do_not_wrap),
      cmocka_unit_test(jitter_reaches_both_ends_and_passes_neither),
      cmocka_unit_test(a_healthy_life_starts_the_row_again),
      cmocka_unit_test(healthy_is_the_intensity_window_by_default),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
