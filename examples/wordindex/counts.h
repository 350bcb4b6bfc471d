// SPDX-License-Identifier: Apache-2.0
//
// A map from identifiers to how often they occurred: what workers fill and aggregators merge.
//
// Open addressing over an array of indices; the entries lie in the order of their first occurrence,
// their texts one behind the other. So clearing keeps the memory, iterating is a loop over an array,
// and sorting permutes indices only. Memory grows with the number of distinct identifiers.
//
// One thread at a time.
#ifndef TROUPE_EXAMPLES_WORDINDEX_COUNTS_H
#define TROUPE_EXAMPLES_WORDINDEX_COUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wi_count {
  uint64_t count;
  size_t text;  // offset; see wi_counts_text
  uint32_t hash;
  uint32_t length;
};

struct wi_counts {
  struct wi_count *entries;
  uint32_t nentries, entries_capacity;
  uint32_t *slots;  // index of an entry plus one; 0: free
  uint32_t nslots;  // a power of two, or 0 before the first add
  char *texts;
  size_t texts_used, texts_capacity;
  uint64_t total;  // sum of all counts
};

// Zeroed memory is an empty map too. No allocation before the first add.
void wi_counts_init(struct wi_counts *counts);
void wi_counts_fini(struct wi_counts *counts);

// Empties the map and keeps its memory.
void wi_counts_clear(struct wi_counts *counts);

// Adds `n` occurrences. False: out of memory, nothing added. Borrows `text`.
bool wi_counts_add(struct wi_counts *counts, const char *text, uint32_t length, uint64_t n);

// The same for a caller that has the hash (wi_counts_hash) already.
bool wi_counts_add_hashed(struct wi_counts *counts, uint32_t hash, const char *text,
                          uint32_t length, uint64_t n);

// Adds all of `from`. False: out of memory, and some of it may have been added.
bool wi_counts_merge(struct wi_counts *counts, const struct wi_counts *from);

// 0 when it never occurred.
uint64_t wi_counts_get(const struct wi_counts *counts, const char *text, uint32_t length);

// Lends the text of an entry until the next add, clear or fini; not terminated.
const char *wi_counts_text(const struct wi_counts *counts, const struct wi_count *entry);

// Entry indices in the order of the bytes (the C locale's), to be freed by the caller; NULL when out
// of memory, also for an empty map's zero entries an array is given.
uint32_t *wi_counts_sorted(const struct wi_counts *counts);

uint32_t wi_counts_hash(const char *text, uint32_t length);

// Which of `shards` aggregators owns this identifier.
uint32_t wi_counts_shard(uint32_t hash, uint32_t shards);

#endif
