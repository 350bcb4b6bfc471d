// SPDX-License-Identifier: Apache-2.0
//
// Two nodes in one process that talk over a socket while actors on both sides end and are born, and,
// in the second test, while one of the nodes is stopped and started again and again. Callers live for
// ever, so all that is promised to them is kept, once (promises.h): look-ups, answers, DOWNs. What one
// sends another comes in order. No note is both handled and recorded, and as long as no link is lost
// each is one of them. (Where a node stops, what is on its way to one of its actors that has just ended
// is read by nobody, and recorded by nobody yet.)
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <troupe.h>

#include "base/rand.h"
#include "base/thread.h"
#include "tests/runtime/watchdog.h"
#include "tests/stress/promises.h"

#define PROMISES 30000u
#define CALLERS 4u
#define SERVERS 3u
#define SPOTS 8u        // addresses that a caller keeps
#define WATCHED_MAX 20u // open promises, and it watches nobody more
#define STARTS 12u      // of the node that is stopped again and again
#define FLIES 64u       // of one server at once
#define SECONDS 60

// `whom`: who is to be sent one in return; nobody: none.
ACT_MSG(link_note, (u32, from, 1)(u64, n, 2)(pid, whom, 3))
ACT_MSG(link_question, (u64, n, 1)(flag, fly, 2))
ACT_MSG(link_answer, (u64, n, 1)(pid, fly, 2))
#define LINK(CAST, CALL, P)                     \
  CAST(P, 1, note, link_note)                   \
  CALL(P, 2, ask, link_question, link_answer)
ACT_PROTOCOL(linked, 1, LINK)

static struct book book;
static struct act__parker over;
static ACT__ATOMIC(uint32_t) callers_left, serial;
static ACT__ATOMIC(uint64_t) accepted, handled, recorded, unnamed;  // notes; unnamed: or requests
static char folder[64], address[96];
static const char *const names[SERVERS] = {"a", "b", "c"};

static bool is_verdict(act_rc rc) {
  return rc == ACT_OK || rc == ACT_EFULL || rc == ACT_ECLOSED || rc == ACT_EDEAD ||
         rc == ACT_EDEADLK || rc == ACT_ELINK || rc == ACT_ENOROUTE;
}

// False: there is nobody any more.
static bool send_note(act_cx *cx, linked_svc to, link_note note) {
  act_rc rc = linked_svc_send_note(cx, to, note);
  ACT_ASSERT(is_verdict(rc));
  if (rc == ACT_OK) act__fetch_add_relaxed(&accepted, 1);  // relaxed: read when nothing runs
  return rc != ACT_EDEAD && rc != ACT_ELINK;
}

// What a receiver knows of its senders.
struct senders {
  struct {
    uint32_t from;
    uint64_t n;
  } known[16];
};

static void receive(struct senders *senders, const link_note *m) {
  unsigned place = m->from % 16;
  if (senders->known[place].from == m->from) ACT_ASSERT(senders->known[place].n < m->n);
  senders->known[place].from = m->from;
  senders->known[place].n = m->n;
  act__fetch_add_relaxed(&handled, 1);  // relaxed: as above
}

static uint32_t new_serial(void) {
  return act__fetch_add_relaxed(&serial, 1) + 1;  // relaxed: a number
}

// --- the far side: flies, and servers that crash ---------------------------------------------------------

struct fly {
  struct senders senders;
};
ACT_ACTOR(fly, linked, LINK, struct fly, act_noargs)
ACT_ON_TICK(fly, on_evening)

static act_rc fly_init(struct fly *self, act_cx *cx, const act_noargs *args) {
  (void)self;
  (void)args;
  return act_after(cx, (uint32_t)(act_rand(cx) % 5), on_evening_then(0), NULL);
}

static act_rc on_evening(struct fly *self, act_cx *cx, const act_tick *tick) {
  (void)self;
  (void)tick;
  if (act_rand(cx) % 2) return ACT_EFAIL;
  act_end(cx);
  return ACT_OK;
}

static act_rc fly_note(struct fly *self, act_cx *cx, const link_note *m) {
  (void)cx;
  receive(&self->senders, m);
  return ACT_OK;
}

static act_rc fly_ask(struct fly *self, act_cx *cx, const link_question *m, link_answer_reply r) {
  (void)self;
  return act_rand(cx) % 4 ? link_answer_answer(cx, r, (link_answer){.n = m->n}) : ACT_OK;
}

struct server {
  struct senders senders;
  uint32_t self, flies;
  uint64_t sent;
};
ACT_ACTOR(server, linked, LINK, struct server, act_noargs)
ACT_ON_EXIT(server, on_fly)

static act_rc server_init(struct server *self, act_cx *cx, const act_noargs *args) {
  (void)cx;
  (void)args;
  self->self = new_serial();
  return ACT_OK;
}

static act_rc on_fly(struct server *self, act_cx *cx, const act_exit *exit) {
  (void)cx;
  (void)exit;
  self->flies--;
  return ACT_OK;
}

static act_rc server_note(struct server *self, act_cx *cx, const link_note *m) {
  receive(&self->senders, m);
  if (m->whom.node) {
    link_note note = {.from = self->self, .n = ++self->sent};
    (void)send_note(cx, linked_at((linked_ref){m->whom}), note);
  }
  return act_rand(cx) % 500 ? ACT_OK : ACT_EFAIL;
}

static act_rc server_ask(struct server *self, act_cx *cx, const link_question *m,
                         link_answer_reply r) {
  link_answer answer = {.n = m->n};
  if (m->fly && self->flies < FLIES) {
    act_rc rc = act_spawn(cx, &(act_child){.behavior = &fly, .mailbox = {.msgs = 16}},
                          on_fly_then(0), &answer.fly);
    if (rc) return rc;
    self->flies++;
  }
  if (act_rand(cx) % 500 == 0) return ACT_EFAIL;
  return act_rand(cx) % 16 ? link_answer_answer(cx, r, answer) : ACT_OK;
}

// --- callers ---------------------------------------------------------------------------------------------

struct caller_args {
  uint64_t seed;
};

struct caller {
  struct act__rand rand;
  struct promises promises;
  struct senders senders;
  linked_svc whom[SPOTS];
  uint32_t self;
  uint64_t sent;
  bool is_done;
};
ACT_ACTOR(caller, linked, LINK, struct caller, struct caller_args)
ACT_ON_TICK(caller, on_step)
ACT_ON_DOWN(caller, on_down)
ACT_ON(caller, on_answer, link_answer)
ACT_ON_FOUND(caller, on_found, linked)

static uint32_t chance(struct caller *self, uint32_t of) {
  return (uint32_t)act__rand_below(&self->rand, of);
}

static act_rc caller_init(struct caller *self, act_cx *cx, const struct caller_args *args) {
  act__rand_seed(&self->rand, args->seed);
  self->self = new_serial();
  return act_every(cx, 1, on_step_then(0), NULL);
}

static act_rc caller_note(struct caller *self, act_cx *cx, const link_note *m) {
  (void)cx;
  receive(&self->senders, m);
  return ACT_OK;
}

static act_rc caller_ask(struct caller *self, act_cx *cx, const link_question *m,
                         link_answer_reply r) {
  (void)self;
  return link_answer_answer(cx, r, (link_answer){.n = m->n});
}

// Deadlines are behind the end of the test: whatever becomes of the other side must be told before.
static act_rc look_up(struct caller *self, act_cx *cx) {
  uint32_t number = promise_made(&book, &self->promises);
  if (!number) return ACT_OK;
  char name[128];
  snprintf(name, sizeof name, "%s@%s", names[chance(self, SERVERS)], address);
  act_rc rc = linked_lookup(cx, name, ACT_SEC(2 * SECONDS), on_found_then(number));
  if (rc) promise_is_over(&book, &self->promises, number, PROMISE_LET_GO);
  ACT_ASSERT(rc == ACT_OK || rc == ACT_ELINK || rc == ACT_ENOROUTE);
  return ACT_OK;
}

static act_rc do_something(struct caller *self, act_cx *cx) {
  linked_svc *to = &self->whom[chance(self, SPOTS)];
  if (!to->pid.node) return look_up(self, cx);
  uint32_t how = chance(self, 16), number = 0;
  if (how < 10) {
    link_note note = {.from = self->self, .n = ++self->sent};
    if (how == 0) note.whom = act_self(cx);
    if (!send_note(cx, *to, note) || chance(self, 100) == 0) to->pid.node = 0;
    return ACT_OK;
  }
  if (how == 10 || (how == 11 && self->promises.count > WATCHED_MAX)) return look_up(self, cx);
  number = promise_made(&book, &self->promises);
  if (!number) return ACT_OK;
  if (how == 11) return act_monitor(cx, to->pid, on_down_then(number), NULL);
  link_question question = {.n = number, .fly = how > 13};
  return linked_svc_ask_ask(cx, *to, question, ACT_SEC(2 * SECONDS), on_answer_then(number));
}

static act_rc on_step(struct caller *self, act_cx *cx, const act_tick *tick) {
  (void)tick;
  act_rc rc = ACT_OK;
  if (!book_is_full(&book)) {
    for (uint32_t n = chance(self, 40); n > 0 && !rc; n--) rc = do_something(self, cx);
    return rc;
  }
  if (self->promises.count || self->is_done) return ACT_OK;
  self->is_done = true;
  // acq_rel [callers]: nothing rides on it; somebody sees the last.
  if (act__fetch_sub_acq_rel(&callers_left, 1) == 1) act__parker_unpark(&over);
  return ACT_OK;
}

static act_rc on_found(struct caller *self, act_cx *cx, act_rc st, linked_ref ref, uintptr_t tag) {
  (void)cx;
  promise_is_over(&book, &self->promises, (uint32_t)tag, PROMISE_KEPT);
  if (st == ACT_OK) self->whom[chance(self, SPOTS)] = linked_at(ref);
  return ACT_OK;
}

static act_rc on_answer(struct caller *self, act_cx *cx, act_rc st, const link_answer *v,
                        uintptr_t tag) {
  (void)cx;
  ACT_ASSERT(is_verdict(st) || st == ACT_ETIMEDOUT || st == ACT_EDROPPED);
  ACT_ASSERT(!v || v->n == tag);
  promise_is_over(&book, &self->promises, (uint32_t)tag, PROMISE_KEPT);
  if (v && v->fly.node) self->whom[chance(self, SPOTS)] = linked_at((linked_ref){v->fly});
  return ACT_OK;
}

static act_rc on_down(struct caller *self, act_cx *cx, const act_down *down) {
  (void)cx;
  promise_is_over(&book, &self->promises, (uint32_t)down->tag, PROMISE_KEPT);
  for (unsigned i = 0; i < SPOTS; i++) {
    if (act_pid_equal(self->whom[i].pid, down->pid)) self->whom[i].pid.node = 0;
  }
  return ACT_OK;
}

// --- the two nodes -----------------------------------------------------------------------------------------

// Of what is lost with a link, or came for an actor that is gone, it is not known what it was.
static void on_undelivered(void *arg, const act_undelivered *record) {
  (void)arg;
  if (record->op && record->op->id == linked_op_ask) return;
  // relaxed: read when nothing runs.
  act__fetch_add_relaxed(record->op ? &recorded : &unnamed, record->count);
}

static const act_log_sink silent = {.fn = NULL};

static act_runtime *start_far(void) {
  static const act_child kids[SERVERS] = {
      {.id = "a", .name = "a", .behavior = &server, .mailbox = {.msgs = 8}},
      {.id = "b", .name = "b", .behavior = &server,
       .mailbox = {.msgs = 8, .full = ACT_PARK, .park_ms = 20}},
      {.id = "c", .name = "c", .behavior = &server, .mailbox = {.msgs = 256}},
  };
  static const act_sup sup = {.max_restarts = 60000, .within_ms = 1, .kids = kids, .nkids = SERVERS};
  const act_node node = {.name = "far", .listen = address, .log = &silent, .workers = 2,
                         .stop_ms = 60000, .undelivered = on_undelivered};
  act_runtime *runtime;
  assert_int_equal(act_start(&node, &sup, &runtime), ACT_OK);
  return runtime;
}

static act_runtime *start_near(uint64_t seed) {
  static const char *const ids[CALLERS] = {"1", "2", "3", "4"};
  static struct caller_args args[CALLERS];
  static act_child kids[CALLERS];
  static const act_sup sup = {.kids = kids, .nkids = CALLERS};
  for (uint32_t i = 0; i < CALLERS; i++) {
    args[i].seed = seed * CALLERS + i;
    kids[i] = (act_child){.id = ids[i], .behavior = &caller, .args = &args[i],
                          .mailbox = {.msgs = 16}};
  }
  const act_node node = {.name = "near", .log = &silent, .workers = 2, .stop_ms = 60000,
                         .undelivered = on_undelivered};
  act_runtime *runtime;
  assert_int_equal(act_start(&node, &sup, &runtime), ACT_OK);
  return runtime;
}

static void reset(uint32_t promises) {
  book_open(&book, promises);
  act__parker_init(&over);
  // relaxed, all: nothing runs yet.
  act__store_relaxed(&callers_left, CALLERS);
  act__store_relaxed(&accepted, 0);
  act__store_relaxed(&handled, 0);
  act__store_relaxed(&recorded, 0);
  act__store_relaxed(&unnamed, 0);
}

static void await_promises(uint32_t count) {
  // relaxed: a hint for when.
  while (act__load_relaxed(&book.made) < count && !book_is_full(&book)) act__thread_yield();
}

// relaxed, all: numbers that come to rest.
static bool is_nothing_doubled(void) {
  return act__load_relaxed(&handled) + act__load_relaxed(&recorded) <= act__load_relaxed(&accepted);
}

static bool is_all_accounted_for(void) {
  return is_nothing_doubled() &&
         act__load_relaxed(&handled) + act__load_relaxed(&recorded) + act__load_relaxed(&unnamed) >=
             act__load_relaxed(&accepted);
}

// Until the callers have been told all that they were promised: at the end that the other node is gone.
static void await_callers(act_runtime *far, bool breaks) {
  for (unsigned i = 1; breaks && i < STARTS; i++) {
    await_promises(i * (PROMISES / STARTS));
    assert_int_equal(act_stop(far), 0);
    far = start_far();
  }
  await_promises(PROMISES);
  while (!breaks && !is_all_accounted_for()) act__thread_yield();  // nobody sends any more
  assert_int_equal(act_stop(far), 0);
  act__parker_park(&over, INT64_MAX);
}

static void print_counts(void *arg) {
  (void)arg;
  // relaxed, all: a hint.
  fprintf(stderr, "promises %u, callers %u, accepted %llu, handled %llu, recorded %llu, unnamed %llu\n",
          act__load_relaxed(&book.made), act__load_relaxed(&callers_left),
          (unsigned long long)act__load_relaxed(&accepted),
          (unsigned long long)act__load_relaxed(&handled),
          (unsigned long long)act__load_relaxed(&recorded),
          (unsigned long long)act__load_relaxed(&unnamed));
}

static void play(uint64_t seed, bool breaks) {
  print_message("seed %llu\n", (unsigned long long)seed);
  struct watchdog dog = {.print = print_counts};
  watchdog_start(&dog, "links", SECONDS * ACT__NS_PER_S);
  reset(PROMISES);
  act_runtime *far = start_far(), *near = start_near(seed);
  await_callers(far, breaks);
  assert_int_equal(act_stop(near), 0);
  watchdog_stop(&dog);
  assert_true(book_check(&book) > PROMISES / 2);
  print_counts(NULL);
  assert_true(is_nothing_doubled());
  act__parker_fini(&over);
  book_close(&book);
}

static uint64_t seeds(void) {
  return getenv("ACT_TEST_LONG") ? 20 : 2;
}

static void what_is_promised_over_a_link_is_kept_once(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= seeds(); seed++) play(seed, false);
}

static void what_is_promised_over_links_that_break_is_kept_once(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= seeds(); seed++) play(seed, true);
}

int main(void) {
  snprintf(folder, sizeof folder, "/tmp/troupe-links-XXXXXX");
  if (!mkdtemp(folder)) return 1;
  snprintf(address, sizeof address, "unix:%s/far", folder);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_promised_over_a_link_is_kept_once),
      cmocka_unit_test(what_is_promised_over_links_that_break_is_kept_once),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  rmdir(folder);
  return failed;
}
