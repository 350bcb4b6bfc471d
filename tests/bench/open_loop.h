// SPDX-License-Identifier: Apache-2.0
//
// The arrivals of an open loop: when each message is due does not depend on how the ones before it
// fared, and lateness is counted from then (no coordinated omission).
#ifndef TROUPE_TESTS_BENCH_OPEN_LOOP_H
#define TROUPE_TESTS_BENCH_OPEN_LOOP_H

#include "tests/bench/bench.h"

#define OPEN_LOOP_WORK_US 1.0
#define OPEN_LOOP_ACTORS 100u

struct open_loop {
  uint64_t random;
  double mean_ns, due_ns;
};

// Independent arrivals, `rate` per second on average, from now_ns on.
void open_loop_init(struct open_loop *loop, double rate, int64_t now_ns);
// When the next one is due.
int64_t open_loop_next(struct open_loop *loop);
// Lets others run until then.
void open_loop_wait(int64_t due_ns);

#endif
