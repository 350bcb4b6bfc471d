// SPDX-License-Identifier: Apache-2.0
//
// The blocking pool: threads that run jobs which may block, so that workers never do.
//
// One bounded first-in-first-out queue under one mutex. A thread is started when a job comes and no
// idle thread is there for it, up to a maximum, and ends when it has been idle for a while; its
// remains are joined by the next start or by fini.
#ifndef TROUPE_RUNTIME_BLOCKING_H
#define TROUPE_RUNTIME_BLOCKING_H

#include "base/thread.h"
#include "runtime/exec.h"

#define ACT__BLOCKING_IDLE_NS (10 * ACT__NS_PER_S)  // an idle thread ends after this

enum act__blocking_state { ACT__BLOCKING_FREE, ACT__BLOCKING_RUNNING, ACT__BLOCKING_ENDED };

struct act__blocking_thread {
  struct act__blocking *pool;
  struct act__thread thread;
  enum act__blocking_state state;  // under the pool's mutex; ENDED: not yet joined
};

struct act__blocking {
  // Immutable after init.
  struct act__clock *clock;
  struct act__blocking_thread *threads;
  unsigned threads_max;
  unsigned queue_max;
  int64_t idle_ns;
  // Under mutex.
  struct act__mutex mutex;
  struct act__cond more;       // a job came, or closing
  struct act__job *first, *last;
  unsigned waiting;            // jobs in the queue
  unsigned idle;               // threads that wait for a job
  unsigned running;            // threads that have not ended
  bool closing;
};

// Starts no thread. The clock must be the system's: threads wait on it. ACT_ENOMEM.
ACT_MUST act_rc act__blocking_init(struct act__blocking *pool, struct act__clock *clock,
                                   unsigned threads_max, unsigned queue_max);

// Runs what still waits to its end, then joins every thread. Nobody may push any more. Accepts zeroed
// memory.
void act__blocking_fini(struct act__blocking *pool);

// Lends the job until its `done` has begun. Any thread; does not wait for a job. ACT_EFULL:
// queue_max jobs wait already. ACT_ESYS: no thread at all could be started for it.
ACT_MUST act_rc act__blocking_push(struct act__blocking *pool, struct act__job *job);

// Threads that have not ended. Any thread; a snapshot.
unsigned act__blocking_running(struct act__blocking *pool);

#endif
