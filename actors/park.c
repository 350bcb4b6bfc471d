// SPDX-License-Identifier: Apache-2.0
#include "actors/park.h"

#include <string.h>

#include "actors/remote/proxy.h"
#include "base/alloc.h"
#include "base/check.h"
#include "base/clock.h"

// An actor's park place, made when it first parks and kept until it ends. Three may hold on to it:
// its cell, the notice that is on its way, and the alarm while it is armed.
struct act__place {
  struct act__env told_env;      // ACT__NOTICE_UNPARKED
  struct act__alarm alarm;
  struct act__system *system;
  struct act__cell *sender;

  // Under the park lock.
  struct act__link link;         // in the ring of those who wait for the same cell, the first in
                                 // the target's `waiting`
  bool waits;                    // in that ring
  uint8_t holders;
  int64_t due_ns;                // when the wait ends
  int64_t alarm_ns;              // what the alarm is armed for: it may be earlier; 0: it is not
  struct act__env *behind, **behind_tail;  // notices to the target that follow the message

  // Written by the sender before it waits; then read by whoever takes it out of the ring.
  struct act__parcel parcel;
  struct act__env *message;
  struct act__place *next_out;   // of those taken out together

  // The sender's own.
  bool parked;                   // from parking until it was told
  bool sifted;                   // what is pending was held back once and ends at held_tail
  struct act__env *held, **held_tail;  // oldest first
};

static void lock(struct act__system *system) {
  act__spinlock_lock(&system->park_lock);
}

static void unlock(struct act__system *system) {
  act__spinlock_unlock(&system->park_lock);
}

// --- the ring and the edges: under the lock --------------------------------------------------------

static void enter(struct act__place *place) {
  struct act__cell *target = place->parcel.target;
  if (act__annex(target)->waiting) {
    act__list_push_back(&act__annex(target)->waiting->link, &place->link);
  } else {
    act__list_init(&place->link);
    act__annex(target)->waiting = place;
  }
  place->waits = true;
}

static void leave(struct act__place *place) {
  struct act__cell *target = place->parcel.target;
  struct act__link *next = place->link.next;
  act__list_remove(&place->link);
  if (act__annex(target)->waiting == place) {
    act__annex(target)->waiting =
        next == &place->link ? NULL : ACT__CONTAINER_OF(next, struct act__place, link);
  }
  place->waits = false;
}

// Notices that were to follow the message go now, before the sender can send anything past them. True:
// the target must be made runnable.
static bool push_behind(struct act__place *place) {
  bool idle = false;
  while (place->behind) {
    struct act__env *env = place->behind;
    place->behind = env->next;
    idle |= act__mailbox_push(&place->parcel.target->mailbox, env);
  }
  place->behind_tail = &place->behind;
  return idle;
}

// Does `from` wait, itself or through others, for `whom`? There is at most one edge from each and no
// circle yet, so the walk ends.
static bool waits_for(const struct act__cell *from, const struct act__cell *whom) {
#ifdef ACT_MUTANT_PARK_SHORT_SIGHTED
  return from->park && from->park->waits && from->park->parcel.target == whom;
#endif
  while (from != whom) {
    if (!from->park || !from->park->waits) return false;
    from = from->park->parcel.target;
  }
  return true;
}

// --- holders and the alarm: under the lock -----------------------------------------------------------

// True: nobody has it any more; to be freed without the lock.
static bool let_go(struct act__place *place) {
  ACT_ASSERT(place->holders > 0);
  return --place->holders == 0;
}

static void release(struct act__place *place) {
  struct act__system *system = place->system;
  lock(system);
  bool last = let_go(place);
  unlock(system);
  if (last) act__free(place);
}

static void arm(struct act__place *place, struct act__worker *me) {
  if (place->alarm_ns && place->alarm_ns <= place->due_ns) return;  // it will look again by then
  struct act__exec *exec = place->system->exec;
  if (place->alarm_ns && !act__alarm_cancel(exec, &place->alarm)) return;  // it fires this moment
  if (!place->alarm_ns) place->holders++;
  place->alarm_ns = place->due_ns;
  act__alarm_arm(exec, me, &place->alarm, place->due_ns);
}

// --- ends ------------------------------------------------------------------------------------------

// Taken out of the ring without having moved. The caller holds no lock.
static void fail(act_cx *cx, struct act__place *place, act_rc why) {
  struct act__env *message = place->message;
  place->message = NULL;
  act__env_undeliver_to(place->system, cx, place->parcel.to, message, why);
}

// From here on the place may be gone.
static void tell(struct act__place *place, struct act__worker *me) {
  act__cell_push(place->system, me, place->sender, &place->told_env);
}

// Under the lock: puts the first one's message into the mailbox, for which there is room now.
static bool move(struct act__place *place, struct act__cell *cell) {
  // relaxed: written before the mailbox was opened, which the reservation has seen.
  if (act__load_relaxed(&cell->remote)) act__proxy_queue(cell);
  struct act__env *message = place->message;
  place->message = NULL;
  bool idle = act__mailbox_push(&cell->mailbox, message);
  idle |= push_behind(place);
  leave(place);
  return idle;
}

void act__park_serve(struct act__system *system, struct act__worker *me, struct act__cell *cell) {
  struct act__place *moved = NULL, **tail = &moved;
  bool idle = false;
  lock(system);
  while (act__annex(cell)->waiting) {
    struct act__place *place = act__annex(cell)->waiting;
#ifdef ACT_MUTANT_PARK_LAST_FIRST
    place = ACT__CONTAINER_OF(place->link.prev, struct act__place, link);
#endif
    // relaxed: raised under no lock, but who raises them comes here afterwards.
    enum act__admit admit = act__mailbox_hand_over(&cell->mailbox, place->parcel.gen,
                                                   place->parcel.units,
                                                   act__load_relaxed(&cell->msgs_max),
                                                   act__load_relaxed(&cell->units_max));
    ACT_ASSERT(admit != ACT__ADMIT_DEAD);  // its owner flushes the ring before the generation ends
    if (admit != ACT__ADMIT_OK) break;     // closed: the same, any moment
    idle |= move(place, cell);
    *tail = place;
    tail = &place->next_out;
  }
  *tail = NULL;
  // Only now may others get in: what was handed over is in the inbox before them.
  if (!act__annex(cell)->waiting && act__mailbox_is_parked(&cell->mailbox)) {
    act__mailbox_unpark(&cell->mailbox);
  }
  unlock(system);
  if (idle) act__exec_submit(system->exec, me, &cell->task);
  while (moved) {
    struct act__place *place = moved;
    moved = place->next_out;
    tell(place, me);
  }
}

// Under the lock: has the deadline come that the alarm stood for?
static bool is_due(const struct act__place *place) {
  return place->waits && place->due_ns <= place->alarm_ns;
}

// On any thread: the deadline, or what was one.
static void on_alarm(struct act__alarm *alarm, struct act__worker *me) {
  struct act__place *place = ACT__CONTAINER_OF(alarm, struct act__place, alarm);
  struct act__system *system = place->system;
  lock(system);
  struct act__cell *target = is_due(place) ? place->parcel.target : NULL;
  unlock(system);
#ifndef ACT_MUTANT_PARK_DEADLINE_BLIND
  // There may be room that its owner keeps until there is more of it.
  if (target) act__park_serve(system, me, target);
#endif
  lock(system);
  bool due = is_due(place), idle = false, last = false;
  target = place->parcel.target;
  if (place->waits && !due) {
    place->alarm_ns = place->due_ns;
    act__alarm_arm(system->exec, me, alarm, place->due_ns);
  } else {
    place->alarm_ns = 0;
    last = let_go(place);
  }
  if (due) {
    leave(place);
    idle = push_behind(place);
  }
  unlock(system);
  if (last) act__free(place);
  if (!due) return;
  if (idle) act__exec_submit(system->exec, me, &target->task);
  // Who stood behind it may need less room, or there is nobody any more.
  act__park_serve(system, me, target);
  fail(act__cx_of(me), place, ACT_ETIMEDOUT);
  tell(place, me);
}

void act__park_flush(act_cx *cx, struct act__cell *cell) {
  struct act__system *system = cx->system;
  if (!act__mailbox_is_parked(&cell->mailbox)) return;
  struct act__place *out = NULL, **tail = &out;
  lock(system);
  while (act__annex(cell)->waiting) {
    struct act__place *place = act__annex(cell)->waiting;
    leave(place);
    push_behind(place);  // into our own inbox: nobody needs to be woken
    *tail = place;
    tail = &place->next_out;
  }
  *tail = NULL;
  act__mailbox_unpark(&cell->mailbox);
  unlock(system);
  while (out) {
    struct act__place *place = out;
    out = place->next_out;
    fail(cx, place, ACT_EDEAD);
    tell(place, cx->me);
  }
}

// --- what is held back from a parked actor -----------------------------------------------------------

static bool passes(const struct act__env *env) {
  return env->notice == ACT__NOTICE_REPLY || env->notice == ACT__NOTICE_TICK ||
         env->notice == ACT__NOTICE_DONE || env->notice == ACT__NOTICE_UNPARKED;
}

// Splits a chain: what passes is returned, the rest held back behind what is already.
static struct act__env *sift(struct act__place *place, struct act__env *chain) {
  struct act__env *passing = NULL, **tail = &passing;
  if (!place->held) place->held_tail = &place->held;
  for (; chain; chain = chain->next) {
    if (passes(chain)) {
      *tail = chain;
      tail = &chain->next;
    } else {
      *place->held_tail = chain;
      place->held_tail = &chain->next;
    }
  }
  *tail = NULL;
  *place->held_tail = NULL;
  return passing;
}

// What is pending comes before what is held back. Each message is looked at once, however often its
// receiver parks: what was held back and is pending now needs no second look.
static void hold(struct act__cell *cell, struct act__place *place) {
  if (place->sifted && cell->pending) {
    ACT_ASSERT(!place->held);
    place->held = cell->pending;
    cell->pending = NULL;
  } else {
    struct act__env *later = place->held, **later_tail = place->held_tail;
    place->held = NULL;
    cell->pending = sift(place, cell->pending);
    if (later) {
      *place->held_tail = later;
      place->held_tail = later_tail;
    }
  }
  place->sifted = false;
}

struct act__env *act__park_next(struct act__cell *cell, bool *knocked) {
  struct act__place *place = cell->park;
  if (!place->parked && place->held) {
    struct act__env *held = place->held;
    place->held = NULL;
    place->sifted = true;
    *knocked = false;
    return held;
  }
  place->sifted = false;
  struct act__env *mark = NULL;  // one who parks takes his mark away first
  struct act__env *chain = act__mailbox_clear(&cell->mailbox, &mark, knocked);
  return place->parked ? sift(place, chain) : chain;
}

void act__park_up(struct act__cell *cell) {
  struct act__place *place = cell->park;
  if (place->parked) {
    hold(cell, place);
  } else {
    place->sifted = false;
  }
}

// --- the sender's side -------------------------------------------------------------------------------

static struct act__place *place_of(act_cx *cx) {
  struct act__cell *cell = cx->cell;
  if (cell->park) return cell->park;
  struct act__place *place = act__calloc(1, sizeof *place);
  if (!place) return NULL;
  act__turn_unmark(cx, cell);  // from here on act__park_next clears
  place->told_env.notice = ACT__NOTICE_UNPARKED;
  place->alarm.fire = on_alarm;
  place->system = cx->system;
  place->sender = cell;
  place->holders = 1;
  place->behind_tail = &place->behind;
  lock(cx->system);
  cell->park = place;
  unlock(cx->system);
  return place;
}

act_rc act__park_prepare(act_cx *cx, const struct act__parcel *parcel) {
  struct act__cell *sender = cx->cell, *target = parcel->target;
  if (!sender || (sender->life != ACT__UP && sender->life != ACT__STARTING)) return ACT_EFULL;
  // relaxed: judged again, together with the generation.
  if (parcel->units > act__load_relaxed(&target->units_max)) return ACT_EFULL;
  if (sender->park && sender->park->parked) return ACT_EFULL;
  if (sender == target) return ACT_EDEADLK;
  return place_of(cx) ? ACT_OK : ACT_ENOMEM;
}

// Under the lock. In a circle FULL means what it says, otherwise that there is somebody to wait now.
static enum act__admit admit(const struct act__parcel *parcel, bool circle) {
  struct act__cell *target = parcel->target;
  // relaxed: the swaps fail if the limits belong to another generation.
  uint32_t msgs_max = act__load_relaxed(&target->msgs_max);
  uint32_t units_max = act__load_relaxed(&target->units_max);
  return circle
             ? act__mailbox_reserve(&target->mailbox, parcel->gen, parcel->units, msgs_max, units_max)
             : act__mailbox_park(&target->mailbox, parcel->gen, parcel->units, msgs_max, units_max);
}

act_rc act__park_send(act_cx *cx, const struct act__parcel *parcel, struct act__env *env) {
  struct act__system *system = cx->system;
  struct act__cell *sender = cx->cell, *target = parcel->target;
  struct act__place *place = sender->park;
  bool idle = false;
  lock(system);
  bool circle = waits_for(target, sender);
  enum act__admit admitted = admit(parcel, circle);
  if (admitted == ACT__ADMIT_OK) {
    if (act__load_relaxed(&target->remote)) act__proxy_queue(target);  // relaxed: as in move
    idle = act__mailbox_push(&target->mailbox, env);
  } else if (admitted == ACT__ADMIT_FULL && !circle) {
    place->parcel = *parcel;
    place->message = env;
    // relaxed: the mailbox was found open in this generation, whose owner wrote it before.
    place->due_ns = act__time_add(act_now(cx), (int64_t)act__load_relaxed(&target->park_ms) *
                                                   ACT__NS_PER_MS);
    place->holders++;  // the notice
    enter(place);
    arm(place, cx->me);
  }
  unlock(system);
  switch (admitted) {
    case ACT__ADMIT_OK:
      if (idle) act__exec_submit(system->exec, cx->me, &target->task);
      return ACT_OK;
    case ACT__ADMIT_FULL:
      if (circle) return ACT_EDEADLK;
      break;
    case ACT__ADMIT_CLOSED: return parcel->to.epoch ? ACT_EDEAD : ACT_ECLOSED;
    case ACT__ADMIT_DEAD: return ACT_EDEAD;
  }
  // It may have moved already; it is parked until it is told.
  sender->notices++;
  place->parked = true;
  hold(sender, place);
  return ACT_OK;
}

bool act__park_follow_if_waiting(act_cx *cx, struct act__cell *to, struct act__env *notice) {
  struct act__place *place = cx->cell->park;
  if (!place->parked) return false;
  lock(cx->system);
  bool follows = place->waits && place->parcel.target == to;
  if (follows) {
    notice->next = NULL;
    *place->behind_tail = notice;
    place->behind_tail = &notice->next;
  }
  unlock(cx->system);
  return follows;
}

void act__park_told(struct act__cell *cell, struct act__env *env) {
  struct act__place *place = ACT__CONTAINER_OF(env, struct act__place, told_env);
  cell->notices--;
  if (cell->park == place) place->parked = false;  // else the place of an incarnation that has ended
  release(place);
}

void act__park_quit(act_cx *cx, struct act__cell *cell) {
  struct act__system *system = cx->system;
  struct act__place *place = cell->park;
  struct act__cell *target = place->parcel.target;
  bool idle = false;
  lock(system);
  bool waited = place->waits;
  if (waited) {
    leave(place);
    idle = push_behind(place);
    place->holders--;  // there will be no notice
  }
  if (place->alarm_ns && act__alarm_cancel(system->exec, &place->alarm)) {
    place->alarm_ns = 0;
    place->holders--;
  }
  cell->park = NULL;
  unlock(system);
  if (place->held) {
    *place->held_tail = cell->pending;
    cell->pending = place->held;
    place->held = NULL;
  }
  if (waited) {
    cell->notices--;
    if (idle) act__exec_submit(system->exec, cx->me, &target->task);
    act__park_serve(system, cx->me, target);
    fail(cx, place, ACT_EDEAD);
  }
  release(place);
}

bool act_parked(const act_cx *cx) {
  return cx->cell && cx->cell->park && cx->cell->park->parked;
}
