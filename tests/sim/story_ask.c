// SPDX-License-Identifier: Apache-2.0
//
// Clients that ask and servers that answer, refuse, drop, keep, relay, crash or answer twice; tiny
// mailboxes, short deadlines, servers that take their time to start, a router that passes requests on,
// addresses of incarnations that are gone.
//
// What must hold: every ask ends exactly once, with a status that what really happened can explain,
// no earlier than it may and no later than its deadline; a nested ask within its parent's; nobody
// handles an expired request; order from one sender to one receiver; no mailbox beyond its bound; a
// cancelled timer is never seen; every accepted message is handled or recorded as undelivered.
#include <stdlib.h>
#include <string.h>

#include "tests/sim/story.h"

#define SERVERS_MAX 3u
#define CLIENTS_MAX 5u
#define ASKS_MAX 8192u
#define KEPT_MAX 16u
#define OPEN_ASKS 8u          // limit of a client
#define ROUNDS 20u
#define SLACK_NS 20000000
#define PROMPT_NS 5000000     // what is on its way arrives within this
#define ROUTER SERVERS_MAX    // as a target
#define OUTSIDE CLIENTS_MAX   // as a client

struct ask {
  uint32_t client, target;
  int64_t made_ns, deadline_ns;
  int64_t settled_ns;         // when its answerer had decided, or had gone; 0: not yet
  bool ended, late;           // late: nobody listens any more
  unsigned handled;
  bool answered, refused, dropped, failed, holder_gone;
  bool target_was_up;         // when it was made
};

struct server_part {
  struct world *world;
  uint32_t index;
  uint32_t msgs_max;          // of its mailbox
  uint32_t slot;
  bool up;
  int64_t last_end_ns;
  uint32_t notes_waiting;     // accepted and neither handled nor undelivered
  act_pid pid;                // of its latest incarnation
};

struct client_part {
  struct world *world;
  uint32_t index;
  uint32_t open;              // asks
  uint32_t crash_percent;
  bool gone;
};

struct world {
  struct story_run *run;
  act_sim *sim;
  uint32_t servers, clients;
  struct server_part parts[SERVERS_MAX];
  struct client_part cparts[CLIENTS_MAX + 1];
  uint64_t sent_seq[CLIENTS_MAX + 1][SERVERS_MAX], seen_seq[CLIENTS_MAX + 1][SERVERS_MAX];
  struct ask asks[ASKS_MAX];
  uint32_t asks_count;
  uint64_t records;           // undelivered
  bool quiet;                 // no new asks
  struct router_args {
    struct world *world;
  } router_args;
  act_child kids[SERVERS_MAX + 1];
  act_sup sup;
};

ACT_MSG(work, (u32, ask, 1)(u32, from, 2)(u32, to, 3)(u64, seq, 4)(i64, deadline, 5))
ACT_MSG(result, (u32, ask, 1))
#define SERVING(CAST, CALL, P) CAST(P, 1, note, work) CALL(P, 2, work, work, result)
ACT_PROTOCOL(serving, 1, SERVING)

static int64_t now_of(struct world *world) {
  return act_sim_now(world->sim);
}

// --- asking ----------------------------------------------------------------------------------------

static serving_svc service(act_cx *cx, uint32_t target) {
  static const char *const names[] = {"s0", "s1", "s2", "router"};
  serving_svc svc;
  if (serving_svc_named(cx, names[target], &svc) != ACT_OK) memset(&svc, 0, sizeof svc);
  return svc;
}

// A record and the request for it; `parent_deadline` 0: none. NULL: the story has enough of them.
static struct ask *new_ask(struct world *world, uint32_t client, uint32_t target, int64_t now,
                           uint32_t timeout_ms, int64_t parent_deadline, work *request) {
  if (world->asks_count == ASKS_MAX) return NULL;
  struct ask *ask = &world->asks[world->asks_count];
  int64_t deadline = now + (int64_t)timeout_ms * 1000000;
  if (parent_deadline && parent_deadline < deadline) deadline = parent_deadline;
  *ask = (struct ask){.client = client, .target = target, .made_ns = now, .deadline_ns = deadline};
  ask->target_was_up = target != ROUTER && world->parts[target].up;
  *request = (work){.ask = world->asks_count++, .from = client, .to = target, .deadline = deadline};
  if (target != ROUTER) request->seq = ++world->sent_seq[client][target];
  return ask;
}

// From here on its end is on the way.
static void settled(struct world *world, struct ask *ask) {
  if (ask->settled_ns == 0) ask->settled_ns = now_of(world);
}

// Its target died with the request in the mailbox, and time was left.
static bool should_have_died(struct world *world, const struct ask *ask) {
  if (ask->target == ROUTER || ask->handled || ask->settled_ns) return false;
  int64_t died_ns = world->parts[ask->target].last_end_ns;
  return died_ns > ask->made_ns && died_ns + PROMPT_NS < ask->deadline_ns;
}

// Was the target away at any time since the ask was made?
static bool target_was_away(struct world *world, const struct ask *ask) {
  if (ask->target == ROUTER) return true;
  const struct server_part *part = &world->parts[ask->target];
  return !ask->target_was_up || !part->up || part->last_end_ns >= ask->made_ns;
}

static bool can_explain(struct world *world, const struct ask *ask, act_rc status) {
  switch (status) {
    case ACT_OK: return ask->answered;
    case ACT_EACCES: return ask->refused;
    case ACT_EFULL: return ask->handled == 0;
    case ACT_EDROPPED: return ask->dropped || ask->holder_gone || ask->target == ROUTER;
    case ACT_EDEAD: return ask->failed || (ask->handled == 0 && target_was_away(world, ask));
    case ACT_ECLOSED: return ask->handled == 0 && target_was_away(world, ask);
    case ACT_ETIMEDOUT:
      return now_of(world) >= ask->deadline_ns && !should_have_died(world, ask);
    default: return false;
  }
}

static void ask_ended(struct world *world, uint32_t index, act_rc status, const result *value) {
  struct ask *ask = &world->asks[index];
  int64_t now = now_of(world);
  STORY_CHECK(world->run, !ask->ended, "ask %u ended twice, now %s", index, act_rc_name(status));
  STORY_CHECK(world->run, !ask->late, "ask %u ended for somebody who is gone", index);
  STORY_CHECK(world->run, can_explain(world, ask, status), "ask %u ended %s without a reason",
              index, act_rc_name(status));
  STORY_CHECK(world->run, (status == ACT_OK) == (value != NULL), "ask %u: %s and %s value", index,
              act_rc_name(status), value ? "a" : "no");
  STORY_CHECK(world->run, !value || value->ask == index, "ask %u got the answer of %u", index,
              value ? value->ask : 0);
  STORY_CHECK(world->run, now <= ask->deadline_ns + SLACK_NS, "ask %u outlived its deadline by %lld us",
              index, (long long)((now - ask->deadline_ns) / 1000));
  STORY_CHECK(world->run, !ask->settled_ns || now <= ask->settled_ns + PROMPT_NS,
              "ask %u ended %s only %lld us after its fate was sealed", index, act_rc_name(status),
              (long long)((now - ask->settled_ns) / 1000));
  ask->ended = true;
  act_sim_note(world->sim, ((uint64_t)index << 32) | (uint32_t)status);
}

// --- servers ---------------------------------------------------------------------------------------

struct kept {
  bool used;
  uint32_t ask;
  result_reply reply;
  int64_t deadline;
};

struct server {
  struct server_part *part;
  struct kept kept[KEPT_MAX];
};
ACT_ACTOR(server, serving, SERVING, struct server, struct server_part)
ACT_ON_TICK(server, on_server_ready)
ACT_ON_TICK(server, on_answer_time)
ACT_ON(server, on_relayed, result)

static void on_server_gone(void *arg) {
  struct server *self = (struct server *)arg;
  struct world *world = self->part->world;
  self->part->up = false;
  self->part->last_end_ns = now_of(world);
  for (unsigned i = 0; i < KEPT_MAX; i++) {
    if (!self->kept[i].used) continue;
    struct ask *ask = &world->asks[self->kept[i].ask];
    ask->holder_gone = true;
    settled(world, ask);
  }
}

static act_rc server_init(struct server *self, act_cx *cx, const struct server_part *part) {
  self->part = (struct server_part *)(uintptr_t)part;
  self->part->pid = act_self(cx);
  self->part->slot = act_self(cx).slot;
  act_rc rc = act_defer(cx, on_server_gone, self);
  if (rc) return rc;
  if (act_rand(cx) % 2) {
    self->part->up = true;
    return ACT_OK;
  }
  rc = act_after(cx, (uint32_t)(act_rand(cx) % 20), on_server_ready_then(0), NULL);
  return rc ? rc : ACT_LATER;
}

static act_rc on_server_ready(struct server *self, act_cx *cx, const act_tick *tick) {
  (void)tick;
  self->part->up = true;
  return act_ready(cx);
}

static void check_order(struct server *self, const work *m) {
  struct world *world = self->part->world;
  if (m->to == ROUTER) return;
  STORY_CHECK(world->run, m->to == self->part->index, "server %u got a message for %u",
              self->part->index, m->to);
  uint64_t *seen = &world->seen_seq[m->from][m->to];
  STORY_CHECK(world->run, m->seq > *seen, "client %u, server %u: message %llu came after %llu",
              m->from, m->to, (unsigned long long)m->seq, (unsigned long long)*seen);
  *seen = m->seq;
}

static act_rc server_note(struct server *self, act_cx *cx, const work *m) {
  check_order(self, m);
  self->part->notes_waiting--;
  return act_rand(cx) % 200 == 0 ? act_fail(cx, ACT_EFAIL, "a bad note") : ACT_OK;
}

static void answer(struct server *self, act_cx *cx, uint32_t index, result_reply r) {
  struct world *world = self->part->world;
  world->asks[index].answered = true;
  settled(world, &world->asks[index]);
  act_rc rc = result_answer(cx, r, (result){.ask = index});
  STORY_CHECK(world->run, rc == ACT_OK, "answering ask %u: %s", index, act_rc_name(rc));
}

static void refuse(struct server *self, act_cx *cx, uint32_t index, result_reply r) {
  struct world *world = self->part->world;
  world->asks[index].refused = true;
  settled(world, &world->asks[index]);
  act_rc rc = result_refuse(cx, r, ACT_EACCES);
  STORY_CHECK(world->run, rc == ACT_OK, "refusing ask %u: %s", index, act_rc_name(rc));
}

// A place for a token beyond its handler; KEPT_MAX: none.
static unsigned keep(struct server *self, act_cx *cx, const work *m, result_reply r) {
  struct world *world = self->part->world;
  for (unsigned i = 0; i < KEPT_MAX; i++) {
    if (self->kept[i].used) continue;
    act_rc rc = act_reply_keep(cx, r.r);
    STORY_CHECK(world->run, rc == ACT_OK, "keeping ask %u: %s", m->ask, act_rc_name(rc));
    STORY_CHECK(world->run, act_reply_keep(cx, r.r) == ACT_EINVAL, "ask %u was kept twice", m->ask);
    self->kept[i] = (struct kept){.used = true, .ask = m->ask, .reply = r, .deadline = m->deadline};
    return i;
  }
  world->asks[m->ask].dropped = true;
  settled(world, &world->asks[m->ask]);
  return KEPT_MAX;
}

static act_rc on_answer_time(struct server *self, act_cx *cx, const act_tick *tick) {
  struct kept *kept = &self->kept[tick->tag];
  kept->used = false;
  answer(self, cx, kept->ask, kept->reply);
  return ACT_OK;
}

static act_rc answer_later(struct server *self, act_cx *cx, const work *m, result_reply r) {
  unsigned place = keep(self, cx, m, r);
  if (place == KEPT_MAX) return ACT_OK;
  int64_t left_ms = (m->deadline - act_now(cx)) / 1000000;
  uint64_t range = left_ms > 0 ? 2 * (uint64_t)left_ms : 1;
  return act_after(cx, (uint32_t)(act_rand(cx) % range),
                   on_answer_time_then(place), NULL);
}

// Asks another server for longer than the request in hand has left.
static act_rc relay(struct server *self, act_cx *cx, const work *m, result_reply r) {
  struct world *world = self->part->world;
  unsigned place = keep(self, cx, m, r);
  if (place == KEPT_MAX) return ACT_OK;
  uint32_t target = (uint32_t)(act_rand(cx) % world->servers);
  work request;
  // A server's own asks count as the outside's: nobody checks their number.
  struct ask *ask = new_ask(world, OUTSIDE, target, act_now(cx), 400, m->deadline, &request);
  if (!ask) return ACT_OK;
  request.to = ROUTER;  // its order beside the outside's own messages is not promised
  uintptr_t tag = ((uintptr_t)request.ask << 8) | place;
  return serving_svc_ask_work(cx, service(cx, target), request, 400, on_relayed_then(tag));
}

static act_rc on_relayed(struct server *self, act_cx *cx, act_rc status, const result *value,
                         uintptr_t tag) {
  struct kept *kept = &self->kept[tag & 0xff];
  ask_ended(self->part->world, (uint32_t)(tag >> 8), status, value);
  kept->used = false;
  if (status) {
    refuse(self, cx, kept->ask, kept->reply);
  } else {
    answer(self, cx, kept->ask, kept->reply);
  }
  return ACT_OK;
}

static act_rc answer_twice(struct server *self, act_cx *cx, const work *m, result_reply r) {
  answer(self, cx, m->ask, r);
  act_rc rc = result_refuse(cx, r, ACT_EFAIL);
  STORY_CHECK(self->part->world->run, rc == ACT_EINVAL, "ask %u was answered twice: %s", m->ask,
              act_rc_name(rc));
  return ACT_OK;
}

static act_rc server_work(struct server *self, act_cx *cx, const work *m, result_reply r) {
  struct world *world = self->part->world;
  struct ask *ask = &world->asks[m->ask];
  check_order(self, m);
  STORY_CHECK(world->run, ask->handled++ == 0, "request %u was handled twice", m->ask);
  STORY_CHECK(world->run, act_now(cx) < m->deadline, "request %u was handled %lld us too late",
              m->ask, (long long)((act_now(cx) - m->deadline) / 1000));
  uint32_t draw = (uint32_t)(act_rand(cx) % 100);
  if (draw < 35) {
    answer(self, cx, m->ask, r);
  } else if (draw < 45) {
    refuse(self, cx, m->ask, r);
  } else if (draw < 60) {
    return answer_later(self, cx, m, r);
  } else if (draw < 65) {
    (void)keep(self, cx, m, r);
  } else if (draw < 77) {
    return relay(self, cx, m, r);
  } else if (draw < 86) {
    return answer_twice(self, cx, m, r);
  } else {
    settled(world, ask);  // its token closes with this handler
    ask->failed = draw < 90;
    ask->dropped = !ask->failed;
    if (ask->failed) return act_fail(cx, ACT_EFAIL, "a bad request");
    if (draw < 92) act_end(cx);
  }
  return ACT_OK;
}

// --- a router --------------------------------------------------------------------------------------

struct router {
  struct world *world;
};
ACT_ACTOR_ANY(router, struct router, struct router_args)

static act_rc router_init(struct router *self, act_cx *cx, const struct router_args *args) {
  (void)cx;
  self->world = args->world;
  return ACT_OK;
}

static act_rc router_any(struct router *self, act_cx *cx, const act_any *m) {
  if (act_rand(cx) % 100 == 0) {
    const work *request = (const work *)m->message;
    self->world->asks[request->ask].failed = true;
    settled(self->world, &self->world->asks[request->ask]);
    return act_fail(cx, ACT_EFAIL, "lost the way");
  }
  uint32_t target = (uint32_t)(act_rand(cx) % self->world->servers);
  act_rc rc = act_forward(cx, service(cx, target).pid, m);
  act_sim_note(self->world->sim, (uint64_t)(uint32_t)rc);
  return ACT_OK;  // on an error the token is still ours and drops
}

// --- clients ---------------------------------------------------------------------------------------

struct client {
  struct client_part *part;
  act_timer first, second;
  bool second_cancelled;
  int64_t pair_due_ns;
};
ACT_ACTOR0(client, struct client, struct client_part)
ACT_ON(client, on_result, result)
ACT_ON_TICK(client, on_client_time)
ACT_ON_TICK(client, on_first)
ACT_ON_TICK(client, on_second)

static void on_client_gone(void *arg) {
  struct client_part *part = (struct client_part *)arg;
  part->gone = true;
  for (uint32_t i = 0; i < part->world->asks_count; i++) {
    struct ask *ask = &part->world->asks[i];
    if (ask->client == part->index && !ask->ended) ask->late = true;
  }
}

static act_rc client_init(struct client *self, act_cx *cx, const struct client_part *part) {
  // A spawn copies its arguments; the part itself is the world's.
  self->part = &part->world->cparts[part->index];
  act_rc rc = act_defer(cx, on_client_gone, self->part);
  return rc ? rc : act_after(cx, 1, on_client_time_then(0), NULL);
}

static act_rc on_result(struct client *self, act_cx *cx, act_rc status, const result *value,
                        uintptr_t tag) {
  (void)cx;
  ask_ended(self->part->world, (uint32_t)tag, status, value);
  self->part->open--;
  return ACT_OK;
}

static void make_ask(struct client *self, act_cx *cx) {
  struct world *world = self->part->world;
  uint32_t target = (uint32_t)(act_rand(cx) % (world->servers + 1));
  if (target == world->servers) target = ROUTER;
  uint32_t timeout_ms = 1 + (uint32_t)(act_rand(cx) % 40);
  work request;
  struct ask *ask =
      new_ask(world, self->part->index, target, act_now(cx), timeout_ms, 0, &request);
  if (!ask) return;
  act_rc rc;
  if (target != ROUTER && act_rand(cx) % 4 == 0) {  // one incarnation only
    serving_ref ref = {world->parts[target].pid};
    rc = serving_ask_work(cx, ref, request, timeout_ms, on_result_then(request.ask));
  } else {
    rc = serving_svc_ask_work(cx, service(cx, target), request, timeout_ms,
                              on_result_then(request.ask));
  }
  act_rc expected = self->part->open == OPEN_ASKS ? ACT_ELIMIT : ACT_OK;
  STORY_CHECK(world->run, rc == expected, "with %u asks open another one said %s",
              self->part->open, act_rc_name(rc));
  if (rc) {
    ask->ended = true;
  } else {
    self->part->open++;
  }
}

static void make_notes(struct client *self, act_cx *cx) {
  struct world *world = self->part->world;
  uint32_t target = (uint32_t)(act_rand(cx) % world->servers);
  struct server_part *part = &world->parts[target];
  serving_svc svc = service(cx, target);
  for (uint32_t n = (uint32_t)(act_rand(cx) % 6); n > 0; n--) {
    work note = {.from = self->part->index, .to = target,
                 .seq = ++world->sent_seq[self->part->index][target]};
    act_rc rc = serving_svc_send_note(cx, svc, note);
    if (rc == ACT_OK) part->notes_waiting++;
    STORY_CHECK(world->run, rc == ACT_OK || rc == ACT_EFULL || rc == ACT_ECLOSED || rc == ACT_EDEAD,
                "a note was refused with %s", act_rc_name(rc));
    STORY_CHECK(world->run, part->notes_waiting <= part->msgs_max,
                "server %u holds %u messages, its bound is %u", target, part->notes_waiting,
                part->msgs_max);
  }
}

// Two timers for the same moment; whichever is seen first cancels the other.
static act_rc make_pair(struct client *self, act_cx *cx) {
  uint32_t ms = (uint32_t)(act_rand(cx) % 10);
  self->pair_due_ns = act_now(cx) + (int64_t)ms * 1000000;
  self->second_cancelled = false;
  act_rc rc = act_after(cx, ms, on_first_then(0), &self->first);
  return rc ? rc : act_after(cx, ms, on_second_then(0), &self->second);
}

static act_rc on_first(struct client *self, act_cx *cx, const act_tick *tick) {
  STORY_CHECK(self->part->world->run, tick->now_ns >= self->pair_due_ns, "a timer came early");
  self->second_cancelled = true;
  act_cancel(cx, &self->second);
  return ACT_OK;
}

static act_rc on_second(struct client *self, act_cx *cx, const act_tick *tick) {
  (void)cx;
  STORY_CHECK(self->part->world->run, tick->now_ns >= self->pair_due_ns, "a timer came early");
  STORY_CHECK(self->part->world->run, !self->second_cancelled, "a cancelled timer was seen");
  return ACT_OK;
}

static act_rc on_client_time(struct client *self, act_cx *cx, const act_tick *tick) {
  (void)tick;
  struct world *world = self->part->world;
  if (world->quiet) return ACT_OK;
  if (act_rand(cx) % 1000 < self->part->crash_percent * 10) {
    return act_fail(cx, ACT_EFAIL, "a client's fate");
  }
  for (uint32_t n = (uint32_t)(act_rand(cx) % 4); n > 0; n--) make_ask(self, cx);
  make_notes(self, cx);
  act_rc rc = act_rand(cx) % 3 ? ACT_OK : make_pair(self, cx);
  return rc ? rc : act_after(cx, 1 + (uint32_t)(act_rand(cx) % 15), on_client_time_then(0), NULL);
}

// --- the world -------------------------------------------------------------------------------------

static void on_undelivered(void *arg, const act_undelivered *record) {
  struct world *world = (struct world *)arg;
  world->records++;
  STORY_CHECK(world->run, record->count == 1 && record->op, "a record of nothing");
  if (!record->op || record->op->id != serving_op_note) return;
  for (uint32_t i = 0; i < world->servers; i++) {
    if (world->parts[i].slot == record->to.slot) world->parts[i].notes_waiting--;
  }
}

static void build_servers(struct world *world) {
  static const char *const names[] = {"s0", "s1", "s2"};
  struct act__rand *rand = &world->run->rand;
  uint32_t n = 0;
  for (; n < world->servers; n++) {
    uint32_t msgs = story_pick(rand, 1, 6);
    world->parts[n] = (struct server_part){.world = world, .index = n, .msgs_max = msgs};
    world->kids[n] = (act_child){.id = names[n], .name = names[n], .behavior = &server,
                                 .args = &world->parts[n], .mailbox = {.msgs = msgs}};
  }
  world->router_args.world = world;
  world->kids[n++] = (act_child){.id = "router", .name = "router", .behavior = &router,
                                 .args = &world->router_args,
                                 .mailbox = {.msgs = story_pick(rand, 1, 6)}};
  world->sup = (act_sup){.max_restarts = 60000, .within_ms = 1, .kids = world->kids, .nkids = n,
                         .backoff = {.first_ms = story_pick(rand, 0, 20)}};
}

static bool open_world(struct world *world) {
  static const act_log_sink silent = {.fn = NULL};
  struct story_run *run = world->run;
  const act_node node = {.name = "story", .log = run->loud ? NULL : &silent,
                         .undelivered = on_undelivered, .undelivered_arg = world};
  world->servers = story_pick(&run->rand, 1, SERVERS_MAX);
  world->clients = story_pick(&run->rand, 1, CLIENTS_MAX);
  build_servers(world);
  act_rc rc = act_sim_open(run->seed, &node, NULL, &world->sim);
  if (rc) {
    story_fail(run, "the simulation does not open: %s", act_rc_name(rc));
    return false;
  }
  act_pid pid;
  const act_child servers = {.id = "servers", .sup = &world->sup, .stop_ms = 60000};
  rc = act_sim_spawn(world->sim, &servers, &pid);
  STORY_CHECK(run, rc == ACT_OK, "the servers do not start: %s", act_rc_name(rc));
  for (uint32_t i = 0; i < world->clients && !run->failed; i++) {
    world->cparts[i] = (struct client_part){.world = world, .index = i,
                                            .crash_percent = story_chance(&run->rand, 30)};
    const act_child spec = {.id = "client", .behavior = &client, .args = &world->cparts[i],
                            .limits = {.asks = OPEN_ASKS}};
    rc = act_sim_spawn(world->sim, &spec, &pid);
    STORY_CHECK(run, rc == ACT_OK, "a client does not start: %s", act_rc_name(rc));
  }
  return true;
}

// A blocking call from outside, which steps the simulation itself.
static void call_from_outside(struct world *world) {
  act_cx *cx = act_sim_cx(world->sim);
  uint32_t target = story_pick(&world->run->rand, 0, world->servers - 1);
  uint32_t timeout_ms = story_pick(&world->run->rand, 1, 40);
  work request;
  struct ask *ask =
      new_ask(world, OUTSIDE, target, now_of(world), timeout_ms, 0, &request);
  if (!ask) return;
  const result *value = NULL;
  act_rc rc = serving_svc_call_work(cx, service(cx, target), request, timeout_ms, &value);
  ask_ended(world, request.ask, rc, value);
  if (value) act_reply_free(cx, value);
}

static void check_end(struct world *world) {
  struct story_run *run = world->run;
  for (uint32_t i = 0; i < world->asks_count; i++) {
    STORY_CHECK(run, world->asks[i].ended || world->asks[i].late || world->asks[i].holder_gone ||
                     world->asks[i].client == OUTSIDE,
                "ask %u never ended", i);
  }
  for (uint32_t i = 0; i < world->clients; i++) {
    STORY_CHECK(run, world->cparts[i].gone || world->cparts[i].open == 0,
                "client %u still waits for %u asks", i, world->cparts[i].open);
  }
  act_counters counters;
  act_read_counters(act_sim_runtime(world->sim), &counters);
  STORY_CHECK(run, counters.sent == counters.handled + counters.undelivered,
              "%llu messages were accepted, %llu handled, %llu undelivered",
              (unsigned long long)counters.sent, (unsigned long long)counters.handled,
              (unsigned long long)counters.undelivered);
  STORY_CHECK(run, counters.undelivered == world->records, "%llu undelivered, %llu records",
              (unsigned long long)counters.undelivered, (unsigned long long)world->records);
}

static void run_ask_story(struct story_run *run) {
  struct world *world = (struct world *)calloc(1, sizeof *world);
  if (!world) {
    story_fail(run, "no memory for the story");
    return;
  }
  world->run = run;
  if (open_world(world)) {
    for (unsigned i = 0; i < ROUNDS; i++) {
      act_sim_advance(world->sim, story_pick(&run->rand, 1, 60));
      call_from_outside(world);
    }
    world->quiet = true;
    act_sim_advance(world->sim, 5000);
    check_end(world);
    run->trace = act_sim_trace(world->sim);
    int code = act_sim_close(world->sim);
    STORY_CHECK(run, code == 0, "the stop ended with %d", code);
  }
  free(world);
}

const struct story story_ask = {
    .name = "ask",
    .about = "asks and replies under random schedules, crashes, deadlines and full mailboxes",
    .run = run_ask_story,
};
