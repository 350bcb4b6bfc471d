// SPDX-License-Identifier: Apache-2.0
//
// 120 actors; each sends a ping to a random other one, and the next when the pong has come.
#include <stdlib.h>

#include "tests/bench/workloads.h"

#define BIG_ACTORS 120u

ACT_MSG_EMPTY(big_signal)
ACT_MSG(big_report, (u32, pongs, 1))
#define BIG(CAST, CALL, P)     \
  CAST(P, 1, ping, big_signal) \
  CAST(P, 2, pong, big_signal) \
  CAST(P, 3, start, big_signal)
ACT_PROTOCOL(big, 1, BIG)
#define COUNTING(CAST, CALL, P) CAST(P, 1, done, big_report)
ACT_PROTOCOL(counting, 1, COUNTING)

struct talker_args {
  counting_ref home;
  const big_ref *all;  // filled in before the first start is sent
  uint32_t me, pings;
};
struct talker {
  struct talker_args args;
  uint64_t random;
  uint32_t pongs;
};
ACT_ACTOR(talker, big, BIG, struct talker, struct talker_args)

static act_rc talker_init(struct talker *self, act_cx *cx, const struct talker_args *args) {
  (void)cx;
  self->args = *args;
  self->random = args->me * 7919u + 8u;
  return ACT_OK;
}

static act_rc ping_somebody(struct talker *self, act_cx *cx) {
  uint64_t to;
  do {
    self->random = self->random * 48271u % 2147483647u;
    to = self->random % BIG_ACTORS;
  } while (to == self->args.me);
  return big_send_ping(cx, self->args.all[to], (big_signal){0});
}

static act_rc talker_start(struct talker *self, act_cx *cx, const big_signal *m) {
  (void)m;
  return ping_somebody(self, cx);
}

static act_rc talker_ping(struct talker *self, act_cx *cx, const big_signal *m) {
  (void)self;
  return big_send_pong(cx, (big_ref){act_sender(cx)}, *m);
}

static act_rc talker_pong(struct talker *self, act_cx *cx, const big_signal *m) {
  (void)m;
  if (++self->pongs < self->args.pings) return ping_somebody(self, cx);
  return counting_send_done(cx, self->args.home, (big_report){.pongs = self->pongs});
}

struct teller {
  struct bench *bench;
  big_ref all[BIG_ACTORS];
  uint32_t pings, done;
  uint64_t pongs;
};
ACT_ACTOR(teller, counting, COUNTING, struct teller, struct bench)
ACT_ON_TICK(teller, set_up)
ACT_ON_TICK(teller, begin)

static act_rc teller_init(struct teller *self, act_cx *cx, const struct bench *bench) {
  self->bench = (struct bench *)(uintptr_t)bench;
  self->pings = (uint32_t)bench_size(bench, 20000, 50);
  return act_after(cx, 0, set_up_then(0), NULL);
}

static act_rc set_up(struct teller *self, act_cx *cx, const act_tick *tick) {
  (void)tick;
  for (uint32_t i = 0; i < BIG_ACTORS; i++) {
    struct talker_args args = {{act_self(cx)}, self->all, i, self->pings};
    act_child child = {.behavior = &talker, .args = &args};
    act_rc rc = act_spawn(cx, &child, (act_exit_then){0}, &self->all[i].pid);
    if (rc) return rc;
  }
  return act_after(cx, ACT_MS(10), begin_then(0), NULL);
}

static act_rc begin(struct teller *self, act_cx *cx, const act_tick *tick) {
  (void)tick;
  bench_begin(self->bench);
  for (uint32_t i = 0; i < BIG_ACTORS; i++) {
    act_rc rc = big_send_start(cx, self->all[i], (big_signal){0});
    if (rc) return rc;
  }
  return ACT_OK;
}

static act_rc teller_done(struct teller *self, act_cx *cx, const big_report *m) {
  self->pongs += m->pongs;
  if (++self->done < BIG_ACTORS) return ACT_OK;
  uint64_t pings = (uint64_t)BIG_ACTORS * self->pings;
  bench_end(self->bench, cx, 2 * pings);
  bench_check(self->bench, self->pongs == pings, "a wrong number of pongs");
  return ACT_OK;
}

void bench_big(struct bench *bench) {
  bench_play(bench, &teller, (act_limits){0});
}
