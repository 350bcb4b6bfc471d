// SPDX-License-Identifier: Apache-2.0
//
// Two sides that write their own word and read the other's, without any order but the barrier's two
// halves: they must not both miss each other.
#include "base/barrier.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/atomic.h"
#include "base/thread.h"

#define ROUNDS 5000

static ACT__ATOMIC(uint32_t) written[2];  // the round that each side has written
static uint32_t seen[2][ROUNDS + 1];      // what each side read of the other in that round
static ACT__ATOMIC(uint32_t) arrived;

// Both begin a round at about the same time.
static void meet(uint32_t round) {
  act__fetch_add_acq_rel(&arrived, 1);
  // acquire: only for the rounds to follow each other.
  while (act__load_acquire(&arrived) < 2 * round) act__spin_pause();
}

static void light_side(void *arg) {
  (void)arg;
  for (uint32_t round = 1; round <= ROUNDS; round++) {
    meet(round);
    act__store_relaxed(&written[0], round);  // relaxed: what the test is about, as the next
    act__barrier_light();
    seen[0][round] = act__load_relaxed(&written[1]);
  }
}

static void one_of_two_sides_sees_the_other(void **state) {
  (void)state;
  if (!act__barrier_available()) return;  // then the other kind of door is used
  struct act__thread thread;
  assert_int_equal(act__thread_start(&thread, "light", 0, light_side, NULL), ACT_OK);
  for (uint32_t round = 1; round <= ROUNDS; round++) {
    meet(round);
    act__store_relaxed(&written[1], round);
    assert_true(act__barrier_heavy());
    seen[1][round] = act__load_relaxed(&written[0]);
  }
  act__thread_join(&thread);
  for (uint32_t round = 1; round <= ROUNDS; round++) {
    assert_true(seen[0][round] == round || seen[1][round] == round);
  }
}

static void asking_again_is_allowed(void **state) {
  (void)state;
  bool available = act__barrier_available();
  assert_int_equal(act__barrier_available(), available);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_of_two_sides_sees_the_other),
      cmocka_unit_test(asking_again_is_allowed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
