// SPDX-License-Identifier: Apache-2.0
#include "examples/wordindex/counts.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_SLOTS = 64 };

void wi_counts_init(struct wi_counts *counts) {
  memset(counts, 0, sizeof *counts);
}

void wi_counts_fini(struct wi_counts *counts) {
  free(counts->entries);
  free(counts->slots);
  free(counts->texts);
  memset(counts, 0, sizeof *counts);
}

void wi_counts_clear(struct wi_counts *counts) {
  if (counts->nentries) memset(counts->slots, 0, counts->nslots * sizeof counts->slots[0]);
  counts->nentries = 0;
  counts->texts_used = 0;
  counts->total = 0;
}

// Bernstein's times-33 hash with a final mix (the finaliser of MurmurHash3), as low bits choose the
// slot and high bits the shard.
uint32_t wi_counts_hash(const char *text, uint32_t length) {
  uint32_t hash = 5381;
  for (uint32_t i = 0; i < length; i++) hash = hash * 33 + (unsigned char)text[i];
  hash ^= hash >> 16;
  hash *= 0x85ebca6bu;
  hash ^= hash >> 13;
  hash *= 0xc2b2ae35u;
  return hash ^ hash >> 16;
}

uint32_t wi_counts_shard(uint32_t hash, uint32_t shards) {
  return (uint32_t)((uint64_t)hash * shards >> 32);
}

const char *wi_counts_text(const struct wi_counts *counts, const struct wi_count *entry) {
  return counts->texts + entry->text;
}

// The slot of this identifier, or the free slot where it belongs. Slots are never all taken.
static uint32_t *find_slot(const struct wi_counts *counts, uint32_t hash, const char *text,
                           uint32_t length) {
  uint32_t mask = counts->nslots - 1;
  for (uint32_t i = hash & mask;; i = (i + 1) & mask) {
    uint32_t *slot = &counts->slots[i];
    if (*slot == 0) return slot;
    const struct wi_count *entry = &counts->entries[*slot - 1];
    if (entry->hash == hash && entry->length == length &&
        memcmp(counts->texts + entry->text, text, length) == 0) {
      return slot;
    }
  }
}

static bool grow_slots(struct wi_counts *counts) {
  uint32_t nslots = counts->nslots ? counts->nslots * 2 : FIRST_SLOTS;
  uint32_t *slots = calloc(nslots, sizeof slots[0]);
  if (!slots) return false;
  for (uint32_t e = 0; e < counts->nentries; e++) {
    uint32_t i = counts->entries[e].hash & (nslots - 1);
    while (slots[i]) i = (i + 1) & (nslots - 1);
    slots[i] = e + 1;
  }
  free(counts->slots);
  counts->slots = slots;
  counts->nslots = nslots;
  return true;
}

// Room for one more entry and its text; after that an insertion cannot fail.
static bool reserve(struct wi_counts *counts, uint32_t length) {
  if (counts->nentries >= counts->nslots / 4 * 3 && !grow_slots(counts)) return false;
  if (counts->nentries == counts->entries_capacity) {
    uint32_t capacity = counts->entries_capacity ? counts->entries_capacity * 2 : FIRST_SLOTS;
    struct wi_count *entries = realloc(counts->entries, capacity * sizeof entries[0]);
    if (!entries) return false;
    counts->entries = entries;
    counts->entries_capacity = capacity;
  }
  if (counts->texts_capacity - counts->texts_used < length) {
    size_t capacity = counts->texts_capacity ? counts->texts_capacity * 2 : 4096;
    char *texts = realloc(counts->texts, capacity);
    if (!texts) return false;
    counts->texts = texts;
    counts->texts_capacity = capacity;
  }
  return true;
}

bool wi_counts_add_hashed(struct wi_counts *counts, uint32_t hash, const char *text,
                          uint32_t length, uint64_t n) {
  if (counts->nslots) {
    uint32_t slot = *find_slot(counts, hash, text, length);
    if (slot) {
      counts->entries[slot - 1].count += n;
      counts->total += n;
      return true;
    }
  }
  if (!reserve(counts, length)) return false;
  memcpy(counts->texts + counts->texts_used, text, length);
  counts->entries[counts->nentries] =
      (struct wi_count){.count = n, .text = counts->texts_used, .hash = hash, .length = length};
  counts->texts_used += length;
  *find_slot(counts, hash, text, length) = ++counts->nentries;
  counts->total += n;
  return true;
}

bool wi_counts_add(struct wi_counts *counts, const char *text, uint32_t length, uint64_t n) {
  return wi_counts_add_hashed(counts, wi_counts_hash(text, length), text, length, n);
}

bool wi_counts_merge(struct wi_counts *counts, const struct wi_counts *from) {
  for (uint32_t i = 0; i < from->nentries; i++) {
    const struct wi_count *entry = &from->entries[i];
    if (!wi_counts_add_hashed(counts, entry->hash, wi_counts_text(from, entry), entry->length,
                              entry->count)) {
      return false;
    }
  }
  return true;
}

uint64_t wi_counts_get(const struct wi_counts *counts, const char *text, uint32_t length) {
  if (counts->nslots == 0) return 0;
  uint32_t slot = *find_slot(counts, wi_counts_hash(text, length), text, length);
  return slot ? counts->entries[slot - 1].count : 0;
}

static int compare_entries(const void *left, const void *right, void *arg) {
  const struct wi_counts *counts = arg;
  const struct wi_count *a = &counts->entries[*(const uint32_t *)left];
  const struct wi_count *b = &counts->entries[*(const uint32_t *)right];
  uint32_t shared = a->length < b->length ? a->length : b->length;
  int order = memcmp(counts->texts + a->text, counts->texts + b->text, shared);
  if (order) return order;
  return (a->length > b->length) - (a->length < b->length);
}

uint32_t *wi_counts_sorted(const struct wi_counts *counts) {
  uint32_t *order = malloc((counts->nentries + 1ul) * sizeof order[0]);
  if (!order) return NULL;
  for (uint32_t i = 0; i < counts->nentries; i++) order[i] = i;
  qsort_r(order, counts->nentries, sizeof order[0], compare_entries, (void *)counts);
  return order;
}
