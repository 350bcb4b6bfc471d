// SPDX-License-Identifier: Apache-2.0
//
// The allocator's door and the failures that tests inject there.
#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static int never_armed(void **state) {
  (void)state;
  act__alloc_fail_after(-1);
  return 0;
}

static int admitted(void) {
  void *block = act__malloc(1);
  act__free(block);
  return block != NULL;
}

static void zero_bytes_are_a_block_too(void **state) {
  (void)state;
  void *blocks[] = {act__malloc(0), act__calloc(0, 8), act__calloc(8, 0), act__realloc(NULL, 0)};
  for (int i = 0; i < 4; i++) assert_non_null(blocks[i]);
  blocks[0] = act__realloc(blocks[0], 0);
  assert_non_null(blocks[0]);
  for (int i = 0; i < 4; i++) act__free(blocks[i]);
  act__free(NULL);
}

static void calloc_is_zero_and_realloc_keeps_the_contents(void **state) {
  (void)state;
  char *block = act__calloc(3, 5);
  for (int i = 0; i < 15; i++) assert_int_equal(block[i], 0);
  strcpy(block, "kept");
  block = act__realloc(block, 4000);
  assert_string_equal(block, "kept");
  act__free(block);
}

static void fail_after_lets_n_pass_and_none_later(void **state) {
  (void)state;
  act__alloc_fail_after(3);
  assert_true(act__alloc_is_armed());
  for (int i = 0; i < 3; i++) assert_true(admitted());
  assert_int_equal(act__alloc_failures(), 0);
  for (int i = 0; i < 3; i++) assert_false(admitted());
  assert_int_equal(act__alloc_failures(), 3);

  act__alloc_fail_after(-1);

  assert_false(act__alloc_is_armed());
  assert_true(admitted());
  assert_int_equal(act__alloc_failures(), 0);
}

static void fail_once_refuses_exactly_one(void **state) {
  (void)state;
  act__alloc_fail_once(2);
  int passed[5];
  for (int i = 0; i < 5; i++) passed[i] = admitted();
  static const int expected[5] = {1, 1, 0, 1, 1};
  assert_memory_equal(passed, expected, sizeof expected);
  assert_int_equal(act__alloc_failures(), 1);
}

static void mapped_pages_are_zero_and_whole(void **state) {
  (void)state;
  static const size_t sizes[] = {1, 4096, 1000001};
  for (int i = 0; i < 3; i++) {
    char *block = act__map(sizes[i]);
    assert_non_null(block);
    for (size_t at = 0; at < sizes[i]; at += 100) {
      assert_int_equal(block[at], 0);
      block[at] = 1;
    }
    block[sizes[i] - 1] = 1;
    act__unmap(block, sizes[i]);
  }
  act__unmap(NULL, 4096);
}

// Any part of a block, pages or not, used before or not: what is in it stays.
static void what_is_made_resident_keeps_its_contents(void **state) {
  (void)state;
  static char small[100];
  act__make_resident(small, sizeof small);
  act__make_resident(small, 0);
  size_t bytes = 1000000;
  char *block = act__map(bytes);
  assert_non_null(block);
  block[500000] = 7;
  act__make_resident(block, bytes);
  act__make_resident(block + 4097, 300000);
  assert_int_equal(block[500000], 7);
  assert_int_equal(block[4097], 0);
  act__unmap(block, bytes);
}

static void more_than_the_bound_is_refused_without_asking(void **state) {
  (void)state;
  static const size_t sizes[] = {ACT__ALLOC_MAX + 1, SIZE_MAX / 2, SIZE_MAX};
  char *block = act__malloc(1);
  for (int i = 0; i < 3; i++) {
    assert_null(act__malloc(sizes[i]));
    assert_null(act__calloc(1, sizes[i]));
    assert_null(act__calloc(sizes[i], 1));
    assert_null(act__realloc(block, sizes[i]));
  }
  assert_null(act__calloc((size_t)1 << 33, (size_t)1 << 33));
  assert_null(act__map(ACT__ALLOC_MAX + 1));
  *block = 1;
  act__free(block);
}

static void every_door_is_closed(void **state) {
  (void)state;
  char *block = act__malloc(8);
  strcpy(block, "alive");
  act__alloc_fail_after(0);
  assert_null(act__malloc(1));
  assert_null(act__calloc(1, 1));
  assert_null(act__realloc(block, 100));
  assert_null(act__map(4096));
  assert_false(act__alloc_permit());
  assert_string_equal(block, "alive");
  act__free(block);
}

static void count_counts_what_was_asked_for(void **state) {
  (void)state;
  int64_t before = act__alloc_count();
  act__alloc_fail_once(0);
  (void)admitted();
  (void)admitted();
  assert_int_equal(act__alloc_count() - before, 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(zero_bytes_are_a_block_too),
      cmocka_unit_test(calloc_is_zero_and_realloc_keeps_the_contents),
      cmocka_unit_test(mapped_pages_are_zero_and_whole),
      cmocka_unit_test(what_is_made_resident_keeps_its_contents),
      cmocka_unit_test(more_than_the_bound_is_refused_without_asking),
      cmocka_unit_test_teardown(fail_after_lets_n_pass_and_none_later, never_armed),
      cmocka_unit_test_teardown(fail_once_refuses_exactly_one, never_armed),
      cmocka_unit_test_teardown(every_door_is_closed, never_armed),
      cmocka_unit_test_teardown(count_counts_what_was_asked_for, never_armed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
