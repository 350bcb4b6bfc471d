// SPDX-License-Identifier: Apache-2.0
//
// Room in a cell's mailbox, given back late (mailbox/returns.h): by its turns, to whoever finds it
// full. The lock of the returns is the cell's.
#ifndef TROUPE_ACTORS_ROOM_H
#define TROUPE_ACTORS_ROOM_H

#include "actors/park.h"
#include "mailbox/returns.h"

// act__mailbox_reserve_many within the cell's limits, that takes what was given back before it says FULL.
// Any thread.
enum act__admit act__room_reserve(struct act__cell *cell, uint32_t gen, uint32_t messages,
                                  uint32_t units);

// The mailbox has been closed: from here on its admission word counts exactly. Owner.
void act__room_settle(struct act__cell *cell);

// Gives back room of messages that were handled. Owner, at the end of a turn; `dry` as in
// act__cell_release_turn.
static inline void act__room_give_back(struct act__system *system, struct act__worker *me,
                                       struct act__cell *cell, uint32_t messages, uint32_t units,
                                       bool dry) {
  // relaxed: written before the mailbox opened; of a proxy perhaps later, but that one is asked for.
  if (messages == units && cell->life == ACT__UP && !cell->proxy &&
      !act__load_relaxed(&cell->park_ms)) {
    if (messages) act__returns_give(&cell->returns, messages);
  } else {
    act__cell_release_turn(system, me, cell, messages, units, dry);
  }
}

#endif
