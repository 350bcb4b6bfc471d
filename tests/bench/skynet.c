// SPDX-License-Identifier: Apache-2.0
//
// A tree of actors, ten children each; the leaves send their numbers up and end, inner actors sum.
#include "tests/bench/workloads.h"

#define FAN_OUT 10u

ACT_MSG(sky_sum, (u64, value, 1))
#define SKY(CAST, CALL, P) CAST(P, 1, sum, sky_sum)
ACT_PROTOCOL(sky, 1, SKY)

struct branch_args {
  sky_ref parent;
  uint64_t first, size;
};
struct branch {
  sky_ref parent;
  uint64_t sum;
  unsigned missing;
};
ACT_ACTOR(branch, sky, SKY, struct branch, struct branch_args)

static act_rc branch_init(struct branch *self, act_cx *cx, const struct branch_args *args) {
  if (args->size == 1) {
    act_end(cx);
    return sky_send_sum(cx, args->parent, (sky_sum){.value = args->first});
  }
  self->parent = args->parent;
  self->missing = FAN_OUT;
  uint64_t size = args->size / FAN_OUT;
  for (unsigned i = 0; i < FAN_OUT; i++) {
    struct branch_args child_args = {{act_self(cx)}, args->first + i * size, size};
    act_child child = {.behavior = &branch, .args = &child_args};
    act_rc rc = act_spawn(cx, &child, (act_exit_then){0}, NULL);
    if (rc) return rc;
  }
  return ACT_OK;
}

static act_rc branch_sum(struct branch *self, act_cx *cx, const sky_sum *m) {
  self->sum += m->value;
  if (--self->missing) return ACT_OK;
  act_end(cx);
  return sky_send_sum(cx, self->parent, (sky_sum){.value = self->sum});
}

struct trunk {
  struct bench *bench;
  uint64_t leaves;
};
ACT_ACTOR(trunk, sky, SKY, struct trunk, struct bench)
ACT_ON_TICK(trunk, set_up)

static act_rc trunk_init(struct trunk *self, act_cx *cx, const struct bench *bench) {
  self->bench = (struct bench *)(uintptr_t)bench;
  self->leaves = bench_size(bench, 1000000, 1000);
  return act_after(cx, 0, set_up_then(0), NULL);
}

static act_rc set_up(struct trunk *self, act_cx *cx, const act_tick *tick) {
  (void)tick;
  bench_begin(self->bench);
  struct branch_args args = {{act_self(cx)}, 0, self->leaves};
  act_child child = {.behavior = &branch, .args = &args};
  return act_spawn(cx, &child, (act_exit_then){0}, NULL);
}

static act_rc trunk_sum(struct trunk *self, act_cx *cx, const sky_sum *m) {
  bench_end(self->bench, cx, self->leaves);
  bench_check(self->bench, m->value == self->leaves * (self->leaves - 1) / 2, "a wrong sum");
  bench_extra(self->bench, "peak_rss_mb", bench_peak_rss_bytes() / 1e6);
  return ACT_OK;
}

void bench_skynet(struct bench *bench) {
  bench_play(bench, &trunk, (act_limits){0});
}
