// SPDX-License-Identifier: Apache-2.0
//
// Looking up a name on another node: connect if need be, ask, and bring the first credits home.
//
// A look-up is an ask of ours whose value is an address; its record here (a search) is what the answer
// is matched with. The answering side knows all names of its children; it checks that the actor speaks
// the protocol, with the same version and the same content, and grants credit.
#include <stdio.h>
#include <string.h>

#include "actors/remote/impl.h"
#include "base/alloc.h"

// --- asking ----------------------------------------------------------------------------------------

static struct act__search *search_create(const char *name, size_t length,
                                         const act_protocol *protocol, act_reply token) {
  struct act__search *search = act__calloc(1, sizeof *search);
  if (!search) return NULL;
  search->token = token;
  search->protocol = protocol;
  search->name_length = (uint8_t)length;
  memcpy(search->name, name, length);
  return search;
}

// Searches whose ask has ended by its deadline wait for an answer that may never come. Under R.
static void prune(struct act__remote *remote) {
  if (act__map_count(&remote->searches) < ACT__SEARCHES_PRUNE) return;
  for (;;) {
    struct act__search *dead = NULL;
    size_t index = 0;
    void *value;
    while (!dead && act__map_next(&remote->searches, &index, NULL, &value)) {
      struct act__search *search = (struct act__search *)value;
      if (!act__ask_is_open(remote->system, search->token)) dead = search;
    }
    if (!dead) return;
    act__map_remove(&remote->searches, dead->request);
    act__free(dead);
  }
}

// Under R.
static act_rc register_search(struct act__remote *remote, struct act__search *search) {
  prune(remote);
  do {
    search->request = ++remote->next_request;
  } while (search->request == 0 || act__map_get(&remote->searches, search->request));
  return act__map_put(&remote->searches, search->request, search);
}

// Under R. The link's end answers for it if it cannot be written.
static void send_search(struct act__remote *remote, struct act__search *search,
                        struct act__peer_id link, uint64_t incarnation) {
  search->dial = NULL;
  search->incarnation = incarnation;
  search->sent = true;
  struct act__peer *peer;
  struct act__bytes *out = act__link_begin(remote, link, &peer);
  if (!out) return;
  const act_protocol *protocol = search->protocol;
  struct act__frame_lookup frame = {
      .request = search->request,
      .schema_hash = act_protocol_hash(protocol),
      .version = protocol->version,
      .protocol = act__span_of_text(protocol->name),
      .name = {(const uint8_t *)search->name, search->name_length}};
  act_rc rc = act__frame_put_lookup(out, &frame);
  (void)rc;  // a buffer that fails closes the link
  act__peer_end(peer, NULL);
}

static struct act__dial *dial_of(struct act__remote *remote, const char *address) {
  for (struct act__link *l = remote->dials.next; l != &remote->dials; l = l->next) {
    struct act__dial *dial = ACT__CONTAINER_OF(l, struct act__dial, link);
    if (strcmp(dial->address, address) == 0) return dial;
  }
  return NULL;
}

// Under R: an up or a down follows, in the role holder, with the dial as its cookie.
static act_rc dial_start(struct act__remote *remote, const char *address, struct act__dial **out) {
  if (strlen(address) > ACT__ADDRESS_MAX) return ACT_EINVAL;
  struct act__dial *dial = act__calloc(1, sizeof *dial);
  if (!dial) return ACT_ENOMEM;
  snprintf(dial->address, sizeof dial->address, "%s", address);
  act_rc rc = act__net_dial(remote->net, address, (uint64_t)(uintptr_t)dial, NULL);
  if (rc) {
    act__free(dial);
    // Nobody there is a link that cannot be had, not a name that is not known.
    return rc == ACT_ENOENT || rc == ACT_ECLOSED ? ACT_ELINK : rc;
  }
  act__list_push_back(&remote->dials, &dial->link);
  *out = dial;
  return ACT_OK;
}

// Under R.
static act_rc route_search(struct act__remote *remote, const char *address,
                           struct act__search *search) {
  if (remote->stopping) return ACT_ECLOSED;
  if (strcmp(address, "parent") == 0) {
    if (!remote->boot.linked) return remote->boot.lost ? ACT_ELINK : ACT_ENOROUTE;
    act_rc rc = register_search(remote, search);
    if (!rc) send_search(remote, search, remote->boot.link, remote->boot.parent);
    return rc;
  }
  struct act__dial *dial = dial_of(remote, address);
  act_rc rc = dial ? ACT_OK : dial_start(remote, address, &dial);
  if (!rc) rc = register_search(remote, search);
  if (rc) return rc;
  if (dial->far) {
    send_search(remote, search, dial->far->id, dial->far->incarnation);
  } else {
    search->dial = dial;
  }
  return ACT_OK;
}

act_rc act__remote_lookup(struct act__system *system, act_cx *cx, const char *name, size_t name_length,
                          const char *address, const act_protocol *protocol, act_reply token) {
  (void)cx;
  struct act__remote *remote = system->remote;
  if (!remote) return ACT_ENOTSUP;
  struct act__search *search = search_create(name, name_length, protocol, token);
  if (!search) return ACT_ENOMEM;
  act__mutex_lock(&remote->lock);
  act_rc rc = route_search(remote, address, search);
  act__mutex_unlock(&remote->lock);
  if (rc) act__free(search);
  return rc;
}

// --- links come and go (role holder) ---------------------------------------------------------------

static bool concerns(const struct act__search *search, const struct act__dial *dial,
                     uint64_t incarnation) {
  return (dial && search->dial == dial) ||
         (incarnation && !search->dial && search->incarnation == incarnation);
}

static struct act__search *first_of(struct act__remote *remote, const struct act__dial *dial,
                                    uint64_t incarnation) {
  size_t index = 0;
  void *value;
  while (act__map_next(&remote->searches, &index, NULL, &value)) {
    struct act__search *search = (struct act__search *)value;
    if (concerns(search, dial, incarnation)) return search;
  }
  return NULL;
}

void act__searches_up(struct act__remote *remote, struct act__far *far, struct act__worker *me) {
  (void)me;
  act__mutex_lock(&remote->lock);
  if (far->dial) far->dial->far = far;
  size_t index = 0;
  void *value;
  while (act__map_next(&remote->searches, &index, NULL, &value)) {
    struct act__search *search = (struct act__search *)value;
    if (search->sent || !concerns(search, far->dial, far->incarnation)) continue;
    send_search(remote, search, far->id, far->incarnation);
  }
  act__mutex_unlock(&remote->lock);
}

// The only link to a node that dials are possible to, if there is one. Under R.
static struct act__far *only_peer(struct act__remote *remote) {
  struct act__far *only = NULL;
  size_t index = 0;
  void *value;
  while (act__map_next(&remote->fars, &index, NULL, &value)) {
    struct act__far *far = (struct act__far *)value;
    if (act__peer_is_child(far->peer) || act__peer_is_parent(far->peer)) continue;
    if (only) return NULL;
    only = far;
  }
  return only;
}

bool act__searches_move(struct act__remote *remote, struct act__dial *dial, uint64_t incarnation,
                        struct act__worker *me) {
  (void)me;
  act__mutex_lock(&remote->lock);
  struct act__far *far = incarnation ? act__far_of(remote, incarnation) : only_peer(remote);
  struct act__search *search;
  while ((far || incarnation) && (search = first_of(remote, dial, 0))) {
    if (far) {
      send_search(remote, search, far->id, far->incarnation);
    } else {  // both have dialled at once, and the other one's connection is still in its handshake
      search->dial = NULL;
      search->incarnation = incarnation;
    }
  }
  act__mutex_unlock(&remote->lock);
  return far || incarnation;
}

void act__searches_end(struct act__remote *remote, struct act__dial *dial, uint64_t incarnation,
                       act_rc why, struct act__worker *me) {
  for (;;) {
    act__mutex_lock(&remote->lock);
    struct act__search *search = first_of(remote, dial, incarnation);
    if (search) act__map_remove(&remote->searches, search->request);
    act__mutex_unlock(&remote->lock);
    if (!search) return;
    act__ask_end(remote->system, act__cx_of(me), search->token, why, NULL);
    act__free(search);
  }
}

// --- being asked -------------------------------------------------------------------------------------

static bool same_text(struct act__span span, const char *text) {
  return strlen(text) == span.size && memcmp(span.data, text, span.size) == 0;
}

// Does it speak just that protocol?
static act_rc check_protocol(const act_behavior *behavior, const struct act__frame_lookup *frame) {
  for (uint32_t i = 0; i < behavior->nspeaks; i++) {
    const act_protocol *protocol = behavior->speaks[i].protocol;
    if (!same_text(frame->protocol, protocol->name)) continue;
    if (protocol->version == frame->version &&
        act_protocol_hash(protocol) == frame->schema_hash) {
      return ACT_OK;
    }
  }
  return behavior->any ? ACT_OK : ACT_EVERSION;
}

static act_rc answer_lookup(struct act__remote *remote, struct act__far *far,
                            const struct act__frame_lookup *frame, struct act__frame_found *found) {
  act_pid pid;
  const act_behavior *behavior;
  if (!act__name_find(remote->system, (const char *)frame->name.data, frame->name.size, &pid,
                      &behavior)) {
    return ACT_ENOENT;
  }
  act_rc rc = check_protocol(behavior, frame);
  if (rc) return rc;
  struct act__frame_grant grant;
  act__grant_make(remote, far->incarnation, pid.slot, pid.gen, &grant);
  if (grant.rc) return grant.rc;
  pid.epoch = grant.target.epoch;
  *found = (struct act__frame_found){frame->request, pid, grant.msgs, grant.units,
                                    grant.park_ms};
  return ACT_OK;
}

void act__receive_lookup(struct act__remote *remote, struct act__far *far,
                         const struct act__frame_lookup *frame, struct act__worker *me) {
  struct act__frame_found found;
  act_rc rc = answer_lookup(remote, far, frame, &found);
  struct act__peer *peer;
  struct act__bytes *out = act__link_begin(remote, far->id, &peer);
  if (!out) return;
  act_rc written;
  if (rc == ACT_OK) {
    written = act__frame_put_found(out, &found);
  } else {
    struct act__frame_notfound notfound = {frame->request, rc,
                                           act__span_of_text(act_rc_text(rc))};
    written = act__frame_put_notfound(out, &notfound);
  }
  (void)written;  // a buffer that fails closes the link
  act__peer_end(peer, me);
}

// --- the answer ----------------------------------------------------------------------------------------

static struct act__search *take_search(struct act__remote *remote, uint32_t request,
                                       uint64_t incarnation) {
  struct act__search *search =
      (struct act__search *)act__map_get(&remote->searches, request);
  if (!search || !search->sent || search->incarnation != incarnation) return NULL;
  act__map_remove(&remote->searches, request);
  return search;
}

void act__receive_found(struct act__remote *remote, struct act__far *far,
                        const struct act__frame_found *frame, struct act__worker *me) {
  struct act__system *system = remote->system;
  act_cx *cx = act__cx_of(me);
  act_pid pid = frame->pid;
  struct act__proxy *proxy = NULL;
  act__far_succeeded(remote, far, pid.slot, pid.gen, me);
  act__mutex_lock(&remote->lock);
  struct act__search *search = take_search(remote, frame->request, far->incarnation);
  if (pid.node == far->incarnation) {
    proxy = act__proxy_get(remote, far, pid.slot, pid.gen, me);
    if (proxy) proxy->far_epoch = pid.epoch;
  }
  act__mutex_unlock(&remote->lock);
  act_rc rc = ACT_ENOMEM;
  if (proxy) {
    struct act__credit first = {frame->msgs, frame->units};
    rc = act__proxy_grow(proxy, first, frame->park_ms);
  }
  if (!search) return;
  struct act__answer_block *block = NULL;
  if (!rc && !(block = act__answer_allocate(system, cx, NULL, sizeof pid))) rc = ACT_ENOMEM;
  if (block) *(act_pid *)act__answer_value(block) = pid;
  act__ask_end(system, cx, search->token, rc, block);
  act__free(search);
}

void act__receive_notfound(struct act__remote *remote, struct act__far *far,
                           const struct act__frame_notfound *frame, struct act__worker *me) {
  act__mutex_lock(&remote->lock);
  struct act__search *search = take_search(remote, frame->request, far->incarnation);
  act__mutex_unlock(&remote->lock);
  if (!search) return;
  act_rc rc = frame->rc < 0 ? frame->rc : ACT_EFAIL;
  act__ask_end(remote->system, act__cx_of(me), search->token, rc, NULL);
  act__free(search);
}
