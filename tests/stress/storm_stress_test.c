// SPDX-License-Identifier: Apache-2.0
//
// Everything at once on several threads. Keepers keep mites, which spawn mites, watch, ask, send, park,
// have work done, are stopped, killed for being late, fail and end at random; supervised servers crash
// and come back; threads outside send and call. The oracle is a book of promises (promises.h): every
// end, answer, DOWN and job is told exactly once to who lives to hear it; a DOWN and an end are those
// of the actor that was meant; what one actor sends another comes in order; every note is handled or
// recorded. At the end no actor is left, and no memory (the executor and the sanitizer look).
//
// What is done comes from the seed, though not when. ACT_TEST_LONG=1: ten times as much.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <troupe.h>

#include "base/rand.h"
#include "base/thread.h"
#include "tests/runtime/watchdog.h"
#include "tests/stress/promises.h"

#define PROMISES 100000u // then the storm is over
#define KEEPERS 6u
#define SPOTS 8u         // mites of each keeper
#define KIDS 3u          // mites of each mite
#define DEPTH 2u         // of mites below mites
#define SERVERS 3u
#define THREADS 2u
#define KNOWN 16u        // senders that a receiver tells apart
#define HELD 4u          // answers that it owes
#define SECONDS 200

// `to`: whom it is for, as key_of makes it; 0: whoever has the name.
ACT_MSG(storm_note, (u32, from, 1)(u64, n, 2)(u64, to, 3))
ACT_MSG(storm_more, (u32, from, 1)(u64, n, 2)(u64, to, 3)(str, text, 4))
ACT_MSG(storm_question, (u64, n, 1))
ACT_MSG(storm_answer, (u64, n, 1))
#define STORM(CAST, CALL, P)                       \
  CAST(P, 1, note, storm_note)                     \
  CAST(P, 2, more, storm_more)                     \
  CALL(P, 3, ask, storm_question, storm_answer)
ACT_PROTOCOL(storm, 1, STORM)

static struct book book;
static struct act__parker over;
static ACT__ATOMIC(uint32_t) keepers_left, serial;
static ACT__ATOMIC(uint64_t) accepted, handled, recorded, failed;
static ACT__ATOMIC(uint64_t) directory[KEEPERS * SPOTS];  // keys of mites, or of who was one
static ACT__ATOMIC(uint64_t) node_id;
static const char *const names[SERVERS] = {"a", "b", "c"};

static uint64_t key_of(act_pid pid) {
  return (uint64_t)pid.slot << 32 | pid.gen;
}

static storm_ref ref_of(uint64_t key) {
  // relaxed: written before the first key.
  uint64_t node = act__load_relaxed(&node_id);
  return (storm_ref){{node, (uint32_t)(key >> 32), (uint32_t)key, 1, 0}};
}

// --- what all of them can do ---------------------------------------------------------------------------

// A receiver's memory of its senders, and what a sender needs.
struct party {
  struct act__rand rand;
  uint32_t self;            // number of this incarnation, as a sender
  uint64_t sent;
  struct {
    uint32_t from;
    uint64_t n;
  } known[KNOWN];
  storm_answer_reply held[HELD];
  uint64_t held_n[HELD];
  unsigned holds;
};

static void party_init(struct party *party, uint64_t seed) {
  // relaxed: a number.
  party->self = act__fetch_add_relaxed(&serial, 1) + 1;
  act__rand_seed(&party->rand, seed);
}

static uint32_t chance(struct party *party, uint32_t of) {
  return (uint32_t)act__rand_below(&party->rand, of);
}

// One who lives, has ended, or has another in its slot by now.
static uint64_t some_mite(struct party *party) {
  // acquire [directory]: pairs with the release in fill: its address stands in the book.
  return act__load_acquire(&directory[chance(party, KEEPERS * SPOTS)]);
}

static storm_svc anybody(act_cx *cx, struct party *party, uint64_t *key) {
  storm_svc to;
  *key = 0;
  if (chance(party, 4) == 0 &&
      storm_svc_named(cx, names[chance(party, SERVERS)], &to) == ACT_OK) {
    return to;
  }
  *key = some_mite(party);
  return storm_at(ref_of(*key));
}

static bool is_verdict(act_rc rc) {
  return rc == ACT_OK || rc == ACT_EFULL || rc == ACT_ECLOSED || rc == ACT_EDEAD ||
         rc == ACT_EDEADLK;
}

static void send_one(act_cx *cx, struct party *party) {
  static const char text[300] = "storm";
  uint64_t n = ++party->sent, key;
  storm_svc to = anybody(cx, party, &key);
  act_rc rc = chance(party, 8)
                  ? storm_svc_send_note(cx, to, (storm_note){party->self, n, key})
                  : storm_svc_send_more(cx, to, (storm_more){.from = party->self, .n = n, .to = key,
                                                             .text = {text, chance(party, 300)}});
  ACT_ASSERT(is_verdict(rc));
  if (rc == ACT_OK) act__fetch_add_relaxed(&accepted, 1);  // relaxed: read when nothing runs
}

static void receive(struct party *party, act_cx *cx, uint32_t from, uint64_t n, uint64_t to) {
  ACT_ASSERT(!to || to == key_of(act_self(cx)));
  unsigned place = from % KNOWN;
  if (party->known[place].from == from) ACT_ASSERT(party->known[place].n < n);
  party->known[place].from = from;
  party->known[place].n = n;
  act__fetch_add_relaxed(&handled, 1);  // relaxed: as above
}

// Now, later or never.
static act_rc answer(struct party *party, act_cx *cx, uint64_t n, storm_answer_reply r) {
  uint32_t how = chance(party, 8);
  if (how == 0) return ACT_OK;
  if (how > 2 || party->holds == HELD) return storm_answer_answer(cx, r, (storm_answer){.n = n});
  act_rc rc = act_reply_keep(cx, r.r);
  if (rc) return rc;
  party->held[party->holds] = r;
  party->held_n[party->holds++] = n;
  return ACT_OK;
}

static act_rc answer_held(struct party *party, act_cx *cx) {
  if (party->holds == 0) return ACT_OK;
  party->holds--;
  return storm_answer_answer(cx, party->held[party->holds],
                             (storm_answer){.n = party->held_n[party->holds]});
}

static act_rc fail_as(act_cx *cx, uint32_t number) {
  act__fetch_add_relaxed(&failed, 1);  // relaxed: as above
  return act_fail(cx, ACT_EFAIL, "%u", number);
}

// Who ended by its own failure has said its number: it is the one that this promise was about.
static void check_ending(act_reason reason, const char *text, uint64_t about) {
  ACT_ASSERT(reason != ACT_REASON_STUCK);
  if (reason != ACT_REASON_FAILED) return;
  uint32_t number = (uint32_t)strtoul(text, NULL, 10);
  ACT_ASSERT(number && number <= book.size);
  // relaxed: whoever knows its address acquired it after this was written, or is its owner.
  ACT_ASSERT(act__load_relaxed(&book.about[number]) == about);
}

// --- servers: restarted when they fail -----------------------------------------------------------------

struct server {
  struct party party;
};
ACT_ACTOR(server, storm, STORM, struct server, act_noargs)

static act_rc server_init(struct server *self, act_cx *cx, const act_noargs *args) {
  (void)args;
  party_init(&self->party, act_rand(cx));
  return chance(&self->party, 20) ? ACT_OK : ACT_EFAIL;
}

static act_rc serve(struct server *self, act_cx *cx) {
  if (chance(&self->party, 3) == 0) send_one(cx, &self->party);
  if (chance(&self->party, 300) == 0) return ACT_EFAIL;
  return chance(&self->party, 4) ? ACT_OK : answer_held(&self->party, cx);
}

static act_rc server_note(struct server *self, act_cx *cx, const storm_note *m) {
  receive(&self->party, cx, m->from, m->n, m->to);
  return serve(self, cx);
}

static act_rc server_more(struct server *self, act_cx *cx, const storm_more *m) {
  receive(&self->party, cx, m->from, m->n, m->to);
  return serve(self, cx);
}

static act_rc server_ask(struct server *self, act_cx *cx, const storm_question *m,
                         storm_answer_reply r) {
  act_rc rc = answer(&self->party, cx, m->n, r);
  return rc ? rc : serve(self, cx);
}

// --- mites ---------------------------------------------------------------------------------------------

struct mite_args {
  uint64_t seed;
  uint32_t number;  // of the promise that its end will be told
  uint32_t depth;
};

struct nest {
  act_pid pid;      // node 0: free
  uint32_t number;
  bool hurried;     // it was given a millisecond to start, or to stop
};

struct mite {
  struct party party;
  struct promises promises;
  uint32_t number, depth, watched;  // watched: the promise of `mon`, or 0
  act_mon mon;
  struct nest kids[KIDS];
};
ACT_ACTOR(mite, storm, STORM, struct mite, struct mite_args)
ACT_ON_TICK(mite, on_step)
ACT_ON_TICK(mite, on_ready)
ACT_ON_DOWN(mite, on_down)
ACT_ON_EXIT(mite, on_kid)
ACT_ON(mite, on_answer, storm_answer)
ACT_ON_DONE(mite, on_done)

// Plain ones and others (actors/child.h).
static act_child new_mite(struct party *party, struct mite_args *args) {
  act_child child = {.behavior = &mite, .args = args, .mailbox = {.msgs = 1 + chance(party, 12)}};
  if (chance(party, 3) == 0) child.id = "mite";
  if (chance(party, 8) == 0) child.start_ms = 1;
  if (chance(party, 8) == 0) {
    child.stop_ms = 1;
    args->depth = DEPTH;  // its own would be stuck after a tenth of a second, which a busy machine takes
  }
  if (chance(party, 4) == 0) {
    child.mailbox.full = ACT_PARK;
    child.mailbox.park_ms = 1 + 99 * chance(party, 2);
  }
  return child;
}

// ACT_OK without a child: there have been enough.
static act_rc spawn_one(act_cx *cx, struct party *party, struct promises *promises, uint32_t depth,
                        act_exit_then (*then)(uintptr_t), struct nest *nest) {
  uint32_t number = promise_made(&book, promises);
  if (!number) return ACT_OK;
  struct mite_args args = {.seed = act__rand_next(&party->rand), .number = number, .depth = depth};
  act_child child = new_mite(party, &args);
  act_rc rc = act_spawn(cx, &child, then(number), &nest->pid);
  if (rc) return rc;
  nest->number = number;
  nest->hurried = child.start_ms || child.stop_ms;
  act__store_relaxed(&book.about[number], key_of(nest->pid));  // relaxed: released by the directory
  return ACT_OK;
}

static void told_of(struct promises *promises, struct nest *nest, const act_exit *exit) {
  ACT_ASSERT(act_pid_equal(nest->pid, exit->pid) && nest->number == exit->tag);
  check_ending(exit->reason, exit->text, key_of(exit->pid));
  promise_is_over(&book, promises, nest->number, PROMISE_KEPT);
  *nest = (struct nest){.number = 0};
}

static void mite_leaves(void *arg) {
  struct mite *self = arg;
  promises_end(&book, &self->promises);
}

static act_rc mite_init(struct mite *self, act_cx *cx, const struct mite_args *args) {
  party_init(&self->party, args->seed);
  self->number = args->number;
  self->depth = args->depth;
  act_rc rc = act_defer(cx, mite_leaves, self);
  if (rc) return rc;
  uint32_t how = chance(&self->party, 20);
  if (how == 0) return fail_as(cx, self->number);
  if (how == 1) return ACT_OK;  // only others wake it
  rc = how < 5 ? act_after(cx, chance(&self->party, 3), on_ready_then(0), NULL)
               : act_after(cx, chance(&self->party, 2), on_step_then(0), NULL);
  return rc ? rc : how < 5 ? ACT_LATER : ACT_OK;
}

static act_rc on_ready(struct mite *self, act_cx *cx, const act_tick *tick) {
  (void)tick;
  act_rc rc = act_ready(cx);
  return rc ? rc : act_after(cx, chance(&self->party, 2), on_step_then(0), NULL);
}

static act_rc bear(struct mite *self, act_cx *cx) {
  struct nest *nest = &self->kids[chance(&self->party, KIDS)];
  if (self->depth == DEPTH || nest->number) return ACT_OK;
  return spawn_one(cx, &self->party, &self->promises, self->depth + 1, on_kid_then, nest);
}

static act_rc watch(struct mite *self, act_cx *cx) {
  if (self->watched) {
    act_demonitor(cx, &self->mon);
    promise_is_over(&book, &self->promises, self->watched, PROMISE_LET_GO);
    self->watched = 0;
  }
  uint32_t number = promise_made(&book, &self->promises);
  if (!number) return ACT_OK;
  uint64_t key = some_mite(&self->party);
  act__store_relaxed(&book.about[number], key);  // relaxed: read by this actor only
  bool may_withdraw = chance(&self->party, 4) == 0;
  if (may_withdraw) self->watched = number;
  return act_monitor(cx, ref_of(key).pid, on_down_then(number), may_withdraw ? &self->mon : NULL);
}

static act_rc ask_one(struct mite *self, act_cx *cx) {
  uint32_t number = promise_made(&book, &self->promises);
  if (!number) return ACT_OK;
  uint64_t key;
  storm_svc to = anybody(cx, &self->party, &key);
  uint32_t ms = chance(&self->party, 3) ? 500 : 1;
  return storm_svc_ask_ask(cx, to, (storm_question){.n = number}, ms, on_answer_then(number));
}

static act_rc work(void *arg) {
  (void)arg;
  return ACT_OK;
}

static void destroy(void *arg) {
  promise_ends(&book, (uint32_t)(uintptr_t)arg, PROMISE_KEPT);
}

// Destroyed whatever becomes of the actor: a promise to nobody.
static act_rc give_work(act_cx *cx) {
  struct promises nobodys = {.count = 0};
  uint32_t number = promise_made(&book, &nobodys);
  if (!number) return ACT_OK;
  act_job job = {.run = work, .arg = (void *)(uintptr_t)number, .destroy = destroy};
  act_rc rc = act_blocking(cx, job, on_done_then(number));
  if (rc) promise_ends(&book, number, PROMISE_LET_GO);
  return rc == ACT_EFULL ? ACT_OK : rc;
}

static act_rc stop_kid(struct mite *self, act_cx *cx) {
  struct nest *nest = &self->kids[chance(&self->party, KIDS)];
  if (!nest->number) return ACT_OK;
  act_rc rc = act_stop_child(cx, nest->pid);
  ACT_ASSERT(rc == ACT_OK || rc == ACT_EDEAD);
  return ACT_OK;
}

static act_rc do_something(struct mite *self, act_cx *cx) {
  switch (chance(&self->party, 12)) {
    case 0:
    case 1: return bear(self, cx);
    case 2:
    case 3: return watch(self, cx);
    case 4:
    case 5: return ask_one(self, cx);
    case 6: return stop_kid(self, cx);
    case 7: return give_work(cx);
    case 8: return answer_held(&self->party, cx);
    default: send_one(cx, &self->party); return ACT_OK;
  }
}

static act_rc on_step(struct mite *self, act_cx *cx, const act_tick *tick) {
  (void)tick;
  act_rc rc = ACT_OK;
  for (uint32_t n = 1 + chance(&self->party, 6); n > 0 && !rc; n--) rc = do_something(self, cx);
  if (rc) return rc;
  switch (chance(&self->party, 12)) {
    case 0: return fail_as(cx, self->number);
    case 1: act_end(cx); return ACT_OK;
    default: return act_after(cx, chance(&self->party, 3), on_step_then(0), NULL);
  }
}

// What it hears makes it act too, but not so often that it goes on for ever.
static act_rc react(struct mite *self, act_cx *cx) {
  if (chance(&self->party, 200) == 0) return fail_as(cx, self->number);
  return chance(&self->party, 4) ? ACT_OK : do_something(self, cx);
}

static act_rc mite_note(struct mite *self, act_cx *cx, const storm_note *m) {
  receive(&self->party, cx, m->from, m->n, m->to);
  return react(self, cx);
}

static act_rc mite_more(struct mite *self, act_cx *cx, const storm_more *m) {
  receive(&self->party, cx, m->from, m->n, m->to);
  return react(self, cx);
}

static act_rc mite_ask(struct mite *self, act_cx *cx, const storm_question *m,
                       storm_answer_reply r) {
  act_rc rc = answer(&self->party, cx, m->n, r);
  return rc ? rc : react(self, cx);
}

static act_rc on_answer(struct mite *self, act_cx *cx, act_rc st, const storm_answer *v,
                        uintptr_t tag) {
  ACT_ASSERT(is_verdict(st) || st == ACT_ETIMEDOUT || st == ACT_EDROPPED);
  ACT_ASSERT(!v || v->n == tag);
  promise_is_over(&book, &self->promises, (uint32_t)tag, PROMISE_KEPT);
  return react(self, cx);
}

static void told_down(struct promises *promises, const act_down *down) {
  uint32_t number = (uint32_t)down->tag;
  // relaxed: written by this actor.
  ACT_ASSERT(act__load_relaxed(&book.about[number]) == key_of(down->pid));
  if (down->reason != ACT_REASON_NOPROC) check_ending(down->reason, down->text, key_of(down->pid));
  promise_is_over(&book, promises, number, PROMISE_KEPT);
}

static act_rc on_down(struct mite *self, act_cx *cx, const act_down *down) {
  uint32_t number = (uint32_t)down->tag;
  told_down(&self->promises, down);
  if (number == self->watched) self->watched = 0;
  return react(self, cx);
}

static act_rc on_done(struct mite *self, act_cx *cx, act_rc st, void *arg, uintptr_t tag) {
  ACT_ASSERT(st == ACT_OK && (uintptr_t)arg == tag);
  return react(self, cx);
}

static act_rc on_kid(struct mite *self, act_cx *cx, const act_exit *exit) {
  for (unsigned i = 0; i < KIDS; i++) {
    if (self->kids[i].number != exit->tag) continue;
    told_of(&self->promises, &self->kids[i], exit);
    return react(self, cx);
  }
  ACT_PANIC("the end of a stranger is told");
}

// --- keepers: they live for ever, so all that is promised to them is kept --------------------------------

struct keeper_args {
  uint64_t seed;
  uint32_t index;
};

struct keeper {
  struct party party;
  struct promises promises;
  uint32_t index;
  bool is_done;
  struct nest mites[SPOTS];
};
ACT_ACTOR0(keeper, struct keeper, struct keeper_args)
ACT_ON_EXIT(keeper, on_mite)
ACT_ON_DOWN(keeper, on_mite_down)
ACT_ON(keeper, on_mite_answer, storm_answer)
ACT_ON_TICK(keeper, on_round)

static act_rc fill(struct keeper *self, act_cx *cx, unsigned spot) {
  struct nest *nest = &self->mites[spot];
  act_rc rc = spawn_one(cx, &self->party, &self->promises, 0, on_mite_then, nest);
  if (rc || !nest->number) return rc;
  // release [directory]: pairs with the acquire of who reads it.
  act__store_release(&directory[self->index * SPOTS + spot], key_of(nest->pid));
  return ACT_OK;
}

static act_rc keeper_init(struct keeper *self, act_cx *cx, const struct keeper_args *args) {
  party_init(&self->party, args->seed);
  self->index = args->index;
  act__store_relaxed(&node_id, act_self(cx).node);  // relaxed: all write the same
  act_rc rc = ACT_OK;
  for (unsigned i = 0; i < SPOTS && !rc; i++) rc = fill(self, cx, i);
  return rc ? rc : act_every(cx, 1, on_round_then(0), NULL);
}

static act_rc on_mite(struct keeper *self, act_cx *cx, const act_exit *exit) {
  for (unsigned i = 0; i < SPOTS; i++) {
    if (self->mites[i].number != exit->tag) continue;
    ACT_ASSERT(exit->reason != ACT_REASON_KILLED || self->mites[i].hurried);
    told_of(&self->promises, &self->mites[i], exit);
    return fill(self, cx, i);
  }
  ACT_PANIC("the end of a stranger is told");
}

static act_rc on_mite_down(struct keeper *self, act_cx *cx, const act_down *down) {
  (void)cx;
  told_down(&self->promises, down);
  return ACT_OK;
}

static act_rc on_mite_answer(struct keeper *self, act_cx *cx, act_rc st, const storm_answer *v,
                             uintptr_t tag) {
  (void)cx;
  // Out of time is what was parked for too long: its own deadline is behind the end of the test.
  ACT_ASSERT(is_verdict(st) || st == ACT_ETIMEDOUT || st == ACT_EDROPPED);
  ACT_ASSERT(!v || v->n == tag);
  promise_is_over(&book, &self->promises, (uint32_t)tag, PROMISE_KEPT);
  return ACT_OK;
}

static act_rc watch_and_ask(struct keeper *self, act_cx *cx) {
  uint64_t key = some_mite(&self->party);
  uint32_t number = promise_made(&book, &self->promises);
  if (!number) return ACT_OK;
  act__store_relaxed(&book.about[number], key);  // relaxed: read by this actor only
  act_rc rc = act_monitor(cx, ref_of(key).pid, on_mite_down_then(number), NULL);
  number = promise_made(&book, &self->promises);
  if (rc || !number) return rc;
  return storm_ask_ask(cx, ref_of(some_mite(&self->party)), (storm_question){.n = number},
                       ACT_SEC(2 * SECONDS), on_mite_answer_then(number));
}

static act_rc on_round(struct keeper *self, act_cx *cx, const act_tick *tick) {
  (void)tick;
  bool all = book_is_full(&book);
  unsigned one = chance(&self->party, SPOTS);
  for (unsigned i = 0; i < SPOTS; i++) {
    if (!self->mites[i].number || (!all && i != one)) continue;
    act_rc rc = act_stop_child(cx, self->mites[i].pid);
    ACT_ASSERT(rc == ACT_OK || rc == ACT_EDEAD);
  }
  if (!all) return watch_and_ask(self, cx);
  if (self->promises.count || self->is_done) return ACT_OK;
  self->is_done = true;
  // acq_rel [keepers]: nothing rides on it; somebody sees the last.
  if (act__fetch_sub_acq_rel(&keepers_left, 1) == 1) act__parker_unpark(&over);
  return ACT_OK;
}

// --- outside, and the end ------------------------------------------------------------------------------

static act_runtime *runtime;

static void outside(void *arg) {
  struct party party;
  memset(&party, 0, sizeof party);
  party_init(&party, (uint64_t)(uintptr_t)arg);
  act_cx *cx = act_outside_open(runtime);
  ACT_ASSERT(cx);
  while (!book_is_full(&book)) {
    if (chance(&party, 50)) {
      send_one(cx, &party);
      continue;
    }
    const storm_answer *value = NULL;
    uint64_t n = ++party.sent, key;
    act_rc rc = storm_svc_call_ask(cx, anybody(cx, &party, &key), (storm_question){.n = n},
                                   chance(&party, 2) ? 1 : 100, &value);
    ACT_ASSERT(is_verdict(rc) || rc == ACT_ETIMEDOUT || rc == ACT_EDROPPED);
    ACT_ASSERT((rc == ACT_OK) == (value != NULL) && (rc || value->n == n));
    act_reply_free(cx, value);
  }
  act_outside_close(cx);
}

static void on_undelivered(void *arg, const act_undelivered *record) {
  (void)arg;
  ACT_ASSERT(record->count == 1);
  // relaxed: read when nothing runs.
  if (record->op->id != storm_op_ask) act__fetch_add_relaxed(&recorded, 1);
}

// Everything that was let in comes out, and all but the tree is gone.
static void await_calm(void) {
  act_counters now;
  do {
    act__thread_yield();
    act_read_counters(runtime, &now);
  } while (now.actors != 1 + KEEPERS + SERVERS || now.sent != now.handled + now.undelivered);
  assert_int_equal(now.stuck, 0);
}

static void reset(uint32_t promises) {
  book_open(&book, promises);
  act__parker_init(&over);
  // relaxed, all: nothing runs yet.
  act__store_relaxed(&keepers_left, KEEPERS);
  act__store_relaxed(&accepted, 0);
  act__store_relaxed(&handled, 0);
  act__store_relaxed(&recorded, 0);
  act__store_relaxed(&failed, 0);
  for (unsigned i = 0; i < KEEPERS * SPOTS; i++) act__store_relaxed(&directory[i], 0);
}

static void run_storm(const act_node *node, const act_sup *sup, uint64_t seed) {
  struct act__thread threads[THREADS];
  assert_int_equal(act_start(node, sup, &runtime), ACT_OK);
  for (uintptr_t i = 0; i < THREADS; i++) {
    assert_int_equal(act__thread_start(&threads[i], "outside", 0, outside, (void *)(seed + i)),
                     ACT_OK);
  }
  act__parker_park(&over, INT64_MAX);
  for (unsigned i = 0; i < THREADS; i++) act__thread_join(&threads[i]);
  await_calm();
  assert_int_equal(act_stop(runtime), 0);
}

static void storm(unsigned workers, uint64_t seed, uint32_t promises) {
  static const act_log_sink silent = {.fn = NULL};
  static const char *const ids[KEEPERS] = {"1", "2", "3", "4", "5", "6"};
  static const act_mailbox_options boxes[SERVERS] = {
      {.msgs = 1}, {.msgs = 7, .full = ACT_PARK, .park_ms = 1}, {.msgs = 300, .bytes = 4096}};
  struct keeper_args args[KEEPERS];
  act_child kids[SERVERS + KEEPERS];
  for (uint32_t i = 0; i < SERVERS; i++) {
    kids[i] = (act_child){.id = names[i], .name = names[i], .behavior = &server,
                          .mailbox = boxes[i]};
  }
  for (uint32_t i = 0; i < KEEPERS; i++) {
    args[i] = (struct keeper_args){.seed = seed * KEEPERS + i, .index = i};
    kids[SERVERS + i] = (act_child){.id = ids[i], .behavior = &keeper, .args = &args[i]};
  }
  const act_sup sup = {.max_restarts = 60000, .within_ms = 1, .kids = kids,
                       .nkids = SERVERS + KEEPERS};
  const act_node node = {.name = "storm", .log = &silent, .workers = workers, .stop_ms = 60000,
                         .undelivered = on_undelivered};
  print_message("seed %llu, workers %u\n", (unsigned long long)seed, workers);
  reset(promises);
  run_storm(&node, &sup, seed);
  // relaxed, all: threads joined.
  assert_int_equal(act__load_relaxed(&accepted),
                   act__load_relaxed(&handled) + act__load_relaxed(&recorded));
  assert_true(act__load_relaxed(&failed) > 0 && act__load_relaxed(&handled) > 0);
  assert_true(book_check(&book) > promises / 4);
  act__parker_fini(&over);
  book_close(&book);
}

static void in_a_storm_every_promise_is_kept_once(void **state) {
  (void)state;
  bool is_long = getenv("ACT_TEST_LONG") != NULL;
  struct watchdog dog = {.print = NULL};
  for (uint64_t seed = 1; seed <= (is_long ? 10 : 1); seed++) {
    for (unsigned workers = 1; workers <= 4; workers *= 2) {
      watchdog_start(&dog, "storm", SECONDS * ACT__NS_PER_S);
      storm(workers, seed, PROMISES);
      watchdog_stop(&dog);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(in_a_storm_every_promise_is_kept_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
