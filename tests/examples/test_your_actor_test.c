// SPDX-License-Identifier: Apache-2.0
//
// How a user tests an actor: under virtual time, with cmocka. The README shows the part between the
// marks.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <troupe.h>

#include "actors/sim.h"

// A lamp that goes out by itself an hour after it was switched on.
ACT_MSG(lamp_switch, (flag, on, 1))
ACT_MSG(lamp_look, (flag, nothing, 1))
ACT_MSG(lamp_light, (flag, on, 1))
#define LAMP(CAST, CALL, P)        \
  CAST(P, 1, flip, lamp_switch)    \
  CALL(P, 2, look, lamp_look, lamp_light)
ACT_PROTOCOL(lamp, 1, LAMP)

struct bulb {
  bool on;
  act_timer out;
};
ACT_ACTOR(bulb, lamp, LAMP, struct bulb, act_noargs)
ACT_ON_TICK(bulb, go_out)

static act_rc bulb_init(struct bulb *self, act_cx *cx, const act_noargs *args) {
  (void)self;
  (void)cx;
  (void)args;
  return ACT_OK;
}

static act_rc bulb_flip(struct bulb *self, act_cx *cx, const lamp_switch *m) {
  self->on = m->on;
  return act_after(cx, ACT_SEC(3600), go_out_then(0), &self->out);
}

static act_rc bulb_look(struct bulb *self, act_cx *cx, const lamp_look *m, lamp_light_reply r) {
  (void)m;
  return lamp_light_answer(cx, r, (lamp_light){.on = self->on});
}

static act_rc go_out(struct bulb *self, act_cx *cx, const act_tick *tick) {
  (void)cx;
  (void)tick;
  self->on = false;
  return ACT_OK;
}

// README: test begin
static void lamp_goes_out_after_an_hour(void **state) {
  act_sim *sim;
  lamp_ref lamp;
  const lamp_light *light;
  assert_int_equal(act_sim_open(/*seed*/ 1, NULL, NULL, &sim), ACT_OK);
  assert_int_equal(act_sim_spawn(sim, &(act_child){.behavior = &bulb}, &lamp.pid), ACT_OK);
  assert_int_equal(lamp_send_flip(act_sim_cx(sim), lamp, (lamp_switch){.on = true}), ACT_OK);
  act_sim_advance(sim, ACT_SEC(3601));  // virtual: takes microseconds
  assert_int_equal(lamp_call_look(act_sim_cx(sim), lamp, (lamp_look){0}, 100, &light), ACT_OK);
  assert_false(light->on);
  act_reply_free(act_sim_cx(sim), light);
  assert_int_equal(act_sim_close(sim), 0);
}
// README: test end

static void lamp_is_still_on_after_half_an_hour(void **state) {
  (void)state;
  act_sim *sim;
  lamp_ref lamp;
  const lamp_light *light;
  assert_int_equal(act_sim_open(2, NULL, NULL, &sim), ACT_OK);
  assert_int_equal(act_sim_spawn(sim, &(act_child){.behavior = &bulb}, &lamp.pid), ACT_OK);
  assert_int_equal(lamp_send_flip(act_sim_cx(sim), lamp, (lamp_switch){.on = true}), ACT_OK);
  act_sim_advance(sim, ACT_SEC(1800));
  assert_int_equal(lamp_call_look(act_sim_cx(sim), lamp, (lamp_look){0}, 100, &light), ACT_OK);
  assert_true(light->on);
  act_reply_free(act_sim_cx(sim), light);
  assert_int_equal(act_sim_close(sim), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lamp_goes_out_after_an_hour),
      cmocka_unit_test(lamp_is_still_on_after_half_an_hour),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
