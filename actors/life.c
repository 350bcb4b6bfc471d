// SPDX-License-Identifier: Apache-2.0
//
// The end of an actor, in the one order that leaks nothing and that watchers can rely on: no message
// gets in any more, children stop, clean-ups run newest first, everything it held is given back, and
// only then are watchers and its owner told.
#include <stdio.h>
#include <string.h>

#include "actors/kids.h"
#include "actors/park.h"
#include "actors/remote/proxy.h"
#include "actors/room.h"
#include "base/alloc.h"
#include "base/check.h"

void act__cell_begin(struct act__cell *cell, const struct act__birth *birth) {
  cell->life = ACT__STARTING;
  cell->failing = false;
  // Both are so from the start in a first incarnation.
  if (act__mailbox_is_closed(&cell->mailbox)) act__mailbox_reopen(&cell->mailbox);
  if (act__load_relaxed(&cell->watch_epoch) == birth->epoch) return;  // relaxed: its own
  // relaxed: a hint for senders; a message for another incarnation is found out on arrival.
  act__store_relaxed(&cell->epoch, birth->epoch);
  act__spinlock_lock(&cell->lock);
  act__store_relaxed(&cell->watch_epoch, birth->epoch);  // relaxed: read under the lock
  act__spinlock_unlock(&cell->lock);
}

void act__cell_up(act_cx *cx, struct act__cell *cell) {
  ACT_ASSERT(cell->life == ACT__STARTING);
  if (cx->mark) act__turn_unmark(cx, cell);
  cell->life = ACT__UP;
  struct act__cold *cold = cell->cold;
  if (cold) {
    cold->later = false;
    // What waited comes before what is pending: it was sent earlier.
    *cold->aside_tail = cell->pending;
    cell->pending = cold->aside;
    cold->aside = NULL;
    cold->aside_tail = &cold->aside;
  }
  if (cell->park) act__park_up(cell);
  act__child_tell_up(cx, cell);
}

static void finish(act_cx *cx, struct act__cell *cell, const struct act__ending *ending);

static void note_ending(struct act__ending *ending, act_reason reason, act_rc rc,
                        const char *text) {
  ending->reason = reason;
  ending->rc = rc;
  if (!text && rc) text = act_rc_text(rc);
  if (text) {
    snprintf(ending->text, sizeof ending->text, "%s", text);
  } else {
    ending->text[0] = 0;
  }
}

// Its children must end before it, or its process.
static bool takes_long(const struct act__cell *cell) {
  return cell->born && (cell->proxy || (cell->cold && cell->cold->kids.count));
}

void act__cell_end(act_cx *cx, struct act__cell *cell, act_reason reason, act_rc rc,
                   const char *text) {
  if (cell->life == ACT__FREE || cell->life == ACT__DOWN) return;
  struct act__ending ending;
  if (cell->life == ACT__ENDING) {
    act__child_noted_ending(cell, &ending);
    if (reason == ACT_REASON_KILLED && ending.reason == ACT_REASON_NORMAL) {
      note_ending(&ending, reason, rc, text);
      act__child_note_ending(cx, cell, &ending);
      if (cell->proxy) act__proxy_end(cx, cell);
    }
    return;
  }
  cell->life = ACT__ENDING;
  // What fails elsewhere is counted there; an own process is a child of ours.
  cell->failing = reason == ACT_REASON_FAILED && cell->born;
  if (cell->failing) ACT__COUNT(cx->system, cx, failures);
  note_ending(&ending, reason, rc, text);
  act__mailbox_close(&cell->mailbox);
  act__room_settle(cell);
  act__park_flush(cx, cell);
  if (cell->park) act__park_quit(cx, cell);
  if (!takes_long(cell)) {
    finish(cx, cell, &ending);
    return;
  }
  act__child_note_ending(cx, cell, &ending);
  if (cell->proxy) {
    act__proxy_end(cx, cell);
  } else {
    act__cell_go_on_ending(cx, cell);
  }
}

// True: none is left (or none that is waited for: who is stuck is not counted). Each end of a child
// comes back here, so when all have been asked it must not cost a walk over those still there.
static bool stop_children(act_cx *cx, struct act__cold *cold) {
  if (cold->all_asked) return cold->kids.count == 0;
  struct act__birth *birth = act__kid_at(cx->system, cold->kids.all.last), *before;
  for (; birth; birth = before) {
    before = act__kid_at(cx->system, birth->prev);
    if (!birth->running) {  // it is DOWN and waits for a restart that will not come
      act__child_forget(cx, birth);
      continue;
    }
    if (!birth->stopping) act__child_stop(cx, birth);
#ifndef ACT_MUTANT_STOP_ALL_AT_ONCE
    if (cold->in_order) return false;
#endif
  }
  cold->all_asked = true;
  return cold->kids.count == 0;
}

static void run_deferred(struct act__cold *cold) {
  struct act__deferred *deferred;
  while ((deferred = cold->deferred)) {
    cold->deferred = deferred->next;
    deferred->fn(deferred->arg);
  }
}

// Messages that were accepted and not handled: each one becomes a record, each ask ends.
static void drain(act_cx *cx, struct act__cell *cell, struct act__env *chain) {
  while (chain) {
    struct act__env *next = chain->next;
    act__env_undeliver(cx->system, cx, cell, chain, ACT_EDEAD);
    chain = next;
  }
}

// Pending notices stay pending: they are counted, and dropped as they are met.
static void drain_pending(act_cx *cx, struct act__cell *cell) {
  if (cx->mark) act__turn_unmark(cx, cell);
  struct act__env **at = &cell->pending;
  while (*at) {
    struct act__env *env = *at;
    if (env->notice) {
      at = &env->next;
      continue;
    }
    *at = env->next;
    act__env_undeliver(cx->system, cx, cell, env, ACT_EDEAD);
  }
}

static void free_cold(act_cx *cx, struct act__cell *cell) {
  struct act__cold *cold = cell->cold;
  if (!cold) return;
  ACT_ASSERT(act__list_is_empty(&cold->records));
  act__handle_table_fini(&cold->ticks);
  act__handle_table_fini(&cold->monitor_handles);
  act__free(cold->kept);
  act__pool_free(&cx->me->cache, act__exec_pool(cx->system->exec), cold->fail_text,
                 ACT_FAIL_TEXT_MAX);
  act__arena_fini(&cold->arena);
  ACT_ASSERT(cold->kids.count == 0);
  act__free(cold);
  cell->cold = NULL;
}

static void free_state(act_cx *cx, struct act__cell *cell) {
  if (cell->state && cell->state != act__annex(cell)->small_state) {
    act__pool_free(&cx->me->cache, act__exec_pool(cx->system->exec), cell->state,
                   cell->behavior->state_size);
  }
  cell->state = NULL;
}

static void finish(act_cx *cx, struct act__cell *cell, const struct act__ending *ending) {
  if (cell->cold) {
    run_deferred(cell->cold);
    act__notices_withdraw(cx, cell);
    act__kept_end(cx, cell, ACT_EDROPPED);
    drain(cx, cell, cell->cold->aside);
  }
  drain_pending(cx, cell);
  free_state(cx, cell);
  free_cold(cx, cell);
  // relaxed: a hint for senders, as where it was set.
  act__store_relaxed(&cell->epoch, 0);
  cell->life = ACT__DOWN;
  act__remote_cell_down(cx->system, cx, cell, ending);
  if (cell->born) act__child_leave_name(cx, cell, ending);
  act__watchers_tell(cx, cell, ending);
  if (cell->born) {
    act__child_tell_exit(cx, cell, ending);
  } else {
    cell->forgotten = true;  // a proxy that is nobody's child
  }
}

void act__cell_go_on_ending(act_cx *cx, struct act__cell *cell) {
  if (cell->life != ACT__ENDING) return;
  if (cell->cold && !stop_children(cx, cell->cold)) return;
  struct act__ending ending;
  act__child_noted_ending(cell, &ending);
  finish(cx, cell, &ending);
}
