// SPDX-License-Identifier: Apache-2.0
//
// The door to what a worker keeps for itself: a lock that costs its owner two plain writes and a read,
// because the few others that ever come in (thieves) pay for both sides.
//
// The owner writes `inside`, then reads `knocked`. A thief writes `knocked`, then reads `inside`. If
// each saw the other's old value both would be in; so between write and read stands a barrier: the
// light half on the owner's side and the heavy half on the thief's (base/barrier.h), or, where there
// is no heavy barrier, both writes and reads are seq_cst, and then the order that all four have in
// common does the same. Whoever sees the other steps back: the owner waits outside until the thief is
// gone, the thief waits a moment for the owner to leave and then gives up.
//
// What one did inside is seen by the next: each leaves by a release of its own word, and the other
// has read that word with acquire before it is in.
//
// Invariants: only the owner writes `inside`; who has changed `knocked` from 0 to 1 changes it back.
// (A biased lock; the idea of locks that are free for one thread is Kawachiya, Koseki and Onodera's.)
#ifndef TROUPE_RUNTIME_SCHED_DOOR_H
#define TROUPE_RUNTIME_SCHED_DOOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"
#include "base/barrier.h"

#ifndef ACT_MODEL
#include "base/thread.h"

// How often the owner looks whether the thief is gone before it lets other threads run, and how often
// a thief looks whether the owner is before it gives up.
#define ACT__DOOR_SPINS 64
#endif

struct act__door {
  ACT__ATOMIC(uint32_t) inside;   // the owner is in
  ACT__ATOMIC(uint32_t) knocked;  // a thief is in, or wants to be
  bool light;                     // immutable: there are heavy barriers
};

static inline void act__door_init(struct act__door *door, bool light) {
  act__atomic_init(&door->inside, 0);
  act__atomic_init(&door->knocked, 0);
  door->light = light;
}

// Owner. Steps in and looks whether a thief is there. True: nobody is.
static inline bool act__door_step_in(struct act__door *door) {
  if (__builtin_expect(door->light, 1)) {
    act__store_relaxed(&door->inside, 1);  // relaxed: the barrier pair orders it
#ifndef ACT_MUTANT_DOOR_OWNER_WITHOUT_BARRIER
    act__barrier_light();
#endif
    // acquire [door:knocked]: pairs with the release in close; what a thief did is seen.
    return act__load_acquire(&door->knocked) == 0;
  }
#ifdef ACT_MUTANT_DOOR_OWNER_RELEASE
  act__store_release(&door->inside, 1);
  return act__load_acquire(&door->knocked) == 0;
#else
  // seq_cst [door]: one order with the thief's write and read.
  act__store_seq_cst(&door->inside, 1);
  return act__load_seq_cst(&door->knocked) == 0;
#endif
}

static inline void act__door_leave(struct act__door *door) {
#ifdef ACT_MUTANT_DOOR_LEAVE_RELAXED
  act__store_relaxed(&door->inside, 0);
#else
  // release [door:inside]: pairs with the thief's reads in force.
  act__store_release(&door->inside, 0);
#endif
}

// Owner, when the step in met a thief.
__attribute__((cold)) static inline void act__door_wait(struct act__door *door) {
  do {
    act__door_leave(door);
    // relaxed: the step in reads it with acquire.
    for (int i = 0; act__load_relaxed(&door->knocked) != 0; i++) {
      if (i < ACT__DOOR_SPINS) {
        act__spin_pause();
      } else {
        act__thread_yield();
      }
    }
  } while (!act__door_step_in(door));
}

// Owner. Comes in; leaves by act__door_leave. Not twice at once.
static inline void act__door_enter(struct act__door *door) {
  if (__builtin_expect(!act__door_step_in(door), 0)) act__door_wait(door);
}

// Any other thread. True: it is in, and leaves by act__door_close. False: somebody else was, or wants
// to be, or the system could not help.
static inline bool act__door_force(struct act__door *door) {
  uint32_t nobody = 0;
  // seq_cst [door]: one order with the owner's write and read, and thieves shut each other out.
  if (!act__cas_strong_seq_cst(&door->knocked, &nobody, 1)) return false;
#ifdef ACT_MUTANT_DOOR_THIEF_TRUSTS_KNOCK
  return true;
#endif
  if (!door->light || act__barrier_heavy()) {
    for (int i = 0; i < ACT__DOOR_SPINS; i++) {
      // seq_cst [door]: as above; and what the owner did is seen.
      if (act__load_seq_cst(&door->inside) == 0) return true;
      act__spin_pause();
    }
  }
  act__store_release(&door->knocked, 0);  // release [door:knocked]: nothing was done
  return false;
}

static inline void act__door_close(struct act__door *door) {
  // release [door:knocked]: pairs with the owner's acquire in step_in and with the next thief's swap.
  act__store_release(&door->knocked, 0);
}

#endif
