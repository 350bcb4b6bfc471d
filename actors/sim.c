// SPDX-License-Identifier: Apache-2.0
//
// Simulation for tests: a system on the simulation executor, moved by the test.
#include "actors/sim.h"

#include <string.h>

#include "actors/cell.h"
#include "actors/system_run.h"
#include "base/alloc.h"
#include "base/check.h"

#define SIM_STOP_MS 600000u  // virtual

// The test's own actor, so that actors which tests start have an owner. It survives their failures.
struct act_sim {
  struct act__system *system;
  act_cx *outside;
  act_sup root;
  act_child kids[2];
  act_sup tests_tree;
  act_pid nursery;
};

struct nursery {
  act_rc last;
};

ACT_MSG(sim_spawn_, (u64, child, 1))
ACT_MSG(sim_spawned_, (pid, pid, 1))
#define SIM_NURSERY_(CAST, CALL, P) CALL(P, 1, spawn, sim_spawn_, sim_spawned_)
ACT_PROTOCOL(sim_nursery_, 1, SIM_NURSERY_)
ACT_ACTOR(nursery, sim_nursery_, SIM_NURSERY_, struct nursery, act_noargs)
ACT_ON_EXIT(nursery, on_test_exit)

static act_rc nursery_init(struct nursery *self, act_cx *cx, const act_noargs *args) {
  (void)self;
  (void)cx;
  (void)args;
  return ACT_OK;
}

static act_rc on_test_exit(struct nursery *self, act_cx *cx, const act_exit *exit) {
  (void)cx;
  self->last = exit->rc;
  return ACT_OK;
}

static act_rc nursery_spawn(struct nursery *self, act_cx *cx, const sim_spawn_ *m,
                            sim_spawned__reply r) {
  (void)self;
  sim_spawned_ answer = {.pid = {0, 0, 0, 0, 0}};
  const act_child *child = (const act_child *)(uintptr_t)m->child;
  act_rc rc = act_spawn(cx, child, on_test_exit_then(0), &answer.pid);
  return rc ? sim_spawned__refuse(cx, r, rc) : sim_spawned__answer(cx, r, answer);
}

static void build_tree(act_sim *sim, const act_sup *root) {
  unsigned n = 0;
  sim->kids[n++] = (act_child){.id = "tests", .behavior = &nursery};
  if (root) {
    sim->tests_tree = *root;
    sim->kids[n++] = (act_child){.id = "tree", .sup = &sim->tests_tree, .restart = ACT_TEMPORARY,
                                 .stop_ms = SIM_STOP_MS, .start_ms = SIM_STOP_MS};
  }
  sim->root = (act_sup){.never_restart = true, .kids = sim->kids, .nkids = n};
}

act_rc act_sim_open(uint64_t seed, const act_node *node, const act_sup *root, act_sim **out) {
  *out = NULL;
  act_sim *sim = act__calloc(1, sizeof *sim);
  if (!sim) return ACT_ENOMEM;
  static const act_node plain = {.name = "sim"};
  struct act__exec_options options = {.flavour = ACT__SIMULATION, .workers = 1, .seed = seed};
  build_tree(sim, root);
  act_rc rc = act__system_create(node ? node : &plain, &options, &sim->system);
  if (rc) {
    act__free(sim);
    return rc;
  }
  rc = act__exec_start(sim->system->exec);
  if (!rc) {
    sim->outside = act_outside_open(act_sim_runtime(sim));
    rc = sim->outside ? act__system_up(sim->system, sim->outside, &sim->root) : ACT_ENOMEM;
  }
  if (!rc) {
    *out = sim;
    return ACT_OK;
  }
  (void)act_sim_close(sim);
  return rc;
}

int act_sim_close(act_sim *sim) {
  if (!sim) return 0;
  act_outside_close(sim->outside);
  struct act__system *system = sim->system;
  bool failed = system->root_exited && system->root_ending.reason != ACT_REASON_NORMAL;
  int64_t deadline = act_sim_now(sim) + (int64_t)SIM_STOP_MS * 1000000;
  bool down = act__system_down(system, deadline);
  act__exec_finish(system->exec);
  act__exec_run(system->exec);
  if (down) act__system_destroy(system);  // else a leak checker shows what was left
  act__free(sim);
  return !down ? ACT_EXIT_STUCK : failed ? ACT_EXIT_FAILED : 0;
}

act_runtime *act_sim_runtime(act_sim *sim) {
  return (act_runtime *)(void *)sim->system;
}

act_cx *act_sim_cx(act_sim *sim) {
  return sim->outside;
}

bool act_sim_is_alive(act_sim *sim, act_pid pid) {
  struct act__system *system = sim->system;
  struct act__cell *cell = pid.node == system->incarnation ? act__cell_at(system, pid.slot) : NULL;
  if (!cell || act__mailbox_generation(&cell->mailbox) != pid.gen) return false;
  uint32_t epoch = act__load_relaxed(&cell->epoch);  // relaxed: one thread
  return (cell->life == ACT__UP || cell->life == ACT__STARTING) &&
         (pid.epoch == 0 || pid.epoch == epoch);
}

static bool is_starting(act_sim *sim, act_pid pid) {
  struct act__cell *cell = act__cell_at(sim->system, pid.slot);
  if (act__mailbox_generation(&cell->mailbox) != pid.gen) return false;
  // relaxed: one thread.
  return cell->life == ACT__STARTING ||
         (cell->life == ACT__DOWN &&
          act__load_relaxed(&act__annex(cell)->birth.phase) == ACT__CHILD_STARTING);
}

act_rc act_sim_spawn(act_sim *sim, const act_child *child, act_pid *out) {
  sim_nursery__svc nursery_svc;
  act_child named = *child;
  if (!named.id) named.id = "test";
  struct act__cell *root = act__birth_cell(sim->system->root);
  struct act__cell *tests = act__cell_at(sim->system, root->cold->kids.all.first);
  nursery_svc.pid = act__cell_pid(sim->system, tests);
  const sim_spawned_ *spawned;
  act_rc rc = sim_nursery__svc_call_spawn(sim->outside, nursery_svc,
                                          (sim_spawn_){.child = (uintptr_t)&named}, ACT_SEC(3600),
                                          &spawned);
  if (rc) return rc;
  *out = spawned->pid;
  act_reply_free(sim->outside, spawned);
  while (is_starting(sim, *out) && act_sim_step(sim)) {
  }
  if (act_sim_is_alive(sim, *out)) return ACT_OK;
  act_sim_settle(sim);  // the nursery hears why
  return ((struct nursery *)tests->state)->last;
}

bool act_sim_step(act_sim *sim) {
  return act__exec_step(sim->system->exec, false);
}

static void run_until(act_sim *sim, int64_t until_ns) {
  while (act__exec_step_until(sim->system->exec, until_ns)) {
  }
}

void act_sim_settle(act_sim *sim) {
  run_until(sim, act_sim_now(sim));
}

void act_sim_advance(act_sim *sim, uint32_t ms) {
  run_until(sim, act_sim_now(sim) + (int64_t)ms * 1000000);
}

int64_t act_sim_now(act_sim *sim) {
  struct act__clock *clock = act__exec_clock(sim->system->exec);
  return clock->now_ns(clock);
}

uint64_t act_sim_trace(act_sim *sim) {
  return act__exec_trace(sim->system->exec);
}

void act_sim_note(act_sim *sim, uint64_t observation) {
  act__exec_trace_fold(sim->system->exec, observation);
}
