// SPDX-License-Identifier: Apache-2.0
//
// Handles: what an actor keeps of a timer or a monitor instead of a pointer that could dangle. A handle
// is a place in a table of its owner and the place's generation, which ends with what was there.
//
// A table grows with the most that were in it at a time and goes with its owner. One thread at a time.
#ifndef TROUPE_ACTORS_HANDLE_H
#define TROUPE_ACTORS_HANDLE_H

#include <stdint.h>

#include "base/status.h"

struct act__handle_place {
  void *record;  // where there is none: the next free place, marked by a bit that no pointer has
  uint32_t gen;
};

// All zero is an empty one.
struct act__handle_table {
  struct act__handle_place *places;
  uint32_t capacity;
  uint32_t used;  // places that ever had a record; those behind are blank
  uint32_t free;  // first free place of those + 1; 0: none
};

// A place for `record`, which is aligned to 2 and borrowed until it is removed. ACT_ENOMEM.
ACT_MUST act_rc act__handle_put(struct act__handle_table *table, void *record, uint32_t *index,
                                uint32_t *gen);

// NULL: what it meant is gone. Generation 0 means nothing.
void *act__handle_get(const struct act__handle_table *table, uint32_t index, uint32_t gen);

// Ends the generation of a place that has a record.
void act__handle_remove(struct act__handle_table *table, uint32_t index);

// The first record at or after place *index, which becomes its place; NULL: none.
void *act__handle_next(const struct act__handle_table *table, uint32_t *index);

// Frees the table, not the records. It is an empty one afterwards.
void act__handle_table_fini(struct act__handle_table *table);

#endif
