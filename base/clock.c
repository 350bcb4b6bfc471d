// SPDX-License-Identifier: Apache-2.0
//
// The system clock, and wall time as text. The only file that asks the operating system for the
// time. The date comes from integer arithmetic instead of gmtime, so that it is pure and locks
// nothing.
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

#include "base/check.h"

static int64_t read_clock(clockid_t id) {
  struct timespec ts;
  int rc = clock_gettime(id, &ts);
  ACT_ASSERT(rc == 0);
  return (int64_t)ts.tv_sec * ACT__NS_PER_S + ts.tv_nsec;
}

static int64_t system_now_ns(struct act__clock *clock) {
  (void)clock;
  return read_clock(CLOCK_MONOTONIC);
}

static int64_t system_wall_ns(struct act__clock *clock) {
  (void)clock;
  return read_clock(CLOCK_REALTIME);
}

struct act__clock *act__clock_system(void) {
  static struct act__clock system = {system_now_ns, system_wall_ns};
  return &system;
}

int64_t act__time_add(int64_t start, int64_t span) {
  int64_t sum;
  if (!__builtin_add_overflow(start, span, &sum)) return sum;
  return span > 0 ? ACT__TIME_NEVER : INT64_MIN;
}

static int64_t divide_down(int64_t a, int64_t b) {
  return a / b - (a % b < 0);
}

// Year, month (1..12) and day (1..31) of a number of days since 1970-01-01. Years begin in March
// inside, so that the leap day is the last of its year (Hinnant, "chrono-Compatible Low-Level Date
// Algorithms").
static void civil_from_days(int64_t days, int *year, int *month, int *day) {
  const int64_t days_per_era = 146097;  // 400 years
  days += 719468;                       // days from 0000-03-01 to 1970-01-01
  int64_t era = divide_down(days, days_per_era);
  int64_t of_era = days - era * days_per_era;
  int64_t years = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  int64_t of_year = of_era - (365 * years + years / 4 - years / 100);
  int64_t from_march = (5 * of_year + 2) / 153;
  *day = (int)(of_year - (153 * from_march + 2) / 5 + 1);
  *month = (int)(from_march < 10 ? from_march + 3 : from_march - 9);
  *year = (int)(years + era * 400 + (*month <= 2));
}

void act__time_format_utc(int64_t wall_ns, char out[ACT__TIME_TEXT]) {
  int64_t ms = divide_down(wall_ns, ACT__NS_PER_MS);
  int64_t days = divide_down(ms, 86400000);
  int of_day = (int)(ms - days * 86400000);
  int year, month, day;
  civil_from_days(days, &year, &month, &day);
  snprintf(out, ACT__TIME_TEXT, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", year, month, day,
           of_day / 3600000, of_day / 60000 % 60, of_day / 1000 % 60, of_day % 1000);
}
