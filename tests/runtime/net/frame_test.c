// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/rand.h"
#include "runtime/net/frame.h"
#include "tests/runtime/net/frame_again.h"

static struct act__bytes out;

static int set_up(void **state) {
  (void)state;
  act__bytes_init(&out, 1u << 20);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  act__bytes_fini(&out);
  return 0;
}

static struct act__span span(const char *text) {
  return act__span_of_text(text);
}

#define ASSERT_SPAN(got, text)                         \
  do {                                                 \
    assert_int_equal((got).size, strlen(text));        \
    assert_memory_equal((got).data, text, (got).size); \
  } while (0)

// One frame of every type, with the golden bytes of its type and fields.
static const struct act__frame_target target = {0x01020304, 0x05060708, 0x090a0b0c};
static const act_pid pid = {0x1122334455667788u, 0x01020304, 0x05060708, 0x090a0b0c, 0};
#define TARGET_HEX \
  "01020304"       \
  "05060708"       \
  "090a0b0c"
#define PID_HEX "1122334455667788" TARGET_HEX

static act_rc put_hello(struct act__bytes *b) {
  return act__frame_put_hello(b, &(struct act__frame_hello){1, 2, 0, 65536, 7, 0xA1, span("me")});
}
static act_rc put_welcome(struct act__bytes *b) {
  return act__frame_put_welcome(b, &(struct act__frame_welcome){2, 1, 4096, 7, 0xA2, span("n")});
}
static act_rc put_refuse(struct act__bytes *b) {
  return act__frame_put_refuse(b, &(struct act__frame_ending){ACT_EVERSION, span("no")});
}
static act_rc put_heartbeat(struct act__bytes *b) {
  return act__frame_put_heartbeat(b);
}
static act_rc put_goodbye(struct act__bytes *b) {
  return act__frame_put_goodbye(b, &(struct act__frame_ending){ACT_ECLOSED, span("bye")});
}
static act_rc put_lookup(struct act__bytes *b) {
  return act__frame_put_lookup(
      b, &(struct act__frame_lookup){9, 0xABCD, 3, span("counter"), span("c1")});
}
static act_rc put_found(struct act__bytes *b) {
  return act__frame_put_found(b, &(struct act__frame_found){9, pid, 16, 32, 5000});
}
static act_rc put_notfound(struct act__bytes *b) {
  return act__frame_put_notfound(b, &(struct act__frame_notfound){9, ACT_ENOENT, span("")});
}
static act_rc put_reach(struct act__bytes *b) {
  return act__frame_put_reach(b, &(struct act__frame_reach){target});
}
static act_rc put_grant(struct act__bytes *b) {
  return act__frame_put_grant(b, &(struct act__frame_grant){target, ACT_OK, 16, 32, 0});
}
static act_rc put_credit(struct act__bytes *b) {
  return act__frame_put_credit(b, &(struct act__frame_credit){1, 2, 3, 4});
}
static act_rc put_message(struct act__bytes *b) {
  return act__frame_put_message(
      b, &(struct act__frame_message){
             .op = 2, .protocol = 0xFEDC, .target = target, .sender = pid, .body = span("body")});
}
static act_rc put_ask(struct act__bytes *b) {
  return act__frame_put_message(b, &(struct act__frame_message){.flags = ACT__MESSAGE_ASK,
                                                                .op = 2,
                                                                .protocol = 0xFEDC,
                                                                .target = target,
                                                                .sender = pid,
                                                                .ask_index = 5,
                                                                .ask_gen = 6,
                                                                .deadline_left_ms = 200});
}
static act_rc put_reply(struct act__bytes *b) {
  return act__frame_put_reply(b,
                              &(struct act__frame_reply){5, 6, ACT_OK, span("t"), span("value")});
}
static act_rc put_nack(struct act__bytes *b) {
  return act__frame_put_nack(b, &(struct act__frame_nack){target, 2, ACT_EDEAD});
}
static act_rc put_monitor(struct act__bytes *b) {
  return act__frame_put_monitor(b, &(struct act__frame_monitor){8, target});
}
static act_rc put_demonitor(struct act__bytes *b) {
  return act__frame_put_demonitor(b, &(struct act__frame_demonitor){8});
}
static act_rc put_down(struct act__bytes *b) {
  return act__frame_put_down(b, &(struct act__frame_down){8, 1, ACT_EFAIL, span("why")});
}
static act_rc put_start(struct act__bytes *b) {
  return act__frame_put_start(
      b, &(struct act__frame_start){1, 1024, 1 << 20, span("tally"), span("c"), span("args")});
}
static act_rc put_started(struct act__bytes *b) {
  return act__frame_put_started(b, &(struct act__frame_started){1, pid, 16, 32});
}
static act_rc put_exited(struct act__bytes *b) {
  return act__frame_put_exited(b, &(struct act__frame_exited){1, 2, ACT_EKILLED, span("")});
}
static act_rc put_stop(struct act__bytes *b) {
  return act__frame_put_stop(b, &(struct act__frame_stop){1, 2000});
}

// clang-format off
static const struct golden {
  enum act__frame_type type;
  act_rc (*put)(struct act__bytes *);
  const char *hex;
  bool has_body;
} goldens[] = {
    {ACT__FRAME_HELLO, put_hello,
     "01" "54525045" "0001" "0002" "00" "00010000" "00000007" "00000000000000a1" "026d65", false},
    {ACT__FRAME_WELCOME, put_welcome,
     "02" "54525045" "0002" "01" "00001000" "00000007" "00000000000000a2" "016e", false},
    {ACT__FRAME_REFUSE, put_refuse, "03" "ffffffed" "00026e6f", false},
    {ACT__FRAME_HEARTBEAT, put_heartbeat, "04", false},
    {ACT__FRAME_GOODBYE, put_goodbye, "05" "fffffffa" "0003627965", false},
    {ACT__FRAME_LOOKUP, put_lookup,
     "10" "00000009" "000000000000abcd" "00000003" "07636f756e746572" "026331", false},
    {ACT__FRAME_FOUND, put_found, "11" "00000009" PID_HEX "00000010" "00000020" "00001388",
     false},
    {ACT__FRAME_NOTFOUND, put_notfound, "12" "00000009" "ffffffef" "0000", false},
    {ACT__FRAME_REACH, put_reach, "13" TARGET_HEX, false},
    {ACT__FRAME_GRANT, put_grant, "14" TARGET_HEX "00000000" "00000010" "00000020" "00000000",
     false},
    {ACT__FRAME_CREDIT, put_credit, "15" "00000001" "00000002" "00000003" "00000004", false},
    {ACT__FRAME_MESSAGE, put_message,
     "20" "00" "0002" "000000000000fedc" TARGET_HEX PID_HEX "626f6479", true},
    {ACT__FRAME_MESSAGE, put_ask,
     "20" "01" "0002" "000000000000fedc" TARGET_HEX PID_HEX "00000005" "00000006" "000000c8", true},
    {ACT__FRAME_REPLY, put_reply, "21" "00000005" "00000006" "00000000" "000174" "76616c7565",
     true},
    {ACT__FRAME_NACK, put_nack, "22" TARGET_HEX "0002" "fffffffd", false},
    {ACT__FRAME_MONITOR, put_monitor, "30" "00000008" TARGET_HEX, false},
    {ACT__FRAME_DEMONITOR, put_demonitor, "31" "00000008", false},
    {ACT__FRAME_DOWN, put_down, "32" "00000008" "01" "ffffffff" "0003776879", false},
    {ACT__FRAME_START, put_start,
     "40" "00000001" "00000400" "00100000" "0574616c6c79" "0163" "61726773", true},
    {ACT__FRAME_STARTED, put_started, "41" "00000001" PID_HEX "00000010" "00000020", false},
    {ACT__FRAME_EXITED, put_exited, "42" "00000001" "02" "ffffffea" "0000", false},
    {ACT__FRAME_STOP, put_stop, "43" "00000001" "000007d0", false},
};
// clang-format on
#define GOLDENS (sizeof goldens / sizeof *goldens)

static size_t from_hex(const char *hex, uint8_t *bytes) {
  size_t n = strlen(hex) / 2;
  for (size_t i = 0; i < n; i++) {
    unsigned value;
    assert_int_equal(sscanf(hex + 2 * i, "%2x", &value), 1);
    bytes[i] = (uint8_t)value;
  }
  return n;
}

static act_rc decode(const uint8_t *data, size_t size, struct act__frame *frame) {
  // A copy on the heap of exactly this size, so that a sanitizer sees every byte read too far.
  uint8_t *exact = malloc(size ? size : 1);
  const char *why = "";
  memcpy(exact, data, size);
  act_rc rc = act__frame_decode(exact, size, frame, &why);
  assert_true((rc == ACT_OK) == (why == NULL));
  free(exact);
  return rc;
}

static void every_type_has_the_bytes_that_the_specification_draws(void **state) {
  (void)state;
  uint8_t expected[256];
  for (size_t i = 0; i < GOLDENS; i++) {
    act__bytes_reset(&out);
    assert_int_equal(goldens[i].put(&out), ACT_OK);
    size_t n = from_hex(goldens[i].hex, expected);
    assert_int_equal(out.length, n + ACT__FRAME_PREFIX);
    assert_memory_equal(out.data + ACT__FRAME_PREFIX, expected, n);
    uint32_t length;
    assert_int_equal(act__frame_split(out.data, out.length, ACT__FRAME_MAX, &length), ACT_OK);
    assert_int_equal(length, n);
    struct act__frame frame;
    assert_int_equal(decode(out.data + ACT__FRAME_PREFIX, n, &frame), ACT_OK);
    assert_int_equal(frame.type, goldens[i].type);
    assert_string_not_equal(act__frame_type_name(frame.type), "?");
  }
}

static void decoding_and_encoding_again_gives_the_same_bytes(void **state) {
  (void)state;
  uint8_t bytes[256];
  for (size_t i = 0; i < GOLDENS; i++) {
    size_t n = from_hex(goldens[i].hex, bytes);
    struct act__frame frame;
    const char *why;
    act__bytes_reset(&out);
    assert_int_equal(act__frame_decode(bytes, n, &frame, &why), ACT_OK);
    assert_int_equal(frame_again(&out, &frame), ACT_OK);
    assert_int_equal(out.length, n + ACT__FRAME_PREFIX);
    assert_memory_equal(out.data + ACT__FRAME_PREFIX, bytes, n);
  }
}

static void a_frame_that_is_a_byte_short_or_long_is_malformed(void **state) {
  (void)state;
  uint8_t bytes[256];
  struct act__frame frame;
  for (size_t i = 0; i < GOLDENS; i++) {
    size_t n = from_hex(goldens[i].hex, bytes);
    size_t body = goldens[i].put == put_message ? 4
                  : goldens[i].put == put_reply ? 5
                  : goldens[i].put == put_start ? 4
                                                : 0;
    for (size_t cut = 0; cut < n - body; cut++) {
      assert_int_equal(decode(bytes, cut, &frame), ACT_EBADMSG);
    }
    bytes[n] = 0;
    assert_int_equal(decode(bytes, n + 1, &frame), goldens[i].has_body ? ACT_OK : ACT_EBADMSG);
  }
}

static void impossible_values_are_malformed(void **state) {
  (void)state;
  uint8_t bytes[2048] = {0};
  struct act__frame frame;

  size_t n = from_hex(goldens[0].hex, bytes);
  bytes[1] = 'X';  // magic
  assert_int_equal(decode(bytes, n, &frame), ACT_EBADMSG);
  n = from_hex(goldens[0].hex, bytes);
  bytes[9] = 3;  // role
  assert_int_equal(decode(bytes, n, &frame), ACT_EBADMSG);

  n = from_hex(
      "20"
      "02"
      "0002"
      "000000000000fedc" TARGET_HEX PID_HEX,
      bytes);  // flag 2
  assert_int_equal(decode(bytes, n, &frame), ACT_EBADMSG);
  n = from_hex(
      "05"
      "00000001"
      "0000",
      bytes);  // ACT_LATER is no end
  assert_int_equal(decode(bytes, n, &frame), ACT_EBADMSG);
  n = from_hex(
      "05"
      "7fffffff"
      "0000",
      bytes);
  assert_int_equal(decode(bytes, n, &frame), ACT_EBADMSG);
  n = from_hex(
      "05"
      "80000000"
      "0000",
      bytes);  // a failure that a later version has a name for
  assert_int_equal(decode(bytes, n, &frame), ACT_OK);
  assert_int_equal(frame.u.ending.rc, ACT_EFAIL);

  n = from_hex(
      "05"
      "fffffffa"
      "0400",
      bytes);  // a text at its limit
  assert_int_equal(decode(bytes, n + ACT__FRAME_TEXT_MAX, &frame), ACT_OK);
  assert_int_equal(frame.u.ending.text.size, ACT__FRAME_TEXT_MAX);
  n = from_hex(
      "05"
      "fffffffa"
      "0401",
      bytes);  // and past it
  assert_int_equal(decode(bytes, n + ACT__FRAME_TEXT_MAX + 1, &frame), ACT_EBADMSG);
}

static void an_unknown_type_is_skipped_only_if_it_says_so(void **state) {
  (void)state;
  for (unsigned type = 0; type < 256; type++) {
    uint8_t bytes[3] = {(uint8_t)type, 1, 2};
    struct act__frame frame;
    bool known = act__frame_type_name(type)[0] != '?' && type != ACT__FRAME_SKIPPED &&
                 type != ACT__FRAME_GAP;
    act_rc rc = decode(bytes, sizeof bytes, &frame);
    if (type >= 128) {
      assert_int_equal(rc, ACT_OK);
      assert_int_equal(frame.type, ACT__FRAME_SKIPPED);
    } else {
      assert_int_equal(rc, ACT_EBADMSG);  // three bytes are too short or too long for every type
      if (!known) assert_int_equal(decode(bytes, 1, &frame), ACT_EBADMSG);
    }
  }
}

static void a_length_is_judged_as_soon_as_it_is_there(void **state) {
  (void)state;
  uint32_t length;
  uint8_t *big = calloc(1, ACT__FRAME_PREFIX + ACT__FRAME_MAX);
  const uint8_t zero[4] = {0}, at_limit[4] = {0, 1, 0, 0}, past_limit[4] = {0, 1, 0, 1},
                huge[4] = {0xFF, 0xFF, 0xFF, 0xFF}, small[4] = {0, 0, 4, 0},
                past_small[4] = {0, 0, 4, 1};

  for (size_t n = 0; n < 4; n++) {
    assert_int_equal(act__frame_split(huge, n, ACT__FRAME_MAX, &length), ACT_LATER);
  }
  assert_int_equal(act__frame_split(zero, 4, ACT__FRAME_MAX, &length), ACT_EBADMSG);
  assert_int_equal(act__frame_split(past_limit, 4, ACT__FRAME_MAX, &length), ACT_EBADMSG);
  assert_int_equal(act__frame_split(huge, 4, ACT__FRAME_MAX, &length), ACT_EBADMSG);
  assert_int_equal(act__frame_split(at_limit, 4, ACT__FRAME_MAX, &length), ACT_LATER);
  assert_int_equal(act__frame_split(small, 4, ACT__FRAME_HANDSHAKE_MAX, &length), ACT_LATER);
  assert_int_equal(act__frame_split(past_small, 4, ACT__FRAME_HANDSHAKE_MAX, &length), ACT_EBADMSG);

  memcpy(big, at_limit, 4);
  assert_int_equal(
      act__frame_split(big, ACT__FRAME_PREFIX + ACT__FRAME_MAX - 1, ACT__FRAME_MAX, &length),
      ACT_LATER);
  assert_int_equal(
      act__frame_split(big, ACT__FRAME_PREFIX + ACT__FRAME_MAX, ACT__FRAME_MAX, &length), ACT_OK);
  assert_int_equal(length, ACT__FRAME_MAX);
  free(big);
}

static void names_have_a_limit_and_texts_are_cut_between_characters(void **state) {
  (void)state;
  char name[ACT__FRAME_NAME_MAX + 2];
  memset(name, 'n', sizeof name);
  struct act__frame_lookup lookup = {.protocol = span("p")};
  struct act__frame frame;
  const char *why;

  lookup.name = (struct act__span){(uint8_t *)name, ACT__FRAME_NAME_MAX};
  assert_int_equal(act__frame_put_lookup(&out, &lookup), ACT_OK);
  assert_int_equal(act__frame_decode(out.data + 4, out.length - 4, &frame, &why), ACT_OK);
  assert_int_equal(frame.u.lookup.name.size, ACT__FRAME_NAME_MAX);
  size_t before = out.length;
  lookup.name.size++;
  assert_int_equal(act__frame_put_lookup(&out, &lookup), ACT_ELIMIT);
  assert_int_equal(out.length, before);

  char text[ACT__FRAME_TEXT_MAX + 10];
  memset(text, 't', sizeof text);
  memcpy(text + ACT__FRAME_TEXT_MAX - 1, "\xC3\xA9", 2);  // a character across the limit
  struct act__frame_ending ending = {ACT_EFAIL, {(uint8_t *)text, sizeof text}};
  act__bytes_reset(&out);
  assert_int_equal(act__frame_put_goodbye(&out, &ending), ACT_OK);
  assert_int_equal(act__frame_decode(out.data + 4, out.length - 4, &frame, &why), ACT_OK);
  assert_int_equal(frame.u.ending.text.size, ACT__FRAME_TEXT_MAX - 1);

  act__bytes_reset(&out);
  memset(text, 't', sizeof text);
  assert_int_equal(act__frame_put_refuse(&out, &ending), ACT_OK);
  assert_true(out.length - 4 <= ACT__FRAME_HANDSHAKE_MAX);
}

static void a_body_fills_a_frame_to_its_limit_and_not_past_it(void **state) {
  (void)state;
  uint8_t *body = calloc(1, ACT__FRAME_MAX);
  struct act__frame_message message = {.target = target, .sender = pid};
  size_t header = 1 + 1 + 2 + 8 + 12 + 20;

  message.body = (struct act__span){body, ACT__FRAME_MAX - header};
  assert_int_equal(act__frame_put_message(&out, &message), ACT_OK);
  assert_int_equal(out.length, ACT__FRAME_PREFIX + ACT__FRAME_MAX);
  message.body.size++;
  assert_int_equal(act__frame_put_message(&out, &message), ACT_ELIMIT);
  assert_int_equal(out.length, ACT__FRAME_PREFIX + ACT__FRAME_MAX);
  assert_false(out.failed);
  free(body);
}

static void a_frame_in_two_halves_equals_the_frame_in_one(void **state) {
  (void)state;
  struct act__bytes one;
  act__bytes_init(&one, 1 << 16);
  assert_int_equal(put_message(&one), ACT_OK);
  struct act__frame_message message = {
      .op = 2, .protocol = 0xFEDC, .target = target, .sender = pid};
  size_t mark;

  assert_int_equal(act__frame_begin_message(&out, &message, &mark), ACT_OK);
  assert_true(act__bytes_append(&out, "body", 4));
  assert_int_equal(act__frame_end(&out, mark, ACT__FRAME_MAX), ACT_OK);
  assert_int_equal(out.length, one.length);
  assert_memory_equal(out.data, one.data, one.length);

  size_t whole = out.length;
  assert_int_equal(act__frame_begin_message(&out, &message, &mark), ACT_OK);
  act__frame_abandon(&out, mark);
  assert_int_equal(out.length, whole);
  assert_int_equal(act__frame_begin_message(&out, &message, &mark), ACT_OK);
  assert_int_equal(act__frame_end(&out, mark, 43), ACT_ELIMIT);
  assert_int_equal(out.length, whole);
  assert_int_equal(act__frame_begin_message(&out, &message, &mark), ACT_OK);
  assert_int_equal(act__frame_end(&out, mark, 44), ACT_OK);
  act__bytes_fini(&one);
}

static void a_buffer_that_fails_keeps_the_frames_before(void **state) {
  (void)state;
  for (size_t limit = 0; limit < 200; limit++) {
    struct act__bytes tight;
    act__bytes_init(&tight, limit);
    size_t whole = 0;
    while (put_ask(&tight) == ACT_OK) whole = tight.length;
    assert_int_equal(tight.length, whole);
    assert_true(tight.failed);
    assert_int_equal(put_hello(&tight), ACT_EFULL);
    assert_int_equal(tight.length, whole);
    act__bytes_fini(&tight);
  }
  act__alloc_fail_after(0);
  act_rc rc = put_ask(&out);
  act__alloc_fail_after(-1);
  assert_int_equal(rc, ACT_ENOMEM);
  assert_int_equal(out.length, 0);
}

static void garbage_is_refused_or_decoded_but_never_read_past_its_end(void **state) {
  (void)state;
  struct act__rand rand;
  act__rand_seed(&rand, 20261122);
  uint8_t bytes[300];
  int accepted = 0;
  for (int round = 0; round < 200000; round++) {
    size_t n = (size_t)act__rand_below(&rand, sizeof bytes);
    for (size_t i = 0; i < n; i++) bytes[i] = (uint8_t)act__rand_next(&rand);
    if (n > 0 && round % 2) bytes[0] = (uint8_t)goldens[(size_t)round % GOLDENS].type;
    struct act__frame frame;
    if (decode(bytes, n, &frame) == ACT_OK) accepted++;
  }
  assert_true(accepted > 1000);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(every_type_has_the_bytes_that_the_specification_draws),
      TEST(decoding_and_encoding_again_gives_the_same_bytes),
      TEST(a_frame_that_is_a_byte_short_or_long_is_malformed),
      TEST(impossible_values_are_malformed),
      TEST(an_unknown_type_is_skipped_only_if_it_says_so),
      TEST(a_length_is_judged_as_soon_as_it_is_there),
      TEST(names_have_a_limit_and_texts_are_cut_between_characters),
      TEST(a_body_fills_a_frame_to_its_limit_and_not_past_it),
      TEST(a_frame_in_two_halves_equals_the_frame_in_one),
      TEST(a_buffer_that_fails_keeps_the_frames_before),
      TEST(garbage_is_refused_or_decoded_but_never_read_past_its_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
