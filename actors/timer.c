// SPDX-License-Identifier: Apache-2.0
//
// An actor's timers. A record is armed (its alarm is in the wheel), queued (its notice is on the way
// to the owner or in its inbox), or gone. Cancelling an armed one frees it; cancelling a queued one
// marks it, and it is dropped when it arrives: a cancelled tick is never seen.
#include "actors/cell.h"
#include "base/alloc.h"
#include "base/check.h"

struct tick_record {
  struct act__notice notice;
  struct act__alarm alarm;
  struct act__system *system;
  int64_t due_ns;
  int64_t period_ns;   // 0: once
  uint32_t index, gen; // of its handle; gen 0: it has none
};

static struct tick_record *record_of(struct act__notice *notice) {
  return ACT__CONTAINER_OF(notice, struct tick_record, notice);
}

static void record_free(act_cx *cx, struct tick_record *record) {
  act__pool_free(act__cache(cx), act__exec_pool(record->system->exec), record, sizeof *record);
}

static void on_due(struct act__alarm *alarm, struct act__worker *me) {
  struct tick_record *record = ACT__CONTAINER_OF(alarm, struct tick_record, alarm);
  act__cell_push(record->system, me, record->notice.owner, &record->notice.env);
}

// Out of the actor's books; the record itself may live on until its notice arrives.
static void unlist(struct act__cell *cell, struct tick_record *record) {
  act__list_remove(&record->notice.link);
  if (record->gen) act__handle_remove(&cell->cold->timer_handles, record->index);
  record->gen = 0;
  cell->cold->timers--;
}

bool act__tick_withdraw(act_cx *cx, struct act__notice *notice) {
  struct tick_record *record = record_of(notice);
  if (!act__alarm_cancel(record->system->exec, &record->alarm)) return false;
  record_free(cx, record);
  return true;
}

// A record in the actor's books, with a handle if there is a variable for it.
static struct tick_record *reserve(act_cx *cx, act_timer *timer) {
  struct act__cold *cold = cx->cell->cold;
  struct act__system *system = cx->system;
  struct tick_record *record =
      act__pool_alloc(act__cache(cx), act__exec_pool(system->exec), sizeof *record);
  if (!record) return NULL;
  *record = (struct tick_record){.system = system};
  if (timer &&
      act__handle_put(&cold->timer_handles, record, &record->index, &record->gen) != ACT_OK) {
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
    *timer = (act_timer){record->index, record->gen};
  }
  record->notice.env.notice = ACT__NOTICE_TICK;
  record->notice.owner = cell;
  record->notice.then = then.t;
  record->alarm.fire = on_due;
  record->period_ns = periodic ? (int64_t)ms * 1000000 : 0;
  // From now, not from when the turn began: a long handler must not make its timers early.
  record->due_ns = act__worker_refresh_now(cx->me) + (int64_t)ms * 1000000;
  act__alarm_arm(cx->system->exec, cx->me, &record->alarm, record->due_ns);
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
  int64_t late = act_now(cx) - record->due_ns;
  uint64_t missed = late > 0 ? (uint64_t)(late / record->period_ns) : 0;
  record->due_ns += (int64_t)(missed + 1) * record->period_ns;
  act__alarm_arm(record->system->exec, cx->me, &record->alarm, record->due_ns);
  return missed;
}

act_rc act__tick_handle(act_cx *cx, struct act__cell *cell, struct act__notice *notice) {
  struct tick_record *record = record_of(notice);
  bool seen = !notice->dropped && (cell->life == ACT__UP || cell->life == ACT__STARTING);
  act_then then = notice->then;
  act_tick tick = {.tag = then.tag, .missed = 0, .now_ns = act_now(cx)};
  if (seen && record->period_ns) {
    tick.missed = rearm(cx, record);  // the record stays, and its count with it
  } else {
    if (!notice->dropped) unlist(cell, record);
    cell->notices--;
    record_free(cx, record);
  }
  return seen ? then.fn(cell->state, cx, ACT_OK, &tick, then.tag) : ACT_OK;
}
