// SPDX-License-Identifier: Apache-2.0
//
// Nobody looks whether the message was accepted.
// gcc: ignoring return value of 'counter_send_incr'
// clang: ignoring return value of function declared with 'warn_unused_result'
#include "tests/compile_fail/counter.h"

void use(act_cx *cx, struct state *self);
void use(act_cx *cx, struct state *self) {
#ifdef MISTAKE
  counter_send_incr(cx, self->counter, (counter_incr){.by = 1});
#else
  counter_cast_incr(cx, self->counter, (counter_incr){.by = 1});
#endif
}
