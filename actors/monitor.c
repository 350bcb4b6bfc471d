// SPDX-License-Identifier: Apache-2.0
//
// Monitors: exactly one DOWN, or none after a demonitor.
//
// A watch is linked into the watched cell's list under that cell's lock. Whoever unlinks it
// decides: the watched cell (then the DOWN is on its way) or the watcher (then there is none). An
// actor's last messages were pushed before its watchers are told, so DOWN comes after them.
#include <stdio.h>

#include "actors/cell.h"
#include "actors/remote/proxy.h"
#include "base/check.h"

struct act__watch {
  struct act__notice notice;
  struct act__watch *next, **at;  // in the watched cell's list, under its lock
  bool linked;                    // likewise
  struct act__system *system;
  struct act__cell *target;       // meaningful while linked
  act_pid pid;                    // as the watcher named it
  struct act__ending ending;      // written by who unlinks, before the push
  uint32_t index, gen;
};

static struct act__watch *watch_of(struct act__notice *notice) {
  return ACT__CONTAINER_OF(notice, struct act__watch, notice);
}

static void watch_free(act_cx *cx, struct act__watch *watch) {
  act__pool_free(act__cache(cx), act__exec_pool(watch->system->exec), watch, sizeof *watch);
}

// Under the cell's lock.
static void unlink_watch(struct act__watch *watch) {
  *watch->at = watch->next;
  if (watch->next) watch->next->at = watch->at;
  watch->linked = false;
}

// False: that incarnation is not there (any more).
static bool link_watch(struct act__watch *watch, struct act__cell *target, uint32_t gen,
                       uint32_t epoch) {
  struct act__spinlock *lock = &target->lock;
  act__spinlock_lock(lock);
  // acquire [birth]: pairs with act__mailbox_open, before which watch_epoch was set.
  bool there = act__admission_generation(act__load_acquire(&target->mailbox.admission)) == gen;
#ifdef ACT_MUTANT_MONITOR_NEXT_TENANT
  uint32_t watchable = act__load_relaxed(&target->watch_epoch);
  for (int i = 0; there && !watchable && i < 1000; i++) {  // gives the next one time to move in
    act__thread_yield();
    watchable = act__load_relaxed(&target->watch_epoch);
  }
#else
  // acquire [tenant]: pairs with act__cell_allocate, which takes no lock. If that epoch is the next
  // actor's, the generation has changed, and is seen to have.
  uint32_t watchable = act__load_acquire(&target->watch_epoch);
  there = there && act__mailbox_generation(&target->mailbox) == gen;
#endif
  there = there && watchable && (epoch == 0 || epoch == watchable);
  if (there) {
    struct act__watch **list = &act__annex(target)->watchers;
    watch->target = target;
    watch->next = *list;
    watch->at = list;
    if (watch->next) watch->next->at = &watch->next;
    *list = watch;
    watch->linked = true;
  }
  act__spinlock_unlock(lock);
  return there;
}

bool act__watch_withdraw(act_cx *cx, struct act__notice *notice) {
  struct act__watch *watch = watch_of(notice);
  if (!watch->target) return false;  // it was gone from the start: the DOWN is on its way
  struct act__spinlock *lock = &watch->target->lock;
  act__spinlock_lock(lock);
  bool was_linked = watch->linked;
  if (was_linked) unlink_watch(watch);
  act__spinlock_unlock(lock);
  if (was_linked) watch_free(cx, watch);
  return was_linked;
}

static struct act__cell *find_target(struct act__system *system, act_pid pid, uint32_t *gen,
                                     uint32_t *epoch, act_rc *rc) {
  *rc = ACT_EDEAD;
  *gen = pid.gen;
  *epoch = pid.epoch;
  if (pid.node == system->incarnation) return act__cell_at(system, pid.slot);
  *epoch = 0;
  return act__proxy_find(system, pid, gen, rc);
}

static void unlist(struct act__cell *cell, struct act__watch *watch) {
  act__list_remove(&watch->notice.link);
  if (watch->gen) act__handle_remove(&cell->cold->monitor_handles, watch->index);
  watch->gen = 0;
  cell->cold->monitors--;
}

act_rc act_monitor(act_cx *cx, act_pid pid, act_down_then then, act_mon *mon) {
  struct act__cell *cell = cx->cell;
  if (!cell || !then.t.fn) return ACT_EINVAL;
  struct act__cold *cold = act__cell_cold(cell);
  if (!cold) return ACT_ENOMEM;
  if (cold->monitors >= act__limit(act__cell_limits(cell)->monitors, ACT_MONITORS_MAX)) {
    return ACT_ELIMIT;
  }
  struct act__system *system = cx->system;
  struct act__watch *watch =
      act__pool_alloc(act__cache(cx), act__exec_pool(system->exec), sizeof *watch);
  if (!watch) return ACT_ENOMEM;
  *watch = (struct act__watch){.system = system, .pid = pid};
  if (mon) {
    act_rc rc = act__handle_put(&cold->monitor_handles, watch, &watch->index, &watch->gen);
    if (rc) {
      watch_free(cx, watch);
      return rc;
    }
    mon->index = watch->index;
    mon->gen = watch->gen;
  }
  watch->notice.env.notice = ACT__NOTICE_DOWN;
  watch->notice.owner = cell;
  watch->notice.then = then.t;
  act__list_push_back(&cold->records, &watch->notice.link);
  cold->monitors++;
  cell->notices++;
  uint32_t gen, epoch;
  act_rc why_not;
  struct act__cell *target = find_target(system, pid, &gen, &epoch, &why_not);
  if (!target || !link_watch(watch, target, gen, epoch)) {
    watch->ending.reason =
        why_not == ACT_ELINK ? ACT_REASON_NODE_LOST : ACT_REASON_NOPROC;
    act__cell_push(system, cx->me, cell, &watch->notice.env);
  }
  return ACT_OK;
}

void act_demonitor(act_cx *cx, act_mon *mon) {
  struct act__cell *cell = cx->cell;
  if (!cell || !cell->cold) return;
  struct act__watch *watch = act__handle_get(&cell->cold->monitor_handles, mon->index, mon->gen);
  mon->gen = 0;
  if (!watch) return;
  unlist(cell, watch);
#ifndef ACT_MUTANT_DEMONITOR_FORGOTTEN
  watch->notice.dropped = true;
#endif
  if (act__watch_withdraw(cx, &watch->notice)) cell->notices--;
}

void act__watchers_tell(act_cx *cx, struct act__cell *cell, const struct act__ending *ending) {
  struct act__spinlock *lock = &cell->lock;
  act__spinlock_lock(lock);
  struct act__watch *chain = act__annex(cell)->watchers;
  act__annex(cell)->watchers = NULL;
  act__store_relaxed(&cell->watch_epoch, 0);  // relaxed: read under the lock
  for (struct act__watch *watch = chain; watch; watch = watch->next) watch->linked = false;
  act__spinlock_unlock(lock);
  while (chain) {
    struct act__watch *next = chain->next;  // after the push it is its owner's
    chain->ending = *ending;
    act__cell_push(cx->system, cx->me, chain->notice.owner, &chain->notice.env);
    chain = next;
  }
}

act_rc act__watch_handle(act_cx *cx, struct act__cell *cell, struct act__notice *notice) {
  struct act__watch *watch = watch_of(notice);
  bool seen = !notice->dropped && (cell->life == ACT__UP || cell->life == ACT__STARTING);
  if (!notice->dropped) unlist(cell, watch);
  cell->notices--;
  act_rc rc = ACT_OK;
  if (seen) {
    act_down down = {.pid = watch->pid,
                     .reason = watch->ending.reason,
                     .rc = watch->ending.rc,
                     .text = watch->ending.text,
                     .tag = notice->then.tag};
    rc = notice->then.fn(cell->state, cx, ACT_OK, &down, down.tag);
  }
  watch_free(cx, watch);
  return rc;
}
