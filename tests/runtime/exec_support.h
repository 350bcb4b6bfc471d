// SPDX-License-Identifier: Apache-2.0
//
// What the tests of the executor share: a watchdog around each test, executors made in one line, and
// a task that signals.
#ifndef TROUPE_TESTS_RUNTIME_EXEC_SUPPORT_H
#define TROUPE_TESTS_RUNTIME_EXEC_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "base/thread.h"
#include "runtime/exec.h"
#include "tests/runtime/watchdog.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static struct act__clock *clock_of_system;
static struct watchdog dog;

static inline int setup(void **state) {
  (void)state;
  clock_of_system = act__clock_system();
  dog = (struct watchdog){0};
  watchdog_start(&dog, "a test of the executor", 10 * ACT__NS_PER_S);
  return 0;
}

static inline int teardown(void **state) {
  (void)state;
  watchdog_stop(&dog);
  return 0;
}

static inline struct act__exec *make(enum act__flavour flavour, unsigned workers) {
  struct act__exec *exec;
  const struct act__exec_options options = {.flavour = flavour, .workers = workers};
  assert_int_equal(act__exec_create(&options, &exec), ACT_OK);
  return exec;
}

static inline struct act__exec *make_started(enum act__flavour flavour, unsigned workers) {
  struct act__exec *exec = make(flavour, workers);
  assert_int_equal(act__exec_start(exec), ACT_OK);
  return exec;
}

static inline void end(struct act__exec *exec) {
  act__exec_finish(exec);
  assert_true(act__exec_run(exec));
  act__exec_destroy(exec);
}

// A task that tells a thread that it ran, and may keep its worker busy until it is let go. Lives until
// the executor is gone: the waiter may be awake before the turn is over.
struct signal {
  struct act__task task;
  struct act__parker ran;
  ACT__ATOMIC(uint32_t) hold;  // 1: the turn lasts until somebody makes it 0
  bool finish;
  unsigned worker;
};

static inline enum act__turn signal_turn(struct act__task *task, struct act__worker *me) {
  struct signal *s = ACT__CONTAINER_OF(task, struct signal, task);
  s->worker = me->index;
  bool stay = act__load_relaxed(&s->hold);  // relaxed: the submission published it
  if (s->finish) act__exec_finish(me->exec);
  act__parker_unpark(&s->ran);  // from here on it may be submitted again, unless it stays
  // acquire [test:hold]: pairs with let_go.
  while (stay && act__load_acquire(&s->hold)) act__spin_pause();
  return ACT__TURN_DONE;
}

static inline void signal_init(struct signal *s, bool hold) {
  *s = (struct signal){.task.run = signal_turn};
  act__store_relaxed(&s->hold, hold);  // relaxed: the submission publishes it
  act__parker_init(&s->ran);
}

static inline void wait_until_it_ran(struct signal *s) {
  assert_true(act__parker_park(&s->ran, ACT__TIME_NEVER));  // the watchdog is the deadline
}

static inline void let_go(struct signal *s) {
  act__store_release(&s->hold, 0);  // release [test:hold]: pairs with the turn's acquire
}

#endif
