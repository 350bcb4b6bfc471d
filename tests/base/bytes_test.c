// SPDX-License-Identifier: Apache-2.0
//
// The byte writer: its limit, its sticky failure, and what survives one.
#include "base/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/alloc.h"

static void appends_follow_each_other(void **state) {
  (void)state;
  struct act__bytes bytes;
  act__bytes_init(&bytes, 100000);
  for (int i = 0; i < 1000; i++) {
    uint8_t three[3] = {(uint8_t)i, (uint8_t)(i >> 8), 7};
    assert_true(act__bytes_append(&bytes, three, sizeof three));
  }
  assert_int_equal(bytes.length, 3000);
  for (int i = 0; i < 1000; i++) {
    assert_int_equal(bytes.data[3 * i] | bytes.data[3 * i + 1] << 8, i);
    assert_int_equal(bytes.data[3 * i + 2], 7);
  }
  act__bytes_fini(&bytes);
  act__bytes_fini(&bytes);
}

static void the_limit_is_exact_in_one_step_and_in_many(void **state) {
  (void)state;
  static const uint8_t zeros[1001];
  struct act__bytes bytes;
  act__bytes_init(&bytes, 1000);
  assert_true(act__bytes_append(&bytes, zeros, 1000));
  assert_true(act__bytes_append(&bytes, NULL, 0));
  assert_false(act__bytes_append(&bytes, zeros, 1));
  assert_int_equal(bytes.length, 1000);
  assert_true(bytes.capacity <= 1000);
  act__bytes_fini(&bytes);

  act__bytes_init(&bytes, 1000);
  for (int i = 0; i < 1000; i++) assert_true(act__bytes_append(&bytes, zeros, 1));
  assert_false(act__bytes_append(&bytes, zeros, 1));
  assert_int_equal(bytes.reason, ACT_EFULL);
  act__bytes_fini(&bytes);

  act__bytes_init(&bytes, 1000);
  assert_false(act__bytes_append(&bytes, zeros, 1001));
  assert_int_equal(bytes.length, 0);
  act__bytes_fini(&bytes);

  act__bytes_init(&bytes, 0);
  assert_false(act__bytes_append(&bytes, zeros, 1));
  act__bytes_fini(&bytes);
}

static void a_failure_sticks_until_reset(void **state) {
  (void)state;
  struct act__bytes bytes;
  act__bytes_init(&bytes, 8);
  assert_true(act__bytes_append(&bytes, "abc", 3));
  assert_false(act__bytes_append(&bytes, "too long", 8));
  assert_true(bytes.failed);
  assert_int_equal(bytes.reason, ACT_EFULL);
  assert_false(act__bytes_append(&bytes, "x", 1));
  assert_null(act__bytes_reserve(&bytes, 1));
  assert_int_equal(bytes.length, 3);
  assert_memory_equal(bytes.data, "abc", 3);

  act__bytes_reset(&bytes);

  assert_false(bytes.failed);
  assert_int_equal(bytes.reason, ACT_OK);
  assert_int_equal(bytes.length, 0);
  assert_true(act__bytes_append(&bytes, "12345678", 8));
  act__bytes_fini(&bytes);
}

static void what_is_reserved_and_committed_counts(void **state) {
  (void)state;
  struct act__bytes bytes;
  act__bytes_init(&bytes, 200);
  uint8_t *room = act__bytes_reserve(&bytes, 200);
  assert_non_null(room);
  memset(room, 'r', 200);
  act__bytes_commit(&bytes, 150);
  assert_int_equal(bytes.length, 150);
  assert_non_null(act__bytes_reserve(&bytes, 50));
  act__bytes_commit(&bytes, 0);
  assert_null(act__bytes_reserve(&bytes, 51));
  assert_int_equal(bytes.length, 150);
  act__bytes_fini(&bytes);
}

static void sizes_that_overflow_are_refused(void **state) {
  (void)state;
  struct act__bytes bytes;
  act__bytes_init(&bytes, SIZE_MAX);
  assert_true(act__bytes_append(&bytes, "abc", 3));
  assert_null(act__bytes_reserve(&bytes, SIZE_MAX - 2));
  assert_int_equal(bytes.reason, ACT_EFULL);
  act__bytes_reset(&bytes);
  assert_null(act__bytes_reserve(&bytes, SIZE_MAX / 2 + 1));
  assert_int_equal(bytes.reason, ACT_ENOMEM);
  act__bytes_fini(&bytes);
}

static void reset_keeps_the_memory(void **state) {
  (void)state;
  struct act__bytes bytes;
  act__bytes_init(&bytes, 5000);
  assert_non_null(act__bytes_reserve(&bytes, 5000));
  int64_t before = act__alloc_count();
  for (int i = 0; i < 5; i++) {
    act__bytes_reset(&bytes);
    assert_non_null(act__bytes_reserve(&bytes, 5000));
    act__bytes_commit(&bytes, 5000);
  }
  assert_int_equal(act__alloc_count(), before);
  act__bytes_fini(&bytes);
}

static void detach_gives_the_contents_away(void **state) {
  (void)state;
  struct act__bytes bytes;
  act__bytes_init(&bytes, 10);
  size_t length = 99;
  assert_null(act__bytes_detach(&bytes, &length));
  assert_int_equal(length, 0);
  assert_true(act__bytes_append(&bytes, "gift", 5));

  uint8_t *gift = act__bytes_detach(&bytes, &length);

  assert_string_equal((char *)gift, "gift");
  assert_int_equal(length, 5);
  assert_int_equal(bytes.length, 0);
  assert_true(act__bytes_append(&bytes, "0123456789", 10));
  assert_false(act__bytes_append(&bytes, "0", 1));
  assert_string_equal((char *)gift, "gift");
  act__free(gift);
  act__bytes_fini(&bytes);
}

static void every_failing_allocation_keeps_what_was_written(void **state) {
  (void)state;
  for (int64_t n = 0;; n++) {
    struct act__bytes bytes;
    act__bytes_init(&bytes, 10000);
    act__alloc_fail_after(n);
    size_t written = 0;
    while (written < 10000 && act__bytes_append(&bytes, "0123456789", 10)) written += 10;
    int64_t failures = act__alloc_failures();
    act__alloc_fail_after(-1);
    assert_int_equal(bytes.failed, failures > 0);
    assert_int_equal(bytes.reason, failures > 0 ? ACT_ENOMEM : ACT_OK);
    assert_int_equal(bytes.length, written);
    for (size_t i = 0; i < written; i++) assert_int_equal(bytes.data[i], '0' + i % 10);
    act__bytes_fini(&bytes);
    if (failures == 0) break;
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(appends_follow_each_other),
      cmocka_unit_test(the_limit_is_exact_in_one_step_and_in_many),
      cmocka_unit_test(a_failure_sticks_until_reset),
      cmocka_unit_test(what_is_reserved_and_committed_counts),
      cmocka_unit_test(sizes_that_overflow_are_refused),
      cmocka_unit_test(reset_keeps_the_memory),
      cmocka_unit_test(detach_gives_the_contents_away),
      cmocka_unit_test(every_failing_allocation_keeps_what_was_written),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
