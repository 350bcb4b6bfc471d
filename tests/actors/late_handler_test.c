// SPDX-License-Identifier: Apache-2.0
//
// What a handler orders after it has worked for long counts from the order, not from when its turn
// began. By the real clock: a simulated one stands still while a handler runs.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <troupe.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "base/thread.h"

#define STOP_MS 500u
#define WORK_NS ((int64_t)700 * 1000000)  // longer than the child is given
#define MORE_NS ((int64_t)100 * 1000000)  // less than that: the child needs it to stop

static ACT__ATOMIC(int) ordered;  // to stop

static void work(int64_t ns) {
  struct act__clock *clock = act__clock_system();
  int64_t end = act__clock_now(clock) + ns;
  while (act__clock_now(clock) < end) {
  }
}

struct kid {
  int nothing;
};
ACT_ACTOR0(kid, struct kid, act_noargs)
ACT_ON_TICK(kid, on_busy)

static act_rc kid_init(struct kid *self, act_cx *cx, const act_noargs *args) {
  (void)self;
  (void)args;
  return act_after(cx, 0, on_busy_then(0), NULL);
}

// It is in a handler when it is asked to stop, and for a while after that.
static act_rc on_busy(struct kid *self, act_cx *cx, const act_tick *tick) {
  (void)self;
  (void)cx;
  (void)tick;
  while (!act__load_relaxed(&ordered)) act__thread_yield();  // relaxed: a mark, nothing behind it
  work(MORE_NS);
  return ACT_OK;
}

struct owner {
  act_pid kid;
};
ACT_ACTOR0(owner, struct owner, act_noargs)
ACT_ON_TICK(owner, on_work)
ACT_ON_EXIT(owner, on_kid)

static act_reason reason;

static act_rc on_kid(struct owner *self, act_cx *cx, const act_exit *exit) {
  (void)self;
  reason = exit->reason;
  act_request_stop(act_cx_runtime(cx));
  return ACT_OK;
}

static act_rc owner_init(struct owner *self, act_cx *cx, const act_noargs *args) {
  (void)args;
  act_child child = {.behavior = &kid, .stop_ms = STOP_MS};
  act_rc rc = act_spawn(cx, &child, on_kid_then(0), &self->kid);
  return rc ? rc : act_after(cx, 0, on_work_then(0), NULL);
}

static act_rc on_work(struct owner *self, act_cx *cx, const act_tick *tick) {
  (void)tick;
  work(WORK_NS);
  act_rc rc = act_stop_child(cx, self->kid);
  act__store_relaxed(&ordered, 1);  // relaxed: see on_busy
  return rc;
}

static void stop_deadline_counts_from_the_order_not_from_when_the_turn_began(void **state) {
  (void)state;
  const act_child kids[] = {{.id = "owner", .behavior = &owner}};
  const act_sup root = {.kids = kids, .nkids = 1};
  act_runtime *rt;
  reason = ACT_REASON_KILLED;
  assert_int_equal(act_start(&(act_node){.name = "late", .workers = 2}, &root, &rt), ACT_OK);
  act_wait(rt);
  assert_int_equal(act_stop(rt), 0);
  assert_int_equal(reason, ACT_REASON_NORMAL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(stop_deadline_counts_from_the_order_not_from_when_the_turn_began),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
