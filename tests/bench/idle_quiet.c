// SPDX-License-Identifier: Apache-2.0
//
// A million actors that wait, and what the threads of their node do meanwhile. The main thread looks at
// them before and after a window of two seconds.
#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tests/bench/workloads.h"

#define SLICE 1000u
#define WINDOW_MS 2000u
#define QUICK_MS 50u
#define WINDOWS 5u            // to settle in, at most
#define WAKES_PER_S_MAX 5.0
#define CPU_SHARE_MAX 0.005

static int all_up;            // an eventfd

ACT_MSG_EMPTY(quiet_signal)
#define STILL(CAST, CALL, P) CAST(P, 1, poke, quiet_signal)
ACT_PROTOCOL(still, 1, STILL)
#define QUIET(CAST, CALL, P) CAST(P, 1, more, quiet_signal)
ACT_PROTOCOL(quiet, 1, QUIET)

struct waiting {
  uint64_t pokes;
};
ACT_ACTOR(waiting, still, STILL, struct waiting, act_noargs)

static act_rc waiting_init(struct waiting *self, act_cx *cx, const act_noargs *args) {
  (void)self;
  (void)cx;
  (void)args;
  return ACT_OK;
}

static act_rc waiting_poke(struct waiting *self, act_cx *cx, const quiet_signal *m) {
  (void)cx;
  (void)m;
  self->pokes++;
  return ACT_OK;
}

struct parent {
  uint64_t n, spawned;
};
ACT_ACTOR(parent, quiet, QUIET, struct parent, struct parent)

static act_rc parent_more(struct parent *self, act_cx *cx, const quiet_signal *m) {
  for (unsigned i = 0; i < SLICE && self->spawned < self->n; i++, self->spawned++) {
    act_child child = {.behavior = &waiting};
    act_pid pid;
    act_rc rc = act_spawn(cx, &child, (act_exit_then){0}, &pid);
    if (rc) return rc;
  }
  if (self->spawned < self->n) return quiet_send_more(cx, (quiet_ref){act_self(cx)}, *m);
  uint64_t one = 1;
  return write(all_up, &one, sizeof one) == sizeof one ? ACT_OK : ACT_ESYS;
}

static act_rc parent_init(struct parent *self, act_cx *cx, const struct parent *args) {
  *self = *args;
  return quiet_send_more(cx, (quiet_ref){act_self(cx)}, (quiet_signal){0});
}

// Times that a thread of ours gave its processor up or lost it.
static uint64_t switches_of(const char *tid) {
  char path[64], line[128];
  snprintf(path, sizeof path, "/proc/self/task/%.20s/status", tid);
  FILE *file = fopen(path, "re");
  unsigned long long sum = 0, n;
  bool ours = false;
  while (file && fgets(line, sizeof line, file)) {
    if (!strncmp(line, "Name:\tact-", 10)) ours = true;
    if (sscanf(line, "voluntary_ctxt_switches: %llu", &n) == 1) sum += n;
    if (sscanf(line, "nonvoluntary_ctxt_switches: %llu", &n) == 1) sum += n;
  }
  if (file) fclose(file);
  return ours ? sum : 0;
}

static uint64_t switches_of_all(void) {
  uint64_t sum = 0;
  DIR *folder = opendir("/proc/self/task");
  for (struct dirent *entry; folder && (entry = readdir(folder));) {
    if (entry->d_name[0] != '.') sum += switches_of(entry->d_name);
  }
  if (folder) closedir(folder);
  return sum;
}

struct window {
  double wakes_per_s, cpu;
};

static struct window watch_for_a_window(struct bench *bench, uint64_t n) {
  uint64_t switches = switches_of_all();
  bench_begin(bench);
  poll(NULL, 0, bench->quick ? QUICK_MS : WINDOW_MS);
  bench_measured(bench, n);
  switches = switches_of_all() - switches;
  return (struct window){(double)switches / bench->result.seconds, bench->result.cpu};
}

static void watch(struct bench *bench, uint64_t n) {
  struct window window;
  bool is_quiet;
  unsigned windows = 0;
  watch_for_a_window(bench, n);  // what a million starts have left behind
  do {
    window = watch_for_a_window(bench, n);
    is_quiet = window.wakes_per_s < WAKES_PER_S_MAX && window.cpu < CPU_SHARE_MAX;
  } while (!is_quiet && ++windows < WINDOWS);
  bench_check(bench, bench->quick || is_quiet, "an idle node is busy");
  bench->result.ns_per = window.cpu * bench->result.seconds * 1e9 / (double)n;
  bench_extra(bench, "wakes_per_s", window.wakes_per_s);
  bench_extra(bench, "cpu_share", window.cpu);
}

void bench_idle_quiet(struct bench *bench) {
  const struct parent args = {.n = bench_size(bench, 1000000, 1000)};
  act_child kid = {.id = "parent", .behavior = &parent, .args = &args, .stop_ms = ACT_SEC(60)};
  act_sup root = {.never_restart = true, .kids = &kid, .nkids = 1};
  act_node node = bench_node(bench);
  node.flavour = ACT_POOL;  // a node without threads uses its caller's
  all_up = eventfd(0, EFD_CLOEXEC);
  act_runtime *rt;
  act_rc rc = act_start(&node, &root, &rt);
  bench_check(bench, rc == ACT_OK, act_rc_name(rc));
  if (!rc) {
    uint64_t count;
    bench_check(bench, read(all_up, &count, sizeof count) == sizeof count, "nobody is up");
    watch(bench, args.n);
    bench_check(bench, act_stop(rt) == 0, "the stop was not clean");
  }
  close(all_up);
}
