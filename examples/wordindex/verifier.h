// SPDX-License-Identifier: Apache-2.0
//
// The plain count that the run is checked against: one thread, one table, no messages.
//
// It shares no code with the workers: its own way to read, to find identifiers and to count, and its
// own walk (fts(3)). What is shared are facts: the stamp that a worker reports and the list of files.
//
// The rule that makes two counts comparable on a tree that lives: a file is counted only if the
// verifier, reading it right after the worker, saw the very same file (device, inode, size, times, and
// a sum over the bytes). Otherwise it changed or vanished while being read, and neither count has it.
// What happens to it after that does not matter. That the walk missed nothing is checked at the end: the
// verifier walks by itself and compares the number of regular files and an order-free sum over their
// paths. If the folders changed during the run that comparison says nothing, and is reported so.
//
// Memory grows with the number of distinct identifiers, never with the number of files.
// Blocks: belongs on the blocking pool. One thread at a time, except wi_verifier_cancel.
#ifndef TROUPE_EXAMPLES_WORDINDEX_VERIFIER_H
#define TROUPE_EXAMPLES_WORDINDEX_VERIFIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "examples/wordindex/reader.h"

struct wi_verifier;

struct wi_plain_totals {
  uint64_t files, bytes, identifiers, distinct, too_long;
};

// NULL: out of memory.
struct wi_verifier *wi_verifier_create(void);
void wi_verifier_destroy(struct wi_verifier *verifier);  // accepts NULL

// Reads and counts one file that a worker has counted with this stamp. WI_SKIP_NONE: it is the same
// file and is counted; otherwise why it is not, and the count is as before. Sets *too_long and
// *identifiers to what was found in this file. Out of memory or cancelled: WI_SKIP_READ_ERROR.
enum wi_skip wi_verifier_count(struct wi_verifier *verifier, const char *path,
                               const struct wi_stamp *stamp, uint64_t *identifiers,
                               uint64_t *too_long);

void wi_verifier_totals(const struct wi_verifier *verifier, struct wi_plain_totals *totals);

// How often this identifier was counted; 0: never.
uint64_t wi_verifier_get(const struct wi_verifier *verifier, const char *text, size_t length);

// --- the walk ----------------------------------------------------------------------------------

// A sum over the paths of regular files that does not depend on their order.
struct wi_path_sum {
  uint64_t files, sum;
};

void wi_path_sum_add(struct wi_path_sum *sum, const char *path, size_t length);

enum wi_walk_verdict {
  WI_WALK_SAME,     // both walks saw the same files
  WI_WALK_CHANGED,  // they differ, and folders changed since `since_ns`: nothing can be said
  WI_WALK_DIFFERS,  // they differ, and nothing explains it
};

// Walks the roots and compares with what the run has seen. `since_ns`: wall clock time when the run
// began.
enum wi_walk_verdict wi_verifier_walk(struct wi_verifier *verifier, const char *const *roots,
                                      unsigned nroots, const struct wi_path_sum *seen,
                                      int64_t since_ns);

// Makes a count or walk that is under way in another thread end soon. Any thread.
void wi_verifier_cancel(struct wi_verifier *verifier);

#endif
