// SPDX-License-Identifier: Apache-2.0
//
// The links of one node: listening, dialling, adopting descriptors, and a bounded table of peers.
//
// A peer lives in a type-stable slot: memory is not freed before the net is destroyed, and a pair
// (slot, epoch) never means a later link. What happens on links is told to one sink from above; all its
// calls come from the role holder of the loop, one at a time, never with a lock held.
//
// What happens to a connection:
//   dialled, adopted or accepted -> handshake (one deadline for all of it)
//     -> refused or failed: sink.down(was_up = false), for links that we dialled or adopted only
//     -> sink.up -> sink.frame* -> sink.down(was_up = true), exactly once.
//
// All functions: any thread, unless they say otherwise; none blocks.
#ifndef TROUPE_RUNTIME_NET_NET_H
#define TROUPE_RUNTIME_NET_NET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "runtime/net/frame.h"
#include "runtime/net/peer.h"

struct act__loop;
struct act__net;
struct act__worker;

#define ACT__PEERS_MAX 1024u         // links of a node, those in their handshake included
#define ACT__NET_HANDSHAKES_MAX 32u  // accepted connections still in their handshake
#define ACT__NET_HEARTBEAT_MS 1000u  // something is sent at least this often
#define ACT__NET_SILENCE_MS 4000u    // so long nothing heard: the peer is down
#define ACT__NET_HANDSHAKE_MS 5000u  // the whole handshake
#define ACT__NET_LINGER_MS 1000u     // to write out what is left before closing

// `me` is the worker that polls the loop, or NULL when the monitor thread does. Texts and frames are
// borrowed during the call.
struct act__net_sink {
  // The handshake is done; frames may be sent from now on.
  void (*up)(void *arg, struct act__peer *peer, struct act__worker *me);
  // The link is gone (was_up), or never was. `why`: ACT_ELINK (broke off, or silent: the node may be
  // alive), ACT_ECLOSED (the other side said goodbye, or we closed it), ACT_EBADMSG (malformed),
  // ACT_EFULL (more than ACT__PEER_OUT_MAX waited to be written), ACT_ETIMEDOUT (handshake), ACT_EVERSION,
  // ACT_EEXIST (there is a link to that node already), ACT_EACCES, or what the other side's refusal or
  // act__net_close_peer says. Nothing can be sent any more. The peer's slot is reused after this call.
  void (*down)(void *arg, struct act__peer *peer, bool was_up, act_rc why, const char *text,
               struct act__worker *me);
  // A frame that is legal on this link and not the link's own business.
  void (*frame)(void *arg, struct act__peer *peer, const struct act__frame *frame,
                struct act__worker *me);
  // All that was waiting has been written. May be NULL.
  void (*drained)(void *arg, struct act__peer *peer, struct act__worker *me);
};

struct act__net_options {
  const char *name;        // of this node, at most ACT__FRAME_NAME_MAX bytes; copied
  uint64_t incarnation;    // not 0
  struct act__loop *loop;  // borrowed until destroy
  uint32_t capabilities;   // announced; unknown bits of others are ignored
  uint32_t heartbeat_ms, silence_ms, handshake_ms;  // 0: the defaults above
  uint32_t frame_max;                               // 0: ACT__FRAME_MAX
  const struct act__net_sink *sink;                 // borrowed until destroy
  void *arg;
};

// ACT_ENOMEM, ACT_EINVAL (name too long, incarnation 0, silence shorter than two heartbeats).
ACT_MUST act_rc act__net_create(const struct act__net_options *options, struct act__net **out);

// After act__net_stop has completed, or when none of listen, dial and adopt was ever called. NULL:
// nothing.
void act__net_destroy(struct act__net *net);

// Listens on "unix:/path". Errors of act__socket_listen; ACT_ENOTSUP for "tcp:" and "tls:" in this
// version, ACT_EINVAL for what is no address, ACT_ECLOSED after stop, ACT_ELIMIT (ACT__NET_LISTENERS_MAX).
#define ACT__NET_LISTENERS_MAX 8u
ACT_MUST act_rc act__net_listen(struct act__net *net, const char *address);

// What connects to listeners made from here on waits, unaccepted, until act__net_accept: addresses can
// be taken before there is anybody to talk to. Who waits longer than its handshake may gives up.
void act__net_hold(struct act__net *net);
void act__net_accept(struct act__net *net);

// Connects to "unix:/path". ACT_OK: one `up`, or one `down` with was_up false, follows, with this
// cookie; *out (may be NULL) names the attempt. Otherwise nothing follows: errors of act__socket_dial,
// ACT_ENOTSUP, ACT_EINVAL, ACT_ELIMIT (ACT__PEERS_MAX), ACT_ENOMEM, ACT_ECLOSED after stop.
ACT_MUST act_rc act__net_dial(struct act__net *net, const char *address, uint64_t cookie,
                              struct act__peer_id *out);

enum act__net_role {
  ACT__NET_DIALER,    // speaks first, as act__net_dial does
  ACT__NET_ACCEPTOR,  // waits for the other's HELLO, as accepted connections do
  ACT__NET_PARENT,    // the other side is an own process of ours (an acceptor)
  ACT__NET_CHILD,     // we are an own process of the other side (a dialer)
};

// Makes a link of a connected descriptor, which it takes, also on failure. Result and errors as dial.
ACT_MUST act_rc act__net_adopt(struct act__net *net, int fd, enum act__net_role role,
                               uint64_t cookie, struct act__peer_id *out);

// Says goodbye with this reason, writes out what is left, closes; `down` with the same reason follows
// soon. Nothing happens when that link is gone already.
void act__net_close_peer(struct act__net *net, struct act__peer_id id, act_rc why,
                         const char *text);

// Stops listening, then the same for all peers (ACT_ECLOSED); calls done(arg), once, in the role
// holder, when all of it is closed. Once.
void act__net_stop(struct act__net *net, void (*done)(void *arg), void *arg);

// The link that the pair names, while it is up or in its handshake; NULL when it is gone. The pointer
// stays good until destroy, but may mean another link later: send with act__peer_begin(peer, epoch).
struct act__peer *act__net_peer(struct act__net *net, struct act__peer_id id);

// Calls fn for every link that is up. Role holder only.
void act__net_each(struct act__net *net, void (*fn)(void *arg, struct act__peer *peer), void *arg);

struct act__net_counts {
  uint64_t accepted, refused;  // connections; refused: failed handshakes, ours and theirs
  uint64_t frames_in, bytes_in, bytes_out;
  uint32_t peers;  // now, those in their handshake included
};
void act__net_count(struct act__net *net, struct act__net_counts *out);

uint64_t act__net_incarnation(const struct act__net *net);

#endif
