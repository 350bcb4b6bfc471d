// SPDX-License-Identifier: Apache-2.0
//
// mailbox/codec: messages as msgpack and back, and what the decoder refuses.
#include "mailbox/codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "mailbox/copy.h"
#include "tests/mailbox/sample.h"

ACT_MSG(m_i32, (i32, v, 1))
ACT_MSG(m_i64, (i64, v, 1))
ACT_MSG(m_u32, (u32, v, 1))
ACT_MSG(m_u64, (u64, v, 1))
ACT_MSG(m_f64, (f64, v, 1))
ACT_MSG(m_flag, (flag, v, 1))
ACT_MSG(m_str, (str, v, 1))
ACT_MSG(m_bytes, (bytes, v, 1))
ACT_MSG(m_pid, (pid, v, 1))
ACT_MSG(m_time, (time, v, 1))
ACT_MSG(m_buf, (buf, v, 1))
ACT_MSG(m_list, (list, v, 1, u32))
ACT_MSG(m_strs, (list, v, 1, str))
ACT_MSG(m_bufs, (list, v, 1, buf))
ACT_MSG(m_opt, (opt, v, 1, i64))
ACT_MSG(m_msg, (msg, v, 1, point))
ACT_MSG(m_msgs, (msgs, v, 1, point))
ACT_MSG(m_ids, (flag, a, 127)(flag, b, 128)(flag, c, 70000))
ACT_MSG(sparse, (opt, a, 1, i64)(opt, b, 2, i64)(opt, c, 3, i64)(opt, d, 4, i64)
                (opt, e, 5, i64)(opt, f, 6, i64)(opt, g, 7, i64)(opt, h, 8, i64))
ACT_MSG(m_sparse, (msgs, v, 1, sparse))

ACT_MSG(d1, (i32, v, 1))
ACT_MSG(d3, (msgs, v, 1, d1))
ACT_MSG(d5, (msgs, v, 1, d3))
ACT_MSG(d7, (msgs, v, 1, d5))
ACT_MSG(d9, (msgs, v, 1, d7))
ACT_MSG(d11, (msgs, v, 1, d9))
ACT_MSG(d13, (msgs, v, 1, d11))
ACT_MSG(d15, (msgs, v, 1, d13))
ACT_MSG(d16, (msg, v, 1, d15))

// ---- vocabulary ---------------------------------------------------------------------------------

static size_t from_hex(const char *hex, uint8_t *out) {
  size_t size = 0;

  for (; *hex; hex++) {
    if (*hex == ' ') continue;
    char digits[3] = {hex[0], hex[1], 0};
    out[size++] = (uint8_t)strtoul(digits, NULL, 16);
    hex++;
  }
  return size;
}

// Decodes bytes in memory of exactly their size into a block of exactly the size measured.
static act_rc decode(const act_schema *schema, const uint8_t *data, size_t size,
                     const struct act__decode_limits *limits, void **block) {
  uint8_t *exact = malloc(size ? size : 1);
  size_t block_size;
  assert_non_null(exact);
  if (size) memcpy(exact, data, size);
  act_rc rc = act__decode(schema, exact, size, limits, NULL, &block_size);

  *block = NULL;
  if (rc == ACT_OK) {
    size_t measured = block_size;
    assert_int_equal(block_size % 8, 0);
    *block = malloc(block_size);
    assert_non_null(*block);
    memset(*block, 0xaa, block_size);
    rc = act__decode(schema, exact, size, limits, *block, &block_size);
    assert_int_equal(block_size, measured);
    if (rc != ACT_OK) {
      free(*block);
      *block = NULL;
    }
  }
  free(exact);
  return rc;
}

static void encodes_to(const act_schema *schema, const void *message, const char *hex) {
  uint8_t expected[256];
  size_t size = from_hex(hex, expected);
  struct act__bytes out;
  void *block;
  act__bytes_init(&out, 1 << 20);

  assert_int_equal(act__encode(schema, message, &out), ACT_OK);
  if (out.length != size || memcmp(out.data, expected, size) != 0) {
    char text[600];
    for (size_t i = 0; i < out.length && i < 256; i++) sprintf(text + 2 * i, "%02x", out.data[i]);
    fail_msg("%s: encoded as %s, not %s", schema->name, text, hex);
  }
  assert_int_equal(decode(schema, expected, size, NULL, &block), ACT_OK);
  assert_true(sample_equal(schema, message, block));
  sample_free(schema, block);
  act__bytes_fini(&out);
}

// Decodes to the same as `message`, which need not encode to these bytes.
static void decodes_to(const act_schema *schema, const char *hex, const void *message) {
  uint8_t data[256];
  size_t size = from_hex(hex, data);
  struct act__decode_error error = {0};
  struct act__decode_limits limits = {.error = &error};
  void *block;

  if (decode(schema, data, size, &limits, &block) != ACT_OK) fail_msg("%s: %s", hex, error.text);
  assert_true(sample_equal(schema, message, block));
  sample_free(schema, block);
}

static void is_refused(const act_schema *schema, const char *hex, const char *why, size_t offset) {
  uint8_t data[256];
  size_t size = from_hex(hex, data);
  struct act__decode_error error = {0};
  struct act__decode_limits limits = {.error = &error};
  void *block;

  assert_int_equal(decode(schema, data, size, &limits, &block), ACT_EBADMSG);
  if (!strstr(error.text, why) || error.offset != offset) {
    fail_msg("%s: refused with \"%s\" at %zu, not \"%s\" at %zu", hex, error.text, error.offset,
             why, offset);
  }
  assert_int_equal(decode(schema, data, size, NULL, &block), ACT_EBADMSG);
}

// ---- bytes that must never change ---------------------------------------------------------------

static void golden_bytes_of_each_kind(void **state) {
  (void)state;

  encodes_to(&nothing_schema, &(nothing){0}, "80");
  encodes_to(&m_i32_schema, &(m_i32){5}, "81 01 05");
  encodes_to(&m_i32_schema, &(m_i32){-1}, "81 01 ff");
  encodes_to(&m_i32_schema, &(m_i32){-33}, "81 01 d0df");
  encodes_to(&m_i32_schema, &(m_i32){INT32_MIN}, "81 01 d280000000");
  encodes_to(&m_i64_schema, &(m_i64){INT64_MIN}, "81 01 d38000000000000000");
  encodes_to(&m_i64_schema, &(m_i64){INT64_C(1) << 40}, "81 01 cf0000010000000000");
  encodes_to(&m_u32_schema, &(m_u32){UINT32_MAX}, "81 01 ceffffffff");
  encodes_to(&m_u64_schema, &(m_u64){UINT64_MAX}, "81 01 cfffffffffffffffff");
  encodes_to(&m_f64_schema, &(m_f64){1.5}, "81 01 cb3ff8000000000000");
  encodes_to(&m_flag_schema, &(m_flag){true}, "81 01 c3");
  encodes_to(&m_flag_schema, &(m_flag){false}, "81 01 c2");
  encodes_to(&m_str_schema, &(m_str){ACT_STR("tick")}, "81 01 a47469636b");
  encodes_to(&m_str_schema, &(m_str){{NULL, 0}}, "81 01 a0");
  encodes_to(&m_bytes_schema, &(m_bytes){act_bytes_of("\0\xff", 2)}, "81 01 c40200ff");
  encodes_to(&m_pid_schema, &(m_pid){{0x0123456789abcdef, 2, 3, 4, 0}},
             "81 01 c71801 0123456789abcdef 00000002 00000003 00000004 00000000");
  encodes_to(&m_list_schema, &(m_list){{(uint32_t[]){1, 300}, 2}}, "81 01 92 01 cd012c");
  encodes_to(&m_list_schema, &(m_list){{NULL, 0}}, "80");
  encodes_to(&m_strs_schema, &(m_strs){{(act_str[]){ACT_STR("a"), ACT_STR("")}, 2}},
             "81 01 92 a161 a0");
  encodes_to(&m_opt_schema, &(m_opt){{true, 42}}, "81 01 2a");
  encodes_to(&m_opt_schema, &(m_opt){{true, 0}}, "81 01 00");
  encodes_to(&m_opt_schema, &(m_opt){{false, 42}}, "80");
  encodes_to(&m_msg_schema, &(m_msg){{3, 4}}, "81 01 82 01 03 02 04");
  encodes_to(&m_msgs_schema, &(m_msgs){{(point[]){{3, 4}, {0, -1}}, 2}},
             "81 01 92 82 01 03 02 04 82 01 00 02 ff");
  encodes_to(&m_ids_schema, &(m_ids){true, false, true}, "83 7f c3 cc80 c2 ce00011170 c3");
}

static void golden_bytes_of_times(void **state) {
  (void)state;

  encodes_to(&m_time_schema, &(m_time){{0}}, "81 01 d6ff 00000000");
  encodes_to(&m_time_schema, &(m_time){{INT64_C(4294967295000000000)}}, "81 01 d6ff ffffffff");
  encodes_to(&m_time_schema, &(m_time){{1}}, "81 01 d7ff 0000000400000000");
  encodes_to(&m_time_schema, &(m_time){{INT64_C(4294967296000000000)}},
             "81 01 d7ff 0000000100000000");
  encodes_to(&m_time_schema, &(m_time){{INT64_MAX}}, "81 01 d7ff cbcb5ffe25c17d04");
  encodes_to(&m_time_schema, &(m_time){{-1}}, "81 01 c70cff 3b9ac9ff ffffffffffffffff");
  encodes_to(&m_time_schema, &(m_time){{INT64_MIN}}, "81 01 c70cff 08a7f200 fffffffdda3e82fb");
  decodes_to(&m_time_schema, "81 01 c70cff 00000001 0000000000000002",
             &(m_time){{INT64_C(2000000001)}});
}

static void golden_bytes_of_buffers(void **state) {
  (void)state;
  act_buf buf = act_buf_copy("abc", 3);
  act_buf empty = act_buf_copy(NULL, 0);

  encodes_to(&m_buf_schema, &(m_buf){buf}, "81 01 c403616263");
  encodes_to(&m_buf_schema, &(m_buf){empty}, "81 01 c400");
  encodes_to(&m_buf_schema, &(m_buf){{NULL}}, "80");
  encodes_to(&m_bufs_schema, &(m_bufs){{(act_buf[]){buf, {NULL}, empty}, 3}},
             "81 01 93 c403616263 c0 c400");
  act_buf_unref(buf);
  act_buf_unref(empty);
}

// ---- what is accepted ---------------------------------------------------------------------------

static void every_kind_and_shape_comes_back_the_same(void **state) {
  (void)state;
  static struct sample_arena arena;
  struct act__rand rand;

  act__rand_seed(&rand, 1);
  for (int i = 0; i < 1000; i++) {
    everything m = {0};
    struct act__bytes out;
    void *block;
    arena.used = 0;
    act__bytes_init(&out, 1 << 20);
    sample_fill(&everything_schema, &m, &rand, &arena);

    assert_int_equal(act__encode(&everything_schema, &m, &out), ACT_OK);
    assert_int_equal(decode(&everything_schema, out.data, out.length, NULL, &block), ACT_OK);
    assert_true(sample_equal(&everything_schema, &m, block));

    sample_free(&everything_schema, block);
    sample_release(&everything_schema, &m);
    act__bytes_fini(&out);
  }
}

static void unknown_fields_are_skipped(void **state) {
  (void)state;

  decodes_to(&point_schema, "84 05 93 01 a161 80 01 07 cf0000000100000001 c403010203 02 08",
             &(point){7, 8});
}

static void missing_fields_are_zero_and_missing_text_is_empty(void **state) {
  (void)state;
  uint8_t data[] = {0x80};
  void *block;
  everything zero = {0};

  decodes_to(&everything_schema, "80", &zero);
  assert_int_equal(decode(&everything_schema, data, 1, NULL, &block), ACT_OK);
  assert_string_equal(((everything *)block)->a_str.data, "");
  assert_string_equal(((everything *)block)->a_label.key.data, "");
  assert_non_null(((everything *)block)->a_label.value.data);
  sample_free(&everything_schema, block);
}

static void delivered_text_is_terminated(void **state) {
  (void)state;
  uint8_t data[64];
  size_t size = from_hex("81 01 92 a26162 a163", data);
  void *block;

  assert_int_equal(decode(&m_strs_schema, data, size, NULL, &block), ACT_OK);
  assert_string_equal(((m_strs *)block)->v.items[0].data, "ab");
  assert_string_equal(((m_strs *)block)->v.items[1].data, "c");
  sample_free(&m_strs_schema, block);
}

static void numbers_are_accepted_in_any_form_that_is_exact(void **state) {
  (void)state;

  decodes_to(&m_u32_schema, "81 01 d30000000000000005", &(m_u32){5});
  decodes_to(&m_u32_schema, "81 cf0000000000000001 05", &(m_u32){5});
  decodes_to(&m_i32_schema, "81 01 cbc000000000000000", &(m_i32){-2});
  decodes_to(&m_i32_schema, "81 01 ca41200000", &(m_i32){10});
  decodes_to(&m_u64_schema, "81 01 cb43efffffffffffff", &(m_u64){UINT64_C(18446744073709549568)});
  decodes_to(&m_i64_schema, "81 01 cbc3e0000000000000", &(m_i64){INT64_MIN});
  decodes_to(&m_u32_schema, "81 01 cb8000000000000000", &(m_u32){0});  // minus zero
  decodes_to(&m_f64_schema, "81 01 03", &(m_f64){3});
  decodes_to(&m_f64_schema, "81 01 d38000000000000000", &(m_f64){-0x1p63});
  decodes_to(&m_f64_schema, "81 01 ca3fc00000", &(m_f64){1.5});
  decodes_to(&m_opt_schema, "81 01 c0", &(m_opt){{false, 0}});
}

// ---- what is refused ----------------------------------------------------------------------------

static void malformed_messages_are_refused_with_a_reason(void **state) {
  (void)state;

  is_refused(&m_i32_schema, "", "the bytes end", 0);
  is_refused(&m_i32_schema, "c0", "m_i32: nil where a map belongs", 0);
  is_refused(&m_i32_schema, "c1", "0xc1", 0);
  is_refused(&m_i32_schema, "93 01 02 03", "an array where a map belongs", 0);
  is_refused(&m_i32_schema, "81 01", "the bytes end", 0);
  is_refused(&m_i32_schema, "81 01 c1", "0xc1", 2);
  is_refused(&m_i32_schema, "81 01 05 00", "left over", 3);
  is_refused(&m_i32_schema, "82 01 05 01 06", "m_i32.v: the field comes twice", 3);
  is_refused(&m_i32_schema, "81 a161 05", "a str where a field id belongs", 1);
  is_refused(&m_i32_schema, "81 ff 05", "a negative number where a field id belongs", 1);
  is_refused(&m_i32_schema, "81 01 a135", "m_i32.v: a str where a whole number belongs", 2);
  is_refused(&m_i32_schema, "81 01 c0", "nil where a whole number belongs", 2);
  is_refused(&m_flag_schema, "81 01 01", "a number where a flag belongs", 2);
  is_refused(&m_str_schema, "81 01 c40161", "a bin where a str belongs", 2);
  is_refused(&m_str_schema, "81 01 a26162 63", "left over", 5);
  is_refused(&m_str_schema, "81 01 a36162", "the bytes end", 2);
  is_refused(&m_bytes_schema, "81 01 a161", "a str where a bin belongs", 2);
  is_refused(&m_buf_schema, "81 01 a161", "a str where a bin belongs", 2);
  is_refused(&m_list_schema, "81 01 05", "m_list.v: a number where an array belongs", 2);
  is_refused(&m_list_schema, "81 01 c0", "nil where an array belongs", 2);
  is_refused(&m_list_schema, "81 01 92 01 c0", "nil where a whole number belongs", 4);
  is_refused(&m_opt_schema, "81 01 a0", "a str where a whole number belongs", 2);
  is_refused(&m_msg_schema, "81 01 82 01 03 02 a0", "point.y: a str", 6);
  is_refused(&m_msgs_schema, "81 01 92 80 05", "a number where a map belongs", 4);
  is_refused(&m_msg_schema, "82 01 80 01 80", "m_msg.v: the field comes twice", 3);
  is_refused(&point_schema, "81 09 c1", "0xc1", 2);
}

static void numbers_out_of_range_are_refused(void **state) {
  (void)state;

  is_refused(&m_i32_schema, "81 01 ce80000000", "out of range", 2);
  is_refused(&m_i32_schema, "81 01 d3ffffffff7fffffff", "out of range", 2);
  is_refused(&m_i64_schema, "81 01 cf8000000000000000", "out of range", 2);
  is_refused(&m_u32_schema, "81 01 ff", "out of range", 2);
  is_refused(&m_u32_schema, "81 01 cf0000000100000000", "out of range", 2);
  is_refused(&m_u64_schema, "81 01 ff", "out of range", 2);
  is_refused(&m_u32_schema, "81 01 cb3ff8000000000000", "a whole number belongs", 2);  // 1.5
  is_refused(&m_i64_schema, "81 01 cbbfe0000000000000", "a whole number belongs", 2);  // -0.5
  is_refused(&m_u64_schema, "81 01 cb43f0000000000000", "a whole number belongs", 2);  // 2^64
  is_refused(&m_i64_schema, "81 01 cb43e0000000000000", "out of range", 2);            // 2^63
  is_refused(&m_i64_schema, "81 01 cbc3e0000000000001", "a whole number belongs", 2);
  is_refused(&m_i64_schema, "81 01 cb7ff8000000000000", "a whole number belongs", 2);  // NaN
  is_refused(&m_i64_schema, "81 01 cb7ff0000000000000", "a whole number belongs", 2);  // infinity
  is_refused(&m_f64_schema, "81 01 cf0020000000000001", "no f64 can hold", 2);
  is_refused(&m_f64_schema, "81 01 cfffffffffffffffff", "no f64 can hold", 2);
  is_refused(&m_f64_schema, "81 01 d3ffdfffffffffffff", "no f64 can hold", 2);
}

static void malformed_addresses_and_times_are_refused(void **state) {
  (void)state;

  is_refused(&m_pid_schema, "81 01 c71701 0123456789abcdef 00000002 00000003 00000004 000000",
             "malformed address", 5);
  is_refused(&m_pid_schema, "81 01 c71801 0123456789abcdef 00000002 00000003 00000004 00000001",
             "malformed address", 5);
  is_refused(&m_pid_schema, "81 01 c71802 0123456789abcdef 00000002 00000003 00000004 00000000",
             "an ext where an address", 2);
  is_refused(&m_time_schema, "81 01 d5ff 0000", "malformed timestamp", 4);
  is_refused(&m_time_schema, "81 01 d7ff ee6b280000000000", "malformed timestamp", 4);
  is_refused(&m_time_schema, "81 01 c70cff 3b9aca00 0000000000000000", "malformed timestamp", 5);
  is_refused(&m_time_schema, "81 01 d60100000000", "an ext where a timestamp", 2);
  is_refused(&m_time_schema, "81 01 d7ff cbcb6002 25c17d04", "out of range", 4);
  is_refused(&m_time_schema, "81 01 c70cff 08a7f1ff fffffffdda3e82fb", "out of range", 5);
  is_refused(&m_time_schema, "81 01 c70cff 00000000 7fffffffffffffff", "out of range", 5);
  is_refused(&m_time_schema, "81 01 c70cff 00000000 8000000000000000", "out of range", 5);
}

static void text_that_is_not_utf8_is_refused(void **state) {
  (void)state;
  static const char *const bad[] = {"a180", "a1c3", "a2c080", "a2c1bf", "a3e08080", "a3eda080",
                                    "a4f0808080", "a4f4908080", "a4f8808080", "a3e28228", "a1ff"};
  static const char *const good[] = {"a2c280", "a2dfbf", "a3e0a080", "a3ed9fbf", "a3ee8080",
                                     "a4f0908080", "a4f48fbfbf", "a100"};
  char hex[64];

  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    snprintf(hex, sizeof hex, "81 01 %s", bad[i]);
    is_refused(&m_str_schema, hex, "not UTF-8", 3);
  }
  is_refused(&m_str_schema, "81 01 aa 61616161616161616180", "not UTF-8", 12);
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
    uint8_t data[16] = {0x81, 0x01};
    void *block;
    size_t size = 2 + from_hex(good[i], data + 2);
    assert_int_equal(decode(&m_str_schema, data, size, NULL, &block), ACT_OK);
    sample_free(&m_str_schema, block);
  }
}

static void counts_that_the_bytes_cannot_hold_are_refused(void **state) {
  (void)state;

  is_refused(&m_list_schema, "81 01 ddffffffff", "the bytes end", 2);
  is_refused(&m_list_schema, "81 01 dd20000000 c0", "the bytes end", 2);
  is_refused(&m_str_schema, "81 01 dbffffffff 61", "the bytes end", 2);
  is_refused(&m_bytes_schema, "81 01 c6ffffffff 61", "the bytes end", 2);
  is_refused(&m_i32_schema, "dfffffffff 01 05", "the bytes end", 0);
  is_refused(&m_i32_schema, "82 01 05 02", "the bytes end", 0);
}

static void every_prefix_of_a_message_is_refused(void **state) {
  (void)state;
  static struct sample_arena arena;
  struct act__rand rand;
  struct act__bytes out;
  everything m = {0};
  void *block;

  act__rand_seed(&rand, 3);
  act__bytes_init(&out, 1 << 20);
  sample_fill(&everything_schema, &m, &rand, &arena);
  assert_int_equal(act__encode(&everything_schema, &m, &out), ACT_OK);
  for (size_t size = 0; size < out.length; size++) {
    assert_int_equal(decode(&everything_schema, out.data, size, NULL, &block), ACT_EBADMSG);
  }
  act__bytes_fini(&out);
  sample_release(&everything_schema, &m);
}

// ---- bounds -------------------------------------------------------------------------------------

static void nesting_at_the_limit_is_decoded_and_one_past_it_refused(void **state) {
  (void)state;
  struct act__decode_error error;
  struct act__decode_limits limits = {.depth = 16, .error = &error};
  const char *hex = "81 01 81 01 91 81 01 91 81 01 91 81 01 91 81 01 91 81 01 91 81 01 91 81 01 05";
  uint8_t data[64];
  size_t size = from_hex(hex, data);
  void *block;

  assert_int_equal(d16_schema.depth, 16);
  assert_int_equal(decode(&d16_schema, data, size, &limits, &block), ACT_OK);
  assert_int_equal(((d16 *)block)
                       ->v.v.items->v.items->v.items->v.items->v.items->v.items->v.items->v,
                   5);
  sample_free(&d16_schema, block);
  limits.depth = 15;
  assert_int_equal(decode(&d16_schema, data, size, &limits, &block), ACT_EBADMSG);
  assert_non_null(strstr(error.text, "nested more than 15 deep"));
}

static void unknown_fields_count_towards_the_depth(void **state) {
  (void)state;

  decodes_to(&point_schema, "81 09 919191919191919191919191919191c0", &(point){0, 0});
  decodes_to(&point_schema, "81 09 919191919191919191919191919190", &(point){0, 0});
  is_refused(&point_schema, "81 09 91919191919191919191919191919190", "nested too deeply", 17);
}

static void expansion_at_the_bound_is_accepted_and_one_past_it_refused_on_both_sides(void **state) {
  (void)state;
  sparse items[2] = {{.a = {false, 0}}};
  m_sparse one = {{items, 1}}, two = {{items, 2}};
  struct act__bytes out;
  act__bytes_init(&out, 100);

  assert_int_equal(sizeof(sparse), 128);
  encodes_to(&m_sparse_schema, &one, "81 01 91 80");  // 16 + 128 bytes, allowed are 4 * 32 + 16
  is_refused(&m_sparse_schema, "81 01 92 80 80", "grows past 176 bytes", 2);
  assert_int_equal(act__encode(&m_sparse_schema, &two, &out), ACT_ELIMIT);
  assert_int_equal(out.length, 0);
  act__bytes_fini(&out);
}

static void block_at_the_callers_limit_is_accepted_and_one_past_it_refused(void **state) {
  (void)state;
  uint8_t data[64];
  size_t size = from_hex("81 01 a8 6162636465666768", data);  // 16 + 9, rounded up to 32
  struct act__decode_limits limits = {.block_bytes = 32};
  void *block;

  assert_int_equal(decode(&m_str_schema, data, size, &limits, &block), ACT_OK);
  sample_free(&m_str_schema, block);
  limits.block_bytes = 31;
  assert_int_equal(decode(&m_str_schema, data, size, &limits, &block), ACT_EBADMSG);
  limits.block_bytes = 8;
  assert_int_equal(decode(&m_str_schema, data, size, &limits, &block), ACT_EBADMSG);
}

static void largest_message_is_decoded_and_one_byte_more_refused(void **state) {
  (void)state;
  size_t most = ACT_MESSAGE_MAX - sizeof(m_bytes);
  uint8_t *data = calloc(1, most + 16);
  void *block;
  assert_non_null(data);

  for (size_t extra = 0; extra < 2; extra++) {
    size_t size = most + extra;
    uint8_t head[] = {0x81, 0x01, 0xc6, (uint8_t)(size >> 24), (uint8_t)(size >> 16),
                      (uint8_t)(size >> 8), (uint8_t)size};
    memcpy(data, head, sizeof head);
    act_rc rc = decode(&m_bytes_schema, data, size + sizeof head, NULL, &block);
    assert_int_equal(rc, extra ? ACT_EBADMSG : ACT_OK);
    sample_free(&m_bytes_schema, block);
  }
  free(data);
}

// ---- encoding refusals --------------------------------------------------------------------------

static void encoder_refuses_text_that_its_receiver_would_refuse(void **state) {
  (void)state;
  struct act__bytes out;
  m_str m = {{"a\xff", 2}};
  act__bytes_init(&out, 100);
  assert_true(act__bytes_append(&out, "before", 6));

  assert_int_equal(act__encode(&m_str_schema, &m, &out), ACT_EINVAL);
  assert_int_equal(out.length, 6);
  assert_false(out.failed);
  act__bytes_fini(&out);
}

static void encoder_fills_the_destination_to_its_limit_and_no_further(void **state) {
  (void)state;
  struct act__bytes out;
  m_str m = {ACT_STR("tick")};

  act__bytes_init(&out, 7);
  assert_int_equal(act__encode(&m_str_schema, &m, &out), ACT_OK);
  act__bytes_fini(&out);
  act__bytes_init(&out, 6);
  assert_int_equal(act__encode(&m_str_schema, &m, &out), ACT_EFULL);
  assert_int_equal(out.length, 0);
  act__bytes_fini(&out);
}

static void encoder_reports_lack_of_memory(void **state) {
  (void)state;
  struct act__bytes out;
  m_str m = {ACT_STR("tick")};

  act__bytes_init(&out, 100);
  act__alloc_fail_after(0);
  assert_int_equal(act__encode(&m_str_schema, &m, &out), ACT_ENOMEM);
  act__alloc_fail_after(-1);
  assert_int_equal(out.length, 0);
  act__bytes_fini(&out);
}

static void lack_of_memory_for_any_buffer_leaves_no_reference_behind(void **state) {
  (void)state;
  uint8_t data[64];
  size_t size = from_hex("83 0b c40161 1f 93 c40162 c0 c40163 33 c40164", data);
  void *block;
  int refused = 0;

  for (int64_t n = 0;; n++) {
    act__alloc_fail_after(n);
    act_rc rc = decode(&everything_schema, data, size, NULL, &block);
    bool failed = act__alloc_failures() > 0;
    act__alloc_fail_after(-1);
    if (!failed) {
      assert_int_equal(rc, ACT_OK);
      break;
    }
    refused++;
    assert_int_equal(rc, ACT_ENOMEM);
    assert_null(block);
  }
  assert_true(refused >= 4);
  sample_free(&everything_schema, block);
}

// Random damage: whatever is accepted can be packed again, unless its packed form is too dense.
static void damaged_messages_are_refused_or_decoded_never_worse(void **state) {
  (void)state;
  static struct sample_arena arena;
  struct act__rand rand;
  unsigned accepted = 0;

  act__rand_seed(&rand, 9);
  for (int i = 0; i < 4000; i++) {
    everything m = {0};
    struct act__bytes out;
    void *block;
    arena.used = 0;
    act__bytes_init(&out, 1 << 20);
    sample_fill(&everything_schema, &m, &rand, &arena);
    assert_int_equal(act__encode(&everything_schema, &m, &out), ACT_OK);
    for (uint64_t hits = act__rand_below(&rand, 3); hits < 3; hits++) {
      out.data[act__rand_below(&rand, out.length)] = (uint8_t)act__rand_next(&rand);
    }
    if (decode(&everything_schema, out.data, out.length, NULL, &block) == ACT_OK) {
      accepted++;
      act__bytes_reset(&out);
      act_rc rc = act__encode(&everything_schema, block, &out);
      assert_true(rc == ACT_OK || rc == ACT_ELIMIT);
      sample_free(&everything_schema, block);
    }
    act__bytes_fini(&out);
    sample_release(&everything_schema, &m);
  }
  assert_true(accepted > 100);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(golden_bytes_of_each_kind),
      cmocka_unit_test(golden_bytes_of_times),
      cmocka_unit_test(golden_bytes_of_buffers),
      cmocka_unit_test(every_kind_and_shape_comes_back_the_same),
      cmocka_unit_test(unknown_fields_are_skipped),
      cmocka_unit_test(missing_fields_are_zero_and_missing_text_is_empty),
      cmocka_unit_test(delivered_text_is_terminated),
      cmocka_unit_test(numbers_are_accepted_in_any_form_that_is_exact),
      cmocka_unit_test(malformed_messages_are_refused_with_a_reason),
      cmocka_unit_test(numbers_out_of_range_are_refused),
      cmocka_unit_test(malformed_addresses_and_times_are_refused),
      cmocka_unit_test(text_that_is_not_utf8_is_refused),
      cmocka_unit_test(counts_that_the_bytes_cannot_hold_are_refused),
      cmocka_unit_test(every_prefix_of_a_message_is_refused),
      cmocka_unit_test(nesting_at_the_limit_is_decoded_and_one_past_it_refused),
      cmocka_unit_test(unknown_fields_count_towards_the_depth),
      cmocka_unit_test(expansion_at_the_bound_is_accepted_and_one_past_it_refused_on_both_sides),
      cmocka_unit_test(block_at_the_callers_limit_is_accepted_and_one_past_it_refused),
      cmocka_unit_test(largest_message_is_decoded_and_one_byte_more_refused),
      cmocka_unit_test(encoder_refuses_text_that_its_receiver_would_refuse),
      cmocka_unit_test(encoder_fills_the_destination_to_its_limit_and_no_further),
      cmocka_unit_test(encoder_reports_lack_of_memory),
      cmocka_unit_test(lack_of_memory_for_any_buffer_leaves_no_reference_behind),
      cmocka_unit_test(damaged_messages_are_refused_or_decoded_never_worse),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
