// SPDX-License-Identifier: Apache-2.0
//
// Magazines and depot. The invariant that makes the fast paths short: `previous` is always full or
// empty (or NULL), so when the loaded magazine cannot serve, either previous can, and the two
// change places, or the depot exchanges one of them. A thread that allocates and frees around a
// magazine's edge therefore does not go to the depot each time.
//
// Memory for a magazine may be refused. Then single blocks go through the depot: slower, but an
// allocation fails only when there is no block, and a free never fails.
#include "base/pool.h"

#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"

// Blocks one by one, each remembering its size in front (see pool.h).
#define BYPASS ACT__POOL_BYPASS

static const uint16_t class_bytes[ACT__POOL_CLASSES] = {64,  96,   128,  192,  256,  384, 512,
                                                        768, 1024, 1536, 2048, 3072, 4096};

#define MAGAZINE_BYTES (64 * 1024)

static uint32_t magazine_room(int class) {
  uint32_t room = MAGAZINE_BYTES / class_bytes[class];
  return room < ACT__POOL_MAGAZINE ? room : ACT__POOL_MAGAZINE;
}

size_t act__pool_block_size(size_t bytes) {
  ACT_ASSERT(bytes > 0);
  return bytes > ACT__POOL_BLOCK_MAX ? bytes : class_bytes[act__pool_class(bytes)];
}

// Only the cache's owner writes the counter.
static inline void count(ACT__ATOMIC(int64_t) * counter, int64_t change) {
  // relaxed: one writer; readers want a number, nothing that it guards.
  act__store_relaxed(counter, act__load_relaxed(counter) + change);
}

// ---- magazines ----

// relaxed, all of them: only the owner writes; readers want a number.
static inline uint32_t shelf_rounds(struct act__pool_shelf *shelf) {
  return act__load_relaxed(&shelf->rounds);
}

// An allocation.
static inline void *shelf_pop(struct act__pool_shelf *shelf) {
  uint32_t rounds = shelf_rounds(shelf) - 1;
  act__store_relaxed(&shelf->rounds, rounds);
  return shelf->loaded->blocks[rounds];
}

// A free.
static inline void shelf_push(struct act__pool_shelf *shelf, void *block) {
  uint32_t rounds = shelf_rounds(shelf);
  shelf->loaded->blocks[rounds] = block;
  act__store_relaxed(&shelf->rounds, rounds + 1);
}

// Neither: a block from the depot.
static inline void shelf_stock(struct act__pool_shelf *shelf, void *block) {
  shelf_push(shelf, block);
  count(&shelf->balance, 1);
}

static void shelf_load(struct act__pool_shelf *shelf, int class,
                       struct act__pool_magazine *magazine) {
  shelf->loaded = magazine;
  act__store_relaxed(&shelf->rounds, (uint32_t)magazine->rounds);
  shelf->room = magazine_room(class);
  count(&shelf->balance, (int64_t)magazine->rounds);
}

// The loaded magazine with its count written down; NULL when there is none.
static struct act__pool_magazine *shelf_unload(struct act__pool_shelf *shelf) {
  struct act__pool_magazine *magazine = shelf->loaded;
  uint32_t rounds = shelf_rounds(shelf);
  if (magazine != NULL) magazine->rounds = rounds;
  count(&shelf->balance, -(int64_t)rounds);
  shelf->loaded = NULL;
  shelf->room = 0;
  act__store_relaxed(&shelf->rounds, 0);
  return magazine;
}

// Puts the previous magazine into the place of the loaded one.
static void shelf_swap(struct act__pool_shelf *shelf, int class) {
  struct act__pool_magazine *magazine = shelf->previous;
  shelf->previous = shelf_unload(shelf);
  shelf_load(shelf, class, magazine);
}

static void stack_push(struct act__pool_magazine **stack, struct act__pool_magazine *magazine) {
  magazine->next = *stack;
  *stack = magazine;
}

static struct act__pool_magazine *stack_pop(struct act__pool_magazine **stack) {
  struct act__pool_magazine *magazine = *stack;
  if (magazine != NULL) *stack = magazine->next;
  return magazine;
}

// An empty magazine is loaded afterwards, unless there is no memory for one.
static bool shelf_has_magazine(struct act__pool_shelf *shelf, int class) {
  if (shelf->loaded != NULL) return true;
  struct act__pool_magazine *magazine = act__malloc(sizeof *magazine);
  if (magazine == NULL) return false;
  magazine->rounds = 0;
  shelf_load(shelf, class, magazine);
  return true;
}

// ---- depot: all under its mutex ----

static void depot_push_loose(struct act__pool_depot *depot, void *block) {
  memcpy(block, &depot->loose, sizeof depot->loose);
  depot->loose = block;
}

// One block that was never in a magazine, or whose free found none. NULL: out of memory.
static void *depot_take_block(struct act__pool_depot *depot, int class) {
  void *block = depot->loose;
  if (block != NULL) {
    memcpy(&depot->loose, block, sizeof depot->loose);
    return block;
  }
  return act__slabs_cut(&depot->slabs, class_bytes[class]);
}

// Fills a shelf with so many more blocks, as far as there are some: a slab is never added for blocks
// that nobody asked for yet. New ones are taken from it in the order in which they lie in memory.
static void depot_fill(struct act__pool_depot *depot, struct act__pool_shelf *shelf, int class,
                       uint32_t wanted) {
  for (; wanted > 0 && depot->loose != NULL; wanted--) {
    shelf_stock(shelf, depot_take_block(depot, class));
  }
  size_t bytes = class_bytes[class];
  while (wanted > 0 && !act__slabs_have(&depot->slabs, wanted * bytes)) wanted--;
  if (wanted == 0) return;
  char *first = act__slabs_cut(&depot->slabs, wanted * bytes);
#ifdef ACT_MUTANT_POOL_LAST_FIRST
  for (uint32_t i = 0; i < wanted; i++) shelf_stock(shelf, first + i * bytes);
#else
  while (wanted-- > 0) shelf_stock(shelf, first + wanted * bytes);
#endif
}

static void depot_put_magazine(struct act__pool_depot *depot, struct act__pool_magazine *magazine) {
  if (magazine == NULL) return;
  stack_push(magazine->rounds > 0 ? &depot->full : &depot->empty, magazine);
}

// ---- the slow paths ----

// Loads a magazine with blocks from the depot, or fills half of the loaded one with new blocks
// (half, so that frees that follow find room). Returns one of the blocks; NULL: out of memory.
static void *alloc_from_depot(struct act__pool_shelf *shelf, struct act__pool_depot *depot,
                              int class) {
  bool has_magazine = shelf_has_magazine(shelf, class);

  act__mutex_lock(&depot->mutex);
  struct act__pool_magazine *full = stack_pop(&depot->full);
  void *block = NULL;
  if (full != NULL) {
    depot_put_magazine(depot, shelf->previous);
    shelf->previous = shelf_unload(shelf);
    shelf_load(shelf, class, full);
    block = shelf_pop(shelf);
  } else {
    block = depot_take_block(depot, class);
    if (block != NULL) count(&shelf->balance, 1);
    if (has_magazine && block != NULL) depot_fill(depot, shelf, class, shelf->room / 2);
  }
  act__mutex_unlock(&depot->mutex);
  return block;
}

static __attribute__((noinline)) void *alloc_slow(struct act__pool_cache *cache, int class) {
  struct act__pool_shelf *shelf = &cache->shelf[class];
  if (shelf->previous != NULL && shelf->previous->rounds > 0) {
    shelf_swap(shelf, class);
    return shelf_pop(shelf);
  }
  return alloc_from_depot(shelf, &cache->pool->depot[class], class);
}

static __attribute__((noinline)) void free_slow(struct act__pool_cache *cache, int class,
                                                void *block) {
  struct act__pool_shelf *shelf = &cache->shelf[class];
  struct act__pool_depot *depot = &cache->pool->depot[class];
  if (shelf->previous != NULL && shelf->previous->rounds == 0) {
    shelf_swap(shelf, class);
    shelf_push(shelf, block);
    return;
  }

  // The loaded magazine is full or missing, and so is the previous one.
  act__mutex_lock(&depot->mutex);
  depot_put_magazine(depot, shelf->previous);
  shelf->previous = shelf_unload(shelf);
  struct act__pool_magazine *empty = stack_pop(&depot->empty);
  act__mutex_unlock(&depot->mutex);

  if (empty != NULL) shelf_load(shelf, class, empty);
  if (shelf_has_magazine(shelf, class)) {
    shelf_push(shelf, block);
    return;
  }
  count(&shelf->balance, -1);
  act__mutex_lock(&depot->mutex);
  depot_push_loose(depot, block);
  act__mutex_unlock(&depot->mutex);
}

// ---- blocks that are not pooled: large ones, and all of them under AddressSanitizer ----

struct guarded {
  size_t bytes;
  size_t pad;  // keeps the block aligned to 16
};

static void *single_alloc(size_t bytes) {
  if (!BYPASS) return act__malloc(bytes);
  if (bytes > SIZE_MAX - sizeof(struct guarded)) return NULL;
  struct guarded *guard = act__malloc(sizeof *guard + bytes);
  if (guard == NULL) return NULL;
  guard->bytes = bytes;
  return guard + 1;
}

static void single_free(void *block, size_t bytes) {
  if (!BYPASS) {
    act__free(block);
    return;
  }
  struct guarded *guard = (struct guarded *)block - 1;
  ACT_ASSERT(guard->bytes == bytes);
  act__free(guard);
}

// Large blocks that a cache keeps. A class above those of the shelves; how large its blocks are.
static bool is_kept(size_t bytes) {
  return !BYPASS && bytes > ACT__POOL_BLOCK_MAX && bytes <= ACT__POOL_LARGE_MAX;
}

static size_t large_class_bytes(int class) {
  return class % 2 ? (size_t)3 << ((class - 1) / 2 + 5) : (size_t)1 << (class / 2 + 6);
}

static void *large_alloc(struct act__pool_cache *cache, size_t bytes) {
  int class = act__pool_class(bytes);
  void **first = &cache->large[class - ACT__POOL_CLASSES];
  void *block = *first;
  if (block == NULL) return act__malloc(large_class_bytes(class));
  if (act__alloc_is_armed() && !act__alloc_permit()) return NULL;
  memcpy(first, block, sizeof *first);
  cache->large_held -= large_class_bytes(class);
  return block;
}

static void large_free(struct act__pool_cache *cache, void *block, size_t bytes) {
  int class = act__pool_class(bytes);
  if (cache->large_held + large_class_bytes(class) > ACT__POOL_LARGE_HELD) {
    act__free(block);
    return;
  }
  void **first = &cache->large[class - ACT__POOL_CLASSES];
  memcpy(block, first, sizeof *first);
  *first = block;
  cache->large_held += large_class_bytes(class);
}

static void large_fini(struct act__pool_cache *cache) {
  for (int i = 0; i < ACT__POOL_LARGE_CLASSES; i++) {
    while (cache->large[i] != NULL) {
      void *block = cache->large[i];
      memcpy(&cache->large[i], block, sizeof block);
      act__free(block);
    }
  }
  cache->large_held = 0;
}

static void *alloc_single_counted(struct act__pool_cache *cache, size_t bytes) {
  void *block = is_kept(bytes) ? large_alloc(cache, bytes) : single_alloc(bytes);
  if (block == NULL) return NULL;
  if (bytes > ACT__POOL_BLOCK_MAX) {
    count(&cache->large_bytes, (int64_t)bytes);
    count(&cache->large_blocks, 1);
  } else {
    count(&cache->shelf[act__pool_class(bytes)].balance, 1);
  }
  return block;
}

static void free_single_counted(struct act__pool_cache *cache, void *block, size_t bytes) {
  if (bytes > ACT__POOL_BLOCK_MAX) {
    count(&cache->large_bytes, -(int64_t)bytes);
    count(&cache->large_blocks, -1);
  } else {
    count(&cache->shelf[act__pool_class(bytes)].balance, -1);
  }
  if (is_kept(bytes)) {
    large_free(cache, block, bytes);
  } else {
    single_free(block, bytes);
  }
}

// ---- the doors ----

static void *alloc_with(struct act__pool_cache *cache, size_t bytes) {
  if (BYPASS || __builtin_expect(bytes > ACT__POOL_BLOCK_MAX, 0)) {
    return alloc_single_counted(cache, bytes);
  }
  if (act__alloc_is_armed() && !act__alloc_permit()) return NULL;
  int class = act__pool_class(bytes);
  struct act__pool_shelf *shelf = &cache->shelf[class];
  if (__builtin_expect(shelf_rounds(shelf) == 0, 0)) return alloc_slow(cache, class);
  return shelf_pop(shelf);
}

static void free_with(struct act__pool_cache *cache, void *block, size_t bytes) {
  if (BYPASS || __builtin_expect(bytes > ACT__POOL_BLOCK_MAX, 0)) {
    free_single_counted(cache, block, bytes);
    return;
  }
  int class = act__pool_class(bytes);
  struct act__pool_shelf *shelf = &cache->shelf[class];
  if (__builtin_expect(shelf_rounds(shelf) == shelf->room, 0)) {
    free_slow(cache, class, block);
    return;
  }
  shelf_push(shelf, block);
}

void *act__pool_alloc_otherwise(struct act__pool_cache *cache, struct act__pool *pool, size_t bytes) {
  ACT_ASSERT(bytes > 0);
  if (cache != NULL) return alloc_with(cache, bytes);
  act__mutex_lock(&pool->shared_mutex);
  void *block = alloc_with(&pool->shared, bytes);
  act__mutex_unlock(&pool->shared_mutex);
  return block;
}

void act__pool_free_otherwise(struct act__pool_cache *cache, struct act__pool *pool, void *block,
                              size_t bytes) {
  if (block == NULL) return;
  ACT_ASSERT(bytes > 0);
  if (cache != NULL) {
    free_with(cache, block, bytes);
    return;
  }
  act__mutex_lock(&pool->shared_mutex);
  free_with(&pool->shared, block, bytes);
  act__mutex_unlock(&pool->shared_mutex);
}

// ---- lives ----

act_rc act__pool_init(struct act__pool *pool) {
  memset(pool, 0, sizeof *pool);
  for (int i = 0; i < ACT__POOL_CLASSES; i++) {
    act__mutex_init(&pool->depot[i].mutex);
    act__slabs_init(&pool->depot[i].slabs, false);
  }
  act__mutex_init(&pool->mutex);
  act__mutex_init(&pool->shared_mutex);
  act__list_init(&pool->caches);
  act__pool_cache_init(&pool->shared, pool);
  return ACT_OK;
}

static void depot_fini(struct act__pool_depot *depot) {
  struct act__pool_magazine *magazine;
  while ((magazine = stack_pop(&depot->full)) != NULL) act__free(magazine);
  while ((magazine = stack_pop(&depot->empty)) != NULL) act__free(magazine);
  act__slabs_fini(&depot->slabs);
  act__mutex_fini(&depot->mutex);
}

size_t act__pool_fini(struct act__pool *pool) {
  act__pool_cache_fini(&pool->shared);
  ACT_ASSERT(act__list_is_empty(&pool->caches));
  int64_t out = pool->gone_large_blocks;
  for (int i = 0; i < ACT__POOL_CLASSES; i++) {
    out += pool->gone_out[i];
    depot_fini(&pool->depot[i]);
  }
  act__mutex_fini(&pool->mutex);
  act__mutex_fini(&pool->shared_mutex);
  ACT_ASSERT(out >= 0);
  return (size_t)out;
}

void act__pool_cache_init(struct act__pool_cache *cache, struct act__pool *pool) {
  memset(cache, 0, sizeof *cache);
  cache->pool = pool;
  act__mutex_lock(&pool->mutex);
  act__list_push_back(&pool->caches, &cache->link);
  act__mutex_unlock(&pool->mutex);
}

void act__pool_cache_fini(struct act__pool_cache *cache) {
  struct act__pool *pool = cache->pool;
  large_fini(cache);
  for (int i = 0; i < ACT__POOL_CLASSES; i++) {
    struct act__pool_shelf *shelf = &cache->shelf[i];
    act__mutex_lock(&pool->depot[i].mutex);
    depot_put_magazine(&pool->depot[i], shelf_unload(shelf));
    depot_put_magazine(&pool->depot[i], shelf->previous);
    shelf->previous = NULL;
    act__mutex_unlock(&pool->depot[i].mutex);
  }

  act__mutex_lock(&pool->mutex);
  // relaxed, all of them: only the owner writes these, and the owner is here.
  for (int i = 0; i < ACT__POOL_CLASSES; i++) {
    pool->gone_out[i] += act__load_relaxed(&cache->shelf[i].balance);  // no rounds any more
  }
  pool->gone_large_bytes += act__load_relaxed(&cache->large_bytes);
  pool->gone_large_blocks += act__load_relaxed(&cache->large_blocks);
  act__list_remove(&cache->link);
  act__mutex_unlock(&pool->mutex);
}

uint64_t act__pool_in_use(struct act__pool *pool) {
  act__mutex_lock(&pool->mutex);
  int64_t bytes = pool->gone_large_bytes;
  for (int i = 0; i < ACT__POOL_CLASSES; i++) bytes += pool->gone_out[i] * class_bytes[i];
  struct act__link *link = pool->caches.next;
  for (; link != &pool->caches; link = link->next) {
    struct act__pool_cache *cache = ACT__CONTAINER_OF(link, struct act__pool_cache, link);
    // relaxed, all of them: an approximate sum of numbers that others are changing.
    bytes += act__load_relaxed(&cache->large_bytes);
    for (int i = 0; i < ACT__POOL_CLASSES; i++) {
      struct act__pool_shelf *shelf = &cache->shelf[i];
      bytes += (act__load_relaxed(&shelf->balance) - shelf_rounds(shelf)) * class_bytes[i];
    }
  }
  act__mutex_unlock(&pool->mutex);
  // A sum taken while blocks are moving may see a free whose allocation it missed.
  return bytes > 0 ? (uint64_t)bytes : 0;
}
