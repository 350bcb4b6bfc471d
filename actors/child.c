// SPDX-License-Identifier: Apache-2.0
//
// The life of a child: how it is started, restarted, stopped and let go. Both sides of it: what the
// owner's turn does, and what the child's turn tells its owner. How one is made: actors/spawn.c.
//
// The owner keeps a record (struct act__birth) per child. In it lie the three notices by which it
// hears of the child, so that hearing of it can never fail:
//
//   UP        by the child's turn, at most once per incarnation, before its EXIT
//   EXIT      by the child's turn, exactly once per incarnation
//   OVERDUE   by the record's alarm (start deadline, stop deadline, back-off), once per arming
//
// How they count. cell->notices of the owner holds, for each record, 2 from START until EXIT is
// consumed (UP gives its one back when it is consumed; EXIT gives back what is left: after it no UP
// can come), and 1 while the alarm is out: armed, or fired and not consumed. So the owner's slot is
// not retired while anything could still be pushed to it, though a stuck child's record outlives
// the incarnation that made it.
//
// The life of a record:
//
//   running ──EXIT──> ended ──restart──> running          (epoch + 1, same cell)
//      │                └────forget───> gone ──> FORGET is sent, the child's turn frees it
//      └─overstays its KILL──> gone, still running ──EXIT, if ever──> FORGET
//
// A record that is gone is in nobody's list; its notices are consumed and told to nobody. FORGET
// waits until the alarm's notice is back; from then on the record is the child's turn's to free.
// STOP and KILL that a restart has overtaken are withdrawn before START: they were not meant for it.
#include "actors/child.h"

#include <inttypes.h>
#include <stdio.h>

#include "actors/supervise/check.h"
#include "actors/supervise/plan.h"
#include "base/check.h"
#include "base/clock.h"

#define KILL_GRACE_MIN_MS 100u

// --- the alarm: at most one deadline at a time, its notice reserved --------------------------------

static int64_t now_of(const act_cx *cx) {
  return cx->me ? cx->me->now_ns : act__clock_now(act__exec_clock(cx->system->exec));
}

static int64_t ms_from(int64_t now_ns, uint32_t ms) {
  return act__time_add(now_ns, ms * ACT__NS_PER_MS);
}

// On any thread. Once the notice is pushed the record may be gone.
static void alarm_fire(struct act__alarm *alarm, struct act__worker *me) {
  struct act__birth *birth = ACT__CONTAINER_OF(alarm, struct act__birth, alarm);
  act__cell_push(birth->system, me, birth->owner, &birth->overdue_env);
}

static void alarm_arm(act_cx *cx, struct act__birth *birth, int64_t due_ns) {
  birth->alarm_out = true;
  birth->alarm_late = false;
  birth->alarm.fire = alarm_fire;
  birth->owner->notices++;
  act__alarm_arm(cx->system->exec, cx->me, &birth->alarm, due_ns);
}

static void alarm_clear(act_cx *cx, struct act__birth *birth) {
  birth->alarm_next_ns = 0;
  if (!birth->alarm_out) return;
  if (!birth->alarm_late && act__alarm_cancel(cx->system->exec, &birth->alarm)) {
    birth->alarm_out = false;
    birth->owner->notices--;
  } else {
    birth->alarm_late = true;
  }
}

// The root has no owner whose turn could hear it: whoever stops the node watches the time itself.
static void alarm_set(act_cx *cx, struct act__birth *birth, int64_t due_ns) {
  if (!birth->owner) return;
  alarm_clear(cx, birth);
  if (birth->alarm_out) {
    birth->alarm_next_ns = due_ns;
  } else {
    alarm_arm(cx, birth, due_ns);
  }
}

// --- start ---------------------------------------------------------------------------------------

static void begin_incarnation(act_cx *cx, struct act__birth *birth) {
  ACT_ASSERT(!birth->running && !birth->gone);
  if (++birth->epoch == 0) birth->epoch = 1;  // 0 means whichever there is
  birth->running = true;
  birth->up = birth->restarting = birth->overslept = birth->stopping = birth->killed = false;
  act__store_relaxed(&birth->stop_due_ns, 0);  // relaxed: its reader wants a hint
  if (birth->owner) birth->owner->notices += 2;
  uint32_t start_ms = act__child_start_ms(&birth->spec);
#ifdef ACT_MUTANT_CHILD_NO_START_DEADLINE
  start_ms = ACT__NEVER_MS;
#endif
  if (start_ms != ACT__NEVER_MS) alarm_set(cx, birth, ms_from(now_of(cx), start_ms));
}

// The cell has no runner yet: whoever makes it starts it.
void act__child_start(act_cx *cx, struct act__birth *birth) {
  struct act__cell *cell = birth->cell;
  begin_incarnation(cx, birth);
  // Known before init runs, so that messages can queue and monitors can be made at once.
  act__store_relaxed(&cell->epoch, birth->epoch);  // relaxed: reopen below publishes it
  act__spinlock_lock(act__stripe(cx->system, cell->slot));
  cell->watch_epoch = birth->epoch;
  act__spinlock_unlock(act__stripe(cx->system, cell->slot));
  // release [express]: pairs with the acquire in the turn.
  act__fetch_or_release(&cell->express, ACT__EXPRESS_START);
  act__mailbox_reopen(&cell->mailbox);
  act__exec_submit(cx->system->exec, cx->me, &cell->task);
}

static void start_again(act_cx *cx, struct act__birth *birth) {
  begin_incarnation(cx, birth);
  ACT__COUNT(cx->system, cx, restarts);
  // acq_rel [express]: as a release it keeps the chain to the turn's acquire. Only owners send STOP
  // and KILL, so what is there is ours and was meant for the incarnation that has ended.
  act__fetch_and_acq_rel(&birth->cell->express,
                         ~(uint32_t)(ACT__EXPRESS_STOP | ACT__EXPRESS_KILL));
  act__cell_express(cx->system, cx->me, birth->cell, ACT__EXPRESS_START);
}

void act__child_restart(act_cx *cx, struct act__birth *birth, uint32_t delay_ms) {
  ACT_ASSERT(!birth->running && !birth->gone && birth->owner);
  if (delay_ms == 0) {
    start_again(cx, birth);
  } else {
    birth->restarting = true;
    alarm_set(cx, birth, ms_from(now_of(cx), delay_ms));
  }
}

// --- letting go ----------------------------------------------------------------------------------

// Takes the child out of its owner's list; from now on nobody is told anything about it.
static void unlink_child(struct act__system *system, struct act__birth *birth) {
  ACT_ASSERT(!birth->gone);
  birth->gone = true;
  act__store_relaxed(&birth->cell->parent, NULL);  // relaxed: see create
  if (birth->owner) {
    act__list_remove(&birth->link);
    birth->owner->cold->child_count--;
  }
  if (birth->spec.name) act__name_remove(system, birth->spec.name, birth->cell);
}

// The last step, once nothing of the record can be pushed any more.
static void release_if_settled(act_cx *cx, struct act__birth *birth) {
  if (!birth->gone || birth->running || birth->alarm_out) return;
  act__cell_express(cx->system, cx->me, birth->cell, ACT__EXPRESS_FORGET);
}

void act__child_forget(act_cx *cx, struct act__birth *birth) {
  ACT_ASSERT(!birth->running);
  unlink_child(cx->system, birth);
  alarm_clear(cx, birth);
  release_if_settled(cx, birth);
}

// --- stop ----------------------------------------------------------------------------------------

// Deadlines shrink down the tree: a child gets at most nine tenths of what its owner has left.
static int64_t stop_due(act_cx *cx, const struct act__birth *birth) {
  int64_t now = now_of(cx);
  if (!birth->owner) return ms_from(now, act__limit(cx->system->node.stop_ms, ACT_NODE_STOP_MS));
  int64_t due = ms_from(now, act__child_stop_ms(&birth->spec));
  struct act__birth *mine = birth->owner->birth;
  int64_t owner_due = mine ? act__load_relaxed(&mine->stop_due_ns) : 0;  // relaxed: a hint
  if (owner_due == 0) return due;
  int64_t share = owner_due > now ? now + (owner_due - now) / 10 * 9 : now;
  return due < share ? due : share;
}

void act__child_stop(act_cx *cx, struct act__birth *birth) {
  if (!birth->running) {
    act__child_forget(cx, birth);
    return;
  }
  if (birth->stopping) return;
  birth->stopping = true;
  int64_t due = stop_due(cx, birth);
  // relaxed: the child's turn reads it when it has seen the signal below, or as a hint.
  act__store_relaxed(&birth->stop_due_ns, due);
  act__cell_express(cx->system, cx->me, birth->cell, ACT__EXPRESS_STOP);
  if (!birth->killed) alarm_set(cx, birth, due);
}

act_rc act_stop_child(act_cx *cx, act_pid child) {
  if (!cx->cell) return ACT_EINVAL;
  struct act__system *system = cx->system;
  struct act__cell *cell =
      child.node == system->incarnation ? act__cell_at(system, child.slot) : NULL;
  if (!cell || act__mailbox_generation(&cell->mailbox) != child.gen) return ACT_EDEAD;
  // relaxed: only this actor writes itself there, and only this actor takes itself away.
  if (act__load_relaxed(&cell->parent) != cx->cell) return ACT_EACCES;
  struct act__birth *birth = cell->birth;
  if (!birth->running || (child.epoch && child.epoch != birth->epoch)) return ACT_EDEAD;
  act__child_stop(cx, birth);
  return ACT_OK;
}

// Half of what in-process killing can do: it takes effect between two messages.
static void kill_child(act_cx *cx, struct act__birth *birth) {
  birth->killed = true;
  act__cell_express(cx->system, cx->me, birth->cell, ACT__EXPRESS_KILL);
  struct act__birth *mine = birth->owner->birth;
  int64_t now = now_of(cx), grace = ACT__KILL_GRACE_MS * ACT__NS_PER_MS;
  int64_t owner_due = mine ? act__load_relaxed(&mine->stop_due_ns) : 0;  // relaxed: a hint
  if (owner_due && owner_due - now < grace) grace = owner_due - now;
  if (grace < KILL_GRACE_MIN_MS * ACT__NS_PER_MS) grace = KILL_GRACE_MIN_MS * ACT__NS_PER_MS;
  alarm_set(cx, birth, now + grace);
}

// --- the owner hears -----------------------------------------------------------------------------

static bool owner_lives(const struct act__cell *cell) {
  return cell->life == ACT__STARTING || cell->life == ACT__UP;
}

static act_rc tell_handler(act_cx *cx, struct act__cell *cell, struct act__birth *birth,
                           const struct act__ending *ending) {
  const char *id = act__child_id(&birth->spec);
  if (birth->then.t.fn) {
    act_exit notice = {act__child_pid(cx->system, birth), ending->reason, ending->rc, ending->text,
                       birth->then.t.tag, id};
    return birth->then.t.fn(cell->state, cx, ACT_OK, &notice, birth->then.t.tag);
  }
  // A failure that nobody handles is the owner's. Not so what comes of a stop that it asked for.
  if (ending->reason == ACT_REASON_NORMAL || birth->stopping) return ACT_OK;
  act_rc rc = ending->rc ? ending->rc : ACT_EFAIL;
  return act_fail(cx, rc, "child %s: %s (%s)", id, ending->text, act_reason_name(ending->reason));
}

// The child is gone for its owner: it ended, or it is stuck.
static act_rc child_ended(act_cx *cx, struct act__cell *cell, struct act__birth *birth,
                          const struct act__ending *ending) {
  if (!owner_lives(cell)) {
    if (!birth->gone) act__child_forget(cx, birth);
    act__cell_go_on_ending(cx, cell);
    return ACT_OK;
  }
  if (birth->on_exit) return birth->on_exit(cell->state, cx, birth, ending);
  // First out of the list, so that the handler may start another one in its place.
  if (!birth->gone) unlink_child(cx->system, birth);
  act_rc rc = tell_handler(cx, cell, birth, ending);
  release_if_settled(cx, birth);
  return rc;
}

static act_rc on_up_notice(act_cx *cx, struct act__cell *cell, struct act__birth *birth) {
  cell->notices--;
  birth->up = true;
  if (birth->gone) return ACT_OK;
  if (!birth->stopping && !birth->killed) alarm_clear(cx, birth);
  if (!birth->on_up || !owner_lives(cell)) return ACT_OK;
  return birth->on_up(cell->state, cx, birth);
}

static act_rc on_exit_notice(act_cx *cx, struct act__cell *cell, struct act__birth *birth) {
  cell->notices -= birth->up ? 1 : 2;
  birth->running = false;
  alarm_clear(cx, birth);
  if (birth->gone) {  // it was stuck, and came back after all
    release_if_settled(cx, birth);
    return ACT_OK;
  }
  struct act__ending *ending = &birth->ending;
  if (birth->overslept && ending->reason == ACT_REASON_KILLED) {
    ending->rc = ACT_ETIMEDOUT;
    snprintf(ending->text, sizeof ending->text, "not up within %" PRIu32 " ms",
             act__child_start_ms(&birth->spec));
  }
  return child_ended(cx, cell, birth, ending);
}

static act_rc on_stuck(act_cx *cx, struct act__cell *cell, struct act__birth *birth) {
  struct act__ending ending = {.reason = ACT_REASON_STUCK, .rc = ACT_ESTUCK};
  snprintf(ending.text, sizeof ending.text, "overstayed its %s and the kill that followed",
           birth->stopping ? "stop" : "start");
  act__fetch_add_relaxed(&cx->system->stuck, 1);  // relaxed: a number for people and the exit code
  act_log_at(cx, ACT_LOG_ERROR, "child %s is stuck: it %s", act__child_id(&birth->spec),
             ending.text);
  birth->stuck = true;
  unlink_child(cx->system, birth);
  return child_ended(cx, cell, birth, &ending);
}

static act_rc on_deadline(act_cx *cx, struct act__cell *cell, struct act__birth *birth) {
  if (!birth->running) {
    ACT_ASSERT(birth->restarting);
    if (owner_lives(cell)) {
      start_again(cx, birth);
    } else {  // the owner is ending, and its turn to stop had not come yet
      act__child_forget(cx, birth);
      act__cell_go_on_ending(cx, cell);
    }
    return ACT_OK;
  }
  if (birth->killed) return on_stuck(cx, cell, birth);
  birth->overslept = !birth->stopping;
  act_log_at(cx, ACT_LOG_WARN, "child %s overstays its %s and is killed",
             act__child_id(&birth->spec), birth->stopping ? "stop" : "start");
  kill_child(cx, birth);
  return ACT_OK;
}

static act_rc on_overdue_notice(act_cx *cx, struct act__cell *cell, struct act__birth *birth) {
  cell->notices--;
  birth->alarm_out = false;
  if (!birth->alarm_late) return on_deadline(cx, cell, birth);
  birth->alarm_late = false;
  if (birth->alarm_next_ns) {
    alarm_arm(cx, birth, birth->alarm_next_ns);
    birth->alarm_next_ns = 0;
  }
  release_if_settled(cx, birth);
  return ACT_OK;
}

act_rc act__child_notice(act_cx *cx, struct act__cell *cell, struct act__env *env) {
  switch (env->notice) {
    case ACT__NOTICE_UP:
      return on_up_notice(cx, cell, ACT__CONTAINER_OF(env, struct act__birth, up_env));
    case ACT__NOTICE_EXIT:
      return on_exit_notice(cx, cell, ACT__CONTAINER_OF(env, struct act__birth, exit_env));
    default:
      ACT_ASSERT(env->notice == ACT__NOTICE_OVERDUE);
      return on_overdue_notice(cx, cell, ACT__CONTAINER_OF(env, struct act__birth, overdue_env));
  }
}

// --- the child tells -----------------------------------------------------------------------------

void act__child_tell_up(act_cx *cx, struct act__cell *cell) {
  struct act__birth *birth = cell->birth;
  struct act__system *system = cx->system;
  if (birth->owner) {
    act__cell_push(system, cx->me, birth->owner, &birth->up_env);
    return;
  }
  act__mutex_lock(&system->root_lock);
  system->root_up = true;
  act__cond_broadcast(&system->root_changed);
  act__mutex_unlock(&system->root_lock);
}

void act__child_tell_exit(act_cx *cx, struct act__cell *cell, const struct act__ending *ending) {
  struct act__birth *birth = cell->birth;
  struct act__system *system = cx->system;
  birth->ending = *ending;
  if (birth->owner) {
    act__cell_push(system, cx->me, birth->owner, &birth->exit_env);
    return;
  }
  act__mutex_lock(&system->root_lock);
  system->root_exited = true;
  system->root_ending = *ending;
  act__cond_broadcast(&system->root_changed);
  act__mutex_unlock(&system->root_lock);
}

void act__child_leave_name(act_cx *cx, struct act__cell *cell, const struct act__ending *ending) {
  struct act__birth *birth = cell->birth;
  if (!birth->spec.name) return;
  // relaxed: set before STOP was sent; who ends for another reason keeps the name until forgotten.
  bool stopped = act__load_relaxed(&birth->stop_due_ns) != 0;
  if (stopped || act__plan(birth->spec.restart, ending->reason) == ACT__PLAN_FORGET) {
    act__name_remove(cx->system, birth->spec.name, cell);
  }
}
