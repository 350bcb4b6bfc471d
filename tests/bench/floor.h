// SPDX-License-Identifier: Apache-2.0
//
// What the machine itself takes, without actors, measured between the runs of the workloads: the
// ratio to it belongs to the same minutes.
#ifndef TROUPE_TESTS_BENCH_FLOOR_H
#define TROUPE_TESTS_BENCH_FLOOR_H

#include "tests/bench/bench.h"

struct bench_floor {
  double dispatch_ns;  // allocate from a free list, enqueue, dequeue, indirect call, free: one thread
  double mpsc_ns;      // one preallocated message through a queue from one thread to another
  double wake_us;      // waking a thread that sleeps in the kernel on another processor
};

// One thread, about 20 ms (`quick`: 2 ms).
double bench_floor_dispatch(bool quick);
double bench_floor_mpsc(bool quick);
double bench_floor_wake(bool quick);

// An open loop without actors: messages of 1 us of work each arrive at `rate` per second, by the
// same schedule as the workload's, at `workers` threads with a queue each. Adds how late each was
// done to the histogram.
void bench_floor_open_loop(const struct bench *bench, double rate, uint64_t n,
                           struct bench_histogram *out);

#endif
