// SPDX-License-Identifier: Apache-2.0
//
// One actor sends to N others in turn and counts their acknowledgements, at most 256 messages and
// half a mailbox of bytes on the way; or up to 64 senders send to one.
#include "tests/bench/growth.h"

#include <stdlib.h>
#include <string.h>

#include "tests/bench/workloads.h"

#define WINDOW 256u
#define WINDOW_BYTES (ACT_MAILBOX_BYTES / 2)

ACT_MSG(growth_poke, (bytes, payload, 1))
ACT_MSG_EMPTY(growth_signal)
#define ECHO(CAST, CALL, P) CAST(P, 1, poke, growth_poke)
ACT_PROTOCOL(echo, 1, ECHO)
#define GROWTH(CAST, CALL, P)      \
  CAST(P, 1, ack, growth_signal)   \
  CAST(P, 2, hello, growth_signal)
ACT_PROTOCOL(growth, 1, GROWTH)

struct echoer {
  growth_ref home;
};
ACT_ACTOR(echoer, echo, ECHO, struct echoer, struct echoer)

static act_rc echoer_init(struct echoer *self, act_cx *cx, const struct echoer *args) {
  (void)cx;
  *self = *args;
  return ACT_OK;
}

static act_rc echoer_poke(struct echoer *self, act_cx *cx, const growth_poke *m) {
  (void)m;
  return growth_send_ack(cx, self->home, (growth_signal){0});
}

struct poker {
  struct bench *bench;
  echo_ref *refs;
  void *payload;
  uint32_t bytes, window;
  uint64_t actors, spawned, n, sent, acked, at;
};
ACT_ACTOR(poker, growth, GROWTH, struct poker, struct bench)
ACT_ON_TICK(poker, spawn_some)

static act_rc poker_init(struct poker *self, act_cx *cx, const struct bench *bench) {
  self->bench = (struct bench *)(uintptr_t)bench;
  self->actors = bench->growth_actors;
  self->bytes = bench->growth_bytes;
  self->n = bench_size(bench, self->actors > 300000 ? 2000000 : 500000, 2000);
  self->window = WINDOW;
  if (self->window * (self->bytes + 128) > WINDOW_BYTES) {
    self->window = WINDOW_BYTES / (self->bytes + 128);
  }
  self->refs = act_alloc(cx, self->actors * sizeof *self->refs);
  self->payload = act_alloc(cx, self->bytes + 1);
  if (!self->refs || !self->payload) return ACT_ENOMEM;
  return act_after(cx, 0, spawn_some_then(0), NULL);
}

static act_rc poke_some(struct poker *self, act_cx *cx) {
  while (self->sent < self->n && self->sent - self->acked < self->window) {
    growth_poke poke = {.payload = {self->payload, self->bytes}};
    act_rc rc = echo_send_poke(cx, self->refs[self->at], poke);
    if (rc) return rc;
    self->sent++;
    if (++self->at == self->actors) self->at = 0;
  }
  return ACT_OK;
}

static act_rc spawn_some(struct poker *self, act_cx *cx, const act_tick *tick) {
  (void)tick;
  for (unsigned i = 0; i < 1000 && self->spawned < self->actors; i++) {
    struct echoer args = {{act_self(cx)}};
    act_child child = {.behavior = &echoer, .args = &args};
    act_rc rc = act_spawn(cx, &child, (act_exit_then){0}, &self->refs[self->spawned].pid);
    if (rc) return rc;
    self->spawned++;
  }
  if (self->spawned < self->actors) return act_after(cx, 0, spawn_some_then(0), NULL);
  return growth_send_hello(cx, (growth_ref){act_self(cx)}, (growth_signal){0});
}

static act_rc poker_hello(struct poker *self, act_cx *cx, const growth_signal *m) {
  (void)m;
  bench_begin(self->bench);
  return poke_some(self, cx);
}

static act_rc poker_ack(struct poker *self, act_cx *cx, const growth_signal *m) {
  (void)m;
  if (++self->acked == self->n) {
    bench_end(self->bench, cx, 2 * self->n);
    return ACT_OK;
  }
  return self->sent - self->acked <= self->window / 2 ? poke_some(self, cx) : ACT_OK;
}

static void grow_actors(struct bench *bench) {
  bench->growth_actors = bench->x;
  if (bench->quick && bench->x > 10000) bench->growth_actors = 10000;
  bench->growth_bytes = 8;
  bench_play(bench, &poker, (act_limits){0});
}

static void grow_payload(struct bench *bench) {
  bench->growth_actors = 1;
  bench->growth_bytes = (uint32_t)bench->x;
  bench_play(bench, &poker, (act_limits){0});
}

static void grow_senders(struct bench *bench) {
  if (!bench->n_given && !bench->quick) bench->n_given = 2000000;
  bench_stream_from(bench, (unsigned)bench->x);
}

#define ACTORS(x) {{"actors", "growth", "", grow_actors}, x}
#define PAYLOAD(x) {{"payload", "growth", "", grow_payload}, x}
#define SENDERS(x) {{"senders", "growth", "", grow_senders}, x}

const struct bench_growth_point bench_growth_points[] = {
    ACTORS(10),    ACTORS(100),    ACTORS(1000),  ACTORS(10000), ACTORS(100000), ACTORS(1000000),
    PAYLOAD(0),    PAYLOAD(16),    PAYLOAD(64),   PAYLOAD(256),  PAYLOAD(1024),  PAYLOAD(4096),
    PAYLOAD(16384), PAYLOAD(65536 - 512),
    SENDERS(1),    SENDERS(2),     SENDERS(4),    SENDERS(8),    SENDERS(16),    SENDERS(32),
    SENDERS(64),
};
const unsigned bench_growth_points_count =
    sizeof bench_growth_points / sizeof bench_growth_points[0];
