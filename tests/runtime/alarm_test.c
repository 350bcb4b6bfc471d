// SPDX-License-Identifier: Apache-2.0
//
// Alarms with real threads and the real clock: never early, and no sleep, however long, and no turn,
// however long, keeps one from firing. (Under virtual time: sim_test.c; cancelling in a race: the
// stress test.)
#include "tests/runtime/exec_support.h"

#include "base/check.h"

struct bell {
  struct act__alarm alarm;
  struct act__parker rang;
  int64_t due;
  ACT__ATOMIC(uint32_t) count;
};

static void on_bell(struct act__alarm *alarm, struct act__worker *me) {
  struct bell *bell = ACT__CONTAINER_OF(alarm, struct bell, alarm);
  ACT_ASSERT(act__clock_now(clock_of_system) >= bell->due);
  ACT_ASSERT(!me || me->now_ns >= bell->due);
  act__fetch_add_relaxed(&bell->count, 1);
  act__parker_unpark(&bell->rang);
}

static void bell_init(struct bell *bell) {
  *bell = (struct bell){.alarm.fire = on_bell};
  act__parker_init(&bell->rang);
}

static void bell_arm(struct act__exec *exec, struct act__worker *me, struct bell *bell,
                     int64_t in_ns) {
  bell->due = act__clock_now(clock_of_system) + in_ns;
  act__alarm_arm(exec, me, &bell->alarm, bell->due);
}

static void wait_for_bell(struct bell *bell) {
  assert_true(act__parker_park(&bell->rang, ACT__TIME_NEVER));  // the watchdog is the deadline
}

static void an_alarm_from_outside_ends_a_longer_sleep(void **state) {
  (void)state;
  for (unsigned workers = 1; workers <= 2; workers++) {
    struct act__exec *exec = make_started(ACT__POOL, workers);
    struct bell far, near;
    bell_init(&far);
    bell_init(&near);
    bell_arm(exec, NULL, &far, 3600 * ACT__NS_PER_S);
    for (int i = 0; i < 20; i++) {
      bell_arm(exec, NULL, &near, ACT__NS_PER_MS);
      wait_for_bell(&near);
    }
    assert_true(act__alarm_cancel(exec, &far.alarm));
    assert_false(act__alarm_cancel(exec, &far.alarm));
    end(exec);
    assert_int_equal(act__load_relaxed(&near.count), 20);
    assert_int_equal(act__load_relaxed(&far.count), 0);
    act__parker_fini(&far.rang);
    act__parker_fini(&near.rang);
  }
}

// Arms an alarm on its worker's own wheel, then stays in its turn until it is let go.
struct armer {
  struct act__task task;
  struct bell *bell;
  struct signal *then;
};

static enum act__turn armer_turn(struct act__task *task, struct act__worker *me) {
  struct armer *a = ACT__CONTAINER_OF(task, struct armer, task);
  bell_arm(me->exec, me, a->bell, 2 * ACT__NS_PER_MS);
  return a->then ? a->then->task.run(&a->then->task, me) : ACT__TURN_DONE;
}

static void alarms_of_a_stuck_worker_fire(void **state) {
  (void)state;
  struct act__exec *exec = make_started(ACT__POOL, 2);
  struct bell bell;
  bell_init(&bell);
  struct signal stay;
  signal_init(&stay, true);
  struct armer armer = {.task.run = armer_turn, .bell = &bell, .then = &stay};
  act__exec_submit(exec, NULL, &armer.task);

  wait_for_bell(&bell);

  let_go(&stay);
  end(exec);
  act__parker_fini(&stay.ran);
  act__parker_fini(&bell.rang);
}

static void alarms_of_a_sleeping_worker_fire(void **state) {
  (void)state;
  for (unsigned workers = 1; workers <= 3; workers++) {
    struct act__exec *exec = make_started(ACT__POOL, workers);
    struct bell bell;
    bell_init(&bell);
    struct armer armer = {.task.run = armer_turn, .bell = &bell};
    for (int i = 0; i < 30; i++) {
      act__exec_submit(exec, NULL, &armer.task);
      wait_for_bell(&bell);
    }
    end(exec);
    act__parker_fini(&bell.rang);
  }
}

static void current_thread_fires_alarms_in_time(void **state) {
  (void)state;
  struct act__exec *exec = make_started(ACT__CURRENT, 0);
  struct bell bell;
  bell_init(&bell);
  bell_arm(exec, act__exec_worker(exec, 0), &bell, 3 * ACT__NS_PER_MS);
  while (act__load_relaxed(&bell.count) == 0) act__exec_step(exec, true);
  end(exec);
  act__parker_fini(&bell.rang);
}

// One alarm every 50 us for 50 ms, all armed before; nothing else to do.
#define DENSE 1000
#define DENSE_EVERY_NS (50 * ACT__NS_PER_US)

struct dense {
  struct act__alarm alarms[DENSE];
  unsigned fired, batches;  // one worker fires them all
  int64_t first_ns, last_ns;
  struct act__parker done;
};

static struct dense dense;

static void on_dense(struct act__alarm *alarm, struct act__worker *me) {
  (void)alarm;
  if (dense.fired == 0) dense.first_ns = me->now_ns;
  if (me->now_ns != dense.last_ns) dense.batches++;
  dense.last_ns = me->now_ns;
  if (++dense.fired == DENSE) act__parker_unpark(&dense.done);
}

static void an_idle_worker_fires_dense_alarms_in_batches(void **state) {
  (void)state;
  struct act__exec *exec = make_started(ACT__POOL, 1);
  dense = (struct dense){0};
  act__parker_init(&dense.done);
  int64_t start_ns = act__clock_now(clock_of_system) + 20 * ACT__NS_PER_MS;
  for (int i = 0; i < DENSE; i++) {
    dense.alarms[i].fire = on_dense;
    act__alarm_arm(exec, NULL, &dense.alarms[i], start_ns + i * DENSE_EVERY_NS);
  }

  assert_true(act__parker_park(&dense.done, ACT__TIME_NEVER));
  end(exec);

  assert_int_equal(dense.fired, DENSE);
  // However slow the machine, a batch comes only so long after the one before.
  assert_true(dense.batches <= (dense.last_ns - dense.first_ns) / ACT__ALARM_REST_NS + 2);
  act__parker_fini(&dense.done);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(an_alarm_from_outside_ends_a_longer_sleep),
      TEST(alarms_of_a_stuck_worker_fire),
      TEST(alarms_of_a_sleeping_worker_fire),
      TEST(an_idle_worker_fires_dense_alarms_in_batches),
      TEST(current_thread_fires_alarms_in_time),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
