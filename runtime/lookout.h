// SPDX-License-Identifier: Apache-2.0
//
// Who is on the lookout: how many threads will look at a queue once more before they do anything that
// may last. Kept apart and small so that a model checker can take it whole.
//
// Whoever puts something into the queue calls a thread up only if nobody is on the lookout. Who
// leaves the lookout as the last, for a bed or for work, looks once more, and if there is something
// in the queue, sees to it that somebody else goes.
//
// Nothing is left lying. The one who puts in writes "there is something" (W1: the queue's count,
// seq_cst), then reads the lookout (R1). The last one changes the lookout (W2), then reads the count
// (R2). All four have one order. Suppose R1 saw somebody: then the W2 of whoever leaves last comes
// after R1, hence after W1, and its R2 finds the thing. With acquire and release alone both could
// miss each other (store buffering).
#ifndef TROUPE_RUNTIME_LOOKOUT_H
#define TROUPE_RUNTIME_LOOKOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"

struct act__lookout {
  ACT__ATOMIC(uint32_t) count;
};

static inline void act__lookout_init(struct act__lookout *lookout) {
  act__atomic_init(&lookout->count, 0u);
}

// R1: after putting something in with seq_cst. True: nobody is there, the caller calls one up. Any
// thread.
static inline bool act__lookout_is_empty(struct act__lookout *lookout) {
#ifdef ACT_MUTANT_LOOKOUT_LOOK_RELAXED
  return act__load_relaxed(&lookout->count) == 0;
#else
  // seq_cst [lookout]: see above.
  return act__load_seq_cst(&lookout->count) == 0;
#endif
}

// The caller, or a thread that it calls up, will look at the queue from now on.
static inline void act__lookout_begin(struct act__lookout *lookout) {
  // seq_cst [lookout]: one order for all changes.
  act__fetch_add_seq_cst(&lookout->count, 1u);
}

// W2. True: that was the last one, and R2 must follow.
static inline bool act__lookout_end(struct act__lookout *lookout) {
#ifdef ACT_MUTANT_LOOKOUT_END_RELAXED
  return act__fetch_sub_relaxed(&lookout->count, 1u) == 1;
#else
  // seq_cst [lookout]: see above.
  return act__fetch_sub_seq_cst(&lookout->count, 1u) == 1;
#endif
}

#endif
