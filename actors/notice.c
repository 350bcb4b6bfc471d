// SPDX-License-Identifier: Apache-2.0
//
// Notices: what an actor is told without anybody sending it a message. Each is a record reserved
// when the timer, monitor, ask, job or child was made, so neither a full mailbox nor a failed
// allocation can lose it. A record is open from then until it is handled or withdrawn; the cell
// counts those that may still be pushed to it and is not retired before they are back.
#include <string.h>

#include "actors/cell.h"
#include "actors/park.h"
#include "base/alloc.h"
#include "base/check.h"

act_rc act__notice_handle(act_cx *cx, struct act__cell *cell, struct act__env *env) {
  struct act__notice *notice = ACT__CONTAINER_OF(env, struct act__notice, env);
  switch ((enum act__notice_kind)env->notice) {
    case ACT__NOTICE_REPLY: return act__ask_handle(cx, cell, notice);
    case ACT__NOTICE_TICK: return act__tick_handle(cx, cell, notice);
    case ACT__NOTICE_DOWN: return act__watch_handle(cx, cell, notice);
    case ACT__NOTICE_DONE: return act__job_handle(cx, cell, notice);
    case ACT__NOTICE_UP:
    case ACT__NOTICE_EXIT:
    case ACT__NOTICE_OVERDUE: return act__child_notice(cx, cell, env);
    case ACT__NOTICE_MINDER: return act__minder_handle(cx, cell, notice);
    case ACT__NOTICE_UNPARKED: act__park_told(cell, env); return ACT_OK;
    case ACT__NOTICE_NONE: break;
  }
  ACT_PANIC("notice of unknown kind %u", (unsigned)env->notice);
}

// True: it will not arrive, and its record is free.
static bool withdraw(act_cx *cx, struct act__notice *notice) {
  switch ((enum act__notice_kind)notice->env.notice) {
    case ACT__NOTICE_REPLY: return act__ask_withdraw(cx, notice);
    case ACT__NOTICE_TICK: return act__tick_withdraw(cx, notice);
    case ACT__NOTICE_DOWN: return act__watch_withdraw(cx, notice);
    case ACT__NOTICE_DONE: return act__job_withdraw(cx, notice);
    case ACT__NOTICE_MINDER: return act__minder_withdraw(cx, notice);
    default: break;
  }
  ACT_PANIC("record of unknown kind %u", (unsigned)notice->env.notice);
}

void act__notices_withdraw(act_cx *cx, struct act__cell *cell) {
  struct act__link *link;
  while ((link = act__list_pop_front(&cell->cold->records))) {
    struct act__notice *notice = ACT__CONTAINER_OF(link, struct act__notice, link);
    notice->dropped = true;
    if (withdraw(cx, notice)) cell->notices--;
  }
}

// --- handles: index and generation instead of a pointer that could dangle in user code -------------

// A free place holds the number of the next one, marked by a bit that no pointer to a record has.
static void *free_mark(uint32_t next) {
  return (void *)((uintptr_t)next << 1 | 1);
}

static bool is_free(const struct act__handle_table *table, uint32_t index) {
  return ((uintptr_t)table->records[index] & 1) != 0;
}

static act_rc grow(struct act__handle_table *table) {
  uint32_t capacity = table->capacity ? table->capacity * 2 : 8;
  void **records = act__realloc(table->records, capacity * sizeof *records);
  if (!records) return ACT_ENOMEM;
  table->records = records;
  uint32_t *gens = act__realloc(table->gens, capacity * sizeof *gens);
  if (!gens) return ACT_ENOMEM;
  table->gens = gens;
  for (uint32_t i = capacity; i-- > table->capacity;) {
    records[i] = free_mark(table->free);
    gens[i] = 1;
    table->free = i + 1;
  }
  table->capacity = capacity;
  return ACT_OK;
}

act_rc act__handle_put(struct act__handle_table *table, void *record, uint32_t *index,
                       uint32_t *gen) {
  if (table->free == 0) {
    act_rc rc = grow(table);
    if (rc) return rc;
  }
  uint32_t at = table->free - 1;
  table->free = (uint32_t)((uintptr_t)table->records[at] >> 1);
  table->records[at] = record;
  *index = at;
  *gen = table->gens[at];
  return ACT_OK;
}

void *act__handle_get(const struct act__handle_table *table, uint32_t index, uint32_t gen) {
  if (gen == 0 || index >= table->capacity || table->gens[index] != gen) return NULL;
  return is_free(table, index) ? NULL : table->records[index];
}

void act__handle_remove(struct act__handle_table *table, uint32_t index) {
  table->records[index] = free_mark(table->free);
  table->free = index + 1;
  if (++table->gens[index] == 0) table->gens[index] = 1;  // 0 means no handle
}

void act__handle_table_fini(struct act__handle_table *table) {
  act__free(table->records);
  act__free(table->gens);
  memset(table, 0, sizeof *table);
}
