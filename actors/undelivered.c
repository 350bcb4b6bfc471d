// SPDX-License-Identifier: Apache-2.0
//
// What was accepted and will not be handled: exactly one record each, and an end for its asker.
#include "actors/cell.h"
#include "actors/park.h"
#include "actors/remote/proxy.h"
#include "mailbox/copy.h"

void act__undelivered(struct act__system *system, act_cx *cx, const act_undelivered *record) {
  ACT__COUNT(system, cx, undelivered);
  if (system->node.undelivered) system->node.undelivered(system->node.undelivered_arg, record);
}

static act_pid sender_of(struct act__system *system, struct act__env *env) {
  struct act__env_extension *extension = act__env_extension(env);
  act_pid from = {0, env->sender_slot, env->sender_gen, env->sender_epoch, 0};
  if (env->sender_slot) {
    from.node = extension && extension->sender_node ? extension->sender_node : system->incarnation;
  }
  return from;
}

// The record, and the end of its ask.
static void report(struct act__system *system, act_cx *cx, act_pid to, struct act__env *env,
                   act_rc reason) {
  struct act__env_extension *extension = act__env_extension(env);
  act_undelivered record = {.to = to, .op = env->op, .reason = reason, .count = 1};
  record.from = sender_of(system, env);
  if (extension && extension->sent_ns) {
    record.age_ns = act__exec_clock(system->exec)->now_ns(act__exec_clock(system->exec)) -
                    extension->sent_ns;
  }
  act__undelivered(system, cx, &record);
#ifdef ACT_MUTANT_ASK_DEATH_SILENT
  env->flags &= (uint16_t)~ACT__ENV_ASK;
#endif
  if (env->flags & ACT__ENV_ASK) {
    act_reply token = {extension->reply_node, extension->reply_index, extension->reply_gen};
    act__reply_end(system, cx, token, reason);
  }
}

void act__env_undeliver(struct act__system *system, act_cx *cx, struct act__cell *cell,
                        struct act__env *env, act_rc reason) {
  act_pid to = {0, 0, 0, 0, 0};
  if (cell) to = act__cell_pid(system, cell);
  to.epoch = env->target_epoch;
  report(system, cx, to, env, reason);
  if (env->flags & ACT__ENV_REMOTE) {
    act__remote_credit_back(system, cx, cell, env);
  } else if (cell && (env->flags & ACT__ENV_COUNTED)) {
    uint32_t units = act__env_units(act__env_block_bytes(env));
    act__cell_release(system, cx ? cx->me : NULL, cell, 1, units);
    if (cell->proxy) act__proxy_unqueue(cell);
  }
  act__env_free(system, cx, env);
}

void act__env_undeliver_to(struct act__system *system, act_cx *cx, act_pid to, struct act__env *env,
                           act_rc reason) {
  report(system, cx, to, env, reason);
  act__env_free(system, cx, env);
}
