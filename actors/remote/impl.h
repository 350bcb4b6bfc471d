// SPDX-License-Identifier: Apache-2.0
//
// What the files about links share: the state of a system's remote side.
//
// Words: a *far* is a link that is up, with what hangs on it. A *proxy* is a cell of ours that stands
// for an actor beyond a link. A *grant* is room in a mailbox of ours that a peer may fill.
//
// Three locks, in this order; a thread may skip some but never goes back:
//
//   remote->lock   (R) which links there are, which proxy stands for whom, look-ups, grants
//   a link's own   (N) from act__peer_begin to act__peer_end
//   proxy->lock    (P) what is spent, which asks are out, what is new
//
// With R held, mailboxes may be reserved and tasks submitted, nothing else is called that could come
// back here. Sink calls come from the role holder of the loop, one at a time, with no lock held; they
// never touch what belongs to a cell's owner, but note news in the proxy and wake its cell.
//
// A proxy of a far actor is taken out of its link's table by the role holder only, and freed by its
// own turn after that, so the role holder may use one that it has found there. A sender may use
// cell->proxy while it holds a reservation in the cell: the cell is not retired before.
#ifndef TROUPE_ACTORS_REMOTE_IMPL_H
#define TROUPE_ACTORS_REMOTE_IMPL_H

#include "actors/cell.h"
#include "actors/remote/proxy.h"
#include "base/list.h"
#include "base/map.h"
#include "base/thread.h"
#include "mailbox/credit.h"
#include "runtime/io/loop.h"
#include "runtime/net/frame.h"
#include "runtime/net/net.h"
#include "runtime/net/peer.h"

struct act__os_signal;
struct act__own;

#define ACT__GRANT_PART 8u              // one peer is granted this part of a mailbox
#define ACT__SEARCHES_PRUNE 256u        // so many look-ups open: those nobody waits for are dropped
#define ACT__LOST_MAX 1024u             // nodes remembered as lost, so that sends say ACT_ELINK
#define ACT__ORPHAN_MS 1000u            // an own process outlives its link by this at most
#define ACT__ADDRESS_MAX 255u           // bytes of an address to dial

// --- links ---------------------------------------------------------------------------------------

struct act__far {
  struct act__peer_id id;
  struct act__peer *peer;
  uint64_t incarnation;
  struct act__proxy *own;      // it is the link to this own process of ours; else NULL
  struct act__dial *dial;      // we dialled it for a look-up; else NULL
  // Under R.
  struct act__map proxies;     // slot there -> struct act__proxy
  struct act__link grants;     // struct act__grant_record, by of_far
};

// An address that somebody has looked a name up at: being dialled, or up.
struct act__dial {
  struct act__link link;       // in remote->dials
  struct act__far *far;        // NULL: being dialled
  char address[ACT__ADDRESS_MAX + 1];
};

// A look-up on its way.
struct act__search {
  uint32_t request;
  act_reply token;             // the internal ask that it ends
  const act_protocol *protocol;
  struct act__dial *dial;      // waits for this link to come up
  uint64_t incarnation;        // or for one to that node, or (sent) for its answer
  bool sent;
  uint8_t name_length;
  char name[ACT_NAME_MAX + 1];
};

// --- proxies -------------------------------------------------------------------------------------

enum act__proxy_news_bit {
  ACT__NEWS_DOWN = 1,          // far: the actor or its link is gone; `ending` says how
  ACT__NEWS_LINKED = 2,        // own process, from here on
  ACT__NEWS_STARTED = 4,
  ACT__NEWS_EXITED = 8,        // `ending` says how
  ACT__NEWS_UNLINKED = 16,     // `lost` says why
  ACT__NEWS_REAPED = 32,       // `status` and `signal` say how
  ACT__NEWS_NOT_SPAWNED = 64,  // `spawn_rc` says why
  ACT__NEWS_ALARM = 128,
  ACT__NEWS_IDLE = 256,        // the loop has done what it was told
};

struct act__forwarded {
  uint32_t index, gen;         // of an ask of ours
};

struct act__proxy {
  // Immutable.
  struct act__remote *remote;
  struct act__cell *cell;
  struct act__own *own;        // an own process; NULL: an actor of another node
  // Under R.
  bool reaching;               // REACH was sent and not answered
  uint32_t far_epoch;          // of the incarnation there; 0: not known
  // Role holder only.
  struct act__credit limit;    // granted; the cell's msgs_max and units_max show it to senders
  // Under P.
  struct act__spinlock lock;
  bool linked;                 // messages go straight into the link
  struct act__peer_id link;
  uint64_t node;               // incarnation at its other end; 0: none
  uint32_t slot, gen;          // there
  uint32_t epoch;              // own process: of the cell's incarnation that `link` serves
  struct act__credit spent;    // packed and not come back
  uint32_t queued;             // envelopes in the cell that are not packed yet
  struct act__forwarded *forwarded;
  uint32_t forwarded_count, forwarded_capacity;
  uint32_t news;               // enum act__proxy_news_bit
  struct act__ending ending;
};

// proxy.c
// The proxy for an actor of that far, made if it is not there. Under R. NULL: no memory, no slot.
struct act__proxy *act__proxy_get(struct act__remote *remote, struct act__far *far, uint32_t slot,
                                  uint32_t gen, struct act__worker *me);
struct act__proxy *act__proxy_create(struct act__remote *remote, struct act__cell *cell);
// More credit from the far side. Role holder. ACT_EBADMSG.
ACT_MUST act_rc act__proxy_grow(struct act__proxy *proxy, struct act__credit by,
                                uint32_t park_ms);
// Credit has come home. Role holder. ACT_EBADMSG.
ACT_MUST act_rc act__proxy_credit(struct act__proxy *proxy, struct act__credit amount,
                                  struct act__worker *me);
// Notes news and wakes the cell. Any thread. The proxy may be gone when it returns.
void act__proxy_tell(struct act__proxy *proxy, uint32_t news, const struct act__ending *ending,
                     struct act__worker *me);
// What was spent will not come back, and asks that went there end with `status`. `gap`: the messages
// in doubt become a record. Owner.
void act__proxy_lose(act_cx *cx, struct act__proxy *proxy, act_rc status, bool gap);

// own_process.c
void act__own_news(act_cx *cx, struct act__cell *cell, uint32_t news);
void act__own_start(act_cx *cx, struct act__cell *cell);
void act__own_end(act_cx *cx, struct act__cell *cell);
void act__own_destroy(struct act__own *own);
// Sink calls for the link of an own process.
void act__own_up(struct act__far *far, struct act__worker *me);
void act__own_down(struct act__proxy *proxy, act_rc why, const char *text, struct act__worker *me);
void act__own_frame(struct act__far *far, const struct act__frame *frame, struct act__worker *me);
// A grant that names the child's own actor is taken (true); others are as of any node.
bool act__own_grant(struct act__far *far, const struct act__frame_grant *frame);

// --- grants (grant.c) ----------------------------------------------------------------------------

// One mailbox of ours and all peers that hold credit for it. Under R.
struct act__exported {
  struct act__cell *cell;
  uint32_t gen;
  const act_behavior *behavior;
  struct act__grantor grantor;
  struct act__link grants;     // struct act__grant_record, by of_cell
};

struct act__grant_record {
  struct act__link of_cell, of_far;
  struct act__exported *exported;
  struct act__far *far;        // valid while it is in both lists
  struct act__peer_id link;
  struct act__grant grant;
};

// Grants that peer credit for an actor of ours, unless it has some already, and says what to tell it:
// rc (ACT_OK, ACT_EDEAD, ACT_ECLOSED, ACT_EFULL, ACT_ENOTSUP for a proxy, ACT_ENOMEM), the incarnation,
// the additional credit. Any thread.
void act__grant_make(struct act__remote *remote, uint64_t node, uint32_t slot, uint32_t gen,
                     struct act__frame_grant *out);
// What the actor speaks, if that peer holds credit for it. Role holder.
const act_behavior *act__grant_behavior(struct act__remote *remote, struct act__far *far,
                                        uint32_t slot, uint32_t gen);
// A message of that weight has arrived. ACT_EDEAD: no grant (any more). ACT_EBADMSG: overspent.
ACT_MUST act_rc act__grant_take(struct act__remote *remote, struct act__far *far, uint32_t slot,
                                uint32_t gen, uint32_t units);
// A message that could not be read is over: its slot goes back to the peer. Role holder.
void act__grant_spoilt(struct act__remote *remote, struct act__far *far, uint32_t slot,
                       uint32_t gen, struct act__worker *me);
// The link is gone. Role holder.
void act__grants_end(struct act__remote *remote, struct act__far *far, struct act__worker *me);

// --- receiving (receive.c) ----------------------------------------------------------------

uint64_t act__protocol_key(const act_protocol *protocol);
void act__receive_message(struct act__remote *remote, struct act__far *far,
                          const struct act__frame_message *frame, struct act__worker *me);
void act__receive_reply(struct act__remote *remote, struct act__far *far,
                        const struct act__frame_reply *frame, struct act__worker *me);
void act__receive_nack(struct act__remote *remote, struct act__far *far,
                       const struct act__frame_nack *frame, struct act__worker *me);
// Tells the node of an asker how its ask ended. ACT_ELINK: no link to it.
ACT_MUST act_rc act__send_reply(struct act__remote *remote, act_reply token, act_rc status,
                                const act_schema *schema, const void *message,
                                struct act__worker *me);

// --- looking up (lookup.c) ----------------------------------------------------------------

void act__searches_up(struct act__remote *remote, struct act__far *far, struct act__worker *me);
// The link that `dial` or `incarnation` names will not answer any more.
void act__searches_end(struct act__remote *remote, struct act__dial *dial, uint64_t incarnation,
                       act_rc why, struct act__worker *me);
// Another link leads there, or is just being made: its searches go over that one. False: there is none.
bool act__searches_move(struct act__remote *remote, struct act__dial *dial, uint64_t incarnation,
                        struct act__worker *me);
void act__receive_lookup(struct act__remote *remote, struct act__far *far,
                         const struct act__frame_lookup *frame, struct act__worker *me);
void act__receive_found(struct act__remote *remote, struct act__far *far,
                        const struct act__frame_found *frame, struct act__worker *me);
void act__receive_notfound(struct act__remote *remote, struct act__far *far,
                           const struct act__frame_notfound *frame, struct act__worker *me);

// --- addresses in messages (pids.c) -------------------------------------------------------

// Calls fn for every address in a message. Any thread.
void act__pids_walk(const act_schema *schema, const void *message,
                    void (*fn)(void *arg, act_pid pid), void *arg);
// Before a message goes to that node: the first credits for the actors of ours that it names.
void act__pids_grant(struct act__remote *remote, uint64_t node, struct act__peer_id link,
                     const act_schema *schema, const void *message, struct act__worker *me);

// --- links (link.c) -----------------------------------------------------------------------

// The far node says that this generation lives in that slot: one before it is gone. It is not told of
// the end of an actor that it held no credit for. Generations do not come round. Role holder.
void act__far_succeeded(struct act__remote *remote, struct act__far *far, uint32_t slot,
                        uint32_t gen, struct act__worker *me);

// --- all of it -----------------------------------------------------------------------------------

// In a process that is somebody's own process: what the link to the parent has said. Under R.
struct act__boot {
  bool linked, lost;
  bool start_come, booted;
  struct act__peer_id link;
  uint64_t parent;             // incarnation of its node
  uint32_t request, mailbox_msgs, mailbox_bytes, stop_ms;
  char behavior[ACT__FRAME_NAME_MAX + 1], child[ACT__FRAME_NAME_MAX + 1];
  uint8_t *body;
  size_t body_size;
};

struct act__remote {
  struct act__system *system;
  struct act__loop *loop;
  struct act__net *net;
  ACT__ATOMIC(uint32_t) proxies;  // of far actors, not yet retired
  struct act__mutex lock;
  // Under R.
  struct act__map fars;        // incarnation -> struct act__far
  struct act__map lost;        // incarnations whose link is gone
  struct act__map exported;    // slot -> struct act__exported
  struct act__map searches;    // request -> struct act__search
  struct act__link dials;
  uint32_t next_request;
  bool stopping, net_stopped;
  struct act__boot boot;
  struct act__alarm orphaned;  // armed by the role holder when the parent is gone
  // Role holder only.
  struct act__loop_job signal_job;
  struct act__os_signal *signals[2];
  unsigned signals_seen;
  bool signals_interrupt;      // SIGINT as well; written before the job is posted
};

static inline struct act__far *act__far_of(struct act__remote *remote, uint64_t incarnation) {
  return (struct act__far *)act__map_get(&remote->fars, incarnation);
}

// Locks the link's buffer; NULL when it is not up. With no P held.
struct act__bytes *act__link_begin(struct act__remote *remote, struct act__peer_id id,
                                   struct act__peer **peer);
// The protocol with this key among all that the program's behaviours speak. NULL: none.
const act_protocol *act__protocol_known(struct act__remote *remote, uint64_t key);
// SIGTERM only, or SIGINT as well: the first asks for a stop, the second ends the process.
void act__signals_watch(struct act__remote *remote, bool interrupt);

#endif
