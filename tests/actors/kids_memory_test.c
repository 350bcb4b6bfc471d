// SPDX-License-Identifier: Apache-2.0
//
// Children while memory is short: whichever allocation of a story fails, one or all from then on, each
// child that was made tells its owner of its end once, each monitor that was accepted tells once, and
// nothing is left. In the story children come up late or never, fail, are stopped, and end together
// with children of their own; some are plain (actors/child.h) and some are not.
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "tests/actors/world.h"

#define KINDS 7u
#define EACH 2u  // of each kind: one plain, one with an id and a name

ACT_ON_EXIT(puppet_actor, on_exit)
ACT_ON_DOWN(puppet_actor, on_down)
ACT_ON_TICK(puppet_actor, on_fate)

static struct {
  unsigned spawned, watched;
  unsigned exits[KINDS * EACH], downs[KINDS * EACH];
  bool made[KINDS * EACH], seen[KINDS * EACH];
} book;

static act_rc on_exit(struct puppet *self, act_cx *cx, const act_exit *exit) {
  (void)self;
  (void)cx;
  assert_int_equal(++book.exits[exit->tag], 1);
  assert_int_not_equal(exit->reason, ACT_REASON_STUCK);
  assert_true(exit->reason == ACT_REASON_NORMAL || exit->text[0] != 0);
  return ACT_OK;
}

static act_rc on_down(struct puppet *self, act_cx *cx, const act_down *down) {
  (void)self;
  (void)cx;
  assert_int_equal(++book.downs[down->tag], 1);
  return ACT_OK;
}

static act_rc on_fate(struct puppet *self, act_cx *cx, const act_tick *tick) {
  (void)self;
  if (tick->tag == 0) return act_fail(cx, ACT_EBADMSG, "its fate");
  act_end(cx);
  return ACT_OK;
}

// --- what children do --------------------------------------------------------------------------------

static act_rc never_ready(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  (void)cx;
  (void)arg;
  return ACT_LATER;
}

static act_rc fail_at_once(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  (void)arg;
  return act_fail(cx, ACT_EBADMSG, "no start");
}

static act_rc fail_soon(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  (void)arg;
  return act_after(cx, 5, on_fate_then(0), NULL);
}

static act_rc end_soon(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  (void)arg;
  return act_after(cx, 5, on_fate_then(1), NULL);
}

static act_rc with_children(struct puppet *self, act_cx *cx, void *arg) {
  for (int i = 0; i < 3; i++) {
    act_rc rc = act_spawn(cx, &(act_child){.behavior = &puppet_actor}, (act_exit_then){{NULL, 0}},
                          NULL);
    if (rc) return rc;
  }
  return fail_soon(self, cx, arg);
}

static act_rc end_at_once(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  (void)arg;
  act_end(cx);
  return ACT_OK;
}

// --- the owner ---------------------------------------------------------------------------------------

static act_rc make_all(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  (void)arg;
  static const puppet_fn inits[KINDS] = {never_ready,   fail_at_once, fail_soon, end_soon,
                                         with_children, end_at_once,  NULL};
  for (unsigned i = 0; i < KINDS * EACH; i++) {
    struct puppet_args args = {.init = inits[i % KINDS]};
    char name[8];
    snprintf(name, sizeof name, "n%u", i);
    act_child child = {.behavior = &puppet_actor, .args = &args};
    if (i >= KINDS) child.id = child.name = name;
    act_pid pid;
    act_rc rc = act_spawn(cx, &child, on_exit_then(i), &pid);
    assert_true(rc == ACT_OK || rc == ACT_ENOMEM);
    if (rc) continue;
    book.made[i] = true;
    rc = act_monitor(cx, pid, on_down_then(i), i % 2 ? &(act_mon){0, 0} : NULL);
    assert_true(rc == ACT_OK || rc == ACT_ENOMEM);
    book.seen[i] = rc == ACT_OK;
    if (!inits[i % KINDS]) assert_int_equal(act_stop_child(cx, pid), ACT_OK);
  }
  return ACT_OK;
}

static void play(act_sim *sim) {
  struct puppet_args args = {.init = make_all};
  uint64_t before = 0;
  act_counters counters;
  act_read_counters(act_sim_runtime(sim), &counters);
  before = counters.actors;
  act_pid owner;
  act_child child = {.id = "owner", .behavior = &puppet_actor, .args = &args};
  if (act_sim_spawn(sim, &child, &owner)) return;
  act_sim_advance(sim, ACT_START_MS + 10000);
  assert_true(act_sim_is_alive(sim, owner));
  for (unsigned i = 0; i < KINDS * EACH; i++) {
    assert_int_equal(book.exits[i], book.made[i]);
    assert_int_equal(book.downs[i], book.seen[i]);
  }
  act_read_counters(act_sim_runtime(sim), &counters);
  assert_int_equal(counters.actors, before + 1);
}

static bool round_of(int64_t n, bool once) {
  static const act_log_sink silent = {.fn = NULL};
  static const act_node node = {.name = "test", .log = &silent};
  memset(&book, 0, sizeof book);
  act_sim *sim;
  assert_int_equal(act_sim_open(1, &node, NULL, &sim), ACT_OK);
  if (once) {
    act__alloc_fail_once(n);
  } else {
    act__alloc_fail_after(n);
  }
  play(sim);
  bool failed = act__alloc_failures() != 0;
  act__alloc_fail_after(-1);
  assert_int_equal(act_sim_close(sim), 0);
  return failed;
}

static void every_end_is_told_once_whichever_allocation_fails(void **state) {
  (void)state;
  int64_t n = 1;
  while (round_of(n, true)) n++;
  assert_true(n > 20);
}

static void every_end_is_told_once_if_memory_stays_away(void **state) {
  (void)state;
  int64_t n = 0;
  while (round_of(n, false)) n++;
  assert_true(n > 20);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_end_is_told_once_whichever_allocation_fails),
      cmocka_unit_test(every_end_is_told_once_if_memory_stays_away),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
