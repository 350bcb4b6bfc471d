// SPDX-License-Identifier: Apache-2.0
//
// A token goes round a ring of 503 actors. The driver is one of them; the first round is the
// set-up.
#include "tests/bench/workloads.h"

#define RING_ACTORS 503u

ACT_MSG(ring_token, (i64, hops_left, 1))
#define RING(CAST, CALL, P) CAST(P, 1, token, ring_token)
ACT_PROTOCOL(ring, 1, RING)

struct member {
  ring_ref next;
};
ACT_ACTOR(member, ring, RING, struct member, struct member)

static act_rc member_init(struct member *self, act_cx *cx, const struct member *args) {
  (void)cx;
  *self = *args;
  return ACT_OK;
}

static act_rc member_token(struct member *self, act_cx *cx, const ring_token *m) {
  return ring_send_token(cx, self->next, (ring_token){.hops_left = m->hops_left - 1});
}

struct first {
  struct bench *bench;
  ring_ref next;
  int64_t hops, expected;
};
ACT_ACTOR(first, ring, RING, struct first, struct bench)
ACT_ON_TICK(first, set_up)

static act_rc first_init(struct first *self, act_cx *cx, const struct bench *bench) {
  self->bench = (struct bench *)(uintptr_t)bench;
  int64_t rounds = (int64_t)(bench_size(bench, 10000000, 20000) / RING_ACTORS) + 1;
  self->hops = rounds * RING_ACTORS;
  self->expected = self->hops;
  return act_after(cx, 0, set_up_then(0), NULL);
}

static act_rc set_up(struct first *self, act_cx *cx, const act_tick *tick) {
  (void)tick;
  self->next.pid = act_self(cx);
  for (unsigned i = 1; i < RING_ACTORS; i++) {
    struct member args = {self->next};
    act_child child = {.behavior = &member, .args = &args};
    act_rc rc = act_spawn(cx, &child, (act_exit_then){0}, &self->next.pid);
    if (rc) return rc;
  }
  return ring_send_token(cx, self->next, (ring_token){.hops_left = self->hops + RING_ACTORS - 1});
}

static act_rc first_token(struct first *self, act_cx *cx, const ring_token *m) {
  bench_check(self->bench, m->hops_left == self->expected, "a token out of turn");
  if (m->hops_left == self->hops) bench_begin(self->bench);
  if (m->hops_left == 0) {
    bench_end(self->bench, cx, (uint64_t)self->hops);
    return ACT_OK;
  }
  self->expected -= RING_ACTORS;
  return ring_send_token(cx, self->next, (ring_token){.hops_left = m->hops_left - 1});
}

void bench_ring(struct bench *bench) {
  bench_play(bench, &first, (act_limits){0});
}
