// SPDX-License-Identifier: Apache-2.0
//
// A C++ program's part in protocol_test: it sends, asks, calls, and has an actor of its own.
#include "tests/actors/protocol_contract.h"

namespace {
struct cxx_state {
  int64_t value;
};
struct cxx_args {
  int64_t start;
};
}  // namespace

ACT_ACTOR(cxx_tally, counter, COUNTER, struct cxx_state, struct cxx_args)
ACT_ON(cxx_tally, on_value, counter_value)

static act_rc cxx_tally_init(cxx_state *self, act_cx *, const cxx_args *args) {
  self->value = args->start;
  return ACT_OK;
}
static act_rc cxx_tally_incr(cxx_state *self, act_cx *, const counter_incr *m) {
  self->value += m->by;
  return ACT_OK;
}
static act_rc cxx_tally_get(cxx_state *self, act_cx *cx, const counter_get *,
                            counter_value_reply r) {
  counter_value answer = {self->value};
  return counter_value_answer(cx, r, answer);
}
static act_rc on_value(cxx_state *self, act_cx *, act_rc st, const counter_value *v, uintptr_t) {
  if (st == ACT_OK) self->value = v->value;
  return st;
}

act_rc cxx_send(act_cx *cx, counter_ref ref, int64_t by) {
  counter_incr m = {};
  m.by = by;
  m.why = ACT_STR("C++");
  return counter_send_incr(cx, ref, m);
}

act_rc cxx_ask(act_cx *cx, counter_ref ref) {
  counter_get m = {};
  return counter_ask_get(cx, ref, m, 200, on_value_then(1));
}

int64_t cxx_call(act_cx *cx, counter_ref ref) {
  counter_get m = {};
  const counter_value *value = nullptr;
  return counter_call_get(cx, ref, m, 200, &value) == ACT_OK ? value->value : -1;
}

int64_t cxx_continue(act_then then, int64_t value) {
  cxx_state self = {0};
  counter_value answer = {value};
  return then.fn(&self, nullptr, ACT_OK, &answer, then.tag) == ACT_OK ? self.value : -1;
}

const act_behavior *cxx_behavior(void) {
  return &cxx_tally;
}
