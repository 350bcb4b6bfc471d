// SPDX-License-Identifier: Apache-2.0
//
// What waits beside fresh tasks that never end: it is begun in time, and not much sooner.
#include "base/check.h"
#include "tests/runtime/exec_support.h"

#define FAIR_WITHIN (3 * ACT__FAIR_EVERY)  // three sources take turns

// A task that never lets the queue become empty: each turn submits two fresh ones.
#define STORM 2000
static struct act__task storm[STORM];
static unsigned storm_used, storm_turns;

static int64_t storm_turn_ns, storm_grown_ns;

static enum act__turn storm_turn(struct act__task *task, struct act__worker *me) {
  (void)task;
  storm_turns++;
  struct act__clock *clock = act__exec_clock(me->exec);
  int64_t until_ns = storm_turn_ns ? act__clock_now(clock) + storm_turn_ns : 0;
  while (until_ns && act__clock_now(clock) < until_ns) {
  }
  for (int i = 0; i < 2 && storm_used < STORM; i++) {
    storm[storm_used].run = storm_turn;
    act__exec_submit(me->exec, me, &storm[storm_used++]);
    if (storm_used == STORM) storm_grown_ns = act__clock_now(clock);
  }
  return ACT__TURN_DONE;
}

struct marker {
  struct act__task task;
  unsigned ran_at;
  int turns;
};

static enum act__turn marker_turn(struct act__task *task, struct act__worker *me) {
  (void)me;
  struct marker *marker = ACT__CONTAINER_OF(task, struct marker, task);
  if (marker->turns-- > 0) return ACT__TURN_AGAIN;
  marker->ran_at = storm_turns;
  return ACT__TURN_DONE;
}

static void what_has_waited_longest_runs_within_the_fairness_bound(void **state) {
  (void)state;
  struct act__exec *exec = make_started(ACT__CURRENT, 0);
  struct act__worker *me = act__exec_worker(exec, 0);
  struct marker oldest = {.task.run = marker_turn};
  struct marker lane = {.task.run = marker_turn, .turns = 1};
  struct marker shared = {.task.run = marker_turn};
  storm_used = 1;
  storm_turns = 0;
  storm_turn_ns = 2 * ACT__FAIR_NS / ACT__FAIR_EVERY;  // so that it is the picks that count
  storm[0].run = storm_turn;
  act__exec_submit(exec, me, &lane.task);
  assert_true(act__exec_step(exec, false));  // its first turn: now it is in the lane
  act__exec_submit(exec, me, &oldest.task);
  act__exec_submit(exec, NULL, &shared.task);
  act__exec_submit(exec, me, &storm[0]);

  while (act__exec_step(exec, false)) {
  }

  assert_int_equal(storm_turns, STORM);
  assert_in_range(oldest.ran_at, 1, FAIR_WITHIN);
  assert_in_range(lane.ran_at, 1, FAIR_WITHIN);
  assert_in_range(shared.ran_at, 1, FAIR_WITHIN);
  end(exec);
}

// A tree of quick tasks grows deep, not wide: what has waited longest is begun now and then only.
#define OLD 200
static struct marker old[OLD];
static int64_t storm_began_ns, interrupted;

static enum act__turn old_turn(struct act__task *task, struct act__worker *me) {
  (void)task;
  (void)me;
  interrupted += storm_used < STORM;
  return ACT__TURN_DONE;
}

static enum act__turn begin_turn(struct act__task *task, struct act__worker *me) {
  (void)task;
  for (int i = 0; i < OLD; i++) {
    old[i].task.run = old_turn;
    act__exec_submit(me->exec, me, &old[i].task);
  }
  storm[0].run = storm_turn;
  act__exec_submit(me->exec, me, &storm[0]);
  storm_began_ns = act__clock_now(act__exec_clock(me->exec));
  return ACT__TURN_DONE;
}

static void quick_tasks_are_seldom_interrupted_for_what_waits(void **state) {
  (void)state;
  struct act__exec *exec = make_started(ACT__POOL, 1);
  struct act__task begin = {.run = begin_turn};
  storm_used = 1;
  storm_turns = 0;
  storm_turn_ns = interrupted = 0;
  act__exec_submit(exec, NULL, &begin);
  end(exec);
  assert_int_equal(storm_turns, STORM);
  assert_in_range(interrupted, 0, (storm_grown_ns - storm_began_ns) / ACT__FAIR_NS + 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(what_has_waited_longest_runs_within_the_fairness_bound),
      TEST(quick_tasks_are_seldom_interrupted_for_what_waits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
