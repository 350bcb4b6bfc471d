// SPDX-License-Identifier: Apache-2.0
//
// Four senders that never tire and a receiver that needs a microsecond for each message, more than ten
// times what a send costs: memory stays at the bound of its mailbox, and its rate is its own. Both are
// checked. Once the mailbox rejects what it has no room for, once it parks the sender.
#include "tests/bench/workloads.h"

#define SENDERS 4u
#define SLICE 100u
#define WORK_US 1.0
#define GROWTH_MAX_BYTES (1e6)  // a full mailbox is 64 kB; the rest is for what else the process does
#define SHARE_MIN 0.7           // of the rate of the receiver alone: senders have a processor too

ACT_MSG(over_item, (u64, number, 1))
ACT_MSG_EMPTY(over_signal)
#define RECEIVER(CAST, CALL, P) CAST(P, 1, item, over_item)
ACT_PROTOCOL(receiver, 1, RECEIVER)
#define SENDER(CAST, CALL, P) CAST(P, 1, more, over_signal)
ACT_PROTOCOL(sender, 1, SENDER)

struct flood {
  receiver_ref to;
  uint64_t number;
};
ACT_ACTOR(flood, sender, SENDER, struct flood, struct flood)

static act_rc more(act_cx *cx) {
  return sender_send_more(cx, (sender_ref){act_self(cx)}, (over_signal){0});
}

static act_rc flood_init(struct flood *self, act_cx *cx, const struct flood *args) {
  *self = *args;
  return more(cx);
}

static act_rc flood_more(struct flood *self, act_cx *cx, const over_signal *m) {
  (void)m;
  for (unsigned i = 0; i < SLICE && !act_parked(cx); i++) {
    act_rc rc = receiver_send_item(cx, self->to, (over_item){.number = self->number});
    if (rc == ACT_EFULL) break;
    if (rc) return rc == ACT_EDEAD || rc == ACT_ECLOSED ? ACT_OK : rc;
    self->number++;
  }
  return more(cx);
}

struct slow {
  struct bench *bench;
  uint64_t n, warm_up, handled;
  double rss_before;
};
ACT_ACTOR(slow, receiver, RECEIVER, struct slow, struct bench)
ACT_ON_TICK(slow, set_up)

static act_rc slow_init(struct slow *self, act_cx *cx, const struct bench *bench) {
  self->bench = (struct bench *)(uintptr_t)bench;
  self->n = bench_size(bench, 300000, 3000);
  self->warm_up = self->n / 10;
  return act_after(cx, 0, set_up_then(0), NULL);
}

static act_rc set_up(struct slow *self, act_cx *cx, const act_tick *tick) {
  (void)self;
  (void)tick;
  for (unsigned i = 0; i < SENDERS; i++) {
    struct flood args = {.to = {act_self(cx)}};
    act_child child = {.behavior = &flood, .args = &args};
    act_rc rc = act_spawn(cx, &child, (act_exit_then){0}, NULL);
    if (rc) return rc;
  }
  return ACT_OK;
}

static act_rc slow_item(struct slow *self, act_cx *cx, const over_item *m) {
  (void)m;
  bench_spin(self->bench, WORK_US);
  self->handled++;
  if (self->handled == self->warm_up) {
    self->rss_before = bench_rss_bytes();
    bench_begin(self->bench);
  }
  if (self->handled != self->warm_up + self->n) return ACT_OK;
  bench_end(self->bench, cx, self->n);
  double growth = bench_rss_bytes() - self->rss_before;
  act_counters counters;
  act_read_counters(act_cx_runtime(cx), &counters);
  bench_check(self->bench, growth <= GROWTH_MAX_BYTES, "memory grew past the bound");
  bool parks = self->bench->full == ACT_PARK;
  bench_check(self->bench, (counters.refused == 0) == parks,
              parks ? "something was refused" : "nothing was refused");
  bench_extra(self->bench, "growth_mb", growth / 1e6);
  bench_extra(self->bench, "refused_per", (double)counters.refused / (double)self->handled);
  double share = (double)self->n * WORK_US / 1e6 / self->bench->result.seconds;
  bench_extra(self->bench, "receiver_share", share);
  bench_check(self->bench, self->bench->quick || share >= SHARE_MIN, "the receiver is slowed down");
  return ACT_OK;
}

void bench_overload(struct bench *bench) {
  bench_play(bench, &slow, (act_limits){0});
}

void bench_overload_park(struct bench *bench) {
  bench->full = ACT_PARK;
  bench_play(bench, &slow, (act_limits){0});
}
