// SPDX-License-Identifier: Apache-2.0
//
// A random tree whose leaves fail, end, dawdle at their start or never finish it, and poke each other
// until somebody breaks. The reference model (sup_model.h) follows every step. Beside it: each
// incarnation's watchers hear of its end exactly once and with its reason, or not at all after a
// demonitor; an address of a dead incarnation takes no message; children stop youngest first.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sup_model.h"

#define NODES_MAX 24u
#define DEPTH_MAX 3u
#define LIVES_MAX 4096u
#define ROUNDS 25u
#define SLACK_START_NS 2000000  // the start deadline counts from START, a little before init

struct world;

struct leaf_part {
  struct world *world;
  struct node *node;
  uint32_t start_ms;
  uint32_t trouble;     // percent of its incarnations that meet a bad end soon
};

// One incarnation of one leaf.
struct life {
  act_pid pid;
  bool watched, unwatched, ended;
  int64_t began_ns, ended_ns;
  act_reason reason;
  unsigned downs;
  act_mon mon;
  struct leaf_part *part;
  bool own_end;          // it ends by itself, for `reason`
  bool up;
  bool unsure;           // stopped or killed: both were due
};

struct world {
  struct story_run *run;
  act_sim *sim;
  struct model model;
  struct node nodes[NODES_MAX];
  struct node *in_order[NODES_MAX];
  struct node *kids[NODES_MAX];     // slices of it are the nodes' kids
  act_child children[NODES_MAX];    // the same slices, as the product wants them
  act_sup sups[NODES_MAX];
  struct leaf_part parts[NODES_MAX];
  unsigned count;
  struct life lives[LIVES_MAX];
  unsigned lives_count;
  act_pid auditor;
};

static int64_t now_of(struct world *world) {
  return act_sim_now(world->sim);
}

// --- the auditor: watches every incarnation --------------------------------------------------------

ACT_MSG(life_born, (u32, life, 1))
ACT_MSG(life_dying, (u32, life, 1))
#define AUDITING(CAST, CALL, P) CAST(P, 1, born, life_born) CAST(P, 2, dying, life_dying)
ACT_PROTOCOL(auditing, 1, AUDITING)

ACT_MSG(poke, (u32, trouble, 1))
#define LEAFING(CAST, CALL, P) CAST(P, 1, poke, poke)
ACT_PROTOCOL(leafing, 1, LEAFING)

struct auditor {
  struct world *world;
};
struct auditor_args {
  struct world *world;
};
ACT_ACTOR(auditor, auditing, AUDITING, struct auditor, struct auditor_args)
ACT_ON_DOWN(auditor, on_down)
ACT_ON_TICK(auditor, on_unwatch)

static act_rc auditor_init(struct auditor *self, act_cx *cx, const struct auditor_args *args) {
  (void)cx;
  self->world = args->world;
  return ACT_OK;
}

static act_rc auditor_born(struct auditor *self, act_cx *cx, const life_born *m) {
  struct life *life = &self->world->lives[m->life];
  act_rc rc = act_monitor(cx, life->pid, on_down_then(m->life), &life->mon);
  if (rc) return rc;
  life->watched = true;
  if (act_rand(cx) % 5) return ACT_OK;
  return act_after(cx, (uint32_t)(act_rand(cx) % 300), on_unwatch_then(m->life), NULL);
}

static act_rc on_unwatch(struct auditor *self, act_cx *cx, const act_tick *tick) {
  struct life *life = &self->world->lives[tick->tag];
  if (life->downs) return ACT_OK;
  act_demonitor(cx, &life->mon);
  life->unwatched = true;
  return ACT_OK;
}

// Its DOWN is right behind this message, most likely in the same batch.
static act_rc auditor_dying(struct auditor *self, act_cx *cx, const life_dying *m) {
  struct life *life = &self->world->lives[m->life];
  if (!life->watched || life->downs) return ACT_OK;
  act_demonitor(cx, &life->mon);
  life->unwatched = true;
  return ACT_OK;
}

static act_rc on_down(struct auditor *self, act_cx *cx, const act_down *down) {
  struct world *world = self->world;
  struct life *life = &world->lives[down->tag];
  const char *id = life->part->node->id;
  life->downs++;
  STORY_CHECK(world->run, life->downs == 1, "%s: DOWN came %u times", id, life->downs);
  STORY_CHECK(world->run, !life->unwatched, "%s: DOWN after a demonitor", id);
  STORY_CHECK(world->run, life->ended, "%s: DOWN of one that lives", id);
  STORY_CHECK(world->run, act_pid_equal(down->pid, life->pid), "%s: DOWN of somebody else", id);
  STORY_CHECK(world->run,
              down->reason == life->reason || down->reason == ACT_REASON_NOPROC ||
                  (life->unsure && down->reason == ACT_REASON_NORMAL),
              "%s: DOWN says %s, but it was %s", id, act_reason_name(down->reason),
              act_reason_name(life->reason));
  act_rc rc = leafing_send_poke(cx, (leafing_ref){life->pid}, (poke){.trouble = 100});
  STORY_CHECK(world->run, rc == ACT_EDEAD || rc == ACT_ECLOSED,
              "%s: a send to a dead incarnation said %s", id, act_rc_name(rc));
  act_sim_note(world->sim, (down->tag << 8) | (uint64_t)down->reason);
  return ACT_OK;
}

// --- leaves ----------------------------------------------------------------------------------------

struct leaf {
  struct leaf_part *part;
  struct life *life;
};
ACT_ACTOR(leaf, leafing, LEAFING, struct leaf, struct leaf_part)
ACT_ON_TICK(leaf, on_fate)
ACT_ON_TICK(leaf, on_ready)
ACT_ON_TICK(leaf, on_poke_time)

// Killed at its start deadline? One that came up in the last moment may be killed all the same.
static bool overslept(const struct life *life, int64_t now) {
  int64_t deadline_ns = life->began_ns + (int64_t)life->part->start_ms * 1000000;
  if (life->part->start_ms == 0 || now + SLACK_START_NS < deadline_ns) return false;
  return !life->up || now < deadline_ns + SLACK_START_NS;
}

static void on_leave(void *arg) {
  struct life *life = (struct life *)arg;
  struct world *world = life->part->world;
  struct node *node = life->part->node;
  int64_t now = now_of(world);
  life->ended = true;
  life->ended_ns = now;
  model_check_overdue(&world->model, now);
  if (life->own_end) {
    model_ends(&world->model, node, life->reason, now);
  } else if (overslept(life, now)) {
    life->reason = ACT_REASON_KILLED;
    life->unsure = world->model.vague || world->model.closing || model_who_ends(&world->model, node);
    model_ends(&world->model, node, life->reason, now);
  } else {
    life->reason = ACT_REASON_NORMAL;
    model_stopped(&world->model, node, now);
  }
}

static act_rc bad_end(struct leaf *self, act_cx *cx) {
  struct world *world = self->part->world;
  if (act_rand(cx) % 4 == 0) {
    life_dying dying = {.life = (uint32_t)(self->life - world->lives)};
    auditing_cast_dying(cx, (auditing_ref){world->auditor}, dying);
  }
  self->life->own_end = true;
  self->life->reason = ACT_REASON_FAILED;
  return act_fail(cx, ACT_EFAIL, "fate");
}

static act_rc tell_auditor(struct world *world, act_cx *cx, struct life *life) {
  life_born born = {.life = (uint32_t)(life - world->lives)};
  return auditing_send_born(cx, (auditing_ref){world->auditor}, born);
}

static void come_up(struct leaf *self) {
  struct world *world = self->part->world;
  self->life->up = true;
  model_up(&world->model, self->part->node, now_of(world));
}

static act_rc plan_life(struct leaf *self, act_cx *cx) {
  act_rc rc = ACT_OK;
  if (act_rand(cx) % 100 < self->part->trouble) {
    rc = act_after(cx, (uint32_t)(act_rand(cx) % 400), on_fate_then(act_rand(cx) % 3), NULL);
  }
  return rc ? rc : act_every(cx, 20 + (uint32_t)(act_rand(cx) % 60), on_poke_time_then(0), NULL);
}

static act_rc leaf_init(struct leaf *self, act_cx *cx, const struct leaf_part *part) {
  struct world *world = part->world;
  self->part = (struct leaf_part *)(uintptr_t)part;
  if (world->lives_count == LIVES_MAX) return ACT_ENOMEM;
  self->life = &world->lives[world->lives_count++];
  self->life->part = self->part;
  self->life->pid = act_self(cx);
  self->life->began_ns = now_of(world);
  model_check_overdue(&world->model, self->life->began_ns);
  model_begins(&world->model, part->node, self->life->began_ns);
  act_rc rc = act_defer(cx, on_leave, self->life);
  if (!rc) rc = tell_auditor(world, cx, self->life);
  if (world->model.closing) rc = ACT_OK;  // the auditor may have gone first
  if (!rc) rc = plan_life(self, cx);
  if (rc) return rc;

  uint32_t how = (uint32_t)(act_rand(cx) % 100);
  if (how < part->trouble / 2) return bad_end(self, cx);
  if (part->start_ms && how < 30) return ACT_LATER;  // and never ready
  if (part->start_ms && how < 60) {                  // a close call
    rc = act_after(cx, part->start_ms - 1, on_ready_then(act_rand(cx) % 80), NULL);
    return rc ? rc : ACT_LATER;
  }
  if (how < 50) {
    rc = act_after(cx, (uint32_t)(act_rand(cx) % 30), on_ready_then(0), NULL);
    return rc ? rc : ACT_LATER;
  }
  come_up(self);
  return ACT_OK;
}

static act_rc on_ready(struct leaf *self, act_cx *cx, const act_tick *tick) {
  if (tick->tag) return act_after(cx, 0, on_ready_then(tick->tag - 1), NULL);  // some microseconds
  if (act_rand(cx) % 10 == 0) return bad_end(self, cx);
  come_up(self);
  return act_ready(cx);
}

static act_rc on_fate(struct leaf *self, act_cx *cx, const act_tick *tick) {
  if (tick->tag) return bad_end(self, cx);
  self->life->own_end = true;
  self->life->reason = ACT_REASON_NORMAL;
  act_end(cx);
  return ACT_OK;
}

static act_rc on_poke_time(struct leaf *self, act_cx *cx, const act_tick *tick) {
  (void)tick;
  struct world *world = self->part->world;
  const struct node *target = world->in_order[act_rand(cx) % world->count];
  leafing_svc svc;
  if (leafing_svc_named(cx, target->id, &svc) != ACT_OK) return ACT_OK;
  act_rc rc = leafing_svc_send_poke(cx, svc, (poke){.trouble = self->part->trouble / 8});
  act_sim_note(world->sim, (uint64_t)(uint32_t)rc);
  return ACT_OK;
}

static act_rc leaf_poke(struct leaf *self, act_cx *cx, const poke *m) {
  return act_rand(cx) % 100 < m->trouble ? bad_end(self, cx) : ACT_OK;
}

// --- the world -------------------------------------------------------------------------------------

static enum act_restart random_restart(struct act__rand *rand) {
  uint32_t draw = story_pick(rand, 0, 99);
  return draw < 60 ? ACT_PERMANENT : draw < 85 ? ACT_TRANSIENT : ACT_TEMPORARY;
}

static act_sup random_rule(struct act__rand *rand) {
  act_sup rule = {.max_restarts = story_pick(rand, 0, 4), .within_ms = story_pick(rand, 100, 2000)};
  rule.never_restart = rule.max_restarts == 0 && story_chance(rand, 50);
  if (story_chance(rand, 70)) {
    rule.backoff.first_ms = story_pick(rand, 1, 200);
    if (story_chance(rand, 70)) rule.backoff.max_ms = rule.backoff.first_ms * story_pick(rand, 1, 7);
    if (story_chance(rand, 50)) rule.backoff.jitter_pct = story_pick(rand, 0, 100);
    if (story_chance(rand, 50)) rule.backoff.healthy_ms = story_pick(rand, 50, 500);
  }
  return rule;
}

static struct node *new_node(struct world *world, struct node *parent, unsigned index) {
  struct node *node = &world->nodes[world->count];
  node->parent = parent;
  node->index = index;
  snprintf(node->id, sizeof node->id, "n%u", world->count);
  world->in_order[world->count++] = node;
  return node;
}

static void grow_sup(struct world *world, struct node *node, unsigned depth, unsigned *slots) {
  struct act__rand *rand = &world->run->rand;
  unsigned place = *slots, free_slots = NODES_MAX - 1 - place;
  unsigned nkids = story_pick(rand, 1, free_slots < 4 ? free_slots : 4);
  *slots += nkids;
  node->kids = &world->kids[place];
  node->nkids = nkids;
  node->rule = random_rule(rand);
  act_sup *sup = &world->sups[node - world->nodes];
  *sup = node->rule;
  sup->kids = &world->children[place];
  sup->nkids = nkids;
  for (unsigned i = 0; i < nkids; i++) {
    struct node *kid = node->kids[i] = new_node(world, node, i);
    kid->restart = random_restart(rand);
    act_child *child = &world->children[place + i];
    *child = (act_child){.id = kid->id, .name = kid->id, .restart = kid->restart};
    struct leaf_part *part = &world->parts[kid - world->nodes];
    *part = (struct leaf_part){.world = world, .node = kid};
    if (depth < DEPTH_MAX && *slots < NODES_MAX - 1 && story_chance(rand, 35)) {
      grow_sup(world, kid, depth + 1, slots);
      child->sup = &world->sups[kid - world->nodes];
      continue;
    }
    part->trouble = story_chance(rand, 30) ? story_pick(rand, 0, 90) : story_pick(rand, 0, 20);
    if (story_chance(rand, 20)) part->start_ms = child->start_ms = story_pick(rand, 30, 100);
    child->behavior = &leaf;
    child->args = part;
  }
}

static bool open_world(struct world *world) {
  static const act_log_sink silent = {.fn = NULL};
  struct story_run *run = world->run;
  const act_node node = {.name = "story", .log = run->loud ? NULL : &silent};
  act_rc rc = act_sim_open(run->seed, &node, NULL, &world->sim);
  if (rc) {
    story_fail(run, "the simulation does not open: %s", act_rc_name(rc));
    return false;
  }
  struct auditor_args args = {world};
  const act_child auditor_child = {.id = "auditor", .behavior = &auditor, .args = &args,
                                   .mailbox = {.msgs = ACT_MAILBOX_MSGS_MAX},
                                   .limits = {.monitors = LIVES_MAX, .timers = LIVES_MAX}};
  rc = act_sim_spawn(world->sim, &auditor_child, &world->auditor);
  STORY_CHECK(run, rc == ACT_OK, "no auditor: %s", act_rc_name(rc));

  unsigned slots = 0;
  grow_sup(world, new_node(world, NULL, 0), 1, &slots);
  world->model = (struct model){.run = run, .nodes = world->in_order, .count = world->count};
  model_start(&world->model, now_of(world));
  const act_child tree = {.id = "tree", .sup = &world->sups[0], .stop_ms = 60000};
  act_pid pid;
  rc = act_sim_spawn(world->sim, &tree, &pid);
  act_sim_note(world->sim, (uint64_t)(uint32_t)rc);
  return true;
}

static void check_downs(struct world *world) {
  int64_t now = now_of(world);
  for (unsigned i = 0; i < world->lives_count; i++) {
    const struct life *life = &world->lives[i];
    int64_t age_ns = now - life->began_ns, start_ns = (int64_t)life->part->start_ms * 1000000;
    STORY_CHECK(world->run,
                life->up || life->ended || start_ns == 0 || age_ns < start_ns + MODEL_SLACK_NS,
                "%s is not up after %lld us and lives", life->part->node->id,
                (long long)(age_ns / 1000));
    if (!life->watched || life->unwatched || !life->ended) continue;
    if (now - life->ended_ns < MODEL_SLACK_NS) continue;
    STORY_CHECK(world->run, life->downs == 1, "%s ended (%s) and %u DOWN came",
                life->part->node->id, act_reason_name(life->reason), life->downs);
  }
}

static void close_world(struct world *world) {
  world->run->partial = world->model.vague;
  model_closes(&world->model);
  world->run->trace = act_sim_trace(world->sim);
  int code = act_sim_close(world->sim);
  STORY_CHECK(world->run, code == 0, "the stop ended with %d", code);
  STORY_CHECK(world->run, world->model.vague || model_running(world->in_order[0]) == 0,
              "%u leaves outlived the stop", model_running(world->in_order[0]));
  for (unsigned i = 0; i < world->lives_count; i++) {
    STORY_CHECK(world->run, world->lives[i].ended, "%s was never cleaned up",
                world->lives[i].part->node->id);
  }
}

static void run_supervisor_story(struct story_run *run) {
  struct world *world = (struct world *)calloc(1, sizeof *world);
  if (!world) {
    story_fail(run, "no memory for the story");
    return;
  }
  world->run = run;
  if (open_world(world)) {
    for (unsigned i = 0; i < ROUNDS; i++) {
      act_sim_advance(world->sim, story_pick(&run->rand, 20, 200));
      model_check_overdue(&world->model, now_of(world));
      check_downs(world);
    }
    close_world(world);
  }
  free(world);
}

const struct story story_supervisor = {
    .name = "supervisor",
    .about = "random trees whose leaves fail at random, against a reference model",
    .run = run_supervisor_story,
};
