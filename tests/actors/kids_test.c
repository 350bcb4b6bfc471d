// SPDX-License-Identifier: Apache-2.0
//
// Children without a contract (actors/child.h): no alarm is theirs, most are plain, and of those nothing
// is remembered but that they are there. What they are promised all the same: deadlines, an exit told
// with its reason, nothing left behind.
#include <stdio.h>
#include <string.h>

#include "actors/kids.h"
#include "base/alloc.h"
#include "base/thread.h"
#include "tests/actors/world.h"

#define SECOND INT64_C(1000000000)
#define CROWD 1000u  // more than the owner looks at in one notice

ACT_ON_EXIT(puppet_actor, on_exit)
ACT_ON_TICK(puppet_actor, on_late_fail)

static struct {
  act_sim *sim;
  act_rc stopped;  // what a stop of it says while its exit is told
  unsigned count;
  act_exit last;
  char text[ACT_FAIL_TEXT_MAX], child[64];
  int64_t at_ns[CROWD + 8];  // of each exit
  uintptr_t tags[CROWD + 8];
} seen;

static act_rc on_exit(struct puppet *self, act_cx *cx, const act_exit *exit) {
  (void)self;
  assert_true(seen.count < CROWD + 8);
  seen.at_ns[seen.count] = act_now(cx);
  seen.tags[seen.count] = exit->tag;
  seen.count++;
  seen.last = *exit;
  seen.stopped = act_stop_child(cx, exit->pid);
  snprintf(seen.text, sizeof seen.text, "%s", exit->text);
  snprintf(seen.child, sizeof seen.child, "%s", exit->child);
  return ACT_OK;
}

static act_rc never_ready(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  (void)cx;
  (void)arg;
  return ACT_LATER;
}

static act_rc fail_in_init(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  return act_fail(cx, ACT_EBADMSG, "%s", (const char *)arg);
}

// What the owner is told to spawn.
struct order {
  struct puppet_args args;
  unsigned count;
  bool unhandled;
  act_pid pids[CROWD];
  act_rc rc;
};

static act_rc spawn(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  struct order *order = arg;
  act_child child = {.behavior = &puppet_actor, .args = &order->args};
  for (unsigned i = 0; i < order->count; i++) {
    act_exit_then then = on_exit_then(i);
    if (order->unhandled) then = (act_exit_then){{NULL, 0}};
    order->rc = act_spawn(cx, &child, then, &order->pids[i]);
    if (order->rc) break;
  }
  return ACT_OK;
}

static struct order order;
static struct world world;
static puppet_ref owner;

static void open_with(uint64_t seed, uint32_t actors_max) {
  static const act_log_sink silent = {.fn = NULL};
  const act_node node = {.name = "test", .log = &silent, .actors_max = actors_max};
  assert_int_equal(act_sim_open(seed, &node, NULL, &world.sim), ACT_OK);
  world.cx = act_sim_cx(world.sim);
  owner = world_puppet(&world, NULL);
  memset(&order, 0, sizeof order);
  memset(&seen, 0, sizeof seen);
  order.count = 1;
}

static int open_world(void **state) {
  (void)state;
  open_with(17, 0);
  return 0;
}

static int close_world(void **state) {
  (void)state;
  world_close(&world);
  return 0;
}

static uint64_t actors(void) {
  return world_counters(&world).actors;
}

// --- starts ------------------------------------------------------------------------------------------

static void a_start_has_its_default_deadline(void **state) {
  (void)state;
  order.args.init = never_ready;
  int64_t began = act_sim_now(world.sim);
  world_run(&world, owner, spawn, &order);
  act_sim_advance(world.sim, ACT_START_MS - 1);
  assert_int_equal(seen.count, 0);
  act_sim_advance(world.sim, 2);
  assert_int_equal(seen.count, 1);
  assert_int_equal(seen.last.reason, ACT_REASON_KILLED);
  assert_int_equal(seen.last.rc, ACT_ETIMEDOUT);
  assert_string_equal(seen.text, "not up within 30000 ms");
  assert_string_equal(seen.child, "puppet_actor");
  assert_true(seen.at_ns[0] - began >= ACT_START_MS * (SECOND / 1000));
}

static void starts_in_a_crowd_end_at_their_deadline_and_not_before(void **state) {
  (void)state;
  order.args.init = never_ready;
  order.count = CROWD / 2;
  world_run(&world, owner, spawn, &order);
  act_sim_advance(world.sim, 10000);
  world_run(&world, owner, spawn, &order);
  act_sim_advance(world.sim, ACT_START_MS - 10000 - 100);
  assert_int_equal(seen.count, 0);
  act_sim_advance(world.sim, 200);
  assert_int_equal(seen.count, CROWD / 2);
  act_sim_advance(world.sim, 9700);
  assert_int_equal(seen.count, CROWD / 2);
  act_sim_advance(world.sim, 400);
  assert_int_equal(seen.count, CROWD);
}

static void who_is_up_is_left_alone_and_one_behind_it_is_not(void **state) {
  (void)state;
  order.count = CROWD;
  world_run(&world, owner, spawn, &order);
  uint64_t all = actors();
  order.args.init = never_ready;
  order.count = 1;
  world_run(&world, owner, spawn, &order);
  act_sim_advance(world.sim, ACT_START_MS + 100);
  assert_int_equal(seen.count, 1);
  assert_int_equal(seen.last.rc, ACT_ETIMEDOUT);
  assert_int_equal(actors(), all);
  // And again, after the first look found nobody.
  world_run(&world, owner, spawn, &order);
  act_sim_advance(world.sim, ACT_START_MS + 100);
  assert_int_equal(seen.count, 2);
  assert_int_equal(actors(), all);
}

static act_rc stop_first(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  struct order *it = arg;
  it->rc = act_stop_child(cx, it->pids[0]);
  return ACT_OK;
}

static void the_deadline_of_one_that_is_gone_does_not_hide_the_next(void **state) {
  (void)state;
  order.args.init = never_ready;
  order.count = 2;
  world_run(&world, owner, spawn, &order);
  world_run(&world, owner, stop_first, &order);
  assert_int_equal(order.rc, ACT_OK);
  assert_int_equal(seen.count, 1);
  assert_int_equal(seen.last.reason, ACT_REASON_NORMAL);
  assert_int_equal(seen.stopped, ACT_EDEAD);
  act_sim_advance(world.sim, ACT_START_MS + 1);
  assert_int_equal(seen.count, 2);
  assert_int_equal(seen.last.tag, 1);
}

// --- stops ---------------------------------------------------------------------------------------------

// As if told to stop, without the signal: only its deadline is left.
static act_rc give_until(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  const struct order *it = arg;
  const uint32_t seconds[3] = {5, 9, 2};
  for (unsigned i = 0; i < it->count; i++) {
    struct act__birth *birth = act__kid_at(cx->system, it->pids[i].slot);
    birth->stopping = true;
    act__kids_give_until(cx, cx->cell, birth, act_now(cx) + seconds[i] * SECOND);
  }
  return ACT_OK;
}

static void a_stop_has_a_deadline(void **state) {
  (void)state;
  order.count = 2;
  world_run(&world, owner, spawn, &order);
  world_run(&world, owner, give_until, &order);
  act_sim_advance(world.sim, 4999);
  assert_int_equal(seen.count, 0);
  act_sim_advance(world.sim, 100);
  assert_int_equal(seen.count, 1);
  assert_int_equal(seen.last.tag, 0);
  assert_int_equal(seen.last.reason, ACT_REASON_KILLED);
  assert_int_equal(seen.last.rc, ACT_EKILLED);
  assert_string_equal(seen.text, "killed");
  act_sim_advance(world.sim, 3800);
  assert_int_equal(seen.count, 1);
  act_sim_advance(world.sim, 200);
  assert_int_equal(seen.count, 2);
}

static void a_deadline_that_shrinks_holds_for_those_before_it(void **state) {
  (void)state;
  order.count = 3;
  world_run(&world, owner, spawn, &order);
  world_run(&world, owner, give_until, &order);
  act_sim_advance(world.sim, 1900);
  assert_int_equal(seen.count, 0);
  act_sim_advance(world.sim, 200);
  assert_int_equal(seen.count, 3);
}

static void a_child_of_which_the_owner_asked_the_end_ends_normally(void **state) {
  (void)state;
  uint64_t before = actors();
  order.count = 3;
  order.unhandled = true;
  world_run(&world, owner, spawn, &order);
  assert_int_equal(actors(), before + 3);
  world_run(&world, owner, stop_first, &order);
  assert_int_equal(order.rc, ACT_OK);
  assert_int_equal(actors(), before + 2);
  world_run(&world, owner, stop_first, &order);
  assert_int_equal(order.rc, ACT_EDEAD);
}

// --- ends ------------------------------------------------------------------------------------------------

static void a_failure_is_told_with_its_text(void **state) {
  (void)state;
  order.args.init = fail_in_init;
  order.args.arg = (void *)(uintptr_t) "the reason why";
  world_run(&world, owner, spawn, &order);
  assert_int_equal(seen.count, 1);
  assert_int_equal(seen.last.reason, ACT_REASON_FAILED);
  assert_int_equal(seen.last.rc, ACT_EBADMSG);
  assert_string_equal(seen.text, "the reason why");
  assert_true(act_pid_equal(seen.last.pid, order.pids[0]));
}

static act_rc fail_by_no_code(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  (void)arg;
  return act_fail(cx, (act_rc)-256, "no code of ours");
}

static void a_failure_by_a_number_that_is_no_code_is_one(void **state) {
  (void)state;
  order.args.init = fail_by_no_code;
  world_run(&world, owner, spawn, &order);
  assert_int_equal(seen.last.reason, ACT_REASON_FAILED);
  assert_int_equal(seen.last.rc, ACT_EFAIL);
  assert_string_equal(seen.text, "no code of ours");
}

// Its own child, which has to end first, is asked to in a turn of its own.
static act_rc fail_with_a_child(struct puppet *self, act_cx *cx, void *arg) {
  act_child child = {.behavior = &puppet_actor};
  act_rc rc = act_spawn(cx, &child, (act_exit_then){{NULL, 0}}, NULL);
  return rc ? rc : fail_in_init(self, cx, arg);
}

static void a_failure_that_takes_longer_keeps_its_text(void **state) {
  (void)state;
  uint64_t before = actors();
  order.args.init = fail_with_a_child;
  order.args.arg = (void *)(uintptr_t) "noted first, told last";
  world_run(&world, owner, spawn, &order);
  assert_int_equal(seen.count, 1);
  assert_int_equal(seen.last.reason, ACT_REASON_FAILED);
  assert_string_equal(seen.text, "noted first, told last");
  assert_int_equal(actors(), before);
}

static act_rc fail_without_memory(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  (void)arg;
  act__alloc_fail_after(0);
  return act_fail(cx, ACT_EBADMSG, "nobody will read this");
}

static void an_end_without_memory_is_told_all_the_same(void **state) {
  (void)state;
  world_run(&world, owner, spawn, &order);
  puppet_ref child = {order.pids[0]};
  world_run(&world, child, fail_without_memory, NULL);
  act__alloc_fail_after(-1);
  assert_int_equal(seen.count, 1);
  assert_int_equal(seen.last.reason, ACT_REASON_FAILED);
  assert_int_equal(seen.last.rc, ACT_EBADMSG);
  assert_string_equal(seen.text, act_rc_text(ACT_EBADMSG));
}

static act_rc on_late_fail(struct puppet *self, act_cx *cx, const act_tick *tick) {
  (void)self;
  (void)tick;
  return act_fail(cx, ACT_EFAIL, "late");
}

static act_rc fail_later(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  (void)arg;
  return act_after(cx, 10, on_late_fail_then(0), NULL);
}

static void an_unhandled_failure_is_the_owners(void **state) {
  (void)state;
  uint64_t before = actors();
  order.args.init = fail_later;
  order.unhandled = true;
  order.count = CROWD;
  world_run(&world, owner, spawn, &order);
  act_sim_advance(world.sim, 20);
  assert_int_equal(actors(), before - 1);
  assert_false(act_sim_is_alive(world.sim, owner.pid));
}

static act_rc spawn_and_stop(struct puppet *self, act_cx *cx, void *arg) {
  struct order *it = arg;
  act_rc rc = spawn(self, cx, arg);
  return rc ? rc : stop_first(self, cx, it);
}

static void one_that_is_stopped_before_it_ran_leaves_nothing(void **state) {
  (void)state;
  uint64_t before = actors();
  world_run(&world, owner, spawn_and_stop, &order);
  assert_int_equal(order.rc, ACT_OK);
  assert_int_equal(seen.count, 1);
  assert_int_equal(actors(), before);
}

static act_rc spawn_short_of_memory(struct puppet *self, act_cx *cx, void *arg) {
  struct order *it = arg;
  for (int64_t n = 0;; n++) {
    act__alloc_fail_after(n);
    act_rc rc = spawn(self, cx, arg);
    act__alloc_fail_after(-1);
    if (rc || !it->rc) return rc;
    assert_int_equal(it->rc, ACT_ENOMEM);
  }
}

static void a_spawn_without_memory_leaves_nothing(void **state) {
  (void)state;
  uint64_t before = actors();
  world_run(&world, owner, spawn_short_of_memory, &order);
  assert_int_equal(order.rc, ACT_OK);
  assert_int_equal(actors(), before + 1);
}

static void their_number_is_exact(void **state) {
  (void)state;
  puppet_ref small = world_puppet_with(&world, (struct puppet_args){.init = NULL},
                                       (act_mailbox_options){0}, (act_limits){.children = 3});
  order.count = 4;
  world_run(&world, small, spawn, &order);
  assert_int_equal(order.rc, ACT_ELIMIT);
  world_run(&world, small, stop_first, &order);
  order.count = 1;
  world_run(&world, small, spawn, &order);
  assert_int_equal(order.rc, ACT_OK);
  world_run(&world, small, spawn, &order);
  assert_int_equal(order.rc, ACT_ELIMIT);
}

// --- what it was given -------------------------------------------------------------------------------------

struct gift {
  uint64_t mark;
  unsigned *checked;
};
struct keeper {
  const struct gift *gift;  // its arguments themselves
};
ACT_ACTOR0(keeper, struct keeper, struct gift)
ACT_ON_TICK(keeper, on_keeper_tick)

static void check_gift(void *arg) {
  const struct gift *gift = arg;
  assert_int_equal(gift->mark, 0x67696674);
  ++*gift->checked;
}

static act_rc keeper_init(struct keeper *self, act_cx *cx, const struct gift *gift) {
  self->gift = gift;
  act_rc rc = act_defer(cx, check_gift, (void *)(uintptr_t)gift);
  return rc ? rc : act_after(cx, 10, on_keeper_tick_then(0), NULL);
}

static act_rc on_keeper_tick(struct keeper *self, act_cx *cx, const act_tick *tick) {
  (void)tick;
  check_gift((void *)(uintptr_t)self->gift);
  act_child child = {.behavior = &puppet_actor};  // so that its end takes longer
  act_rc rc = act_spawn(cx, &child, (act_exit_then){{NULL, 0}}, NULL);
  return rc ? rc : act_fail(cx, ACT_EFAIL, "with text");
}

static act_rc spawn_keepers(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  struct gift gift = {0x67696674, arg};
  act_child plain = {.behavior = &keeper, .args = &gift}, with_terms = plain, by_contract = plain;
  with_terms.id = "with terms";
  by_contract.stop_ms = 100;
  act_rc rc = act_spawn(cx, &plain, on_exit_then(0), NULL);
  if (!rc) rc = act_spawn(cx, &with_terms, on_exit_then(1), NULL);
  if (!rc) rc = act_spawn(cx, &by_contract, on_exit_then(2), NULL);
  memset(&gift, 0, sizeof gift);
  return rc;
}

static void arguments_last_as_long_as_their_child(void **state) {
  (void)state;
  unsigned checked = 0;
  world_run(&world, owner, spawn_keepers, &checked);
  act_sim_advance(world.sim, 20);
  assert_int_equal(checked, 6);
  assert_int_equal(seen.count, 3);
  assert_string_equal(seen.text, "with text");
}

// --- all of a node ---------------------------------------------------------------------------------------

static void the_number_of_actors_of_a_node_is_exact(void **state) {
  (void)state;
  open_with(3, 100);
  for (int round = 0; round < 5; round++) {
    order.count = CROWD;
    world_run(&world, owner, spawn, &order);
    assert_int_equal(order.rc, ACT_ELIMIT);
    assert_int_equal(actors(), 100);
    while (actors() > (unsigned)(90 - round)) {
      world_run(&world, owner, stop_first, &order);
      memmove(order.pids, order.pids + 1, sizeof order.pids - sizeof order.pids[0]);
    }
    seen.count = 0;
  }
  world_close(&world);
}

// --- stuck: on real threads --------------------------------------------------------------------------------

static struct act__parker in_handler, may_leave;

struct mule {
  int dummy;
};
ACT_ACTOR0(mule, struct mule, act_noargs)
static act_rc mule_init(struct mule *self, act_cx *cx, const act_noargs *args) {
  (void)self;
  (void)cx;
  (void)args;
  act__parker_unpark(&in_handler);
  act__parker_park(&may_leave, INT64_MAX);
  return ACT_OK;
}

struct driver {
  int dummy;
};
ACT_ACTOR0(driver, struct driver, act_noargs)
static act_rc driver_init(struct driver *self, act_cx *cx, const act_noargs *args) {
  (void)self;
  (void)args;
  return act_spawn(cx, &(act_child){.behavior = &mule}, (act_exit_then){{NULL, 0}}, NULL);
}

static char log_text[4096];
static void keep_log(void *arg, const act_log_record *record) {
  (void)arg;
  size_t used = strlen(log_text);
  snprintf(log_text + used, sizeof log_text - used, "%s\n", record->message);
}

static void one_that_never_leaves_its_handler_is_stuck(void **state) {
  (void)state;
  static const act_log_sink sink = {.fn = keep_log, .level = ACT_LOG_WARN};
  static const act_child kids[] = {{.id = "driver", .behavior = &driver}};
  static const act_sup sup = {.kids = kids, .nkids = 1};
  static const act_node node = {.name = "test", .log = &sink, .workers = 3, .stop_ms = 2000};
  act__parker_init(&in_handler);
  act__parker_init(&may_leave);
  act_runtime *rt;
  assert_int_equal(act_start(&node, &sup, &rt), ACT_OK);
  assert_true(act__parker_park(&in_handler, INT64_MAX));
  act_request_stop(rt);
  act_wait(rt);
  assert_int_equal(act_stop(rt), ACT_EXIT_STUCK);
  assert_non_null(strstr(log_text, "child mule overstays its stop and is killed"));
  assert_non_null(strstr(log_text, "child mule is stuck: it overstayed its stop"));
  act__parker_unpark(&may_leave);
}

#define KIDS_TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void) {
  const struct CMUnitTest tests[] = {
      KIDS_TEST(a_start_has_its_default_deadline),
      KIDS_TEST(starts_in_a_crowd_end_at_their_deadline_and_not_before),
      KIDS_TEST(who_is_up_is_left_alone_and_one_behind_it_is_not),
      KIDS_TEST(the_deadline_of_one_that_is_gone_does_not_hide_the_next),
      KIDS_TEST(a_stop_has_a_deadline),
      KIDS_TEST(a_deadline_that_shrinks_holds_for_those_before_it),
      KIDS_TEST(a_child_of_which_the_owner_asked_the_end_ends_normally),
      KIDS_TEST(a_failure_is_told_with_its_text),
      KIDS_TEST(a_failure_by_a_number_that_is_no_code_is_one),
      KIDS_TEST(a_failure_that_takes_longer_keeps_its_text),
      KIDS_TEST(an_end_without_memory_is_told_all_the_same),
      KIDS_TEST(an_unhandled_failure_is_the_owners),
      KIDS_TEST(one_that_is_stopped_before_it_ran_leaves_nothing),
      KIDS_TEST(a_spawn_without_memory_leaves_nothing),
      KIDS_TEST(their_number_is_exact),
      KIDS_TEST(arguments_last_as_long_as_their_child),
      cmocka_unit_test(the_number_of_actors_of_a_node_is_exact),
      cmocka_unit_test(one_that_never_leaves_its_handler_is_stuck),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
