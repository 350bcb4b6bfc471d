// SPDX-License-Identifier: Apache-2.0
//
// The children of one actor in their orders: as they were started, and, for those without a contract
// (child.h), which have no alarm of their own, by deadline. A million of them cost no alarm each, because their
// deadlines come in the order in which they are set:
//
//   all        start order. Without a contract all have the same start deadline, so this is the order of their
//              start deadlines too; `starting` is the first that may not have met its own
//   stopping   those without a contract that were asked to stop, by the deadline of that
//   killed     those of them that were killed, by the end of their grace
//
// One alarm, the minder, stands at the earliest of the three heads or before it. When it fires, its
// notice makes the owner look at the heads; who came up or is gone meanwhile cost nothing until then.
// A deadline that is set later and lies earlier (the owner itself has been asked to stop) holds for
// those set before it too: deadlines shrink, they never grow. Owner only.
#ifndef TROUPE_ACTORS_KIDS_H
#define TROUPE_ACTORS_KIDS_H

#include "actors/child.h"

#define ACT__MINDER_STEPS 256u  // children looked at in one notice; the rest in the next

// The record of a slot of this system.
static inline struct act__birth *act__kid_at(struct act__system *system, uint32_t slot) {
  return slot ? &act__annex(act__cell_at(system, slot))->birth : NULL;
}

// Makes what a first child needs. ACT_ENOMEM.
ACT_MUST act_rc act__kids_reserve(act_cx *cx, struct act__cell *owner);
// A new child, started in this moment: to the end of all.
void act__kids_add(act_cx *cx, struct act__cell *owner, struct act__birth *birth);
void act__kids_remove(act_cx *cx, struct act__cell *owner, struct act__birth *birth);
// A child without a contract whose `stopping` or `killed` was just set: it has until due_ns.
void act__kids_give_until(act_cx *cx, struct act__cell *owner, struct act__birth *birth,
                          int64_t due_ns);

#endif
