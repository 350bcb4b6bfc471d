// SPDX-License-Identifier: Apache-2.0
#include "base/slab.h"

#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"

#define CACHE_LINE 64

// Lies apart from its slab, which then holds pieces only.
struct act__slab {
  struct act__slab *next;
  void *block;
  size_t bytes;    // of pieces
  bool is_mapped;  // block is of act__map, not of act__malloc or act__calloc
};

void act__slabs_init(struct act__slabs *slabs, bool zeroed) {
  *slabs = (struct act__slabs){.zeroed = zeroed};
}

void act__slabs_fini(struct act__slabs *slabs) {
  struct act__slab *slab = slabs->newest;
  while (slab) {
    struct act__slab *next = slab->next;
    if (slab->is_mapped) {
      act__unmap(slab->block, slab->bytes);
    } else {
      act__free(slab->block);
    }
    act__free(slab);
    slab = next;
  }
  act__slabs_init(slabs, slabs->zeroed);
}

// How many bytes of pieces a slab holds that is to be no more than `share`, unless that is too few.
static size_t slab_bytes(size_t share, size_t piece) {
  if (share > ACT__SLAB_MAX) share = ACT__SLAB_MAX;
  if (share < ACT__SLAB_MIN) share = ACT__SLAB_MIN;
#ifndef ACT_MUTANT_SLAB_CUT_SHORT
  if (share < piece) return piece;
#endif
  return share - share % piece;
}

static bool allocate(struct act__slabs *slabs, struct act__slab *slab, size_t bytes) {
  slab->is_mapped = bytes >= ACT__SLAB_MAPPED;
  slab->bytes = bytes;
  if (slab->is_mapped) {
    slab->block = act__map(bytes);
  } else {
    size_t whole = bytes + CACHE_LINE;
    slab->block = slabs->zeroed ? act__calloc(1, whole) : act__malloc(whole);
  }
  return slab->block != NULL;
}

static bool add_slab(struct act__slabs *slabs, size_t piece) {
  struct act__slab *slab = act__malloc(sizeof *slab);
  if (!slab) return false;
#ifdef ACT_MUTANT_SLAB_GREEDY
  size_t share = slabs->bytes;
#else
  size_t share = slabs->bytes / ACT__SLAB_SHARE;
#endif
#ifdef ACT_MUTANT_SLAB_NO_SECOND_TRY
  if (!allocate(slabs, slab, slab_bytes(share, piece))) {
#else
  // Where there is no memory for a share of much there may be some for a little.
  if (!allocate(slabs, slab, slab_bytes(share, piece)) &&
      !allocate(slabs, slab, slab_bytes(0, piece))) {
#endif
    act__free(slab);
    return false;
  }
  slab->next = slabs->newest;
  slabs->newest = slab;
  slabs->bytes += slab->bytes;
  slabs->next = (char *)slab->block + (-(uintptr_t)slab->block & (CACHE_LINE - 1));
  slabs->end = slabs->next + slab->bytes;
  slabs->resident = slabs->next;
  return true;
}

// The next piece reaches beyond what is resident: brings in as much as may be, ahead of it.
static void bring_in(struct act__slabs *slabs, size_t piece) {
  size_t ahead = slabs->bytes / ACT__SLAB_SHARE;
#ifndef ACT_MUTANT_SLAB_FAR_AHEAD
  if (ahead > ACT__SLAB_AHEAD) ahead = ACT__SLAB_AHEAD;
#endif
  if (ahead < ACT__SLAB_MIN) {  // there are few: their pages come when they are used
    slabs->resident = slabs->end;
    return;
  }
  size_t left = (size_t)(slabs->end - slabs->resident);
  size_t needed = (size_t)(slabs->next + piece - slabs->resident);
  size_t bytes = needed > ahead ? needed : ahead;
  if (bytes > left) bytes = left;
  act__make_resident(slabs->resident, bytes);
  slabs->resident += bytes;
}

void *act__slabs_cut(struct act__slabs *slabs, size_t bytes) {
  ACT_ASSERT(bytes > 0);
  if (!act__slabs_have(slabs, bytes) && !add_slab(slabs, bytes)) return NULL;
  if (slabs->next + bytes > slabs->resident) bring_in(slabs, bytes);
  void *piece = slabs->next;
  slabs->next += bytes;
  return piece;
}
