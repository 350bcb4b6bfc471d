// SPDX-License-Identifier: Apache-2.0
//
// The simulation flavour: same seed, same run; virtual time only.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/clock.h"
#include "runtime/exec.h"
#include "tests/runtime/watchdog.h"

#define ACTORS 12
#define HOUR_NS (3600 * ACT__NS_PER_S)

static struct watchdog dog;

static int setup(void **state) {
  (void)state;
  dog = (struct watchdog){0};
  watchdog_start(&dog, "a simulation", 20 * ACT__NS_PER_S);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  watchdog_stop(&dog);
  return 0;
}

struct world;

// Something with a bit of everything: turns, other tasks, alarms, jobs, random draws.
struct actor {
  struct act__task task;
  struct act__alarm alarm;
  struct act__job job;
  struct world *world;
  int number;
  bool queued;
  bool alarm_armed;
  bool job_out;
  int turns_left;
  int64_t alarm_due;
};

struct world {
  struct act__exec *exec;
  struct act__worker *me;
  struct actor actors[ACTORS];
  uint64_t turns, alarms, jobs;
  int order[4096];
};

static void make_runnable(struct world *w, struct actor *a) {
  if (a->queued) return;
  a->queued = true;
  act__exec_submit(w->exec, w->me, &a->task);
}

static void on_alarm(struct act__alarm *alarm, struct act__worker *me) {
  struct actor *a = ACT__CONTAINER_OF(alarm, struct actor, alarm);
  struct world *w = a->world;
  assert_true(me->now_ns >= a->alarm_due);
  assert_true(act__clock_now(act__exec_clock(w->exec)) >= a->alarm_due);
  a->alarm_armed = false;
  w->alarms++;
  act__exec_trace_fold(w->exec, (uint64_t)a->number);
  make_runnable(w, a);
}

static void on_work(struct act__job *job) {
  struct actor *a = ACT__CONTAINER_OF(job, struct actor, job);
  a->world->jobs++;
}

static void on_done(struct act__job *job) {
  struct actor *a = ACT__CONTAINER_OF(job, struct actor, job);
  a->job_out = false;
  make_runnable(a->world, a);
}

static enum act__turn actor_turn(struct act__task *task, struct act__worker *me) {
  struct actor *a = ACT__CONTAINER_OF(task, struct actor, task);
  struct world *w = a->world;
  if (w->turns < 4096) w->order[w->turns] = a->number;
  w->turns++;
  a->queued = false;
  if (a->turns_left-- <= 0) return ACT__TURN_DONE;
  switch (act__rand_below(&me->rand, 4)) {
    case 0:
      make_runnable(w, &w->actors[act__rand_below(&me->rand, ACTORS)]);
      make_runnable(w, &w->actors[act__rand_below(&me->rand, ACTORS)]);
      break;
    case 1:
      if (a->alarm_armed) break;
      a->alarm_armed = true;
      a->alarm_due = me->now_ns + (int64_t)act__rand_below(&me->rand, 20 * ACT__NS_PER_MS);
      act__alarm_arm(w->exec, me, &a->alarm, a->alarm_due);
      break;
    case 2:
      if (a->job_out) break;
      a->job_out = act__blocking_submit(w->exec, &a->job) == ACT_OK;
      break;
    default:
      a->queued = true;
      return ACT__TURN_AGAIN;
  }
  return ACT__TURN_DONE;
}

static void world_init(struct world *w, uint64_t seed) {
  *w = (struct world){0};
  const struct act__exec_options options = {.flavour = ACT__SIMULATION, .seed = seed};
  assert_int_equal(act__exec_create(&options, &w->exec), ACT_OK);
  assert_int_equal(act__exec_start(w->exec), ACT_OK);
  w->me = act__exec_worker(w->exec, 0);
  for (int i = 0; i < ACTORS; i++) {
    w->actors[i] = (struct actor){.task.run = actor_turn,
                                  .alarm.fire = on_alarm,
                                  .job = {.work = on_work, .done = on_done},
                                  .world = w,
                                  .number = i,
                                  .turns_left = 100};
    make_runnable(w, &w->actors[i]);
  }
}

static uint64_t run_world(struct world *w, uint64_t seed) {
  world_init(w, seed);
  assert_false(act__exec_run(w->exec));  // until nothing can ever happen again
  uint64_t trace = act__exec_trace(w->exec);
  act__exec_destroy(w->exec);
  return trace;
}

static void same_seed_gives_the_same_run(void **state) {
  (void)state;
  static struct world first, second;  // at two places, so that addresses differ
  for (uint64_t seed = 0; seed < 200; seed++) {
    uint64_t a = run_world(&first, seed);
    uint64_t b = run_world(&second, seed);
    assert_int_equal(a, b);
    assert_int_equal(first.turns, second.turns);
    assert_memory_equal(first.order, second.order, sizeof first.order);
    assert_true(first.alarms > 0 && first.jobs > 0);
  }
}

static void another_seed_gives_another_run(void **state) {
  (void)state;
  static struct world w;
  uint64_t last = 0;
  for (uint64_t seed = 0; seed < 200; seed++) {
    uint64_t trace = run_world(&w, seed);
    assert_int_not_equal(trace, last);
    last = trace;
  }
}

static void folding_an_event_in_changes_the_trace(void **state) {
  (void)state;
  static struct world w;
  world_init(&w, 1);
  uint64_t before = act__exec_trace(w.exec);
  act__exec_trace_fold(w.exec, 42);
  assert_int_not_equal(act__exec_trace(w.exec), before);
  assert_false(act__exec_run(w.exec));
  act__exec_destroy(w.exec);
}

static void note_fire(struct act__alarm *alarm, struct act__worker *me) {
  (void)me;
  alarm->timer.note = 7;  // a mark of the test: the executor is done with the alarm
}

static void time_moves_to_the_alarm_without_waiting(void **state) {
  (void)state;
  struct act__exec *exec;
  const struct act__exec_options options = {.flavour = ACT__SIMULATION, .seed = 5};
  assert_int_equal(act__exec_create(&options, &exec), ACT_OK);
  assert_int_equal(act__exec_start(exec), ACT_OK);
  struct act__worker *me = act__exec_worker(exec, 0);
  int64_t due = me->now_ns + 1000 * HOUR_NS;
  struct act__alarm alarm = {.fire = note_fire};
  act__alarm_arm(exec, me, &alarm, due);

  assert_false(act__exec_run(exec));

  assert_int_equal(alarm.timer.note, 7);
  assert_int_equal(act__clock_now(act__exec_clock(exec)), due);
  act__exec_destroy(exec);
}

static void wall_clock_is_virtual_and_starts_at_a_fixed_date(void **state) {
  (void)state;
  struct act__exec *exec;
  const struct act__exec_options options = {.flavour = ACT__SIMULATION, .seed = 5};
  assert_int_equal(act__exec_create(&options, &exec), ACT_OK);
  char text[ACT__TIME_TEXT];
  act__time_format_utc(act__clock_wall(act__exec_clock(exec)), text);
  assert_string_equal(text, "2026-01-01T00:00:00.000Z");
  act__exec_destroy(exec);
}

static enum act__turn finish_turn(struct act__task *task, struct act__worker *me) {
  (void)task;
  act__exec_finish(me->exec);
  return ACT__TURN_DONE;
}

static void finish_ends_the_run(void **state) {
  (void)state;
  struct act__exec *exec;
  const struct act__exec_options options = {.flavour = ACT__SIMULATION};
  assert_int_equal(act__exec_create(&options, &exec), ACT_OK);
  assert_int_equal(act__exec_start(exec), ACT_OK);
  struct act__task task = {.run = finish_turn};
  struct act__alarm alarm = {.fire = note_fire};
  act__alarm_arm(exec, act__exec_worker(exec, 0), &alarm, HOUR_NS);
  act__exec_submit(exec, NULL, &task);

  assert_true(act__exec_run(exec));

  assert_int_not_equal(alarm.timer.note, 7);
  assert_true(act__alarm_cancel(exec, &alarm));
  act__exec_destroy(exec);
}

static int jobs_done;

static void nop(struct act__job *job) {
  (void)job;
}

static void count_done(struct act__job *job) {
  (void)job;
  jobs_done++;
}

static void jobs_past_the_bound_are_refused(void **state) {
  (void)state;
  enum { BOUND = 3 };
  struct act__exec *exec;
  const struct act__exec_options options = {.flavour = ACT__SIMULATION, .blocking_queue = BOUND};
  assert_int_equal(act__exec_create(&options, &exec), ACT_OK);
  assert_int_equal(act__exec_start(exec), ACT_OK);
  struct act__job jobs[BOUND + 1];
  for (int i = 0; i <= BOUND; i++) {
    jobs[i] = (struct act__job){.work = nop, .done = count_done};
    assert_int_equal(act__blocking_submit(exec, &jobs[i]), i < BOUND ? ACT_OK : ACT_EFULL);
  }
  int64_t before = act__clock_now(act__exec_clock(exec));
  jobs_done = 0;

  assert_false(act__exec_run(exec));

  assert_int_equal(jobs_done, BOUND);
  assert_true(act__clock_now(act__exec_clock(exec)) - before <= ACT__SIM_JOB_NS);
  act__exec_destroy(exec);
}

static void submitting_cannot_fail_when_memory_does(void **state) {
  (void)state;
  enum { TASKS = 500 };
  static struct act__task tasks[TASKS];
  struct act__exec *exec;
  const struct act__exec_options options = {.flavour = ACT__SIMULATION, .seed = 9};
  assert_int_equal(act__exec_create(&options, &exec), ACT_OK);
  assert_int_equal(act__exec_start(exec), ACT_OK);

  act__alloc_fail_after(0);
  for (int i = 0; i < TASKS; i++) {
    tasks[i] = (struct act__task){.run = finish_turn};
    act__exec_submit(exec, NULL, &tasks[i]);
    if (i == TASKS / 2) act__alloc_fail_after(-1);
  }
  act__alloc_fail_after(-1);

  int turns = 0;
  while (act__exec_step(exec, false)) turns++;
  assert_int_equal(turns, TASKS);
  act__exec_destroy(exec);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(same_seed_gives_the_same_run),
      TEST(another_seed_gives_another_run),
      TEST(folding_an_event_in_changes_the_trace),
      TEST(time_moves_to_the_alarm_without_waiting),
      TEST(wall_clock_is_virtual_and_starts_at_a_fixed_date),
      TEST(finish_ends_the_run),
      TEST(jobs_past_the_bound_are_refused),
      TEST(submitting_cannot_fail_when_memory_does),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
