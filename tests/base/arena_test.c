// SPDX-License-Identifier: Apache-2.0
//
// Arenas: alignment, growth, reset, and every allocation failing once.
#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/alloc.h"

// Under AddressSanitizer a reset gives every chunk back on purpose.
#if defined(__SANITIZE_ADDRESS__)
#define UNPOOLED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNPOOLED 1
#endif
#endif
#ifndef UNPOOLED
#define UNPOOLED 0
#endif

static void an_unused_arena_costs_nothing(void **state) {
  (void)state;
  int64_t before = act__alloc_count();
  struct act__arena arena;
  act__arena_init(&arena);
  act__arena_reset(&arena);
  act__arena_fini(&arena);
  assert_int_equal(act__alloc_count(), before);
}

static void every_alignment_is_kept(void **state) {
  (void)state;
  struct act__arena arena;
  act__arena_init(&arena);
  for (int round = 0; round < 20; round++) {
    for (size_t align = 1; align <= 4096; align *= 2) {
      char *block = act__arena_alloc(&arena, 3, align);
      assert_non_null(block);
      assert_int_equal((uintptr_t)block % align, 0);
      memset(block, 1, 3);
    }
  }
  act__arena_fini(&arena);
}

static void blocks_do_not_overlap_and_keep_their_contents(void **state) {
  (void)state;
  struct act__arena arena;
  act__arena_init(&arena);
  static unsigned char *blocks[2000];
  size_t total = 0;
  for (int i = 0; i < 2000; i++) {
    size_t bytes = (size_t)(i * 7 % 200) + 1;
    blocks[i] = act__arena_alloc(&arena, bytes, 1);
    memset(blocks[i], i & 255, bytes);
    total += bytes;
  }
  for (int i = 0; i < 2000; i++) {
    size_t bytes = (size_t)(i * 7 % 200) + 1;
    for (size_t k = 0; k < bytes; k++) {
      if (blocks[i][k] != (i & 255)) fail();
    }
  }
  assert_int_equal(act__arena_bytes_used(&arena), total);
  act__arena_fini(&arena);
}

static void zero_bytes_have_an_address_of_their_own(void **state) {
  (void)state;
  struct act__arena arena;
  act__arena_init(&arena);
  void *a = act__arena_alloc(&arena, 0, 1);
  void *b = act__arena_alloc(&arena, 0, 1);
  assert_non_null(a);
  assert_ptr_not_equal(a, b);
  act__arena_fini(&arena);
}

static void a_chunk_is_filled_to_its_last_byte(void **state) {
  (void)state;
  struct act__arena arena;
  act__arena_init(&arena);
  (void)act__arena_alloc(&arena, 1, 1);
  size_t left = (size_t)(arena.end - arena.at);
  int64_t before = act__alloc_count();

  memset(act__arena_alloc(&arena, left, 1), 1, left);
  assert_int_equal(act__alloc_count(), before);
  (void)act__arena_alloc(&arena, 1, 1);
  assert_int_equal(act__alloc_count(), before + 1);
  act__arena_fini(&arena);
}

static void padding_that_does_not_fit_opens_a_chunk(void **state) {
  (void)state;
  struct act__arena arena;
  act__arena_init(&arena);
  (void)act__arena_alloc(&arena, 1, 1);
  size_t left = (size_t)(arena.end - arena.at);
  (void)act__arena_alloc(&arena, left - 3, 1);
  char *block = act__arena_alloc(&arena, 1, 256);
  assert_int_equal((uintptr_t)block % 256, 0);
  *block = 1;
  act__arena_fini(&arena);
}

static void a_large_block_does_not_waste_the_open_chunk(void **state) {
  (void)state;
  struct act__arena arena;
  act__arena_init(&arena);
  char *small = act__arena_alloc(&arena, 1, 1);
  char *large = act__arena_alloc(&arena, 10 * ACT__ARENA_CHUNK_MAX, 64);
  memset(large, 1, 10 * ACT__ARENA_CHUNK_MAX);
  char *next = act__arena_alloc(&arena, 1, 1);
  assert_ptr_equal(next, small + 1);
  act__arena_fini(&arena);

  // Also when it is the first of all.
  act__arena_init(&arena);
  large = act__arena_alloc(&arena, 2 * ACT__ARENA_CHUNK_MAX, 16);
  memset(large, 1, 2 * ACT__ARENA_CHUNK_MAX);
  *(char *)act__arena_alloc(&arena, 1, 1) = 1;
  act__arena_fini(&arena);
}

static void impossible_sizes_are_refused(void **state) {
  (void)state;
  struct act__arena arena;
  act__arena_init(&arena);
  assert_null(act__arena_alloc(&arena, SIZE_MAX, 1));
  assert_null(act__arena_alloc(&arena, SIZE_MAX - 16, 16));
  assert_null(act__arena_alloc(&arena, 1, (size_t)1 << 63));
  assert_null(act__arena_copy(&arena, "", SIZE_MAX));
  assert_int_equal(act__arena_bytes_used(&arena), 0);
  assert_non_null(act__arena_alloc(&arena, 1, 1));
  act__arena_fini(&arena);
}

static void a_copy_ends_with_a_zero(void **state) {
  (void)state;
  struct act__arena arena;
  act__arena_init(&arena);
  char *copy = act__arena_copy(&arena, "abcdef", 3);
  assert_string_equal(copy, "abc");
  assert_string_equal(act__arena_copy(&arena, NULL, 0), "");
  act__arena_fini(&arena);
}

static void reset_starts_anew_and_stays_small(void **state) {
  (void)state;
  struct act__arena arena;
  act__arena_init(&arena);
  for (int round = 0; round < 3; round++) {
    (void)act__arena_alloc(&arena, 1 << 20, 8);
    for (int i = 0; i < 1000; i++) memset(act__arena_alloc(&arena, 100, 8), 1, 100);
    act__arena_reset(&arena);
    assert_int_equal(act__arena_bytes_used(&arena), 0);
    assert_true(arena.end - arena.at <= ACT__ARENA_CHUNK_MAX);
  }
  act__arena_fini(&arena);
}

#if !UNPOOLED
static void a_warm_arena_allocates_nothing_more(void **state) {
  (void)state;
  struct act__arena arena;
  act__arena_init(&arena);
  int64_t before = 0;
  for (int round = 0; round < 4; round++) {
    if (round == 1) before = act__alloc_count();
    for (int i = 0; i < 10; i++) (void)act__arena_alloc(&arena, 50, 8);
    act__arena_reset(&arena);
  }
  assert_int_equal(act__alloc_count(), before);
  act__arena_fini(&arena);
}
#endif

static void every_failing_allocation_is_told_and_harms_nothing(void **state) {
  (void)state;
  for (int64_t n = 0;; n++) {
    struct act__arena arena;
    act__arena_init(&arena);
    act__alloc_fail_once(n);
    int told = 0;
    size_t used = 0;
    for (int i = 0; i < 300; i++) {
      size_t bytes = i % 50 == 49 ? 100000 : 100;
      char *block = act__arena_alloc(&arena, bytes, 8);
      if (block == NULL) {
        told++;
        continue;
      }
      memset(block, 1, bytes);
      used += bytes;
    }
    int64_t failures = act__alloc_failures();
    act__alloc_fail_after(-1);
    assert_int_equal(told, failures);
    assert_int_equal(act__arena_bytes_used(&arena), used);
    act__arena_fini(&arena);
    if (failures == 0) break;
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_unused_arena_costs_nothing),
      cmocka_unit_test(every_alignment_is_kept),
      cmocka_unit_test(blocks_do_not_overlap_and_keep_their_contents),
      cmocka_unit_test(zero_bytes_have_an_address_of_their_own),
      cmocka_unit_test(a_chunk_is_filled_to_its_last_byte),
      cmocka_unit_test(padding_that_does_not_fit_opens_a_chunk),
      cmocka_unit_test(a_large_block_does_not_waste_the_open_chunk),
      cmocka_unit_test(impossible_sizes_are_refused),
      cmocka_unit_test(a_copy_ends_with_a_zero),
      cmocka_unit_test(reset_starts_anew_and_stays_small),
#if !UNPOOLED
      cmocka_unit_test(a_warm_arena_allocates_nothing_more),
#endif
      cmocka_unit_test(every_failing_allocation_is_told_and_harms_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
