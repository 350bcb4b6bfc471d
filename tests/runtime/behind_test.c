// SPDX-License-Identifier: Apache-2.0
//
// What waits behind a turn that takes long is run by others, however it came there; and where nothing
// is left behind such a turn, nobody looks for it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "base/atomic.h"
#include "tests/runtime/exec_support.h"

#define SHORTS 9

// A turn that submits tasks, if it has any, and does not return before others have run.
struct waiter {
  struct act__task task;
  struct act__task *submits[SHORTS + 1];
  struct signal *awaits[SHORTS];
  struct act__parker done;
};

static enum act__turn waiter_turn(struct act__task *task, struct act__worker *me) {
  struct waiter *w = ACT__CONTAINER_OF(task, struct waiter, task);
  for (int i = 0; i < SHORTS + 1 && w->submits[i]; i++) {
    act__exec_submit(me->exec, me, w->submits[i]);
  }
  for (int i = 0; i < SHORTS && w->awaits[i]; i++) wait_until_it_ran(w->awaits[i]);
  act__parker_unpark(&w->done);
  return ACT__TURN_DONE;
}

static void waiter_init(struct waiter *w) {
  *w = (struct waiter){.task.run = waiter_turn};
  act__parker_init(&w->done);
}

static void what_comes_from_the_shared_queue_is_taken_from_behind_a_long_turn(void **state) {
  (void)state;
  struct act__exec *exec = make_started(ACT__POOL, 2);
  struct signal busy[2], shorts[SHORTS];
  struct waiter waiter;
  waiter_init(&waiter);
  for (int i = 0; i < 2; i++) {
    signal_init(&busy[i], true);
    act__exec_submit(exec, NULL, &busy[i].task);
  }
  for (int i = 0; i < 2; i++) wait_until_it_ran(&busy[i]);
  act__exec_submit(exec, NULL, &waiter.task);  // whoever takes it takes some of the others with it
  for (int i = 0; i < SHORTS; i++) {
    signal_init(&shorts[i], false);
    waiter.awaits[i] = &shorts[i];
    act__exec_submit(exec, NULL, &shorts[i].task);
  }

  for (int i = 0; i < 2; i++) let_go(&busy[i]);

  assert_true(act__parker_park(&waiter.done, ACT__TIME_NEVER));
  end(exec);
  for (int i = 0; i < 2; i++) act__parker_fini(&busy[i].ran);
  for (int i = 0; i < SHORTS; i++) act__parker_fini(&shorts[i].ran);
  act__parker_fini(&waiter.done);
}

static void what_a_thief_took_is_taken_from_behind_a_long_turn(void **state) {
  (void)state;
  struct act__exec *exec = make_started(ACT__POOL, 3);
  struct signal shorts[SHORTS], ended;
  struct waiter first, second;
  waiter_init(&first);
  waiter_init(&second);
  signal_init(&ended, false);
  // The thief begins with the newest that waits, and that is the second waiter. The rest waits then
  // behind that one.
  for (int i = 0; i < SHORTS; i++) {
    signal_init(&shorts[i], false);
    first.submits[i] = &shorts[i].task;
    second.awaits[i] = &shorts[i];
  }
  first.submits[SHORTS] = first.submits[SHORTS - 1];
  first.submits[SHORTS - 1] = &second.task;
  first.awaits[0] = &ended;

  act__exec_submit(exec, NULL, &first.task);
  assert_true(act__parker_park(&second.done, ACT__TIME_NEVER));
  act__exec_submit(exec, NULL, &ended.task);
  assert_true(act__parker_park(&first.done, ACT__TIME_NEVER));
  end(exec);
  for (int i = 0; i < SHORTS; i++) act__parker_fini(&shorts[i].ran);
  act__parker_fini(&ended.ran);
  act__parker_fini(&first.done);
  act__parker_fini(&second.done);
}

// A turn of a length that others know of before they come; the sleeping one lasts until it is let go.
#define BROOD 40
#define EACH_NS (100 * ACT__NS_PER_US)
#define SLEEPER 5

static struct act__task brood[BROOD];
static struct act__parker asleep, go_on;

static enum act__turn brood_turn(struct act__task *task, struct act__worker *me) {
  (void)me;
  int64_t until = act__clock_now(clock_of_system) + EACH_NS;
  while (act__clock_now(clock_of_system) < until) act__spin_pause();
  if (task == &brood[SLEEPER]) {
    act__parker_unpark(&asleep);
    act__parker_park(&go_on, ACT__TIME_NEVER);
  }
  return ACT__TURN_DONE;
}

static enum act__turn mother_turn(struct act__task *task, struct act__worker *me) {
  (void)task;
  for (int i = 0; i < BROOD; i++) {
    brood[i].run = brood_turn;
    act__exec_submit(me->exec, me, &brood[i]);
  }
  return ACT__TURN_DONE;
}

// Of the whole process, so far.
static int64_t processor_us(void) {
  struct rusage use;
  assert_int_equal(getrusage(RUSAGE_SELF, &use), 0);
  return (int64_t)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1000000 + use.ru_utime.tv_usec +
         use.ru_stime.tv_usec;
}

static void nothing_is_looked_for_where_nothing_is_left(void **state) {
  (void)state;
  struct act__exec *exec = make_started(ACT__POOL, 2);
  struct act__task mother = {.run = mother_turn};
  struct act__parker never;
  act__parker_init(&asleep);
  act__parker_init(&go_on);
  act__parker_init(&never);
  act__exec_submit(exec, NULL, &mother);
  assert_true(act__parker_park(&asleep, ACT__TIME_NEVER));
  act__parker_park(&never, act__clock_now(clock_of_system) + 50 * ACT__NS_PER_MS);  // for the others

  int64_t before = processor_us();
  act__parker_park(&never, act__clock_now(clock_of_system) + 500 * ACT__NS_PER_MS);
  int64_t used = processor_us() - before;

  // The monitor looks every millisecond; a worker that looks for what is not there uses all it gets.
  assert_in_range(used, 0, 500 * 1000 / 20);
  act__parker_unpark(&go_on);
  end(exec);
  act__parker_fini(&asleep);
  act__parker_fini(&go_on);
  act__parker_fini(&never);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(nothing_is_looked_for_where_nothing_is_left),
      TEST(what_a_thief_took_is_taken_from_behind_a_long_turn),
      TEST(what_comes_from_the_shared_queue_is_taken_from_behind_a_long_turn),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
