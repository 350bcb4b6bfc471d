// SPDX-License-Identifier: Apache-2.0
//
// Slabs: how large the next one is, where pieces lie, and memory that is refused. What has been cut
// before is a number here: a test that wants to be large says so.
#include "base/slab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/alloc.h"

#define PIECE 64

static int set_up(void **state) {
  static struct act__slabs slabs;
  act__slabs_init(&slabs, false);
  *state = &slabs;
  return 0;
}

static int tear_down(void **state) {
  act__alloc_fail_after(-1);
  act__slabs_fini(*state);
  return 0;
}

// How large a slab is that is added where there are so many bytes already.
static size_t added(struct act__slabs *slabs, size_t bytes, size_t piece) {
  slabs->bytes = bytes;
  slabs->next = slabs->end = NULL;
  assert_non_null(act__slabs_cut(slabs, piece));
  return slabs->bytes - bytes;
}

static void few_pieces_take_the_smallest_slab(void **state) {
  struct act__slabs *slabs = *state;
  assert_false(act__slabs_have(slabs, PIECE));
  assert_int_equal(added(slabs, 0, PIECE), ACT__SLAB_MIN);
  assert_int_equal(added(slabs, ACT__SLAB_MIN * ACT__SLAB_SHARE, PIECE), ACT__SLAB_MIN);
}

static void a_slab_is_no_more_than_its_share_of_what_there_is(void **state) {
  struct act__slabs *slabs = *state;
  size_t larger = (ACT__SLAB_MIN + PIECE) * ACT__SLAB_SHARE;
  assert_int_equal(added(slabs, larger, PIECE), ACT__SLAB_MIN + PIECE);
  assert_int_equal(added(slabs, larger - 1, PIECE), ACT__SLAB_MIN);
  for (size_t bytes = 0; bytes < (size_t)256 * 1024 * 1024; bytes = bytes * 3 / 2 + 4096) {
    size_t share = bytes / ACT__SLAB_SHARE;
    assert_in_range(added(slabs, bytes, PIECE), ACT__SLAB_MIN,
                    share > ACT__SLAB_MIN ? share : ACT__SLAB_MIN);
  }
}

static void a_slab_holds_whole_pieces_and_one_at_least(void **state) {
  struct act__slabs *slabs = *state;
  assert_int_equal(added(slabs, 0, 96), ACT__SLAB_MIN - ACT__SLAB_MIN % 96);
  assert_int_equal(added(slabs, 0, ACT__SLAB_MIN), ACT__SLAB_MIN);
  assert_int_equal(added(slabs, 0, ACT__SLAB_MIN + PIECE), ACT__SLAB_MIN + PIECE);
  size_t piece = 240 * 1024;
  assert_int_equal(added(slabs, piece * ACT__SLAB_SHARE * 3, piece), piece * 3);
  assert_int_equal(added(slabs, piece * ACT__SLAB_SHARE * 3 - 1, piece), piece * 2);
  size_t share = 2 * ACT__SLAB_LARGE - 1;  // of which one large page is whole
  assert_int_equal(added(slabs, share * ACT__SLAB_SHARE, share), share);
}

static void a_large_slab_is_aligned_and_of_whole_large_pages(void **state) {
  struct act__slabs *slabs = *state;
  size_t bound = (size_t)ACT__SLAB_LARGE * ACT__SLAB_SHARE;
  assert_int_equal(added(slabs, bound - 1, PIECE), ACT__SLAB_LARGE - PIECE);
  assert_int_equal(added(slabs, bound, PIECE), ACT__SLAB_LARGE);
  assert_int_equal((uintptr_t)(slabs->next - PIECE) % ACT__SLAB_LARGE, 0);
  assert_int_equal(added(slabs, 2 * bound - 1, PIECE), ACT__SLAB_LARGE);
  assert_int_equal(added(slabs, 2 * bound, PIECE), 2 * ACT__SLAB_LARGE);
}

static void a_slab_has_a_largest_size(void **state) {
  struct act__slabs *slabs = *state;
  size_t bound = (size_t)ACT__SLAB_MAX * ACT__SLAB_SHARE;
  assert_int_equal(added(slabs, bound - 1, PIECE), ACT__SLAB_MAX - ACT__SLAB_LARGE);
  assert_int_equal(added(slabs, bound, PIECE), ACT__SLAB_MAX);
  assert_int_equal(added(slabs, bound + (size_t)ACT__SLAB_LARGE * ACT__SLAB_SHARE, PIECE),
                   ACT__SLAB_MAX);
}

static void pieces_follow_without_a_gap_from_a_cache_line_on(void **state) {
  struct act__slabs *slabs = *state;
  char *first = act__slabs_cut(slabs, 96);
  assert_int_equal((uintptr_t)first % 64, 0);
  memset(first, 1, 96);
  int n = 1;
  for (; act__slabs_have(slabs, 96); n++) {
    char *piece = act__slabs_cut(slabs, 96);
    assert_ptr_equal(piece, first + n * 96);
    memset(piece, 1, 96);
  }
  assert_int_equal(n, ACT__SLAB_MIN / 96);
}

static void zeroed_pieces_are_zero_in_small_slabs_and_large(void **state) {
  (void)state;
  struct act__slabs slabs;
  act__slabs_init(&slabs, true);
  static const char zero[4096];
  for (size_t bytes = 0; bytes <= 2 * (size_t)ACT__SLAB_LARGE * ACT__SLAB_SHARE;
       bytes += (size_t)ACT__SLAB_LARGE * ACT__SLAB_SHARE) {
    slabs.bytes = bytes;
    slabs.next = slabs.end = NULL;
    do {
      char *piece = act__slabs_cut(&slabs, sizeof zero);
      assert_non_null(piece);
      if (memcmp(piece, zero, sizeof zero) != 0) fail();
      memset(piece, 7, sizeof zero);
    } while (act__slabs_have(&slabs, sizeof zero));
  }
  act__slabs_fini(&slabs);
}

static void without_memory_for_a_large_slab_a_small_one_is_taken(void **state) {
  struct act__slabs *slabs = *state;
  size_t bound = (size_t)ACT__SLAB_LARGE * ACT__SLAB_SHARE;
  act__alloc_fail_once(1);  // the first is the note of it
  assert_int_equal(added(slabs, bound, PIECE), ACT__SLAB_MIN);
  assert_int_equal(act__alloc_failures(), 1);
  act__alloc_fail_once(1);
  assert_int_equal(added(slabs, bound / 2, PIECE), ACT__SLAB_MIN);
  assert_int_equal(act__alloc_failures(), 1);
}

static void without_any_memory_nothing_changes(void **state) {
  struct act__slabs *slabs = *state;
  for (int n = 0; n < 2; n++) {
    act__alloc_fail_after(n);
    assert_null(act__slabs_cut(slabs, PIECE));
    assert_int_equal(slabs->bytes, 0);
    assert_false(act__slabs_have(slabs, 1));
  }
  act__alloc_fail_after(-1);
  assert_non_null(act__slabs_cut(slabs, PIECE));
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      CASE(few_pieces_take_the_smallest_slab),
      CASE(a_slab_is_no_more_than_its_share_of_what_there_is),
      CASE(a_slab_holds_whole_pieces_and_one_at_least),
      CASE(a_large_slab_is_aligned_and_of_whole_large_pages),
      CASE(a_slab_has_a_largest_size),
      CASE(pieces_follow_without_a_gap_from_a_cache_line_on),
      CASE(zeroed_pieces_are_zero_in_small_slabs_and_large),
      CASE(without_memory_for_a_large_slab_a_small_one_is_taken),
      CASE(without_any_memory_nothing_changes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
