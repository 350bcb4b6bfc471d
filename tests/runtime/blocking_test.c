// SPDX-License-Identifier: Apache-2.0
#include "runtime/blocking.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/atomic.h"
#include "base/check.h"
#include "tests/runtime/watchdog.h"

#define THREADS 3u
#define QUEUE 5u

static struct act__blocking pool;
static struct watchdog dog;

// A gate that jobs wait at, and what they count on the way.
static struct {
  struct act__mutex mutex;
  struct act__cond changed;
  bool open;
  unsigned inside, inside_max, done;
  unsigned order[64];
} gate;

struct numbered {
  struct act__job job;
  unsigned number;
};

static void wait_at_the_gate(struct act__job *job) {
  (void)job;
  act__mutex_lock(&gate.mutex);
  gate.inside++;
  if (gate.inside > gate.inside_max) gate.inside_max = gate.inside;
  act__cond_broadcast(&gate.changed);
  while (!gate.open) act__cond_wait(&gate.changed, &gate.mutex);
  gate.inside--;
  act__mutex_unlock(&gate.mutex);
}

static void note_done(struct act__job *job) {
  act__mutex_lock(&gate.mutex);
  gate.order[gate.done++] = ACT__CONTAINER_OF(job, struct numbered, job)->number;
  act__cond_broadcast(&gate.changed);
  act__mutex_unlock(&gate.mutex);
}

static void set_open(bool open) {
  act__mutex_lock(&gate.mutex);
  gate.open = open;
  act__cond_broadcast(&gate.changed);
  act__mutex_unlock(&gate.mutex);
}

// The watchdog is the deadline of these two.
static void wait_until_inside(unsigned count) {
  act__mutex_lock(&gate.mutex);
  while (gate.inside != count) act__cond_wait(&gate.changed, &gate.mutex);
  act__mutex_unlock(&gate.mutex);
}

static void wait_until_done(unsigned count) {
  act__mutex_lock(&gate.mutex);
  while (gate.done != count) act__cond_wait(&gate.changed, &gate.mutex);
  act__mutex_unlock(&gate.mutex);
}

static int setup(void **state) {
  (void)state;
  dog = (struct watchdog){0};
  watchdog_start(&dog, "a test of the blocking pool", 20 * ACT__NS_PER_S);
  act__mutex_init(&gate.mutex);
  act__cond_init(&gate.changed);
  gate.open = false;
  gate.inside = gate.inside_max = gate.done = 0;
  assert_int_equal(act__blocking_init(&pool, act__clock_system(), THREADS, QUEUE), ACT_OK);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  act__blocking_fini(&pool);
  act__cond_fini(&gate.changed);
  act__mutex_fini(&gate.mutex);
  watchdog_stop(&dog);
  return 0;
}

static void fill(struct numbered *jobs, unsigned count) {
  for (unsigned i = 0; i < count; i++) {
    jobs[i] = (struct numbered){.job = {.work = wait_at_the_gate, .done = note_done}, .number = i};
  }
}

static void push_all(struct numbered *jobs, unsigned from, unsigned to) {
  for (unsigned i = from; i < to; i++) {
    assert_int_equal(act__blocking_push(&pool, &jobs[i].job), ACT_OK);
  }
}

static void no_thread_runs_before_the_first_job(void **state) {
  (void)state;
  assert_int_equal(act__blocking_running(&pool), 0);
}

static void full_queue_refuses_and_keeps_what_it_has(void **state) {
  (void)state;
  struct numbered jobs[THREADS + QUEUE + 1];
  fill(jobs, THREADS + QUEUE + 1);
  push_all(jobs, 0, THREADS);
  wait_until_inside(THREADS);
  push_all(jobs, THREADS, THREADS + QUEUE);

  assert_int_equal(act__blocking_push(&pool, &jobs[THREADS + QUEUE].job), ACT_EFULL);

  set_open(true);
  wait_until_done(THREADS + QUEUE);
  push_all(jobs, THREADS + QUEUE, THREADS + QUEUE + 1);
  wait_until_done(THREADS + QUEUE + 1);
}

static void at_most_the_maximum_of_threads_runs(void **state) {
  (void)state;
  struct numbered jobs[THREADS + QUEUE];
  fill(jobs, THREADS + QUEUE);
  push_all(jobs, 0, THREADS);
  wait_until_inside(THREADS);
  push_all(jobs, THREADS, THREADS + QUEUE);
  assert_int_equal(act__blocking_running(&pool), THREADS);

  set_open(true);
  wait_until_done(THREADS + QUEUE);

  assert_int_equal(gate.inside_max, THREADS);
}

static void one_thread_takes_jobs_in_order(void **state) {
  (void)state;
  act__blocking_fini(&pool);
  assert_int_equal(act__blocking_init(&pool, act__clock_system(), 1, QUEUE), ACT_OK);
  struct numbered jobs[1 + QUEUE];
  fill(jobs, 1 + QUEUE);
  push_all(jobs, 0, 1);
  wait_until_inside(1);
  push_all(jobs, 1, 1 + QUEUE);

  set_open(true);
  wait_until_done(1 + QUEUE);

  for (unsigned i = 0; i < 1 + QUEUE; i++) assert_int_equal(gate.order[i], i);
}

static void idle_threads_end_and_come_back(void **state) {
  (void)state;
  pool.idle_ns = ACT__NS_PER_MS;
  set_open(true);
  struct numbered jobs[THREADS];
  for (unsigned round = 1; round <= 20; round++) {
    fill(jobs, THREADS);
    push_all(jobs, 0, THREADS);
    wait_until_done(round * THREADS);
    while (act__blocking_running(&pool) > 0) act__thread_yield();  // the watchdog is the deadline
  }
}

// Pushers on threads of their own, and threads of the pool that end as soon as they have nothing to
// do: every way to bed and back is taken.
#define PUSHERS 3u
#define CROWD 2000u

struct counted {
  struct act__job job;
  unsigned worked, done;
};

static struct counted crowd[PUSHERS][CROWD];
static ACT__ATOMIC(unsigned) crowd_done;

static void count_work(struct act__job *job) {
  ACT__CONTAINER_OF(job, struct counted, job)->worked++;
}

static void count_done(struct act__job *job) {
  ACT__CONTAINER_OF(job, struct counted, job)->done++;
  // release [test:done]: the counts above are read by who sees all jobs done.
  act__fetch_add_release(&crowd_done, 1u);
}

static void push_a_crowd(void *arg) {
  struct counted *jobs = arg;
  for (unsigned i = 0; i < CROWD; i++) {
    jobs[i] = (struct counted){.job = {.work = count_work, .done = count_done}};
    while (act__blocking_push(&pool, &jobs[i].job)) act__thread_yield();  // full
    if (i % 64 == 0) act__thread_yield();
  }
}

static void every_job_of_many_pushers_runs_once(void **state) {
  (void)state;
  static const int64_t idle_ns[] = {0, ACT__NS_PER_US, ACT__NS_PER_S};
  for (unsigned round = 0; round < 3; round++) {
    act__blocking_fini(&pool);
    assert_int_equal(act__blocking_init(&pool, act__clock_system(), THREADS, QUEUE), ACT_OK);
    pool.idle_ns = idle_ns[round];
    act__store_relaxed(&crowd_done, 0u);
    struct act__thread pushers[PUSHERS];
    for (unsigned i = 0; i < PUSHERS; i++) {
      assert_int_equal(act__thread_start(&pushers[i], "pusher", 0, push_a_crowd, crowd[i]), ACT_OK);
    }
    for (unsigned i = 0; i < PUSHERS; i++) act__thread_join(&pushers[i]);
    // acquire [test:done]: see above. The watchdog is the deadline.
    while (act__load_acquire(&crowd_done) < PUSHERS * CROWD) act__thread_yield();
    for (unsigned i = 0; i < PUSHERS * CROWD; i++) {
      assert_int_equal(crowd[i / CROWD][i % CROWD].worked, 1);
      assert_int_equal(crowd[i / CROWD][i % CROWD].done, 1);
    }
    assert_true(act__blocking_running(&pool) <= THREADS);
  }
}

// All threads but one are blocked for long: the one is enough for all that comes.
static void short_jobs_go_on_beside_blocked_ones(void **state) {
  (void)state;
  struct numbered blocked[THREADS - 1];
  fill(blocked, THREADS - 1);
  push_all(blocked, 0, THREADS - 1);
  wait_until_inside(THREADS - 1);

  act__store_relaxed(&crowd_done, 0u);
  push_a_crowd(crowd[0]);
  while (act__load_acquire(&crowd_done) < CROWD) act__thread_yield();  // the watchdog is the deadline

  assert_int_equal(gate.done, 0);
  set_open(true);
  wait_until_done(THREADS - 1);
}

static void fini_runs_what_still_waits(void **state) {
  (void)state;
  struct numbered jobs[THREADS + QUEUE];
  fill(jobs, THREADS + QUEUE);
  push_all(jobs, 0, THREADS);
  wait_until_inside(THREADS);
  push_all(jobs, THREADS, THREADS + QUEUE);
  set_open(true);

  act__blocking_fini(&pool);

  assert_int_equal(gate.done, THREADS + QUEUE);
}

static void wait_for_the_others(struct act__job *job) {
  (void)job;
  act__mutex_lock(&gate.mutex);
  gate.inside_max++;
  act__cond_broadcast(&gate.changed);
  while (gate.inside_max < THREADS) act__cond_wait(&gate.changed, &gate.mutex);
  act__mutex_unlock(&gate.mutex);
}

static void fini_lets_no_job_wait_behind_one_that_blocks(void **state) {
  (void)state;
  struct numbered jobs[THREADS];
  fill(jobs, THREADS);
  for (unsigned i = 0; i < THREADS; i++) jobs[i].job.work = wait_for_the_others;
  push_all(jobs, 0, THREADS);

  act__blocking_fini(&pool);

  assert_int_equal(gate.done, THREADS);
}

static void failed_allocation_is_an_answer(void **state) {
  (void)state;
  struct act__blocking other;
  act__alloc_fail_once(0);
  assert_int_equal(act__blocking_init(&other, act__clock_system(), 1, 1), ACT_ENOMEM);
  act__alloc_fail_after(-1);
  act__blocking_fini(&other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(no_thread_runs_before_the_first_job),
      TEST(full_queue_refuses_and_keeps_what_it_has),
      TEST(at_most_the_maximum_of_threads_runs),
      TEST(one_thread_takes_jobs_in_order),
      TEST(idle_threads_end_and_come_back),
      TEST(every_job_of_many_pushers_runs_once),
      TEST(short_jobs_go_on_beside_blocked_ones),
      TEST(fini_runs_what_still_waits),
      TEST(fini_lets_no_job_wait_behind_one_that_blocks),
      TEST(failed_allocation_is_an_answer),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
