// SPDX-License-Identifier: Apache-2.0
//
// Calls: asks of foreign threads, which wait for the end.
#include "actors/ask.h"
#include "actors/system_run.h"
#include "base/clock.h"

// What the caller sees in `done`.
enum { CALL_OPEN, CALL_ENDED, CALL_LEFT };

struct act__ask_call {
  struct act__parker parker;
  ACT__ATOMIC(uint32_t) done;
};

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

// The call is on its caller's stack, so that must not return while we are in it: the second store is
// the last thing we touch.
void act__ask_call_ended(struct act__ask_call *call) {
  // release [called]: pairs with the acquire in wait_for_end.
  act__store_release(&call->done, CALL_ENDED);
  act__parker_unpark(&call->parker);
  // release [left]: pairs with the acquire in wait_for_end.
  act__store_release(&call->done, CALL_LEFT);
}

static void wait_for_end(struct act__system *system, struct act__ask_call *call) {
  bool on_workers = act__exec_flavour(system->exec) == ACT__POOL;
  // acquire [called]: pairs with the release in act__ask_call_ended.
  while (act__load_acquire(&call->done) == CALL_OPEN) {
    if (on_workers) {
      act__parker_park(&call->parker, INT64_MAX);  // the ask's own alarm ends it at the deadline
    } else {
      wait_without_workers(system, &call->parker);
    }
  }
  // acquire [left]: pairs with the release in act__ask_call_ended; a few instructions away.
  while (act__load_acquire(&call->done) != CALL_LEFT) act__thread_yield();
}

act_rc act__call(act_cx *cx, act_pid to, const act_op *op, const void *message, uint32_t timeout_ms,
                 const void **out) {
  *out = NULL;
  // Also a handler that calls through an outside context would wait for itself.
  if (cx->cell || cx->me || act__system_is_inside(cx->system)) return ACT_EDEADLK;
  if (timeout_ms == 0) return ACT_EINVAL;
  act_rc rc = ACT_OK;
  struct act__ask *ask = act__ask_allocate(cx, &rc);
  if (!ask) return rc;
  struct act__ask_call call;
  act__parker_init(&call.parker);
  act__atomic_init(&call.done, CALL_OPEN);
  ask->op = op;
  ask->notice.owner = NULL;
  ask->call = &call;
  int64_t deadline_ns = act__ask_deadline(cx, timeout_ms);
  act__ask_send(cx, ask, act__ask_open(cx, ask, deadline_ns), &to, op, message, deadline_ns);
  wait_for_end(cx->system, &call);
  act__parker_fini(&call.parker);
  rc = ask->status;
  *out = ask->value;  // its block goes with it: act_reply_free
  act__ask_free(cx, ask);
  return rc;
}

void act_reply_free(act_cx *cx, const void *reply) {
  if (!reply) return;
  act__answer_free(cx->system, cx, (struct act__answer_block *)(uintptr_t)reply - 1);
}
