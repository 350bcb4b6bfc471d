// SPDX-License-Identifier: Apache-2.0
//
// 64 actors with work to do that takes a processor 1 us, 10 us or 1 ms per message, some with eight
// times as much as others. Each actor sends itself its next piece.
#include "tests/bench/workloads.h"

#define ACTORS 64u
#define WEIGHTS 8u  // actor i has 1 + i % 8 shares

ACT_MSG_EMPTY(par_signal)
#define WORKING(CAST, CALL, P) CAST(P, 1, piece, par_signal)
ACT_PROTOCOL(working, 1, WORKING)
ACT_MSG(par_report, (u64, pieces, 1))
#define PARALLEL(CAST, CALL, P) CAST(P, 1, done, par_report)
ACT_PROTOCOL(parallel, 1, PARALLEL)

struct labourer_args {
  const struct bench *bench;
  parallel_ref home;
  uint64_t pieces;
  double us;
};
struct labourer {
  struct labourer_args args;
  uint64_t done;
};
ACT_ACTOR(labourer, working, WORKING, struct labourer, struct labourer_args)

static act_rc labourer_init(struct labourer *self, act_cx *cx, const struct labourer_args *args) {
  (void)cx;
  self->args = *args;
  return ACT_OK;
}

static act_rc labourer_piece(struct labourer *self, act_cx *cx, const par_signal *m) {
  bench_spin(self->args.bench, self->args.us);
  if (++self->done < self->args.pieces) {
    return working_send_piece(cx, (working_ref){act_self(cx)}, *m);
  }
  return parallel_send_done(cx, self->args.home, (par_report){.pieces = self->done});
}

struct foreman {
  struct bench *bench;
  working_ref crew[ACTORS];
  uint64_t unit, pieces;
  unsigned done;
};
ACT_ACTOR(foreman, parallel, PARALLEL, struct foreman, struct bench)
ACT_ON_TICK(foreman, set_up)
ACT_ON_TICK(foreman, begin)

static uint64_t shares(void) {
  uint64_t sum = 0;
  for (unsigned i = 0; i < ACTORS; i++) sum += 1 + i % WEIGHTS;
  return sum;
}

static act_rc foreman_init(struct foreman *self, act_cx *cx, const struct bench *bench) {
  self->bench = (struct bench *)(uintptr_t)bench;
  uint64_t n = (uint64_t)((bench->quick ? 5e3 : 5e5) / (double)bench->x);  // half a second on one
  self->unit = bench_size(bench, n, n) / shares() + 1;
  return act_after(cx, 0, set_up_then(0), NULL);
}

static act_rc set_up(struct foreman *self, act_cx *cx, const act_tick *tick) {
  (void)tick;
  for (unsigned i = 0; i < ACTORS; i++) {
    struct labourer_args args = {self->bench, {act_self(cx)}, self->unit * (1 + i % WEIGHTS),
                                 (double)self->bench->x};
    act_child child = {.behavior = &labourer, .args = &args};
    act_rc rc = act_spawn(cx, &child, (act_exit_then){0}, &self->crew[i].pid);
    if (rc) return rc;
  }
  return act_after(cx, ACT_MS(10), begin_then(0), NULL);
}

static act_rc begin(struct foreman *self, act_cx *cx, const act_tick *tick) {
  (void)tick;
  bench_begin(self->bench);
  for (unsigned i = 0; i < ACTORS; i++) {
    act_rc rc = working_send_piece(cx, self->crew[i], (par_signal){0});
    if (rc) return rc;
  }
  return ACT_OK;
}

static act_rc foreman_done(struct foreman *self, act_cx *cx, const par_report *m) {
  self->pieces += m->pieces;
  if (++self->done < ACTORS) return ACT_OK;
  bench_end(self->bench, cx, self->pieces);
  bench_check(self->bench, self->pieces == self->unit * shares(), "a wrong number of pieces");
  return ACT_OK;
}

static void work_for(struct bench *bench, unsigned us) {
  bench->x = us;
  bench_play(bench, &foreman, (act_limits){0});
}

void bench_parallel_1us(struct bench *bench) {
  work_for(bench, 1);
}

void bench_parallel_10us(struct bench *bench) {
  work_for(bench, 10);
}

void bench_parallel_1ms(struct bench *bench) {
  work_for(bench, 1000);
}
