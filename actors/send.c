// SPDX-License-Identifier: Apache-2.0
//
// Send: reserve room in exactly that incarnation's mailbox, copy the message once, link it in.
#include <string.h>

#include "actors/cell.h"
#include "actors/park.h"
#include "actors/remote/proxy.h"
#include "base/check.h"
#include "mailbox/copy.h"

struct act__env *act__env_allocate(struct act__system *system, act_cx *cx, size_t size,
                                   uint16_t flags) {
  size_t bytes = act__env_header_bytes(flags) + size;
  struct act__env *env = act__pool_alloc(act__cache(cx), act__exec_pool(system->exec), bytes);
  if (!env) return NULL;
  memset(env, 0, sizeof *env);
  env->size = (uint32_t)size;
  env->flags = flags;
  return env;
}

// The cell that a send to this address goes to, and the generation to prove.
static struct act__cell *route(struct act__system *system, act_pid to, uint32_t *gen, act_rc *rc) {
  if (to.node == system->incarnation) {
    *rc = ACT_EDEAD;
    *gen = to.gen;
    return act__cell_at(system, to.slot);
  }
  if (to.node == 0) {
    *rc = ACT_EDEAD;
    return NULL;
  }
  return act__proxy_find(system, to, gen, rc);
}

static act_rc reserve(struct act__cell *cell, uint32_t gen, uint32_t epoch, bool near,
                      uint32_t units) {
  // relaxed: best knowledge; if it is old, the message is found undeliverable on arrival.
  if (near && epoch && act__load_relaxed(&cell->epoch) != epoch) return ACT_EDEAD;
  // relaxed: the reservation fails if the limits belong to another generation.
  uint32_t msgs_max = act__load_relaxed(&cell->msgs_max);
  switch (act__mailbox_reserve(&cell->mailbox, gen, units, msgs_max,
                               act__load_relaxed(&cell->units_max))) {
    case ACT__ADMIT_OK: return ACT_OK;
    case ACT__ADMIT_FULL: return msgs_max ? ACT_EFULL : ACT_ENOROUTE;  // none: nothing granted yet
    case ACT__ADMIT_CLOSED: return epoch ? ACT_EDEAD : ACT_ECLOSED;
    case ACT__ADMIT_DEAD: break;
  }
  return ACT_EDEAD;
}

static void stamp_sender(act_cx *cx, struct act__env *env) {
  if (!cx->cell) return;
  act_pid self = act__cell_pid(cx->system, cx->cell);
  env->sender_slot = self.slot;
  env->sender_gen = self.gen;
  env->sender_epoch = self.epoch;
}

static act_rc take_back(act_cx *cx, struct act__cell *cell, uint32_t units, act_rc why) {
  act__cell_cancel(cx->system, cx->me, cell, 1, units);
  return why;
}

// The envelope of one message, filled in. NULL: no memory. Inline, for it is every send's.
__attribute__((always_inline)) static inline struct act__env *make_env(act_cx *cx, uint32_t target_epoch, const act_op *op,
                                 const void *message, size_t size,
                                 const struct act__env_extension *extension, uint16_t flags) {
  struct act__env *env = act__env_allocate(cx->system, cx, size, flags);
  if (!env) return NULL;
  env->op = op;
  env->target_epoch = target_epoch;
  stamp_sender(cx, env);
  if (extension) {
    *act__env_extension(env) = *extension;
  } else if (flags & ACT__ENV_EXTENDED) {
    memset(act__env_extension(env), 0, sizeof(struct act__env_extension));
  }
  act__copy_into(op->message, message, act__env_payload(env));
  return env;
}

// The mailbox is full, and parks.
__attribute__((noinline, cold)) static act_rc park(act_cx *cx, const struct act__parcel *parcel, const act_op *op,
                   const void *message, size_t size, const struct act__env_extension *extension,
                   uint16_t flags) {
  act_rc rc = act__park_prepare(cx, parcel);
  if (rc) return rc;
  uint32_t epoch = parcel->to.node == cx->system->incarnation ? parcel->to.epoch : 0;
  struct act__env *env = make_env(cx, epoch, op, message, size, extension, flags);
  if (!env) return ACT_ENOMEM;
  rc = act__park_send(cx, parcel, env);
  if (rc) act__env_free(cx->system, cx, env);
  return rc;
}

act_rc act__send_with(act_cx *cx, act_pid to, const act_op *op, const void *message,
                      const struct act__env_extension *extension, uint16_t flags) {
  struct act__system *system = cx->system;
  uint32_t gen = 0;
  act_rc rc;
  struct act__cell *cell = route(system, to, &gen, &rc);
  if (!cell) return rc;
  // relaxed: the reservation fails if it belongs to another generation.
  bool remote = act__load_relaxed(&cell->remote);
  // What goes elsewhere weighs what it will weigh there.
  size_t size = op->message->is_flat && !remote ? op->message->size
                                                : act__copy_size(op->message, message);
  if (size > (remote ? ACT_REMOTE_MESSAGE_MAX : ACT_MESSAGE_MAX)) return ACT_ELIMIT;
  if (extension || remote) flags |= ACT__ENV_EXTENDED;
  flags |= ACT__ENV_COUNTED;
  if (op->message->has_bufs) flags |= ACT__ENV_HAS_BUFS;
  uint32_t units = act__env_units(act__env_header_bytes(flags) + size);

  bool near = to.node == system->incarnation;
  if ((rc = reserve(cell, gen, to.epoch, near, units))) {
    // relaxed: if it belongs to another generation, the mailbox will say so.
    if (rc != ACT_EFULL || !act__load_relaxed(&cell->park_ms)) return rc;
    return park(cx, &(struct act__parcel){cell, to, gen, units}, op, message, size, extension, flags);
  }
  if (remote) {
    rc = act__proxy_send(cx, cell, to, op, message, extension, (flags & ACT__ENV_ASK) != 0, units);
    if (rc == ACT_OK) return ACT_OK;
    if (rc != ACT_LATER) return take_back(cx, cell, units, rc);
  }

  struct act__env *env = make_env(cx, near ? to.epoch : 0, op, message, size, extension, flags);
  if (!env) {
    if (remote) act__proxy_unqueue(cell);
    return take_back(cx, cell, units, ACT_ENOMEM);
  }
  act__cell_push(system, cx->me, cell, env);
  return ACT_OK;
}

act_rc act__send(act_cx *cx, act_pid to, const act_op *op, const void *message) {
  act_rc rc = act__send_with(cx, to, op, message, NULL, 0);
  if (rc) {
    ACT__COUNT(cx->system, cx, refused);
  } else {
    ACT__COUNT(cx->system, cx, sent);
  }
  return rc;
}

void act__cast(act_cx *cx, act_pid to, const act_op *op, const void *message) {
  act_rc rc = act__send(cx, to, op, message);
  if (!rc) return;
  act_undelivered record = {.to = to, .op = op, .reason = rc, .count = 1};
  record.from = act_self(cx);
  act__undelivered(cx->system, cx, &record);
}

act_rc act_forward(act_cx *cx, act_pid to, const act_any *message) {
  if (!cx->env || message->op != cx->env->op) return ACT_EINVAL;
  struct act__env_extension *extension = act__env_extension(cx->env);
  struct act__env_extension passed;
  uint16_t flags = 0;
  if (extension) {
    passed = *extension;
    passed.sender_node = 0;  // the sender is this actor now
    if (cx->token_open) flags = ACT__ENV_ASK;
  }
  act_rc rc = act__send_with(cx, to, message->op, message->message, extension ? &passed : NULL,
                             flags);
  if (rc) {
    ACT__COUNT(cx->system, cx, refused);
    return rc;
  }
  ACT__COUNT(cx->system, cx, sent);
  cx->token_open = false;  // it is the next actor's to answer
  return ACT_OK;
}
