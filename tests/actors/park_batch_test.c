// SPDX-License-Identifier: Apache-2.0
//
// When those who are parked are let in: a receiver that is quick and has more to do waits until half of
// its mailbox is free, so that parking is rare; one that has nothing to do keeps nobody waiting.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <troupe.h>

#include "actors/sim.h"

ACT_MSG(lane_item, (u32, n, 1))
ACT_MSG(lane_order, (u32, count, 1))
#define LANE(CAST, CALL, P)      \
  CAST(P, 1, item, lane_item)    \
  CAST(P, 2, go, lane_order)     \
  CAST(P, 3, after, lane_order)
ACT_PROTOCOL(lane, 1, LANE)

#define BUSY 800u

// What one car does and what became of it: the test's memory.
struct trip {
  lane_ref to;
  bool late;              // is ready after 10 ms
  bool endless;           // sends itself what it gets to do after
  bool brakes;            // the first item makes it send to a child that is late, until it is parked
  unsigned handled, sent;
  bool parked;            // when it had sent
  bool went_on;           // a message to itself has come, so it is parked no more
};
struct trip_args {
  struct trip *trip;
};
struct car {
  struct trip *trip;
  struct trip child_trip;
  lane_ref child;
};
ACT_ACTOR(driver, lane, LANE, struct car, struct trip_args)
ACT_ON_TICK(driver, on_ready)

static act_rc spawn_late_child(struct car *self, act_cx *cx) {
  self->child_trip.late = true;
  struct trip_args args = {&self->child_trip};
  act_child child = {.id = "late", .behavior = &driver, .args = &args, .start_ms = 1000,
                     .mailbox = {.msgs = 1, .full = ACT_PARK}};
  return act_spawn(cx, &child, (act_exit_then){0}, &self->child.pid);
}

static act_rc driver_init(struct car *self, act_cx *cx, const struct trip_args *args) {
  self->trip = args->trip;
  if (self->trip->brakes) return spawn_late_child(self, cx);
  if (!self->trip->late) return ACT_OK;
  act_rc rc = act_after(cx, 10, on_ready_then(0), NULL);
  return rc ? rc : ACT_LATER;
}

static act_rc on_ready(struct car *self, act_cx *cx, const act_tick *tick) {
  (void)self;
  (void)tick;
  return act_ready(cx);
}

static act_rc driver_item(struct car *self, act_cx *cx, const lane_item *m) {
  (void)m;
  if (self->trip->handled++ || !self->trip->brakes) return ACT_OK;
  act_rc rc = lane_send_item(cx, self->child, (lane_item){0});
  return rc ? rc : lane_send_item(cx, self->child, (lane_item){0});
}

static act_rc driver_go(struct car *self, act_cx *cx, const lane_order *m) {
  struct trip *trip = self->trip;
  for (; trip->sent < m->count && !act_parked(cx); trip->sent++) {
    act_rc rc = lane_send_item(cx, trip->to, (lane_item){.n = trip->sent});
    if (rc) return rc;
  }
  trip->parked = act_parked(cx);
  return lane_send_after(cx, (lane_ref){act_self(cx)}, (lane_order){0});
}

static act_rc driver_after(struct car *self, act_cx *cx, const lane_order *m) {
  (void)m;
  self->trip->went_on = true;
  if (!self->trip->endless) return ACT_OK;
  return lane_send_after(cx, (lane_ref){act_self(cx)}, (lane_order){0});
}

static lane_ref start(act_sim *sim, struct trip *trip, act_mailbox_options mailbox) {
  lane_ref ref;
  struct trip_args args = {trip};
  act_child child = {.id = "car", .behavior = &driver, .args = &args, .mailbox = mailbox};
  assert_int_equal(act_sim_spawn(sim, &child, &ref.pid), ACT_OK);
  return ref;
}

// How many messages a full mailbox of `msgs` has handled when its parked sender is let in: then, and
// not before, somebody else gets in too.
static unsigned handled_before_letting_in(uint32_t msgs, uint32_t park_ms) {
  act_sim *sim;
  assert_int_equal(act_sim_open(7, NULL, NULL, &sim), ACT_OK);
  struct trip receiver = {.handled = 0}, sender = {.sent = 0};
  sender.to = start(sim, &receiver, (act_mailbox_options){.msgs = msgs, .full = ACT_PARK,
                                                          .park_ms = park_ms});
  lane_ref ref = start(sim, &sender, (act_mailbox_options){0});
  assert_int_equal(lane_send_go(act_sim_cx(sim), ref, (lane_order){.count = msgs + 1}), ACT_OK);
  while (!sender.parked) assert_true(act_sim_step(sim));
  assert_int_equal(sender.sent, msgs + 1);
  act_rc rc = ACT_EFULL;
  while (rc == ACT_EFULL && act_sim_step(sim)) {
    rc = lane_send_item(act_sim_cx(sim), sender.to, (lane_item){0});
  }
  assert_int_equal(rc, ACT_OK);
  unsigned handled = receiver.handled;
  act_sim_settle(sim);
  assert_true(sender.went_on);
  assert_int_equal(receiver.handled, msgs + 2);
  assert_int_equal(act_sim_close(sim), 0);
  return handled;
}

// A turn is 64 messages.
static void quick_receiver_lets_in_when_half_of_its_mailbox_is_free(void **state) {
  (void)state;
  assert_int_equal(handled_before_letting_in(64, 0), 64);
  assert_int_equal(handled_before_letting_in(128, 0), 64);
  assert_int_equal(handled_before_letting_in(130, 0), 128);
  assert_int_equal(handled_before_letting_in(256, 0), 128);
}

static void quick_receiver_lets_in_when_a_large_batch_is_free(void **state) {
  (void)state;
  assert_int_equal(handled_before_letting_in(1024, 0), 512);
  assert_int_equal(handled_before_letting_in(4096, 0), 512);
}

static void who_may_wait_only_briefly_is_let_in_at_once(void **state) {
  (void)state;
  assert_int_equal(handled_before_letting_in(256, 99), 64);
  assert_int_equal(handled_before_letting_in(256, 100), 128);
}

// The receiver is parked itself: it frees one place out of eight and no more for now.
static void receiver_that_cannot_go_on_lets_in_whom_it_has_room_for(void **state) {
  (void)state;
  act_sim *sim;
  assert_int_equal(act_sim_open(8, NULL, NULL, &sim), ACT_OK);
  struct trip receiver = {.brakes = true}, sender = {.sent = 0};
  sender.to = start(sim, &receiver, (act_mailbox_options){.msgs = 8, .full = ACT_PARK});
  lane_ref ref = start(sim, &sender, (act_mailbox_options){0});
  assert_int_equal(lane_send_go(act_sim_cx(sim), ref, (lane_order){.count = 9}), ACT_OK);
  act_sim_settle(sim);
  assert_true(sender.parked);
  assert_int_equal(receiver.handled, 1);
  assert_true(sender.went_on);
  act_sim_advance(sim, 20);
  assert_int_equal(receiver.handled, 9);
  assert_int_equal(act_sim_close(sim), 0);
}

// Its receiver is quick but seldom gets a turn, and half of its mailbox is not free in time. (A message
// that is ordered to itself keeps its actor busy for ever.)
static void deadline_finds_the_room_that_there_is(void **state) {
  (void)state;
  act_sim *sim;
  assert_int_equal(act_sim_open(9, NULL, NULL, &sim), ACT_OK);
  struct trip receiver = {.handled = 0}, sender = {.sent = 0}, busy = {.endless = true};
  sender.to = start(sim, &receiver, (act_mailbox_options){.msgs = 1024, .full = ACT_PARK,
                                                          .park_ms = 100});
  lane_ref ref = start(sim, &sender, (act_mailbox_options){0}), others[BUSY];
  for (unsigned i = 0; i < BUSY; i++) others[i] = start(sim, &busy, (act_mailbox_options){0});
  assert_int_equal(lane_send_go(act_sim_cx(sim), ref, (lane_order){.count = 1025}), ACT_OK);
  while (!sender.parked) assert_true(act_sim_step(sim));
  for (unsigned i = 0; i < BUSY; i++) {
    assert_int_equal(lane_send_after(act_sim_cx(sim), others[i], (lane_order){0}), ACT_OK);
  }
  int64_t until_ns = act_sim_now(sim) + 110 * 1000000;
  while (act_sim_now(sim) < until_ns) assert_true(act_sim_step(sim));
  assert_in_range(receiver.handled, 1, 511);
  assert_true(sender.went_on);
  busy.endless = false;
  act_sim_settle(sim);
  assert_int_equal(receiver.handled, 1025);
  assert_int_equal(act_sim_close(sim), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(quick_receiver_lets_in_when_half_of_its_mailbox_is_free),
      cmocka_unit_test(quick_receiver_lets_in_when_a_large_batch_is_free),
      cmocka_unit_test(who_may_wait_only_briefly_is_let_in_at_once),
      cmocka_unit_test(deadline_finds_the_room_that_there_is),
      cmocka_unit_test(receiver_that_cannot_go_on_lets_in_whom_it_has_room_for),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
