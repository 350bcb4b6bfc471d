// SPDX-License-Identifier: Apache-2.0
//
// Actors in a random graph who send on whatever they get, through tiny mailboxes that park: circles are
// everywhere. Some worlds are crowded: more than a turn handles goes through mailboxes that hold as
// much. Some starts take their time, some actors crash, some deadlines are short, some mailboxes
// reject, some messages are asks.
//
// What must hold: everything accepted is handled in exactly the order in which it was accepted, by
// whomever it was sent, or recorded as undelivered; nobody stalls (where deadlines are long and nobody
// crashes, every message arrives); who is refused as closing a circle would close one; no mailbox beyond
// its bound; no message is handled by an actor that is parked; asks end once.
#include <stdlib.h>
#include <string.h>

#include "tests/sim/story.h"

#define NODES_MAX 8u
#define OUT_MAX 3u
#define BURST_MAX 6u
#define CROWD_MAX 200u        // a burst, and a mailbox, of some worlds: more than a turn handles
#define HOPS_MAX 4u
#define ITEMS_MAX 20000u
#define ROUNDS 12u
#define LONG_MS 600000u
#define QUIET_MS 60000u       // far more than all that is on its way needs, far less than LONG_MS
#define NOBODY UINT32_MAX

struct node_part {
  struct world *world;
  uint32_t index;
  uint32_t to[OUT_MAX], outs;
  uint32_t msgs_max;
  uint32_t start_ms;          // before it is ready
  uint32_t crash_permille;
  bool parks;                 // its mailbox does
  uint32_t slot;
  // What the story knows.
  uint32_t parked_on;         // NOBODY, or a node; may be old, never early
  uint32_t waiting;           // accepted and neither handled nor undelivered
  uint64_t last_order;        // of what was handled last
  uint32_t open_asks;
};

struct world {
  struct story_run *run;
  act_sim *sim;
  uint32_t nodes;
  struct node_part parts[NODES_MAX];
  uint64_t order;             // counts what was accepted
  uint64_t orders[ITEMS_MAX]; // of each item
  uint32_t items;
  uint32_t burst_max, hops_max;
  uint64_t records, parkings, circles;
  bool gentle;                // nobody crashes, no deadline is short
  bool quiet;
  char names[NODES_MAX][8];
  act_child kids[NODES_MAX];
  act_sup sup;
};

ACT_MSG(parcel, (u32, id, 1)(u32, from, 2)(u32, hops, 3))
ACT_MSG(receipt, (u32, id, 1))
#define PASSING(CAST, CALL, P) CAST(P, 1, pass, parcel) CALL(P, 2, check, parcel, receipt)
ACT_PROTOCOL(passing, 1, PASSING)

struct node {
  struct node_part *part;
};
ACT_ACTOR(noder, passing, PASSING, struct node, struct node_part)
ACT_ON_TICK(noder, on_ready)
ACT_ON_TICK(noder, on_burst)
ACT_ON(noder, on_receipt, receipt)

// --- what the story knows ----------------------------------------------------------------------------

// May `from` be waiting, itself or through others, for `whom`? Too many edges are known, never too few.
static bool may_wait_for(struct world *world, uint32_t from, uint32_t whom) {
  for (uint32_t steps = 0; steps <= world->nodes && from != NOBODY; steps++) {
    if (from == whom) return true;
    from = world->parts[from].parked_on;
  }
  return false;
}

static void look_whether_parked(struct node_part *part, act_cx *cx) {
  if (!act_parked(cx)) part->parked_on = NOBODY;
}

static void check_bound(struct world *world, const struct node_part *to) {
  uint32_t outside = 0;
  for (uint32_t i = 0; i < world->nodes; i++) outside += world->parts[i].parked_on == to->index;
  STORY_CHECK(world->run, to->waiting <= to->msgs_max + outside,
              "%u messages for node %u, %u of them parked, and its bound is %u", to->waiting,
              to->index, outside, to->msgs_max);
}

// A send has returned this.
static void note_send(struct world *world, act_cx *cx, struct node_part *from, struct node_part *to,
                      uint32_t id, act_rc rc, bool was_parked) {
  struct story_run *run = world->run;
  act_sim_note(world->sim, (uint64_t)id << 8 ^ (uint64_t)(uint32_t)rc);
  if (rc == ACT_OK) {
    world->orders[id] = ++world->order;
    to->waiting++;
    if (act_parked(cx) && !was_parked) {
      from->parked_on = to->index;
      world->parkings++;
      STORY_CHECK(run, to->parks, "node %u was parked on %u, which rejects", from->index, to->index);
    }
    check_bound(world, to);
  } else if (rc == ACT_EDEADLK) {
    world->circles++;
    STORY_CHECK(run, !was_parked && to->parks && may_wait_for(world, to->index, from->index),
                "node %u to %u was refused, but closes no circle", from->index, to->index);
  } else if (rc == ACT_EFULL) {
    STORY_CHECK(run, was_parked || !to->parks, "node %u was refused by %u, which parks",
                from->index, to->index);
  } else {
    STORY_CHECK(run, (rc == ACT_ECLOSED || rc == ACT_EDEAD) && !world->gentle,
                "a send was refused with %s", act_rc_name(rc));
  }
}

// --- nodes -------------------------------------------------------------------------------------------

static void send_on(struct node_part *part, act_cx *cx, uint32_t hops) {
  struct world *world = part->world;
  if (world->items == ITEMS_MAX) return;
  struct node_part *to = &world->parts[part->to[act_rand(cx) % part->outs]];
  passing_svc svc;
  if (passing_svc_named(cx, world->names[to->index], &svc) != ACT_OK) return;
  to->slot = svc.pid.slot;  // it has its name before its first turn
  parcel item = {.id = world->items++, .from = part->index, .hops = hops};
  bool was_parked = act_parked(cx);
  if (act_rand(cx) % 4) {
    note_send(world, cx, part, to, item.id, passing_svc_send_pass(cx, svc, item), was_parked);
    return;
  }
  uint64_t sent_before, sent_after;
  act_counters counters;
  act_read_counters(act_sim_runtime(world->sim), &counters);
  sent_before = counters.sent;
  act_rc rc = passing_svc_ask_check(cx, svc, item, LONG_MS, on_receipt_then(0));
  act_read_counters(act_sim_runtime(world->sim), &counters);
  sent_after = counters.sent;
  STORY_CHECK(world->run, rc == ACT_OK, "an ask could not be made: %s", act_rc_name(rc));
  part->open_asks++;
  // A refusal comes to the continuation.
  if (sent_after != sent_before) note_send(world, cx, part, to, item.id, ACT_OK, was_parked);
}

static void burst(struct node_part *part, act_cx *cx, uint32_t most, uint32_t hops) {
  for (uint32_t n = (uint32_t)(act_rand(cx) % (most + 1)); n > 0; n--) send_on(part, cx, hops);
}

static act_rc next_burst(struct node_part *part, act_cx *cx) {
  if (part->world->quiet) return ACT_OK;
  return act_after(cx, 1 + (uint32_t)(act_rand(cx) % 20), on_burst_then(0), NULL);
}

static void on_gone(void *arg) {
  struct node_part *part = (struct node_part *)arg;
  part->parked_on = NOBODY;
  part->open_asks = 0;
}

static act_rc noder_init(struct node *self, act_cx *cx, const struct node_part *part) {
  self->part = (struct node_part *)(uintptr_t)part;
  act_rc rc = act_defer(cx, on_gone, self->part);
  if (!rc) rc = next_burst(self->part, cx);
  if (rc || part->start_ms == 0) return rc;
  rc = act_after(cx, part->start_ms, on_ready_then(0), NULL);
  return rc ? rc : ACT_LATER;
}

static act_rc on_ready(struct node *self, act_cx *cx, const act_tick *tick) {
  (void)tick;
  look_whether_parked(self->part, cx);
  return act_ready(cx);
}

static act_rc on_burst(struct node *self, act_cx *cx, const act_tick *tick) {
  (void)tick;
  look_whether_parked(self->part, cx);
  if (!self->part->world->quiet) {
    burst(self->part, cx, self->part->world->burst_max, self->part->world->hops_max);
  }
  return next_burst(self->part, cx);
}

static act_rc arrived(struct node_part *part, act_cx *cx, const parcel *m) {
  struct world *world = part->world;
  STORY_CHECK(world->run, !act_parked(cx), "node %u was parked and handled a message", part->index);
  look_whether_parked(part, cx);
  STORY_CHECK(world->run, world->orders[m->id] > part->last_order,
              "node %u handles message %u, accepted before the one before it", part->index, m->id);
  part->last_order = world->orders[m->id];
  part->waiting--;
  act_sim_note(world->sim, (uint64_t)m->id << 8 | part->index);
  if (m->hops) burst(part, cx, 2, m->hops - 1);
  if (act_rand(cx) % 1000 < part->crash_permille) return act_fail(cx, ACT_EFAIL, "a node's fate");
  return ACT_OK;
}

static act_rc noder_pass(struct node *self, act_cx *cx, const parcel *m) {
  return arrived(self->part, cx, m);
}

static act_rc noder_check(struct node *self, act_cx *cx, const parcel *m, receipt_reply r) {
  act_rc rc = arrived(self->part, cx, m);
  return rc ? rc : receipt_answer(cx, r, (receipt){.id = m->id});
}

static act_rc on_receipt(struct node *self, act_cx *cx, act_rc status, const receipt *value,
                         uintptr_t tag) {
  (void)tag;
  struct world *world = self->part->world;
  look_whether_parked(self->part, cx);
  self->part->open_asks--;
  bool fine = value ? status == ACT_OK
                    : status == ACT_EFULL || status == ACT_EDEADLK ||
                          (!world->gentle && (status == ACT_EDEAD || status == ACT_ECLOSED ||
                                              status == ACT_ETIMEDOUT));
  STORY_CHECK(world->run, fine, "an ask ended with %s", act_rc_name(status));
  return ACT_OK;
}

// --- the world ---------------------------------------------------------------------------------------

static void on_undelivered(void *arg, const act_undelivered *record) {
  struct world *world = (struct world *)arg;
  world->records++;
  STORY_CHECK(world->run, !world->gentle, "a message was lost: %s", act_rc_name(record->reason));
  STORY_CHECK(world->run, record->count == 1 && record->op, "a record of nothing");
  for (uint32_t i = 0; i < world->nodes; i++) {
    if (world->parts[i].slot == record->to.slot) world->parts[i].waiting--;
  }
}

static void build(struct world *world) {
  struct act__rand *rand = &world->run->rand;
  world->gentle = story_chance(rand, 50);
  world->nodes = story_pick(rand, 1, NODES_MAX);
  bool crowded = story_chance(rand, 25);
  world->burst_max = crowded ? CROWD_MAX : BURST_MAX;
  world->hops_max = crowded ? 1 : HOPS_MAX;
  for (uint32_t i = 0; i < world->nodes; i++) {
    struct node_part *part = &world->parts[i];
    *part = (struct node_part){.world = world, .index = i, .parked_on = NOBODY};
    part->msgs_max = crowded ? story_pick(rand, 1, CROWD_MAX) : story_pick(rand, 1, 5);
    part->parks = !story_chance(rand, 10);
    part->start_ms = story_chance(rand, 30) ? story_pick(rand, 1, 30) : 0;
    part->outs = story_pick(rand, 1, OUT_MAX);
    for (uint32_t k = 0; k < part->outs; k++) part->to[k] = story_pick(rand, 0, world->nodes - 1);
    if (!world->gentle && story_chance(rand, 50)) part->crash_permille = story_pick(rand, 1, 50);
    uint32_t park_ms =
        !world->gentle && story_chance(rand, 50) ? story_pick(rand, 1, 20) : LONG_MS;
    world->names[i][0] = 'n';
    world->names[i][1] = (char)('0' + i);
    world->kids[i] = (act_child){
        .id = world->names[i], .name = world->names[i], .behavior = &noder, .args = part,
        .limits = {.asks = ITEMS_MAX},
        .mailbox = {.msgs = part->msgs_max, .full = part->parks ? ACT_PARK : ACT_REJECT,
                    .park_ms = part->parks ? park_ms : 0}};
  }
  world->sup = (act_sup){.max_restarts = 60000, .within_ms = 1, .kids = world->kids,
                         .nkids = world->nodes,
                         .backoff = {.first_ms = story_pick(rand, 0, 10)}};
}

static bool open_world(struct world *world) {
  static const act_log_sink silent = {.fn = NULL};
  struct story_run *run = world->run;
  const act_node node = {.name = "story", .log = run->loud ? NULL : &silent,
                         .undelivered = on_undelivered, .undelivered_arg = world};
  build(world);
  act_rc rc = act_sim_open(run->seed, &node, NULL, &world->sim);
  if (rc) {
    story_fail(run, "the simulation does not open: %s", act_rc_name(rc));
    return false;
  }
  act_pid pid;
  const act_child nodes = {.id = "nodes", .sup = &world->sup, .stop_ms = 60000};
  rc = act_sim_spawn(world->sim, &nodes, &pid);
  STORY_CHECK(run, rc == ACT_OK, "the nodes do not start: %s", act_rc_name(rc));
  return true;
}

static void check_end(struct world *world) {
  struct story_run *run = world->run;
  for (uint32_t i = 0; i < world->nodes; i++) {
    const struct node_part *part = &world->parts[i];
    STORY_CHECK(run, part->waiting == 0, "node %u still has %u messages before it", i,
                part->waiting);
    STORY_CHECK(run, part->open_asks == 0, "node %u still waits for %u asks", i, part->open_asks);
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

static void run_park_story(struct story_run *run) {
  struct world *world = (struct world *)calloc(1, sizeof *world);
  if (!world) {
    story_fail(run, "no memory for the story");
    return;
  }
  world->run = run;
  if (open_world(world)) {
    for (unsigned i = 0; i < ROUNDS; i++) act_sim_advance(world->sim, story_pick(&run->rand, 1, 40));
    world->quiet = true;
    act_sim_advance(world->sim, QUIET_MS);
    check_end(world);
    run->trace = act_sim_trace(world->sim);
    int code = act_sim_close(world->sim);
    STORY_CHECK(run, code == 0, "the stop ended with %d", code);
  }
  free(world);
}

const struct story story_park = {
    .name = "park",
    .about = "random graphs of actors that park: no stall, no reordering, every circle refused",
    .run = run_park_story,
};
