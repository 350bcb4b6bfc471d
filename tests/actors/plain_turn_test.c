// SPDX-License-Identifier: Apache-2.0
//
// The short way that short messages take on real threads: the simulation, which traces every message,
// does not take it. A driver sends a receiver what is to come in one turn, and looks at what it did.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <troupe.h>

#define SENT 10
#define LAST 3  // the message in which the receiver ends

ACT_MSG(short_one, (u64, n, 1))
ACT_MSG_EMPTY(nothing)
ACT_MSG(half_word, (u32, n, 1))
ACT_MSG(three_words, (u64, a, 1)(u64, b, 2)(u64, c, 3))
ACT_MSG(four_words, (u64, a, 1)(u64, b, 2)(u64, c, 3)(u64, d, 4))
ACT_MSG(eight_words, (u64, a, 1)(u64, b, 2)(u64, c, 3)(u64, d, 4)(u64, e, 5)(u64, f, 6)(u64, g, 7)
                     (u64, h, 8))
ACT_MSG(nine_words, (u64, a, 1)(u64, b, 2)(u64, c, 3)(u64, d, 4)(u64, e, 5)(u64, f, 6)(u64, g, 7)
                    (u64, h, 8)(u64, i, 9))
#define PLAIN(CAST, CALL, P)        \
  CAST(P, 1, one, short_one)        \
  CAST(P, 2, none, nothing)         \
  CAST(P, 3, half, half_word)       \
  CAST(P, 4, three, three_words)    \
  CAST(P, 5, four, four_words)      \
  CAST(P, 6, eight, eight_words)    \
  CAST(P, 7, nine, nine_words)
ACT_PROTOCOL(plain, 1, PLAIN)

static struct {
  act_rc ends_with;  // of the handler of message LAST; ACT_OK: by act_end
  bool ends;
  unsigned handled, in_order;
  act_reason reason;
} story;

struct leaf {
  int unused;
};
ACT_ACTOR0(leaf, struct leaf, act_noargs)

static act_rc leaf_init(struct leaf *self, act_cx *cx, const act_noargs *args) {
  (void)self;
  (void)cx;
  (void)args;
  return ACT_OK;
}

struct receiver {
  unsigned next;
};
ACT_ACTOR(receiver, plain, PLAIN, struct receiver, act_noargs)

// Who has a child ends after it, so the messages behind the last one are still there when that returns.
static act_rc receiver_init(struct receiver *self, act_cx *cx, const act_noargs *args) {
  (void)self;
  (void)args;
  act_child child = {.behavior = &leaf};
  act_pid pid;
  return act_spawn(cx, &child, (act_exit_then){0}, &pid);
}

static act_rc note(struct receiver *self, act_cx *cx, uint64_t n) {
  story.handled++;
  if (n == self->next) story.in_order++;
  self->next++;
  if (!story.ends || n != LAST) return ACT_OK;
  if (!story.ends_with) act_end(cx);
  return story.ends_with;
}

static act_rc receiver_one(struct receiver *self, act_cx *cx, const short_one *m) {
  return note(self, cx, m->n);
}

static act_rc receiver_none(struct receiver *self, act_cx *cx, const nothing *m) {
  (void)m;
  return note(self, cx, self->next);
}

static act_rc receiver_half(struct receiver *self, act_cx *cx, const half_word *m) {
  return note(self, cx, m->n);
}

// Words that alternate between n and its complement.
static act_rc note_words(struct receiver *self, act_cx *cx, const uint64_t *words, unsigned count) {
  for (unsigned i = 1; i < count; i++) {
    if (words[i] != ~words[i - 1]) return note(self, cx, UINT64_MAX);
  }
  return note(self, cx, words[0]);
}

static act_rc receiver_three(struct receiver *self, act_cx *cx, const three_words *m) {
  return note_words(self, cx, &m->a, 3);
}

static act_rc receiver_four(struct receiver *self, act_cx *cx, const four_words *m) {
  return note_words(self, cx, &m->a, 4);
}

static act_rc receiver_eight(struct receiver *self, act_cx *cx, const eight_words *m) {
  return note_words(self, cx, &m->a, 8);
}

static act_rc receiver_nine(struct receiver *self, act_cx *cx, const nine_words *m) {
  return note_words(self, cx, &m->a, 9);
}

// --- the driver --------------------------------------------------------------------------------------

struct driver {
  act_pid receiver;
};
ACT_ACTOR0(driver, struct driver, act_noargs)
ACT_ON_EXIT(driver, on_exit_of_receiver)
ACT_ON_TICK(driver, all_is_handled)

static act_rc send_one_kind(act_cx *cx, plain_ref to) {
  act_rc rc = ACT_OK;
  for (uint64_t n = 0; n < SENT && !rc; n++) rc = plain_send_one(cx, to, (short_one){.n = n});
  return rc;
}

// Several rounds: what a block still holds of the message before must not show.
#define KINDS 7
static act_rc send_all_kinds(act_cx *cx, plain_ref to) {
  act_rc rc = ACT_OK;
  for (uint64_t n = 0; n < KINDS * SENT && !rc; n += KINDS) {
    uint64_t a = n + 1, b = n + 3, c = n + 5, d = n + 6;
    rc = plain_send_one(cx, to, (short_one){.n = n});
    if (!rc) rc = plain_send_nine(cx, to, (nine_words){a, ~a, a, ~a, a, ~a, a, ~a, a});
    if (!rc) rc = plain_send_none(cx, to, (nothing){0});
    if (!rc) rc = plain_send_three(cx, to, (three_words){b, ~b, b});
    if (!rc) rc = plain_send_half(cx, to, (half_word){.n = (uint32_t)n + 4});
    if (!rc) rc = plain_send_four(cx, to, (four_words){c, ~c, c, ~c});
    if (!rc) rc = plain_send_eight(cx, to, (eight_words){d, ~d, d, ~d, d, ~d, d, ~d});
  }
  return rc;
}

static act_rc driver_init(struct driver *self, act_cx *cx, const act_noargs *args) {
  (void)args;
  act_child child = {.behavior = &receiver};
  act_rc rc = act_spawn(cx, &child, on_exit_of_receiver_then(0), &self->receiver);
  if (rc) return rc;
  plain_ref to = {self->receiver};
  rc = story.ends ? send_one_kind(cx, to) : send_all_kinds(cx, to);
  if (!rc && !story.ends) rc = act_after(cx, 0, all_is_handled_then(0), NULL);
  return rc;
}

static act_rc all_is_handled(struct driver *self, act_cx *cx, const act_tick *tick) {
  (void)self;
  (void)tick;
  if (story.handled < KINDS * SENT) return act_after(cx, 0, all_is_handled_then(0), NULL);
  act_request_stop(act_cx_runtime(cx));
  return ACT_OK;
}

static act_rc on_exit_of_receiver(struct driver *self, act_cx *cx, const act_exit *e) {
  (void)self;
  story.reason = e->reason;
  act_request_stop(act_cx_runtime(cx));
  return ACT_OK;
}

// --- tests -------------------------------------------------------------------------------------------

static const act_child kid = {.id = "driver", .behavior = &driver};
static const act_sup root = {.never_restart = true, .kids = &kid, .nkids = 1};

static void play(bool ends, act_rc ends_with) {
  memset(&story, 0, sizeof story);
  story.ends = ends;
  story.ends_with = ends_with;
  act_node node = {.name = "plain", .flavour = ACT_CURRENT_THREAD};
  act_runtime *rt;
  assert_int_equal(act_start(&node, &root, &rt), ACT_OK);
  act_wait(rt);
  assert_int_equal(act_stop(rt), 0);
}

static void who_ends_handles_nothing_more_of_its_turn(void **state) {
  (void)state;
  play(true, ACT_OK);
  assert_int_equal(story.handled, LAST + 1);
  assert_int_equal(story.in_order, LAST + 1);
  assert_int_equal(story.reason, ACT_REASON_NORMAL);
}

static void who_fails_handles_nothing_more_of_its_turn(void **state) {
  (void)state;
  play(true, ACT_EFAIL);
  assert_int_equal(story.handled, LAST + 1);
  assert_int_equal(story.reason, ACT_REASON_FAILED);
}

// Three words fill a cache line together with their envelope, eight are the most that counts as short.
static void messages_around_the_bounds_of_short_ones_arrive_whole_and_in_order(void **state) {
  (void)state;
  play(false, ACT_OK);
  assert_int_equal(story.handled, KINDS * SENT);
  assert_int_equal(story.in_order, KINDS * SENT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(who_ends_handles_nothing_more_of_its_turn),
      cmocka_unit_test(who_fails_handles_nothing_more_of_its_turn),
      cmocka_unit_test(messages_around_the_bounds_of_short_ones_arrive_whole_and_in_order),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
