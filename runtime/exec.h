// SPDX-License-Identifier: Apache-2.0
//
// The executor: who runs tasks, when, on which thread. Three flavours behind one interface.
//
//   pool          N worker threads; own run queue each, stealing, a next-to-run place with a cap.
//   current       everything (tasks, timers, I/O) on the thread that calls act__exec_run.
//   simulation    one thread, virtual clock; a seed picks which runnable task goes next, what each
//                 turn costs and when blocking jobs finish. Same seed, same trace hash.
//
// A worker is the context in which code of the upper storeys runs: its block cache, its random
// generator and the time of this turn. Functions take `me`, the worker that the caller runs on, or
// NULL on any other thread (a foreign thread, a blocking job, the pool's monitor thread).
//
// Life of the calls: create, set_poller, start, then everything else from any thread, finish, and
// destroy when no other thread is inside a call or will make one.
#ifndef TROUPE_RUNTIME_EXEC_H
#define TROUPE_RUNTIME_EXEC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/near_clock.h"
#include "base/pool.h"
#include "base/rand.h"
#include "base/status.h"
#include "runtime/task.h"
#include "runtime/timer_wheel.h"

enum act__flavour { ACT__POOL, ACT__CURRENT, ACT__SIMULATION };

struct act__exec;

struct act__worker {
  struct act__exec *exec;
  struct act__pool_cache cache;  // of act__exec_pool(exec)
  struct act__rand rand;
  int64_t now_ns;   // the turn's idea of "now": as old as ACT__LOOK_NS says (act__worker_refresh_now)
  struct act__near_clock near;  // what now_ns is read from; clock NULL in the simulation
  unsigned index;   // 0 .. workers-1; the simulation has one worker, 0
  void *upper;      // for the storey above: per-worker data, set by its on_worker hook
};

// The poller is what an idle worker sleeps in when there is I/O (runtime/io/loop.h implements it).
// It is a role: one thread at a time calls `poll`, which the executor guarantees.
struct act__poller {
  // Runs I/O callbacks; waits at most timeout_ns (0: does not wait, INT64_MAX: until woken). May be
  // called with `me` NULL: by the pool's monitor, while all workers are busy.
  void (*poll)(struct act__poller *, struct act__worker *me, int64_t timeout_ns);
  // Ends a waiting poll soon. Any thread; when nobody polls, it ends the next poll at once.
  void (*wake)(struct act__poller *);
};

#define ACT__WORKERS_MAX 256u
#define ACT__NEXT_CAP 16u               // tasks in a row through the next-to-run place
#define ACT__STALE_NS (50 * 1000)       // a turn this old: others may take all that waits behind it,
#define ACT__STUCK_NS (1000 * 1000)     // and this old: all of it at once
#define ACT__WORTH_NS (50 * 1000)       // less waiting work is worth no wake-up and no theft
#define ACT__SHORT_NS (2 * 1000)        // where a theft brought turns shorter than this, the next one
#define ACT__SHORT_REST_NS (1000 * 1000)  // waits so long: moving them costs more than running them
#define ACT__LOOK_NS (2 * 1000)         // between turns the clock is looked at about this often, at
#define ACT__LOOK_TURNS 32u             // the latest after so many turns (pool) and one
                                        // ACT__MONITOR_NS after turns have become longer
#define ACT__ALARM_BATCH_NS (25 * 1000)   // a busy worker fires its alarms at most this often,
#define ACT__ALARM_REST_NS (500 * 1000)   // an idle one those that it knew of; it leaves those of a
                                          // busy one alone as long after they are due
#define ACT__FAIR_EVERY 31u             // each so many-th pick goes to what has waited longest,
#define ACT__FAIR_NS (50 * 1000)        // if the last that did was so long ago
#define ACT__STEAL_MAX 16u              // tasks moved at once by a thief or from the shared queue
#define ACT__SPIN_NS (20 * 1000)        // an idle worker looks around this long before it sleeps
#define ACT__MONITOR_NS (1000 * 1000)   // the pool's monitor looks at this interval
#define ACT__SOLO_POLL_NS (250 * 1000)  // current: I/O is looked at this often while tasks run
#define ACT__TURN_MESSAGES 64u          // default budget of one turn, in messages
#define ACT__TURN_NS (200 * 1000)       // and in time, looked at between messages

struct act__exec_options {
  enum act__flavour flavour;
  unsigned workers;        // pool: 0 = CPU quota of the cgroup; at most ACT__WORKERS_MAX
  unsigned blocking_max;   // threads of the blocking pool; 0 = ACT__BLOCKING_THREADS
  unsigned blocking_queue; // jobs that may wait; 0 = ACT__BLOCKING_QUEUE
  uint64_t seed;           // simulation: the run; otherwise 0 = from entropy
  // Called for every worker before its first turn and after its last, on its thread (the calling
  // thread for current and simulation). May be NULL.
  void (*on_worker)(void *arg, struct act__worker *, bool starting);
  void *arg;
  // `fire` of all timers that are armed without an alarm (act__timer_arm). NULL: there are none.
  void (*on_timer)(struct act__timer *, struct act__worker *me);
  // The `run` of tasks that have not begun yet. Nothing ties such a task to where it waits, and what it
  // will submit goes where it goes: idle workers take those that have waited long. May be NULL.
  enum act__turn (*first_run)(struct act__task *, struct act__worker *);
};

// Creates an executor; threads start in act__exec_start. ACT_ENOMEM, ACT_EINVAL, ACT_ESYS.
ACT_MUST act_rc act__exec_create(const struct act__exec_options *, struct act__exec **out);

// Attaches the poller; before start only. Borrows it until destroy. The simulation never polls.
void act__exec_set_poller(struct act__exec *, struct act__poller *);

// Once. Pool: starts the threads and returns; ACT_ESYS: not all could be started, and those that
// were have ended again (destroy is what is left to do). Others: only the on_worker(starting) hook.
ACT_MUST act_rc act__exec_start(struct act__exec *);

// Current: runs tasks, timers and I/O on this thread until act__exec_finish. Pool: waits for that.
// Simulation: steps until finish or until nothing can ever happen again (returns false then).
bool act__exec_run(struct act__exec *);

// Current and simulation: one turn or one time step of work if there is any that is due; with
// `may_wait` (current) sleeps once for it, which I/O without a task or a mere wake-up may end too.
// False: nothing to do (simulation: nothing will ever be; current that may wait: finished).
bool act__exec_step(struct act__exec *, bool may_wait);

// Simulation only: one step, without moving the clock to anything later than until_ns. False: all
// that remains is later; the clock then stands at until_ns, or where the last turn left it.
bool act__exec_step_until(struct act__exec *, int64_t until_ns);

// Asks all workers to end once their run queues are empty. Any thread, idempotent.
void act__exec_finish(struct act__exec *);

// Runs blocking jobs that still wait, finishes, joins the threads and frees everything; NULL is
// accepted. The caller has waited for its jobs and tasks: none may be submitted any more, and none
// may be left waiting (asserted), nor a block of act__exec_pool be out (asserted). Alarms that are
// still armed then never fire. Current and simulation: on the thread that ran it.
void act__exec_destroy(struct act__exec *);

// Makes a task runnable. Any thread; never blocks beyond a short lock; cannot fail. `me` gets it as
// next to run (within a cap) and what was next before goes into its own queue; others may steal it.
// What an alarm's `fire` submits goes behind what waits. NULL `me`: the shared queue. Simulation: only
// on the thread that runs it.
void act__exec_submit(struct act__exec *, struct act__worker *me, struct act__task *);

// Reads the clock again in the middle of a turn or an I/O callback; returns the new me->now_ns.
int64_t act__worker_refresh_now(struct act__worker *me);

// The worker 0 of a current or simulation executor, for set-up code on the same thread.
struct act__worker *act__exec_worker(struct act__exec *, unsigned index);
unsigned act__exec_workers(const struct act__exec *);
struct act__pool *act__exec_pool(struct act__exec *);
struct act__clock *act__exec_clock(struct act__exec *);
enum act__flavour act__exec_flavour(const struct act__exec *);

// Simulation only: hash over every choice and event so far; code above may fold events of its own
// in (arrival order, results), never an address or a wall time. A no-op in the other flavours.
uint64_t act__exec_trace(const struct act__exec *);
void act__exec_trace_fold(struct act__exec *, uint64_t event);

// --- timers -----------------------------------------------------------------------------------
// A timer is embedded in its owner's record. `fire` runs on whichever thread advances the wheel
// (me may be NULL), without any lock of ours held, at or after due_ns, never before. It may arm the
// same alarm again or free it. All zero except `fire` is an unarmed alarm. The owner orders its own
// arms and cancels of one alarm; a cancel may race with the firing.
struct act__alarm {
  struct act__timer timer;  // the wheel's node (runtime/timer_wheel.h); `home`: which wheel, and
                            // `bare`: the executor's; `note`: the owner's
  void (*fire)(struct act__alarm *, struct act__worker *me);
};

// Inside `fire` and before it touches the timer: those that have expired with it, by their `link`, in
// order, and whose `fire` has not been called. What it takes from the front it has fired itself: their
// `fire` is not called.
static inline struct act__link *act__timer_rest(struct act__timer *timer) {
  return timer->link.next;
}

// Arms an unarmed alarm. Any thread, cannot fail. due_ns on act__exec_clock.
void act__alarm_arm(struct act__exec *, struct act__worker *me, struct act__alarm *, int64_t due_ns);

// True: it was armed and will not fire. False: it has fired, is about to, or was never armed; then
// `fire` has been or will be called exactly once for the last arming.
bool act__alarm_cancel(struct act__exec *, struct act__alarm *);

// The same for a timer that does without a `fire` of its own, because there may be a million: on_timer
// of the executor's options is called for it. me is not NULL.
void act__timer_arm(struct act__exec *, struct act__worker *me, struct act__timer *, int64_t due_ns);

// Cancels many such timers, in little more time than one where they lie far apart in memory. Where
// act__alarm_cancel would say false the pointer becomes NULL.
void act__timers_cancel(struct act__exec *, struct act__timer **timers, unsigned count);

// --- blocking pool ----------------------------------------------------------------------------
#define ACT__BLOCKING_THREADS 16u
#define ACT__BLOCKING_QUEUE 4096u
#define ACT__SIM_JOB_NS (5 * 1000 * 1000)  // simulation: a job finishes within this, by the seed
#define ACT__SIM_TURN_NS (50 * 1000)       // simulation: a turn costs 1 us up to this, by the seed

// A job is embedded in its owner's record. `work` runs on a pool thread and may block; then `done`
// runs on the same thread (simulation: both at a seeded later virtual time, on the only thread).
// The executor is done with the job when it calls `done`.
struct act__job {
  struct act__job *next;  // the pool's
  int64_t due_ns;         // the simulation's
  void (*work)(struct act__job *);
  void (*done)(struct act__job *);
};

// ACT_EFULL when blocking_queue jobs wait already, ACT_ESYS when no thread at all can be had; the job
// stays with the caller then. Threads start on demand and end when idle for a while. Any thread;
// does not wait for a job.
ACT_MUST act_rc act__blocking_submit(struct act__exec *, struct act__job *);

#endif
