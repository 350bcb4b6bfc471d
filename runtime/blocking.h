// SPDX-License-Identifier: Apache-2.0
//
// The blocking pool: threads that run jobs which may block, so that workers never do.
//
// The idea: short jobs are run by one thread after another's end, long ones beside each other, and
// nobody has to say which is which. A thread that has taken a job cannot say when it will be back. So
// before it runs the job, somebody else must be on the lookout (runtime/lookout.h) if more jobs wait:
//
//   working        runs a job, then the next, as long as there is one
//   looking round  has run out of jobs a moment ago: on the lookout, takes what comes at once
//   standing by    on the lookout while others work: sleeps ACT__BLOCKING_LOOK_NS at a time, and
//                  works too when it finds that jobs wait and nobody takes them
//   asleep         until called up; ends when that takes long
//
// So a burst of short jobs is one thread's work, and a job behind one that blocks waits a moment,
// never for the end of that one while threads are below the maximum.
#ifndef TROUPE_RUNTIME_BLOCKING_H
#define TROUPE_RUNTIME_BLOCKING_H

#include "base/list.h"
#include "base/near_clock.h"
#include "base/thread.h"
#include "runtime/exec.h"
#include "runtime/job_queue.h"
#include "runtime/lookout.h"

#define ACT__BLOCKING_IDLE_NS (10 * ACT__NS_PER_S)   // an idle thread ends after this
#define ACT__BLOCKING_SPIN_NS (20 * ACT__NS_PER_US)  // looks round so long at most before it sleeps
#define ACT__BLOCKING_LOOK_NS (50 * ACT__NS_PER_US)  // no job taken for so long: the others block
#define ACT__BLOCKING_SLOW_NS (500 * ACT__NS_PER_US) // a job that waits so long: the others are slow

enum act__blocking_state { ACT__BLOCKING_FREE, ACT__BLOCKING_RUNNING, ACT__BLOCKING_ENDED };

struct act__blocking_thread {
  struct act__blocking *pool;
  struct act__thread thread;
  // Under the pool's mutex.
  enum act__blocking_state state;  // ENDED: not yet joined
  struct act__link sleeper;
  struct act__cond call;
  bool called;           // on the lookout since then
  uint64_t called_at;    // how many jobs had been taken then; UINT64_MAX: shall stand by first
  // Its own.
  struct act__near_clock near;
  int64_t spin_ns;
  bool hurry;            // took its job because others did not
};

struct act__blocking {
  // Immutable after init.
  struct act__clock *clock;
  struct act__blocking_thread *threads;
  unsigned threads_max;
  int64_t idle_ns;
  // Any thread.
  struct act__lookout lookout;
  struct act__job_queue queue;
  ACT__ATOMIC(int64_t) taken_ns;  // when a job was last taken
  char pad[ACT__JOB_QUEUE_LINE];
  // Under mutex.
  struct act__mutex mutex;
  struct act__link sleepers;   // newest first
  unsigned asleep;             // how many
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
