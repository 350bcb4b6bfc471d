// SPDX-License-Identifier: Apache-2.0
// One actor, one message. Run: bazel run //examples:hello
#include <stdio.h>
#include <troupe.h>

ACT_MSG(greet, (str, who, 1))
#define GREETER(CAST, CALL, P) CAST(P, 1, greet, greet)
ACT_PROTOCOL(greeter, 1, GREETER)

struct hello { int greeted; };
ACT_ACTOR(hello, greeter, GREETER, struct hello, act_noargs)

static act_rc hello_init(struct hello *self, act_cx *cx, const act_noargs *args) {
  return greeter_send_greet(cx, (greeter_ref){act_self(cx)}, (greet){.who = ACT_STR("world")});
}

static act_rc hello_greet(struct hello *self, act_cx *cx, const greet *m) {
  printf("hello, %s (%d)\n", m->who.data, ++self->greeted);
  act_request_stop(act_cx_runtime(cx));
  return ACT_OK;
}

static const act_child kids[] = {{.id = "hello", .behavior = &hello}};
int main(void) { return act_main(&(act_node){0}, &(act_sup){.kids = kids, .nkids = 1}); }
