// SPDX-License-Identifier: Apache-2.0
//
// Parking on several threads: a crowd that floods one receiver through a small mailbox, with every
// message in its place; and a mesh of actors that park on each other while they time out, crash and are
// restarted, with every message accounted for. Meant for ThreadSanitizer.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <troupe.h>

#include "base/atomic.h"
#include "base/check.h"
#include "base/thread.h"

static struct act__parker enough;
static ACT__ATOMIC(uint64_t) accepted, handled, records;

static void on_undelivered(void *arg, const act_undelivered *record) {
  (void)arg;
  // relaxed: read when all threads have been joined.
  act__fetch_add_relaxed(&records, record->count);
}

static void reset(void) {
  act__parker_init(&enough);
  // relaxed: nothing runs yet.
  act__store_relaxed(&accepted, 0);
  act__store_relaxed(&handled, 0);
  act__store_relaxed(&records, 0);
}

// --- a crowd -----------------------------------------------------------------------------------------

#define CROWD 8u
#define EACH 30000u

ACT_MSG(crowd_item, (u32, from, 1)(u64, number, 2))
ACT_MSG(crowd_signal, (flag, unused, 1))
#define SINK(CAST, CALL, P) CAST(P, 1, item, crowd_item)
ACT_PROTOCOL(sink, 1, SINK)
#define SOURCE(CAST, CALL, P) CAST(P, 1, more, crowd_signal)
ACT_PROTOCOL(source, 1, SOURCE)

struct drain {
  uint64_t count, last[CROWD];
};
ACT_ACTOR(drain, sink, SINK, struct drain, act_noargs)

static act_rc drain_init(struct drain *self, act_cx *cx, const act_noargs *args) {
  (void)self;
  (void)cx;
  (void)args;
  return ACT_OK;
}

static act_rc drain_item(struct drain *self, act_cx *cx, const crowd_item *m) {
  (void)cx;
  ACT_ASSERT(m->number == self->last[m->from] + 1);
  self->last[m->from] = m->number;
  if (++self->count == (uint64_t)CROWD * EACH) act__parker_unpark(&enough);
  return ACT_OK;
}

struct flood_args {
  uint32_t index;
};
struct flood {
  uint32_t index;
  uint64_t number;
};
ACT_ACTOR(flood, source, SOURCE, struct flood, struct flood_args)

static act_rc flood_init(struct flood *self, act_cx *cx, const struct flood_args *args) {
  self->index = args->index;
  return source_send_more(cx, (source_ref){act_self(cx)}, (crowd_signal){0});
}

static act_rc flood_more(struct flood *self, act_cx *cx, const crowd_signal *m) {
  (void)m;
  ACT_ASSERT(!act_parked(cx));
  sink_svc to;
  act_rc rc = sink_svc_named(cx, "drain", &to);
  for (unsigned i = 0; i < 100 && !rc && self->number < EACH && !act_parked(cx); i++) {
    rc = sink_svc_send_item(cx, to, (crowd_item){.from = self->index, .number = ++self->number});
  }
  ACT_ASSERT(rc == ACT_OK);
  if (self->number == EACH) return ACT_OK;
  return source_send_more(cx, (source_ref){act_self(cx)}, (crowd_signal){0});
}

static void everything_of_a_crowd_arrives_in_order(void **state) {
  (void)state;
  static const act_log_sink silent = {.fn = NULL};
  struct flood_args args[CROWD];
  act_child kids[CROWD + 1] = {
      {.id = "drain", .name = "drain", .behavior = &drain,
       .mailbox = {.msgs = 16, .full = ACT_PARK, .park_ms = 600000}}};
  static const char *const ids[CROWD] = {"1", "2", "3", "4", "5", "6", "7", "8"};
  for (uint32_t i = 0; i < CROWD; i++) {
    args[i].index = i;
    kids[i + 1] = (act_child){.id = ids[i], .behavior = &flood, .args = &args[i]};
  }
  const act_sup sup = {.kids = kids, .nkids = CROWD + 1};
  for (unsigned workers = 1; workers <= 4; workers *= 2) {
    const act_node node = {.name = "stress", .log = &silent, .workers = workers,
                           .undelivered = on_undelivered};
    reset();
    act_runtime *rt;
    assert_int_equal(act_start(&node, &sup, &rt), ACT_OK);
    act__parker_park(&enough, INT64_MAX);
    assert_int_equal(act_stop(rt), 0);
    assert_int_equal(act__load_relaxed(&records), 0);  // relaxed: threads joined
    act__parker_fini(&enough);
  }
}

// --- a mesh ------------------------------------------------------------------------------------------

#define MESH 6u
#define HOPS 5u
#define ENOUGH 50000u

ACT_MSG(mesh_item, (u32, hops, 1))
ACT_MSG(mesh_value, (u32, hops, 1))
#define MESHING(CAST, CALL, P) CAST(P, 1, pass, mesh_item) CALL(P, 2, check, mesh_item, mesh_value)
ACT_PROTOCOL(meshing, 1, MESHING)

struct knot {
  int inside;  // plain on purpose: two threads in here at once are a race that TSan reports
};
ACT_ACTOR(knot, meshing, MESHING, struct knot, act_noargs)
ACT_ON_TICK(knot, on_burst)
ACT_ON(knot, on_value, mesh_value)

static const char *const names[MESH] = {"a", "b", "c", "d", "e", "f"};

static act_rc send_on(act_cx *cx, uint32_t hops) {
  meshing_svc to;
  if (meshing_svc_named(cx, names[act_rand(cx) % MESH], &to) != ACT_OK) return ACT_OK;
  mesh_item item = {.hops = hops};
  if (act_rand(cx) % 4 == 0) return meshing_svc_ask_check(cx, to, item, 1000, on_value_then(0));
  act_rc rc = meshing_svc_send_pass(cx, to, item);
  // relaxed: as above.
  if (rc == ACT_OK) act__fetch_add_relaxed(&accepted, 1);
  ACT_ASSERT(rc == ACT_OK || rc == ACT_EFULL || rc == ACT_EDEADLK || rc == ACT_ECLOSED ||
             rc == ACT_EDEAD);
  return ACT_OK;
}

static act_rc burst(act_cx *cx, uint32_t most, uint32_t hops) {
  act_rc rc = ACT_OK;
  for (uint64_t n = act_rand(cx) % (most + 1); n > 0 && !rc; n--) rc = send_on(cx, hops);
  return rc == ACT_ELIMIT ? ACT_OK : rc;
}

static act_rc knot_init(struct knot *self, act_cx *cx, const act_noargs *args) {
  (void)self;
  (void)args;
  act_rc rc = act_every(cx, 1, on_burst_then(0), NULL);
  return rc ? rc : burst(cx, 8, HOPS);
}

static act_rc on_burst(struct knot *self, act_cx *cx, const act_tick *tick) {
  (void)tick;
  self->inside++;
  return burst(cx, 8, HOPS);
}

static act_rc arrived(struct knot *self, act_cx *cx, const mesh_item *m) {
  ACT_ASSERT(!act_parked(cx));
  self->inside++;
  if (act_rand(cx) % 1000 == 0) return act_fail(cx, ACT_EFAIL, "its fate");
  return m->hops ? burst(cx, 2, m->hops - 1) : ACT_OK;
}

static act_rc knot_pass(struct knot *self, act_cx *cx, const mesh_item *m) {
  // relaxed: as above.
  if (act__fetch_add_relaxed(&handled, 1) + 1 == ENOUGH) act__parker_unpark(&enough);
  return arrived(self, cx, m);
}

static act_rc knot_check(struct knot *self, act_cx *cx, const mesh_item *m, mesh_value_reply r) {
  act_rc rc = arrived(self, cx, m);
  return rc ? rc : mesh_value_answer(cx, r, (mesh_value){.hops = m->hops});
}

static act_rc on_value(struct knot *self, act_cx *cx, act_rc st, const mesh_value *v, uintptr_t tag) {
  (void)cx;
  (void)v;
  (void)tag;
  ACT_ASSERT(st != ACT_EDROPPED);
  self->inside++;
  return ACT_OK;
}

// Requests are counted by their records only.
static void on_lost(void *arg, const act_undelivered *record) {
  (void)arg;
  ACT_ASSERT(record->count == 1);
  if (record->op->id == meshing_op_pass) on_undelivered(arg, record);
}

static void everything_in_a_mesh_is_accounted_for(void **state) {
  (void)state;
  static const act_log_sink silent = {.fn = NULL};
  act_child kids[MESH];
  for (uint32_t i = 0; i < MESH; i++) {
    kids[i] = (act_child){.id = names[i], .name = names[i], .behavior = &knot,
                          .mailbox = {.msgs = 1 + i % 3, .full = ACT_PARK,
                                      .park_ms = i % 2 ? 1 : 100}};
  }
  const act_sup sup = {.max_restarts = 60000, .within_ms = 1, .kids = kids, .nkids = MESH};
  for (unsigned workers = 1; workers <= 4; workers *= 2) {
    const act_node node = {.name = "stress", .log = &silent, .workers = workers, .stop_ms = 60000,
                           .undelivered = on_lost};
    reset();
    act_runtime *rt;
    assert_int_equal(act_start(&node, &sup, &rt), ACT_OK);
    act__parker_park(&enough, INT64_MAX);
    assert_int_equal(act_stop(rt), 0);
    // relaxed: threads joined.
    assert_int_equal(act__load_relaxed(&accepted),
                     act__load_relaxed(&handled) + act__load_relaxed(&records));
    act__parker_fini(&enough);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(everything_of_a_crowd_arrives_in_order),
      cmocka_unit_test(everything_in_a_mesh_is_accounted_for),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
