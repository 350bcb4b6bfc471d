// SPDX-License-Identifier: Apache-2.0
//
// Looking at the clock, between turns.
//
// A look costs as much as the rest of a short turn's scheduling, so short turns share one: about every
// ACT__LOOK_NS, by how long the turns before took. Should they become longer without notice, the
// monitor hurries the worker. At a look the worker fires its alarms, and tells others what the tasks
// that wait behind it are worth.
//
// Worth is time, not number. Waking a sleeping worker costs tens of microseconds until it runs, a theft
// some, and each task that moves a trip of its cache lines. So for what has begun nobody comes if it
// is less than ACT__WORTH_NS of work; the time is the number of waiting tasks by what turns took lately, of which the
// smaller of two averages stands, so that one interrupted turn does not call anybody.
//
// A thief whose loot turned out to be turns shorter than ACT__SHORT_NS lets its victim alone for
// ACT__SHORT_REST_NS. Some such tasks go all the same: if they have little to do with those they left
// they stay where they went, and the work is spread; if they have much, little was lost.
//
// What has not begun says nothing of its worth: a whole tree of actors may come of it. Where such tasks
// have waited for ACT__UNBEGUN_NS a thief is called all the same, and its patience depends on what
// came of them (patience.h).
//
// What waits and is not worth that is run by its own worker, which is awake; and what waits behind a
// turn that takes unexpectedly long is anybody's (find.c).
//
// When alarms fire. A busy worker fires its own every ACT__ALARM_BATCH_NS at most, and what they make
// runnable goes behind what waits. A worker with nothing to run fires those that it did not know of
// (short ones, armed since it last fired) at once, the others ACT__ALARM_REST_NS after the last ones at
// the earliest, so that a million timers in a second are not a million wake-ups. Those of another
// worker that is busy are left to that one as long.
#include "base/check.h"
#include "runtime/sched/crew.h"

static void measure(struct act__crew_worker *me, int64_t now_ns) {
  struct act__pace *pace = &me->pace;
  if (pace->turns > 0) {
    int64_t each = (now_ns - pace->looked_ns) / pace->turns;
    pace->turn_ns = each < pace->last_ns ? each : pace->last_ns;
    pace->last_ns = each;
    int64_t turns = each > 0 ? ACT__LOOK_NS / each : ACT__LOOK_TURNS;
    unsigned most = me->crew->looks_max;
    pace->turns_max = turns >= most ? most : turns < 1 ? 1 : (unsigned)turns;
    pace->turns = 0;
    if (me->crew->count > 1) pace->enough = (uint32_t)(ACT__WORTH_NS / (pace->turn_ns + 1)) + 1;
    me->ran = true;
  }
  pace->looked_ns = now_ns;
}

// --- alarms -------------------------------------------------------------------------------------

unsigned act__crew_fire(struct act__crew *crew, unsigned index, int64_t now_ns,
                        struct act__crew_worker *me) {
  struct act__board *board = &crew->workers[index].board;
#ifndef ACT_MUTANT_ALARM_FIRST
  if (me) me->behind = true;
#endif
  unsigned fired =
      act__alarms_advance(&crew->exec.alarms, index, now_ns, me ? &me->base : NULL);
  if (me) me->behind = false;
  // relaxed: who sees old values fires earlier or later than it might, within the bounds above.
  act__store_relaxed(&board->fired_ns, now_ns);
  act__store_relaxed(&board->known_due, act__alarms_due(&crew->exec.alarms, index));
  return fired;
}

// When what is due at `due` on that wheel may be fired by a worker that has nothing to run.
static int64_t rested(struct act__board *board, int64_t due) {
#ifdef ACT_MUTANT_ALARM_RESTLESS
  return due;
#endif
  // relaxed: as in act__crew_fire.
  if (due != act__load_relaxed(&board->known_due)) return due;
  int64_t earliest = act__load_relaxed(&board->fired_ns) + ACT__ALARM_REST_NS;
  return due > earliest ? due : earliest;
}

int64_t act__crew_alarm_due(struct act__crew *crew, unsigned index) {
  struct act__board *board = &crew->workers[index].board;
  int64_t due = act__alarms_due(&crew->exec.alarms, index);
  if (due == ACT__TIME_NEVER) return due;
  // seq_cst [board:looked]: see bed.c.
  if (act__load_seq_cst(&board->looked_ns) == ACT__TIME_NEVER) return rested(board, due);
  return act__time_add(due, ACT__ALARM_REST_NS);
}

int64_t act__crew_alarms_due(struct act__crew *crew) {
  int64_t earliest = ACT__TIME_NEVER;
  for (unsigned i = 0; i < crew->count; i++) {
    int64_t due = act__crew_alarm_due(crew, i);
    if (due < earliest) earliest = due;
  }
  return earliest;
}

static void fire_own(struct act__crew_worker *me, int64_t now_ns, bool idle) {
  struct act__crew *crew = me->crew;
  int64_t due = act__alarms_due(&crew->exec.alarms, me->base.index);
  if (due > now_ns) return;
  int64_t earliest = idle ? rested(&me->board, due)
                          // relaxed: as in act__crew_fire.
                          : act__load_relaxed(&me->board.fired_ns) + ACT__ALARM_BATCH_NS;
  if (earliest <= now_ns) act__crew_fire(crew, me->base.index, now_ns, me);
}

// --- the board ----------------------------------------------------------------------------------

// What `waiting` tasks are worth; the one that runs next anyway does not count.
static int64_t worth_ns(const struct act__crew_worker *me, uint32_t waiting) {
  return waiting > 1 ? (int64_t)(waiting - 1) * me->pace.turn_ns : 0;
}

static bool show_worth(struct act__crew_worker *me, uint32_t waiting) {
  uint32_t worth = worth_ns(me, waiting) >= ACT__WORTH_NS;
  // relaxed: a hint. Written only when it changes: others read this line while they search.
  if (act__load_relaxed(&me->board.worth) != worth) act__store_relaxed(&me->board.worth, worth);
  return worth != 0;
}

static void call_a_thief(struct act__crew_worker *me) {
  struct act__crew *crew = me->crew;
  if (!act__idle_wants_wake(&crew->idle)) return;
  // relaxed: a hint.
  if (me->base.now_ns < act__load_relaxed(&crew->call_after_ns)) return;
  act__crew_wake_one(crew);
}

static void call_for_help(struct act__crew_worker *me) {
  // relaxed: a hint.
  if (me->base.now_ns >= act__load_relaxed(&me->board.visit_after_ns)) call_a_thief(me);
}

void act__crew_called_in_vain(struct act__crew_worker *me) {
  // relaxed: a hint.
  act__store_relaxed(&me->crew->call_after_ns, me->base.now_ns + ACT__SHORT_REST_NS);
}

void act__crew_call(struct act__crew_worker *me, uint32_t length) {
  if (show_worth(me, length + 1)) call_for_help(me);
}

// The lowest length of the queue in a while is how many have waited all the while, for its owner takes
// from the end to which it adds. Behind the door.
static uint32_t watch_the_lowest(struct act__crew_worker *me) {
  struct act__pace *pace = &me->pace;
  uint32_t length = me->queue.length, unbegun = 0;
  if (length < pace->lowest) pace->lowest = length;
  bool over = me->base.now_ns - pace->window_ns >= ACT__UNBEGUN_NS;
  if (!over && length > 0) return 0;
  act__task_fn first_run = me->base.exec->options.first_run;
  if (pace->lowest && act__runq_has_unbegun(&me->queue, first_run)) unbegun = pace->lowest;
  // relaxed: a hint. A thief clears it behind the door.
  if (act__load_relaxed(&me->board.unbegun) != unbegun) {
    act__store_relaxed(&me->board.unbegun, unbegun);
  }
  if (over) {
    pace->window_ns = me->base.now_ns;
    pace->lowest = length;
  }
  return unbegun;
}

static void show(struct act__crew_worker *me) {
  act__crew_enter(me);
  uint32_t waiting = me->queue.length + (me->next ? 1 : 0);
  uint32_t unbegun = watch_the_lowest(me);
  act__crew_leave(me);
  // One of them runs next. relaxed: hints; written only when they change.
  uint32_t behind = waiting > 1;
  if (act__load_relaxed(&me->board.waiting) != behind) {
    act__store_relaxed(&me->board.waiting, behind);
  }
  // relaxed, here and below: a hint.
  if (unbegun && me->base.now_ns >= act__load_relaxed(&me->board.unbegun_after_ns)) call_a_thief(me);
  if (show_worth(me, waiting)) call_for_help(me);
}

void act__crew_look(struct act__crew_worker *me, bool idle) {
  int64_t now_ns = act__worker_refresh_now(&me->base);
  measure(me, now_ns);
  struct act__board *board = &me->board;
  // relaxed: an age and a hint.
  if (!me->away) act__store_relaxed(&board->looked_ns, now_ns);
  if (act__load_relaxed(&board->hurry)) act__store_relaxed(&board->hurry, 0);
  fire_own(me, now_ns, idle);
  if (me->crew->count > 1) show(me);
}

void act__crew_back(struct act__crew_worker *me) {
  me->away = false;
  me->ran = true;
  me->pace.turns = 0;
  me->pace.looked_ns = act__worker_refresh_now(&me->base);
  // relaxed: until it is seen, others fire this worker's alarms as those of a sleeper.
  act__store_relaxed(&me->board.looked_ns, me->pace.looked_ns);
}

void act__crew_away(struct act__crew_worker *me) {
  if (me->away) return;
  me->away = true;
  // seq_cst [board:looked]: see bed.c.
  act__store_seq_cst(&me->board.looked_ns, ACT__TIME_NEVER);
}
