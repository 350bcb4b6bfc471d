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

static void a_large_block_is_aligned_zero_and_whole(void **state) {
  (void)state;
  size_t align = 2 * 1024 * 1024;
  for (size_t times = 1; times <= 3; times++) {
    char *block = act__malloc_large(times * align, align);
    assert_non_null(block);
    assert_int_equal((uintptr_t)block % align, 0);
    for (size_t i = 0; i < times * align; i += 1024) {
      assert_int_equal(block[i], 0);
      block[i] = 1;
    }
    block[times * align - 1] = 1;
    act__free_large(block, times * align);
  }
  act__free_large(NULL, align);
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
  assert_null(act__malloc_large(ACT__ALLOC_MAX + 4096, 4096));
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
  assert_null(act__malloc_large(4096, 4096));
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
      cmocka_unit_test(a_large_block_is_aligned_zero_and_whole),
      cmocka_unit_test(more_than_the_bound_is_refused_without_asking),
      cmocka_unit_test_teardown(fail_after_lets_n_pass_and_none_later, never_armed),
      cmocka_unit_test_teardown(fail_once_refuses_exactly_one, never_armed),
      cmocka_unit_test_teardown(every_door_is_closed, never_armed),
      cmocka_unit_test_teardown(count_counts_what_was_asked_for, never_armed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
