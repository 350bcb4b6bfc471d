// SPDX-License-Identifier: Apache-2.0
//
// The sink of the net: links come up and go, frames are handed to who knows them. Role holder only.
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "actors/remote/link.h"
#include "actors/remote/impl.h"
#include "actors/system_run.h"
#include "base/alloc.h"
#include "base/check.h"

struct act__bytes *act__link_begin(struct act__remote *remote, struct act__peer_id id,
                                   struct act__peer **peer) {
  *peer = id.epoch ? act__net_peer(remote->net, id) : NULL;
  return *peer ? act__peer_begin(*peer, id.epoch) : NULL;
}

// --- up --------------------------------------------------------------------------------------------

static struct act__far *far_create(struct act__remote *remote, struct act__peer *peer) {
  struct act__far *far = act__calloc(1, sizeof *far);
  if (!far) return NULL;
  far->id = act__peer_id(peer);
  far->peer = peer;
  far->incarnation = act__peer_incarnation(peer);
  act__map_init(&far->proxies);
  act__list_init(&far->grants);
  act__mutex_lock(&remote->lock);
  bool put = !act__far_of(remote, far->incarnation) &&
             act__map_put(&remote->fars, far->incarnation, far) == ACT_OK;
  if (put) act__map_remove(&remote->lost, far->incarnation);
  act__mutex_unlock(&remote->lock);
  if (put) return far;
  act__free(far);
  return NULL;
}

static void parent_up(struct act__remote *remote, struct act__far *far) {
  act__mutex_lock(&remote->lock);
  remote->boot.linked = true;
  remote->boot.link = far->id;
  remote->boot.parent = far->incarnation;
  act__mutex_unlock(&remote->lock);
}

static void on_up(void *arg, struct act__peer *peer, struct act__worker *me) {
  struct act__remote *remote = (struct act__remote *)arg;
  struct act__far *far = far_create(remote, peer);
  void *cookie = (void *)(uintptr_t)act__peer_cookie(peer);
  if (far && act__peer_is_child(peer)) {
    far->own = (struct act__proxy *)cookie;
  } else if (far && !act__peer_is_parent(peer)) {
    far->dial = (struct act__dial *)cookie;
  }
  act__peer_set_user(peer, far);
  if (!far) {
    act__net_close_peer(remote->net, act__peer_id(peer), ACT_ENOMEM, "out of memory for a link");
  } else if (far->own) {
    act__own_up(far, me);
  } else if (act__peer_is_parent(peer)) {
    parent_up(remote, far);
  } else {
    act__searches_up(remote, far, me);
  }
}

// --- down ------------------------------------------------------------------------------------------

static void note_lost(struct act__remote *remote, uint64_t incarnation) {
  if (act__map_count(&remote->lost) >= ACT__LOST_MAX) act__map_clear(&remote->lost);
  act_rc rc = act__map_put(&remote->lost, incarnation, remote);
  (void)rc;  // then sends there say no route
}

// Takes the link out of the tables: nobody finds a way there any more, and its proxies hear of it.
static void far_destroy(struct act__remote *remote, struct act__far *far, const char *text,
                        struct act__worker *me) {
  struct act__ending ending = {.reason = ACT_REASON_NODE_LOST, .rc = ACT_ELINK};
  snprintf(ending.text, sizeof ending.text, "%s", text ? text : "");
  act__mutex_lock(&remote->lock);
  act__map_remove(&remote->fars, far->incarnation);
  if (!far->own) note_lost(remote, far->incarnation);
  if (far->dial) far->dial->far = NULL;
  act__mutex_unlock(&remote->lock);
  // Nobody else reads that table now.
  size_t index = 0;
  void *value;
  while (act__map_next(&far->proxies, &index, NULL, &value)) {
    struct act__proxy *proxy = (struct act__proxy *)value;
    if (!proxy->own) act__proxy_tell(proxy, ACT__NEWS_DOWN, &ending, me);
  }
  act__map_fini(&far->proxies);
  act__grants_end(remote, far, me);
  act__searches_end(remote, NULL, far->incarnation, ACT_ELINK, me);
  act__free(far);
}

static act_rc search_rc(act_rc why) {
  return why == ACT_EVERSION || why == ACT_EACCES || why == ACT_ENOMEM ? why : ACT_ELINK;
}

// The dial has ended. It is hidden before its searches are ended, so that none joins it afterwards.
static void dial_down(struct act__remote *remote, struct act__dial *dial, struct act__peer *peer,
                      bool was_up, act_rc why, struct act__worker *me) {
  act__mutex_lock(&remote->lock);
  act__list_remove(&dial->link);
  act__mutex_unlock(&remote->lock);
  bool moved = !was_up && why == ACT_EEXIST &&
               act__searches_move(remote, dial, act__peer_incarnation(peer), me);
  if (!moved) act__searches_end(remote, dial, 0, search_rc(why), me);
  act__free(dial);
}

// In whatever handler its worker may be: nobody is left who would kill this process.
static void on_orphaned(struct act__alarm *alarm, struct act__worker *me) {
  (void)alarm;
  (void)me;
  _exit(ACT_EXIT_STUCK);
}

static void parent_down(struct act__remote *remote, struct act__worker *me) {
  remote->orphaned.fire = on_orphaned;
  act__alarm_arm(remote->system->exec, me, &remote->orphaned,
                 act__time_add(act__loop_now_ns(remote->loop),
                               ACT__ORPHAN_MS * ACT__NS_PER_MS));
  act__mutex_lock(&remote->lock);
  remote->boot.linked = false;
  remote->boot.lost = true;
  act__mutex_unlock(&remote->lock);
  act_request_stop((act_runtime *)(void *)remote->system);
}

static void on_down(void *arg, struct act__peer *peer, bool was_up, act_rc why, const char *text,
                    struct act__worker *me) {
  struct act__remote *remote = (struct act__remote *)arg;
  struct act__far *far = was_up ? (struct act__far *)act__peer_user(peer) : NULL;
  void *cookie = (void *)(uintptr_t)act__peer_cookie(peer);
  if (far) far_destroy(remote, far, text, me);
  if (act__peer_is_child(peer)) {
    act__own_down((struct act__proxy *)cookie, why, text, me);
  } else if (act__peer_is_parent(peer)) {
    parent_down(remote, me);
  } else if (cookie) {
    dial_down(remote, (struct act__dial *)cookie, peer, was_up, why, me);
  }
}

// --- frames ------------------------------------------------------------------------------------------

static void malformed(struct act__remote *remote, struct act__far *far, const char *what) {
  act__net_close_peer(remote->net, far->id, ACT_EBADMSG, what);
}

static struct act__proxy *proxy_at(struct act__remote *remote, struct act__far *far, uint32_t slot,
                                   uint32_t gen) {
  act__mutex_lock(&remote->lock);
  struct act__proxy *proxy = (struct act__proxy *)act__map_get(&far->proxies, slot);
  act__mutex_unlock(&remote->lock);
  return proxy && (gen == 0 || proxy->gen == gen) ? proxy : NULL;
}

// From here on the address means nobody; its proxy ends.
static void let_go(struct act__remote *remote, struct act__far *far, struct act__proxy *proxy,
                   const struct act__ending *ending, struct act__worker *me) {
  act__mutex_lock(&remote->lock);
  act__map_remove(&far->proxies, proxy->slot);
  act__mutex_unlock(&remote->lock);
  act__proxy_tell(proxy, ACT__NEWS_DOWN, ending, me);
}

void act__far_succeeded(struct act__remote *remote, struct act__far *far, uint32_t slot,
                        uint32_t gen, struct act__worker *me) {
  struct act__proxy *proxy = proxy_at(remote, far, slot, 0);
  if (!proxy || proxy->own || proxy->gen >= gen) return;
  struct act__ending ending = {.reason = ACT_REASON_NOPROC};
  let_go(remote, far, proxy, &ending, me);
}

static void on_reach(struct act__remote *remote, struct act__far *far,
                     const struct act__frame_target *target, struct act__worker *me) {
  struct act__frame_grant grant;
  act__grant_make(remote, far->incarnation, target->slot, target->gen, &grant);
  struct act__peer *peer;
  struct act__bytes *out = act__link_begin(remote, far->id, &peer);
  if (!out) return;
  act_rc rc = act__frame_put_grant(out, &grant);
  (void)rc;  // a buffer that fails closes the link
  act__peer_end(peer, me);
}

static void refused(struct act__remote *remote, struct act__far *far,
                    const struct act__frame_grant *frame, struct act__worker *me) {
  struct act__proxy *proxy = proxy_at(remote, far, frame->target.slot, frame->target.gen);
  if (!proxy || proxy->own) return;
  if (frame->rc == ACT_EDEAD) {
    struct act__ending ending = {.reason = ACT_REASON_NOPROC};
    let_go(remote, far, proxy, &ending, me);
    return;
  }
  act__mutex_lock(&remote->lock);
  proxy->reaching = false;  // the next send asks again
  act__mutex_unlock(&remote->lock);
}

static void on_grant(struct act__remote *remote, struct act__far *far,
                     const struct act__frame_grant *frame, struct act__worker *me) {
  if (act__own_grant(far, frame)) return;
  if (frame->rc) {
    refused(remote, far, frame, me);
    return;
  }
  act__far_succeeded(remote, far, frame->target.slot, frame->target.gen, me);
  act__mutex_lock(&remote->lock);
  struct act__proxy *proxy =
      act__proxy_get(remote, far, frame->target.slot, frame->target.gen, me);
  if (proxy) {
    proxy->far_epoch = frame->target.epoch;
    proxy->reaching = false;
  }
  act__mutex_unlock(&remote->lock);
  struct act__credit more = {frame->msgs, frame->units};
  if (proxy && act__proxy_grow(proxy, more, frame->park_ms)) {
    malformed(remote, far, "a grant beyond what can be held");
  }
}

static void on_credit(struct act__remote *remote, struct act__far *far,
                      const struct act__frame_credit *frame, struct act__worker *me) {
  struct act__proxy *proxy = proxy_at(remote, far, frame->slot, frame->gen);
  if (!proxy) return;  // it has ended; the credit with it
  if (act__proxy_credit(proxy, (struct act__credit){frame->msgs, frame->units}, me)) {
    malformed(remote, far, "more credit came back than was spent");
  }
}

// An actor there is gone; the id is its slot. An own process tells more by EXITED.
static void on_actor_down(struct act__remote *remote, struct act__far *far,
                          const struct act__frame_down *frame, struct act__worker *me) {
  struct act__proxy *proxy = proxy_at(remote, far, frame->id, 0);
  if (!proxy || proxy->own) return;
  struct act__ending ending = {
      .reason = frame->reason < ACT_REASON_COUNT_ ? (act_reason)frame->reason : ACT_REASON_FAILED,
      .rc = frame->rc};
  snprintf(ending.text, sizeof ending.text, "%.*s", (int)frame->text.size,
           (const char *)frame->text.data);
  let_go(remote, far, proxy, &ending, me);
}

static void copy_name(char *to, struct act__span span) {
  if (span.size) memcpy(to, span.data, span.size);
  to[span.size] = 0;
}

static void on_start(struct act__remote *remote, struct act__far *far,
                     const struct act__frame_start *frame) {
  struct act__boot *boot = &remote->boot;
  uint8_t *body = act__malloc(frame->body.size + 1);  // not empty: NULL means no memory
  if (!body || boot->start_come) {
    act__free(body);
    malformed(remote, far, body ? "told to start twice" : "out of memory to start");
    return;
  }
  if (frame->body.size) memcpy(body, frame->body.data, frame->body.size);
  act__mutex_lock(&remote->lock);
  boot->body = body;
  boot->body_size = frame->body.size;
  boot->request = frame->request;
  boot->mailbox_msgs = frame->mailbox_msgs;
  boot->mailbox_bytes = frame->mailbox_bytes;
  copy_name(boot->behavior, frame->behavior);
  copy_name(boot->child, frame->child);
  boot->start_come = true;
  act__mutex_unlock(&remote->lock);
  act__system_changed(remote->system);
}

static void on_stop(struct act__remote *remote, const struct act__frame_stop *frame) {
  act__mutex_lock(&remote->lock);
  remote->boot.stop_ms = frame->deadline_ms;
  act__mutex_unlock(&remote->lock);
  act_request_stop((act_runtime *)(void *)remote->system);
}

static void on_frame(void *arg, struct act__peer *peer, const struct act__frame *frame,
                     struct act__worker *me) {
  struct act__remote *remote = (struct act__remote *)arg;
  struct act__far *far = (struct act__far *)act__peer_user(peer);
  if (!far) return;  // without memory for it the link is being closed
  switch ((unsigned)frame->type) {
    case ACT__FRAME_LOOKUP: act__receive_lookup(remote, far, &frame->u.lookup, me); break;
    case ACT__FRAME_FOUND: act__receive_found(remote, far, &frame->u.found, me); break;
    case ACT__FRAME_NOTFOUND: act__receive_notfound(remote, far, &frame->u.notfound, me); break;
    case ACT__FRAME_REACH: on_reach(remote, far, &frame->u.reach.target, me); break;
    case ACT__FRAME_GRANT: on_grant(remote, far, &frame->u.grant, me); break;
    case ACT__FRAME_CREDIT: on_credit(remote, far, &frame->u.credit, me); break;
    case ACT__FRAME_MESSAGE: act__receive_message(remote, far, &frame->u.message, me); break;
    case ACT__FRAME_REPLY: act__receive_reply(remote, far, &frame->u.reply, me); break;
    case ACT__FRAME_NACK: act__receive_nack(remote, far, &frame->u.nack, me); break;
    case ACT__FRAME_DOWN: on_actor_down(remote, far, &frame->u.down, me); break;
    case ACT__FRAME_START: on_start(remote, far, &frame->u.start); break;
    case ACT__FRAME_STOP: on_stop(remote, &frame->u.stop); break;
    case ACT__FRAME_STARTED:
    case ACT__FRAME_EXITED:
      if (far->own) act__own_frame(far, frame, me);
      break;
    default: break;  // MONITOR, DEMONITOR: every grant is watched in this version
  }
}

const struct act__net_sink act__remote_sink = {
    .up = on_up, .down = on_down, .frame = on_frame, .drained = NULL};
