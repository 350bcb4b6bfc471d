// SPDX-License-Identifier: Apache-2.0
//
// Block pools on one thread: classes, alignment, counts, reuse, and memory that is refused.
#include "base/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

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

struct fixture {
  struct act__pool pool;
  struct act__pool_cache cache;
};

static int set_up(void **state) {
  struct fixture *f = calloc(1, sizeof *f);
  assert_int_equal(act__pool_init(&f->pool), ACT_OK);
  act__pool_cache_init(&f->cache, &f->pool);
  *state = f;
  return 0;
}

static int tear_down(void **state) {
  struct fixture *f = *state;
  act__alloc_fail_after(-1);
  act__pool_cache_fini(&f->cache);
  size_t leaked = act__pool_fini(&f->pool);
  free(f);
  return leaked == 0 ? 0 : -1;
}

static const size_t classes[] = {64,  96,   128,  192,  256,  384, 512,
                                 768, 1024, 1536, 2048, 3072, 4096};

static void every_size_has_the_smallest_class_that_holds_it(void **state) {
  (void)state;
  size_t class = 0;
  for (size_t bytes = 1; bytes <= ACT__POOL_BLOCK_MAX; bytes++) {
    if (bytes > classes[class]) class ++;
    assert_int_equal(act__pool_block_size(bytes), classes[class]);
  }
  assert_int_equal(class, ACT__POOL_CLASSES - 1);
  assert_int_equal(act__pool_block_size(ACT__POOL_BLOCK_MAX + 1), ACT__POOL_BLOCK_MAX + 1);
}

static void blocks_are_aligned_apart_and_whole(void **state) {
  struct fixture *f = *state;
  static unsigned char *blocks[ACT__POOL_CLASSES][300];
  for (int c = 0; c < ACT__POOL_CLASSES; c++) {
    for (int i = 0; i < 300; i++) {
      unsigned char *block = act__pool_alloc(&f->cache, &f->pool, classes[c]);
      assert_non_null(block);
      assert_int_equal((uintptr_t)block % 16, 0);
      if (!UNPOOLED && classes[c] % 64 == 0) assert_int_equal((uintptr_t)block % 64, 0);
      memset(block, (c * 31 + i) & 255, classes[c]);
      blocks[c][i] = block;
    }
  }
  for (int c = 0; c < ACT__POOL_CLASSES; c++) {
    for (int i = 0; i < 300; i++) {
      for (size_t k = 0; k < classes[c]; k++) {
        if (blocks[c][i][k] != ((c * 31 + i) & 255)) fail();
      }
      act__pool_free(&f->cache, &f->pool, blocks[c][i], classes[c]);
    }
  }
}

#if !UNPOOLED
// Who walks over what it allocated meets memory in order: the processor fetches ahead.
static void new_blocks_come_in_the_order_of_memory(void **state) {
  struct fixture *f = *state;
  for (int c = 0; c < ACT__POOL_CLASSES; c++) {
    char *blocks[100];
    for (int i = 0; i < 100; i++) {
      blocks[i] = act__pool_alloc(&f->cache, &f->pool, classes[c]);
      if (i > 0 && i < (int)(ACT__SLAB_MIN / classes[c])) {
        assert_ptr_equal(blocks[i], blocks[i - 1] + classes[c]);
      }
    }
    for (int i = 0; i < 100; i++) act__pool_free(&f->cache, &f->pool, blocks[i], classes[c]);
  }
}
#endif

static void in_use_counts_every_block_at_its_class(void **state) {
  struct fixture *f = *state;
  assert_int_equal(act__pool_in_use(&f->pool), 0);
  void *a = act__pool_alloc(&f->cache, &f->pool, 1);
  void *b = act__pool_alloc(NULL, &f->pool, 65);
  void *c = act__pool_alloc(&f->cache, &f->pool, 4096);
  void *d = act__pool_alloc(NULL, &f->pool, 4097);
  void *e = act__pool_alloc(&f->cache, &f->pool, 100000);
  assert_int_equal(act__pool_in_use(&f->pool), 64 + 96 + 4096 + 4097 + 100000);
  act__pool_free(NULL, &f->pool, a, 1);
  act__pool_free(&f->cache, &f->pool, b, 65);
  act__pool_free(NULL, &f->pool, c, 4096);
  assert_int_equal(act__pool_in_use(&f->pool), 4097 + 100000);
  act__pool_free(&f->cache, &f->pool, d, 4097);
  act__pool_free(NULL, &f->pool, e, 100000);
  act__pool_free(&f->cache, &f->pool, NULL, 1);
  act__pool_free(NULL, &f->pool, NULL, 1);
  assert_int_equal(act__pool_in_use(&f->pool), 0);
}

static void a_cache_that_is_gone_is_still_counted(void **state) {
  struct fixture *f = *state;
  struct act__pool_cache other;
  act__pool_cache_init(&other, &f->pool);
  void *small = act__pool_alloc(&other, &f->pool, 64);
  void *large = act__pool_alloc(&other, &f->pool, 5000);
  act__pool_cache_fini(&other);
  assert_int_equal(act__pool_in_use(&f->pool), 5064);
  act__pool_free(&f->cache, &f->pool, small, 64);
  act__pool_free(&f->cache, &f->pool, large, 5000);
  assert_int_equal(act__pool_in_use(&f->pool), 0);
}

static void fini_tells_how_many_blocks_were_never_freed(void **state) {
  (void)state;
  static struct act__pool pool;
  static struct act__pool_cache cache;
  assert_int_equal(act__pool_init(&pool), ACT_OK);
  act__pool_cache_init(&cache, &pool);
  void *blocks[3];
  blocks[0] = act__pool_alloc(&cache, &pool, 64);
  blocks[1] = act__pool_alloc(NULL, &pool, 100);
  blocks[2] = act__pool_alloc(&cache, &pool, 5000);
  act__pool_cache_fini(&cache);
  assert_int_equal(act__pool_fini(&pool), 3);
  // The pool is gone; where blocks come one by one they are still ours. The head of 16 bytes in
  // front of them is what AddressSanitizer builds add.
  if (UNPOOLED) {
    for (int i = 0; i < 3; i++) act__free((char *)blocks[i] - 16);
  } else {
    act__free(blocks[2]);
  }
}

#if !UNPOOLED
static void a_warm_cache_asks_for_nothing(void **state) {
  struct fixture *f = *state;
  static void *blocks[1000];
  int64_t before = 0;
  for (int round = 0; round < 5; round++) {
    if (round == 1) before = act__alloc_count();
    for (int i = 0; i < 1000; i++) blocks[i] = act__pool_alloc(&f->cache, &f->pool, 128);
    for (int i = 0; i < 1000; i++) act__pool_free(&f->cache, &f->pool, blocks[i], 128);
  }
  // Magazines for what was freed at first; from then on nothing.
  int64_t second = act__alloc_count() - before;
  assert_true(second <= 2);
}

static void a_freed_block_is_the_next_one_given(void **state) {
  struct fixture *f = *state;
  void *block = act__pool_alloc(&f->cache, &f->pool, 200);
  act__pool_free(&f->cache, &f->pool, block, 200);
  assert_ptr_equal(act__pool_alloc(&f->cache, &f->pool, 256), block);
  act__pool_free(&f->cache, &f->pool, block, 256);
}
#endif

// One cache only allocates, the other only frees: magazines go round through the depot.
static void blocks_that_die_elsewhere_come_back(void **state) {
  struct fixture *f = *state;
  struct act__pool_cache other;
  act__pool_cache_init(&other, &f->pool);
  int64_t after_warm_up = 0;
  for (int round = 0; round < 200; round++) {
    void *blocks[100];
    for (int i = 0; i < 100; i++) blocks[i] = act__pool_alloc(&f->cache, &f->pool, 64);
    for (int i = 0; i < 100; i++) act__pool_free(&other, &f->pool, blocks[i], 64);
    if (round == 20) after_warm_up = act__alloc_count();
  }
  if (!UNPOOLED) assert_int_equal(act__alloc_count(), after_warm_up);
  assert_int_equal(act__pool_in_use(&f->pool), 0);
  act__pool_cache_fini(&other);
}

#if !UNPOOLED
static void a_cache_gives_its_blocks_back_when_it_ends(void **state) {
  struct fixture *f = *state;
  void *blocks[100];
  for (int i = 0; i < 100; i++) blocks[i] = act__pool_alloc(&f->cache, &f->pool, 4096);
  for (int i = 0; i < 100; i++) act__pool_free(&f->cache, &f->pool, blocks[i], 4096);
  act__pool_cache_fini(&f->cache);
  act__pool_cache_init(&f->cache, &f->pool);
  int64_t before = act__alloc_count();
  for (int i = 0; i < 100; i++) blocks[i] = act__pool_alloc(&f->cache, &f->pool, 4096);
  assert_true(act__alloc_count() - before <= 1);  // a magazine, but no slab
  for (int i = 0; i < 100; i++) act__pool_free(&f->cache, &f->pool, blocks[i], 4096);
}
#endif

static void an_impossible_size_is_refused(void **state) {
  struct fixture *f = *state;
  assert_null(act__pool_alloc(&f->cache, &f->pool, SIZE_MAX));
  assert_null(act__pool_alloc(NULL, &f->pool, SIZE_MAX - 8));
  assert_null(act__pool_alloc(&f->cache, &f->pool, SIZE_MAX / 2));
  assert_int_equal(act__pool_in_use(&f->pool), 0);
}

static void an_armed_failure_reaches_blocks_that_are_already_cached(void **state) {
  struct fixture *f = *state;
  act__pool_free(&f->cache, &f->pool, act__pool_alloc(&f->cache, &f->pool, 64), 64);
  act__alloc_fail_after(2);
  void *a = act__pool_alloc(&f->cache, &f->pool, 64);
  void *b = act__pool_alloc(&f->cache, &f->pool, 64);
  assert_non_null(a);
  assert_non_null(b);
  assert_null(act__pool_alloc(&f->cache, &f->pool, 64));
  assert_null(act__pool_alloc(NULL, &f->pool, 64));
  act__pool_free(&f->cache, &f->pool, a, 64);
  act__pool_free(NULL, &f->pool, b, 64);
}

// Everything that the pool asks for fails once, or fails from there on: blocks are refused or
// whole, and frees always work.
static void churn(struct act__pool *pool, struct act__pool_cache *cache, int64_t n, bool once) {
  unsigned char *blocks[400];
  if (once) {
    act__alloc_fail_once(n);
  } else {
    act__alloc_fail_after(n);
  }
  for (int i = 0; i < 400; i++) {
    size_t bytes = i % 2 ? 3000 : 5000;
    blocks[i] = act__pool_alloc(i % 5 ? cache : NULL, pool, bytes);
    if (blocks[i] != NULL) memset(blocks[i], i & 255, bytes);
  }
  for (int i = 0; i < 400; i++) {
    size_t bytes = i % 2 ? 3000 : 5000;
    if (blocks[i] == NULL) continue;
    if (blocks[i][0] != (i & 255) || blocks[i][bytes - 1] != (i & 255)) fail();
    act__pool_free(i % 3 ? cache : NULL, pool, blocks[i], bytes);
  }
  assert_int_equal(act__pool_in_use(pool), 0);
}

static void every_failing_allocation_is_survived(void **state) {
  (void)state;
  static struct act__pool pool;
  static struct act__pool_cache cache;
  for (int once = 0; once <= 1; once++) {
    int64_t failures = 1;
    for (int64_t n = 0; failures > 0; n++) {
      assert_int_equal(act__pool_init(&pool), ACT_OK);
      act__pool_cache_init(&cache, &pool);
      churn(&pool, &cache, n, once);
      failures = act__alloc_failures();
      act__alloc_fail_after(-1);
      churn(&pool, &cache, -1, false);
      act__pool_cache_fini(&cache);
      assert_int_equal(act__pool_fini(&pool), 0);
    }
  }
}

// No magazine is ever to be had: the pool works all the same, block by block.
static void frees_work_without_memory_for_magazines(void **state) {
  struct fixture *f = *state;
  void *blocks[200];
  for (int i = 0; i < 200; i++) blocks[i] = act__pool_alloc(&f->cache, &f->pool, 4096);
  struct act__pool_cache other;
  act__pool_cache_init(&other, &f->pool);
  act__alloc_fail_after(0);
  for (int i = 0; i < 200; i++) act__pool_free(&other, &f->pool, blocks[i], 4096);
  act__alloc_fail_after(-1);
  assert_int_equal(act__pool_in_use(&f->pool), 0);
  int64_t before = act__alloc_count();
  for (int i = 0; i < 200; i++) blocks[i] = act__pool_alloc(&f->cache, &f->pool, 4096);
  if (!UNPOOLED) assert_true(act__alloc_count() - before <= 1);  // no slab: they were all found
  for (int i = 0; i < 200; i++) act__pool_free(&f->cache, &f->pool, blocks[i], 4096);
  act__pool_cache_fini(&other);
}

#if !UNPOOLED
static void large_blocks_are_kept_up_to_the_bound_and_come_back(void **state) {
  struct fixture *f = *state;
  const size_t most = ACT__POOL_LARGE_HELD / ACT__POOL_LARGE_MAX;
  void *blocks[ACT__POOL_LARGE_HELD / ACT__POOL_LARGE_MAX + 1];
  for (size_t i = 0; i <= most; i++) {
    blocks[i] = act__pool_alloc(&f->cache, &f->pool, ACT__POOL_LARGE_MAX);
    assert_non_null(blocks[i]);
    memset(blocks[i], 0x5a, ACT__POOL_LARGE_MAX);
  }
  for (size_t i = 0; i <= most; i++) {
    act__pool_free(&f->cache, &f->pool, blocks[i], ACT__POOL_LARGE_MAX);
  }
  assert_int_equal(f->cache.large_held, ACT__POOL_LARGE_HELD);  // one was too much
  assert_int_equal(act__pool_in_use(&f->pool), 0);
  int64_t asked_for = act__alloc_count();
  for (size_t i = 0; i < most; i++) {
    blocks[i] = act__pool_alloc(&f->cache, &f->pool, ACT__POOL_LARGE_MAX);
  }
  assert_int_equal(act__alloc_count(), asked_for);
  assert_int_equal(f->cache.large_held, 0);
  for (size_t i = 0; i < most; i++) {
    act__pool_free(&f->cache, &f->pool, blocks[i], ACT__POOL_LARGE_MAX);
  }
  // Above the largest kept size nothing stays, and each size comes back large enough.
  void *huge = act__pool_alloc(&f->cache, &f->pool, ACT__POOL_LARGE_MAX + 1);
  size_t held = f->cache.large_held;
  act__pool_free(&f->cache, &f->pool, huge, ACT__POOL_LARGE_MAX + 1);
  assert_int_equal(f->cache.large_held, held);
  for (size_t bytes = ACT__POOL_BLOCK_MAX + 1; bytes <= ACT__POOL_LARGE_MAX; bytes += 1021) {
    char *block = act__pool_alloc(&f->cache, &f->pool, bytes);
    assert_non_null(block);
    memset(block, 1, bytes);
    act__pool_free(&f->cache, &f->pool, block, bytes);
  }
}
#endif

int main(void) {
#define WITH_POOL(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_size_has_the_smallest_class_that_holds_it),
      WITH_POOL(blocks_are_aligned_apart_and_whole),
#if !UNPOOLED
      WITH_POOL(new_blocks_come_in_the_order_of_memory),
#endif
      WITH_POOL(in_use_counts_every_block_at_its_class),
      WITH_POOL(a_cache_that_is_gone_is_still_counted),
      cmocka_unit_test(fini_tells_how_many_blocks_were_never_freed),
#if !UNPOOLED
      WITH_POOL(a_warm_cache_asks_for_nothing),
      WITH_POOL(large_blocks_are_kept_up_to_the_bound_and_come_back),
      WITH_POOL(a_freed_block_is_the_next_one_given),
#endif
      WITH_POOL(blocks_that_die_elsewhere_come_back),
#if !UNPOOLED
      WITH_POOL(a_cache_gives_its_blocks_back_when_it_ends),
#endif
      WITH_POOL(an_impossible_size_is_refused),
      WITH_POOL(an_armed_failure_reaches_blocks_that_are_already_cached),
      cmocka_unit_test(every_failing_allocation_is_survived),
      WITH_POOL(frees_work_without_memory_for_magazines),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
