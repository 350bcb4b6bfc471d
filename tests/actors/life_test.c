// SPDX-License-Identifier: Apache-2.0
//
// The life of an actor: init before the first message, later starts, and an end that leaks nothing.
#include "tests/actors/world.h"

#include <string.h>

static act_rc end_now(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  (void)arg;
  act_end(cx);
  return ACT_OK;
}

static act_rc fail_now(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  (void)arg;
  return act_fail(cx, ACT_EFAIL, "as told");
}

// --- init ------------------------------------------------------------------------------------------

static act_rc note_init(struct puppet *self, act_cx *cx, void *arg) {
  (void)cx;
  (void)arg;
  log_note(self->args.log, -1);
  return ACT_OK;
}

struct spawn_order {
  act_child child;
  act_pid pid;
  act_rc rc;
  unsigned sends;
};

static act_rc spawn_and_send(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  struct spawn_order *order = arg;
  act_exit_then nobody = {{NULL, 0}};
  order->rc = act_spawn(cx, &order->child, nobody, &order->pid);
  puppet_ref ref = {order->pid};
  for (unsigned i = 0; !order->rc && i < order->sends; i++) {
    order->rc = puppet_send_note(cx, ref, (puppet_number){.n = i});
  }
  return ACT_OK;
}

static void init_runs_before_the_first_message(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 100; seed++) {
    struct world world = world_open(seed);
    struct puppet_log log = {0};
    struct puppet_args args = {.init = note_init, .log = &log};
    puppet_ref parent = world_puppet(&world, NULL);
    struct spawn_order order = {.child = {.id = "c", .behavior = &puppet_actor, .args = &args},
                                .sends = 10};
    world_run(&world, parent, spawn_and_send, &order);
    assert_int_equal(order.rc, ACT_OK);
    assert_int_equal(log.count, 11);
    assert_int_equal(log.notes[0], -1);
    for (int i = 0; i < 10; i++) assert_int_equal(log.notes[i + 1], i);
    world_close(&world);
  }
}

// Up only after its timer: the messages wait aside, in order, under the normal bound.
ACT_ON_TICK(puppet_actor, now_ready)
static act_rc now_ready(struct puppet *self, act_cx *cx, const act_tick *tick) {
  (void)tick;
  log_note(self->args.log, -2);
  act_rc rc = act_ready(cx);
  if (rc) return rc;
  return act_ready(cx) == ACT_EINVAL ? ACT_OK : ACT_EFAIL;  // only once
}

static act_rc start_later(struct puppet *self, act_cx *cx, void *arg) {
  (void)arg;
  act_rc rc = act_after(cx, 50, now_ready_then(0), &self->timer);
  return rc ? rc : ACT_LATER;
}

static void messages_wait_for_an_init_that_finishes_later(void **state) {
  (void)state;
  struct world world = world_open(2);
  struct puppet_log log = {0};
  struct puppet_args args = {.init = start_later, .log = &log};
  puppet_ref parent = world_puppet(&world, NULL);
  struct spawn_order order = {.child = {.id = "c", .behavior = &puppet_actor, .args = &args,
                                        .mailbox = {.msgs = 10}},
                              .sends = 10};
  world_run(&world, parent, spawn_and_send, &order);
  assert_int_equal(order.rc, ACT_OK);
  assert_int_equal(log.count, 0);
  puppet_ref ref = {order.pid};
  assert_int_equal(puppet_send_note(world.cx, ref, (puppet_number){.n = 99}), ACT_EFULL);
  act_sim_advance(world.sim, 60);
  assert_int_equal(log.count, 11);
  assert_int_equal(log.notes[0], -2);
  for (int i = 0; i < 10; i++) assert_int_equal(log.notes[i + 1], i);
  world_close(&world);
}

static void failing_init_is_told_with_its_text(void **state) {
  (void)state;
  struct world world = world_open(3);
  struct puppet_args args = {.init = fail_now};
  act_pid pid;
  act_child child = {.id = "c", .behavior = &puppet_actor, .args = &args};
  assert_int_equal(act_sim_spawn(world.sim, &child, &pid), ACT_EFAIL);
  assert_false(act_sim_is_alive(world.sim, pid));
  world_close(&world);
}

// --- memory and clean-up -----------------------------------------------------------------------------

static unsigned order_seen[8], order_count;

static void clean_up(void *arg) {
  order_seen[order_count++] = (unsigned)(uintptr_t)arg;
}

static act_rc defer_three(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  (void)arg;
  for (uintptr_t i = 1; i <= 3; i++) {
    act_rc rc = act_defer(cx, clean_up, (void *)i);
    if (rc) return rc;
  }
  return ACT_OK;
}

static void deferred_clean_ups_run_newest_first_at_end_and_failure(void **state) {
  (void)state;
  puppet_fn ends[] = {end_now, fail_now};
  for (int i = 0; i < 2; i++) {
    order_count = 0;
    struct world world = world_open(4);
    puppet_ref puppet = world_puppet(&world, NULL);
    world_run(&world, puppet, defer_three, NULL);
    assert_int_equal(order_count, 0);
    world_run(&world, puppet, ends[i], NULL);
    assert_int_equal(order_count, 3);
    assert_int_equal(order_seen[0], 3);
    assert_int_equal(order_seen[2], 1);
    world_close(&world);
    assert_int_equal(order_count, 3);
  }
}

static void deferred_clean_ups_run_when_the_world_stops(void **state) {
  (void)state;
  order_count = 0;
  struct world world = world_open(5);
  puppet_ref puppet = world_puppet(&world, NULL);
  world_run(&world, puppet, defer_three, NULL);
  world_close(&world);
  assert_int_equal(order_count, 3);
}

static act_rc defer_then_fail(struct puppet *self, act_cx *cx, void *arg) {
  act_rc rc = defer_three(self, cx, arg);
  return rc ? rc : act_fail(cx, ACT_EFAIL, "in init");
}

static void deferred_clean_ups_run_when_init_fails(void **state) {
  (void)state;
  order_count = 0;
  struct world world = world_open(6);
  struct puppet_args args = {.init = defer_then_fail};
  act_pid pid;
  act_child child = {.id = "c", .behavior = &puppet_actor, .args = &args};
  assert_int_equal(act_sim_spawn(world.sim, &child, &pid), ACT_EFAIL);
  assert_int_equal(order_count, 3);
  world_close(&world);
}

static act_rc use_memory(struct puppet *self, act_cx *cx, void *arg) {
  (void)arg;
  char *kept = act_alloc(cx, 1000);
  if (!kept) return ACT_ENOMEM;
  for (int i = 0; i < 1000; i++) {
    if (kept[i]) return ACT_EFAIL;  // zeroed
  }
  memset(kept, 1, 1000);
  char *brief = act_scratch(cx, 100000);
  if (!brief) return ACT_ENOMEM;
  memset(brief, 2, 100000);
  self->number = (int64_t)(uintptr_t)kept;
  return ACT_OK;
}

static act_rc check_memory(struct puppet *self, act_cx *cx, void *arg) {
  (void)cx;
  (void)arg;
  return ((char *)(uintptr_t)self->number)[999] == 1 ? ACT_OK : ACT_EFAIL;
}

static void allocated_memory_lasts_as_long_as_its_actor(void **state) {
  (void)state;
  struct world world = world_open(7);
  puppet_ref puppet = world_puppet(&world, NULL);
  world_run(&world, puppet, use_memory, NULL);
  world_run(&world, puppet, use_memory, NULL);
  world_run(&world, puppet, check_memory, NULL);
  assert_true(act_sim_is_alive(world.sim, puppet.pid));
  world_close(&world);  // and a leak checker sees that it is gone
}

// --- the budget of a turn ----------------------------------------------------------------------------

static act_rc endless(struct puppet *self, act_cx *cx, void *arg) {
  (void)arg;
  self->number++;
  puppet_ref me = {act_self(cx)};
  puppet_do again = {.fn = (uintptr_t)endless};
  return puppet_send_run(cx, me, again);
}

static void endless_self_sender_does_not_starve_others(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 20; seed++) {
    struct world world = world_open(seed);
    puppet_ref hog = world_puppet(&world, NULL);
    struct puppet_log log = {0};
    puppet_ref other = world_puppet(&world, &log);
    puppet_do run = {.fn = (uintptr_t)endless};
    assert_int_equal(puppet_send_run(world.cx, hog, run), ACT_OK);
    assert_int_equal(puppet_send_note(world.cx, other, (puppet_number){.n = 1}), ACT_OK);
    unsigned steps = 0;
    while (log.count == 0 && steps < 200) {
      (void)act_sim_step(world.sim);
      steps++;
    }
    assert_int_equal(log.count, 1);
    puppet_do end = {.fn = (uintptr_t)end_now};
    assert_int_equal(puppet_send_run(world.cx, hog, end), ACT_OK);
    world_close(&world);
  }
}

static act_rc defer_nothing(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  *(act_rc *)arg = act_defer(cx, NULL, NULL);
  return ACT_OK;
}

static void clean_up_without_a_function_is_refused(void **state) {
  (void)state;
  struct world world = world_open(10);
  puppet_ref puppet = world_puppet(&world, NULL);
  act_rc rc = ACT_OK;
  world_run(&world, puppet, defer_nothing, &rc);
  assert_int_equal(rc, ACT_EINVAL);
  world_close(&world);
}

#define CHILDREN 50000

static act_rc spawn_many(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  (void)arg;
  static const act_child child = {.id = "one of many", .behavior = &puppet_actor};
  act_rc rc = ACT_OK;
  for (int i = 0; i < CHILDREN && !rc; i++) {
    rc = act_spawn(cx, &child, (act_exit_then){{NULL, 0}}, NULL);
  }
  return rc;
}

// Takes minutes where the end of each child costs a walk over all the others.
static void owner_of_very_many_children_ends_with_them(void **state) {
  (void)state;
  struct world world = world_open(11);
  puppet_ref puppet = world_puppet(&world, NULL);
  uint64_t before = world_counters(&world).actors;
  world_run(&world, puppet, spawn_many, NULL);
  assert_int_equal(world_counters(&world).actors, before + CHILDREN);
  puppet_do end = {.fn = (uintptr_t)end_now};
  assert_int_equal(puppet_send_run(world.cx, puppet, end), ACT_OK);
  act_sim_advance(world.sim, 4000);
  assert_int_equal(world_counters(&world).actors, before - 1);
  world_close(&world);
}

static void every_slot_is_reused_and_none_is_lost(void **state) {
  (void)state;
  struct world world = world_open(9);
  puppet_ref first = world_puppet(&world, NULL);
  uint64_t before = world_counters(&world).actors;
  world_run(&world, first, end_now, NULL);
  for (int i = 0; i < 3000; i++) {
    puppet_ref puppet = world_puppet(&world, NULL);
    assert_int_equal(puppet.pid.slot, first.pid.slot);
    world_run(&world, puppet, end_now, NULL);
  }
  assert_int_equal(world_counters(&world).actors, before - 1);
  world_close(&world);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(init_runs_before_the_first_message),
      cmocka_unit_test(messages_wait_for_an_init_that_finishes_later),
      cmocka_unit_test(failing_init_is_told_with_its_text),
      cmocka_unit_test(deferred_clean_ups_run_newest_first_at_end_and_failure),
      cmocka_unit_test(deferred_clean_ups_run_when_the_world_stops),
      cmocka_unit_test(deferred_clean_ups_run_when_init_fails),
      cmocka_unit_test(allocated_memory_lasts_as_long_as_its_actor),
      cmocka_unit_test(endless_self_sender_does_not_starve_others),
      cmocka_unit_test(clean_up_without_a_function_is_refused),
      cmocka_unit_test(owner_of_very_many_children_ends_with_them),
      cmocka_unit_test(every_slot_is_reused_and_none_is_lost),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
