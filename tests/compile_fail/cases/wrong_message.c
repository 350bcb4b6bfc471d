// SPDX-License-Identifier: Apache-2.0
//
// A message that this operation does not take.
// gcc: incompatible type for argument 3 of 'counter_send_incr'
// clang: passing 'counter_get' .* to parameter of incompatible type 'counter_incr'
#include "tests/compile_fail/counter.h"

act_rc use(act_cx *cx, struct state *self);
act_rc use(act_cx *cx, struct state *self) {
#ifdef MISTAKE
  return counter_send_incr(cx, self->counter, (counter_get){.reset = true});
#else
  return counter_send_incr(cx, self->counter, (counter_incr){.by = 1});
#endif
}
