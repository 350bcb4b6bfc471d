// SPDX-License-Identifier: Apache-2.0
//
// Name to pointer: the scheme of base/map.c with the hash kept in the slot, so that growing and
// shifting never look at the names.
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/map.h"

#define FIRST_CAPACITY 8

// The two halves of a 128-bit product, folded: every input bit reaches every output bit.
static uint64_t fold(uint64_t a, uint64_t b) {
  __extension__ typedef unsigned __int128 wide;
  wide product = (wide)a * b;
  return (uint64_t)product ^ (uint64_t)(product >> 64);
}

// Folded multiplication over words of 8 bytes, the idea of Wang Yi's wyhash (2019). The multiplier
// comes from the seed: pairs of names that collide under one seed do not under another.
uint64_t act__hash_bytes(uint64_t seed, const void *bytes, size_t length) {
  const uint8_t *at = bytes;
  uint64_t multiplier = act__hash_u64(seed + UINT64_C(0x9e3779b97f4a7c15)) | 1;
  uint64_t hash = act__hash_u64(seed ^ length);
  while (length > 0) {
    size_t n = length < 8 ? length : 8;
    uint64_t word = 0;
    memcpy(&word, at, n);
    hash = fold(hash ^ word, multiplier) + word;
    at += n;
    length -= n;
  }
  return act__hash_u64(hash);
}

void act__namemap_init(struct act__namemap *map, uint64_t seed) {
  *map = (struct act__namemap){.seed = seed};
}

void act__namemap_fini(struct act__namemap *map) {
  for (size_t i = 0; i < map->capacity; i++) act__free(map->slots[i].name);
  act__free(map->slots);
  act__namemap_init(map, map->seed);
}

static bool matches(const struct act__namemap_slot *slot, uint64_t hash, const void *name,
                    size_t length) {
  return slot->hash == hash && slot->length == length &&
         (length == 0 || memcmp(slot->name, name, length) == 0);
}

// The slot of the name, or the free slot where it belongs.
static struct act__namemap_slot *find(const struct act__namemap *map, uint64_t hash,
                                      const void *name, size_t length) {
  size_t mask = map->capacity - 1;
  size_t i = (size_t)hash & mask;
  while (map->slots[i].value != NULL && !matches(&map->slots[i], hash, name, length)) {
    i = (i + 1) & mask;
  }
  return &map->slots[i];
}

// The same for a new map that has every name only once: no need to compare.
static struct act__namemap_slot *find_free(const struct act__namemap *map, uint64_t hash) {
  size_t i = (size_t)hash & (map->capacity - 1);
  while (map->slots[i].value != NULL) i = (i + 1) & (map->capacity - 1);
  return &map->slots[i];
}

void *act__namemap_get(const struct act__namemap *map, const void *name, size_t length) {
  if (map->count == 0 || length > ACT__NAME_MAX) return NULL;
  return find(map, act__hash_bytes(map->seed, name, length), name, length)->value;
}

static act_rc make_room_for_one(struct act__namemap *map) {
  if (map->count + 1 <= map->capacity - map->capacity / 8) return ACT_OK;
  struct act__namemap bigger = *map;
  bigger.capacity = map->capacity > 0 ? map->capacity * 2 : FIRST_CAPACITY;
  bigger.slots = act__calloc(bigger.capacity, sizeof *bigger.slots);
  if (bigger.slots == NULL) return ACT_ENOMEM;
  for (size_t i = 0; i < map->capacity; i++) {
    if (map->slots[i].value != NULL) *find_free(&bigger, map->slots[i].hash) = map->slots[i];
  }
  act__free(map->slots);
  *map = bigger;
  return ACT_OK;
}

act_rc act__namemap_put(struct act__namemap *map, const void *name, size_t length, void *value) {
  ACT_ASSERT(value != NULL);
  if (length > ACT__NAME_MAX) return ACT_EINVAL;
  uint64_t hash = act__hash_bytes(map->seed, name, length);
  if (map->count > 0) {
    struct act__namemap_slot *slot = find(map, hash, name, length);
    if (slot->value != NULL) {
      slot->value = value;
      return ACT_OK;
    }
  }
  act_rc rc = make_room_for_one(map);
  if (rc != ACT_OK) return rc;
  char *copy = act__malloc(length + 1);
  if (copy == NULL) return ACT_ENOMEM;
  if (length > 0) memcpy(copy, name, length);
  copy[length] = '\0';
  *find_free(map, hash) = (struct act__namemap_slot){hash, copy, (uint32_t)length, value};
  map->count++;
  return ACT_OK;
}

static void shift_back(struct act__namemap *map, size_t hole) {
  size_t mask = map->capacity - 1;
  for (size_t i = (hole + 1) & mask; map->slots[i].value != NULL; i = (i + 1) & mask) {
    size_t from_home = (i - (size_t)map->slots[i].hash) & mask;
    if (from_home < ((i - hole) & mask)) continue;
    map->slots[hole] = map->slots[i];
    hole = i;
  }
  map->slots[hole] = (struct act__namemap_slot){0};
}

void *act__namemap_remove(struct act__namemap *map, const void *name, size_t length) {
  if (map->count == 0 || length > ACT__NAME_MAX) return NULL;
  uint64_t hash = act__hash_bytes(map->seed, name, length);
  struct act__namemap_slot *slot = find(map, hash, name, length);
  void *value = slot->value;
  if (value == NULL) return NULL;
  act__free(slot->name);
  shift_back(map, (size_t)(slot - map->slots));
  map->count--;
  return value;
}

bool act__namemap_next(const struct act__namemap *map, size_t *index, const char **name,
                       size_t *length, void **value) {
  while (*index < map->capacity) {
    const struct act__namemap_slot *slot = &map->slots[(*index)++];
    if (slot->value == NULL) continue;
    if (name != NULL) *name = slot->name;
    if (length != NULL) *length = slot->length;
    if (value != NULL) *value = slot->value;
    return true;
  }
  return false;
}
