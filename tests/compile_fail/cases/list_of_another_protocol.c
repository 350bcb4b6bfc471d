// SPDX-License-Identifier: Apache-2.0
//
// An actor is given a list whose operations stand in another order than the protocol's.
// gcc: tally_was_given_another_list_than_second
// clang: tally_was_given_another_list_than_second
#include "tests/compile_fail/counter.h"

#define FIRST(CAST, CALL, P)     \
  CAST(P, 1, line, logger_line)  \
  CAST(P, 2, other, logger_line)
#define SECOND(CAST, CALL, P)    \
  CAST(P, 2, other, logger_line) \
  CAST(P, 1, line, logger_line)
ACT_PROTOCOL(second, 1, SECOND)
#ifdef MISTAKE
ACT_ACTOR(tally, second, FIRST, struct state, act_noargs)
#else
ACT_ACTOR(tally, second, SECOND, struct state, act_noargs)
#endif
const act_behavior *behavior(void);
const act_behavior *behavior(void) { return &tally; }

static act_rc tally_init(struct state *self, act_cx *cx, const act_noargs *args) {
  (void)self, (void)cx, (void)args;
  return ACT_OK;
}
static act_rc tally_line(struct state *self, act_cx *cx, const logger_line *m) {
  (void)self, (void)cx, (void)m;
  return ACT_OK;
}
static act_rc tally_other(struct state *self, act_cx *cx, const logger_line *m) {
  (void)self, (void)cx, (void)m;
  return ACT_OK;
}
