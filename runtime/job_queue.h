// SPDX-License-Identifier: Apache-2.0
//
// The blocking pool's queue: first in, first out, bounded, any number of threads at both ends.
//
// Each end has a list, a lock and a count of its own, on cache lines of its own; a taker whose list
// is empty takes over all that was pushed. So while both ends are busy they meet once per such
// handover and not once per job. (Two locks: Michael and Scott 1996; the handover: as in a mailbox.)
//
// Invariants: pushed - taken jobs wait, never more than `max`; both counts only grow.
#ifndef TROUPE_RUNTIME_JOB_QUEUE_H
#define TROUPE_RUNTIME_JOB_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"
#include "base/thread.h"
#include "runtime/exec.h"

#define ACT__JOB_QUEUE_LINE 64

struct act__job_queue {
  unsigned max;  // immutable
  char pad0[ACT__JOB_QUEUE_LINE];

  struct act__spinlock in_lock;
  struct act__job *in_first, *in_last;  // under in_lock
  uint64_t taken_seen;                  // under in_lock: what `taken` was when it was last read
  ACT__ATOMIC(uint64_t) pushed;         // written under in_lock
  char pad1[ACT__JOB_QUEUE_LINE];

  struct act__spinlock out_lock;        // taken before in_lock
  struct act__job *out_first;           // under out_lock
  ACT__ATOMIC(uint64_t) taken;          // written under out_lock
  char pad2[ACT__JOB_QUEUE_LINE];
};

void act__job_queue_init(struct act__job_queue *queue, unsigned max);

// Lends the job until it is popped or removed. False: `max` jobs wait. Any thread.
ACT_MUST bool act__job_queue_push(struct act__job_queue *queue, struct act__job *job);

// The oldest job; NULL: none seen. Any thread.
struct act__job *act__job_queue_pop(struct act__job_queue *queue);

// Takes back a job that was pushed. False: it has been popped. Any thread; looks at every job.
ACT_MUST bool act__job_queue_remove(struct act__job_queue *queue, struct act__job *job);

// Counts since the queue was made. Any thread; snapshots.
static inline uint64_t act__job_queue_pushed(struct act__job_queue *queue) {
  // seq_cst [lookout]: R2 of runtime/lookout.h.
  return act__load_seq_cst(&queue->pushed);
}

static inline uint64_t act__job_queue_taken(struct act__job_queue *queue) {
  // relaxed: never ahead of the truth, so at worst a job is looked for in vain.
  return act__load_relaxed(&queue->taken);
}

// May be wrong for jobs that are pushed or popped meanwhile; see runtime/lookout.h for what is sure.
static inline bool act__job_queue_is_empty(struct act__job_queue *queue) {
  return act__job_queue_pushed(queue) == act__job_queue_taken(queue);
}

#endif
