// SPDX-License-Identifier: Apache-2.0
//
// Sends: the bound, the verdicts, order, and what becomes of what is not handled.
#include "tests/actors/world.h"

#include <string.h>

static act_rc end_now(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  (void)arg;
  act_end(cx);
  return ACT_OK;
}

static act_rc fail_now(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  (void)arg;
  return act_fail(cx, ACT_EFAIL, "as told");
}

static void messages_of_one_sender_arrive_in_order(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 50; seed++) {
    struct world world = world_open(seed);
    struct puppet_log log = {0};
    puppet_ref to = world_puppet(&world, &log);
    for (int i = 0; i < 500; i++) {
      assert_int_equal(puppet_send_note(world.cx, to, (puppet_number){.n = i}), ACT_OK);
    }
    act_sim_settle(world.sim);
    assert_int_equal(log.count, 500);
    for (int i = 0; i < 500; i++) assert_int_equal(log.notes[i], i);
    world_close(&world);
  }
}

static void full_mailbox_refuses_at_exactly_its_bound_in_messages(void **state) {
  (void)state;
  struct world world = world_open(1);
  struct puppet_log log = {0};
  puppet_ref to = world_puppet_with(&world, (struct puppet_args){.log = &log},
                                    (act_mailbox_options){.msgs = 3}, (act_limits){0});
  for (int i = 0; i < 3; i++) {
    assert_int_equal(puppet_send_note(world.cx, to, (puppet_number){.n = i}), ACT_OK);
  }
  assert_int_equal(puppet_send_note(world.cx, to, (puppet_number){.n = 3}), ACT_EFULL);
  act_sim_settle(world.sim);
  assert_int_equal(puppet_send_note(world.cx, to, (puppet_number){.n = 4}), ACT_OK);
  act_sim_settle(world.sim);
  assert_int_equal(log.count, 4);
  assert_int_equal(world_counters(&world).refused, 1);
  world_close(&world);
}

static void full_mailbox_refuses_at_exactly_its_bound_in_bytes(void **state) {
  (void)state;
  struct world world = world_open(1);
  struct puppet_log log = {0};
  // One note takes one unit of 64 bytes: header 40, payload 16.
  puppet_ref to = world_puppet_with(&world, (struct puppet_args){.log = &log},
                                    (act_mailbox_options){.bytes = 256}, (act_limits){0});
  for (int i = 0; i < 4; i++) {
    assert_int_equal(puppet_send_note(world.cx, to, (puppet_number){.n = i}), ACT_OK);
  }
  assert_int_equal(puppet_send_note(world.cx, to, (puppet_number){.n = 4}), ACT_EFULL);
  act_sim_settle(world.sim);
  world_close(&world);
}

// The room of a message is its own until its handler has returned.
static act_rc send_to_self_until_full(struct puppet *self, act_cx *cx, void *arg) {
  (void)self;
  puppet_ref me = {act_self(cx)};
  int *accepted = arg;
  while (puppet_send_note(cx, me, (puppet_number){.n = *accepted}) == ACT_OK) ++*accepted;
  return ACT_OK;
}

static void message_holds_its_room_while_it_is_handled(void **state) {
  (void)state;
  struct world world = world_open(1);
  struct puppet_log log = {0};
  puppet_ref to = world_puppet_with(&world, (struct puppet_args){.log = &log},
                                    (act_mailbox_options){.msgs = 8}, (act_limits){0});
  int accepted = 0;
  world_run(&world, to, send_to_self_until_full, &accepted);
  assert_int_equal(accepted, 7);
  assert_int_equal(log.count, 7);
  world_close(&world);
}

static void send_to_an_ended_actor_is_refused_as_dead(void **state) {
  (void)state;
  struct world world = world_open(1);
  puppet_ref to = world_puppet(&world, NULL);
  world_run(&world, to, end_now, NULL);
  assert_int_equal(puppet_send_note(world.cx, to, (puppet_number){.n = 1}), ACT_EDEAD);
  puppet_ref nobody = {{0, 0, 0, 0, 0}};
  assert_int_equal(puppet_send_note(world.cx, nobody, (puppet_number){.n = 1}), ACT_EDEAD);
  puppet_ref elsewhere = to;
  elsewhere.pid.node ^= 1;
  assert_int_equal(puppet_send_note(world.cx, elsewhere, (puppet_number){.n = 1}), ACT_ENOROUTE);
  world_close(&world);
}

static void address_never_means_a_later_actor_in_the_same_slot(void **state) {
  (void)state;
  struct world world = world_open(1);
  puppet_ref first = world_puppet(&world, NULL);
  world_run(&world, first, end_now, NULL);
  struct puppet_log log = {0};
  puppet_ref second = world_puppet(&world, &log);
  assert_int_equal(second.pid.slot, first.pid.slot);  // otherwise this shows nothing
  assert_int_not_equal(second.pid.gen, first.pid.gen);
  assert_int_equal(puppet_send_note(world.cx, first, (puppet_number){.n = 1}), ACT_EDEAD);
  puppet_svc stale = puppet_at(first);
  assert_int_equal(puppet_svc_send_note(world.cx, stale, (puppet_number){.n = 1}), ACT_EDEAD);
  act_sim_settle(world.sim);
  assert_int_equal(log.count, 0);
  world_close(&world);
}

struct seen_records {
  unsigned count;
  act_undelivered last;
};

static void see(void *arg, const act_undelivered *record) {
  struct seen_records *seen = arg;
  seen->count++;
  seen->last = *record;
}

static void accepted_message_of_a_failed_actor_is_one_undelivered_record(void **state) {
  (void)state;
  struct seen_records seen = {0};
  act_node node = {.name = "records", .undelivered = see, .undelivered_arg = &seen};
  struct world world = {0};
  assert_int_equal(act_sim_open(1, &node, NULL, &world.sim), ACT_OK);
  world.cx = act_sim_cx(world.sim);
  struct puppet_log log = {0};
  puppet_ref to = world_puppet(&world, &log);
  puppet_do fail = {.fn = (uintptr_t)fail_now};
  assert_int_equal(puppet_send_run(world.cx, to, fail), ACT_OK);
  for (int i = 0; i < 5; i++) {
    assert_int_equal(puppet_send_note(world.cx, to, (puppet_number){.n = i}), ACT_OK);
  }
  act_sim_settle(world.sim);
  assert_int_equal(log.count, 0);
  assert_int_equal(seen.count, 5);
  assert_int_equal(seen.last.reason, ACT_EDEAD);
  assert_string_equal(seen.last.op->name, "note");
  assert_true(act_pid_same_actor(seen.last.to, to.pid));
  act_counters counters = world_counters(&world);
  assert_int_equal(counters.undelivered, 5);
  assert_int_equal(counters.sent, counters.handled + counters.undelivered);
  world_close(&world);
}

static void cast_that_is_refused_is_an_undelivered_record(void **state) {
  (void)state;
  struct seen_records seen = {0};
  act_node node = {.name = "records", .undelivered = see, .undelivered_arg = &seen};
  struct world world = {0};
  assert_int_equal(act_sim_open(1, &node, NULL, &world.sim), ACT_OK);
  puppet_ref nobody = {{0, 0, 0, 0, 0}};
  puppet_cast_note(act_sim_cx(world.sim), nobody, (puppet_number){.n = 1});
  assert_int_equal(seen.count, 1);
  assert_int_equal(seen.last.reason, ACT_EDEAD);
  world_close(&world);
}

ACT_MSG(letter, (str, text, 1)(list, numbers, 2, i64))
#define READER(CAST, CALL, P) CAST(P, 1, letter, letter)
ACT_PROTOCOL(reader, 1, READER)
struct reader {
  char text[32];
  int64_t sum;
};
struct reader_args {
  struct reader *out;
};
struct reader_state {
  struct reader *out;
};
ACT_ACTOR(reader_actor, reader, READER, struct reader_state, struct reader_args)
static act_rc reader_actor_init(struct reader_state *self, act_cx *cx,
                                const struct reader_args *args) {
  (void)cx;
  self->out = args->out;
  return ACT_OK;
}
static act_rc reader_actor_letter(struct reader_state *self, act_cx *cx, const letter *m) {
  (void)cx;
  strncpy(self->out->text, m->text.data, sizeof self->out->text - 1);
  for (uint32_t i = 0; i < m->numbers.count; i++) self->out->sum += m->numbers.items[i];
  return ACT_OK;
}

static void message_is_copied_whole_so_the_sender_may_reuse_its_memory(void **state) {
  (void)state;
  struct world world = world_open(1);
  struct reader seen = {{0}, 0};
  struct reader_args args = {&seen};
  reader_ref to;
  act_child child = {.id = "reader", .behavior = &reader_actor, .args = &args};
  assert_int_equal(act_sim_spawn(world.sim, &child, &to.pid), ACT_OK);
  char text[] = "on the stack";
  int64_t numbers[] = {1, 2, 3};
  letter m = {.text = act_str_of(text), .numbers = ACT_LIST(numbers)};
  assert_int_equal(reader_send_letter(world.cx, to, m), ACT_OK);
  memset(text, 'x', sizeof text - 1);
  memset(numbers, 0, sizeof numbers);
  act_sim_settle(world.sim);
  assert_string_equal(seen.text, "on the stack");
  assert_int_equal(seen.sum, 6);
  world_close(&world);
}

static void message_of_a_protocol_that_the_actor_does_not_speak_is_undelivered(void **state) {
  (void)state;
  struct world world = world_open(1);
  puppet_ref puppet = world_puppet(&world, NULL);
  reader_ref wrong = {puppet.pid};
  assert_int_equal(reader_send_letter(world.cx, wrong, (letter){.text = ACT_STR("?")}), ACT_OK);
  act_sim_settle(world.sim);
  assert_int_equal(world_counters(&world).undelivered, 1);
  assert_true(act_sim_is_alive(world.sim, puppet.pid));
  world_close(&world);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(messages_of_one_sender_arrive_in_order),
      cmocka_unit_test(full_mailbox_refuses_at_exactly_its_bound_in_messages),
      cmocka_unit_test(full_mailbox_refuses_at_exactly_its_bound_in_bytes),
      cmocka_unit_test(message_holds_its_room_while_it_is_handled),
      cmocka_unit_test(send_to_an_ended_actor_is_refused_as_dead),
      cmocka_unit_test(address_never_means_a_later_actor_in_the_same_slot),
      cmocka_unit_test(accepted_message_of_a_failed_actor_is_one_undelivered_record),
      cmocka_unit_test(cast_that_is_refused_is_an_undelivered_record),
      cmocka_unit_test(message_is_copied_whole_so_the_sender_may_reuse_its_memory),
      cmocka_unit_test(message_of_a_protocol_that_the_actor_does_not_speak_is_undelivered),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
