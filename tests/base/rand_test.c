// SPDX-License-Identifier: Apache-2.0
//
// The generators against published values, and the shape of what is drawn from them.
#include "base/rand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

// Values that other implementations publish for splitmix64 from state 1234567.
static void splitmix64_gives_the_published_values(void **state) {
  (void)state;
  static const uint64_t expected[] = {UINT64_C(6457827717110365317), UINT64_C(3203168211198807973),
                                      UINT64_C(9817491932198370423), UINT64_C(4593380528125082431),
                                      UINT64_C(16408922859458223821)};
  uint64_t s = 1234567;
  for (size_t i = 0; i < 5; i++) assert_true(act__splitmix64(&s) == expected[i]);
  s = 0;
  assert_true(act__splitmix64(&s) == UINT64_C(0xe220a8397b1dcdaf));
}

// The same for xoshiro256** from state 1, 2, 3, 4.
static void xoshiro256_gives_the_published_values(void **state) {
  (void)state;
  static const uint64_t expected[] = {UINT64_C(11520),
                                      0,
                                      UINT64_C(1509978240),
                                      UINT64_C(1215971899390074240),
                                      UINT64_C(1216172134540287360),
                                      UINT64_C(607988272756665600),
                                      UINT64_C(16172922978634559625),
                                      UINT64_C(8476171486693032832),
                                      UINT64_C(10595114339597558777),
                                      UINT64_C(2904607092377533576)};
  struct act__rand rand = {{1, 2, 3, 4}};
  for (size_t i = 0; i < 10; i++) assert_true(act__rand_next(&rand) == expected[i]);
}

static void same_seed_same_numbers_other_seed_others(void **state) {
  (void)state;
  struct act__rand a, b, c;
  act__rand_seed(&a, 0);
  act__rand_seed(&b, 0);
  act__rand_seed(&c, 1);
  int differ = 0;
  for (int i = 0; i < 100; i++) {
    uint64_t x = act__rand_next(&a);
    assert_true(x == act__rand_next(&b));
    differ += x != act__rand_next(&c);
  }
  assert_int_equal(differ, 100);
}

static void below_one_is_zero_and_below_n_is_below_n(void **state) {
  (void)state;
  static const uint64_t limits[] = {1,         2, 3, 10, UINT64_C(1) << 63, (UINT64_C(1) << 63) + 1,
                                    UINT64_MAX};
  struct act__rand rand;
  act__rand_seed(&rand, 7);
  for (size_t k = 0; k < sizeof limits / sizeof limits[0]; k++) {
    for (int i = 0; i < 1000; i++) assert_true(act__rand_below(&rand, limits[k]) < limits[k]);
  }
}

// A plain remainder by 3 * 2^62 gives the lowest third twice as often as it should: 50 % of draws.
static void below_has_no_bias_where_a_remainder_has_most(void **state) {
  (void)state;
  const uint64_t third = UINT64_C(1) << 62;
  struct act__rand rand;
  act__rand_seed(&rand, 11);
  int count[3] = {0};
  for (int i = 0; i < 30000; i++) count[act__rand_below(&rand, 3 * third) / third]++;
  for (int i = 0; i < 3; i++) assert_in_range(count[i], 9500, 10500);
}

static void entropy_fills_all_of_it_and_differs(void **state) {
  (void)state;
  // More than the 256 bytes that one getrandom is sure to give.
  static uint8_t a[1000], b[1000];
  assert_int_equal(act__rand_entropy(a, sizeof a), ACT_OK);
  assert_int_equal(act__rand_entropy(b, sizeof b), ACT_OK);
  assert_memory_not_equal(a, b, 16);
  assert_memory_not_equal(a + 984, b + 984, 16);
  assert_int_equal(act__rand_entropy(a, 0), ACT_OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(splitmix64_gives_the_published_values),
      cmocka_unit_test(xoshiro256_gives_the_published_values),
      cmocka_unit_test(same_seed_same_numbers_other_seed_others),
      cmocka_unit_test(below_one_is_zero_and_below_n_is_below_n),
      cmocka_unit_test(below_has_no_bias_where_a_remainder_has_most),
      cmocka_unit_test(entropy_fills_all_of_it_and_differs),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
