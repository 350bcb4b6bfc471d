// SPDX-License-Identifier: Apache-2.0
//
// An actor speaks two protocols that have an operation of the same name.
// gcc: redefinition of 'tally_line_thunk_'
// clang: redefinition of 'tally_line_thunk_'
#include "tests/compile_fail/counter.h"

#ifdef MISTAKE
#define OTHER(CAST, CALL, P) CAST(P, 1, line, logger_line)
#else
#define OTHER(CAST, CALL, P) CAST(P, 1, other, logger_line)
#endif
#define FIRST(CAST, CALL, P) CAST(P, 1, line, logger_line)
ACT_PROTOCOL(first, 1, FIRST)
ACT_PROTOCOL(other, 1, OTHER)
ACT_ACTOR2(tally, first, FIRST, other, OTHER, struct state, act_noargs)
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
static act_rc tally_other(struct state *self, act_cx *cx, const logger_line *m)
    __attribute__((unused));
static act_rc tally_other(struct state *self, act_cx *cx, const logger_line *m) {
  (void)self, (void)cx, (void)m;
  return ACT_OK;
}
