// SPDX-License-Identifier: Apache-2.0
//
// Timers that are cancelled many at a time, under virtual time: none of them is seen, all others are, and
// every record comes back once.
#include "tests/actors/world.h"

#define MOST 100u

ACT_ON_TICK(puppet_actor, on_tick)

static act_rc on_tick(struct puppet *self, act_cx *cx, const act_tick *tick) {
  (void)self;
  (void)cx;
  ++*(unsigned *)tick->tag;
  return ACT_OK;
}

struct crowd {
  act_timer timers[MOST];
  unsigned ticks[MOST];
  unsigned armed, cancelled;
  uint32_t ms;
};

static act_rc arm_all(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  struct crowd *crowd = arg;
  for (unsigned i = 0; i < crowd->armed; i++) {
    act_rc rc = act_after(cx, crowd->ms, on_tick_then((uintptr_t)&crowd->ticks[i]),
                          &crowd->timers[i]);
    if (rc) return rc;
  }
  return ACT_OK;
}

// From the middle, downwards and upwards by turns, so that neighbours go too.
static act_rc cancel_some(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  struct crowd *crowd = arg;
  unsigned middle = (crowd->armed + 1) / 2;
  for (unsigned i = 0; i < crowd->cancelled; i++) {
    act_cancel(cx, &crowd->timers[i % 2 ? middle + i / 2 : middle - 1 - i / 2]);
  }
  return ACT_OK;
}

static act_rc arm_and_cancel(struct puppet *self, act_cx *cx, void *arg) {
  act_rc rc = arm_all(self, cx, arg);
  return rc ? rc : cancel_some(self, cx, arg);
}

static unsigned seen(const struct crowd *crowd) {
  unsigned n = 0;
  for (unsigned i = 0; i < crowd->armed; i++) {
    assert_true(crowd->ticks[i] <= 1);
    if (!crowd->timers[i].gen) assert_int_equal(crowd->ticks[i], 0);
    n += crowd->ticks[i];
  }
  return n;
}

static void any_number_can_be_cancelled_in_one_turn(void **state) {
  (void)state;
  static const unsigned numbers[] = {1, 2, 15, 16, 17, 31, 32, 33, 90};
  for (unsigned i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
    for (int at_once = 0; at_once < 2; at_once++) {
      struct world world = world_open(i + 1);
      puppet_ref puppet = world_puppet(&world, NULL);
      struct crowd crowd = {.armed = MOST, .cancelled = numbers[i], .ms = 10};
      if (at_once) {
        world_run(&world, puppet, arm_and_cancel, &crowd);
      } else {
        world_run(&world, puppet, arm_all, &crowd);
        world_run(&world, puppet, cancel_some, &crowd);
      }
      act_sim_advance(world.sim, 100);
      assert_int_equal(seen(&crowd), MOST - numbers[i]);
      world_close(&world);
    }
  }
}

// The actor ends with its next breath, and the cancelled ones with it.
static act_rc cancel_and_end(struct puppet *self, act_cx *cx, void *arg) {
  act_rc rc = arm_and_cancel(self, cx, arg);
  act_end(cx);
  return rc;
}

static void an_actor_may_end_in_the_turn_in_which_it_cancels(void **state) {
  (void)state;
  for (unsigned cancelled = 0; cancelled < 40; cancelled += 3) {
    struct world world = world_open(cancelled + 1);
    puppet_ref puppet = world_puppet(&world, NULL);
    struct crowd crowd = {.armed = MOST, .cancelled = cancelled, .ms = 10};
    world_run(&world, puppet, cancel_and_end, &crowd);
    act_sim_advance(world.sim, 100);
    assert_int_equal(seen(&crowd), 0);
    world_close(&world);
  }
}

// --- the place of a record that was cancelled while its tick was queued ----------------------------

#define BUSY_NS 4000000

static act_rc be_busy(struct puppet *self, act_cx *cx, void *arg) {
  (void)arg;
  if (!self->number) self->number = act_now(cx);
  if (act_now(cx) - self->number > BUSY_NS) return ACT_OK;
  puppet_ref me = {act_self(cx)};
  return puppet_send_run(cx, me, (puppet_do){.fn = (uintptr_t)be_busy});
}

static void tell(struct world *world, puppet_ref puppet, puppet_fn fn, void *arg) {
  puppet_do m = {.fn = (uintptr_t)fn, .arg = (uintptr_t)arg};
  assert_int_equal(puppet_send_run(world->cx, puppet, m), ACT_OK);
}

// In one turn: the message that cancels, the tick that is too late, a message that arms another timer,
// perhaps in the same memory. The turn's end must not take that one for the first.
static void who_gets_the_memory_of_a_cancelled_timer_is_not_cancelled(void **state) {
  (void)state;
  unsigned queued = 0;
  for (uint64_t seed = 1; seed <= 300; seed++) {
    struct world world = world_open(seed);
    puppet_ref puppet = world_puppet(&world, NULL), others[6];
    for (int i = 0; i < 6; i++) others[i] = world_puppet(&world, NULL);
    struct crowd old = {.armed = 1, .cancelled = 1, .ms = 2}, new = {.armed = 1, .ms = 20};
    world_run(&world, puppet, arm_all, &old);
    for (int i = 0; i < 6; i++) tell(&world, others[i], be_busy, NULL);
    for (uint64_t i = 0; i < seed % 100; i++) (void)act_sim_step(world.sim);
    tell(&world, puppet, cancel_some, &old);  // kept waiting by the others, as what follows
    for (int i = 0; i < 6; i++) (void)act_sim_step(world.sim);
    tell(&world, puppet, arm_all, &new);
    act_sim_advance(world.sim, 100);
    assert_true(old.ticks[0] <= 1);
    queued += old.ticks[0] == 0;
    assert_int_equal(new.ticks[0], 1);
    world_close(&world);
  }
  assert_true(queued > 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(any_number_can_be_cancelled_in_one_turn),
      cmocka_unit_test(an_actor_may_end_in_the_turn_in_which_it_cancels),
      cmocka_unit_test(who_gets_the_memory_of_a_cancelled_timer_is_not_cancelled),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
