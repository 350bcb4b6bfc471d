// SPDX-License-Identifier: Apache-2.0
//
// Protocols, the actors that speak them, and the typed continuations of an actor.
//
//   #define COUNTER(CAST, CALL, P)                  a protocol is a list: wire id, op, message(s)
//     CAST(P, 1, incr, counter_incr)                nobody waits for an answer
//     CALL(P, 2, get, counter_get, counter_value)   answered with a counter_value
//   ACT_PROTOCOL(counter, 1, COUNTER)               name, version, list
//
// defines, for casts and calls in turn,
//   counter_ref, counter_svc            one incarnation, or whichever is there (follows restarts)
//   counter_send_incr(cx, ref, m)       ACT_OK: accepted; else why not
//   counter_cast_incr(cx, ref, m)       the same for who does not care: a refusal is undelivered
//   counter_ask_get(cx, ref, m, ms, counter_value_then)   from an actor; the answer comes later
//   counter_call_get(cx, ref, m, ms, &value)              from a foreign thread; blocks
//   counter_svc_send_incr, ..._cast_incr, ..._ask_get, ..._call_get   the same for a counter_svc
//   counter_at(ref)                     the counter_svc of a counter_ref
//   counter_lookup(cx, name, ms, counter_found_then)      asynchronous, any node
//   counter_svc_named(cx, name, &svc)   a local name, at once
//   counter_op_incr                     the wire id, an enumerator
//   counter_protocol, counter_ops_      the descriptors, weak constants
//
//   ACT_ACTOR(tally, counter, COUNTER, struct tally, struct tally_args)
//
// declares what the actor `tally` must define (static functions) and defines its act_behavior:
//   act_rc tally_init(struct tally *self, act_cx *cx, const struct tally_args *args);
//   act_rc tally_incr(struct tally *self, act_cx *cx, const counter_incr *m);
//   act_rc tally_get(struct tally *self, act_cx *cx, const counter_get *m, counter_value_reply r);
//
// A missing or different function does not compile. Where an actor speaks several protocols
// (ACT_ACTOR2, ACT_ACTOR3), their op names must differ: handlers are called <actor>_<op>, and the
// compiler reports the second definition. No semicolon follows any of these macros.
//
// Continuations are made by ACT_ON and its kin; they name functions of one actor, so nobody else
// can forge the notice that runs them.
#ifndef TROUPE_ACTORS_PROTOCOL_H
#define TROUPE_ACTORS_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "mailbox/address.h"
#include "mailbox/message.h"
#include "mailbox/schema.h"

#ifdef __cplusplus
extern "C" {
#endif

// ---- what an actor is ---------------------------------------------------------------------------

// For actors whose init takes nothing.
typedef struct act_noargs {
  uint8_t nothing_;
} act_noargs;

// A message as a router, proxy or recorder sees it (ACT_ACTOR_ANY). `message` is borrowed until the
// handler returns and is what op->message describes. `reply` means something if `wants_reply`.
typedef struct act_any {
  const act_op *op;
  const void *message;
  act_reply reply;
  bool wants_reply;
  act_pid from;
} act_any;

typedef act_rc (*act_handler_fn)(void *self, act_cx *cx, const void *message, act_reply reply);

typedef struct act_speaks {
  const act_protocol *protocol;
  const act_handler_fn *handlers;  // by act_op.index
} act_speaks;

typedef struct act_behavior {
  const char *name;
  uint32_t state_size;
  uint32_t nspeaks;
  act_rc (*init)(void *self, act_cx *cx, const void *args);
  const act_speaks *speaks;
  act_rc (*any)(void *self, act_cx *cx, const act_any *message);  // whatever is not in speaks
  uint32_t args_size;              // of what init is given, to read until it returns; act_spawn copies
                                   // that much
} act_behavior;

// ---- notices ------------------------------------------------------------------------------------

// X(name, text): why an actor is gone.
#define ACT_REASON_LIST(X)                                        \
  X(ACT_REASON_NORMAL, "normal")                                  \
  X(ACT_REASON_FAILED, "failed")                                  \
  X(ACT_REASON_KILLED, "killed")                                  \
  X(ACT_REASON_STUCK, "stuck")                                    \
  X(ACT_REASON_NOPROC, "noproc")              /* was gone already */ \
  X(ACT_REASON_NODE_LOST, "node_lost")        /* it may be alive */  \
  X(ACT_REASON_NODE_REPLACED, "node_replaced")

typedef enum act_reason {
#define ACT_REASON_ENUM_(name, text) name,
  ACT_REASON_LIST(ACT_REASON_ENUM_)
#undef ACT_REASON_ENUM_
  ACT_REASON_COUNT_
} act_reason;

// "normal", "node_lost", ...; "?" for a number that is none. Static storage; any thread.
ACT_INLINE const char *act_reason_name(act_reason reason) {
  switch (reason) {
#define ACT_REASON_CASE_(name, text) \
  case name:                         \
    return text;
    ACT_REASON_LIST(ACT_REASON_CASE_)
#undef ACT_REASON_CASE_
    default:
      return "?";
  }
}

// Notices are borrowed until the handler returns, their texts too.
typedef struct act_tick {
  uintptr_t tag;
  uint64_t missed;  // ticks of a periodic timer that this one stands for, besides itself
  int64_t now_ns;   // as act_now
} act_tick;

typedef struct act_down {
  act_pid pid;
  act_reason reason;
  act_rc rc;          // of a failure; ACT_OK otherwise
  const char *text;   // of a failure, never NULL
  uintptr_t tag;
} act_down;

typedef struct act_exit {
  act_pid pid;
  act_reason reason;
  act_rc rc;
  const char *text;
  uintptr_t tag;
  const char *child;  // its id (act_child.id)
} act_exit;

// Continuations of one kind each, so that they cannot be mixed up; zero: no handler.
typedef struct act_tick_then {
  act_then t;
} act_tick_then;
typedef struct act_down_then {
  act_then t;
} act_down_then;
typedef struct act_exit_then {
  act_then t;
} act_exit_then;
typedef struct act_done_then {
  act_then t;
} act_done_then;

// ---- what the typed functions call (implemented in actors/) -------------------------------------
// The message is borrowed for the call. Errors are those of the typed functions.

ACT_MUST act_rc act__send(act_cx *cx, act_pid to, const act_op *op, const void *message);
void act__cast(act_cx *cx, act_pid to, const act_op *op, const void *message);
ACT_MUST act_rc act__ask(act_cx *cx, act_pid to, const act_op *op, const void *message,
                         uint32_t timeout_ms, act_then then);
ACT_MUST act_rc act__call(act_cx *cx, act_pid to, const act_op *op, const void *message,
                          uint32_t timeout_ms, const void **out);
ACT_MUST act_rc act__lookup(act_cx *cx, const char *name, const act_protocol *protocol,
                            uint32_t timeout_ms, act_then then);
ACT_MUST act_rc act__svc_named(act_cx *cx, const char *name, const act_protocol *protocol,
                               act_pid *out);

#ifdef __cplusplus
}
#endif

// ---- protocols ----------------------------------------------------------------------------------

#define ACT__OP_INDEX_CAST(P, id, op, M) P##_##op##_index_,
#define ACT__OP_INDEX_CALL(P, id, op, M, R) P##_##op##_index_,
#define ACT__OP_ID_CAST(P, id, op, M) P##_op_##op = (id),
#define ACT__OP_ID_CALL(P, id, op, M, R) P##_op_##op = (id),
#define ACT__OP_CASE_CAST(P, id, op, M) case id:
#define ACT__OP_CASE_CALL(P, id, op, M, R) case id:
#define ACT__OP_ROW_CAST(P, id, op, M) \
  {&P##_protocol, (id), P##_##op##_index_, #op, &M##_schema, NULL},
#define ACT__OP_ROW_CALL(P, id, op, M, R) \
  {&P##_protocol, (id), P##_##op##_index_, #op, &M##_schema, &R##_schema},

#define ACT__CASTS(P, ref, prefix, op, M)                                                       \
  ACT_MUST ACT_INLINE act_rc prefix##send_##op(act_cx *cx, ref to, M message) {                 \
    return act__send(cx, to.pid, &P##_ops_[P##_##op##_index_], &message);                       \
  }                                                                                             \
  ACT_INLINE void prefix##cast_##op(act_cx *cx, ref to, M message) {                            \
    act__cast(cx, to.pid, &P##_ops_[P##_##op##_index_], &message);                              \
  }
#define ACT__CALLS(P, ref, prefix, op, M, R)                                                    \
  ACT_MUST ACT_INLINE act_rc prefix##ask_##op(act_cx *cx, ref to, M message, uint32_t ms,       \
                                              R##_then then) {                                  \
    return act__ask(cx, to.pid, &P##_ops_[P##_##op##_index_], &message, ms, then.t);            \
  }                                                                                             \
  ACT_MUST ACT_INLINE act_rc prefix##call_##op(act_cx *cx, ref to, M message, uint32_t ms,      \
                                               const R **out) {                                 \
    const void *value = NULL;                                                                   \
    act_rc rc = act__call(cx, to.pid, &P##_ops_[P##_##op##_index_], &message, ms, &value);      \
    *out = (const R *)value;                                                                    \
    return rc;                                                                                  \
  }
#define ACT__OP_FUNCTIONS_CAST(P, id, op, M) \
  typedef M P##_##op##_message_;             \
  ACT__CASTS(P, P##_ref, P##_, op, M)        \
  ACT__CASTS(P, P##_svc, P##_svc_, op, M)
#define ACT__OP_FUNCTIONS_CALL(P, id, op, M, R) \
  typedef M P##_##op##_message_;                \
  typedef R##_reply P##_##op##_reply_;          \
  ACT__CALLS(P, P##_ref, P##_, op, M, R)        \
  ACT__CALLS(P, P##_svc, P##_svc_, op, M, R)

#define ACT_PROTOCOL(P, protocol_version, LIST)                                                 \
  typedef struct P##_ref {                                                                      \
    act_pid pid;                                                                                \
  } P##_ref;                                                                                    \
  typedef struct P##_svc {                                                                      \
    act_pid pid;                                                                                \
  } P##_svc;                                                                                    \
  typedef struct P##_found_then {                                                               \
    act_then t;                                                                                 \
  } P##_found_then;                                                                             \
  enum { LIST(ACT__OP_INDEX_CAST, ACT__OP_INDEX_CALL, P) P##_nops_ };                           \
  enum { LIST(ACT__OP_ID_CAST, ACT__OP_ID_CALL, P) P##_version = (protocol_version) };          \
  ACT_INLINE int P##_op_ids_are_unique_(uint16_t id) {                                          \
    switch (id) { case 0: LIST(ACT__OP_CASE_CAST, ACT__OP_CASE_CALL, P) return 1;               \
                  default: return 0; }                                                          \
  }                                                                                             \
  ACT_BEGIN_C                                                                                   \
  extern const act_protocol P##_protocol ACT_WEAK;                                              \
  extern const act_op P##_ops_[P##_nops_] ACT_WEAK;                                             \
  const act_op P##_ops_[P##_nops_] = {LIST(ACT__OP_ROW_CAST, ACT__OP_ROW_CALL, P)};             \
  const act_protocol P##_protocol = {#P, P##_version, P##_nops_, P##_ops_};                     \
  ACT_END_C                                                                                     \
  LIST(ACT__OP_FUNCTIONS_CAST, ACT__OP_FUNCTIONS_CALL, P)                                       \
  /* The same actor, whichever incarnation of it. */                                            \
  ACT_INLINE P##_svc P##_at(P##_ref ref) {                                                      \
    P##_svc svc;                                                                                \
    svc.pid = ref.pid;                                                                          \
    svc.pid.epoch = 0;                                                                          \
    return svc;                                                                                 \
  }                                                                                             \
  ACT_MUST ACT_INLINE act_rc P##_lookup(act_cx *cx, const char *name, uint32_t ms,              \
                                        P##_found_then then) {                                  \
    return act__lookup(cx, name, &P##_protocol, ms, then.t);                                    \
  }                                                                                             \
  ACT_MUST ACT_INLINE act_rc P##_svc_named(act_cx *cx, const char *name, P##_svc *out) {        \
    return act__svc_named(cx, name, &P##_protocol, &out->pid);                                  \
  }

// ---- actors -------------------------------------------------------------------------------------
// The lists are walked with (I, P) in place of P: which actor, speaking which protocol. The thunks
// cast to the protocol's own message type and pass that to the handler, so a list that is not P's
// does not compile.

#define ACT__THUNK_CAST(pair, id, op, M) ACT__THUNK_CAST_(ACT__UNWRAP pair, op, M)
#define ACT__THUNK_CAST_(...) ACT__THUNK_CAST__(__VA_ARGS__)
#define ACT__THUNK_CAST__(I, P, op, M)                                                          \
  static act_rc I##_##op(I##_state *self, act_cx *cx, const M *message);                        \
  static act_rc I##_##op##_thunk_(void *self, act_cx *cx, const void *message, act_reply r) {   \
    (void)r;                                                                                    \
    return I##_##op((I##_state *)self, cx, (const P##_##op##_message_ *)message);               \
  }
#define ACT__THUNK_CALL(pair, id, op, M, R) ACT__THUNK_CALL_(ACT__UNWRAP pair, op, M, R)
#define ACT__THUNK_CALL_(...) ACT__THUNK_CALL__(__VA_ARGS__)
#define ACT__THUNK_CALL__(I, P, op, M, R)                                                       \
  static act_rc I##_##op(I##_state *self, act_cx *cx, const M *message, R##_reply reply);       \
  static act_rc I##_##op##_thunk_(void *self, act_cx *cx, const void *message, act_reply r) {   \
    P##_##op##_reply_ reply;                                                                    \
    reply.r = r;                                                                                \
    return I##_##op((I##_state *)self, cx, (const P##_##op##_message_ *)message, reply);        \
  }

#define ACT__HANDLER_CAST(pair, id, op, M) ACT__HANDLER_(ACT__UNWRAP pair, op)
#define ACT__HANDLER_CALL(pair, id, op, M, R) ACT__HANDLER_(ACT__UNWRAP pair, op)
#define ACT__HANDLER_(...) ACT__HANDLER__(__VA_ARGS__)
#define ACT__HANDLER__(I, P, op) I##_##op##_thunk_,

#define ACT__POSITION_CAST(pair, id, op, M) ACT__POSITION_(ACT__UNWRAP pair, op)
#define ACT__POSITION_CALL(pair, id, op, M, R) ACT__POSITION_(ACT__UNWRAP pair, op)
#define ACT__POSITION_(...) ACT__POSITION__(__VA_ARGS__)
#define ACT__POSITION__(I, P, op) I##_##op##_position_,

#define ACT__SAME_CAST(pair, id, op, M) ACT__SAME_(ACT__UNWRAP pair, op)
#define ACT__SAME_CALL(pair, id, op, M, R) ACT__SAME_(ACT__UNWRAP pair, op)
#define ACT__SAME_(...) ACT__SAME__(__VA_ARGS__)
#define ACT__SAME__(I, P, op) && (int)I##_##op##_position_ == (int)P##_##op##_index_

#define ACT__SPEAKS(I, P, LIST)                                                                 \
  LIST(ACT__THUNK_CAST, ACT__THUNK_CALL, (I, P))                                                \
  enum { LIST(ACT__POSITION_CAST, ACT__POSITION_CALL, (I, P)) I##_##P##_nops_ };                \
  typedef char I##_was_given_another_list_than_##P[                                             \
      (int)I##_##P##_nops_ == (int)P##_nops_                                                    \
          LIST(ACT__SAME_CAST, ACT__SAME_CALL, (I, P)) ? 1 : -1];                               \
  static const act_handler_fn I##_##P##_handlers_[P##_nops_] = {                                \
      LIST(ACT__HANDLER_CAST, ACT__HANDLER_CALL, (I, P))};

#define ACT__INIT(I, state, args)                                                               \
  typedef state I##_state;                                                                      \
  static act_rc I##_init(I##_state *self, act_cx *cx, const args *a);                           \
  static act_rc I##_init_thunk_(void *self, act_cx *cx, const void *a) {                        \
    return I##_init((I##_state *)self, cx, (const args *)a);                                    \
  }

#define ACT__BEHAVIOR(I, args, count, speaks, any)                                              \
  static const act_behavior I __attribute__((unused)) = {                                       \
      #I, (uint32_t)sizeof(I##_state), (count), I##_init_thunk_, (speaks), (any),               \
      (uint32_t)sizeof(args)};

#define ACT_ACTOR0(I, state, args) \
  ACT__INIT(I, state, args)        \
  ACT__BEHAVIOR(I, args, 0, NULL, NULL)

#define ACT_ACTOR(I, P, LIST, state, args)                                                      \
  ACT__INIT(I, state, args)                                                                     \
  ACT__SPEAKS(I, P, LIST)                                                                       \
  static const act_speaks I##_speaks_[] = {{&P##_protocol, I##_##P##_handlers_}};               \
  ACT__BEHAVIOR(I, args, 1, I##_speaks_, NULL)

#define ACT_ACTOR2(I, P1, L1, P2, L2, state, args)                                              \
  ACT__INIT(I, state, args)                                                                     \
  ACT__SPEAKS(I, P1, L1)                                                                        \
  ACT__SPEAKS(I, P2, L2)                                                                        \
  static const act_speaks I##_speaks_[] = {{&P1##_protocol, I##_##P1##_handlers_},              \
                                           {&P2##_protocol, I##_##P2##_handlers_}};             \
  ACT__BEHAVIOR(I, args, 2, I##_speaks_, NULL)

#define ACT_ACTOR3(I, P1, L1, P2, L2, P3, L3, state, args)                                      \
  ACT__INIT(I, state, args)                                                                     \
  ACT__SPEAKS(I, P1, L1)                                                                        \
  ACT__SPEAKS(I, P2, L2)                                                                        \
  ACT__SPEAKS(I, P3, L3)                                                                        \
  static const act_speaks I##_speaks_[] = {{&P1##_protocol, I##_##P1##_handlers_},              \
                                           {&P2##_protocol, I##_##P2##_handlers_},              \
                                           {&P3##_protocol, I##_##P3##_handlers_}};             \
  ACT__BEHAVIOR(I, args, 3, I##_speaks_, NULL)

// Takes whatever comes: act_rc I_any(state *self, act_cx *cx, const act_any *m).
#define ACT_ACTOR_ANY(I, state, args)                                                           \
  ACT__INIT(I, state, args)                                                                     \
  static act_rc I##_any(I##_state *self, act_cx *cx, const act_any *message);                   \
  static act_rc I##_any_thunk_(void *self, act_cx *cx, const act_any *message) {                \
    return I##_any((I##_state *)self, cx, message);                                             \
  }                                                                                             \
  ACT__BEHAVIOR(I, args, 0, NULL, I##_any_thunk_)

// A behavior is private to its file, because actors like to be called poll or index, and a global
// object of that name would take the place of the C library's function. This shows it to other files
// as I_behavior; they say `extern const act_behavior I_behavior;`. C only.
#define ACT_EXPORT(I) \
  extern const act_behavior I##_behavior __attribute__((alias(#I)));

// ---- continuations ------------------------------------------------------------------------------
// Each declares the static handler `f` of actor I, which must then be defined, and a function
// f_then(tag) that makes the continuation.

#define ACT__THEN(f, type)                                                                      \
  ACT_INLINE type f##_then(uintptr_t tag) {                                                     \
    type then;                                                                                  \
    then.t.fn = f##_thunk_;                                                                     \
    then.t.tag = tag;                                                                           \
    return then;                                                                                \
  }

// The answer to an ask: act_rc f(I_state *self, act_cx *, act_rc st, const M *v, uintptr_t tag).
// v is NULL unless st is ACT_OK.
#define ACT_ON(I, f, M)                                                                         \
  static act_rc f(I##_state *self, act_cx *cx, act_rc st, const M *v, uintptr_t tag);           \
  __attribute__((unused)) static act_rc f##_thunk_(void *self, act_cx *cx, act_rc st,           \
                                                    const void *v, uintptr_t tag) {             \
    return f((I##_state *)self, cx, st, (const M *)v, tag);                                     \
  }                                                                                             \
  ACT__THEN(f, M##_then)

// A notice: act_rc f(I_state *self, act_cx *, const act_tick *) and so on. The value of the
// continuation is the notice, always there.
#define ACT__ON_NOTICE(I, f, notice)                                                            \
  static act_rc f(I##_state *self, act_cx *cx, const notice *n);                                \
  __attribute__((unused)) static act_rc f##_thunk_(void *self, act_cx *cx, act_rc st,           \
                                                    const void *n, uintptr_t tag) {             \
    (void)st;                                                                                   \
    (void)tag;                                                                                  \
    return f((I##_state *)self, cx, (const notice *)n);                                         \
  }                                                                                             \
  ACT__THEN(f, notice##_then)
#define ACT_ON_TICK(I, f) ACT__ON_NOTICE(I, f, act_tick)
#define ACT_ON_DOWN(I, f) ACT__ON_NOTICE(I, f, act_down)
#define ACT_ON_EXIT(I, f) ACT__ON_NOTICE(I, f, act_exit)

// The end of a blocking job: act_rc f(I_state *, act_cx *, act_rc st, void *arg, uintptr_t tag).
// The value of the continuation is the job's arg, whatever st is.
#define ACT_ON_DONE(I, f)                                                                       \
  static act_rc f(I##_state *self, act_cx *cx, act_rc st, void *arg, uintptr_t tag);            \
  __attribute__((unused)) static act_rc f##_thunk_(void *self, act_cx *cx, act_rc st,           \
                                                    const void *arg, uintptr_t tag) {           \
    return f((I##_state *)self, cx, st, (void *)(uintptr_t)arg, tag);                           \
  }                                                                                             \
  ACT__THEN(f, act_done_then)

// The end of a look-up: act_rc f(I_state *, act_cx *, act_rc st, P_ref ref, uintptr_t tag). The
// value of the continuation is an act_pid, or NULL on failure, which gives the nobody reference.
#define ACT_ON_FOUND(I, f, P)                                                                   \
  static act_rc f(I##_state *self, act_cx *cx, act_rc st, P##_ref ref, uintptr_t tag);          \
  __attribute__((unused)) static act_rc f##_thunk_(void *self, act_cx *cx, act_rc st,           \
                                                    const void *pid, uintptr_t tag) {           \
    P##_ref ref;                                                                                \
    memset(&ref, 0, sizeof ref);                                                                \
    if (pid) ref.pid = *(const act_pid *)pid;                                                   \
    return f((I##_state *)self, cx, st, ref, tag);                                              \
  }                                                                                             \
  ACT__THEN(f, P##_found_then)

#endif
