// SPDX-License-Identifier: Apache-2.0
//
// Asks on several threads: answers race with deadlines of a millisecond in records that are used again
// and again, by asks that are due sooner and by asks that are due later. Every ask ends exactly once,
// with its own answer or at its own deadline. Meant for ThreadSanitizer.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <troupe.h>

#include "base/atomic.h"
#include "base/check.h"
#include "base/thread.h"

#define SERVERS 3u
#define ASKERS 6u
#define EACH 20000u
#define OPEN_MAX 12u
#define KEPT_MAX 8u

static struct act__parker enough;
static ACT__ATOMIC(uint32_t) done, timed_out;
static uint8_t ends[ASKERS][EACH];

ACT_MSG(quiz_question, (u32, from, 1)(u32, number, 2))
// The second is too large for the ask record.
ACT_MSG(quiz_answer, (u32, from, 1)(u32, number, 2))
ACT_MSG(quiz_essay, (u32, from, 1)(u32, number, 2)(u64, a, 3)(u64, b, 4)(u64, c, 5)(u64, d, 6))
#define QUIZ(CAST, CALL, P)                     \
  CALL(P, 1, ask, quiz_question, quiz_answer)   \
  CALL(P, 2, essay, quiz_question, quiz_essay)
ACT_PROTOCOL(quiz, 1, QUIZ)
#define PUPIL(CAST, CALL, P) CAST(P, 1, more, quiz_question)
ACT_PROTOCOL(pupil, 1, PUPIL)

struct teacher {
  unsigned kept;
  quiz_answer_reply replies[KEPT_MAX];
  quiz_answer answers[KEPT_MAX];
};
ACT_ACTOR(teacher, quiz, QUIZ, struct teacher, act_noargs)
ACT_ON_TICK(teacher, answer_kept)

static act_rc teacher_init(struct teacher *self, act_cx *cx, const act_noargs *args) {
  (void)self;
  (void)args;
  return act_every(cx, 1, answer_kept_then(0), NULL);
}

static act_rc answer_kept(struct teacher *self, act_cx *cx, const act_tick *tick) {
  (void)tick;
  act_rc rc = ACT_OK;
  for (; self->kept && !rc; self->kept--) {
    rc = quiz_answer_answer(cx, self->replies[self->kept - 1], self->answers[self->kept - 1]);
  }
  return rc;
}

static act_rc teacher_ask(struct teacher *self, act_cx *cx, const quiz_question *m,
                          quiz_answer_reply r) {
  quiz_answer answer = {.from = m->from, .number = m->number};
  if (act_rand(cx) % 4 || self->kept == KEPT_MAX) return quiz_answer_answer(cx, r, answer);
  self->replies[self->kept] = r;
  self->answers[self->kept++] = answer;
  return act_reply_keep(cx, r.r);
}

static act_rc teacher_essay(struct teacher *self, act_cx *cx, const quiz_question *m,
                            quiz_essay_reply r) {
  (void)self;
  return quiz_essay_answer(cx, r, (quiz_essay){.from = m->from, .number = m->number, .d = 4});
}

struct student_args {
  uint32_t index;
};
struct student {
  uint32_t index, asked, ended;
};
ACT_ACTOR(student, pupil, PUPIL, struct student, struct student_args)
ACT_ON(student, on_answer, quiz_answer)
ACT_ON(student, on_essay, quiz_essay)
ACT_ON_TICK(student, try_again)

static const char *const names[SERVERS] = {"a", "b", "c"};

static act_rc go_on(struct student *self, act_cx *cx) {
  while (self->asked < EACH && self->asked - self->ended < OPEN_MAX) {
    quiz_svc to;
    if (quiz_svc_named(cx, names[act_rand(cx) % SERVERS], &to) != ACT_OK) {
      return act_after(cx, 1, try_again_then(0), NULL);
    }
    uint32_t number = self->asked++, ms = act_rand(cx) % 4 ? 1000 : 1;
    quiz_question question = {.from = self->index, .number = number};
    act_rc rc = act_rand(cx) % 4
                    ? quiz_svc_ask_ask(cx, to, question, ms, on_answer_then(number))
                    : quiz_svc_ask_essay(cx, to, question, ms, on_essay_then(number));
    if (rc) return rc;
  }
  return ACT_OK;
}

static act_rc student_init(struct student *self, act_cx *cx, const struct student_args *args) {
  self->index = args->index;
  return go_on(self, cx);
}

static act_rc try_again(struct student *self, act_cx *cx, const act_tick *tick) {
  (void)tick;
  return go_on(self, cx);
}

static act_rc student_more(struct student *self, act_cx *cx, const quiz_question *m) {
  (void)m;
  return go_on(self, cx);
}

static act_rc ended(struct student *self, act_cx *cx, act_rc st, uintptr_t number) {
  ACT_ASSERT(st == ACT_OK || st == ACT_ETIMEDOUT || st == ACT_EFULL || st == ACT_ECLOSED);
  ACT_ASSERT(ends[self->index][number]++ == 0);
  // relaxed: read when all threads have been joined.
  if (st == ACT_ETIMEDOUT) act__fetch_add_relaxed(&timed_out, 1);
  if (++self->ended == EACH) {
    // relaxed: only who comes last looks further.
    if (act__fetch_add_relaxed(&done, 1) + 1 == ASKERS) act__parker_unpark(&enough);
    return ACT_OK;
  }
  return go_on(self, cx);
}

static act_rc on_answer(struct student *self, act_cx *cx, act_rc st, const quiz_answer *v,
                        uintptr_t tag) {
  if (v) ACT_ASSERT(v->from == self->index && v->number == tag);
  return ended(self, cx, st, tag);
}

static act_rc on_essay(struct student *self, act_cx *cx, act_rc st, const quiz_essay *v,
                       uintptr_t tag) {
  if (v) ACT_ASSERT(v->from == self->index && v->number == tag && v->d == 4);
  return ended(self, cx, st, tag);
}

static void every_ask_ends_once_with_its_own_answer(void **state) {
  (void)state;
  static const act_log_sink silent = {.fn = NULL};
  static const char *const ids[ASKERS] = {"1", "2", "3", "4", "5", "6"};
  struct student_args args[ASKERS];
  act_child kids[SERVERS + ASKERS];
  for (uint32_t i = 0; i < SERVERS; i++) {
    kids[i] = (act_child){.id = names[i], .name = names[i], .behavior = &teacher};
  }
  for (uint32_t i = 0; i < ASKERS; i++) {
    args[i].index = i;
    kids[SERVERS + i] = (act_child){.id = ids[i], .behavior = &student, .args = &args[i]};
  }
  const act_sup sup = {.kids = kids, .nkids = SERVERS + ASKERS};
  for (unsigned workers = 1; workers <= 4; workers *= 2) {
    const act_node node = {.name = "stress", .log = &silent, .workers = workers};
    memset(ends, 0, sizeof ends);
    act__parker_init(&enough);
    // relaxed: nothing runs yet.
    act__store_relaxed(&done, 0);
    act__store_relaxed(&timed_out, 0);
    act_runtime *rt;
    assert_int_equal(act_start(&node, &sup, &rt), ACT_OK);
    act__parker_park(&enough, INT64_MAX);
    assert_int_equal(act_stop(rt), 0);
    assert_int_not_equal(act__load_relaxed(&timed_out), 0);  // relaxed: threads joined
    act__parker_fini(&enough);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_ask_ends_once_with_its_own_answer),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
