// SPDX-License-Identifier: Apache-2.0
//
// Proxies: cells that stand for an actor elsewhere, behind a link or in a process of its own.
//
// A send to a proxy reserves in its mailbox like any other: that mailbox's bound is the credit that
// the real one has granted. The message is packed into the link at once, by the sender; the
// reservation is given back when the credit comes home. So bound, order, monitors, asks and names are
// the same near and far. The proxy's own turn calls everything here unless it says otherwise.
#ifndef TROUPE_ACTORS_REMOTE_PROXY_H
#define TROUPE_ACTORS_REMOTE_PROXY_H

#include "actors/cell.h"

// START of an own-process child (its specification says isolate): spawns the process.
void act__proxy_start(act_cx *cx, struct act__cell *cell);
// ACT__EXPRESS_REMOTE: the link or the process has reported something.
void act__proxy_news(act_cx *cx, struct act__cell *cell);
// One message that had to wait: packs it for the link, or records it as undelivered. Takes the
// envelope.
void act__proxy_forward(act_cx *cx, struct act__cell *cell, struct act__env *env);
// The end of a turn: what was packed is on its way.
void act__proxy_flush(act_cx *cx, struct act__cell *cell);
// An own-process child is ENDING: ends the process, and finishes when that is done.
void act__proxy_end(act_cx *cx, struct act__cell *cell);
// At spawn: prepares the cell of an own-process child. ACT_ENOTSUP, ACT_ENOMEM, ACT_EINVAL.
ACT_MUST act_rc act__proxy_attach_process(act_cx *cx, struct act__cell *cell);

// Any sender, holding a reservation of `units` in the cell. ACT_OK: it is in the link, the reservation
// is the proxy's. ACT_LATER: it must be pushed as an envelope (act__proxy_unqueue if that fails). Else
// the reservation is the caller's still: ACT_EDEAD, ACT_ELINK, ACT_ELIMIT (over the frame's size),
// ACT_EINVAL (text that is not UTF-8), ACT_ETIMEDOUT, ACT_ENOTSUP (somebody else's reply token, on to
// a third node), ACT_ENOMEM.
ACT_MUST act_rc act__proxy_send(act_cx *cx, struct act__cell *cell, act_pid to, const act_op *op,
                                const void *message, const struct act__env_extension *extension,
                                bool ask, uint32_t units);
// An envelope with a reservation is about to be pushed to the proxy's mailbox: until it has been
// packed, nothing else is packed directly. Any thread.
void act__proxy_queue(struct act__cell *cell);
// An envelope that was to wait in the proxy's mailbox does not, or not any more. Any thread.
void act__proxy_unqueue(struct act__cell *cell);
// Frees cell->proxy, just before the cell is retired.
void act__proxy_free(act_cx *cx, struct act__cell *cell);

// The proxy for an actor of another node and its generation here; it is made, and credit asked for,
// where there is a link. NULL: no route, and *rc says why (ACT_ENOROUTE, ACT_ELINK, ACT_EDEAD). Any
// thread.
struct act__cell *act__proxy_find(struct act__system *system, act_pid pid, uint32_t *gen,
                                  act_rc *rc);

// --- the receiving side --------------------------------------------------------------------------

// A message that came over a link has been handled or dropped: its room goes back to the peer as
// credit, or to the mailbox if the link is gone. Owner of the cell only.
void act__remote_credit_back(struct act__system *system, act_cx *cx, struct act__cell *cell,
                             struct act__env *env);
// A cell of ours is DOWN: peers that hold credits for it are told and their grants end.
void act__remote_cell_down(struct act__system *system, act_cx *cx, struct act__cell *cell,
                           const struct act__ending *ending);
// Answers a request of another node. Takes nothing. ACT_OK also when the asker's node is gone, or when
// the answer is too large for a link: then the asker is told ACT_ELIMIT.
ACT_MUST act_rc act__remote_answer(struct act__system *system, act_cx *cx, act_reply token,
                                   act_rc status, const act_schema *schema, const void *message);
// Look-up on another node: `address` is what follows the @. Ends the ask (an internal one whose value
// is an act_pid) in its own time.
ACT_MUST act_rc act__remote_lookup(struct act__system *system, act_cx *cx, const char *name,
                                   size_t name_length, const char *address,
                                   const act_protocol *protocol, act_reply token);

#endif
