// SPDX-License-Identifier: Apache-2.0
//
// The supervisor: an ordinary actor whose only work is its children. It decides by the pure cores in
// actors/supervise/ (plan, intensity, back-off) and acts through actors/spawn.c.
//
// It is up when its last child is up: init starts the first and returns LATER, each UP starts the
// next. A child whose start fails is retried under the same intensity and back-off as one that
// crashes, and those behind it wait. The back-off is the child record's own alarm, so that a restart
// needs no memory and a stop ends it. Children stop one by one, newest first (cold->in_order). A
// supervisor whose children are all gone stays: dynamic children may come.
#include <inttypes.h>
#include <stdio.h>

#include "actors/child.h"
#include "actors/supervise/backoff.h"
#include "actors/supervise/check.h"
#include "actors/supervise/intensity.h"
#include "actors/supervise/plan.h"
#include "base/check.h"
#include "base/clock.h"

struct kid {
  const act_child *spec;
  struct act__birth *birth;  // NULL: not started yet, or gone
  struct act__backoff backoff;
  int64_t up_ns;             // when this incarnation came up
  bool up;
};

struct supervisor {
  const act_sup *sup;
  struct kid *kids;
  unsigned starting;         // the kid that start-up waits for; nkids: all have been up
  struct act__intensity intensity;
  uint32_t within_ms;
};

static act_rc on_up(void *self, act_cx *cx, struct act__birth *birth);
static act_rc on_exit(void *self, act_cx *cx, struct act__birth *birth,
                      const struct act__ending *ending);

static act_rc start_kid(act_cx *cx, struct kid *kid) {
  kid->up = false;
  act_rc rc = act__child_create(cx, cx->cell, kid->spec, (act_exit_then){{0}}, &kid->birth);
  if (rc) {
    kid->birth = NULL;
    return act_fail(cx, rc, "child %s cannot be made: %s", act__child_id(kid->spec),
                    act_rc_text(rc));
  }
  // Its notices are handled in later steps of this turn at the earliest.
  struct act__contract *contract = act__birth_contract(kid->birth);
  contract->on_up = on_up;
  contract->on_exit = on_exit;
  contract->user = kid;
  return ACT_OK;
}

// The kid that start-up waited for is up, or will never be.
static act_rc start_next(struct supervisor *self, act_cx *cx) {
  self->starting++;
  if (self->starting < self->sup->nkids) return start_kid(cx, &self->kids[self->starting]);
  return act_ready(cx);
}

static act_rc init(void *state, act_cx *cx, const void *args) {
  struct supervisor *self = (struct supervisor *)state;
  const act_sup *sup = (const act_sup *)args;
  self->sup = sup;
  self->within_ms = act__sup_within_ms(sup);
  struct act__cold *cold = act__cell_cold(cx->cell);
  if (!cold) return ACT_ENOMEM;
  cold->in_order = true;
  uint32_t max = act__sup_max_restarts(sup);
  int64_t *ring = max ? (int64_t *)act_alloc(cx, max * sizeof *ring) : NULL;
  self->kids = sup->nkids ? (struct kid *)act_alloc(cx, sup->nkids * sizeof *self->kids) : NULL;
  if ((max && !ring) || (sup->nkids && !self->kids)) return ACT_ENOMEM;
  act__intensity_init(&self->intensity, ring, max, self->within_ms * ACT__NS_PER_MS);
  for (unsigned i = 0; i < sup->nkids; i++) {
    self->kids[i].spec = &sup->kids[i];
    act__backoff_init(&self->kids[i].backoff, &sup->backoff, self->within_ms);
  }
  if (sup->nkids == 0) return ACT_OK;
  act_rc rc = start_kid(cx, &self->kids[0]);
  return rc ? rc : ACT_LATER;
}

static act_rc on_up(void *state, act_cx *cx, struct act__birth *birth) {
  struct supervisor *self = (struct supervisor *)state;
  struct kid *kid = (struct kid *)act__birth_contract(birth)->user;
  kid->up = true;
  kid->up_ns = act_now(cx);
  bool awaited = self->starting < self->sup->nkids && kid == &self->kids[self->starting];
  return awaited ? start_next(self, cx) : ACT_OK;
}

// "failed: negative step (ACT_EBADMSG)", "ended", "was killed: not up within 50 ms (ACT_ETIMEDOUT)"
static const char *describe(act_cx *cx, const struct act__ending *ending) {
  if (ending->reason == ACT_REASON_NORMAL) return "ended";
  char *text = (char *)act_scratch(cx, sizeof ending->text + 64);
  if (!text) return act_reason_name(ending->reason);
  snprintf(text, sizeof ending->text + 64, "%s: %s (%s)", act_reason_name(ending->reason),
           ending->text, act_rc_name(ending->rc));
  return text;
}

static act_rc let_go(struct supervisor *self, act_cx *cx, struct kid *kid,
                     const struct act__ending *ending) {
  bool awaited = self->starting < self->sup->nkids && kid == &self->kids[self->starting];
  if (ending->reason != ACT_REASON_NORMAL) {
    act_log_at(cx, ACT_LOG_WARN, "child %s %s; it is not restarted", act__child_id(kid->spec),
               describe(cx, ending));
  }
  if (!kid->birth->stuck) act__child_forget(cx, kid->birth);
  kid->birth = NULL;
  return awaited ? start_next(self, cx) : ACT_OK;
}

static act_rc give_up(struct supervisor *self, act_cx *cx, const struct kid *kid,
                      const struct act__ending *ending) {
  act_rc rc = ending->rc ? ending->rc : ACT_EFAIL;
  const char *text = ending->text[0] ? ending->text : act_reason_name(ending->reason);
  return act_fail(cx, rc, "child %s: %s (gave up after %" PRIu32 " restarts in %" PRIu32 " ms)",
                  act__child_id(kid->spec), text, self->intensity.max, self->within_ms);
}

// A stuck incarnation keeps its cell, so the next one is a new child under the same name.
static act_rc replace(act_cx *cx, struct kid *kid) {
  ACT__COUNT(cx->system, cx, restarts);
  return start_kid(cx, kid);
}

static act_rc on_exit(void *state, act_cx *cx, struct act__birth *birth,
                      const struct act__ending *ending) {
  struct supervisor *self = (struct supervisor *)state;
  struct kid *kid = (struct kid *)act__birth_contract(birth)->user;
  int64_t now = act_now(cx), healthy_ns = kid->up ? now - kid->up_ns : 0;
  kid->up = false;
  if (act__plan(kid->spec->restart, ending->reason) == ACT__PLAN_FORGET) {
    return let_go(self, cx, kid, ending);
  }
#ifdef ACT_MUTANT_SUP_FAILED_INIT_FREE
  if (healthy_ns == 0 && self->intensity.max > 0) {
    act__child_restart(cx, birth, act__backoff_next(&kid->backoff, 0, act_rand(cx)));
    return ACT_OK;
  }
#endif
  if (!act__intensity_add(&self->intensity, now)) return give_up(self, cx, kid, ending);
  uint32_t delay_ms = act__backoff_next(&kid->backoff, healthy_ns, act_rand(cx));
  act_log_at(cx, ACT_LOG_WARN,
             "child %s %s; restart %" PRIu32 " of %" PRIu32 " in %" PRIu32 " ms",
             act__child_id(kid->spec), describe(cx, ending),
             act__intensity_recent(&self->intensity, now), self->intensity.max, delay_ms);
  if (birth->stuck) return replace(cx, kid);
#ifdef ACT_MUTANT_SUP_NOBODY_WAITS
  bool awaited = self->starting < self->sup->nkids && kid == &self->kids[self->starting];
  act__child_restart(cx, birth, delay_ms);
  return awaited ? start_next(self, cx) : ACT_OK;
#endif
  act__child_restart(cx, birth, delay_ms);
  return ACT_OK;
}

const act_behavior act__supervisor = {
    .name = "supervisor", .state_size = sizeof(struct supervisor), .init = init};
