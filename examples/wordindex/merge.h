// SPDX-License-Identifier: Apache-2.0
//
// Merges the sorted pages of all aggregators into one sorted sequence, holding one page of each. Pure.
#ifndef TROUPE_EXAMPLES_WORDINDEX_MERGE_H
#define TROUPE_EXAMPLES_WORDINDEX_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "examples/wordindex/desk.h"

struct wi_entry {
  const char *text;  // lent until the page's next load; not terminated
  uint32_t length;
  uint64_t count;
};

struct wi_cursor {
  struct wi_entry *entries;  // one block, the texts behind it
  uint32_t nentries, at;
  uint32_t taken;            // entries of all pages so far: where the next page begins
  bool is_last;
};

// Zeroed memory is a merge before its first page.
struct wi_merge {
  struct wi_cursor cursors[WI_SHARDS];
};

void wi_merge_fini(struct wi_merge *merge);

// The next page of a shard; only when wi_merge_needs says so. Copies the texts. False: out of memory.
bool wi_merge_load(struct wi_merge *merge, unsigned shard, const struct wi_entry *entries,
                   uint32_t nentries, bool is_last);

// Bits of the shards whose next page is missing.
uint32_t wi_merge_needs(const struct wi_merge *merge);

// The next entry in the order of bytes. Only when wi_merge_needs is 0. False: the end.
bool wi_merge_next(struct wi_merge *merge, struct wi_entry *entry);

#endif
