// SPDX-License-Identifier: Apache-2.0
//
// Monitors of actors that end in that moment, on several threads, while their slots are taken by the
// next: each DOWN tells of the actor that was meant, or that there was none any more.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>
#include <troupe.h>

#include "base/atomic.h"
#include "base/check.h"
#include "base/thread.h"

#define PAIRS 3u          // of one that makes children and one that watches them
#define AT_ONCE 4u        // children of each
#define WATCHES 6u        // of each child
#define DOWNS 60000u      // then the test is over

static ACT__ATOMIC(uint32_t) downs;
static struct act__parker enough;

// --- one that ends at once, and says who it was ------------------------------------------------------

struct fly_args {
  uint64_t serial;
};
struct fly {
  int dummy;
};
ACT_ACTOR0(fly, struct fly, struct fly_args)

static act_rc fly_init(struct fly *self, act_cx *cx, const struct fly_args *args) {
  (void)self;
  return act_fail(cx, ACT_EFAIL, "%llu", (unsigned long long)args->serial);
}

// --- who watches -------------------------------------------------------------------------------------

ACT_MSG(sighting, (u32, slot, 1)(u32, gen, 2)(u64, serial, 3))
#define SPOTTER(CAST, CALL, P) CAST(P, 1, look, sighting)
ACT_PROTOCOL(spotter, 1, SPOTTER)

struct watcher {
  int dummy;
};
ACT_ACTOR(watcher, spotter, SPOTTER, struct watcher, act_noargs)
ACT_ON_DOWN(watcher, on_down)

static act_rc watcher_init(struct watcher *self, act_cx *cx, const act_noargs *args) {
  (void)self;
  (void)cx;
  (void)args;
  return ACT_OK;
}

static act_rc watcher_look(struct watcher *self, act_cx *cx, const sighting *m) {
  (void)self;
  act_pid pid = {act_self(cx).node, m->slot, m->gen, 1, 0};
  for (unsigned i = 0; i < WATCHES; i++) {
    act_rc rc = act_monitor(cx, pid, on_down_then((uintptr_t)m->serial), NULL);
    ACT_ASSERT(rc == ACT_OK || rc == ACT_ELIMIT);
  }
  return ACT_OK;
}

static act_rc on_down(struct watcher *self, act_cx *cx, const act_down *down) {
  (void)self;
  (void)cx;
  if (down->reason != ACT_REASON_NOPROC) {
    ACT_ASSERT(down->reason == ACT_REASON_FAILED);
    ACT_ASSERT(strtoull(down->text, NULL, 10) == down->tag);
  }
  // acq_rel [downs]: nothing rides on it; every count is seen by somebody.
  if (act__fetch_add_acq_rel(&downs, 1) + 1 == DOWNS) act__parker_unpark(&enough);
  return ACT_OK;
}

// --- who makes them ----------------------------------------------------------------------------------

struct breeder {
  spotter_ref watcher;
  uint64_t serial;
};
ACT_ACTOR0(breeder, struct breeder, act_noargs)
ACT_ON_EXIT(breeder, on_child_exit)

static act_rc breed(struct breeder *self, act_cx *cx) {
  struct fly_args args = {.serial = ++self->serial};
  act_pid pid;
  act_rc rc = act_spawn(cx, &(act_child){.behavior = &fly, .args = &args}, on_child_exit_then(0),
                        &pid);
  if (rc) return rc;
  rc = spotter_send_look(cx, self->watcher, (sighting){pid.slot, pid.gen, self->serial});
  return rc == ACT_EFULL ? ACT_OK : rc;
}

static act_rc breeder_init(struct breeder *self, act_cx *cx, const act_noargs *args) {
  (void)args;
  act_child child = {.behavior = &watcher, .mailbox = {.msgs = 16}};
  act_rc rc = act_spawn(cx, &child, (act_exit_then){{NULL, 0}}, &self->watcher.pid);
  for (unsigned i = 0; i < AT_ONCE && !rc; i++) rc = breed(self, cx);
  return rc;
}

static act_rc on_child_exit(struct breeder *self, act_cx *cx, const act_exit *exit) {
  ACT_ASSERT(exit->reason == ACT_REASON_FAILED);
  return breed(self, cx);
}

static void a_down_is_of_the_actor_that_was_meant(void **state) {
  (void)state;
  static const act_log_sink silent = {.fn = NULL};
  static const char *const ids[PAIRS] = {"a", "b", "c"};
  act_child kids[PAIRS];
  for (unsigned i = 0; i < PAIRS; i++) kids[i] = (act_child){.id = ids[i], .behavior = &breeder};
  const act_sup sup = {.kids = kids, .nkids = PAIRS};
  for (unsigned workers = 2; workers <= 4; workers *= 2) {
    const act_node node = {.name = "stress", .log = &silent, .workers = workers, .stop_ms = 60000};
    act__parker_init(&enough);
    act__store_relaxed(&downs, 0);  // relaxed: nothing runs yet
    act_runtime *rt;
    assert_int_equal(act_start(&node, &sup, &rt), ACT_OK);
    act__parker_park(&enough, INT64_MAX);
    assert_int_equal(act_stop(rt), 0);
    act__parker_fini(&enough);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_down_is_of_the_actor_that_was_meant),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
