// SPDX-License-Identifier: Apache-2.0
//
// Credit: room in a mailbox that its node has reserved for a peer, so that a send over a link is a
// local decision on both sides. Pure arithmetic; no clock, link or mailbox in it. One owner each.
//
// The receiving node reserves room in the real mailbox (act__mailbox_reserve_many) and grants it.
// Of such a grant each message is, at any time, in one of three places:
//
//   with the peer ──arrive──> in the mailbox ──consume──> consumed ──take_return──> with the peer
//   (unspent, or on its way)                    (handler has returned)
//
// The room stays reserved all the way round, so the bound of the mailbox holds with peers as it
// does with local senders. Returns are batched: they are worth a frame once a quarter of the grant
// is consumed, or when the peer can have nothing left.
//
// All grants of one mailbox together are at most half of it, in messages and in units, so that
// peers cannot lock out the node's own senders; a mailbox for one message grants that one on
// demand. A message from afar can therefore weigh at most half of the mailbox's units.
//
// The sending node keeps a limit that grows with grants; what it has spent and not got back is
// counted by the mailbox of its proxy. A peer that grants or returns more than it can is malformed.
#ifndef TROUPE_MAILBOX_CREDIT_H
#define TROUPE_MAILBOX_CREDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

// The most that one side may ever hold, in messages or in units.
#define ACT__CREDIT_MAX 2147483647u

// A return is due when this part of the grant is consumed, when the peer can have nothing left, and
// when nothing of it is left to consume.
#define ACT__CREDIT_RETURN_PART 4u

struct act__credit {
  uint32_t messages, units;
};

static inline bool act__credit_is_zero(struct act__credit c) {
  return c.messages == 0 && c.units == 0;
}

// --- receiving side ------------------------------------------------------------------------------

// One mailbox and all peers.
struct act__grantor {
  struct act__credit most;  // what all grants together may be
  struct act__credit granted;
};

// One mailbox and one peer. All zero: nothing granted.
struct act__grant {
  struct act__credit total;
  struct act__credit with_peer;
  struct act__credit consumed;
};

void act__grantor_init(struct act__grantor *grantor, uint32_t messages_max, uint32_t units_max);

// What of `wanted` the rule of the half leaves room for; zero messages and units if it leaves none
// of either. The caller then reserves that in the mailbox, which may still say FULL.
struct act__credit act__grantor_offer(const struct act__grantor *grantor,
                                      struct act__credit wanted);

// Grants what was offered and has been reserved.
void act__grant_give(struct act__grantor *grantor, struct act__grant *grant,
                     struct act__credit amount);

// A message of that weight has come from the peer; it takes room that is reserved already.
// ACT_EBADMSG: the peer has spent more than it had; nothing changed, the link must be closed.
ACT_MUST act_rc act__grant_arrive(struct act__grant *grant, uint32_t units);

// Messages that arrived are done with: their handlers have returned, or they were dropped.
void act__grant_consume(struct act__grant *grant, struct act__credit amount);

// What is to be returned to the peer now: everything consumed if a return is due, else zero. With
// `flush` (a frame goes out anyway, or a heartbeat) everything consumed, due or not: this is what
// frees a peer that has some credit but not enough for a heavy message. The amount counts as with
// the peer from here.
struct act__credit act__grant_take_return(struct act__grant *grant, bool flush);

// The peer hands back credit unspent (it was recalled, or is not needed). The caller releases it in
// the mailbox. ACT_EBADMSG: more than it had; nothing changed.
ACT_MUST act_rc act__grant_give_up(struct act__grantor *grantor, struct act__grant *grant,
                                   struct act__credit amount);

// The peer is gone. Gives what the caller must release in the mailbox at once: all but the messages
// that have arrived, whose room is released as theirs when they are done with. The grant is zero.
struct act__credit act__grant_end(struct act__grantor *grantor, struct act__grant *grant);

// --- sending side --------------------------------------------------------------------------------

// The limit grows by a grant. ACT_EBADMSG: past ACT__CREDIT_MAX; nothing changed.
ACT_MUST act_rc act__credit_grow(struct act__credit *limit, struct act__credit by);

// May the peer return that much, when so much is spent? ACT_EBADMSG if not.
ACT_MUST act_rc act__credit_check_return(struct act__credit spent, struct act__credit returned);

#endif
