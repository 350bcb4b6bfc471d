// SPDX-License-Identifier: Apache-2.0
//
// The one door to the C allocator, so that a test can make the n-th allocation fail. Nothing else
// in the project calls malloc. All functions: any thread.
#ifndef TROUPE_BASE_ALLOC_H
#define TROUPE_BASE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/atomic.h"

// Bytes of one allocation at most, 512 GiB. More is arithmetic gone wrong; it is refused without
// asking the system (some allocators end the process instead of saying no).
#define ACT__ALLOC_MAX ((size_t)1 << 39)

// As their namesakes, except that 0 bytes give a block of 1 byte: NULL always means "no memory".
// act__realloc leaves the old block alone when it fails.
void *act__malloc(size_t bytes);
void *act__calloc(size_t count, size_t bytes);
void *act__realloc(void *block, size_t bytes);
void act__free(void *block);

// Whole pages of their own from the system, all zero, and not resident before they are used: `bytes` > 0
// of them, and what is left of the last page. NULL: no memory.
void *act__map(size_t bytes);
void act__unmap(void *block, size_t bytes);  // with the same bytes; NULL is ignored

// Makes those pages resident that lie wholly in these bytes, which costs less than as many faults.
// Advice: without memory, or from a system that cannot, nothing happens. What is in them stays.
void act__make_resident(void *start, size_t bytes);

// The next n allocations succeed and all later ones fail, until called again. -1: never fail.
void act__alloc_fail_after(int64_t n);

// The next n allocations succeed, one fails, and all later ones succeed again.
void act__alloc_fail_once(int64_t n);

// Allocations asked for since the process started, refused ones included.
int64_t act__alloc_count(void);

// Allocations refused on purpose since the last act__alloc_fail_*: 0 tells a test that sweeps over
// n that it has passed the last allocation.
int64_t act__alloc_failures(void);

// For allocators that stand in front of this one (base/pool): whether failures are armed, and one
// allocation's verdict if they are (it counts as an allocation).
extern ACT__ATOMIC(int) act__alloc_armed_;
static inline bool act__alloc_is_armed(void) {
  // relaxed: tests arm it before the threads that they measure, or accept either answer.
  return __builtin_expect(act__load_relaxed(&act__alloc_armed_) != 0, 0);
}
bool act__alloc_permit(void);

#endif
