// SPDX-License-Identifier: Apache-2.0
//
// The intrusive list.
#include "base/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void nodes_come_out_at_both_ends_in_order(void **state) {
  (void)state;
  struct act__link head, a, b, c;
  act__list_init(&head);
  act__list_push_back(&head, &b);
  act__list_push_back(&head, &c);
  act__list_push_front(&head, &a);

  assert_ptr_equal(act__list_pop_front(&head), &a);
  assert_ptr_equal(act__list_pop_back(&head), &c);
  assert_ptr_equal(act__list_pop_front(&head), &b);
  assert_null(act__list_pop_front(&head));
  assert_null(act__list_pop_back(&head));
  assert_true(act__list_is_empty(&head));
}

static void removing_twice_is_harmless(void **state) {
  (void)state;
  struct act__link head, a, b;
  act__list_init(&head);
  act__list_push_back(&head, &a);
  act__list_insert_after(&a, &b);
  assert_true(act__link_is_linked(&a));

  act__list_remove(&a);
  act__list_remove(&a);

  assert_false(act__link_is_linked(&a));
  assert_ptr_equal(act__list_pop_front(&head), &b);
}

static void splice_moves_everything_to_the_end(void **state) {
  (void)state;
  struct act__link to, from, a, b, c;
  act__list_init(&to);
  act__list_init(&from);
  act__list_splice_back(&to, &from);
  assert_true(act__list_is_empty(&to));
  act__list_push_back(&to, &a);
  act__list_push_back(&from, &b);
  act__list_push_back(&from, &c);

  act__list_splice_back(&to, &from);

  assert_true(act__list_is_empty(&from));
  assert_ptr_equal(act__list_pop_front(&to), &a);
  assert_ptr_equal(act__list_pop_front(&to), &b);
  assert_ptr_equal(act__list_pop_front(&to), &c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nodes_come_out_at_both_ends_in_order),
      cmocka_unit_test(removing_twice_is_harmless),
      cmocka_unit_test(splice_moves_everything_to_the_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
