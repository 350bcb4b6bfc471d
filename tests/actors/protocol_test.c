// SPDX-License-Identifier: Apache-2.0
//
// actors/protocol: the typed functions and tables that the lists become. The functions below them are
// stand-ins that note what they were called with, so nothing here runs an actor.
#include "actors/protocol.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/actors/protocol_calls.h"
#include "tests/actors/protocol_contract.h"

struct tally {
  int64_t n;
  counter_svc log;
  act_rc status;
  uintptr_t tag;
};
struct tally_args {
  int64_t start;
};
ACT_ACTOR2(tally, counter, COUNTER, owner, OWNER, struct tally, struct tally_args)
ACT_EXPORT(tally)
extern const act_behavior tally_behavior;

ACT_ON(tally, on_value, counter_value)
ACT_ON_TICK(tally, on_tick)
ACT_ON_DOWN(tally, on_down)
ACT_ON_EXIT(tally, on_exit_of_child)
ACT_ON_DONE(tally, on_done)
ACT_ON_FOUND(tally, on_found, counter)

static act_rc tally_init(struct tally *self, act_cx *cx, const struct tally_args *args) {
  (void)cx;
  self->n = args->start;
  return ACT_OK;
}
static act_rc tally_incr(struct tally *self, act_cx *cx, const counter_incr *m) {
  (void)cx;
  self->n += m->by;
  return ACT_OK;
}
static act_rc tally_get(struct tally *self, act_cx *cx, const counter_get *m,
                        counter_value_reply r) {
  if (m->reset) return counter_value_refuse(cx, r, ACT_EACCES);
  return counter_value_answer(cx, r, (counter_value){.value = self->n});
}
static act_rc tally_own(struct tally *self, act_cx *cx, const owner_own *m) {
  (void)cx;
  self->log = m->log;
  return ACT_OK;
}
static act_rc on_value(struct tally *self, act_cx *cx, act_rc st, const counter_value *v,
                       uintptr_t tag) {
  (void)cx;
  self->n = v ? v->value : -1;
  self->tag = tag;
  return st;
}
static act_rc on_tick(struct tally *self, act_cx *cx, const act_tick *tick) {
  (void)cx;
  self->n = (int64_t)tick->missed;
  return ACT_OK;
}
static act_rc on_down(struct tally *self, act_cx *cx, const act_down *down) {
  (void)cx;
  self->status = down->rc;
  return ACT_OK;
}
static act_rc on_exit_of_child(struct tally *self, act_cx *cx, const act_exit *exit) {
  (void)cx;
  self->status = exit->rc;
  return ACT_OK;
}
static act_rc on_done(struct tally *self, act_cx *cx, act_rc st, void *arg, uintptr_t tag) {
  (void)cx;
  *(int *)arg = 7;
  self->tag = tag;
  return st;
}
static act_rc on_found(struct tally *self, act_cx *cx, act_rc st, counter_ref ref, uintptr_t tag) {
  (void)cx, (void)tag;
  self->log.pid = ref.pid;
  return st;
}

struct router {
  const act_op *last;
};
ACT_ACTOR_ANY(router, struct router, act_noargs)
static act_rc router_init(struct router *self, act_cx *cx, const act_noargs *args) {
  (void)cx, (void)args;
  self->last = NULL;
  return ACT_OK;
}
static act_rc router_any(struct router *self, act_cx *cx, const act_any *m) {
  (void)cx;
  self->last = m->op;
  return ACT_OK;
}

ACT_ACTOR0(idle, struct router, act_noargs)
static act_rc idle_init(struct router *self, act_cx *cx, const act_noargs *args) {
  (void)self, (void)cx, (void)args;
  return ACT_LATER;
}

static act_cx *const cx = NULL;  // the stand-ins do not look at it
static const counter_ref ref = {{1, 2, 3, 4, 0}};

static void protocol_is_described_by_its_tables(void **state) {
  (void)state;
  const act_op *get = act_protocol_op(&counter_protocol, 20);

  assert_string_equal(counter_protocol.name, "counter");
  assert_int_equal(counter_protocol.version, 3);
  assert_int_equal(counter_protocol.nops, 2);
  assert_int_equal(counter_op_get, 20);
  assert_string_equal(get->name, "get");
  assert_int_equal(get->index, 1);
  assert_ptr_equal(get->protocol, &counter_protocol);
  assert_ptr_equal(get->message, &counter_get_schema);
  assert_ptr_equal(get->reply, &counter_value_schema);
  assert_null(counter_protocol.ops[0].reply);
  assert_null(act_protocol_op(&counter_protocol, 2));
}

static void content_hash_tells_protocols_apart(void **state) {
  (void)state;
  act_protocol newer = counter_protocol;
  act_protocol shorter = counter_protocol;

  newer.version = 4;
  shorter.nops = 1;
  assert_true(act_protocol_hash(&counter_protocol) != act_protocol_hash(&owner_protocol));
  assert_true(act_protocol_hash(&counter_protocol) != act_protocol_hash(&newer));
  assert_true(act_protocol_hash(&counter_protocol) != act_protocol_hash(&shorter));
}

static void send_cast_ask_and_call_pass_op_target_and_message(void **state) {
  (void)state;
  const counter_value *out;

  calls_reset();
  assert_int_equal(counter_send_incr(cx, ref, (counter_incr){.by = 5}), ACT_OK);
  calls_expect("send", ref.pid, &counter_ops_[0], 5);
  counter_cast_incr(cx, ref, (counter_incr){.by = 6});
  calls_expect("cast", ref.pid, &counter_ops_[0], 6);
  calls.rc = ACT_EFULL;
  assert_int_equal(counter_ask_get(cx, ref, (counter_get){false}, 200, on_value_then(9)),
                   ACT_EFULL);
  calls_expect("ask", ref.pid, &counter_ops_[1], 0);
  assert_int_equal(calls.ms, 200);
  assert_int_equal(calls.then.tag, 9);
  calls.rc = ACT_OK;
  assert_int_equal(counter_call_get(cx, ref, (counter_get){false}, 100, &out), ACT_OK);
  calls_expect("call", ref.pid, &counter_ops_[1], 0);
  assert_int_equal(out->value, 77);
}

static void svc_means_whichever_incarnation(void **state) {
  (void)state;
  counter_svc svc = counter_at(ref);
  act_pid any_epoch = {1, 2, 3, 0, 0};
  const counter_value *out;

  calls_reset();
  assert_int_equal(counter_svc_send_incr(cx, svc, (counter_incr){.by = 5}), ACT_OK);
  calls_expect("send", any_epoch, &counter_ops_[0], 5);
  counter_svc_cast_incr(cx, svc, (counter_incr){.by = 5});
  calls_expect("cast", any_epoch, &counter_ops_[0], 5);
  assert_int_equal(counter_svc_ask_get(cx, svc, (counter_get){false}, 1, on_value_then(0)), ACT_OK);
  calls_expect("ask", any_epoch, &counter_ops_[1], 0);
  assert_int_equal(counter_svc_call_get(cx, svc, (counter_get){false}, 1, &out), ACT_OK);
  calls_expect("call", any_epoch, &counter_ops_[1], 0);
}

static void lookups_name_the_protocol(void **state) {
  (void)state;
  counter_svc svc;

  calls_reset();
  assert_int_equal(counter_lookup(cx, "tally", 500, on_found_then(1)), ACT_OK);
  assert_string_equal(calls.what, "lookup tally");
  assert_ptr_equal(calls.protocol, &counter_protocol);
  assert_int_equal(counter_svc_named(cx, "tally", &svc), ACT_OK);
  assert_string_equal(calls.what, "named tally");
  assert_int_equal(svc.pid.slot, 42);
}

static void behavior_leads_to_the_handlers(void **state) {
  (void)state;
  struct tally self = {0};
  act_reply token = {5, 6, 7};
  const act_handler_fn *handlers = tally.speaks[0].handlers;

  calls_reset();
  assert_string_equal(tally.name, "tally");
  assert_int_equal(tally.state_size, sizeof(struct tally));
  assert_int_equal(tally.nspeaks, 2);
  assert_ptr_equal(tally.speaks[1].protocol, &owner_protocol);
  assert_ptr_equal(&tally_behavior, &tally);
  assert_int_equal(tally.init(&self, cx, &(struct tally_args){39}), ACT_OK);
  assert_int_equal(handlers[0](&self, cx, &(counter_incr){.by = 3}, token), ACT_OK);
  assert_int_equal(handlers[1](&self, cx, &(counter_get){false}, token), ACT_OK);
  assert_string_equal(calls.what, "answer");
  assert_int_equal(calls.number, 42);
  assert_int_equal(calls.reply.gen, 7);
  assert_int_equal(handlers[1](&self, cx, &(counter_get){true}, token), ACT_OK);
  assert_int_equal(calls.status, ACT_EACCES);
  owner_own own = {.log = {{9, 9, 9, 0, 0}}};
  assert_int_equal(tally.speaks[1].handlers[0](&self, cx, &own, token), ACT_OK);
  assert_int_equal(self.log.pid.slot, 9);
}

static void continuations_lead_to_their_functions(void **state) {
  (void)state;
  struct tally self = {0};
  int job = 0;
  act_pid found = {1, 8, 1, 1, 0};
  act_then then = on_value_then(3).t;

  assert_int_equal(then.fn(&self, cx, ACT_OK, &(counter_value){11}, then.tag), ACT_OK);
  assert_true(self.n == 11 && self.tag == 3);
  assert_int_equal(then.fn(&self, cx, ACT_ETIMEDOUT, NULL, then.tag), ACT_ETIMEDOUT);
  assert_int_equal(self.n, -1);
  then = on_tick_then(0).t;
  assert_int_equal(then.fn(&self, cx, ACT_OK, &(act_tick){.missed = 4}, 0), ACT_OK);
  assert_int_equal(self.n, 4);
  then = on_down_then(0).t;
  assert_int_equal(then.fn(&self, cx, ACT_OK, &(act_down){.rc = ACT_ELINK}, 0), ACT_OK);
  assert_int_equal(self.status, ACT_ELINK);
  then = on_exit_of_child_then(0).t;
  assert_int_equal(then.fn(&self, cx, ACT_OK, &(act_exit){.rc = ACT_EFAIL}, 0), ACT_OK);
  assert_int_equal(self.status, ACT_EFAIL);
  then = on_done_then(12).t;
  assert_int_equal(then.fn(&self, cx, ACT_EFAIL, &job, then.tag), ACT_EFAIL);
  assert_true(job == 7 && self.tag == 12);
  then = on_found_then(0).t;
  assert_int_equal(then.fn(&self, cx, ACT_OK, &found, 0), ACT_OK);
  assert_int_equal(self.log.pid.slot, 8);
  assert_int_equal(then.fn(&self, cx, ACT_ENOENT, NULL, 0), ACT_ENOENT);
  assert_true(act_pid_is_nobody(self.log.pid));
}

static void any_actor_takes_whatever_comes(void **state) {
  (void)state;
  struct router self = {NULL};
  act_any message = {.op = &counter_ops_[1]};

  assert_int_equal(router.nspeaks, 0);
  assert_int_equal(router.any(&self, cx, &message), ACT_OK);
  assert_ptr_equal(self.last, &counter_ops_[1]);
  assert_null(idle.any);
  assert_null(tally.any);
  assert_int_equal(idle.init(&self, cx, NULL), ACT_LATER);
}

static void reasons_have_names(void **state) {
  (void)state;

  assert_string_equal(act_reason_name(ACT_REASON_NORMAL), "normal");
  assert_string_equal(act_reason_name(ACT_REASON_NODE_REPLACED), "node_replaced");
  assert_string_equal(act_reason_name((act_reason)99), "?");
}

static void cxx_sends_asks_and_calls(void **state) {
  (void)state;

  calls_reset();
  assert_int_equal(cxx_send(cx, ref, 5), ACT_OK);
  calls_expect("send", ref.pid, &counter_ops_[0], 5);
  assert_int_equal(cxx_ask(cx, ref), ACT_OK);
  calls_expect("ask", ref.pid, &counter_ops_[1], 0);
  assert_int_equal(cxx_continue(calls.then, 13), 13);
  assert_int_equal(cxx_call(cx, ref), 77);
  assert_string_equal(cxx_behavior()->name, "cxx_tally");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(protocol_is_described_by_its_tables),
      cmocka_unit_test(content_hash_tells_protocols_apart),
      cmocka_unit_test(send_cast_ask_and_call_pass_op_target_and_message),
      cmocka_unit_test(svc_means_whichever_incarnation),
      cmocka_unit_test(lookups_name_the_protocol),
      cmocka_unit_test(behavior_leads_to_the_handlers),
      cmocka_unit_test(continuations_lead_to_their_functions),
      cmocka_unit_test(any_actor_takes_whatever_comes),
      cmocka_unit_test(reasons_have_names),
      cmocka_unit_test(cxx_sends_asks_and_calls),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
