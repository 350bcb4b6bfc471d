// SPDX-License-Identifier: Apache-2.0
//
// What a tree may say: each mistake is refused with its code and a text that names the culprit, and
// every bound is good at the bound and refused one past it.
#include "actors/supervise/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "actors/supervise/intensity.h"

static const act_behavior thing = {.name = "thing", .state_size = 1};
static const act_child one_kid[] = {{.id = "kid", .behavior = &thing}};
static const act_sup plain = {.kids = one_kid, .nkids = 1};

static char text[256];

static act_rc check(act_child spec) {
  text[0] = 0;
  return act__child_check(&spec, text, sizeof text);
}

static act_rc check_sup(act_sup sup) {
  return check((act_child){.id = "top", .sup = &sup});
}

#define refused(rc, culprit, expression)     \
  do {                                       \
    assert_int_equal(expression, rc);        \
    assert_non_null(strstr(text, culprit));  \
  } while (0)

static void plain_trees_pass(void **state) {
  (void)state;
  assert_int_equal(check((act_child){.behavior = &thing}), ACT_OK);
  assert_int_equal(check((act_child){.id = "x", .sup = &plain, .isolate = ACT_IN_PROCESS}), ACT_OK);
  assert_int_equal(check((act_child){.behavior = &thing, .isolate = ACT_OWN_PROCESS}), ACT_OK);
  assert_int_equal(check_sup((act_sup){.nkids = 0}), ACT_OK);
}

static void a_child_is_one_thing(void **state) {
  (void)state;
  refused(ACT_EINVAL, "both", check((act_child){.id = "x", .behavior = &thing, .sup = &plain}));
  refused(ACT_EINVAL, "neither", check((act_child){.id = "x"}));
  static const int number = 7;
  refused(ACT_EINVAL, "no args", check((act_child){.id = "x", .sup = &plain, .args = &number}));
  refused(ACT_EINVAL, "x", check((act_child){.id = "x", .behavior = &thing,
                                             .restart = (enum act_restart)3}));
}

static void names_are_bounded(void **state) {
  (void)state;
  char name[ACT_NAME_MAX + 2];
  memset(name, 'n', sizeof name);
  name[ACT_NAME_MAX] = 0;
  assert_int_equal(check((act_child){.id = name, .name = name, .behavior = &thing}), ACT_OK);
  name[ACT_NAME_MAX] = 'n';
  name[ACT_NAME_MAX + 1] = 0;
  refused(ACT_EINVAL, "255", check((act_child){.id = name, .behavior = &thing}));
  refused(ACT_EINVAL, "255", check((act_child){.id = "x", .name = name, .behavior = &thing}));
  refused(ACT_EINVAL, "empty", check((act_child){.id = "x", .name = "", .behavior = &thing}));
}

static void mailboxes_are_bounded(void **state) {
  (void)state;
  act_child spec = {.id = "x", .behavior = &thing};
  spec.mailbox = (act_mailbox_options){.msgs = ACT_MAILBOX_MSGS_MAX, .bytes = ACT_MAILBOX_BYTES_MAX};
  assert_int_equal(check(spec), ACT_OK);
  spec.mailbox.msgs++;
  refused(ACT_EINVAL, "x", check(spec));
  spec.mailbox.msgs--;
  spec.mailbox.bytes++;
  refused(ACT_EINVAL, "bytes", check(spec));
}

static void later_options_are_refused_by_name(void **state) {
  (void)state;
  for (int full = ACT_DROP_NEW; full < ACT_PARK; full++) {
    refused(ACT_ENOTSUP, "x", check((act_child){.id = "x", .behavior = &thing,
                                                .mailbox = {.full = (enum act_full)full}}));
  }
  refused(ACT_ENOTSUP, "top", check_sup((act_sup){.strategy = ACT_ONE_FOR_ALL}));
  refused(ACT_ENOTSUP, "top", check_sup((act_sup){.strategy = ACT_REST_FOR_ONE}));
  refused(ACT_ENOTSUP, "process",
          check((act_child){.id = "x", .sup = &plain, .isolate = ACT_OWN_PROCESS}));
}

static void a_mailbox_may_park_its_senders_and_say_for_how_long(void **state) {
  (void)state;
  act_child spec = {.id = "x", .behavior = &thing, .mailbox = {.full = ACT_PARK}};
  assert_int_equal(check(spec), ACT_OK);
  spec.mailbox.park_ms = 1;
  assert_int_equal(check(spec), ACT_OK);
  spec.isolate = ACT_OWN_PROCESS;
  assert_int_equal(check(spec), ACT_OK);
  spec.mailbox.full = ACT_REJECT;
  refused(ACT_EINVAL, "park_ms", check(spec));
}

static void rules_of_a_supervisor_are_bounded(void **state) {
  (void)state;
  assert_int_equal(check_sup((act_sup){.max_restarts = ACT__INTENSITY_MAX}), ACT_OK);
  refused(ACT_EINVAL, "max_restarts", check_sup((act_sup){.max_restarts = ACT__INTENSITY_MAX + 1}));
  refused(ACT_EINVAL, "never_restart",
          check_sup((act_sup){.max_restarts = 1, .never_restart = true}));
  assert_int_equal(check_sup((act_sup){.backoff = {.jitter_pct = 100}}), ACT_OK);
  refused(ACT_EINVAL, "jitter", check_sup((act_sup){.backoff = {.jitter_pct = 101}}));
  assert_int_equal(check_sup((act_sup){.backoff = {.first_ms = 5, .max_ms = 5}}), ACT_OK);
  refused(ACT_EINVAL, "max_ms", check_sup((act_sup){.backoff = {.first_ms = 5, .max_ms = 4}}));
  refused(ACT_EINVAL, "no kids", check_sup((act_sup){.nkids = 1}));
}

static void siblings_have_names_of_their_own(void **state) {
  (void)state;
  const act_child kids[] = {{.id = "a", .behavior = &thing},
                            {.id = "b", .behavior = &thing},
                            {.id = "a", .behavior = &thing}};
  refused(ACT_EINVAL, "a", check_sup((act_sup){.kids = kids, .nkids = 3}));
  assert_int_equal(check_sup((act_sup){.kids = kids, .nkids = 2}), ACT_OK);
}

static void mistakes_deep_in_a_tree_are_found(void **state) {
  (void)state;
  const act_child wrong[] = {
      {.id = "culprit", .behavior = &thing, .mailbox = {.full = ACT_COALESCE}}};
  const act_sup inner = {.kids = wrong, .nkids = 1};
  const act_child middle[] = {{.id = "inner", .sup = &inner}};
  refused(ACT_ENOTSUP, "culprit", check_sup((act_sup){.kids = middle, .nkids = 1}));
}

static void depth_is_bounded(void **state) {
  (void)state;
  enum { DEEP = ACT__SUP_DEPTH_MAX };
  act_sup sups[DEEP + 1];
  act_child kids[DEEP + 1];
  for (int i = 0; i <= DEEP; i++) {
    kids[i] = i == 0 ? (act_child){.id = "leaf", .behavior = &thing}
                     : (act_child){.id = "node", .sup = &sups[i - 1]};
    sups[i] = (act_sup){.kids = &kids[i], .nkids = 1};
  }
  assert_int_equal(check((act_child){.id = "top", .sup = &sups[DEEP - 1]}), ACT_OK);
  refused(ACT_EINVAL, "inside", check((act_child){.id = "top", .sup = &sups[DEEP]}));
}

static void deadlines_have_defaults_and_add_up(void **state) {
  (void)state;
  act_child leaf = {.behavior = &thing};
  assert_int_equal(act__child_start_ms(&leaf), ACT_START_MS);
  assert_int_equal(act__child_stop_ms(&leaf), ACT_STOP_MS);
  leaf.start_ms = 1;
  leaf.stop_ms = 2;
  assert_int_equal(act__child_start_ms(&leaf), 1);
  assert_int_equal(act__child_stop_ms(&leaf), 2);

  const act_child kids[] = {leaf, leaf};
  const act_sup sup = {.kids = kids, .nkids = 2};
  act_child top = {.sup = &sup};
  assert_int_equal(act__child_start_ms(&top), ACT__NEVER_MS);
  assert_int_equal(act__child_stop_ms(&top), 2 * (2 + ACT__KILL_GRACE_MS) + ACT__KILL_GRACE_MS);
}

static void limits_have_defaults(void **state) {
  (void)state;
  act_sup sup = {0};
  assert_int_equal(act__sup_max_restarts(&sup), 3);
  assert_int_equal(act__sup_within_ms(&sup), 5000);
  sup = (act_sup){.max_restarts = 7, .within_ms = 9};
  assert_int_equal(act__sup_max_restarts(&sup), 7);
  assert_int_equal(act__sup_within_ms(&sup), 9);
  sup = (act_sup){.never_restart = true};
  assert_int_equal(act__sup_max_restarts(&sup), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(plain_trees_pass),
      cmocka_unit_test(a_child_is_one_thing),
      cmocka_unit_test(names_are_bounded),
      cmocka_unit_test(mailboxes_are_bounded),
      cmocka_unit_test(later_options_are_refused_by_name),
      cmocka_unit_test(a_mailbox_may_park_its_senders_and_say_for_how_long),
      cmocka_unit_test(rules_of_a_supervisor_are_bounded),
      cmocka_unit_test(siblings_have_names_of_their_own),
      cmocka_unit_test(mistakes_deep_in_a_tree_are_found),
      cmocka_unit_test(depth_is_bounded),
      cmocka_unit_test(deadlines_have_defaults_and_add_up),
      cmocka_unit_test(limits_have_defaults),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
