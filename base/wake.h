// SPDX-License-Identifier: Apache-2.0
//
// A flag of our own in front of a libuv async handle, so that no wake-up is lost.
//
// Up to libuv 1.52 "publish, then uv_async_send" can lose the wake-up: the send returns early on a
// plain read of the handle's own pending mark, and the loop clears that mark before it can see what
// was published. With this flag both sides meet in one word first:
//
//   any thread                                  loop thread, in the async callback
//   publish;                                    act__wake_lower(&wake);   before looking
//   if (act__wake_raise(&wake))                 look for what was published;
//     uv_async_send(&handle);
//
// Invariant: a raise that answers false comes, in the flag's order of changes, before a lower that
// has yet to run; the look after that lower sees what was published. A raise that answers true sees
// the last lower and all that the loop did before it, the clearing of the handle's mark included.
// Lowering after the look would leave a gap in which a raise answers false to nobody.
#ifndef TROUPE_BASE_WAKE_H
#define TROUPE_BASE_WAKE_H

#include <stdbool.h>

#include "base/atomic.h"

struct act__wake {
  ACT__ATOMIC(int) flag;  // 1: a wake-up is on its way
};

static inline void act__wake_init(struct act__wake *w) {
  act__atomic_init(&w->flag, 0);
}

// Any thread, after publishing. True: the caller must call uv_async_send (and nobody else will).
static inline bool act__wake_raise(struct act__wake *w) {
#ifdef ACT_MUTANT_WAKE_RELAXED
  return act__exchange_relaxed(&w->flag, 1) == 0;
#else
  // acq_rel [wake]: pairs with the exchange in lower, both ways.
  return act__exchange_acq_rel(&w->flag, 1) == 0;
#endif
}

// Loop thread, first thing in the callback.
static inline void act__wake_lower(struct act__wake *w) {
#ifdef ACT_MUTANT_WAKE_RELAXED
  act__exchange_relaxed(&w->flag, 0);
#else
  // acq_rel [wake]: pairs with the exchange in raise, both ways.
  act__exchange_acq_rel(&w->flag, 0);
#endif
}

#endif
