// SPDX-License-Identifier: Apache-2.0
//
// One connection: two buffers that change places, a parser over the stream's own buffer, and every way
// in which it can end meeting in act__peer_down.
#include "runtime/net/peer.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "runtime/io/socket.h"
#include "runtime/io/stream.h"
#include "runtime/net/inside.h"

_Static_assert(ACT__FRAME_PREFIX + ACT__FRAME_MAX < ACT__STREAM_BUFFER,
               "the stream's buffer holds the largest frame and more");

#define KEPT_CAPACITY (256u * 1024u)  // a written buffer larger than this is given back

static void on_job(struct act__loop_job *job);
static size_t on_read(void *arg, const uint8_t *data, size_t size);
static void on_written(void *arg, act_rc rc);
static void on_ended(void *arg, act_rc why);
static void on_closed(void *arg);
static void flush(struct act__peer *peer);

static const struct act__stream_events stream_events = {
    .read = on_read,
    .written = on_written,
    .ended = on_ended,
    .closed = on_closed,
};

static struct act__worker *worker_of(const struct act__peer *peer) {
  return act__loop_worker(peer->net->loop);
}

static void set_status(struct act__peer *peer, enum act__peer_status status) {
  // release [peer:status]: pairs with the acquire in act__peer_is_up and act__net_peer; who sees a
  // link up sees who is there.
  act__store_release(&peer->status, (int)status);
}

// --- a slot ---------------------------------------------------------------------------------------

void act__peer_init(struct act__peer *peer, struct act__net *net, uint32_t slot) {
  memset(peer, 0, sizeof *peer);
  peer->net = net;
  peer->slot = slot;
  act__atomic_init(&peer->status, ACT__PEER_GONE);
  act__atomic_init(&peer->epoch, 0);
  act__atomic_init(&peer->user, NULL);
  act__mutex_init(&peer->lock);
  act__bytes_init(&peer->filling, ACT__PEER_OUT_MAX);
  act__bytes_init(&peer->writing, ACT__PEER_OUT_MAX);
  act__list_init(&peer->link);
  peer->job.fn = on_job;
}

void act__peer_fini(struct act__peer *peer) {
  ACT_ASSERT(peer->phase == ACT__PHASE_FREE && !peer->job_posted);
  act__bytes_fini(&peer->filling);
  act__bytes_fini(&peer->writing);
  act__mutex_fini(&peer->lock);
}

// Under the peer's lock.
static void post_job(struct act__peer *peer) {
  if (peer->job_posted) return;
  peer->job_posted = true;
  // relaxed: only the role holder waits for it to be 0, when the peer's lock has told it that nobody
  // posts any more.
  act__fetch_add_relaxed(&peer->net->jobs, 1);
  act__loop_post(peer->net->loop, &peer->job);
}

struct act__peer_id act__peer_launch(struct act__peer *peer, const struct act__peer_start *start) {
  act__mutex_lock(&peer->lock);
  // relaxed: written under the lock only.
  uint32_t epoch = act__load_relaxed(&peer->epoch) + 1;
  if (epoch == 0) epoch = 1;
  // release [peer:epoch]: pairs with the acquire in act__peer_id; whoever learns the epoch sees the
  // user pointer of this link, not of the last.
  act__store_relaxed(&peer->user, NULL);
  act__store_release(&peer->epoch, epoch);
  set_status(peer, ACT__PEER_COMING);
  peer->start = *start;
  peer->start_wanted = true;
  peer->close_wanted = false;
  post_job(peer);
  act__mutex_unlock(&peer->lock);
  return (struct act__peer_id){.slot = peer->slot, .epoch = epoch};
}

// --- the storey above -------------------------------------------------------------------------------

struct act__bytes *act__peer_begin(struct act__peer *peer, uint32_t epoch) {
  act__mutex_lock(&peer->lock);
#ifdef ACT_MUTANT_PEER_EPOCH_BLIND
  epoch = 0;
#endif
  // relaxed: written under the lock only.
  if (!peer->open || (epoch && epoch != act__load_relaxed(&peer->epoch))) {
    act__mutex_unlock(&peer->lock);
    return NULL;
  }
  return &peer->filling;
}

// Under the peer's lock.
static void want_close(struct act__peer *peer, act_rc why, const char *text) {
  if (peer->close_wanted) return;
  peer->close_wanted = true;
  peer->close_rc = why;
  snprintf(peer->close_text, sizeof peer->close_text, "%s", text ? text : "");
  post_job(peer);
}

void act__peer_end(struct act__peer *peer, struct act__worker *me) {
  (void)me;
  if (peer->filling.failed) {
    peer->open = false;
    want_close(peer, peer->filling.reason,
               peer->filling.reason == ACT_EFULL ? "too much is waiting to be written"
                                                 : "out of memory for what is to be written");
  } else if (peer->filling.length > 0 && !peer->writing_busy) {
    post_job(peer);
  }
  act__mutex_unlock(&peer->lock);
}

void act__peer_ask_close(struct act__peer *peer, uint32_t epoch, act_rc why, const char *text) {
  act__mutex_lock(&peer->lock);
  // relaxed: both are written under the lock, status save for its end, which the job looks at again.
  if (act__load_relaxed(&peer->epoch) == epoch &&
      act__load_relaxed(&peer->status) != ACT__PEER_GONE) {
    want_close(peer, why, text);
  }
  act__mutex_unlock(&peer->lock);
}

struct act__peer_id act__peer_id(const struct act__peer *peer) {
  // acquire [peer:epoch]: pairs with the release in act__peer_launch.
  return (struct act__peer_id){.slot = peer->slot, .epoch = act__load_acquire(&peer->epoch)};
}

bool act__peer_is_up(const struct act__peer *peer) {
  // acquire [peer:status]: pairs with the release in set_status.
  return act__load_acquire(&peer->status) == ACT__PEER_UP;
}

void act__peer_set_user(struct act__peer *peer, void *user) {
  // release [peer:user]: pairs with the acquire in act__peer_user; hands over what it points at.
  act__store_release(&peer->user, user);
}

void *act__peer_user(const struct act__peer *peer) {
  // acquire [peer:user]: pairs with the release in act__peer_set_user.
  return act__load_acquire(&peer->user);
}

uint64_t act__peer_incarnation(const struct act__peer *peer) {
  return peer->handshake.incarnation;
}

const char *act__peer_name(const struct act__peer *peer) {
  return peer->handshake.name;
}

uint32_t act__peer_uid(const struct act__peer *peer) {
  return peer->how.uid;
}

uint64_t act__peer_cookie(const struct act__peer *peer) {
  return peer->how.cookie;
}

uint32_t act__peer_capabilities(const struct act__peer *peer) {
  return peer->handshake.capabilities;
}

uint32_t act__peer_frame_max(const struct act__peer *peer) {
  return peer->handshake.frame_max;
}

bool act__peer_is_child(const struct act__peer *peer) {
  return peer->how.role == ACT__NET_PARENT;
}

bool act__peer_is_parent(const struct act__peer *peer) {
  return peer->how.role == ACT__NET_CHILD;
}

struct act__net *act__peer_net(const struct act__peer *peer) {
  return peer->net;
}

// --- beginning and ending ---------------------------------------------------------------------------

static void close_stream(struct act__peer *peer) {
  peer->phase = ACT__PHASE_CLOSING;
  act__stream_close(peer->stream);
}

void act__peer_down(struct act__peer *peer, act_rc why, const char *text, bool politely) {
  if (peer->phase != ACT__PHASE_HANDSHAKE && peer->phase != ACT__PHASE_UP) return;
  bool was_up = peer->phase == ACT__PHASE_UP;
  act__mutex_lock(&peer->lock);
  peer->open = false;
  if (politely) {
    if (peer->filling.failed) act__bytes_reset(&peer->filling);
    if (was_up) {
      struct act__frame_ending ending = {.rc = why, .text = act__span_of_text(text)};
      act_rc written = act__frame_put_goodbye(&peer->filling, &ending);
      (void)written;  // without memory the other side sees the connection end, and no reason
    } else {
      act__handshake_fail(&peer->handshake, why, text, &peer->filling);
    }
  } else {
    act__bytes_reset(&peer->filling);
  }
  set_status(peer, ACT__PEER_GONE);
  act__mutex_unlock(&peer->lock);

  peer->phase = ACT__PHASE_LINGER;
  peer->deadline_ns = act__time_add(act__loop_now_ns(peer->net->loop),
                                    (int64_t)ACT__NET_LINGER_MS * ACT__NS_PER_MS);
  if (!was_up) {
    // relaxed: a count for people.
    act__fetch_add_relaxed(&peer->net->refused, 1);
    if (peer->how.accepted) peer->net->handshakes--;
  }
  if (was_up || !peer->how.accepted) {
    peer->net->sink->down(peer->net->arg, peer, was_up, why, text, worker_of(peer));
  }
  if (!politely) {
    close_stream(peer);
  } else if (!peer->is_writing) {
    flush(peer);
    if (!peer->is_writing) close_stream(peer);
  }
}

static bool is_dialer(enum act__net_role role) {
  return role == ACT__NET_DIALER || role == ACT__NET_CHILD;
}

static enum act__frame_role frame_role(enum act__net_role role) {
  return role == ACT__NET_PARENT  ? ACT__ROLE_PARENT
         : role == ACT__NET_CHILD ? ACT__ROLE_CHILD
                                  : ACT__ROLE_PEER;
}

// The connection could not even be begun.
static void stillborn(struct act__peer *peer, act_rc rc, const char *text) {
  peer->phase = ACT__PHASE_CLOSING;
  set_status(peer, ACT__PEER_GONE);
  // relaxed: a count for people.
  act__fetch_add_relaxed(&peer->net->refused, 1);
  if (peer->how.accepted) peer->net->handshakes--;
  if (!peer->how.accepted) {
    peer->net->sink->down(peer->net->arg, peer, false, rc, text, worker_of(peer));
  }
  on_closed(peer);
}

// Puts what the slot's new user asked for into the role holder's hands.
static void begin(struct act__peer *peer, const struct act__peer_start *start) {
  struct act__net *net = peer->net;
  ACT_ASSERT(peer->phase == ACT__PHASE_FREE);
  peer->how = *start;
  peer->phase = ACT__PHASE_HANDSHAKE;
  peer->stream = NULL;
  peer->is_writing = peer->mute = false;
  peer->deadline_ns = act__time_add(act__loop_now_ns(net->loop), net->handshake_ns);
  act__handshake_init(&peer->handshake, &net->self, is_dialer(start->role),
                      frame_role(start->role));
  act__net_peer_began(peer);
  if (net->stop_seen) {
    act__socket_close(start->fd);
    stillborn(peer, ACT_ECLOSED, "the node stops");
    return;
  }
  act_rc rc = act__stream_open(net->loop, start->fd, &stream_events, peer, &peer->stream);
  if (rc) {
    stillborn(peer, rc, "the connection could not be opened");
    return;
  }
  if (peer->handshake.state != ACT__HS_NEW) return;
  act__mutex_lock(&peer->lock);
  rc = act__handshake_start(&peer->handshake, &peer->filling);
  act__mutex_unlock(&peer->lock);
  if (rc) {
    act__peer_down(peer, rc, "out of memory", false);
  } else {
    flush(peer);
  }
}

static void on_job(struct act__loop_job *job) {
  struct act__peer *peer = ACT__CONTAINER_OF(job, struct act__peer, job);
  struct act__net *net = peer->net;
  act__mutex_lock(&peer->lock);
  peer->job_posted = false;
  bool start_wanted = peer->start_wanted, close_wanted = peer->close_wanted;
  struct act__peer_start start = peer->start;
  act_rc why = peer->close_rc;
  char text[sizeof peer->close_text];
  if (close_wanted) memcpy(text, peer->close_text, sizeof text);
  peer->start_wanted = peer->close_wanted = false;
  act__mutex_unlock(&peer->lock);

  if (start_wanted) begin(peer, &start);
  if (close_wanted) {
    act__peer_down(peer, why, text, true);
  } else {
    flush(peer);
  }
  // relaxed: as in post_job. Only now, so that nothing above could complete a stop under our feet.
  act__fetch_sub_relaxed(&net->jobs, 1);
  act__net_settle(net);
}

static void on_closed(void *arg) {
  struct act__peer *peer = arg;
  struct act__net *net = peer->net;
  ACT_ASSERT(!peer->is_writing);
  if (peer->phase != ACT__PHASE_CLOSING) {  // the loop is being destroyed around us
    peer->phase = ACT__PHASE_CLOSING;
    set_status(peer, ACT__PEER_GONE);
  }
  peer->stream = NULL;
  act__mutex_lock(&peer->lock);
  peer->open = peer->writing_busy = false;
  act__bytes_fini(&peer->filling);
  act__bytes_init(&peer->filling, ACT__PEER_OUT_MAX);
  act__mutex_unlock(&peer->lock);
  act__bytes_fini(&peer->writing);
  act__bytes_init(&peer->writing, ACT__PEER_OUT_MAX);
  peer->phase = ACT__PHASE_FREE;
  act__net_peer_free(peer);
  act__net_settle(net);
}

// --- writing ----------------------------------------------------------------------------------------

static bool can_write(const struct act__peer *peer) {
  return peer->stream && !peer->is_writing && !peer->mute && peer->phase != ACT__PHASE_FREE &&
         peer->phase != ACT__PHASE_CLOSING;
}

// Writes all that has been appended, unless a write is under way: then its end comes back here.
static void flush(struct act__peer *peer) {
  if (!can_write(peer)) return;
  act__mutex_lock(&peer->lock);
  bool some = peer->filling.length > 0 && !peer->filling.failed;
  if (some) {
    struct act__bytes written = peer->writing;
    peer->writing = peer->filling;
    peer->filling = written;
  }
  peer->writing_busy = some;
  act__mutex_unlock(&peer->lock);
  if (!some) return;
  peer->is_writing = true;
  peer->beat.sent_ns = act__loop_now_ns(peer->net->loop);
  // relaxed: a count for people.
  act__fetch_add_relaxed(&peer->net->bytes_out, peer->writing.length);
  act__stream_write(peer->stream, peer->writing.data, peer->writing.length);
}

static void on_written(void *arg, act_rc rc) {
  struct act__peer *peer = arg;
  peer->is_writing = false;
#ifndef ACT_MUTANT_PEER_WRITES_TWICE
  act__bytes_reset(&peer->writing);
#endif
  if (peer->writing.capacity > KEPT_CAPACITY) {
    act__bytes_fini(&peer->writing);
    act__bytes_init(&peer->writing, ACT__PEER_OUT_MAX);
  }
  if (peer->phase == ACT__PHASE_CLOSING) return;
  if (rc) {
    // The other side has closed. What it sent before, perhaps the reason, is still to be read, and the
    // end of that is what ends this link.
    peer->mute = true;
    if (peer->phase == ACT__PHASE_LINGER) close_stream(peer);
    return;
  }
  flush(peer);
  if (peer->is_writing) return;
  if (peer->phase == ACT__PHASE_LINGER) {
    close_stream(peer);
  } else if (peer->phase == ACT__PHASE_UP && peer->net->sink->drained) {
    peer->net->sink->drained(peer->net->arg, peer, worker_of(peer));
  }
}

// --- reading ----------------------------------------------------------------------------------------

static void on_ended(void *arg, act_rc why) {
  struct act__peer *peer = arg;
  if (peer->phase == ACT__PHASE_LINGER) {
    close_stream(peer);
    return;
  }
  bool closed = why == ACT_ECLOSED;
  act__peer_down(peer, closed ? ACT_ELINK : why,
                 closed ? "the other side closed the connection without a goodbye"
                        : "reading from the connection failed",
                 false);
}

static void come_up(struct act__peer *peer, bool alone) {
  struct act__net *net = peer->net;
  peer->phase = ACT__PHASE_UP;
  if (peer->how.accepted) net->handshakes--;
  act__heartbeat_init(&peer->beat, net->heartbeat_ns, net->silence_ns,
                      (int64_t)net->step_ms * ACT__NS_PER_MS, act__loop_now_ns(net->loop));
  if (alone) act__net_refuse_rivals(peer);
  act__mutex_lock(&peer->lock);
  peer->open = !peer->close_wanted;
  set_status(peer, ACT__PEER_UP);
  act__mutex_unlock(&peer->lock);
  net->sink->up(net->arg, peer, worker_of(peer));
}

static void take_handshake(struct act__peer *peer, const struct act__frame *frame) {
  act__mutex_lock(&peer->lock);
  enum act__handshake_verdict verdict =
      act__handshake_frame(&peer->handshake, frame, act__net_rival, peer, &peer->filling);
  act__mutex_unlock(&peer->lock);
  if (verdict == ACT__HS_FAILED) {
    act__peer_down(peer, peer->handshake.rc, peer->handshake.text, true);
    return;
  }
  flush(peer);
  if (verdict != ACT__HS_GO_ON) come_up(peer, verdict == ACT__HS_IS_UP_ALONE);
}

static void take_goodbye(struct act__peer *peer, const struct act__frame_ending *ending) {
  char text[ACT__FRAME_TEXT_MAX + 1];
  snprintf(text, sizeof text, "%.*s", (int)ending->text.size, (const char *)ending->text.data);
  act__peer_down(peer, ending->rc ? ending->rc : ACT_ECLOSED, text, false);
}

static void malformed(struct act__peer *peer, unsigned type, const char *what) {
  char text[160];
  snprintf(text, sizeof text, "malformed frame: %s: %s", act__frame_type_name(type), what);
  act__peer_down(peer, ACT_EBADMSG, text, true);
}

static void take_frame(struct act__peer *peer, const uint8_t *data, size_t size) {
  struct act__frame frame;
  const char *why;
  // relaxed: a count for people.
  act__fetch_add_relaxed(&peer->net->frames_in, 1);
  if (act__frame_decode(data, size, &frame, &why)) {
    malformed(peer, data[0], why);
  } else if (peer->phase == ACT__PHASE_HANDSHAKE) {
    take_handshake(peer, &frame);
  } else if (!act__handshake_allows(ACT__HS_UP, peer->handshake.role, frame.type)) {
    malformed(peer, frame.type, "not allowed on this link now");
  } else if (frame.type == ACT__FRAME_GOODBYE) {
    take_goodbye(peer, &frame.u.ending);
  } else if (frame.type != ACT__FRAME_HEARTBEAT && frame.type != ACT__FRAME_SKIPPED) {
    peer->net->sink->frame(peer->net->arg, peer, &frame, worker_of(peer));
  }
}

static bool is_listening(const struct act__peer *peer) {
  return peer->phase == ACT__PHASE_HANDSHAKE || peer->phase == ACT__PHASE_UP;
}

static size_t on_read(void *arg, const uint8_t *data, size_t size) {
  struct act__peer *peer = arg;
  peer->beat.heard_ns = act__loop_now_ns(peer->net->loop);
  size_t used = 0;
  while (is_listening(peer)) {
    uint32_t length;
    act_rc rc = act__frame_split(data + used, size - used,
                                 act__handshake_frame_max(&peer->handshake), &length);
    if (rc == ACT_LATER) break;
    if (rc) {
      act__peer_down(peer, ACT_EBADMSG, "malformed frame: its length is 0 or over the limit", true);
      break;
    }
    take_frame(peer, data + used + ACT__FRAME_PREFIX, length);
    used += ACT__FRAME_PREFIX + length;
  }
  if (!is_listening(peer)) used = size;
  // relaxed: a count for people.
  act__fetch_add_relaxed(&peer->net->bytes_in, used);
  return used;
}

// --- time -------------------------------------------------------------------------------------------

static void beat(struct act__peer *peer, int64_t now_ns) {
  switch (act__heartbeat_step(&peer->beat, now_ns)) {
  case ACT__BEAT_NONE: break;
  case ACT__BEAT_SEND: {
    if (peer->is_writing) break;  // what is under way says that we live
    act__mutex_lock(&peer->lock);
    act_rc rc = act__frame_put_heartbeat(&peer->filling);
    act__mutex_unlock(&peer->lock);
    if (!rc) flush(peer);
    break;
  }
  case ACT__BEAT_DOWN: {
    char text[64];
    snprintf(text, sizeof text, "nothing heard for %lld ms",
             (long long)((now_ns - peer->beat.heard_ns) / ACT__NS_PER_MS));
    act__peer_down(peer, ACT_ELINK, text, true);
    break;
  }
  }
}

void act__peer_step(struct act__peer *peer, int64_t now_ns) {
  switch (peer->phase) {
  case ACT__PHASE_HANDSHAKE:
    if (now_ns >= peer->deadline_ns) {
      act__peer_down(peer, ACT_ETIMEDOUT, "the handshake took too long", true);
    }
    break;
  case ACT__PHASE_UP: beat(peer, now_ns); break;
  case ACT__PHASE_LINGER:
    if (now_ns >= peer->deadline_ns) close_stream(peer);
    break;
  case ACT__PHASE_FREE:
  case ACT__PHASE_CLOSING: break;
  }
}
