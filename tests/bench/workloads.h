// SPDX-License-Identifier: Apache-2.0
//
// The workloads, one file each; workloads.c lists them.
#ifndef TROUPE_TESTS_BENCH_WORKLOADS_H
#define TROUPE_TESTS_BENCH_WORKLOADS_H

#include "tests/bench/bench.h"

void bench_pingpong(struct bench *bench);
void bench_stream(struct bench *bench);
void bench_fanin(struct bench *bench);
void bench_stream_retry(struct bench *bench);
void bench_fanin_retry(struct bench *bench);
void bench_ring(struct bench *bench);
void bench_skynet(struct bench *bench);
void bench_idle(struct bench *bench);
void bench_idle_quiet(struct bench *bench);
void bench_big(struct bench *bench);
void bench_chameneos(struct bench *bench);
void bench_ask(struct bench *bench);
void bench_ask64(struct bench *bench);
void bench_timers(struct bench *bench);
void bench_timers_shuffled(struct bench *bench);
void bench_timers_expire(struct bench *bench);
void bench_blocking(struct bench *bench);
void bench_latency10(struct bench *bench);
void bench_latency50(struct bench *bench);
void bench_latency80(struct bench *bench);
void bench_parallel_1us(struct bench *bench);
void bench_parallel_10us(struct bench *bench);
void bench_parallel_1ms(struct bench *bench);
void bench_overload(struct bench *bench);
void bench_overload_park(struct bench *bench);
void bench_fairness(struct bench *bench);

// Building blocks of the growth tables.
void bench_stream_from(struct bench *bench, unsigned producers);

#endif
