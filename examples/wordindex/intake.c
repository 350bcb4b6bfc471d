// SPDX-License-Identifier: Apache-2.0
//
// An intake: the door of one worker into the first process.
//
// It splits each batch among the aggregators and answers the worker when all of them have answered, so
// that what the worker is told has arrived has arrived. One batch is on its way at a time; what
// comes meanwhile is refused, and the worker tries again. Nothing of a batch is kept here: sends copy.
//
// An aggregator's mailbox has room for one batch of every intake, so a local send that finds no room is
// a mistake of ours, and fails the run.
#include "examples/wordindex/run.h"

#include "examples/wordindex/counts.h"

#define ANSWER_MS ACT_SEC(60)
#define BATCH_ENTRIES (WI_BATCH_BYTES / WI_BATCH_ENTRY)

struct porter {
  unsigned index;
  wi_aggregator_svc aggregators[WI_SHARDS];
  unsigned unanswered;
  wi_added_reply added;
  wi_welcome_reply welcome;
  bool is_greeting;
  uint32_t taken[WI_SHARDS];
  act_str *names;    // WI_SHARDS rows of BATCH_ENTRIES
  uint64_t *counts;
};

ACT_ACTOR(wi_porter, wi_intake, WI_INTAKE, struct porter, struct wi_intake_args)
ACT_EXPORT(wi_porter)
ACT_ON(wi_porter, on_added, wi_added)
ACT_ON(wi_porter, on_welcome, wi_welcome)

static act_rc wi_porter_init(struct porter *self, act_cx *cx, const struct wi_intake_args *args) {
  self->index = args->index;
  self->names = act_alloc(cx, WI_SHARDS * BATCH_ENTRIES * sizeof self->names[0]);
  self->counts = act_alloc(cx, WI_SHARDS * BATCH_ENTRIES * sizeof self->counts[0]);
  if (!self->names || !self->counts) return ACT_ENOMEM;
  for (unsigned i = 0; i < WI_SHARDS; i++) {
    char name[WI_NAME_MAX];
    snprintf(name, sizeof name, "aggregator-%u", i);
    act_rc rc = wi_aggregator_svc_named(cx, name, &self->aggregators[i]);
    if (rc) return act_fail(cx, rc, "%s", name);
  }
  return ACT_OK;
}

static void split(struct porter *self, const wi_batch *m) {
  for (unsigned i = 0; i < WI_SHARDS; i++) self->taken[i] = 0;
  for (uint32_t i = 0; i < m->names.count; i++) {
    act_str name = m->names.items[i];
    uint32_t shard = wi_counts_shard(wi_counts_hash(name.data, name.size), WI_SHARDS);
    uint32_t at = shard * BATCH_ENTRIES + self->taken[shard]++;
    self->names[at] = name;
    self->counts[at] = m->counts.items[i];
  }
}

static act_rc wi_porter_add(struct porter *self, act_cx *cx, const wi_batch *m, wi_added_reply r) {
  if (self->unanswered) return wi_added_refuse(cx, r, ACT_EFULL);
  uint32_t n = m->names.count;
  if (m->worker != self->index || n != m->counts.count || n > BATCH_ENTRIES) {
    return wi_added_refuse(cx, r, ACT_EBADMSG);
  }
  if (n == 0) return wi_added_answer(cx, r, (wi_added){0});
  act_rc rc = act_reply_keep(cx, r.r);
  if (rc) return rc;
  self->added = r;
  split(self, m);
  for (unsigned i = 0; i < WI_SHARDS; i++) {
    if (self->taken[i] == 0) continue;
    wi_batch part = {.ticket = m->ticket,
                     .worker = m->worker,
                     .names = {self->names + i * BATCH_ENTRIES, self->taken[i]},
                     .counts = {self->counts + i * BATCH_ENTRIES, self->taken[i]}};
    rc = wi_aggregator_svc_ask_add(cx, self->aggregators[i], part, ANSWER_MS, on_added_then(i));
    if (rc) return act_fail(cx, rc, "aggregator %u", i);
    self->unanswered++;
  }
  return ACT_OK;
}

static act_rc on_added(struct porter *self, act_cx *cx, act_rc status, const wi_added *v,
                       uintptr_t tag) {
  (void)v;
  if (status) return act_fail(cx, status, "aggregator %u", (unsigned)tag);
  if (--self->unanswered) return ACT_OK;
  // The worker may be gone by now; answering is right all the same.
  return wi_added_answer(cx, self->added, (wi_added){0});
}

static act_rc wi_porter_hello(struct porter *self, act_cx *cx, const wi_hello *m,
                              wi_welcome_reply r) {
  if (m->index != self->index) return wi_welcome_refuse(cx, r, ACT_EBADMSG);
  wi_coordinator_svc coordinator;
  act_rc rc = wi_coordinator_svc_named(cx, WI_COORDINATOR_NAME, &coordinator);
  if (rc == ACT_OK && self->is_greeting) rc = ACT_EFULL;
  if (rc) return wi_welcome_refuse(cx, r, rc);
  rc = wi_coordinator_svc_ask_hello(cx, coordinator, *m, ANSWER_MS, on_welcome_then(0));
  if (rc) return wi_welcome_refuse(cx, r, rc);
  self->is_greeting = true;
  self->welcome = r;
  return act_reply_keep(cx, r.r);
}

static act_rc on_welcome(struct porter *self, act_cx *cx, act_rc status, const wi_welcome *v,
                         uintptr_t tag) {
  (void)v;
  (void)tag;
  self->is_greeting = false;
  return status ? wi_welcome_refuse(cx, self->welcome, status)
                : wi_welcome_answer(cx, self->welcome, (wi_welcome){0});
}
