// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void note(struct report_series *series, double value) {
  if (series->count < REPORT_SERIES_MAX) series->values[series->count++] = value;
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(const struct report_series *series) {
  static double sorted[REPORT_SERIES_MAX];
  if (!series->count) return 0;
  memcpy(sorted, series->values, series->count * sizeof sorted[0]);
  qsort(sorted, series->count, sizeof sorted[0], by_value);
  unsigned half = series->count / 2;
  return series->count % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

static void note_extra(struct report *report, const struct bench_extra *extra) {
  unsigned i = 0;
  while (i < report->extras_count && strcmp(report->keys[i], extra->key) != 0) i++;
  if (i == BENCH_EXTRAS_MAX) return;
  if (i == report->extras_count) {
    report->extras_count++;
    memcpy(report->keys[i], extra->key, sizeof report->keys[i]);
    report->most[i] = extra->most;
  }
  note(&report->extras[i], extra->value);
}

static double rate_of(const struct bench_result *result) {
  return result->seconds > 0 ? (double)result->n / result->seconds : 0;
}

static void print_run(const struct report *report, const struct bench_result *result,
                      double dispatch_ns) {
  printf("workload=%s workers=%u n=%" PRIu64 " seconds=%.6f rate=%.0f/s ns_per=%.2f", report->name,
         report->workers, result->n, result->seconds, rate_of(result), result->ns_per);
  for (unsigned i = 0; i < result->extras_count; i++) {
    printf(" %s=%.4g", result->extras[i].key, result->extras[i].value);
  }
  printf(" cpu=%.2f others=%.2f dispatch_ns=%.2f ok=%s\n", result->cpu, result->others, dispatch_ns,
         result->ok ? "yes" : "no");
}

void report_run(struct report *report, const struct bench_result *result, double dispatch_ns) {
  if (!report->any) report->all_ok = true;
  report->any = true;
  if (!result->ok) report->all_ok = false;
  if (!report->quiet) print_run(report, result, dispatch_ns);
  if (!result->ok) {
    fprintf(stderr, "bench: %s with %u workers: %s\n", report->name, report->workers,
            result->why[0] ? result->why : "nothing was measured");
    return;
  }
  note(&report->rate, rate_of(result));
  note(&report->ns_per, result->ns_per);
  if (dispatch_ns > 0) note(&report->ratio, result->ns_per / dispatch_ns);
  for (unsigned i = 0; i < result->extras_count; i++) note_extra(report, &result->extras[i]);
}

static void judge(struct report *report) {
  for (unsigned i = 0; i < report->extras_count; i++) {
    const struct report_series *series = &report->extras[i];
    if (report->most[i] <= 0 || series->count < REPORT_VERDICT_RUNS) continue;
    if (median(series) <= report->most[i]) continue;
    report->all_ok = false;
    fprintf(stderr, "bench: %s with %u workers: the median of %s is %.4g, more than %.4g\n",
            report->name, report->workers, report->keys[i], median(series), report->most[i]);
  }
}

double report_median(struct report *report) {
  judge(report);
  double rate = median(&report->rate);
  printf("median workload=%s workers=%u rate=%.0f/s ns_per=%.2f floor_ratio=%.2f ok=%s\n",
         report->name, report->workers, rate, median(&report->ns_per), median(&report->ratio),
         report->all_ok ? "yes" : "no");
  if (report->extras_count == 0) return rate;
  printf("medians workload=%s workers=%u", report->name, report->workers);
  for (unsigned i = 0; i < report->extras_count; i++) {
    printf(" %s=%.4g", report->keys[i], median(&report->extras[i]));
  }
  printf("\n");
  return rate;
}

void report_growth(const struct report *report, uint64_t x, unsigned workers) {
  printf("growth series=%s x=%" PRIu64 " workers=%u ns_per=%.2f floor_ratio=%.2f ok=%s\n",
         report->name, x, workers, median(&report->ns_per), median(&report->ratio),
         report->all_ok ? "yes" : "no");
}

void report_speedup(const char *name, double rate_of_one, double rate_of_two) {
  if (rate_of_one <= 0) return;
  printf("speedup workload=%s two_over_one=%.2f\n", name, rate_of_two / rate_of_one);
}

void report_floor_add(struct report_floor *floor, const struct bench_result *result) {
  struct report_series *series[] = {&floor->dispatch, &floor->mpsc, &floor->wake};
  for (unsigned i = 0; i < result->extras_count && i < 3; i++) {
    note(series[i], result->extras[i].value);
  }
}

void report_floor_print(const struct report_floor *floor) {
  printf("floor dispatch_ns=%.2f mpsc_ns=%.2f wake_us=%.2f\n", median(&floor->dispatch),
         median(&floor->mpsc), median(&floor->wake));
}
