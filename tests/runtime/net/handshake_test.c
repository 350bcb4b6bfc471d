// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "runtime/net/handshake.h"

static const struct act__handshake_self small = {
    .incarnation = 10, .name = "small", .version_min = 1, .version_max = 1, .frame_max = 65536};
static const struct act__handshake_self great = {.incarnation = 20,
                                                 .name = "great",
                                                 .version_min = 1,
                                                 .version_max = 3,
                                                 .capabilities = 5,
                                                 .frame_max = 8192};

static enum act__handshake_rival rival_is(void *arg, uint64_t incarnation) {
  (void)incarnation;
  return *(enum act__handshake_rival *)arg;
}

static enum act__handshake_rival nobody = ACT__RIVAL_NONE, half_open = ACT__RIVAL_HALF_OPEN,
                                 up = ACT__RIVAL_UP;

// Takes the first frame out of `wire`, decoded; the bytes stay where they are until the next call.
static struct act__frame next_frame(struct act__bytes *wire) {
  static uint8_t held[2048];
  struct act__frame frame;
  const char *why = NULL;
  uint32_t length;
  assert_int_equal(act__frame_split(wire->data, wire->length, ACT__FRAME_HANDSHAKE_MAX, &length),
                   ACT_OK);
  memcpy(held, wire->data + ACT__FRAME_PREFIX, length);
  wire->length -= ACT__FRAME_PREFIX + length;
  memmove(wire->data, wire->data + ACT__FRAME_PREFIX + length, wire->length);
  assert_int_equal(act__frame_decode(held, length, &frame, &why), ACT_OK);
  return frame;
}

static enum act__handshake_verdict deliver(struct act__bytes *from, struct act__handshake *to,
                                           enum act__handshake_rival *rival,
                                           struct act__bytes *answer) {
  struct act__frame frame = next_frame(from);
  return act__handshake_frame(to, &frame, rival_is, rival, answer);
}

struct pair {
  struct act__handshake dialer, acceptor;
  struct act__bytes from_dialer, from_acceptor;
};

static void start(struct pair *pair, const struct act__handshake_self *dialer,
                  enum act__frame_role dialer_role, const struct act__handshake_self *acceptor,
                  enum act__frame_role acceptor_role) {
  act__bytes_init(&pair->from_dialer, 1 << 16);
  act__bytes_init(&pair->from_acceptor, 1 << 16);
  act__handshake_init(&pair->dialer, dialer, true, dialer_role);
  act__handshake_init(&pair->acceptor, acceptor, false, acceptor_role);
  assert_int_equal(act__handshake_start(&pair->dialer, &pair->from_dialer), ACT_OK);
}

static void finish(struct pair *pair) {
  act__bytes_fini(&pair->from_dialer);
  act__bytes_fini(&pair->from_acceptor);
}

static void both_sides_come_up_and_know_each_other(void **state) {
  (void)state;
  struct pair pair;
  start(&pair, &small, ACT__ROLE_PEER, &great, ACT__ROLE_PEER);

  assert_int_equal(deliver(&pair.from_dialer, &pair.acceptor, &nobody, &pair.from_acceptor),
                   ACT__HS_GO_ON);
  assert_int_equal(pair.acceptor.state, ACT__HS_WELCOMED);
  assert_int_equal(deliver(&pair.from_acceptor, &pair.dialer, &nobody, &pair.from_dialer),
                   ACT__HS_IS_UP);
  assert_int_equal(deliver(&pair.from_dialer, &pair.acceptor, &nobody, &pair.from_acceptor),
                   ACT__HS_IS_UP);

  assert_int_equal(pair.dialer.incarnation, 20);
  assert_string_equal(pair.dialer.name, "great");
  assert_int_equal(pair.dialer.capabilities, 5);
  assert_int_equal(pair.acceptor.incarnation, 10);
  assert_string_equal(pair.acceptor.name, "small");
  assert_int_equal(pair.dialer.version, 1);
  assert_int_equal(pair.acceptor.version, 1);
  assert_int_equal(act__handshake_frame_max(&pair.dialer), 8192);
  assert_int_equal(act__handshake_frame_max(&pair.acceptor), 8192);
  assert_int_equal(pair.from_dialer.length + pair.from_acceptor.length, 0);
  finish(&pair);
}

// The acceptor refuses, and the dialer hears why.
static void expect_refused(struct pair *pair, enum act__handshake_rival *rival, act_rc rc) {
  assert_int_equal(deliver(&pair->from_dialer, &pair->acceptor, rival, &pair->from_acceptor),
                   ACT__HS_FAILED);
  assert_int_equal(pair->acceptor.rc, rc);
  assert_false(pair->acceptor.by_other_side);
  assert_int_equal(deliver(&pair->from_acceptor, &pair->dialer, &nobody, &pair->from_dialer),
                   ACT__HS_FAILED);
  assert_int_equal(pair->dialer.rc, rc);
  assert_true(pair->dialer.by_other_side);
  assert_string_equal(pair->dialer.text, pair->acceptor.text);
  assert_int_equal(pair->from_dialer.length, 0);
  finish(pair);
}

static void a_node_does_not_link_to_itself(void **state) {
  (void)state;
  struct pair pair;
  start(&pair, &small, ACT__ROLE_PEER, &small, ACT__ROLE_PEER);
  expect_refused(&pair, &nobody, ACT_EINVAL);
}

static void roles_must_fit(void **state) {
  (void)state;
  for (int a = 0; a <= 2; a++) {
    for (int b = 0; b <= 2; b++) {
      bool fit = (a == 0 && b == 0) || (a == 2 && b == 1) || (a == 1 && b == 2);
      struct pair pair;
      start(&pair, &small, (enum act__frame_role)a, &great, (enum act__frame_role)b);
      if (fit) {
        assert_int_equal(deliver(&pair.from_dialer, &pair.acceptor, &nobody, &pair.from_acceptor),
                         ACT__HS_GO_ON);
        finish(&pair);
      } else {
        expect_refused(&pair, &nobody, ACT_EACCES);
      }
    }
  }
}

static void versions_must_overlap(void **state) {
  (void)state;
  struct act__handshake_self newer = great;
  struct pair pair;
  newer.version_min = 2;
  start(&pair, &newer, ACT__ROLE_PEER, &small, ACT__ROLE_PEER);
  expect_refused(&pair, &nobody, ACT_EVERSION);
  newer.incarnation = 30;
  start(&pair, &newer, ACT__ROLE_PEER, &great, ACT__ROLE_PEER);
  assert_int_equal(deliver(&pair.from_dialer, &pair.acceptor, &nobody, &pair.from_acceptor),
                   ACT__HS_GO_ON);
  assert_int_equal(pair.acceptor.version, 3);  // the highest that both know
  finish(&pair);
}

static void an_older_link_stays_and_the_newer_one_is_refused(void **state) {
  (void)state;
  struct pair pair;
  start(&pair, &small, ACT__ROLE_PEER, &great, ACT__ROLE_PEER);
  expect_refused(&pair, &up, ACT_EEXIST);
  start(&pair, &small, ACT__ROLE_PEER, &great, ACT__ROLE_PEER);
  expect_refused(&pair, &half_open, ACT_EEXIST);

  start(&pair, &great, ACT__ROLE_PEER, &small, ACT__ROLE_PEER);
  assert_int_equal(deliver(&pair.from_dialer, &pair.acceptor, &nobody, &pair.from_acceptor),
                   ACT__HS_GO_ON);
  assert_int_equal(deliver(&pair.from_acceptor, &pair.dialer, &up, &pair.from_dialer),
                   ACT__HS_FAILED);
  assert_int_equal(deliver(&pair.from_dialer, &pair.acceptor, &nobody, &pair.from_acceptor),
                   ACT__HS_FAILED);
  assert_true(pair.acceptor.by_other_side);
  assert_int_equal(pair.acceptor.rc, ACT_EEXIST);
  finish(&pair);
}

static void of_two_half_open_links_the_one_dialled_by_the_greater_node_stays(void **state) {
  (void)state;
  struct pair by_great, by_small;
  start(&by_great, &great, ACT__ROLE_PEER, &small, ACT__ROLE_PEER);
  start(&by_small, &small, ACT__ROLE_PEER, &great, ACT__ROLE_PEER);
  assert_int_equal(
      deliver(&by_great.from_dialer, &by_great.acceptor, &nobody, &by_great.from_acceptor),
      ACT__HS_GO_ON);
  assert_int_equal(
      deliver(&by_small.from_dialer, &by_small.acceptor, &nobody, &by_small.from_acceptor),
      ACT__HS_GO_ON);

  assert_int_equal(
      deliver(&by_great.from_acceptor, &by_great.dialer, &half_open, &by_great.from_dialer),
      ACT__HS_IS_UP_ALONE);
  assert_int_equal(
      deliver(&by_small.from_acceptor, &by_small.dialer, &half_open, &by_small.from_dialer),
      ACT__HS_FAILED);
  assert_int_equal(by_small.dialer.rc, ACT_EEXIST);
  finish(&by_great);
  finish(&by_small);
}

static void impossible_introductions_are_refused(void **state) {
  (void)state;
  struct act__frame hello = {.type = ACT__FRAME_HELLO,
                             .u.hello = {1, 1, 0, 65536, 0, 99, act__span_of_text("ok")}};
  struct act__frame bad[4] = {hello, hello, hello, hello};
  bad[0].u.hello.incarnation = 0;
  bad[1].u.hello.frame_max = ACT__FRAME_MAX_LEAST - 1;
  bad[2].u.hello.name = act__span_of_text("line\nbreak");
  bad[3].u.hello.name = (struct act__span){(const uint8_t *)"a\0b", 3};
  for (int i = 0; i < 4; i++) {
    struct act__handshake hs;
    struct act__bytes out;
    act__bytes_init(&out, 4096);
    act__handshake_init(&hs, &small, false, ACT__ROLE_PEER);
    assert_int_equal(act__handshake_frame(&hs, &bad[i], rival_is, &nobody, &out), ACT__HS_FAILED);
    assert_int_equal(hs.rc, ACT_EBADMSG);
    assert_int_equal(next_frame(&out).type, ACT__FRAME_REFUSE);
    act__bytes_fini(&out);
  }
  struct act__handshake hs;
  struct act__bytes out;
  act__bytes_init(&out, 4096);
  act__handshake_init(&hs, &small, false, ACT__ROLE_PEER);
  hello.u.hello.frame_max = ACT__FRAME_MAX_LEAST;
  assert_int_equal(act__handshake_frame(&hs, &hello, rival_is, &nobody, &out), ACT__HS_GO_ON);
  assert_int_equal(hs.frame_max, ACT__FRAME_MAX_LEAST);
  act__bytes_fini(&out);
}

static void who_was_welcomed_is_told_by_a_goodbye(void **state) {
  (void)state;
  struct pair pair;
  start(&pair, &small, ACT__ROLE_PEER, &great, ACT__ROLE_PEER);
  assert_int_equal(deliver(&pair.from_dialer, &pair.acceptor, &nobody, &pair.from_acceptor),
                   ACT__HS_GO_ON);
  act__handshake_fail(&pair.acceptor, ACT_ETIMEDOUT, "late", &pair.from_acceptor);
  act__handshake_fail(&pair.acceptor, ACT_EFAIL, "twice", &pair.from_acceptor);
  assert_int_equal(next_frame(&pair.from_acceptor).type, ACT__FRAME_WELCOME);
  assert_int_equal(next_frame(&pair.from_acceptor).type, ACT__FRAME_GOODBYE);
  assert_int_equal(pair.from_acceptor.length, 0);
  assert_string_equal(pair.acceptor.text, "late");
  finish(&pair);
}

// --- the table ------------------------------------------------------------------------------------
// Written out by hand a second time, so that a change of the code alone shows.

struct row {
  unsigned type;
  const char *states;    // N new, C calling, W waiting, D welcomed, O over: allowed there
  const char *up_roles;  // P peer, A parent, C child: allowed when up
};

static const struct row table[] = {
    {ACT__FRAME_HELLO, "W", ""},       {ACT__FRAME_WELCOME, "C", ""},
    {ACT__FRAME_REFUSE, "CD", ""},     {ACT__FRAME_HEARTBEAT, "D", "PAC"},
    {ACT__FRAME_GOODBYE, "", "PAC"},   {ACT__FRAME_LOOKUP, "", "PAC"},
    {ACT__FRAME_FOUND, "", "PAC"},     {ACT__FRAME_NOTFOUND, "", "PAC"},
    {ACT__FRAME_REACH, "", "PAC"},     {ACT__FRAME_GRANT, "", "PAC"},
    {ACT__FRAME_CREDIT, "", "PAC"},    {ACT__FRAME_MESSAGE, "", "PAC"},
    {ACT__FRAME_REPLY, "", "PAC"},     {ACT__FRAME_NACK, "", "PAC"},
    {ACT__FRAME_GAP, "", ""},          {ACT__FRAME_MONITOR, "", "PAC"},
    {ACT__FRAME_DEMONITOR, "", "PAC"}, {ACT__FRAME_DOWN, "", "PAC"},
    {ACT__FRAME_START, "", "C"},       {ACT__FRAME_STARTED, "", "A"},
    {ACT__FRAME_EXITED, "", "A"},      {ACT__FRAME_STOP, "", "C"},
    {ACT__FRAME_SKIPPED, "", "PAC"},
};

static bool table_allows(enum act__handshake_state state, enum act__frame_role role,
                         unsigned type) {
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    if (table[i].type != type) continue;
    if (state == ACT__HS_UP) return strchr(table[i].up_roles, "PAC"[role]) != NULL;
    const char letter = "NCWD-O"[state];
    return strchr(table[i].states, letter) != NULL;
  }
  return false;
}

static void every_cell_of_state_role_and_type_is_as_the_table_says(void **state) {
  (void)state;
  int allowed = 0;
  for (int s = 0; s < ACT__HS_STATES; s++) {
    for (int role = 0; role <= 2; role++) {
      for (unsigned type = 0; type < 256; type++) {
        bool expected =
            table_allows((enum act__handshake_state)s, (enum act__frame_role)role, type);
        assert_int_equal(
            act__handshake_allows((enum act__handshake_state)s, (enum act__frame_role)role, type),
            expected);
        allowed += expected;
      }
    }
  }
  assert_int_equal(allowed, 3 * 5 + 15 * 3 + 4);
}

static void bring_to(enum act__handshake_state state, struct act__handshake *hs,
                     struct act__bytes *out) {
  act__handshake_init(hs, &small, state == ACT__HS_NEW || state == ACT__HS_CALLING, ACT__ROLE_PEER);
  if (state == ACT__HS_CALLING) assert_int_equal(act__handshake_start(hs, out), ACT_OK);
  if (state == ACT__HS_WELCOMED) {
    struct act__frame hello = {.type = ACT__FRAME_HELLO,
                               .u.hello = {1, 1, 0, 65536, 0, 99, act__span_of_text("x")}};
    assert_int_equal(act__handshake_frame(hs, &hello, rival_is, &nobody, out), ACT__HS_GO_ON);
  }
  assert_int_equal(hs->state, state);
  act__bytes_reset(out);
}

static void a_frame_outside_the_table_ends_the_handshake_before_up(void **state) {
  (void)state;
  for (int s = 0; s < ACT__HS_UP; s++) {
    for (unsigned type = 0; type < 256; type++) {
      struct act__handshake hs;
      struct act__bytes out;
      act__bytes_init(&out, 4096);
      bring_to((enum act__handshake_state)s, &hs, &out);
      struct act__frame frame = {.type = (enum act__frame_type)type};
      enum act__handshake_verdict verdict =
          act__handshake_frame(&hs, &frame, rival_is, &nobody, &out);
      if (!table_allows((enum act__handshake_state)s, ACT__ROLE_PEER, type)) {
        assert_int_equal(verdict, ACT__HS_FAILED);
        assert_int_equal(hs.rc, ACT_EBADMSG);
        assert_int_equal(hs.state, ACT__HS_OVER);
      }
      act__bytes_fini(&out);
    }
  }
}

static void without_memory_the_handshake_fails_and_says_so(void **state) {
  (void)state;
  for (size_t limit = 0; limit < 60; limit++) {
    struct act__handshake hs;
    struct act__bytes out;
    act__bytes_init(&out, limit);
    act__handshake_init(&hs, &small, false, ACT__ROLE_PEER);
    struct act__frame hello = {.type = ACT__FRAME_HELLO,
                               .u.hello = {1, 1, 0, 65536, 0, 99, act__span_of_text("x")}};
    enum act__handshake_verdict verdict =
        act__handshake_frame(&hs, &hello, rival_is, &nobody, &out);
    assert_int_equal(verdict, limit >= 34 ? ACT__HS_GO_ON : ACT__HS_FAILED);
    act__bytes_fini(&out);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(both_sides_come_up_and_know_each_other),
      cmocka_unit_test(a_node_does_not_link_to_itself),
      cmocka_unit_test(roles_must_fit),
      cmocka_unit_test(versions_must_overlap),
      cmocka_unit_test(an_older_link_stays_and_the_newer_one_is_refused),
      cmocka_unit_test(of_two_half_open_links_the_one_dialled_by_the_greater_node_stays),
      cmocka_unit_test(impossible_introductions_are_refused),
      cmocka_unit_test(who_was_welcomed_is_told_by_a_goodbye),
      cmocka_unit_test(every_cell_of_state_role_and_type_is_as_the_table_says),
      cmocka_unit_test(a_frame_outside_the_table_ends_the_handshake_before_up),
      cmocka_unit_test(without_memory_the_handshake_fails_and_says_so),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
