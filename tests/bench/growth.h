// SPDX-License-Identifier: Apache-2.0
//
// Cost per message against the number of actors, the payload and the number of senders: one line a
// point, from which plot.py makes a table and a picture.
#ifndef TROUPE_TESTS_BENCH_GROWTH_H
#define TROUPE_TESTS_BENCH_GROWTH_H

#include "tests/bench/bench.h"

struct bench_growth_point {
  struct bench_workload workload;  // name: which of the three series
  uint64_t x;
};

extern const struct bench_growth_point bench_growth_points[];
extern const unsigned bench_growth_points_count;

#endif
