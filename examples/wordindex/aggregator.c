// SPDX-License-Identifier: Apache-2.0
//
// An aggregator: one shard of the result. Which identifiers it owns is the worker's arithmetic
// (wi_counts_shard); here everything that arrives is staged under its ticket, and becomes part of the
// result when the coordinator commits the ticket, or is forgotten when it drops it.
//
// A worker that died may have left batches on the way. A dropped ticket raises the mark of its worker,
// and batches of tickets at or below the mark are stale: they are answered and ignored.
//
// Bounded: as many staged tickets as the coordinator has in flight; memory by distinct identifiers.
#include "examples/wordindex/run.h"

#include <stdlib.h>

#include "examples/wordindex/counts.h"

struct staged {
  uint64_t ticket;  // 0: free
  struct wi_counts counts;
};

struct adder {
  struct wi_counts total;
  uint32_t *sorted;  // made by the first page
  unsigned nworkers, nstaged;
  struct staged *staged;
  uint64_t *marks;  // by worker
  act_str *names;   // of the page being made
  uint64_t *counts;
};

ACT_ACTOR(wi_adder, wi_aggregator, WI_AGGREGATOR, struct adder, struct wi_aggregator_args)
ACT_EXPORT(wi_adder)

#define PAGE_ENTRIES (WI_BATCH_BYTES / WI_BATCH_ENTRY)

static void fini(void *arg) {
  struct adder *self = arg;
  for (unsigned i = 0; i < self->nstaged; i++) wi_counts_fini(&self->staged[i].counts);
  wi_counts_fini(&self->total);
  free(self->sorted);
}

static act_rc wi_adder_init(struct adder *self, act_cx *cx, const struct wi_aggregator_args *args) {
  self->nworkers = args->workers;
  self->nstaged = wi_desk_tickets(args->workers);
  self->staged = act_alloc(cx, self->nstaged * sizeof self->staged[0]);
  self->marks = act_alloc(cx, self->nworkers * sizeof self->marks[0]);
  self->names = act_alloc(cx, PAGE_ENTRIES * sizeof self->names[0]);
  self->counts = act_alloc(cx, PAGE_ENTRIES * sizeof self->counts[0]);
  if (!self->staged || !self->marks || !self->names || !self->counts) return ACT_ENOMEM;
  return act_defer(cx, fini, self);
}

// The place of this ticket, or of no ticket (0); NULL: there is none.
static struct staged *find(struct adder *self, uint64_t ticket) {
  for (unsigned i = 0; i < self->nstaged; i++) {
    if (self->staged[i].ticket == ticket) return &self->staged[i];
  }
  return NULL;
}

static void forget(struct staged *staged) {
  staged->ticket = 0;
  wi_counts_fini(&staged->counts);
}

static act_rc wi_adder_add(struct adder *self, act_cx *cx, const wi_batch *m, wi_added_reply r) {
  if (m->worker >= self->nworkers || m->names.count != m->counts.count || m->ticket == 0) {
    return wi_added_refuse(cx, r, ACT_EBADMSG);
  }
  if (m->ticket <= self->marks[m->worker]) return wi_added_answer(cx, r, (wi_added){0});
  struct staged *staged = find(self, m->ticket);
  if (!staged) staged = find(self, 0);
  if (!staged) return act_fail(cx, ACT_ELIMIT, "more tickets than the coordinator has");
  staged->ticket = m->ticket;
  for (uint32_t i = 0; i < m->names.count; i++) {
    act_str name = m->names.items[i];
    if (!wi_counts_add(&staged->counts, name.data, name.size, m->counts.items[i])) {
      return act_fail(cx, ACT_ENOMEM, "staging");
    }
  }
  return wi_added_answer(cx, r, (wi_added){0});
}

static act_rc wi_adder_commit(struct adder *self, act_cx *cx, const wi_commit *m,
                              wi_committed_reply r) {
  uint64_t identifiers = 0;
  struct staged *staged = m->ticket ? find(self, m->ticket) : NULL;
  if (staged) {
    identifiers = staged->counts.total;
    if (!wi_counts_merge(&self->total, &staged->counts)) {
      return act_fail(cx, ACT_ENOMEM, "merging");
    }
    forget(staged);
  }
  return wi_committed_answer(cx, r, (wi_committed){.identifiers = identifiers});
}

static act_rc wi_adder_drop(struct adder *self, act_cx *cx, const wi_drop *m, wi_dropped_reply r) {
  if (m->worker >= self->nworkers) return wi_dropped_refuse(cx, r, ACT_EBADMSG);
  if (self->marks[m->worker] < m->ticket) self->marks[m->worker] = m->ticket;
  struct staged *staged = m->ticket ? find(self, m->ticket) : NULL;
  if (staged) forget(staged);
  return wi_dropped_answer(cx, r, (wi_dropped){0});
}

static act_rc wi_adder_page(struct adder *self, act_cx *cx, const wi_page_request *m,
                            wi_page_reply r) {
  if (!self->sorted) self->sorted = wi_counts_sorted(&self->total);
  if (!self->sorted) return act_fail(cx, ACT_ENOMEM, "sorting");
  uint32_t taken = 0, bytes = 0, at = m->from;
  for (; at < self->total.nentries && taken < PAGE_ENTRIES; at++, taken++) {
    const struct wi_count *entry = &self->total.entries[self->sorted[at]];
    bytes += entry->length + WI_BATCH_ENTRY;
    if (bytes > WI_BATCH_BYTES) break;
    self->names[taken] = (act_str){wi_counts_text(&self->total, entry), entry->length};
    self->counts[taken] = entry->count;
  }
  return wi_page_answer(cx, r, (wi_page){.names = {self->names, taken},
                                         .counts = {self->counts, taken},
                                         .is_last = at >= self->total.nentries});
}
