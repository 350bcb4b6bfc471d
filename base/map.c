// SPDX-License-Identifier: Apache-2.0
//
// Number to pointer. An entry stands at its hash's slot or in the run of full slots behind it; the
// invariant is that no free slot lies between an entry's home and its place.
#include "base/map.h"

#include <string.h>

#include "base/alloc.h"
#include "base/check.h"

#define FIRST_CAPACITY 8

// Steele, Lea and Flood's finalizer with Stafford's constants (variant 13).
uint64_t act__hash_u64(uint64_t key) {
  key = (key ^ (key >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  key = (key ^ (key >> 27)) * UINT64_C(0x94d049bb133111eb);
  return key ^ (key >> 31);
}

void act__map_init(struct act__map *map) {
  *map = (struct act__map){0};
}

void act__map_fini(struct act__map *map) {
  act__free(map->slots);
  act__map_init(map);
}

static size_t home_of(const struct act__map *map, uint64_t key) {
  return (size_t)act__hash_u64(key) & (map->capacity - 1);
}

// The slot of the key, or the free slot where it belongs. There is always a free one.
static struct act__map_slot *find(const struct act__map *map, uint64_t key) {
  size_t i = home_of(map, key);
  while (map->slots[i].value != NULL && map->slots[i].key != key) i = (i + 1) & (map->capacity - 1);
  return &map->slots[i];
}

void *act__map_get(const struct act__map *map, uint64_t key) {
  return map->count == 0 ? NULL : find(map, key)->value;
}

static act_rc rehash(struct act__map *map, size_t capacity) {
  struct act__map bigger = {.capacity = capacity, .count = map->count};
  bigger.slots = act__calloc(capacity, sizeof *bigger.slots);
  if (bigger.slots == NULL) return ACT_ENOMEM;
  for (size_t i = 0; i < map->capacity; i++) {
    if (map->slots[i].value != NULL) *find(&bigger, map->slots[i].key) = map->slots[i];
  }
  act__free(map->slots);
  *map = bigger;
  return ACT_OK;
}

static size_t fits(size_t capacity) {
  return capacity - capacity / 8;
}

act_rc act__map_reserve(struct act__map *map, size_t count) {
  size_t capacity = map->capacity > 0 ? map->capacity : FIRST_CAPACITY;
  while (fits(capacity) < count) {
    if (capacity > SIZE_MAX / 2) return ACT_ENOMEM;
    capacity *= 2;
  }
  return capacity == map->capacity ? ACT_OK : rehash(map, capacity);
}

act_rc act__map_put(struct act__map *map, uint64_t key, void *value) {
  ACT_ASSERT(value != NULL);
  if (map->count > 0) {
    struct act__map_slot *slot = find(map, key);
    if (slot->value != NULL) {
      slot->value = value;
      return ACT_OK;
    }
  }
  act_rc rc = act__map_reserve(map, map->count + 1);
  if (rc != ACT_OK) return rc;
  *find(map, key) = (struct act__map_slot){key, value};
  map->count++;
  return ACT_OK;
}

// Closes the hole: each follower in the run moves into it if the hole lies between the follower's
// home and its place, and leaves a new hole behind.
static void shift_back(struct act__map *map, size_t hole) {
  size_t mask = map->capacity - 1;
  for (size_t i = (hole + 1) & mask; map->slots[i].value != NULL; i = (i + 1) & mask) {
    size_t from_home = (i - home_of(map, map->slots[i].key)) & mask;
    if (from_home < ((i - hole) & mask)) continue;
    map->slots[hole] = map->slots[i];
    hole = i;
  }
  map->slots[hole].value = NULL;
}

void *act__map_remove(struct act__map *map, uint64_t key) {
  if (map->count == 0) return NULL;
  struct act__map_slot *slot = find(map, key);
  void *value = slot->value;
  if (value == NULL) return NULL;
  shift_back(map, (size_t)(slot - map->slots));
  map->count--;
  return value;
}

void act__map_clear(struct act__map *map) {
  if (map->count > 0) memset(map->slots, 0, map->capacity * sizeof *map->slots);
  map->count = 0;
}

bool act__map_next(const struct act__map *map, size_t *index, uint64_t *key, void **value) {
  while (*index < map->capacity) {
    const struct act__map_slot *slot = &map->slots[(*index)++];
    if (slot->value == NULL) continue;
    if (key != NULL) *key = slot->key;
    if (value != NULL) *value = slot->value;
    return true;
  }
  return false;
}
