// SPDX-License-Identifier: Apache-2.0
//
// What net.c (the table, listeners, starting and stopping) and peer.c (the life of one connection) share
// with each other and with nobody else.
//
// Locks: net->lock guards which slots are taken; peer->lock guards that peer's out buffer and requests.
// The order is net before peer. Nothing above or below is called with either held, save frame encoders,
// the handshake and act__loop_post.
#ifndef TROUPE_RUNTIME_NET_INSIDE_H
#define TROUPE_RUNTIME_NET_INSIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"
#include "base/bytes.h"
#include "base/list.h"
#include "base/thread.h"
#include "runtime/io/loop.h"
#include "runtime/net/handshake.h"
#include "runtime/net/heartbeat.h"
#include "runtime/net/net.h"
#include "runtime/net/peer.h"

struct act__listener;
struct act__stream;
struct act__tick;

enum act__peer_status { ACT__PEER_GONE, ACT__PEER_COMING, ACT__PEER_UP };

// Role holder's view of one use of a slot.
enum act__peer_phase {
  ACT__PHASE_FREE,
  ACT__PHASE_HANDSHAKE,
  ACT__PHASE_UP,
  ACT__PHASE_LINGER,   // told to the sink as down; the last bytes are being written
  ACT__PHASE_CLOSING,  // waiting for the stream's `closed`
};

struct act__peer_start {
  int fd;
  enum act__net_role role;
  bool accepted;  // by a listener: the sink does not hear of it before it is up
  uint32_t uid;
  uint64_t cookie;
};

struct act__peer {
  // immutable once the slot is made
  struct act__net *net;
  uint32_t slot;

  // any thread, atomic
  ACT__ATOMIC(int) status;      // enum act__peer_status
  ACT__ATOMIC(uint32_t) epoch;  // written under the lock
  ACT__ATOMIC(void *) user;

  // under lock
  struct act__mutex lock;
  struct act__bytes filling;
  bool open;  // the storey above may append
  bool job_posted;
  bool writing_busy;  // the loop will look at `filling` when its write is done: no job needed
  bool start_wanted;
  bool close_wanted;
  act_rc close_rc;
  char close_text[ACT__FRAME_REFUSE_TEXT_MAX + 1];
  struct act__peer_start start;

  // role holder only
  struct act__link link;  // in net->active
  struct act__loop_job job;
  enum act__peer_phase phase;
  struct act__peer_start how;  // what `start` was
  struct act__stream *stream;
  struct act__bytes writing;
  bool is_writing;
  bool mute;            // a write has failed: nothing is written any more
  int64_t deadline_ns;  // of the handshake, of lingering
  struct act__handshake handshake;
  struct act__heartbeat beat;
};

struct act__net_listener {
  struct act__net *net;
  struct act__loop_job job;
  struct act__listener *listener;  // role holder only
  int fd;                          // before `listener` is there
  bool held;                       // its job is not posted yet; under lock
  char *path;
};

struct act__net {
  // immutable after create
  struct act__loop *loop;
  const struct act__net_sink *sink;
  void *arg;
  struct act__handshake_self self;
  char name[ACT__FRAME_NAME_MAX + 1];
  int64_t heartbeat_ns, silence_ns, handshake_ns;
  uint32_t step_ms;

  // any thread, atomic
  ACT__ATOMIC(struct act__peer *) slots[ACT__PEERS_MAX];
  ACT__ATOMIC(uint32_t) jobs;  // posted and not yet run
  ACT__ATOMIC(uint64_t) accepted, refused, frames_in, bytes_in, bytes_out;

  // under lock
  struct act__mutex lock;
  bool taken[ACT__PEERS_MAX];
  uint32_t taken_count, next_slot;
  bool stopping, holding;
  struct act__net_listener *listeners[ACT__NET_LISTENERS_MAX];

  // role holder only
  struct act__link active;  // peers whose phase is not FREE
  struct act__tick *tick;
  bool ticking, stop_seen;
  uint32_t handshakes;  // accepted ones that are not up yet
  uint32_t open_listeners;
  struct act__loop_job stop_job;
  void (*stopped)(void *arg);
  void *stopped_arg;
};

// peer.c
void act__peer_init(struct act__peer *peer, struct act__net *net, uint32_t slot);
void act__peer_fini(struct act__peer *peer);
// Makes a slot that was just taken somebody's, and has the loop begin. Gives its id.
struct act__peer_id act__peer_launch(struct act__peer *peer, const struct act__peer_start *start);
// Asks the loop to close that link, if it is still there. Any thread.
void act__peer_ask_close(struct act__peer *peer, uint32_t epoch, act_rc why, const char *text);
// Role holder: says goodbye if `politely`, tells the sink, closes.
void act__peer_down(struct act__peer *peer, act_rc why, const char *text, bool politely);
// Role holder: heartbeat, silence and deadlines.
void act__peer_step(struct act__peer *peer, int64_t now_ns);

// net.c
void act__net_peer_began(struct act__peer *peer);  // role holder: before the handshake
void act__net_peer_free(struct act__peer *peer);   // role holder: the slot may be taken again
// Role holder: completes a stop when nothing is left. May end in the net's destruction, so it is the
// last thing that a callback does.
void act__net_settle(struct act__net *net);
enum act__handshake_rival act__net_rival(void *peer, uint64_t incarnation);
void act__net_refuse_rivals(struct act__peer *kept);

#endif
