// SPDX-License-Identifier: Apache-2.0
//
// Restart intensity: exact at its bound, in number and in time, against a list that forgets nothing.
#include "actors/supervise/intensity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rand.h"

static void n_restarts_are_allowed_and_the_next_is_too_many(void **state) {
  (void)state;
  for (uint32_t max = 1; max <= 8; max++) {
    int64_t ring[8];
    struct act__intensity intensity;
    act__intensity_init(&intensity, ring, max, 1000);
    for (uint32_t i = 0; i < max; i++) assert_true(act__intensity_add(&intensity, 5 + i));
    assert_int_equal(act__intensity_recent(&intensity, 5 + max), max);
    assert_false(act__intensity_add(&intensity, 5 + max));
    assert_int_equal(act__intensity_recent(&intensity, 5 + max), max);
  }
}

static void none_allowed_refuses_the_first(void **state) {
  (void)state;
  struct act__intensity intensity;
  act__intensity_init(&intensity, NULL, 0, 1000);
  assert_false(act__intensity_add(&intensity, 0));
  assert_int_equal(act__intensity_recent(&intensity, 0), 0);
}

static void a_restart_counts_until_the_window_has_passed_it(void **state) {
  (void)state;
  int64_t ring[2];
  struct act__intensity intensity;
  act__intensity_init(&intensity, ring, 2, 100);
  assert_true(act__intensity_add(&intensity, 0));
  assert_true(act__intensity_add(&intensity, 60));

  assert_false(act__intensity_add(&intensity, 100));  // the first is exactly 100 old: it counts
  assert_true(act__intensity_add(&intensity, 101));
  assert_false(act__intensity_add(&intensity, 160));
  assert_true(act__intensity_add(&intensity, 161));
}

static void a_refused_restart_is_not_counted(void **state) {
  (void)state;
  int64_t ring[1];
  struct act__intensity intensity;
  act__intensity_init(&intensity, ring, 1, 100);
  assert_true(act__intensity_add(&intensity, 0));
  for (int64_t t = 1; t <= 100; t++) assert_false(act__intensity_add(&intensity, t));
  assert_true(act__intensity_add(&intensity, 101));
}

static void equals_a_list_that_forgets_nothing(void **state) {
  (void)state;
  enum { STEPS = 2000 };
  for (uint64_t seed = 1; seed <= 50; seed++) {
    struct act__rand rand;
    act__rand_seed(&rand, seed);
    uint32_t max = (uint32_t)act__rand_below(&rand, 6) + 1;
    int64_t within = (int64_t)act__rand_below(&rand, 200), now = 0;
    int64_t ring[6], all[STEPS];
    size_t count = 0;
    struct act__intensity intensity;
    act__intensity_init(&intensity, ring, max, within);
    for (int step = 0; step < STEPS; step++) {
      now += (int64_t)act__rand_below(&rand, 60);
      uint32_t recent = 0;
      for (size_t i = 0; i < count; i++) recent += now - all[i] <= within;
      assert_int_equal(act__intensity_recent(&intensity, now), recent);
      bool allowed = recent < max;
      assert_int_equal(act__intensity_add(&intensity, now), allowed);
      if (allowed) all[count++] = now;
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(n_restarts_are_allowed_and_the_next_is_too_many),
      cmocka_unit_test(none_allowed_refuses_the_first),
      cmocka_unit_test(a_restart_counts_until_the_window_has_passed_it),
      cmocka_unit_test(a_refused_restart_is_not_counted),
      cmocka_unit_test(equals_a_list_that_forgets_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
