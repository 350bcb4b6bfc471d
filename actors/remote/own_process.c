// SPDX-License-Identifier: Apache-2.0
//
// Own processes, seen from the parent: a proxy whose actor lives in a process that we start, and whose
// life is that process's.
//
//   START    spawn --link up--> START frame --GRANT, STARTED--> up
//   ends by itself        EXITED, then the link and the process end
//   is asked to           STOP frame, then the same; KILL, or a STOP before there is a link: SIGKILL
//   dies                  the link ends, the process is reaped; its status is the reason
//
// An incarnation is over when its process is reaped *and* its link has ended: what it sent before it
// died is still in the socket, and DOWN comes after it. Whichever comes first is followed by the other
// within a grace: a process whose link is gone is killed, a link whose process is gone is closed.
//
// Two threads work on it. The role holder of the loop starts and kills the process (orders, one job)
// and hears of link and process (news); the cell's turn decides. The struct is freed by the turn once
// process and link are gone and no job is posted, so the role holder's callbacks touch nothing of it
// after they have told their news.
#include <stdio.h>
#include <string.h>

#include "actors/child.h"
#include "actors/remote/impl.h"
#include "actors/supervise/check.h"
#include "base/alloc.h"
#include "base/check.h"
#include "mailbox/codec.h"
#include "runtime/io/process.h"

#include <signal.h>

#define REAP_GRACE_MS 200u   // from the end of the link to SIGKILL: the process is ending by itself
#define EXIT_GRACE_MS 2000u  // the same after it has said that its actor has ended
#define LINK_GRACE_MS 200u   // from the end of the process until its link is closed from here

enum order { ORDER_SPAWN = 1, ORDER_KILL = 2, ORDER_CLOSE = 4 };

struct act__own {
  struct act__proxy *proxy;
  struct act__loop_job job;
  // Role holder only.
  struct act__process *process;
  // Under the proxy's lock.
  uint32_t orders;
  bool job_posted;
  bool known;                  // the child has told which actor it is
  struct act__peer_id link;
  act_rc lost_rc;
  char lost[ACT_FAIL_TEXT_MAX];
  int64_t status;
  int signal;
  act_rc spawn_rc;
  // Owner only.
  bool process_out, link_out;  // not known to have ended
  bool start_sent, told;       // told: EXITED has come
  bool unspawned, given_up;    // given_up: killed because its link was gone
  bool alarm_out;
  struct act__alarm alarm;
};

static void on_job(struct act__loop_job *job);
static void on_alarm(struct act__alarm *alarm, struct act__worker *me);

// --- at spawn --------------------------------------------------------------------------------------

static struct act__credit parents_credit(const act_child *spec) {
  uint32_t bytes = act__limit(spec->mailbox.bytes, ACT_MAILBOX_BYTES);
  uint32_t units = bytes / ACT__UNIT_BYTES ? bytes / ACT__UNIT_BYTES : 1;
  struct act__grantor grantor;
  act__grantor_init(&grantor, act__limit(spec->mailbox.msgs, ACT_MAILBOX_MSGS), units);
  return grantor.most;
}

static void set_limit(struct act__cell *cell, struct act__credit limit) {
  // relaxed: a sender that reads the old limits is refused, or told, once more.
  act__store_relaxed(&cell->msgs_max, limit.messages);
  act__store_relaxed(&cell->units_max, limit.units);
}

act_rc act__proxy_attach_process(act_cx *cx, struct act__cell *cell) {
  struct act__remote *remote = cx->system->remote;
  const act_child *spec = &act__birth_contract(act__cell_birth(cell))->spec;
  if (!remote) return ACT_ENOTSUP;
  if (spec->args && !spec->args_message) {
    act__log(cx->system->log, ACT_LOG_ERROR, "spawn",
             "child %s: arguments that are to cross into an own process must be a message "
             "(ACT_ARGS)",
             act__child_id(spec));
    return ACT_EINVAL;
  }
  struct act__own *own = act__calloc(1, sizeof *own);
  struct act__proxy *proxy = own ? act__proxy_create(remote, cell) : NULL;
  if (!proxy) {
    act__free(own);
    return ACT_ENOMEM;
  }
  own->proxy = proxy;
  own->job.fn = on_job;
  own->alarm.fire = on_alarm;
  proxy->own = own;
  set_limit(cell, parents_credit(spec));
  return ACT_OK;
}

void act__own_destroy(struct act__own *own) {
  if (!own) return;
  ACT_ASSERT(!own->process_out && !own->link_out && !own->job_posted && !own->alarm_out);
  act__free(own);
}

// --- orders: what only the role holder may do ------------------------------------------------------

static void order(struct act__proxy *proxy, uint32_t orders) {
  struct act__own *own = proxy->own;
  act__spinlock_lock(&proxy->lock);
  own->orders |= orders;
  bool post = !own->job_posted;
  own->job_posted = true;
  act__spinlock_unlock(&proxy->lock);
  if (post) act__loop_post(proxy->remote->loop, &own->job);
}

static void note_lost(struct act__own *own, act_rc why, const char *text) {
  act__spinlock_lock(&own->proxy->lock);
  own->lost_rc = why;
  snprintf(own->lost, sizeof own->lost, "%s", text ? text : "");
  act__spinlock_unlock(&own->proxy->lock);
}

static void on_exit(void *arg, int64_t status, int signal) {
  struct act__proxy *proxy = (struct act__proxy *)arg;
  struct act__own *own = proxy->own;
  own->process = NULL;
#ifdef ACT_MUTANT_OWN_WITHOUT_STATUS
  signal = 0;
#endif
  act__spinlock_lock(&proxy->lock);
  own->status = status;
  own->signal = signal;
  act__spinlock_unlock(&proxy->lock);
  act__proxy_tell(proxy, ACT__NEWS_REAPED, NULL, act__loop_worker(proxy->remote->loop));
}

static void spawn(struct act__proxy *proxy) {
  struct act__own *own = proxy->own;
  struct act__remote *remote = proxy->remote;
  struct act__worker *me = act__loop_worker(remote->loop);
  // The record's specification does not change while its child runs.
  const act_process_limits *limits = &act__birth_contract(act__cell_birth(proxy->cell))->spec.process;
  struct act__process_options options = {.address_space_bytes = limits->address_space_bytes,
                                         .cpu_seconds = limits->cpu_seconds,
                                         .descriptors = limits->open_files,
                                         .on_exit = on_exit,
                                         .arg = proxy};
  int fd;
  act_rc rc = act__process_spawn(remote->loop, &options, &own->process, &fd);
  if (rc) {
    own->process = NULL;
    act__spinlock_lock(&proxy->lock);
    own->spawn_rc = rc;
    act__spinlock_unlock(&proxy->lock);
    act__proxy_tell(proxy, ACT__NEWS_NOT_SPAWNED, NULL, me);
    return;
  }
  struct act__peer_id id;
  rc = act__net_adopt(remote->net, fd, ACT__NET_PARENT, (uint64_t)(uintptr_t)proxy, &id);
  if (rc) {
    note_lost(own, rc, act_rc_text(rc));
    act__proxy_tell(proxy, ACT__NEWS_UNLINKED, NULL, me);
    return;
  }
  act__spinlock_lock(&proxy->lock);
  own->link = id;
  act__spinlock_unlock(&proxy->lock);
}

static void obey(struct act__proxy *proxy, uint32_t orders) {
  struct act__own *own = proxy->own;
  if (orders & ORDER_SPAWN) spawn(proxy);
  if ((orders & ORDER_KILL) && own->process) {
    act_rc rc = act__process_kill(own->process, SIGKILL);
    (void)rc;  // it has ended meanwhile, and will be reaped
  }
  if (orders & ORDER_CLOSE) {
    act__net_close_peer(proxy->remote->net, own->link, ACT_EDEAD, "that process has ended");
  }
}

static void on_job(struct act__loop_job *job) {
  struct act__own *own = ACT__CONTAINER_OF(job, struct act__own, job);
  struct act__proxy *proxy = own->proxy;
  struct act__cell *cell = proxy->cell;
  struct act__remote *remote = proxy->remote;
  for (;;) {
    act__spinlock_lock(&proxy->lock);
    uint32_t orders = own->orders;
    own->orders = 0;
    if (!orders) {
      own->job_posted = false;
      proxy->news |= ACT__NEWS_IDLE;
    }
    act__spinlock_unlock(&proxy->lock);
    if (!orders) break;
    obey(proxy, orders);
  }
  // The proxy may be gone by now.
  act__cell_express(remote->system, act__loop_worker(remote->loop), cell, ACT__EXPRESS_REMOTE);
}

// --- the link's side (role holder) -------------------------------------------------------------------

void act__own_up(struct act__far *far, struct act__worker *me) {
  struct act__proxy *proxy = far->own;
  act__spinlock_lock(&proxy->lock);
  proxy->link = far->id;
  proxy->node = far->incarnation;
  act__spinlock_unlock(&proxy->lock);
  act__proxy_tell(proxy, ACT__NEWS_LINKED, NULL, me);
}

void act__own_down(struct act__proxy *proxy, act_rc why, const char *text, struct act__worker *me) {
  note_lost(proxy->own, why, text);
  act__proxy_tell(proxy, ACT__NEWS_UNLINKED, NULL, me);
}

static void malformed(struct act__far *far, const char *what) {
  act__net_close_peer(far->own->remote->net, far->id, ACT_EBADMSG, what);
}

// The first grant of a child names its actor: from here on that address means this proxy. Nobody was
// told of that address before, so no other proxy may be there.
static bool take_first_grant(struct act__far *far, const struct act__frame_grant *frame) {
  struct act__proxy *proxy = far->own;
  struct act__own *own = proxy->own;
  if (own->known || frame->rc) return false;
  struct act__remote *remote = proxy->remote;
  act__mutex_lock(&remote->lock);
  bool known = act__map_get(&far->proxies, frame->target.slot) != NULL;
  bool put = !known && act__map_put(&far->proxies, frame->target.slot, proxy) == ACT_OK;
  if (put) proxy->far_epoch = frame->target.epoch;
  act__mutex_unlock(&remote->lock);
  if (known) malformed(far, "its actor was named before it was granted");
  if (!put) return true;  // not started, then, and killed at its start deadline
  act__spinlock_lock(&proxy->lock);
  own->known = true;
  proxy->slot = frame->target.slot;
  proxy->gen = frame->target.gen;
  act__spinlock_unlock(&proxy->lock);
  proxy->limit = (struct act__credit){0, 0};
  struct act__credit first = {frame->msgs, frame->units};
  if (act__proxy_grow(proxy, first, frame->park_ms)) {
    malformed(far, "a grant beyond what can be held");
  }
  return true;
}

void act__own_frame(struct act__far *far, const struct act__frame *frame, struct act__worker *me) {
  struct act__proxy *proxy = far->own;
  if (frame->type == ACT__FRAME_STARTED) {
    act__proxy_tell(proxy, ACT__NEWS_STARTED, NULL, me);
  } else if (frame->type == ACT__FRAME_EXITED) {
    const struct act__frame_exited *exited = &frame->u.exited;
    struct act__ending ending = {
        .reason = exited->reason < ACT_REASON_COUNT_ ? (act_reason)exited->reason
                                                     : ACT_REASON_FAILED,
        .rc = exited->rc};
    snprintf(ending.text, sizeof ending.text, "%.*s", (int)exited->text.size,
             (const char *)exited->text.data);
    act__proxy_tell(proxy, ACT__NEWS_EXITED, &ending, me);
  }
}

bool act__own_grant(struct act__far *far, const struct act__frame_grant *frame) {
  return far->own && take_first_grant(far, frame);
}

// --- the turn's side ---------------------------------------------------------------------------------

static void on_alarm(struct act__alarm *alarm, struct act__worker *me) {
  struct act__own *own = ACT__CONTAINER_OF(alarm, struct act__own, alarm);
  act__proxy_tell(own->proxy, ACT__NEWS_ALARM, NULL, me);
}

static void set_alarm(act_cx *cx, struct act__own *own, uint32_t ms) {
  if (own->alarm_out) return;
  own->alarm_out = true;
  act__alarm_arm(cx->system->exec, cx->me, &own->alarm,
                 act__time_add(act__worker_refresh_now(cx->me), ms * ACT__NS_PER_MS));
}

static void clear_alarm(act_cx *cx, struct act__own *own) {
  if (own->alarm_out && act__alarm_cancel(cx->system->exec, &own->alarm)) own->alarm_out = false;
}

void act__own_start(act_cx *cx, struct act__cell *cell) {
  struct act__proxy *proxy = cell->proxy;
  struct act__own *own = proxy->own;
  struct act__birth *birth = act__cell_birth(cell);
  ACT_ASSERT(cell->life == ACT__DOWN && !own->process_out && !own->link_out);
  set_limit(cell, parents_credit(&act__birth_contract(birth)->spec));
  act__cell_begin(cell, birth);
  if (!act__cell_cold(cell)) {
    act__cell_end(cx, cell, ACT_REASON_FAILED, ACT_ENOMEM, "no memory to start");
    return;
  }
  own->process_out = own->link_out = true;
  own->start_sent = own->told = own->unspawned = own->given_up = false;
  act__spinlock_lock(&proxy->lock);
  proxy->epoch = birth->epoch;
  proxy->news = 0;
  own->known = false;
  own->lost_rc = own->spawn_rc = ACT_OK;
  own->lost[0] = 0;
  act__spinlock_unlock(&proxy->lock);
  order(proxy, ORDER_SPAWN);
}

static act_rc write_start(struct act__cell *cell, struct act__peer *peer, struct act__bytes *out) {
  const struct act__birth *birth = act__cell_birth(cell);
  const act_child *spec = &act__birth_contract(birth)->spec;
  struct act__frame_start frame = {
      .request = birth->epoch,
      .mailbox_msgs = act__limit(spec->mailbox.msgs, ACT_MAILBOX_MSGS),
      .mailbox_bytes = act__limit(spec->mailbox.bytes, ACT_MAILBOX_BYTES),
      .behavior = act__span_of_text(spec->behavior->name),
      .child = act__span_of_text(act__child_id(spec))};
  size_t mark;
  act_rc rc = act__frame_begin_start(out, &frame, &mark);
  if (rc) return rc;
  if (birth->args) rc = act__encode(spec->args_message, birth->args, out);
  if (!rc) return act__frame_end(out, mark, act__peer_frame_max(peer));
  act__frame_abandon(out, mark);
  return rc;
}

static void send_start(act_cx *cx, struct act__cell *cell) {
  struct act__proxy *proxy = cell->proxy;
  struct act__remote *remote = proxy->remote;
  const struct act__birth *birth = act__cell_birth(cell);
  act__spinlock_lock(&proxy->lock);
  struct act__peer_id link = proxy->link;
  uint64_t node = proxy->node;
  act__spinlock_unlock(&proxy->lock);
  if (birth->args) {
    act__pids_grant(remote, node, link, act__birth_contract(birth)->spec.args_message, birth->args, cx->me);
  }
  struct act__peer *peer;
  struct act__bytes *out = act__link_begin(remote, link, &peer);
  if (!out) return;  // it has ended already, and that will be told
  act_rc rc = write_start(cell, peer, out);
  act__peer_end(peer, cx->me);
  proxy->own->start_sent = true;
  if (rc) act__cell_end(cx, cell, ACT_REASON_FAILED, rc, "its arguments do not fit into a frame");
}

static bool send_stop(act_cx *cx, struct act__cell *cell) {
  struct act__proxy *proxy = cell->proxy;
  act__spinlock_lock(&proxy->lock);
  struct act__peer_id link = proxy->link;
  act__spinlock_unlock(&proxy->lock);
  struct act__peer *peer;
  struct act__bytes *out = act__link_begin(proxy->remote, link, &peer);
  if (!out) return false;
  // Set before STOP was sent.
  int64_t due = act__birth_stop_due(act__cell_birth(cell));
  int64_t left = due ? (due - act__worker_refresh_now(cx->me)) / ACT__NS_PER_MS : 0;
  struct act__frame_stop frame = {.request = act__cell_birth(cell)->epoch,
                                  .deadline_ms = left > 0 ? (uint32_t)left : 1};
  act_rc rc = act__frame_put_stop(out, &frame);
  act__peer_end(peer, cx->me);
  return rc == ACT_OK;
}

// How it died, told by the process itself.
static void describe(struct act__own *own, struct act__ending *ending) {
  *ending = (struct act__ending){.reason = ACT_REASON_FAILED};
  act__spinlock_lock(&own->proxy->lock);
  if (own->unspawned) {
    ending->rc = own->spawn_rc;
    snprintf(ending->text, sizeof ending->text, "its process could not be started: %s",
             act_rc_text(own->spawn_rc));
  } else if (own->given_up && own->signal == SIGKILL) {
    ending->rc = own->lost_rc ? own->lost_rc : ACT_ELINK;
    snprintf(ending->text, sizeof ending->text, "link lost: %.120s", own->lost);
  } else if (own->signal) {
    ending->rc = ACT_EKILLED;
    snprintf(ending->text, sizeof ending->text, "signal %d", own->signal);
  } else {
    ending->rc = ACT_EFAIL;
    snprintf(ending->text, sizeof ending->text, "exit %lld", (long long)own->status);
  }
  act__spinlock_unlock(&own->proxy->lock);
}

static bool job_is_out(struct act__proxy *proxy) {
  act__spinlock_lock(&proxy->lock);
  bool out = proxy->own->job_posted;
  act__spinlock_unlock(&proxy->lock);
  return out;
}

// Goes on to DOWN once nothing of this incarnation is left.
static void settle(act_cx *cx, struct act__cell *cell) {
  struct act__proxy *proxy = cell->proxy;
  struct act__own *own = proxy->own;
  if (cell->life == ACT__DOWN || own->process_out || own->link_out || job_is_out(proxy)) return;
  clear_alarm(cx, own);
  if (own->alarm_out) return;
  act__proxy_lose(cx, proxy, ACT_EDEAD, !own->told);
  struct act__ending ending;
  describe(own, &ending);
  if (cell->life == ACT__ENDING) {
    // It was stopped, but what ended it was something else.
    struct act__ending *noted = &act__birth_contract(act__cell_birth(cell))->ending;
    if (noted->reason == ACT_REASON_NORMAL && !own->told && !own->unspawned && own->start_sent) {
      *noted = ending;
    }
    act__cell_go_on_ending(cx, cell);
  } else {
    act__cell_end(cx, cell, ending.reason, ending.rc, ending.text);
  }
}

void act__own_end(act_cx *cx, struct act__cell *cell) {
  struct act__proxy *proxy = cell->proxy;
  struct act__own *own = proxy->own;
  act__spinlock_lock(&proxy->lock);
  proxy->linked = false;
  act__spinlock_unlock(&proxy->lock);
  if (own->process_out) {
    if (act__birth_contract(act__cell_birth(cell))->ending.reason == ACT_REASON_KILLED) {
      order(proxy, ORDER_KILL);
    } else if (own->told) {
      set_alarm(cx, own, EXIT_GRACE_MS);
    } else if (cell->failing || !own->start_sent || !send_stop(cx, cell)) {
      order(proxy, ORDER_KILL);
    }
  }
  settle(cx, cell);
}

static void on_exited(act_cx *cx, struct act__cell *cell) {
  struct act__proxy *proxy = cell->proxy;
  proxy->own->told = true;
  act__spinlock_lock(&proxy->lock);
  struct act__ending ending = proxy->ending;
  act__spinlock_unlock(&proxy->lock);
  if (cell->life == ACT__ENDING) {
    set_alarm(cx, proxy->own, EXIT_GRACE_MS);
  } else {
    act__cell_end(cx, cell, ending.reason, ending.rc, ending.text);
  }
}

static void on_due(act_cx *cx, struct act__cell *cell) {
  struct act__own *own = cell->proxy->own;
  (void)cx;
  own->alarm_out = false;
  if (own->process_out) {
    own->given_up = true;
    order(cell->proxy, ORDER_KILL);
  } else if (own->link_out) {
    order(cell->proxy, ORDER_CLOSE);
  }
}

void act__own_news(act_cx *cx, struct act__cell *cell, uint32_t news) {
  struct act__proxy *proxy = cell->proxy;
  struct act__own *own = proxy->own;
  if (cell->life == ACT__DOWN) return;
  if (news & ACT__NEWS_NOT_SPAWNED) {
    own->unspawned = true;
    own->process_out = own->link_out = false;
  }
  if ((news & ACT__NEWS_LINKED) && cell->life == ACT__STARTING) send_start(cx, cell);
  if ((news & ACT__NEWS_STARTED) && cell->life == ACT__STARTING) {
    act__spinlock_lock(&proxy->lock);
    proxy->linked = own->known;
    act__spinlock_unlock(&proxy->lock);
    act__cell_up(cx, cell);
  }
  if (news & ACT__NEWS_EXITED) on_exited(cx, cell);
  if (cell->life == ACT__DOWN) return;
  if (news & ACT__NEWS_UNLINKED) {
    own->link_out = false;
    act__proxy_lose(cx, proxy, ACT_EDEAD, !own->told);
    if (own->process_out) set_alarm(cx, own, own->told ? EXIT_GRACE_MS : REAP_GRACE_MS);
  }
  if (news & ACT__NEWS_REAPED) {
    own->process_out = false;
    clear_alarm(cx, own);
    if (own->link_out) set_alarm(cx, own, LINK_GRACE_MS);
  }
  if (news & ACT__NEWS_ALARM) on_due(cx, cell);
  settle(cx, cell);
}
