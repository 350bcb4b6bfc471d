// SPDX-License-Identifier: Apache-2.0
//
// An ask whose answer is given to a continuation for another type.
// gcc: incompatible type for argument 5 of 'counter_ask_get'
// clang: passing 'logger_count_then' .* to parameter of incompatible type 'counter_value_then'
#include "tests/compile_fail/counter.h"

typedef struct state tally_state;
ACT_ON(tally, on_value, counter_value)
ACT_ON(tally, on_count, logger_count)

static act_rc on_value(struct state *self, act_cx *cx, act_rc st, const counter_value *v,
                       uintptr_t tag) {
  (void)self, (void)cx, (void)v, (void)tag;
  return st;
}
static act_rc on_count(struct state *self, act_cx *cx, act_rc st, const logger_count *v,
                       uintptr_t tag) {
  (void)cx, (void)v, (void)tag;
  if (st != ACT_OK) return st;
#ifdef MISTAKE
  return counter_ask_get(cx, self->counter, (counter_get){.reset = false}, 200, on_count_then(0));
#else
  return counter_ask_get(cx, self->counter, (counter_get){.reset = false}, 200, on_value_then(0));
#endif
}
