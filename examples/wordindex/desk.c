// SPDX-License-Identifier: Apache-2.0
#include "examples/wordindex/desk.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define ALL_SHARDS ((1u << WI_SHARDS) - 1)

bool wi_desk_init(struct wi_desk *desk, unsigned workers) {
  memset(desk, 0, sizeof *desk);
  wi_skips_init(&desk->skips);
  desk->ntickets = wi_desk_tickets(workers);
  desk->tickets = calloc(desk->ntickets, sizeof desk->tickets[0]);
  return desk->tickets != NULL;
}

void wi_desk_fini(struct wi_desk *desk) {
  while (desk->first) {
    struct wi_file *file = desk->first;
    desk->first = file->next;
    free(file);
  }
  for (unsigned i = 0; i < desk->ntickets; i++) free(desk->tickets[i].file);
  free(desk->tickets);
  wi_skips_fini(&desk->skips);
  memset(desk, 0, sizeof *desk);
}

unsigned wi_desk_room(const struct wi_desk *desk) {
  if (desk->walk_is_done || desk->waiting > WI_QUEUE_MAX / 2) return 0;
  return WI_QUEUE_MAX - desk->waiting;
}

static void put_first(struct wi_desk *desk, struct wi_file *file) {
  file->next = desk->first;
  desk->first = file;
  if (!desk->last) desk->last = file;
  desk->waiting++;
}

bool wi_desk_put(struct wi_desk *desk, const char *path, size_t length) {
  struct wi_file *file = malloc(sizeof *file + length + 1);
  if (!file) return false;
  *file = (struct wi_file){.length = (uint32_t)length};
  memcpy(file->path, path, length);
  file->path[length] = '\0';
  if (desk->last) {
    desk->last->next = file;
    desk->last = file;
    desk->waiting++;
  } else {
    put_first(desk, file);
  }
  return true;
}

static struct wi_file *take_first(struct wi_desk *desk) {
  struct wi_file *file = desk->first;
  desk->first = file->next;
  if (!desk->first) desk->last = NULL;
  desk->waiting--;
  file->next = NULL;
  return file;
}

static struct wi_ticket *free_ticket(struct wi_desk *desk) {
  for (unsigned i = 0; i < desk->ntickets; i++) {
    if (desk->tickets[i].stage == WI_FREE) return &desk->tickets[i];
  }
  return NULL;
}

struct wi_ticket *wi_desk_hand_out(struct wi_desk *desk, unsigned worker) {
  if (!desk->first) return NULL;
  struct wi_ticket *ticket = free_ticket(desk);
  if (!ticket) return NULL;
  struct wi_file *file = take_first(desk);
#ifdef ACT_MUTANT_WORDINDEX_SAME_TICKET
  if (file->is_again) desk->last_id--;
#endif
  *ticket = (struct wi_ticket){
      .stage = WI_COUNTING, .id = ++desk->last_id, .worker = worker, .file = file};
  desk->handed_out++;
  if (file->is_again) desk->redone++;
  return ticket;
}

static void release(struct wi_ticket *ticket) {
  *ticket = (struct wi_ticket){.stage = WI_FREE};
}

void wi_desk_take_back(struct wi_desk *desk, struct wi_ticket *ticket) {
  assert(ticket->stage == WI_COUNTING);
  desk->handed_out--;
  if (ticket->file->is_again) desk->redone--;
  put_first(desk, ticket->file);
  release(ticket);
}

static void tell_aggregators(struct wi_ticket *ticket, enum wi_stage stage) {
  ticket->stage = stage;
  ticket->to_ask = ALL_SHARDS;
  ticket->unanswered = ALL_SHARDS;
  ticket->merged = 0;
}

static void skip(struct wi_ticket *ticket, enum wi_skip why) {
  ticket->skip = why;
  tell_aggregators(ticket, WI_DROPPING);
}

void wi_desk_counted(struct wi_desk *desk, struct wi_ticket *ticket,
                     const struct wi_result *result) {
  assert(ticket->stage == WI_COUNTING);
  (void)desk;
  ticket->result = *result;
  if (result->skip == WI_SKIP_NONE) {
    ticket->stage = WI_CHECKING;
  } else {
    skip(ticket, result->skip < WI_SKIP_COUNT ? (enum wi_skip)result->skip : WI_SKIP_READ_ERROR);
  }
}

bool wi_desk_lost(struct wi_desk *desk, struct wi_ticket *ticket) {
  assert(ticket->stage == WI_COUNTING);
  (void)desk;
  ticket->file->is_again = true;
  // A worker that we killed is not the file's fault.
  if (!ticket->is_killed) ticket->file->deaths++;
  bool is_deadly = ticket->file->deaths >= WI_DEATHS_MAX;
  ticket->is_again = !is_deadly;
  skip(ticket, is_deadly ? WI_SKIP_DEADLY : WI_SKIP_NONE);
  return is_deadly;
}

void wi_desk_checked(struct wi_desk *desk, struct wi_ticket *ticket, enum wi_skip why,
                     uint64_t identifiers, uint64_t too_long) {
  assert(ticket->stage == WI_CHECKING);
  if (why != WI_SKIP_NONE) {
    skip(ticket, why);
    return;
  }
  if (identifiers != ticket->result.identifiers || too_long != ticket->result.too_long) {
    desk->is_broken = true;
  }
  tell_aggregators(ticket, WI_COMMITTING);
}

static void end_commit(struct wi_desk *desk, struct wi_ticket *ticket) {
  const struct wi_result *result = &ticket->result;
  if (ticket->merged != result->identifiers) desk->is_broken = true;
  desk->files++;
  desk->bytes += result->stamp.size;
  desk->identifiers += ticket->merged;
  desk->too_long += result->too_long;
  free(ticket->file);
}

static void end_drop(struct wi_desk *desk, struct wi_ticket *ticket) {
  if (ticket->is_again) {
    put_first(desk, ticket->file);
    return;
  }
  wi_skips_add(&desk->skips, ticket->skip, ticket->file->path, ticket->file->length);
  free(ticket->file);
}

bool wi_desk_answered(struct wi_desk *desk, struct wi_ticket *ticket, unsigned shard,
                      uint64_t merged) {
  assert(ticket->unanswered >> shard & 1);
  ticket->unanswered &= ~(1u << shard);
  ticket->merged += merged;
  if (ticket->unanswered) return false;
  if (ticket->stage == WI_COMMITTING) {
    end_commit(desk, ticket);
  } else {
    end_drop(desk, ticket);
  }
  release(ticket);
  return true;
}

unsigned wi_desk_unfinished(const struct wi_desk *desk) {
  unsigned count = desk->waiting;
  for (unsigned i = 0; i < desk->ntickets; i++) count += desk->tickets[i].stage != WI_FREE;
  return count;
}

unsigned wi_desk_uncounted(const struct wi_desk *desk) {
  unsigned count = desk->waiting;
  for (unsigned i = 0; i < desk->ntickets; i++) count += desk->tickets[i].stage == WI_COUNTING;
  return count;
}

bool wi_desk_is_done(const struct wi_desk *desk) {
  return desk->walk_is_done && wi_desk_unfinished(desk) == 0;
}
