// SPDX-License-Identifier: Apache-2.0
//
// A handler for another message than the operation's.
// gcc: conflicting types for 'tally_incr'
// clang: conflicting types for 'tally_incr'
#include "tests/compile_fail/counter.h"

#define INCR(CAST, CALL, P) CAST(P, 1, incr, counter_incr)
ACT_PROTOCOL(incrementer, 1, INCR)
ACT_ACTOR(tally, incrementer, INCR, struct state, act_noargs)
const act_behavior *behavior(void);
const act_behavior *behavior(void) { return &tally; }

static act_rc tally_init(struct state *self, act_cx *cx, const act_noargs *args) {
  (void)cx, (void)args;
  self->n = 0;
  return ACT_OK;
}
#ifdef MISTAKE
static act_rc tally_incr(struct state *self, act_cx *cx, const counter_get *m) {
#else
static act_rc tally_incr(struct state *self, act_cx *cx, const counter_incr *m) {
#endif
  (void)cx, (void)m;
  self->n++;
  return ACT_OK;
}
