// SPDX-License-Identifier: Apache-2.0
//
// Send: reserve room in exactly that incarnation's mailbox, copy the message once, link it in.
#include <string.h>

#include "actors/cell.h"
#include "actors/park.h"
#include "actors/remote/proxy.h"
#include "actors/room.h"
#include "base/check.h"
#include "mailbox/copy.h"

// What every send does is inline, so that a plain one is built without the questions that only
// others need to ask.
#define ALWAYS_INLINE __attribute__((always_inline)) static inline

ALWAYS_INLINE struct act__env *allocate(struct act__system *system, act_cx *cx, size_t size,
                                        uint16_t flags) {
  struct act__env *env = act__pool_alloc(act__cache(cx), act__exec_pool(system->exec),
                                         act__env_header_bytes(flags) + size);
  if (env) *env = (struct act__env){.size = (uint32_t)size, .flags = flags};
  return env;
}

struct act__env *act__env_allocate(struct act__system *system, act_cx *cx, size_t size,
                                   uint16_t flags) {
  return allocate(system, cx, size, flags);
}

// The cell that a send to this address goes to, and the generation to prove.
ALWAYS_INLINE struct act__cell *route(struct act__system *system, act_pid to, uint32_t *gen,
                                      act_rc *rc) {
  *rc = ACT_EDEAD;
  *gen = to.gen;
  if (__builtin_expect(to.node == system->incarnation, 1)) return act__cell_at(system, to.slot);
  if (to.node == 0) return NULL;
  return act__proxy_find(system, to, gen, rc);
}

static act_rc reserve(struct act__cell *cell, uint32_t gen, uint32_t epoch, bool near,
                      uint32_t units) {
  // relaxed: best knowledge; if it is old, the message is found undeliverable on arrival.
  if (near && epoch && act__load_relaxed(&cell->epoch) != epoch) return ACT_EDEAD;
  // relaxed: the reservation fails if the limits belong to another generation.
  uint32_t msgs_max = act__load_relaxed(&cell->msgs_max);
  enum act__admit admitted = act__mailbox_reserve(&cell->mailbox, gen, units, msgs_max,
                                                  act__load_relaxed(&cell->units_max));
  // relaxed: likewise. One that parks has its own way of waiting for room.
  if (admitted == ACT__ADMIT_FULL && !act__load_relaxed(&cell->park_ms)) {
    admitted = act__room_reserve(cell, gen, 1, units);
  }
  switch (admitted) {
    case ACT__ADMIT_OK: return ACT_OK;
    case ACT__ADMIT_FULL: return msgs_max ? ACT_EFULL : ACT_ENOROUTE;  // none: nothing granted yet
    case ACT__ADMIT_CLOSED: return epoch ? ACT_EDEAD : ACT_ECLOSED;
    case ACT__ADMIT_DEAD: break;
  }
  return ACT_EDEAD;
}

ALWAYS_INLINE void stamp_sender(act_cx *cx, struct act__env *env) {
  if (!cx->cell) return;
  act_pid self = act__cell_pid(cx->system, cx->cell);
  env->sender_slot = self.slot;
  env->sender_gen = self.gen;
  env->sender_epoch = self.epoch;
}

__attribute__((noinline, cold)) static act_rc take_back(act_cx *cx, struct act__cell *cell,
                                                        uint32_t units, act_rc why) {
  act__cell_cancel(cx->system, cx->me, cell, 1, units);
  return why;
}

// A flat message is some words: for a few of them a call of memcpy costs more than the copy.
ALWAYS_INLINE void copy_flat(void *to, const void *from, size_t size) {
  if (size % 8 || size > 64) {
    memcpy(to, from, size);
    return;
  }
  for (size_t at = 0; at < size; at += 8) memcpy((char *)to + at, (const char *)from + at, 8);
}

// The envelope of one message, filled in. NULL: no memory.
ALWAYS_INLINE struct act__env *make_env(act_cx *cx, uint32_t target_epoch, const act_op *op,
                                        const void *message, size_t size,
                                        const struct act__env_extension *extension,
                                        uint16_t flags) {
  struct act__env *env = allocate(cx->system, cx, size, flags);
  if (!env) return NULL;
  env->op = op;
  env->target_epoch = target_epoch;
  stamp_sender(cx, env);
  if (extension) {
    *act__env_extension(env) = *extension;
  } else if (flags & ACT__ENV_EXTENDED) {
    memset(act__env_extension(env), 0, sizeof(struct act__env_extension));
  }
  if (op->message->is_flat) {
    copy_flat((char *)env + act__env_header_bytes(flags), message, op->message->size);
  } else {
    act__copy_into(op->message, message, act__env_payload(env));
  }
  return env;
}

// The mailbox is full, and parks.
__attribute__((noinline, cold)) static act_rc park(act_cx *cx, const struct act__parcel *parcel,
                                                   const act_op *op, const void *message,
                                                   size_t size,
                                                   const struct act__env_extension *extension,
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

// A flat message to an actor of this node that has room for it. ACT_LATER: it is another one, or it is
// refused, and nothing has been done.
ALWAYS_INLINE act_rc send_plain(act_cx *cx, act_pid to, const act_op *op, const void *message,
                                const struct act__env_extension *extension, uint16_t flags) {
  struct act__system *system = cx->system;
  const act_schema *schema = op->message;
  size_t header = act__env_header_bytes(flags);
  if (to.node != system->incarnation || !schema->is_flat ||
      schema->size > ACT__POOL_BLOCK_MAX - header) {
    return ACT_LATER;
  }
  struct act__cell *cell = act__cell_at(system, to.slot);
  // relaxed: the reservation fails if they belong to another generation.
  if (!cell || act__load_relaxed(&cell->remote)) return ACT_LATER;
  if (to.epoch && act__load_relaxed(&cell->epoch) != to.epoch) return ACT_LATER;
  uint32_t units = act__env_units(header + schema->size);
  // relaxed: likewise.
  if (act__mailbox_reserve(&cell->mailbox, to.gen, units, act__load_relaxed(&cell->msgs_max),
                           act__load_relaxed(&cell->units_max)) != ACT__ADMIT_OK) {
    return ACT_LATER;
  }
  struct act__env *env = make_env(cx, to.epoch, op, message, schema->size, extension, flags);
  if (!env) return take_back(cx, cell, units, ACT_ENOMEM);
  act__cell_push(system, cx->me, cell, env);
  return ACT_OK;
}

static inline act_rc counted(act_cx *cx, act_rc rc) {
  if (rc) {
    ACT__COUNT(cx->system, cx, refused);
  } else {
    ACT__COUNT(cx->system, cx, sent);
  }
  return rc;
}

__attribute__((noinline)) static act_rc send_refused(act_cx *cx, act_pid to, const act_op *op,
                                                     const void *message) {
  return counted(cx, act__send_with(cx, to, op, message, NULL, 0));
}

__attribute__((noinline)) static act_rc send_otherwise(act_cx *cx, act_pid to, const act_op *op,
                                                       const void *message) {
  act_rc rc = send_plain(cx, to, op, message, NULL, ACT__ENV_COUNTED);
  if (rc == ACT_LATER) return send_refused(cx, to, op, message);
  return counted(cx, rc);
}

__attribute__((noinline)) static act_rc submit(act_cx *cx, struct act__cell *cell) {
  act__exec_submit(cx->system->exec, cx->me, &cell->task);
  return ACT_OK;
}

// A short message is so many bytes at most, in half words: not worth a call of memcpy.
#define SHORT_MAX 64u

static inline bool is_short(const act_schema *schema) {
  return schema->is_flat && schema->size <= SHORT_MAX && schema->size % 4 == 0;
}

ALWAYS_INLINE void copy_short(char *to, const char *from, size_t size) {
  size_t at = 0;
  for (; at + 8 <= size; at += 8) memcpy(to + at, from + at, 8);
#ifndef ACT_MUTANT_SHORT_IN_WORDS
  if (size & 4) memcpy(to + at, from + at, 4);
#endif
}

// The envelope of a short message, each of its fields written once.
ALWAYS_INLINE void fill_short(struct act__env *env, struct act__cell *from, uint32_t target_epoch,
                              const act_op *op, const void *message, size_t size) {
  env->op = op;
  env->sender_slot = from->slot;
  env->sender_gen = act__mailbox_generation(&from->mailbox);
  env->target_epoch = target_epoch;
  env->size = (uint32_t)size;
  env->sender_epoch = act__load_relaxed(&from->epoch);  // relaxed: the caller is its owner
  env->flags = ACT__ENV_COUNTED;
  env->notice = 0;
  env->crashes = 0;
  copy_short((char *)(env + 1), message, size);
}

// The send that nearly all are, a short message from an actor to one of this node that has room for it,
// goes straight through: what else may be needed is called at the ends, where nothing has been done
// yet or everything. The envelope is written while it still lies in the pool.
act_rc act__send(act_cx *cx, act_pid to, const act_op *op, const void *message) {
  struct act__system *system = cx->system;
  if (!cx->cell || to.node != system->incarnation || !is_short(op->message)) {
    return send_otherwise(cx, to, op, message);
  }
  struct act__cell *cell = act__cell_at(system, to.slot);
  // relaxed: the reservation fails if they belong to another generation.
  if (!cell || act__load_relaxed(&cell->remote) ||
      (to.epoch && act__load_relaxed(&cell->epoch) != to.epoch)) {
    return send_otherwise(cx, to, op, message);
  }
  size_t size = op->message->size, bytes = sizeof(struct act__env) + size;
  struct act__env *env = act__pool_cache_next(&cx->me->cache, bytes);
  if (__builtin_expect(!env, 0)) return send_otherwise(cx, to, op, message);
  fill_short(env, cx->cell, to.epoch, op, message, size);
  // relaxed: likewise.
  if (act__mailbox_reserve(&cell->mailbox, to.gen, act__env_units(bytes),
                           act__load_relaxed(&cell->msgs_max),
                           act__load_relaxed(&cell->units_max)) != ACT__ADMIT_OK) {
    return send_refused(cx, to, op, message);
  }
  act__pool_cache_take_next(&cx->me->cache, bytes);
  ACT__COUNT(system, cx, sent);
  return act__mailbox_push(&cell->mailbox, env) ? submit(cx, cell) : ACT_OK;
}

act_rc act__send_request(act_cx *cx, const act_pid *to, const act_op *op, const void *message,
                         uint32_t index, uint32_t gen, int64_t deadline_ns) {
  struct act__env_extension extension = {.deadline_ns = deadline_ns,
                                         .sent_ns = act_now(cx),
                                         .reply_node = cx->system->incarnation,
                                         .reply_index = index,
                                         .reply_gen = gen};
  act_rc rc = send_plain(cx, *to, op, message, &extension,
                         ACT__ENV_ASK | ACT__ENV_EXTENDED | ACT__ENV_COUNTED);
  if (__builtin_expect(rc == ACT_LATER, 0)) {
    rc = act__send_with(cx, *to, op, message, &extension, ACT__ENV_ASK);
  }
  return counted(cx, rc);
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
  if (counted(cx, rc)) return rc;
  cx->token_open = false;  // it is the next actor's to answer
  return ACT_OK;
}
