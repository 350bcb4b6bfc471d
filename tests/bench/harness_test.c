// SPDX-License-Identifier: Apache-2.0
//
// What the benchmark's figures rest on: arrivals that wait for nobody, latencies within 3 %, and a verdict
// on medians.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/bench/open_loop.h"
#include "tests/bench/report.h"

#define ARRIVALS 100000
#define MEAN_NS 1000

static void arrivals_are_due_at_their_rate_and_independent_of_each_other(void **state) {
  (void)state;
  struct open_loop loop;
  open_loop_init(&loop, 1e9 / MEAN_NS, 0);
  int64_t before = 0;
  double square_sum = 0;
  for (int i = 0; i < ARRIVALS; i++) {
    int64_t due = open_loop_next(&loop);
    assert_true(due >= before);
    square_sum += (double)(due - before) * (double)(due - before);
    before = due;
  }
  assert_in_range(before / ARRIVALS, MEAN_NS * 98 / 100, MEAN_NS * 102 / 100);
  // Waiting times of independent arrivals vary as much as they last: mean square 2 x mean x mean.
  assert_in_range((int64_t)(square_sum / ARRIVALS), MEAN_NS * MEAN_NS * 19 / 10,
                  MEAN_NS * MEAN_NS * 21 / 10);
}

// A sender that is held up for a while: who comes after is due when it would have been, so what it
// waits is counted. A program that asks for the next only when the last is done would see one late one.
static void who_is_due_while_the_sender_is_held_up_is_late_for_as_long(void **state) {
  (void)state;
  enum { HELD_UP_NS = 1000 * MEAN_NS };
  struct open_loop loop;
  open_loop_init(&loop, 1e9 / MEAN_NS, 0);
  struct bench_histogram late = {0};
  int64_t now = 0;
  for (int i = 0; i < 10000; i++) {
    int64_t due = open_loop_next(&loop);
    if (now < due) now = due;            // open_loop_wait
    if (i == 5000) now += HELD_UP_NS;    // by whatever it may be
    bench_histogram_add(&late, now - due);
  }
  // About a thousand were due in that time; the median one of them was half as late as the first.
  assert_in_range((int64_t)bench_histogram_at(&late, 0.95), HELD_UP_NS * 4 / 10, HELD_UP_NS * 6 / 10);
  assert_in_range((int64_t)bench_histogram_at(&late, 0.85), 0, 0);
}

static void a_latency_is_told_within_three_percent(void **state) {
  (void)state;
  for (int64_t ns = 1; ns < INT64_C(100000000000); ns += 1 + ns / 7) {
    struct bench_histogram histogram = {0};
    bench_histogram_add(&histogram, ns);
    double told = bench_histogram_at(&histogram, 0.5);
    assert_true(told <= (double)ns && told >= (double)ns * 0.968);
  }
}

static bool is_ok(unsigned runs, double value, double most) {
  static struct report report;
  report = (struct report){.name = "test", .workers = 1};
  for (unsigned i = 0; i < runs; i++) {
    // One of them is far off.
    struct bench bench = {.result = {.ok = true, .n = 1, .seconds = 1, .ns_per = 1}};
    bench_extra_at_most(&bench, "figure", i == 0 ? 100 * most : value, most);
    report_run(&report, &bench.result, 1);
  }
  report_median(&report);
  return report.all_ok;
}

static void a_median_over_its_limit_is_not_ok(void **state) {
  (void)state;
  assert_true(is_ok(REPORT_VERDICT_RUNS, 3.0, 3.0));
  assert_false(is_ok(REPORT_VERDICT_RUNS, 3.001, 3.0));
  assert_true(is_ok(REPORT_VERDICT_RUNS - 1, 3.001, 3.0));  // too few to say
  assert_true(is_ok(REPORT_VERDICT_RUNS, 1e9, 0));          // no limit
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(arrivals_are_due_at_their_rate_and_independent_of_each_other),
      cmocka_unit_test(who_is_due_while_the_sender_is_held_up_is_late_for_as_long),
      cmocka_unit_test(a_latency_is_told_within_three_percent),
      cmocka_unit_test(a_median_over_its_limit_is_not_ok),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
