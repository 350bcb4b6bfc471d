// SPDX-License-Identifier: Apache-2.0
//
// A million timers of one actor: set and cancelled in the same order or in one of chance, or all expiring
// within a second. Lateness is what the tick's own time says against when it was due.
#include <stdlib.h>
#include <string.h>

#include "tests/bench/workloads.h"

#define SLICE 1000u
#define FAR_MS 60000u
#define NEAR_MS 1000u

ACT_MSG_EMPTY(timers_more)
#define TIMERS(CAST, CALL, P) CAST(P, 1, more, timers_more)
ACT_PROTOCOL(timers, 1, TIMERS)

enum fate { IN_ORDER, BY_CHANCE, EXPIRING };  // the first two: cancelled

struct keeper {
  struct bench *bench;
  act_timer *timers;
  uint32_t *order;  // BY_CHANCE: in which they are cancelled
  bool expiring;    // not cancelled
  uint64_t n, set, cancelled, expired;
  int64_t set_ns;
  double late_ns, latest_ns;
};
ACT_ACTOR(keeper, timers, TIMERS, struct keeper, struct bench)
ACT_ON_TICK(keeper, set_up)
ACT_ON_TICK(keeper, on_expiry)

static act_rc more(act_cx *cx) {
  return timers_send_more(cx, (timers_ref){act_self(cx)}, (timers_more){0});
}

static bool make_order(struct keeper *self) {
  self->order = malloc(self->n * sizeof *self->order);
  if (!self->order) return false;
  uint64_t random = 8;
  for (uint32_t i = 0; i < self->n; i++) {
    random = random * 48271u % 2147483647u;
    uint32_t other = (uint32_t)(random % (i + 1));
    self->order[i] = self->order[other];
    self->order[other] = i;
  }
  return true;
}

static void free_all(void *arg) {
  struct keeper *self = arg;
  free(self->timers);
  free(self->order);
}

static act_rc keeper_init(struct keeper *self, act_cx *cx, const struct bench *bench) {
  self->bench = (struct bench *)(uintptr_t)bench;
  self->expiring = bench->x == EXPIRING;
  self->n = bench_size(bench, 1000000, 2000);
  self->timers = calloc(self->n, sizeof *self->timers);
  if (!self->timers) return ACT_ENOMEM;
  memset(self->timers, 0, self->n * sizeof *self->timers);
  act_rc rc = bench->x == BY_CHANCE && !make_order(self) ? ACT_ENOMEM : ACT_OK;
  if (!rc) rc = act_defer(cx, free_all, self);
  if (rc) {
    free_all(self);
    return rc;
  }
  return act_after(cx, 0, set_up_then(0), NULL);
}

static act_rc set_up(struct keeper *self, act_cx *cx, const act_tick *tick) {
  (void)tick;
  bench_begin(self->bench);
  return more(cx);
}

static act_rc set_some(struct keeper *self, act_cx *cx) {
  int64_t now_ns = bench_now_ns();
  for (unsigned i = 0; i < SLICE && self->set < self->n; i++, self->set++) {
    uint32_t ms = self->expiring ? 1 + (uint32_t)(self->set % NEAR_MS)
                                 : FAR_MS + (uint32_t)(self->set % FAR_MS);
    uintptr_t due_ns = (uintptr_t)(now_ns + (int64_t)ms * 1000000);
    act_rc rc = act_after(cx, ms, on_expiry_then(due_ns),
                          self->expiring ? NULL : &self->timers[self->set]);
    if (rc) return rc;
  }
  self->set_ns = bench_now_ns();
  return more(cx);
}

static act_rc cancel_some(struct keeper *self, act_cx *cx) {
  for (unsigned i = 0; i < SLICE && self->cancelled < self->n; i++) {
    uint64_t next = self->cancelled++;
    act_cancel(cx, &self->timers[self->order ? self->order[next] : next]);
  }
  if (self->cancelled < self->n) return more(cx);
  bench_end(self->bench, cx, self->n);
  bench_check(self->bench, self->expired == 0, "a timer expired early");
  double n = (double)self->n;
  bench_extra(self->bench, "set_ns", (double)(self->set_ns - self->bench->began_ns) / n);
  bench_extra(self->bench, "cancel_ns", (double)(self->bench->ended_ns - self->set_ns) / n);
  return ACT_OK;
}

static act_rc keeper_more(struct keeper *self, act_cx *cx, const timers_more *m) {
  (void)m;
  if (self->set < self->n) return set_some(self, cx);
  return self->expiring ? ACT_OK : cancel_some(self, cx);
}

static act_rc on_expiry(struct keeper *self, act_cx *cx, const act_tick *tick) {
  double late_ns = (double)(tick->now_ns - (int64_t)tick->tag);
  self->late_ns += late_ns;
  if (late_ns > self->latest_ns) self->latest_ns = late_ns;
  if (++self->expired < self->n) return ACT_OK;
  struct bench *bench = self->bench;
  bench_end(bench, cx, self->n);
  bench->result.ns_per = bench->result.cpu * bench->result.seconds * 1e9 / (double)self->n;
  bench_extra(bench, "late_ms", self->late_ns / (double)self->n / 1e6);
  bench_extra(bench, "latest_ms", self->latest_ns / 1e6);
  bench_extra(bench, "peak_rss_mb", bench_peak_rss_bytes() / 1e6);
  return ACT_OK;
}

static void play(struct bench *bench, enum fate fate) {
  bench->x = fate;
  bench_play(bench, &keeper, (act_limits){.timers = 1u << 20});
}

void bench_timers(struct bench *bench) {
  play(bench, IN_ORDER);
}

void bench_timers_shuffled(struct bench *bench) {
  play(bench, BY_CHANCE);
}

void bench_timers_expire(struct bench *bench) {
  play(bench, EXPIRING);
}
