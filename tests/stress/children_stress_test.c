// SPDX-License-Identifier: Apache-2.0
//
// Children on several threads: parents that spawn, stop and lose children as fast as they can, fail
// now and then themselves and are restarted; starts that meet their deadline in the last moment. Each
// parent keeps a book: an exit must name a child that it has, once. Meant for ThreadSanitizer.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <troupe.h>

#include "base/atomic.h"
#include "base/check.h"
#include "base/thread.h"

#define PARENTS 6u
#define CHILDREN 8u    // of each parent
#define EXITS 12000u   // then the test is over

static ACT__ATOMIC(uint32_t) exits;
static struct act__parker enough;

// --- children --------------------------------------------------------------------------------------

struct child {
  int dummy;
};
ACT_ACTOR0(child, struct child, act_noargs)
ACT_ON_TICK(child, on_ready)
ACT_ON_TICK(child, on_fate)

static act_rc live(act_cx *cx) {
  uint32_t fate = (uint32_t)(act_rand(cx) % 4);
  return fate == 3 ? ACT_OK  // until its parent stops it
                   : act_after(cx, (uint32_t)(act_rand(cx) % 3), on_fate_then(fate), NULL);
}

static act_rc child_init(struct child *self, act_cx *cx, const act_noargs *args) {
  (void)self;
  (void)args;
  uint32_t how = (uint32_t)(act_rand(cx) % 10);
  if (how == 0) return act_fail(cx, ACT_EFAIL, "no start");
  if (how > 3) return live(cx);
  act_rc rc = act_after(cx, (uint32_t)(act_rand(cx) % 4), on_ready_then(0), NULL);
  return rc ? rc : ACT_LATER;
}

static act_rc on_ready(struct child *self, act_cx *cx, const act_tick *tick) {
  (void)self;
  (void)tick;
  act_rc rc = act_ready(cx);
  return rc ? rc : live(cx);
}

static act_rc on_fate(struct child *self, act_cx *cx, const act_tick *tick) {
  (void)self;
  if (tick->tag == 0) return act_fail(cx, ACT_EFAIL, "its fate");
  act_end(cx);
  return ACT_OK;
}

// --- parents ---------------------------------------------------------------------------------------

struct parent {
  act_pid children[CHILDREN];  // nobody: free
};
ACT_ACTOR0(parent, struct parent, act_noargs)
ACT_ON_EXIT(parent, on_child_exit)
ACT_ON_TICK(parent, on_stop_one)

static act_rc spawn_at(struct parent *self, act_cx *cx, unsigned place) {
  act_child spec = {.behavior = &child};
  if (place % 2) {  // the others are plain (actors/child.h)
    spec.id = "child";
    spec.start_ms = 2;
  }
  return act_spawn(cx, &spec, on_child_exit_then(place), &self->children[place]);
}

static act_rc parent_init(struct parent *self, act_cx *cx, const act_noargs *args) {
  (void)args;
  for (unsigned i = 0; i < CHILDREN; i++) {
    act_rc rc = spawn_at(self, cx, i);
    if (rc) return rc;
  }
  return act_every(cx, 1, on_stop_one_then(0), NULL);
}

static act_rc on_child_exit(struct parent *self, act_cx *cx, const act_exit *exit) {
  ACT_ASSERT(act_pid_equal(self->children[exit->tag], exit->pid));
  memset(&self->children[exit->tag], 0, sizeof self->children[0]);
  ACT_ASSERT(exit->reason != ACT_REASON_STUCK);
  // acq_rel [exits]: nothing rides on it; every count is seen by somebody.
  if (act__fetch_add_acq_rel(&exits, 1) + 1 == EXITS) act__parker_unpark(&enough);
  if (act_rand(cx) % 500 == 0) return act_fail(cx, ACT_EFAIL, "a parent's fate");
  return spawn_at(self, cx, (unsigned)exit->tag);
}

static act_rc on_stop_one(struct parent *self, act_cx *cx, const act_tick *tick) {
  (void)tick;
  act_rc rc = act_stop_child(cx, self->children[act_rand(cx) % CHILDREN]);
  ACT_ASSERT(rc == ACT_OK || rc == ACT_EDEAD);
  return ACT_OK;
}

static void children_come_and_go_on_many_threads(void **state) {
  (void)state;
  static const act_log_sink silent = {.fn = NULL};
  static const char *const ids[PARENTS] = {"a", "b", "c", "d", "e", "f"};
  act_child kids[PARENTS];
  for (unsigned i = 0; i < PARENTS; i++) {
    kids[i] = (act_child){.id = ids[i], .name = ids[i], .behavior = &parent};
  }
  const act_sup sup = {.max_restarts = 60000, .within_ms = 1, .kids = kids, .nkids = PARENTS};
  for (unsigned workers = 1; workers <= 4; workers *= 2) {
    const act_node node = {.name = "stress", .log = &silent, .workers = workers, .stop_ms = 60000};
    act__parker_init(&enough);
    act__store_relaxed(&exits, 0);  // relaxed: nothing runs yet
    act_runtime *rt;
    assert_int_equal(act_start(&node, &sup, &rt), ACT_OK);
    act__parker_park(&enough, INT64_MAX);
    act_counters counters;
    act_read_counters(rt, &counters);
    assert_true(counters.failures > 0);
    assert_int_equal(act_stop(rt), 0);
    act__parker_fini(&enough);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(children_come_and_go_on_many_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
