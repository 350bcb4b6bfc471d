// SPDX-License-Identifier: Apache-2.0
//
// Walks folders the way `find FOLDER... -type f` does, one entry at a time.
//
// Symbolic links are never followed (also not as a root, unless it ends in a slash), special files
// are never opened, names may hold any byte. What is no folder and no regular file is given too, with
// the reason why it is skipped.
//
// Memory does not grow with the tree: one path, and one small level for each folder above it. At most
// WI_FOLDERS_OPEN folders are held open; when the walk goes deeper the outermost is closed, and read
// again up to where it was when the walk comes back. (Should that folder change meanwhile, entries of
// it may be given twice or not at all; the verifier's own walk notices.)
//
// Blocks in system calls: belongs on the blocking pool. One thread at a time,
// except wi_walker_cancel.
#ifndef TROUPE_EXAMPLES_WORDINDEX_WALKER_H
#define TROUPE_EXAMPLES_WORDINDEX_WALKER_H

#include <stdbool.h>
#include <stddef.h>

#include "examples/wordindex/skips.h"

#define WI_FOLDERS_OPEN 64u

struct wi_walker;

// Borrows `roots` until destroy. NULL: out of memory.
struct wi_walker *wi_walker_create(const char *const *roots, unsigned nroots);
void wi_walker_destroy(struct wi_walker *walker);  // accepts NULL

struct wi_found {
  enum wi_skip skip;  // WI_SKIP_NONE: a regular file
  const char *path;   // lent until the next call; terminated
  size_t length;
};

// False: the walk is over, or was cancelled.
bool wi_walker_next(struct wi_walker *walker, struct wi_found *found);

// Makes a call of wi_walker_next that is under way in another thread, and all later ones, give up.
void wi_walker_cancel(struct wi_walker *walker);

#endif
