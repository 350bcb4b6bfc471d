// SPDX-License-Identifier: Apache-2.0
//
// For tests with real nodes and processes: a diary that the test waits on, and a host, an actor of the
// test's process that runs the test's functions in a handler and writes what it hears into the diary.
//
// Nothing here waits for time to pass: diary_wait ends when the line is there, or fails the test.
#ifndef TROUPE_TESTS_ACTORS_HOST_H
#define TROUPE_TESTS_ACTORS_HOST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <troupe.h>

#include "base/clock.h"
#include "base/thread.h"

#define PATIENCE_S 20

// --- the diary -----------------------------------------------------------------------------------

struct diary {
  struct act__mutex lock;
  struct act__cond changed;
  char *text;
  size_t size, read;
};

static struct diary diary;

static inline void diary_open(void) {
  act__mutex_init(&diary.lock);
  act__cond_init(&diary.changed);
}

static inline void diary_clear(void) {
  act__mutex_lock(&diary.lock);
  free(diary.text);
  diary.text = NULL;
  diary.size = diary.read = 0;
  act__mutex_unlock(&diary.lock);
}

static inline void diary_note(const char *format, ...) ACT_PRINTF(1, 2);
static inline void diary_note(const char *format, ...) {
  char line[512];
  va_list args;
  va_start(args, format);
  int n = vsnprintf(line, sizeof line - 1, format, args);
  va_end(args);
  if (n > (int)sizeof line - 2) n = (int)sizeof line - 2;
  line[n++] = '\n';
  line[n] = 0;
  act__mutex_lock(&diary.lock);
  diary.text = (char *)realloc(diary.text, diary.size + (size_t)n + 1);
  memcpy(diary.text + diary.size, line, (size_t)n + 1);
  diary.size += (size_t)n;
  act__cond_broadcast(&diary.changed);
  act__mutex_unlock(&diary.lock);
}

// Waits for a line that begins so, behind all that were waited for before; copies it if wanted.
static inline void diary_wait_copy(const char *begin, char *line, size_t size) {
  int64_t until = act__clock_now(act__clock_system()) + PATIENCE_S * ACT__NS_PER_S;
  act__mutex_lock(&diary.lock);
  for (;;) {
    char *at = diary.text ? diary.text + diary.read : NULL;
    while (at && *at && strncmp(at, begin, strlen(begin)) != 0) {
      at = strchr(at, '\n') + 1;
    }
    if (at && *at) {
      size_t length = (size_t)(strchr(at, '\n') - at);
      if (line) snprintf(line, size, "%.*s", (int)length, at);
      diary.read = (size_t)(at - diary.text) + length + 1;
      act__mutex_unlock(&diary.lock);
      return;
    }
    if (!act__cond_wait_until(&diary.changed, &diary.lock, until)) {
      print_message("diary:\n%s(waited for: %s)\n", diary.text ? diary.text : "", begin);
      act__mutex_unlock(&diary.lock);
      fail_msg("no line begins with: %s", begin);
    }
  }
}

static inline void diary_wait(const char *begin) {
  diary_wait_copy(begin, NULL, 0);
}

// How many lines begin so, from the start.
static inline unsigned diary_count(const char *begin) {
  unsigned count = 0;
  act__mutex_lock(&diary.lock);
  for (char *at = diary.text; at && *at; at = strchr(at, '\n') + 1) {
    count += strncmp(at, begin, strlen(begin)) == 0;
  }
  act__mutex_unlock(&diary.lock);
  return count;
}

// --- the host --------------------------------------------------------------------------------------

ACT_MSG(hm_do, (u64, fn, 1)(u64, arg, 2))
ACT_MSG(hm_done, (i32, rc, 1))
ACT_MSG(hm_up, (i64, os_pid, 1)(pid, self, 2))
ACT_MSG(hm_line, (str, text, 1))
#define HOST(CAST, CALL, P)        \
  CALL(P, 1, run, hm_do, hm_done)  \
  CAST(P, 2, up, hm_up)            \
  CAST(P, 3, line, hm_line)
ACT_PROTOCOL(hostp, 1, HOST)

struct host {
  act_pid kid;   // who came up last, as it calls itself
  act_mon mon;
};
typedef act_rc (*host_fn)(struct host *self, act_cx *cx, void *arg);

ACT_ACTOR(host, hostp, HOST, struct host, act_noargs)
ACT_ON_DOWN(host, host_on_down)
ACT_ON_EXIT(host, host_on_exit)

static act_rc host_init(struct host *self, act_cx *cx, const act_noargs *args) {
  (void)self;
  (void)cx;
  (void)args;
  return ACT_OK;
}

static act_rc host_run(struct host *self, act_cx *cx, const hm_do *m, hm_done_reply r) {
  host_fn fn = (host_fn)(uintptr_t)m->fn;
  return hm_done_answer(cx, r, (hm_done){.rc = fn(self, cx, (void *)(uintptr_t)m->arg)});
}

static act_rc host_up(struct host *self, act_cx *cx, const hm_up *m) {
  (void)cx;
  self->kid = m->self;
  diary_note("up %lld", (long long)m->os_pid);
  return ACT_OK;
}

static act_rc host_line(struct host *self, act_cx *cx, const hm_line *m) {
  (void)self;
  (void)cx;
  diary_note("%.*s", (int)m->text.size, m->text.data);
  return ACT_OK;
}

static act_rc host_on_down(struct host *self, act_cx *cx, const act_down *n) {
  (void)self;
  (void)cx;
  diary_note("down %s %s %s", act_reason_name(n->reason), act_rc_name(n->rc), n->text);
  return ACT_OK;
}

static act_rc host_on_exit(struct host *self, act_cx *cx, const act_exit *n) {
  (void)self;
  (void)cx;
  diary_note("exit %s %s %s %s", n->child, act_reason_name(n->reason), act_rc_name(n->rc), n->text);
  return ACT_OK;
}

// --- one runtime with a host in it ---------------------------------------------------------------

struct stage {
  act_runtime *rt;
  act_cx *cx;
  hostp_svc host;
};

static inline void stage_open(struct stage *stage, act_node node, const act_sup *tree) {
  if (!node.name) node.name = "test";
  assert_int_equal(act_start(&node, tree, &stage->rt), ACT_OK);
  stage->cx = act_outside_open(stage->rt);
  assert_non_null(stage->cx);
  assert_int_equal(hostp_svc_named(stage->cx, "host", &stage->host), ACT_OK);
}

// Runs a function inside the host and gives what it returned.
static inline act_rc stage_run(struct stage *stage, host_fn fn, void *arg) {
  const hm_done *done;
  act_rc rc = hostp_svc_call_run(
      stage->cx, stage->host, (hm_do){.fn = (uint64_t)(uintptr_t)fn, .arg = (uint64_t)(uintptr_t)arg},
      PATIENCE_S * 1000, &done);
  assert_int_equal(rc, ACT_OK);
  rc = (act_rc)done->rc;
  act_reply_free(stage->cx, done);
  return rc;
}

static inline act_counters stage_counters(struct stage *stage) {
  act_counters counters;
  act_read_counters(stage->rt, &counters);
  return counters;
}

static inline void stage_close(struct stage *stage) {
  act_outside_close(stage->cx);
  assert_int_equal(act_stop(stage->rt), 0);
}

static void host_quiet(void *arg, const act_log_record *record) {
  (void)arg;
  if (getenv("HOST_LOG")) fprintf(stderr, "[%d] %s\n", (int)getpid(), record->message);
}
static const act_log_sink quiet = {host_quiet, NULL, ACT_LOG_DEBUG};

#define HOST_KID {.id = "host", .name = "host", .behavior = &host, .restart = ACT_TEMPORARY}

#endif
