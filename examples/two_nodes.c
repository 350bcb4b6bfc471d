// SPDX-License-Identifier: Apache-2.0
//
// Two nodes over a Unix socket: look up, ask, and be told when the other node is lost.
//
// Run: bazel run //examples:two_nodes                      both, the second one started by the first
//      bazel run //examples:two_nodes -- serve /tmp/greeter.sock     one in one terminal,
//      bazel run //examples:two_nodes -- visit /tmp/greeter.sock     one in another
//
// The visitor looks the greeter up by name, asks it, and monitors it. Then the greeter's node is
// killed (with -9): the monitor says node_lost, and the next ask ends ACT_ELINK at once.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <troupe.h>

// --- the contract: what a header would hold --------------------------------------------------------

ACT_MSG(greet_request, (str, name, 1))
ACT_MSG(greet_answer, (str, text, 1)(i64, os_pid, 2))
#define GREETER(CAST, CALL, P) CALL(P, 1, greet, greet_request, greet_answer)
ACT_PROTOCOL(greeter, 1, GREETER)

// --- the greeter: a node of its own ------------------------------------------------------------------

struct greeting {
  int guests;
};
ACT_ACTOR(host, greeter, GREETER, struct greeting, act_noargs)

static act_rc host_init(struct greeting *self, act_cx *cx, const act_noargs *args) {
  return ACT_OK;
}

static act_rc host_greet(struct greeting *self, act_cx *cx, const greet_request *m,
                         greet_answer_reply r) {
  char text[80];
  snprintf(text, sizeof text, "hello %.32s, guest number %d", m->name.data, ++self->guests);
  return greet_answer_answer(cx, r, (greet_answer){.text = act_str_of(text), .os_pid = getpid()});
}

static int serve(const char *address) {
  static const act_child kids[] = {{.id = "greeter", .name = "greeter", .behavior = &host}};
  static const act_sup root = {.kids = kids, .nkids = ACT_COUNT(kids)};
  return act_main(&(act_node){.name = "greeter", .listen = address}, &root);
}

// --- the visitor -----------------------------------------------------------------------------------------

struct visit_args {
  const char *address;
  bool kill;  // the greeter's node, once it has greeted twice
};
struct visit {
  struct visit_args args;
  greeter_ref greeter;
  int answers;
};
ACT_ACTOR0(visitor, struct visit, struct visit_args)
ACT_ON_TICK(visitor, try_again)
ACT_ON_FOUND(visitor, on_found, greeter)
ACT_ON(visitor, on_answer, greet_answer)
ACT_ON_DOWN(visitor, on_down)
ACT_ON(visitor, on_last, greet_answer)

static act_rc look_up(struct visit *self, act_cx *cx) {
  char name[160];
  snprintf(name, sizeof name, "greeter@%s", self->args.address);
  return greeter_lookup(cx, name, ACT_SEC(5), on_found_then(0));
}

static act_rc visitor_init(struct visit *self, act_cx *cx, const struct visit_args *args) {
  self->args = *args;
  return look_up(self, cx);
}

static act_rc try_again(struct visit *self, act_cx *cx, const act_tick *tick) {
  return look_up(self, cx);
}

static act_rc ask(struct visit *self, act_cx *cx) {
  return greeter_ask_greet(cx, self->greeter, (greet_request){.name = ACT_STR("Ada")}, ACT_SEC(5),
                           on_answer_then(0));
}

static act_rc on_found(struct visit *self, act_cx *cx, act_rc st, greeter_ref ref, uintptr_t tag) {
  // Nobody listens yet: the other node has just been started.
  if (st == ACT_ELINK) return act_after(cx, ACT_MS(20), try_again_then(0), NULL);
  if (st) return act_fail(cx, st, "no greeter: %s", act_rc_text(st));
  printf("found the greeter on another node\n");
  self->greeter = ref;
  act_rc rc = act_monitor(cx, ref.pid, on_down_then(0), NULL);
  return rc ? rc : ask(self, cx);
}

static act_rc on_answer(struct visit *self, act_cx *cx, act_rc st, const greet_answer *v,
                        uintptr_t tag) {
  if (st) return act_fail(cx, st, "no answer: %s", act_rc_text(st));
  printf("%s\n", v->text.data);
  if (++self->answers < 2) return ask(self, cx);
  if (self->args.kill) {
    kill((pid_t)v->os_pid, SIGKILL);
  } else {
    act_request_stop(act_cx_runtime(cx));
  }
  return ACT_OK;
}

static act_rc on_down(struct visit *self, act_cx *cx, const act_down *down) {
  printf("the greeter is gone: %s\n", act_reason_name(down->reason));
  return greeter_ask_greet(cx, self->greeter, (greet_request){.name = ACT_STR("Ada")}, ACT_SEC(5),
                           on_last_then(0));
}

static act_rc on_last(struct visit *self, act_cx *cx, act_rc st, const greet_answer *v,
                      uintptr_t tag) {
  printf("asked once more: %s\n", act_rc_name(st));
  act_request_stop(act_cx_runtime(cx));
  return ACT_OK;
}

static int visit(const char *address, bool kill) {
  struct visit_args args = {.address = address, .kill = kill};
  const act_child kids[] = {{.id = "visitor", .behavior = &visitor, .args = &args}};
  const act_sup root = {.kids = kids, .nkids = ACT_COUNT(kids)};
  return act_main(&(act_node){.name = "visitor"}, &root);
}

// --- both at once ------------------------------------------------------------------------------------------

static int play(void) {
  char folder[] = "/tmp/two_nodes-XXXXXX", path[64], address[80];
  if (!mkdtemp(folder)) return 1;
  snprintf(path, sizeof path, "%s/socket", folder);
  snprintf(address, sizeof address, "unix:%s", path);
  pid_t greeter = fork();
  if (greeter == 0) {
    execl("/proc/self/exe", "two_nodes", "serve", path, (char *)NULL);
    _exit(127);
  }
  int code = greeter < 0 ? 1 : visit(address, true);
  if (greeter > 0) {
    kill(greeter, SIGKILL);
    waitpid(greeter, NULL, 0);
  }
  unlink(path);  // a killed node leaves its socket
  rmdir(folder);
  return code;
}

int main(int argc, char **argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (argc < 3) return play();
  char address[128];
  snprintf(address, sizeof address, "unix:%s", argv[2]);
  return strcmp(argv[1], "serve") == 0 ? serve(address) : visit(address, false);
}
