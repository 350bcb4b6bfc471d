// SPDX-License-Identifier: Apache-2.0
#include "examples/wordindex/merge.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void wi_merge_fini(struct wi_merge *merge) {
  for (unsigned i = 0; i < WI_SHARDS; i++) free(merge->cursors[i].entries);
  memset(merge, 0, sizeof *merge);
}

bool wi_merge_load(struct wi_merge *merge, unsigned shard, const struct wi_entry *entries,
                   uint32_t nentries, bool is_last) {
  struct wi_cursor *cursor = &merge->cursors[shard];
  assert(cursor->at == cursor->nentries && !cursor->is_last);
  size_t bytes = nentries * sizeof entries[0] + 1;
  for (uint32_t i = 0; i < nentries; i++) bytes += entries[i].length;
  free(cursor->entries);
  cursor->nentries = cursor->at = 0;
  cursor->entries = malloc(bytes);
  if (!cursor->entries) return false;
  char *text = (char *)(cursor->entries + nentries);
  for (uint32_t i = 0; i < nentries; i++) {
    cursor->entries[i] = entries[i];
    cursor->entries[i].text = text;
    memcpy(text, entries[i].text, entries[i].length);
    text += entries[i].length;
  }
  cursor->nentries = nentries;
  cursor->taken += nentries;
  cursor->is_last = is_last;
  return true;
}

uint32_t wi_merge_needs(const struct wi_merge *merge) {
  uint32_t needs = 0;
  for (unsigned i = 0; i < WI_SHARDS; i++) {
    const struct wi_cursor *cursor = &merge->cursors[i];
    if (cursor->at == cursor->nentries && !cursor->is_last) needs |= 1u << i;
  }
  return needs;
}

static bool is_before(const struct wi_entry *a, const struct wi_entry *b) {
  uint32_t shared = a->length < b->length ? a->length : b->length;
  int order = memcmp(a->text, b->text, shared);
  return order < 0 || (order == 0 && a->length < b->length);
}

bool wi_merge_next(struct wi_merge *merge, struct wi_entry *entry) {
  assert(wi_merge_needs(merge) == 0);
  struct wi_cursor *least = NULL;
  for (unsigned i = 0; i < WI_SHARDS; i++) {
    struct wi_cursor *cursor = &merge->cursors[i];
    if (cursor->at == cursor->nentries) continue;
    if (!least || is_before(&cursor->entries[cursor->at], &least->entries[least->at])) {
      least = cursor;
    }
  }
  if (!least) return false;
  *entry = least->entries[least->at++];
  return true;
}
