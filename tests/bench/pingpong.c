// SPDX-License-Identifier: Apache-2.0
//
// Two actors and one message between them, to and fro.
#include "tests/bench/workloads.h"

#define WARM_UP 1000

ACT_MSG(pp_ball, (i64, number, 1))
#define PP(CAST, CALL, P) CAST(P, 1, ball, pp_ball)
ACT_PROTOCOL(pp, 1, PP)

struct ponger_args {
  pp_ref home;
};
struct ponger {
  pp_ref home;
};
ACT_ACTOR(ponger, pp, PP, struct ponger, struct ponger_args)

static act_rc ponger_init(struct ponger *self, act_cx *cx, const struct ponger_args *args) {
  (void)cx;
  self->home = args->home;
  return ACT_OK;
}

static act_rc ponger_ball(struct ponger *self, act_cx *cx, const pp_ball *m) {
  return pp_send_ball(cx, self->home, *m);
}

struct pinger {
  struct bench *bench;
  pp_ref peer;
  int64_t expected, last;
};
ACT_ACTOR(pinger, pp, PP, struct pinger, struct bench)
ACT_ON_TICK(pinger, set_up)

static act_rc pinger_init(struct pinger *self, act_cx *cx, const struct bench *bench) {
  self->bench = (struct bench *)(uintptr_t)bench;
  self->last = (int64_t)bench_size(bench, 2000000, 2000);
  return act_after(cx, 0, set_up_then(0), NULL);
}

static act_rc set_up(struct pinger *self, act_cx *cx, const act_tick *tick) {
  (void)tick;
  struct ponger_args args = {{act_self(cx)}};
  act_child child = {.behavior = &ponger, .args = &args};
  act_rc rc = act_spawn(cx, &child, (act_exit_then){0}, &self->peer.pid);
  self->expected = -WARM_UP;
  return rc ? rc : pp_send_ball(cx, self->peer, (pp_ball){.number = self->expected});
}

static act_rc pinger_ball(struct pinger *self, act_cx *cx, const pp_ball *m) {
  bench_check(self->bench, m->number == self->expected, "a ball out of turn");
  if (m->number == 0) bench_begin(self->bench);
  if (m->number == self->last) {
    bench_end(self->bench, cx, (uint64_t)self->last);
    return ACT_OK;
  }
  self->expected++;
  return pp_send_ball(cx, self->peer, (pp_ball){.number = self->expected});
}

void bench_pingpong(struct bench *bench) {
  bench_play(bench, &pinger, (act_limits){0});
}
