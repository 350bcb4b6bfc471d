// SPDX-License-Identifier: Apache-2.0
#include "runtime/alarm.h"

#include "base/alloc.h"
#include "base/check.h"
#include "runtime/exec_impl.h"

act_rc act__alarms_init(struct act__alarms *alarms, unsigned count, int64_t now_ns) {
  alarms->wheels = act__malloc(count * sizeof alarms->wheels[0]);
  if (!alarms->wheels) return ACT_ENOMEM;
  alarms->count = count;
  for (unsigned i = 0; i < count; i++) {
    struct act__alarm_wheel *home = &alarms->wheels[i];
    act__atomic_init(&home->due, ACT__TIME_NEVER);
    act__spinlock_init(&home->lock);
    act__wheel_init(&home->wheel, now_ns);
  }
  return ACT_OK;
}

void act__alarms_fini(struct act__alarms *alarms) {
  act__free(alarms->wheels);
  *alarms = (struct act__alarms){0};
}

int64_t act__alarms_due(struct act__alarms *alarms, unsigned index) {
  // seq_cst [alarm:due]: with keeper_until of the crew. The one who goes to sleep writes until when
  // and then reads the due times; the one who arms writes the due time and then reads until when.
  // In one order over all four at least one of them sees the other's value.
  return act__load_seq_cst(&alarms->wheels[index].due);
}

int64_t act__alarms_earliest(struct act__alarms *alarms) {
  int64_t earliest = ACT__TIME_NEVER;
  for (unsigned i = 0; i < alarms->count; i++) {
    int64_t due = act__alarms_due(alarms, i);
    if (due < earliest) earliest = due;
  }
  return earliest;
}

// Under the wheel's lock, after an advance.
static void note_due(struct act__alarm_wheel *home) {
  int64_t due = act__wheel_next_due(&home->wheel);
  // relaxed: only holders of the lock write.
  if (due == act__load_relaxed(&home->due)) return;
  // seq_cst [alarm:due]: pairs with act__alarms_due.
  act__store_seq_cst(&home->due, due);
}

unsigned act__alarms_advance(struct act__alarms *alarms, unsigned index, int64_t now_ns,
                             struct act__worker *me) {
  struct act__alarm_wheel *home = &alarms->wheels[index];
  struct act__link expired;
  act__list_init(&expired);
#ifdef ACT_MUTANT_ALARM_EARLY
  now_ns += ACT__NS_PER_MS;
#endif

  act__spinlock_lock(&home->lock);
  act__wheel_advance(&home->wheel, now_ns, &expired);
  note_due(home);
  act__spinlock_unlock(&home->lock);

  unsigned fired = 0;
  struct act__link *link;
  while ((link = act__list_pop_front(&expired))) {
    struct act__timer *timer = ACT__CONTAINER_OF(link, struct act__timer, link);
    struct act__alarm *alarm = ACT__CONTAINER_OF(timer, struct act__alarm, timer);
    link->next = &expired;   // see act__alarm_rest
    alarm->fire(alarm, me);  // the record may be gone now
    fired++;
  }
  return fired;
}

unsigned act__alarms_advance_all(struct act__alarms *alarms, int64_t now_ns,
                                 struct act__worker *me) {
  unsigned fired = 0;
  for (unsigned i = 0; i < alarms->count; i++) {
    if (act__alarms_due(alarms, i) > now_ns) continue;
    fired += act__alarms_advance(alarms, i, now_ns, me);
  }
  return fired;
}

void act__alarm_arm(struct act__exec *exec, struct act__worker *me, struct act__alarm *alarm,
                    int64_t due_ns) {
  ACT_ASSERT(alarm->fire);
  unsigned index = me ? me->index : 0;
  alarm->timer.home = (uint16_t)index;
  struct act__alarm_wheel *home = &exec->alarms.wheels[index];

  act__spinlock_lock(&home->lock);
  act__wheel_arm(&home->wheel, &alarm->timer, due_ns);
  // relaxed: only holders of the lock write. seq_cst [alarm:due]: pairs with act__alarms_due.
  if (due_ns < act__load_relaxed(&home->due)) act__store_seq_cst(&home->due, due_ns);
  act__spinlock_unlock(&home->lock);

  // A worker is awake and looks at its own wheel before each turn and before it sleeps.
#ifndef ACT_MUTANT_ALARM_WAKES_NOBODY
  if (!me) exec->ops->armed_from_outside(exec, due_ns);
#endif
}

bool act__alarm_cancel(struct act__exec *exec, struct act__alarm *alarm) {
  ACT_ASSERT(alarm->timer.home < exec->alarms.count);
  struct act__alarm_wheel *home = &exec->alarms.wheels[alarm->timer.home];

  act__spinlock_lock(&home->lock);
#ifdef ACT_MUTANT_ALARM_CANCEL_BLIND
  bool cancelled = alarm->timer.place != 0;
#else
  // Collected alarms are out of the wheel already, so this is false for them; `due` may stay too
  // early, which costs one look and nothing else.
  bool cancelled = act__wheel_cancel(&home->wheel, &alarm->timer);
#endif
  act__spinlock_unlock(&home->lock);
  return cancelled;
}
