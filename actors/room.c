// SPDX-License-Identifier: Apache-2.0
#include "actors/room.h"

// Full for certain, seen without the lock: so that senders that are refused again and again only read.
static bool is_full(struct act__cell *cell, uint32_t gen, uint32_t messages, uint32_t units) {
  uint16_t taken = act__returns_taken(&cell->returns);
  // relaxed: the answer is no if the limits belong to another generation.
  return act__mailbox_is_full(&cell->mailbox, gen, messages, units,
                              act__load_relaxed(&cell->msgs_max),
                              act__load_relaxed(&cell->units_max)) &&
         act__returns_are(&cell->returns, taken);
}

enum act__admit act__room_reserve(struct act__cell *cell, uint32_t gen, uint32_t messages,
                                  uint32_t units) {
  if (is_full(cell, gen, messages, units)) return ACT__ADMIT_FULL;
  struct act__spinlock *lock = &cell->lock;
  enum act__admit admitted;
  act__spinlock_lock(lock);
  do {
    // relaxed: the reservation fails if the limits belong to another generation.
    admitted = act__mailbox_reserve_many(&cell->mailbox, gen, messages, units,
                                         act__load_relaxed(&cell->msgs_max),
                                         act__load_relaxed(&cell->units_max));
#ifndef ACT_MUTANT_ROOM_NOT_TAKEN
  } while (admitted == ACT__ADMIT_FULL && act__returns_take(&cell->returns, &cell->mailbox));
#else
  } while (false);
#endif
  act__spinlock_unlock(lock);
  return admitted;
}

void act__room_settle(struct act__cell *cell) {
  struct act__spinlock *lock = &cell->lock;
  act__spinlock_lock(lock);
  act__returns_take(&cell->returns, &cell->mailbox);
  act__spinlock_unlock(lock);
}
