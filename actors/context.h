// SPDX-License-Identifier: Apache-2.0
//
// What a handler can do: everything here takes the context that the handler was given.
//
// A context belongs to the handler call that it was passed to; keeping it beyond the return is an
// error. Unless a function says otherwise it may be called only from a handler (init, a message
// handler, a continuation) on that handler's own context, never blocks, and returns ACT_EINVAL on an
// outside context (actors/node.h), which can send, ask by call and look names up, nothing else.
//
// Times are milliseconds in uint32_t (spell them ACT_MS(200), ACT_SEC(5)); points in time are int64_t
// nanoseconds of the runtime's monotonic clock, which is virtual in a simulation.
#ifndef TROUPE_ACTORS_CONTEXT_H
#define TROUPE_ACTORS_CONTEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actors/protocol.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/status.h"
#include "mailbox/address.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ACT_MS(n) ((uint32_t)(n))
#define ACT_SEC(n) ((uint32_t)((n) * 1000u))

// --- who and when ------------------------------------------------------------------------------

// This actor's address: this incarnation. Nobody on an outside context.
act_pid act_self(const act_cx *cx);

// Who sent the message being handled; nobody for notices and for messages from outside.
act_pid act_sender(const act_cx *cx);

// Monotonic time, read once per turn, and again whenever a timer is armed or an ask is made.
int64_t act_now(const act_cx *cx);

// Wall-clock time, for people and records; jumps when the system's clock is set.
act_time act_wall(const act_cx *cx);

// 64 random bits from the runtime's seeded generator: repeatable in a simulation. Not for secrets.
uint64_t act_rand(act_cx *cx);

// --- failing and ending ------------------------------------------------------------------------

#define ACT_FAIL_TEXT_MAX 160u  // bytes kept of a failure's text, terminator included

// Notes why, and returns `why` for the handler to return: `return act_fail(cx, ACT_EFAIL, "...")`.
// A non-zero return of a handler is the failure; this only adds the text. Longer texts are cut.
act_rc act_fail(act_cx *cx, act_rc why, const char *format, ...) ACT_PRINTF(3, 4);

// Ends this actor normally once the handler returns; what waits in its mailbox is undelivered.
void act_end(act_cx *cx);

// Ends an init that returned ACT_LATER: this actor is up, its owner is told and messages flow.
// ACT_EINVAL when init has not returned ACT_LATER.
ACT_MUST act_rc act_ready(act_cx *cx);

// --- memory and clean-up -----------------------------------------------------------------------

// Memory of this actor, zeroed, freed at its stop, failure or restart, never earlier. NULL: out of
// memory. Aligned for any object.
void *act_alloc(act_cx *cx, size_t bytes);

// Memory until this handler returns, not zeroed. NULL: out of memory.
void *act_scratch(act_cx *cx, size_t bytes);

// Runs fn(arg) when this actor stops, fails or is restarted; the last deferred runs first. Clean-ups
// run on a worker and must not block for long. ACT_ENOMEM: not noted, so call fn yourself.
ACT_MUST act_rc act_defer(act_cx *cx, void (*fn)(void *), void *arg);

// --- log ---------------------------------------------------------------------------------------

// One line to the runtime's log sink at level INFO (act_log) or `level`, with the actor's name and
// address added. Longer lines are cut with a mark.
void act_log(act_cx *cx, const char *format, ...) ACT_PRINTF(2, 3);
void act_log_at(act_cx *cx, act_log_level level, const char *format, ...) ACT_PRINTF(3, 4);

// --- timers ------------------------------------------------------------------------------------

// Zero-initialised: no timer. Keep it in the actor's state: arming through it again replaces what
// it armed before, so one variable is one live timer.
typedef struct act_timer {
  uint32_t index, gen;
} act_timer;

// After `ms`, once (act_after), or every `ms` (act_every), `then`'s handler runs. A periodic tick
// that comes late carries how many were missed and is not repeated. `timer` may be NULL: fire and
// forget. ACT_ELIMIT past the actor's bound of timers (act_limits), ACT_ENOMEM, ACT_EINVAL for
// act_every with 0.
ACT_MUST act_rc act_after(act_cx *cx, uint32_t ms, act_tick_then then, act_timer *timer);
ACT_MUST act_rc act_every(act_cx *cx, uint32_t ms, act_tick_then then, act_timer *timer);

// After this its tick is never seen, also when it was queued already. Harmless when it is not armed.
void act_cancel(act_cx *cx, act_timer *timer);

// --- monitors ----------------------------------------------------------------------------------

typedef struct act_mon {
  uint32_t index, gen;
} act_mon;

// `then`'s handler runs exactly once when the actor is gone, after its last message to this one; at
// once (NOPROC) when it is gone already. `mon` may be NULL. ACT_ELIMIT, ACT_ENOMEM.
ACT_MUST act_rc act_monitor(act_cx *cx, act_pid pid, act_down_then then, act_mon *mon);

// After this no DOWN is seen for it. Harmless when it has come already.
void act_demonitor(act_cx *cx, act_mon *mon);

// --- sending to a mailbox that parks ------------------------------------------------------------

// Is a message of this actor's waiting for room in a full ACT_PARK mailbox (actors/supervise.h)? Until
// it has moved, timed out (an undelivered record with ACT_ETIMEDOUT, and the end of its ask) or lost
// its target (ACT_EDEAD), sends to full mailboxes are ACT_EFULL and, once this handler has returned, no
// user message is handled. Answers to the same target follow the message. Replies, ticks and job
// results are handled meanwhile, in their own order but before user messages that came earlier; DOWN
// and exits of children keep their place behind those.
bool act_parked(const act_cx *cx);

// --- requests ----------------------------------------------------------------------------------

// Keeps a reply token beyond this handler: store it, answer it in a later turn. A kept token that
// is never answered ends ACT_EDROPPED with this actor. Pass the token's member: act_reply_keep(cx,
// r.r). ACT_ELIMIT, ACT_ENOMEM; ACT_EINVAL when it is not the token of the request being handled.
ACT_MUST act_rc act_reply_keep(act_cx *cx, act_reply reply);

// Passes the message being handled by an ACT_ACTOR_ANY actor on as it is; the reply token, if any,
// goes with it and is no longer this actor's. Errors of a send; on error the token is still ours.
ACT_MUST act_rc act_forward(act_cx *cx, act_pid to, const act_any *message);

// --- children ----------------------------------------------------------------------------------

struct act_child;

// Starts a temporary child of this actor: it stops when its owner does. Its end is told to `then`;
// where `then` has no handler (a zero act_exit_then) a child's failure fails the owner. Returns at
// once: init runs on a worker, messages queue meanwhile. `child` and what it points to are copied,
// except args of a plain struct type beyond its own bytes, and a `sup`: that tree is borrowed until
// the child has ended. So long, its last clean-up included, its copy of args lasts. ACT_ELIMIT, ACT_ENOMEM, ACT_EEXIST (name).
ACT_MUST act_rc act_spawn(act_cx *cx, const struct act_child *child, act_exit_then then,
                          act_pid *out);

// Asks a child of this actor to stop, within its stop_ms; its exit notice tells when it has. Anybody
// may be asked by its own owner only: ACT_EACCES otherwise; ACT_EDEAD when it is gone.
ACT_MUST act_rc act_stop_child(act_cx *cx, act_pid child);

// --- blocking work -----------------------------------------------------------------------------

// A job for the blocking pool. It owns `arg`: `destroy(arg)` runs exactly once, after `then`'s
// handler has seen it, or instead, when the actor is gone by then.
typedef struct act_job {
  act_rc (*run)(void *arg);      // on a pool thread; may block; no context there
  void *arg;
  void (*destroy)(void *arg);    // may be NULL
} act_job;

// Runs job.run(arg) on the blocking pool and then `then`'s handler with its status and arg.
// ACT_EFULL: the pool's queue is full; ACT_ELIMIT, ACT_ENOMEM. On error arg is still the caller's.
ACT_MUST act_rc act_blocking(act_cx *cx, act_job job, act_done_then then);

#ifdef __cplusplus
}
#endif
#endif
