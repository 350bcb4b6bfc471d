// SPDX-License-Identifier: Apache-2.0
//
// Between spawn.c, which makes children, and child.c, which is about their life.
#ifndef TROUPE_ACTORS_CHILD_H
#define TROUPE_ACTORS_CHILD_H

#include "actors/cell.h"

// The first incarnation of a child whose record and cell are ready: opens the mailbox and
// submits the cell. By its maker.
void act__child_start(act_cx *cx, struct act__birth *birth);

static inline act_pid act__child_pid(struct act__system *system, const struct act__birth *birth) {
  act_pid pid = act__cell_pid(system, birth->cell);
  pid.epoch = birth->epoch;
  return pid;
}

#endif
