// SPDX-License-Identifier: Apache-2.0
//
// malloc behind a door that tests can close. Its state is process-wide on purpose: the allocator
// that it stands for is process-wide too.
#include "base/alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

// AddressSanitizer looks for pointers to the blocks of malloc in other blocks of malloc only.
#if defined(__SANITIZE_ADDRESS__)
#define BY_MAPPING 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BY_MAPPING 0
#endif
#endif
#ifndef BY_MAPPING
#define BY_MAPPING 1
#endif

enum { NEVER = 0, FROM_THEN_ON = 1, ONCE = 2 };

ACT__ATOMIC(int) act__alloc_armed_ = NEVER;
static ACT__ATOMIC(int64_t) remaining;  // allocations until the failure
static ACT__ATOMIC(int64_t) asked_for;
static ACT__ATOMIC(int64_t) refused;

// All orders in this file are relaxed: these are counters, and whoever arms a failure for other
// threads starts or wakes those threads afterwards.

bool act__alloc_permit(void) {
  act__fetch_add_relaxed(&asked_for, 1);             // relaxed: a counter
  int mode = act__load_relaxed(&act__alloc_armed_);  // relaxed: see above
  if (mode == NEVER) return true;
  int64_t before = act__fetch_sub_relaxed(&remaining, 1);  // relaxed: each caller gets one value
  if (mode == ONCE ? before != 0 : before > 0) return true;
  act__fetch_add_relaxed(&refused, 1);  // relaxed: a counter
  return false;
}

static void arm(int mode, int64_t n) {
  act__store_relaxed(&refused, 0);                               // relaxed: see above
  act__store_relaxed(&remaining, n);                             // relaxed: see above
  act__store_relaxed(&act__alloc_armed_, n < 0 ? NEVER : mode);  // relaxed: see above
}

void act__alloc_fail_after(int64_t n) {
  arm(FROM_THEN_ON, n);
}

void act__alloc_fail_once(int64_t n) {
  arm(ONCE, n);
}

int64_t act__alloc_count(void) {
  return act__load_relaxed(&asked_for);  // relaxed: a counter
}

int64_t act__alloc_failures(void) {
  return act__load_relaxed(&refused);  // relaxed: a counter
}

void *act__malloc(size_t bytes) {
  if (!act__alloc_permit() || bytes > ACT__ALLOC_MAX) return NULL;
  return malloc(bytes > 0 ? bytes : 1);
}

void *act__calloc(size_t count, size_t bytes) {
  size_t total;
  if (!act__alloc_permit() || __builtin_mul_overflow(count, bytes, &total)) return NULL;
  if (total > ACT__ALLOC_MAX) return NULL;
  return calloc(total > 0 ? total : 1, 1);
}

void *act__realloc(void *block, size_t bytes) {
  if (!act__alloc_permit() || bytes > ACT__ALLOC_MAX) return NULL;
  return realloc(block, bytes > 0 ? bytes : 1);
}

void act__free(void *block) {
  free(block);
}

// ---- pages ----

#if BY_MAPPING

void *act__map(size_t bytes) {
  if (!act__alloc_permit() || bytes > ACT__ALLOC_MAX) return NULL;
  void *block = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return block == MAP_FAILED ? NULL : block;
}

void act__unmap(void *block, size_t bytes) {
  if (block) munmap(block, bytes);
}

#else

void *act__map(size_t bytes) {
  return act__calloc(1, bytes);
}

void act__unmap(void *block, size_t bytes) {
  (void)bytes;
  act__free(block);
}

#endif

void act__make_resident(void *start, size_t bytes) {
#ifdef MADV_POPULATE_WRITE
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  uintptr_t first = ((uintptr_t)start + page - 1) & ~(page - 1);
  uintptr_t end = ((uintptr_t)start + bytes) & ~(page - 1);
  if (end > first) (void)madvise((void *)first, end - first, MADV_POPULATE_WRITE);
#else
  (void)start;
  (void)bytes;
#endif
}
