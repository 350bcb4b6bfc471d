// SPDX-License-Identifier: Apache-2.0
//
// One incarnation where the reference must follow restarts.
// gcc: incompatible type for argument 2 of 'counter_svc_send_incr'
// clang: passing 'counter_ref' .* to parameter of incompatible type 'counter_svc'
#include "tests/compile_fail/counter.h"

act_rc use(act_cx *cx, struct state *self);
act_rc use(act_cx *cx, struct state *self) {
#ifdef MISTAKE
  return counter_svc_send_incr(cx, self->counter, (counter_incr){.by = 1});
#else
  return counter_svc_send_incr(cx, counter_at(self->counter), (counter_incr){.by = 1});
#endif
}
