// SPDX-License-Identifier: Apache-2.0
//
// An actor is given a list with another message for the same operation.
// gcc: passing argument 3 of 'tally_line' from incompatible pointer type
// clang: passing 'const second_line_message_ \*' .* to parameter of type 'const counter_incr \*'
#include "tests/compile_fail/counter.h"

#define FIRST(CAST, CALL, P) CAST(P, 1, line, counter_incr)
#define SECOND(CAST, CALL, P) CAST(P, 1, line, logger_line)
ACT_PROTOCOL(second, 1, SECOND)
#ifdef MISTAKE
ACT_ACTOR(tally, second, FIRST, struct state, act_noargs)
typedef counter_incr taken;
#else
ACT_ACTOR(tally, second, SECOND, struct state, act_noargs)
typedef logger_line taken;
#endif
const act_behavior *behavior(void);
const act_behavior *behavior(void) { return &tally; }

static act_rc tally_init(struct state *self, act_cx *cx, const act_noargs *args) {
  (void)self, (void)cx, (void)args;
  return ACT_OK;
}
static act_rc tally_line(struct state *self, act_cx *cx, const taken *m) {
  (void)self, (void)cx, (void)m;
  return ACT_OK;
}
