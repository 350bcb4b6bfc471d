// SPDX-License-Identifier: Apache-2.0
//
// Asks with a deadline of one second, from one asker or from 64 that each have one in flight.
#include "tests/bench/workloads.h"

#define ASKERS_MAX 64u

ACT_MSG(ask_number, (i64, n, 1))
ACT_MSG(ask_value, (i64, n, 1))
ACT_MSG(ask_done, (u64, asks, 1))
ACT_MSG_EMPTY(ask_signal)
#define SERVER(CAST, CALL, P) CALL(P, 1, next, ask_number, ask_value)
ACT_PROTOCOL(server, 1, SERVER)
#define ASKER(CAST, CALL, P) CAST(P, 1, start, ask_signal)
ACT_PROTOCOL(asker, 1, ASKER)
#define ASKING(CAST, CALL, P) CAST(P, 1, done, ask_done)
ACT_PROTOCOL(asking, 1, ASKING)

struct answerer {
  uint64_t asked;
};
ACT_ACTOR(answerer, server, SERVER, struct answerer, act_noargs)

static act_rc answerer_init(struct answerer *self, act_cx *cx, const act_noargs *args) {
  (void)self;
  (void)cx;
  (void)args;
  return ACT_OK;
}

static act_rc answerer_next(struct answerer *self, act_cx *cx, const ask_number *m,
                            ask_value_reply reply) {
  self->asked++;
  return ask_value_answer(cx, reply, (ask_value){.n = m->n + 1});
}

struct client_args {
  server_ref server;
  asking_ref home;
  int64_t asks;
};
struct client {
  struct client_args args;
  int64_t asked;
};
ACT_ACTOR(client, asker, ASKER, struct client, struct client_args)
ACT_ON(client, on_value, ask_value)

static act_rc client_init(struct client *self, act_cx *cx, const struct client_args *args) {
  (void)cx;
  self->args = *args;
  return ACT_OK;
}

static act_rc ask_next(struct client *self, act_cx *cx) {
  return server_ask_next(cx, self->args.server, (ask_number){.n = self->asked}, ACT_SEC(1),
                         on_value_then(0));
}

static act_rc client_start(struct client *self, act_cx *cx, const ask_signal *m) {
  (void)m;
  return ask_next(self, cx);
}

static act_rc on_value(struct client *self, act_cx *cx, act_rc st, const ask_value *v,
                       uintptr_t tag) {
  (void)tag;
  if (st) return act_fail(cx, st, "an ask failed");
  if (v->n != self->asked + 1) return act_fail(cx, ACT_EFAIL, "a wrong answer");
  if (++self->asked < self->args.asks) return ask_next(self, cx);
  return asking_send_done(cx, self->args.home, (ask_done){.asks = (uint64_t)self->asked});
}

struct master {
  struct bench *bench;
  unsigned askers, done;
  uint64_t each, asks;
  asker_ref clients[ASKERS_MAX];
};
ACT_ACTOR(master, asking, ASKING, struct master, struct bench)
ACT_ON_TICK(master, set_up)
ACT_ON_TICK(master, begin)

static act_rc master_init(struct master *self, act_cx *cx, const struct bench *bench) {
  self->bench = (struct bench *)(uintptr_t)bench;
  self->askers = (unsigned)bench->x;
  self->each = bench_size(bench, 1000000, 6400) / self->askers;
  return act_after(cx, 0, set_up_then(0), NULL);
}

static act_rc set_up(struct master *self, act_cx *cx, const act_tick *tick) {
  (void)tick;
  struct client_args args = {.home = {act_self(cx)}, .asks = (int64_t)self->each};
  act_child child = {.behavior = &answerer};
  act_rc rc = act_spawn(cx, &child, (act_exit_then){0}, &args.server.pid);
  for (unsigned i = 0; i < self->askers && !rc; i++) {
    child = (act_child){.behavior = &client, .args = &args};
    rc = act_spawn(cx, &child, (act_exit_then){0}, &self->clients[i].pid);
  }
  return rc ? rc : act_after(cx, ACT_MS(10), begin_then(0), NULL);
}

static act_rc begin(struct master *self, act_cx *cx, const act_tick *tick) {
  (void)tick;
  bench_begin(self->bench);
  for (unsigned i = 0; i < self->askers; i++) {
    act_rc rc = asker_send_start(cx, self->clients[i], (ask_signal){0});
    if (rc) return rc;
  }
  return ACT_OK;
}

static act_rc master_done(struct master *self, act_cx *cx, const ask_done *m) {
  self->asks += m->asks;
  if (++self->done < self->askers) return ACT_OK;
  bench_end(self->bench, cx, self->each * self->askers);
  bench_check(self->bench, self->asks == self->each * self->askers, "a wrong number of asks");
  return ACT_OK;
}

static void ask_by(struct bench *bench, unsigned askers) {
  bench->x = askers;
  bench_play(bench, &master, (act_limits){0});
}

void bench_ask(struct bench *bench) {
  ask_by(bench, 1);
}

void bench_ask64(struct bench *bench) {
  ask_by(bench, ASKERS_MAX);
}
