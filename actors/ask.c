// SPDX-License-Identifier: Apache-2.0
//
// Asks: every one ends exactly once.
//
// An ask is a record in a type-stable table; a reply token is its index and generation. Whoever
// swaps the record's word from "open in this generation" to the next generation ends the ask: the
// answer, the deadline, the callee's death or the asker's own end. All others find another generation
// and are late. The record is reserved before the request is sent, so the answer needs no memory to
// be announced: its notice is the record.
//
// Two parties let a record go: its asker, who handles (or withdraws) the notice, and its alarm, which
// is settled when it was cancelled or has fired. Only then may the record serve another ask, so a
// deadline that fires late can never end a later ask.
#include <string.h>

#include "actors/cell.h"
#include "actors/park.h"
#include "actors/remote/proxy.h"
#include "actors/system_run.h"
#include "base/alloc.h"
#include "base/check.h"
#include "base/clock.h"
#include "mailbox/copy.h"

#define ASKS_CHUNK_SHIFT 8
#define ASKS_CHUNK (1u << ASKS_CHUNK_SHIFT)
#define ASKS_CHUNKS_MAX (1u << 14)  // 4 M asks open at once in one runtime; past it: ACT_ELIMIT

struct act__ask {
  struct act__notice notice;
  struct act__alarm alarm;
  ACT__ATOMIC(uint64_t) word;   // generation << 1 | open
  ACT__ATOMIC(uint32_t) parts;  // who has not let go yet: asker, alarm
  ACT__ATOMIC(uint64_t) node;   // to which its request went; 0: it has not left this one
  struct act__system *system;
  const act_op *op;             // what was asked; NULL: a look-up
  uint32_t index;
  act_reply request;            // on whose behalf it was made; node 0: nobody's
  int64_t request_deadline_ns;
  // Written by who ends it, before the notice is pushed.
  act_rc status;
  struct act__answer_block *answer;
  struct act__parker *caller;   // a foreign thread that waits in act__call; else NULL
  ACT__ATOMIC(uint32_t) *caller_done;
  struct act__ask *next_free;   // under asks->lock
};

struct act__asks {
  struct act__spinlock lock;
  struct act__ask *free;   // under lock
  uint32_t used;           // records ever made; under lock
  ACT__ATOMIC(struct act__ask *) chunks[ASKS_CHUNKS_MAX];
};

// What the caller of act__call sees in its `done`.
enum { CALL_OPEN, CALL_ENDED, CALL_LEFT };

static void on_deadline(struct act__alarm *alarm, struct act__worker *me);

// --- the table -----------------------------------------------------------------------------------

act_rc act__asks_create(struct act__system *system) {
  system->asks = act__calloc(1, sizeof *system->asks);
  if (!system->asks) return ACT_ENOMEM;
  act__spinlock_init(&system->asks->lock);
  return ACT_OK;
}

void act__asks_destroy(struct act__system *system) {
  for (uint32_t i = 0; i < ASKS_CHUNKS_MAX; i++) {
    struct act__ask *chunk = act__load_relaxed(&system->asks->chunks[i]);  // relaxed: threads joined
    if (!chunk) break;
    act__free(chunk);
  }
  act__free(system->asks);
  system->asks = NULL;
}

static struct act__ask *ask_at(struct act__system *system, uint32_t index) {
  uint32_t chunk = index >> ASKS_CHUNK_SHIFT;
  if (chunk >= ASKS_CHUNKS_MAX) return NULL;
  // acquire [asks]: pairs with the release in make_chunk.
  struct act__ask *asks = act__load_acquire(&system->asks->chunks[chunk]);
  return asks ? &asks[index & (ASKS_CHUNK - 1)] : NULL;
}

static bool make_chunk(struct act__system *system, uint32_t chunk) {
  struct act__ask *asks = act__calloc(ASKS_CHUNK, sizeof *asks);
  if (!asks) return false;
  for (uint32_t i = 0; i < ASKS_CHUNK; i++) {
    asks[i].index = (chunk << ASKS_CHUNK_SHIFT) + i;
    asks[i].system = system;
    asks[i].alarm.fire = on_deadline;
    asks[i].notice.env.notice = ACT__NOTICE_REPLY;
    act__atomic_init(&asks[i].word, (uint64_t)1 << 1);
  }
  // release [asks]: pairs with the acquire in ask_at.
  act__store_release(&system->asks->chunks[chunk], asks);
  return true;
}

static struct act__ask *ask_allocate(struct act__system *system, act_rc *rc) {
  struct act__asks *asks = system->asks;
  act__spinlock_lock(&asks->lock);
  struct act__ask *ask = asks->free;
  if (ask) {
    asks->free = ask->next_free;
  } else if (asks->used >> ASKS_CHUNK_SHIFT >= ASKS_CHUNKS_MAX) {
    *rc = ACT_ELIMIT;
  } else if (ask_at(system, asks->used) || make_chunk(system, asks->used >> ASKS_CHUNK_SHIFT)) {
    ask = ask_at(system, asks->used++);
  } else {
    *rc = ACT_ENOMEM;
  }
  act__spinlock_unlock(&asks->lock);
  return ask;
}

static void let_go(struct act__ask *ask) {
  // acq_rel [parts]: pairs with itself: whoever is last sees what the other did to the record.
  if (act__fetch_sub_acq_rel(&ask->parts, 1) != 1) return;
  struct act__asks *asks = ask->system->asks;
  act__spinlock_lock(&asks->lock);
  ask->next_free = asks->free;
  asks->free = ask;
  act__spinlock_unlock(&asks->lock);
}

// --- values --------------------------------------------------------------------------------------

struct act__answer_block *act__answer_allocate(struct act__system *system, act_cx *cx,
                                               const act_schema *schema, size_t size) {
  struct act__answer_block *block =
      act__pool_alloc(act__cache(cx), act__exec_pool(system->exec), sizeof *block + size);
  if (!block) return NULL;
  block->schema = schema;
  block->size = size;
  return block;
}

struct act__answer_block *act__answer_make(struct act__system *system, act_cx *cx,
                                           const act_schema *schema, const void *message) {
  size_t size = act__copy_size(schema, message);
  if (size > ACT_MESSAGE_MAX) return NULL;
  struct act__answer_block *block = act__answer_allocate(system, cx, schema, size);
  if (block) act__copy_into(schema, message, act__answer_value(block));
  return block;
}

void act__answer_free(struct act__system *system, act_cx *cx, struct act__answer_block *block) {
  if (!block) return;
  if (block->schema && block->schema->has_bufs) {
    act__copy_release(block->schema, act__answer_value(block));
  }
  act__pool_free(act__cache(cx), act__exec_pool(system->exec), block,
                 sizeof *block + block->size);
}

// --- ending --------------------------------------------------------------------------------------

// True for exactly one caller per ask.
static bool claim(struct act__ask *ask, uint32_t gen) {
  uint64_t open = ((uint64_t)gen << 1) | 1;
  uint32_t next = gen + 1 ? gen + 1 : 1;
  // acq_rel [claim]: pairs with the release in open_ask: the winner sees the record as it was made.
  return act__cas_strong_acq_rel(&ask->word, &open, (uint64_t)next << 1);
}

// The caller's parker is on its stack, so it must not return while we are in it: the second store is
// the last thing we touch.
static void wake_caller(struct act__parker *caller, ACT__ATOMIC(uint32_t) *done) {
  // release [called]: pairs with the acquire in wait_for_end.
  act__store_release(done, CALL_ENDED);
  act__parker_unpark(caller);
  // release [left]: pairs with the acquire in wait_for_end.
  act__store_release(done, CALL_LEFT);
}

static act_rc checked_status(const struct act__ask *ask, act_rc status,
                             const struct act__answer_block *answer) {
  if (status) return status;
  const act_schema *expected = ask->op ? ask->op->reply : NULL;
  return answer && answer->schema == expected ? ACT_OK : ACT_EBADMSG;
}

bool act__ask_end(struct act__system *system, act_cx *cx, act_reply token, act_rc status,
                  struct act__answer_block *answer) {
  struct act__ask *ask = ask_at(system, token.index);
  if (!ask || !claim(ask, token.gen)) {
    act__answer_free(system, cx, answer);
    ACT__COUNT(system, cx, late_replies);
    return false;
  }
  ask->status = checked_status(ask, status, answer);
  if (ask->status && answer) {
    act__answer_free(system, cx, answer);
    answer = NULL;
  }
  ask->answer = answer;
  if (act__alarm_cancel(system->exec, &ask->alarm)) let_go(ask);
  if (ask->caller) {
    wake_caller(ask->caller, ask->caller_done);
  } else if (!act__park_follow(cx, ask->notice.owner, &ask->notice.env)) {
    act__cell_push(system, cx ? cx->me : NULL, ask->notice.owner, &ask->notice.env);
  }
  return true;
}

static void on_deadline(struct act__alarm *alarm, struct act__worker *me) {
  struct act__ask *ask = ACT__CONTAINER_OF(alarm, struct act__ask, alarm);
  // acquire [claim]: pairs with the swap that may have ended it meanwhile.
  uint64_t word = act__load_acquire(&ask->word);
  if (word & 1) {
    act_reply token = {ask->system->incarnation, ask->index, (uint32_t)(word >> 1)};
    act__ask_end(ask->system, act__cx_of(me), token, ACT_ETIMEDOUT, NULL);
  }
  let_go(ask);
}

const act_op *act__ask_op(struct act__system *system, act_reply token) {
  struct act__ask *ask = ask_at(system, token.index);
  // acquire [claim]: pairs with the release in open_ask.
  if (!ask || act__load_acquire(&ask->word) != (((uint64_t)token.gen << 1) | 1)) return NULL;
  return ask->op;
}

void act__ask_sent_to(struct act__system *system, act_reply token, uint64_t node) {
  struct act__ask *ask = ask_at(system, token.index);
  // relaxed: its answer comes over a link that this request went over first.
  if (ask) act__store_relaxed(&ask->node, node);
}

bool act__ask_was_sent_to(struct act__system *system, act_reply token, uint64_t node) {
  struct act__ask *ask = ask_at(system, token.index);
  return ask && act__load_relaxed(&ask->node) == node;  // relaxed: see above
}

bool act__ask_is_open(struct act__system *system, act_reply token) {
  struct act__ask *ask = ask_at(system, token.index);
  // relaxed: a hint.
  return ask && act__load_relaxed(&ask->word) == (((uint64_t)token.gen << 1) | 1);
}

bool act__ask_withdraw(act_cx *cx, struct act__notice *notice) {
  (void)cx;
  struct act__ask *ask = ACT__CONTAINER_OF(notice, struct act__ask, notice);
  // relaxed: the claim decides.
  uint32_t gen = (uint32_t)(act__load_relaxed(&ask->word) >> 1);
  if (!claim(ask, gen)) return false;
  if (act__alarm_cancel(ask->system->exec, &ask->alarm)) let_go(ask);
  let_go(ask);
  return true;
}

act_rc act__ask_handle(act_cx *cx, struct act__cell *cell, struct act__notice *notice) {
  struct act__ask *ask = ACT__CONTAINER_OF(notice, struct act__ask, notice);
  bool seen = !notice->dropped && (cell->life == ACT__UP || cell->life == ACT__STARTING);
  if (!notice->dropped) {
    act__list_remove(&notice->link);
    cell->cold->asks--;
  }
  cell->notices--;
  act_then then = notice->then;
  act_reply request = ask->request;
  int64_t request_deadline_ns = ask->request_deadline_ns;
  struct act__answer_block *answer = ask->answer;
  act_rc status = ask->status;
  let_go(ask);
  act_rc rc = ACT_OK;
  if (seen) {
    // What the continuation asks on for the same request shares what is left of its budget.
    if (request.node && act__kept_has(cell, request)) {
      cx->request = request;
      cx->deadline_ns = request_deadline_ns;
    }
    rc = then.fn(cell->state, cx, status, answer ? act__answer_value(answer) : NULL, then.tag);
  }
  act__answer_free(cx->system, cx, answer);
  return rc;
}

// --- asking --------------------------------------------------------------------------------------

// A nested ask cannot outlive the request in hand.
static int64_t deadline_of(act_cx *cx, uint32_t timeout_ms) {
  // From now, not from when the turn began: a long handler must not shorten its asks.
  int64_t now = cx->me ? act__worker_refresh_now(cx->me) : act_now(cx);
  int64_t deadline = now + (int64_t)timeout_ms * 1000000;
#ifdef ACT_MUTANT_ASK_BUDGET_IGNORED
  return deadline;
#endif
  return cx->deadline_ns && cx->deadline_ns < deadline ? cx->deadline_ns : deadline;
}

static act_reply open_ask(struct act__ask *ask, int64_t deadline_ns, struct act__worker *me) {
  ask->notice.dropped = false;
  ask->answer = NULL;
  ask->status = ACT_OK;
  act__store_relaxed(&ask->parts, 2);  // relaxed: published by the word below
  act__store_relaxed(&ask->node, 0);   // relaxed: likewise
  uint64_t word = act__load_relaxed(&ask->word);  // relaxed: nobody else has a valid token yet
  // release [claim]: pairs with claim and the loads that precede it.
  act__store_release(&ask->word, word | 1);
  act__alarm_arm(ask->system->exec, me, &ask->alarm, deadline_ns);
  return (act_reply){ask->system->incarnation, ask->index, (uint32_t)(word >> 1)};
}

// A record for an ask of this actor, in its books, not yet open.
static act_rc reserve_ask(act_cx *cx, act_then then, const act_op *op, struct act__ask **out) {
  struct act__cell *cell = cx->cell;
  if (!cell || !then.fn) return ACT_EINVAL;
  struct act__cold *cold = act__cell_cold(cell);
  if (!cold) return ACT_ENOMEM;
  if (cold->asks >= act__limit(act__cell_limits(cell)->asks, ACT_ASKS_MAX)) return ACT_ELIMIT;
  act_rc rc = ACT_OK;
  struct act__ask *ask = ask_allocate(cx->system, &rc);
  if (!ask) return rc;
  ask->op = op;
  ask->request = cx->request;
  ask->request_deadline_ns = cx->deadline_ns;
  ask->caller = NULL;
  ask->notice.owner = cell;
  ask->notice.then = then;
  act__list_push_back(&cold->records, &ask->notice.link);
  cold->asks++;
  cell->notices++;
  *out = ask;
  return ACT_OK;
}

static act_rc send_request(act_cx *cx, act_pid to, const act_op *op, const void *message,
                           act_reply token, int64_t deadline_ns) {
  struct act__env_extension extension = {.deadline_ns = deadline_ns,
                                         .sent_ns = act_now(cx),
                                         .reply_node = token.node,
                                         .reply_index = token.index,
                                         .reply_gen = token.gen};
  act_rc rc = act__send_with(cx, to, op, message, &extension, ACT__ENV_ASK);
  if (rc) {
    ACT__COUNT(cx->system, cx, refused);
  } else {
    ACT__COUNT(cx->system, cx, sent);
  }
  return rc;
}

act_rc act__ask(act_cx *cx, act_pid to, const act_op *op, const void *message, uint32_t timeout_ms,
                act_then then) {
  if (timeout_ms == 0) return ACT_EINVAL;
  struct act__ask *ask;
  act_rc rc = reserve_ask(cx, then, op, &ask);
  if (rc) return rc;
  int64_t deadline_ns = deadline_of(cx, timeout_ms);
  act_reply token = open_ask(ask, deadline_ns, cx->me);
  // What the send says comes to the continuation like every other end: one place to handle it.
  rc = send_request(cx, to, op, message, token, deadline_ns);
  if (rc) act__ask_end(cx->system, cx, token, rc, NULL);
  return ACT_OK;
}

// --- look-up -------------------------------------------------------------------------------------

static void end_local_lookup(act_cx *cx, const char *name, size_t length, act_reply token) {
  struct act__system *system = cx->system;
  act_pid pid;
  act_rc rc = ACT_ENOENT;
  struct act__answer_block *block = NULL;
  if (act__name_find(system, name, length, &pid, NULL)) {
    // A reference means one incarnation, and between two of them there is none.
    rc = pid.epoch == 0 ? ACT_ECLOSED
         : (block = act__answer_allocate(system, cx, NULL, sizeof pid)) ? ACT_OK : ACT_ENOMEM;
  }
  if (block) *(act_pid *)act__answer_value(block) = pid;
  act__ask_end(system, cx, token, rc, block);
}

act_rc act__lookup(act_cx *cx, const char *name, const act_protocol *protocol, uint32_t timeout_ms,
                   act_then then) {
  if (timeout_ms == 0 || !name) return ACT_EINVAL;
  const char *at = strchr(name, '@');
  size_t length = at ? (size_t)(at - name) : strlen(name);
  if (length == 0 || length > ACT_NAME_MAX) return ACT_EINVAL;
  struct act__ask *ask;
  act_rc rc = reserve_ask(cx, then, NULL, &ask);
  if (rc) return rc;
  act_reply token = open_ask(ask, deadline_of(cx, timeout_ms), cx->me);
  if (!at) {
    end_local_lookup(cx, name, length, token);
  } else if ((rc = act__remote_lookup(cx->system, cx, name, length, at + 1, protocol, token))) {
    act__ask_end(cx->system, cx, token, rc, NULL);
  }
  return ACT_OK;
}

act_rc act__svc_named(act_cx *cx, const char *name, const act_protocol *protocol, act_pid *out) {
  (void)protocol;  // a local name is checked where the message is handled: ACT_EBADMSG
  *out = (act_pid){0, 0, 0, 0, 0};
  if (!act__name_find(cx->system, name, strlen(name), out, NULL)) return ACT_ENOENT;
  out->epoch = 0;
  return ACT_OK;
}

// --- calls from foreign threads --------------------------------------------------------------------

#define RUNNER_LOOK_NS (10 * 1000000)  // how often a caller looks whether nobody moves the runtime

// On one thread somebody must move the runtime: whoever is in act_wait, or else the caller itself.
static void wait_without_workers(struct act__system *system, struct act__parker *parker) {
  if (act__mutex_try_lock(&system->runner)) {
    act__system_step(system);
    act__mutex_unlock(&system->runner);
  } else {
    act__parker_park(parker, act__clock_now(act__clock_system()) + RUNNER_LOOK_NS);
  }
}

static void wait_for_end(struct act__system *system, struct act__parker *parker,
                         ACT__ATOMIC(uint32_t) *done) {
  bool on_workers = act__exec_flavour(system->exec) == ACT__POOL;
  // acquire [called]: pairs with the release in wake_caller.
  while (act__load_acquire(done) == CALL_OPEN) {
    if (on_workers) {
      act__parker_park(parker, INT64_MAX);  // the ask's own alarm ends it at the deadline
    } else {
      wait_without_workers(system, parker);
    }
  }
  // acquire [left]: pairs with the release in wake_caller; a few instructions away.
  while (act__load_acquire(done) != CALL_LEFT) act__thread_yield();
}

act_rc act__call(act_cx *cx, act_pid to, const act_op *op, const void *message, uint32_t timeout_ms,
                 const void **out) {
  *out = NULL;
  // Also a handler that calls through an outside context would wait for itself.
  if (cx->cell || cx->me || act__system_is_inside(cx->system)) return ACT_EDEADLK;
  if (timeout_ms == 0) return ACT_EINVAL;
  act_rc rc = ACT_OK;
  struct act__ask *ask = ask_allocate(cx->system, &rc);
  if (!ask) return rc;
  struct act__parker parker;
  act__parker_init(&parker);
  ACT__ATOMIC(uint32_t) done;
  act__atomic_init(&done, CALL_OPEN);
  ask->op = op;
  ask->notice.owner = NULL;
  ask->caller = &parker;
  ask->caller_done = &done;
  int64_t deadline_ns = deadline_of(cx, timeout_ms);
  act_reply token = open_ask(ask, deadline_ns, NULL);
  rc = send_request(cx, to, op, message, token, deadline_ns);
  if (rc) act__ask_end(cx->system, cx, token, rc, NULL);
  wait_for_end(cx->system, &parker, &done);
  act__parker_fini(&parker);
  rc = ask->status;
  struct act__answer_block *answer = ask->answer;
  let_go(ask);
  if (answer) *out = act__answer_value(answer);
  return rc;
}

void act_reply_free(act_cx *cx, const void *reply) {
  if (!reply) return;
  act__answer_free(cx->system, cx, (struct act__answer_block *)(uintptr_t)reply - 1);
}
