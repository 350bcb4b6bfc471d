// SPDX-License-Identifier: Apache-2.0
#include "mailbox/credit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void assert_credit(struct act__credit c, uint32_t messages, uint32_t units) {
  assert_int_equal(c.messages, messages);
  assert_int_equal(c.units, units);
}

static struct act__credit credit(uint32_t messages, uint32_t units) {
  return (struct act__credit){messages, units};
}

static void all_grants_together_are_at_most_half_of_the_mailbox(void **state) {
  (void)state;
  struct act__grantor grantor;
  struct act__grant first = {.total = {0, 0}}, second = {.total = {0, 0}};
  act__grantor_init(&grantor, 101, 1001);
  assert_credit(act__grantor_offer(&grantor, credit(49, 499)), 49, 499);
  assert_credit(act__grantor_offer(&grantor, credit(50, 500)), 50, 500);
  assert_credit(act__grantor_offer(&grantor, credit(51, 501)), 50, 500);
  act__grant_give(&grantor, &first, credit(49, 499));
  assert_credit(act__grantor_offer(&grantor, credit(ACT__CREDIT_MAX, ACT__CREDIT_MAX)), 1, 1);
  act__grant_give(&grantor, &second, credit(1, 1));
  assert_credit(act__grantor_offer(&grantor, credit(1, 1)), 0, 0);
  assert_credit(act__grant_end(&grantor, &first), 49, 499);
  assert_credit(act__grantor_offer(&grantor, credit(100, 1000)), 49, 499);
}

static void mailbox_for_one_message_grants_that_one_to_one_peer(void **state) {
  (void)state;
  struct act__grantor grantor;
  struct act__grant grant = {.total = {0, 0}};
  act__grantor_init(&grantor, 1, 7);
  assert_credit(act__grantor_offer(&grantor, credit(8, 8)), 1, 7);
  act__grant_give(&grantor, &grant, credit(1, 7));
  assert_credit(act__grantor_offer(&grantor, credit(1, 1)), 0, 0);
  assert_int_equal(act__grant_give_up(&grantor, &grant, credit(1, 7)), ACT_OK);
  assert_credit(act__grantor_offer(&grantor, credit(1, 1)), 1, 1);
}

static void mailbox_of_one_unit_can_still_grant_it(void **state) {
  (void)state;
  struct act__grantor grantor;
  act__grantor_init(&grantor, 2, 1);
  assert_credit(act__grantor_offer(&grantor, credit(2, 2)), 1, 1);
}

static void message_beyond_the_grant_is_malformed_and_changes_nothing(void **state) {
  (void)state;
  struct act__grantor grantor;
  struct act__grant grant = {.total = {0, 0}};
  assert_int_equal(act__grant_arrive(&grant, 1), ACT_EBADMSG);
  act__grantor_init(&grantor, 4, 20);
  act__grant_give(&grantor, &grant, credit(2, 10));
  assert_int_equal(act__grant_arrive(&grant, 11), ACT_EBADMSG);
  assert_int_equal(act__grant_arrive(&grant, 10), ACT_OK);
  assert_int_equal(act__grant_arrive(&grant, 1), ACT_EBADMSG);
  assert_int_equal(act__grant_arrive(&grant, 0), ACT_OK);
  assert_int_equal(act__grant_arrive(&grant, 0), ACT_EBADMSG);
  assert_credit(grant.with_peer, 0, 0);
}

static void return_is_due_at_a_quarter_and_not_before(void **state) {
  (void)state;
  struct act__grantor grantor;
  struct act__grant grant = {.total = {0, 0}};
  act__grantor_init(&grantor, 200, 2000);
  act__grant_give(&grantor, &grant, credit(100, 1000));
  for (int i = 0; i < 40; i++) assert_int_equal(act__grant_arrive(&grant, 1), ACT_OK);
  act__grant_consume(&grant, credit(24, 24));
  assert_credit(act__grant_take_return(&grant, false), 0, 0);
  act__grant_consume(&grant, credit(1, 1));
  assert_credit(act__grant_take_return(&grant, false), 25, 25);
  assert_credit(act__grant_take_return(&grant, false), 0, 0);
  assert_credit(grant.with_peer, 85, 985);
}

static void return_is_due_at_a_quarter_of_the_units(void **state) {
  (void)state;
  struct act__grantor grantor;
  struct act__grant grant = {.total = {0, 0}};
  act__grantor_init(&grantor, 200, 2000);
  act__grant_give(&grantor, &grant, credit(100, 1000));
  assert_int_equal(act__grant_arrive(&grant, 249), ACT_OK);
  assert_int_equal(act__grant_arrive(&grant, 1), ACT_OK);
  assert_int_equal(act__grant_arrive(&grant, 1), ACT_OK);  // stays there
  act__grant_consume(&grant, credit(1, 249));
  assert_credit(act__grant_take_return(&grant, false), 0, 0);
  act__grant_consume(&grant, credit(1, 1));
  assert_credit(act__grant_take_return(&grant, false), 2, 250);
}

static void return_is_due_when_the_peer_can_have_nothing_left(void **state) {
  (void)state;
  struct act__grantor grantor;
  struct act__grant grant = {.total = {0, 0}};
  act__grantor_init(&grantor, 200, 2000);
  act__grant_give(&grantor, &grant, credit(100, 1000));
  for (int i = 0; i < 99; i++) assert_int_equal(act__grant_arrive(&grant, 1), ACT_OK);
  act__grant_consume(&grant, credit(1, 1));
  assert_credit(act__grant_take_return(&grant, false), 0, 0);
  assert_int_equal(act__grant_arrive(&grant, 1), ACT_OK);
  assert_credit(act__grant_take_return(&grant, false), 1, 1);
}

// Else a peer that waits to send one message as heavy as its whole grant would wait for ever.
static void return_is_due_when_nothing_is_left_to_consume(void **state) {
  (void)state;
  struct act__grantor grantor;
  struct act__grant grant = {.total = {0, 0}};
  act__grantor_init(&grantor, 200, 2000);
  act__grant_give(&grantor, &grant, credit(100, 1000));
  assert_int_equal(act__grant_arrive(&grant, 1), ACT_OK);
  assert_int_equal(act__grant_arrive(&grant, 1), ACT_OK);
  act__grant_consume(&grant, credit(1, 1));
  assert_credit(act__grant_take_return(&grant, false), 0, 0);
  act__grant_consume(&grant, credit(1, 1));
  assert_credit(act__grant_take_return(&grant, false), 2, 2);
  assert_int_equal(act__grant_arrive(&grant, 1000), ACT_OK);
}

static void flush_returns_whatever_is_consumed(void **state) {
  (void)state;
  struct act__grantor grantor;
  struct act__grant grant = {.total = {0, 0}};
  act__grantor_init(&grantor, 200, 2000);
  act__grant_give(&grantor, &grant, credit(100, 1000));
  assert_credit(act__grant_take_return(&grant, true), 0, 0);
  assert_int_equal(act__grant_arrive(&grant, 1), ACT_OK);
  assert_credit(act__grant_take_return(&grant, true), 0, 0);
  act__grant_consume(&grant, credit(1, 1));
  assert_credit(act__grant_take_return(&grant, true), 1, 1);
}

static void peer_cannot_give_up_more_than_it_has(void **state) {
  (void)state;
  struct act__grantor grantor;
  struct act__grant grant = {.total = {0, 0}};
  act__grantor_init(&grantor, 20, 200);
  act__grant_give(&grantor, &grant, credit(10, 100));
  assert_int_equal(act__grant_arrive(&grant, 30), ACT_OK);
  assert_int_equal(act__grant_give_up(&grantor, &grant, credit(10, 1)), ACT_EBADMSG);
  assert_int_equal(act__grant_give_up(&grantor, &grant, credit(1, 71)), ACT_EBADMSG);
  assert_int_equal(act__grant_give_up(&grantor, &grant, credit(9, 70)), ACT_OK);
  assert_credit(grant.total, 1, 30);
  assert_credit(grantor.granted, 1, 30);
}

static void end_releases_all_but_what_has_arrived(void **state) {
  (void)state;
  struct act__grantor grantor;
  struct act__grant grant = {.total = {0, 0}};
  act__grantor_init(&grantor, 200, 2000);
  act__grant_give(&grantor, &grant, credit(10, 100));
  assert_int_equal(act__grant_arrive(&grant, 5), ACT_OK);
  assert_int_equal(act__grant_arrive(&grant, 6), ACT_OK);
  act__grant_consume(&grant, credit(1, 5));
  assert_credit(act__grant_end(&grantor, &grant), 9, 94);
  assert_credit(grantor.granted, 0, 0);
  assert_int_equal(act__grant_arrive(&grant, 0), ACT_EBADMSG);
  assert_credit(act__grant_end(&grantor, &grant), 0, 0);
}

static void limit_takes_the_largest_grant_and_refuses_one_more(void **state) {
  (void)state;
  struct act__credit limit = {0, 0};
  assert_int_equal(act__credit_grow(&limit, credit(ACT__CREDIT_MAX + 1u, 0)), ACT_EBADMSG);
  assert_int_equal(act__credit_grow(&limit, credit(0, UINT32_MAX)), ACT_EBADMSG);
  assert_int_equal(act__credit_grow(&limit, credit(ACT__CREDIT_MAX, ACT__CREDIT_MAX)), ACT_OK);
  assert_int_equal(act__credit_grow(&limit, credit(1, 0)), ACT_EBADMSG);
  assert_int_equal(act__credit_grow(&limit, credit(0, 1)), ACT_EBADMSG);
  assert_int_equal(act__credit_grow(&limit, credit(ACT__CREDIT_MAX, ACT__CREDIT_MAX)), ACT_EBADMSG);
  assert_credit(limit, ACT__CREDIT_MAX, ACT__CREDIT_MAX);
}

static void peer_cannot_return_more_than_was_spent(void **state) {
  (void)state;
  assert_int_equal(act__credit_check_return(credit(3, 9), credit(3, 9)), ACT_OK);
  assert_int_equal(act__credit_check_return(credit(3, 9), credit(4, 9)), ACT_EBADMSG);
  assert_int_equal(act__credit_check_return(credit(3, 9), credit(3, 10)), ACT_EBADMSG);
}

// Both sides at random, over a wire that keeps order: nothing is lost or made on the way round, the
// half holds, and a peer that is out of credit always gets some back once its messages are done.
static void random_use_keeps_every_credit(void **state) {
  (void)state;
  uint64_t seeds = getenv("ACT_TEST_LONG") ? 20000 : 400;
  for (uint64_t seed = 1; seed <= seeds; seed++) {
    uint64_t random = seed * UINT64_C(0x9e3779b97f4a7c15);
    struct act__grantor grantor;
    struct act__grant grant = {.total = {0, 0}};
    struct act__credit sender = {0, 0}, arrived = {0, 0};
    uint32_t messages_max = 1 + (uint32_t)(seed % 70);
    act__grantor_init(&grantor, messages_max, 3 * messages_max);
    for (int step = 0; step < 400; step++) {
      random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
      uint32_t value = (uint32_t)(random >> 40) % 16;
      switch ((random >> 33) % 5) {
      case 0: {
        struct act__credit offer = act__grantor_offer(&grantor, credit(value, 2 * value));
        act__grant_give(&grantor, &grant, offer);
        assert_int_equal(act__credit_grow(&sender, offer), ACT_OK);
        break;
      }
      case 1:
      case 2: {
        uint32_t units = value % 4;
        bool can = sender.messages > 0 && sender.units >= units;
        assert_int_equal(act__grant_arrive(&grant, units), can ? ACT_OK : ACT_EBADMSG);
        if (!can) break;
        sender.messages--;
        sender.units -= units;
        arrived.messages++;
        arrived.units += units;
        break;
      }
      case 3: {
        if (arrived.messages == 0) break;
        uint32_t units = arrived.messages == 1 ? arrived.units : arrived.units / arrived.messages;
        act__grant_consume(&grant, credit(1, units));
        arrived.messages--;
        arrived.units -= units;
        break;
      }
      case 4: {
        struct act__credit back = act__grant_take_return(&grant, value == 0);
        assert_int_equal(act__credit_grow(&sender, back), ACT_OK);
        break;
      }
      }
      assert_true(grantor.granted.messages <= (messages_max == 1 ? 1 : messages_max / 2));
      assert_credit(grant.with_peer, sender.messages, sender.units);
      assert_int_equal(grant.total.messages,
                       sender.messages + arrived.messages + grant.consumed.messages);
      assert_int_equal(grant.total.units, sender.units + arrived.units + grant.consumed.units);
    }
    act__grant_consume(&grant, arrived);
    if (sender.messages == 0 && grant.total.messages > 0) {
      assert_true(act__grant_take_return(&grant, false).messages > 0);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_grants_together_are_at_most_half_of_the_mailbox),
      cmocka_unit_test(mailbox_for_one_message_grants_that_one_to_one_peer),
      cmocka_unit_test(mailbox_of_one_unit_can_still_grant_it),
      cmocka_unit_test(message_beyond_the_grant_is_malformed_and_changes_nothing),
      cmocka_unit_test(return_is_due_at_a_quarter_and_not_before),
      cmocka_unit_test(return_is_due_at_a_quarter_of_the_units),
      cmocka_unit_test(return_is_due_when_the_peer_can_have_nothing_left),
      cmocka_unit_test(return_is_due_when_nothing_is_left_to_consume),
      cmocka_unit_test(flush_returns_whatever_is_consumed),
      cmocka_unit_test(peer_cannot_give_up_more_than_it_has),
      cmocka_unit_test(end_releases_all_but_what_has_arrived),
      cmocka_unit_test(limit_takes_the_largest_grant_and_refuses_one_more),
      cmocka_unit_test(peer_cannot_return_more_than_was_spent),
      cmocka_unit_test(random_use_keeps_every_credit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
