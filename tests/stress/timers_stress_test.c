// SPDX-License-Identifier: Apache-2.0
//
// Timers without an alarm, with real threads: owners that wander from worker to worker arm some there
// and cancel others, many at once, which lie in the wheels of all workers and fire meanwhile. Each arming
// ends in one of two ways, once. Meant for ThreadSanitizer as much as for speed.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/atomic.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/rand.h"
#include "base/thread.h"
#include "runtime/exec.h"
#include "runtime/timer_wheel.h"
#include "tests/runtime/watchdog.h"

#define OWNERS 8
#define TIMERS 100
#define AT_ONCE 32
#define WORKERS_MAX 4

struct record {
  struct act__timer timer;
  ACT__ATOMIC(uint32_t) fired;  // how often
  uint32_t armed, cancelled;    // how often; the owner's
  int64_t due_ns;
};

struct owner {
  struct act__task task;
  struct act__exec *exec;
  struct act__rand rand;
  ACT__ATOMIC(uint32_t) *resting;
  uint64_t turns_left;
  uint64_t late;                 // came too late to cancel it
  uint64_t at_worker[WORKERS_MAX];
  struct record records[TIMERS];
};

static uint64_t turns_of(uint64_t plain) {
  const char *deep = getenv("ACT_TEST_LONG");
  return deep && deep[0] == '1' ? 20 * plain : plain;
}

static void on_timer(struct act__timer *timer, struct act__worker *me) {
  (void)me;
  struct record *record = ACT__CONTAINER_OF(timer, struct record, timer);
  ACT_ASSERT(act__clock_now(act__clock_system()) >= record->due_ns);
  act__fetch_add_release(&record->fired, 1);  // release [stress:fired]: the owner may arm it again
}

static uint32_t ended(struct record *record) {
  // acquire [stress:fired]: it may be armed again.
  return act__load_acquire(&record->fired) + record->cancelled;
}

static void arm(struct owner *owner, struct act__worker *me, struct record *record) {
  record->timer = (struct act__timer){0};
  record->armed++;
  record->due_ns = act__clock_now(act__clock_system()) +
                   (int64_t)act__rand_below(&owner->rand, 2 * ACT__NS_PER_MS);
  act__timer_arm(owner->exec, me, &record->timer, record->due_ns);
}

static void cancel_some(struct owner *owner) {
  struct act__timer *timers[AT_ONCE];
  struct record *meant[AT_ONCE];
  unsigned count = 0, most = 1 + (unsigned)act__rand_below(&owner->rand, AT_ONCE);
  unsigned at = (unsigned)act__rand_below(&owner->rand, TIMERS);
  for (unsigned i = 0; i < TIMERS && count < most; i++) {
    struct record *record = &owner->records[(at + i * 37) % TIMERS];
    if (ended(record) == record->armed) continue;
    meant[count] = record;
    timers[count++] = &record->timer;
  }
  act__timers_cancel(owner->exec, timers, count);
  for (unsigned i = 0; i < count; i++) {
    if (timers[i]) {
      ACT_ASSERT(timers[i] == &meant[i]->timer);
      meant[i]->cancelled++;
      ACT_ASSERT(ended(meant[i]) == meant[i]->armed);
    } else {
      owner->late++;
    }
  }
}

static enum act__turn owner_turn(struct act__task *task, struct act__worker *me) {
  struct owner *owner = ACT__CONTAINER_OF(task, struct owner, task);
  owner->at_worker[me->index]++;
  if (owner->turns_left > 0) {
    owner->turns_left--;
    if (act__rand_below(&owner->rand, 2)) cancel_some(owner);
    for (unsigned i = 0; i < TIMERS; i++) {
      struct record *record = &owner->records[i];
      if (ended(record) == record->armed) arm(owner, me, record);
    }
  } else {
    bool all = true;
    for (unsigned i = 0; i < TIMERS; i++) all &= ended(&owner->records[i]) == owner->records[i].armed;
    if (all) {
      act__fetch_add_release(owner->resting, 1);  // release [stress:resting]: the counts are final
      return ACT__TURN_DONE;
    }
  }
  act__exec_submit(owner->exec, NULL, task);  // whichever worker comes first
  return ACT__TURN_DONE;
}

static void each_arming_fires_or_is_cancelled_once(void **state) {
  (void)state;
  static struct owner owners[OWNERS];
  for (unsigned workers = 1; workers <= WORKERS_MAX; workers *= 2) {
    struct watchdog dog = {0};
    struct act__exec *exec;
    const struct act__exec_options options = {
        .flavour = ACT__POOL, .workers = workers, .on_timer = on_timer};
    assert_int_equal(act__exec_create(&options, &exec), ACT_OK);
    assert_int_equal(act__exec_start(exec), ACT_OK);
    watchdog_start(&dog, "timers", 60 * ACT__NS_PER_S);
    static ACT__ATOMIC(uint32_t) resting;
    act__store_relaxed(&resting, 0);
    for (unsigned i = 0; i < OWNERS; i++) {
      owners[i] = (struct owner){.task.run = owner_turn, .exec = exec, .resting = &resting};
      owners[i].turns_left = turns_of(2000);
      act__rand_seed(&owners[i].rand, 100 * workers + i);
      act__exec_submit(exec, NULL, &owners[i].task);
    }
    while (act__load_acquire(&resting) < OWNERS) act__thread_yield();  // acquire [stress:resting]
    act__exec_finish(exec);
    assert_true(act__exec_run(exec));
    act__exec_destroy(exec);
    watchdog_stop(&dog);
    uint64_t cancelled = 0, late = 0;
    for (unsigned i = 0; i < OWNERS; i++) {
      late += owners[i].late;
      for (unsigned k = 0; k < TIMERS; k++) {
        cancelled += owners[i].records[k].cancelled;
        assert_int_equal(ended(&owners[i].records[k]), owners[i].records[k].armed);
      }
    }
    print_message("workers %u: cancelled %llu, too late %llu\n", workers,
                  (unsigned long long)cancelled, (unsigned long long)late);
    assert_true(cancelled > 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_arming_fires_or_is_cancelled_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
