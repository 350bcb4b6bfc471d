// SPDX-License-Identifier: Apache-2.0
//
// Sleeping and waking.
//
// Every worker in bed is either the keeper or in the list of sleepers. `sleeping` in crew->idle counts
// both and changes only under bed->lock, together with the list. Whoever wakes a worker takes it out
// under that lock (claims it), so each claim wakes exactly one; a worker that gets up by itself does
// so under the lock too, and finds out there whether it was claimed meanwhile.
//
// The keeper sleeps in the poller, or in its parker, until the earliest alarm of all wheels. Wakers
// prefer another sleeper: the keeper, once up, has left I/O and time to others. Nobody needs to take
// the role over at once: while any worker is awake the monitor is too, and gives the role to a
// sleeper (monitor.c); the last worker to lie down takes it itself, unless the monitor holds it just
// then, and then the monitor hands it over when it is done.
//
// No alarm is slept through. Let d be until when a new earliest alarm may be left alone: a while
// longer than its due time if the worker of its wheel has something to run (look.c).
//   - Armed by a thread that is no worker: it writes `due` (W1), then reads keeper_until (R1) and
//     nudges the keeper if d is earlier. The keeper writes keeper_until (W2), then reads all `due`
//     (R2). All are seq_cst: either R1 sees W2, or R2 sees W1 (as in idle.h).
//   - Armed by a worker: it is awake, so it comes by here before it sleeps. Then it is the keeper
//     and does R2, or it does R1 itself (rest, below).
//   - A worker that goes to sleep makes d earlier, for all alarms on its wheel. It says so on its
//     board (seq_cst, crew_away), which takes the place of W1: whoever read the board before, an armer
//     from outside or the keeper, wrote `due` or keeper_until before that, and this worker reads both
//     after it.
#include "base/check.h"
#include "runtime/sched/crew.h"

void act__bed_init(struct act__bed *bed) {
  act__spinlock_init(&bed->lock);
  act__list_init(&bed->sleepers);
  bed->keeper = NULL;
  bed->role_taken = false;
  act__atomic_init(&bed->risings, 0);
  act__atomic_init(&bed->keeper_until, INT64_MIN);
}

// Ends the keeper's wait, wherever it waits. Not under the lock: it calls out.
static void stir_keeper(struct act__crew *crew, struct act__crew_worker *keeper) {
  if (crew->exec.poller) {
    crew->exec.poller->wake(crew->exec.poller);
  } else {
    act__parker_unpark(&keeper->parker);
  }
}

// Takes a sleeper out of bed, with the lock held: one from the list, or else the keeper.
static struct act__crew_worker *pop_sleeper(struct act__bed *bed) {
  struct act__link *link = act__list_pop_front(&bed->sleepers);
  struct act__crew_worker *worker =
      link ? ACT__CONTAINER_OF(link, struct act__crew_worker, sleeper) : bed->keeper;
  ACT_ASSERT(worker && worker->in_bed);
  worker->in_bed = false;
  return worker;
}

void act__crew_wake_one(struct act__crew *crew) {
  struct act__bed *bed = &crew->bed;
  struct act__crew_worker *worker = NULL;
  bool is_keeper = false;
  act__spinlock_lock(&bed->lock);
  if (act__idle_claim(&crew->idle)) {
    worker = pop_sleeper(bed);
    is_keeper = worker == bed->keeper;
  }
  act__spinlock_unlock(&bed->lock);
  if (!worker) return;
  if (is_keeper) {
    stir_keeper(crew, worker);
  } else {
    act__parker_unpark(&worker->parker);
  }
}

void act__crew_nudge_keeper(struct act__crew *crew) {
  act__spinlock_lock(&crew->bed.lock);
  struct act__crew_worker *keeper = crew->bed.keeper;
  act__spinlock_unlock(&crew->bed.lock);
  if (keeper) stir_keeper(crew, keeper);
}

void act__crew_wake_all(struct act__crew *crew) {
  // Not claims: everyone finds by itself that there is a reason, and gets up.
  for (unsigned i = 0; i < crew->count; i++) act__parker_unpark(&crew->workers[i].parker);
  if (crew->exec.poller) crew->exec.poller->wake(crew->exec.poller);
}

// True: as the keeper.
static bool lie_down(struct act__crew_worker *me) {
  struct act__crew *crew = me->crew;
  struct act__bed *bed = &crew->bed;
  act__spinlock_lock(&bed->lock);
  bool keeper = !bed->role_taken;
  if (keeper) {
    bed->role_taken = true;
    bed->keeper = me;
  } else {
    act__list_push_front(&bed->sleepers, &me->sleeper);
  }
  me->in_bed = true;
  act__idle_sleep(&crew->idle, me->searching);
  act__spinlock_unlock(&bed->lock);
  me->searching = false;
  return keeper;
}

// `to_search`: because the last look found work.
static void get_up(struct act__crew_worker *me, bool to_search) {
  struct act__crew *crew = me->crew;
  struct act__bed *bed = &crew->bed;
  act__spinlock_lock(&bed->lock);
  bool claimed = !me->in_bed;
  act__store_relaxed(&bed->risings, act__load_relaxed(&bed->risings) + 1);  // relaxed: under the lock
  if (!claimed) {
    act__idle_rise(&crew->idle, to_search);
    me->in_bed = false;
  }
  if (bed->keeper == me) {
    bed->keeper = NULL;
    bed->role_taken = false;
    // relaxed: whoever reads the old value nudges in vain.
    act__store_relaxed(&bed->keeper_until, INT64_MIN);
  } else if (!claimed) {
    act__list_remove(&me->sleeper);
  }
  act__spinlock_unlock(&bed->lock);
  me->searching = claimed || to_search;  // whoever claimed it has counted it so
  me->called = claimed;
  act__monitor_rouse(crew);
}

// W2 and R2 of the argument above: tells armers until when the keeper sleeps.
static int64_t announce(struct act__crew *crew) {
  for (;;) {
    int64_t until = act__crew_alarms_due(crew);
    // seq_cst [bed:until]: pairs with the load in rest and in armed_from_outside.
    act__store_seq_cst(&crew->bed.keeper_until, until);
    if (act__crew_alarms_due(crew) >= until) return until;
  }
}

static void keep(struct act__crew_worker *me) {
  struct act__crew *crew = me->crew;
  struct act__poller *poller = crew->exec.poller;
  int64_t until = announce(crew);
  int64_t now = act__worker_refresh_now(&me->base);
  if (!poller) {
    if (until > now) act__parker_park(&me->parker, until);
  } else {
    int64_t wait = until == ACT__TIME_NEVER ? INT64_MAX : until - now;
    poller->poll(poller, &me->base, wait > 0 ? wait : 0);
    me->polled_ns = now;
  }
}

static void rest(struct act__crew_worker *me) {
  struct act__crew *crew = me->crew;
  int64_t due = act__crew_alarm_due(crew, me->base.index);
  // seq_cst [bed:until]: R1 of the argument above.
  if (due < act__load_seq_cst(&crew->bed.keeper_until)) act__crew_nudge_keeper(crew);
  act__parker_park(&me->parker, ACT__TIME_NEVER);
}

// What the alarms brought that ended the keeper's sleep.
static void fire_all(struct act__crew_worker *me) {
  struct act__crew *crew = me->crew;
  act__crew_enter(me);
  bool alone = !me->next && me->queue.length == 0 && !me->called;
  act__crew_leave(me);
  unsigned fired = 0;
  for (unsigned i = 0; i < crew->count; i++) {
    if (act__crew_alarm_due(crew, i) > me->base.now_ns) continue;
    fired += act__crew_fire(crew, i, me->base.now_ns, me);
  }
  me->timed = alone && fired > 0;
}

void act__crew_sleep(struct act__crew_worker *me) {
  struct act__crew *crew = me->crew;
  act__crew_away(me);
  if (me->called && !me->ran) act__crew_called_in_vain(me);
  me->ran = me->timed = false;
#ifdef ACT_MUTANT_SLEEP_WITHOUT_LOOKING
  // A wider gap between the last look and the bed makes the loss likely; the bug is the missing look.
  for (int i = 0; i < 2000; i++) act__spin_pause();
#endif
  bool keeper = lie_down(me);
  // R2 of idle.h: what was published before this worker was seen in bed has woken nobody. A finish
  // sets its mark first and then wakes, so it needs the same look.
#ifndef ACT_MUTANT_SLEEP_WITHOUT_LOOKING
  bool found = act__crew_has_work(crew, act__worker_refresh_now(&me->base));
#else
  bool found = false;
#endif
  bool wait = !found && !act__crew_is_finishing(crew);
  if (wait && keeper) {
    keep(me);
  } else if (wait) {
    rest(me);
  }
  get_up(me, found);
  act__worker_refresh_now(&me->base);
  if (wait && keeper) fire_all(me);
}
