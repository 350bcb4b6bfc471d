// SPDX-License-Identifier: Apache-2.0
//
// Up and down of a system. On a pool the caller waits for the root's news; on one thread the caller
// is who makes them happen.
#include "actors/system_run.h"

#include "actors/child.h"
#include "base/check.h"

static bool holds(struct act__system *system, bool (*pred)(struct act__system *)) {
  act__mutex_lock(&system->root_lock);
  bool answer = pred(system);
  act__mutex_unlock(&system->root_lock);
  return answer;
}

static int64_t now_ns(struct act__system *system) {
  struct act__clock *clock = act__exec_clock(system->exec);
  return clock->now_ns(clock);
}

static enum act__turn nudged(struct act__task *task, struct act__worker *me) {
  struct act__system *system = ACT__CONTAINER_OF(task, struct act__system, nudge);
  (void)me;
  act__store_release(&system->nudge_queued, 0);  // release [nudge]: the task is free again
  return ACT__TURN_DONE;
}

void act__system_changed(struct act__system *system) {
  act__mutex_lock(&system->root_lock);
  act__cond_broadcast(&system->root_changed);
  act__mutex_unlock(&system->root_lock);
  if (act__exec_flavour(system->exec) != ACT__CURRENT) return;
  // The one thread may be asleep in the executor, which only a task wakes.
  // acquire [nudge]: pairs with the release in nudged: the task may be submitted again.
  if (act__exchange_acquire(&system->nudge_queued, 1)) return;
  system->nudge.run = nudged;
  act__exec_submit(system->exec, NULL, &system->nudge);
}

void act__system_emptied(struct act__system *system) {
  // seq_cst [emptying]: against the store in act__system_down. Either this sees the flag, or that
  // one sees the zero: its look comes after its store, this look after the decrement.
  if (act__load_seq_cst(&system->emptying)) act__system_changed(system);
}

static bool wait_on_pool(struct act__system *system, bool (*pred)(struct act__system *),
                         int64_t deadline_ns) {
  act__mutex_lock(&system->root_lock);
  bool answer;
  while (!(answer = pred(system))) {
    if (!act__cond_wait_until(&system->root_changed, &system->root_lock, deadline_ns)) {
      answer = pred(system);
      break;
    }
  }
  act__mutex_unlock(&system->root_lock);
  return answer;
}


// An alarm so that a sleeping step comes back at the deadline.
static void on_alarm(struct act__alarm *alarm, struct act__worker *me) {
  (void)alarm;
  (void)me;
}

bool act__system_step(struct act__system *system) {
  // relaxed, both: only this thread will find itself there.
  act__store_relaxed(&system->runner_thread, act__thread_id());
  bool stepped = act__exec_step(system->exec, true);
  act__store_relaxed(&system->runner_thread, 0);
  return stepped;
}

static bool wait_by_stepping(struct act__system *system, bool (*pred)(struct act__system *),
                             int64_t deadline_ns) {
  struct act__alarm alarm = {.fire = on_alarm};
  if (deadline_ns != INT64_MAX) act__alarm_arm(system->exec, NULL, &alarm, deadline_ns);
  bool answer;
  while (!(answer = holds(system, pred)) && now_ns(system) < deadline_ns) {
    act__mutex_lock(&system->runner);
    bool stepped = act__system_step(system);
    act__mutex_unlock(&system->runner);
    if (!stepped && act__exec_flavour(system->exec) == ACT__SIMULATION) break;
  }
  if (deadline_ns != INT64_MAX) (void)act__alarm_cancel(system->exec, &alarm);
  return answer;
}

bool act__system_wait(struct act__system *system, bool (*pred)(struct act__system *),
                      int64_t deadline_ns) {
  return act__exec_flavour(system->exec) == ACT__POOL
             ? wait_on_pool(system, pred, deadline_ns)
             : wait_by_stepping(system, pred, deadline_ns);
}

// A stop that is requested while the tree starts is not kept waiting for the rest of it.
static bool is_up_or_gone(struct act__system *system) {
  return system->root_up || system->root_exited || system->stop_requested;
}

static bool is_gone(struct act__system *system) {
  // seq_cst [emptying]: see act__system_emptied.
  return system->root_exited && act__load_seq_cst(&system->census.taken) == 0;
}

static bool has_exited(struct act__system *system) {
  return system->root_exited;
}

act_rc act__system_up(struct act__system *system, act_cx *outside, const act_sup *root) {
  system->tree = root;
  act_child spec = {.id = "root", .sup = root, .stop_ms = system->node.stop_ms};
  act_exit_then nobody = {{NULL, 0}};
  act_rc rc = act__child_create(outside, NULL, &spec, nobody, &system->root);
  if (rc) return rc;
  act__system_wait(system, is_up_or_gone, INT64_MAX);
  act__mutex_lock(&system->root_lock);
  rc = system->root_exited ? system->root_ending.rc : ACT_OK;
  if (system->root_exited && rc == ACT_OK) rc = ACT_EFAIL;
  act__mutex_unlock(&system->root_lock);
  return rc;
}

bool act__system_down(struct act__system *system, int64_t deadline_ns) {
  if (!system->root) return true;
  struct act__cell *root = act__birth_cell(system->root);
  if (!holds(system, has_exited)) {
    // relaxed: seen with the signal. The children's deadlines shrink below this one.
    act__store_relaxed(&system->root->due_ns, deadline_ns);
    act__cell_express(system, NULL, root, ACT__EXPRESS_STOP);
    if (!act__system_wait(system, has_exited, deadline_ns)) return false;
  }
  // What is stuck keeps its slot and its owner's: there is nothing to wait for.
  // relaxed: counted by turns before the root's exit, which was seen under root_lock.
  if (act__load_relaxed(&system->stuck)) return false;
  act__census_close(&system->census);
  act__store_seq_cst(&system->emptying, 1);  // seq_cst [emptying]: see act__system_emptied
  act__cell_express(system, NULL, root, ACT__EXPRESS_FORGET);
  system->root = NULL;
  return act__system_wait(system, is_gone, deadline_ns);
}
