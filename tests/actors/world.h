// SPDX-License-Identifier: Apache-2.0
//
// What tests of actors share: one simulated world per test, a puppet actor that does in its handlers
// what the test tells it (a function of the test runs inside), and counters read in one line.
#ifndef TROUPE_TESTS_ACTORS_WORLD_H
#define TROUPE_TESTS_ACTORS_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <troupe.h>

#include "actors/sim.h"

// A puppet runs `fn(self, cx, arg)` of this process in a handler of its own: tests only.
struct puppet;
typedef act_rc (*puppet_fn)(struct puppet *self, act_cx *cx, void *arg);

ACT_MSG(puppet_do, (u64, fn, 1)(u64, arg, 2))
ACT_MSG(puppet_number, (i64, n, 1))
ACT_MSG(puppet_value, (i64, n, 1))
#define PUPPET(CAST, CALL, P)                 \
  CAST(P, 1, run, puppet_do)                  \
  CAST(P, 2, note, puppet_number)             \
  CALL(P, 3, ask, puppet_number, puppet_value)
ACT_PROTOCOL(puppet, 1, PUPPET)

#define NOTES_MAX 4096

struct puppet_args {
  puppet_fn init;    // may be NULL
  void *arg;
  puppet_fn on_ask;  // arg: const struct puppet_request *; NULL: answers n + 1
  struct puppet_log *log;
};

// What a puppet has seen, in the test's memory: it outlives the puppet.
struct puppet_log {
  int64_t notes[NOTES_MAX];
  unsigned count;
  unsigned inits, deferred;
};

struct puppet_request {
  int64_t n;
  puppet_value_reply reply;
};

struct puppet {
  struct puppet_args args;
  act_timer timer;
  act_mon mon;
  int64_t number;
};

ACT_ACTOR(puppet_actor, puppet, PUPPET, struct puppet, struct puppet_args)

static inline void log_note(struct puppet_log *log, int64_t n) {
  if (log && log->count < NOTES_MAX) log->notes[log->count++] = n;
}

static act_rc puppet_actor_init(struct puppet *self, act_cx *cx, const struct puppet_args *args) {
  if (args) self->args = *args;
  if (self->args.log) self->args.log->inits++;
  return self->args.init ? self->args.init(self, cx, self->args.arg) : ACT_OK;
}

static act_rc puppet_actor_run(struct puppet *self, act_cx *cx, const puppet_do *m) {
  return ((puppet_fn)(uintptr_t)m->fn)(self, cx, (void *)(uintptr_t)m->arg);
}

static act_rc puppet_actor_note(struct puppet *self, act_cx *cx, const puppet_number *m) {
  (void)cx;
  log_note(self->args.log, m->n);
  return ACT_OK;
}

static act_rc puppet_actor_ask(struct puppet *self, act_cx *cx, const puppet_number *m,
                               puppet_value_reply r) {
  if (self->args.on_ask) {
    struct puppet_request request = {m->n, r};
    return self->args.on_ask(self, cx, &request);
  }
  return puppet_value_answer(cx, r, (puppet_value){.n = m->n + 1});
}

struct world {
  act_sim *sim;
  act_cx *cx;
};

static inline struct world world_open(uint64_t seed) {
  struct world world = {0};
  assert_int_equal(act_sim_open(seed, NULL, NULL, &world.sim), ACT_OK);
  world.cx = act_sim_cx(world.sim);
  return world;
}

static inline void world_close(struct world *world) {
  assert_int_equal(act_sim_close(world->sim), 0);
}

// A puppet with these arguments; `mailbox` zero: default bounds.
static inline puppet_ref world_puppet_with(struct world *world, struct puppet_args args,
                                           act_mailbox_options mailbox, act_limits limits) {
  puppet_ref ref;
  act_child child = {.id = "puppet", .behavior = &puppet_actor, .args = &args,
                     .mailbox = mailbox, .limits = limits};
  assert_int_equal(act_sim_spawn(world->sim, &child, &ref.pid), ACT_OK);
  return ref;
}

static inline puppet_ref world_puppet(struct world *world, struct puppet_log *log) {
  return world_puppet_with(world, (struct puppet_args){.log = log}, (act_mailbox_options){0},
                           (act_limits){0});
}

// Has the puppet run fn(self, cx, arg) and everything that follows from it at this time.
static inline void world_run(struct world *world, puppet_ref puppet, puppet_fn fn, void *arg) {
  puppet_do m = {.fn = (uintptr_t)fn, .arg = (uintptr_t)arg};
  assert_int_equal(puppet_send_run(world->cx, puppet, m), ACT_OK);
  act_sim_settle(world->sim);
}

static inline act_counters world_counters(struct world *world) {
  act_counters counters;
  act_read_counters(act_sim_runtime(world->sim), &counters);
  return counters;
}

#endif
