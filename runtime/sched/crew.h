// SPDX-License-Identifier: Apache-2.0
//
// The crew: the workers of the pool and the current-thread flavour. The current-thread flavour is a
// crew of one worker that has no thread of its own and no monitor.
//
//   crew.c      life of the executor, submitting, running turns
//   find.c      what a worker runs next: fairness, its own queue, the shared queue, stealing
//   look.c      looking at the clock: how long turns take, what is due, whether help is worth its price
//   bed.c       sleeping and waking, and the keeper, who waits for I/O and for time
//   monitor.c   looks after what busy workers cannot: I/O, late alarms, tasks behind a long turn
#ifndef TROUPE_RUNTIME_SCHED_CREW_H
#define TROUPE_RUNTIME_SCHED_CREW_H

#include "base/check.h"
#include "base/list.h"
#include "base/thread.h"
#include "runtime/exec_impl.h"
#include "runtime/sched/door.h"
#include "runtime/sched/idle.h"
#include "runtime/sched/patience.h"
#include "runtime/sched/runq.h"

#define ACT__CACHE_LINE 64

struct act__crew;

// What a worker shows the others, on a cache line of its own: they look here often, and it seldom
// writes. Atomic, any thread; all of it is a hint, but for what is said of looked_ns.
struct act__board {
  // When it last looked at the clock; ACT__TIME_NEVER while it has nothing to run. bed.c says what
  // hangs on that.
  ACT__ATOMIC(int64_t) looked_ns;
  ACT__ATOMIC(uint32_t) waiting;  // something waits behind its turn, or did lately
  ACT__ATOMIC(uint32_t) worth;    // what waits is worth a theft: look.c
  ACT__ATOMIC(uint32_t) hurry;    // set by the monitor: look at the clock after this turn
  ACT__ATOMIC(int64_t) visit_after_ns;  // written by thieves: no theft before, unless it is stuck
  ACT__ATOMIC(uint32_t) unbegun;        // about so many tasks have waited for ACT__UNBEGUN_NS, and the
                                        // first to be robbed of has not begun
  ACT__ATOMIC(int64_t) unbegun_after_ns;  // written by thieves: none is taken for that reason before
  // Written by whoever has advanced its wheel: when, and what was due next then.
  ACT__ATOMIC(int64_t) fired_ns, known_due;
};

// How long a worker's turns take.
struct act__pace {
  int64_t looked_ns;        // when the clock was last looked at
  int64_t turn_ns;          // the smaller of the last two averages
  int64_t last_ns;          // the last one
  unsigned turns;           // since the look
  unsigned turns_max;       // after so many the next look is due
  uint32_t enough;          // so many tasks in the queue are worth a call for help
  int64_t window_ns;        // since when the lowest length of the queue is watched: look.c
  uint32_t lowest;
};

struct act__crew_worker {
  // Owner only.
  struct act__worker base;  // first: an act__worker of a crew is one of these
  struct act__crew *crew;
  struct act__pace pace;
  unsigned fair_in;         // picks until the next one for fairness
  int64_t fair_ns;          // when there was one last
  bool outside;             // the shared queue was looked at before its own the last time
  unsigned fair;            // whose turn it is among the sources that have waited
  unsigned in_a_row;        // tasks run through `next` without a look at the queue
  bool behind;              // what is submitted goes behind what waits
  bool away;                // the board says that it has nothing to run
  bool searching;           // counted as searching in crew->idle
  bool called;              // somebody woke it since it last slept
  bool ran;                 // has run a task since then
  struct act__crew_worker *robbed;  // from whom it has what it runs; NULL: from nobody
  struct act__crew_worker *bereft;  // from whom it has tasks that had not begun; NULL: from nobody
  int64_t bereft_ns;        // since when
  struct act__patience patience;  // with such thefts
  bool timed;               // what it ran was made runnable by alarms alone
  int64_t polled_ns;        // current: when I/O was last looked at
  struct act__thread thread;
  char pad0[ACT__CACHE_LINE];

  // Behind the door: the task that runs next, and what waits behind it.
  struct act__door door;
  struct act__task *next;
  struct act__runq queue;
  char pad1[ACT__CACHE_LINE];

  struct act__board board;
  char pad2[ACT__CACHE_LINE];

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
  ACT__ATOMIC(uint32_t) risings;    // how often somebody has got up; the monitor reads it without the lock
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
  unsigned looks_max;               // turns between two looks at the clock, at most
  bool threads;                     // false: the current-thread flavour
  bool started;

#ifdef ACT_MUTANT_SUBMIT_TO_ANOTHER
  struct act__crew_worker *volatile not_by;
#endif
  ACT__ATOMIC(uint32_t) finishing;
  char pad0[ACT__CACHE_LINE];
  struct act__idle idle;
  ACT__ATOMIC(int64_t) call_after_ns;  // nobody is called for help before that time. A hint
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

// Around every use of `next` and the queue by their owner.
static inline void act__crew_enter(struct act__crew_worker *me) {
  act__door_enter(&me->door);
}

static inline void act__crew_leave(struct act__crew_worker *me) {
  act__door_leave(&me->door);
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

// --- look.c -------------------------------------------------------------------------------------
// Looks at the clock: fires the own alarms that are due, measures turns, shows what waits. `idle`:
// nothing waits here. Owner.
void act__crew_look(struct act__crew_worker *me, bool idle);

// Begins to work again, or says that it has nothing to run. Owner.
void act__crew_back(struct act__crew_worker *me);
void act__crew_away(struct act__crew_worker *me);

// It was woken and found nothing to do. Owner.
void act__crew_called_in_vain(struct act__crew_worker *me);

// Something waits behind the turn under way, or the one that begins: others may take it should that
// turn last. Owner.
static inline void act__crew_show_waiting(struct act__crew_worker *me) {
  // relaxed: a hint. A thief that finds nothing clears it behind the door, where we have been since.
  if (!act__load_relaxed(&me->board.waiting)) act__store_relaxed(&me->board.waiting, 1);
}

// Something has been put behind the turn under way, and `length` tasks wait in the queue now. Owner.
void act__crew_call(struct act__crew_worker *me, uint32_t length);
static inline void act__crew_offer(struct act__crew_worker *me, uint32_t length) {
  act__crew_show_waiting(me);
  if (__builtin_expect(length >= me->pace.enough, 0)) act__crew_call(me, length);
}

// Until when a worker that sleeps may leave the alarms of one wheel, or of all, alone. Any thread.
int64_t act__crew_alarm_due(struct act__crew *crew, unsigned index);
int64_t act__crew_alarms_due(struct act__crew *crew);

// Fires what is due at now_ns on one wheel. Any thread; `me` may be NULL.
unsigned act__crew_fire(struct act__crew *crew, unsigned index, int64_t now_ns,
                        struct act__crew_worker *me);

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
