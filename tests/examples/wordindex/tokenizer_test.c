// SPDX-License-Identifier: Apache-2.0
#include "examples/wordindex/tokenizer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What was found, as words joined by '|'; a long one as "<long>".
static char found[8192];

static void collect(void *arg, const char *text, uint32_t length) {
  (void)arg;
  size_t used = strlen(found);
  if (text) {
    snprintf(found + used, sizeof found - used, "%.*s|", (int)length, text);
  } else {
    snprintf(found + used, sizeof found - used, "<long>|");
  }
}

// Feeds the bytes in pieces of `piece`.
static const char *tokens(const char *bytes, size_t size, size_t piece) {
  struct wi_tokenizer tokenizer;
  found[0] = '\0';
  wi_tokenizer_init(&tokenizer);
  for (size_t at = 0; at < size; at += piece) {
    size_t n = size - at < piece ? size - at : piece;
    wi_tokenizer_feed(&tokenizer, (const uint8_t *)bytes + at, n, collect, NULL);
  }
  wi_tokenizer_finish(&tokenizer, collect, NULL);
  return found;
}

static void every_split_gives_the_same_identifiers(void **state) {
  (void)state;
  static const char bytes[] = "int _x9=0x1F;9abc\0d\xff" "e\n__\t7 8_ Z";
  static const char expected[] = "int|_x9|x1F|abc|d|e|__|_|Z|";
  for (size_t piece = 1; piece <= sizeof bytes; piece++) {
    assert_string_equal(tokens(bytes, sizeof bytes - 1, piece), expected);
  }
}

static void an_identifier_of_255_bytes_counts_and_one_of_256_is_long(void **state) {
  (void)state;
  char bytes[600];
  memset(bytes, 'a', sizeof bytes);
  static const size_t pieces[] = {1, 7, 254, 255, 256, 600};
  for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
    assert_int_equal(strlen(tokens(bytes, 255, pieces[i])), 256);
    assert_string_equal(tokens(bytes, 256, pieces[i]), "<long>|");
    assert_string_equal(tokens(bytes, 600, pieces[i]), "<long>|");
  }
}

static void digits_before_a_run_do_not_make_it_long(void **state) {
  (void)state;
  char bytes[300];
  memset(bytes, '7', 45);
  memset(bytes + 45, 'a', 255);

  assert_int_equal(strlen(tokens(bytes, 300, 3)), 256);
}

static void nothing_gives_nothing(void **state) {
  (void)state;
  assert_string_equal(tokens("", 0, 1), "");
  assert_string_equal(tokens("123 456\n", 8, 3), "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_split_gives_the_same_identifiers),
      cmocka_unit_test(an_identifier_of_255_bytes_counts_and_one_of_256_is_long),
      cmocka_unit_test(digits_before_a_run_do_not_make_it_long),
      cmocka_unit_test(nothing_gives_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
