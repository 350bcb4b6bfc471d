// SPDX-License-Identifier: Apache-2.0
//
// Any failed allocation gives a named error: no crash, no leak, no stuck actor. One story with
// everything in it runs again and again; each time another one of its allocations fails.
#include "tests/actors/world.h"

#include "base/alloc.h"

ACT_ON(puppet_actor, on_value, puppet_value)
ACT_ON_TICK(puppet_actor, on_tick)
ACT_ON_DOWN(puppet_actor, on_down)
ACT_ON_EXIT(puppet_actor, on_exit)
ACT_ON_DONE(puppet_actor, on_done)

static unsigned continued;

static act_rc on_value(struct puppet *self, act_cx *cx, act_rc st, const puppet_value *v,
                       uintptr_t tag) {
  (void)self;
  (void)cx;
  (void)tag;
  assert_true((st == ACT_OK) == (v != NULL));
  continued++;
  return ACT_OK;
}

static act_rc on_tick(struct puppet *self, act_cx *cx, const act_tick *tick) {
  (void)self;
  (void)cx;
  (void)tick;
  continued++;
  return ACT_OK;
}

static act_rc on_down(struct puppet *self, act_cx *cx, const act_down *down) {
  (void)self;
  (void)cx;
  (void)down;
  continued++;
  return ACT_OK;
}

static act_rc on_exit(struct puppet *self, act_cx *cx, const act_exit *exit) {
  (void)self;
  (void)cx;
  (void)exit;
  continued++;
  return ACT_OK;
}

static act_rc on_done(struct puppet *self, act_cx *cx, act_rc st, void *arg, uintptr_t tag) {
  (void)self;
  (void)cx;
  (void)st;
  (void)arg;
  (void)tag;
  continued++;
  return ACT_OK;
}

static void nothing(void *arg) {
  (void)arg;
}

static act_rc work(void *arg) {
  (void)arg;
  return ACT_OK;
}

static act_rc keep(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  const struct puppet_request *request = arg;
  return act_reply_keep(cx, request->reply.r);
}

struct plan {
  puppet_ref other, keeper;
  unsigned expected;  // continuations that must come, for what was accepted
  unsigned monitors;  // among them: those that wait for the end of `other`
};

static void expect(struct plan *plan, act_rc rc) {
  if (!rc) plan->expected++;
}

static act_rc do_everything(struct puppet *self, act_cx *cx, void *arg) {
  struct plan *plan = arg;
  expect(plan, puppet_ask_ask(cx, plan->other, (puppet_number){.n = 1}, 100, on_value_then(0)));
  expect(plan, puppet_ask_ask(cx, plan->keeper, (puppet_number){.n = 1}, 100, on_value_then(0)));
  expect(plan, act_after(cx, 10, on_tick_then(0), &self->timer));
  if (!act_monitor(cx, plan->other.pid, on_down_then(0), &self->mon)) plan->monitors++;
  expect(plan, act_blocking(cx, (act_job){work, NULL, NULL}, on_done_then(0)));
  act_pid child;
  struct puppet_args args = {.init = NULL};
  act_child spec = {.id = "child", .behavior = &puppet_actor, .args = &args, .name = "child"};
  if (act_spawn(cx, &spec, on_exit_then(0), &child) == ACT_OK) {
    plan->expected++;
    if (act_stop_child(cx, child)) return ACT_EFAIL;
  }
  spec = (act_child){.behavior = &puppet_actor, .args = &args};  // plain (actors/child.h)
  if (act_spawn(cx, &spec, on_exit_then(0), &child) == ACT_OK) {
    plan->expected++;
    if (act_stop_child(cx, child)) return ACT_EFAIL;
  }
  (void)act_alloc(cx, 5000);
  (void)act_scratch(cx, 5000);
  act_rc rc = act_defer(cx, nothing, NULL);
  return rc == ACT_OK || rc == ACT_ENOMEM ? ACT_OK : rc;
}

static act_rc end_now(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  (void)arg;
  act_end(cx);
  return ACT_OK;
}

static void send_run(act_cx *cx, puppet_ref to, puppet_fn fn, void *arg) {
  act_rc rc = puppet_send_run(cx, to, (puppet_do){.fn = (uintptr_t)fn, .arg = (uintptr_t)arg});
  assert_true(rc == ACT_OK || rc == ACT_ENOMEM);
}

static act_rc spawn(act_sim *sim, struct puppet_args args, puppet_ref *out) {
  return act_sim_spawn(sim, &(act_child){.id = "p", .behavior = &puppet_actor, .args = &args},
                       &out->pid);
}

static void play(act_sim *sim) {
  struct plan plan = {.expected = 0};
  puppet_ref actor;
  if (spawn(sim, (struct puppet_args){0}, &plan.other) ||
      spawn(sim, (struct puppet_args){.on_ask = keep}, &plan.keeper) ||
      spawn(sim, (struct puppet_args){0}, &actor)) {
    return;
  }
  send_run(act_sim_cx(sim), actor, do_everything, &plan);
  act_sim_advance(sim, 50);
  send_run(act_sim_cx(sim), plan.other, end_now, NULL);
  act_sim_advance(sim, 500);
  if (!act_sim_is_alive(sim, plan.other.pid)) plan.expected += plan.monitors;
  if (act_sim_is_alive(sim, actor.pid)) assert_int_equal(continued, plan.expected);
}

static void every_single_failed_allocation_is_survived(void **state) {
  (void)state;
  int64_t n = 1;
  for (;; n++) {
    continued = 0;
    act_sim *sim;
    act__alloc_fail_once(n);
    act_rc rc = act_sim_open(1, NULL, NULL, &sim);
    if (rc == ACT_OK) {
      play(sim);
    } else {
      assert_int_equal(rc, ACT_ENOMEM);
    }
    int64_t failures = act__alloc_failures();
    act__alloc_fail_after(-1);
    if (rc == ACT_OK) assert_int_equal(act_sim_close(sim), 0);
    if (failures == 0) break;
  }
  assert_true(n > 30);  // the story did allocate
}

static void memory_that_stays_away_is_survived(void **state) {
  (void)state;
  for (int64_t n = 0; n < 200; n++) {
    continued = 0;
    act_sim *sim;
    act__alloc_fail_after(n);
    act_rc rc = act_sim_open(1, NULL, NULL, &sim);
    if (rc == ACT_OK) play(sim);
    act__alloc_fail_after(-1);
    if (rc == ACT_OK) assert_int_equal(act_sim_close(sim), 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_single_failed_allocation_is_survived),
      cmocka_unit_test(memory_that_stays_away_is_survived),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
