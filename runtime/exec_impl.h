// SPDX-License-Identifier: Apache-2.0
//
// What the flavours of the executor have in common: the part of act__exec that every flavour starts
// with, and the table of what a flavour does its own way. For files of runtime/ that implement
// exec.h; everybody else includes runtime/exec.h.
#ifndef TROUPE_RUNTIME_EXEC_IMPL_H
#define TROUPE_RUNTIME_EXEC_IMPL_H

#include "runtime/alarm.h"
#include "runtime/blocking.h"
#include "runtime/exec.h"

struct act__exec_ops {
  act_rc (*start)(struct act__exec *);
  bool (*run)(struct act__exec *);
  bool (*step)(struct act__exec *, bool may_wait);
  bool (*step_until)(struct act__exec *, int64_t until_ns);  // NULL: time is not ours to hold
  void (*finish)(struct act__exec *);
  void (*destroy)(struct act__exec *);  // frees the flavour's struct, whose first member exec is
  void (*submit)(struct act__exec *, struct act__worker *me, struct act__task *);
  struct act__worker *(*worker)(struct act__exec *, unsigned index);
  // A thread that is no worker armed an alarm: whoever sleeps must not sleep beyond it.
  void (*armed_from_outside)(struct act__exec *, int64_t due_ns);
  act_rc (*blocking)(struct act__exec *, struct act__job *);
  void (*trace)(struct act__exec *, uint64_t event);
  uint64_t (*trace_hash)(const struct act__exec *);
};

struct act__exec {
  // Immutable after start.
  const struct act__exec_ops *ops;
  struct act__exec_options options;  // defaults filled in
  struct act__clock *clock;
  struct act__poller *poller;        // borrowed; NULL: no I/O
  // Shared; each with locks of its own.
  struct act__pool pool;
  struct act__alarms alarms;
  struct act__blocking blocking;
};

// The common part: block pool, one wheel per worker, blocking pool (no thread yet). ACT_ENOMEM.
ACT_MUST act_rc act__exec_init(struct act__exec *exec, const struct act__exec_ops *ops,
                               const struct act__exec_options *options, struct act__clock *clock);

// After all worker caches are gone. Asserts that no block is still out.
void act__exec_fini(struct act__exec *exec);

// A worker's common part: its block cache, its random generator (own stream per index), its time.
void act__worker_init(struct act__worker *worker, struct act__exec *exec, unsigned index);
void act__worker_fini(struct act__worker *worker);

// Calls the on_worker hook, if there is one, on the calling thread.
void act__worker_hook(struct act__worker *worker, bool starting);

// The submit of pool and current, for a call that the compiler can see through.
void act__crew_submit(struct act__exec *exec, struct act__worker *me, struct act__task *task);

// The flavours. Each fills *out with an executor that act__exec_destroy accepts.
ACT_MUST act_rc act__crew_create(const struct act__exec_options *options, struct act__exec **out);
ACT_MUST act_rc act__sim_create(const struct act__exec_options *options, struct act__exec **out);

#endif
