// SPDX-License-Identifier: Apache-2.0
//
// Between spawn.c, which makes children, child.c, which is about their life, kids.c, which keeps their
// order, and the supervisor.
//
// A child is plain when its specification says nothing that must be remembered. One with an id, a
// name, limits, or arguments with something to release has terms. One that can be restarted, has
// deadlines of its own or a process of its own, or is a supervisor, has a contract: terms, the whole
// specification, and what its deadlines, restarts and supervisor need.
#ifndef TROUPE_ACTORS_CHILD_H
#define TROUPE_ACTORS_CHILD_H

#include "actors/cell.h"

// In one block with its strings. Immutable.
struct act__terms {
  const char *id, *name;          // NULL: none
  act_limits limits;
  const act_schema *args_message; // what the record's arguments are, if they are to be released
  size_t args_bytes;              // of the record's arguments; 0: none or as its behavior says
  size_t bytes;                   // of this block
  bool is_contract;
};

struct act__contract {
  struct act__terms terms;
  act_child spec;                 // borrows the strings of the terms, and all else from its maker
  bool args_owned;                // the record's arguments lie behind this
  struct act__birth *birth;

  // Written by the child's turn before it pushes up_env or the record's exit_env.
  struct act__env up_env;         // ACT__NOTICE_UP
  struct act__ending ending;      // why it ends

  // The alarm's; any thread.
  struct act__env overdue_env;    // ACT__NOTICE_OVERDUE
  struct act__alarm alarm;        // start or stop deadline, or the back-off before a restart

  // Owner only.
  int64_t alarm_next_ns;          // to arm when a late overdue notice has come; 0: nothing
  bool alarm_out;                 // armed, or fired and its notice not consumed
  bool alarm_late;                // fired when it was no longer wanted: ignore that notice
  // Supervisors; both NULL otherwise. on_exit decides: act__child_forget, or a restart.
  act_rc (*on_up)(void *self, act_cx *cx, struct act__birth *birth);
  act_rc (*on_exit)(void *self, act_cx *cx, struct act__birth *birth,
                    const struct act__ending *ending);
  void *user;                     // supervisors: their child record
};

// --- spawn.c ---------------------------------------------------------------------------------------

// Makes the record, the contract and the cell of a child and sends START; borrows spec->args. `owner`
// NULL: the root. ACT_ENOMEM, ACT_ELIMIT, ACT_EEXIST, ACT_EINVAL, ACT_ENOTSUP; the last three are
// logged.
ACT_MUST act_rc act__child_create(act_cx *cx, struct act__cell *owner, const act_child *spec,
                                  act_exit_then then, struct act__birth **out);
// Frees what belongs to the record; by the child's turn when it was forgotten.
void act__birth_free(act_cx *cx, struct act__birth *birth);
// Its arguments, unless a contract borrows them. By its turn, after its last clean-up.
void act__args_free(act_cx *cx, struct act__cell *cell, struct act__birth *birth);

// --- child.c ---------------------------------------------------------------------------------------

// The first incarnation of a child whose record and cell are ready: opens the mailbox and
// submits the cell. By its maker.
void act__child_start(act_cx *cx, struct act__birth *birth);
// Starts the next incarnation of a child that is DOWN and whose exit the owner has consumed, at once
// or after a delay. A stop meanwhile forgets it. Only with a contract.
void act__child_restart(act_cx *cx, struct act__birth *birth, uint32_t delay_ms);
// Asks it to stop and notes its stop deadline; past that KILL, past that stuck. One that is not
// running is forgotten at once.
void act__child_stop(act_cx *cx, struct act__birth *birth);
// Owner only, after the exit was consumed: removes it from the owner's children and lets the slot go.
// The record is gone for the caller.
void act__child_forget(act_cx *cx, struct act__birth *birth);
// Owner only: a deadline of this child has passed. May end the owner.
ACT_MUST act_rc act__child_overdue(act_cx *cx, struct act__cell *cell, struct act__birth *birth);
// Called by the child's turn. An end that takes longer than one step is noted before it is told; the
// reason of a normal end may be overridden by noting another.
void act__child_note_ending(act_cx *cx, struct act__cell *cell, const struct act__ending *ending);
void act__child_noted_ending(struct act__cell *cell, struct act__ending *ending);
void act__child_tell_up(act_cx *cx, struct act__cell *cell);
void act__child_tell_exit(act_cx *cx, struct act__cell *cell, const struct act__ending *ending);
// A child that will not come back gives its name free. By its turn, before its watchers are told.
void act__child_leave_name(act_cx *cx, struct act__cell *cell, const struct act__ending *ending);
// What it is called in logs. Either side.
const char *act__birth_id(const struct act__birth *birth);

// NULL: it has none. Either side.
static inline struct act__contract *act__birth_contract(const struct act__birth *birth) {
  struct act__terms *terms = birth->terms;
  return terms && terms->is_contract ? ACT__CONTAINER_OF(terms, struct act__contract, terms) : NULL;
}

static inline act_pid act__child_pid(struct act__system *system, const struct act__birth *birth) {
  act_pid pid = act__cell_pid(system, act__birth_cell(birth));
  pid.epoch = birth->epoch;
  return pid;
}

// From here deadlines count, not from when the turn began: a long handler must not shorten them.
static inline int64_t act__child_now(const act_cx *cx) {
#ifdef ACT_MUTANT_CHILD_DEADLINE_FROM_TURN
  if (cx->me) return cx->me->now_ns;
#endif
  return cx->me ? act__worker_refresh_now(cx->me) : act__clock_now(act__exec_clock(cx->system->exec));
}

#endif
