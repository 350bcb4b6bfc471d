// SPDX-License-Identifier: Apache-2.0
//
// What nobody may notice of the records that asks live in: they serve one ask after another, keep
// their alarms, and hold small answers themselves.
#include <string.h>

#include "tests/actors/world.h"

struct outcome {
  unsigned count;
  act_rc status;
  int64_t value, at_ns;
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
  return ACT_OK;
}

struct ask_order {
  puppet_ref to;
  uint32_t ms;
  struct outcome outcome;
};

static act_rc make_ask(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  struct ask_order *order = arg;
  return puppet_ask_ask(cx, order->to, (puppet_number){.n = 5}, order->ms,
                        on_value_then((uintptr_t)&order->outcome));
}

static act_rc keep(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  const struct puppet_request *request = arg;
  return act_reply_keep(cx, request->reply.r);
}

// One ask that is answered, then one that is not: in the same record, for there is no other.
static void ends_at_its_own_deadline_after(uint32_t first_ms, uint32_t second_ms) {
  struct world world = world_open(31);
  puppet_ref asker = world_puppet(&world, NULL);
  struct ask_order answered = {.to = world_puppet(&world, NULL), .ms = first_ms};
  struct ask_order order = {.ms = second_ms};
  order.to = world_puppet_with(&world, (struct puppet_args){.on_ask = keep},
                               (act_mailbox_options){0}, (act_limits){0});
  world_run(&world, asker, make_ask, &answered);
  assert_int_equal(answered.outcome.value, 6);
  int64_t asked = act_sim_now(world.sim);
  world_run(&world, asker, make_ask, &order);
  act_sim_advance(world.sim, second_ms - 5);
  assert_int_equal(order.outcome.count, 0);
  act_sim_advance(world.sim, 10);
  assert_int_equal(order.outcome.count, 1);
  assert_int_equal(order.outcome.status, ACT_ETIMEDOUT);
  assert_true(order.outcome.at_ns >= asked + second_ms * INT64_C(1000000));
  act_sim_advance(world.sim, first_ms + second_ms);
  assert_int_equal(answered.outcome.count, 1);
  assert_int_equal(order.outcome.count, 1);
  world_close(&world);
}

static void ask_after_a_longer_one_ends_at_its_own_deadline(void **state) {
  (void)state;
  ends_at_its_own_deadline_after(10000, 100);
}

static void ask_after_a_shorter_one_ends_at_its_own_deadline(void **state) {
  (void)state;
  ends_at_its_own_deadline_after(100, 10000);
}

// Far more asks than records, none left behind: the alarms of ended asks end nothing.
static void alarms_of_ended_asks_end_no_later_ask(void **state) {
  (void)state;
  struct world world = world_open(32);
  puppet_ref asker = world_puppet(&world, NULL);
  struct ask_order order = {.to = world_puppet(&world, NULL), .ms = 20};
  for (unsigned i = 1; i <= 1000; i++) {
    world_run(&world, asker, make_ask, &order);
    assert_int_equal(order.outcome.count, i);
    assert_int_equal(order.outcome.status, ACT_OK);
    act_sim_advance(world.sim, i % 7);
  }
  world_close(&world);
}

// --- answers inside the record and in a block of their own -------------------------------------------

ACT_MSG(size_of, (u32, bytes, 1))
ACT_MSG(size_32, (u64, a, 1)(u64, b, 2)(u64, c, 3)(u64, d, 4))
ACT_MSG(size_40, (u64, a, 1)(u64, b, 2)(u64, c, 3)(u64, d, 4)(u64, e, 5))
ACT_MSG(size_text, (str, text, 1))
#define SIZES(CAST, CALL, P)          \
  CALL(P, 1, s32, size_of, size_32)   \
  CALL(P, 2, s40, size_of, size_40)   \
  CALL(P, 3, text, size_of, size_text)
ACT_PROTOCOL(sizes, 1, SIZES)

struct tailor {
  int unused;
};
ACT_ACTOR(tailor, sizes, SIZES, struct tailor, act_noargs)
static act_rc tailor_init(struct tailor *self, act_cx *cx, const act_noargs *args) {
  (void)self;
  (void)cx;
  (void)args;
  return ACT_OK;
}
static act_rc tailor_s32(struct tailor *self, act_cx *cx, const size_of *m, size_32_reply r) {
  (void)self;
  return size_32_answer(cx, r, (size_32){m->bytes, 2, 3, 4});
}
static act_rc tailor_s40(struct tailor *self, act_cx *cx, const size_of *m, size_40_reply r) {
  (void)self;
  return size_40_answer(cx, r, (size_40){m->bytes, 2, 3, 4, 5});
}
static act_rc tailor_text(struct tailor *self, act_cx *cx, const size_of *m, size_text_reply r) {
  (void)self;
  (void)m;
  return size_text_answer(cx, r, (size_text){.text = ACT_STR("made to measure")});
}

struct fitting {
  sizes_ref tailor;
  unsigned right;
};
ACT_ON(puppet_actor, on_32, size_32)
ACT_ON(puppet_actor, on_40, size_40)
ACT_ON(puppet_actor, on_text, size_text)

static act_rc on_32(struct puppet *self, act_cx *cx, act_rc st, const size_32 *v, uintptr_t tag) {
  (void)self;
  (void)cx;
  ((struct fitting *)tag)->right += !st && v->a == 32 && v->b == 2 && v->c == 3 && v->d == 4;
  return ACT_OK;
}
static act_rc on_40(struct puppet *self, act_cx *cx, act_rc st, const size_40 *v, uintptr_t tag) {
  (void)self;
  (void)cx;
  ((struct fitting *)tag)->right += !st && v->a == 40 && v->d == 4 && v->e == 5;
  return ACT_OK;
}
static act_rc on_text(struct puppet *self, act_cx *cx, act_rc st, const size_text *v,
                      uintptr_t tag) {
  (void)self;
  (void)cx;
  ((struct fitting *)tag)->right += !st && !strcmp(v->text.data, "made to measure");
  return ACT_OK;
}

static act_rc ask_sizes(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  struct fitting *fitting = arg;
  uintptr_t tag = (uintptr_t)arg;
  act_rc rc = sizes_ask_s32(cx, fitting->tailor, (size_of){.bytes = 32}, 100, on_32_then(tag));
  if (!rc) rc = sizes_ask_s40(cx, fitting->tailor, (size_of){.bytes = 40}, 100, on_40_then(tag));
  if (!rc) rc = sizes_ask_text(cx, fitting->tailor, (size_of){0}, 100, on_text_then(tag));
  return rc;
}

static void answers_up_to_the_small_size_and_past_it_arrive_whole(void **state) {
  (void)state;
  struct world world = world_open(33);
  struct fitting fitting = {.right = 0};
  act_child child = {.id = "tailor", .behavior = &tailor};
  assert_int_equal(act_sim_spawn(world.sim, &child, &fitting.tailor.pid), ACT_OK);
  world_run(&world, world_puppet(&world, NULL), ask_sizes, &fitting);
  act_sim_advance(world.sim, 10);
  assert_int_equal(fitting.right, 3);
  const size_32 *value;
  assert_int_equal(sizes_call_s32(world.cx, fitting.tailor, (size_of){.bytes = 32}, 100, &value),
                   ACT_OK);
  assert_int_equal(value->a, 32);
  act_reply_free(world.cx, value);
  world_close(&world);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ask_after_a_longer_one_ends_at_its_own_deadline),
      cmocka_unit_test(ask_after_a_shorter_one_ends_at_its_own_deadline),
      cmocka_unit_test(alarms_of_ended_asks_end_no_later_ask),
      cmocka_unit_test(answers_up_to_the_small_size_and_past_it_arrive_whole),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
