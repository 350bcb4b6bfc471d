// SPDX-License-Identifier: Apache-2.0
#include "runtime/net/net.h"

#include <string.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/clock.h"
#include "runtime/io/listener.h"
#include "runtime/io/socket.h"
#include "runtime/io/tick.h"
#include "runtime/net/inside.h"

static void on_tick(void *arg);
static void on_stop(struct act__loop_job *job);

// --- a life -----------------------------------------------------------------------------------------

static uint32_t or_default(uint32_t value, uint32_t standard) {
  return value ? value : standard;
}

static uint32_t smallest(uint32_t a, uint32_t b, uint32_t c) {
  uint32_t least = a < b ? a : b;
  return least < c ? least : c;
}

static act_rc configure(struct act__net *net, const struct act__net_options *options) {
  uint32_t heartbeat_ms = or_default(options->heartbeat_ms, ACT__NET_HEARTBEAT_MS);
  uint32_t silence_ms = or_default(options->silence_ms, ACT__NET_SILENCE_MS);
  uint32_t frame_max = or_default(options->frame_max, ACT__FRAME_MAX);
  size_t name_size = options->name ? strlen(options->name) : 0;
  if (options->incarnation == 0 || name_size > ACT__FRAME_NAME_MAX ||
      silence_ms / 2 < heartbeat_ms || frame_max < ACT__FRAME_MAX_LEAST ||
      frame_max > ACT__FRAME_MAX) {
    return ACT_EINVAL;
  }
  if (name_size > 0) memcpy(net->name, options->name, name_size);
  net->self = (struct act__handshake_self){
      .incarnation = options->incarnation,
      .name = net->name,
      .version_min = ACT__WIRE_VERSION,
      .version_max = ACT__WIRE_VERSION,
      .capabilities = options->capabilities,
      .frame_max = frame_max,
  };
  net->heartbeat_ns = heartbeat_ms * ACT__NS_PER_MS;
  net->silence_ns = silence_ms * ACT__NS_PER_MS;
  net->handshake_ns = or_default(options->handshake_ms, ACT__NET_HANDSHAKE_MS) * ACT__NS_PER_MS;
  // Four steps to a silence, and no deadline waits for its step longer than a second.
  net->step_ms = smallest(heartbeat_ms, or_default(silence_ms / 4, 1), 1000);
  net->loop = options->loop;
  net->sink = options->sink;
  net->arg = options->arg;
  return ACT_OK;
}

act_rc act__net_create(const struct act__net_options *options, struct act__net **out) {
  struct act__net *net = act__calloc(1, sizeof *net);
  if (!net) return ACT_ENOMEM;
  act_rc rc = configure(net, options);
  if (rc) {
    act__free(net);
    return rc;
  }
  for (uint32_t i = 0; i < ACT__PEERS_MAX; i++) act__atomic_init(&net->slots[i], NULL);
  act__atomic_init(&net->jobs, 0);
  act__atomic_init(&net->accepted, 0);
  act__atomic_init(&net->refused, 0);
  act__atomic_init(&net->frames_in, 0);
  act__atomic_init(&net->bytes_in, 0);
  act__atomic_init(&net->bytes_out, 0);
  act__mutex_init(&net->lock);
  act__list_init(&net->active);
  net->stop_job.fn = on_stop;
  *out = net;
  return ACT_OK;
}

void act__net_destroy(struct act__net *net) {
  if (!net) return;
  ACT_ASSERT(net->taken_count == 0 && act__list_is_empty(&net->active));
  // relaxed: the stop has completed, nobody posts any more.
  ACT_ASSERT(act__load_relaxed(&net->jobs) == 0);
  for (uint32_t i = 0; i < ACT__PEERS_MAX; i++) {
    // relaxed: no other thread uses the net any more.
    struct act__peer *peer = act__load_relaxed(&net->slots[i]);
    if (!peer) continue;
    act__peer_fini(peer);
    act__free(peer);
  }
  act__mutex_fini(&net->lock);
  act__free(net);
}

uint64_t act__net_incarnation(const struct act__net *net) {
  return net->self.incarnation;
}

// --- the table of peers -----------------------------------------------------------------------------

// Under the net's lock. The slot's memory is made when the slot is first used.
static act_rc take_slot(struct act__net *net, struct act__peer **out) {
  if (net->stopping) return ACT_ECLOSED;
  if (net->taken_count == ACT__PEERS_MAX) return ACT_ELIMIT;
  uint32_t slot = net->next_slot;
  while (net->taken[slot]) slot = (slot + 1) % ACT__PEERS_MAX;
  // relaxed: written under the net's lock only.
  struct act__peer *peer = act__load_relaxed(&net->slots[slot]);
  if (!peer) {
    peer = act__malloc(sizeof *peer);
    if (!peer) return ACT_ENOMEM;
    act__peer_init(peer, net, slot);
    // release [net:slot]: pairs with the acquire in act__net_peer; hands over the initialised peer.
    act__store_release(&net->slots[slot], peer);
  }
  net->taken[slot] = true;
  net->taken_count++;
  // Not the slot just left: a later link gets another number for as long as there are others.
  net->next_slot = (slot + 1) % ACT__PEERS_MAX;
  *out = peer;
  return ACT_OK;
}

static act_rc start_peer(struct act__net *net, struct act__peer_start *start,
                         struct act__peer_id *out) {
  struct act__peer *peer = NULL;
  act_rc rc = act__socket_peer_uid(start->fd, &start->uid);
  if (!rc && start->uid != act__socket_own_uid()) rc = ACT_EACCES;
  if (!rc) {
    act__mutex_lock(&net->lock);
    rc = take_slot(net, &peer);
    act__mutex_unlock(&net->lock);
  }
  if (rc) {
    act__socket_close(start->fd);
    return rc;
  }
  struct act__peer_id id = act__peer_launch(peer, start);
  if (out) *out = id;
  return ACT_OK;
}

static void begin_ticking(struct act__net *net) {
  if (net->ticking) return;
  // Without memory for it there are no heartbeats until the next link begins; then it is tried again.
  if (!net->tick && act__tick_open(net->loop, on_tick, net, &net->tick)) return;
  act__tick_start(net->tick, net->step_ms);
  net->ticking = true;
}

void act__net_peer_began(struct act__peer *peer) {
  act__list_push_back(&peer->net->active, &peer->link);
  begin_ticking(peer->net);
}

void act__net_peer_free(struct act__peer *peer) {
  struct act__net *net = peer->net;
  act__list_remove(&peer->link);
  if (act__list_is_empty(&net->active) && net->ticking) {
    act__tick_stop(net->tick);
    net->ticking = false;
  }
  act__mutex_lock(&net->lock);
  net->taken[peer->slot] = false;
  net->taken_count--;
  act__mutex_unlock(&net->lock);
}

static struct act__peer *of_link(struct act__link *link) {
  return ACT__CONTAINER_OF(link, struct act__peer, link);
}

static void on_tick(void *arg) {
  struct act__net *net = arg;
  int64_t now_ns = act__loop_now_ns(net->loop);
  // Closing is asynchronous: no peer leaves the list meanwhile.
  for (struct act__link *at = net->active.next; at != &net->active; at = at->next) {
    act__peer_step(of_link(at), now_ns);
  }
}

struct act__peer *act__net_peer(struct act__net *net, struct act__peer_id id) {
  if (id.slot >= ACT__PEERS_MAX || id.epoch == 0) return NULL;
  // acquire [net:slot]: pairs with the release in take_slot.
  struct act__peer *peer = act__load_acquire(&net->slots[id.slot]);
  if (!peer || act__peer_id(peer).epoch != id.epoch) return NULL;
  // acquire [peer:status]: pairs with the release in peer.c's set_status.
  return act__load_acquire(&peer->status) != ACT__PEER_GONE ? peer : NULL;
}

void act__net_each(struct act__net *net, void (*fn)(void *arg, struct act__peer *peer), void *arg) {
  for (struct act__link *at = net->active.next; at != &net->active; at = at->next) {
    if (of_link(at)->phase == ACT__PHASE_UP) fn(arg, of_link(at));
  }
}

enum act__handshake_rival act__net_rival(void *arg, uint64_t incarnation) {
  struct act__peer *self = arg;
  enum act__handshake_rival found = ACT__RIVAL_NONE;
  struct act__link *head = &self->net->active;
  for (struct act__link *at = head->next; at != head; at = at->next) {
    struct act__peer *peer = of_link(at);
    if (peer == self || peer->handshake.incarnation != incarnation) continue;
    if (peer->phase == ACT__PHASE_UP) return ACT__RIVAL_UP;
    if (peer->phase == ACT__PHASE_HANDSHAKE && peer->handshake.state == ACT__HS_WELCOMED) {
      found = ACT__RIVAL_HALF_OPEN;
    }
  }
  return found;
}

void act__net_refuse_rivals(struct act__peer *kept) {
  struct act__link *head = &kept->net->active;
  for (struct act__link *at = head->next; at != head; at = at->next) {
    struct act__peer *peer = of_link(at);
    if (peer == kept || peer->phase != ACT__PHASE_HANDSHAKE) continue;
    if (peer->handshake.incarnation != kept->handshake.incarnation) continue;
    act__peer_down(peer, ACT_EEXIST, "another connection between these two nodes is kept", true);
  }
}

void act__net_count(struct act__net *net, struct act__net_counts *out) {
  // relaxed: counts for people.
  out->accepted = act__load_relaxed(&net->accepted);
  out->refused = act__load_relaxed(&net->refused);
  out->frames_in = act__load_relaxed(&net->frames_in);
  out->bytes_in = act__load_relaxed(&net->bytes_in);
  out->bytes_out = act__load_relaxed(&net->bytes_out);
  act__mutex_lock(&net->lock);
  out->peers = net->taken_count;
  act__mutex_unlock(&net->lock);
}

// --- addresses, dialling, adopting --------------------------------------------------------------------

static bool has_prefix(const char *text, const char *prefix) {
  return strncmp(text, prefix, strlen(prefix)) == 0;
}

static act_rc unix_path(const char *address, const char **path) {
  if (has_prefix(address, "tcp:") || has_prefix(address, "tls:")) return ACT_ENOTSUP;
  if (!has_prefix(address, "unix:")) return ACT_EINVAL;
  *path = address + strlen("unix:");
  return ACT_OK;
}

act_rc act__net_dial(struct act__net *net, const char *address, uint64_t cookie,
                     struct act__peer_id *out) {
  const char *path;
  act_rc rc = unix_path(address, &path);
  if (rc) return rc;
  int fd;
  rc = act__socket_dial(path, &fd);
  return rc ? rc : act__net_adopt(net, fd, ACT__NET_DIALER, cookie, out);
}

act_rc act__net_adopt(struct act__net *net, int fd, enum act__net_role role, uint64_t cookie,
                      struct act__peer_id *out) {
  struct act__peer_start start = {.fd = fd, .role = role, .cookie = cookie};
  return start_peer(net, &start, out);
}

void act__net_close_peer(struct act__net *net, struct act__peer_id id, act_rc why,
                         const char *text) {
  struct act__peer *peer = act__net_peer(net, id);
  if (peer) act__peer_ask_close(peer, id.epoch, why, text);
}

// --- listening ----------------------------------------------------------------------------------------

static void on_accepted(void *arg, int fd) {
  struct act__net_listener *listener = arg;
  struct act__net *net = listener->net;
  struct act__peer_start start = {.fd = fd, .role = ACT__NET_ACCEPTOR, .accepted = true};
  // relaxed: counts for people.
  act__fetch_add_relaxed(&net->accepted, 1);
  bool full = net->handshakes >= ACT__NET_HANDSHAKES_MAX;
  if (full) act__socket_close(fd);
  if (!full && start_peer(net, &start, NULL) == ACT_OK) {
    net->handshakes++;
  } else {
    act__fetch_add_relaxed(&net->refused, 1);
  }
}

static void free_listener(struct act__net_listener *listener) {
  act__free(listener->path);
  act__free(listener);
}

static void on_listener_closed(void *arg) {
  struct act__net_listener *listener = arg;
  struct act__net *net = listener->net;
  act__socket_unlisten(listener->path);
  free_listener(listener);
  net->open_listeners--;
  act__net_settle(net);
}

static void forget_listener(struct act__net *net, struct act__net_listener *listener) {
  act__mutex_lock(&net->lock);
  for (uint32_t i = 0; i < ACT__NET_LISTENERS_MAX; i++) {
    if (net->listeners[i] == listener) net->listeners[i] = NULL;
  }
  act__mutex_unlock(&net->lock);
  act__socket_unlisten(listener->path);
  free_listener(listener);
}

static void on_listener_job(struct act__loop_job *job) {
  struct act__net_listener *listener = ACT__CONTAINER_OF(job, struct act__net_listener, job);
  struct act__net *net = listener->net;
  if (net->stop_seen) {
    act__socket_close(listener->fd);
    forget_listener(net, listener);
  } else if (act__listener_open(net->loop, listener->fd, on_accepted, listener,
                                &listener->listener)) {
    forget_listener(net, listener);
  } else {
    net->open_listeners++;
  }
  // relaxed: as in peer.c.
  act__fetch_sub_relaxed(&net->jobs, 1);
  act__net_settle(net);
}

static struct act__net_listener *make_listener(struct act__net *net, const char *path) {
  struct act__net_listener *listener = act__calloc(1, sizeof *listener);
  if (!listener) return NULL;
  size_t size = strlen(path) + 1;
  listener->path = act__malloc(size);
  if (!listener->path) {
    act__free(listener);
    return NULL;
  }
  memcpy(listener->path, path, size);
  listener->net = net;
  listener->job.fn = on_listener_job;
  listener->fd = -1;
  return listener;
}

// Under the net's lock.
static void post_listener(struct act__net *net, struct act__net_listener *listener) {
  // relaxed: as in peer.c.
  act__fetch_add_relaxed(&net->jobs, 1);
  act__loop_post(net->loop, &listener->job);
}

// Takes a place in the table and listens; under the net's lock, so that a stop comes before or after.
static act_rc listen_locked(struct act__net *net, struct act__net_listener *listener) {
  if (net->stopping) return ACT_ECLOSED;
  uint32_t place = 0;
  while (place < ACT__NET_LISTENERS_MAX && net->listeners[place]) place++;
  if (place == ACT__NET_LISTENERS_MAX) return ACT_ELIMIT;
  act_rc rc = act__socket_listen(listener->path, &listener->fd);
  if (rc) return rc;
  net->listeners[place] = listener;
  listener->held = net->holding;
  if (!listener->held) post_listener(net, listener);
  return ACT_OK;
}

void act__net_hold(struct act__net *net) {
  act__mutex_lock(&net->lock);
  net->holding = true;
  act__mutex_unlock(&net->lock);
}

// Under the net's lock.
static void release_listeners(struct act__net *net) {
  net->holding = false;
  for (uint32_t i = 0; i < ACT__NET_LISTENERS_MAX; i++) {
    struct act__net_listener *listener = net->listeners[i];
    if (!listener || !listener->held) continue;
    listener->held = false;
    post_listener(net, listener);
  }
}

void act__net_accept(struct act__net *net) {
  act__mutex_lock(&net->lock);
  release_listeners(net);
  act__mutex_unlock(&net->lock);
}

act_rc act__net_listen(struct act__net *net, const char *address) {
  const char *path;
  act_rc rc = unix_path(address, &path);
  if (rc) return rc;
  struct act__net_listener *listener = make_listener(net, path);
  if (!listener) return ACT_ENOMEM;
  act__mutex_lock(&net->lock);
  rc = listen_locked(net, listener);
  act__mutex_unlock(&net->lock);
  if (rc) free_listener(listener);
  return rc;
}

// --- stopping -----------------------------------------------------------------------------------------

void act__net_stop(struct act__net *net, void (*done)(void *arg), void *arg) {
  act__mutex_lock(&net->lock);
  ACT_ASSERT(!net->stopping);
  net->stopping = true;
  release_listeners(net);  // they see `stop_seen`, or are closed by the stop
  net->stopped = done;
  net->stopped_arg = arg;
  // relaxed: as in peer.c.
  act__fetch_add_relaxed(&net->jobs, 1);
  act__loop_post(net->loop, &net->stop_job);
  act__mutex_unlock(&net->lock);
}

static void close_listeners(struct act__net *net) {
  for (uint32_t i = 0; i < ACT__NET_LISTENERS_MAX; i++) {
    act__mutex_lock(&net->lock);
    struct act__net_listener *listener = net->listeners[i];
    if (listener && listener->listener) net->listeners[i] = NULL;
    act__mutex_unlock(&net->lock);
    // One that is not open yet sees `stop_seen` when its job runs.
    if (listener && listener->listener) act__listener_close(listener->listener, on_listener_closed);
  }
}

static void on_stop(struct act__loop_job *job) {
  struct act__net *net = ACT__CONTAINER_OF(job, struct act__net, stop_job);
  net->stop_seen = true;
  close_listeners(net);
  for (struct act__link *at = net->active.next; at != &net->active; at = at->next) {
    act__peer_down(of_link(at), ACT_ECLOSED, "the node stops", true);
  }
  // relaxed: as in peer.c.
  act__fetch_sub_relaxed(&net->jobs, 1);
  act__net_settle(net);
}

static bool is_settled(struct act__net *net) {
  act__mutex_lock(&net->lock);
  bool nobody = net->taken_count == 0;
  act__mutex_unlock(&net->lock);
  // relaxed: whoever posts does it under a lock that we have held since, or before its slot was free.
  return nobody && net->open_listeners == 0 && act__load_relaxed(&net->jobs) == 0;
}

void act__net_settle(struct act__net *net) {
  if (!net->stop_seen || !net->stopped || !is_settled(net)) return;
  act__tick_close(net->tick);
  net->tick = NULL;
  void (*done)(void *arg) = net->stopped;
  net->stopped = NULL;
  done(net->stopped_arg);
}
