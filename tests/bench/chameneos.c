// SPDX-License-Identifier: Apache-2.0
//
// A hundred creatures meet in pairs at a mall, which tells the first of a pair about the second;
// they take each other's colours into account and come again. Four messages a meeting.
#include "tests/bench/workloads.h"

#define CREATURES 100u

ACT_MSG(cham_visit, (pid, who, 1)(u32, colour, 2))
ACT_MSG(cham_colour, (u32, colour, 1))
ACT_MSG_EMPTY(cham_signal)
#define CREATURE(CAST, CALL, P)   \
  CAST(P, 1, meet, cham_visit)    \
  CAST(P, 2, change, cham_colour) \
  CAST(P, 3, start, cham_signal)
ACT_PROTOCOL(cham, 1, CREATURE)
#define MALL(CAST, CALL, P) CAST(P, 1, visit, cham_visit)
ACT_PROTOCOL(mall, 1, MALL)

struct creature {
  mall_ref mall;
  uint32_t colour;
};
ACT_ACTOR(creature, cham, CREATURE, struct creature, struct creature)

static act_rc creature_init(struct creature *self, act_cx *cx, const struct creature *args) {
  (void)cx;
  *self = *args;
  return ACT_OK;
}

static act_rc visit(struct creature *self, act_cx *cx) {
  return mall_send_visit(cx, self->mall,
                         (cham_visit){.who = act_self(cx), .colour = self->colour});
}

static uint32_t complement(uint32_t a, uint32_t b) {
  return a == b ? a : 3 - a - b;
}

static act_rc creature_start(struct creature *self, act_cx *cx, const cham_signal *m) {
  (void)m;
  return visit(self, cx);
}

static act_rc creature_meet(struct creature *self, act_cx *cx, const cham_visit *m) {
  self->colour = complement(self->colour, m->colour);
  act_rc rc = cham_send_change(cx, (cham_ref){m->who}, (cham_colour){.colour = self->colour});
  return rc ? rc : visit(self, cx);
}

static act_rc creature_change(struct creature *self, act_cx *cx, const cham_colour *m) {
  self->colour = m->colour;
  return visit(self, cx);
}

struct hall {
  struct bench *bench;
  cham_ref creatures[CREATURES];
  cham_visit first;
  bool has_first;
  uint64_t left, meetings;
};
ACT_ACTOR(hall, mall, MALL, struct hall, struct bench)
ACT_ON_TICK(hall, set_up)
ACT_ON_TICK(hall, begin)

static act_rc hall_init(struct hall *self, act_cx *cx, const struct bench *bench) {
  self->bench = (struct bench *)(uintptr_t)bench;
  self->meetings = self->left = bench_size(bench, 1000000, 1000);
  return act_after(cx, 0, set_up_then(0), NULL);
}

static act_rc set_up(struct hall *self, act_cx *cx, const act_tick *tick) {
  (void)tick;
  for (uint32_t i = 0; i < CREATURES; i++) {
    struct creature args = {{act_self(cx)}, i % 3};
    act_child child = {.behavior = &creature, .args = &args};
    act_rc rc = act_spawn(cx, &child, (act_exit_then){0}, &self->creatures[i].pid);
    if (rc) return rc;
  }
  return act_after(cx, ACT_MS(10), begin_then(0), NULL);
}

static act_rc begin(struct hall *self, act_cx *cx, const act_tick *tick) {
  (void)tick;
  bench_begin(self->bench);
  for (uint32_t i = 0; i < CREATURES; i++) {
    act_rc rc = cham_send_start(cx, self->creatures[i], (cham_signal){0});
    if (rc) return rc;
  }
  return ACT_OK;
}

static act_rc hall_visit(struct hall *self, act_cx *cx, const cham_visit *m) {
  bench_check(self->bench, m->colour < 3, "a colour that is none");
  if (self->left == 0) return ACT_OK;
  if (!self->has_first) {
    self->first = *m;
    self->has_first = true;
    return ACT_OK;
  }
  self->has_first = false;
  if (--self->left == 0) {
    bench_end(self->bench, cx, self->meetings);
    return ACT_OK;
  }
  return cham_send_meet(cx, (cham_ref){self->first.who}, *m);
}

void bench_chameneos(struct bench *bench) {
  bench_play(bench, &hall, (act_limits){0});
}
