// SPDX-License-Identifier: Apache-2.0
//
// Idle is free: a node with many actors that wait, some with timers far away, uses no processor time and
// wakes fewer than five times a second; one with a timer that fires, three times a firing more. (A million
// actors: the line idle_quiet of tests/bench.)
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <troupe.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "tests/runtime/watchdog.h"

#define ACTORS 100000u
#define WITH_TIMER 100u       // every so-many-th has a timer of an hour
#define WINDOW_S 1
#define WAKES_MAX 4           // in a window
#define CPU_MAX_NS (5 * ACT__NS_PER_MS)
#define WINDOWS 10            // on a busy machine it may take a while to settle

ACT_MSG_EMPTY(idle_signal)
#define WAITING(CAST, CALL, P) CAST(P, 1, poke, idle_signal)
ACT_PROTOCOL(waiting, 1, WAITING)
#define COUNTING(CAST, CALL, P) CAST(P, 1, answer, idle_signal) CAST(P, 2, again, idle_signal)
ACT_PROTOCOL(counting, 1, COUNTING)

static int all_answered;  // an eventfd

struct waiter {
  bool has_timer;
};
ACT_ACTOR(waiter, waiting, WAITING, struct waiter, struct waiter)
ACT_ON_TICK(waiter, on_tick)

static act_rc waiter_init(struct waiter *self, act_cx *cx, const struct waiter *args) {
  *self = *args;
  return self->has_timer ? act_after(cx, ACT_SEC(3600), on_tick_then(0), NULL) : ACT_OK;
}

static act_rc on_tick(struct waiter *self, act_cx *cx, const act_tick *tick) {
  (void)self;
  (void)tick;
  return act_fail(cx, ACT_EFAIL, "an hour has not passed");
}

static act_rc waiter_poke(struct waiter *self, act_cx *cx, const idle_signal *m) {
  (void)self;
  return counting_send_answer(cx, (counting_ref){act_sender(cx)}, *m);
}

// Starts them, and pokes one after another.
struct counter {
  uint32_t started, answers;
};
ACT_ACTOR(counter, counting, COUNTING, struct counter, act_noargs)

static act_rc start_one(struct counter *self, act_cx *cx) {
  const struct waiter args = {self->started++ % WITH_TIMER == 0};
  const act_child child = {.behavior = &waiter, .args = &args};
  waiting_ref one;
  act_rc rc = act_spawn(cx, &child, (act_exit_then){0}, &one.pid);
  return rc ? rc : waiting_send_poke(cx, one, (idle_signal){0});
}

static act_rc counter_init(struct counter *self, act_cx *cx, const act_noargs *args) {
  (void)args;
  return start_one(self, cx);
}

static act_rc counter_answer(struct counter *self, act_cx *cx, const idle_signal *m) {
  (void)m;
  self->answers++;
  if (self->answers < ACTORS) return start_one(self, cx);
  uint64_t one = 1;
  return write(all_answered, &one, sizeof one) == sizeof one ? ACT_OK : ACT_ESYS;
}

static act_rc counter_again(struct counter *self, act_cx *cx, const idle_signal *m) {
  self->answers--;
  self->started--;
  return counter_answer(self, cx, m);
}

// A timer that fires now and then.
#define TICK_MS 50u
#define FIRINGS_MIN 5u        // in a window
#define WAKES_PER_FIRING_MAX 4  // a worker once, the monitor twice, and not every window is the same

static ACT__ATOMIC(uint32_t) firings;

struct ticker {
  act_timer timer;
};
ACT_ACTOR(ticker, waiting, WAITING, struct ticker, act_noargs)
ACT_ON_TICK(ticker, on_firing)

static act_rc ticker_init(struct ticker *self, act_cx *cx, const act_noargs *args) {
  (void)args;
  return act_every(cx, TICK_MS, on_firing_then(0), &self->timer);
}

static act_rc on_firing(struct ticker *self, act_cx *cx, const act_tick *tick) {
  (void)self;
  (void)cx;
  (void)tick;
  act__fetch_add_relaxed(&firings, 1);  // relaxed: a count
  return ACT_OK;
}

static act_rc ticker_poke(struct ticker *self, act_cx *cx, const idle_signal *m) {
  (void)self;
  (void)cx;
  (void)m;
  return ACT_OK;
}

// --- what our threads do -----------------------------------------------------------------------------

static long switches_of(const char *tid) {
  char path[64], line[128];
  snprintf(path, sizeof path, "/proc/self/task/%.20s/status", tid);
  FILE *file = fopen(path, "re");
  long sum = 0, n;
  bool ours = false;
  while (file && fgets(line, sizeof line, file)) {
    if (!strncmp(line, "Name:\tact-", 10)) ours = true;  // not the test's own, nor a sanitizer's
    if (sscanf(line, "voluntary_ctxt_switches: %ld", &n) == 1) sum += n;
    if (sscanf(line, "nonvoluntary_ctxt_switches: %ld", &n) == 1) sum += n;
  }
  if (file) fclose(file);
  return ours ? sum : 0;
}

static long switches_of_the_node(void) {
  long sum = 0;
  DIR *folder = opendir("/proc/self/task");
  assert_non_null(folder);
  for (struct dirent *entry; (entry = readdir(folder));) {
    if (entry->d_name[0] != '.') sum += switches_of(entry->d_name);
  }
  closedir(folder);
  return sum;
}

static int64_t cpu_ns(int whose) {
  struct rusage usage;
  assert_int_equal(getrusage(whose, &usage), 0);
  return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * ACT__NS_PER_S +
         (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * ACT__NS_PER_US;
}

// Of all threads but this one.
static int64_t cpu_of_the_node(void) {
  return cpu_ns(RUSAGE_SELF) - cpu_ns(RUSAGE_THREAD);
}

static void wait_for(int fd) {
  struct pollfd event = {.fd = fd, .events = POLLIN};
  assert_int_equal(poll(&event, 1, -1), 1);
  uint64_t count;
  assert_int_equal(read(fd, &count, sizeof count), sizeof count);
}

struct quiet {
  long wakes;
  int64_t cpu_ns;
};

static struct quiet watch_for_a_window(int timer) {
  struct quiet before = {switches_of_the_node(), cpu_of_the_node()};
  assert_true(before.wakes > 0);  // it has threads, and we see them
  const struct itimerspec window = {.it_value = {.tv_sec = WINDOW_S}};
  assert_int_equal(timerfd_settime(timer, 0, &window, NULL), 0);
  wait_for(timer);
  struct quiet quiet = {switches_of_the_node() - before.wakes, cpu_of_the_node() - before.cpu_ns};
  if (quiet.cpu_ns < 0) quiet.cpu_ns = 0;  // two clocks are read one after the other
  return quiet;
}

// --- tests -----------------------------------------------------------------------------------------

static void an_idle_node_uses_nothing_and_hardly_wakes(void **state) {
  (void)state;
  static const act_child kids[] = {{.id = "counter", .name = "counter", .behavior = &counter}};
  static const act_sup root = {.kids = kids, .nkids = ACT_COUNT(kids)};
  const act_node node = {.name = "idle", .workers = 2};
  struct watchdog dog = {0};
  watchdog_start(&dog, "an idle node", 50 * ACT__NS_PER_S);
  all_answered = eventfd(0, EFD_CLOEXEC);
  int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  assert_true(all_answered >= 0 && timer >= 0);
  act_runtime *rt;
  assert_int_equal(act_start(&node, &root, &rt), ACT_OK);
  wait_for(all_answered);

  struct quiet quiet;
  int windows = 0;
  do {
    quiet = watch_for_a_window(timer);
  } while ((quiet.wakes > WAKES_MAX || quiet.cpu_ns > CPU_MAX_NS) && ++windows < WINDOWS);
  assert_in_range(quiet.wakes, 0, WAKES_MAX);
  assert_in_range(quiet.cpu_ns, 0, CPU_MAX_NS);

  // And it is asleep, not dead.
  act_cx *cx = act_outside_open(rt);
  counting_svc to;
  assert_int_equal(counting_svc_named(cx, "counter", &to), ACT_OK);
  assert_int_equal(counting_svc_send_again(cx, to, (idle_signal){0}), ACT_OK);
  wait_for(all_answered);
  act_outside_close(cx);
  act_counters counters;
  act_read_counters(rt, &counters);
  assert_true(counters.actors >= ACTORS);
  assert_int_equal(act_stop(rt), 0);
  close(timer);
  close(all_answered);
  watchdog_stop(&dog);
}

static void a_timer_that_fires_wakes_little_more_than_its_worker(void **state) {
  (void)state;
  static const act_child kids[] = {{.id = "ticker", .behavior = &ticker}};
  static const act_sup root = {.kids = kids, .nkids = ACT_COUNT(kids)};
  const act_node node = {.name = "ticking", .workers = 2};
  struct watchdog dog = {0};
  watchdog_start(&dog, "a node with a timer", 50 * ACT__NS_PER_S);
  int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  assert_true(timer >= 0);
  act_runtime *rt;
  assert_int_equal(act_start(&node, &root, &rt), ACT_OK);
  long wakes, most;
  int windows = 0;
  do {
    uint32_t before = act__load_relaxed(&firings);  // relaxed, both: a count
    wakes = watch_for_a_window(timer).wakes;
    uint32_t fired = act__load_relaxed(&firings) - before;
    assert_true(fired >= FIRINGS_MIN);
    most = WAKES_MAX + WAKES_PER_FIRING_MAX * (long)fired;
  } while (wakes > most && ++windows < WINDOWS);
  assert_in_range(wakes, 1, most);
  assert_int_equal(act_stop(rt), 0);
  close(timer);
  watchdog_stop(&dog);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_idle_node_uses_nothing_and_hardly_wakes),
      cmocka_unit_test(a_timer_that_fires_wakes_little_more_than_its_worker),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
