// SPDX-License-Identifier: Apache-2.0
//
// A worker that crashes for real, and a supervisor that takes it as an ordinary failure.
//
// Run: bazel run //examples:crash_and_restart
//
// The worker lives in a process of its own. Its handler writes through a null pointer: the process
// dies of signal 11, the supervisor restarts it, and the boss, which watches it, goes on with the
// same reference. The boss and its numbers never notice more than a DOWN notice.
#include <stdio.h>
#include <troupe.h>

ACT_MSG(divide, (i64, a, 1)(i64, b, 2))
ACT_MSG(quotient, (i64, value, 1))
#define DIVIDER(CAST, CALL, P) CALL(P, 1, divide, divide, quotient)
ACT_PROTOCOL(divider, 1, DIVIDER)

// --- the worker ----------------------------------------------------------------------------------------

struct worker {
  int nothing;
};
ACT_ACTOR(worker, divider, DIVIDER, struct worker, act_noargs)

static act_rc worker_init(struct worker *self, act_cx *cx, const act_noargs *args) {
  return ACT_OK;
}

static act_rc worker_divide(struct worker *self, act_cx *cx, const divide *m, quotient_reply r) {
  volatile int *bug = NULL;
  if (m->b == 0) *bug = 1;  // the kind of mistake that takes a whole C program down
  return quotient_answer(cx, r, (quotient){.value = m->a / m->b});
}

// --- the boss ------------------------------------------------------------------------------------------

struct boss {
  divider_svc worker;
  int64_t b;
};
ACT_ACTOR0(boss, struct boss, act_noargs)
ACT_ON(boss, on_quotient, quotient)
ACT_ON_TICK(boss, on_tick)

static act_rc ask(struct boss *self, act_cx *cx) {
  return divider_svc_ask_divide(cx, self->worker, (divide){.a = 84, .b = self->b}, ACT_SEC(5),
                                on_quotient_then(0));
}

static act_rc boss_init(struct boss *self, act_cx *cx, const act_noargs *args) {
  act_rc rc = divider_svc_named(cx, "worker", &self->worker);
  self->b = 2;
  return rc ? rc : ask(self, cx);
}

// 84/2, then 84/0, which kills the worker, then 84/4 as soon as it is back.
static act_rc on_quotient(struct boss *self, act_cx *cx, act_rc st, const quotient *v,
                          uintptr_t tag) {
  if (st == ACT_ECLOSED || st == ACT_EDEAD) {
    if (self->b == 0) printf("84 / 0: the worker died of it (%s)\n", act_rc_name(st));
    self->b = 4;
    return act_after(cx, ACT_MS(20), on_tick_then(0), NULL);  // between two incarnations: again
  }
  if (st) return act_fail(cx, st, "no answer");
  printf("84 / %lld = %lld\n", (long long)self->b, (long long)v->value);
  if (self->b == 4) {
    act_request_stop(act_cx_runtime(cx));
    return ACT_OK;
  }
  self->b = 0;
  return ask(self, cx);
}

static act_rc on_tick(struct boss *self, act_cx *cx, const act_tick *tick) {
  return ask(self, cx);
}

static const act_child kids[] = {
    {.id = "worker", .name = "worker", .behavior = &worker, .isolate = ACT_OWN_PROCESS},
    {.id = "boss", .behavior = &boss},
};
static const act_sup root = {.kids = kids, .nkids = ACT_COUNT(kids)};

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  return act_main(&(act_node){.name = "crash"}, &root);
}
