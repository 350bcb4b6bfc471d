// SPDX-License-Identifier: Apache-2.0
//
// A continuation for ticks where one for DOWN belongs.
// gcc: incompatible type for argument 1 of 'take_down'
// clang: passing 'act_tick_then' .* to parameter of incompatible type 'act_down_then'
#include "tests/compile_fail/counter.h"

typedef struct state tally_state;
ACT_ON_TICK(tally, on_tick)
ACT_ON_DOWN(tally, on_down)

static void take_down(act_down_then then) { (void)then; }

static act_rc on_tick(struct state *self, act_cx *cx, const act_tick *tick) {
  (void)self, (void)cx, (void)tick;
#ifdef MISTAKE
  take_down(on_tick_then(0));
#else
  take_down(on_down_then(0));
#endif
  return ACT_OK;
}
static act_rc on_down(struct state *self, act_cx *cx, const act_down *down) {
  (void)self, (void)cx, (void)down;
  return ACT_OK;
}
void use(struct state *self, act_cx *cx);
void use(struct state *self, act_cx *cx) { (void)self, (void)cx, (void)on_tick_then(0); }
