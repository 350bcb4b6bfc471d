// SPDX-License-Identifier: Apache-2.0
//
// A field that the message does not have.
// gcc: has no member named 'bye'; did you mean 'by'
// clang: field designator 'bye' does not refer to any field
#include "tests/compile_fail/counter.h"

act_rc use(act_cx *cx, struct state *self);
act_rc use(act_cx *cx, struct state *self) {
#ifdef MISTAKE
  return counter_send_incr(cx, self->counter, (counter_incr){.bye = 1});
#else
  return counter_send_incr(cx, self->counter, (counter_incr){.by = 1});
#endif
}
