// SPDX-License-Identifier: Apache-2.0
//
// What a worker runs next.
//
// Normally: the task in its `next` place (the one submitted last by the turn that just ended, which
// finds its data in this core's cache), at most ACT__NEXT_CAP in a row; then, by turns, the shared queue
// (what comes from outside: results of jobs, foreign threads' messages) or the worker's own, the newest
// first and then the lane; then, by searching, other workers' tasks.
//
// Nothing starves: every ACT__FAIR_EVERY-th pick, once ACT__FAIR_NS have passed since the last of
// these, goes to one of the shared queue, the lane and the oldest fresh task, by turns. So the head of
// each is taken within 3 x (ACT__FAIR_NS and ACT__FAIR_EVERY picks more). The time is what keeps a tree
// of quick spawns depth first: each old task that is begun early leaves its children behind, and by
// picks alone that was one in thirty of a million.
//
// Thieves come when a worker's board says that it is worth it (look.c), and leave it its only waiting
// task: tasks that talk to each other stay together. They take it all the same when it has waited long
// without having begun, or, and `next` with it, when the turn before it gets old.
#include "base/check.h"
#include "runtime/sched/crew.h"

#define FAIR_SOURCES 3u
#define PAUSES_BETWEEN_LOOKS 32

// The first of what was taken elsewhere; the rest waits here.
static struct act__task *keep_rest(struct act__crew_worker *me, struct act__task_chain *chain) {
  me->timed = false;
  struct act__task *task = act__task_chain_pop(chain);
  act__crew_enter(me);
  act__runq_push_chain(&me->queue, chain);
  bool waits = me->queue.length > 0;
  act__crew_leave(me);
#ifdef ACT_MUTANT_REST_UNSHOWN
  waits = false;
#endif
  // The next look comes after the first of them, and that may be a long turn.
  if (waits) act__crew_show_waiting(me);
  return task;
}

__attribute__((noinline)) static struct act__task *take_shared(struct act__crew_worker *me,
                                                               uint32_t most) {
  struct act__crew *crew = me->crew;
#ifdef ACT_MUTANT_SUBMIT_TO_ANOTHER
  if (crew->not_by == me) return NULL;
#endif
  uint32_t length = act__inject_length(&crew->inject);
  if (length == 0) return NULL;
  uint32_t share = (length + crew->count - 1) / crew->count;  // leaves others theirs
  struct act__task_chain chain = {0};
  act__inject_take(&crew->inject, share < most ? share : most, &chain);
  return keep_rest(me, &chain);
}

// The two ends of the own queue that wait.
static struct act__task *take_waiting(struct act__crew_worker *me, bool lane) {
  act__crew_enter(me);
  struct act__task *task =
      lane ? act__runq_pop_lane(&me->queue) : act__runq_pop_oldest(&me->queue);
  act__crew_leave(me);
  return task;
}

__attribute__((noinline)) static struct act__task *pick_by_turns(struct act__crew_worker *me) {
  struct act__task *task = NULL;
  for (unsigned i = 0; i < FAIR_SOURCES && !task; i++) {
    unsigned source = me->fair++ % FAIR_SOURCES;
    task = source == 0 ? take_shared(me, ACT__STEAL_MAX) : take_waiting(me, source == 1);
  }
  return task;
}

// Of its own, behind the door.
static inline struct act__task *take_own(struct act__crew_worker *me) {
  struct act__task *task = me->next;
  me->next = NULL;
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
  return act__runq_pop(&me->queue);
}

static bool is_fair_pick(struct act__crew_worker *me) {
  if (--me->fair_in) return false;
  me->fair_in = ACT__FAIR_EVERY;
#ifndef ACT_MUTANT_PICK_BREADTH_FIRST
  if (me->base.now_ns - me->fair_ns < ACT__FAIR_NS) return false;
#endif
  me->fair_ns = me->base.now_ns;
  return true;
}

struct act__task *act__crew_pick(struct act__crew_worker *me) {
#ifndef ACT_MUTANT_PICK_UNFAIR
  if (is_fair_pick(me)) {
    struct act__task *task = pick_by_turns(me);
    if (task) return task;
  }
#else
  (void)pick_by_turns;
  (void)is_fair_pick;
#endif
  // `next` waits too then: to look at it takes the door.
  if ((me->outside = !me->outside) && act__inject_length(&me->crew->inject) > 0) {
    // One at a time while others wait here: a batch would lie behind them, and what comes to the
    // shared queue after it would be begun before it.
    bool waiting = act__load_relaxed(&me->board.waiting);  // relaxed: its own
    struct act__task *shared = take_shared(me, waiting ? 1 : ACT__STEAL_MAX);
    if (shared) return shared;
  }
  act__crew_enter(me);
  struct act__task *task = take_own(me);
  act__crew_leave(me);
  return task ? task : take_shared(me, ACT__STEAL_MAX);
}

// How long ago a worker that has something to run last looked at the clock: about the age of its turn.
static int64_t age_ns(struct act__crew_worker *worker, int64_t now_ns) {
  // relaxed: an age; a wrong look is put right by the next.
  int64_t looked_ns = act__load_relaxed(&worker->board.looked_ns);
  return looked_ns < now_ns ? now_ns - looked_ns : 0;
}

static bool has_unbegun(struct act__crew_worker *worker, int64_t now_ns) {
  // relaxed: hints, both.
  return act__load_relaxed(&worker->board.unbegun) &&
         now_ns >= act__load_relaxed(&worker->board.unbegun_after_ns);
}

// Whatever waits there, because of its worth or of its age.
static bool is_worth_robbing(struct act__crew_worker *worker, int64_t now_ns) {
  struct act__board *board = &worker->board;
  // relaxed: hints, all of them.
  int64_t age = age_ns(worker, now_ns);
  bool waiting = act__load_relaxed(&board->waiting);
  if (waiting && age >= ACT__STUCK_NS) return true;
  if (now_ns < act__load_relaxed(&board->visit_after_ns)) return false;
  return act__load_relaxed(&board->worth) || (waiting && age >= ACT__STALE_NS);
}

static bool is_worth_a_visit(struct act__crew_worker *worker, int64_t now_ns) {
  return is_worth_robbing(worker, now_ns) || has_unbegun(worker, now_ns);
}

bool act__crew_has_work(struct act__crew *crew, int64_t now_ns) {
  if (act__inject_length(&crew->inject) > 0) return true;
  for (unsigned i = 0; i < crew->count; i++) {
    if (is_worth_a_visit(&crew->workers[i], now_ns)) return true;
  }
  return false;
}

// Behind the victim's door.
static void rob(struct act__crew_worker *victim, int64_t age, struct act__task_chain *chain) {
  bool stale = age >= ACT__STALE_NS;
  if (age >= ACT__STUCK_NS) {
    act__runq_take_all(&victim->queue, chain);
  } else {
    act__runq_steal(&victim->queue, stale || victim->next ? 0 : 1, ACT__STEAL_MAX, chain);
  }
  if (stale && chain->length == 0 && victim->next) {
    act__task_chain_push(chain, victim->next);
    victim->next = NULL;
  }
  uint32_t waiting = victim->queue.length + (victim->next ? 1 : 0);
  // relaxed: the victim reads them after its next time behind the door; see offer in look.c.
  if (waiting == 0) act__store_relaxed(&victim->board.waiting, 0);
#ifndef ACT_MUTANT_THIEF_LEAVES_WORTH
  // It may be in a long turn, and until its end nobody else would say that it is not worth it.
  if (waiting <= 1) act__store_relaxed(&victim->board.worth, 0);
#endif
}

// The older half of those that have waited long, as long as they have not begun.
static void rob_unbegun(struct act__crew_worker *me, struct act__crew_worker *victim,
                        struct act__task_chain *chain) {
  // relaxed: a hint.
  uint32_t unbegun = act__load_relaxed(&victim->board.unbegun), most = (unbegun + 1) / 2;
  if (most > ACT__STEAL_MAX) most = ACT__STEAL_MAX;
  act__runq_steal_unbegun(&victim->queue, me->base.exec->options.first_run, most, chain);
  uint32_t left = chain->length < most ? 0 : unbegun - most;
  act__store_relaxed(&victim->board.unbegun, left);  // relaxed: as in rob
  if (chain->length == 0) return;
  me->bereft = victim;
  me->bereft_ns = me->base.now_ns;
}

// It was if enough came of them. If not, the next one waits.
static void judge_the_unbegun(struct act__crew_worker *me) {
  int64_t now_ns = me->base.now_ns;
  int64_t rest_ns = act__patience_rest_ns(&me->patience, now_ns - me->bereft_ns);
  // relaxed: a hint.
  if (rest_ns) act__store_relaxed(&me->bereft->board.unbegun_after_ns, now_ns + rest_ns);
  me->bereft = NULL;
}

// Was the last theft worth it? Asked when its loot is run.
static void judge_the_loot(struct act__crew_worker *me) {
  if (me->bereft) judge_the_unbegun(me);
  if (!me->robbed) return;
  if (me->pace.last_ns < ACT__SHORT_NS) {
    // relaxed: a hint.
    act__store_relaxed(&me->robbed->board.visit_after_ns,
                       me->base.now_ns + ACT__SHORT_REST_NS);
  }
  me->robbed = NULL;
}

static struct act__task *steal_from(struct act__crew_worker *me, struct act__crew_worker *victim) {
  int64_t now_ns = me->base.now_ns;
#ifdef ACT_MUTANT_NOBODY_STEALS
  if (now_ns > 0) return NULL;
#endif
  if (!is_worth_a_visit(victim, now_ns) || !act__door_force(&victim->door)) return NULL;
  struct act__task_chain chain = {0};
  if (is_worth_robbing(victim, now_ns)) {
    rob(victim, age_ns(victim, now_ns), &chain);
    if (chain.length > 0) me->robbed = victim;
  } else {
    rob_unbegun(me, victim, &chain);
  }
  act__door_close(&victim->door);
  if (chain.length == 0) return NULL;
  return keep_rest(me, &chain);
}

static struct act__task *look_around(struct act__crew_worker *me) {
  struct act__crew *crew = me->crew;
  struct act__task *task = take_shared(me, ACT__STEAL_MAX);
  unsigned start = (unsigned)act__rand_below(&me->base.rand, crew->count);
  for (unsigned i = 0; i < crew->count && !task; i++) {
    struct act__crew_worker *victim = &crew->workers[(start + i) % crew->count];
    if (victim != me) task = steal_from(me, victim);
  }
  if (task) return task;
  // Alarms of whoever is asleep or too busy; what they submit is this worker's.
  unsigned fired = 0;
  for (unsigned i = 0; i < crew->count; i++) {
    if (act__crew_alarm_due(crew, i) > me->base.now_ns) continue;
    fired += act__crew_fire(crew, i, me->base.now_ns, me);
  }
  return fired ? act__crew_pick(me) : NULL;
}

struct act__task *act__crew_search(struct act__crew_worker *me) {
  struct act__crew *crew = me->crew;
  act__crew_away(me);
  judge_the_loot(me);
  if (!me->searching) {
    if (!act__idle_search_begin(&crew->idle, crew->searchers_max)) return NULL;
    me->searching = true;
  }
  // Spinning pays only while work comes and goes: after a wake-up for nothing, one look is enough;
  // and when the next alarm comes is known.
  int64_t end_ns = me->ran && !me->timed ? me->base.now_ns + ACT__SPIN_NS : 0;
  for (;;) {
    struct act__task *task = look_around(me);
    if (task) return task;
    if (me->base.now_ns >= end_ns || act__crew_is_finishing(crew)) return NULL;
    for (int i = 0; i < PAUSES_BETWEEN_LOOKS; i++) act__spin_pause();
    act__worker_refresh_now(&me->base);
  }
}
