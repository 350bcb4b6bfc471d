// SPDX-License-Identifier: Apache-2.0
//
// The life of a child: how it is started, restarted, stopped and let go. Both sides of it: what the
// owner's turn does, and what the child's turn tells its owner. How one is made: actors/spawn.c.
//
// The owner keeps a record (struct act__birth) per child, which lies with the child's slot, and for
// some a contract beside it (child.h). In them lie the notices by which it hears of the child, so that
// hearing of it can never fail:
//
//   EXIT      by the child's turn, exactly once per incarnation
//   UP        with a contract: by the child's turn, at most once per incarnation, before its EXIT
//   OVERDUE   with a contract: by its alarm (start deadline, stop deadline, back-off), once per arming.
//             The deadlines of all other children of an owner have one alarm together (kids.c)
//
// How they count. cell->notices of the owner holds, for each record, 1 from START until EXIT is
// consumed; with a contract another one until UP is consumed (or EXIT: after it no UP can come), and 1
// while the alarm is out: armed, or fired and not consumed. So the owner's slot is not retired while
// anything could still be pushed to it, though a stuck child's record outlives the incarnation that
// made it.
//
// The life of a record:
//
//   running ──EXIT──> ended ──restart──> running          (epoch + 1, same cell; by contract)
//      │                └────forget───> gone ──> the slot is let go, by the owner if it rests already,
//      │                                         else by the child's turn, which FORGET tells
//      └─overstays its KILL──> gone, still running ──EXIT, if ever──> let go
//
// A record that is gone is in nobody's list; its notices are consumed and told to nobody. Letting go
// waits until the alarm's notice is back; from then on the record is not the owner's.
// STOP and KILL that a restart has overtaken are withdrawn before START: they were not meant for it.
#include "actors/child.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "actors/kids.h"
#include "actors/supervise/check.h"
#include "actors/supervise/plan.h"
#include "base/check.h"
#include "base/clock.h"

#define KILL_GRACE_MIN_MS 100u

static int64_t ms_from(int64_t now_ns, uint32_t ms) {
  return act__time_add(now_ns, ms * ACT__NS_PER_MS);
}

const char *act__birth_id(const struct act__birth *birth) {
  const struct act__terms *terms = birth->terms;
  if (terms && terms->id) return terms->id;
  if (terms && terms->name) return terms->name;
  return act__birth_cell(birth)->behavior->name;
}

const act_limits *act__cell_limits(struct act__cell *cell) {
  static const act_limits defaults;
  const struct act__terms *terms = act__annex(cell)->birth.terms;
  return terms ? &terms->limits : &defaults;
}

static uint32_t start_ms(const struct act__birth *birth) {
  const struct act__contract *contract = act__birth_contract(birth);
  return contract ? act__child_start_ms(&contract->spec) : ACT_START_MS;
}

// --- the alarm of a contract: at most one deadline at a time, its notice reserved --------------------

// On any thread. Once the notice is pushed the record may be gone.
static void alarm_fire(struct act__alarm *alarm, struct act__worker *me) {
  struct act__contract *contract = ACT__CONTAINER_OF(alarm, struct act__contract, alarm);
  struct act__cell *owner = act__birth_owner(contract->birth);
  act__cell_push(act__cell_system(owner), me, owner, &contract->overdue_env);
}

static void alarm_arm(act_cx *cx, struct act__contract *contract, int64_t due_ns) {
  contract->alarm_out = true;
  contract->alarm_late = false;
  contract->alarm.fire = alarm_fire;
  act__birth_owner(contract->birth)->notices++;
  act__alarm_arm(cx->system->exec, cx->me, &contract->alarm, due_ns);
}

static void alarm_clear(act_cx *cx, struct act__birth *birth) {
  struct act__contract *contract = act__birth_contract(birth);
  if (!contract) return;
  contract->alarm_next_ns = 0;
  if (!contract->alarm_out) return;
  if (!contract->alarm_late && act__alarm_cancel(cx->system->exec, &contract->alarm)) {
    contract->alarm_out = false;
    act__birth_owner(birth)->notices--;
  } else {
    contract->alarm_late = true;
  }
}

// The root has no owner whose turn could hear it: whoever stops the node watches the time itself.
static void alarm_set(act_cx *cx, struct act__birth *birth, int64_t due_ns) {
  if (!act__birth_owner(birth)) return;
  alarm_clear(cx, birth);
  struct act__contract *contract = act__birth_contract(birth);
  if (contract->alarm_out) {
    contract->alarm_next_ns = due_ns;
  } else {
    alarm_arm(cx, contract, due_ns);
  }
}

// --- start ---------------------------------------------------------------------------------------

static void begin_incarnation(act_cx *cx, struct act__birth *birth) {
  ACT_ASSERT(!birth->running && !act__birth_is_gone(birth));
  if (++birth->epoch == 0) birth->epoch = 1;  // 0 means whichever there is
  birth->running = true;
  birth->up = birth->restarting = birth->overslept = birth->stopping = birth->killed = false;
  // relaxed, both: what they tell the child's turn it learns with START; the rest are hints.
  act__store_relaxed(&birth->phase, ACT__CHILD_STARTING);
  struct act__cell *owner = act__birth_owner(birth);
  if (!act__birth_contract(birth)) {
    owner->notices++;
    act__store_relaxed(&birth->due_ns, -ms_from(act__child_now(cx), ACT_START_MS));
    return;
  }
  act__store_relaxed(&birth->due_ns, 0);
  if (owner) owner->notices += 2;
  uint32_t ms = start_ms(birth);
#ifdef ACT_MUTANT_CHILD_NO_START_DEADLINE
  ms = ACT__NEVER_MS;
#endif
  if (ms != ACT__NEVER_MS) alarm_set(cx, birth, ms_from(act__child_now(cx), ms));
}

// The cell has no runner yet: whoever makes it starts it. That it can be meant and watched from now on,
// before init runs, is written since it was allocated.
void act__child_start(act_cx *cx, struct act__birth *birth) {
  struct act__cell *cell = act__birth_cell(birth), *owner = act__birth_owner(birth);
  begin_incarnation(cx, birth);
  ACT_ASSERT(birth->epoch == 1);
  if (owner) act__kids_add(cx, owner, birth);
  cell->task.run = act__cell_first_turn;
  act__mailbox_open(&cell->mailbox);
  act__exec_submit(cx->system->exec, cx->me, &cell->task);
}

static void start_again(act_cx *cx, struct act__birth *birth) {
  struct act__cell *cell = act__birth_cell(birth);
  begin_incarnation(cx, birth);
  ACT__COUNT(cx->system, cx, restarts);
  // acq_rel [express]: as a release it keeps the chain to the turn's acquire. Only owners send STOP
  // and KILL, so what is there is ours and was meant for the incarnation that has ended.
  act__fetch_and_acq_rel(&cell->express, (uint8_t)~(ACT__EXPRESS_STOP | ACT__EXPRESS_KILL));
  act__cell_express(cx->system, cx->me, cell, ACT__EXPRESS_START);
}

void act__child_restart(act_cx *cx, struct act__birth *birth, uint32_t delay_ms) {
  ACT_ASSERT(!birth->running && !act__birth_is_gone(birth) && act__birth_contract(birth));
  if (delay_ms == 0) {
    start_again(cx, birth);
  } else {
    birth->restarting = true;
    alarm_set(cx, birth, ms_from(act__child_now(cx), delay_ms));
  }
}

// --- letting go ----------------------------------------------------------------------------------

// Takes the child out of its owner's list; from now on nobody is told anything about it.
static void unlink_child(act_cx *cx, struct act__birth *birth) {
  ACT_ASSERT(!act__birth_is_gone(birth));
  struct act__cell *owner = act__birth_owner(birth);
  if (owner) act__kids_remove(cx, owner, birth);
  // relaxed: others compare it with themselves, and only the owner writes itself there.
  act__store_relaxed(&birth->owner, (uintptr_t)owner | ACT__BIRTH_GONE);
  if (birth->terms && birth->terms->name) {
    act__name_remove(cx->system, birth->terms->name, act__birth_cell(birth));
  }
}

// The last step, once nothing of the record can be pushed any more.
static void release_if_settled(act_cx *cx, struct act__birth *birth) {
  if (!act__birth_is_gone(birth) || birth->running) return;
  const struct act__contract *contract = act__birth_contract(birth);
  if (contract && contract->alarm_out) return;
  act__cell_forget(cx, act__birth_cell(birth));
}

void act__child_forget(act_cx *cx, struct act__birth *birth) {
  ACT_ASSERT(!birth->running);
  unlink_child(cx, birth);
  alarm_clear(cx, birth);
  release_if_settled(cx, birth);
}

// --- stop ----------------------------------------------------------------------------------------

// When the running actor wants to be gone itself; 0: it was not asked to stop.
static int64_t owner_due(const struct act__birth *birth) {
  struct act__birth *mine = act__cell_birth(act__birth_owner(birth));
  return mine ? act__birth_stop_due(mine) : 0;
}

// Deadlines shrink down the tree: a child gets at most nine tenths of what its owner has left.
static int64_t stop_due(act_cx *cx, const struct act__birth *birth) {
  int64_t now = act__child_now(cx);
  if (!act__birth_owner(birth)) {
    return ms_from(now, act__limit(cx->system->node.stop_ms, ACT_NODE_STOP_MS));
  }
  const struct act__contract *contract = act__birth_contract(birth);
  int64_t due = ms_from(now, contract ? act__child_stop_ms(&contract->spec) : ACT_STOP_MS);
  int64_t owners = owner_due(birth);
  if (owners == 0) return due;
  int64_t share = owners > now ? now + (owners - now) / 10 * 9 : now;
  return due < share ? due : share;
}

void act__child_stop(act_cx *cx, struct act__birth *birth) {
  if (!birth->running) {
    act__child_forget(cx, birth);
    return;
  }
  if (birth->stopping) return;
  int64_t due = stop_due(cx, birth);
  if (act__birth_contract(birth)) {
    // relaxed: the child's turn reads it when it has seen the signal below, or as a hint.
    act__store_relaxed(&birth->due_ns, due);
    if (!birth->killed) alarm_set(cx, birth, due);
    birth->stopping = true;
  } else {
    birth->stopping = true;
    if (!birth->killed) act__kids_give_until(cx, act__birth_owner(birth), birth, due);
  }
  act__cell_express(cx->system, cx->me, act__birth_cell(birth), ACT__EXPRESS_STOP);
}

act_rc act_stop_child(act_cx *cx, act_pid child) {
  if (!cx->cell) return ACT_EINVAL;
  struct act__system *system = cx->system;
  struct act__cell *cell =
      child.node == system->incarnation ? act__cell_at(system, child.slot) : NULL;
  if (!cell || act__mailbox_generation(&cell->mailbox) != child.gen) return ACT_EDEAD;
  struct act__birth *birth = &act__annex(cell)->birth;
#ifdef ACT_MUTANT_STOP_DISOWNS_THE_GONE
  if (act__load_relaxed(&birth->owner) != (uintptr_t)cx->cell) return ACT_EACCES;
#endif
  // Only this actor writes itself there, and only this actor takes itself away.
  if (act__birth_owner(birth) != cx->cell) return ACT_EACCES;
  if (act__birth_is_gone(birth) || !birth->running) return ACT_EDEAD;
  if (child.epoch && child.epoch != birth->epoch) return ACT_EDEAD;
  act__child_stop(cx, birth);
  return ACT_OK;
}

// Half of what in-process killing can do: it takes effect between two messages.
static void kill_child(act_cx *cx, struct act__birth *birth) {
  birth->killed = true;
  act__cell_express(cx->system, cx->me, act__birth_cell(birth), ACT__EXPRESS_KILL);
  int64_t now = act__child_now(cx), grace = ACT__KILL_GRACE_MS * ACT__NS_PER_MS;
  int64_t owners = owner_due(birth);
  if (owners && owners - now < grace) grace = owners - now;
  if (grace < KILL_GRACE_MIN_MS * ACT__NS_PER_MS) grace = KILL_GRACE_MIN_MS * ACT__NS_PER_MS;
  if (act__birth_contract(birth)) {
    alarm_set(cx, birth, now + grace);
  } else {
    act__kids_give_until(cx, act__birth_owner(birth), birth, now + grace);
  }
}

// --- the owner hears -----------------------------------------------------------------------------

static bool owner_lives(const struct act__cell *cell) {
  return cell->life == ACT__STARTING || cell->life == ACT__UP;
}

static act_rc tell_handler(act_cx *cx, struct act__cell *cell, struct act__birth *birth,
                           const struct act__ending *ending) {
  const char *id = act__birth_id(birth);
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
    if (!act__birth_is_gone(birth)) act__child_forget(cx, birth);
    act__cell_go_on_ending(cx, cell);
    return ACT_OK;
  }
  const struct act__contract *contract = act__birth_contract(birth);
  if (contract && contract->on_exit) return contract->on_exit(cell->state, cx, birth, ending);
  // First out of the list, so that the handler may start another one in its place.
  if (!act__birth_is_gone(birth)) unlink_child(cx, birth);
  act_rc rc = tell_handler(cx, cell, birth, ending);
  release_if_settled(cx, birth);
  return rc;
}

static act_rc on_up_notice(act_cx *cx, struct act__cell *cell, struct act__contract *contract) {
  struct act__birth *birth = contract->birth;
  cell->notices--;
  birth->up = true;
  if (act__birth_is_gone(birth)) return ACT_OK;
  if (!birth->stopping && !birth->killed) alarm_clear(cx, birth);
  if (!contract->on_up || !owner_lives(cell)) return ACT_OK;
  return contract->on_up(cell->state, cx, birth);
}

static void was_not_up(const struct act__birth *birth, struct act__ending *ending) {
  if (!birth->overslept || ending->reason != ACT_REASON_KILLED) return;
  ending->rc = ACT_ETIMEDOUT;
  snprintf(ending->text, sizeof ending->text, "not up within %" PRIu32 " ms", start_ms(birth));
}

static void read_reason(const struct act__birth *birth, struct act__ending *ending) {
  ending->reason = (act_reason)birth->reason;
  ending->rc = (act_rc)birth->rc;
}

static void read_text(const char *text, struct act__ending *ending) {
  if (!text && ending->rc) text = act_rc_text(ending->rc);
  if (text) {
    snprintf(ending->text, sizeof ending->text, "%s", text);
  } else {
    ending->text[0] = 0;
  }
}

// By the owner, when the notice has come.
static void read_ending(const struct act__birth *birth, struct act__ending *ending) {
  const struct act__contract *contract = act__birth_contract(birth);
  if (contract) {
    *ending = contract->ending;
    return;
  }
  read_reason(birth, ending);
  read_text(birth->args, ending);
}

static act_rc on_exit_notice(act_cx *cx, struct act__cell *cell, struct act__birth *birth) {
  struct act__ending ending;
  read_ending(birth, &ending);
  cell->notices -= act__birth_contract(birth) && !birth->up ? 2 : 1;
  birth->running = false;
  alarm_clear(cx, birth);
  if (act__birth_is_gone(birth)) {  // it was stuck, and came back after all
    release_if_settled(cx, birth);
    return ACT_OK;
  }
  was_not_up(birth, &ending);
  return child_ended(cx, cell, birth, &ending);
}

static act_rc on_stuck(act_cx *cx, struct act__cell *cell, struct act__birth *birth) {
  struct act__ending ending = {.reason = ACT_REASON_STUCK, .rc = ACT_ESTUCK};
  snprintf(ending.text, sizeof ending.text, "overstayed its %s and the kill that followed",
           birth->stopping ? "stop" : "start");
  act__fetch_add_relaxed(&cx->system->stuck, 1);  // relaxed: a number for people and the exit code
  act_log_at(cx, ACT_LOG_ERROR, "child %s is stuck: it %s", act__birth_id(birth), ending.text);
  birth->stuck = true;
  unlink_child(cx, birth);
  return child_ended(cx, cell, birth, &ending);
}

act_rc act__child_overdue(act_cx *cx, struct act__cell *cell, struct act__birth *birth) {
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
  act_log_at(cx, ACT_LOG_WARN, "child %s overstays its %s and is killed", act__birth_id(birth),
             birth->stopping ? "stop" : "start");
  kill_child(cx, birth);
  return ACT_OK;
}

static act_rc on_overdue_notice(act_cx *cx, struct act__cell *cell,
                                struct act__contract *contract) {
  cell->notices--;
  contract->alarm_out = false;
  if (!contract->alarm_late) return act__child_overdue(cx, cell, contract->birth);
  contract->alarm_late = false;
  if (contract->alarm_next_ns) {
    alarm_arm(cx, contract, contract->alarm_next_ns);
    contract->alarm_next_ns = 0;
  }
  release_if_settled(cx, contract->birth);
  return ACT_OK;
}

act_rc act__child_notice(act_cx *cx, struct act__cell *cell, struct act__env *env) {
  switch (env->notice) {
    case ACT__NOTICE_UP:
      return on_up_notice(cx, cell, ACT__CONTAINER_OF(env, struct act__contract, up_env));
    case ACT__NOTICE_EXIT:
      return on_exit_notice(cx, cell, ACT__CONTAINER_OF(env, struct act__birth, exit_env));
    default:
      ACT_ASSERT(env->notice == ACT__NOTICE_OVERDUE);
      return on_overdue_notice(cx, cell, ACT__CONTAINER_OF(env, struct act__contract, overdue_env));
  }
}

// --- the child tells -----------------------------------------------------------------------------

void act__child_tell_up(act_cx *cx, struct act__cell *cell) {
  struct act__birth *birth = &act__annex(cell)->birth;
  struct act__system *system = cx->system;
  act__store_relaxed(&birth->phase, ACT__CHILD_UP);  // relaxed: the owner wants to know it some day
  struct act__cell *owner = act__birth_owner(birth);
  if (owner) {
    struct act__contract *contract = act__birth_contract(birth);
    if (contract) act__cell_push(system, cx->me, owner, &contract->up_env);
    return;
  }
  act__mutex_lock(&system->root_lock);
  system->root_up = true;
  act__cond_broadcast(&system->root_changed);
  act__mutex_unlock(&system->root_lock);
}

// NULL: that of the code will do; or has to, where there is no memory.
static char *copy_text(act_cx *cx, const struct act__ending *ending) {
  if (!ending->text[0] || strcmp(ending->text, act_rc_text(ending->rc)) == 0) return NULL;
  char *text = act__pool_alloc(act__cache(cx), act__exec_pool(cx->system->exec), ACT_FAIL_TEXT_MAX);
  return text ? memcpy(text, ending->text, strlen(ending->text) + 1) : NULL;
}

static void note_reason(struct act__birth *birth, const struct act__ending *ending) {
  birth->reason = (uint8_t)ending->reason;
#ifdef ACT_MUTANT_EXIT_CODE_CUT
  birth->rc = (int8_t)ending->rc;
#else
  // A number that is no code would become another one.
  birth->rc = (int8_t)(ending->rc == (int8_t)ending->rc ? ending->rc : ACT_EFAIL);
#endif
}

void act__child_note_ending(act_cx *cx, struct act__cell *cell, const struct act__ending *ending) {
  struct act__birth *birth = &act__annex(cell)->birth;
  struct act__contract *contract = act__birth_contract(birth);
  if (contract) {
    contract->ending = *ending;
    return;
  }
  note_reason(birth, ending);
  act__pool_free(act__cache(cx), act__exec_pool(cx->system->exec), cell->cold->fail_text,
                 ACT_FAIL_TEXT_MAX);
  cell->cold->fail_text = copy_text(cx, ending);
}

void act__child_noted_ending(struct act__cell *cell, struct act__ending *ending) {
  const struct act__birth *birth = &act__annex(cell)->birth;
  const struct act__contract *contract = act__birth_contract(birth);
  if (contract) {
    *ending = contract->ending;
    return;
  }
  read_reason(birth, ending);
  read_text(cell->cold->fail_text, ending);
}

void act__child_tell_exit(act_cx *cx, struct act__cell *cell, const struct act__ending *ending) {
  struct act__birth *birth = &act__annex(cell)->birth;
  struct act__system *system = cx->system;
  struct act__contract *contract = act__birth_contract(birth);
  if (contract) {
    contract->ending = *ending;
  } else {
    act__args_free(cx, cell, birth);
    note_reason(birth, ending);
    birth->args = copy_text(cx, ending);
  }
  act__store_relaxed(&birth->phase, ACT__CHILD_ENDED);  // relaxed: see act__child_tell_up
  struct act__cell *owner = act__birth_owner(birth);
  if (owner) {
    act__cell_push(system, cx->me, owner, &birth->exit_env);
    return;
  }
  act__mutex_lock(&system->root_lock);
  system->root_exited = true;
  system->root_ending = *ending;
  act__cond_broadcast(&system->root_changed);
  act__mutex_unlock(&system->root_lock);
}

void act__child_leave_name(act_cx *cx, struct act__cell *cell, const struct act__ending *ending) {
  struct act__birth *birth = &act__annex(cell)->birth;
  if (!birth->terms || !birth->terms->name) return;
  const struct act__contract *contract = act__birth_contract(birth);
  // Set before STOP was sent; who ends for another reason keeps the name until forgotten.
  bool stopped = act__birth_stop_due(birth) != 0;
  if (stopped || !contract ||
      act__plan(contract->spec.restart, ending->reason) == ACT__PLAN_FORGET) {
    act__name_remove(cx->system, birth->terms->name, cell);
  }
}
