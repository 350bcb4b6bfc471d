// SPDX-License-Identifier: Apache-2.0
//
// The mailbox on one thread: limits at and one past, order, and the life of a slot. What many
// threads do to it is in tests/model and tests/stress.
#include "mailbox/mailbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define ANY_UNITS ACT__MAILBOX_UNITS_MAX

static void new_mailbox_is_open_empty_and_owned(void **state) {
  (void)state;
  struct act__mailbox m;
  struct act__env env;
  bool knocked = true;
  struct act__env *mark = NULL;
  act__mailbox_init(&m, 5);
  assert_int_equal(act__mailbox_generation(&m), 5);
  assert_int_equal(act__mailbox_messages(&m), 0);
  assert_int_equal(act__mailbox_units(&m), 0);
  assert_false(act__mailbox_is_closed(&m));
  assert_null(act__mailbox_clear(&m, &mark, &knocked));
  assert_false(knocked);
  assert_false(act__mailbox_push(&m, &env));
}

static void mailbox_born_closed_lets_nobody_in_until_it_opens(void **state) {
  (void)state;
  struct act__mailbox m;
  act__mailbox_init_closed(&m, 5);
  assert_int_equal(act__mailbox_reserve(&m, 5, 1, 1, 1), ACT__ADMIT_CLOSED);
  assert_int_equal(act__mailbox_reserve(&m, 6, 1, 1, 1), ACT__ADMIT_DEAD);
  act__mailbox_open(&m);
  assert_int_equal(act__mailbox_reserve(&m, 5, 1, 1, 1), ACT__ADMIT_OK);
}

static void full_mailbox_refuses_and_keeps_its_count(void **state) {
  (void)state;
  static const uint32_t capacities[] = {1, 2, 1000, ACT__MAILBOX_MESSAGES_MAX};
  for (size_t i = 0; i < sizeof(capacities) / sizeof(*capacities); i++) {
    struct act__mailbox m;
    uint32_t capacity = capacities[i];
    act__mailbox_init(&m, 1);
    for (uint32_t n = 0; n < capacity; n++) {
      assert_int_equal(act__mailbox_reserve(&m, 1, 3, capacity, ANY_UNITS), ACT__ADMIT_OK);
    }
    assert_int_equal(act__mailbox_reserve(&m, 1, 3, capacity, ANY_UNITS), ACT__ADMIT_FULL);
    assert_int_equal(act__mailbox_messages(&m), capacity);
    assert_int_equal(act__mailbox_units(&m), 3 * capacity);
    assert_int_equal(act__mailbox_generation(&m), 1);
    act__mailbox_release(&m, 1, 3);
    assert_int_equal(act__mailbox_reserve(&m, 1, 3, capacity, ANY_UNITS), ACT__ADMIT_OK);
    assert_int_equal(act__mailbox_reserve(&m, 1, 0, capacity, ANY_UNITS), ACT__ADMIT_FULL);
    act__mailbox_release(&m, capacity, 3 * capacity);
    assert_int_equal(act__mailbox_messages(&m), 0);
    assert_int_equal(act__mailbox_units(&m), 0);
  }
}

static void units_are_bounded_like_messages(void **state) {
  (void)state;
  struct act__mailbox m;
  act__mailbox_init(&m, ACT__MAILBOX_GENERATION_MAX);
  const uint32_t gen = ACT__MAILBOX_GENERATION_MAX;
  assert_int_equal(act__mailbox_reserve(&m, gen, 11, 9, 10), ACT__ADMIT_FULL);
  assert_int_equal(act__mailbox_reserve(&m, gen, 10, 9, 10), ACT__ADMIT_OK);
  assert_int_equal(act__mailbox_reserve(&m, gen, 1, 9, 10), ACT__ADMIT_FULL);
  act__mailbox_release(&m, 1, 10);
  assert_int_equal(act__mailbox_reserve(&m, gen, ACT__MAILBOX_UNITS_MAX, 9, ANY_UNITS),
                   ACT__ADMIT_OK);
  assert_int_equal(act__mailbox_units(&m), ACT__MAILBOX_UNITS_MAX);
  assert_int_equal(act__mailbox_reserve(&m, gen, 1, 9, ANY_UNITS), ACT__ADMIT_FULL);
  assert_int_equal(act__mailbox_reserve(&m, gen, UINT32_MAX, 9, ANY_UNITS), ACT__ADMIT_FULL);
  assert_false(act__mailbox_is_closed(&m));
  assert_int_equal(act__mailbox_generation(&m), gen);
  act__mailbox_release(&m, 1, ACT__MAILBOX_UNITS_MAX);
  assert_int_equal(act__mailbox_units(&m), 0);
}

static void many_are_reserved_all_or_none(void **state) {
  (void)state;
  struct act__mailbox m;
  act__mailbox_init(&m, 1);
  assert_int_equal(act__mailbox_reserve_many(&m, 1, 6, 0, 5, 50), ACT__ADMIT_FULL);
  assert_int_equal(act__mailbox_reserve_many(&m, 1, 2, 51, 5, 50), ACT__ADMIT_FULL);
  assert_int_equal(act__mailbox_reserve_many(&m, 1, UINT32_MAX, 0, 5, 50), ACT__ADMIT_FULL);
  assert_int_equal(act__mailbox_messages(&m), 0);
  assert_int_equal(act__mailbox_reserve_many(&m, 1, 5, 50, 5, 50), ACT__ADMIT_OK);
  assert_int_equal(act__mailbox_messages(&m), 5);
  assert_int_equal(act__mailbox_units(&m), 50);
  assert_false(act__mailbox_cancel(&m, 5, 50));
  assert_int_equal(act__mailbox_messages(&m), 0);
}

static void envelopes_come_out_in_the_order_they_were_pushed(void **state) {
  (void)state;
  struct act__mailbox m;
  struct act__env envs[10];
  bool knocked;
  struct act__env *mark = NULL;
  act__mailbox_init(&m, 1);
  for (int round = 0; round < 3; round++) {
    for (int i = 0; i < 10; i++) assert_false(act__mailbox_push(&m, &envs[i]));
    struct act__env *env = act__mailbox_clear(&m, &mark, &knocked);
    for (int i = 0; i < 10; i++, env = env->next) assert_ptr_equal(env, &envs[i]);
    assert_null(env);
    assert_null(act__mailbox_clear(&m, &mark, &knocked));
  }
}

static void taking_leaves_the_newest_as_the_mark_and_gives_each_once(void **state) {
  (void)state;
  struct act__mailbox m;
  struct act__env a, b, c;
  bool knocked;
  struct act__env *mark = NULL;
  act__mailbox_init(&m, 1);
  act__mailbox_push(&m, &a);
  act__mailbox_push(&m, &b);
  assert_ptr_equal(act__mailbox_take(&m, &mark, &knocked), &a);
  assert_ptr_equal(a.next, &b);
  assert_null(b.next);
  assert_ptr_equal(mark, &b);
  assert_null(act__mailbox_take(&m, &mark, &knocked));
  assert_false(knocked);
  // What comes above the mark is taken without it, with a knock and without.
  assert_false(act__mailbox_push(&m, &c));
  assert_false(act__mailbox_rest(&m, mark));
  assert_false(act__mailbox_knock(&m));
  assert_ptr_equal(act__mailbox_take(&m, &mark, &knocked), &c);
  assert_true(knocked);
  assert_null(c.next);
  assert_ptr_equal(mark, &c);
  assert_false(act__mailbox_knock(&m));
  assert_false(act__mailbox_rest(&m, mark));
  assert_null(act__mailbox_take(&m, &mark, &knocked));
  assert_true(knocked);
  assert_true(act__mailbox_rest(&m, mark));
  assert_true(act__mailbox_push(&m, &a));
}

static void clear_gives_what_came_above_the_mark_and_forgets_it(void **state) {
  (void)state;
  struct act__mailbox m;
  struct act__env a, b, c;
  bool knocked;
  struct act__env *mark = NULL;
  act__mailbox_init(&m, 1);
  act__mailbox_push(&m, &a);
  assert_ptr_equal(act__mailbox_take(&m, &mark, &knocked), &a);
  act__mailbox_push(&m, &b);
  act__mailbox_push(&m, &c);
  assert_ptr_equal(act__mailbox_clear(&m, &mark, &knocked), &b);
  assert_ptr_equal(b.next, &c);
  assert_null(c.next);
  assert_null(mark);
  // The mark's block may come back now, at once and on top.
  act__mailbox_push(&m, &a);
  assert_ptr_equal(act__mailbox_take(&m, &mark, &knocked), &a);
  assert_null(act__mailbox_clear(&m, &mark, &knocked));
  assert_true(act__mailbox_rest(&m, NULL));
}

static void only_what_ends_the_idleness_is_told_to_wake(void **state) {
  (void)state;
  struct act__mailbox m;
  struct act__env a, b;
  bool knocked;
  struct act__env *mark = NULL;
  act__mailbox_init(&m, 1);
  assert_true(act__mailbox_rest(&m, NULL));
  assert_true(act__mailbox_push(&m, &a));
  assert_false(act__mailbox_push(&m, &b));
  assert_false(act__mailbox_knock(&m));
  assert_false(act__mailbox_rest(&m, NULL));
  assert_ptr_equal(act__mailbox_clear(&m, &mark, &knocked), &a);
  assert_true(knocked);
  assert_ptr_equal(a.next, &b);
  assert_true(act__mailbox_rest(&m, NULL));
  assert_true(act__mailbox_knock(&m));
  assert_false(act__mailbox_knock(&m));
  assert_false(act__mailbox_push(&m, &a));
  assert_ptr_equal(act__mailbox_clear(&m, &mark, &knocked), &a);
  assert_true(knocked);
  assert_null(act__mailbox_clear(&m, &mark, &knocked));
  assert_false(knocked);
}

static void knock_alone_keeps_the_owner_from_resting(void **state) {
  (void)state;
  struct act__mailbox m;
  bool knocked;
  struct act__env *mark = NULL;
  act__mailbox_init(&m, 1);
  assert_false(act__mailbox_knock(&m));
  assert_false(act__mailbox_rest(&m, NULL));
  assert_null(act__mailbox_clear(&m, &mark, &knocked));
  assert_true(knocked);
  assert_true(act__mailbox_rest(&m, NULL));
}

static void closed_mailbox_refuses_but_keeps_what_it_accepted(void **state) {
  (void)state;
  struct act__mailbox m;
  struct act__env env;
  bool knocked;
  struct act__env *mark = NULL;
  act__mailbox_init(&m, 1);
  assert_int_equal(act__mailbox_reserve(&m, 1, 2, 5, 50), ACT__ADMIT_OK);
  act__mailbox_close(&m);
  act__mailbox_close(&m);
  assert_true(act__mailbox_is_closed(&m));
  assert_int_equal(act__mailbox_reserve(&m, 1, 2, 5, 50), ACT__ADMIT_CLOSED);
  assert_int_equal(act__mailbox_reserve(&m, 2, 2, 5, 50), ACT__ADMIT_DEAD);
  assert_true(act__mailbox_rest(&m, NULL));
  assert_true(act__mailbox_push(&m, &env));
  assert_ptr_equal(act__mailbox_clear(&m, &mark, &knocked), &env);
  act__mailbox_release(&m, 1, 2);
  assert_int_equal(act__mailbox_messages(&m), 0);
  act__mailbox_reopen(&m);
  assert_int_equal(act__mailbox_reserve(&m, 1, 2, 5, 50), ACT__ADMIT_OK);
}

static void last_cancel_wakes_the_owner_of_a_closed_mailbox(void **state) {
  (void)state;
  struct act__mailbox m;
  act__mailbox_init(&m, 1);
  assert_int_equal(act__mailbox_reserve_many(&m, 1, 3, 9, 5, 50), ACT__ADMIT_OK);
  assert_true(act__mailbox_rest(&m, NULL));
  assert_false(act__mailbox_cancel(&m, 1, 3));  // open
  bool knocked;
  struct act__env *mark = NULL;
  assert_true(act__mailbox_knock(&m));
  assert_null(act__mailbox_clear(&m, &mark, &knocked));
  act__mailbox_close(&m);
  assert_true(act__mailbox_rest(&m, NULL));
  assert_false(act__mailbox_cancel(&m, 1, 3));  // not the last
  assert_true(act__mailbox_cancel(&m, 1, 3));
  assert_null(act__mailbox_clear(&m, &mark, &knocked));
  assert_true(knocked);
  assert_true(act__mailbox_retire(&m));
}

static void retired_generation_is_dead_for_ever(void **state) {
  (void)state;
  struct act__mailbox m;
  act__mailbox_init(&m, 1);
  act__mailbox_close(&m);
  assert_true(act__mailbox_retire(&m));
  assert_int_equal(act__mailbox_generation(&m), 2);
  assert_int_equal(act__mailbox_reserve(&m, 1, 1, 5, 50), ACT__ADMIT_DEAD);
  assert_int_equal(act__mailbox_reserve(&m, 2, 1, 5, 50), ACT__ADMIT_CLOSED);
  assert_false(act__mailbox_knock(&m));  // a late one wakes nobody
  act__mailbox_reopen(&m);
  assert_int_equal(act__mailbox_reserve(&m, 1, 1, 5, 50), ACT__ADMIT_DEAD);
  assert_int_equal(act__mailbox_reserve(&m, 2, 1, 5, 50), ACT__ADMIT_OK);
}

static void who_claims_an_idle_mailbox_owns_it(void **state) {
  (void)state;
  struct act__mailbox m;
  act__mailbox_init(&m, 1);
  assert_false(act__mailbox_claim(&m));  // its maker owns it
  assert_true(act__mailbox_rest(&m, NULL));
  assert_true(act__mailbox_claim(&m));
  assert_false(act__mailbox_claim(&m));
  assert_false(act__mailbox_knock(&m));
  assert_false(act__mailbox_rest(&m, NULL));
}

static void slot_whose_generations_are_used_up_is_nobodys(void **state) {
  (void)state;
  struct act__mailbox m;
  act__mailbox_init(&m, ACT__MAILBOX_GENERATION_MAX - 1);
  act__mailbox_close(&m);
  assert_true(act__mailbox_retire(&m));
  act__mailbox_open(&m);
  assert_int_equal(act__mailbox_reserve(&m, ACT__MAILBOX_GENERATION_MAX, 1, 1, 1), ACT__ADMIT_OK);
  act__mailbox_release(&m, 1, 1);
  act__mailbox_close(&m);
  assert_false(act__mailbox_retire(&m));
  assert_int_equal(act__mailbox_generation(&m), 0);
  assert_int_equal(act__mailbox_reserve(&m, ACT__MAILBOX_GENERATION_MAX, 1, 1, 1), ACT__ADMIT_DEAD);
  assert_int_equal(act__mailbox_reserve(&m, 1, 1, 1, 1), ACT__ADMIT_DEAD);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(new_mailbox_is_open_empty_and_owned),
      cmocka_unit_test(mailbox_born_closed_lets_nobody_in_until_it_opens),
      cmocka_unit_test(full_mailbox_refuses_and_keeps_its_count),
      cmocka_unit_test(units_are_bounded_like_messages),
      cmocka_unit_test(many_are_reserved_all_or_none),
      cmocka_unit_test(envelopes_come_out_in_the_order_they_were_pushed),
      cmocka_unit_test(taking_leaves_the_newest_as_the_mark_and_gives_each_once),
      cmocka_unit_test(clear_gives_what_came_above_the_mark_and_forgets_it),
      cmocka_unit_test(only_what_ends_the_idleness_is_told_to_wake),
      cmocka_unit_test(knock_alone_keeps_the_owner_from_resting),
      cmocka_unit_test(closed_mailbox_refuses_but_keeps_what_it_accepted),
      cmocka_unit_test(last_cancel_wakes_the_owner_of_a_closed_mailbox),
      cmocka_unit_test(retired_generation_is_dead_for_ever),
      cmocka_unit_test(who_claims_an_idle_mailbox_owns_it),
      cmocka_unit_test(slot_whose_generations_are_used_up_is_nobodys),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
