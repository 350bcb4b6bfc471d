// SPDX-License-Identifier: Apache-2.0
//
// Local names: which actor answers to a word. A name belongs to a child for all its incarnations and
// is given free when the child will not come back, before its watchers are told.
//
// A look-up makes the address under the lock: while a name leads to a cell, that cell is not let go,
// so the address can never be a later actor's.
#include <string.h>

#include "actors/cell.h"
#include "base/check.h"

act_rc act__name_put(struct act__system *system, const char *name, struct act__cell *cell) {
  size_t length = strlen(name);
  act__spinlock_lock(&system->names_lock);
  act_rc rc = act__namemap_get(&system->names, name, length)
                  ? ACT_EEXIST
                  : act__namemap_put(&system->names, name, length, cell);
  act__spinlock_unlock(&system->names_lock);
  return rc;
}

void act__name_remove(struct act__system *system, const char *name, struct act__cell *cell) {
  size_t length = strlen(name);
  act__spinlock_lock(&system->names_lock);
  if (act__namemap_get(&system->names, name, length) == cell) {
    act__namemap_remove(&system->names, name, length);
  }
  act__spinlock_unlock(&system->names_lock);
}

bool act__name_find(struct act__system *system, const char *name, size_t length, act_pid *pid,
                    const act_behavior **behavior) {
  act__spinlock_lock(&system->names_lock);
  struct act__cell *cell = (struct act__cell *)act__namemap_get(&system->names, name, length);
  if (cell) {
    *pid = act__cell_pid(system, cell);
    // Written before the name was put, and not again while there is one.
    if (behavior) *behavior = cell->behavior;
  }
  act__spinlock_unlock(&system->names_lock);
  return cell != NULL;
}
