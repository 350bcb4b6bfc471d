// SPDX-License-Identifier: Apache-2.0
//
// The lines that the benchmark prints, and the medians in them.
#ifndef TROUPE_TESTS_BENCH_REPORT_H
#define TROUPE_TESTS_BENCH_REPORT_H

#include "tests/bench/bench.h"

#define REPORT_SERIES_MAX 1024u
#define REPORT_VERDICT_RUNS 3u  // so many runs make a verdict on a figure with a limit

struct report_series {
  unsigned count;
  double values[REPORT_SERIES_MAX];  // what comes later is left out
};

struct report {
  const char *name;
  unsigned workers;
  bool any, all_ok;
  bool quiet;  // no lines of single runs
  struct report_series rate, ns_per, ratio;
  unsigned extras_count;
  char keys[BENCH_EXTRAS_MAX][24];
  struct report_series extras[BENCH_EXTRAS_MAX];
  double most[BENCH_EXTRAS_MAX];  // of the extra's median; 0: anything
};

// One line for the run: its figures and the floor's dispatch of the same moment.
void report_run(struct report *report, const struct bench_result *result, double dispatch_ns);
// The line of medians, and a second one for those of the workload's own figures, if it has any.
// Returns the median rate. A median over its limit makes the report not ok.
double report_median(struct report *report);
void report_growth(const struct report *report, uint64_t x, unsigned workers);
// How much faster two workers are than one.
void report_speedup(const char *name, double rate_of_one, double rate_of_two);

struct report_floor {
  struct report_series dispatch, mpsc, wake;
};
void report_floor_add(struct report_floor *floor, const struct bench_result *result);
void report_floor_print(const struct report_floor *floor);

#endif
