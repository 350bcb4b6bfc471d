// SPDX-License-Identifier: Apache-2.0
//
// Asks: every one ends exactly once.
//
// An ask is a record in a type-stable table (actors/ask.h); a reply token is its index and generation.
// Whoever swaps the record's word from "open in this generation" to the next generation ends the ask:
// the answer, the deadline, the callee's death or the asker's own end. All others find another
// generation and are late. The record is reserved before the request is sent, so the answer needs no
// memory to be announced: its notice is the record, and a small answer is in it.
//
// Who ends an ask leaves the record's alarm alone (actors/ask_word.h). It compares its time with the
// deadline of whichever ask is open when it looks, so it can never end a later ask too early.
#include "actors/ask.h"

#include <string.h>

#include "actors/park.h"
#include "actors/remote/proxy.h"
#include "base/check.h"
#include "base/clock.h"
#include "mailbox/copy.h"

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

// The ask of a token, ended by the caller, who then finishes it. NULL: it has ended already; counted.
static struct act__ask *claim(struct act__system *system, act_cx *cx, act_reply token) {
  struct act__ask *ask = act__ask_at(system, token.index);
  if (ask && act__ask_word_claim(&ask->word, token.gen)) return ask;
  ACT__COUNT(system, cx, late_replies);
  return NULL;
}

// Tells who asked. The caller has claimed it; from here on the record is the asker's.
static void finish(struct act__ask *ask, act_cx *cx, act_rc status, const void *value) {
  ask->status = status;
  ask->value = value;
  struct act__cell *owner = ask->notice.owner;
  if (!owner) {
    act__ask_call_ended(ask->call);
  } else if (!act__park_follow(cx, owner, &ask->notice.env)) {
    act__cell_push(ask->system, cx ? cx->me : NULL, owner, &ask->notice.env);
  }
}

static const act_schema *expected(const struct act__ask *ask) {
  return ask->op ? ask->op->reply : NULL;
}

bool act__ask_end(struct act__system *system, act_cx *cx, act_reply token, act_rc status,
                  struct act__answer_block *answer) {
  struct act__ask *ask = claim(system, cx, token);
  if (ask && !status && (!answer || answer->schema != expected(ask))) status = ACT_EBADMSG;
  if (!ask || status) {
    act__answer_free(system, cx, answer);
    answer = NULL;
  }
  if (ask) finish(ask, cx, status, answer ? act__answer_value(answer) : NULL);
  return ask != NULL;
}

static bool is_small(const struct act__ask *ask, const act_schema *schema) {
  return schema->is_flat && schema->size <= ACT__ASK_SMALL && ask->notice.owner;
}

void act__ask_answer(struct act__system *system, act_cx *cx, act_reply token,
                     const act_schema *schema, const void *message) {
  struct act__ask *ask = claim(system, cx, token);
  if (!ask) return;
  if (schema != expected(ask)) {
    finish(ask, cx, ACT_EBADMSG, NULL);
  } else if (is_small(ask, schema)) {
    memcpy(ask->small, message, schema->size);
    finish(ask, cx, ACT_OK, ask->small);
  } else {
    struct act__answer_block *block = act__answer_make(system, cx, schema, message);
    act_rc status = block                                               ? ACT_OK
                    : act__copy_size(schema, message) > ACT_MESSAGE_MAX ? ACT_ELIMIT
                                                                        : ACT_ENOMEM;
    finish(ask, cx, status, block ? act__answer_value(block) : NULL);
  }
}

void act__ask_on_alarm(struct act__ask *ask, struct act__worker *me) {
  struct act__exec *exec = ask->system->exec;
  int64_t now = me ? me->now_ns : act__clock_now(act__exec_clock(exec));
  if (now < ask->alarm_ns) now = ask->alarm_ns;  // it is that late, whichever clock says so
  uint64_t word = act__ask_word_look(&ask->word);
  for (;;) {
    if (word & ACT__ASK_MOVING) {  // who armed us has not said so yet: a few instructions
      act__thread_yield();
      word = act__ask_word_look(&ask->word);
      continue;
    }
    // relaxed: published by the swap that opened it; if it is of another ask, ours below will fail.
    int64_t deadline_ns = act__load_relaxed(&ask->deadline_ns);
    if (!(word & ACT__ASK_OPEN)) {
      if (act__ask_word_unset(&ask->word, &word)) return;
    } else if (deadline_ns <= now) {
      if (!act__ask_word_claim_due(&ask->word, &word)) continue;
      finish(ask, act__cx_of(me), ACT_ETIMEDOUT, NULL);
      return;
    } else if (act__ask_word_move(&ask->word, &word)) {
      ask->alarm_ns = deadline_ns;
      act__alarm_arm(exec, me, &ask->alarm, deadline_ns);
      act__ask_word_moved(&ask->word);
      return;
    }
  }
}

static bool is_open(struct act__ask *ask, act_reply token) {
  // acquire [ask:open]: pairs with the swap that opened it.
  return ask && act__ask_word_is_open(act__load_acquire(&ask->word), token.gen);
}

const act_op *act__ask_op(struct act__system *system, act_reply token) {
  struct act__ask *ask = act__ask_at(system, token.index);
  return is_open(ask, token) ? ask->op : NULL;
}

void act__ask_sent_to(struct act__system *system, act_reply token, uint64_t node) {
  struct act__ask *ask = act__ask_at(system, token.index);
  // relaxed: its answer comes over a link that this request went over first.
  if (ask) act__store_relaxed(&ask->node, node);
}

bool act__ask_was_sent_to(struct act__system *system, act_reply token, uint64_t node) {
  struct act__ask *ask = act__ask_at(system, token.index);
  return ask && act__load_relaxed(&ask->node) == node;  // relaxed: see above
}

bool act__ask_is_open(struct act__system *system, act_reply token) {
  return is_open(act__ask_at(system, token.index), token);
}

bool act__ask_withdraw(act_cx *cx, struct act__notice *notice) {
  struct act__ask *ask = ACT__CONTAINER_OF(notice, struct act__ask, notice);
  // relaxed: the claim decides.
  uint32_t gen = act__ask_word_gen(act__load_relaxed(&ask->word));
  if (!act__ask_word_claim(&ask->word, gen)) return false;
  act__ask_free(cx, ask);
  return true;
}

// What an answer in a block needs when its continuation has returned.
static void value_free(act_cx *cx, const void *value) {
  if (!value) return;
  act__answer_free(cx->system, cx, (struct act__answer_block *)(uintptr_t)value - 1);
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
  act_rc status = ask->status;
  const void *value = ask->value, *block = value;
  uint64_t small[ACT__ASK_SMALL / sizeof(uint64_t)];
  if (value == ask->small) {  // so that the record may serve the continuation's next ask
    memcpy(small, ask->small, sizeof small);
    value = small;
    block = NULL;
  }
  act__ask_free(cx, ask);
  act_rc rc = ACT_OK;
  if (seen) {
    // What the continuation asks on for the same request shares what is left of its budget.
    if (request.node && act__kept_has(cell, request)) {
      cx->request = request;
      cx->deadline_ns = request_deadline_ns;
    }
    rc = then.fn(cell->state, cx, status, value, then.tag);
  }
  value_free(cx, block);
  return rc;
}

// --- asking --------------------------------------------------------------------------------------

int64_t act__ask_deadline(act_cx *cx, uint32_t timeout_ms) {
  // From now, not from when the turn began: a long handler must not shorten its asks.
  int64_t now = cx->me ? act__worker_refresh_now(cx->me) : act_now(cx);
  int64_t deadline = now + (int64_t)timeout_ms * 1000000;
#ifdef ACT_MUTANT_ASK_BUDGET_IGNORED
  return deadline;
#endif
  return cx->deadline_ns && cx->deadline_ns < deadline ? cx->deadline_ns : deadline;
}

// Is the alarm of a closed record where it can serve this deadline? If not, it is made free. True also
// where it fires this moment: it will find the ask open.
static bool alarm_serves(struct act__ask *ask, int64_t deadline_ns) {
#ifdef ACT_MUTANT_ASK_ALARM_LATE
  return true;
#endif
  return ask->alarm_ns <= deadline_ns || !act__alarm_cancel(ask->system->exec, &ask->alarm);
}

uint32_t act__ask_open(act_cx *cx, struct act__ask *ask, int64_t deadline_ns) {
  ask->notice.dropped = false;
  act__store_relaxed(&ask->node, 0);                   // relaxed: published by the word
  act__store_relaxed(&ask->deadline_ns, deadline_ns);  // relaxed: likewise
  uint64_t word = act__ask_word_look(&ask->word);
  for (;;) {
    if (word & ACT__ASK_MOVING) {  // a few instructions of another thread's away from SET
      act__thread_yield();
      word = act__ask_word_look(&ask->word);
      continue;
    }
    if ((word & ACT__ASK_SET) && !alarm_serves(ask, deadline_ns)) {
      act__ask_word_cancelled(&ask->word, &word);
    }
    bool arm = !(word & ACT__ASK_SET);
    if (arm) ask->alarm_ns = deadline_ns;
    if (!act__ask_word_open(&ask->word, &word)) continue;
    if (arm) act__alarm_arm(ask->system->exec, cx->me, &ask->alarm, deadline_ns);
    return act__ask_word_gen(word);
  }
}

// A record for an ask of this actor, in its books, not yet open.
static act_rc reserve_ask(act_cx *cx, act_then then, const act_op *op, struct act__ask **out) {
  struct act__cell *cell = cx->cell;
  if (!cell || !then.fn) return ACT_EINVAL;
  struct act__cold *cold = act__cell_cold(cell);
  if (!cold) return ACT_ENOMEM;
  if (cold->asks >= act__limit(act__cell_limits(cell)->asks, ACT_ASKS_MAX)) return ACT_ELIMIT;
  act_rc rc = ACT_OK;
  struct act__ask *ask = act__ask_allocate(cx, &rc);
  if (!ask) return rc;
  ask->op = op;
  ask->request = cx->request;
  ask->request_deadline_ns = cx->deadline_ns;
  ask->notice.owner = cell;
  ask->notice.then = then;
  act__list_push_back(&cold->records, &ask->notice.link);
  cold->asks++;
  cell->notices++;
  *out = ask;
  return ACT_OK;
}

void act__ask_send(act_cx *cx, struct act__ask *ask, uint32_t gen, const act_pid *to,
                   const act_op *op, const void *message, int64_t deadline_ns) {
  act_rc rc = act__send_request(cx, to, op, message, ask->index, gen, deadline_ns);
  if (__builtin_expect(rc != ACT_OK, 0)) {
    act__ask_end(cx->system, cx, act__ask_token(ask, gen), rc, NULL);
  }
}

act_rc act__ask(act_cx *cx, act_pid to, const act_op *op, const void *message, uint32_t timeout_ms,
                act_then then) {
  if (timeout_ms == 0) return ACT_EINVAL;
  struct act__ask *ask;
  act_rc rc = reserve_ask(cx, then, op, &ask);
  if (rc) return rc;
  int64_t deadline_ns = act__ask_deadline(cx, timeout_ms);
  uint32_t gen = act__ask_open(cx, ask, deadline_ns);
  // What the send says comes to the continuation like every other end: one place to handle it.
  act__ask_send(cx, ask, gen, &to, op, message, deadline_ns);
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
  uint32_t gen = act__ask_open(cx, ask, act__ask_deadline(cx, timeout_ms));
  act_reply token = act__ask_token(ask, gen);
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
