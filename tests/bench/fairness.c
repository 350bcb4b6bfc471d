// SPDX-License-Identifier: Apache-2.0
//
// Two actors pass a ball while one actor sends to itself without end and another needs a
// millisecond for each message, also without end. What counts is how long the ball is held up.
#include "tests/bench/workloads.h"

#define SLOW_US 1000.0
#define P99_MAX_NS (10e6)  // two handlers of 1 ms, two budgets, and room for the machine

ACT_MSG_EMPTY(fair_signal)
#define HOG(CAST, CALL, P) CAST(P, 1, more, fair_signal)
ACT_PROTOCOL(hogging, 1, HOG)
#define FAIR(CAST, CALL, P) CAST(P, 1, ball, fair_signal)
ACT_PROTOCOL(fair, 1, FAIR)

struct hog {
  const struct bench *bench;
  double us;
};
ACT_ACTOR(hog, hogging, HOG, struct hog, struct hog)

static act_rc hog_init(struct hog *self, act_cx *cx, const struct hog *args) {
  *self = *args;
  return hogging_send_more(cx, (hogging_ref){act_self(cx)}, (fair_signal){0});
}

static act_rc hog_more(struct hog *self, act_cx *cx, const fair_signal *m) {
  if (self->us > 0) bench_spin(self->bench, self->us);
  return hogging_send_more(cx, (hogging_ref){act_self(cx)}, *m);
}

struct other {
  uint64_t balls;
};
ACT_ACTOR(other, fair, FAIR, struct other, act_noargs)

static act_rc other_init(struct other *self, act_cx *cx, const act_noargs *args) {
  (void)self;
  (void)cx;
  (void)args;
  return ACT_OK;
}

static act_rc other_ball(struct other *self, act_cx *cx, const fair_signal *m) {
  self->balls++;
  return fair_send_ball(cx, (fair_ref){act_sender(cx)}, *m);
}

struct one {
  struct bench *bench;
  fair_ref peer;
  int64_t sent_ns, end_ns;
  struct bench_histogram round_trips;
};
ACT_ACTOR(one, fair, FAIR, struct one, struct bench)
ACT_ON_TICK(one, set_up)

static act_rc one_init(struct one *self, act_cx *cx, const struct bench *bench) {
  self->bench = (struct bench *)(uintptr_t)bench;
  return act_after(cx, 0, set_up_then(0), NULL);
}

static act_rc throw_ball(struct one *self, act_cx *cx) {
  self->sent_ns = bench_now_ns();
  return fair_send_ball(cx, self->peer, (fair_signal){0});
}

static act_rc set_up(struct one *self, act_cx *cx, const act_tick *tick) {
  (void)tick;
  act_child child = {.behavior = &other};
  act_rc rc = act_spawn(cx, &child, (act_exit_then){0}, &self->peer.pid);
  for (int i = 0; i < 2 && !rc; i++) {
    struct hog args = {self->bench, i ? SLOW_US : 0};
    child = (act_child){.behavior = &hog, .args = &args};
    rc = act_spawn(cx, &child, (act_exit_then){0}, NULL);
  }
  if (rc) return rc;
  bench_begin(self->bench);
  self->end_ns = self->bench->began_ns + (self->bench->quick ? 200 : 2000) * INT64_C(1000000);
  return throw_ball(self, cx);
}

static act_rc one_ball(struct one *self, act_cx *cx, const fair_signal *m) {
  (void)m;
  int64_t now_ns = bench_now_ns();
  bench_histogram_add(&self->round_trips, now_ns - self->sent_ns);
  if (now_ns < self->end_ns) return throw_ball(self, cx);
  bench_end(self->bench, cx, self->round_trips.count);
  double p99 = bench_histogram_at(&self->round_trips, 0.99);
  bench_check(self->bench, self->bench->quick || p99 <= P99_MAX_NS, "others are held up too long");
  bench_extra(self->bench, "p50_us", bench_histogram_at(&self->round_trips, 0.5) / 1e3);
  bench_extra(self->bench, "p99_us", p99 / 1e3);
  bench_extra(self->bench, "max_us", bench_histogram_at(&self->round_trips, 0.999999) / 1e3);
  return ACT_OK;
}

void bench_fairness(struct bench *bench) {
  bench_play(bench, &one, (act_limits){0});
}
