// SPDX-License-Identifier: Apache-2.0
//
// The crew: the workers of the pool and the current-thread flavour. The current-thread flavour is a
// crew of one worker that has no thread of its own and no monitor.
//
//   crew.c      life of the executor, submitting, running turns
//   find.c      what a worker runs next: fairness, its own queue, the shared queue, stealing
//   bed.c       sleeping and waking, and the keeper, who waits for I/O and for time
//   monitor.c   looks after what busy workers cannot: I/O, late alarms, tasks behind a long turn
#ifndef TROUPE_RUNTIME_SCHED_CREW_H
#define TROUPE_RUNTIME_SCHED_CREW_H

#include "base/check.h"
#include "base/list.h"
#include "base/thread.h"
#include "runtime/exec_impl.h"
#include "runtime/sched/idle.h"
#include "runtime/sched/runq.h"

#define ACT__CACHE_LINE 64

struct act__crew;

struct act__crew_worker {
  // Owner only.
  struct act__worker base;  // first: an act__worker of a crew is one of these
  struct act__crew *crew;
  unsigned picks;           // for fairness
  unsigned fair;            // whose turn it is among the sources that have waited
  unsigned in_a_row;        // tasks run through `next` without a look at the queue
  bool searching;           // counted as searching in crew->idle
  bool ran;                 // has run a task since it last slept
  int64_t polled_ns;        // current: when I/O was last looked at
  struct act__thread thread;
  char pad0[ACT__CACHE_LINE];

  // Any thread, atomic. The place of the task that runs next; and when the current turn began, or
  // INT64_MAX while no turn is under way.
  ACT__ATOMIC(struct act__task *) next;
  ACT__ATOMIC(int64_t) turn_start;
  struct act__runq queue;
  char pad1[ACT__CACHE_LINE];

  // Under crew->bed.lock.
  struct act__link sleeper;
  bool in_bed;              // asleep and nobody has chosen it to wake up
  struct act__parker parker;  // any thread
};

// Who sleeps. The keeper is the one sleeper that also waits for I/O (in the poller) and for the next
// alarm of any wheel. The role belongs to the keeper or, for a moment, to the monitor.
struct act__bed {
  struct act__spinlock lock;
  // Under lock.
  struct act__link sleepers;        // all in bed but the keeper; newest first
  struct act__crew_worker *keeper;
  bool role_taken;
  // Written by the keeper.
  ACT__ATOMIC(int64_t) keeper_until;  // when it wakes by itself; INT64_MIN: no keeper sleeps
};

struct act__monitor {
  struct act__thread thread;
  bool started;                     // immutable after start
  struct act__mutex mutex;
  struct act__cond changed;
  bool stop;                        // under mutex
  ACT__ATOMIC(uint32_t) asleep;     // sleeps for good; cleared by whoever wakes it
};

struct act__crew {
  struct act__exec exec;            // first
  // Immutable after start.
  struct act__crew_worker *workers;
  unsigned count;
  unsigned searchers_max;
  bool threads;                     // false: the current-thread flavour
  bool started;

  ACT__ATOMIC(uint32_t) finishing;
  char pad0[ACT__CACHE_LINE];
  struct act__idle idle;
  char pad1[ACT__CACHE_LINE];
  struct act__inject inject;
  struct act__bed bed;
  struct act__monitor monitor;

  struct act__mutex mutex;
  struct act__cond ended;           // alive has become 0
  unsigned alive;                   // under mutex: threads that have not ended
  ACT__ATOMIC(uint32_t) awake_max;  // the same, for the monitor
};

static inline struct act__crew *act__crew_of(struct act__exec *exec) {
  return ACT__CONTAINER_OF(exec, struct act__crew, exec);
}

static inline struct act__crew_worker *act__crew_worker_of(struct act__worker *worker) {
  return ACT__CONTAINER_OF(worker, struct act__crew_worker, base);
}

// Puts a task (or NULL) into a worker's `next` place and gives what was there. Any worker.
static inline struct act__task *act__crew_swap_next(struct act__crew_worker *worker,
                                                    struct act__task *task) {
  if (worker->crew->count == 1) {
    // relaxed: without a second worker there is no thief; the monitor only looks whether it is NULL.
    struct act__task *before = act__load_relaxed(&worker->next);
    act__store_relaxed(&worker->next, task);
    return before;
  }
  // acq_rel [crew:next]: pairs with itself: between its owner, who submits and takes, and thieves.
  return act__exchange_acq_rel(&worker->next, task);
}

static inline bool act__crew_is_finishing(struct act__crew *crew) {
  // acquire [crew:finishing]: pairs with the release in finish; what was done before it is seen.
  return act__load_acquire(&crew->finishing) != 0;
}

// --- find.c: owner only, unless said otherwise --------------------------------------------------
// Next task without waiting or stealing; NULL: nothing of its own and nothing shared.
struct act__task *act__crew_pick(struct act__crew_worker *me);

// Looks at the others and at the shared queue, for ACT__SPIN_NS at most. NULL: nothing found; the
// worker may then be counted as searching.
struct act__task *act__crew_search(struct act__crew_worker *me);

// Is there something that a worker without work could take? Any thread.
bool act__crew_has_work(struct act__crew *crew, int64_t now_ns);

// --- bed.c --------------------------------------------------------------------------------------
void act__bed_init(struct act__bed *bed);

// Sleeps until there may be something to do. Owner.
void act__crew_sleep(struct act__crew_worker *me);

// Wakes one sleeper if the rule of idle.h says so. Any thread, after publishing work.
void act__crew_wake_one(struct act__crew *crew);

// Wakes every sleeper. Any thread.
void act__crew_wake_all(struct act__crew *crew);

// Makes the keeper look at the alarms again. Any thread.
void act__crew_nudge_keeper(struct act__crew *crew);

// --- monitor.c ----------------------------------------------------------------------------------
void act__monitor_init(struct act__monitor *monitor);
ACT_MUST act_rc act__monitor_start(struct act__crew *crew);
void act__monitor_stop(struct act__crew *crew);  // joins it; nothing if it was not started
void act__monitor_fini(struct act__monitor *monitor);

// A worker is awake: the monitor must be too. Any thread.
void act__monitor_rouse(struct act__crew *crew);

#endif
