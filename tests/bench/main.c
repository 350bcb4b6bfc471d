// SPDX-License-Identifier: Apache-2.0
//
// Runs workloads and prints their lines (docs/bench/README.md says what the fields mean):
//   bench [--workers N] [--runs R] [--quick] WORKLOAD...
//
// Every run is a process of its own. The machine's own figures (floor.h) are taken before the first
// run and after each, also in a process of their own; the ratio of a run is to the mean of the two
// around it.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/floor.h"
#include "tests/bench/growth.h"
#include "tests/bench/report.h"

#define RUNS_DEFAULT 7u
#define RUNS_MAX 101u
#define RUN_SECONDS_MAX 120u  // a run that takes longer is killed: it hangs

struct options {
  unsigned workers;  // 0: one, then two
  unsigned runs;
  bool here;         // no process of its own, for profilers
  struct bench bench;
};

static struct options options = {.runs = RUNS_DEFAULT};

static int usage(const char *problem) {
  fprintf(stderr,
          "bench: %s\n"
          "usage: bench [--workers N] [--runs R] [--quick] [--n N] WORKLOAD...\n"
          "       bench --list | floor | growth\n"
          "  all            every workload\n"
          "  --workers N    worker threads (without: once with 1, once with 2)\n"
          "  --runs R       runs of each; medians are printed at the end (without: 7)\n"
          "  --quick        small sizes: does it work at all?\n"
          "  --n N          the size of each run, in the units of --list\n"
          "  --current      the flavour without worker threads, for counting instructions\n"
          "  --here         in this process, one run only, for profilers\n",
          problem);
  return 2;
}

// --- a process for each run ------------------------------------------------------------------------

struct task {
  const struct bench_workload *workload;  // NULL: the machine's figures
  bool whole_floor;
};

static void work(const struct task *task, struct bench *bench) {
  if (task->workload) {
    task->workload->run(bench);
    bench->result.ok = bench->result.why[0] == 0 && bench->result.n > 0;
    return;
  }
  bench_extra(bench, "dispatch_ns", bench_floor_dispatch(bench->quick));
  if (task->whole_floor) {
    bench_extra(bench, "mpsc_ns", bench_floor_mpsc(bench->quick));
    bench_extra(bench, "wake_us", bench_floor_wake(bench->quick));
  }
  bench->result.ok = true;
}

static bool read_all(int fd, void *out, size_t bytes) {
  size_t got = 0;
  while (got < bytes) {
    ssize_t n = read(fd, (char *)out + got, bytes - got);
    if (n <= 0) return false;
    got += (size_t)n;
  }
  return true;
}

static struct bench_result run_in_child(const struct task *task, unsigned workers) {
  struct bench bench = options.bench;
  bench.workers = workers;
  if (options.here) {
    work(task, &bench);
    return bench.result;
  }
  struct bench_result lost = {.why = "the process of the run ended early"};
  int ends[2];
  if (pipe(ends) != 0) return lost;
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    alarm(RUN_SECONDS_MAX);
    work(task, &bench);
    ssize_t written = write(ends[1], &bench.result, sizeof bench.result);
    _exit(written == (ssize_t)sizeof bench.result ? 0 : 1);
  }
  close(ends[1]);
  struct bench_result result;
  bool got = child > 0 && read_all(ends[0], &result, sizeof result);
  close(ends[0]);
  int status = 0;
  if (child > 0) waitpid(child, &status, 0);
  if (got) return result;
  if (WIFSIGNALED(status)) {
    snprintf(lost.why, sizeof lost.why, "the process of the run ended by signal %d",
             WTERMSIG(status));
  }
  return lost;
}

// --- runs and their medians ------------------------------------------------------------------------

static struct report_floor machine;

static double look_at_machine(bool whole) {
  if (options.here) return 0;  // a profile is of the workload alone
  struct task task = {NULL, whole};
  struct bench_result result = run_in_child(&task, 1);
  report_floor_add(&machine, &result);
  return result.extras_count ? result.extras[0].value : 0;
}

static bool run_workload(const struct bench_workload *workload, unsigned workers, double *rate) {
  static struct report report;
  report = (struct report){.name = workload->name, .workers = workers};
  double before = look_at_machine(true);
  for (unsigned i = 0; i < options.runs; i++) {
    struct task task = {workload, false};
    struct bench_result result = run_in_child(&task, workers);
    double after = look_at_machine(false);
    report_run(&report, &result, (before + after) / 2);
    before = after;
  }
  *rate = report_median(&report);
  return report.all_ok;
}

static bool run_one(const struct bench_workload *workload) {
  double one, two;
  if (options.workers) return run_workload(workload, options.workers, &one);
  bool ok = run_workload(workload, 1, &one);
  ok = run_workload(workload, 2, &two) && ok;
  report_speedup(workload->name, one, two);
  return ok;
}

// One line a point: growth series=payload x=64 workers=1 ns_per=41.20 floor_ratio=5.10 ok=yes
static bool run_growth(void) {
  bool ok = true;
  for (unsigned i = 0; i < bench_growth_points_count; i++) {
    const struct bench_growth_point *point = &bench_growth_points[i];
    static struct report report;
    report = (struct report){.name = point->workload.name, .quiet = true};
    for (unsigned run = 0; run < options.runs; run++) {
      double dispatch_ns = look_at_machine(run == 0);
      struct task task = {&point->workload, false};
      options.bench.x = point->x;
      struct bench_result result = run_in_child(&task, options.workers ? options.workers : 1);
      report_run(&report, &result, dispatch_ns);
    }
    report_growth(&report, point->x, options.workers ? options.workers : 1);
    ok = ok && report.all_ok;
  }
  return ok;
}

static bool run_floor(void) {
  if (options.here) return false;
  for (unsigned i = 0; i < options.runs; i++) look_at_machine(true);
  return true;
}

static bool is_chosen(const struct bench_workload *workload, int argc, char **argv) {
  for (int i = 0; i < argc; i++) {
    if (!strcmp(argv[i], "all") || !strcmp(argv[i], workload->name) ||
        !strcmp(argv[i], workload->group)) {
      return true;
    }
  }
  return false;
}

static bool is_known(const char *name) {
  if (!strcmp(name, "all") || !strcmp(name, "floor") || !strcmp(name, "growth")) return true;
  for (unsigned i = 0; i < bench_workloads_count; i++) {
    const struct bench_workload *workload = &bench_workloads[i];
    if (!strcmp(name, workload->name) || !strcmp(name, workload->group)) return true;
  }
  return false;
}

static int run_chosen(int argc, char **argv) {
  bool ok = true;
  for (int i = 0; i < argc; i++) {
    if (!is_known(argv[i])) return usage("no such workload; see --list");
  }
  if (argc == 0) return usage("which workload?");
  options.bench.spins_per_us = bench_spin_calibrate();
  for (unsigned i = 0; i < bench_workloads_count; i++) {
    if (is_chosen(&bench_workloads[i], argc, argv)) ok = run_one(&bench_workloads[i]) && ok;
  }
  for (int i = 0; i < argc; i++) {
    if (!strcmp(argv[i], "floor")) ok = run_floor() && ok;
    if (!strcmp(argv[i], "growth")) ok = run_growth() && ok;
  }
  if (machine.dispatch.count) report_floor_print(&machine);
  return ok ? 0 : 1;
}

static int list(void) {
  for (unsigned i = 0; i < bench_workloads_count; i++) {
    printf("%-14s %-10s %s\n", bench_workloads[i].name, bench_workloads[i].group,
           bench_workloads[i].about);
  }
  printf("%-14s %-10s %s\n", "floor", "floor", "the machine's own figures alone");
  printf("%-14s %-10s %s\n", "growth", "growth",
         "cost per message against actors, payload and senders");
  return 0;
}

static bool number(const char *text, uint64_t most, uint64_t *out) {
  char *end;
  if (!text || text[0] < '0' || text[0] > '9') return false;
  *out = strtoull(text, &end, 10);
  return *end == 0 && *out > 0 && *out <= most;
}

int main(int argc, char **argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  int at = 1;
  for (; at < argc && !strncmp(argv[at], "--", 2); at++) {
    const char *word = argv[at], *value = at + 1 < argc ? argv[at + 1] : NULL;
    uint64_t n;
    if (!strcmp(word, "--list")) return list();
    if (!strcmp(word, "--quick")) {
      options.bench.quick = true;
    } else if (!strcmp(word, "--current")) {
      options.bench.current_thread = true;
      options.workers = 1;
    } else if (!strcmp(word, "--here")) {
      options.here = true;
      options.runs = 1;
      if (!options.workers) options.workers = 1;
    } else if (!strcmp(word, "--workers")) {
      if (!number(value, 64, &n)) return usage("--workers wants a number from 1 to 64");
      options.workers = (unsigned)n;
      at++;
    } else if (!strcmp(word, "--runs")) {
      if (!number(value, RUNS_MAX, &n)) return usage("--runs wants a number from 1 to 101");
      options.runs = (unsigned)n;
      at++;
    } else if (!strcmp(word, "--n")) {
      if (!number(value, UINT32_MAX, &n)) return usage("--n wants a number");
      options.bench.n_given = n;
      at++;
    } else {
      return usage("unknown option");
    }
  }
  return run_chosen(argc - at, argv + at);
}
