// SPDX-License-Identifier: Apache-2.0
//
// For tests of own processes: an actor that does and dies as it is told, and the tree it is in. The
// program is its own child: its main runs act_main with that tree when it is one.
#ifndef TROUPE_TESTS_ACTORS_KID_H
#define TROUPE_TESTS_ACTORS_KID_H

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "tests/actors/host.h"

// --- the actor in the process ------------------------------------------------------------------------

ACT_MSG(km_args, (i64, start, 1)(i32, what, 2)(pid, host, 3))
ACT_MSG(km_do, (i32, what, 1)(str, text, 2))
ACT_MSG(km_get, (flag, hold, 1))
ACT_MSG(km_state, (i64, start, 1)(u64, count, 2)(u64, disorder, 3)(i64, os_pid, 4)(pid, self, 5)
                  (str, text, 6))
ACT_MSG(km_number, (u64, n, 1)(bytes, padding, 2))
#define KID(CAST, CALL, P)            \
  CAST(P, 1, die, km_do)              \
  CALL(P, 2, get, km_get, km_state)   \
  CAST(P, 3, number, km_number)
ACT_PROTOCOL(kidp, 1, KID)

enum { LIVE, SEGV, ABORT, EXIT3, EXIT0, FAIL, END, LOOP, LATER, LAST_WORDS };
#define WORDS 100u

struct kid {
  int64_t start;
  uint64_t count, disorder, last;
  km_state_reply held;
  hostp_ref host;
};
ACT_ACTOR(kid, kidp, KID, struct kid, km_args)
ACT_ON_FOUND(kid, on_host, hostp)
ACT_ON_TICK(kid, on_ready)

static act_rc die(act_cx *cx, int32_t what) {
  switch (what) {
    case SEGV: raise(SIGSEGV); break;
    case ABORT: abort();
    case EXIT3: _exit(3);
    case EXIT0: _exit(0);
    case FAIL: return act_fail(cx, ACT_EBADMSG, "told to fail");
    case END: act_end(cx); break;
    case LOOP:
      for (volatile int forever = 1; forever;) {
      }
      break;
    default: break;
  }
  return ACT_OK;
}

static hm_up me(act_cx *cx) {
  return (hm_up){.os_pid = getpid(), .self = act_self(cx)};
}

static act_rc kid_init(struct kid *self, act_cx *cx, const km_args *args) {
  signal(SIGSEGV, SIG_DFL);  // a sanitizer's handler would make an exit of it
  if (args) self->start = args->start;
  if (args && args->host.node) {  // its address came with the arguments, and credit with it
    self->host.pid = args->host;
    act_rc rc = hostp_send_up(cx, self->host, me(cx));
    if (rc) return rc;
  } else {
    act_rc rc = hostp_lookup(cx, "host@parent", ACT_SEC(10), on_host_then(0));
    if (rc) return rc;
  }
  if (args && args->what == LATER) {
    act_rc rc = act_after(cx, ACT_MS(1), on_ready_then(0), NULL);
    return rc ? rc : ACT_LATER;
  }
  return args ? die(cx, args->what) : ACT_OK;
}

static act_rc on_ready(struct kid *self, act_cx *cx, const act_tick *tick) {
  (void)self;
  (void)tick;
  return act_ready(cx);
}

static act_rc on_host(struct kid *self, act_cx *cx, act_rc st, hostp_ref ref, uintptr_t tag) {
  (void)tag;
  if (st) return st;
  self->host = ref;
  return hostp_send_up(cx, ref, me(cx));
}

static act_rc say_last_words(struct kid *self, act_cx *cx) {
  for (unsigned i = 0; i < WORDS; i++) {
    act_rc rc = hostp_send_line(cx, self->host, (hm_line){.text = ACT_STR("word")});
    if (rc) return rc;
  }
  return ACT_OK;
}

static act_rc kid_die(struct kid *self, act_cx *cx, const km_do *m) {
  act_rc rc = ACT_OK;
  if (m->what == LAST_WORDS) {
    act_end(cx);
    return say_last_words(self, cx);
  }
  if (m->what == LOOP) rc = hostp_send_line(cx, self->host, (hm_line){.text = ACT_STR("looping")});
  return rc ? rc : die(cx, m->what);
}

static act_rc kid_get(struct kid *self, act_cx *cx, const km_get *m, km_state_reply r) {
  if (m->hold) {
    self->held = r;
    return act_reply_keep(cx, r.r);
  }
  km_state state = {.start = self->start,
                    .count = self->count,
                    .disorder = self->disorder,
                    .os_pid = getpid(),
                    .self = act_self(cx),
                    .text = ACT_STR("grüße")};
  return km_state_answer(cx, r, state);
}

static act_rc kid_number(struct kid *self, act_cx *cx, const km_number *m) {
  (void)cx;
  if (m->n != self->last + 1) self->disorder++;
  self->last = m->n;
  self->count++;
  return ACT_OK;
}

// --- trees ---------------------------------------------------------------------------------------------

static const km_args from39 = {.start = 39};
static const act_child kids[] = {
    HOST_KID,
    {.id = "kid", .name = "kid", .behavior = &kid, ACT_ARGS(km_args, &from39),
     .restart = ACT_PERMANENT, .isolate = ACT_OWN_PROCESS, .stop_ms = 3000},
};
static const act_sup tree = {.max_restarts = 1000, .within_ms = 60000, .kids = kids, .nkids = 2};
// Without a child to begin with; act_spawn makes them.
static const act_sup host_only = {.kids = kids, .nkids = 1};

static inline void open_tree(struct stage *stage) {
  diary_clear();
  stage_open(stage, (act_node){.log = &quiet}, &tree);
}

static inline void open_host(struct stage *stage) {
  diary_clear();
  stage_open(stage, (act_node){.log = &quiet}, &host_only);
}

static inline kidp_svc kid_of(struct stage *stage) {
  kidp_svc svc;
  assert_int_equal(kidp_svc_named(stage->cx, "kid", &svc), ACT_OK);
  return svc;
}

// Returns when it has stopped: the signal alone takes its time.
static inline void halt(pid_t pid) {
  assert_int_equal(kill(pid, SIGSTOP), 0);
  assert_int_equal(waitpid(pid, NULL, WUNTRACED), pid);
}

static inline long long wait_up(void) {
  char line[64];
  diary_wait_copy("up ", line, sizeof line);
  return atoll(line + 3);
}

#endif
