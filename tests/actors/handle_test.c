// SPDX-License-Identifier: Apache-2.0
//
// Handle tables: a handle means what it was made for and nothing else, for as long as that is there.
#include "actors/handle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/alloc.h"

#define MANY 1000

static int records[MANY];

struct handle {
  uint32_t index, gen;
};

static struct handle put(struct act__handle_table *table, int *record) {
  struct handle h;
  assert_int_equal(act__handle_put(table, record, &h.index, &h.gen), ACT_OK);
  return h;
}

static void a_handle_gives_its_record_until_it_is_removed(void **state) {
  (void)state;
  struct act__handle_table table = {0};
  struct handle handles[MANY];
  for (int i = 0; i < MANY; i++) handles[i] = put(&table, &records[i]);
  for (int i = 0; i < MANY; i += 2) act__handle_remove(&table, handles[i].index);
  for (int i = 0; i < MANY; i++) {
    void *record = act__handle_get(&table, handles[i].index, handles[i].gen);
    assert_ptr_equal(record, i % 2 ? &records[i] : NULL);
  }
  act__handle_table_fini(&table);
  assert_null(act__handle_get(&table, handles[1].index, handles[1].gen));
}

static void a_place_that_is_used_again_has_another_generation(void **state) {
  (void)state;
  struct act__handle_table table = {0};
  struct handle old = put(&table, &records[0]);
  act__handle_remove(&table, old.index);
  struct handle new = put(&table, &records[1]);
  assert_int_equal(new.index, old.index);
  assert_null(act__handle_get(&table, old.index, old.gen));
  assert_ptr_equal(act__handle_get(&table, new.index, new.gen), &records[1]);
  // The last generation of all is followed by the first: 0 is nobody's.
  table.places[new.index].gen = UINT32_MAX;
  act__handle_remove(&table, new.index);
  struct handle again = put(&table, &records[2]);
  assert_int_equal(again.index, new.index);
  assert_int_equal(again.gen, 1);
  act__handle_table_fini(&table);
}

static void what_is_no_handle_gives_nothing(void **state) {
  (void)state;
  struct act__handle_table table = {0};
  assert_null(act__handle_get(&table, 0, 0));
  assert_null(act__handle_get(&table, 0, 1));
  struct handle h = put(&table, &records[0]);
  assert_null(act__handle_get(&table, h.index, 0));
  assert_null(act__handle_get(&table, h.index, h.gen + 1));
  assert_null(act__handle_get(&table, h.index + 1, h.gen));
  assert_null(act__handle_get(&table, UINT32_MAX, h.gen));
  act__handle_table_fini(&table);
}

static void a_walk_meets_each_record_once(void **state) {
  (void)state;
  struct act__handle_table table = {0};
  struct handle handles[MANY];
  for (int i = 0; i < MANY; i++) handles[i] = put(&table, &records[i]);
  for (int i = 0; i < MANY; i++) {
    if (i % 3) act__handle_remove(&table, handles[i].index);
  }
  int met = 0;
  int *record;
  for (uint32_t at = 0; (record = act__handle_next(&table, &at)); at++) {
    assert_ptr_equal(record, &records[3 * met++]);
    act__handle_remove(&table, at);
  }
  assert_int_equal(met, (MANY + 2) / 3);
  uint32_t at = 0;
  assert_null(act__handle_next(&table, &at));
  act__handle_table_fini(&table);
}

static void without_memory_the_table_stays_as_it_is(void **state) {
  (void)state;
  struct act__handle_table table = {0};
  int n = 0;
  struct handle h = put(&table, &records[n++]);
  while (table.used < table.capacity) put(&table, &records[n++]);
  act__alloc_fail_after(0);
  uint32_t index, gen;
  assert_int_equal(act__handle_put(&table, &records[n], &index, &gen), ACT_ENOMEM);
  act__handle_remove(&table, h.index);
  assert_int_equal(act__handle_put(&table, &records[n], &index, &gen), ACT_OK);
  act__alloc_fail_after(-1);
  assert_ptr_equal(act__handle_get(&table, index, gen), &records[n]);
  act__handle_table_fini(&table);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_handle_gives_its_record_until_it_is_removed),
      cmocka_unit_test(a_place_that_is_used_again_has_another_generation),
      cmocka_unit_test(what_is_no_handle_gives_nothing),
      cmocka_unit_test(a_walk_meets_each_record_once),
      cmocka_unit_test(without_memory_the_table_stays_as_it_is),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
