// SPDX-License-Identifier: Apache-2.0
//
// The turn of an actor: take what came, look at express signals, handle messages and notices one by
// one within the budget, give the room back, rest.
//
// One thread at a time is in here for a cell (mailbox.h, invariant 2). After act__mailbox_rest has
// answered true the cell is not touched again.
#include <string.h>

#include "actors/child.h"
#include "actors/park.h"
#include "actors/remote/proxy.h"
#include "actors/room.h"
#include "base/alloc.h"
#include "base/check.h"
#include "mailbox/copy.h"

// What this turn has to give back to the mailbox, once: as an amount of the admission word.
struct receipts {
  uint64_t amount;
};

static inline void count_receipt(struct receipts *receipts, uint32_t units) {
  receipts->amount += act__admission_amount(1, units);
}

// What goes from one message of a turn to the next.
struct pass {
  const act_op *op;        // of the latest plain message. NULL: the actor may not be up any more, or is
                           // of a kind that has no plain messages, so all is to be asked again
  act_handler_fn handler;  // its handler
  unsigned steps;          // messages so far
  unsigned look_at;        // the step before which the budget is looked at
  int64_t started_ns;
};

static inline act_handler_fn find_handler(const act_behavior *behavior, const act_op *op) {
  for (uint32_t i = 0; i < behavior->nspeaks; i++) {
    if (behavior->speaks[i].protocol == op->protocol) {
      return behavior->speaks[i].handlers[op->index];
    }
  }
  return NULL;
}

// --- the mark (mailbox/mailbox.h, invariant 5) ---------------------------------------------------
//
// While it stands in the inbox it is the last of cell->pending, or in hand, or handled and kept.
// Whatever else may happen to it, or to what is pending, begins with act__turn_unmark.

// Frees the mark that was handled: the word has been changed from it.
static inline void free_kept(act_cx *cx, struct act__env *mark) {
  if (!cx->mark_kept) return;
  cx->mark_kept = false;
  act__env_free(cx->system, cx, mark);
}

void act__turn_unmark(act_cx *cx, struct act__cell *cell) {
  struct act__env *mark = cx->mark;
  if (!mark) return;
  // A knock that this takes is no loss: has_express sees its signal before the turn can end.
  bool knocked;
  struct act__env *later = act__mailbox_clear(&cell->mailbox, &cx->mark, &knocked);
  if (cell->pending) {
    mark->next = later;
  } else {
    cell->pending = later;
  }
  free_kept(cx, mark);
}

static struct act__env *take(act_cx *cx, struct act__cell *cell, bool *knocked) {
  struct act__env *mark = cx->mark;
  struct act__env *taken = act__mailbox_take(&cell->mailbox, &cx->mark, knocked);
  if (taken) free_kept(cx, mark);
  return taken;
}

// --- a message -----------------------------------------------------------------------------------

// Between handlers a context holds no token, no request and no deadline, so a plain message needs
// none to be taken away.
static void open_request(act_cx *cx, struct act__env *env) {
  struct act__env_extension *extension = act__env_extension(env);
  cx->deadline_ns = extension->deadline_ns;
  cx->token_open = (env->flags & ACT__ENV_ASK) != 0;
  // A request may come without a token: its first receiver answered and passed it on.
  if (!cx->token_open) return;
  // In one piece each: what is written in parts and then read whole waits until it is in the cache.
  act_reply token;
  _Static_assert(offsetof(struct act__env_extension, reply_gen) -
                         offsetof(struct act__env_extension, reply_node) ==
                     offsetof(act_reply, gen),
                 "an extension holds the token as it is");
  memcpy(&token, &extension->reply_node, sizeof token);
  cx->token = token;
  cx->request = token;
}

// The handler has returned: nothing of its context lasts.
static void close_handler(act_cx *cx) {
  cx->env = NULL;
  cx->deadline_ns = 0;
  cx->token = (act_reply){0, 0, 0};
  cx->request = (act_reply){0, 0, 0};
  if (cx->left.scratch) {
    act__arena_reset(&cx->scratch);
    cx->left.scratch = false;
  }
}

// A non-zero return of a handler is the failure of its actor.
static void settle(act_cx *cx, struct act__cell *cell, act_rc rc) {
  if (rc) {
    act__cx_close_token(cx, ACT_EDEAD);
    act__cell_end(cx, cell, ACT_REASON_FAILED, rc, cx->left.fail == rc ? cx->fail_text : NULL);
  } else {
    act__cx_close_token(cx, ACT_EDROPPED);
    if (cx->left.ending) act__cell_end(cx, cell, ACT_REASON_NORMAL, ACT_OK, NULL);
  }
  cx->left.ending = false;
  cx->left.fail = ACT_OK;
  cx->fail_text[0] = 0;
}

_Static_assert(sizeof((act_cx *)0)->left == sizeof((act_cx *)0)->left.any, "`any` is all of it");

// A handler that left nothing to settle or to close, of a message without an extension.
static inline bool is_plain_return(const act_cx *cx, act_rc rc) {
  return !rc && !cx->left.any;
}

// Why a message cannot be handed to this cell's incarnation; ACT_OK: it can.
static inline act_rc refusal(act_cx *cx, struct act__cell *cell, struct act__env *env,
                             act_handler_fn handler) {
  if (cell->life != ACT__UP) return ACT_EDEAD;
  // relaxed: written by this cell's own turns.
  if (env->target_epoch && env->target_epoch != act__load_relaxed(&cell->epoch)) return ACT_EDEAD;
  if (!handler && !cell->behavior->any) return ACT_EBADMSG;
  const struct act__env_extension *extension = act__env_extension(env);
#ifndef ACT_MUTANT_ASK_EXPIRED_HANDLED
  if (extension && extension->deadline_ns && extension->deadline_ns <= cx->me->now_ns) {
    return ACT_ETIMEDOUT;
  }
#endif
  return ACT_OK;
}

static act_rc call_any(act_cx *cx, struct act__cell *cell, struct act__env *env) {
  act_any any = {env->op, act__env_payload(env), cx->token, cx->token_open, act_sender(cx)};
  return cell->behavior->any(cell->state, cx, &any);
}

static inline void finish_message(act_cx *cx, struct act__env *env, struct receipts *receipts) {
  if (env->flags & ACT__ENV_REMOTE) {
    act__remote_credit_back(cx->system, cx, cx->cell, env);
  } else {
    count_receipt(receipts, act__env_units(act__env_block_bytes(env)));
  }
  if (env == cx->mark) {
    cx->mark_kept = true;
    return;
  }
  act__env_free(cx->system, cx, env);
}

static void handle_message(act_cx *cx, struct act__cell *cell, struct act__env *env,
                           struct receipts *receipts) {
#ifdef ACT_MUTANT_PROXY_LOOKED_UP
  act_handler_fn handler = find_handler(cell->behavior, env->op);
#else
  // A proxy that has ended may have no behaviour.
  act_handler_fn handler = cell->life == ACT__UP ? find_handler(cell->behavior, env->op) : NULL;
#endif
  act_rc rc = refusal(cx, cell, env, handler);
  if (__builtin_expect(rc != ACT_OK, 0)) {
    act__turn_unmark(cx, cell);
    act__env_undeliver(cx->system, cx, cell, env, rc);
    return;
  }
  if (cx->traced) {
    act__exec_trace_fold(cx->system->exec, ((uint64_t)cell->slot << 32) | env->op->id);
  }
  cx->env = env;
  if (env->flags & ACT__ENV_EXTENDED) open_request(cx, env);
  rc = handler ? handler(cell->state, cx, act__env_payload(env), cx->token)
               : call_any(cx, cell, env);
  ACT__COUNT(cx->system, cx, handled);
  if (__builtin_expect(is_plain_return(cx, rc) && !(env->flags & ACT__ENV_EXTENDED), 1)) {
    cx->env = NULL;
  } else {
    settle(cx, cell, rc);
    close_handler(cx);
  }
  finish_message(cx, env, receipts);
}

// The message that nearly all are: words from this node. To an actor that is up, it is handled by
// handle_plain.
static inline bool is_plain(struct act__cell *cell, const struct act__env *env) {
  return env->flags == ACT__ENV_COUNTED && !env->notice &&
         // relaxed: written by this cell's own turns.
         (!env->target_epoch || env->target_epoch == act__load_relaxed(&cell->epoch));
}

// The handler of an operation, for this pass; NULL: handle_plain is not for it.
static __attribute__((noinline)) act_handler_fn pass_handler(const act_cx *cx,
                                                             const struct act__cell *cell,
                                                             const act_op *op, struct pass *pass) {
  if (cell->life != ACT__UP || cell->proxy || cx->traced) return NULL;
  pass->op = op;
  pass->handler = find_handler(cell->behavior, op);
  return pass->handler;
}

// handle_message without what a plain one does not need.
static inline void handle_plain(act_cx *cx, struct act__cell *cell, struct act__env *env,
                                act_handler_fn handler, struct pass *pass,
                                struct receipts *receipts) {
  cx->env = env;
  act_rc rc = handler(cell->state, cx, env + 1, (act_reply){0, 0, 0});
  ACT__COUNT(cx->system, cx, handled);
  cx->env = NULL;
  if (__builtin_expect(!is_plain_return(cx, rc), 0)) {
    settle(cx, cell, rc);
    close_handler(cx);
#ifndef ACT_MUTANT_PASS_AFTER_END
    pass->op = NULL;
#endif
  }
  size_t bytes = sizeof *env + env->size;
  count_receipt(receipts, act__env_units(bytes));
  if (env == cx->mark) {
    cx->mark_kept = true;
  } else {
    act__pool_cache_free(&cx->me->cache, env, bytes);
  }
}

static void handle_notice(act_cx *cx, struct act__cell *cell, struct act__env *env) {
  if (env == cx->mark) act__turn_unmark(cx, cell);  // its record may come back at once
  act__exec_trace_fold(cx->system->exec, ((uint64_t)cell->slot << 32) | 0x10000u | env->notice);
  act_rc rc = act__notice_handle(cx, cell, env);
  settle(cx, cell, rc);
  close_handler(cx);
}

// While an actor starts its user messages wait aside, in order, still holding their room.
static void put_aside(struct act__cell *cell, struct act__env *env) {
  env->next = NULL;
  *cell->cold->aside_tail = env;
  cell->cold->aside_tail = &env->next;
}

static bool make_state(act_cx *cx, struct act__cell *cell) {
  size_t bytes = cell->behavior->state_size;
  if (bytes <= ACT__SMALL_STATE) {
    cell->state = memset(act__annex(cell)->small_state, 0, ACT__SMALL_STATE);
    return true;
  }
  cell->state = act__pool_alloc(&cx->me->cache, act__exec_pool(cx->system->exec), bytes);
  if (cell->state) memset(cell->state, 0, bytes);
  return cell->state != NULL;
}

static void start(act_cx *cx, struct act__cell *cell) {
  ACT_ASSERT(cell->life == ACT__DOWN && !cell->forgotten);
  struct act__birth *birth = &act__annex(cell)->birth;
  act__cell_begin(cell, birth);
  if (!make_state(cx, cell)) {
    act__cell_end(cx, cell, ACT_REASON_FAILED, ACT_ENOMEM, "no memory to start");
    return;
  }
  act_rc rc = cell->behavior->init(cell->state, cx, birth->args);
  if (rc == ACT_LATER) {
    // Messages will have to wait aside, so from here on there is a cold part.
    rc = act__cell_cold(cell) ? ACT_OK : ACT_ENOMEM;
    if (!rc) cell->cold->later = cell->life == ACT__STARTING;
  } else if (rc == ACT_OK) {
    act__cell_up(cx, cell);
  }
  settle(cx, cell, rc);
  close_handler(cx);
}

// An express signal overtakes messages, so it is looked for between them.
static bool has_express(struct act__cell *cell) {
  // relaxed: only a hint; the signal's knock brings us back if this look was too early.
  return act__load_relaxed(&cell->express) != 0;
}

static void handle_express_once(act_cx *cx, struct act__cell *cell) {
  // acquire [express]: pairs with the release in act__cell_express.
  uint32_t bits = act__exchange_acquire(&cell->express, 0);
  if (bits & ACT__EXPRESS_REMOTE) act__proxy_news(cx, cell);
  if ((bits & ACT__EXPRESS_START) && cell->life == ACT__DOWN && !cell->forgotten) {
    if (cell->proxy) {
      act__proxy_start(cx, cell);
    } else {
      start(cx, cell);
    }
  }
  if (bits & ACT__EXPRESS_KILL) {
    act__cell_end(cx, cell, ACT_REASON_KILLED, ACT_EKILLED, "killed");
  }
  if (bits & ACT__EXPRESS_STOP) act__cell_end(cx, cell, ACT_REASON_NORMAL, ACT_OK, NULL);
  if (bits & ACT__EXPRESS_FORGET) cell->forgotten = true;
}

// Again while there are any: what is done here may take the knock of another signal (act__turn_unmark).
static void handle_express(act_cx *cx, struct act__cell *cell) {
  do {
    handle_express_once(cx, cell);
#ifdef ACT_MUTANT_EXPRESS_ONCE
    return;
#endif
  } while (has_express(cell));
}

static __attribute__((noinline)) void handle_other(act_cx *cx, struct act__cell *cell,
                                                   struct act__env *env,
                                                   struct receipts *receipts) {
  if (env->notice) {
    handle_notice(cx, cell, env);
  } else if (cell->proxy && cell->life == ACT__UP) {
    act__turn_unmark(cx, cell);
    act__proxy_forward(cx, cell, env);
  } else if (cell->life == ACT__STARTING) {
    act__turn_unmark(cx, cell);
    put_aside(cell, env);
  } else {
    handle_message(cx, cell, env, receipts);
  }
}

static inline void handle(act_cx *cx, struct act__cell *cell, struct act__env *env,
                          struct pass *pass, struct receipts *receipts) {
  if (__builtin_expect(is_plain(cell, env), 1)) {
    act_handler_fn handler = pass->handler;
    if (env->op != pass->op) handler = pass_handler(cx, cell, env->op, pass);
    if (__builtin_expect(handler != NULL, 1)) {
      handle_plain(cx, cell, env, handler, pass, receipts);
      return;
    }
  }
  pass->op = NULL;
  handle_other(cx, cell, env, receipts);
}

static bool may_be_retired(struct act__cell *cell) {
  return cell->life == ACT__DOWN && cell->forgotten && cell->notices == 0 && !cell->pending &&
         act__mailbox_messages(&cell->mailbox) == 0;
}

// Owner only, which it is no more afterwards. Its inbox has no mark.
static void retire(act_cx *cx, struct act__cell *cell) {
  bool knocked;
  struct act__env *mark = NULL, *late = act__mailbox_clear(&cell->mailbox, &mark, &knocked);
  ACT_ASSERT(!late && !cell->pending);
  if (cell->born) act__birth_free(cx, &act__annex(cell)->birth);
  if (cell->proxy) act__proxy_free(cx, cell);
  // Who is nobody's child stands for an actor elsewhere.
  act__cell_retire(cx->system, cx, cell->born, cell);
}

enum act__turn act__cell_first_turn(struct act__task *task, struct act__worker *me) {
  struct act__cell *cell = ACT__CONTAINER_OF(task, struct act__cell, task);
  act_cx *cx = act__cx_of(me);
  task->run = act__cell_turn;
  cx->cell = cell;
  if (cell->proxy) {
    act__proxy_start(cx, cell);
  } else {
    start(cx, cell);
  }
  return act__cell_turn(task, me);
}

// It must be ours before the signal is put down: from then on a turn of its own may let it go, and a
// knock would find whoever lives there by now.
void act__cell_forget(act_cx *cx, struct act__cell *cell) {
  // Claimed before anything is signalled: once FORGET is set its own turn may retire it, and whoever
  // rests in the slot after that is another.
  if (cell->proxy || !act__mailbox_claim(&cell->mailbox)) {
    act__cell_express(cx->system, cx->me, cell, ACT__EXPRESS_FORGET);
    return;
  }
  // It rested, and is ours now: all that a turn of its own would do is to let it go.
  cell->forgotten = true;
  if (may_be_retired(cell)) {
    retire(cx, cell);
  } else {
    act__exec_submit(cx->system->exec, cx->me, &cell->task);
  }
}

_Static_assert((ACT__TURN_MESSAGES & (ACT__TURN_MESSAGES - 1)) == 0,
               "the budget is looked at before steps 1, 2, 4 and so on, and must be met");

_Static_assert((ACT__TURN_MESSAGES & (ACT__TURN_MESSAGES - 1)) == 0,
               "after the last message of a turn there is a look");

// Is the budget used up? The clock is looked at ever less often, for a handler that is slow is so from
// the start.
static __attribute__((noinline)) bool is_spent(struct act__worker *me, struct pass *pass) {
#ifndef ACT_MUTANT_TURN_WITHOUT_BUDGET
  if (pass->steps >= ACT__TURN_MESSAGES) return true;
#endif
#ifdef ACT_MUTANT_TURN_TIME_BLIND
  return false;
#endif
  pass->look_at = 2 * pass->steps;
  return act__worker_refresh_now(me) - pass->started_ns >= ACT__TURN_NS;
}

static void look_at_express(act_cx *cx, struct act__cell *cell, struct pass *pass) {
  pass->op = NULL;
  handle_express(cx, cell);
}

// Whatever is there, within the budget. False: the budget is used up and there is more.
static bool work(act_cx *cx, struct act__worker *me, struct act__cell *cell, struct pass *pass,
                 struct receipts *receipts) {
  for (;;) {
    if (__builtin_expect(has_express(cell), 0)) look_at_express(cx, cell, pass);
    struct act__env *env = cell->pending;
    if (!env) {
      bool knocked;
      cell->pending = cell->park ? act__park_next(cell, &knocked) : take(cx, cell, &knocked);
      if (knocked) look_at_express(cx, cell, pass);
      env = cell->pending;
      if (!env) return true;
    }
    // Before each message but the first, so that a turn of one message costs nothing.
    if (pass->steps >= pass->look_at && is_spent(me, pass)) return false;
    pass->steps++;
    cell->pending = env->next;
    if (env->next) __builtin_prefetch(env->next);  // written long ago, if many wait
    handle(cx, cell, env, pass, receipts);
  }
}

enum act__turn act__cell_turn(struct act__task *task, struct act__worker *me) {
  struct act__cell *cell = ACT__CONTAINER_OF(task, struct act__cell, task);
  act_cx *cx = act__cx_of(me);
  cx->cell = cell;
  struct pass pass = {.look_at = 1, .started_ns = me->now_ns};
  for (;;) {
    struct receipts receipts = {0};
    bool done = work(cx, me, cell, &pass, &receipts);
    if (cx->cancelled_count) act__ticks_let_go(cx, cell);
    // Not dry: it has used up its messages, and not its time.
    bool dry = done || pass.steps < ACT__TURN_MESSAGES;
    act__room_give_back(cx->system, me, cell, act__admission_messages(receipts.amount),
                        act__admission_units(receipts.amount), dry);
    if (cell->proxy) act__proxy_flush(cx, cell);
    if (!done) {
      act__turn_unmark(cx, cell);
      cx->cell = NULL;
      return ACT__TURN_AGAIN;
    }
    if (may_be_retired(cell)) {
      act__turn_unmark(cx, cell);
      retire(cx, cell);
      cx->cell = NULL;
      return ACT__TURN_DONE;
    }
    if (act__mailbox_rest(&cell->mailbox, cx->mark)) {
      free_kept(cx, cx->mark);
      cx->mark = NULL;
      cx->cell = NULL;
      return ACT__TURN_DONE;
    }
  }
}
