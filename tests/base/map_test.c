// SPDX-License-Identifier: Apache-2.0
//
// The map from numbers, against a plain table of everything that it should hold.
#include "base/map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rand.h"

static char things[4096];  // their addresses are the values

static void an_empty_map_has_nothing_and_costs_nothing(void **state) {
  (void)state;
  int64_t before = act__alloc_count();
  struct act__map map;
  act__map_init(&map);
  size_t index = 0;
  assert_null(act__map_get(&map, 0));
  assert_null(act__map_remove(&map, 0));
  assert_false(act__map_next(&map, &index, NULL, NULL));
  act__map_clear(&map);
  assert_int_equal(act__map_count(&map), 0);
  act__map_fini(&map);
  assert_int_equal(act__alloc_count(), before);
}

static void put_adds_then_replaces(void **state) {
  (void)state;
  struct act__map map;
  act__map_init(&map);
  assert_int_equal(act__map_put(&map, 0, &things[0]), ACT_OK);
  assert_int_equal(act__map_put(&map, UINT64_MAX, &things[1]), ACT_OK);
  assert_int_equal(act__map_put(&map, 0, &things[2]), ACT_OK);
  assert_int_equal(act__map_count(&map), 2);
  assert_ptr_equal(act__map_get(&map, 0), &things[2]);
  assert_ptr_equal(act__map_get(&map, UINT64_MAX), &things[1]);
  assert_ptr_equal(act__map_remove(&map, 0), &things[2]);
  assert_null(act__map_remove(&map, 0));
  assert_int_equal(act__map_count(&map), 1);
  act__map_fini(&map);
}

static void it_grows_past_seven_eighths_and_not_before(void **state) {
  (void)state;
  struct act__map map;
  act__map_init(&map);
  for (uint64_t i = 0; i < 7; i++) assert_int_equal(act__map_put(&map, i, things), ACT_OK);
  assert_int_equal(map.capacity, 8);
  assert_int_equal(act__map_put(&map, 3, things), ACT_OK);  // replaces: needs no room
  assert_int_equal(map.capacity, 8);
  assert_int_equal(act__map_put(&map, 7, things), ACT_OK);
  assert_int_equal(map.capacity, 16);
  for (uint64_t i = 0; i < 8; i++) assert_ptr_equal(act__map_get(&map, i), things);
  assert_null(act__map_get(&map, 8));
  act__map_fini(&map);
}

// Few keys in a small map make long runs that wrap around the end: each removal shifts followers.
static void random_puts_and_removes_agree_with_a_table(void **state) {
  (void)state;
  struct act__rand rand;
  act__rand_seed(&rand, 1);
  for (uint64_t keys = 1; keys <= 1000; keys = keys * 3 + 4) {
    struct act__map map;
    act__map_init(&map);
    static void *table[1000];
    memset(table, 0, sizeof table);
    size_t count = 0;
    for (int step = 0; step < 20000; step++) {
      uint64_t key = act__rand_below(&rand, keys);
      void *value = &things[act__rand_below(&rand, sizeof things)];
      uint64_t what = act__rand_below(&rand, 3);
      if (what == 0) {
        assert_ptr_equal(act__map_remove(&map, key), table[key]);
        count -= table[key] != NULL;
        table[key] = NULL;
      } else if (what == 1) {
        assert_int_equal(act__map_put(&map, key, value), ACT_OK);
        count += table[key] == NULL;
        table[key] = value;
      } else {
        assert_ptr_equal(act__map_get(&map, key), table[key]);
      }
      assert_int_equal(act__map_count(&map), count);
    }
    for (uint64_t key = 0; key < keys; key++) {
      assert_ptr_equal(act__map_get(&map, key), table[key]);
    }
    act__map_fini(&map);
  }
}

static void iteration_meets_everything_once(void **state) {
  (void)state;
  struct act__map map;
  act__map_init(&map);
  for (uint64_t i = 0; i < 100; i++) {
    assert_int_equal(act__map_put(&map, i * 1000, &things[i]), ACT_OK);
  }
  int seen[100] = {0};
  size_t index = 0;
  uint64_t key;
  void *value;
  while (act__map_next(&map, &index, &key, &value)) {
    assert_ptr_equal(value, &things[key / 1000]);
    seen[key / 1000]++;
  }
  for (int i = 0; i < 100; i++) assert_int_equal(seen[i], 1);
  index = 0;
  int n = 0;
  while (act__map_next(&map, &index, NULL, NULL)) n++;
  assert_int_equal(n, 100);
  act__map_fini(&map);
}

static void clear_empties_and_keeps_the_memory(void **state) {
  (void)state;
  struct act__map map;
  act__map_init(&map);
  for (uint64_t i = 0; i < 100; i++) assert_int_equal(act__map_put(&map, i, things), ACT_OK);
  int64_t before = act__alloc_count();
  act__map_clear(&map);
  assert_int_equal(act__map_count(&map), 0);
  assert_null(act__map_get(&map, 5));
  for (uint64_t i = 0; i < 100; i++) assert_int_equal(act__map_put(&map, i, things), ACT_OK);
  assert_int_equal(act__alloc_count(), before);
  act__map_fini(&map);
}

static void puts_within_the_reserve_cannot_fail(void **state) {
  (void)state;
  static const size_t counts[] = {0, 1, 7, 8, 14, 15, 100, 896, 897};
  for (size_t k = 0; k < sizeof counts / sizeof counts[0]; k++) {
    struct act__map map;
    act__map_init(&map);
    assert_int_equal(act__map_reserve(&map, counts[k]), ACT_OK);
    act__alloc_fail_after(0);
    for (uint64_t i = 0; i < counts[k]; i++) {
      assert_int_equal(act__map_put(&map, i, things), ACT_OK);
    }
    act__alloc_fail_after(-1);
    act__map_fini(&map);
  }
}

static void an_impossible_reserve_is_refused(void **state) {
  (void)state;
  struct act__map map;
  act__map_init(&map);
  assert_int_equal(act__map_reserve(&map, SIZE_MAX), ACT_ENOMEM);
  assert_int_equal(act__map_reserve(&map, SIZE_MAX / 4), ACT_ENOMEM);
  assert_int_equal(act__map_put(&map, 1, things), ACT_OK);
  act__map_fini(&map);
}

static void every_failing_allocation_leaves_the_map_as_it_was(void **state) {
  (void)state;
  for (int64_t n = 0;; n++) {
    struct act__map map;
    act__map_init(&map);
    act__alloc_fail_once(n);
    int told = 0;
    for (uint64_t i = 0; i < 200; i++) {
      size_t count = act__map_count(&map);
      if (act__map_put(&map, i, &things[i]) == ACT_OK) continue;
      told++;
      assert_int_equal(act__map_count(&map), count);
      assert_null(act__map_get(&map, i));
      for (uint64_t k = 0; k < i; k++) assert_ptr_equal(act__map_get(&map, k), &things[k]);
      assert_int_equal(act__map_put(&map, i, &things[i]), ACT_OK);
    }
    int64_t failures = act__alloc_failures();
    act__alloc_fail_after(-1);
    assert_int_equal(told, failures);
    assert_int_equal(act__map_count(&map), 200);
    act__map_fini(&map);
    if (failures == 0) break;
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_empty_map_has_nothing_and_costs_nothing),
      cmocka_unit_test(put_adds_then_replaces),
      cmocka_unit_test(it_grows_past_seven_eighths_and_not_before),
      cmocka_unit_test(random_puts_and_removes_agree_with_a_table),
      cmocka_unit_test(iteration_meets_everything_once),
      cmocka_unit_test(clear_empties_and_keeps_the_memory),
      cmocka_unit_test(puts_within_the_reserve_cannot_fail),
      cmocka_unit_test(an_impossible_reserve_is_refused),
      cmocka_unit_test(every_failing_allocation_leaves_the_map_as_it_was),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
