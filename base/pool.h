// SPDX-License-Identifier: Apache-2.0
//
// Block pools: memory for envelopes and other small things that live briefly and often die on
// another thread than the one that made them.
//
// A thread owns a cache; a cache holds two magazines per size class, arrays of free blocks, so that
// the common alloc and free touch nothing shared. Empty and full magazines are exchanged whole with
// the pool's depot, under one mutex per class. (Bonwick, "The slab allocator", 1994; Bonwick and
// Adams, "Magazines and vmem", 2001.) Blocks are cut from slabs (base/slab.h) which return to the system
// only when the pool ends. Blocks carry no header: the caller remembers their size.
//
// Blocks are aligned to 16 bytes at least, and those of a class that is a multiple of 64 to a cache
// line. Under AddressSanitizer every block comes from malloc alone, remembers its size, and is
// aligned to 16 bytes: use after free and a wrong size are then found.
#ifndef TROUPE_BASE_POOL_H
#define TROUPE_BASE_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/atomic.h"
#include "base/list.h"
#include "base/slab.h"
#include "base/status.h"
#include "base/thread.h"

// Size classes: 64 to 4096 bytes in steps of 1.5 and 1.33. Larger blocks go to base/alloc.
#define ACT__POOL_CLASSES 13
#define ACT__POOL_BLOCK_MAX 4096

// Blocks in a magazine, at most; classes above 1 KiB have fewer (a magazine is at most 64 KiB).
#define ACT__POOL_MAGAZINE 64

// Larger blocks come from base/alloc, one by one. Up to this size a cache keeps freed ones for itself,
// in classes of the same steps, as long as they are no more than so many bytes: a system allocator
// that gives such memory back at once makes each large message fault its pages in again.
#define ACT__POOL_LARGE_MAX (128 * 1024)
#define ACT__POOL_LARGE_CLASSES 10
#define ACT__POOL_LARGE_HELD (512 * 1024)

struct act__pool_magazine {
  struct act__pool_magazine *next;  // in the depot
  size_t rounds;                    // blocks in it; while loaded the cache has the count
  void *blocks[ACT__POOL_MAGAZINE];
};

// One class of a cache. Only its owner touches it, except for what is atomic, which others read.
struct act__pool_shelf {
  struct act__pool_magazine *loaded;
  ACT__ATOMIC(uint32_t) rounds;         // blocks in loaded
  uint32_t room;                        // blocks that loaded can hold; 0 when there is no magazine
  struct act__pool_magazine *previous;  // full, empty, or NULL; its own count is right
  // Allocated minus freed here (negative when others allocate), and `rounds`: so an allocation from
  // the loaded magazine, and a free into it, change `rounds` alone.
  ACT__ATOMIC(int64_t) balance;
};

struct act__pool_cache {
  struct act__pool_shelf shelf[ACT__POOL_CLASSES];
  void *large[ACT__POOL_LARGE_CLASSES];  // freed ones, chained through their first word
  size_t large_held;                     // their bytes, by class
  ACT__ATOMIC(int64_t) large_bytes;  // allocated minus freed here, above ACT__POOL_BLOCK_MAX
  ACT__ATOMIC(int64_t) large_blocks;
  struct act__link link;  // in pool->caches
  struct act__pool *pool;
};

// One class of the depot, everything under its mutex. Padded so that two classes share no cache
// line.
struct act__pool_depot {
  struct act__mutex mutex;
  struct act__pool_magazine *full;  // with at least one block
  struct act__pool_magazine *empty;
  void *loose;              // single blocks, chained through their first word
  struct act__slabs slabs;  // what blocks are cut from
  char pad[64];
};

struct act__pool {
  struct act__pool_depot depot[ACT__POOL_CLASSES];
  struct act__mutex mutex;  // caches, and the counts of caches that are gone
  struct act__link caches;
  int64_t gone_out[ACT__POOL_CLASSES];
  int64_t gone_large_bytes, gone_large_blocks;
  struct act__mutex shared_mutex;
  struct act__pool_cache shared;  // for callers without a cache; under shared_mutex
};

// The caller's memory; allocates nothing yet. Always ACT_OK today.
ACT_MUST act_rc act__pool_init(struct act__pool *pool);

// After all caches are gone (asserted). Returns how many blocks were never freed; their memory is
// gone all the same, except for large ones.
size_t act__pool_fini(struct act__pool *pool);

// Used by one thread at a time; handing it over needs the usual synchronisation. Allocates nothing
// yet. The pool outlives it.
void act__pool_cache_init(struct act__pool_cache *cache, struct act__pool *pool);

// Gives its free blocks back to the depot.
void act__pool_cache_fini(struct act__pool_cache *cache);

// The class of `bytes`, 1 to ACT__POOL_BLOCK_MAX. Classes come in pairs between powers of two: 2^k
// and 1.5 * 2^k, so the two highest bits of (bytes - 1) tell.
static inline int act__pool_class(size_t bytes) {
  if (bytes <= 64) return 0;
  unsigned below = (unsigned)bytes - 1;
  int high = 31 - __builtin_clz(below);  // 6 for 64..127
  return 2 * (high - 6) + 1 + (int)((below >> (high - 1)) & 1);
}

// Where blocks come from malloc one by one.
#if defined(__SANITIZE_ADDRESS__)
#define ACT__POOL_BYPASS true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ACT__POOL_BYPASS true
#endif
#endif
#ifndef ACT__POOL_BYPASS
#define ACT__POOL_BYPASS false
#endif

// Everything but a block in the loaded magazine, or room for one.
void *act__pool_alloc_otherwise(struct act__pool_cache *cache, struct act__pool *pool, size_t bytes);
void act__pool_free_otherwise(struct act__pool_cache *cache, struct act__pool *pool, void *block,
                              size_t bytes);

// For a thread that has a cache, else as the two below. Inline: every send is one.
static inline void *act__pool_cache_alloc(struct act__pool_cache *cache, size_t bytes) {
  if (ACT__POOL_BYPASS || bytes > ACT__POOL_BLOCK_MAX || act__alloc_is_armed()) {
    return act__pool_alloc_otherwise(cache, cache->pool, bytes);
  }
  struct act__pool_shelf *shelf = &cache->shelf[act__pool_class(bytes)];
  // relaxed, also below: one writer; readers want a number, nothing that it guards.
  uint32_t rounds = act__load_relaxed(&shelf->rounds);
  if (__builtin_expect(rounds == 0, 0)) {
    return act__pool_alloc_otherwise(cache, cache->pool, bytes);
  }
  act__store_relaxed(&shelf->rounds, rounds - 1);
  return shelf->loaded->blocks[rounds - 1];
}

static inline void act__pool_cache_free(struct act__pool_cache *cache, void *block, size_t bytes) {
  if (ACT__POOL_BYPASS || bytes > ACT__POOL_BLOCK_MAX) {
    act__pool_free_otherwise(cache, cache->pool, block, bytes);
    return;
  }
  struct act__pool_shelf *shelf = &cache->shelf[act__pool_class(bytes)];
  uint32_t rounds = act__load_relaxed(&shelf->rounds);  // relaxed: as above
  if (__builtin_expect(rounds == shelf->room, 0)) {
    act__pool_free_otherwise(cache, cache->pool, block, bytes);
    return;
  }
  shelf->loaded->blocks[rounds] = block;
  act__store_relaxed(&shelf->rounds, rounds + 1);
}

// In two steps, for at most ACT__POOL_BLOCK_MAX bytes: a look at the block that comes next, to be
// written to, and then it is taken, or stays where it is. NULL: to be allocated in the usual way.
static inline void *act__pool_cache_next(struct act__pool_cache *cache, size_t bytes) {
  if (ACT__POOL_BYPASS || act__alloc_is_armed()) return NULL;
  struct act__pool_shelf *shelf = &cache->shelf[act__pool_class(bytes)];
  uint32_t rounds = act__load_relaxed(&shelf->rounds);  // relaxed: as above
  return __builtin_expect(rounds != 0, 1) ? shelf->loaded->blocks[rounds - 1] : NULL;
}

static inline void act__pool_cache_take_next(struct act__pool_cache *cache, size_t bytes) {
  struct act__pool_shelf *shelf = &cache->shelf[act__pool_class(bytes)];
  act__store_relaxed(&shelf->rounds, act__load_relaxed(&shelf->rounds) - 1);  // relaxed: as above
}

// A block of at least `bytes` (> 0), contents undefined; NULL: out of memory, or failure injected.
// cache NULL: any thread, at the price of a lock. Gives the block to the caller. An injected
// failure may also hit a magazine, which is only an optimisation: that allocation succeeds all the
// same.
static inline void *act__pool_alloc(struct act__pool_cache *cache, struct act__pool *pool,
                                    size_t bytes) {
  return cache ? act__pool_cache_alloc(cache, bytes) : act__pool_alloc_otherwise(NULL, pool, bytes);
}

// Takes back a block with the `bytes` it was asked for; NULL is ignored. Through any cache of the
// same pool, or none. Never fails.
static inline void act__pool_free(struct act__pool_cache *cache, struct act__pool *pool, void *block,
                                  size_t bytes) {
  if (cache && block) {
    act__pool_cache_free(cache, block, bytes);
  } else {
    act__pool_free_otherwise(cache, pool, block, bytes);
  }
}

// Bytes handed out, each block counted at the size of its class. Any thread; approximate while
// others allocate, exact when they rest.
uint64_t act__pool_in_use(struct act__pool *pool);

// The size of the class that serves `bytes`: what act__pool_in_use counts for it.
size_t act__pool_block_size(size_t bytes);

#endif
