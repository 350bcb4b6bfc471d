// SPDX-License-Identifier: Apache-2.0
//
// How many live here, against a bound that is exact, without a word that every worker writes at each
// birth and each end: two workers that wrote one cost each other more than the rest of a short life.
//
// A worker has free places at hand. It takes and gives back ACT__CENSUS_BATCH at a time; the common
// word counts all that are lived in or at hand. Who finds none left there takes the places out of all
// hands before it is refused.
//
// Why a refusal is right. Strict means that nobody keeps a place at hand. Who is about to be refused
// sets it, and then empties every hand. A place that is put there later: its addition comes after the
// emptying, so it has acquired `strict`, and the place goes on to the common word before that end is
// over. Places between a hand and the common word are in neither, so their worker marks its hand as
// moving meanwhile, and who empties it waits for that. So if the common word is full when all hands
// have been emptied, and strict still stands after that, then no place was free in that moment. Hands
// are filled again when so much is free that nobody is near a refusal.
//
// Whether nobody lives here any more is known only after act__census_close.
//
// C and C++, as mailbox/mailbox.h.
#ifndef TROUPE_ACTORS_CENSUS_H
#define TROUPE_ACTORS_CENSUS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"

#ifndef ACT_MODEL
#include "base/thread.h"

#define ACT__CENSUS_BATCH 32u
#endif

#define ACT__CENSUS_TIGHT 1u   // somebody was about to be refused
#define ACT__CENSUS_CLOSED 2u  // for good: zero is to be seen

#define ACT__HAND_MOVING UINT32_C(0x80000000)
#define ACT__LINE 64u  // bytes of a cache line

struct act__hand {
  ACT__ATOMIC(uint32_t) places;  // free ones, | MOVING. Only its worker adds
  char pad[ACT__LINE - sizeof(uint32_t)];
};

struct act__census {
  ACT__ATOMIC(uint64_t) taken;   // places that are lived in or at hand
  char pad[ACT__LINE - sizeof(uint64_t)];
  ACT__ATOMIC(uint32_t) strict;  // not 0: no hands. The bits above
  uint32_t max;                  // immutable, as the following
  uint32_t count;
  struct act__hand *hands;
};

// Borrows one hand for each worker.
static inline void act__census_init(struct act__census *c, uint32_t max, struct act__hand *hands,
                                    uint32_t count) {
  act__atomic_init(&c->taken, 0);
  act__atomic_init(&c->strict, 0);
  c->max = max;
  c->hands = hands;
  c->count = count;
  for (uint32_t i = 0; i < count; i++) act__atomic_init(&hands[i].places, 0);
}

// --- the common word -----------------------------------------------------------------------------

// How many of `most` places were free.
static inline uint32_t act__census_take(struct act__census *c, uint32_t most) {
  uint64_t taken = act__load_relaxed(&c->taken);  // relaxed: only the first guess of the loop
  while (taken < c->max) {
    uint64_t left = c->max - taken;
    uint32_t places = left < most ? (uint32_t)left : most;
    // relaxed: a number. Who brings it to zero looks in another order.
    if (act__cas_strong_relaxed(&c->taken, &taken, taken + places)) return places;
  }
  return 0;
}

// True: this has brought the number to zero.
static inline bool act__census_give(struct act__census *c, uint32_t places) {
  // seq_cst [emptying]: see act__system_emptied.
  return places > 0 && act__fetch_sub_seq_cst(&c->taken, places) == places;
}

// --- a hand, by its worker -----------------------------------------------------------------------

// Takes places to the hand, which is empty, but for one. False: there was none.
static inline bool act__hand_fill(struct act__census *c, struct act__hand *hand) {
  // acq_rel [hand]: after it was emptied by who had set `strict`, that is seen.
  act__fetch_add_acq_rel(&hand->places, ACT__HAND_MOVING);
  // relaxed: ordered by the addition. Who sets it later empties the hand later.
  uint32_t places = act__census_take(c, act__load_relaxed(&c->strict) ? 1 : ACT__CENSUS_BATCH);
  act__fetch_add_acq_rel(&hand->places, (places ? places - 1 : 0) - ACT__HAND_MOVING);
  return places > 0;
}

// Gives `most` of its places back. True as act__census_give.
static inline bool act__hand_drain(struct act__census *c, struct act__hand *hand, uint32_t most) {
  uint32_t held = act__load_relaxed(&hand->places);  // relaxed: only the first guess of the loop
#ifndef ACT_MUTANT_CENSUS_MOVING_UNMARKED
  const uint32_t mark = ACT__HAND_MOVING;
#else
  const uint32_t mark = 0;
#endif
  while (held > 0) {
    uint32_t places = held < most ? held : most;
    if (!act__cas_strong_acq_rel(&hand->places, &held, (held - places) | mark)) continue;
    bool last = act__census_give(c, places);
    // acq_rel [hand]: who waits for this reads the common word after it.
    act__fetch_add_acq_rel(&hand->places, 0u - mark);
    return last;
  }
  return false;
}

// By who is strict, any thread: how many places were there.
static inline uint32_t act__hand_empty(struct act__hand *hand) {
  uint32_t held = act__load_relaxed(&hand->places);  // relaxed: only the first guess of the loop
  for (;;) {
    if (held & ACT__HAND_MOVING) {
      act__thread_yield();
      held = act__load_relaxed(&hand->places);  // relaxed: as above
    } else if (act__cas_strong_acq_rel(&hand->places, &held, 0u)) {
      // acq_rel [hand]: pairs with every addition, those before it and those after it.
      return held;
    }
  }
}

// --- coming and going ----------------------------------------------------------------------------

// One more. `hand` is the calling worker's, NULL for any other thread. False: there may be none; ask
// act__census_enter_last.
static inline bool act__census_enter(struct act__census *c, struct act__hand *hand) {
  if (!hand) return act__census_take(c, 1) > 0;
  uint32_t held = act__load_relaxed(&hand->places);  // relaxed: only the first guess of the loop
  while (held > 0) {
    // acq_rel [hand]: who finds it empty after this sees what this worker gave back before.
    if (act__cas_strong_acq_rel(&hand->places, &held, held - 1)) return true;
  }
  return act__hand_fill(c, hand);
}

// The same after it was false; one thread at a time, so under a lock. False: there is none.
static inline bool act__census_enter_last(struct act__census *c) {
  do {
    act__fetch_or_acq_rel(&c->strict, ACT__CENSUS_TIGHT);  // acq_rel [hand]: before they are emptied
    uint32_t places = 0;
#ifndef ACT_MUTANT_CENSUS_HANDS_UNASKED
    for (uint32_t i = 0; i < c->count; i++) places += act__hand_empty(&c->hands[i]);
#endif
    if (places > 1) (void)act__census_give(c, places - 1);
    if (places > 0 || act__census_take(c, 1) > 0) return true;
    // acquire [tight]: pairs with the swap in leave; hands may have been filled since.
  } while (!act__load_acquire(&c->strict));
  return false;
}

// Nobody is near a refusal: hands may be filled again.
static inline void act__census_loosen(struct act__census *c) {
  uint64_t slack = (uint64_t)c->count * 4 * ACT__CENSUS_BATCH;  // twice what all may have at hand
  uint32_t tight = ACT__CENSUS_TIGHT;
  // relaxed: a number that moves.
  if (act__load_relaxed(&c->taken) + slack >= c->max) return;
  // acq_rel [tight]: pairs with the load in enter_last.
  (void)act__cas_strong_acq_rel(&c->strict, &tight, 0u);
}

// One less; `hand` as above. True: nobody lives here any more; once the census is closed this is said,
// and once.
static inline bool act__census_leave(struct act__census *c, struct act__hand *hand) {
  uint32_t strict = act__load_relaxed(&c->strict);  // relaxed: looked at again below
  if (strict || !hand) {
    bool last = act__census_give(c, 1);
    if (strict == ACT__CENSUS_TIGHT) act__census_loosen(c);
    return last;
  }
  // acq_rel [hand]: after it was emptied by who had set `strict`, that is seen.
  uint32_t held = act__fetch_add_acq_rel(&hand->places, 1) + 1;
#ifndef ACT_MUTANT_CENSUS_HANDS_KEEP
  // relaxed: ordered by the addition.
  if (act__load_relaxed(&c->strict)) return act__hand_drain(c, hand, held);
#endif
  if (held > 2 * ACT__CENSUS_BATCH) return act__hand_drain(c, hand, ACT__CENSUS_BATCH);
  return false;
}

// From now on who brings the number to zero is told. The caller knows somebody who lives here.
static inline void act__census_close(struct act__census *c) {
  act__fetch_or_acq_rel(&c->strict, ACT__CENSUS_CLOSED);  // acq_rel [hand]: as in enter_last
  for (uint32_t i = 0; i < c->count; i++) (void)act__census_give(c, act__hand_empty(&c->hands[i]));
}

// How many live here; approximate while they come and go.
static inline uint64_t act__census_alive(struct act__census *c) {
  uint64_t alive = act__load_relaxed(&c->taken), held = 0;  // relaxed, both: numbers for people
  for (uint32_t i = 0; i < c->count; i++) {
    held += act__load_relaxed(&c->hands[i].places) & ~ACT__HAND_MOVING;
  }
  return alive > held ? alive - held : 0;
}

#endif
