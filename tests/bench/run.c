// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/bench.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"

uint64_t bench_size(const struct bench *bench, uint64_t full, uint64_t quick) {
  if (bench->n_given) return bench->n_given;
  return bench->quick ? quick : full;
}

int64_t bench_now_ns(void) {
  return act__clock_now(act__clock_system());
}

double bench_cpu_seconds(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

double bench_machine_seconds(void) {
  unsigned long long user = 0, nice = 0, kernel = 0, idle = 0, wait = 0, irq = 0, soft = 0, steal = 0;
  FILE *file = fopen("/proc/stat", "re");
  if (!file) return 0;
  if (fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &kernel, &idle, &wait,
             &irq, &soft, &steal) != 8) {
    steal = 0;
  }
  fclose(file);
  return (double)(user + nice + kernel + irq + soft + steal) / (double)sysconf(_SC_CLK_TCK);
}

double bench_rss_bytes(void) {
  unsigned long size = 0, resident = 0;
  FILE *file = fopen("/proc/self/statm", "re");
  if (!file) return 0;
  if (fscanf(file, "%lu %lu", &size, &resident) != 2) resident = 0;
  fclose(file);
  return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

double bench_peak_rss_bytes(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)usage.ru_maxrss * 1024.0;
}

// --- the measured part ---------------------------------------------------------------------------

void bench_begin(struct bench *bench) {
  bench->machine_began = bench_machine_seconds();
  bench->cpu_began = bench_cpu_seconds();
  bench->began_ns = bench_now_ns();
}

void bench_measured(struct bench *bench, uint64_t n) {
  bench->ended_ns = bench_now_ns();
  struct bench_result *result = &bench->result;
  result->n = n;
  result->seconds = (double)(bench->ended_ns - bench->began_ns) / 1e9;
  result->ns_per = result->seconds * 1e9 / (double)(n ? n : 1);
  result->cpu = (bench_cpu_seconds() - bench->cpu_began) / result->seconds;
  double all = (bench_machine_seconds() - bench->machine_began) / result->seconds;
  result->others = all > result->cpu ? all - result->cpu : 0;
}

void bench_end(struct bench *bench, act_cx *cx, uint64_t n) {
  bench_measured(bench, n);
  act_request_stop(act_cx_runtime(cx));
}

void bench_check(struct bench *bench, bool holds, const char *what) {
  if (holds || bench->result.why[0]) return;
  snprintf(bench->result.why, sizeof bench->result.why, "%s", what);
}

void bench_extra(struct bench *bench, const char *key, double value) {
  bench_extra_at_most(bench, key, value, 0);
}

void bench_extra_at_most(struct bench *bench, const char *key, double value, double most) {
  struct bench_result *result = &bench->result;
  if (result->extras_count == BENCH_EXTRAS_MAX) return;
  struct bench_extra *extra = &result->extras[result->extras_count++];
  snprintf(extra->key, sizeof extra->key, "%s", key);
  extra->value = value;
  extra->most = most;
}

// The first lines only: who stops a million actors badly logs a million times.
static void log_some(void *arg, const act_log_record *record) {
  static int lines;
  (void)arg;
  if (lines++ < 5) {
    fprintf(stderr, "bench: %s: %s\n", record->component, record->message);
  }
}

static const act_log_sink log_sink = {log_some, NULL, ACT_LOG_WARN};

act_node bench_node(const struct bench *bench) {
  return (act_node){
      .name = "bench",
      .flavour = bench->current_thread ? ACT_CURRENT_THREAD : ACT_POOL,
      .workers = bench->workers,
      .stop_ms = ACT_SEC(60),
      .log = &log_sink,
  };
}

void bench_play(struct bench *bench, const act_behavior *driver, act_limits limits) {
  act_child kid = {.id = "driver", .behavior = driver, .args = bench, .limits = limits,
                   .mailbox = {.full = bench->full}, .stop_ms = ACT_SEC(60)};
  act_sup root = {.never_restart = true, .kids = &kid, .nkids = 1};
  act_node node = bench_node(bench);
  act_runtime *rt;
  act_rc rc = act_start(&node, &root, &rt);
  if (rc) {
    bench_check(bench, false, act_rc_name(rc));
    return;
  }
  act_wait(rt);
  bench_check(bench, bench->ended_ns != 0, "the tree ended before the work");
  bench_check(bench, act_stop(rt) == 0, "the stop was not clean");
}

// --- work that takes time ------------------------------------------------------------------------

static void spin(uint64_t times) {
  uint64_t x = times | 1;
  for (uint64_t i = 0; i < times; i++) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    __asm__ volatile("" : "+r"(x));
  }
}

void bench_spin(const struct bench *bench, double us) {
  spin((uint64_t)(us * bench->spins_per_us));
}

// The fastest of several looks: what the processor does when nobody takes it away.
double bench_spin_calibrate(void) {
  enum { TIMES = 200000 };
  int64_t best = INT64_MAX;
  for (int i = 0; i < 20; i++) {
    int64_t began = bench_now_ns();
    spin(TIMES);
    int64_t took = bench_now_ns() - began;
    if (took < best) best = took;
  }
  return TIMES * 1000.0 / (double)best;
}

// --- latencies -----------------------------------------------------------------------------------

static unsigned bucket_of(uint64_t ns) {
  if (ns < 32) return (unsigned)ns;
  unsigned power = 63u - (unsigned)__builtin_clzll(ns);
  unsigned bucket = (power - 4) * 32 + (unsigned)((ns >> (power - 5)) & 31);
  return bucket < BENCH_HISTOGRAM_BUCKETS ? bucket : BENCH_HISTOGRAM_BUCKETS - 1;
}

static double value_of(unsigned bucket) {
  if (bucket < 32) return bucket;
  unsigned power = bucket / 32 + 4;
  return (double)(((uint64_t)1 << power) + ((uint64_t)(bucket % 32) << (power - 5)));
}

void bench_histogram_add(struct bench_histogram *histogram, int64_t ns) {
  histogram->count++;
  histogram->buckets[bucket_of(ns > 0 ? (uint64_t)ns : 0)]++;
}

void bench_histogram_merge(struct bench_histogram *into, const struct bench_histogram *from) {
  into->count += from->count;
  for (unsigned i = 0; i < BENCH_HISTOGRAM_BUCKETS; i++) into->buckets[i] += from->buckets[i];
}

double bench_histogram_at(const struct bench_histogram *histogram, double share) {
  uint64_t wanted = (uint64_t)((double)histogram->count * share), seen = 0;
  for (unsigned i = 0; i < BENCH_HISTOGRAM_BUCKETS; i++) {
    seen += histogram->buckets[i];
    if (seen > wanted) return value_of(i);
  }
  return 0;
}
