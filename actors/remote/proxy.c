// SPDX-License-Identifier: Apache-2.0
//
// Proxies: sending to an actor elsewhere as to one here.
//
// A send reserves credit in the proxy's mailbox and packs the message into the link at once, on the
// sender's thread: so what one actor sends, answers and dies of goes out in that order. Only while an
// own process is starting do envelopes wait in the proxy's inbox; its turn packs them, and until the
// last of them is packed everything takes that way, so that nothing overtakes them.
//
// What is packed stays reserved until the credit comes home. When the link or the actor is gone, what
// has not come home is given up at once, with one record for the messages in doubt.
#include "actors/remote/proxy.h"

#include <string.h>

#include "actors/park.h"
#include "actors/remote/impl.h"
#include "actors/remote/remote.h"
#include "actors/system_run.h"
#include "base/alloc.h"
#include "base/check.h"
#include "mailbox/codec.h"
#include "mailbox/copy.h"

// --- making and freeing --------------------------------------------------------------------------

struct act__proxy *act__proxy_create(struct act__remote *remote, struct act__cell *cell) {
  struct act__proxy *proxy = act__calloc(1, sizeof *proxy);
  if (!proxy) return NULL;
  proxy->remote = remote;
  proxy->cell = cell;
  act__spinlock_init(&proxy->lock);
  cell->proxy = proxy;
  act__store_relaxed(&cell->remote, 1);  // relaxed: published with the mailbox's opening
  return proxy;
}

void act__proxy_free(act_cx *cx, struct act__cell *cell) {
  struct act__proxy *proxy = cell->proxy;
  struct act__remote *remote = proxy->remote;
  ACT_ASSERT(proxy->spent.messages == 0 && proxy->queued == 0);
  bool own = proxy->own != NULL;
  act__own_destroy(proxy->own);
  act__free(proxy->forwarded);
  act__free(proxy);
  cell->proxy = NULL;
  if (own) return;
  // acq_rel [proxies]: pairs with the load in remote.c, which waits for zero.
  if (act__fetch_sub_acq_rel(&remote->proxies, 1) == 1) act__system_changed(cx->system);
}

// A cell for an actor of another node: nobody's child, up from the start, without credit.
static struct act__proxy *make(struct act__remote *remote, struct act__far *far, uint32_t slot,
                               uint32_t gen, struct act__worker *me) {
  struct act__system *system = remote->system;
  if (remote->stopping || act__map_count(&far->proxies) >= ACT__PROXIES_MAX) return NULL;
  act_rc rc;
  struct act__cell *cell = act__cell_allocate(system, NULL, false, 0, ACT__UNIT_BYTES, &rc);
  if (!cell) return NULL;
  struct act__proxy *proxy = act__cell_cold(cell) ? act__proxy_create(remote, cell) : NULL;
  if (proxy && act__map_put(&far->proxies, slot, proxy)) {
    act__free(proxy);
    proxy = NULL;
  }
  if (!proxy) {
    act__free(cell->cold);
    cell->cold = NULL;
    cell->proxy = NULL;
    act__cell_retire(system, NULL, false, cell);
    return NULL;
  }
  act__fetch_add_relaxed(&remote->proxies, 1);   // relaxed: counted out by its own turn, later
  proxy->linked = true;
  proxy->link = far->id;
  proxy->node = far->incarnation;
  proxy->slot = slot;
  proxy->gen = gen;
  cell->life = ACT__UP;
  act__mailbox_open(&cell->mailbox);
  act__exec_submit(system->exec, me, &cell->task);
  return proxy;
}

struct act__proxy *act__proxy_get(struct act__remote *remote, struct act__far *far, uint32_t slot,
                                  uint32_t gen, struct act__worker *me) {
  struct act__proxy *proxy = (struct act__proxy *)act__map_get(&far->proxies, slot);
  if (proxy) return proxy->gen == gen ? proxy : NULL;
  return make(remote, far, slot, gen, me);
}

// --- finding -------------------------------------------------------------------------------------

// Asks for the first credits. Under R.
static void reach(struct act__remote *remote, struct act__proxy *proxy) {
  // relaxed: written by the role holder; an old value asks once more for nothing.
  if (proxy->own || proxy->reaching || act__load_relaxed(&proxy->cell->msgs_max)) return;
  struct act__peer *peer;
  struct act__bytes *out = act__link_begin(remote, proxy->link, &peer);
  if (!out) return;
  struct act__frame_reach frame = {.target = {proxy->slot, proxy->gen, 0}};
  proxy->reaching = act__frame_put_reach(out, &frame) == ACT_OK;
  act__peer_end(peer, NULL);
}

struct act__cell *act__proxy_find(struct act__system *system, act_pid pid, uint32_t *gen,
                                  act_rc *rc) {
  struct act__remote *remote = system->remote;
  *rc = ACT_ENOROUTE;
  if (!remote) return NULL;
  struct act__cell *cell = NULL;
  act__mutex_lock(&remote->lock);
  struct act__far *far = act__far_of(remote, pid.node);
  if (!far) {
    if (act__map_get(&remote->lost, pid.node)) *rc = ACT_ELINK;
  } else {
    struct act__proxy *proxy = act__proxy_get(remote, far, pid.slot, pid.gen, NULL);
    if (proxy && pid.epoch && proxy->far_epoch && pid.epoch != proxy->far_epoch) {
      *rc = ACT_EDEAD;
    } else if (proxy) {
      cell = proxy->cell;
      *gen = act__mailbox_generation(&cell->mailbox);  // it is not retired while it is in the table
      reach(remote, proxy);
    }
  }
  act__mutex_unlock(&remote->lock);
  return cell;
}

// --- packing -------------------------------------------------------------------------------------

struct parcel {
  struct act__proxy *proxy;
  struct act__peer_id link;
  struct act__frame_message frame;
  const act_op *op;
  const void *message;
  uint32_t units;
};

static uint32_t left_ms(const struct act__system *system, int64_t deadline_ns) {
  int64_t left = deadline_ns - act__clock_now(act__exec_clock(system->exec));
  if (left <= 0) return 0;
  left = (left + 999999) / 1000000;
  return left > UINT32_MAX ? UINT32_MAX : (uint32_t)left;
}

// The ask's part. ACT_ETIMEDOUT. ACT_ENOTSUP: a token of another node cannot be passed on to a third.
static act_rc fill_in_ask(const struct act__system *system, struct act__frame_message *frame,
                          const struct act__env_extension *extension) {
  if (extension->reply_node != system->incarnation) return ACT_ENOTSUP;
  frame->flags = ACT__MESSAGE_ASK;
  frame->ask_index = extension->reply_index;
  frame->ask_gen = extension->reply_gen;
  frame->deadline_left_ms = left_ms(system, extension->deadline_ns);
  return frame->deadline_left_ms ? ACT_OK : ACT_ETIMEDOUT;
}

// Room to remember one more ask that went this way; those that have ended are forgotten. Under P.
static bool remember(struct act__proxy *proxy, uint32_t index, uint32_t gen) {
  struct act__system *system = proxy->remote->system;
  if (proxy->forwarded_count == proxy->forwarded_capacity) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < proxy->forwarded_count; i++) {
      act_reply token = {system->incarnation, proxy->forwarded[i].index, proxy->forwarded[i].gen};
      if (act__ask_op(system, token)) proxy->forwarded[kept++] = proxy->forwarded[i];
    }
    proxy->forwarded_count = kept;
  }
  if (proxy->forwarded_count * 2 >= proxy->forwarded_capacity) {
    uint32_t capacity = proxy->forwarded_capacity ? proxy->forwarded_capacity * 2 : 16;
    struct act__forwarded *larger =
        act__realloc(proxy->forwarded, capacity * sizeof *proxy->forwarded);
    if (larger) {
      proxy->forwarded = larger;
      proxy->forwarded_capacity = capacity;
    }
  }
  if (proxy->forwarded_count == proxy->forwarded_capacity) return false;
  proxy->forwarded[proxy->forwarded_count++] = (struct act__forwarded){index, gen};
  act__ask_sent_to(system, (act_reply){system->incarnation, index, gen}, proxy->node);
  return true;
}

static act_rc write_frame(struct parcel *parcel, struct act__peer *peer, struct act__bytes *out) {
  size_t mark;
  act_rc rc = act__frame_begin_message(out, &parcel->frame, &mark);
  if (rc) return rc;
  rc = act__encode(parcel->op->message, parcel->message, out);
  if (!rc) return act__frame_end(out, mark, act__peer_frame_max(peer));
  act__frame_abandon(out, mark);
  return rc;
}

// ACT_OK: it is in the link's buffer, and counted. ACT_EDEAD or ACT_ELINK: there is no link.
static act_rc pack(struct parcel *parcel, struct act__worker *me) {
  struct act__proxy *proxy = parcel->proxy;
  struct act__peer *peer;
  struct act__bytes *out = act__link_begin(proxy->remote, parcel->link, &peer);
  if (!out) return proxy->own ? ACT_EDEAD : ACT_ELINK;
  size_t before = out->length;
  act_rc rc = write_frame(parcel, peer, out);
  if (!rc) {
    act__spinlock_lock(&proxy->lock);
    if (!proxy->linked) {  // its end has come since we looked, and what was spent is given up
      rc = ACT_EDEAD;
      out->length = before;
    } else if ((parcel->frame.flags & ACT__MESSAGE_ASK) &&
               !remember(proxy, parcel->frame.ask_index, parcel->frame.ask_gen)) {
      rc = ACT_ENOMEM;
      out->length = before;
    } else {
      proxy->spent.messages++;
      proxy->spent.units += parcel->units;
    }
    act__spinlock_unlock(&proxy->lock);
  }
  act__peer_end(peer, me);
  return rc;
}

static void fill_in(struct parcel *parcel, struct act__proxy *proxy, const act_op *op,
                    const void *message, uint32_t units) {
  memset(parcel, 0, sizeof *parcel);
  parcel->proxy = proxy;
  parcel->op = op;
  parcel->message = message;
  parcel->units = units;
  parcel->frame.op = op->id;
  parcel->frame.protocol = act__protocol_key(op->protocol);
}

act_rc act__proxy_send(act_cx *cx, struct act__cell *cell, act_pid to, const act_op *op,
                       const void *message, const struct act__env_extension *extension, bool ask,
                       uint32_t units) {
  struct act__proxy *proxy = cell->proxy;
  bool near = to.node == cx->system->incarnation;
  struct parcel parcel;
  fill_in(&parcel, proxy, op, message, units);
  uint64_t node;
  act_rc rc = ask ? fill_in_ask(cx->system, &parcel.frame, extension) : ACT_OK;
  if (rc) return rc;
  parcel.frame.sender = act_self(cx);

  act__spinlock_lock(&proxy->lock);
  bool direct = proxy->linked && proxy->queued == 0;
  bool stale = near && direct && to.epoch && to.epoch != proxy->epoch;
  if (!direct) proxy->queued++;
  parcel.link = proxy->link;
  node = proxy->node;
  parcel.frame.target = (struct act__frame_target){proxy->slot, proxy->gen, near ? 0 : to.epoch};
  act__spinlock_unlock(&proxy->lock);
  if (!direct) return ACT_LATER;
  if (stale) return ACT_EDEAD;
  act__pids_grant(proxy->remote, node, parcel.link, op->message, message, cx->me);
  return pack(&parcel, cx->me);
}

void act__proxy_queue(struct act__cell *cell) {
  struct act__proxy *proxy = cell->proxy;
  act__spinlock_lock(&proxy->lock);
  proxy->queued++;
  act__spinlock_unlock(&proxy->lock);
}

void act__proxy_unqueue(struct act__cell *cell) {
  struct act__proxy *proxy = cell->proxy;
  act__spinlock_lock(&proxy->lock);
  ACT_ASSERT(proxy->queued > 0);
  proxy->queued--;
  act__spinlock_unlock(&proxy->lock);
}

void act__proxy_forward(act_cx *cx, struct act__cell *cell, struct act__env *env) {
  struct act__proxy *proxy = cell->proxy;
  struct act__env_extension *extension = act__env_extension(env);
  void *message = act__env_payload(env);
  struct parcel parcel;
  fill_in(&parcel, proxy, env->op, message, act__env_units(act__env_block_bytes(env)));
  // relaxed: written by this cell's own turns.
  act_rc rc = env->target_epoch && env->target_epoch != act__load_relaxed(&cell->epoch)
                  ? ACT_EDEAD
                  : ACT_OK;
  if (!rc && (env->flags & ACT__ENV_ASK)) rc = fill_in_ask(cx->system, &parcel.frame, extension);
  if (env->sender_slot) {
    parcel.frame.sender = (act_pid){cx->system->incarnation, env->sender_slot, env->sender_gen,
                                    env->sender_epoch, 0};
  }
  act__spinlock_lock(&proxy->lock);
  if (!proxy->linked && !rc) rc = ACT_EDEAD;
  parcel.link = proxy->link;
  uint64_t node = proxy->node;
  parcel.frame.target = (struct act__frame_target){proxy->slot, proxy->gen, 0};
  act__spinlock_unlock(&proxy->lock);
  if (!rc) {
    act__pids_grant(proxy->remote, node, parcel.link, env->op->message, message, cx->me);
    rc = pack(&parcel, cx->me);
  }
  if (rc) {
    act__env_undeliver(cx->system, cx, cell, env, rc);
  } else {
    act__proxy_unqueue(cell);
    act__env_free(cx->system, cx, env);
  }
}

// --- credit --------------------------------------------------------------------------------------

act_rc act__proxy_grow(struct act__proxy *proxy, struct act__credit by, uint32_t park_ms) {
  act_rc rc = act__credit_grow(&proxy->limit, by);
  if (rc) return rc;
  struct act__credit limit = proxy->limit;
  if (limit.messages > ACT__MAILBOX_MESSAGES_MAX || limit.units > ACT__MAILBOX_UNITS_MAX) {
    return ACT_EBADMSG;
  }
  // relaxed: a sender that reads the old limit is refused once more.
  act__store_relaxed(&proxy->cell->units_max, limit.units);
  act__store_relaxed(&proxy->cell->msgs_max, limit.messages);
  // relaxed: as the limits. What an own process does is known from its specification.
  if (!proxy->own) act__store_relaxed(&proxy->cell->park_ms, park_ms);
  if (act__load_relaxed(&proxy->cell->park_ms)) {
    act__park_serve(proxy->remote->system, NULL, proxy->cell);
  }
  return ACT_OK;
}

act_rc act__proxy_credit(struct act__proxy *proxy, struct act__credit amount,
                         struct act__worker *me) {
  struct act__cell *cell = proxy->cell;
  struct act__system *system = proxy->remote->system;
  act__spinlock_lock(&proxy->lock);
  if (act__credit_check_return(proxy->spent, amount)) {
    act__spinlock_unlock(&proxy->lock);
    return ACT_EBADMSG;
  }
  proxy->spent.messages -= amount.messages;
  proxy->spent.units -= amount.units;
  if (proxy->spent.messages == 0) {  // the weight of what the other side could not read
    amount.units += proxy->spent.units;
    proxy->spent.units = 0;
  }
  act__spinlock_unlock(&proxy->lock);
  act__cell_cancel(system, me, cell, amount.messages, amount.units);
  return ACT_OK;
}

// --- news ----------------------------------------------------------------------------------------

void act__proxy_tell(struct act__proxy *proxy, uint32_t news, const struct act__ending *ending,
                     struct act__worker *me) {
  struct act__cell *cell = proxy->cell;
  struct act__system *system = proxy->remote->system;
  act__spinlock_lock(&proxy->lock);
  proxy->news |= news;
  if (ending) proxy->ending = *ending;
  act__spinlock_unlock(&proxy->lock);
  // From here on the proxy may be gone. The cell is always there; a knock at the wrong actor's door
  // finds no news.
  act__cell_express(system, me, cell, ACT__EXPRESS_REMOTE);
}

static void record_gap(act_cx *cx, struct act__proxy *proxy, uint32_t count, act_rc reason) {
#ifdef ACT_MUTANT_PROXY_GAP_SILENT
  count = 0;
#endif
  if (count == 0) return;
  act_undelivered record = {.to = act__cell_pid(cx->system, proxy->cell),
                            .reason = reason,
                            .count = count};
  act__undelivered(cx->system, cx, &record);
}

void act__proxy_lose(act_cx *cx, struct act__proxy *proxy, act_rc status, bool gap) {
  struct act__system *system = cx->system;
  act__spinlock_lock(&proxy->lock);
  struct act__credit spent = proxy->spent;
  struct act__forwarded *forwarded = proxy->forwarded;
  uint32_t count = proxy->forwarded_count;
  proxy->linked = false;
  proxy->spent = (struct act__credit){0, 0};
  proxy->forwarded = NULL;
  proxy->forwarded_count = proxy->forwarded_capacity = 0;
  act__spinlock_unlock(&proxy->lock);
  if (spent.messages) {
    act__cell_release(system, cx->me, proxy->cell, spent.messages, spent.units);
    if (gap) record_gap(cx, proxy, spent.messages, status);
  }
  for (uint32_t i = 0; i < count; i++) {
    act_reply token = {system->incarnation, forwarded[i].index, forwarded[i].gen};
    if (act__ask_op(system, token)) act__ask_end(system, cx, token, status, NULL);
  }
  act__free(forwarded);
}

// The far actor is gone, or the way to it.
static void far_down(act_cx *cx, struct act__cell *cell, const struct act__ending *ending) {
  bool lost = ending->reason == ACT_REASON_NODE_LOST;
  act__proxy_lose(cx, cell->proxy, lost ? ACT_ELINK : ACT_EDEAD, lost);
  act__cell_end(cx, cell, ending->reason, ending->rc, ending->text);
}

void act__proxy_news(act_cx *cx, struct act__cell *cell) {
  struct act__proxy *proxy = cell->proxy;
  if (!proxy) return;  // an old knock
  act__spinlock_lock(&proxy->lock);
  uint32_t news = proxy->news;
  struct act__ending ending = proxy->ending;
  proxy->news = 0;
  act__spinlock_unlock(&proxy->lock);
  if (!news) return;
  if (proxy->own) {
    act__own_news(cx, cell, news);
  } else if (news & ACT__NEWS_DOWN) {
    far_down(cx, cell, &ending);
  }
}

// --- the turn's hooks ------------------------------------------------------------------------------

void act__proxy_start(act_cx *cx, struct act__cell *cell) {
  act__own_start(cx, cell);
}

void act__proxy_flush(act_cx *cx, struct act__cell *cell) {
  (void)cx;
  (void)cell;  // every frame is on its way when it is packed; the loop writes many at a time
}

void act__proxy_end(act_cx *cx, struct act__cell *cell) {
  act__own_end(cx, cell);
}
