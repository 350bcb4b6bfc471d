// SPDX-License-Identifier: Apache-2.0
//
// Parking, one promise at a time, in a simulation. A post is an actor that does what its plan says: it
// keeps its mailbox full by starting late (messages wait until it is ready), sends until it is parked,
// and writes down what it sees.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include <troupe.h>

#include "actors/sim.h"
#include "base/alloc.h"

ACT_MSG(post_item, (u32, from, 1)(i64, n, 2)(str, text, 3))
ACT_MSG(post_job, (u32, count, 1)(u32, asks, 2)(flag, fail, 3))
ACT_MSG(post_value, (i64, n, 1))
#define POST(CAST, CALL, P)            \
  CAST(P, 1, item, post_item)          \
  CAST(P, 2, go, post_job)             \
  CALL(P, 3, ask, post_item, post_value)
ACT_PROTOCOL(post, 1, POST)

#define SEEN_MAX 256
#define REPLY_SEEN 1000
#define DOWN_SEEN 2000
#define TICK_SEEN 3000

// One actor's orders and what became of them: the test's memory.
struct plan {
  uint32_t index;
  uint32_t ready_ms;      // 0: at once
  uint32_t send_ms;       // a tick then makes it send until it is parked or refused; 0: none
  uint32_t tick_ms;       // a tick that is only noted; 0: none
  bool park_in_init;
  bool fill_before_answer;
  uint32_t text_bytes;    // of what it sends
  post_ref self, to, watch;
  int64_t next;
  act_rc rcs[SEEN_MAX];
  unsigned sent;
  bool parked;            // at the end of the last sending
  int64_t seen[SEEN_MAX]; // from * 100 + n of items, and marks
  unsigned count;
  unsigned ended;         // asks
  act_rc status;
};

struct post {
  struct plan *plan;
};
struct post_args {
  struct plan *plan;
};
ACT_ACTOR(poster, post, POST, struct post, struct post_args)
ACT_ON_TICK(poster, on_ready)
ACT_ON_TICK(poster, on_send)
ACT_ON_TICK(poster, on_tick)
ACT_ON_DOWN(poster, on_down)
ACT_ON(poster, on_value, post_value)

static void see(struct plan *plan, int64_t what) {
  if (plan->count < SEEN_MAX) plan->seen[plan->count++] = what;
}

static post_item next_item(struct plan *plan) {
  static char text[4096];
  return (post_item){.from = plan->index, .n = plan->next++, .text = {text, plan->text_bytes}};
}

static void send_some(struct plan *plan, act_cx *cx, unsigned count) {
  for (unsigned i = 0; i < count && plan->sent < SEEN_MAX; i++) {
    plan->rcs[plan->sent++] = post_send_item(cx, plan->to, next_item(plan));
  }
  plan->parked = act_parked(cx);
}

static void send_until_parked(struct plan *plan, act_cx *cx) {
  do {
    send_some(plan, cx, 1);
  } while (!plan->parked && plan->rcs[plan->sent - 1] == ACT_OK);
}

static act_rc poster_init(struct post *self, act_cx *cx, const struct post_args *args) {
  struct plan *plan = self->plan = args->plan;
  plan->self.pid = act_self(cx);
  act_rc rc = ACT_OK;
  if (plan->send_ms) rc = act_after(cx, plan->send_ms, on_send_then(0), NULL);
  if (!rc && plan->tick_ms) rc = act_after(cx, plan->tick_ms, on_tick_then(0), NULL);
  if (!rc && plan->watch.pid.slot) rc = act_monitor(cx, plan->watch.pid, on_down_then(0), NULL);
  if (plan->park_in_init) send_until_parked(plan, cx);
  if (rc || plan->ready_ms == 0) return rc;
  rc = act_after(cx, plan->ready_ms, on_ready_then(0), NULL);
  return rc ? rc : ACT_LATER;
}

static act_rc on_ready(struct post *self, act_cx *cx, const act_tick *tick) {
  (void)self;
  (void)tick;
  return act_ready(cx);
}

static act_rc on_send(struct post *self, act_cx *cx, const act_tick *tick) {
  (void)tick;
  send_until_parked(self->plan, cx);
  return ACT_OK;
}

static act_rc on_tick(struct post *self, act_cx *cx, const act_tick *tick) {
  (void)cx;
  (void)tick;
  see(self->plan, TICK_SEEN);
  return ACT_OK;
}

static act_rc on_down(struct post *self, act_cx *cx, const act_down *down) {
  (void)cx;
  (void)down;
  see(self->plan, DOWN_SEEN);
  return ACT_OK;
}

static act_rc poster_item(struct post *self, act_cx *cx, const post_item *m) {
  (void)cx;
  see(self->plan, m->from * 100 + m->n);
  return ACT_OK;
}

static act_rc on_value(struct post *self, act_cx *cx, act_rc st, const post_value *v,
                       uintptr_t tag) {
  (void)cx;
  (void)v;
  (void)tag;
  self->plan->ended++;
  self->plan->status = st;
  see(self->plan, REPLY_SEEN);
  return ACT_OK;
}

static act_rc poster_go(struct post *self, act_cx *cx, const post_job *m) {
  struct plan *plan = self->plan;
  act_rc rc = ACT_OK;
  send_some(plan, cx, m->count);
  for (unsigned i = 0; i < m->asks && !rc; i++) {
    rc = post_ask_ask(cx, plan->to, next_item(plan), ACT_SEC(60), on_value_then(0));
  }
  plan->parked = act_parked(cx);
  return m->fail ? act_fail(cx, ACT_EFAIL, "as told") : rc;
}

static act_rc poster_ask(struct post *self, act_cx *cx, const post_item *m, post_value_reply r) {
  see(self->plan, m->from * 100 + m->n);
  if (self->plan->fill_before_answer) send_until_parked(self->plan, cx);
  return post_value_answer(cx, r, (post_value){.n = m->n});
}

// --- the stage -------------------------------------------------------------------------------------

struct records {
  unsigned count;
  act_undelivered last;
};

static struct stage {
  act_sim *sim;
  act_cx *cx;
  struct records records;
} stage;

static void on_undelivered(void *arg, const act_undelivered *record) {
  struct records *records = arg;
  records->count++;
  records->last = *record;
}

static int open_stage(void **state) {
  (void)state;
  static const act_log_sink silent = {.fn = NULL};
  memset(&stage, 0, sizeof stage);
  const act_node node = {.name = "park", .log = &silent, .undelivered = on_undelivered,
                         .undelivered_arg = &stage.records};
  if (act_sim_open(1, &node, NULL, &stage.sim) != ACT_OK) return -1;
  stage.cx = act_sim_cx(stage.sim);
  return 0;
}

static int close_stage(void **state) {
  (void)state;
  if (!stage.sim) return 0;
  return act_sim_close(stage.sim);
}

static act_counters counters(void) {
  act_counters counts;
  act_read_counters(act_sim_runtime(stage.sim), &counts);
  return counts;
}

// From outside nobody waits for a start that takes its time: the root's child is made by its twin.
struct maker_args {
  const act_child *child;
  act_pid *out;
};
ACT_MSG(make_nothing, (flag, unused, 1))
#define MAKING(CAST, CALL, P) CAST(P, 1, nothing, make_nothing)
ACT_PROTOCOL(making, 1, MAKING)
struct maker {
  act_pid child;
};
ACT_ACTOR(maker, making, MAKING, struct maker, struct maker_args)
ACT_ON_EXIT(maker, on_exit_of_child)

static act_rc maker_init(struct maker *self, act_cx *cx, const struct maker_args *args) {
  act_rc rc = act_spawn(cx, args->child, on_exit_of_child_then(0), &self->child);
  *args->out = self->child;
  return rc;
}

static act_rc on_exit_of_child(struct maker *self, act_cx *cx, const act_exit *exit) {
  (void)self;
  (void)exit;
  act_end(cx);
  return ACT_OK;
}

// `nothing` is its word for: stop your child.
static act_rc maker_nothing(struct maker *self, act_cx *cx, const make_nothing *m) {
  (void)m;
  return act_stop_child(cx, self->child);
}

static making_ref post_maker;  // of the last post

static post_ref start(struct plan *plan, act_mailbox_options mailbox) {
  struct post_args args = {plan};
  act_child child = {.id = "post", .behavior = &poster, .args = &args, .start_ms = 3600000,
                     .mailbox = mailbox};
  struct maker_args making = {&child, &plan->self.pid};
  act_child maker_child = {.id = "maker", .behavior = &maker, .args = &making};
  assert_int_equal(act_sim_spawn(stage.sim, &maker_child, &post_maker.pid), ACT_OK);
  act_sim_settle(stage.sim);
  return plan->self;
}

static void go(struct plan *plan, post_job job) {
  assert_int_equal(post_send_go(stage.cx, plan->self, job), ACT_OK);
  act_sim_settle(stage.sim);
}

static void assert_seen(const struct plan *plan, unsigned count, const int64_t *expected) {
  assert_int_equal(plan->count, count);
  for (unsigned i = 0; i < count; i++) assert_int_equal(plan->seen[i], expected[i]);
}
#define ASSERT_SEEN(plan, ...)                                                       \
  assert_seen(plan, sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), (int64_t[]){__VA_ARGS__})

#define PARKS(n) ((act_mailbox_options){.msgs = (n), .full = ACT_PARK})

// --- the bound ---------------------------------------------------------------------------------------

static void full_mailbox_parks_at_exactly_its_bound_in_messages(void **state) {
  (void)state;
  struct plan to = {.ready_ms = 10}, from = {.index = 1};
  from.to = start(&to, PARKS(3));
  start(&from, (act_mailbox_options){0});
  go(&from, (post_job){.count = 3});
  assert_false(from.parked);
  go(&from, (post_job){.count = 2});
  assert_true(from.parked);
  const act_rc expected[] = {ACT_OK, ACT_OK, ACT_OK, ACT_OK, ACT_EFULL};
  assert_memory_equal(from.rcs, expected, sizeof expected);
  assert_int_equal(to.count, 0);
  act_sim_advance(stage.sim, 20);
  ASSERT_SEEN(&to, 100, 101, 102, 103);
  go(&from, (post_job){.count = 1});
  assert_false(from.parked);
  assert_int_equal(from.rcs[5], ACT_OK);
  assert_int_equal(stage.records.count, 0);
}

static void full_mailbox_parks_at_exactly_its_bound_in_bytes(void **state) {
  (void)state;
  struct plan to = {.ready_ms = 10}, from = {.index = 1};
  // An item takes 40 bytes of header and 32 of payload: two units of 64.
  from.to = start(&to, (act_mailbox_options){.bytes = 256, .full = ACT_PARK});
  start(&from, (act_mailbox_options){0});
  go(&from, (post_job){.count = 2});
  assert_false(from.parked);
  go(&from, (post_job){.count = 1});
  assert_true(from.parked);
  act_sim_advance(stage.sim, 20);
  ASSERT_SEEN(&to, 100, 101, 102);
}

static void message_larger_than_the_whole_mailbox_is_refused_not_parked(void **state) {
  (void)state;
  struct plan to = {.ready_ms = 10}, from = {.index = 1};
  from.text_bytes = 256 - 72 - 8;  // behind header and payload; the text has a terminator
  from.to = start(&to, (act_mailbox_options){.bytes = 256, .full = ACT_PARK});
  start(&from, (act_mailbox_options){0});
  go(&from, (post_job){.count = 1});
  assert_int_equal(from.rcs[0], ACT_OK);
  from.text_bytes += 8;
  go(&from, (post_job){.count = 1});
  assert_int_equal(from.rcs[1], ACT_EFULL);
  assert_false(from.parked);
}

static void nobody_from_outside_is_parked(void **state) {
  (void)state;
  struct plan to = {.ready_ms = 10};
  post_ref ref = start(&to, PARKS(1));
  assert_int_equal(post_send_item(stage.cx, ref, (post_item){.n = 0}), ACT_OK);
  assert_int_equal(post_send_item(stage.cx, ref, (post_item){.n = 1}), ACT_EFULL);
  assert_false(act_parked(stage.cx));
  const post_value *value;
  assert_int_equal(post_call_ask(stage.cx, ref, (post_item){0}, 5, &value), ACT_EFULL);
}

static void freed_room_goes_to_those_who_wait_in_their_order(void **state) {
  (void)state;
  struct plan to = {.ready_ms = 10}, from[3];
  post_ref ref = start(&to, PARKS(1));
  for (unsigned i = 0; i < 3; i++) {
    from[i] = (struct plan){.index = i + 1, .to = ref};
    start(&from[i], (act_mailbox_options){0});
    go(&from[i], (post_job){.count = i == 0 ? 2 : 1});
    assert_true(from[i].parked);
  }
  // Somebody else tries at every step, and gets in only when nobody waits any more.
  bool in = false;
  unsigned before = 0;
  while (to.count < 5 && act_sim_step(stage.sim)) {
    if (in || post_send_item(stage.cx, ref, (post_item){.from = 9}) != ACT_OK) continue;
    in = true;
    before = to.count;
  }
  assert_true(before >= 3);
  ASSERT_SEEN(&to, 100, 101, 200, 300, 900);
}

static void small_message_does_not_pass_a_large_one_that_waits(void **state) {
  (void)state;
  struct plan to = {.ready_ms = 10}, large = {.index = 1, .text_bytes = 200}, small = {.index = 2};
  post_ref ref = start(&to, (act_mailbox_options){.bytes = 320, .full = ACT_PARK});
  large.to = small.to = ref;
  start(&large, (act_mailbox_options){0});
  start(&small, (act_mailbox_options){0});
  go(&small, (post_job){.count = 1});  // two units of five: the large one needs all five
  go(&large, (post_job){.count = 1});
  assert_true(large.parked);
  go(&small, (post_job){.count = 1});  // there is room, but not for who comes later
  assert_true(small.parked);
  assert_int_equal(post_send_item(stage.cx, ref, (post_item){0}), ACT_EFULL);
  act_sim_advance(stage.sim, 20);
  ASSERT_SEEN(&to, 200, 100, 201);
}

// --- while it is parked ------------------------------------------------------------------------------

static void parked_actor_handles_no_message_until_its_own_has_moved(void **state) {
  (void)state;
  struct plan to = {.ready_ms = 50}, from = {.index = 1, .tick_ms = 20};
  from.to = start(&to, PARKS(1));
  start(&from, (act_mailbox_options){.msgs = 2});
  go(&from, (post_job){.count = 2});
  assert_true(from.parked);
  assert_int_equal(post_send_item(stage.cx, from.self, (post_item){.n = 1}), ACT_OK);
  act_sim_settle(stage.sim);
  assert_int_equal(post_send_item(stage.cx, from.self, (post_item){.n = 2}), ACT_OK);
  // They keep their room.
  assert_int_equal(post_send_item(stage.cx, from.self, (post_item){.n = 3}), ACT_EFULL);
  act_sim_advance(stage.sim, 40);
  ASSERT_SEEN(&from, TICK_SEEN);
  act_sim_advance(stage.sim, 20);
  ASSERT_SEEN(&from, TICK_SEEN, 1, 2);
  ASSERT_SEEN(&to, 100, 101);
}

static void parked_actor_can_send_to_others(void **state) {
  (void)state;
  struct plan to = {.ready_ms = 50}, other = {0}, from = {.index = 1, .send_ms = 20};
  from.to = start(&to, PARKS(1));
  start(&other, PARKS(4));
  start(&from, (act_mailbox_options){0});
  go(&from, (post_job){.count = 2});
  assert_true(from.parked);
  from.to = other.self;
  act_sim_advance(stage.sim, 30);  // a tick passes, and there is room elsewhere: until there is none
  assert_int_equal(from.rcs[2], ACT_OK);
  assert_true(from.parked);
  assert_true(other.count >= 1);
  assert_int_equal(other.seen[0], 102);
}

static void messages_keep_their_order_however_often_their_receiver_parks(void **state) {
  (void)state;
  struct plan to = {.ready_ms = 5}, from = {.index = 1};
  from.to = start(&to, PARKS(1));
  start(&from, (act_mailbox_options){0});
  // Each of its messages makes it send one, and each of these but the first has to wait.
  for (unsigned i = 0; i < 100; i++) {
    assert_int_equal(post_send_go(stage.cx, from.self, (post_job){.count = 1}), ACT_OK);
    assert_int_equal(post_send_item(stage.cx, from.self, (post_item){.n = i}), ACT_OK);
  }
  act_sim_advance(stage.sim, 1000);
  assert_int_equal(to.count, 100);
  assert_int_equal(from.count, 100);
  for (unsigned i = 0; i < 100; i++) {
    assert_int_equal(to.seen[i], 100 + i);
    assert_int_equal(from.seen[i], i);
  }
}

static void down_of_a_sender_does_not_pass_its_messages_that_are_held_back(void **state) {
  (void)state;
  struct plan to = {.ready_ms = 50}, third = {.index = 3}, from = {.index = 1};
  from.to = start(&to, PARKS(1));
  start(&third, (act_mailbox_options){0});
  from.watch = third.self;
  start(&from, (act_mailbox_options){0});
  go(&from, (post_job){.count = 2});
  assert_true(from.parked);
  third.to = from.self;
  go(&third, (post_job){.count = 2, .fail = true});
  act_sim_advance(stage.sim, 20);
  assert_int_equal(from.count, 0);
  act_sim_advance(stage.sim, 50);
  ASSERT_SEEN(&from, 300, 301, DOWN_SEEN);
}

static void answer_follows_the_message_that_was_parked_before_it(void **state) {
  (void)state;
  struct plan asker = {.index = 1}, from = {.index = 2, .fill_before_answer = true};
  start(&asker, PARKS(1));
  from.to = asker.self;
  start(&from, (act_mailbox_options){0});
  asker.to = from.self;
  go(&asker, (post_job){.asks = 1});
  ASSERT_SEEN(&asker, 200, 201, REPLY_SEEN);
  assert_int_equal(asker.status, ACT_OK);
}

static void actor_can_park_before_it_is_up(void **state) {
  (void)state;
  struct plan to = {.ready_ms = 50}, from = {.index = 1, .park_in_init = true, .ready_ms = 20};
  from.to = start(&to, PARKS(2));
  start(&from, (act_mailbox_options){0});
  assert_true(from.parked);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(post_send_item(stage.cx, from.self, (post_item){.n = i}), ACT_OK);
    act_sim_advance(stage.sim, 10);
  }
  assert_int_equal(from.count, 0);
  act_sim_advance(stage.sim, 50);
  ASSERT_SEEN(&from, 0, 1, 2);
  ASSERT_SEEN(&to, 100, 101, 102);
}

// --- ends --------------------------------------------------------------------------------------------

static void what_waits_too_long_is_undelivered_and_its_sender_goes_on(void **state) {
  (void)state;
  struct plan to = {.ready_ms = 1000}, from = {.index = 1};
  from.to = start(&to, (act_mailbox_options){.msgs = 1, .full = ACT_PARK, .park_ms = 100});
  start(&from, (act_mailbox_options){0});
  go(&from, (post_job){.count = 2});
  assert_int_equal(post_send_item(stage.cx, from.self, (post_item){.n = 7}), ACT_OK);
  act_sim_advance(stage.sim, 98);
  assert_int_equal(stage.records.count, 0);
  assert_int_equal(from.count, 0);
  act_sim_advance(stage.sim, 3);
  assert_int_equal(stage.records.count, 1);
  assert_int_equal(stage.records.last.reason, ACT_ETIMEDOUT);
  assert_true(act_pid_same_actor(stage.records.last.to, to.self.pid));
  assert_true(act_pid_same_actor(stage.records.last.from, from.self.pid));
  ASSERT_SEEN(&from, 7);
  // Nobody waits now, so the mailbox is as if nobody ever had.
  act_sim_advance(stage.sim, 1000);
  ASSERT_SEEN(&to, 100);
  assert_int_equal(post_send_item(stage.cx, to.self, (post_item){0}), ACT_OK);
  act_sim_settle(stage.sim);
  assert_int_equal(to.count, 2);
}

static void deadline_has_a_default(void **state) {
  (void)state;
  struct plan to = {.ready_ms = 100000}, from = {.index = 1};
  from.to = start(&to, PARKS(1));
  start(&from, (act_mailbox_options){0});
  go(&from, (post_job){.count = 2});
  act_sim_advance(stage.sim, ACT_PARK_MS - 2);
  assert_int_equal(stage.records.count, 0);
  act_sim_advance(stage.sim, 3);
  assert_int_equal(stage.records.count, 1);
}

static void each_parking_has_its_own_deadline(void **state) {
  (void)state;
  struct plan to = {.ready_ms = 100000}, soon = {.ready_ms = 100000}, from = {.index = 1};
  from.to = start(&to, (act_mailbox_options){.msgs = 1, .full = ACT_PARK, .park_ms = 1000});
  start(&soon, (act_mailbox_options){.msgs = 1, .full = ACT_PARK, .park_ms = 100});
  start(&from, (act_mailbox_options){0});
  for (unsigned round = 1; round <= 3; round++) {  // long, long, short
    uint32_t ms = round == 3 ? 100 : 1000;
    if (round == 3) from.to = soon.self;
    go(&from, (post_job){.count = round == 2 ? 1 : 2});
    assert_true(from.parked);
    act_sim_advance(stage.sim, ms - 2);
    assert_int_equal(stage.records.count, round - 1);
    act_sim_advance(stage.sim, 4);
    assert_int_equal(stage.records.count, round);
  }
}

static void ask_that_waits_too_long_ends_at_the_parking_deadline(void **state) {
  (void)state;
  struct plan to = {.ready_ms = 1000}, from = {.index = 1};
  from.to = start(&to, (act_mailbox_options){.msgs = 1, .full = ACT_PARK, .park_ms = 100});
  start(&from, (act_mailbox_options){0});
  go(&from, (post_job){.count = 1, .asks = 2});
  assert_true(from.parked);
  assert_int_equal(from.ended, 1);  // the second had no place
  assert_int_equal(from.status, ACT_EFULL);
  act_sim_advance(stage.sim, 101);
  assert_int_equal(from.ended, 2);
  assert_int_equal(from.status, ACT_ETIMEDOUT);
}

static void death_of_the_target_ends_the_waiting(void **state) {
  (void)state;
  struct plan to = {.ready_ms = 1000}, from[2];
  post_ref ref = start(&to, PARKS(1));
  making_ref stop = post_maker;
  for (unsigned i = 0; i < 2; i++) {
    from[i] = (struct plan){.index = i + 1, .to = ref};
    start(&from[i], (act_mailbox_options){0});
  }
  go(&from[0], (post_job){.count = 1, .asks = 1});
  go(&from[1], (post_job){.count = 1});
  assert_true(from[0].parked && from[1].parked);
  assert_int_equal(making_send_nothing(stage.cx, stop, (make_nothing){0}), ACT_OK);
  act_sim_settle(stage.sim);
  assert_int_equal(stage.records.count, 3);  // what was in the mailbox, and what waited
  assert_int_equal(stage.records.last.reason, ACT_EDEAD);
  assert_int_equal(from[0].ended, 1);
  assert_int_equal(from[0].status, ACT_EDEAD);
  for (unsigned i = 0; i < 2; i++) {
    go(&from[i], (post_job){.count = 1});
    assert_false(from[i].parked);
    assert_int_equal(from[i].rcs[from[i].sent - 1], ACT_EDEAD);
  }
}

static void end_of_the_sender_takes_its_message_along(void **state) {
  (void)state;
  struct plan to = {.ready_ms = 50}, from = {.index = 1}, next = {.index = 2};
  from.to = next.to = start(&to, PARKS(1));
  start(&from, (act_mailbox_options){0});
  start(&next, (act_mailbox_options){0});
  go(&from, (post_job){.count = 2, .fail = true});
  assert_false(act_sim_is_alive(stage.sim, from.self.pid));
  assert_int_equal(stage.records.count, 1);
  assert_int_equal(stage.records.last.reason, ACT_EDEAD);
  go(&next, (post_job){.count = 1});
  act_sim_advance(stage.sim, 60);
  ASSERT_SEEN(&to, 100, 200);
}

static void stop_of_a_parked_actor_works_at_once(void **state) {
  (void)state;
  struct plan to = {.ready_ms = 50}, from = {.index = 1}, next = {.index = 2};
  from.to = next.to = start(&to, PARKS(1));
  start(&from, (act_mailbox_options){0});
  making_ref stop = post_maker;
  start(&next, (act_mailbox_options){0});
  go(&from, (post_job){.count = 2});
  go(&next, (post_job){.count = 1});
  assert_int_equal(post_send_item(stage.cx, from.self, (post_item){0}), ACT_OK);
  act_sim_settle(stage.sim);
  assert_int_equal(making_send_nothing(stage.cx, stop, (make_nothing){0}), ACT_OK);
  act_sim_settle(stage.sim);
  assert_false(act_sim_is_alive(stage.sim, from.self.pid));
  assert_int_equal(stage.records.count, 2);  // what it had parked, and what it held
  act_sim_advance(stage.sim, 60);
  ASSERT_SEEN(&to, 100, 200);
}

static void runtime_stops_while_everybody_is_parked(void **state) {
  (void)state;
  struct plan to = {.ready_ms = 100000}, from[20];
  post_ref ref = start(&to, PARKS(1));
  for (unsigned i = 0; i < 20; i++) {
    from[i] = (struct plan){.index = i, .to = ref};
    start(&from[i], (act_mailbox_options){0});
    go(&from[i], (post_job){.count = 2});
    assert_true(from[i].parked);
  }
  assert_int_equal(act_sim_close(stage.sim), 0);
  stage.sim = NULL;
  assert_int_equal(stage.records.count, 21);
}

static void no_memory_for_a_park_place_is_said(void **state) {
  (void)state;
  struct plan to = {.ready_ms = 10}, from = {.index = 1};
  from.to = start(&to, PARKS(1));
  start(&from, (act_mailbox_options){0});
  go(&from, (post_job){.count = 1});
  assert_int_equal(post_send_go(stage.cx, from.self, (post_job){.count = 1}), ACT_OK);
  act__alloc_fail_after(0);
  act_sim_settle(stage.sim);
  act__alloc_fail_after(-1);
  assert_int_equal(from.rcs[1], ACT_ENOMEM);
  go(&from, (post_job){.count = 1});
  assert_int_equal(from.rcs[2], ACT_OK);
  assert_true(from.parked);
}

// --- circles -----------------------------------------------------------------------------------------

// Everybody's mailbox is full before anybody is up. One after the other sends on, and waits; the last
// one would close the circle.
static void circle_of(unsigned n) {
  struct plan ring[5];
  for (unsigned i = 0; i < n; i++) {
    ring[i] = (struct plan){.index = i, .ready_ms = 100, .send_ms = i + 1};
    start(&ring[i], PARKS(2));
  }
  for (unsigned i = 0; i < n; i++) ring[i].to = ring[(i + 1) % n].self;
  act_sim_advance(stage.sim, 50);
  for (unsigned i = 0; i < n; i++) {
    assert_int_equal(ring[i].parked, i + 1 < n);
    assert_int_equal(ring[i].rcs[2], i + 1 < n ? ACT_OK : ACT_EDEADLK);
    assert_int_equal(ring[i].sent, 3);
  }
  act_sim_advance(stage.sim, 200);
  for (unsigned i = 0; i < n; i++) {
    assert_int_equal(ring[i].count, i == 0 ? 2 : 3);
    for (unsigned k = 0; k < ring[i].count; k++) {
      assert_int_equal(ring[i].seen[k], (i + n - 1) % n * 100 + k);
    }
  }
  assert_int_equal(stage.records.count, 0);
  act_counters counts = counters();
  assert_int_equal(counts.refused, 1);
}

static void actor_cannot_wait_for_itself(void **state) {
  (void)state;
  circle_of(1);
}

static void two_cannot_wait_for_each_other(void **state) {
  (void)state;
  circle_of(2);
}

static void edge_that_closes_a_circle_of_five_is_refused(void **state) {
  (void)state;
  circle_of(5);
}

#define STAGED(test) cmocka_unit_test_setup_teardown(test, open_stage, close_stage)

int main(void) {
  const struct CMUnitTest tests[] = {
      STAGED(full_mailbox_parks_at_exactly_its_bound_in_messages),
      STAGED(full_mailbox_parks_at_exactly_its_bound_in_bytes),
      STAGED(message_larger_than_the_whole_mailbox_is_refused_not_parked),
      STAGED(nobody_from_outside_is_parked),
      STAGED(freed_room_goes_to_those_who_wait_in_their_order),
      STAGED(small_message_does_not_pass_a_large_one_that_waits),
      STAGED(parked_actor_handles_no_message_until_its_own_has_moved),
      STAGED(parked_actor_can_send_to_others),
      STAGED(messages_keep_their_order_however_often_their_receiver_parks),
      STAGED(down_of_a_sender_does_not_pass_its_messages_that_are_held_back),
      STAGED(answer_follows_the_message_that_was_parked_before_it),
      STAGED(actor_can_park_before_it_is_up),
      STAGED(what_waits_too_long_is_undelivered_and_its_sender_goes_on),
      STAGED(deadline_has_a_default),
      STAGED(each_parking_has_its_own_deadline),
      STAGED(ask_that_waits_too_long_ends_at_the_parking_deadline),
      STAGED(death_of_the_target_ends_the_waiting),
      STAGED(end_of_the_sender_takes_its_message_along),
      STAGED(stop_of_a_parked_actor_works_at_once),
      STAGED(runtime_stops_while_everybody_is_parked),
      STAGED(no_memory_for_a_park_place_is_said),
      STAGED(actor_cannot_wait_for_itself),
      STAGED(two_cannot_wait_for_each_other),
      STAGED(edge_that_closes_a_circle_of_five_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
