// SPDX-License-Identifier: Apache-2.0
//
// A request answered with another type than it promises.
// gcc: incompatible type for argument 3 of 'counter_value_answer'
// clang: passing 'logger_count' .* to parameter of incompatible type 'counter_value'
#include "tests/compile_fail/counter.h"

act_rc use(act_cx *cx, struct state *self, counter_value_reply r);
act_rc use(act_cx *cx, struct state *self, counter_value_reply r) {
#ifdef MISTAKE
  return counter_value_answer(cx, r, (logger_count){.lines = (uint64_t)self->n});
#else
  return counter_value_answer(cx, r, (counter_value){.value = self->n});
#endif
}
