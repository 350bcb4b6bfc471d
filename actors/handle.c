// SPDX-License-Identifier: Apache-2.0
#include "actors/handle.h"

#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"

#define FIRST_CAPACITY 8u

static void *free_mark(uint32_t next) {
  return (void *)((uintptr_t)next << 1 | 1);
}

static bool is_free(const struct act__handle_place *place) {
  return ((uintptr_t)place->record & 1) != 0;
}

// A blank place. What is behind it is not touched before it is needed.
static act_rc add(struct act__handle_table *table, uint32_t *index) {
  if (table->used == table->capacity) {
    uint32_t capacity = table->capacity ? table->capacity * 2 : FIRST_CAPACITY;
    struct act__handle_place *places =
        act__realloc(table->places, capacity * sizeof *table->places);
    if (!places) return ACT_ENOMEM;
    table->places = places;
    table->capacity = capacity;
  }
  *index = table->used++;
  table->places[*index].gen = 1;
  return ACT_OK;
}

act_rc act__handle_put(struct act__handle_table *table, void *record, uint32_t *index,
                       uint32_t *gen) {
  if (table->free) {
    *index = table->free - 1;
    table->free = (uint32_t)((uintptr_t)table->places[*index].record >> 1);
  } else {
    act_rc rc = add(table, index);
    if (rc) return rc;
  }
  struct act__handle_place *place = &table->places[*index];
  place->record = record;
  *gen = place->gen;
  return ACT_OK;
}

void *act__handle_get(const struct act__handle_table *table, uint32_t index, uint32_t gen) {
  if (gen == 0 || index >= table->used) return NULL;
  const struct act__handle_place *place = &table->places[index];
  return place->gen != gen || is_free(place) ? NULL : place->record;
}

void act__handle_remove(struct act__handle_table *table, uint32_t index) {
  struct act__handle_place *place = &table->places[index];
  place->record = free_mark(table->free);
  table->free = index + 1;
  if (++place->gen == 0) place->gen = 1;  // 0 means no handle
}

void *act__handle_next(const struct act__handle_table *table, uint32_t *index) {
  for (; *index < table->used; ++*index) {
    if (!is_free(&table->places[*index])) return table->places[*index].record;
  }
  return NULL;
}

void act__handle_table_fini(struct act__handle_table *table) {
  act__free(table->places);
  memset(table, 0, sizeof *table);
}
