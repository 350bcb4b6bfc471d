// SPDX-License-Identifier: Apache-2.0
//
// The system clock, saturating time arithmetic, and wall time as text.
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>

static void monotonic_time_never_goes_back(void **state) {
  (void)state;
  struct act__clock *clock = act__clock_system();
  int64_t last = act__clock_now(clock);
  assert_true(last > 0);
  for (int i = 0; i < 100000; i++) {
    int64_t now = act__clock_now(clock);
    if (now < last) fail();
    last = now;
  }
}

static void wall_time_is_in_this_century(void **state) {
  (void)state;
  int64_t wall = act__clock_wall(act__clock_system());
  assert_true(wall > INT64_C(1700000000) * ACT__NS_PER_S);
  assert_true(wall < INT64_C(4102444800) * ACT__NS_PER_S);
}

static void adding_time_stops_at_the_ends(void **state) {
  (void)state;
  assert_true(act__time_add(1, 2) == 3);
  assert_true(act__time_add(INT64_MAX - 1, 1) == ACT__TIME_NEVER);
  assert_true(act__time_add(INT64_MAX - 1, 2) == ACT__TIME_NEVER);
  assert_true(act__time_add(ACT__TIME_NEVER, 5) == ACT__TIME_NEVER);
  assert_true(act__time_add(INT64_MIN + 1, -1) == INT64_MIN);
  assert_true(act__time_add(INT64_MIN + 1, -2) == INT64_MIN);
}

static void well_known_moments_have_their_text(void **state) {
  (void)state;
  static const struct {
    int64_t wall_ns;
    const char *text;
  } rows[] = {
      {0, "1970-01-01T00:00:00.000Z"},
      {999999, "1970-01-01T00:00:00.000Z"},
      {1000000, "1970-01-01T00:00:00.001Z"},
      {-1, "1969-12-31T23:59:59.999Z"},
      {INT64_C(951782400) * ACT__NS_PER_S, "2000-02-29T00:00:00.000Z"},
      {INT64_C(1234567890) * ACT__NS_PER_S, "2009-02-13T23:31:30.000Z"},
      {INT64_C(4107542399) * ACT__NS_PER_S, "2100-02-28T23:59:59.000Z"},
      {INT64_C(4107542400) * ACT__NS_PER_S, "2100-03-01T00:00:00.000Z"},
      {INT64_MAX, "2262-04-11T23:47:16.854Z"},
      {INT64_MIN, "1677-09-21T00:12:43.145Z"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char text[ACT__TIME_TEXT];
    act__time_format_utc(rows[i].wall_ns, text);
    assert_string_equal(text, rows[i].text);
  }
}

static bool is_leap(int year) {
  return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static void every_day_follows_the_day_before(void **state) {
  (void)state;
  static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  int year = 1970, month = 1, day = 1;
  for (int64_t i = 0; year < 2262; i++) {
    char text[ACT__TIME_TEXT], expected[64];
    act__time_format_utc(i * 86400 * ACT__NS_PER_S, text);
    snprintf(expected, sizeof expected, "%04d-%02d-%02dT00:00:00.000Z", year, month, day);
    assert_string_equal(text, expected);

    int length = lengths[month - 1] + (month == 2 && is_leap(year));
    if (++day > length) day = 1, month++;
    if (month > 12) month = 1, year++;
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(monotonic_time_never_goes_back),
      cmocka_unit_test(wall_time_is_in_this_century),
      cmocka_unit_test(adding_time_stops_at_the_ends),
      cmocka_unit_test(well_known_moments_have_their_text),
      cmocka_unit_test(every_day_follows_the_day_before),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
