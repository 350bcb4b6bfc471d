// SPDX-License-Identifier: Apache-2.0
//
// A node's life: start, wait, ordered stop. The exit code tells how it went.
#include "actors/node.h"

#include <stdlib.h>

#include "actors/cell.h"
#include "actors/remote/remote.h"
#include "actors/system_run.h"
#include "base/check.h"

#define LINK_ENV "TROUPE_LINK_FD"  // runtime/io/process.h sets it for own-process children

// One default, said where users read it and where the executor fills it in.
_Static_assert(ACT_BLOCKING_THREADS == ACT__BLOCKING_THREADS, "the public default is the real one");
_Static_assert(ACT_BLOCKING_QUEUE == ACT__BLOCKING_QUEUE, "the public default is the real one");

static struct act__system *system_of(act_runtime *rt) {
  return (struct act__system *)(void *)rt;
}

static int64_t deadline_in(struct act__system *system, uint32_t ms) {
  struct act__clock *clock = act__exec_clock(system->exec);
  return clock->now_ns(clock) + (int64_t)ms * 1000000;
}

static struct act__exec_options exec_options(const act_node *node) {
  return (struct act__exec_options){
      .flavour = node->flavour == ACT_CURRENT_THREAD ? ACT__CURRENT : ACT__POOL,
      .workers = node->workers,
      .blocking_max = node->blocking_threads,
      .blocking_queue = node->blocking_queue};
}

// Ends what still runs and frees everything; false: something overstayed, and all of it is left to
// the end of the process, because a thread may still be in there.
static bool take_down(struct act__system *system) {
  uint32_t stop_ms = system->node.stop_ms ? system->node.stop_ms : ACT_NODE_STOP_MS;
  bool empty = act__system_down(system, deadline_in(system, stop_ms));
  bool closed = act__remote_stop(system, deadline_in(system, stop_ms));
  // relaxed: the count was made by turns that have ended.
  if (!empty || !closed || act__load_relaxed(&system->stuck)) {
    act__log(system->log, ACT_LOG_ERROR, system->node.name,
             "stop deadline of %u ms passed: %llu actors still there", stop_ms,
             (unsigned long long)act__census_alive(&system->census));
    return false;
  }
  act__exec_finish(system->exec);
  act__exec_run(system->exec);
  act__system_destroy(system);
  return true;
}

// `watch`: signals count from before the tree starts, as a start may take its time.
static act_rc start(const act_node *node, const act_sup *root, bool watch, act_runtime **out) {
  *out = NULL;
  struct act__exec_options options = exec_options(node);
  struct act__system *system;
  act_rc rc = act__system_create(node, &options, &system);
  if (rc) return rc;
  if ((rc = act__remote_create(system))) {
    act__system_destroy(system);
    return rc;
  }
  if ((rc = act__exec_start(system->exec))) {
    act__system_destroy(system);
    return rc;
  }
  act_runtime *rt = (act_runtime *)(void *)system;
  act_cx *outside = act_outside_open(rt);
  rc = outside ? act__remote_listen(system) : ACT_ENOMEM;
  if (!rc && watch) rc = act__remote_watch_signals(system);
  if (!rc) rc = act__system_up(system, outside, root);
  if (!rc) act__remote_accept(system);
  act_outside_close(outside);
  if (rc) {
    (void)take_down(system);
    return rc;
  }
  *out = rt;
  return ACT_OK;
}

act_rc act_start(const act_node *node, const act_sup *root, act_runtime **out) {
  return start(node, root, false, out);
}

static bool is_over(struct act__system *system) {
  return system->root_exited || system->stop_requested;
}

void act_wait(act_runtime *rt) {
  act__system_wait(system_of(rt), is_over, INT64_MAX);
}

void act_request_stop(act_runtime *rt) {
  struct act__system *system = system_of(rt);
  act__mutex_lock(&system->root_lock);
  system->stop_requested = true;
  act__mutex_unlock(&system->root_lock);
  act__system_changed(system);
}

int act_stop(act_runtime *rt) {
  struct act__system *system = system_of(rt);
  act__mutex_lock(&system->root_lock);
  bool failed = system->root_exited && system->root_ending.reason != ACT_REASON_NORMAL;
  int signal = system->signal;
  act__mutex_unlock(&system->root_lock);
  if (!take_down(system)) return ACT_EXIT_STUCK;
  if (failed) return ACT_EXIT_FAILED;
  return signal ? 128 + signal : 0;
}

bool act_is_child_process(void) {
  return getenv(LINK_ENV) != NULL;
}

int act_main(const act_node *node, const act_sup *root) {
  if (act_is_child_process()) return act__child_process_main(node, root);
  act_runtime *rt;
  act_rc rc = start(node, root, !node->keep_signals, &rt);
  if (rc) {
    act__log(node->log, ACT_LOG_ERROR, node->name, "cannot start: %s (%s)", act_rc_text(rc),
             act_rc_name(rc));
    return rc == ACT_EINVAL || rc == ACT_ENOTSUP ? ACT_EXIT_USAGE : ACT_EXIT_FAILED;
  }
  act_wait(rt);
  return act_stop(rt);
}

act_runtime *act_cx_runtime(const act_cx *cx) {
  return (act_runtime *)(void *)cx->system;
}
