// SPDX-License-Identifier: Apache-2.0
//
// An actor's timers. A record is armed (its alarm is in the wheel), queued (its notice is on the way
// to the owner or in its inbox), or gone. Cancelling an armed one frees it; cancelling a queued one
// marks it, and it is dropped when it arrives: a cancelled tick is never seen.
#include <string.h>

#include "actors/cell.h"
#include "base/check.h"

// Two cache lines, for there may be a million: what the wheel looks at lies in the second alone. The
// alarm's note is the period in ms, 0: once. The envelope's sender, which a notice has no use for, is
// the handle: slot and gen are its index and gen; gen 0: it has none.
struct tick_record {
  struct act__notice notice;
  struct act__alarm alarm;
};

_Static_assert(sizeof(struct tick_record) <= 128, "two cache lines");

static struct tick_record *record_of(struct act__notice *notice) {
  return ACT__CONTAINER_OF(notice, struct tick_record, notice);
}

static void record_free(act_cx *cx, struct tick_record *record) {
  act__pool_free(act__cache(cx), act__exec_pool(cx->system->exec), record, sizeof *record);
}

static void on_due(struct act__alarm *alarm, struct act__worker *me);

// If the next that expires with it is of the same actor, takes it from the rest; else NULL.
static struct tick_record *next_due(struct act__link *rest, const struct act__cell *owner) {
  if (act__list_is_empty(rest)) return NULL;
  struct act__alarm *alarm = ACT__CONTAINER_OF(rest->next, struct act__alarm, timer.link);
  if (alarm->fire != on_due) return NULL;
  struct tick_record *record = ACT__CONTAINER_OF(alarm, struct tick_record, alarm);
  if (record->notice.owner != owner) return NULL;
  act__list_remove(rest->next);
  return record;
}

// Many that expire at once for one actor are pushed as one chain.
static void on_due(struct act__alarm *alarm, struct act__worker *me) {
  struct act__link *rest = act__alarm_rest(alarm);
  struct tick_record *record = ACT__CONTAINER_OF(alarm, struct tick_record, alarm);
  struct act__cell *owner = record->notice.owner;
  struct act__system *system = act__cell_system(owner);
  struct act__env *oldest = &record->notice.env, *newest = oldest;
  while ((record = next_due(rest, owner))) {
#ifdef ACT_MUTANT_TIMER_CHAIN_REVERSED
    oldest->next = &record->notice.env;
    oldest = oldest->next;
#else
    record->notice.env.next = newest;
    newest = &record->notice.env;
#endif
  }
  act__cell_push_chain(system, me, owner, newest, oldest);
}

// Out of the actor's books; the record itself may live on until its notice arrives.
static void unlist(struct act__cell *cell, struct tick_record *record) {
  struct act__env *env = &record->notice.env;
  act__list_remove(&record->notice.link);
  if (env->sender_gen) act__handle_remove(&cell->cold->timer_handles, env->sender_slot);
  env->sender_gen = 0;
  cell->cold->timers--;
}

bool act__tick_withdraw(act_cx *cx, struct act__notice *notice) {
  struct tick_record *record = record_of(notice);
  if (!act__alarm_cancel(cx->system->exec, &record->alarm)) return false;
  record_free(cx, record);
  return true;
}

// A record in the actor's books, with a handle if there is a variable for it.
static struct tick_record *reserve(act_cx *cx, act_timer *timer) {
  struct act__cold *cold = cx->cell->cold;
  struct tick_record *record =
      act__pool_alloc(act__cache(cx), act__exec_pool(cx->system->exec), sizeof *record);
  if (!record) return NULL;
  memset(record, 0, sizeof *record);
  struct act__env *env = &record->notice.env;
  if (timer && act__handle_put(&cold->timer_handles, record, &env->sender_slot,
                               &env->sender_gen) != ACT_OK) {
    record_free(cx, record);
    return NULL;
  }
  act__list_push_back(&cold->records, &record->notice.link);
  cold->timers++;
  cx->cell->notices++;
  return record;
}

static bool is_live(const struct act__cold *cold, const act_timer *timer) {
  return timer && act__handle_get(&cold->timer_handles, timer->index, timer->gen);
}

static act_rc arm(act_cx *cx, uint32_t ms, bool periodic, act_tick_then then, act_timer *timer) {
  struct act__cell *cell = cx->cell;
  if (!cell || !then.t.fn || (periodic && ms == 0)) return ACT_EINVAL;
  struct act__cold *cold = act__cell_cold(cell);
  if (!cold) return ACT_ENOMEM;
  uint32_t others = cold->timers - (is_live(cold, timer) ? 1 : 0);
  if (others >= act__limit(act__cell_limits(cell)->timers, ACT_TIMERS_MAX)) return ACT_ELIMIT;
  struct tick_record *record = reserve(cx, timer);
  if (!record) return ACT_ENOMEM;
  if (timer) {  // what it armed before stays until nothing can fail any more
    act_cancel(cx, timer);
    *timer = (act_timer){record->notice.env.sender_slot, record->notice.env.sender_gen};
  }
  record->notice.env.notice = ACT__NOTICE_TICK;
  record->notice.owner = cell;
  record->notice.then = then.t;
  record->alarm.fire = on_due;
  record->alarm.timer.note = periodic ? ms : 0;
  // From now, not from when the turn began: a long handler must not make its timers early.
  int64_t due_ns = act__worker_refresh_now(cx->me) + (int64_t)ms * ACT__NS_PER_MS;
  act__alarm_arm(cx->system->exec, cx->me, &record->alarm, due_ns);
  return ACT_OK;
}

act_rc act_after(act_cx *cx, uint32_t ms, act_tick_then then, act_timer *timer) {
  return arm(cx, ms, false, then, timer);
}

act_rc act_every(act_cx *cx, uint32_t ms, act_tick_then then, act_timer *timer) {
  return arm(cx, ms, true, then, timer);
}

void act_cancel(act_cx *cx, act_timer *timer) {
  struct act__cell *cell = cx->cell;
  if (!cell || !cell->cold) return;
  struct tick_record *record =
      act__handle_get(&cell->cold->timer_handles, timer->index, timer->gen);
  timer->gen = 0;
  if (!record) return;
  unlist(cell, record);
#ifndef ACT_MUTANT_TIMER_CANCEL_FORGOTTEN
  record->notice.dropped = true;
#endif
  if (act__tick_withdraw(cx, &record->notice)) cell->notices--;
}

// The next point of the period after now; how many were passed over goes into the tick.
static uint64_t rearm(act_cx *cx, struct tick_record *record) {
  int64_t period_ns = (int64_t)record->alarm.timer.note * ACT__NS_PER_MS;
  int64_t due_ns = record->alarm.timer.due_ns;
  int64_t late = act_now(cx) - due_ns;
  uint64_t missed = late > 0 ? (uint64_t)(late / period_ns) : 0;
  act__alarm_arm(cx->system->exec, cx->me, &record->alarm,
                 due_ns + (int64_t)(missed + 1) * period_ns);
  return missed;
}

act_rc act__tick_handle(act_cx *cx, struct act__cell *cell, struct act__notice *notice) {
  struct tick_record *record = record_of(notice);
  bool seen = !notice->dropped && (cell->life == ACT__UP || cell->life == ACT__STARTING);
  act_then then = notice->then;
  act_tick tick = {.tag = then.tag, .missed = 0, .now_ns = act_now(cx)};
  if (seen && record->alarm.timer.note) {
    tick.missed = rearm(cx, record);  // the record stays, and its count with it
  } else {
    if (!notice->dropped) unlist(cell, record);
    cell->notices--;
    record_free(cx, record);
  }
  return seen ? then.fn(cell->state, cx, ACT_OK, &tick, then.tag) : ACT_OK;
}
