// SPDX-License-Identifier: Apache-2.0
#include "runtime/alarm.h"

#include "base/alloc.h"
#include "base/check.h"
#include "runtime/exec_impl.h"

_Static_assert(ACT__WORKERS_MAX - 1 <= UINT8_MAX, "a timer's home is a byte");

act_rc act__alarms_init(struct act__alarms *alarms, unsigned count, int64_t now_ns,
                        void (*on_timer)(struct act__timer *, struct act__worker *me)) {
  alarms->wheels = act__malloc(count * sizeof alarms->wheels[0]);
  if (!alarms->wheels) return ACT_ENOMEM;
  alarms->count = count;
  alarms->on_timer = on_timer;
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
    link->next = &expired;  // see act__timer_rest
    if (timer->bare) {
      alarms->on_timer(timer, me);
    } else {
      struct act__alarm *alarm = ACT__CONTAINER_OF(timer, struct act__alarm, timer);
      alarm->fire(alarm, me);
    }
    fired++;  // the record may be gone now
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

static inline void arm(struct act__alarms *alarms, unsigned index, struct act__timer *timer,
                       int64_t due_ns) {
  timer->home = (uint8_t)index;
  struct act__alarm_wheel *home = &alarms->wheels[index];
  act__spinlock_lock(&home->lock);
  act__wheel_arm(&home->wheel, timer, due_ns);
  // relaxed: only holders of the lock write. seq_cst [alarm:due]: pairs with act__alarms_due.
  if (due_ns < act__load_relaxed(&home->due)) act__store_seq_cst(&home->due, due_ns);
  act__spinlock_unlock(&home->lock);
}

void act__timer_arm(struct act__exec *exec, struct act__worker *me, struct act__timer *timer,
                    int64_t due_ns) {
  timer->bare = true;
  arm(&exec->alarms, me->index, timer, due_ns);
}

void act__alarm_arm(struct act__exec *exec, struct act__worker *me, struct act__alarm *alarm,
                    int64_t due_ns) {
  ACT_ASSERT(alarm->fire);
  alarm->timer.bare = false;
  arm(&exec->alarms, me ? me->index : 0, &alarm->timer, due_ns);
  // A worker is awake and looks at its own wheel before each turn and before it sleeps.
#ifndef ACT_MUTANT_ALARM_WAKES_NOBODY
  if (!me) exec->ops->armed_from_outside(exec, due_ns);
#endif
}

// Under the wheel's lock. Collected timers are out of the wheel already, so this is false for them;
// `due` may stay too early, which costs one look and nothing else.
static inline bool cancel(struct act__alarm_wheel *home, struct act__timer *timer) {
#ifdef ACT_MUTANT_ALARM_CANCEL_BLIND
  return timer->place != 0;
#else
  return act__wheel_cancel(&home->wheel, timer);
#endif
}

static struct act__alarm_wheel *home_of(struct act__exec *exec, const struct act__timer *timer) {
  ACT_ASSERT(timer->home < exec->alarms.count);
  return &exec->alarms.wheels[timer->home];
}

bool act__alarm_cancel(struct act__exec *exec, struct act__alarm *alarm) {
  struct act__alarm_wheel *home = home_of(exec, &alarm->timer);
  act__spinlock_lock(&home->lock);
  bool cancelled = cancel(home, &alarm->timer);
  act__spinlock_unlock(&home->lock);
  return cancelled;
}

// How many from the first on lie in one wheel.
static unsigned same_home(struct act__timer **timers, unsigned count) {
  unsigned n = 1;
  while (n < count && timers[n]->home == timers[0]->home) n++;
  return n;
}

void act__timers_cancel(struct act__exec *exec, struct act__timer **timers, unsigned count) {
  while (count > 0) {
    struct act__alarm_wheel *home = home_of(exec, timers[0]);
    unsigned n = same_home(timers, count);
    act__spinlock_lock(&home->lock);
    // Their neighbours come from memory side by side, not one after the other.
    for (unsigned i = 0; i < n; i++) {
      if (!act__timer_is_armed(timers[i])) continue;
      __builtin_prefetch(timers[i]->link.next, 1);
      __builtin_prefetch(timers[i]->link.prev, 1);
    }
    for (unsigned i = 0; i < n; i++) {
      if (!cancel(home, timers[i])) timers[i] = NULL;
    }
    act__spinlock_unlock(&home->lock);
    timers += n;
    count -= n;
  }
}
