// SPDX-License-Identifier: Apache-2.0
//
// Asks: each ends exactly once, by the answer, a refusal, the deadline, the callee's end or its
// forgetfulness; late answers reach nobody; budgets shrink.
#include "tests/actors/world.h"

struct outcome {
  unsigned count;
  act_rc status;
  int64_t value;
  int64_t at_ns;
};

ACT_ON(puppet_actor, on_value, puppet_value)

static act_rc on_value(struct puppet *self, act_cx *cx, act_rc st, const puppet_value *v,
                       uintptr_t tag) {
  (void)self;
  struct outcome *outcome = (struct outcome *)tag;
  outcome->count++;
  outcome->status = st;
  outcome->value = v ? v->n : -1;
  outcome->at_ns = act_now(cx);
  assert_true((st == ACT_OK) == (v != NULL));
  return ACT_OK;
}

struct ask_order {
  puppet_ref to;
  int64_t n;
  uint32_t ms;
  struct outcome outcome;
  act_rc made;
  int64_t made_ns;
};

static act_rc make_ask(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  struct ask_order *order = arg;
  order->made_ns = act_now(cx);
  order->made = puppet_ask_ask(cx, order->to, (puppet_number){.n = order->n}, order->ms,
                               on_value_then((uintptr_t)&order->outcome));
  return ACT_OK;
}

static act_rc end_now(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  (void)arg;
  act_end(cx);
  return ACT_OK;
}

static act_rc refuse(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  const struct puppet_request *request = arg;
  return puppet_value_refuse(cx, request->reply, ACT_EACCES);
}

static act_rc forget(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  (void)cx;
  (void)arg;
  return ACT_OK;
}

static act_rc fail_on_ask(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  (void)arg;
  return act_fail(cx, ACT_EFAIL, "on request");
}

static puppet_value_reply kept;

static act_rc keep(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  const struct puppet_request *request = arg;
  kept = request->reply;
  return act_reply_keep(cx, request->reply.r);
}

static act_rc answer_kept(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  act_rc *rc = arg;
  *rc = puppet_value_answer(cx, kept, (puppet_value){.n = 77});
  return ACT_OK;
}

static act_rc answer_twice(struct puppet *self, act_cx *cx, void *arg) {
  const struct puppet_request *request = arg;
  act_rc rc = puppet_value_answer(cx, request->reply, (puppet_value){.n = 1});
  if (rc) return rc;
  self->number = puppet_value_answer(cx, request->reply, (puppet_value){.n = 2});
  log_note(self->args.log, self->number);
  return ACT_OK;
}

static struct outcome ask_once(puppet_fn on_ask, uint32_t ms, struct puppet_log *log) {
  struct world world = world_open(3);
  puppet_ref asker = world_puppet(&world, NULL);
  struct ask_order order = {.n = 5, .ms = ms};
  order.to = world_puppet_with(&world, (struct puppet_args){.on_ask = on_ask, .log = log},
                               (act_mailbox_options){0}, (act_limits){0});
  world_run(&world, asker, make_ask, &order);
  assert_int_equal(order.made, ACT_OK);
  act_sim_advance(world.sim, 2 * ms);
  assert_int_equal(order.outcome.count, 1);
  world_close(&world);
  assert_int_equal(order.outcome.count, 1);
  return order.outcome;
}

static void answer_reaches_the_continuation_once(void **state) {
  (void)state;
  struct outcome outcome = ask_once(NULL, 100, NULL);
  assert_int_equal(outcome.status, ACT_OK);
  assert_int_equal(outcome.value, 6);
}

static void refusal_reaches_the_continuation(void **state) {
  (void)state;
  assert_int_equal(ask_once(refuse, 100, NULL).status, ACT_EACCES);
}

static void request_that_is_neither_answered_nor_kept_ends_dropped(void **state) {
  (void)state;
  assert_int_equal(ask_once(forget, 100, NULL).status, ACT_EDROPPED);
}

static void request_that_fails_its_handler_ends_dead(void **state) {
  (void)state;
  assert_int_equal(ask_once(fail_on_ask, 100, NULL).status, ACT_EDEAD);
}

static void second_answer_is_refused_as_invalid(void **state) {
  (void)state;
  struct puppet_log log = {0};
  struct outcome outcome = ask_once(answer_twice, 100, &log);
  assert_int_equal(outcome.value, 1);
  assert_int_equal(log.notes[0], ACT_EINVAL);
}

static void unanswered_ask_ends_at_its_deadline_and_not_before(void **state) {
  (void)state;
  struct world world = world_open(4);
  puppet_ref asker = world_puppet(&world, NULL);
  struct ask_order order = {.ms = 250};
  order.to = world_puppet_with(&world, (struct puppet_args){.on_ask = keep},
                               (act_mailbox_options){0}, (act_limits){0});
  int64_t asked = act_sim_now(world.sim);
  world_run(&world, asker, make_ask, &order);
  act_sim_advance(world.sim, 240);
  assert_int_equal(order.outcome.count, 0);
  act_sim_advance(world.sim, 20);
  assert_int_equal(order.outcome.count, 1);
  assert_int_equal(order.outcome.status, ACT_ETIMEDOUT);
  assert_true(order.outcome.at_ns >= asked + 250 * INT64_C(1000000));
  world_close(&world);
}

static void late_answer_is_ok_for_the_answerer_and_reaches_nobody(void **state) {
  (void)state;
  struct world world = world_open(5);
  puppet_ref asker = world_puppet(&world, NULL);
  struct ask_order order = {.ms = 10};
  order.to = world_puppet_with(&world, (struct puppet_args){.on_ask = keep},
                               (act_mailbox_options){0}, (act_limits){0});
  world_run(&world, asker, make_ask, &order);
  act_sim_advance(world.sim, 50);
  assert_int_equal(order.outcome.status, ACT_ETIMEDOUT);
  act_rc rc = ACT_EFAIL;
  world_run(&world, order.to, answer_kept, &rc);
  assert_int_equal(rc, ACT_OK);
  assert_int_equal(order.outcome.count, 1);
  assert_int_equal(world_counters(&world).late_replies, 1);
  world_close(&world);
}

static void kept_token_is_answered_in_a_later_turn(void **state) {
  (void)state;
  struct world world = world_open(6);
  puppet_ref asker = world_puppet(&world, NULL);
  struct ask_order order = {.ms = 100};
  order.to = world_puppet_with(&world, (struct puppet_args){.on_ask = keep},
                               (act_mailbox_options){0}, (act_limits){0});
  world_run(&world, asker, make_ask, &order);
  assert_int_equal(order.outcome.count, 0);
  act_rc rc = ACT_EFAIL;
  world_run(&world, order.to, answer_kept, &rc);
  assert_int_equal(rc, ACT_OK);
  assert_int_equal(order.outcome.value, 77);
  world_close(&world);
}

static void kept_token_ends_dropped_with_its_actor(void **state) {
  (void)state;
  struct world world = world_open(7);
  puppet_ref asker = world_puppet(&world, NULL);
  struct ask_order order = {.ms = 10000};
  order.to = world_puppet_with(&world, (struct puppet_args){.on_ask = keep},
                               (act_mailbox_options){0}, (act_limits){0});
  world_run(&world, asker, make_ask, &order);
  world_run(&world, order.to, end_now, NULL);
  assert_int_equal(order.outcome.status, ACT_EDROPPED);
  world_close(&world);
}

static void ask_ends_at_once_when_the_callee_dies_with_it_in_the_mailbox(void **state) {
  (void)state;
  struct world world = world_open(8);
  puppet_ref asker = world_puppet(&world, NULL);
  struct ask_order order = {.ms = 60000};
  order.to = world_puppet(&world, NULL);
  // The end comes before the request in the callee's mailbox.
  puppet_do end = {.fn = (uintptr_t)end_now};
  assert_int_equal(puppet_send_run(world.cx, order.to, end), ACT_OK);
  int64_t asked = act_sim_now(world.sim);
  world_run(&world, asker, make_ask, &order);
  assert_int_equal(order.outcome.status, ACT_EDEAD);
  assert_true(order.outcome.at_ns < asked + 60000 * INT64_C(1000000));
  world_close(&world);
}

static void ask_of_a_full_mailbox_ends_full_in_the_continuation(void **state) {
  (void)state;
  struct world world = world_open(9);
  puppet_ref asker = world_puppet(&world, NULL);
  struct ask_order order = {.ms = 100};
  order.to = world_puppet_with(&world, (struct puppet_args){0}, (act_mailbox_options){.msgs = 1},
                               (act_limits){0});
  puppet_do make = {.fn = (uintptr_t)make_ask, .arg = (uintptr_t)&order};
  // Fill the callee, then let only the asker run: it is the first in a fresh simulation's choice or
  // not, so the fill is repeated until the ask has met it.
  for (int tries = 0; tries < 100 && order.outcome.status != ACT_EFULL; tries++) {
    order.outcome = (struct outcome){0};
    assert_int_equal(puppet_send_run(world.cx, asker, make), ACT_OK);
    assert_int_equal(puppet_send_note(world.cx, order.to, (puppet_number){.n = 1}), ACT_OK);
    act_sim_settle(world.sim);
    assert_int_equal(order.outcome.count, 1);
  }
  assert_int_equal(order.outcome.status, ACT_EFULL);
  world_close(&world);
}

static void asks_past_their_bound_are_refused_there_and_then(void **state) {
  (void)state;
  struct world world = world_open(10);
  puppet_ref asker = world_puppet_with(&world, (struct puppet_args){0}, (act_mailbox_options){0},
                                       (act_limits){.asks = 2});
  struct ask_order orders[3] = {{.ms = 100}, {.ms = 100}, {.ms = 100}};
  puppet_ref to = world_puppet_with(&world, (struct puppet_args){.on_ask = keep},
                                    (act_mailbox_options){0}, (act_limits){0});
  for (int i = 0; i < 3; i++) {
    orders[i].to = to;
    world_run(&world, asker, make_ask, &orders[i]);
  }
  assert_int_equal(orders[0].made, ACT_OK);
  assert_int_equal(orders[1].made, ACT_OK);
  assert_int_equal(orders[2].made, ACT_ELIMIT);
  act_sim_advance(world.sim, 200);
  assert_int_equal(orders[0].outcome.count + orders[1].outcome.count, 2);
  assert_int_equal(orders[2].outcome.count, 0);
  // Ended asks give their place back.
  world_run(&world, asker, make_ask, &orders[2]);
  assert_int_equal(orders[2].made, ACT_OK);
  act_sim_advance(world.sim, 200);
  world_close(&world);
}

static void answer_to_an_asker_that_is_gone_is_ok_and_counted(void **state) {
  (void)state;
  struct world world = world_open(11);
  puppet_ref asker = world_puppet(&world, NULL);
  struct ask_order order = {.ms = 60000};
  order.to = world_puppet_with(&world, (struct puppet_args){.on_ask = keep},
                               (act_mailbox_options){0}, (act_limits){0});
  world_run(&world, asker, make_ask, &order);
  world_run(&world, asker, end_now, NULL);
  act_rc rc = ACT_EFAIL;
  world_run(&world, order.to, answer_kept, &rc);
  assert_int_equal(rc, ACT_OK);
  assert_int_equal(order.outcome.count, 0);
  assert_int_equal(world_counters(&world).late_replies, 1);
  world_close(&world);
}

// --- budgets: a nested ask cannot outlive the request that caused it -------------------------------

struct chain {
  puppet_ref next;
  struct outcome inner;
};

static act_rc ask_on(struct puppet *self, act_cx *cx, void *arg) {
  struct chain *chain = self->args.arg;
  const struct puppet_request *request = arg;
  act_rc rc = act_reply_keep(cx, request->reply.r);
  if (rc) return rc;
  return puppet_ask_ask(cx, chain->next, (puppet_number){.n = 1}, ACT_SEC(3600),
                        on_value_then((uintptr_t)&chain->inner));
}

static void nested_ask_ends_with_the_budget_of_the_outer_one(void **state) {
  (void)state;
  struct world world = world_open(12);
  struct chain chain = {{{0, 0, 0, 0, 0}}, {0}};
  chain.next = world_puppet_with(&world, (struct puppet_args){.on_ask = keep},
                                 (act_mailbox_options){0}, (act_limits){0});
  puppet_ref asker = world_puppet(&world, NULL);
  struct ask_order order = {.ms = 100};
  order.to = world_puppet_with(&world, (struct puppet_args){.on_ask = ask_on, .arg = &chain},
                               (act_mailbox_options){0}, (act_limits){0});
  world_run(&world, asker, make_ask, &order);
  act_sim_advance(world.sim, 150);
  assert_int_equal(order.outcome.status, ACT_ETIMEDOUT);
  assert_int_equal(chain.inner.count, 1);
  assert_int_equal(chain.inner.status, ACT_ETIMEDOUT);
  world_close(&world);
}

// The second ask is made in the continuation of the first; the request is kept all the while.
struct relay {
  puppet_ref quick, never;
  struct outcome inner;
};

ACT_ON(puppet_actor, on_quick, puppet_value)

static act_rc on_quick(struct puppet *self, act_cx *cx, act_rc st, const puppet_value *v,
                       uintptr_t tag) {
  (void)self;
  (void)v;
  struct relay *relay = (struct relay *)tag;
  if (st) return st;
  return puppet_ask_ask(cx, relay->never, (puppet_number){.n = 1}, ACT_SEC(3600),
                        on_value_then((uintptr_t)&relay->inner));
}

static act_rc ask_quick(struct puppet *self, act_cx *cx, void *arg) {
  struct relay *relay = self->args.arg;
  const struct puppet_request *request = arg;
  act_rc rc = act_reply_keep(cx, request->reply.r);
  if (rc) return rc;
  return puppet_ask_ask(cx, relay->quick, (puppet_number){.n = 1}, ACT_SEC(3600),
                        on_quick_then((uintptr_t)relay));
}

static void ask_made_in_a_continuation_ends_with_the_budget_of_the_kept_request(void **state) {
  (void)state;
  struct world world = world_open(21);
  struct relay relay = {.quick = world_puppet(&world, NULL)};
  relay.never = world_puppet_with(&world, (struct puppet_args){.on_ask = keep},
                                  (act_mailbox_options){0}, (act_limits){0});
  puppet_ref asker = world_puppet(&world, NULL);
  struct ask_order order = {.ms = 100};
  order.to = world_puppet_with(&world, (struct puppet_args){.on_ask = ask_quick, .arg = &relay},
                               (act_mailbox_options){0}, (act_limits){0});
  world_run(&world, asker, make_ask, &order);
  act_sim_advance(world.sim, 150);
  assert_int_equal(order.outcome.status, ACT_ETIMEDOUT);
  assert_int_equal(relay.inner.count, 1);
  assert_int_equal(relay.inner.status, ACT_ETIMEDOUT);
  world_close(&world);
}

static act_rc count_ask(struct puppet *self, act_cx *cx, void *arg) {
  const struct puppet_request *request = arg;
  log_note(self->args.log, act_now(cx));
  return puppet_value_answer(cx, request->reply, (puppet_value){.n = 0});
}

// Its own mailbox is behind a handler that takes virtual time: a long queue of turns before it.
static act_rc burn(struct puppet *self, act_cx *cx, void *arg) {
  (void)arg;
  if (self->number++ >= 2000) return ACT_OK;
  puppet_ref me = {act_self(cx)};
  puppet_do again = {.fn = (uintptr_t)burn};
  return puppet_send_run(cx, me, again);
}

static void expired_request_never_reaches_its_handler(void **state) {
  (void)state;
  unsigned dropped = 0;
  for (uint64_t seed = 1; seed <= 20; seed++) {
    struct world world = world_open(seed);
    struct puppet_log log = {0};
    puppet_ref asker = world_puppet(&world, NULL);
    puppet_ref others[40];
    for (int i = 0; i < 40; i++) others[i] = world_puppet(&world, NULL);
    struct ask_order order = {.ms = 1};
    order.to = world_puppet_with(&world, (struct puppet_args){.on_ask = count_ask, .log = &log},
                                 (act_mailbox_options){0}, (act_limits){0});
    puppet_do work = {.fn = (uintptr_t)burn};
    for (int i = 0; i < 40; i++) {
      assert_int_equal(puppet_send_run(world.cx, others[i], work), ACT_OK);
    }
    puppet_do make = {.fn = (uintptr_t)make_ask, .arg = (uintptr_t)&order};
    assert_int_equal(puppet_send_run(world.cx, asker, make), ACT_OK);
    act_sim_advance(world.sim, 1000);
    assert_int_equal(order.outcome.count, 1);
    if (log.count == 0) {
      assert_int_equal(order.outcome.status, ACT_ETIMEDOUT);
      dropped++;
    } else {
      assert_true(log.notes[0] < order.made_ns + INT64_C(1000000));
    }
    world_close(&world);
  }
  assert_true(dropped > 0);
}

// --- calls from outside ----------------------------------------------------------------------------

static void call_from_outside_gives_the_answer(void **state) {
  (void)state;
  struct world world = world_open(13);
  puppet_ref to = world_puppet(&world, NULL);
  const puppet_value *value;
  assert_int_equal(puppet_call_ask(world.cx, to, (puppet_number){.n = 41}, 100, &value), ACT_OK);
  assert_int_equal(value->n, 42);
  act_reply_free(world.cx, value);
  world_close(&world);
}

static void call_from_outside_ends_at_its_deadline(void **state) {
  (void)state;
  struct world world = world_open(14);
  puppet_ref to = world_puppet_with(&world, (struct puppet_args){.on_ask = keep},
                                    (act_mailbox_options){0}, (act_limits){0});
  const puppet_value *value;
  assert_int_equal(puppet_call_ask(world.cx, to, (puppet_number){.n = 1}, 100, &value),
                   ACT_ETIMEDOUT);
  assert_null(value);
  world_close(&world);
}

static act_rc call_inside(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  const puppet_value *value;
  puppet_ref me = {act_self(cx)};
  *(act_rc *)arg = puppet_call_ask(cx, me, (puppet_number){.n = 1}, 100, &value);
  return ACT_OK;
}

static void blocking_call_in_a_handler_is_refused_as_deadlock(void **state) {
  (void)state;
  struct world world = world_open(15);
  puppet_ref puppet = world_puppet(&world, NULL);
  act_rc rc = ACT_OK;
  world_run(&world, puppet, call_inside, &rc);
  assert_int_equal(rc, ACT_EDEADLK);
  world_close(&world);
}

static act_rc call_through_outside(struct puppet *self, act_cx *cx, void *arg) {
  puppet_ref me = {act_self(cx)};
  act_cx *outside = arg;
  const puppet_value *value;
  self->number = puppet_call_ask(outside, me, (puppet_number){.n = 1}, 100, &value);
  log_note(self->args.log, self->number);
  return ACT_OK;
}

static void blocking_call_in_a_handler_through_an_outside_context_is_refused(void **state) {
  (void)state;
  struct world world = world_open(17);
  struct puppet_log log = {0};
  world_run(&world, world_puppet(&world, &log), call_through_outside, world.cx);
  assert_int_equal(log.count, 1);
  assert_int_equal(log.notes[0], ACT_EDEADLK);
  world_close(&world);
}

static act_rc refuse_with_ok(struct puppet *self, act_cx *cx, void *arg) {
  const struct puppet_request *request = arg;
  log_note(self->args.log, puppet_value_refuse(cx, request->reply, ACT_OK));
  return puppet_value_refuse(cx, request->reply, ACT_EACCES);
}

static void refusal_without_a_reason_is_invalid_and_the_token_stays(void **state) {
  (void)state;
  struct world world = world_open(18);
  struct puppet_log log = {0};
  puppet_ref puppet =
      world_puppet_with(&world, (struct puppet_args){.on_ask = refuse_with_ok, .log = &log},
                        (act_mailbox_options){0}, (act_limits){0});
  const puppet_value *value;
  assert_int_equal(puppet_call_ask(world.cx, puppet, (puppet_number){.n = 1}, 100, &value),
                   ACT_EACCES);
  assert_int_equal(log.notes[0], ACT_EINVAL);
  world_close(&world);
}

// --- answers that are too large ----------------------------------------------------------------------

ACT_MSG(essay_topic, (u32, bytes, 1))
ACT_MSG(essay_text, (bytes, text, 1))
#define ESSAY(CAST, CALL, P) CALL(P, 1, write, essay_topic, essay_text)
ACT_PROTOCOL(essay, 1, ESSAY)
struct writer {
  int unused;
};
ACT_ACTOR(writer, essay, ESSAY, struct writer, act_noargs)
static act_rc writer_init(struct writer *self, act_cx *cx, const act_noargs *args) {
  (void)self;
  (void)cx;
  (void)args;
  return ACT_OK;
}
static act_rc writer_write(struct writer *self, act_cx *cx, const essay_topic *m,
                           essay_text_reply r) {
  (void)self;
  essay_text answer = {.text = {act_alloc(cx, m->bytes), m->bytes}};
  return essay_text_answer(cx, r, answer);
}

static void answer_past_the_largest_message_ends_the_ask_with_the_limit(void **state) {
  (void)state;
  struct world world = world_open(19);
  essay_ref ref;
  act_child child = {.id = "writer", .behavior = &writer};
  assert_int_equal(act_sim_spawn(world.sim, &child, &ref.pid), ACT_OK);
  const essay_text *text;
  uint32_t bytes = (uint32_t)ACT_MESSAGE_MAX;
  assert_int_equal(essay_call_write(world.cx, ref, (essay_topic){.bytes = bytes}, 100, &text),
                   ACT_ELIMIT);
  bytes -= 64;  // room for the struct itself
  assert_int_equal(essay_call_write(world.cx, ref, (essay_topic){.bytes = bytes}, 100, &text),
                   ACT_OK);
  assert_int_equal(text->text.size, bytes);
  act_reply_free(world.cx, text);
  world_close(&world);
}

// --- look-ups ----------------------------------------------------------------------------------------

struct search {
  act_rc status;
  puppet_ref found;
};
ACT_ON_FOUND(puppet_actor, on_found, puppet)
static act_rc on_found(struct puppet *self, act_cx *cx, act_rc st, puppet_ref ref, uintptr_t tag) {
  (void)self;
  (void)cx;
  *(struct search *)tag = (struct search){st, ref};
  return ACT_OK;
}
static act_rc look_up(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  return puppet_lookup(cx, "sought", 100, on_found_then((uintptr_t)arg));
}
static act_rc fail_now(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  (void)arg;
  return act_fail(cx, ACT_EFAIL, "told to");
}

static void look_up_gives_one_incarnation_or_says_that_there_is_none(void **state) {
  (void)state;
  static const act_child kids[] = {
      {.id = "sought", .name = "sought", .behavior = &puppet_actor}};
  static const act_sup sup = {.kids = kids, .nkids = 1, .backoff = {.first_ms = 100}};
  struct world world = {0};
  assert_int_equal(act_sim_open(20, NULL, &sup, &world.sim), ACT_OK);
  world.cx = act_sim_cx(world.sim);
  puppet_ref seeker = world_puppet(&world, NULL);
  struct search search = {0};
  world_run(&world, seeker, look_up, &search);
  assert_int_equal(search.status, ACT_OK);
  assert_int_equal(search.found.pid.epoch, 1);

  world_run(&world, search.found, fail_now, NULL);
  world_run(&world, seeker, look_up, &search);  // it waits for its restart
  assert_int_equal(search.status, ACT_ECLOSED);

  act_sim_advance(world.sim, 100);
  world_run(&world, seeker, look_up, &search);
  assert_int_equal(search.status, ACT_OK);
  assert_int_equal(search.found.pid.epoch, 2);
  world_close(&world);
}

// --- routers -----------------------------------------------------------------------------------------

struct router {
  puppet_ref to;
};
ACT_ACTOR_ANY(router, struct router, puppet_ref)
static act_rc router_init(struct router *self, act_cx *cx, const puppet_ref *to) {
  (void)cx;
  self->to = *to;
  return ACT_OK;
}
static act_rc router_any(struct router *self, act_cx *cx, const act_any *m) {
  return act_forward(cx, self->to.pid, m);
}

static void forwarded_request_is_answered_by_the_last_actor(void **state) {
  (void)state;
  struct world world = world_open(16);
  puppet_ref to = world_puppet(&world, NULL);
  puppet_ref through;
  act_child child = {.id = "router", .behavior = &router, .args = &to};
  assert_int_equal(act_sim_spawn(world.sim, &child, &through.pid), ACT_OK);
  const puppet_value *value;
  assert_int_equal(puppet_call_ask(world.cx, through, (puppet_number){.n = 9}, 100, &value),
                   ACT_OK);
  assert_int_equal(value->n, 10);
  act_reply_free(world.cx, value);
  world_close(&world);
}

// A router that answers by itself and passes the request on for the record.
struct recorder {
  puppet_ref to;
};
ACT_ACTOR_ANY(recorder, struct recorder, puppet_ref)
static act_rc recorder_init(struct recorder *self, act_cx *cx, const puppet_ref *to) {
  (void)cx;
  self->to = *to;
  return ACT_OK;
}
static act_rc recorder_any(struct recorder *self, act_cx *cx, const act_any *m) {
  puppet_value_reply reply = {m->reply};
  act_rc rc = puppet_value_answer(cx, reply, (puppet_value){.n = 99});
  return rc ? rc : act_forward(cx, self->to.pid, m);
}

static act_rc keep_the_first(struct puppet *self, act_cx *cx, void *arg) {
  const struct puppet_request *request = arg;
  if (request->n == 1) return act_reply_keep(cx, request->reply.r);
  log_note(self->args.log, puppet_value_answer(cx, request->reply, (puppet_value){.n = 4711}));
  return ACT_OK;
}

static void request_without_a_token_cannot_answer_an_earlier_one(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 40; seed++) {
    struct world world = world_open(seed);
    struct puppet_log log = {0};
    puppet_ref to =
        world_puppet_with(&world, (struct puppet_args){.on_ask = keep_the_first, .log = &log},
                          (act_mailbox_options){0}, (act_limits){0});
    puppet_ref first = world_puppet(&world, NULL), second = world_puppet(&world, NULL), through;
    act_child child = {.id = "recorder", .behavior = &recorder, .args = &to};
    assert_int_equal(act_sim_spawn(world.sim, &child, &through.pid), ACT_OK);
    struct ask_order one = {.to = to, .n = 1, .ms = 100};
    struct ask_order two = {.to = through, .n = 2, .ms = 100};
    puppet_do make_one = {.fn = (uintptr_t)make_ask, .arg = (uintptr_t)&one};
    puppet_do make_two = {.fn = (uintptr_t)make_ask, .arg = (uintptr_t)&two};
    assert_int_equal(puppet_send_run(world.cx, first, make_one), ACT_OK);
    assert_int_equal(puppet_send_run(world.cx, second, make_two), ACT_OK);
    act_sim_settle(world.sim);
    assert_int_equal(two.outcome.value, 99);
    assert_int_equal(log.notes[0], ACT_EINVAL);
    act_sim_advance(world.sim, 100);
    assert_int_equal(one.outcome.status, ACT_ETIMEDOUT);
    world_close(&world);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(answer_reaches_the_continuation_once),
      cmocka_unit_test(refusal_reaches_the_continuation),
      cmocka_unit_test(request_that_is_neither_answered_nor_kept_ends_dropped),
      cmocka_unit_test(request_that_fails_its_handler_ends_dead),
      cmocka_unit_test(second_answer_is_refused_as_invalid),
      cmocka_unit_test(unanswered_ask_ends_at_its_deadline_and_not_before),
      cmocka_unit_test(late_answer_is_ok_for_the_answerer_and_reaches_nobody),
      cmocka_unit_test(kept_token_is_answered_in_a_later_turn),
      cmocka_unit_test(kept_token_ends_dropped_with_its_actor),
      cmocka_unit_test(ask_ends_at_once_when_the_callee_dies_with_it_in_the_mailbox),
      cmocka_unit_test(ask_of_a_full_mailbox_ends_full_in_the_continuation),
      cmocka_unit_test(asks_past_their_bound_are_refused_there_and_then),
      cmocka_unit_test(answer_to_an_asker_that_is_gone_is_ok_and_counted),
      cmocka_unit_test(nested_ask_ends_with_the_budget_of_the_outer_one),
      cmocka_unit_test(ask_made_in_a_continuation_ends_with_the_budget_of_the_kept_request),
      cmocka_unit_test(expired_request_never_reaches_its_handler),
      cmocka_unit_test(call_from_outside_gives_the_answer),
      cmocka_unit_test(call_from_outside_ends_at_its_deadline),
      cmocka_unit_test(blocking_call_in_a_handler_is_refused_as_deadlock),
      cmocka_unit_test(blocking_call_in_a_handler_through_an_outside_context_is_refused),
      cmocka_unit_test(refusal_without_a_reason_is_invalid_and_the_token_stays),
      cmocka_unit_test(answer_past_the_largest_message_ends_the_ask_with_the_limit),
      cmocka_unit_test(look_up_gives_one_incarnation_or_says_that_there_is_none),
      cmocka_unit_test(forwarded_request_is_answered_by_the_last_actor),
      cmocka_unit_test(request_without_a_token_cannot_answer_an_earlier_one),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
