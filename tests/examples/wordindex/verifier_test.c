// SPDX-License-Identifier: Apache-2.0
//
// The reader and the verifier against the same files: they must see the same, and notice when not.
#include "examples/wordindex/verifier.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tests/examples/wordindex/tree.h"

static uint64_t identifiers, too_long;

static int set_up(void **state) {
  (void)state;
  tree_make();
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  tree_remove();
  return 0;
}

// What a worker would report for this file.
static struct wi_stamp stamp_of(const char *path) {
  struct wi_reader reader;
  uint8_t bytes[7];
  size_t got = 1;
  assert_int_equal(wi_reader_open(&reader, path), WI_SKIP_NONE);
  while (got) assert_int_equal(wi_reader_read(&reader, bytes, sizeof bytes, &got), WI_SKIP_NONE);
  assert_int_equal(wi_reader_check(&reader), WI_SKIP_NONE);
  wi_reader_close(&reader);
  return reader.stamp;
}

static enum wi_skip count(struct wi_verifier *verifier, const char *path,
                          const struct wi_stamp *stamp) {
  return wi_verifier_count(verifier, path, stamp, &identifiers, &too_long);
}

static void a_file_that_both_saw_is_counted(void **state) {
  (void)state;
  struct wi_verifier *verifier = wi_verifier_create();
  char text[700] = "int x; x = 0xF0; ";
  size_t used = strlen(text);
  memset(text + used, 'L', 256);
  text[used + 256] = '\0';
  strcat(text, " ");
  memset(text + used + 257, 'K', 255);
  tree_write("a", text, used + 257 + 255);
  struct wi_stamp stamp = stamp_of("a");

  assert_int_equal(count(verifier, "a", &stamp), WI_SKIP_NONE);

  assert_int_equal(identifiers, 5);
  assert_int_equal(too_long, 1);
  assert_int_equal(wi_verifier_get(verifier, "x", 1), 2);
  assert_int_equal(wi_verifier_get(verifier, "xF0", 3), 1);
  assert_int_equal(wi_verifier_get(verifier, text + used + 257, 255), 1);
  assert_int_equal(wi_verifier_get(verifier, text + used, 255), 0);
  struct wi_plain_totals totals;
  wi_verifier_totals(verifier, &totals);
  assert_int_equal(totals.files, 1);
  assert_int_equal(totals.bytes, used + 257 + 255);
  assert_int_equal(totals.identifiers, 5);
  assert_int_equal(totals.distinct, 4);
  assert_int_equal(totals.too_long, 1);
  wi_verifier_destroy(verifier);
}

// Nothing of a file that is not the one that the worker saw stays in the count.
static void a_file_that_changed_or_vanished_leaves_no_trace(void **state) {
  (void)state;
  struct wi_verifier *verifier = wi_verifier_create();
  tree_put("a", "old old");
  struct wi_stamp stamp = stamp_of("a");
  struct wi_stamp other_sum = stamp;
  other_sum.sum ^= 1;

  assert_int_equal(count(verifier, "a", &other_sum), WI_SKIP_CHANGED);
  tree_put("b", "old new");
  assert_int_equal(count(verifier, "b", &stamp), WI_SKIP_CHANGED);
  tree_put("a", "old old longer");
  assert_int_equal(count(verifier, "a", &stamp), WI_SKIP_CHANGED);
  remove("a");
  assert_int_equal(count(verifier, "a", &stamp), WI_SKIP_GONE);

  assert_int_equal(wi_verifier_get(verifier, "old", 3), 0);
  struct wi_plain_totals totals;
  wi_verifier_totals(verifier, &totals);
  assert_int_equal(totals.files + totals.bytes + totals.identifiers + totals.distinct, 0);
  stamp = stamp_of("b");
  assert_int_equal(count(verifier, "b", &stamp), WI_SKIP_NONE);
  assert_int_equal(wi_verifier_get(verifier, "old", 3), 1);
  wi_verifier_totals(verifier, &totals);
  assert_int_equal(totals.distinct, 2);
  wi_verifier_destroy(verifier);
}

static void a_cancelled_count_ends_uncounted(void **state) {
  (void)state;
  struct wi_verifier *verifier = wi_verifier_create();
  tree_put("a", "x");
  struct wi_stamp stamp = stamp_of("a");

  wi_verifier_cancel(verifier);

  assert_int_not_equal(count(verifier, "a", &stamp), WI_SKIP_NONE);
  assert_int_equal(wi_verifier_get(verifier, "x", 1), 0);
  wi_verifier_destroy(verifier);
}

static void the_reader_opens_nothing_but_regular_files(void **state) {
  (void)state;
  struct wi_reader reader;
  tree_put("file", "x");
  assert_int_equal(mkfifo("fifo", 0600), 0);
  assert_int_equal(symlink("file", "link"), 0);

  assert_int_equal(wi_reader_open(&reader, "fifo"), WI_SKIP_NOT_REGULAR);
  assert_int_equal(wi_reader_open(&reader, "link"), WI_SKIP_NOT_REGULAR);
  assert_int_equal(wi_reader_open(&reader, "."), WI_SKIP_NOT_REGULAR);
  assert_int_equal(wi_reader_open(&reader, "/dev/null"), WI_SKIP_NOT_REGULAR);
  assert_int_equal(wi_reader_open(&reader, "nothing"), WI_SKIP_GONE);
  assert_int_equal(wi_reader_open(&reader, "file/x"), WI_SKIP_GONE);
  if (geteuid() != 0) {
    chmod("file", 0);
    assert_int_equal(wi_reader_open(&reader, "file"), WI_SKIP_UNREADABLE);
  }
  assert_int_equal(reader.fd, -1);
  wi_reader_close(&reader);
}

static void the_reader_notices_a_change_while_reading(void **state) {
  (void)state;
  struct wi_reader reader;
  uint8_t bytes[64];
  size_t got;
  tree_put("a", "12345");
  assert_int_equal(wi_reader_open(&reader, "a"), WI_SKIP_NONE);
  assert_int_equal(wi_reader_read(&reader, bytes, sizeof bytes, &got), WI_SKIP_NONE);

  tree_put("a", "123456789");

  assert_int_equal(wi_reader_check(&reader), WI_SKIP_CHANGED);
  wi_reader_close(&reader);
}

static void many_words_are_all_found(void **state) {
  (void)state;
  struct wi_verifier *verifier = wi_verifier_create();
  FILE *file = fopen("a", "we");
  for (int i = 0; i < 50000; i++) fprintf(file, "w%d w%d ", i, i);
  fclose(file);
  struct wi_stamp stamp = stamp_of("a");

  assert_int_equal(count(verifier, "a", &stamp), WI_SKIP_NONE);

  for (int i = 0; i < 50000; i++) {
    char word[16];
    int length = snprintf(word, sizeof word, "w%d", i);
    assert_int_equal(wi_verifier_get(verifier, word, (size_t)length), 2);
  }
  wi_verifier_destroy(verifier);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_file_that_both_saw_is_counted, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_file_that_changed_or_vanished_leaves_no_trace, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(a_cancelled_count_ends_uncounted, set_up, tear_down),
      cmocka_unit_test_setup_teardown(the_reader_opens_nothing_but_regular_files, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(the_reader_notices_a_change_while_reading, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(many_words_are_all_found, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
