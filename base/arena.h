// SPDX-License-Identifier: Apache-2.0
//
// An arena: many small allocations, one release. Memory comes in chunks that grow from 1 KiB to
// 64 KiB; the first is made on first use. One thread at a time.
//
// Under AddressSanitizer a reset gives every chunk back, so that use after reset is found.
#ifndef TROUPE_BASE_ARENA_H
#define TROUPE_BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

#define ACT__ARENA_CHUNK_MIN 1024
#define ACT__ARENA_CHUNK_MAX (64 * 1024)

struct act__arena_chunk;

struct act__arena {
  struct act__arena_chunk *chunks;  // newest first; allocations come from it
  char *at, *end;                   // what is left of the newest
  size_t bytes_used;                // handed out since init or reset, padding not counted
};

void act__arena_init(struct act__arena *arena);

// Frees everything. The arena is as after init.
void act__arena_fini(struct act__arena *arena);

// `bytes` with undefined contents, valid until reset or fini. align: a power of two. 0 bytes give a
// pointer of their own as well. NULL: out of memory; the arena is unharmed.
void *act__arena_alloc(struct act__arena *arena, size_t bytes, size_t align);

// A copy of `length` bytes with a zero behind. NULL: out of memory.
char *act__arena_copy(struct act__arena *arena, const void *bytes, size_t length);

// Ends every allocation; keeps one chunk, the largest of those up to ACT__ARENA_CHUNK_MAX.
void act__arena_reset(struct act__arena *arena);

static inline size_t act__arena_bytes_used(const struct act__arena *arena) {
  return arena->bytes_used;
}

#endif
