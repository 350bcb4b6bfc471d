// SPDX-License-Identifier: Apache-2.0
//
// What a worker runs next.
//
// Normally: the task in its `next` place (the one submitted last by the turn that just ended, which
// finds its data in this core's cache), at most ACT__NEXT_CAP in a row; then the newest of its queue;
// then the lane; then the shared queue; then, by searching, other workers' tasks.
//
// Nothing starves: every ACT__FAIR_EVERY-th pick goes to one of the shared queue, the lane and the
// oldest fresh task, by turns, so the head of each is taken within 3 x ACT__FAIR_EVERY picks.
//
// Thieves leave a worker its only waiting task: moving it costs more than it gains, and tasks that
// talk to each other stay together. They take it all the same when the turn before it gets old.
#include "base/check.h"
#include "runtime/sched/crew.h"

#define FAIR_SOURCES 3u
#define PAUSES_BETWEEN_LOOKS 32

static struct act__task *take_next(struct act__crew_worker *worker) {
  // relaxed: only spares the exchange; the owner sees its own store, a thief looks again.
  if (!act__load_relaxed(&worker->next)) return NULL;
  return act__crew_swap_next(worker, NULL);
}

static struct act__task *take_shared(struct act__crew_worker *me) {
  struct act__crew *crew = me->crew;
  uint32_t length = act__inject_length(&crew->inject);
  if (length == 0) return NULL;
  uint32_t share = (length + crew->count - 1) / crew->count;  // leaves others theirs
  struct act__task_chain chain = {0};
  act__inject_take(&crew->inject, share < ACT__STEAL_MAX ? share : ACT__STEAL_MAX, &chain);
  struct act__task *task = act__task_chain_pop(&chain);
  act__runq_push_chain(&me->queue, &chain);
  return task;
}

static struct act__task *pick_by_turns(struct act__crew_worker *me) {
  struct act__task *task = NULL;
  for (unsigned i = 0; i < FAIR_SOURCES && !task; i++) {
    switch (me->fair++ % FAIR_SOURCES) {
      case 0:
        task = take_shared(me);
        break;
      case 1:
        task = act__runq_pop_lane(&me->queue);
        break;
      default:
        task = act__runq_pop_oldest(&me->queue);
        break;
    }
  }
  return task;
}

struct act__task *act__crew_pick(struct act__crew_worker *me) {
#ifndef ACT_MUTANT_PICK_UNFAIR
  if (++me->picks % ACT__FAIR_EVERY == 0) {
    struct act__task *task = pick_by_turns(me);
    if (task) return task;
  }
#else
  (void)pick_by_turns;
#endif
  struct act__task *task = take_next(me);
#ifndef ACT_MUTANT_NEXT_WITHOUT_CAP
  if (task && me->in_a_row >= ACT__NEXT_CAP) {
    act__runq_push_behind(&me->queue, task);
    task = NULL;
  }
#endif
  if (task) {
    me->in_a_row++;
    return task;
  }
  me->in_a_row = 0;
  task = act__runq_pop(&me->queue);
  return task ? task : take_shared(me);
}

// The turn under way is so old that all that waits behind it may be taken.
static bool is_stale(struct act__crew_worker *worker, int64_t now_ns) {
  // relaxed: an age; a wrong look is put right by the next.
  int64_t start = act__load_relaxed(&worker->turn_start);
  return start < now_ns - ACT__STALE_NS;
}

static bool has_next(struct act__crew_worker *worker) {
  return act__load_relaxed(&worker->next) != NULL;  // relaxed: whoever wants it exchanges it out
}

// How many of the queue must stay with its worker: its only waiting task does.
static unsigned must_keep(struct act__crew_worker *worker, int64_t now_ns) {
  return has_next(worker) || is_stale(worker, now_ns) ? 0 : 1;
}

static bool is_worth_a_visit(struct act__crew_worker *worker, int64_t now_ns) {
  uint32_t length = act__runq_length(&worker->queue);
  if (length > 1) return true;
  if (length == 1) return must_keep(worker, now_ns) == 0;
  return has_next(worker) && is_stale(worker, now_ns);
}

bool act__crew_has_work(struct act__crew *crew, int64_t now_ns) {
  if (act__inject_length(&crew->inject) > 0) return true;
  for (unsigned i = 0; i < crew->count; i++) {
    if (is_worth_a_visit(&crew->workers[i], now_ns)) return true;
  }
  return false;
}

static struct act__task *steal_from(struct act__crew_worker *me, struct act__crew_worker *victim) {
  int64_t now_ns = me->base.now_ns;
  if (!is_worth_a_visit(victim, now_ns)) return NULL;
  struct act__task_chain chain = {0};
  act__runq_steal(&victim->queue, must_keep(victim, now_ns), ACT__STEAL_MAX, &chain);
  struct act__task *task = act__task_chain_pop(&chain);
  act__runq_push_chain(&me->queue, &chain);
  if (!task && is_stale(victim, now_ns)) task = take_next(victim);
  return task;
}

static struct act__task *look_around(struct act__crew_worker *me) {
  struct act__crew *crew = me->crew;
  struct act__task *task = take_shared(me);
  unsigned start = (unsigned)act__rand_below(&me->base.rand, crew->count);
  for (unsigned i = 0; i < crew->count && !task; i++) {
    struct act__crew_worker *victim = &crew->workers[(start + i) % crew->count];
    if (victim != me) task = steal_from(me, victim);
  }
  if (task) return task;
  // Alarms of whoever is asleep or busy; what they submit is this worker's.
  if (act__alarms_earliest(&crew->exec.alarms) > me->base.now_ns) return NULL;
  act__alarms_advance_all(&crew->exec.alarms, me->base.now_ns, &me->base);
  return act__crew_pick(me);
}

struct act__task *act__crew_search(struct act__crew_worker *me) {
  struct act__crew *crew = me->crew;
  // relaxed: an age; nothing waits behind this worker now.
  act__store_relaxed(&me->turn_start, INT64_MAX);
  if (!me->searching) {
    if (!act__idle_search_begin(&crew->idle, crew->searchers_max)) return NULL;
    me->searching = true;
  }
  // Spinning pays only while work comes and goes: after a wake-up for nothing, one look is enough.
  int64_t end_ns = me->ran ? me->base.now_ns + ACT__SPIN_NS : 0;
  for (;;) {
    struct act__task *task = look_around(me);
    if (task) return task;
    if (me->base.now_ns >= end_ns || act__crew_is_finishing(crew)) return NULL;
    for (int i = 0; i < PAUSES_BETWEEN_LOOKS; i++) act__spin_pause();
    act__worker_refresh_now(&me->base);
  }
}
