// SPDX-License-Identifier: Apache-2.0
//
// The map from names, and its keyed hash.
#include "base/map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rand.h"

static char things[4096];  // their addresses are the values

static act_rc put(struct act__namemap *map, const char *name, void *value) {
  return act__namemap_put(map, name, strlen(name), value);
}

static void *get(struct act__namemap *map, const char *name) {
  return act__namemap_get(map, name, strlen(name));
}

static void an_empty_map_has_nothing(void **state) {
  (void)state;
  struct act__namemap map;
  act__namemap_init(&map, 0);
  size_t index = 0;
  assert_null(get(&map, "a"));
  assert_null(act__namemap_remove(&map, "a", 1));
  assert_false(act__namemap_next(&map, &index, NULL, NULL, NULL));
  assert_int_equal(act__namemap_count(&map), 0);
  act__namemap_fini(&map);
}

static void names_are_bytes_with_a_length(void **state) {
  (void)state;
  struct act__namemap map;
  act__namemap_init(&map, 42);
  assert_int_equal(act__namemap_put(&map, NULL, 0, &things[0]), ACT_OK);
  assert_int_equal(act__namemap_put(&map, "\0", 1, &things[1]), ACT_OK);
  assert_int_equal(act__namemap_put(&map, "\0\0", 2, &things[2]), ACT_OK);
  assert_int_equal(act__namemap_put(&map, "ab", 2, &things[3]), ACT_OK);
  assert_int_equal(act__namemap_put(&map, "abc", 2, &things[4]), ACT_OK);
  assert_int_equal(act__namemap_count(&map), 4);
  assert_ptr_equal(act__namemap_get(&map, "", 0), &things[0]);
  assert_ptr_equal(act__namemap_get(&map, "\0", 1), &things[1]);
  assert_ptr_equal(act__namemap_get(&map, "\0\0", 2), &things[2]);
  assert_ptr_equal(get(&map, "ab"), &things[4]);
  assert_null(get(&map, "abc"));
  act__namemap_fini(&map);
}

static void the_name_is_copied(void **state) {
  (void)state;
  struct act__namemap map;
  act__namemap_init(&map, 42);
  char name[] = "counter";
  assert_int_equal(put(&map, name, things), ACT_OK);
  name[0] = 'x';
  assert_ptr_equal(get(&map, "counter"), things);
  assert_null(get(&map, name));
  act__namemap_fini(&map);
}

static void a_name_of_255_bytes_fits_and_one_of_256_does_not(void **state) {
  (void)state;
  char name[ACT__NAME_MAX + 1];
  memset(name, 'n', sizeof name);
  struct act__namemap map;
  act__namemap_init(&map, 42);
  assert_int_equal(act__namemap_put(&map, name, ACT__NAME_MAX, things), ACT_OK);
  assert_int_equal(act__namemap_put(&map, name, ACT__NAME_MAX + 1, things), ACT_EINVAL);
  assert_ptr_equal(act__namemap_get(&map, name, ACT__NAME_MAX), things);
  assert_null(act__namemap_get(&map, name, ACT__NAME_MAX + 1));
  assert_null(act__namemap_remove(&map, name, ACT__NAME_MAX + 1));
  assert_int_equal(act__namemap_count(&map), 1);
  act__namemap_fini(&map);
}

static void random_puts_and_removes_agree_with_a_table(void **state) {
  (void)state;
  struct act__rand rand;
  act__rand_seed(&rand, 2);
  for (uint64_t names = 3; names <= 1000; names = names * 3 + 4) {
    struct act__namemap map;
    act__namemap_init(&map, names);
    static void *table[1000];
    memset(table, 0, sizeof table);
    size_t count = 0;
    for (int step = 0; step < 20000; step++) {
      uint64_t k = act__rand_below(&rand, names);
      char name[40];
      snprintf(name, sizeof name, "a-name-with-number-%d", (int)k);
      void *value = &things[act__rand_below(&rand, sizeof things)];
      uint64_t what = act__rand_below(&rand, 3);
      if (what == 0) {
        assert_ptr_equal(act__namemap_remove(&map, name, strlen(name)), table[k]);
        count -= table[k] != NULL;
        table[k] = NULL;
      } else if (what == 1) {
        assert_int_equal(put(&map, name, value), ACT_OK);
        count += table[k] == NULL;
        table[k] = value;
      } else {
        assert_ptr_equal(get(&map, name), table[k]);
      }
      assert_int_equal(act__namemap_count(&map), count);
    }
    act__namemap_fini(&map);
  }
}

static void iteration_lends_every_name_once(void **state) {
  (void)state;
  struct act__namemap map;
  act__namemap_init(&map, 3);
  for (int i = 0; i < 100; i++) {
    char name[16];
    snprintf(name, sizeof name, "%d", i);
    assert_int_equal(put(&map, name, &things[i]), ACT_OK);
  }
  int seen[100] = {0};
  size_t index = 0, length;
  const char *name;
  void *value;
  while (act__namemap_next(&map, &index, &name, &length, &value)) {
    assert_int_equal(strlen(name), length);
    int i = 0;
    assert_int_equal(sscanf(name, "%d", &i), 1);
    assert_ptr_equal(value, &things[i]);
    seen[i]++;
  }
  for (int i = 0; i < 100; i++) assert_int_equal(seen[i], 1);
  index = 0;
  int n = 0;
  while (act__namemap_next(&map, &index, NULL, NULL, NULL)) n++;
  assert_int_equal(n, 100);
  act__namemap_fini(&map);
}

static void every_failing_allocation_leaves_the_map_as_it_was(void **state) {
  (void)state;
  for (int64_t n = 0;; n++) {
    struct act__namemap map;
    act__namemap_init(&map, 9);
    act__alloc_fail_once(n);
    int told = 0;
    for (int i = 0; i < 60; i++) {
      char name[16];
      snprintf(name, sizeof name, "%d", i);
      size_t count = act__namemap_count(&map);
      if (put(&map, name, &things[i]) == ACT_OK) continue;
      told++;
      assert_int_equal(act__namemap_count(&map), count);
      assert_null(get(&map, name));
      assert_int_equal(put(&map, name, &things[i]), ACT_OK);
    }
    int64_t failures = act__alloc_failures();
    act__alloc_fail_after(-1);
    assert_int_equal(told, failures);
    assert_int_equal(act__namemap_count(&map), 60);
    assert_ptr_equal(get(&map, "31"), &things[31]);
    act__namemap_fini(&map);
    if (failures == 0) break;
  }
}

// A hash that mixes well puts m keys into m buckets like balls thrown at random: at most a dozen in
// any one of 4,096.
static unsigned fullest_bucket(uint64_t (*hash)(uint64_t seed, uint64_t i), uint64_t seed) {
  unsigned buckets[4096] = {0};
  unsigned most = 0;
  for (uint64_t i = 0; i < 4096; i++) {
    unsigned n = ++buckets[hash(seed, i) & 4095];
    if (n > most) most = n;
  }
  return most;
}

static uint64_t hash_low_number(uint64_t seed, uint64_t i) {
  return act__hash_u64(i + seed);
}

static uint64_t hash_high_number(uint64_t seed, uint64_t i) {
  return act__hash_u64((i << 52) + seed);
}

static uint64_t hash_short_name(uint64_t seed, uint64_t i) {
  return act__hash_bytes(seed, &i, 3);
}

static uint64_t hash_long_name(uint64_t seed, uint64_t i) {
  char name[64];
  int length = snprintf(name, sizeof name, "/service/with/a/long/name/%d/tail", (int)i);
  return act__hash_bytes(seed, name, (size_t)length);
}

static void the_hashes_spread_keys_that_look_alike(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < 20; seed++) {
    assert_in_range(fullest_bucket(hash_low_number, seed), 1, 12);
    assert_in_range(fullest_bucket(hash_high_number, seed), 1, 12);
    assert_in_range(fullest_bucket(hash_short_name, seed), 1, 12);
    assert_in_range(fullest_bucket(hash_long_name, seed), 1, 12);
  }
}

static void the_hash_depends_on_seed_length_and_every_byte(void **state) {
  (void)state;
  char name[40] = {0};
  for (size_t length = 0; length + 1 < sizeof name; length++) {
    uint64_t hash = act__hash_bytes(1, name, length);
    assert_true(hash == act__hash_bytes(1, name, length));
    assert_true(hash != act__hash_bytes(2, name, length));
    assert_true(hash != act__hash_bytes(1, name, length + 1));
    for (size_t i = 0; i < length; i++) {
      name[i] ^= 1;
      assert_true(hash != act__hash_bytes(1, name, length));
      name[i] ^= 1;
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_empty_map_has_nothing),
      cmocka_unit_test(names_are_bytes_with_a_length),
      cmocka_unit_test(the_name_is_copied),
      cmocka_unit_test(a_name_of_255_bytes_fits_and_one_of_256_does_not),
      cmocka_unit_test(random_puts_and_removes_agree_with_a_table),
      cmocka_unit_test(iteration_lends_every_name_once),
      cmocka_unit_test(every_failing_allocation_leaves_the_map_as_it_was),
      cmocka_unit_test(the_hashes_spread_keys_that_look_alike),
      cmocka_unit_test(the_hash_depends_on_seed_length_and_every_byte),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
