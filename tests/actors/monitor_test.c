// SPDX-License-Identifier: Apache-2.0
//
// Monitors: exactly one DOWN, after the last message of the dead, or none after a demonitor.
#include "tests/actors/world.h"

#include <string.h>

struct downs {
  unsigned count;
  act_reason reason;
  act_rc rc;
  char text[64];
  unsigned notes_before;
};

ACT_ON_DOWN(puppet_actor, on_down)

static act_rc on_down(struct puppet *self, act_cx *cx, const act_down *down) {
  (void)cx;
  struct downs *downs = (struct downs *)down->tag;
  downs->count++;
  downs->reason = down->reason;
  downs->rc = down->rc;
  strncpy(downs->text, down->text, sizeof downs->text - 1);
  if (self->args.log) downs->notes_before = self->args.log->count;
  return ACT_OK;
}

struct watch_order {
  act_pid pid;
  struct downs downs;
  act_rc rc;
};

static act_rc watch(struct puppet *self, act_cx *cx, void *arg) {
  struct watch_order *order = arg;
  order->rc = act_monitor(cx, order->pid, on_down_then((uintptr_t)&order->downs), &self->mon);
  return ACT_OK;
}

static act_rc unwatch(struct puppet *self, act_cx *cx, void *arg) {
  (void)arg;
  act_demonitor(cx, &self->mon);
  return ACT_OK;
}

static act_rc end_now(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  (void)arg;
  act_end(cx);
  return ACT_OK;
}

static act_rc fail_now(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  (void)arg;
  return act_fail(cx, ACT_EBADMSG, "worn out");
}

// Sends 100 notes to the watcher and ends in the same handler.
static act_rc send_and_end(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  const puppet_ref *to = arg;
  for (int i = 0; i < 100; i++) {
    act_rc rc = puppet_send_note(cx, *to, (puppet_number){.n = i});
    if (rc) return rc;
  }
  act_end(cx);
  return ACT_OK;
}

static void end_of_the_watched_is_told_once_with_its_reason(void **state) {
  (void)state;
  struct world world = world_open(1);
  puppet_ref watcher = world_puppet(&world, NULL);
  struct watch_order normal = {.pid = world_puppet(&world, NULL).pid};
  struct watch_order failed = {.pid = world_puppet(&world, NULL).pid};
  world_run(&world, watcher, watch, &normal);
  world_run(&world, watcher, watch, &failed);
  world_run(&world, (puppet_ref){normal.pid}, end_now, NULL);
  world_run(&world, (puppet_ref){failed.pid}, fail_now, NULL);
  assert_int_equal(normal.downs.count, 1);
  assert_int_equal(normal.downs.reason, ACT_REASON_NORMAL);
  assert_int_equal(failed.downs.count, 1);
  assert_int_equal(failed.downs.reason, ACT_REASON_FAILED);
  assert_int_equal(failed.downs.rc, ACT_EBADMSG);
  assert_string_equal(failed.downs.text, "worn out");
  world_close(&world);
}

static void monitor_of_a_dead_actor_tells_noproc(void **state) {
  (void)state;
  struct world world = world_open(2);
  puppet_ref watcher = world_puppet(&world, NULL);
  puppet_ref dead = world_puppet(&world, NULL);
  world_run(&world, dead, end_now, NULL);
  struct watch_order order = {.pid = dead.pid};
  world_run(&world, watcher, watch, &order);
  assert_int_equal(order.rc, ACT_OK);
  assert_int_equal(order.downs.count, 1);
  assert_int_equal(order.downs.reason, ACT_REASON_NOPROC);
  world_close(&world);
}

static void down_comes_after_the_last_message_of_the_dead(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 200; seed++) {
    struct world world = world_open(seed);
    struct puppet_log log = {0};
    puppet_ref watcher = world_puppet(&world, &log);
    struct watch_order order = {.pid = world_puppet(&world, NULL).pid};
    world_run(&world, watcher, watch, &order);
    world_run(&world, (puppet_ref){order.pid}, send_and_end, &watcher);
    assert_int_equal(order.downs.count, 1);
    assert_int_equal(order.downs.notes_before, 100);
    world_close(&world);
  }
}

static void down_is_not_lost_when_the_watcher_mailbox_is_full(void **state) {
  (void)state;
  struct world world = world_open(4);
  struct puppet_log log = {0};
  puppet_ref watcher = world_puppet_with(&world, (struct puppet_args){.log = &log},
                                         (act_mailbox_options){.msgs = 1}, (act_limits){0});
  struct watch_order order = {.pid = world_puppet(&world, NULL).pid};
  world_run(&world, watcher, watch, &order);
  puppet_do end = {.fn = (uintptr_t)end_now};
  assert_int_equal(puppet_send_note(world.cx, watcher, (puppet_number){.n = 1}), ACT_OK);
  assert_int_equal(puppet_send_note(world.cx, watcher, (puppet_number){.n = 2}), ACT_EFULL);
  assert_int_equal(puppet_send_run(world.cx, (puppet_ref){order.pid}, end), ACT_OK);
  act_sim_settle(world.sim);
  assert_int_equal(order.downs.count, 1);
  world_close(&world);
}

static void no_down_after_a_demonitor(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 300; seed++) {
    struct world world = world_open(seed);
    puppet_ref watcher = world_puppet(&world, NULL);
    struct watch_order order = {.pid = world_puppet(&world, NULL).pid};
    world_run(&world, watcher, watch, &order);
    // The two race: the end may come first, and its DOWN be in the mailbox behind the demonitor.
    puppet_do undo = {.fn = (uintptr_t)unwatch}, end = {.fn = (uintptr_t)end_now};
    assert_int_equal(puppet_send_run(world.cx, (puppet_ref){order.pid}, end), ACT_OK);
    assert_int_equal(puppet_send_run(world.cx, watcher, undo), ACT_OK);
    act_sim_settle(world.sim);
    // The undo was in the mailbox before the watched one could have ended: always in time.
    assert_int_equal(order.downs.count, 0);
    world_close(&world);
  }
}

static void monitors_past_their_bound_are_refused_there_and_then(void **state) {
  (void)state;
  struct world world = world_open(6);
  puppet_ref watcher = world_puppet_with(&world, (struct puppet_args){0}, (act_mailbox_options){0},
                                         (act_limits){.monitors = 2});
  struct watch_order order = {.pid = world_puppet(&world, NULL).pid};
  for (int i = 0; i < 3; i++) {
    world_run(&world, watcher, watch, &order);
    assert_int_equal(order.rc, i < 2 ? ACT_OK : ACT_ELIMIT);
  }
  world_run(&world, (puppet_ref){order.pid}, end_now, NULL);
  assert_int_equal(order.downs.count, 2);
  world_close(&world);
}

static void watcher_that_ends_first_is_told_nothing_and_leaks_nothing(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 100; seed++) {
    struct world world = world_open(seed);
    puppet_ref watcher = world_puppet(&world, NULL);
    struct watch_order order = {.pid = world_puppet(&world, NULL).pid};
    for (int i = 0; i < 5; i++) world_run(&world, watcher, watch, &order);
    puppet_do end = {.fn = (uintptr_t)end_now};
    assert_int_equal(puppet_send_run(world.cx, watcher, end), ACT_OK);
    assert_int_equal(puppet_send_run(world.cx, (puppet_ref){order.pid}, end), ACT_OK);
    act_sim_settle(world.sim);
    assert_false(act_sim_is_alive(world.sim, watcher.pid));
    world_close(&world);  // asserts that no block of the pool is still out
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(end_of_the_watched_is_told_once_with_its_reason),
      cmocka_unit_test(monitor_of_a_dead_actor_tells_noproc),
      cmocka_unit_test(down_comes_after_the_last_message_of_the_dead),
      cmocka_unit_test(down_is_not_lost_when_the_watcher_mailbox_is_full),
      cmocka_unit_test(no_down_after_a_demonitor),
      cmocka_unit_test(monitors_past_their_bound_are_refused_there_and_then),
      cmocka_unit_test(watcher_that_ends_first_is_told_nothing_and_leaks_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
