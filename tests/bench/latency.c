// SPDX-License-Identifier: Apache-2.0
//
// Open loop: a thread outside sends to a hundred actors by a schedule; each message is 1 us of work.
// First the capacity is measured by sending as fast as it goes; then a part of it is offered. How
// late a message is done is counted from when it was due to be sent. The same schedule then runs
// through a program without actors. At half of the capacity p99.9 may be three times that program's, in
// the median over the runs: in one run a single stop of a processor decides it.
#include <stdio.h>
#include <stdlib.h>

#include "base/atomic.h"
#include "base/thread.h"
#include "tests/bench/floor.h"
#include "tests/bench/open_loop.h"
#include "tests/bench/workloads.h"

ACT_MSG(load_request, (i64, due_ns, 1))
#define P999_RATIO_MAX 3.0  // of ours to the floor's, at half of the capacity

#define LOAD(CAST, CALL, P) CAST(P, 1, request, load_request)
ACT_PROTOCOL(load, 1, LOAD)

// What a sink writes and the main thread reads when all is handled.
struct sink_record {
  const struct bench *bench;
  ACT__ATOMIC(uint64_t) handled __attribute__((aligned(128)));
  struct bench_histogram late;
};
struct sink {
  struct sink_record *record;
};
ACT_ACTOR(sink, load, LOAD, struct sink, struct sink_record)

static act_rc sink_init(struct sink *self, act_cx *cx, const struct sink_record *args) {
  (void)cx;
  self->record = (struct sink_record *)(uintptr_t)args;
  return ACT_OK;
}

static act_rc sink_request(struct sink *self, act_cx *cx, const load_request *m) {
  (void)cx;
  struct sink_record *record = self->record;
  bench_spin(record->bench, OPEN_LOOP_WORK_US);
  if (m->due_ns) bench_histogram_add(&record->late, bench_now_ns() - m->due_ns);
  uint64_t handled = act__load_relaxed(&record->handled);  // relaxed: one writer
  act__store_release(&record->handled, handled + 1);  // release [sink]: pairs with handled_by_all
  return ACT_OK;
}

struct load {
  struct bench *bench;
  act_cx *cx;
  load_svc sinks[OPEN_LOOP_ACTORS];
  struct sink_record *records;
  uint64_t sent, refused;
};

static uint64_t handled_by_all(struct load *load) {
  uint64_t sum = 0;
  // acquire [sink]: pairs with sink_request.
  for (unsigned i = 0; i < OPEN_LOOP_ACTORS; i++) {
    sum += act__load_acquire(&load->records[i].handled);
  }
  return sum;
}

// A full mailbox makes the sender late, and the lateness counts: the schedule does not wait.
static void send_to(struct load *load, unsigned index, int64_t due_ns) {
  act_rc rc;
  while ((rc = load_svc_send_request(load->cx, load->sinks[index],
                                     (load_request){.due_ns = due_ns})) == ACT_EFULL) {
    load->refused++;
    act__thread_yield();
  }
  bench_check(load->bench, rc == ACT_OK, "a send failed");
  load->sent++;
}

static void settle(struct load *load) {
  while (handled_by_all(load) < load->sent) act__thread_yield();
}

// Requests per second when the sender never waits but for room.
static double measure_capacity(struct load *load) {
  int64_t began = bench_now_ns();
  int64_t end = began + (load->bench->quick ? 20 : 300) * INT64_C(1000000);
  while (bench_now_ns() < end) {
    for (unsigned i = 0; i < OPEN_LOOP_ACTORS; i++) send_to(load, i, 0);
  }
  settle(load);
  return (double)load->sent * 1e9 / (double)(bench_now_ns() - began);
}

static void offer(struct load *load, double rate, uint64_t n) {
  struct open_loop loop;
  bench_begin(load->bench);
  open_loop_init(&loop, rate, load->bench->began_ns);
  for (uint64_t i = 0; i < n; i++) {
    int64_t due_ns = open_loop_next(&loop);
    open_loop_wait(due_ns);
    send_to(load, (unsigned)(i % OPEN_LOOP_ACTORS), due_ns);
  }
  settle(load);
  bench_measured(load->bench, n);
}

static void percentiles(struct bench *bench, const char *prefix,
                        const struct bench_histogram *histogram) {
  static const struct {
    const char *name;
    double share;
  } points[] = {{"p50_us", 0.5}, {"p99_us", 0.99}, {"p999_us", 0.999}};
  for (unsigned i = 0; i < ACT_COUNT(points); i++) {
    char key[sizeof bench->result.extras[0].key];
    snprintf(key, sizeof key, "%s%s", prefix, points[i].name);
    bench_extra(bench, key, bench_histogram_at(histogram, points[i].share) / 1e3);
  }
}

static void run_load(struct load *load, double part, double ratio_max) {
  struct bench *bench = load->bench;
  double rate = measure_capacity(load) * part;
  uint64_t n = (uint64_t)(rate * (bench->quick ? 0.02 : 1.0)) + 1;
  uint64_t refused = load->refused;
  offer(load, rate, n);
  struct bench_histogram late = {0}, floor = {0};
  for (unsigned i = 0; i < OPEN_LOOP_ACTORS; i++) {
    bench_histogram_merge(&late, &load->records[i].late);
  }
  bench_check(bench, late.count == n, "a wrong number of requests");
  bench_floor_open_loop(bench, rate, n, &floor);
  bench_check(bench, floor.count == n, "a wrong number in the floor's program");
  bench->result.ns_per = bench_histogram_at(&late, 0.5);
  percentiles(bench, "", &late);
  percentiles(bench, "floor_", &floor);
  double ratio = bench_histogram_at(&late, 0.999) / bench_histogram_at(&floor, 0.999);
  bench_extra_at_most(bench, "p999_ratio", ratio, bench->quick ? 0 : ratio_max);
  bench_extra(bench, "refused", (double)(load->refused - refused));
}

static void offer_part(struct bench *bench, double part, double ratio_max) {
  struct load load = {.bench = bench};
  act_child kids[OPEN_LOOP_ACTORS] = {{0}};
  char names[OPEN_LOOP_ACTORS][16];
  load.records = aligned_alloc(128, sizeof *load.records * OPEN_LOOP_ACTORS);
  if (!load.records) return bench_check(bench, false, "out of memory");
  for (unsigned i = 0; i < OPEN_LOOP_ACTORS; i++) {
    struct sink_record *record = &load.records[i];
    record->bench = bench;
    act__atomic_init(&record->handled, 0);
    record->late = (struct bench_histogram){0};
    snprintf(names[i], sizeof names[i], "sink-%u", i);
    kids[i] = (act_child){.id = names[i], .name = names[i], .behavior = &sink, .args = record};
  }
  act_sup root = {.never_restart = true, .kids = kids, .nkids = OPEN_LOOP_ACTORS};
  act_node node = bench_node(bench);
  node.flavour = ACT_POOL;
  act_runtime *rt;
  act_rc rc = act_start(&node, &root, &rt);
  if (!rc) {
    load.cx = act_outside_open(rt);
    for (unsigned i = 0; i < OPEN_LOOP_ACTORS && !rc; i++) {
      rc = load_svc_named(load.cx, names[i], &load.sinks[i]);
    }
    if (!rc) run_load(&load, part, ratio_max);
    act_outside_close(load.cx);
    bench_check(bench, act_stop(rt) == 0, "the stop was not clean");
  }
  bench_check(bench, !rc, act_rc_name(rc));
  free(load.records);
}

void bench_latency10(struct bench *bench) {
  offer_part(bench, 0.1, 0);
}

void bench_latency50(struct bench *bench) {
  offer_part(bench, 0.5, P999_RATIO_MAX);
}

void bench_latency80(struct bench *bench) {
  offer_part(bench, 0.8, 0);
}
