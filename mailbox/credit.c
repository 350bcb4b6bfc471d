// SPDX-License-Identifier: Apache-2.0
#include "mailbox/credit.h"

#include "base/check.h"

static bool is_within(struct act__credit part, struct act__credit whole) {
  return part.messages <= whole.messages && part.units <= whole.units;
}

static void add(struct act__credit *sum, struct act__credit amount) {
  ACT_ASSERT(amount.messages <= ACT__CREDIT_MAX - sum->messages);
  ACT_ASSERT(amount.units <= ACT__CREDIT_MAX - sum->units);
  sum->messages += amount.messages;
  sum->units += amount.units;
}

static void subtract(struct act__credit *sum, struct act__credit amount) {
  ACT_ASSERT(is_within(amount, *sum));
  sum->messages -= amount.messages;
  sum->units -= amount.units;
}

static uint32_t least(uint32_t a, uint32_t b) {
  return a < b ? a : b;
}

static struct act__credit in_mailbox(const struct act__grant *grant) {
  struct act__credit rest = grant->total;
  subtract(&rest, grant->with_peer);
  subtract(&rest, grant->consumed);
  return rest;
}

void act__grantor_init(struct act__grantor *grantor, uint32_t messages_max, uint32_t units_max) {
  ACT_ASSERT(messages_max >= 1 && messages_max <= ACT__CREDIT_MAX);
  ACT_ASSERT(units_max >= 1 && units_max <= ACT__CREDIT_MAX);
  *grantor = (struct act__grantor){.most = {messages_max / 2, units_max / 2}};
  if (messages_max == 1) grantor->most = (struct act__credit){1, units_max};
  if (grantor->most.units == 0) grantor->most.units = 1;
}

struct act__credit act__grantor_offer(const struct act__grantor *grantor,
                                      struct act__credit wanted) {
  struct act__credit offer = {
      least(wanted.messages, grantor->most.messages - grantor->granted.messages),
      least(wanted.units, grantor->most.units - grantor->granted.units)};
  return offer;
}

void act__grant_give(struct act__grantor *grantor, struct act__grant *grant,
                     struct act__credit amount) {
  add(&grantor->granted, amount);
  ACT_ASSERT(is_within(grantor->granted, grantor->most));
  add(&grant->total, amount);
  add(&grant->with_peer, amount);
}

act_rc act__grant_arrive(struct act__grant *grant, uint32_t units) {
  struct act__credit message = {1, units};
  if (!is_within(message, grant->with_peer)) return ACT_EBADMSG;
  subtract(&grant->with_peer, message);
  return ACT_OK;
}

void act__grant_consume(struct act__grant *grant, struct act__credit amount) {
  ACT_ASSERT(is_within(amount, in_mailbox(grant)));
  add(&grant->consumed, amount);
}

static bool return_is_due(const struct act__grant *grant) {
  if (act__credit_is_zero(grant->consumed)) return false;
  if (grant->with_peer.messages == 0 || grant->with_peer.units == 0) return true;
  // Nothing more will be consumed by itself, and the peer may wait to send one heavy message.
  if (act__credit_is_zero(in_mailbox(grant))) return true;
  return grant->consumed.messages >= grant->total.messages / ACT__CREDIT_RETURN_PART ||
         grant->consumed.units >= grant->total.units / ACT__CREDIT_RETURN_PART;
}

struct act__credit act__grant_take_return(struct act__grant *grant, bool flush) {
  struct act__credit returned = grant->consumed;
  if (!flush && !return_is_due(grant)) return (struct act__credit){0, 0};
  grant->consumed = (struct act__credit){0, 0};
  add(&grant->with_peer, returned);
  return returned;
}

act_rc act__grant_give_up(struct act__grantor *grantor, struct act__grant *grant,
                          struct act__credit amount) {
  if (!is_within(amount, grant->with_peer)) return ACT_EBADMSG;
  subtract(&grant->with_peer, amount);
  subtract(&grant->total, amount);
  subtract(&grantor->granted, amount);
  return ACT_OK;
}

struct act__credit act__grant_end(struct act__grantor *grantor, struct act__grant *grant) {
  struct act__credit released = grant->with_peer;
  add(&released, grant->consumed);
  subtract(&grantor->granted, grant->total);
  *grant = (struct act__grant){.total = {0, 0}};
  return released;
}

act_rc act__credit_grow(struct act__credit *limit, struct act__credit by) {
  if (by.messages > ACT__CREDIT_MAX - limit->messages) return ACT_EBADMSG;
  if (by.units > ACT__CREDIT_MAX - limit->units) return ACT_EBADMSG;
  add(limit, by);
  return ACT_OK;
}

act_rc act__credit_check_return(struct act__credit spent, struct act__credit returned) {
  return is_within(returned, spent) ? ACT_OK : ACT_EBADMSG;
}
