// SPDX-License-Identifier: Apache-2.0
//
// What goes in and out as text: options, names, reasons, the report.
#include "examples/wordindex/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "examples/wordindex/options.h"
#include "examples/wordindex/skips.h"

static void the_last_line_is_the_contract(void **state) {
  (void)state;
  struct wi_outcome outcome = {.is_verified = true, .files = 1, .bytes = 2, .identifiers = 3,
                               .distinct = 4, .too_long = 5, .skipped = 6, .workers = 7,
                               .killed = 8, .restarts = 9, .redone = 10,
                               .elapsed_ns = 11500000000};
  char line[WI_LINE_MAX];
  wi_last_line(&outcome, line);
  assert_string_equal(line,
                      "demo: files=1 bytes=2 identifiers=3 distinct=4 long=5 skipped=6 workers=7 "
                      "killed=8 restarts=9 redone=10 verified=yes seconds=11.50");
  outcome.is_verified = false;
  wi_last_line(&outcome, line);
  assert_non_null(strstr(line, " verified=no "));
}

static void the_progress_line_fits_a_terminal(void **state) {
  (void)state;
  char line[WI_LINE_MAX];
  struct wi_progress huge = {UINT64_MAX, UINT64_MAX, 64, 64, UINT32_MAX, 1};
  wi_progress_line(&huge, line);
  assert_in_range(strlen(line), 1, 79);
  struct wi_progress none = {0};
  wi_progress_line(&none, line);
  assert_string_equal(line, "0 files  0.0 MB/s  workers 0/0  restarts 0");
}

static void the_top_keeps_the_largest_in_order(void **state) {
  (void)state;
  struct wi_top top = {0};
  for (unsigned i = 0; i < 100; i++) {
    char name[8];
    int length = snprintf(name, sizeof name, "n%u", i);
    wi_top_offer(&top, name, (uint32_t)length, i * 37 % 100);
  }
  assert_int_equal(top.nentries, WI_TOP);
  for (unsigned i = 0; i < WI_TOP; i++) assert_int_equal(top.entries[i].count, 99 - i);

  struct wi_top equal = {0};
  for (unsigned i = 0; i < 30; i++) wi_top_offer(&equal, &"abcdefghijklmnopqrstuvwxyzABCD"[i], 1, 5);
  assert_int_equal(equal.nentries, WI_TOP);
  assert_memory_equal(equal.entries[0].text, "a", 1);
  assert_memory_equal(equal.entries[WI_TOP - 1].text, "t", 1);
}

static void names_cannot_disturb_a_terminal(void **state) {
  (void)state;
  char out[64];
  assert_string_equal(wi_escape("a\nb\t\x1b[2J\\\xc3\xa9", 11, out, sizeof out),
                      "a\\nb\\t\\x1b[2J\\\\\\xc3\\xa9");
  assert_string_equal(wi_escape("", 0, out, sizeof out), "");
  assert_string_equal(wi_escape("1234567", 7, out, 8), "1234567");
  assert_string_equal(wi_escape("12345678", 8, out, 8), "1234...");
  assert_string_equal(wi_escape("\n\n\n\n\n", 5, out, 8), "\\n\\n...");
}

static void skips_are_counted_and_the_first_are_named(void **state) {
  (void)state;
  struct wi_skips skips;
  wi_skips_init(&skips);
  for (unsigned i = 0; i < WI_NAMED_MAX + 2; i++) wi_skips_add(&skips, WI_SKIP_FIFO, "pipe", 4);
  wi_skips_add(&skips, WI_SKIP_GONE, "x\ny", 3);

  char *text;
  size_t size;
  FILE *out = open_memstream(&text, &size);
  wi_skips_print(&skips, out);
  fclose(out);

  assert_int_equal(skips.total, WI_NAMED_MAX + 3);
  assert_non_null(strstr(text, "7  FIFO"));
  assert_non_null(strstr(text, "... and 2 more"));
  assert_non_null(strstr(text, "x\\ny\n"));
  assert_string_equal(wi_skip_text(9999), "unknown reason");
  free(text);
  wi_skips_fini(&skips);
}

static bool parse(struct wi_options *options, int argc, const char **argv) {
  char error[200];
  return wi_options_parse(argc, (char **)argv, options, error, sizeof error);
}

#define PARSE(options, ...)                                    \
  parse(options, sizeof((const char *[]){"demo", __VA_ARGS__}) / sizeof(char *), \
        (const char *[]){"demo", __VA_ARGS__})

static void options_have_the_defaults_that_the_help_says(void **state) {
  (void)state;
  struct wi_options options;
  const char *argv[] = {"demo"};
  assert_true(parse(&options, 1, argv));
  assert_int_equal(options.workers, 3);
  assert_int_equal(options.kills, 2);
  assert_int_equal(options.nroots, 1);
  assert_string_equal(options.roots[0], "/usr/include");
  assert_false(options.has_seed);
  assert_null(options.dump);
  free(options.roots);
}

static void options_are_taken_in_any_order(void **state) {
  (void)state;
  struct wi_options options;
  assert_true(PARSE(&options, "a", "--kill=0", "b", "--workers", "64", "--seed", "0x10", "--dump",
                    "out", "--", "--kill"));
  assert_int_equal(options.kills, 0);
  assert_int_equal(options.workers, 64);
  assert_true(options.has_seed);
  assert_int_equal(options.seed, 16);
  assert_string_equal(options.dump, "out");
  assert_int_equal(options.nroots, 3);
  assert_string_equal(options.roots[2], "--kill");
  free(options.roots);
}

static void wrong_options_are_refused(void **state) {
  (void)state;
  struct wi_options options;
  assert_false(PARSE(&options, "--workers", "0"));
  assert_false(PARSE(&options, "--workers", "65"));
  assert_false(PARSE(&options, "--workers"));
  assert_false(PARSE(&options, "--kill", "-1"));
  assert_false(PARSE(&options, "--kill", "1001"));
  assert_false(PARSE(&options, "--kill=2x"));
  assert_false(PARSE(&options, "--seed", "99999999999999999999"));
  assert_false(PARSE(&options, "--dump"));
  assert_false(PARSE(&options, "--worker", "3"));
  assert_false(PARSE(&options, "--killer", "3"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_last_line_is_the_contract),
      cmocka_unit_test(the_progress_line_fits_a_terminal),
      cmocka_unit_test(the_top_keeps_the_largest_in_order),
      cmocka_unit_test(names_cannot_disturb_a_terminal),
      cmocka_unit_test(skips_are_counted_and_the_first_are_named),
      cmocka_unit_test(options_have_the_defaults_that_the_help_says),
      cmocka_unit_test(options_are_taken_in_any_order),
      cmocka_unit_test(wrong_options_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
