// SPDX-License-Identifier: Apache-2.0
//
// One link to another node, as the storey above sees it: where to append frames, and who is there.
//
// Frames are packed by the sending thread straight into the link's buffer, under its lock: many frames
// go out with one write. A buffer that is being written is never touched; the next one fills meanwhile.
// What waits is bounded by ACT__PEER_OUT_MAX; a link that would need more is closed (ACT_EFULL), because a
// peer that does not read for so long is not coming back.
#ifndef TROUPE_RUNTIME_NET_PEER_H
#define TROUPE_RUNTIME_NET_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"

struct act__net;
struct act__peer;
struct act__worker;

#define ACT__PEER_OUT_MAX \
  (64u * 1024u * 1024u)  // bytes that may wait while others are being written

// Names one link for ever; slot 0 is a good one, epoch 0 is none.
struct act__peer_id {
  uint32_t slot, epoch;
};

// Locks the link's buffer and lends it for appending whole frames (runtime/net/frame.h); NULL when that
// link is not up (any more). `epoch` 0: whichever link is in that slot. Hold it shortly, call nothing
// of runtime/net or runtime/io but frame encoders meanwhile, and follow with act__peer_end. Any thread.
struct act__bytes *act__peer_begin(struct act__peer *peer, uint32_t epoch);

// Unlocks, and has the loop write soon. `me` as everywhere. A buffer that has failed closes the link.
void act__peer_end(struct act__peer *peer, struct act__worker *me);

// Any thread.
struct act__peer_id act__peer_id(const struct act__peer *peer);
bool act__peer_is_up(const struct act__peer *peer);

// What the storey above keeps there: NULL until set, and NULL again for the next link in the slot.
void act__peer_set_user(struct act__peer *peer, void *user);  // role holder only
void *act__peer_user(const struct act__peer *peer);

// The rest: in sink calls, and from other threads while they know that the link is up.
uint64_t act__peer_incarnation(const struct act__peer *peer);  // 0 before the handshake
const char *act__peer_name(const struct act__peer *peer);      // "" before the handshake
uint32_t act__peer_uid(const struct act__peer *peer);
uint64_t act__peer_cookie(const struct act__peer *peer);  // of dial or adopt; 0: accepted
uint32_t act__peer_capabilities(const struct act__peer *peer);
uint32_t act__peer_frame_max(const struct act__peer *peer);  // the smaller of both sides'
bool act__peer_is_child(const struct act__peer *peer);       // an own process of ours
bool act__peer_is_parent(const struct act__peer *peer);      // we are its own process
struct act__net *act__peer_net(const struct act__peer *peer);

#endif
