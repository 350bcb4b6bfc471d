// SPDX-License-Identifier: Apache-2.0
//
// An actor's timers. A record is armed (its timer is in a wheel), queued (its notice is on the way to
// the owner or in its inbox), or gone. Who cancels one marks it at once: a tick that is on its way is
// dropped when it arrives, so a cancelled tick is never seen. Out of the wheel it comes with the others
// that were cancelled in this turn, ACT__CANCELLED_MAX at a time, and its record is free then.
#include <string.h>

#include "actors/cell.h"
#include "base/check.h"

// One cache line, for there may be a million: they share it with nobody, and arming one is one line of
// fresh memory. It is never armed and queued at a time, so the wheel's node lies where the
// envelope has what a notice does not use. (Its link and the envelope's `next` are one place.)
struct tick_record {
  union {
    struct act__env env;
    struct {
      struct act__timer timer;  // its note is the period in ms, 0: once
      uint32_t place;           // in cold->ticks, unless it was cancelled
      uint16_t env_flags;       // 0, as in any notice
      uint8_t env_notice;
      bool cancelled;           // owner only: free it on arrival
    };
  };
  struct act__cell *owner;
  act_then then;
};

_Static_assert(sizeof(struct tick_record) <= 64, "a cache line");
_Static_assert(sizeof(struct act__timer) == offsetof(struct act__env, sender_epoch) &&
                   offsetof(struct tick_record, env_flags) == offsetof(struct act__env, flags) &&
                   offsetof(struct tick_record, env_notice) == offsetof(struct act__env, notice),
               "the timer keeps off what its notice needs while it is armed");

static struct tick_record *record_of(struct act__timer *timer) {
  return ACT__CONTAINER_OF(timer, struct tick_record, timer);
}

static void record_free(act_cx *cx, struct tick_record *record) {
  act__pool_free(act__cache(cx), act__exec_pool(cx->system->exec), record, sizeof *record);
}

// If the next that expires with it is of the same actor, takes it from the rest; else NULL.
static struct tick_record *next_due(struct act__link *rest, const struct act__cell *owner) {
  if (act__list_is_empty(rest)) return NULL;
  struct act__timer *timer = ACT__CONTAINER_OF(rest->next, struct act__timer, link);
  if (!timer->bare || record_of(timer)->owner != owner) return NULL;
  act__list_remove(rest->next);
  return record_of(timer);
}

// By memcpy, which the compiler does not reorder with what was done to the link in the same place.
static void set_next(struct tick_record *record, struct act__env *next) {
  memcpy(&record->env.next, &next, sizeof next);
}

// Many that expire at once for one actor are pushed as one chain.
void act__tick_fire(struct act__timer *timer, struct act__worker *me) {
  struct act__link *rest = act__timer_rest(timer);
  struct tick_record *record = record_of(timer);
  struct act__cell *owner = record->owner;
  struct act__env *oldest = &record->env, *newest = oldest;
  set_next(record, NULL);
  while ((record = next_due(rest, owner))) {
#ifdef ACT_MUTANT_TIMER_CHAIN_REVERSED
    set_next(ACT__CONTAINER_OF(oldest, struct tick_record, env), &record->env);
    oldest = &record->env;
#else
    set_next(record, newest);
    newest = &record->env;
#endif
  }
  act__cell_push_chain(act__cell_system(owner), me, owner, newest, oldest);
}

// Out of the actor's books.
static void unlist(struct act__cell *cell, uint32_t place) {
  act__handle_remove(&cell->cold->ticks, place);
  cell->cold->timers--;
}

void act__ticks_let_go(act_cx *cx, struct act__cell *cell) {
  uint32_t count = cx->cancelled_count;
  cx->cancelled_count = 0;
  act__timers_cancel(cx->system->exec, cx->cancelled, count);
  for (uint32_t i = 0; i < count; i++) {
    if (!cx->cancelled[i]) continue;  // it is on its way here
    record_free(cx, record_of(cx->cancelled[i]));
    cell->notices--;
  }
}

// The record is looked at as late as can be: it comes from far away, perhaps.
static void let_go_soon(act_cx *cx, struct act__cell *cell, struct tick_record *record) {
#ifndef ACT_MUTANT_TIMER_CANCEL_FORGOTTEN
  record->cancelled = true;
#endif
  cx->cancelled[cx->cancelled_count++] = &record->timer;
  if (cx->cancelled_count == ACT__CANCELLED_MAX) act__ticks_let_go(cx, cell);
}

void act__ticks_withdraw(act_cx *cx, struct act__cell *cell) {
  struct tick_record *record;
  for (uint32_t place = 0; (record = act__handle_next(&cell->cold->ticks, &place)); place++) {
    unlist(cell, place);
    let_go_soon(cx, cell, record);
  }
  act__ticks_let_go(cx, cell);
}

// A record in the actor's books.
static struct tick_record *reserve(act_cx *cx, act_timer *handle) {
  struct act__cold *cold = cx->cell->cold;
  struct tick_record *record =
      act__pool_alloc(act__cache(cx), act__exec_pool(cx->system->exec), sizeof *record);
  if (!record) return NULL;
  if (act__handle_put(&cold->ticks, record, &handle->index, &handle->gen)) {
    record_free(cx, record);
    return NULL;
  }
  *record = (struct tick_record){.place = handle->index, .env_notice = ACT__NOTICE_TICK};
  cold->timers++;
  cx->cell->notices++;
  return record;
}

static bool is_live(const struct act__cold *cold, const act_timer *timer) {
  return timer && act__handle_get(&cold->ticks, timer->index, timer->gen);
}

static act_rc arm(act_cx *cx, uint32_t ms, bool periodic, act_tick_then then, act_timer *timer) {
  struct act__cell *cell = cx->cell;
  if (!cell || !then.t.fn || (periodic && ms == 0)) return ACT_EINVAL;
  struct act__cold *cold = act__cell_cold(cell);
  if (!cold) return ACT_ENOMEM;
  uint32_t others = cold->timers - (is_live(cold, timer) ? 1 : 0);
  if (others >= act__limit(act__cell_limits(cell)->timers, ACT_TIMERS_MAX)) return ACT_ELIMIT;
  act_timer handle;
  struct tick_record *record = reserve(cx, &handle);
  if (!record) return ACT_ENOMEM;
  if (timer) {  // what it armed before stays until nothing can fail any more
    act_cancel(cx, timer);
    *timer = handle;
  }
  record->owner = cell;
  record->then = then.t;
  record->timer.note = periodic ? ms : 0;
  // From now, not from when the turn began: a long handler must not make its timers early.
  int64_t due_ns = act__worker_refresh_now(cx->me) + (int64_t)ms * ACT__NS_PER_MS;
  act__timer_arm(cx->system->exec, cx->me, &record->timer, due_ns);
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
  uint32_t place = timer->index;
  struct tick_record *record = act__handle_get(&cell->cold->ticks, place, timer->gen);
  timer->gen = 0;
  if (!record) return;
  unlist(cell, place);
  let_go_soon(cx, cell, record);
}

// The next point of the period after now; how many were passed over goes into the tick.
static uint64_t rearm(act_cx *cx, struct tick_record *record) {
  int64_t period_ns = (int64_t)record->timer.note * ACT__NS_PER_MS;
  int64_t due_ns = record->timer.due_ns;
  int64_t late = act_now(cx) - due_ns;
  uint64_t missed = late > 0 ? (uint64_t)(late / period_ns) : 0;
  act__timer_arm(cx->system->exec, cx->me, &record->timer,
                 due_ns + (int64_t)(missed + 1) * period_ns);
  return missed;
}

act_rc act__tick_handle(act_cx *cx, struct act__cell *cell, struct act__env *env) {
  struct tick_record *record = ACT__CONTAINER_OF(env, struct tick_record, env);
  bool seen = !record->cancelled && (cell->life == ACT__UP || cell->life == ACT__STARTING);
  act_then then = record->then;
  act_tick tick = {.tag = then.tag, .missed = 0, .now_ns = act_now(cx)};
  if (seen && record->timer.note) {
    tick.missed = rearm(cx, record);  // the record stays, and its count with it
  } else {
    if (!record->cancelled) {
      unlist(cell, record->place);
#ifndef ACT_MUTANT_TIMER_FREED_TWICE
    } else if (cx->cancelled_count) {
      act__ticks_let_go(cx, cell);  // it may be among them
#endif
    }
    cell->notices--;
    record_free(cx, record);
  }
  return seen ? then.fn(cell->state, cx, ACT_OK, &tick, then.tag) : ACT_OK;
}
