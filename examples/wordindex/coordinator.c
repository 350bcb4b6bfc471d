// SPDX-License-Identifier: Apache-2.0
//
// The coordinator: walks the folders, hands files to workers, has each result verified and committed,
// and in the end collects and compares everything.
//
// All its knowledge is in the desk (desk.h); here messages, jobs and timers become calls of it. The one
// idea is the pump: every handler notes what happened and then calls pump, which looks what can be done
// now and does it: a walk job, hand-outs, a verifying job, commits and drops. What is refused for lack
// of room stays to be done, and a timer pumps again. So there is one place to look for "what next".
//
// A worker's death ends the ask that its file was handed out with; that is all there is to notice.
// The supervisor starts it again, and its hello makes it a worker to hand files to.
#include "examples/wordindex/run.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "examples/wordindex/audit.h"
#include "examples/wordindex/jobs.h"
#include "examples/wordindex/kills.h"
#include "examples/wordindex/merge.h"

#define COUNT_MS ACT_SEC(3600)      // for one file, however large
#define AGGREGATOR_MS ACT_SEC(120)  // for one answer of an aggregator
#define RETRY_MS 2
#define BEAT_MS 200                 // progress, and a look whether anything goes on at all
#define KILL_DELAY_MS 4             // a kill that is due comes within this time
#define NO_WORKER_MS 30000          // nobody alive for so long: the run has failed
#define ALL_BACK_MS 10000           // how long the end waits for workers that are being restarted

enum phase { COUNTING, REWALKING, COLLECTING, ENDED };

struct hand {
  wi_worker_svc svc;
  bool is_known, is_alive, is_busy;
  unsigned incarnation;
  int64_t os_pid;
};

struct chief {
  struct wi_run *run;
  struct wi_desk *desk;
  wi_aggregator_svc aggregators[WI_SHARDS];
  unsigned nhands, killed, restarts;
  struct hand *hands;
  enum phase phase;
  bool is_walking, is_checking, kill_is_armed, kill_is_overdue, shows_line;
  int64_t began_ns, began_wall_ns, last_alive_ns, done_ns;
  struct wi_kills kills;
  act_timer retry, beat, kill;
  unsigned *holders;  // by ticket: the incarnation of its worker at the hand-out
  struct wi_merge merge;
  uint32_t asked_pages;
  struct wi_entry *page;
  struct wi_audit audit;
};

ACT_ACTOR(wi_chief, wi_coordinator, WI_COORDINATOR, struct chief, struct wi_coordinator_args)
ACT_EXPORT(wi_chief)
ACT_ON(wi_chief, on_counted, wi_counted)
ACT_ON(wi_chief, on_committed, wi_committed)
ACT_ON(wi_chief, on_dropped, wi_dropped)
ACT_ON(wi_chief, on_page, wi_page)
ACT_ON_DONE(wi_chief, on_walked)
ACT_ON_DONE(wi_chief, on_checked)
ACT_ON_DONE(wi_chief, on_rewalked)
ACT_ON_TICK(wi_chief, on_retry)
ACT_ON_TICK(wi_chief, on_beat)
ACT_ON_TICK(wi_chief, on_kill)

static act_rc pump(struct chief *self, act_cx *cx);

// --- starting and stopping ---------------------------------------------------------------------

static void fini(void *arg) {
  struct chief *self = arg;
  // Jobs that still run end soon then, and with them the node.
  wi_walker_cancel(self->run->walker);
  wi_verifier_cancel(self->run->verifier);
  wi_merge_fini(&self->merge);
  if (self->shows_line) fputs("\r\033[K", stderr);
}

static act_rc wi_chief_init(struct chief *self, act_cx *cx,
                            const struct wi_coordinator_args *args) {
  struct wi_run *run = args->run;
  self->run = run;
  self->desk = &run->desk;
  self->nhands = run->options->workers;
  self->audit = (struct wi_audit){
      .verifier = run->verifier, .dump = run->dump, .outcome = &run->outcome};
  self->hands = act_alloc(cx, self->nhands * sizeof self->hands[0]);
  self->holders = act_alloc(cx, self->desk->ntickets * sizeof self->holders[0]);
  self->page = act_alloc(cx, WI_BATCH_BYTES / WI_BATCH_ENTRY * sizeof self->page[0]);
  if (!self->hands || !self->holders || !self->page) return ACT_ENOMEM;
  self->began_ns = self->last_alive_ns = act_now(cx);
  self->began_wall_ns = act_wall(cx).unix_ns;
  uint64_t seed = run->options->has_seed ? run->options->seed : act_rand(cx) & 0xffffffffu;
  wi_kills_init(&self->kills, run->options->kills, seed);
  if (run->options->kills) {
    printf("kills: %u to come, seed %llu\n", run->options->kills, (unsigned long long)seed);
  }
  for (unsigned i = 0; i < WI_SHARDS; i++) {
    char name[WI_NAME_MAX];
    snprintf(name, sizeof name, "aggregator-%u", i);
    act_rc rc = wi_aggregator_svc_named(cx, name, &self->aggregators[i]);
    if (rc) return act_fail(cx, rc, "%s", name);
  }
  act_rc rc = act_defer(cx, fini, self);
  if (rc) return rc;
  rc = act_every(cx, BEAT_MS, on_beat_then(0), &self->beat);
  return rc ? rc : pump(self, cx);
}

// The run is over, well or not; main reports it.
static act_rc end(struct chief *self, act_cx *cx) {
  struct wi_outcome *outcome = &self->run->outcome;
  self->phase = ENDED;
  outcome->workers = self->nhands;
  outcome->killed = self->killed;
  outcome->restarts = self->restarts;
  outcome->elapsed_ns = act_now(cx) - self->began_ns;
  act_request_stop(act_cx_runtime(cx));
  return ACT_OK;
}

static act_rc give_up(struct chief *self, act_cx *cx, const char *why) {
  snprintf(self->run->outcome.reason, sizeof self->run->outcome.reason, "%s", why);
  return end(self, cx);
}

// --- what people see ---------------------------------------------------------------------------

// Begins a line of an event on standard output, out of the progress line's way.
static void begin_event(struct chief *self) {
  if (self->shows_line) fputs("\r\033[K", stderr);
  self->shows_line = false;
}

static void tell(struct chief *self, const char *what, unsigned worker, const char *verb,
                 const struct wi_file *file) {
  char path[600];
  begin_event(self);
  printf("%s: worker %u (pid %lld) %s%s\n", what, worker, (long long)self->hands[worker].os_pid,
         verb, file ? wi_escape(file->path, file->length, path, sizeof path) : "");
  fflush(stdout);
}

static unsigned workers_alive(const struct chief *self) {
  unsigned alive = 0;
  for (unsigned i = 0; i < self->nhands; i++) alive += self->hands[i].is_alive;
  return alive;
}

static act_rc on_beat(struct chief *self, act_cx *cx, const act_tick *tick) {
  (void)tick;
  if (self->phase == ENDED) return ACT_OK;
  int64_t now = act_now(cx);
  unsigned alive = workers_alive(self);
  if (alive || self->phase != COUNTING) self->last_alive_ns = now;
  if (now - self->last_alive_ns > NO_WORKER_MS * INT64_C(1000000)) {
    return give_up(self, cx, "no worker came up");
  }
  if (self->run->shows_progress) {
    char line[WI_LINE_MAX];
    wi_progress_line(&(struct wi_progress){.files = self->desk->files,
                                           .bytes = self->desk->bytes,
                                           .workers_alive = alive,
                                           .workers = self->nhands,
                                           .restarts = self->restarts,
                                           .elapsed_ns = now - self->began_ns},
                     line);
    fprintf(stderr, "\r%s\033[K", line);
    fflush(stderr);
    self->shows_line = true;
  }
  return pump(self, cx);
}

// --- workers -----------------------------------------------------------------------------------

static act_rc wi_chief_hello(struct chief *self, act_cx *cx, const wi_hello *m,
                             wi_welcome_reply r) {
  if (m->index >= self->nhands) return wi_welcome_refuse(cx, r, ACT_EBADMSG);
  struct hand *hand = &self->hands[m->index];
  char name[WI_NAME_MAX];
  snprintf(name, sizeof name, "worker-%u", m->index);
  act_rc rc = wi_worker_svc_named(cx, name, &hand->svc);
  if (rc) return act_fail(cx, rc, "%s", name);
  bool is_back = hand->is_known;
  hand->is_known = hand->is_alive = true;
  hand->incarnation++;
  hand->os_pid = m->os_pid;
  if (is_back) {
    self->restarts++;
    tell(self, "restart", m->index, "is back", NULL);
  }
  rc = wi_welcome_answer(cx, r, (wi_welcome){0});
  // In a turn of its own: an ask that is made while a request is handled ends with that request's
  // deadline, and a file may take longer than a hello.
  return rc ? rc : act_after(cx, 0, on_retry_then(0), &self->retry);
}

static act_rc send_file(struct chief *self, act_cx *cx, struct wi_ticket *ticket) {
  struct hand *hand = &self->hands[ticket->worker];
  unsigned index = (unsigned)(ticket - self->desk->tickets);
  wi_job job = {.ticket = ticket->id,
                .path = act_bytes_of(ticket->file->path, ticket->file->length)};
  act_rc rc = wi_worker_svc_ask_count(cx, hand->svc, job, COUNT_MS, on_counted_then(index));
  if (rc) {
    wi_desk_take_back(self->desk, ticket);
    // No room for now; anything else says that it is gone, and its next hello is awaited.
    if (rc == ACT_EFULL || rc == ACT_ENOROUTE) {
      return act_after(cx, RETRY_MS, on_retry_then(0), &self->retry);
    }
    hand->is_alive = false;
    return ACT_OK;
  }
  hand->is_busy = true;
  self->holders[index] = hand->incarnation;
  if (ticket->file->is_again) tell(self, "again", ticket->worker, "is handed ", ticket->file);
  return ACT_OK;
}

static act_rc plan_kill(struct chief *self, act_cx *cx);

static act_rc hand_out(struct chief *self, act_cx *cx) {
  for (unsigned i = 0; i < self->nhands; i++) {
    if (!self->hands[i].is_alive || self->hands[i].is_busy) continue;
    if (wi_kills_keep(&self->kills, self->desk->walk_is_done, self->desk->waiting)) break;
    struct wi_ticket *ticket = wi_desk_hand_out(self->desk, i);
    if (!ticket) break;
    act_rc rc = send_file(self, cx, ticket);
    if (rc) return rc;
  }
  return plan_kill(self, cx);
}

// The worker of this ticket is gone, or what it says does not count any more.
static void lose(struct chief *self, struct wi_ticket *ticket, act_rc why) {
  unsigned index = (unsigned)(ticket - self->desk->tickets);
  struct hand *hand = &self->hands[ticket->worker];
  if (hand->incarnation == self->holders[index]) {
    hand->is_alive = false;
    // Not known to be dead: it must not go on with this file. Its supervisor starts it again.
    bool is_dead = why == ACT_OK || why == ACT_EDEAD || why == ACT_ELINK || why == ACT_ECLOSED;
    if (!is_dead && hand->os_pid > 1) kill((pid_t)hand->os_pid, SIGKILL);
  }
  if (!ticket->is_killed) {
    char verb[64];
    snprintf(verb, sizeof verb, "is lost (%s), it held ", act_rc_name(why));
    tell(self, "death", ticket->worker, verb, ticket->file);
  }
  struct wi_file *file = ticket->file;
  if (wi_desk_lost(self->desk, ticket)) {
    char path[600];
    printf("skip: three workers died with %s\n",
           wi_escape(file->path, file->length, path, sizeof path));
  }
}

static act_rc on_counted(struct chief *self, act_cx *cx, act_rc status, const wi_counted *v,
                         uintptr_t tag) {
  struct wi_ticket *ticket = &self->desk->tickets[tag];
  self->hands[ticket->worker].is_busy = false;
  if (status || ticket->is_killed) {
    lose(self, ticket, status);
    return pump(self, cx);
  }
  struct wi_result result = {
      .skip = v->skip,
      .identifiers = v->identifiers,
      .too_long = v->too_long,
      .stamp = {.device = v->seen.device,
                .inode = v->seen.inode,
                .size = v->seen.size,
                .modified_ns = v->seen.modified_ns,
                .changed_ns = v->seen.changed_ns,
                .sum = v->seen.sum},
  };
  wi_desk_counted(self->desk, ticket, &result);
  return pump(self, cx);
}

// --- kills -------------------------------------------------------------------------------------

static bool kill_is_due(const struct chief *self) {
  return wi_kills_due(&self->kills, self->desk->handed_out, self->desk->walk_is_done,
                      wi_desk_uncounted(self->desk));
}

// Kills a worker that holds an unfinished file, if there is one. From then on nothing that it answers
// counts, so the file is unfinished whatever the worker was doing at that moment.
static void kill_one(struct chief *self) {
  struct wi_desk *desk = self->desk;
  unsigned ncandidates = 0;
  struct wi_ticket *victim = NULL;
  for (unsigned i = 0; i < desk->ntickets; i++) {
    struct wi_ticket *ticket = &desk->tickets[i];
    if (ticket->stage != WI_COUNTING || ticket->is_killed) continue;
    const struct hand *hand = &self->hands[ticket->worker];
    if (!hand->is_alive || hand->incarnation != self->holders[i] || hand->os_pid <= 1) continue;
    if (wi_kills_below(&self->kills, ++ncandidates) == 0) victim = ticket;
  }
  self->kill_is_overdue = !victim;
  if (!victim) return;
  struct hand *hand = &self->hands[victim->worker];
  if (kill((pid_t)hand->os_pid, SIGKILL) != 0) return;  // it died by itself just now
  hand->is_alive = false;
  victim->is_killed = true;
  self->killed++;
  wi_kills_done(&self->kills, desk->handed_out);
  tell(self, "kill", victim->worker, "held ", victim->file);
}

// After hand-outs: a kill that is due comes at a random moment soon, or at once when the last one
// found nobody busy or files are getting few.
static act_rc plan_kill(struct chief *self, act_cx *cx) {
  if (self->kill_is_armed || !kill_is_due(self)) return ACT_OK;
  if (self->kill_is_overdue || self->desk->walk_is_done) {
    kill_one(self);
    return ACT_OK;
  }
  self->kill_is_armed = true;
  uint32_t delay = (uint32_t)wi_kills_below(&self->kills, KILL_DELAY_MS);
  return act_after(cx, delay, on_kill_then(0), &self->kill);
}

static act_rc on_kill(struct chief *self, act_cx *cx, const act_tick *tick) {
  (void)cx;
  (void)tick;
  self->kill_is_armed = false;
  if (kill_is_due(self)) kill_one(self);
  return ACT_OK;
}

// --- walking and verifying ---------------------------------------------------------------------

// Gives a job to the blocking pool. A full queue is tried again later.
static act_rc start_job(struct chief *self, act_cx *cx, act_job job, act_done_then then,
                        bool *is_running) {
  if (!job.arg) return ACT_ENOMEM;
  act_rc rc = act_blocking(cx, job, then);
  *is_running = rc == ACT_OK;
  if (rc == ACT_OK) return ACT_OK;
  job.destroy(job.arg);
  if (rc != ACT_EFULL) return rc;
  return act_after(cx, RETRY_MS, on_retry_then(0), &self->retry);
}

static act_rc walk_on(struct chief *self, act_cx *cx) {
  unsigned room = wi_desk_room(self->desk);
  if (self->is_walking || room == 0) return ACT_OK;
  return start_job(self, cx, wi_walk_job(self->run, room), on_walked_then(0), &self->is_walking);
}

static act_rc on_walked(struct chief *self, act_cx *cx, act_rc status, void *arg, uintptr_t tag) {
  (void)tag;
  const struct wi_walk_job *job = arg;
  self->is_walking = false;
  if (status) return act_fail(cx, status, "walking");
  for (unsigned i = 0; i < job->nentries; i++) {
    const char *path = job->text + job->entries[i].at;
    uint32_t length = job->entries[i].length;
    if (job->entries[i].skip) {
      wi_skips_add(&self->desk->skips, job->entries[i].skip, path, length);
    } else {
      wi_path_sum_add(&self->run->walked, path, length);
      if (!wi_desk_put(self->desk, path, length)) return ACT_ENOMEM;
    }
  }
  self->desk->walk_is_done = job->is_end;
  return pump(self, cx);
}

static act_rc check_on(struct chief *self, act_cx *cx) {
  if (self->is_checking) return ACT_OK;
  for (unsigned i = 0; i < self->desk->ntickets; i++) {
    if (self->desk->tickets[i].stage != WI_CHECKING) continue;
    return start_job(self, cx, wi_check_job(self->run), on_checked_then(0), &self->is_checking);
  }
  return ACT_OK;
}

static act_rc on_checked(struct chief *self, act_cx *cx, act_rc status, void *arg, uintptr_t tag) {
  (void)tag;
  const struct wi_check_job *job = arg;
  self->is_checking = false;
  if (status) return act_fail(cx, status, "verifying");
  for (unsigned i = 0; i < job->nchecks; i++) {
    const struct wi_check *check = &job->checks[i];
    wi_desk_checked(self->desk, check->ticket, check->skip, check->identifiers, check->too_long);
  }
  return pump(self, cx);
}

// --- committing and dropping -------------------------------------------------------------------

#define TAG(ticket, shard) ((uintptr_t)(ticket) * WI_SHARDS + (shard))

static act_rc tell_aggregator(struct chief *self, act_cx *cx, unsigned index, unsigned shard) {
  const struct wi_ticket *ticket = &self->desk->tickets[index];
  uintptr_t tag = TAG(index, shard);
  if (ticket->stage == WI_COMMITTING) {
    return wi_aggregator_svc_ask_commit(cx, self->aggregators[shard],
                                        (wi_commit){.ticket = ticket->id}, AGGREGATOR_MS,
                                        on_committed_then(tag));
  }
  return wi_aggregator_svc_ask_drop(cx, self->aggregators[shard],
                                    (wi_drop){.ticket = ticket->id, .worker = ticket->worker},
                                    AGGREGATOR_MS, on_dropped_then(tag));
}

static act_rc tell_aggregators(struct chief *self, act_cx *cx) {
  for (unsigned i = 0; i < self->desk->ntickets; i++) {
    struct wi_ticket *ticket = &self->desk->tickets[i];
    for (unsigned shard = 0; ticket->to_ask && shard < WI_SHARDS; shard++) {
      if (!(ticket->to_ask >> shard & 1)) continue;
      act_rc rc = tell_aggregator(self, cx, i, shard);
      if (rc == ACT_EFULL) return act_after(cx, RETRY_MS, on_retry_then(0), &self->retry);
      if (rc) return act_fail(cx, rc, "aggregator %u", shard);
      ticket->to_ask &= ~(1u << shard);
    }
  }
  return ACT_OK;
}

static act_rc aggregator_answered(struct chief *self, act_cx *cx, act_rc status, uintptr_t tag,
                                  uint64_t identifiers) {
  // Whether it has merged the file is not known then: the result would be worth nothing.
  if (status) return act_fail(cx, status, "aggregator %u", (unsigned)(tag % WI_SHARDS));
  struct wi_ticket *ticket = &self->desk->tickets[tag / WI_SHARDS];
  bool ended = wi_desk_answered(self->desk, ticket, tag % WI_SHARDS, identifiers);
  return ended ? pump(self, cx) : ACT_OK;
}

static act_rc on_committed(struct chief *self, act_cx *cx, act_rc status, const wi_committed *v,
                           uintptr_t tag) {
  return aggregator_answered(self, cx, status, tag, v ? v->identifiers : 0);
}

static act_rc on_dropped(struct chief *self, act_cx *cx, act_rc status, const wi_dropped *v,
                         uintptr_t tag) {
  (void)v;
  return aggregator_answered(self, cx, status, tag, 0);
}

// --- the end -----------------------------------------------------------------------------------

// Everything is counted. The workers that are being restarted are awaited, so that what the
// supervisor did is part of the result.
static act_rc rewalk(struct chief *self, act_cx *cx) {
  int64_t now = act_now(cx);
  if (self->done_ns == 0) self->done_ns = now;
  bool all_back = workers_alive(self) == self->nhands;
  if (!all_back && now - self->done_ns < ALL_BACK_MS * INT64_C(1000000)) return ACT_OK;
  bool is_running;
  act_rc rc = start_job(self, cx, wi_rewalk_job(self->run, self->began_wall_ns),
                        on_rewalked_then(0), &is_running);
  if (rc == ACT_OK && is_running) self->phase = REWALKING;
  return rc;
}

static act_rc on_rewalked(struct chief *self, act_cx *cx, act_rc status, void *arg,
                          uintptr_t tag) {
  (void)tag;
  const struct wi_rewalk_job *job = arg;
  if (status) return act_fail(cx, status, "walking again");
  begin_event(self);
  if (job->verdict == WI_WALK_CHANGED) {
    printf("note: folders changed during the run, so the two walks cannot be compared\n");
  } else if (job->verdict == WI_WALK_DIFFERS) {
    wi_audit_differs(&self->audit, "the two walks found different files");
  }
  self->phase = COLLECTING;
  return pump(self, cx);
}

// Pages of all aggregators, merged, until the last; asks for those that are missing.
static act_rc collect(struct chief *self, act_cx *cx) {
  uint32_t needs;
  struct wi_entry entry;
  while ((needs = wi_merge_needs(&self->merge)) == 0) {
    if (!wi_merge_next(&self->merge, &entry)) {
      wi_audit_end(&self->audit, self->desk);
      return end(self, cx);
    }
    wi_audit_entry(&self->audit, &entry);
  }
  for (unsigned i = 0; i < WI_SHARDS; i++) {
    if (!((needs & ~self->asked_pages) >> i & 1)) continue;
    act_rc rc = wi_aggregator_svc_ask_page(
        cx, self->aggregators[i], (wi_page_request){.from = self->merge.cursors[i].taken},
        AGGREGATOR_MS, on_page_then(i));
    if (rc == ACT_EFULL) return act_after(cx, RETRY_MS, on_retry_then(0), &self->retry);
    if (rc) return act_fail(cx, rc, "aggregator %u", i);
    self->asked_pages |= 1u << i;
  }
  return ACT_OK;
}

static act_rc on_page(struct chief *self, act_cx *cx, act_rc status, const wi_page *v,
                      uintptr_t tag) {
  if (status) return act_fail(cx, status, "aggregator %u", (unsigned)tag);
  self->asked_pages &= ~(1u << tag);
  uint32_t n = v->names.count;
  if (n != v->counts.count || n > WI_BATCH_BYTES / WI_BATCH_ENTRY) return ACT_EBADMSG;
  for (uint32_t i = 0; i < n; i++) {
    self->page[i] = (struct wi_entry){.text = v->names.items[i].data,
                                      .length = v->names.items[i].size,
                                      .count = v->counts.items[i]};
  }
  if (!wi_merge_load(&self->merge, (unsigned)tag, self->page, n, v->is_last)) return ACT_ENOMEM;
  return pump(self, cx);
}

// --- the pump ----------------------------------------------------------------------------------

static act_rc pump(struct chief *self, act_cx *cx) {
  if (self->phase == COLLECTING) return collect(self, cx);
  if (self->phase != COUNTING) return ACT_OK;
  act_rc rc = tell_aggregators(self, cx);
  if (rc == ACT_OK) rc = check_on(self, cx);
  if (rc == ACT_OK) rc = hand_out(self, cx);
  if (rc == ACT_OK) rc = walk_on(self, cx);
  if (rc == ACT_OK && wi_desk_is_done(self->desk)) rc = rewalk(self, cx);
  return rc;
}

static act_rc on_retry(struct chief *self, act_cx *cx, const act_tick *tick) {
  (void)tick;
  return pump(self, cx);
}
