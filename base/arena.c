// SPDX-License-Identifier: Apache-2.0
//
// Chunks are chained newest first. A request too large for a chunk of its turn gets a chunk of its
// own behind the newest, so that the newest one's rest is not lost.
#include "base/arena.h"

#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"

#if defined(__SANITIZE_ADDRESS__)
#define KEEPS_CHUNKS false
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KEEPS_CHUNKS false
#endif
#endif
#ifndef KEEPS_CHUNKS
#define KEEPS_CHUNKS true
#endif

struct act__arena_chunk {
  struct act__arena_chunk *next;
  size_t bytes;  // of the whole chunk, this head included
  char data[];
};

void act__arena_init(struct act__arena *arena) {
  *arena = (struct act__arena){0};
}

static void free_chunks(struct act__arena_chunk *chunk) {
  while (chunk != NULL) {
    struct act__arena_chunk *next = chunk->next;
    act__free(chunk);
    chunk = next;
  }
}

void act__arena_fini(struct act__arena *arena) {
  free_chunks(arena->chunks);
  act__arena_init(arena);
}

static char *align_up(char *at, size_t align) {
  return at + (-(uintptr_t)at & (align - 1));
}

// What the next ordinary chunk will measure: twice the newest, within the limits.
static size_t next_chunk_bytes(const struct act__arena *arena) {
  if (arena->chunks == NULL) return ACT__ARENA_CHUNK_MIN;
  if (arena->chunks->bytes >= ACT__ARENA_CHUNK_MAX / 2) return ACT__ARENA_CHUNK_MAX;
  return arena->chunks->bytes * 2;
}

static struct act__arena_chunk *chunk_create(size_t bytes) {
  struct act__arena_chunk *chunk = act__malloc(bytes);
  if (chunk != NULL) chunk->bytes = bytes;
  return chunk;
}

static void open_chunk(struct act__arena *arena, struct act__arena_chunk *chunk) {
  arena->at = chunk->data;
  arena->end = (char *)chunk + chunk->bytes;
}

static void *alloc_from_new_chunk(struct act__arena *arena, size_t bytes, size_t align) {
  size_t needed = sizeof(struct act__arena_chunk);
  if (__builtin_add_overflow(needed, align, &needed)) return NULL;
  if (__builtin_add_overflow(needed, bytes, &needed)) return NULL;
  size_t ordinary = next_chunk_bytes(arena);
  bool own = needed > ordinary;
  struct act__arena_chunk *chunk = chunk_create(own ? needed : ordinary);
  if (chunk == NULL) return NULL;

  char *start = align_up(chunk->data, align);
  if (own && arena->chunks != NULL) {
    chunk->next = arena->chunks->next;
    arena->chunks->next = chunk;
    return start;
  }
  chunk->next = arena->chunks;
  arena->chunks = chunk;
  open_chunk(arena, chunk);
  arena->at = start + bytes;
  return start;
}

void *act__arena_alloc(struct act__arena *arena, size_t bytes, size_t align) {
  ACT_ASSERT(align > 0 && (align & (align - 1)) == 0);
  if (bytes == 0) bytes = 1;
  char *start = NULL;
  if (arena->at != NULL) {
    size_t left = (size_t)(arena->end - arena->at);
    size_t padding = -(uintptr_t)arena->at & (align - 1);
    if (padding <= left && bytes <= left - padding) {
      start = arena->at + padding;
      arena->at = start + bytes;
    }
  }
  if (start == NULL) start = alloc_from_new_chunk(arena, bytes, align);
  if (start != NULL) arena->bytes_used += bytes;
  return start;
}

char *act__arena_copy(struct act__arena *arena, const void *bytes, size_t length) {
  if (length == SIZE_MAX) return NULL;
  char *copy = act__arena_alloc(arena, length + 1, 1);
  if (copy == NULL) return NULL;
  if (length > 0) memcpy(copy, bytes, length);
  copy[length] = '\0';
  return copy;
}

// Takes the chunk that is worth keeping out of the chain; NULL when there is none.
static struct act__arena_chunk *take_best(struct act__arena_chunk **chain) {
  struct act__arena_chunk **best = NULL;
  for (struct act__arena_chunk **at = chain; *at != NULL; at = &(*at)->next) {
    if ((*at)->bytes > ACT__ARENA_CHUNK_MAX) continue;
    if (best == NULL || (*at)->bytes > (*best)->bytes) best = at;
  }
  if (best == NULL) return NULL;
  struct act__arena_chunk *chunk = *best;
  *best = chunk->next;
  return chunk;
}

void act__arena_reset(struct act__arena *arena) {
  struct act__arena_chunk *chunks = arena->chunks;
  struct act__arena_chunk *kept = KEEPS_CHUNKS ? take_best(&chunks) : NULL;
  free_chunks(chunks);
  act__arena_init(arena);
  if (kept == NULL) return;
  kept->next = NULL;
  arena->chunks = kept;
  open_chunk(arena, kept);
}
