// SPDX-License-Identifier: Apache-2.0
//
// Reply tokens on the answering side: answered once, passed on, kept, or dropped by itself.
#include <string.h>

#include "actors/cell.h"
#include "actors/remote/proxy.h"
#include "base/alloc.h"
#include "mailbox/copy.h"

static bool same(act_reply a, act_reply b) {
  return a.node == b.node && a.index == b.index && a.gen == b.gen;
}

void act__cx_close_token(act_cx *cx, act_rc status) {
  if (!cx->token_open) return;
  cx->token_open = false;
#ifndef ACT_MUTANT_ASK_DROP_SILENT
  act__reply_end(cx->system, cx, cx->token, status);
#else
  (void)status;
#endif
}

void act__reply_end(struct act__system *system, act_cx *cx, act_reply token, act_rc status) {
  if (token.node == system->incarnation) {
    act__ask_end(system, cx, token, status, NULL);
  } else {
    act_rc rc = act__remote_answer(system, cx, token, status, NULL, NULL);
    (void)rc;  // the link is gone, and with it the asker's wait
  }
}

act_rc act_reply_keep(act_cx *cx, act_reply reply) {
  struct act__cell *cell = cx->cell;
  if (!cell || !cx->token_open || !same(cx->token, reply)) return ACT_EINVAL;
  struct act__cold *cold = act__cell_cold(cell);
  if (!cold) return ACT_ENOMEM;
  if (cold->replies >= act__limit(act__cell_limits(cell)->replies, ACT_REPLIES_MAX)) {
    return ACT_ELIMIT;
  }
  if (cold->replies == cold->kept_capacity) {
    uint32_t capacity = cold->kept_capacity ? cold->kept_capacity * 2 : 8;
    act_reply *kept = act__realloc(cold->kept, capacity * sizeof *kept);
    if (!kept) return ACT_ENOMEM;
    cold->kept = kept;
    cold->kept_capacity = capacity;
  }
  cold->kept[cold->replies++] = reply;
  cx->token_open = false;
  return ACT_OK;
}

bool act__kept_remove(struct act__cell *cell, act_reply reply) {
  struct act__cold *cold = cell->cold;
  for (uint32_t i = 0; cold && i < cold->replies; i++) {
    if (!same(cold->kept[i], reply)) continue;
    cold->kept[i] = cold->kept[--cold->replies];
    return true;
  }
  return false;
}

bool act__kept_has(const struct act__cell *cell, act_reply reply) {
  const struct act__cold *cold = cell->cold;
  for (uint32_t i = 0; cold && i < cold->replies; i++) {
    if (same(cold->kept[i], reply)) return true;
  }
  return false;
}

void act__kept_end(act_cx *cx, struct act__cell *cell, act_rc status) {
  struct act__cold *cold = cell->cold;
#ifdef ACT_MUTANT_ASK_KEPT_SILENT
  cold->replies = 0;
#endif
  while (cold->replies) act__reply_end(cx->system, cx, cold->kept[--cold->replies], status);
}

// Ours to answer: the request in hand, or one that was kept.
static bool take_token(act_cx *cx, act_reply reply) {
  if (cx->token_open && same(cx->token, reply)) {
    cx->token_open = false;
    return true;
  }
  return cx->cell && act__kept_remove(cx->cell, reply);
}

act_rc act__answer(act_cx *cx, act_reply reply, act_rc status, const act_schema *schema,
                   const void *message) {
  // First, so that the token stays ours: what is neither a value nor a refusal has ended nothing.
  if (status == ACT_OK && !message) return ACT_EINVAL;
  if (!take_token(cx, reply)) return ACT_EINVAL;
  struct act__system *system = cx->system;
  if (reply.node != system->incarnation) {
    return act__remote_answer(system, cx, reply, status, schema, message);
  }
  if (status == ACT_OK) {
    act__ask_answer(system, cx, reply, schema, message);
  } else {
    act__ask_end(system, cx, reply, status, NULL);
  }
  return ACT_OK;  // also when the asker is gone: that is not the answerer's failure
}
