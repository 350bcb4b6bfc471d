// SPDX-License-Identifier: Apache-2.0
//
// Threads, locks, conditions and the parker.
#include "base/thread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/clock.h"

#define THREADS 4
#define ROUNDS 20000

static int64_t in_ms(int64_t ms) {
  return act__clock_now(act__clock_system()) + ms * ACT__NS_PER_MS;
}

struct seen {
  char name[32];
  uint64_t id;
};

static void see(void *arg) {
  struct seen *seen = arg;
  strcpy(seen->name, act__thread_name());
  seen->id = act__thread_id();
}

static void a_thread_has_its_name_and_an_id_of_its_own(void **state) {
  (void)state;
  static const char *const given[3] = {"worker-0", "exactly15bytes.", "sixteen bytes..."};
  static const char *const kept[3] = {"worker-0", "exactly15bytes.", "sixteen bytes.."};
  struct seen seen[3];
  for (int i = 0; i < 3; i++) {
    struct act__thread thread;
    assert_int_equal(act__thread_start(&thread, given[i], 0, see, &seen[i]), ACT_OK);
    act__thread_join(&thread);
    assert_string_equal(seen[i].name, kept[i]);
    for (int k = 0; k < i; k++) assert_true(seen[i].id != seen[k].id);
  }
  assert_string_equal(act__thread_name(), "");
  assert_true(act__thread_id() != 0);
  assert_true(act__thread_id() == act__thread_id());
  assert_true(act__thread_id() != seen[0].id);
}

static void use_stack(void *arg) {
  volatile char bytes[100 * 1024];
  for (size_t i = 0; i < sizeof bytes; i += 512) bytes[i] = 1;
  *(int *)arg = bytes[512];
}

static void stack_sizes_are_made_legal_and_are_enough(void **state) {
  (void)state;
  struct act__thread thread;
  struct seen seen;
  assert_int_equal(act__thread_start(&thread, "", 1, see, &seen), ACT_OK);
  act__thread_join(&thread);
  int used = 0;
  assert_int_equal(act__thread_start(&thread, "s", 512 * 1024 + 1, use_stack, &used), ACT_OK);
  act__thread_join(&thread);
  assert_int_equal(used, 1);
}

static void a_thread_that_cannot_be_had_is_a_status(void **state) {
  (void)state;
  struct act__thread thread;
  struct seen seen;
  size_t too_much = (size_t)1 << 46;
  assert_int_equal(act__thread_start(&thread, "huge", too_much, see, &seen), ACT_ESYS);
}

struct counter {
  struct act__mutex mutex;
  struct act__spinlock spinlock;
  int by_mutex, by_spinlock;
};

static void count_up(void *arg) {
  struct counter *counter = arg;
  for (int i = 0; i < ROUNDS; i++) {
    act__mutex_lock(&counter->mutex);
    counter->by_mutex++;
    act__mutex_unlock(&counter->mutex);
    act__spinlock_lock(&counter->spinlock);
    counter->by_spinlock++;
    act__spinlock_unlock(&counter->spinlock);
  }
}

static void locks_exclude(void **state) {
  (void)state;
  struct counter counter = {.by_mutex = 0};
  act__mutex_init(&counter.mutex);
  act__spinlock_init(&counter.spinlock);
  struct act__thread threads[THREADS];
  for (int i = 0; i < THREADS; i++) {
    assert_int_equal(act__thread_start(&threads[i], "count", 0, count_up, &counter), ACT_OK);
  }
  for (int i = 0; i < THREADS; i++) act__thread_join(&threads[i]);
  act__mutex_fini(&counter.mutex);
  assert_int_equal(counter.by_mutex, THREADS * ROUNDS);
  assert_int_equal(counter.by_spinlock, THREADS * ROUNDS);
}

static void try_lock_refuses_what_is_held(void **state) {
  (void)state;
  struct act__mutex mutex;
  act__mutex_init(&mutex);
  assert_true(act__mutex_try_lock(&mutex));
  assert_false(act__mutex_try_lock(&mutex));
  act__mutex_unlock(&mutex);
  assert_true(act__mutex_try_lock(&mutex));
  act__mutex_unlock(&mutex);
  act__mutex_fini(&mutex);

  struct act__spinlock lock;
  act__spinlock_init(&lock);
  assert_true(act__spinlock_try_lock(&lock));
  assert_false(act__spinlock_try_lock(&lock));
  act__spinlock_unlock(&lock);
  assert_true(act__spinlock_try_lock(&lock));
}

// A ball goes to and fro: 0 is with the test, 1 with the other thread.
struct court {
  struct act__mutex mutex;
  struct act__cond cond;
  int ball, hits;
};

static void hit(struct court *court, int mine) {
  act__mutex_lock(&court->mutex);
  while (court->ball != mine) act__cond_wait(&court->cond, &court->mutex);
  court->ball = 1 - mine;
  court->hits++;
  act__cond_signal(&court->cond);
  act__mutex_unlock(&court->mutex);
}

static void play(void *arg) {
  for (int i = 0; i < 1000; i++) hit(arg, 1);
}

static void a_condition_wakes_who_waits(void **state) {
  (void)state;
  struct court court = {.ball = 0};
  act__mutex_init(&court.mutex);
  act__cond_init(&court.cond);
  struct act__thread thread;
  assert_int_equal(act__thread_start(&thread, "play", 0, play, &court), ACT_OK);
  for (int i = 0; i < 1000; i++) hit(&court, 0);
  act__thread_join(&thread);
  act__cond_fini(&court.cond);
  act__mutex_fini(&court.mutex);
  assert_int_equal(court.hits, 2000);
}

struct gate {
  struct act__mutex mutex;
  struct act__cond changed;
  bool open;
  int arrived, passed;
};

static void pass(void *arg) {
  struct gate *gate = arg;
  act__mutex_lock(&gate->mutex);
  gate->arrived++;
  act__cond_broadcast(&gate->changed);
  while (!gate->open) {
    // A deadline that never comes and one far away wait alike.
    int64_t deadline = gate->arrived % 2 ? ACT__TIME_NEVER : in_ms(1000 * 1000);
    if (!act__cond_wait_until(&gate->changed, &gate->mutex, deadline)) break;
  }
  gate->passed += gate->open;
  act__mutex_unlock(&gate->mutex);
}

static void a_broadcast_wakes_all(void **state) {
  (void)state;
  struct gate gate = {.open = false};
  act__mutex_init(&gate.mutex);
  act__cond_init(&gate.changed);
  struct act__thread threads[THREADS];
  for (int i = 0; i < THREADS; i++) {
    assert_int_equal(act__thread_start(&threads[i], "pass", 0, pass, &gate), ACT_OK);
  }
  act__mutex_lock(&gate.mutex);
  while (gate.arrived < THREADS) act__cond_wait(&gate.changed, &gate.mutex);
  gate.open = true;
  act__cond_broadcast(&gate.changed);
  act__mutex_unlock(&gate.mutex);
  for (int i = 0; i < THREADS; i++) act__thread_join(&threads[i]);
  assert_int_equal(gate.passed, THREADS);
  act__cond_fini(&gate.changed);
  act__mutex_fini(&gate.mutex);
}

static void a_wait_ends_at_its_deadline_and_not_before(void **state) {
  (void)state;
  struct act__mutex mutex;
  struct act__cond cond;
  act__mutex_init(&mutex);
  act__cond_init(&cond);
  act__mutex_lock(&mutex);
  int64_t deadline = in_ms(5);
  while (act__cond_wait_until(&cond, &mutex, deadline)) {
  }
  assert_true(act__clock_now(act__clock_system()) >= deadline);
  while (act__cond_wait_until(&cond, &mutex, 0)) {
  }
  while (act__cond_wait_until(&cond, &mutex, INT64_MIN)) {
  }
  act__mutex_unlock(&mutex);
  act__cond_fini(&cond);
  act__mutex_fini(&mutex);
}

static void an_unpark_before_the_park_counts_once(void **state) {
  (void)state;
  struct act__parker parker;
  act__parker_init(&parker);
  act__parker_unpark(&parker);
  act__parker_unpark(&parker);
  assert_true(act__parker_park(&parker, 0));
  assert_false(act__parker_park(&parker, 0));
  int64_t deadline = in_ms(2);
  assert_false(act__parker_park(&parker, deadline));
  assert_true(act__clock_now(act__clock_system()) >= deadline);
  act__parker_unpark(&parker);
  assert_true(act__parker_park(&parker, ACT__TIME_NEVER));
  act__parker_fini(&parker);
}

// Two threads park in turn: each hand-over publishes a plain number.
struct relay {
  struct act__parker here, there;
  int number;
};

static void run_relay(void *arg) {
  struct relay *relay = arg;
  for (int i = 0; i < 2000; i++) {
    (void)act__parker_park(&relay->there, ACT__TIME_NEVER);
    relay->number++;
    act__parker_unpark(&relay->here);
  }
}

static void a_park_sees_what_was_written_before_its_unpark(void **state) {
  (void)state;
  struct relay relay = {.number = 0};
  act__parker_init(&relay.here);
  act__parker_init(&relay.there);
  struct act__thread thread;
  assert_int_equal(act__thread_start(&thread, "relay", 0, run_relay, &relay), ACT_OK);
  for (int i = 0; i < 2000; i++) {
    relay.number++;
    act__parker_unpark(&relay.there);
    assert_true(act__parker_park(&relay.here, in_ms(1000 * 1000)));
    assert_int_equal(relay.number, 2 * (i + 1));
  }
  act__thread_join(&thread);
  act__parker_fini(&relay.here);
  act__parker_fini(&relay.there);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_thread_has_its_name_and_an_id_of_its_own),
      cmocka_unit_test(stack_sizes_are_made_legal_and_are_enough),
      cmocka_unit_test(a_thread_that_cannot_be_had_is_a_status),
      cmocka_unit_test(locks_exclude),
      cmocka_unit_test(try_lock_refuses_what_is_held),
      cmocka_unit_test(a_condition_wakes_who_waits),
      cmocka_unit_test(a_broadcast_wakes_all),
      cmocka_unit_test(a_wait_ends_at_its_deadline_and_not_before),
      cmocka_unit_test(an_unpark_before_the_park_counts_once),
      cmocka_unit_test(a_park_sees_what_was_written_before_its_unpark),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
