// SPDX-License-Identifier: Apache-2.0
//
// The monitor: a thread of the pool that does nothing while all workers sleep, and every
// ACT__MONITOR_NS looks after what busy workers cannot:
//
//   - nobody is the keeper: it makes a sleeper the keeper, or, when there is none, polls once itself;
//   - alarms that are overdue because their worker is in a long turn and nobody else is idle;
//   - tasks that wait behind a long turn while other workers sleep;
//   - workers that count on short turns and have not looked at the clock for long.
//
// It is asleep for good whenever all workers have been in bed from one look to the next, and is woken by
// the first that gets up. So a node that wakes for a moment now and then, for a timer, wakes the monitor
// twice each time; and one that wakes more often than once in ACT__MONITOR_NS never.
#include "base/check.h"
#include "runtime/sched/crew.h"

void act__monitor_init(struct act__monitor *monitor) {
  act__mutex_init(&monitor->mutex);
  act__cond_init(&monitor->changed);
  monitor->started = monitor->stop = false;
  act__atomic_init(&monitor->asleep, 0);
}

void act__monitor_fini(struct act__monitor *monitor) {
  act__cond_fini(&monitor->changed);
  act__mutex_fini(&monitor->mutex);
}

static struct act__crew_worker *first_sleeper(struct act__bed *bed) {
  if (act__list_is_empty(&bed->sleepers)) return NULL;
  return ACT__CONTAINER_OF(bed->sleepers.next, struct act__crew_worker, sleeper);
}

// Lets go of the role, and finds who must take it: all sleepers may be lying there without it.
static struct act__crew_worker *release_role(struct act__bed *bed) {
  act__spinlock_lock(&bed->lock);
  bed->role_taken = false;
  struct act__crew_worker *heir = first_sleeper(bed);
  act__spinlock_unlock(&bed->lock);
  return heir;
}

static void see_to_the_keeper(struct act__crew *crew) {
  struct act__bed *bed = &crew->bed;
  struct act__crew_worker *heir = NULL;
  bool mine = false;
  act__spinlock_lock(&bed->lock);
  if (!bed->role_taken) {
    heir = first_sleeper(bed);
    mine = !heir && crew->exec.poller;
    if (mine) bed->role_taken = true;
  }
  act__spinlock_unlock(&bed->lock);
  if (mine) {
    crew->exec.poller->poll(crew->exec.poller, NULL, 0);
    heir = release_role(bed);
  }
  // Woken without a claim, it finds nothing, lies down again and takes the role.
  if (heir) act__parker_unpark(&heir->parker);
}

// A worker that is well fires its own alarms, on its own core, and the keeper those of who sleeps;
// only what both miss is ours.
static void see_to_the_alarms(struct act__crew *crew, int64_t now) {
  // relaxed: a keeper that lies down or gets up just now costs a firing by the wrong one.
  bool kept = act__load_relaxed(&crew->bed.keeper_until) != INT64_MIN;
  int64_t grace = kept ? ACT__MONITOR_NS : 0;
  for (unsigned i = 0; i < crew->count; i++) {
    if (act__time_add(act__crew_alarm_due(crew, i), grace) > now) continue;
    act__crew_fire(crew, i, now, NULL);
  }
}

static void hurry(struct act__crew *crew, int64_t now) {
  for (unsigned i = 0; i < crew->count; i++) {
    struct act__board *board = &crew->workers[i].board;
    // relaxed: hints, both.
    if (act__load_relaxed(&board->looked_ns) < now - ACT__STALE_NS) {
      act__store_relaxed(&board->hurry, 1);
    }
  }
}

static void look_after(struct act__crew *crew) {
  int64_t now = act__clock_now(crew->exec.clock);
#ifdef ACT_MUTANT_MONITOR_BLIND
  if (now > 0) return;
#endif
  see_to_the_keeper(crew);
  see_to_the_alarms(crew, now);
#ifndef ACT_MUTANT_MONITOR_HURRIES_NOBODY
  hurry(crew, now);
#else
  (void)hurry;
#endif
  if (act__idle_wants_wake(&crew->idle) && act__crew_has_work(crew, now)) {
    act__crew_wake_one(crew);
  }
}

static bool all_sleep(struct act__crew *crew) {
  // relaxed: it only becomes less, when the crew ends, and then the monitor is stopped.
  return act__idle_sleeping(&crew->idle) >= act__load_relaxed(&crew->awake_max);
}

// With the mutex held.
static void sleep_for_good(struct act__crew *crew) {
  struct act__monitor *monitor = &crew->monitor;
  // seq_cst [idle:monitor]: then reads who sleeps; pairs with rouse, which reads this after its
  // worker got up. One of the two sees the other.
  act__store_seq_cst(&monitor->asleep, 1);
  if (all_sleep(crew)) {
    // relaxed: written under the mutex by rouse, which is held here.
    while (act__load_relaxed(&monitor->asleep) && !monitor->stop) {
      act__cond_wait(&monitor->changed, &monitor->mutex);
    }
  }
  act__store_relaxed(&monitor->asleep, 0);  // relaxed: says only that no signal is needed
}

static uint32_t risings(struct act__crew *crew) {
  return act__load_relaxed(&crew->bed.risings);  // relaxed: who rises later wakes the monitor
}

static void monitor_main(void *arg) {
  struct act__crew *crew = arg;
  struct act__monitor *monitor = &crew->monitor;
  uint32_t seen = risings(crew) - 1;  // of the bed, at the last look
#ifdef ACT_MUTANT_MONITOR_LINGERS
  unsigned quiet = 0;
#endif
  act__mutex_lock(&monitor->mutex);
  while (!monitor->stop) {
    bool is_quiet = all_sleep(crew) && risings(crew) == seen;
#ifdef ACT_MUTANT_MONITOR_RESTLESS
    is_quiet = false;
#endif
#ifdef ACT_MUTANT_MONITOR_LINGERS
    quiet = is_quiet ? quiet + 1 : 0;
    is_quiet = quiet > 16;
    if (is_quiet) quiet = 0;
#endif
    if (is_quiet) sleep_for_good(crew);
    seen = risings(crew);
    int64_t next = act__clock_now(crew->exec.clock) + ACT__MONITOR_NS;
    if (!monitor->stop) act__cond_wait_until(&monitor->changed, &monitor->mutex, next);
    act__mutex_unlock(&monitor->mutex);
    look_after(crew);
    act__mutex_lock(&monitor->mutex);
  }
  act__mutex_unlock(&monitor->mutex);
}

act_rc act__monitor_start(struct act__crew *crew) {
  // One worker without I/O: nobody could take anything off it.
  if (crew->count == 1 && !crew->exec.poller) return ACT_OK;
  act_rc rc = act__thread_start(&crew->monitor.thread, "act-monitor", 0, monitor_main, crew);
  if (!rc) crew->monitor.started = true;
  return rc;
}

void act__monitor_stop(struct act__crew *crew) {
  struct act__monitor *monitor = &crew->monitor;
  if (!monitor->started) return;
  act__mutex_lock(&monitor->mutex);
  monitor->stop = true;
  act__cond_signal(&monitor->changed);
  act__mutex_unlock(&monitor->mutex);
  act__thread_join(&monitor->thread);
  monitor->started = false;
}

void act__monitor_rouse(struct act__crew *crew) {
  struct act__monitor *monitor = &crew->monitor;
  // seq_cst [idle:monitor]: see sleep_for_good.
  if (!act__load_seq_cst(&monitor->asleep)) return;
  act__mutex_lock(&monitor->mutex);
  act__store_relaxed(&monitor->asleep, 0);  // relaxed: under the mutex
  act__cond_signal(&monitor->changed);
  act__mutex_unlock(&monitor->mutex);
}
