// SPDX-License-Identifier: Apache-2.0
//
// A C++11 program that has an actor, sends to it, and asks it, over the real runtime.
#include <troupe.h>

#include <stdint.h>

#include <cstdio>
#include <cstring>

ACT_MSG(add, (i64, n, 1)(str, why, 2))
ACT_MSG(get, (flag, reset, 1))
ACT_MSG(sum, (i64, n, 1))
#define ADDER(CAST, CALL, P) CAST(P, 1, add, add) CALL(P, 2, get, get, sum)
ACT_PROTOCOL(adder, 1, ADDER)

struct adder_state {
  int64_t n;
  std::size_t letters;
};
ACT_ACTOR(adding, adder, ADDER, adder_state, act_noargs)

static act_rc adding_init(adding_state *, act_cx *, const act_noargs *) {
  return ACT_OK;
}

static act_rc adding_add(adding_state *self, act_cx *, const add *m) {
  self->n += m->n;
  self->letters += std::strlen(m->why.data);
  return ACT_OK;
}

static act_rc adding_get(adding_state *self, act_cx *cx, const get *, sum_reply reply) {
  sum answer = sum();
  answer.n = self->n + static_cast<int64_t>(self->letters);
  return sum_answer(cx, reply, answer);
}

static int check(bool holds, const char *what) {
  if (!holds) std::fprintf(stderr, "failed: %s\n", what);
  return holds ? 0 : 1;
}

int main() {
  act_child kid = act_child();
  kid.id = "adder";
  kid.name = "adder";
  kid.behavior = &adding;
  act_sup root = act_sup();
  root.kids = &kid;
  root.nkids = 1;
  act_node node = act_node();
  node.name = "c++";
  act_runtime *rt = nullptr;
  if (check(act_start(&node, &root, &rt) == ACT_OK, "start")) return 1;
  act_cx *cx = act_outside_open(rt);
  adder_svc to;
  int failures = check(adder_svc_named(cx, "adder", &to) == ACT_OK, "name");
  for (int i = 1; i <= 10; i++) {
    add m = add();
    m.n = i;
    m.why = ACT_STR("sum");
    failures += check(adder_svc_send_add(cx, to, m) == ACT_OK, "send");
  }
  const sum *answer = nullptr;
  failures += check(adder_svc_call_get(cx, to, get(), ACT_SEC(10), &answer) == ACT_OK, "ask");
  failures += check(answer && answer->n == 55 + 30, "sum");
  act_reply_free(cx, answer);
  act_outside_close(cx);
  failures += check(act_stop(rt) == 0, "stop");
  std::printf("[  %s  ] a_cplusplus_program_sends_and_asks\n", failures ? "FAILED" : "PASSED");
  return failures ? 1 : 0;
}
