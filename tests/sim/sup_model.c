// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/sup_model.h"

#define MS INT64_C(1000000)

static void kid_up(struct model *model, struct node *kid, int64_t now);
static void kid_ended(struct model *model, struct node *kid, bool was_up, act_reason reason,
                      int64_t now);

static bool running(const struct node *node) {
  return node->state == NODE_STARTING || node->state == NODE_UP;
}

unsigned model_running(const struct node *node) {
  if (!node->kids) return running(node);
  unsigned sum = 0;
  for (unsigned i = 0; i < node->nkids; i++) sum += model_running(node->kids[i]);
  return sum;
}

static void off(struct node *node) {
  node->state = NODE_OFF;
  node->ending = false;
  for (unsigned i = 0; i < node->nkids; i++) off(node->kids[i]);
}

static void due(struct node *node, int64_t low, int64_t high) {
  node->state = NODE_DUE;
  node->due_low = low;
  node->due_high = high;
}

struct node *model_who_ends(struct model *model, struct node *node) {
  struct node *found = model->closing ? model->nodes[0] : NULL;
  for (struct node *n = node->parent; n && !model->closing; n = n->parent) {
    if (n->ending) found = n;
  }
  return found;
}

// --- beginning -------------------------------------------------------------------------------------

static uint32_t within_ms(const act_sup *rule) {
  return rule->within_ms ? rule->within_ms : 5000;
}

static void begin(struct model *model, struct node *node, int64_t now) {
  if (node->parent && !running(node->parent)) begin(model, node->parent, now);
  bool going_down = model_who_ends(model, node) != NULL;  // a start may already have been on its way
  STORY_CHECK(model->run, going_down || (node->state == NODE_DUE && now >= node->due_low),
              "%s begins at %lld us, but was %s %lld us", node->id, (long long)(now / 1000),
              node->state == NODE_DUE ? "not due before" : "not due at all; last up at",
              (long long)((node->state == NODE_DUE ? node->due_low : node->up_ns) / 1000));
  node->state = NODE_STARTING;
  if (!node->kids) return;
  node->next = 0;
  node->nrestarts = 0;
  for (unsigned i = 0; i < node->nkids; i++) {
    node->kids[i]->state = NODE_OFF;
    node->kids[i]->delay_ms = node->rule.backoff.first_ms;
  }
  due(node->kids[0], now, now + MODEL_SLACK_NS);
}

void model_start(struct model *model, int64_t now) {
  due(model->nodes[0], now, now + MODEL_SLACK_NS);
}

void model_begins(struct model *model, struct node *leaf, int64_t now) {
  if (!model->vague) begin(model, leaf, now);
}

static void start_next(struct model *model, struct node *sup, int64_t now) {
  sup->next++;
  if (sup->next < sup->nkids) {
    due(sup->kids[sup->next], now, now + MODEL_SLACK_NS);
  } else {
    sup->state = NODE_UP;
    sup->up_ns = now;
    if (sup->parent) kid_up(model, sup, now);
  }
}

static bool awaited(const struct node *kid) {
  return kid->parent->state == NODE_STARTING && kid->parent->next == kid->index;
}

static void kid_up(struct model *model, struct node *kid, int64_t now) {
  kid->state = NODE_UP;
  kid->up_ns = now;
  if (!model_who_ends(model, kid) && awaited(kid)) start_next(model, kid->parent, now);
}

void model_up(struct model *model, struct node *leaf, int64_t now) {
  if (!model->vague) kid_up(model, leaf, now);
}

// --- ending ----------------------------------------------------------------------------------------

static int64_t distance(int64_t a, int64_t b) {
  return a > b ? a - b : b - a;
}

// More restarts than the rule allows, with one at `now`?
static bool too_many(struct model *model, struct node *sup, int64_t now) {
  unsigned max = sup->rule.never_restart ? 0 : sup->rule.max_restarts ? sup->rule.max_restarts : 3;
  int64_t within = within_ms(&sup->rule) * MS;
  unsigned surely = 0, perhaps = 0;
  for (unsigned i = 0; i < sup->nrestarts; i++) {
    int64_t age = now - sup->restarts[i];
    if (distance(age, within) <= MODEL_SLACK_NS) {
      perhaps++;
    } else if (age < within) {
      surely++;
    }
  }
  if (surely < max && surely + perhaps >= max) model->vague = true;
  return surely >= max;
}

static uint32_t next_delay(struct model *model, struct node *kid, bool was_up, int64_t now) {
  const act_backoff *rule = &kid->parent->rule.backoff;
  uint32_t max = rule->max_ms ? rule->max_ms : rule->first_ms;
  int64_t healthy = (rule->healthy_ms ? rule->healthy_ms : within_ms(&kid->parent->rule)) * MS;
  int64_t lived = was_up ? now - kid->up_ns : 0;
  if (was_up && distance(lived, healthy) <= MODEL_SLACK_NS) model->vague = true;
  if (was_up && lived >= healthy) kid->delay_ms = rule->first_ms;
  uint32_t delay = kid->delay_ms;
  kid->delay_ms = delay * 2 < max ? delay * 2 : max;
  return delay;
}

static void end_if_empty(struct model *model, struct node *sup, int64_t now) {
  if (model_running(sup) > 0) return;
  bool was_up = sup->state == NODE_UP;
  off(sup);
  if (sup->parent) kid_ended(model, sup, was_up, ACT_REASON_FAILED, now);
}

// A start below may be on its way already and show itself after the supervisor seems empty.
static bool start_in_flight(const struct node *node, int64_t now) {
  if (node->state == NODE_DUE) return node->due_low <= now + MODEL_SLACK_NS;
  for (unsigned i = 0; i < node->nkids; i++) {
    if (start_in_flight(node->kids[i], now)) return true;
  }
  return false;
}

static void give_up(struct model *model, struct node *sup, int64_t now) {
  if (start_in_flight(sup, now)) model->vague = true;
  sup->ending = true;
  sup->ending_ns = now;
  end_if_empty(model, sup, now);
}

static void kid_ended(struct model *model, struct node *kid, bool was_up, act_reason reason,
                      int64_t now) {
  struct node *sup = kid->parent, *ender = model_who_ends(model, kid);
  bool comes_back = kid->restart == ACT_PERMANENT ||
                    (kid->restart == ACT_TRANSIENT && reason != ACT_REASON_NORMAL);
  if (ender) {
    // Its own supervisor may hear of this before of its stop, and give up by itself out of turn.
    if (ender != sup && comes_back && too_many(model, sup, now)) model->vague = true;
    if (!model->closing && !model->vague) end_if_empty(model, ender, now);
    return;
  }
  if (!comes_back) {
    if (awaited(kid)) start_next(model, sup, now);
    return;
  }
  if (too_many(model, sup, now)) {
    give_up(model, sup, now);
    return;
  }
  if (sup->nrestarts == MODEL_RESTARTS) {
    model->vague = true;
    return;
  }
  sup->restarts[sup->nrestarts++] = now;
  int64_t delay = next_delay(model, kid, was_up, now);
  int64_t jitter = delay * sup->rule.backoff.jitter_pct / 100;
  due(kid, now + (delay - jitter) * MS, now + (delay + jitter) * MS + MODEL_SLACK_NS);
}

void model_ends(struct model *model, struct node *leaf, act_reason reason, int64_t now) {
  if (model->vague) return;
  bool was_up = leaf->state == NODE_UP;
  leaf->state = NODE_OFF;
  kid_ended(model, leaf, was_up, reason, now);
}

// Who began to stop this leaf: the nearest above that gave up (it may have done so before one above
// it did), else whoever stops the tree.
static struct node *who_stops(struct model *model, struct node *leaf) {
  for (struct node *n = leaf->parent; n; n = n->parent) {
    if (n->ending) return n;
  }
  return model_who_ends(model, leaf);
}

void model_stopped(struct model *model, struct node *leaf, int64_t now) {
  if (model->vague) return;
  struct node *ender = model_who_ends(model, leaf);
  STORY_CHECK(model->run, ender, "%s was stopped at %lld us, but nobody gave up", leaf->id,
              (long long)(now / 1000));
  if (!ender) return;
  leaf->state = NODE_OFF;
  struct node *stopper = who_stops(model, leaf);
  for (struct node *n = leaf; n != stopper; n = n->parent) {
    for (unsigned i = n->index + 1; i < n->parent->nkids; i++) {
      STORY_CHECK(model->run, model_running(n->parent->kids[i]) == 0,
                  "%s was stopped before its younger sibling %s", n->id,
                  n->parent->kids[i]->id);
    }
  }
  if (!model->closing) end_if_empty(model, ender, now);
}

void model_closes(struct model *model) {
  model->closing = true;
}

void model_check_overdue(struct model *model, int64_t now) {
  for (unsigned i = 0; i < model->count && !model->vague && !model->closing; i++) {
    struct node *node = model->nodes[i];
    if (model_who_ends(model, node)) continue;
    STORY_CHECK(model->run, node->state != NODE_DUE || now <= node->due_high + MODEL_SLACK_NS,
                "%s should have begun by %lld us, and has not at %lld us", node->id,
                (long long)(node->due_high / 1000), (long long)(now / 1000));
    STORY_CHECK(model->run, !node->ending || now <= node->ending_ns + 4 * MODEL_SLACK_NS,
                "%s gave up at %lld us and still has %u leaves at %lld us", node->id,
                (long long)(node->ending_ns / 1000), model_running(node), (long long)(now / 1000));
  }
}
