// SPDX-License-Identifier: Apache-2.0
//
// A million actors that wait, with sixteen bytes of state; then each gets one message and answers;
// then, outside the measured part, each is told to end.
// Bytes per actor are the growth of the resident memory from before the first spawn until all are
// up; the table of their addresses is made before and does not count.
#include <stdlib.h>
#include <string.h>

#include "base/atomic.h"
#include "tests/bench/workloads.h"

#define SPAWN_SLICE 1000u
#define WINDOW 512u

ACT_MSG(idle_poke, (u64, number, 1))
ACT_MSG_EMPTY(idle_more)
#define SLEEPER(CAST, CALL, P)   \
  CAST(P, 1, poke, idle_poke)    \
  CAST(P, 2, leave, idle_more)
ACT_PROTOCOL(sleeper, 1, SLEEPER)
#define IDLE(CAST, CALL, P)      \
  CAST(P, 1, answer, idle_poke)  \
  CAST(P, 2, more, idle_more)
ACT_PROTOCOL(idle, 1, IDLE)

static ACT__ATOMIC(uint64_t) up;  // how many inits have run

struct sleeping {
  uint64_t pokes, sum;
};
ACT_ACTOR(sleeping, sleeper, SLEEPER, struct sleeping, act_noargs)

static act_rc sleeping_init(struct sleeping *self, act_cx *cx, const act_noargs *args) {
  (void)self;
  (void)cx;
  (void)args;
  act__fetch_add_relaxed(&up, 1);  // relaxed: only a count
  return ACT_OK;
}

static act_rc sleeping_poke(struct sleeping *self, act_cx *cx, const idle_poke *m) {
  self->pokes++;
  self->sum += m->number;
  return idle_send_answer(cx, (idle_ref){act_sender(cx)}, *m);
}

static act_rc sleeping_leave(struct sleeping *self, act_cx *cx, const idle_more *m) {
  (void)self;
  (void)m;
  act_end(cx);
  return ACT_OK;
}

struct idler {
  struct bench *bench;
  uint64_t n, spawned, poked, answered, sum, told, gone;
  sleeper_ref *refs;
  double rss_before;
  int64_t spawned_ns, poking_ns;
};
ACT_ACTOR(idler, idle, IDLE, struct idler, struct bench)
ACT_ON_TICK(idler, set_up)
ACT_ON_EXIT(idler, on_exit_of_one)

static act_rc more(act_cx *cx) {
  return idle_send_more(cx, (idle_ref){act_self(cx)}, (idle_more){0});
}

static act_rc idler_init(struct idler *self, act_cx *cx, const struct bench *bench) {
  self->bench = (struct bench *)(uintptr_t)bench;
  self->n = bench_size(bench, 1000000, 1000);
  self->refs = malloc(self->n * sizeof *self->refs);
  if (!self->refs) return ACT_ENOMEM;
  memset(self->refs, 1, self->n * sizeof *self->refs);
  act_rc rc = act_defer(cx, free, self->refs);
  if (rc) {
    free(self->refs);
    return rc;
  }
  return act_after(cx, 0, set_up_then(0), NULL);
}

static act_rc set_up(struct idler *self, act_cx *cx, const act_tick *tick) {
  (void)tick;
  self->rss_before = bench_rss_bytes();
  bench_begin(self->bench);
  return more(cx);
}

static act_rc spawn_some(struct idler *self, act_cx *cx) {
  for (unsigned i = 0; i < SPAWN_SLICE && self->spawned < self->n; i++) {
    act_child child = {.behavior = &sleeping};
    act_rc rc = act_spawn(cx, &child, on_exit_of_one_then(0), &self->refs[self->spawned].pid);
    if (rc) return rc;
    self->spawned++;
  }
  return more(cx);
}

static act_rc poke_some(struct idler *self, act_cx *cx) {
  while (self->poked < self->n && self->poked - self->answered < WINDOW) {
    act_rc rc = sleeper_send_poke(cx, self->refs[self->poked], (idle_poke){.number = self->poked});
    if (rc) return rc;
    self->poked++;
  }
  return ACT_OK;
}

static act_rc tell_some(struct idler *self, act_cx *cx) {
  while (self->told < self->n && self->told - self->gone < WINDOW) {
    act_rc rc = sleeper_send_leave(cx, self->refs[self->told], (idle_more){0});
    if (rc) return rc;
    self->told++;
  }
  return ACT_OK;
}

static act_rc idler_more(struct idler *self, act_cx *cx, const idle_more *m) {
  (void)m;
  if (self->spawned < self->n) return spawn_some(self, cx);
  if (act__load_relaxed(&up) < self->n) return more(cx);  // relaxed: only a count
  self->spawned_ns = bench_now_ns();
  bench_extra(self->bench, "bytes_per",
              (bench_rss_bytes() - self->rss_before) / (double)self->n);
  self->poking_ns = bench_now_ns();
  self->bench->began_ns += self->poking_ns - self->spawned_ns;  // reading the memory is not work
  return poke_some(self, cx);
}

static act_rc idler_answer(struct idler *self, act_cx *cx, const idle_poke *m) {
  self->sum += m->number;
  if (++self->answered < self->n) {
    return self->poked - self->answered < WINDOW / 2 ? poke_some(self, cx) : ACT_OK;
  }
  bench_measured(self->bench, self->n);
  bench_check(self->bench, self->sum == self->n * (self->n - 1) / 2, "a wrong sum");
  double n = (double)self->n, spent = self->bench->result.seconds * 1e9;
  double messages = (double)(self->bench->ended_ns - self->poking_ns);
  bench_extra(self->bench, "spawn_ns", (spent - messages) / n);
  bench_extra(self->bench, "message_ns", messages / n);
  return tell_some(self, cx);
}

static act_rc on_exit_of_one(struct idler *self, act_cx *cx, const act_exit *exit) {
  bench_check(self->bench, exit->reason == ACT_REASON_NORMAL, "an actor failed");
  if (++self->gone < self->n) {
    return self->told - self->gone < WINDOW / 2 ? tell_some(self, cx) : ACT_OK;
  }
  double took = (double)(bench_now_ns() - self->bench->ended_ns);
  bench_extra(self->bench, "exit_ns", took / (double)self->n);
  act_request_stop(act_cx_runtime(cx));
  return ACT_OK;
}

void bench_idle(struct bench *bench) {
  bench_play(bench, &idler, (act_limits){0});
}
