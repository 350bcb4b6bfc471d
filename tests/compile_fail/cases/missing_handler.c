// SPDX-License-Identifier: Apache-2.0
//
// An operation of the protocol that the actor does not handle.
// gcc: 'tally_get' used but never defined
// clang: function 'tally_get' has internal linkage but is not defined
#include "tests/compile_fail/counter.h"

ACT_ACTOR(tally, counter, COUNTER, struct state, act_noargs)
const act_behavior *behavior(void);
const act_behavior *behavior(void) { return &tally; }

static act_rc tally_init(struct state *self, act_cx *cx, const act_noargs *args) {
  (void)cx, (void)args;
  self->n = 0;
  return ACT_OK;
}
static act_rc tally_incr(struct state *self, act_cx *cx, const counter_incr *m) {
  (void)cx;
  self->n += m->by;
  return ACT_OK;
}
#ifndef MISTAKE
static act_rc tally_get(struct state *self, act_cx *cx, const counter_get *m,
                        counter_value_reply r) {
  (void)m;
  return counter_value_answer(cx, r, (counter_value){.value = self->n});
}
#endif
