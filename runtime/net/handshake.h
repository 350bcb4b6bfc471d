// SPDX-License-Identifier: Apache-2.0
//
// The handshake and what is legal when, as a pure state machine: frames in, frames and a verdict out;
// no clock, socket or memory of its own.
//
//   dialer                          acceptor
//   HELLO  ------------------------>           versions, role, incarnation, name, limits
//          <------------------------  WELCOME  or REFUSE and close
//   HEARTBEAT --------------------->           confirms: now the acceptor's side is up, too
//
// The confirmation is there because two nodes may dial each other at the same moment. Each then holds
// a connection that it has welcomed, and gets a WELCOME on the one that it dialled. The rule that both
// sides compute alike: a link that is up wins over a newer one; between two that are half open the one
// dialled by the node with the greater incarnation wins, and the other is refused.
#ifndef TROUPE_RUNTIME_NET_HANDSHAKE_H
#define TROUPE_RUNTIME_NET_HANDSHAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "runtime/net/frame.h"

enum act__handshake_state {
  ACT__HS_NEW,       // dialer: nothing sent yet
  ACT__HS_CALLING,   // dialer: HELLO sent
  ACT__HS_WAITING,   // acceptor: no HELLO yet
  ACT__HS_WELCOMED,  // acceptor: WELCOME sent, not confirmed
  ACT__HS_UP,
  ACT__HS_OVER,  // refused, failed or closed
  ACT__HS_STATES,
};

// What this node says of itself. Borrowed by each handshake until it is up or over.
struct act__handshake_self {
  uint64_t incarnation;
  const char *name;
  uint16_t version_min, version_max;
  uint32_t capabilities;
  uint32_t frame_max;
};

// What else leads to the same node.
enum act__handshake_rival { ACT__RIVAL_NONE, ACT__RIVAL_HALF_OPEN, ACT__RIVAL_UP };

// Answers for an incarnation, this connection itself left out. HALF_OPEN: an accepted connection in
// state WELCOMED.
typedef enum act__handshake_rival (*act__rival_fn)(void *arg, uint64_t incarnation);

enum act__handshake_verdict {
  ACT__HS_GO_ON,
  ACT__HS_IS_UP,
  ACT__HS_IS_UP_ALONE,  // and the half-open rivals are to be refused (ACT_EEXIST)
  ACT__HS_FAILED,       // rc and text say why; what was appended (a REFUSE) may still be written
};

struct act__handshake {
  const struct act__handshake_self *self;
  enum act__handshake_state state;
  enum act__frame_role role;  // ours
  // Of the other side, once it has been believed:
  uint64_t incarnation;
  uint32_t capabilities;
  uint32_t frame_max;  // the smaller of both
  uint16_t version;
  char name[ACT__FRAME_NAME_MAX + 1];
  // Why it is over:
  act_rc rc;
  bool by_other_side;  // it refused us
  char text[ACT__FRAME_REFUSE_TEXT_MAX + 1];
};

// An acceptor waits; a dialer must start.
void act__handshake_init(struct act__handshake *hs, const struct act__handshake_self *self,
                         bool dialer, enum act__frame_role role);

// Dialer: appends HELLO. ACT_ENOMEM, ACT_EFULL.
ACT_MUST act_rc act__handshake_start(struct act__handshake *hs, struct act__bytes *out);

// Takes a frame that came before the link was up. Appends the answer to out.
ACT_MUST enum act__handshake_verdict act__handshake_frame(struct act__handshake *hs,
                                                          const struct act__frame *frame,
                                                          act__rival_fn rival, void *rival_arg,
                                                          struct act__bytes *out);

// Gives up from this side, appending a REFUSE if the other side can still understand one.
void act__handshake_fail(struct act__handshake *hs, act_rc rc, const char *text,
                         struct act__bytes *out);

// The table: may this type arrive in this state, on a link where our role is `role`? Everything that
// is not listed closes the link.
bool act__handshake_allows(enum act__handshake_state state, enum act__frame_role role,
                           unsigned type);

// Largest length field that may arrive in this state.
uint32_t act__handshake_frame_max(const struct act__handshake *hs);

#endif
