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
#include <sys/mman.h>

#include "base/alloc.h"

// Under AddressSanitizer a slab is never a mapping of its own.
#if defined(__SANITIZE_ADDRESS__)
#define MAPPED_FOR_CERTAIN 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MAPPED_FOR_CERTAIN 0
#endif
#endif
#ifndef MAPPED_FOR_CERTAIN
#define MAPPED_FOR_CERTAIN 1
#endif

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
  size_t large = 2 * ACT__SLAB_MAPPED - 1;
  assert_int_equal(added(slabs, large * ACT__SLAB_SHARE, large), large);
  assert_int_equal(added(slabs, (large - 1) * ACT__SLAB_SHARE, large), large);
}

static void a_slab_has_a_largest_size(void **state) {
  struct act__slabs *slabs = *state;
  size_t bound = (size_t)ACT__SLAB_MAX * ACT__SLAB_SHARE;
  assert_int_equal(added(slabs, bound - 1, PIECE), ACT__SLAB_MAX - PIECE);
  assert_int_equal(added(slabs, bound, PIECE), ACT__SLAB_MAX);
  assert_int_equal(added(slabs, bound + (size_t)PIECE * ACT__SLAB_SHARE, PIECE), ACT__SLAB_MAX);
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

static void zeroed_pieces_are_zero_mapped_or_not(void **state) {
  (void)state;
  struct act__slabs slabs;
  act__slabs_init(&slabs, true);
  static const char zero[4096];
  static const size_t there[] = {0, (size_t)ACT__SLAB_MAPPED * ACT__SLAB_SHARE - 4096,
                                 (size_t)ACT__SLAB_MAPPED * ACT__SLAB_SHARE};
  for (int i = 0; i < 3; i++) {
    slabs.bytes = there[i];
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

#if MAPPED_FOR_CERTAIN
// How many bytes from here to the end of the slab are resident.
static size_t resident(const char *start, const char *end) {
  static unsigned char pages[ACT__SLAB_MAX / 4096 + 1];
  uintptr_t first = (uintptr_t)start & ~(uintptr_t)4095;
  size_t count = ((uintptr_t)end - first + 4095) / 4096, n = 0;
  assert_int_equal(mincore((void *)first, (uintptr_t)end - first, pages), 0);
  for (size_t i = 0; i < count; i++) n += pages[i] & 1;
  return n * 4096;
}

// Nothing is written to the pieces: what is resident was made so.
static void little_is_resident_beyond_what_was_cut(void **state) {
  struct act__slabs *slabs = *state;
  size_t much = (size_t)ACT__SLAB_MAX * ACT__SLAB_SHARE;
  assert_int_equal(added(slabs, much, PIECE), ACT__SLAB_MAX);
  size_t most = 0;
  for (int i = 0; i < 20; i++) {
    for (int k = 0; k < 1000; k++) assert_non_null(act__slabs_cut(slabs, PIECE));
    size_t ahead = resident(slabs->next, slabs->end);
    assert_true(ahead <= ACT__SLAB_AHEAD);
    if (ahead > most) most = ahead;
  }
#ifdef MADV_POPULATE_WRITE
  // A system that cannot: then nothing is resident at all.
  if (madvise(slabs->next - (uintptr_t)slabs->next % 4096, 4096, MADV_POPULATE_WRITE) == 0) {
    assert_true(most >= ACT__SLAB_AHEAD / 2);
  }
#endif
  // A piece that is larger than that comes whole, and nothing behind it.
  assert_non_null(act__slabs_cut(slabs, 3 * ACT__SLAB_AHEAD));
  assert_true(resident(slabs->next, slabs->end) <= ACT__SLAB_AHEAD);
}

static void where_there_is_little_nothing_is_made_resident(void **state) {
  struct act__slabs *slabs = *state;
  // As if there were little: a mapped slab, for its pages are certain to be fresh.
  assert_int_equal(added(slabs, (size_t)ACT__SLAB_MAPPED * ACT__SLAB_SHARE, PIECE), ACT__SLAB_MAPPED);
  for (int i = 0; i < 2; i++) {
    slabs->next = slabs->resident = slabs->end - ACT__SLAB_MAPPED / 2;
    slabs->bytes = (size_t)ACT__SLAB_MIN * ACT__SLAB_SHARE - 1 + (size_t)i;
    assert_non_null(act__slabs_cut(slabs, PIECE));
    size_t ahead = resident(slabs->next, slabs->end);
    if (i == 0) assert_int_equal(ahead, 0);
    assert_true(ahead <= ACT__SLAB_MIN);
  }
}
#endif

static void without_memory_for_a_share_of_much_a_small_slab_is_taken(void **state) {
  struct act__slabs *slabs = *state;
  size_t bound = (size_t)ACT__SLAB_MAPPED * ACT__SLAB_SHARE;
  act__alloc_fail_once(1);  // the first is the note of it
  assert_int_equal(added(slabs, bound, PIECE), ACT__SLAB_MIN);
  assert_int_equal(act__alloc_failures(), 1);
  act__alloc_fail_once(1);
  assert_int_equal(added(slabs, bound - PIECE, PIECE), ACT__SLAB_MIN);
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
      CASE(a_slab_has_a_largest_size),
      CASE(pieces_follow_without_a_gap_from_a_cache_line_on),
      CASE(zeroed_pieces_are_zero_mapped_or_not),
#if MAPPED_FOR_CERTAIN
      CASE(little_is_resident_beyond_what_was_cut),
      CASE(where_there_is_little_nothing_is_made_resident),
#endif
      CASE(without_memory_for_a_share_of_much_a_small_slab_is_taken),
      CASE(without_any_memory_nothing_changes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
