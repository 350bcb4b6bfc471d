// SPDX-License-Identifier: Apache-2.0
//
// Timers of actors under virtual time: never early, never after a cancel, bounded, and gone with
// their actor.
#include "tests/actors/world.h"

#define MS INT64_C(1000000)

ACT_ON_TICK(puppet_actor, on_tick)

struct ticks {
  unsigned count;
  uint64_t missed;
  int64_t at_ns[64];
};

static act_rc on_tick(struct puppet *self, act_cx *cx, const act_tick *tick) {
  (void)self;
  struct ticks *ticks = (struct ticks *)tick->tag;
  if (ticks->count < 64) ticks->at_ns[ticks->count] = act_now(cx);
  ticks->count++;
  ticks->missed += tick->missed;
  return ACT_OK;
}

struct timer_order {
  uint32_t ms;
  bool periodic, own_variable, cancel;
  struct ticks *ticks;
  act_rc rc;
  int64_t made_ns;
};

static act_rc arm(struct puppet *self, act_cx *cx, void *arg) {
  struct timer_order *order = arg;
  act_timer *timer = order->own_variable ? &self->timer : NULL;
  act_tick_then then = on_tick_then((uintptr_t)order->ticks);
  order->made_ns = act_now(cx);
  order->rc = order->periodic ? act_every(cx, order->ms, then, timer)
                              : act_after(cx, order->ms, then, timer);
  if (order->cancel) act_cancel(cx, &self->timer);
  return ACT_OK;
}

static act_rc cancel(struct puppet *self, act_cx *cx, void *arg) {
  (void)arg;
  act_cancel(cx, &self->timer);
  return ACT_OK;
}

static act_rc end_now(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  (void)arg;
  act_end(cx);
  return ACT_OK;
}

static void timer_fires_once_and_never_early(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 200; seed++) {
    struct world world = world_open(seed);
    puppet_ref puppet = world_puppet(&world, NULL);
    struct ticks ticks = {0};
    struct timer_order order = {.ms = (uint32_t)(seed % 37) + 1, .ticks = &ticks};
    world_run(&world, puppet, arm, &order);
    act_sim_advance(world.sim, 100);
    assert_int_equal(ticks.count, 1);
    assert_true(ticks.at_ns[0] >= order.made_ns + order.ms * MS);
    world_close(&world);
  }
}

static void periodic_timer_keeps_its_pace(void **state) {
  (void)state;
  struct world world = world_open(2);
  puppet_ref puppet = world_puppet(&world, NULL);
  struct ticks ticks = {0};
  struct timer_order order = {.ms = 10, .periodic = true, .ticks = &ticks};
  world_run(&world, puppet, arm, &order);
  act_sim_advance(world.sim, 305);
  assert_int_equal(ticks.count + ticks.missed, 30);
  for (unsigned i = 0; i < ticks.count; i++) {
    assert_true(ticks.at_ns[i] >= order.made_ns + (int64_t)(i + 1) * 10 * MS);
  }
  world_close(&world);
}

static void cancelled_timer_is_never_seen(void **state) {
  (void)state;
  struct world world = world_open(3);
  puppet_ref puppet = world_puppet(&world, NULL);
  struct ticks ticks = {0};
  struct timer_order order = {.ms = 10, .own_variable = true, .ticks = &ticks};
  world_run(&world, puppet, arm, &order);
  world_run(&world, puppet, cancel, NULL);
  act_sim_advance(world.sim, 100);
  assert_int_equal(ticks.count, 0);
  world_close(&world);
}

// The tick is in the mailbox behind the message that cancels it.
static act_rc spin_then_cancel(struct puppet *self, act_cx *cx, void *arg) {
  (void)arg;
  if (self->number++ < 64) {  // one turn more, so that the tick is queued meanwhile
    puppet_ref me = {act_self(cx)};
    puppet_do again = {.fn = (uintptr_t)spin_then_cancel};
    return puppet_send_run(cx, me, again);
  }
  act_cancel(cx, &self->timer);
  return ACT_OK;
}

static void tick_that_is_queued_already_is_not_seen_after_the_cancel(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 300; seed++) {
    struct world world = world_open(seed);
    puppet_ref puppet = world_puppet(&world, NULL);
    struct ticks ticks = {0};
    struct timer_order order = {.ms = 1, .own_variable = true, .ticks = &ticks};
    world_run(&world, puppet, arm, &order);
    // Runs at about the time of the tick: before it, with it queued, or after it.
    act_sim_advance(world.sim, 0);
    puppet_do spin = {.fn = (uintptr_t)spin_then_cancel};
    assert_int_equal(puppet_send_run(world.cx, puppet, spin), ACT_OK);
    for (int i = 0; i < 40; i++) (void)act_sim_step(world.sim);
    unsigned seen_by_the_cancel = ticks.count;
    act_sim_advance(world.sim, 100);
    if (seen_by_the_cancel == 0) assert_int_equal(ticks.count, 0);
    world_close(&world);
  }
}

static void one_variable_is_one_live_timer(void **state) {
  (void)state;
  struct world world = world_open(4);
  puppet_ref puppet = world_puppet(&world, NULL);
  struct ticks first = {0}, second = {0};
  struct timer_order one = {.ms = 10, .own_variable = true, .ticks = &first};
  struct timer_order two = {.ms = 20, .own_variable = true, .ticks = &second};
  world_run(&world, puppet, arm, &one);
  world_run(&world, puppet, arm, &two);
  act_sim_advance(world.sim, 100);
  assert_int_equal(first.count, 0);
  assert_int_equal(second.count, 1);
  world_close(&world);
}

static void timers_past_their_bound_are_refused_there_and_then(void **state) {
  (void)state;
  struct world world = world_open(5);
  puppet_ref puppet = world_puppet_with(&world, (struct puppet_args){0}, (act_mailbox_options){0},
                                        (act_limits){.timers = 2});
  struct ticks ticks = {0};
  struct timer_order order = {.ms = 10, .ticks = &ticks};
  for (int i = 0; i < 3; i++) {
    world_run(&world, puppet, arm, &order);
    assert_int_equal(order.rc, i < 2 ? ACT_OK : ACT_ELIMIT);
  }
  act_sim_advance(world.sim, 100);
  assert_int_equal(ticks.count, 2);
  world_run(&world, puppet, arm, &order);
  assert_int_equal(order.rc, ACT_OK);
  world_close(&world);
}

#define MANY (1u << 17)

struct herd {
  act_timer timers[MANY];
  unsigned ticks;
  act_rc rc;
};

ACT_ON_TICK(puppet_actor, on_herd_tick)
static act_rc on_herd_tick(struct puppet *self, act_cx *cx, const act_tick *tick) {
  (void)self;
  (void)cx;
  ((struct herd *)tick->tag)->ticks++;
  return ACT_OK;
}

// Arms them all, then each of them anew, in an order that jumps about.
static act_rc drive(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  struct herd *herd = arg;
  for (uint32_t i = 0; i < 2 * MANY && !herd->rc; i++) {
    uint32_t which = i * 40503u % MANY;
    herd->rc = act_after(cx, 10, on_herd_tick_then((uintptr_t)herd), &herd->timers[which]);
  }
  return ACT_OK;
}

// Takes minutes where finding a place for a handle costs a walk over those in use.
static void very_many_timers_are_armed_anew_and_each_fires_once(void **state) {
  (void)state;
  struct world world = world_open(8);
  puppet_ref puppet = world_puppet_with(&world, (struct puppet_args){0}, (act_mailbox_options){0},
                                        (act_limits){.timers = MANY});
  struct herd *herd = test_calloc(1, sizeof *herd);
  world_run(&world, puppet, drive, herd);
  assert_int_equal(herd->rc, ACT_OK);
  act_sim_advance(world.sim, 1000);
  assert_int_equal(herd->ticks, MANY);
  test_free(herd);
  world_close(&world);
}

static void armed_anew_at_the_bound_is_no_timer_more(void **state) {
  (void)state;
  struct world world = world_open(8);
  puppet_ref puppet = world_puppet_with(&world, (struct puppet_args){0}, (act_mailbox_options){0},
                                        (act_limits){.timers = 1});
  struct ticks first = {0}, second = {0};
  struct timer_order one = {.ms = 10, .own_variable = true, .ticks = &first};
  struct timer_order two = {.ms = 20, .own_variable = true, .ticks = &second};
  struct timer_order three = {.ms = 30, .ticks = &first};
  world_run(&world, puppet, arm, &one);
  world_run(&world, puppet, arm, &two);
  assert_int_equal(two.rc, ACT_OK);
  world_run(&world, puppet, arm, &three);  // another one: refused, and the first is still there
  assert_int_equal(three.rc, ACT_ELIMIT);
  act_sim_advance(world.sim, 100);
  assert_int_equal(first.count, 0);
  assert_int_equal(second.count, 1);
  world_close(&world);
}

static void timers_end_with_their_actor(void **state) {
  (void)state;
  struct world world = world_open(6);
  puppet_ref puppet = world_puppet(&world, NULL);
  struct ticks ticks = {0};
  struct timer_order order = {.ms = 10, .periodic = true, .ticks = &ticks};
  for (int i = 0; i < 20; i++) world_run(&world, puppet, arm, &order);
  world_run(&world, puppet, end_now, NULL);
  unsigned until_the_end = ticks.count;
  act_sim_advance(world.sim, 1000);
  assert_int_equal(ticks.count, until_the_end);
  world_close(&world);
}

// Equal times of one actor reach it as one chain; each number may come only in its turn.
#define CROWD 200u

ACT_ON_TICK(puppet_actor, on_number)

static unsigned numbers_seen;

static act_rc on_number(struct puppet *self, act_cx *cx, const act_tick *tick) {
  (void)cx;
  numbers_seen++;
  assert_int_equal(tick->tag, self->number++ % CROWD);
  return ACT_OK;
}

static act_rc arm_a_crowd(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  (void)arg;
  for (unsigned i = 0; i < CROWD; i++) {
    act_rc rc = act_after(cx, 10, on_number_then(i), NULL);
    if (rc) return rc;
  }
  return ACT_OK;
}

static void timers_due_at_once_come_in_the_order_of_arming(void **state) {
  (void)state;
  struct world world = world_open(8);
  puppet_ref puppets[3];
  for (int i = 0; i < 3; i++) puppets[i] = world_puppet(&world, NULL);
  for (unsigned round = 1; round <= 3; round++) {
    numbers_seen = 0;
    for (int i = 0; i < 3; i++) {
      world_run(&world, puppets[i], arm_a_crowd, NULL);
      act_sim_advance(world.sim, round == 1 ? 20 : 0);
    }
    act_sim_advance(world.sim, 20);
    assert_int_equal(numbers_seen, 3 * CROWD);
  }
  world_close(&world);
}

static void every_with_a_period_of_zero_is_invalid(void **state) {
  (void)state;
  struct world world = world_open(7);
  puppet_ref puppet = world_puppet(&world, NULL);
  struct ticks ticks = {0};
  struct timer_order order = {.ms = 0, .periodic = true, .ticks = &ticks};
  world_run(&world, puppet, arm, &order);
  assert_int_equal(order.rc, ACT_EINVAL);
  world_close(&world);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(timer_fires_once_and_never_early),
      cmocka_unit_test(periodic_timer_keeps_its_pace),
      cmocka_unit_test(cancelled_timer_is_never_seen),
      cmocka_unit_test(tick_that_is_queued_already_is_not_seen_after_the_cancel),
      cmocka_unit_test(one_variable_is_one_live_timer),
      cmocka_unit_test(timers_past_their_bound_are_refused_there_and_then),
      cmocka_unit_test(very_many_timers_are_armed_anew_and_each_fires_once),
      cmocka_unit_test(armed_anew_at_the_bound_is_no_timer_more),
      cmocka_unit_test(timers_end_with_their_actor),
      cmocka_unit_test(timers_due_at_once_come_in_the_order_of_arming),
      cmocka_unit_test(every_with_a_period_of_zero_is_invalid),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
