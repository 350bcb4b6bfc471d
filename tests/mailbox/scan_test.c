// SPDX-License-Identifier: Apache-2.0
//
// mailbox/scan: tokens and the bounded scan.
#include "mailbox/scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// Copied to memory of exactly this size, so that a sanitizer sees any read past the end.
static enum act__scan_result scan(const char *bytes, size_t size, unsigned depth, size_t *used) {
  uint8_t *exact = malloc(size ? size : 1);
  assert_non_null(exact);
  memcpy(exact, bytes, size);
  enum act__scan_result result = act__scan_exactly(exact, size, depth, used);

  free(exact);
  return result;
}

struct row {
  const char *bytes;
  size_t size;
  enum act__scan_result result;
  size_t used;
};
#define ROW(literal, result, used) {literal, sizeof(literal) - 1, ACT__SCAN_##result, used}

static void table_of_accepted_and_refused_bytes(void **state) {
  (void)state;
  static const struct row rows[] = {
      ROW("", SHORT, 0),
      ROW("\x00", OK, 1),
      ROW("\x7f", OK, 1),
      ROW("\xff", OK, 1),
      ROW("\xc0", OK, 1),
      ROW("\xc1", RESERVED, 0),
      ROW("\xc2", OK, 1),
      ROW("\xa0", OK, 1),
      ROW("\xa3"
          "abc",
          OK, 4),
      ROW("\xa3"
          "ab",
          SHORT, 0),
      ROW("\xd9\x01"
          "a",
          OK, 3),
      ROW("\xd9", SHORT, 0),
      ROW("\xdb\xff\xff\xff\xff"
          "a",
          SHORT, 0),
      ROW("\xc6\xff\xff\xff\xff"
          "a",
          SHORT, 0),
      ROW("\xc9\xff\xff\xff\xff\x01"
          "a",
          SHORT, 0),
      ROW("\xc7\x00\x01", OK, 3),
      ROW("\xd4\x01\x02", OK, 3),
      ROW("\xd8\x01\x02", SHORT, 0),
      ROW("\x90", OK, 1),
      ROW("\x80", OK, 1),
      ROW("\x92\x01\x02", OK, 3),
      ROW("\x92\x01", SHORT, 0),
      ROW("\x92\x01\xc1", RESERVED, 2),
      ROW("\x82\x01\x02\x03", SHORT, 0),
      ROW("\x81\x01\x02", OK, 3),
      ROW("\xdd\xff\xff\xff\xff", SHORT, 0),
      ROW("\xdd\x20\x00\x00\x00\xc0", SHORT, 0),
      ROW("\xdf\xff\xff\xff\xff\xc0", SHORT, 0),
      ROW("\xdf\x80\x00\x00\x01\xc0\xc0", SHORT, 0),
      ROW("\xcb\x00\x00\x00\x00\x00\x00\x00\x00", OK, 9),
      ROW("\xcb\x00\x00\x00\x00\x00\x00\x00", SHORT, 0),
      ROW("\xcf\x00\x00\x00\x00\x00\x00\x00", SHORT, 0),
      ROW("\x01\x02", TRAILING, 1),
      ROW("\x91\x90\x01", TRAILING, 2),
      ROW("\x92\x91\x01\x90", OK, 4),
      ROW("\x93\x92\x01\x02\x81\x03\x91\x04\x05", OK, 9),
  };

  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    size_t used = 99;
    enum act__scan_result result = scan(rows[i].bytes, rows[i].size, 16, &used);
    if (result != rows[i].result || used != rows[i].used) {
      fail_msg("row %zu: %s after %zu bytes", i, act__scan_text(result), used);
    }
  }
}

static void nesting_at_the_limit_is_accepted_and_one_past_it_refused(void **state) {
  (void)state;
  char bytes[18];
  size_t used;

  memset(bytes, '\x91', sizeof bytes);
  bytes[16] = '\xc0';
  assert_int_equal(scan(bytes, 17, 16, &used), ACT__SCAN_OK);
  bytes[16] = '\x90';
  assert_int_equal(scan(bytes, 17, 16, &used), ACT__SCAN_DEEP);
  assert_int_equal(used, 16);
  assert_int_equal(scan(bytes, 17, 17, &used), ACT__SCAN_OK);
  assert_int_equal(scan("\x90", 1, 0, &used), ACT__SCAN_DEEP);
  assert_int_equal(scan("\xc0", 1, 0, &used), ACT__SCAN_OK);
}

static void a_deep_value_takes_no_stack(void **state) {
  (void)state;
  static char bytes[1 << 20];
  size_t used;

  memset(bytes, '\x91', sizeof bytes);
  assert_int_equal(scan(bytes, sizeof bytes, ACT__SCAN_DEPTH_MAX, &used), ACT__SCAN_DEEP);
}

static struct act__token token_of(const char *bytes, size_t size) {
  struct act__token token;

  assert_int_equal(act__token_read((const uint8_t *)bytes, size, &token), ACT__SCAN_OK);
  return token;
}

static void tokens_carry_their_values(void **state) {
  (void)state;

  assert_int_equal(token_of("\xcd\x12\x34", 3).number, 0x1234);
  assert_int_equal(token_of("\xcf\xff\xff\xff\xff\xff\xff\xff\xff", 9).number, UINT64_MAX);
  assert_int_equal(token_of("\xcf\xff\xff\xff\xff\xff\xff\xff\xff", 9).type, ACT__TOKEN_UINT);
  assert_int_equal((int64_t)token_of("\xe0", 1).number, -32);
  assert_int_equal((int64_t)token_of("\xd0\x80", 2).number, -128);
  assert_int_equal((int64_t)token_of("\xd3\x80\0\0\0\0\0\0\0", 9).number, INT64_MIN);
  assert_int_equal(token_of("\xd1\x00\x05", 3).type, ACT__TOKEN_UINT);
  assert_true(token_of("\xca\x3f\x80\x00\x00", 5).real == 1.0);
  assert_true(token_of("\xcb\xbf\xf8\0\0\0\0\0\0", 9).real == -1.5);
  assert_int_equal(token_of("\xd6\xff\0\0\0\0", 6).ext, -1);
  assert_int_equal(token_of("\xd6\xff\0\0\0\0", 6).length, 4);
  assert_int_equal(token_of("\xc8\x00\x01\x05\x00", 5).ext, 5);
  assert_int_equal(token_of("\xc3", 1).number, 1);
}

// Every first byte is either a token whose head has the right length, or the reserved one; bytes
// that are missing are noticed.
static void every_first_byte_is_known(void **state) {
  (void)state;
  uint8_t bytes[64] = {0};

  for (unsigned first = 0; first < 256; first++) {
    struct act__token token;
    bytes[0] = (uint8_t)first;
    enum act__scan_result result = act__token_read(bytes, sizeof bytes, &token);
    assert_int_equal(result, first == 0xc1 ? ACT__SCAN_RESERVED : ACT__SCAN_OK);
    if (first == 0xc1) continue;
    for (size_t size = 0; size < token.head; size++) {
      assert_int_equal(act__token_read(bytes, size, &token), ACT__SCAN_SHORT);
    }
    assert_string_not_equal(act__token_name(token.type), "?");
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(table_of_accepted_and_refused_bytes),
      cmocka_unit_test(nesting_at_the_limit_is_accepted_and_one_past_it_refused),
      cmocka_unit_test(a_deep_value_takes_no_stack),
      cmocka_unit_test(tokens_carry_their_values),
      cmocka_unit_test(every_first_byte_is_known),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
