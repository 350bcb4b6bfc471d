// SPDX-License-Identifier: Apache-2.0
#include "actors/kids.h"

#include "actors/supervise/check.h"
#include "base/check.h"
#include "base/clock.h"

// Open from the first child until the owner's end. Between the two it is at rest, armed,
// or fired and on its way as a notice.
struct act__minder {
  struct act__notice notice;
  struct act__alarm alarm;  // timer.note: not at rest; timer.due_ns: when it fires or has fired
};

_Static_assert(sizeof(struct act__minder) == 128, "a minder is two cache lines");

static struct act__minder *minder_of(struct act__notice *notice) {
  return ACT__CONTAINER_OF(notice, struct act__minder, notice);
}

// --- lists -----------------------------------------------------------------------------------------

static void push_back(struct act__system *system, struct act__kid_list *list,
                      struct act__birth *birth) {
  birth->next = 0;
  birth->prev = list->last;
  if (list->last) {
    act__kid_at(system, list->last)->next = birth->slot;
  } else {
    list->first = birth->slot;
  }
  list->last = birth->slot;
}

static void take_out(struct act__system *system, struct act__kid_list *list,
                     struct act__birth *birth) {
  if (birth->next) {
    act__kid_at(system, birth->next)->prev = birth->prev;
  } else {
    list->last = birth->prev;
  }
  if (birth->prev) {
    act__kid_at(system, birth->prev)->next = birth->next;
  } else {
    list->first = birth->next;
  }
}

// --- the minder ------------------------------------------------------------------------------------

// On any thread. Once the notice is pushed the record may be gone.
static void fire(struct act__alarm *alarm, struct act__worker *me) {
  struct act__minder *minder = ACT__CONTAINER_OF(alarm, struct act__minder, alarm);
  struct act__cell *owner = minder->notice.owner;
  act__cell_push(act__cell_system(owner), me, owner, &minder->notice.env);
}

static void minder_free(act_cx *cx, struct act__minder *minder) {
  act__pool_free(act__cache(cx), act__exec_pool(cx->system->exec), minder, sizeof *minder);
}

act_rc act__kids_reserve(act_cx *cx, struct act__cell *owner) {
  struct act__cold *cold = act__cell_cold(owner);
  if (!cold) return ACT_ENOMEM;
  if (cold->kids.minder) return ACT_OK;
  struct act__minder *minder =
      act__pool_alloc(act__cache(cx), act__exec_pool(cx->system->exec), sizeof *minder);
  if (!minder) return ACT_ENOMEM;
  *minder = (struct act__minder){.alarm = {.fire = fire}};
  minder->notice.env.notice = ACT__NOTICE_MINDER;
  minder->notice.owner = owner;
  act__list_push_back(&cold->records, &minder->notice.link);
  owner->notices++;
  cold->kids.minder = minder;
  return ACT_OK;
}

bool act__minder_withdraw(act_cx *cx, struct act__notice *notice) {
  struct act__minder *minder = minder_of(notice);
  if (minder->alarm.timer.note && !act__alarm_cancel(cx->system->exec, &minder->alarm)) return false;
  minder_free(cx, minder);
  return true;
}

// Has it look at due_ns at the latest.
static void mind(act_cx *cx, struct act__minder *minder, int64_t due_ns) {
  struct act__timer *timer = &minder->alarm.timer;
  if (timer->note) {
    if (timer->due_ns <= due_ns) return;
    // If it has just fired, its notice will find this deadline.
    if (!act__alarm_cancel(cx->system->exec, &minder->alarm)) return;
  }
  timer->note = 1;
  act__alarm_arm(cx->system->exec, cx->me, &minder->alarm, due_ns);
}

// --- children come and go ----------------------------------------------------------------------------

void act__kids_add(act_cx *cx, struct act__cell *owner, struct act__birth *birth) {
  struct act__kids *kids = &owner->cold->kids;
  push_back(cx->system, &kids->all, birth);
  kids->count++;
  if (act__birth_contract(birth) || kids->starting) return;
  kids->starting = birth->slot;
#ifndef ACT_MUTANT_KIDS_NO_START_DEADLINE
  mind(cx, kids->minder, -act__load_relaxed(&birth->due_ns));  // relaxed: the owner's own
#endif
}

static struct act__kid_list *list_of(struct act__kids *kids, const struct act__birth *birth) {
  if (act__birth_contract(birth)) return &kids->all;
  return birth->killed ? &kids->killed : birth->stopping ? &kids->stopping : &kids->all;
}

void act__kids_remove(act_cx *cx, struct act__cell *owner, struct act__birth *birth) {
  struct act__kids *kids = &owner->cold->kids;
  if (kids->starting == birth->slot) kids->starting = birth->next;
  take_out(cx->system, list_of(kids, birth), birth);
  kids->count--;
}

void act__kids_give_until(act_cx *cx, struct act__cell *owner, struct act__birth *birth,
                          int64_t due_ns) {
  struct act__kids *kids = &owner->cold->kids;
  if (kids->starting == birth->slot) kids->starting = birth->next;
  // Where it was until now: a killed one may have been stopping before.
  take_out(cx->system, birth->killed && birth->stopping ? &kids->stopping : &kids->all, birth);
  struct act__kid_list *list = list_of(kids, birth);
  // relaxed, all: the child reads a hint.
  for (uint32_t slot = list->last; slot;) {
    struct act__birth *before = act__kid_at(cx->system, slot);
    if (act__load_relaxed(&before->due_ns) <= due_ns) break;
#ifndef ACT_MUTANT_KIDS_DEADLINES_GROW
    act__store_relaxed(&before->due_ns, due_ns);
#endif
    slot = before->prev;
  }
  act__store_relaxed(&birth->due_ns, due_ns);
  push_back(cx->system, list, birth);
  mind(cx, kids->minder, due_ns);
}

// --- deadlines -------------------------------------------------------------------------------------

// Goes past those who are up; true: the one it stops at is not, or the steps are used up.
static bool find_starting(struct act__system *system, struct act__kids *kids, unsigned *steps) {
  while (kids->starting) {
    struct act__birth *birth = act__kid_at(system, kids->starting);
    // relaxed: who comes up in this very moment is late.
    bool waits = !act__birth_contract(birth) &&
                 act__load_relaxed(&birth->phase) == ACT__CHILD_STARTING;
    if (waits || *steps == 0) return true;
    (*steps)--;
    kids->starting = birth->next;
  }
  return false;
}

// Whose deadline comes first; NULL: there is none.
static struct act__birth *earliest(struct act__system *system, struct act__kids *kids,
                                   unsigned *steps, int64_t *due_ns) {
  struct act__birth *first = NULL;
  *due_ns = INT64_MAX;
  if (find_starting(system, kids, steps)) {
    first = act__kid_at(system, kids->starting);
    *due_ns = -act__load_relaxed(&first->due_ns);  // relaxed, here and below: the owner's own
  }
  const uint32_t heads[2] = {kids->stopping.first, kids->killed.first};
  for (unsigned i = 0; i < 2; i++) {
    struct act__birth *birth = act__kid_at(system, heads[i]);
    if (!birth || act__load_relaxed(&birth->due_ns) >= *due_ns) continue;
    first = birth;
    *due_ns = act__load_relaxed(&birth->due_ns);
  }
  return first;
}

act_rc act__minder_handle(act_cx *cx, struct act__cell *cell, struct act__notice *notice) {
  struct act__minder *minder = minder_of(notice);
  if (notice->dropped) {
    cell->notices--;
    minder_free(cx, minder);
    return ACT_OK;
  }
  minder->alarm.timer.note = 0;
  struct act__kids *kids = &cell->cold->kids;
  int64_t now = act__child_now(cx);
  for (unsigned steps = ACT__MINDER_STEPS;;) {
    int64_t due_ns;
    struct act__birth *birth = earliest(cx->system, kids, &steps, &due_ns);
    if (!birth) return ACT_OK;
    if (steps == 0 || due_ns > now) {
      mind(cx, minder, steps == 0 ? now : due_ns);
      return ACT_OK;
    }
    steps--;
    bool last = birth->killed;  // it is stuck, which may end the owner: nothing here is touched after
    if (last) mind(cx, minder, now);
    act_rc rc = act__child_overdue(cx, cell, birth);
    if (last) return rc;
    ACT_ASSERT(rc == ACT_OK);
  }
}
