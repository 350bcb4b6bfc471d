// SPDX-License-Identifier: Apache-2.0
//
// A stop that comes while its actor starts, in the one state in which the start takes the stop's knock
// away and leaves nothing to do behind it: something that came late stands in the inbox, and init
// parks. No interleaving of turns leads there, only that of threads; so the test plays the other
// threads itself: a sender that was let in by the last life and pushes in the next one, and the owner.
#include <string.h>

#include "actors/child.h"
#include "tests/actors/world.h"

#define SEEDS 20u

ACT_ON_DONE(puppet_actor, on_done)

static struct world world;
static struct act__cell *cell;  // of the actor that all is about
static puppet_ref full;
static bool job_ran, restarted, parked;

static struct act__system *system_of_world(void) {
  return (struct act__system *)(void *)act_sim_runtime(world.sim);
}

static act_rc on_done(struct puppet *self, act_cx *cx, act_rc st, void *arg, uintptr_t tag) {
  (void)self;
  (void)cx;
  (void)arg;
  (void)tag;
  return st;
}

// --- one that waits for ever, and is full ------------------------------------------------------------

static act_rc never_ready(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  (void)cx;
  (void)arg;
  return ACT_LATER;
}

static act_rc make_full(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  (void)arg;
  struct puppet_args args = {.init = never_ready};
  act_child child = {.behavior = &puppet_actor, .args = &args,
                     .mailbox = {.msgs = 1, .full = ACT_PARK}};
  act_rc rc = act_spawn(cx, &child, (act_exit_then){{NULL, 0}}, &full.pid);
  return rc ? rc : puppet_send_note(cx, full, (puppet_number){.n = 1});
}

// --- its two lives -----------------------------------------------------------------------------------

static act_rc run_job(void *arg) {
  (void)arg;
  job_ran = true;
  return ACT_OK;
}

// Between two steps of its turn, in the place of the owner: what a back-off that is over does.
static void restart(void *arg) {
  (void)arg;
  struct act__birth *birth = &act__annex(cell)->birth;
  if (!birth->restarting) return;
  act__child_restart(&system_of_world()->worker_contexts[0], birth, 0);
  restarted = true;
}

static act_rc fail_with_a_job_out(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  (void)arg;
  act_rc rc = act_blocking(cx, (act_job){.run = run_job, .destroy = restart}, on_done_then(0));
  return rc ? rc : ACT_EFAIL;
}

static act_rc be_stopped_and_park(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  (void)arg;
  if (!job_ran) return ACT_OK;  // its first life
  act__child_stop(cx, &act__annex(cell)->birth);
  act_rc rc = puppet_send_note(cx, full, (puppet_number){.n = 2});
  parked = act_parked(cx);
  return rc;
}

// --- a sender that takes its time --------------------------------------------------------------------

static struct act__env *late;

static void reserve(void) {
  uint32_t gen = act__mailbox_generation(&cell->mailbox);
  assert_int_equal(act__mailbox_reserve(&cell->mailbox, gen, 1, 2, 2), ACT__ADMIT_OK);
  late = act__env_allocate(system_of_world(), NULL, sizeof(puppet_number), ACT__ENV_COUNTED);
  assert_non_null(late);
  late->op = &puppet_protocol.ops[1];
  assert_int_equal(late->op->id, puppet_op_note);
}

static void push(void) {
  act__cell_push(system_of_world(), NULL, cell, late);
}

// False: the job was so quick that the owner had not heard of the failure yet.
static bool is_stopped_in_its_second_start(uint64_t seed) {
  static const act_log_sink silent = {.fn = NULL};
  static const act_node node = {.name = "test", .log = &silent};
  const struct puppet_args args = {.init = be_stopped_and_park};
  const act_child kids[] = {{.id = "kid", .name = "kid", .behavior = &puppet_actor, .args = &args,
                             .restart = ACT_TRANSIENT}};
  const act_sup sup = {.kids = kids, .nkids = 1, .backoff = {.first_ms = 1000}};
  job_ran = restarted = parked = false;
  assert_int_equal(act_sim_open(seed, &node, &sup, &world.sim), ACT_OK);
  world.cx = act_sim_cx(world.sim);
  world_run(&world, world_puppet(&world, NULL), make_full, NULL);
  puppet_svc kid;
  assert_int_equal(puppet_svc_named(world.cx, "kid", &kid), ACT_OK);
  cell = act__cell_at(system_of_world(), kid.pid.slot);

  puppet_do fail = {.fn = (uintptr_t)fail_with_a_job_out};
  assert_int_equal(puppet_svc_send_run(world.cx, kid, fail), ACT_OK);
  reserve();
  while (!job_ran) assert_true(act_sim_step(world.sim));
  push();  // behind the job's notice: one look finds both
  act_sim_settle(world.sim);
  assert_int_equal(parked, restarted);
  if (restarted) {
    assert_false(act_sim_is_alive(world.sim, kid.pid));
    assert_int_equal(world_counters(&world).undelivered, 2);  // the late one, and its own
  }
  world_close(&world);
  return restarted;
}

static void a_stop_whose_knock_the_start_took_is_obeyed(void **state) {
  (void)state;
  unsigned staged = 0;
  for (uint64_t seed = 1; seed <= SEEDS; seed++) staged += is_stopped_in_its_second_start(seed);
  assert_true(staged > 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_stop_whose_knock_the_start_took_is_obeyed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
