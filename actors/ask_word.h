// SPDX-License-Identifier: Apache-2.0
//
// The word of an ask record: which ask it serves, whether that is open, and where its alarm is.
//
//   63..3 generation | 2 alarm MOVING | 1 alarm SET | 0 OPEN
//
// One idea: an ask that ends leaves its alarm where it is. The next ask that uses the record is due
// later, nearly always, so the alarm comes too early, looks at the word, and moves on: a record in
// steady use pays for one alarm in each timeout and not for one in each ask.
//
// Whoever swaps OPEN away ends the ask; all others find another generation and are late. The alarm's
// states say who may touch it:
//
//   neither  it is in no wheel. While the ask is closed, only who opens it next.
//   SET      it is in a wheel, or about to look. Who opens an ask may cancel it; else only it.
//   MOVING   it has come too early and is being armed again. Only who does that.
//
// The header is C and C++: tests/model/ask_model.cc compiles it over Relacy's atomics.
#ifndef TROUPE_ACTORS_ASK_WORD_H
#define TROUPE_ACTORS_ASK_WORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"

#define ACT__ASK_OPEN UINT64_C(1)
#define ACT__ASK_SET UINT64_C(2)
#define ACT__ASK_MOVING UINT64_C(4)
#define ACT__ASK_ALARM (ACT__ASK_SET | ACT__ASK_MOVING)
#define ACT__ASK_GEN_SHIFT 3

typedef ACT__ATOMIC(uint64_t) act__ask_word;

static inline uint32_t act__ask_word_gen(uint64_t word) {
  return (uint32_t)(word >> ACT__ASK_GEN_SHIFT);
}

// A closed word without an alarm. 0 is nobody's generation.
static inline uint64_t act__ask_word_closed(uint32_t gen) {
  return (uint64_t)gen << ACT__ASK_GEN_SHIFT;
}

// Closed, one generation on; the alarm as it was.
static inline uint64_t act__ask_word_next(uint64_t word) {
  uint32_t gen = act__ask_word_gen(word) + 1;
  return act__ask_word_closed(gen ? gen : 1) | (word & ACT__ASK_ALARM);
}

static inline bool act__ask_word_is_open(uint64_t word, uint32_t gen) {
  return (word & ~ACT__ASK_ALARM) == (act__ask_word_closed(gen) | ACT__ASK_OPEN);
}

// Ends the ask of that generation: true for exactly one caller. Any thread.
static inline bool act__ask_word_claim(act__ask_word *at, uint32_t gen) {
  uint64_t word = act__load_relaxed(at);  // relaxed: a guess, which the swap proves or replaces
  while (act__ask_word_is_open(word, gen)) {
#ifdef ACT_MUTANT_ASK_CLAIM_BY_STORE
    act__store_release(at, act__ask_word_next(word));
    return true;
#endif
    // acq_rel [ask:open]: pairs with the swaps that opened it: the winner sees the record as made.
    if (act__cas_weak_acq_rel(at, &word, act__ask_word_next(word))) return true;
  }
  return false;
}

// --- opening: by the one who has the closed record ---------------------------------------------------

// The word as it stands. act__ask_word_open decides from it.
static inline uint64_t act__ask_word_look(act__ask_word *at) {
  // acquire [ask:moved]: pairs with act__ask_word_moved and _unset: the alarm's fields as they left
  // them.
  return act__load_acquire(at);
}

// The alarm was cancelled by the caller while it was SET: it is in no wheel now.
static inline void act__ask_word_cancelled(act__ask_word *at, uint64_t *seen) {
  *seen &= ~ACT__ASK_SET;
  act__store_relaxed(at, *seen);  // relaxed: nobody else looks at a closed record without an alarm
}

// Opens it; from then on its alarm counts as SET. `seen` is closed and not MOVING. False: the alarm
// has looked meanwhile; *seen is what there is now.
static inline bool act__ask_word_open(act__ask_word *at, uint64_t *seen) {
  uint64_t open = *seen | ACT__ASK_OPEN | ACT__ASK_SET;
  if (!(*seen & ACT__ASK_SET)) {
    // release [ask:open]: pairs with claims. A store will do: only the alarm changes a closed word.
    act__store_release(at, open);
    return true;
  }
#ifdef ACT_MUTANT_ASK_OPEN_BY_STORE
  act__store_release(at, open);
  return true;
#endif
  // acq_rel [ask:open]: pairs with claims, and with the alarm's look: either it sees this ask, or we
  // see that it is gone.
  return act__cas_strong_acq_rel(at, seen, open);
}

// --- the alarm, which has just fired: the word is SET by it alone, or MOVING until its arming ends ------

// Nobody has opened it: the alarm is gone. False: *seen is what there is now.
static inline bool act__ask_word_unset(act__ask_word *at, uint64_t *seen) {
  // acq_rel [ask:moved]: pairs with the look of who opens it next and arms.
  return act__cas_strong_acq_rel(at, seen, *seen & ~ACT__ASK_SET);
}

// It is open and due: ends it; the alarm is gone. False: as above.
static inline bool act__ask_word_claim_due(act__ask_word *at, uint64_t *seen) {
  // acq_rel [ask:open]: as act__ask_word_claim.
  return act__cas_strong_acq_rel(at, seen, act__ask_word_next(*seen) & ~ACT__ASK_SET);
}

// It is open and not due yet: the caller arms the alarm again and says so. False: as above.
static inline bool act__ask_word_move(act__ask_word *at, uint64_t *seen) {
  return act__cas_strong_acq_rel(at, seen, *seen ^ ACT__ASK_ALARM);  // acq_rel [ask:moved]
}

static inline void act__ask_word_moved(act__ask_word *at) {
  // release [ask:moved]: pairs with act__ask_word_look. The ask may have ended meanwhile, so only
  // these two bits change.
  act__fetch_sub_release(at, ACT__ASK_MOVING - ACT__ASK_SET);
}

#endif
