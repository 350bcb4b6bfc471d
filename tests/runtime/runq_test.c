// SPDX-License-Identifier: Apache-2.0
#include "runtime/sched/runq.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define TASKS 40

static struct act__task tasks[TASKS];
static struct act__runq queue;

static int setup(void **state) {
  (void)state;
  act__runq_init(&queue);
  return 0;
}

static void push_fresh(int from, int to) {
  for (int i = from; i < to; i++) act__runq_push(&queue, &tasks[i]);
}

static void assert_chain_is(struct act__task_chain *chain, const int *expected, unsigned count) {
  assert_int_equal(chain->length, count);
  for (unsigned i = 0; i < count; i++) {
    assert_ptr_equal(act__task_chain_pop(chain), &tasks[expected[i]]);
  }
  assert_null(act__task_chain_pop(chain));
}

static void owner_takes_the_newest(void **state) {
  (void)state;
  push_fresh(0, 3);

  assert_ptr_equal(act__runq_pop(&queue), &tasks[2]);
  assert_ptr_equal(act__runq_pop(&queue), &tasks[1]);
  assert_ptr_equal(act__runq_pop(&queue), &tasks[0]);
  assert_null(act__runq_pop(&queue));
  assert_int_equal(queue.length, 0);
}

static void lane_is_first_in_first_out_and_behind_what_is_fresh(void **state) {
  (void)state;
  act__runq_push_behind(&queue, &tasks[0]);
  act__runq_push_behind(&queue, &tasks[1]);
  act__runq_push(&queue, &tasks[2]);

  assert_int_equal(queue.length, 3);
  assert_ptr_equal(act__runq_pop(&queue), &tasks[2]);
  assert_ptr_equal(act__runq_pop(&queue), &tasks[0]);
  assert_ptr_equal(act__runq_pop(&queue), &tasks[1]);
}

static void both_ends_meet(void **state) {
  (void)state;
  push_fresh(0, 3);

  assert_ptr_equal(act__runq_pop_oldest(&queue), &tasks[0]);
  assert_ptr_equal(act__runq_pop(&queue), &tasks[2]);
  assert_ptr_equal(act__runq_pop_oldest(&queue), &tasks[1]);
  assert_null(act__runq_pop_oldest(&queue));
  assert_null(act__runq_pop(&queue));
  push_fresh(4, 5);
  assert_ptr_equal(act__runq_pop_oldest(&queue), &tasks[4]);
}

static void thief_takes_half_the_oldest_first(void **state) {
  (void)state;
  push_fresh(0, 5);
  struct act__task_chain chain = {0};

  act__runq_steal(&queue, 0, 16, &chain);

  assert_chain_is(&chain, (const int[]){0, 1, 2}, 3);
  assert_int_equal(queue.length, 2);
}

static void thief_takes_from_the_lane_first(void **state) {
  (void)state;
  push_fresh(0, 2);
  act__runq_push_behind(&queue, &tasks[2]);
  act__runq_push_behind(&queue, &tasks[3]);
  struct act__task_chain chain = {0};

  act__runq_steal(&queue, 0, 16, &chain);

  assert_chain_is(&chain, (const int[]){2, 3}, 2);
}

static void thief_leaves_the_only_task(void **state) {
  (void)state;
  push_fresh(0, 1);
  struct act__task_chain chain = {0};

  act__runq_steal(&queue, 1, 16, &chain);
  assert_int_equal(chain.length, 0);

  act__runq_steal(&queue, 0, 16, &chain);
  assert_int_equal(chain.length, 1);
}

static void thief_takes_at_most_what_it_asked_for(void **state) {
  (void)state;
  push_fresh(0, TASKS);
  struct act__task_chain chain = {0};

  act__runq_steal(&queue, 0, 16, &chain);

  assert_int_equal(chain.length, 16);
  assert_int_equal(queue.length, TASKS - 16);
}

static enum act__turn first_run(struct act__task *task, struct act__worker *me) {
  (void)task;
  (void)me;
  return ACT__TURN_DONE;
}

static enum act__turn later_run(struct act__task *task, struct act__worker *me) {
  return first_run(task, me);
}

// All but those of the list have begun.
static void begin_all_but(const int *numbers, unsigned count) {
  for (int i = 0; i < TASKS; i++) tasks[i].run = later_run;
  for (unsigned i = 0; i < count; i++) tasks[numbers[i]].run = first_run;
}

static void what_has_not_begun_is_taken_from_both_ends_up_to_what_has(void **state) {
  (void)state;
  begin_all_but((const int[]){0, 1, 3, 5}, 4);
  push_fresh(0, 4);
  act__runq_push_behind(&queue, &tasks[5]);
  act__runq_push_behind(&queue, &tasks[6]);
  struct act__task_chain chain = {0};

  act__runq_steal_unbegun(&queue, first_run, 16, &chain);

  assert_chain_is(&chain, (const int[]){5, 0, 1}, 3);
  assert_int_equal(queue.length, 3);
  assert_false(act__runq_has_unbegun(&queue, first_run));  // what is behind them is hidden
}

static void of_what_has_not_begun_as_much_is_taken_as_was_asked_for(void **state) {
  (void)state;
  begin_all_but((const int[]){0, 1, 2}, 3);
  push_fresh(0, 3);
  struct act__task_chain chain = {0};

  act__runq_steal_unbegun(&queue, first_run, 2, &chain);

  assert_chain_is(&chain, (const int[]){0, 1}, 2);
  assert_true(act__runq_has_unbegun(&queue, first_run));
}

static void all_that_waits_can_be_taken_at_once(void **state) {
  (void)state;
  push_fresh(0, 2);
  act__runq_push_behind(&queue, &tasks[2]);
  act__runq_push_behind(&queue, &tasks[3]);
  struct act__task_chain chain = {0};

  act__runq_take_all(&queue, &chain);

  assert_chain_is(&chain, (const int[]){2, 3, 1, 0}, 4);
  assert_int_equal(queue.length, 0);
  assert_null(act__runq_pop(&queue));
  act__runq_take_all(&queue, &chain);
  assert_int_equal(chain.length, 0);
  push_fresh(0, 1);
  act__runq_take_all(&queue, &chain);
  assert_chain_is(&chain, (const int[]){0}, 1);
}

static void stolen_tasks_keep_their_order_in_the_lane(void **state) {
  (void)state;
  struct act__task_chain chain = {0};
  for (int i = 0; i < 3; i++) act__task_chain_push(&chain, &tasks[i]);
  act__runq_push_behind(&queue, &tasks[3]);

  act__runq_push_chain(&queue, &chain);

  assert_int_equal(chain.length, 0);
  assert_int_equal(queue.length, 4);
  assert_ptr_equal(act__runq_pop_lane(&queue), &tasks[3]);
  for (int i = 0; i < 3; i++) assert_ptr_equal(act__runq_pop_lane(&queue), &tasks[i]);
  assert_null(act__runq_pop_lane(&queue));
}

static void shared_queue_is_first_in_first_out(void **state) {
  (void)state;
  struct act__inject inject;
  act__inject_init(&inject);
  for (int i = 0; i < 3; i++) act__inject_push(&inject, &tasks[i]);
  struct act__task_chain chain = {0};

  act__inject_take(&inject, 2, &chain);

  assert_chain_is(&chain, (const int[]){0, 1}, 2);
  assert_int_equal(act__inject_length(&inject), 1);
  act__inject_take(&inject, 2, &chain);
  assert_chain_is(&chain, (const int[]){2}, 1);
  act__inject_fini(&inject);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(owner_takes_the_newest, setup),
      cmocka_unit_test_setup(lane_is_first_in_first_out_and_behind_what_is_fresh, setup),
      cmocka_unit_test_setup(both_ends_meet, setup),
      cmocka_unit_test_setup(thief_takes_half_the_oldest_first, setup),
      cmocka_unit_test_setup(thief_takes_from_the_lane_first, setup),
      cmocka_unit_test_setup(thief_leaves_the_only_task, setup),
      cmocka_unit_test_setup(thief_takes_at_most_what_it_asked_for, setup),
      cmocka_unit_test_setup(what_has_not_begun_is_taken_from_both_ends_up_to_what_has, setup),
      cmocka_unit_test_setup(of_what_has_not_begun_as_much_is_taken_as_was_asked_for, setup),
      cmocka_unit_test_setup(all_that_waits_can_be_taken_at_once, setup),
      cmocka_unit_test_setup(stolen_tasks_keep_their_order_in_the_lane, setup),
      cmocka_unit_test_setup(shared_queue_is_first_in_first_out, setup),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
