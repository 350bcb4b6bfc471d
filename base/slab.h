// SPDX-License-Identifier: Apache-2.0
//
// Memory for many things of one kind that stay where they are: pieces, cut one after the other from
// slabs that go back to the system all together.
//
// A new slab is as large as a share of what there is already, so a few things take little memory, and
// many take few slabs. What is cut next is made resident some way ahead, also by that share at most: in one
// call many pages cost two thirds of what they cost when each is faulted in by its first use, and they
// are in the cache still when they are used. (Large pages were tried: docs/internals/lives.md.) Where
// the system cannot do that, pages come when they are used.
//
// Everything: one thread at a time.
#ifndef TROUPE_BASE_SLAB_H
#define TROUPE_BASE_SLAB_H

#include <stdbool.h>
#include <stddef.h>

#define ACT__SLAB_MIN (64 * 1024)          // bytes of a slab, at least (or one piece, if that is more)
#define ACT__SLAB_SHARE 8                  // but not more than one in so many of what there is already,
#define ACT__SLAB_MAX (64 * 1024 * 1024)   // and no more than this
#define ACT__SLAB_MAPPED (2 * 1024 * 1024) // from this on a slab is a mapping of its own
#define ACT__SLAB_AHEAD (256 * 1024)       // made resident at a time, at most

struct act__slab;

struct act__slabs {
  char *next, *end;          // what is left of the newest
  char *resident;            // up to here it needs no help: it is resident, or there is too little of it
  size_t bytes;              // of all
  struct act__slab *newest;  // all of them, chained
  bool zeroed;
};

// The caller's memory; allocates nothing yet. `zeroed`: every piece is all zero.
void act__slabs_init(struct act__slabs *slabs, bool zeroed);

// Frees all pieces.
void act__slabs_fini(struct act__slabs *slabs);

// Whether the next piece comes without asking the system for memory.
static inline bool act__slabs_have(const struct act__slabs *slabs, size_t bytes) {
  return (size_t)(slabs->end - slabs->next) >= bytes;
}

// A piece of `bytes` > 0, lent until fini. A slab begins at a cache line, and pieces follow without a
// gap. NULL: out of memory (when there is none for a share of much, a small slab is tried).
void *act__slabs_cut(struct act__slabs *slabs, size_t bytes);

#endif
