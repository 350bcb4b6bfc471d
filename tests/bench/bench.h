// SPDX-License-Identifier: Apache-2.0
//
// What the benchmark programs share. A workload is a program on the public API: an actor, the
// driver, sets everything up, calls bench_begin, and calls bench_end when the work is done and
// checked. Each run has a process of its own, so that no run inherits another's heap.
//
// Everything here may be called from any one thread at a time: the driver's, or the main thread.
#ifndef TROUPE_TESTS_BENCH_BENCH_H
#define TROUPE_TESTS_BENCH_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include <troupe.h>

#define BENCH_EXTRAS_MAX 12
#define BENCH_WHY_MAX 160

struct bench_extra {
  char key[24];
  double value;
  double most;  // what the median over the runs may be at most; 0: anything
};

// A plain value: it comes through a pipe from the process of the run.
struct bench_result {
  bool ok;
  char why[BENCH_WHY_MAX];  // what did not hold; empty when ok
  uint64_t n;
  double seconds;           // of the measured part
  double ns_per;            // seconds / n unless the workload measures something else (its `about`)
  double cpu;               // CPU time of this process over the same part, in CPUs
  double others;            // what everybody else on the machine took, in CPUs
  unsigned extras_count;
  struct bench_extra extras[BENCH_EXTRAS_MAX];
};

struct bench {
  // Immutable.
  unsigned workers;
  bool quick;              // small figures: the gate only wants to see that it works
  bool current_thread;     // the flavour without threads of its own: for counting instructions
  uint64_t n_given;        // 0: the workload's own size
  double spins_per_us;     // of bench_spin
  // What the run is about, set by the workload before bench_play.
  uint64_t x;              // its parameter, if it has one
  uint64_t growth_actors;
  uint32_t growth_bytes;
  enum act_full full;      // of the driver's mailbox
  // Owner: the driver's side.
  int64_t began_ns, ended_ns;
  double cpu_began, machine_began;
  struct bench_result result;
};

struct bench_workload {
  const char *name;
  const char *group;       // naming it selects all of the group
  const char *about;       // what one of n is
  void (*run)(struct bench *bench);
};

// The size of a run: --n, or `quick` under --quick, or `full`.
uint64_t bench_size(const struct bench *bench, uint64_t full, uint64_t quick);

// Starts a node whose tree is this one child, waits until bench_end or a failure, stops it. The
// child's args are the struct bench itself.
void bench_play(struct bench *bench, const act_behavior *driver, act_limits limits);

// The options of the node as bench_play uses them, for workloads that start their own.
act_node bench_node(const struct bench *bench);

void bench_begin(struct bench *bench);
// n units of work are done. Call act_request_stop, or use bench_end from a handler.
void bench_measured(struct bench *bench, uint64_t n);
void bench_end(struct bench *bench, act_cx *cx, uint64_t n);

// Notes the first thing that does not hold.
void bench_check(struct bench *bench, bool holds, const char *what);
void bench_extra(struct bench *bench, const char *key, double value);
// The same for a figure with a limit. One run proves nothing about it: the median of three or more does,
// and where it is over the limit the line of medians says ok=no.
void bench_extra_at_most(struct bench *bench, const char *key, double value, double most);

int64_t bench_now_ns(void);
double bench_cpu_seconds(void);      // of this process
double bench_machine_seconds(void);  // of all processes and the hypervisor together
double bench_rss_bytes(void);        // resident now
double bench_peak_rss_bytes(void);   // of this process since it began

// Work that takes a processor `us` microseconds, by counting, so that a processor taken away in
// between makes it longer.
void bench_spin(const struct bench *bench, double us);
double bench_spin_calibrate(void);

// Latencies: buckets of 1/32 of a power of two, so every value is within 3 %.
#define BENCH_HISTOGRAM_BUCKETS (60 * 32)
struct bench_histogram {
  uint64_t count;
  uint32_t buckets[BENCH_HISTOGRAM_BUCKETS];
};
void bench_histogram_add(struct bench_histogram *histogram, int64_t ns);
void bench_histogram_merge(struct bench_histogram *into, const struct bench_histogram *from);
double bench_histogram_at(const struct bench_histogram *histogram, double share);  // ns

extern const struct bench_workload bench_workloads[];
extern const unsigned bench_workloads_count;

#endif
