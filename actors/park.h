// SPDX-License-Identifier: Apache-2.0
//
// Parking: what an actor sends to a full ACT_PARK mailbox waits in the sender's one park place.
//
// Those who wait for one mailbox stand in a queue of their own, and the mailbox is marked PARKED
// (mailbox/mailbox.h): nobody else gets in until the queue is empty. Whoever gives room back finds the
// mark and hands the room to the head of the queue. So nothing that comes free is taken by a later
// sender, and a mailbox for which nobody waits pays one test of a bit.
//
// A receiver that is fast and has more to do hands nothing over until half of its mailbox is free, so
// that those who are let in can send for a while before they park again: parking costs as much as many
// messages. It looks after them at the latest when it has nothing more to do, so nobody waits beside
// free room that nobody is about to enlarge. Whose deadline comes first gets what room there is.
//
// A place leaves its queue exactly once: moved into the mailbox, timed out, or because its target or
// its sender ended. Then, unless it was the sender, the sender is told by a notice embedded in the
// place, and goes on. Until then it is handed what it awaits itself: replies, ticks and results of
// jobs. User messages, and notices that tell of others (DOWN, exits of children), are held back in the
// order in which they came.
//
// Waiting makes edges from sender to target, at most one from each. The edge that would close a
// circle is refused, so that those who wait always wait, in the end, for somebody who can work.
//
// One lock guards all queues and edges of a system: they change only where a mailbox is full, and the
// walk along the edges needs them to stand still. Order of locks: links (R), this one, proxy (P),
// timing wheels. Nothing of the user's is called under it.
#ifndef TROUPE_ACTORS_PARK_H
#define TROUPE_ACTORS_PARK_H

#include "actors/cell.h"

// A parcel for a mailbox that was full a moment ago.
struct act__parcel {
  struct act__cell *target;
  act_pid to;        // as the sender addressed it
  uint32_t gen;      // of the target's cell
  uint32_t units;
};

// May this context park it at all? ACT_OK; ACT_EFULL (outside, parked already, larger than the whole
// mailbox), ACT_EDEADLK (to itself), ACT_ENOMEM. To be asked before an envelope is made.
ACT_MUST act_rc act__park_prepare(act_cx *cx, const struct act__parcel *parcel);

// Takes the envelope, on ACT_OK: it is in the mailbox after all, or in the sender's park place. Else
// ACT_EDEADLK, ACT_EDEAD, ACT_ECLOSED. After act__park_prepare, in the same handler.
ACT_MUST act_rc act__park_send(act_cx *cx, const struct act__parcel *parcel, struct act__env *env);

// Room has been given back, or the bound was raised, while somebody waits: hands it over. Any thread,
// harmless without need. Not under P.
void act__park_serve(struct act__system *system, struct act__worker *me, struct act__cell *cell);

// The mailbox has been closed: what waits for it is undelivered. Owner of the cell.
void act__park_flush(act_cx *cx, struct act__cell *cell);

// The sender itself ends: what it has parked is undelivered, and what was held back from it is
// pending again. Owner of the cell.
void act__park_quit(act_cx *cx, struct act__cell *cell);

// The notice that a park place is free again. Owner of the cell.
void act__park_told(struct act__cell *cell, struct act__env *env);

// What there is to do next for a cell that has a park place: instead of act__mailbox_take.
struct act__env *act__park_next(struct act__cell *cell, bool *knocked);

// The cell is up, and what waited for that is pending. Owner.
void act__park_up(struct act__cell *cell);

// A notice from this handler to another cell must not overtake a message parked for the same cell: true,
// it is taken and follows that message.
bool act__park_follow_if_waiting(act_cx *cx, struct act__cell *to, struct act__env *notice);
static inline bool act__park_follow(act_cx *cx, struct act__cell *to, struct act__env *notice) {
  return cx && cx->cell && cx->cell->park && act__park_follow_if_waiting(cx, to, notice);
}

// Free messages that are worth a hand-over, where half of the mailbox is more than that.
#define ACT__PARK_BATCH 512u
// Who may wait no longer than this is let in as soon as there is room.
#define ACT__PARK_PATIENT_MS 100u

// Is there room enough to let in those who wait, although the owner is about to make more?
static inline bool act__park_is_worth(struct act__cell *cell) {
  // relaxed, all of them: the owner's, or limits that belong to this generation while it is open.
  uint32_t msgs_max = act__load_relaxed(&cell->msgs_max);
  uint32_t units_max = act__load_relaxed(&cell->units_max);
  uint32_t batch = msgs_max / 2 < ACT__PARK_BATCH ? msgs_max / 2 : ACT__PARK_BATCH;
  uint32_t messages = act__mailbox_messages(&cell->mailbox);
  uint32_t units = act__mailbox_units(&cell->mailbox);
  return act__load_relaxed(&cell->park_ms) < ACT__PARK_PATIENT_MS ||
         ((uint64_t)messages + batch <= msgs_max && (uint64_t)units + units_max / 2 <= units_max);
}

// At the end of the owner's turn: gives back room of what was handled. With `dry` it hands it to who
// waits; else the owner has more to do, is quick, and will be here again soon.
static inline void act__cell_release_turn(struct act__system *system, struct act__worker *me,
                                          struct act__cell *cell, uint32_t messages,
                                          uint32_t units, bool dry) {
  bool parked = messages ? act__mailbox_release(&cell->mailbox, messages, units)
                         : act__mailbox_is_parked(&cell->mailbox);
#ifdef ACT_MUTANT_PARK_NEVER_DRY
  dry = false;
#endif
  if (parked && (dry || act__park_is_worth(cell))) act__park_serve(system, me, cell);
}

// Gives back room of messages that were handled, and hands it to who waits.
static inline void act__cell_release(struct act__system *system, struct act__worker *me,
                                     struct act__cell *cell, uint32_t messages, uint32_t units) {
  if (act__mailbox_release(&cell->mailbox, messages, units)) act__park_serve(system, me, cell);
}

// The same from a thread that is not the owner.
static inline void act__cell_cancel(struct act__system *system, struct act__worker *me,
                                    struct act__cell *cell, uint32_t messages, uint32_t units) {
  if (act__mailbox_cancel(&cell->mailbox, messages, units)) {
    act__exec_submit(system->exec, me, &cell->task);
  }
  if (act__mailbox_is_parked(&cell->mailbox)) act__park_serve(system, me, cell);
}

#endif
