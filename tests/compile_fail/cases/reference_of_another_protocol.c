// SPDX-License-Identifier: Apache-2.0
//
// A message sent through the reference of another protocol.
// gcc: incompatible type for argument 2 of 'counter_send_incr'
// clang: passing 'logger_ref' .* to parameter of incompatible type 'counter_ref'
#include "tests/compile_fail/counter.h"

act_rc use(act_cx *cx, struct state *self);
act_rc use(act_cx *cx, struct state *self) {
#ifdef MISTAKE
  return counter_send_incr(cx, self->logger, (counter_incr){.by = 1});
#else
  return counter_send_incr(cx, self->counter, (counter_incr){.by = 1});
#endif
}
