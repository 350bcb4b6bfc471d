// SPDX-License-Identifier: Apache-2.0
//
// mailbox/copy: deep copies of messages.
#include "mailbox/copy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/mailbox/sample.h"

static void flat_message_is_its_struct(void **state) {
  (void)state;
  point p = {.x = 3, .y = -4};

  assert_true(point_schema.is_flat);
  assert_int_equal(act__copy_size(&point_schema, &p), sizeof(point));
  point *copy = sample_copy(&point_schema, &p);

  assert_int_equal(copy->x, 3);
  assert_int_equal(copy->y, -4);
  sample_free(&point_schema, copy);
}

static void size_is_a_multiple_of_eight(void **state) {
  (void)state;
  nothing none = {0};

  assert_int_equal(act__copy_size(&nothing_schema, &none), 8);
}

static void texts_live_in_the_block_and_are_terminated(void **state) {
  (void)state;
  char key[] = "key";
  label m = {.key = {key, 3}, .value = act_bytes_of("\x01\x02", 2)};
  label *copy = sample_copy(&label_schema, &m);
  size_t size = act__copy_size(&label_schema, &m);

  memset(key, 'X', 3);
  assert_string_equal(copy->key.data, "key");
  assert_int_equal(copy->value.data[1], 2);
  assert_true(copy->key.data >= (char *)copy && copy->key.data + 4 <= (char *)copy + size);
  assert_int_equal(size, sizeof(label) + 8);  // 3 + 1 + 2, rounded up
  sample_free(&label_schema, copy);
}

static void empty_text_is_not_null(void **state) {
  (void)state;
  label m = {0};
  label *copy = sample_copy(&label_schema, &m);

  assert_string_equal(copy->key.data, "");
  assert_non_null(copy->value.data);
  sample_free(&label_schema, copy);
}

static void absent_optional_and_empty_list_leave_no_stale_pointer(void **state) {
  (void)state;
  everything m = {0};
  m.maybe_str.value = ACT_STR("stale");
  m.strs.items = &m.maybe_str.value;
  everything *copy = sample_copy(&everything_schema, &m);

  assert_false(copy->maybe_str.has);
  assert_null(copy->maybe_str.value.data);
  assert_null(copy->strs.items);
  sample_free(&everything_schema, copy);
}

static void lists_of_messages_are_copied_to_the_bottom(void **state) {
  (void)state;
  char key[] = "inner";
  label labels[2] = {{.key = {key, 5}}, {.weight = ACT_SOME(2.5)}};
  everything m = {.labels = ACT_LIST(labels)};
  everything *copy = sample_copy(&everything_schema, &m);

  memset(key, 'X', 5);
  memset(&labels[1], 0xff, sizeof labels[1]);
  assert_int_equal(copy->labels.count, 2);
  assert_int_equal((uintptr_t)copy->labels.items % 8, 0);
  assert_string_equal(copy->labels.items[0].key.data, "inner");
  assert_true(copy->labels.items[1].weight.has && copy->labels.items[1].weight.value > 2);
  sample_free(&everything_schema, copy);
}

static void destroyed(void *data, void *arg) {
  (void)data;
  ++*(int *)arg;
}

static void each_copy_holds_one_reference_to_each_buffer(void **state) {
  (void)state;
  int destroyed_count = 0;
  char large[100] = {0};
  act_buf buf = act_buf_take(large, sizeof large, destroyed, &destroyed_count);
  act_buf both[2] = {buf, {NULL}};
  label labels[1] = {{.blob = buf}};
  everything m = {.a_buf = buf, .bufs = ACT_LIST(both), .labels = ACT_LIST(labels),
                  .maybe_buf = ACT_SOME(buf)};
  everything *copy = sample_copy(&everything_schema, &m);
  everything *again = sample_copy(&everything_schema, copy);

  act_buf_unref(buf);
  assert_ptr_equal(act_buf_data(again->labels.items[0].blob), large);
  sample_free(&everything_schema, copy);
  assert_int_equal(destroyed_count, 0);
  sample_free(&everything_schema, again);
  assert_int_equal(destroyed_count, 1);
}

static void size_at_the_bound_is_accepted_and_one_past_it_refused(void **state) {
  (void)state;
  uint32_t most = (uint32_t)(ACT_MESSAGE_MAX - sizeof(label));
  uint8_t *large = calloc(1, most + 1);
  assert_non_null(large);
  label m = {.value = act_bytes_of(large, most)};

  assert_int_equal(act__copy_size(&label_schema, &m), ACT_MESSAGE_MAX);
  m.value.size++;
  assert_true(act__copy_size(&label_schema, &m) == SIZE_MAX);
  free(large);
}

static void absurd_counts_do_not_wrap(void **state) {
  (void)state;
  everything m = {0};

  m.nothings.count = UINT32_MAX;
  m.nothings.items = (const nothing *)"";
  assert_true(act__copy_size(&everything_schema, &m) == SIZE_MAX);
  memset(&m, 0, sizeof m);
  m.a_str = (act_str){"", UINT32_MAX};
  m.some_bytes = act_bytes_of("", UINT32_MAX);
  assert_true(act__copy_size(&everything_schema, &m) == SIZE_MAX);
}

static void random_messages_are_copied_faithfully(void **state) {
  (void)state;
  static struct sample_arena arena;
  struct act__rand rand;

  act__rand_seed(&rand, 42);
  for (int i = 0; i < 300; i++) {
    everything m = {0};
    arena.used = 0;
    sample_fill(&everything_schema, &m, &rand, &arena);
    everything *copy = sample_copy(&everything_schema, &m);

    assert_true(sample_equal(&everything_schema, &m, copy));
    assert_int_equal(act__copy_size(&everything_schema, copy),
                     act__copy_size(&everything_schema, &m));
    sample_free(&everything_schema, copy);
    sample_release(&everything_schema, &m);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(flat_message_is_its_struct),
      cmocka_unit_test(size_is_a_multiple_of_eight),
      cmocka_unit_test(texts_live_in_the_block_and_are_terminated),
      cmocka_unit_test(empty_text_is_not_null),
      cmocka_unit_test(absent_optional_and_empty_list_leave_no_stale_pointer),
      cmocka_unit_test(lists_of_messages_are_copied_to_the_bottom),
      cmocka_unit_test(each_copy_holds_one_reference_to_each_buffer),
      cmocka_unit_test(size_at_the_bound_is_accepted_and_one_past_it_refused),
      cmocka_unit_test(absurd_counts_do_not_wrap),
      cmocka_unit_test(random_messages_are_copied_faithfully),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
