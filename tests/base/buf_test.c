// SPDX-License-Identifier: Apache-2.0
//
// Counted buffers: who frees them, how often, and on which thread.
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/alloc.h"
#include "base/atomic.h"
#include "base/thread.h"

static void a_copy_is_independent_of_its_source(void **state) {
  (void)state;
  char source[] = "payload";
  act_buf buf = act_buf_copy(source, sizeof source);
  source[0] = 'x';
  assert_false(act_buf_is_none(buf));
  assert_int_equal(act_buf_size(buf), sizeof source);
  assert_string_equal((const char *)act_buf_data(buf), "payload");
  act_buf_unref(buf);
}

static void an_empty_buffer_is_a_buffer(void **state) {
  (void)state;
  act_buf buf = act_buf_copy(NULL, 0);
  assert_false(act_buf_is_none(buf));
  assert_int_equal(act_buf_size(buf), 0);
  act_buf_unref(buf);
}

static void no_buffer_is_accepted_everywhere(void **state) {
  (void)state;
  act_buf none = {NULL};
  assert_true(act_buf_is_none(none));
  assert_int_equal(act_buf_size(none), 0);
  assert_null(act_buf_data(none));
  assert_true(act_buf_is_none(act_buf_ref(none)));
  act_buf_unref(none);
}

struct freed {
  void *data;
  int times;
};

static void note_freed(void *data, void *arg) {
  struct freed *freed = arg;
  freed->data = data;
  freed->times++;
}

static void adopted_memory_is_freed_once_by_the_last(void **state) {
  (void)state;
  static char memory[10];
  struct freed freed = {NULL, 0};
  act_buf first = act_buf_take(memory, sizeof memory, note_freed, &freed);
  act_buf second = act_buf_ref(first);
  assert_ptr_equal(act_buf_data(second), memory);
  assert_int_equal(act_buf_size(second), sizeof memory);

  act_buf_unref(first);
  assert_int_equal(freed.times, 0);
  act_buf_unref(second);
  assert_int_equal(freed.times, 1);
  assert_ptr_equal(freed.data, memory);
}

static void static_data_needs_no_destructor(void **state) {
  (void)state;
  static char text[] = "static";
  act_buf buf = act_buf_take(text, sizeof text, NULL, NULL);
  assert_ptr_equal(act_buf_data(buf), text);
  act_buf_unref(buf);
}

static void when_taking_fails_the_memory_stays_with_the_caller(void **state) {
  (void)state;
  char memory[4] = "abc";
  struct freed freed = {NULL, 0};
  act__alloc_fail_after(0);
  act_buf taken = act_buf_take(memory, sizeof memory, note_freed, &freed);
  act_buf copied = act_buf_copy(memory, sizeof memory);
  act__alloc_fail_after(-1);
  assert_true(act_buf_is_none(taken));
  assert_true(act_buf_is_none(copied));
  assert_int_equal(freed.times, 0);
  assert_string_equal(memory, "abc");
}

static void an_impossible_length_is_refused(void **state) {
  (void)state;
  assert_true(act_buf_is_none(act_buf_copy("", SIZE_MAX)));
  assert_true(act_buf_is_none(act_buf_copy("", SIZE_MAX - 8)));
}

#define THREADS 4
#define ROUNDS 3000

// Adopted memory that every holder reads and the destructor writes: a missing order is a race.
struct shared {
  int value;
  ACT__ATOMIC(int) * destroyed;
};

static void destroy_shared(void *data, void *arg) {
  struct shared *shared = data;
  (void)arg;
  shared->value = -1;
  act__fetch_add_relaxed(shared->destroyed, 1);  // relaxed: a counter, read after the joins
  act__free(shared);
}

struct holder {
  struct act__thread thread;
  act_buf bufs[ROUNDS];
  int wrong;
};

static void read_and_unref(void *arg) {
  struct holder *holder = arg;
  for (int i = 0; i < ROUNDS; i++) {
    const void *data = act_buf_data(holder->bufs[i]);
    act_buf again = act_buf_ref(holder->bufs[i]);
    act_buf_unref(holder->bufs[i]);
    if (((const struct shared *)data)->value != i) holder->wrong++;
    act_buf_unref(again);
  }
}

static void racing_unrefs_free_exactly_once_after_every_use(void **state) {
  (void)state;
  static struct holder holders[THREADS];
  ACT__ATOMIC(int) destroyed;
  act__atomic_init(&destroyed, 0);
  for (int i = 0; i < ROUNDS; i++) {
    struct shared *shared = act__malloc(sizeof *shared);
    shared->value = i;
    shared->destroyed = &destroyed;
    act_buf buf = act_buf_take(shared, sizeof *shared, destroy_shared, NULL);
    for (int k = 1; k < THREADS; k++) holders[k].bufs[i] = act_buf_ref(buf);
    holders[0].bufs[i] = buf;
  }
  for (int k = 0; k < THREADS; k++) {
    assert_int_equal(
        act__thread_start(&holders[k].thread, "holder", 0, read_and_unref, &holders[k]), ACT_OK);
  }
  for (int k = 0; k < THREADS; k++) act__thread_join(&holders[k].thread);
  for (int k = 0; k < THREADS; k++) assert_int_equal(holders[k].wrong, 0);
  assert_int_equal(act__load_relaxed(&destroyed), ROUNDS);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_copy_is_independent_of_its_source),
      cmocka_unit_test(an_empty_buffer_is_a_buffer),
      cmocka_unit_test(no_buffer_is_accepted_everywhere),
      cmocka_unit_test(adopted_memory_is_freed_once_by_the_last),
      cmocka_unit_test(static_data_needs_no_destructor),
      cmocka_unit_test(when_taking_fails_the_memory_stays_with_the_caller),
      cmocka_unit_test(an_impossible_length_is_refused),
      cmocka_unit_test(racing_unrefs_free_exactly_once_after_every_use),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
