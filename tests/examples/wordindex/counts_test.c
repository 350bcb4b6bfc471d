// SPDX-License-Identifier: Apache-2.0
#include "examples/wordindex/counts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put(struct wi_counts *counts, const char *text, uint64_t n) {
  assert_true(wi_counts_add(counts, text, (uint32_t)strlen(text), n));
}

static uint64_t get(const struct wi_counts *counts, const char *text) {
  return wi_counts_get(counts, text, (uint32_t)strlen(text));
}

static void counts_add_up_and_strangers_are_zero(void **state) {
  (void)state;
  struct wi_counts counts;
  wi_counts_init(&counts);
  assert_int_equal(get(&counts, "a"), 0);

  put(&counts, "a", 1);
  put(&counts, "ab", 5);
  put(&counts, "a", 2);

  assert_int_equal(get(&counts, "a"), 3);
  assert_int_equal(get(&counts, "ab"), 5);
  assert_int_equal(get(&counts, "b"), 0);
  assert_int_equal(counts.total, 8);
  assert_int_equal(counts.nentries, 2);
  wi_counts_fini(&counts);
}

static void a_hundred_thousand_identifiers_are_all_found(void **state) {
  (void)state;
  struct wi_counts counts = {0}, again = {0};
  char name[32];
  for (int round = 1; round <= 2; round++) {
    for (int i = 0; i < 100000; i++) {
      snprintf(name, sizeof name, "name_%d", i * 7919);
      put(&counts, name, (uint64_t)i + 1);
    }
  }
  assert_int_equal(counts.nentries, 100000);
  assert_true(wi_counts_merge(&again, &counts));
  assert_true(wi_counts_merge(&again, &counts));
  for (int i = 0; i < 100000; i++) {
    snprintf(name, sizeof name, "name_%d", i * 7919);
    assert_int_equal(get(&counts, name), 2 * (i + 1));
    assert_int_equal(get(&again, name), 4 * (i + 1));
  }
  assert_int_equal(again.total, 2 * counts.total);
  wi_counts_fini(&counts);
  wi_counts_fini(&again);
}

static void a_cleared_map_is_empty_and_usable(void **state) {
  (void)state;
  struct wi_counts counts = {0};
  put(&counts, "x", 1);

  wi_counts_clear(&counts);

  assert_int_equal(get(&counts, "x"), 0);
  assert_int_equal(counts.total, 0);
  put(&counts, "y", 2);
  assert_int_equal(get(&counts, "y"), 2);
  assert_int_equal(counts.nentries, 1);
  wi_counts_fini(&counts);
}

static void sorting_is_by_bytes_and_shorter_first(void **state) {
  (void)state;
  static const char *const given[] = {"b", "_a", "aa", "B", "a", "a_", "aA"};
  static const char *const expected[] = {"B", "_a", "a", "aA", "a_", "aa", "b"};
  struct wi_counts counts = {0};
  for (int i = 0; i < 7; i++) put(&counts, given[i], 1);

  uint32_t *order = wi_counts_sorted(&counts);

  for (int i = 0; i < 7; i++) {
    const struct wi_count *entry = &counts.entries[order[i]];
    assert_int_equal(entry->length, strlen(expected[i]));
    assert_memory_equal(wi_counts_text(&counts, entry), expected[i], entry->length);
  }
  free(order);
  wi_counts_fini(&counts);
}

static void shards_are_in_range_and_all_used(void **state) {
  (void)state;
  unsigned used[4] = {0};
  for (uint32_t i = 0; i < 10000; i++) {
    char name[16];
    int length = snprintf(name, sizeof name, "n%u", i);
    used[wi_counts_shard(wi_counts_hash(name, (uint32_t)length), 4)]++;
  }
  for (int i = 0; i < 4; i++) assert_in_range(used[i], 2000, 3000);
  assert_int_equal(wi_counts_shard(UINT32_MAX, 4), 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(counts_add_up_and_strangers_are_zero),
      cmocka_unit_test(a_hundred_thousand_identifiers_are_all_found),
      cmocka_unit_test(a_cleared_map_is_empty_and_usable),
      cmocka_unit_test(sorting_is_by_bytes_and_shorter_first),
      cmocka_unit_test(shards_are_in_range_and_all_used),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
