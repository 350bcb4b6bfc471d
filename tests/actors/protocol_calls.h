// SPDX-License-Identifier: Apache-2.0
//
// Stand-ins for what the typed functions call: each notes its arguments in `calls`.
#ifndef TROUPE_TESTS_ACTORS_PROTOCOL_CALLS_H
#define TROUPE_TESTS_ACTORS_PROTOCOL_CALLS_H

#include <stdio.h>

#include "tests/actors/protocol_contract.h"

static struct {
  act_rc rc;  // what the next calls return
  char what[64];
  act_pid to;
  const act_op *op;
  const act_protocol *protocol;
  int64_t number;  // of the message: by, reset, value
  uint32_t ms;
  act_then then;
  act_reply reply;
  act_rc status;
} calls;

static void calls_reset(void) {
  memset(&calls, 0, sizeof calls);
}

static void calls_expect(const char *what, act_pid to, const act_op *op, int64_t number) {
  assert_string_equal(calls.what, what);
  assert_true(act_pid_equal(calls.to, to));
  assert_ptr_equal(calls.op, op);
  assert_int_equal(calls.number, number);
}

static void note(const char *what, act_pid to, const act_op *op, const void *message) {
  snprintf(calls.what, sizeof calls.what, "%s", what);
  calls.to = to;
  calls.op = op;
  calls.number = op == &counter_ops_[0] ? ((const counter_incr *)message)->by
                                        : ((const counter_get *)message)->reset;
}

act_rc act__send(act_cx *cx, act_pid to, const act_op *op, const void *message) {
  (void)cx;
  note("send", to, op, message);
  return calls.rc;
}

void act__cast(act_cx *cx, act_pid to, const act_op *op, const void *message) {
  (void)cx;
  note("cast", to, op, message);
}

act_rc act__ask(act_cx *cx, act_pid to, const act_op *op, const void *message, uint32_t timeout_ms,
                act_then then) {
  (void)cx;
  note("ask", to, op, message);
  calls.ms = timeout_ms;
  calls.then = then;
  return calls.rc;
}

act_rc act__call(act_cx *cx, act_pid to, const act_op *op, const void *message, uint32_t timeout_ms,
                 const void **out) {
  static const counter_value value = {77};
  (void)cx;
  note("call", to, op, message);
  calls.ms = timeout_ms;
  *out = &value;
  return calls.rc;
}

act_rc act__answer(act_cx *cx, act_reply reply, act_rc status, const act_schema *schema,
                   const void *message) {
  (void)cx;
  assert_ptr_equal(schema, &counter_value_schema);
  snprintf(calls.what, sizeof calls.what, "answer");
  calls.reply = reply;
  calls.status = status;
  calls.number = message ? ((const counter_value *)message)->value : 0;
  return calls.rc;
}

act_rc act__lookup(act_cx *cx, const char *name, const act_protocol *protocol, uint32_t timeout_ms,
                   act_then then) {
  (void)cx;
  snprintf(calls.what, sizeof calls.what, "lookup %s", name);
  calls.protocol = protocol;
  calls.ms = timeout_ms;
  calls.then = then;
  return calls.rc;
}

act_rc act__svc_named(act_cx *cx, const char *name, const act_protocol *protocol, act_pid *out) {
  (void)cx;
  snprintf(calls.what, sizeof calls.what, "named %s", name);
  calls.protocol = protocol;
  *out = (act_pid){1, 42, 1, 0, 0};
  return calls.rc;
}

#endif
