// SPDX-License-Identifier: Apache-2.0
#include "runtime/sched/patience.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define LITTLE (ACT__UNBEGUN_NS - 1)
#define MUCH ACT__UNBEGUN_NS
#define LONGEST ((int64_t)ACT__BARREN_NS << ACT__BARREN_MAX)

static void who_finds_much_each_time_never_waits(void **state) {
  (void)state;
  struct act__patience patience = {0};
  for (int i = 0; i < 100; i++) assert_int_equal(act__patience_rest_ns(&patience, MUCH), 0);
}

static void who_finds_little_waits_twice_as_long_each_time_up_to_a_bound(void **state) {
  (void)state;
  struct act__patience patience = {0};
  for (unsigned i = 0; i < ACT__BARREN_MAX; i++) {
    assert_int_equal(act__patience_rest_ns(&patience, LITTLE), (int64_t)ACT__BARREN_NS << i);
  }
  for (int i = 0; i < 100; i++) {
    assert_int_equal(act__patience_rest_ns(&patience, LITTLE), LONGEST);
  }
}

static void one_fruitful_theft_makes_good_for_one_that_was_not(void **state) {
  (void)state;
  struct act__patience patience = {0};
  for (unsigned i = 0; i < ACT__BARREN_MAX; i++) (void)act__patience_rest_ns(&patience, LITTLE);
  assert_int_equal(act__patience_rest_ns(&patience, MUCH), 0);
  assert_int_equal(act__patience_rest_ns(&patience, LITTLE), LONGEST / 2);
  for (unsigned i = 0; i < ACT__BARREN_MAX; i++) (void)act__patience_rest_ns(&patience, MUCH);
  assert_int_equal(act__patience_rest_ns(&patience, LITTLE), ACT__BARREN_NS);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(who_finds_much_each_time_never_waits),
      cmocka_unit_test(who_finds_little_waits_twice_as_long_each_time_up_to_a_bound),
      cmocka_unit_test(one_fruitful_theft_makes_good_for_one_that_was_not),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
