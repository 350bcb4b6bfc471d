// SPDX-License-Identifier: Apache-2.0
//
// Producers send as much as the consumer's mailbox takes. A producer sends in slices and
// re-schedules itself. Where the mailbox is full, either it parks the producer, or the producer meets
// ACT_EFULL and lets others run first. Messages carry producer and number in their eight bytes, so the
// consumer checks every order.
#include "tests/bench/workloads.h"

#define PRODUCERS_MAX 64u
#define SLICE 100u
#define NUMBER_BITS 48

ACT_MSG(stream_item, (u64, value, 1))
ACT_MSG_EMPTY(stream_signal)
#define STREAM(CAST, CALL, P)     \
  CAST(P, 1, item, stream_item)   \
  CAST(P, 2, hello, stream_signal)
ACT_PROTOCOL(stream, 1, STREAM)
#define SOURCE(CAST, CALL, P) CAST(P, 1, more, stream_signal)
ACT_PROTOCOL(source, 1, SOURCE)

struct producer {
  stream_ref to;
  uint64_t left, next, producer;
};
ACT_ACTOR(producer, source, SOURCE, struct producer, struct producer)
ACT_ON_TICK(producer, try_again)

static act_rc producer_init(struct producer *self, act_cx *cx, const struct producer *args) {
  *self = *args;
  self->next = self->producer << NUMBER_BITS;
  return stream_send_hello(cx, self->to, (stream_signal){0});
}

static act_rc produce(struct producer *self, act_cx *cx) {
  for (unsigned i = 0; i < SLICE && self->left && !act_parked(cx); i++) {
    act_rc rc = stream_send_item(cx, self->to, (stream_item){.value = self->next});
    if (rc == ACT_EFULL) return act_after(cx, 0, try_again_then(0), NULL);
    if (rc) return rc;
    self->next++;
    self->left--;
  }
  if (!self->left) return ACT_OK;
  return source_send_more(cx, (source_ref){act_self(cx)}, (stream_signal){0});
}

static act_rc producer_more(struct producer *self, act_cx *cx, const stream_signal *m) {
  (void)m;
  return produce(self, cx);
}

static act_rc try_again(struct producer *self, act_cx *cx, const act_tick *tick) {
  (void)tick;
  return produce(self, cx);
}

struct consumer {
  struct bench *bench;
  unsigned producers, ready;
  uint64_t each, left;
  source_ref sources[PRODUCERS_MAX];
  uint64_t expected[PRODUCERS_MAX];
};
ACT_ACTOR(consumer, stream, STREAM, struct consumer, struct bench)
ACT_ON_TICK(consumer, set_up)

static act_rc consumer_init(struct consumer *self, act_cx *cx, const struct bench *bench) {
  self->bench = (struct bench *)(uintptr_t)bench;
  self->producers = (unsigned)bench->x;
  self->each = bench_size(bench, 20000000, 20000) / self->producers;
  self->left = self->each * self->producers;
  return act_after(cx, 0, set_up_then(0), NULL);
}

static act_rc set_up(struct consumer *self, act_cx *cx, const act_tick *tick) {
  (void)tick;
  for (unsigned i = 0; i < self->producers; i++) {
    struct producer args = {.to = {act_self(cx)}, .left = self->each, .producer = i};
    act_child child = {.behavior = &producer, .args = &args};
    act_rc rc = act_spawn(cx, &child, (act_exit_then){0}, &self->sources[i].pid);
    if (rc) return rc;
    self->expected[i] = (uint64_t)i << NUMBER_BITS;
  }
  return ACT_OK;
}

static act_rc consumer_hello(struct consumer *self, act_cx *cx, const stream_signal *m) {
  (void)m;
  if (++self->ready < self->producers) return ACT_OK;
  bench_begin(self->bench);
  for (unsigned i = 0; i < self->producers; i++) {
    act_rc rc = source_send_more(cx, self->sources[i], (stream_signal){0});
    if (rc) return rc;
  }
  return ACT_OK;
}

static act_rc consumer_item(struct consumer *self, act_cx *cx, const stream_item *m) {
  unsigned from = (unsigned)(m->value >> NUMBER_BITS) % PRODUCERS_MAX;
  if (m->value != self->expected[from]) {
    bench_check(self->bench, false, "an item out of order");
  }
  self->expected[from] = m->value + 1;
  if (--self->left == 0) bench_end(self->bench, cx, self->each * self->producers);
  return ACT_OK;
}

static void stream_from(struct bench *bench, unsigned producers, enum act_full full) {
  bench->x = producers;
  bench->full = full;
  bench_play(bench, &consumer, (act_limits){0});
}

void bench_stream_from(struct bench *bench, unsigned producers) {
  stream_from(bench, producers, ACT_PARK);
}

void bench_stream(struct bench *bench) {
  stream_from(bench, 1, ACT_PARK);
}

void bench_fanin(struct bench *bench) {
  stream_from(bench, 8, ACT_PARK);
}

void bench_stream_retry(struct bench *bench) {
  stream_from(bench, 1, ACT_REJECT);
}

void bench_fanin_retry(struct bench *bench) {
  stream_from(bench, 8, ACT_REJECT);
}
