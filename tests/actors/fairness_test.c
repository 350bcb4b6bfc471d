// SPDX-License-Identifier: Apache-2.0
//
// Real workers and two actors that never stop: `hog` sends to itself without end, `slow` needs a
// millisecond for each of the many messages that it always has. How long others wait beside them is
// counted in handled messages of `slow` on one worker: nothing that the machine does to us changes it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <troupe.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "runtime/exec.h"
#include "tests/runtime/watchdog.h"

#define SLOW_NS ACT__NS_PER_MS
#define IN_FLIGHT 16u      // messages that each of the two always has
#define ROUND_TRIPS 300u
#define TIMERS 30u
#define TIMER_MS 5u
#define JOBS 21u           // an odd number: it has a median

// What others wait for, in turns of `slow`: one that runs already, and one more when it is its turn.
#define TURNS_A_HOP 2u
// What comes by way of the shared queue: as much, and once more while the worker's own has its turn.
#define TURNS_FROM_OUTSIDE (TURNS_A_HOP + 1)

ACT_MSG_EMPTY(fair_signal)
#define HOGGING(CAST, CALL, P) CAST(P, 1, more, fair_signal)
ACT_PROTOCOL(hogging, 1, HOGGING)
#define PLAYING(CAST, CALL, P) CAST(P, 1, ball, fair_signal)
ACT_PROTOCOL(playing, 1, PLAYING)

static ACT__ATOMIC(uint32_t) hog_handled, slow_handled;

static uint32_t slow_now(void) {
  return act__load_relaxed(&slow_handled);  // relaxed: a count
}

// --- who never stops -------------------------------------------------------------------------------

struct endless {
  bool is_slow;
};
ACT_ACTOR(hogger, hogging, HOGGING, struct endless, struct endless)

static act_rc hogger_init(struct endless *self, act_cx *cx, const struct endless *args) {
  *self = *args;
  act_rc rc = ACT_OK;
  for (unsigned i = 0; i < IN_FLIGHT && !rc; i++) {
    rc = hogging_send_more(cx, (hogging_ref){act_self(cx)}, (fair_signal){0});
  }
  return rc;
}

static act_rc hogger_more(struct endless *self, act_cx *cx, const fair_signal *m) {
  if (self->is_slow) {
    int64_t end_ns = act__clock_now(act__clock_system()) + SLOW_NS;
    while (act__clock_now(act__clock_system()) < end_ns) act__spin_pause();
  }
  act__fetch_add_relaxed(self->is_slow ? &slow_handled : &hog_handled, 1);  // relaxed: counts
  return hogging_send_more(cx, (hogging_ref){act_self(cx)}, *m);
}

// --- who is beside them ----------------------------------------------------------------------------

struct waits {
  uint32_t turns[ROUND_TRIPS];  // of slow, that one thing had to wait
  unsigned count;
};
static struct waits ball_waits, timer_waits, job_waits;

static void add_wait(struct waits *waits, uint32_t turns) {
  if (waits->count < ROUND_TRIPS) waits->turns[waits->count++] = turns;
}

static int by_size(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

static uint32_t wait_at(struct waits *waits, double share) {
  assert_true(waits->count > 0);
  qsort(waits->turns, waits->count, sizeof waits->turns[0], by_size);
  return waits->turns[(size_t)((double)(waits->count - 1) * share)];
}

static bool counts_are_exact;  // one thread runs all turns
static uint32_t ball_began_at, ball_ended_at;
static ACT__ATOMIC(uint32_t) still_open;  // of ball, timers and jobs, which still go on

static act_rc one_less(act_cx *cx) {
  // relaxed: a count
  if (act__fetch_sub_relaxed(&still_open, 1) == 1) act_request_stop(act_cx_runtime(cx));
  return ACT_OK;
}

struct partner {
  int unused;
};
ACT_ACTOR(partner, playing, PLAYING, struct partner, act_noargs)

static act_rc partner_init(struct partner *self, act_cx *cx, const act_noargs *args) {
  (void)self;
  (void)cx;
  (void)args;
  return ACT_OK;
}

static act_rc partner_ball(struct partner *self, act_cx *cx, const fair_signal *m) {
  (void)self;
  return playing_send_ball(cx, (playing_ref){act_sender(cx)}, *m);
}

struct player {
  uint32_t thrown_at;
};
ACT_ACTOR(player, playing, PLAYING, struct player, act_noargs)

static act_rc throw_ball(struct player *self, act_cx *cx) {
  playing_svc to;
  act_rc rc = playing_svc_named(cx, "partner", &to);
  self->thrown_at = slow_now();
  return rc ? rc : playing_svc_send_ball(cx, to, (fair_signal){0});
}

static act_rc player_init(struct player *self, act_cx *cx, const act_noargs *args) {
  (void)args;
  ball_began_at = slow_now();
  return throw_ball(self, cx);
}

static act_rc player_ball(struct player *self, act_cx *cx, const fair_signal *m) {
  (void)m;
  uint32_t turns = slow_now() - self->thrown_at;
  add_wait(&ball_waits, turns);
  if (counts_are_exact && turns > 2 * TURNS_A_HOP) {
    act_request_stop(act_cx_runtime(cx));  // it has failed; the rest would take long
    return ACT_OK;
  }
  if (ball_waits.count < ROUND_TRIPS) return throw_ball(self, cx);
  ball_ended_at = slow_now();
  return one_less(cx);
}

struct sleeper {
  uint32_t armed_at;
};
ACT_ACTOR(sleeper, playing, PLAYING, struct sleeper, act_noargs)
ACT_ON_TICK(sleeper, on_tick)

static act_rc set_timer(struct sleeper *self, act_cx *cx) {
  self->armed_at = slow_now();
  return act_after(cx, TIMER_MS, on_tick_then(0), NULL);
}

static act_rc sleeper_init(struct sleeper *self, act_cx *cx, const act_noargs *args) {
  (void)args;
  return set_timer(self, cx);
}

static act_rc sleeper_ball(struct sleeper *self, act_cx *cx, const fair_signal *m) {
  (void)self;
  (void)cx;
  (void)m;
  return ACT_OK;
}

// Each turn of slow takes a millisecond or more: so many have no room before the timer is due.
static act_rc on_tick(struct sleeper *self, act_cx *cx, const act_tick *tick) {
  (void)tick;
  uint32_t turns = slow_now() - self->armed_at;
  add_wait(&timer_waits, turns > TIMER_MS ? turns - TIMER_MS : 0);
  return timer_waits.count < TIMERS ? set_timer(self, cx) : one_less(cx);
}

struct giver {
  uint32_t job_ended_at;  // written by the job
};
ACT_ACTOR(giver, playing, PLAYING, struct giver, act_noargs)
ACT_ON_DONE(giver, on_job)

static act_rc job(void *arg) {
  ((struct giver *)arg)->job_ended_at = slow_now();
  return ACT_OK;
}

static act_rc give_job(struct giver *self, act_cx *cx) {
  return act_blocking(cx, (act_job){job, self, NULL}, on_job_then(0));
}

static act_rc giver_init(struct giver *self, act_cx *cx, const act_noargs *args) {
  (void)args;
  return give_job(self, cx);
}

static act_rc giver_ball(struct giver *self, act_cx *cx, const fair_signal *m) {
  (void)self;
  (void)cx;
  (void)m;
  return ACT_OK;
}

static act_rc on_job(struct giver *self, act_cx *cx, act_rc status, void *arg, uintptr_t tag) {
  (void)arg;
  (void)tag;
  if (status) return status;
  add_wait(&job_waits, slow_now() - self->job_ended_at);
  return job_waits.count < JOBS ? give_job(self, cx) : one_less(cx);
}

// --- tests -----------------------------------------------------------------------------------------

static const struct endless fast_args = {false}, slow_args = {true};
static const act_child kids[] = {
    {.id = "hog", .behavior = &hogger, .args = &fast_args},
    {.id = "slow", .behavior = &hogger, .args = &slow_args},
    {.id = "partner", .name = "partner", .behavior = &partner},
    {.id = "player", .behavior = &player},
    {.id = "sleeper", .behavior = &sleeper},
    {.id = "giver", .behavior = &giver},
};
static const act_sup root = {.never_restart = true, .kids = kids, .nkids = ACT_COUNT(kids)};

static void play(act_node node) {
  act__store_relaxed(&hog_handled, 0);  // relaxed: nothing runs
  act__store_relaxed(&slow_handled, 0);
  act__store_relaxed(&still_open, 3);
  ball_waits.count = timer_waits.count = job_waits.count = 0;
  counts_are_exact = node.flavour == ACT_CURRENT_THREAD || node.workers == 1;
  struct watchdog dog = {0};
  watchdog_start(&dog, "what goes on beside two that never stop", 50 * ACT__NS_PER_S);
  act_runtime *rt;
  node.name = "fair";
  assert_int_equal(act_start(&node, &root, &rt), ACT_OK);
  act_wait(rt);
  assert_int_equal(act_stop(rt), 0);  // the two as well, who never come to rest
  watchdog_stop(&dog);
  if (counts_are_exact) assert_in_range(wait_at(&ball_waits, 1), 0, 2 * TURNS_A_HOP);
  assert_int_equal(ball_waits.count, ROUND_TRIPS);
  assert_int_equal(timer_waits.count, TIMERS);
  assert_int_equal(job_waits.count, JOBS);
}

static void check_counts(uint32_t timer_turns_max) {
  // Not the worst: a thread that the machine stops between its look and its submission sees more.
  assert_in_range(wait_at(&timer_waits, 0.9), 0, timer_turns_max);
  assert_in_range(wait_at(&job_waits, 0.5), 0, TURNS_FROM_OUTSIDE);
  // Nor do two that talk without end hold up the others.
  assert_in_range(ball_ended_at - ball_began_at, 2 * ROUND_TRIPS / (2 * ACT__NEXT_CAP), UINT32_MAX);
  assert_true(act__load_relaxed(&hog_handled) > 0);  // relaxed: nothing runs
}

static void on_one_thread_others_wait_for_no_more_than_a_turn_of_each(void **state) {
  (void)state;
  play((act_node){.flavour = ACT_CURRENT_THREAD});
  check_counts(TURNS_A_HOP);
}

static void on_one_worker_others_wait_for_no_more_than_a_turn_of_each(void **state) {
  (void)state;
  play((act_node){.workers = 1});
  check_counts(TURNS_FROM_OUTSIDE);  // the monitor fires what is overdue, from outside
}

static void on_two_workers_nobody_starves(void **state) {
  (void)state;
  int64_t began_ns = act__clock_now(act__clock_system());
  play((act_node){.workers = 2});
  // Turns of slow go on beside a worker that the machine has stopped, so here it is time that counts,
  // on the average. What holds a ball up is a turn of slow, a millisecond, at each of its two hops.
  int64_t took_ns = act__clock_now(act__clock_system()) - began_ns;
  assert_in_range(took_ns / ROUND_TRIPS, 0, 10 * SLOW_NS);
  assert_true(slow_now() > 0 && act__load_relaxed(&hog_handled) > 0);  // relaxed: nothing runs
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(on_one_thread_others_wait_for_no_more_than_a_turn_of_each),
      cmocka_unit_test(on_one_worker_others_wait_for_no_more_than_a_turn_of_each),
      cmocka_unit_test(on_two_workers_nobody_starves),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
