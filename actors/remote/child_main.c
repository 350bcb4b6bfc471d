// SPDX-License-Identifier: Apache-2.0
//
// The other half of an own process: what this program does when it was started to be one.
//
// It is a node of its own with one worker whose root is the one actor it was started for. The parent
// says by START which behaviour that is; this program finds it by name in the same tree, and the
// arguments' message with it. The actor's address and its credit go to the parent before its first
// turn, so that nothing that it sends can mention an address that the parent does not know yet.
//
// It ends when its actor ends, when it is told to, on SIGTERM, and when the link is gone: then in order
// if that can be had within ACT__ORPHAN_MS, at once otherwise.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/child.h"
#include "actors/remote/remote.h"
#include "actors/remote/impl.h"
#include "actors/supervise/check.h"
#include "actors/system_run.h"
#include "base/alloc.h"
#include "base/check.h"
#include "mailbox/codec.h"
#include "mailbox/copy.h"
#include "runtime/io/process.h"

#define START_WAIT_MS 30000u  // for the parent's START
#define STOP_MS 10000u        // for a stop whose deadline the parent has not given
#define STOP_SLACK_MS 5000u   // beyond one that it has given: it is the parent who kills
#define CLOSE_MS 2000u        // to write out what is left

struct child {
  struct act__system *system;
  struct act__task boot;
  act_rc boot_rc;
  act_child spec;
  void *args;
  const act_schema *args_message;
};

static int64_t in_ms(struct act__system *system, uint32_t ms) {
  return act__time_add(act__clock_now(act__exec_clock(system->exec)), ms * ACT__NS_PER_MS);
}

// --- which actor -------------------------------------------------------------------------------------

// The child of that name and behaviour, or (id NULL) any child of that behaviour.
static const act_child *find_child(const act_sup *sup, const char *id, const char *behavior) {
  for (unsigned i = 0; i < sup->nkids; i++) {
    const act_child *kid = &sup->kids[i];
    if (kid->sup) {
      const act_child *found = find_child(kid->sup, id, behavior);
      if (found) return found;
    } else if (kid->behavior && strcmp(kid->behavior->name, behavior) == 0 &&
               (!id || strcmp(act__child_id(kid), id) == 0)) {
      return kid;
    }
  }
  return NULL;
}

static const act_behavior *find_listed(const act_node *node, const char *name) {
  for (unsigned i = 0; i < node->nbehaviors; i++) {
    if (strcmp(node->behaviors[i]->name, name) == 0) return node->behaviors[i];
  }
  return NULL;
}

static act_rc decode_args(struct child *child, const struct act__boot *boot,
                          const act_schema *schema) {
  if (boot->body_size == 0) return ACT_OK;
  if (!schema) return ACT_ENOTSUP;
  size_t size;
  act_rc rc = act__decode(schema, boot->body, boot->body_size, NULL, NULL, &size);
  if (rc) return rc;
  if (!(child->args = act__malloc(size))) return ACT_ENOMEM;
  rc = act__decode(schema, boot->body, boot->body_size, NULL, child->args, &size);
  if (rc) {
    act__free(child->args);
    child->args = NULL;
  }
  return rc;
}

// Fills in what is to run. The text is NULL, or says why it cannot.
static const char *choose(struct child *child, const act_node *node, const act_sup *tree,
                          act_rc *rc) {
  const struct act__boot *boot = &child->system->remote->boot;
  const act_child *kid = find_child(tree, boot->child, boot->behavior);
  if (kid) child->spec = *kid;
  if (!kid) kid = find_child(tree, NULL, boot->behavior);
  child->spec.behavior = kid ? kid->behavior : find_listed(node, boot->behavior);
  child->spec.id = boot->child;
  child->spec.name = NULL;
  child->spec.isolate = ACT_IN_PROCESS;
  child->spec.restart = ACT_TEMPORARY;
  child->spec.mailbox.msgs = boot->mailbox_msgs;
  child->spec.mailbox.bytes = boot->mailbox_bytes;
  *rc = ACT_ENOENT;
  if (!child->spec.behavior) return "this program has no such behaviour in its tree or its list";
  child->args_message = kid ? kid->args_message : NULL;
  *rc = decode_args(child, boot, child->args_message);
  child->spec.args = child->args;
  child->spec.args_message = NULL;  // decoded once, and freed here
  return *rc ? "its arguments cannot be read by what this program has in its tree" : NULL;
}

// --- its first moment ----------------------------------------------------------------------------------

static void introduce(struct act__remote *remote, struct act__cell *cell) {
  act__mutex_lock(&remote->lock);
  struct act__peer_id link = remote->boot.link;
  uint64_t parent = remote->boot.parent;
  act__mutex_unlock(&remote->lock);
  struct act__frame_grant grant;
  act__grant_make(remote, parent, cell->slot, act__mailbox_generation(&cell->mailbox), &grant);
  struct act__peer *peer;
  struct act__bytes *out = act__link_begin(remote, link, &peer);
  if (!out) return;
  act_rc rc = act__frame_put_grant(out, &grant);
  (void)rc;  // a buffer that fails closes the link
  act__peer_end(peer, NULL);
}

// On the one worker: what is created here runs after this has returned.
static enum act__turn boot_turn(struct act__task *task, struct act__worker *me) {
  struct child *child = ACT__CONTAINER_OF(task, struct child, boot);
  struct act__system *system = child->system;
  act_exit_then nobody = {{NULL, 0}};
  child->boot_rc =
      act__child_create(act__cx_of(me), NULL, &child->spec, nobody, &system->root);
  if (!child->boot_rc) introduce(system->remote, act__birth_cell(system->root));
  act__mutex_lock(&system->remote->lock);
  system->remote->boot.booted = true;
  act__mutex_unlock(&system->remote->lock);
  act__system_changed(system);
  return ACT__TURN_DONE;
}

// --- what it waits for -----------------------------------------------------------------------------------

static bool has_order(struct act__system *system) {
  struct act__remote *remote = system->remote;
  act__mutex_lock(&remote->lock);
  bool come = remote->boot.start_come || remote->boot.lost;
  act__mutex_unlock(&remote->lock);
  return come || system->stop_requested;
}

static bool is_booted(struct act__system *system) {
  act__mutex_lock(&system->remote->lock);
  bool booted = system->remote->boot.booted;
  act__mutex_unlock(&system->remote->lock);
  return booted;
}

static bool is_up_or_over(struct act__system *system) {
  return system->root_up || system->root_exited || system->stop_requested;
}

static bool is_over(struct act__system *system) {
  return system->root_exited || system->stop_requested;
}

// --- what it tells -------------------------------------------------------------------------------------

static void tell_started(struct act__system *system) {
  struct act__remote *remote = system->remote;
  struct act__peer *peer;
  struct act__bytes *out = act__link_begin(remote, remote->boot.link, &peer);
  if (!out) return;
  struct act__frame_started frame = {.request = remote->boot.request,
                                     .pid = act__cell_pid(system, act__birth_cell(system->root))};
  act_rc rc = act__frame_put_started(out, &frame);
  (void)rc;  // a buffer that fails closes the link
  act__peer_end(peer, NULL);
}

static void tell_exited(struct act__system *system, act_reason reason, act_rc why, const char *text) {
  struct act__remote *remote = system->remote;
  struct act__peer *peer;
  struct act__bytes *out = act__link_begin(remote, remote->boot.link, &peer);
  if (!out) return;
  struct act__frame_exited frame = {.request = remote->boot.request,
                                    .reason = (uint8_t)reason,
                                    .rc = why,
                                    .text = act__span_of_text(text)};
  act_rc rc = act__frame_put_exited(out, &frame);
  (void)rc;  // a buffer that fails closes the link
  act__peer_end(peer, NULL);
}

// --- from start to end -----------------------------------------------------------------------------------

static uint32_t stop_ms(struct act__system *system) {
  struct act__remote *remote = system->remote;
  act__mutex_lock(&remote->lock);
  uint32_t given = remote->boot.stop_ms;
  act__mutex_unlock(&remote->lock);
  if (given > UINT32_MAX - STOP_SLACK_MS) return UINT32_MAX;
  return given ? given + STOP_SLACK_MS : STOP_MS;
}

// Runs the actor until it ends or is to end. True: it has ended, in order.
static bool live(struct child *child) {
  struct act__system *system = child->system;
  child->boot.run = boot_turn;
  act__exec_submit(system->exec, NULL, &child->boot);
  act__system_wait(system, is_booted, INT64_MAX);
  if (child->boot_rc) {
    tell_exited(system, ACT_REASON_FAILED, child->boot_rc, "the actor could not be made");
    return true;
  }
  act__system_wait(system, is_up_or_over, INT64_MAX);
  act__mutex_lock(&system->root_lock);
  bool up = system->root_up;
  act__mutex_unlock(&system->root_lock);
  if (up) tell_started(system);
  act__system_wait(system, is_over, INT64_MAX);
  if (!act__system_down(system, in_ms(system, stop_ms(system)))) return false;
  tell_exited(system, system->root_ending.reason, system->root_ending.rc,
              system->root_ending.text);
  return true;
}

static bool run(struct child *child, const act_node *node, const act_sup *tree) {
  struct act__system *system = child->system;
  act__system_wait(system, has_order, in_ms(system, START_WAIT_MS));
  act__mutex_lock(&system->remote->lock);
  bool come = system->remote->boot.start_come;
  act__mutex_unlock(&system->remote->lock);
  if (!come) return true;
  act_rc rc;
  const char *why_not = choose(child, node, tree, &rc);
  if (!why_not) return live(child);
  tell_exited(system, ACT_REASON_FAILED, rc, why_not);
  return true;
}

static void finish(struct child *child) {
  struct act__system *system = child->system;
  if (!act__remote_stop(system, in_ms(system, CLOSE_MS))) _exit(ACT_EXIT_STUCK);
  act__exec_finish(system->exec);
  act__exec_run(system->exec);
  act__system_destroy(system);
}

static act_rc begin(const act_node *node, const act_sup *tree, int fd, struct act__system **out) {
  struct act__exec_options options = {.flavour = ACT__POOL,
                                      .workers = 1,
                                      .blocking_max = node->blocking_threads,
                                      .blocking_queue = node->blocking_queue};
  act_rc rc = act__system_create(node, &options, out);
  if (rc) return rc;
  struct act__system *system = *out;
  system->tree = tree;
  rc = act__remote_create(system);
  if (!rc) rc = act__exec_start(system->exec);
  if (!rc) rc = act__net_adopt(system->remote->net, fd, ACT__NET_CHILD, 0, NULL);
  if (!rc) act__signals_watch(system->remote, false);
  return rc;
}

int act__child_process_main(const act_node *node, const act_sup *root) {
  int fd = act__process_child();
  if (fd < 0) return ACT_EXIT_USAGE;
  struct child child = {.boot_rc = ACT_OK};
  act_rc rc = begin(node, root, fd, &child.system);
  if (rc) {
    act__log(node->log, ACT_LOG_ERROR, node->name, "own process: cannot start: %s (%s)",
             act_rc_text(rc), act_rc_name(rc));
    _exit(ACT_EXIT_FAILED);
  }
  // A worker may be in a handler that never returns: nobody waits for it.
  if (!run(&child, node, root)) _exit(ACT_EXIT_STUCK);
  const act_schema *schema = child.args ? child.args_message : NULL;
  finish(&child);
  if (schema) act__copy_release(schema, child.args);
  act__free(child.args);
  // What the program does after act_main is the parent's to do.
  exit(0);
}
