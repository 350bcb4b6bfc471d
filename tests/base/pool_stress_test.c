// SPDX-License-Identifier: Apache-2.0
//
// Block pools under real threads: blocks that are born on one thread and die on another. Run it
// under ThreadSanitizer too.
#include "base/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <string.h>

#include "base/rand.h"
#include "base/thread.h"

#define THREADS 4
#define EXCHANGE 256  // places where threads leave blocks for each other
#define ROUNDS 40000

// What a living block holds in all its words: a stamp of its own. Two owners of one block, or a
// block that the pool writes into while it lives, show as a wrong stamp.
struct block {
  uint64_t stamp, bytes;
  uint64_t words[];
};

static struct act__pool pool;
static ACT__ATOMIC(struct block *) exchange[EXCHANGE];

static struct block *make(struct act__pool_cache *cache, struct act__rand *rand) {
  size_t bytes = 16 + 8 * (size_t)act__rand_below(rand, 40);
  if (act__rand_below(rand, 200) == 0) bytes = 8000;
  struct block *block = act__pool_alloc(cache, &pool, bytes);
  if (block == NULL) return NULL;
  block->stamp = act__rand_next(rand);
  block->bytes = bytes;
  for (size_t i = 0; i < (bytes - 16) / 8; i++) block->words[i] = block->stamp;
  return block;
}

// False: somebody else wrote into it.
static bool end(struct act__pool_cache *cache, struct block *block) {
  bool whole = true;
  for (size_t i = 0; i < (block->bytes - 16) / 8; i++) whole &= block->words[i] == block->stamp;
  act__pool_free(cache, &pool, block, block->bytes);
  return whole;
}

struct worker {
  struct act__thread thread;
  uint64_t seed;
  bool has_cache;
  int broken;
};

static void swap_blocks(void *arg) {
  struct worker *worker = arg;
  struct act__pool_cache own;
  struct act__pool_cache *cache = worker->has_cache ? &own : NULL;
  if (cache != NULL) act__pool_cache_init(cache, &pool);
  struct act__rand rand;
  act__rand_seed(&rand, worker->seed);
  for (int i = 0; i < ROUNDS; i++) {
    struct block *mine = make(cache, &rand);
    // acq_rel [stress:exchange]: pairs with itself; hands over the block's contents.
    struct block *theirs = act__exchange_acq_rel(&exchange[act__rand_below(&rand, EXCHANGE)], mine);
    if (theirs != NULL && !end(cache, theirs)) worker->broken++;
    if (i % 1000 == 0 && act__pool_in_use(&pool) > UINT64_C(1) << 30) worker->broken++;
  }
  if (cache != NULL) act__pool_cache_fini(cache);
}

static void run_workers(int with_cache) {
  assert_int_equal(act__pool_init(&pool), ACT_OK);
  struct worker workers[THREADS];
  for (int i = 0; i < THREADS; i++) {
    workers[i] = (struct worker){.seed = (uint64_t)i, .has_cache = i < with_cache};
    assert_int_equal(act__thread_start(&workers[i].thread, "swap", 0, swap_blocks, &workers[i]),
                     ACT_OK);
  }
  for (int i = 0; i < THREADS; i++) act__thread_join(&workers[i].thread);
  for (int i = 0; i < THREADS; i++) assert_int_equal(workers[i].broken, 0);

  struct block *blocks[EXCHANGE] = {NULL};
  size_t left = 0;
  for (int i = 0; i < EXCHANGE; i++) {
    // acq_rel [stress:exchange]: pairs with itself, as above.
    struct block *block = act__exchange_acq_rel(&exchange[i], NULL);
    if (block == NULL) continue;
    left += act__pool_block_size(block->bytes);
    blocks[i] = block;
  }
  assert_int_equal(act__pool_in_use(&pool), left);
  for (int i = 0; i < EXCHANGE; i++) {
    if (blocks[i] != NULL) assert_true(end(NULL, blocks[i]));
  }
  assert_int_equal(act__pool_in_use(&pool), 0);
  assert_int_equal(act__pool_fini(&pool), 0);
}

static void blocks_that_change_threads_stay_whole(void **state) {
  (void)state;
  run_workers(THREADS);
}

static void threads_without_a_cache_share_one(void **state) {
  (void)state;
  run_workers(1);
}

// One thread only makes, one only ends: what dies must feed what is born.
#define LANE 1024

struct lane {
  struct act__mutex mutex;
  struct act__cond changed;
  struct block *blocks[LANE];
  int count;
  int broken;
};

static void end_all(void *arg) {
  struct lane *lane = arg;
  struct act__pool_cache cache;
  act__pool_cache_init(&cache, &pool);
  for (int ended = 0; ended < ROUNDS;) {
    act__mutex_lock(&lane->mutex);
    while (lane->count == 0) act__cond_wait(&lane->changed, &lane->mutex);
    struct block *block = lane->blocks[--lane->count];
    act__cond_signal(&lane->changed);
    act__mutex_unlock(&lane->mutex);
    if (!end(&cache, block)) lane->broken++;
    ended++;
  }
  act__pool_cache_fini(&cache);
}

static void a_stream_from_thread_to_thread_uses_a_bounded_pool(void **state) {
  (void)state;
  assert_int_equal(act__pool_init(&pool), ACT_OK);
  struct act__pool_cache cache;
  act__pool_cache_init(&cache, &pool);
  static struct lane lane;
  memset(&lane, 0, sizeof lane);
  act__mutex_init(&lane.mutex);
  act__cond_init(&lane.changed);
  struct act__thread thread;
  assert_int_equal(act__thread_start(&thread, "end", 0, end_all, &lane), ACT_OK);
  struct act__rand rand;
  act__rand_seed(&rand, 5);
  uint64_t most = 0;
  for (int i = 0; i < ROUNDS; i++) {
    struct block *block = make(&cache, &rand);
    act__mutex_lock(&lane.mutex);
    while (lane.count == LANE) act__cond_wait(&lane.changed, &lane.mutex);
    lane.blocks[lane.count++] = block;
    act__cond_signal(&lane.changed);
    act__mutex_unlock(&lane.mutex);
    uint64_t now = i % 100 == 0 ? act__pool_in_use(&pool) : 0;
    if (now > most) most = now;
  }
  act__thread_join(&thread);
  assert_int_equal(lane.broken, 0);
  assert_true(most <= (LANE + 2) * UINT64_C(8000));
  assert_int_equal(act__pool_in_use(&pool), 0);
  act__pool_cache_fini(&cache);
  assert_int_equal(act__pool_fini(&pool), 0);
  act__cond_fini(&lane.changed);
  act__mutex_fini(&lane.mutex);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(blocks_that_change_threads_stay_whole),
      cmocka_unit_test(threads_without_a_cache_share_one),
      cmocka_unit_test(a_stream_from_thread_to_thread_uses_a_bounded_pool),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
