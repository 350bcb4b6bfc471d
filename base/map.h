// SPDX-License-Identifier: Apache-2.0
//
// Hash maps with open addressing and linear probing: struct act__map from a number to a pointer,
// struct act__namemap from a name of up to 255 bytes to a pointer. They grow at 7/8; removal shifts
// the followers back (Knuth, TAOCP 3, 6.4, algorithm R), so there are no tombstones and a map that
// lives long stays as fast as a new one. One thread at a time.
//
// Values are never NULL: NULL means "not there". Numbers that strangers may choose belong in a
// namemap, whose hash is keyed by a seed.
#ifndef TROUPE_BASE_MAP_H
#define TROUPE_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct act__map_slot {
  uint64_t key;
  void *value;  // NULL: free
};

struct act__map {
  struct act__map_slot *slots;
  size_t count, capacity;  // capacity: 0 or a power of two
};

void act__map_init(struct act__map *map);  // allocates nothing yet
void act__map_fini(struct act__map *map);  // borrows the values to the end: they stay the caller's

// NULL when it is not there.
void *act__map_get(const struct act__map *map, uint64_t key);

// Adds or replaces. ACT_ENOMEM (only when adding): the map is unchanged.
ACT_MUST act_rc act__map_put(struct act__map *map, uint64_t key, void *value);

// Makes room for `count` entries in all: puts up to there cannot fail. ACT_ENOMEM: unchanged.
ACT_MUST act_rc act__map_reserve(struct act__map *map, size_t count);

// The value that was there, or NULL. Never allocates.
void *act__map_remove(struct act__map *map, uint64_t key);

// Removes everything, keeps the memory.
void act__map_clear(struct act__map *map);

static inline size_t act__map_count(const struct act__map *map) {
  return map->count;
}

// Iteration in no useful order (equal histories give equal orders). *index starts at 0; false at
// the end. The map must not change on the way. key and value may be NULL.
bool act__map_next(const struct act__map *map, size_t *index, uint64_t *key, void **value);

// A name's bytes at most. Names may hold any byte, and may be empty.
#define ACT__NAME_MAX 255

struct act__namemap_slot {
  uint64_t hash;
  char *name;  // owned copy with a zero behind
  uint32_t length;
  void *value;  // NULL: free
};

struct act__namemap {
  struct act__namemap_slot *slots;
  size_t count, capacity;
  uint64_t seed;
};

// A random seed keeps strangers from choosing names that collide; a fixed one repeats a run.
void act__namemap_init(struct act__namemap *map, uint64_t seed);
void act__namemap_fini(struct act__namemap *map);

void *act__namemap_get(const struct act__namemap *map, const void *name, size_t length);

// Adds (copying the name) or replaces. ACT_EINVAL: longer than ACT__NAME_MAX. ACT_ENOMEM (only when
// adding). On error the map is unchanged.
ACT_MUST act_rc act__namemap_put(struct act__namemap *map, const void *name, size_t length,
                                 void *value);

void *act__namemap_remove(struct act__namemap *map, const void *name, size_t length);

static inline size_t act__namemap_count(const struct act__namemap *map) {
  return map->count;
}

// As act__map_next; lends the name, with a zero behind, until the map changes.
bool act__namemap_next(const struct act__namemap *map, size_t *index, const char **name,
                       size_t *length, void **value);

// The hashes: a bijective mix of one number, and a keyed hash of bytes. Good enough against
// clustering and, with a secret seed, against casual flooding; neither is cryptographic.
uint64_t act__hash_u64(uint64_t key);
uint64_t act__hash_bytes(uint64_t seed, const void *bytes, size_t length);

#endif
