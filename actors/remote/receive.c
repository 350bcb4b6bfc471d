// SPDX-License-Identifier: Apache-2.0
//
// What comes over a link and goes to actors here: messages, and ends of asks; and the way back for the
// answers to asks that came.
//
// Room for a message was reserved when its credit was granted, so it is decoded straight into an
// envelope and pushed. A body that is not what its operation describes closes the link; an operation
// that we do not know does not: it is sent back (NACK) and its asker is told.
#include <string.h>

#include "actors/remote/impl.h"
#include "base/check.h"
#include "mailbox/codec.h"
#include "mailbox/copy.h"

// FNV-1a (Fowler, Noll, Vo), 64 bits: part of the wire format, so it is spelled out here.
#define FNV_BASIS UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

uint64_t act__protocol_key(const act_protocol *protocol) {
  uint64_t hash = FNV_BASIS;
  for (const char *at = protocol->name; *at; at++) hash = (hash ^ (uint8_t)*at) * FNV_PRIME;
  for (int shift = 24; shift >= 0; shift -= 8) {
    hash = (hash ^ (uint8_t)(protocol->version >> shift)) * FNV_PRIME;
  }
  return hash;
}

// --- which operation -----------------------------------------------------------------------------

static const act_protocol *spoken(const act_behavior *behavior, uint64_t key) {
  for (uint32_t i = 0; i < behavior->nspeaks; i++) {
    if (act__protocol_key(behavior->speaks[i].protocol) == key) {
      return behavior->speaks[i].protocol;
    }
  }
  return NULL;
}

static const act_protocol *in_tree(const act_sup *sup, uint64_t key) {
  for (unsigned i = 0; sup && i < sup->nkids; i++) {
    const act_child *kid = &sup->kids[i];
    const act_protocol *found = kid->sup        ? in_tree(kid->sup, key)
                                : kid->behavior ? spoken(kid->behavior, key)
                                                : NULL;
    if (found) return found;
  }
  return NULL;
}

const act_protocol *act__protocol_known(struct act__remote *remote, uint64_t key) {
  const act_node *node = &remote->system->node;
  for (unsigned i = 0; i < node->nbehaviors; i++) {
    const act_protocol *found = spoken(node->behaviors[i], key);
    if (found) return found;
  }
  return in_tree(remote->system->tree, key);
}

static const act_op *find_op(struct act__remote *remote, const act_behavior *behavior,
                             const struct act__frame_message *frame) {
  const act_protocol *protocol = spoken(behavior, frame->protocol);
  if (!protocol && behavior->any) protocol = act__protocol_known(remote, frame->protocol);
  return protocol ? act_protocol_op(protocol, frame->op) : NULL;
}

// --- messages that do not arrive -------------------------------------------------------------------

static act_reply token_of(const struct act__far *far, const struct act__frame_message *frame) {
  return (act_reply){far->incarnation, frame->ask_index, frame->ask_gen};
}

static void end_ask(struct act__remote *remote, struct act__far *far,
                    const struct act__frame_message *frame, act_rc why, struct act__worker *me) {
  if (!(frame->flags & ACT__MESSAGE_ASK)) return;
  act_rc rc = act__send_reply(remote, token_of(far, frame), why, NULL, NULL, me);
  (void)rc;  // the link is gone, and with it the asker's wait
}

static void undelivered(struct act__remote *remote, const struct act__frame_message *frame,
                        const act_op *op, act_rc why, struct act__worker *me) {
  struct act__system *system = remote->system;
  act_undelivered record = {.to = {system->incarnation, frame->target.slot, frame->target.gen,
                                   frame->target.epoch, 0},
                            .from = frame->sender,
                            .op = op,
                            .reason = why,
                            .count = 1};
  act__undelivered(system, act__cx_of(me), &record);
}

static void unknown_op(struct act__remote *remote, struct act__far *far,
                       const struct act__frame_message *frame, struct act__worker *me) {
  struct act__peer *peer;
  struct act__bytes *out = act__link_begin(remote, far->id, &peer);
  if (out) {
    struct act__frame_nack nack = {frame->target, frame->op, ACT_EVERSION};
    act_rc rc = act__frame_put_nack(out, &nack);
    (void)rc;  // a buffer that fails closes the link
    act__peer_end(peer, me);
  }
  end_ask(remote, far, frame, ACT_EVERSION, me);
  act__grant_spoilt(remote, far, frame->target.slot, frame->target.gen, me);
}

// --- messages --------------------------------------------------------------------------------------

static struct act__env *decode(struct act__remote *remote, const act_op *op,
                               const struct act__frame_message *frame, struct act__worker *me,
                               act_rc *rc) {
  struct act__system *system = remote->system;
  size_t size;
  *rc = act__decode(op->message, frame->body.data, frame->body.size, NULL, NULL, &size);
  if (*rc) return NULL;
  uint16_t flags = ACT__ENV_EXTENDED | ACT__ENV_REMOTE | ACT__ENV_COUNTED;
  if (frame->flags & ACT__MESSAGE_ASK) flags |= ACT__ENV_ASK;
  struct act__env *env = act__env_allocate(system, act__cx_of(me), size, flags);
  if (!env) {
    *rc = ACT_ENOMEM;
    return NULL;
  }
  env->op = op;
  *rc = act__decode(op->message, frame->body.data, frame->body.size, NULL, act__env_payload(env),
                    &size);
  if (*rc) {
    act__env_free(system, act__cx_of(me), env);
    return NULL;
  }
  if (op->message->has_bufs) env->flags |= ACT__ENV_HAS_BUFS;
  return env;
}

static void fill_in(struct act__env *env, struct act__far *far,
                    const struct act__frame_message *frame, int64_t now_ns) {
  env->sender_slot = frame->sender.slot;
  env->sender_gen = frame->sender.gen;
  env->sender_epoch = frame->sender.epoch;
  env->target_epoch = frame->target.epoch;
  struct act__env_extension *extension = act__env_extension(env);
  memset(extension, 0, sizeof *extension);
  extension->sender_node = frame->sender.node;
  extension->sent_ns = now_ns;
  extension->link_slot = far->id.slot;
  extension->link_epoch = far->id.epoch;
  if (frame->flags & ACT__MESSAGE_ASK) {
    extension->deadline_ns = act__time_add(now_ns, frame->deadline_left_ms * ACT__NS_PER_MS);
    extension->reply_node = far->incarnation;
    extension->reply_index = frame->ask_index;
    extension->reply_gen = frame->ask_gen;
  }
}

static void malformed(struct act__remote *remote, struct act__far *far, const char *what) {
  act__net_close_peer(remote->net, far->id, ACT_EBADMSG, what);
}

// Room was granted for it, so it goes in.
static void deliver(struct act__remote *remote, struct act__far *far,
                    const struct act__frame_message *frame, struct act__env *env,
                    struct act__worker *me) {
  struct act__system *system = remote->system;
  uint32_t slot = frame->target.slot, gen = frame->target.gen;
  act_rc rc = act__grant_take(remote, far, slot, gen, act__env_units(act__env_block_bytes(env)));
  if (rc == ACT_OK) {
    act__cell_push(system, me, act__cell_at(system, slot), env);
    return;
  }
  const act_op *op = env->op;
  act__env_free(system, act__cx_of(me), env);
  if (rc == ACT_EDEAD) {  // it has ended since its grant was looked at
    undelivered(remote, frame, op, rc, me);
    end_ask(remote, far, frame, rc, me);
  } else {
    malformed(remote, far, "more was sent to an actor than was granted");
  }
}

void act__receive_message(struct act__remote *remote, struct act__far *far,
                          const struct act__frame_message *frame, struct act__worker *me) {
  uint32_t slot = frame->target.slot, gen = frame->target.gen;
  if (frame->sender.slot && frame->sender.node != far->incarnation) {
    malformed(remote, far, "a message says that it comes from another node");
    return;
  }
  const act_behavior *behavior = act__grant_behavior(remote, far, slot, gen);
  if (!behavior) {
    undelivered(remote, frame, NULL, ACT_EDEAD, me);
    end_ask(remote, far, frame, ACT_EDEAD, me);
    return;
  }
  const act_op *op = find_op(remote, behavior, frame);
  if (!op || (!op->reply && (frame->flags & ACT__MESSAGE_ASK))) {
    unknown_op(remote, far, frame, me);
    return;
  }
  act_rc rc;
  struct act__env *env = decode(remote, op, frame, me, &rc);
  if (env) {
    fill_in(env, far, frame, act__loop_now_ns(remote->loop));
    deliver(remote, far, frame, env, me);
  } else if (rc == ACT_ENOMEM) {
    undelivered(remote, frame, op, rc, me);
    end_ask(remote, far, frame, rc, me);
    act__grant_spoilt(remote, far, slot, gen, me);
  } else {
    malformed(remote, far, "a message is not what its operation describes");
  }
}

void act__receive_nack(struct act__remote *remote, struct act__far *far,
                       const struct act__frame_nack *frame, struct act__worker *me) {
  act_undelivered record = {.to = {far->incarnation, frame->target.slot, frame->target.gen,
                                   frame->target.epoch, 0},
                            .reason = frame->rc,
                            .count = 1};
  act__undelivered(remote->system, act__cx_of(me), &record);
}

// --- answers -----------------------------------------------------------------------------------------

static act_rc write_reply(struct act__bytes *out, const struct act__frame_reply *frame,
                          const act_schema *schema, const void *message, uint32_t frame_max) {
  size_t mark;
  act_rc rc = act__frame_begin_reply(out, frame, &mark);
  if (rc) return rc;
  if (message) rc = act__encode(schema, message, out);
  if (!rc) return act__frame_end(out, mark, frame_max);
  act__frame_abandon(out, mark);
  return rc;
}

act_rc act__send_reply(struct act__remote *remote, act_reply token, act_rc status,
                       const act_schema *schema, const void *message, struct act__worker *me) {
  act__mutex_lock(&remote->lock);
  struct act__far *far = act__far_of(remote, token.node);
  struct act__peer_id link = far ? far->id : (struct act__peer_id){0, 0};
  act__mutex_unlock(&remote->lock);
  if (!far) return ACT_ELINK;
  if (message) act__pids_grant(remote, token.node, link, schema, message, me);
  struct act__peer *peer;
  struct act__bytes *out = act__link_begin(remote, link, &peer);
  if (!out) return ACT_ELINK;
  struct act__frame_reply frame = {.ask_index = token.index, .ask_gen = token.gen, .rc = status};
  uint32_t frame_max = act__peer_frame_max(peer);
  act_rc rc = write_reply(out, &frame, schema, message, frame_max);
  if (rc && message) {  // too large, or text that is not UTF-8: the asker is told that much
    frame.rc = rc;
    rc = write_reply(out, &frame, NULL, NULL, frame_max);
  }
  act__peer_end(peer, me);
  return ACT_OK;
}

act_rc act__remote_answer(struct act__system *system, act_cx *cx, act_reply token, act_rc status,
                          const act_schema *schema, const void *message) {
  struct act__remote *remote = system->remote;
  act_rc rc = remote ? act__send_reply(remote, token, status, schema, status ? NULL : message,
                                       cx ? cx->me : NULL)
                     : ACT_ELINK;
  if (rc) ACT__COUNT(system, cx, late_replies);
  return ACT_OK;
}

static struct act__answer_block *decode_answer(struct act__system *system, act_cx *cx,
                                               const act_schema *schema, struct act__span body,
                                               act_rc *rc) {
  size_t size;
  *rc = act__decode(schema, body.data, body.size, NULL, NULL, &size);
  if (*rc) return NULL;
  struct act__answer_block *block = act__answer_allocate(system, cx, schema, size);
  if (!block) {
    *rc = ACT_ENOMEM;
    return NULL;
  }
  *rc = act__decode(schema, body.data, body.size, NULL, act__answer_value(block), &size);
  if (*rc == ACT_OK) return block;
  act__pool_free(act__cache(cx), act__exec_pool(system->exec), block, sizeof *block + block->size);
  return NULL;
}

void act__receive_reply(struct act__remote *remote, struct act__far *far,
                        const struct act__frame_reply *frame, struct act__worker *me) {
  struct act__system *system = remote->system;
  act_cx *cx = act__cx_of(me);
  act_reply token = {system->incarnation, frame->ask_index, frame->ask_gen};
  // Indices and generations can be guessed: only who was asked may answer.
#ifndef ACT_MUTANT_ANSWER_FROM_ANYBODY
  if (!act__ask_was_sent_to(system, token, far->incarnation)) {
    ACT__COUNT(system, cx, late_replies);
    return;
  }
#endif
  struct act__answer_block *block = NULL;
  act_rc rc = frame->rc <= ACT_OK ? frame->rc : ACT_EBADMSG;
  if (rc == ACT_OK) {
    // NULL: it has ended already (a late answer) or was never answered by anybody but ourselves.
    const act_op *op = act__ask_op(system, token);
    rc = ACT_EBADMSG;
    if (op && op->reply) block = decode_answer(system, cx, op->reply, frame->body, &rc);
    if (rc == ACT_EBADMSG && op) malformed(remote, far, "an answer is not what its operation says");
  }
  act__ask_end(system, cx, token, rc, block);
}
