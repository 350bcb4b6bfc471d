// SPDX-License-Identifier: Apache-2.0
//
// Empty jobs through the blocking pool and back, at most 512 in flight.
#include "tests/bench/workloads.h"

#define WINDOW 512u

struct giver {
  struct bench *bench;
  uint64_t n, given, done;
};
ACT_ACTOR0(giver, struct giver, struct bench)
ACT_ON_TICK(giver, set_up)
ACT_ON_DONE(giver, on_done)

static act_rc nothing(void *arg) {
  (void)arg;
  return ACT_OK;
}

static act_rc give(struct giver *self, act_cx *cx) {
  while (self->given < self->n && self->given - self->done < WINDOW) {
    act_rc rc = act_blocking(cx, (act_job){nothing, NULL, NULL}, on_done_then(0));
    if (rc) return rc;
    self->given++;
  }
  return ACT_OK;
}

static act_rc giver_init(struct giver *self, act_cx *cx, const struct bench *bench) {
  self->bench = (struct bench *)(uintptr_t)bench;
  self->n = bench_size(bench, 1000000, 1000);
  return act_after(cx, 0, set_up_then(0), NULL);
}

static act_rc set_up(struct giver *self, act_cx *cx, const act_tick *tick) {
  (void)tick;
  bench_begin(self->bench);
  return give(self, cx);
}

static act_rc on_done(struct giver *self, act_cx *cx, act_rc st, void *arg, uintptr_t tag) {
  (void)arg;
  (void)tag;
  if (st) return act_fail(cx, st, "a job failed");
  if (++self->done == self->n) {
    bench_end(self->bench, cx, self->n);
    return ACT_OK;
  }
  return self->given - self->done < WINDOW / 2 ? give(self, cx) : ACT_OK;
}

void bench_blocking(struct bench *bench) {
  bench_play(bench, &giver, (act_limits){0});
}
