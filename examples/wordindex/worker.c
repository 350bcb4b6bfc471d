// SPDX-License-Identifier: Apache-2.0
//
// A worker: counts one file at a time, in a process of its own.
//
// It reads a slice in a turn and goes on by a timer that is due at once, so that it stays responsive
// and a file of any size is many short turns. Counts gather in a map; when it is full, or the file has
// ended, it is sent to the intake in batches, one at a time: the flow is bounded by the answers. The
// file is answered when everything of it has been acknowledged, so the coordinator knows that it has
// arrived.
//
//   IDLE --count--> READING <--> SENDING --end of the file--> IDLE
#include "examples/wordindex/run.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "examples/wordindex/counts.h"
#include "examples/wordindex/reader.h"
#include "examples/wordindex/tokenizer.h"

#define SLICE_BYTES (256u * 1024u)
#define PIECE_BYTES (16u * 1024u)        // between two looks at whether a map is full
#define MAP_ENTRIES (32u * 1024u)        // a map this full is sent; the last piece may exceed it
#define BATCH_ENTRIES (WI_BATCH_BYTES / WI_BATCH_ENTRY)
#define LOOKUP_MS ACT_SEC(5)
#define ADD_MS ACT_SEC(60)
#define RETRY_MS 2
#define HELLO_RETRY_MS 20
#define HELLO_TRIES 1000

enum state { IDLE = 0, READING, SENDING };

struct counter {
  uint32_t index;
  char *deadly;
  wi_intake_ref intake;
  unsigned hello_tries;
  enum state state;
  act_timer timer;  // the next slice, or the next try to send
  // The file.
  wi_counted_reply reply;
  uint64_t ticket, identifiers, too_long;
  enum wi_skip skip;
  struct wi_reader reader;
  struct wi_tokenizer tokenizer;
  bool at_end, out_of_memory;
  size_t filled, used;
  uint8_t *slice;
  // What has been counted and not sent.
  struct wi_counts map;
  uint32_t sent, in_flight;  // entries of the map that have arrived, and that are on their way
  act_str *names;
  uint64_t *counts;
};

ACT_ACTOR(wi_counter, wi_worker, WI_WORKER, struct counter, wi_worker_args)
ACT_EXPORT(wi_counter)
ACT_ON_FOUND(wi_counter, on_intake, wi_intake)
ACT_ON(wi_counter, on_welcome, wi_welcome)
ACT_ON(wi_counter, on_added, wi_added)
ACT_ON_TICK(wi_counter, on_hello_retry)
ACT_ON_TICK(wi_counter, on_turn)

// --- starting ----------------------------------------------------------------------------------

static void fini(void *arg) {
  struct counter *self = arg;
  wi_reader_close(&self->reader);
  wi_counts_fini(&self->map);
}

static act_rc wi_counter_init(struct counter *self, act_cx *cx, const wi_worker_args *args) {
  self->index = args->index;
  wi_reader_init(&self->reader);
  self->deadly = act_alloc(cx, args->deadly.size + 1u);
  self->slice = act_alloc(cx, SLICE_BYTES);
  self->names = act_alloc(cx, BATCH_ENTRIES * sizeof self->names[0]);
  self->counts = act_alloc(cx, BATCH_ENTRIES * sizeof self->counts[0]);
  if (!self->deadly || !self->slice || !self->names || !self->counts) return ACT_ENOMEM;
  if (args->deadly.size) memcpy(self->deadly, args->deadly.data, args->deadly.size);
  act_rc rc = act_defer(cx, fini, self);
  if (rc) return rc;
  // "@parent": over the link to the process that owns this one. A look-up brings the first credits.
  char name[WI_NAME_MAX];
  snprintf(name, sizeof name, "intake-%u@parent", (unsigned)self->index);
  rc = wi_intake_lookup(cx, name, LOOKUP_MS, on_intake_then(0));
  return rc ? rc : ACT_LATER;
}

static act_rc say_hello(struct counter *self, act_cx *cx) {
  wi_hello hello = {.index = self->index, .os_pid = getpid()};
  return wi_intake_ask_hello(cx, self->intake, hello, LOOKUP_MS, on_welcome_then(0));
}

static act_rc on_intake(struct counter *self, act_cx *cx, act_rc status, wi_intake_ref ref,
                        uintptr_t tag) {
  (void)tag;
  if (status) return act_fail(cx, status, "looking the intake up");
  self->intake = ref;
  act_rc rc = act_ready(cx);
  return rc ? rc : say_hello(self, cx);
}

// On the first start the coordinator comes up after all workers, so there may be nobody yet.
static act_rc on_welcome(struct counter *self, act_cx *cx, act_rc status, const wi_welcome *v,
                         uintptr_t tag) {
  (void)v;
  (void)tag;
  if (status == ACT_OK) return ACT_OK;
  if (++self->hello_tries > HELLO_TRIES) return act_fail(cx, status, "saying hello");
  return act_after(cx, HELLO_RETRY_MS, on_hello_retry_then(0), NULL);
}

static act_rc on_hello_retry(struct counter *self, act_cx *cx, const act_tick *tick) {
  (void)tick;
  return say_hello(self, cx);
}

// --- a file ------------------------------------------------------------------------------------

static act_rc next_turn(struct counter *self, act_cx *cx, uint32_t ms) {
  return act_after(cx, ms, on_turn_then(0), &self->timer);
}

static void begin(struct counter *self, uint64_t ticket) {
  self->ticket = ticket;
  self->identifiers = self->too_long = 0;
  self->at_end = self->out_of_memory = false;
  self->filled = self->used = 0;
  wi_tokenizer_init(&self->tokenizer);
  wi_counts_clear(&self->map);
  self->sent = self->in_flight = 0;
}

static act_rc wi_counter_count(struct counter *self, act_cx *cx, const wi_job *m,
                               wi_counted_reply r) {
  if (self->state != IDLE) return wi_counted_refuse(cx, r, ACT_EFULL);
  if (m->path.size > WI_PATH_MAX) return wi_counted_refuse(cx, r, ACT_EBADMSG);
  char path[WI_PATH_MAX + 1];
  memcpy(path, m->path.data, m->path.size);
  path[m->path.size] = '\0';
  const char *slash = strrchr(path, '/');
  if (*self->deadly && strcmp(slash ? slash + 1 : path, self->deadly) == 0) abort();

  enum wi_skip skip = wi_reader_open(&self->reader, path);
  if (skip) return wi_counted_answer(cx, r, (wi_counted){.skip = skip});
  act_rc rc = act_reply_keep(cx, r.r);
  if (rc) return rc;
  self->reply = r;
  self->skip = WI_SKIP_NONE;
  begin(self, m->ticket);
  self->state = READING;
  return next_turn(self, cx, 0);
}

static act_rc answer(struct counter *self, act_cx *cx) {
  const struct wi_stamp *stamp = &self->reader.stamp;
  wi_counted counted = {
      .skip = self->skip,
      .identifiers = self->identifiers,
      .too_long = self->too_long,
      .seen = {.device = stamp->device,
               .inode = stamp->inode,
               .size = stamp->size,
               .modified_ns = stamp->modified_ns,
               .changed_ns = stamp->changed_ns,
               .sum = stamp->sum},
  };
  wi_reader_close(&self->reader);
  self->state = IDLE;
  return wi_counted_answer(cx, self->reply, counted);
}

static void on_identifier(void *arg, const char *text, uint32_t length) {
  struct counter *self = arg;
  if (!text) {
    self->too_long++;
    return;
  }
  self->identifiers++;
  if (!wi_counts_add(&self->map, text, length, 1)) self->out_of_memory = true;
}

static bool has_full_map(const struct counter *self) {
  return self->map.nentries >= MAP_ENTRIES;
}

// Counts what is left of the slice, or until the map is full.
static void count_slice(struct counter *self) {
  while (self->used < self->filled && !has_full_map(self)) {
    size_t size = self->filled - self->used;
    if (size > PIECE_BYTES) size = PIECE_BYTES;
    wi_tokenizer_feed(&self->tokenizer, self->slice + self->used, size, on_identifier, self);
    self->used += size;
  }
}

static act_rc send_on(struct counter *self, act_cx *cx);

static act_rc read_on(struct counter *self, act_cx *cx) {
  if (self->used == self->filled) {
    self->used = 0;
    self->skip = wi_reader_read(&self->reader, self->slice, SLICE_BYTES, &self->filled);
    if (self->skip) return answer(self, cx);
    self->at_end = self->filled == 0;
  }
  count_slice(self);
  if (self->at_end) {
    wi_tokenizer_finish(&self->tokenizer, on_identifier, self);
    self->skip = wi_reader_check(&self->reader);
    if (self->skip) return answer(self, cx);
  }
  if (self->out_of_memory) return act_fail(cx, ACT_ENOMEM, "counting");
  if (!self->at_end && !has_full_map(self)) return next_turn(self, cx, 0);
  self->state = SENDING;
  return send_on(self, cx);
}

// --- sending -----------------------------------------------------------------------------------

// The next batch into self->names and ->counts. Returns how many entries it has.
static uint32_t fill_batch(struct counter *self) {
  uint32_t taken = 0, bytes = 0;
  for (uint32_t at = self->sent; at < self->map.nentries && taken < BATCH_ENTRIES; at++) {
    const struct wi_count *entry = &self->map.entries[at];
    bytes += entry->length + WI_BATCH_ENTRY;
    if (bytes > WI_BATCH_BYTES) break;
    self->names[taken] = (act_str){wi_counts_text(&self->map, entry), entry->length};
    self->counts[taken++] = entry->count;
  }
  return taken;
}

// Sends the next batch; when all have arrived, reads on or answers.
static act_rc send_on(struct counter *self, act_cx *cx) {
  if (self->in_flight) return ACT_OK;
  if (self->sent < self->map.nentries) {
    uint32_t taken = fill_batch(self);
    wi_batch batch = {.ticket = self->ticket,
                      .worker = self->index,
                      .names = {self->names, taken},
                      .counts = {self->counts, taken}};
    act_rc rc = wi_intake_ask_add(cx, self->intake, batch, ADD_MS, on_added_then(0));
    // No credit at the moment.
    if (rc == ACT_EFULL || rc == ACT_ENOROUTE) return next_turn(self, cx, RETRY_MS);
    if (rc == ACT_OK) self->in_flight = taken;
    return rc;
  }
  if (self->at_end) return answer(self, cx);
  wi_counts_clear(&self->map);
  self->sent = 0;
  self->state = READING;
  return next_turn(self, cx, 0);
}

static act_rc on_added(struct counter *self, act_cx *cx, act_rc status, const wi_added *v,
                       uintptr_t tag) {
  (void)v;
  (void)tag;
  uint32_t taken = self->in_flight;
  self->in_flight = 0;
  // The intake is busy, with what this worker sent before it died: not taken, so it is sent again.
  if (status == ACT_EFULL) return next_turn(self, cx, RETRY_MS);
  // Whether a batch that got no answer has arrived is not known, so the attempt is over: this worker
  // fails, and the coordinator hands the file out under another ticket.
  if (status) return act_fail(cx, status, "sending counts");
  self->sent += taken;
  return send_on(self, cx);
}

static act_rc on_turn(struct counter *self, act_cx *cx, const act_tick *tick) {
  (void)tick;
  switch (self->state) {
  case READING: return read_on(self, cx);
  case SENDING: return send_on(self, cx);
  case IDLE: break;
  }
  return ACT_OK;
}
