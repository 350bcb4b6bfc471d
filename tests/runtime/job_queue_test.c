// SPDX-License-Identifier: Apache-2.0
//
// The blocking pool's queue by itself. (With threads at both ends: blocking_test.c.)
#include "runtime/job_queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MAX 4u

static struct act__job_queue queue;
static struct act__job jobs[64];

static int setup(void **state) {
  (void)state;
  act__job_queue_init(&queue, MAX);
  return 0;
}

static void push(unsigned from, unsigned to) {
  for (unsigned i = from; i < to; i++) assert_true(act__job_queue_push(&queue, &jobs[i]));
}

static void assert_pops(unsigned from, unsigned to) {
  for (unsigned i = from; i < to; i++) assert_ptr_equal(act__job_queue_pop(&queue), &jobs[i]);
}

static void empty_queue_gives_nothing(void **state) {
  (void)state;
  assert_true(act__job_queue_is_empty(&queue));
  assert_null(act__job_queue_pop(&queue));
}

static void jobs_leave_in_the_order_they_came(void **state) {
  (void)state;
  push(0, 3);
  assert_pops(0, 2);
  push(3, 5);
  assert_pops(2, 5);
  assert_null(act__job_queue_pop(&queue));
  push(5, 6);
  assert_pops(5, 6);
}

static void full_queue_refuses_until_one_is_taken(void **state) {
  (void)state;
  for (unsigned round = 0; round < 10; round++) {
    push(0, MAX);
    assert_false(act__job_queue_push(&queue, &jobs[MAX]));
    assert_pops(0, 1);
    push(MAX, MAX + 1);
    assert_false(act__job_queue_push(&queue, &jobs[MAX + 1]));
    assert_pops(1, MAX + 1);
  }
}

static void job_taken_back_is_gone_and_the_others_stay_in_order(void **state) {
  (void)state;
  for (unsigned which = 0; which < MAX; which++) {
    for (unsigned handed_over = 0; handed_over <= MAX; handed_over++) {
      act__job_queue_init(&queue, MAX + 1);
      push(8, 9);
      push(0, handed_over);
      assert_pops(8, 9);  // the takers have the others now
      push(handed_over, MAX);
      assert_true(act__job_queue_remove(&queue, &jobs[which]));
      assert_false(act__job_queue_remove(&queue, &jobs[which]));
      push(MAX, MAX + 1);
      assert_pops(0, which);
      assert_pops(which + 1, MAX + 1);
      assert_true(act__job_queue_is_empty(&queue));
    }
  }
}

static void job_that_was_popped_cannot_be_taken_back(void **state) {
  (void)state;
  push(0, 2);
  assert_pops(0, 1);
  assert_false(act__job_queue_remove(&queue, &jobs[0]));
  assert_pops(1, 2);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(empty_queue_gives_nothing),
      TEST(jobs_leave_in_the_order_they_came),
      TEST(full_queue_refuses_until_one_is_taken),
      TEST(job_taken_back_is_gone_and_the_others_stay_in_order),
      TEST(job_that_was_popped_cannot_be_taken_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
