// SPDX-License-Identifier: Apache-2.0
//
// The verdict must be "no" for every single thing that does not agree.
#include "examples/wordindex/audit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tests/examples/wordindex/tree.h"

static struct wi_verifier *verifier;
static struct wi_desk desk;
static struct wi_outcome outcome;
static struct wi_audit audit;

// A run over one file "a b a": everything agrees.
static int set_up(void **state) {
  (void)state;
  struct wi_reader reader;
  uint8_t bytes[16];
  size_t got = 1;
  uint64_t identifiers, too_long;
  tree_make();
  tree_put("f", "a b a");
  assert_int_equal(wi_reader_open(&reader, "f"), WI_SKIP_NONE);
  while (got) assert_int_equal(wi_reader_read(&reader, bytes, sizeof bytes, &got), WI_SKIP_NONE);
  wi_reader_close(&reader);
  verifier = wi_verifier_create();
  assert_int_equal(wi_verifier_count(verifier, "f", &reader.stamp, &identifiers, &too_long),
                   WI_SKIP_NONE);
  assert_true(wi_desk_init(&desk, 1));
  desk.files = 1;
  desk.bytes = 5;
  desk.identifiers = 3;
  memset(&outcome, 0, sizeof outcome);
  audit = (struct wi_audit){.verifier = verifier, .outcome = &outcome};
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  wi_desk_fini(&desk);
  wi_verifier_destroy(verifier);
  tree_remove();
  return 0;
}

static void give(const char *text, uint64_t count) {
  struct wi_entry entry = {.text = text, .length = (uint32_t)strlen(text), .count = count};
  wi_audit_entry(&audit, &entry);
}

static bool verdict(void) {
  wi_audit_end(&audit, &desk);
  assert_true(outcome.is_complete);
  return outcome.is_verified;
}

static void equal_counts_are_verified_and_dumped(void **state) {
  (void)state;
  char *text;
  size_t size;
  audit.dump = open_memstream(&text, &size);
  give("a", 2);
  give("b", 1);
  assert_true(verdict());
  fclose(audit.dump);
  assert_string_equal(text, "2\ta\n1\tb\n");
  free(text);
  assert_int_equal(outcome.distinct, 2);
  assert_int_equal(outcome.identifiers, 3);
  assert_int_equal(outcome.top.nentries, 2);
}

static void a_wrong_count_is_not_verified_and_named(void **state) {
  (void)state;
  give("a", 1);
  give("b", 2);  // the sum agrees
  assert_false(verdict());
  assert_string_equal(outcome.reason, "a: counted 1, plain count 2");
}

static void a_missing_identifier_is_not_verified(void **state) {
  (void)state;
  give("a", 2);
  assert_false(verdict());
}

static void an_invented_identifier_is_not_verified(void **state) {
  (void)state;
  give("a", 2);
  give("b", 1);
  give("c", 0);
  assert_false(verdict());
}

static void every_sum_must_agree(void **state) {
  (void)state;
  uint64_t *const sums[] = {&desk.files, &desk.bytes, &desk.identifiers, &desk.too_long};
  for (size_t i = 0; i < sizeof sums / sizeof sums[0]; i++) {
    audit.differences = 0;
    memset(&outcome, 0, sizeof outcome);
    give("a", 2);
    give("b", 1);
    ++*sums[i];
    assert_false(verdict());
    --*sums[i];
  }
  desk.is_broken = true;
  assert_false(verdict());
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(equal_counts_are_verified_and_dumped, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_wrong_count_is_not_verified_and_named, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_missing_identifier_is_not_verified, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_invented_identifier_is_not_verified, set_up, tear_down),
      cmocka_unit_test_setup_teardown(every_sum_must_agree, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
