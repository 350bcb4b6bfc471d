// SPDX-License-Identifier: Apache-2.0
//
// The mailbox: where envelopes wait for one actor, in two atomic words.
//
// The idea: a send is two steps that may lie apart. First it *reserves* room by one
// compare-and-swap on the admission word, which in the same stroke proves that the generation lives
// and is open; so the bound is exact with any number of senders. Then it *pushes* the envelope onto
// the inbox, a chain with the newest first, which the owner takes whole and turns round: take-all
// needs no protection against ABA (Treiber 1986; CAF's LIFO inbox works in this manner). A third
// word for "is somebody running it" is not needed: the inbox itself holds IDLE when the owner
// rests.
//
// Taking is a mere look. The newest envelope taken stays in the word, as the owner's *mark*: what is
// above it is new. So a turn changes the inbox once, when it rests, and not twice. The price is that
// the mark's memory must not come back while it stands there (invariant 5).
//
//   admission   63..40 generation | 39 closed | 38 parked | 37..16 units of 64 bytes | 15..0 messages
//   inbox       newest envelope, or 0 | bit 1 KNOCK | bit 0 IDLE
//
// Invariants
//   1. Every reservation ends exactly once: by push and, when its handler has returned, release; or
//      by cancel. messages and units never exceed the limits handed to reserve.
//   2. IDLE stands alone: a word with IDLE holds no envelope and no KNOCK, and nobody owns the
//      mailbox. Whoever replaces IDLE (push, knock or claim answers true) must make the owner runnable.
//      From then until `rest` answers true there is one owner.
//   3. Notices are pushed without a reservation; their owner counts them (DESIGN: reserved nodes).
//   4. PARKED means that somebody waits for room (actors/park.h). No reserve succeeds while it is
//      set, so what is given back is there for those who wait. Because it stands in the word that
//      room is given back to, one of two holds: who gives room back finds PARKED and looks after
//      those who wait (the owner at the latest when it has nothing more to do), or who sets PARKED
//      finds that room. No room is given back unseen.
//   5. The mark is pushed nowhere, and its block not freed, before the word has been changed from it:
//      by a rest that succeeds, by a clear, or by a take that gives another mark. (A block that came
//      back and were pushed again would look like the mark with nothing above it, and be lost.)
//
// Who may do what, and beside whom. "Owner" is whoever runs the actor's turn, one at a time; the
// role passes from `rest` (or a run queue) to the next through the inbox word.
//
//   call            from                         at the same time as
//   --------------- ---------------------------- ----------------------------------------------
//   init            maker of the slot            nothing: the slot is not published
//   reserve, *_many any thread, any generation   everything but init
//   push            holder of a reservation or   everything but init and retire (the reservation
//                   of a notice record           or the record keeps the owner from retiring)
//   cancel          holder of a reservation, or  as push
//                   who gives room back for the
//                   owner (credit that came home)
//   park, hand_over,  under the lock that guards everything but init
//   unpark          those who wait (park.c)
//   knock, claim    any thread                   everything but init; a knock may hit a later
//                                                generation, so a knock alone means nothing:
//                                                look at the signals that it points to
//   take, clear,    owner                        everything but init, take, clear, rest, retire
//     rest
//   release         owner                        as cancel
//   close, reopen   owner                        as take
//   open            who holds a retired or new   reserve and knock
//                   slot, alone
//   retire          owner                        reserve and knock
//   messages ...    any thread                   everything; a snapshot
//
// Life of a slot
//
//   init_closed ──open────> open ──close──> closing ──retire──> closed, next generation ──open──>
//   init ─────────────────────^               │
//                             └────reopen─────┘   (a restart: same generation)
//
// After close no reservation succeeds, so the counts only fall. Each reservation made before ends
// in a push, which wakes the owner, or in a cancel, which knocks when it was the last. The owner
// may rest while it waits, and retires once `act__mailbox_messages` is 0, its notices are back and
// its private queue is empty. A sender that still holds the old generation finds another one: DEAD.
// It can never land in the next one, because generation and room are judged by the same swap. From
// retire to open the inbox stays without IDLE, so that late knocks wake nobody. A sender whose
// push answered false touches nothing of the slot afterwards: it may be gone.
//
// The header is C and C++: the model tests (tests/model) compile it over Relacy's atomics.
#ifndef TROUPE_MAILBOX_MAILBOX_H
#define TROUPE_MAILBOX_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/atomic.h"

#ifdef ACT_MODEL
#include "tests/model/model_env.h"
#else
#include "base/check.h"
#include "mailbox/envelope.h"
#endif

// The most that one mailbox can be asked to hold, by the width of its counters.
#define ACT__MAILBOX_MESSAGES_MAX 65535u
#define ACT__MAILBOX_UNITS_MAX 4194303u  // of ACT__UNIT_BYTES: just under 256 MiB

// Generations are 1 .. this. 0 is nobody's: a slot whose generations are used up shows it for ever.
#define ACT__MAILBOX_GENERATION_MAX 16777215u

#define ACT__MAILBOX_UNITS_SHIFT 16
#define ACT__MAILBOX_GENERATION_SHIFT 40
#define ACT__MAILBOX_CLOSED (UINT64_C(1) << 39)
#define ACT__MAILBOX_PARKED (UINT64_C(1) << 38)

#define ACT__MAILBOX_IDLE ((uintptr_t)1)
#define ACT__MAILBOX_KNOCK ((uintptr_t)2)
#define ACT__MAILBOX_FLAGS ((uintptr_t)3)

struct act__mailbox {
  ACT__ATOMIC(uint64_t) admission;
  ACT__ATOMIC(uintptr_t) inbox;
};

enum act__admit {
  ACT__ADMIT_OK,      // reserved: push or cancel must follow
  ACT__ADMIT_FULL,    // no room now (or never, if one message is larger than units_max)
  ACT__ADMIT_DEAD,    // another generation: that actor is gone
  ACT__ADMIT_CLOSED,  // this generation, but it takes nothing now (stopping, or being restarted)
};

static inline uint32_t act__admission_messages(uint64_t word) {
  return (uint32_t)(word & ACT__MAILBOX_MESSAGES_MAX);
}

static inline uint32_t act__admission_units(uint64_t word) {
  return (uint32_t)(word >> ACT__MAILBOX_UNITS_SHIFT) & ACT__MAILBOX_UNITS_MAX;
}

static inline uint32_t act__admission_generation(uint64_t word) {
  return (uint32_t)(word >> ACT__MAILBOX_GENERATION_SHIFT);
}

static inline uint64_t act__admission_amount(uint32_t messages, uint32_t units) {
  return ((uint64_t)units << ACT__MAILBOX_UNITS_SHIFT) | messages;
}

// Makes an open, empty mailbox of that generation (1 .. ACT__MAILBOX_GENERATION_MAX). It is not
// idle: the caller is its owner, and whoever pushes before the first `rest` wakes nobody.
static inline void act__mailbox_init(struct act__mailbox *m, uint32_t generation) {
  ACT_ASSERT(generation >= 1 && generation <= ACT__MAILBOX_GENERATION_MAX);
  act__atomic_init(&m->admission, (uint64_t)generation << ACT__MAILBOX_GENERATION_SHIFT);
  act__atomic_init(&m->inbox, (uintptr_t)0);
}

// The same, closed: for slots that nobody uses yet, so that a guessed address finds no way in.
static inline void act__mailbox_init_closed(struct act__mailbox *m, uint32_t generation) {
  ACT_ASSERT(generation >= 1 && generation <= ACT__MAILBOX_GENERATION_MAX);
  act__atomic_init(&m->admission,
                   ((uint64_t)generation << ACT__MAILBOX_GENERATION_SHIFT) | ACT__MAILBOX_CLOSED);
  act__atomic_init(&m->inbox, (uintptr_t)0);
}

// Reserves room for `messages` messages that together weigh `units`, or says why not; all or
// nothing. Any thread; never blocks. The limits are the slot's own, at most
// ACT__MAILBOX_MESSAGES_MAX and ACT__MAILBOX_UNITS_MAX; they are read before the generation is
// proven, so the caller keeps them where a later generation's owner may rewrite them (atomic,
// relaxed): the swap refuses if they belonged to another one.
// Gives, with OK, a reservation that the caller ends by push or cancel, one message at a time.
static inline enum act__admit act__mailbox_reserve_many(struct act__mailbox *m, uint32_t generation,
                                                        uint32_t messages, uint32_t units,
                                                        uint32_t messages_max, uint32_t units_max) {
  // Relaxed: a guess, which the swap below proves or replaces.
  uint64_t word = act__load_relaxed(&m->admission);
  for (;;) {
#ifdef ACT_MUTANT_MAILBOX_NO_GENERATION
    (void)generation;
#else
    if (act__admission_generation(word) != generation) return ACT__ADMIT_DEAD;
#endif
    if (word & (ACT__MAILBOX_CLOSED | ACT__MAILBOX_PARKED)) {
      return word & ACT__MAILBOX_CLOSED ? ACT__ADMIT_CLOSED : ACT__ADMIT_FULL;
    }
    if ((uint64_t)act__admission_messages(word) + messages > messages_max ||
        (uint64_t)act__admission_units(word) + units > units_max) {
      return ACT__ADMIT_FULL;
    }
#ifdef ACT_MUTANT_MAILBOX_RESERVE_BY_ADD
    act__fetch_add_acq_rel(&m->admission, act__admission_amount(messages, units));
    return ACT__ADMIT_OK;
#endif
    // acquire [birth]: pairs with reopen. An address may have come by a way that orders nothing
    // here (over a wire and back), yet its holder now reads the slot as its owner prepared it.
    // acquire [room]: pairs with release. Who gets the room sees what the handler did before.
    if (act__cas_weak_acquire(&m->admission, &word,
                              word + act__admission_amount(messages, units))) {
      return ACT__ADMIT_OK;
    }
  }
}

// Would act__mailbox_reserve_many say FULL at this moment? Any thread. Its conditions once more: as one
// function for both the compiler made each send two nanoseconds longer.
static inline bool act__mailbox_is_full(struct act__mailbox *m, uint32_t generation,
                                        uint32_t messages, uint32_t units, uint32_t messages_max,
                                        uint32_t units_max) {
  // acquire [judged]: what the caller reads next is no older than this answer.
  uint64_t word = act__load_acquire(&m->admission);
  if (act__admission_generation(word) != generation || (word & ACT__MAILBOX_CLOSED)) return false;
  return (word & ACT__MAILBOX_PARKED) ||
         (uint64_t)act__admission_messages(word) + messages > messages_max ||
         (uint64_t)act__admission_units(word) + units > units_max;
}

// Reserves room for one message of `units`. See act__mailbox_reserve_many.
static inline enum act__admit act__mailbox_reserve(struct act__mailbox *m, uint32_t generation,
                                                   uint32_t units, uint32_t messages_max,
                                                   uint32_t units_max) {
  return act__mailbox_reserve_many(m, generation, 1, units, messages_max, units_max);
}

// Reserves room for one message, or else (FULL) notes that somebody waits for it: PARKED is set then.
// Under the lock that guards those who wait. Any thread.
static inline enum act__admit act__mailbox_park(struct act__mailbox *m, uint32_t generation,
                                                uint32_t units, uint32_t messages_max,
                                                uint32_t units_max) {
  // Relaxed: a guess, which the swap below proves or replaces.
  uint64_t word = act__load_relaxed(&m->admission);
  for (;;) {
    if (act__admission_generation(word) != generation) return ACT__ADMIT_DEAD;
    if (word & ACT__MAILBOX_CLOSED) return ACT__ADMIT_CLOSED;
    bool fits = !(word & ACT__MAILBOX_PARKED) && act__admission_messages(word) < messages_max &&
                (uint64_t)act__admission_units(word) + units <= units_max;
    uint64_t wanted = fits ? word + act__admission_amount(1, units) : word | ACT__MAILBOX_PARKED;
#ifdef ACT_MUTANT_PARK_TRUSTS_LOAD
    if (wanted == word) return ACT__ADMIT_FULL;
    if (!fits) {
      act__fetch_add_relaxed(&m->admission, ACT__MAILBOX_PARKED);
      return ACT__ADMIT_FULL;
    }
#endif
    // Swaps even if PARKED is there already, so that "no room" is true at that point of the word's
    // history and not only of an old value. acquire [birth], [room]: as reserve.
    if (act__cas_weak_acquire(&m->admission, &word, wanted)) {
      return fits ? ACT__ADMIT_OK : ACT__ADMIT_FULL;
    }
  }
}

// Reserves room for one message of somebody who waits: PARKED does not stop it. OK, FULL (whoever
// gives room back next finds PARKED), CLOSED or DEAD. Under the lock that guards those who wait.
static inline enum act__admit act__mailbox_hand_over(struct act__mailbox *m, uint32_t generation,
                                                     uint32_t units, uint32_t messages_max,
                                                     uint32_t units_max) {
  // Relaxed: a guess, which the swap below proves or replaces. It is not older than the change that
  // brought the caller here, for that was on this word, by this thread or before it took the lock.
  uint64_t word = act__load_relaxed(&m->admission);
  for (;;) {
    if (act__admission_generation(word) != generation) return ACT__ADMIT_DEAD;
    if (word & ACT__MAILBOX_CLOSED) return ACT__ADMIT_CLOSED;
    if (act__admission_messages(word) >= messages_max ||
        (uint64_t)act__admission_units(word) + units > units_max) {
      return ACT__ADMIT_FULL;
    }
    // acquire [birth], [room]: as reserve.
    if (act__cas_weak_acquire(&m->admission, &word, word + act__admission_amount(1, units))) {
      return ACT__ADMIT_OK;
    }
  }
}

// Nobody waits any more. Under the lock that guards those who wait. Harmless twice.
static inline void act__mailbox_unpark(struct act__mailbox *m) {
  // release [handed]: pairs with the acquire in reserve. Who gets in from here on pushes behind the
  // messages that were handed over.
  act__fetch_and_acq_rel(&m->admission, ~ACT__MAILBOX_PARKED);
}

// Gives room back, for messages that were taken and whose handler has returned; batched as the
// owner likes, at the end of the turn at the latest. True: somebody waits for it, and the caller
// must look after them (act__park_serve), at the latest before it rests.
static inline bool act__mailbox_release(struct act__mailbox *m, uint32_t messages, uint32_t units) {
  // release [room]: pairs with reserve.
  uint64_t word = act__fetch_sub_release(&m->admission, act__admission_amount(messages, units));
  ACT_ASSERT(act__admission_messages(word) >= messages && act__admission_units(word) >= units);
#ifdef ACT_MUTANT_PARK_RELEASE_SILENT
  return false;
#endif
  return (word & ACT__MAILBOX_PARKED) != 0;
}

// Makes the owner look: sets KNOCK. Any thread; never blocks. The caller has put down before what
// the owner shall see. True: it was idle, and the caller must make the owner runnable.
static inline bool act__mailbox_knock(struct act__mailbox *m) {
  // Relaxed: a guess, which the swap below proves or replaces.
  uintptr_t word = act__load_relaxed(&m->inbox);
#ifdef ACT_MUTANT_MAILBOX_KNOCK_TRUSTS_LOAD
  if (word & ACT__MAILBOX_KNOCK) return false;
#endif
  for (;;) {
    uintptr_t knocked = (word & ~ACT__MAILBOX_IDLE) | ACT__MAILBOX_KNOCK;
    // Swaps even if KNOCK is there already. Leaving at the sight of it would trust a load that may
    // be old: the owner may have taken that knock, and looked, before our signal was put down.
    // release [knock]: pairs with take, which then sees the signal.
    // acquire [rest]: pairs with rest, when this is the one that ends the idleness.
    if (act__cas_weak_acq_rel(&m->inbox, &word, knocked)) return (word & ACT__MAILBOX_IDLE) != 0;
  }
}

// Ends the idleness, if it is idle: true, and the caller is the owner, in the place of who would have
// run it. False: somebody is, or will be. Any thread, as knock.
static inline bool act__mailbox_claim(struct act__mailbox *m) {
  uintptr_t idle = ACT__MAILBOX_IDLE;
#ifdef ACT_MUTANT_MAILBOX_CLAIM_RELAXED
  return act__cas_strong_relaxed(&m->inbox, &idle, (uintptr_t)0);
#endif
  // acquire [rest]: pairs with rest, as in knock.
  return act__cas_strong_acq_rel(&m->inbox, &idle, (uintptr_t)0);
}

// Gives back a reservation that will not end in a push (or, from a thread that is not the owner,
// room whose message is done with elsewhere). Any thread. True: the mailbox is closed, this was the
// last reservation, the owner was idle: the caller must make it runnable, for it waits for that.
// Afterwards the caller asks act__mailbox_is_parked: somebody may wait for this room.
static inline bool act__mailbox_cancel(struct act__mailbox *m, uint32_t messages, uint32_t units) {
  // release [last]: pairs with retire. What the holder read in the slot, it read before.
  uint64_t word = act__fetch_sub_release(&m->admission, act__admission_amount(messages, units));
  ACT_ASSERT(act__admission_messages(word) >= messages && act__admission_units(word) >= units);
  if (!(word & ACT__MAILBOX_CLOSED) || act__admission_messages(word) != messages) return false;
#ifdef ACT_MUTANT_MAILBOX_CANCEL_SILENT
  return false;
#endif
  // The slot may be retired between the two steps; then this wakes whoever lives there for nothing.
  return act__mailbox_knock(m);
}

// Links a chain of envelopes in, linked by `next` from the newest to the oldest, as act__mailbox_push
// would one by one.
static inline bool act__mailbox_push_chain(struct act__mailbox *m, struct act__env *env,
                                           struct act__env *oldest) {
  // Relaxed: a guess, which the swap below proves or replaces.
  uintptr_t word = act__load_relaxed(&m->inbox);
  for (;;) {
    act__plain_write(oldest->next, (struct act__env *)(word & ~ACT__MAILBOX_FLAGS));
#ifdef ACT_MUTANT_MAILBOX_PUSH_DROPS_KNOCK
    uintptr_t newest = (uintptr_t)env;
#else
    uintptr_t newest = (uintptr_t)env | (word & ACT__MAILBOX_KNOCK);
#endif
#if defined ACT_MUTANT_MAILBOX_PUSH_RELAXED
    bool swapped = act__cas_weak_relaxed(&m->inbox, &word, newest);
#elif defined ACT_MUTANT_MAILBOX_PUSH_RELEASE
    bool swapped = act__cas_weak_release(&m->inbox, &word, newest);
#else
    // release [envelope]: pairs with take, which then sees header and payload.
    // acquire [rest]: pairs with rest. Who ends the idleness may run the actor at once, and then
    // sees all that its last runner did, also before it takes anything.
    bool swapped = act__cas_weak_acq_rel(&m->inbox, &word, newest);
#endif
    if (swapped) return (word & ACT__MAILBOX_IDLE) != 0;
  }
}

// Links an envelope in. Takes it: from here it is the owner's. The caller holds a reservation for
// it, or it is a notice. True: it was idle, and the caller must make the owner runnable.
static inline bool act__mailbox_push(struct act__mailbox *m, struct act__env *env) {
  return act__mailbox_push_chain(m, env, env);
}

// Turns the chain from `newest` down to `end`, which stays out of it, into one with the oldest first.
static inline struct act__env *act__mailbox_oldest_first(struct act__env *newest,
                                                         const struct act__env *end) {
#ifdef ACT_MUTANT_MAILBOX_NEWEST_FIRST
  (void)end;
  return newest;
#endif
  struct act__env *oldest = NULL;
  while (newest != end) {
    struct act__env *before = act__plain_read(newest->next);
    act__plain_write(newest->next, oldest);
    oldest = newest;
    newest = before;
  }
  return oldest;
}

// Takes everything that has come since *mark (NULL: since the last clear or rest), oldest first,
// linked by `next`, and moves *mark to the newest of it; NULL: nothing seen (`rest` is who decides
// that there is nothing). *knocked is set to whether somebody knocked. Owner only. Gives the
// envelopes, of which the new mark is bound by invariant 5; the old one is free of it.
static inline struct act__env *act__mailbox_take(struct act__mailbox *m, struct act__env **mark,
                                                 bool *knocked) {
#ifdef ACT_MUTANT_MAILBOX_TAKE_RELAXED
  uintptr_t word = act__load_relaxed(&m->inbox);
#else
  // acquire [envelope] [knock]: pairs with push and knock; all of them, since each swap in between
  // carries on the release of the one before. If it is old, rest fails and the owner comes back.
  uintptr_t word = act__load_acquire(&m->inbox);
#endif
  ACT_ASSERT(!(word & ACT__MAILBOX_IDLE));
  *knocked = (word & ACT__MAILBOX_KNOCK) != 0;
  // acquire [envelope] [knock]: as above; there may be more by now.
  if (*knocked) word = act__fetch_and_acq_rel(&m->inbox, ~ACT__MAILBOX_KNOCK);
  struct act__env *newest = (struct act__env *)(word & ~ACT__MAILBOX_FLAGS);
  if (newest == *mark) return NULL;
  struct act__env *taken = act__mailbox_oldest_first(newest, *mark);
  *mark = newest;
  return taken;
}

// The same, and leaves nothing in the inbox: there is no mark afterwards.
static inline struct act__env *act__mailbox_clear(struct act__mailbox *m, struct act__env **mark,
                                                  bool *knocked) {
  *knocked = false;
  // Relaxed: a look that saves the exchange; if it is old, rest fails and the owner comes back.
  if (act__load_relaxed(&m->inbox) == 0) return NULL;
  // acquire [envelope] [knock]: as take.
  uintptr_t word = act__exchange_acquire(&m->inbox, (uintptr_t)0);
  ACT_ASSERT(!(word & ACT__MAILBOX_IDLE));
  *knocked = (word & ACT__MAILBOX_KNOCK) != 0;
  struct act__env *taken =
      act__mailbox_oldest_first((struct act__env *)(word & ~ACT__MAILBOX_FLAGS), *mark);
  *mark = NULL;
  return taken;
}

// Lets go of the mailbox. True: it is idle, and the caller no longer its owner: it must not touch
// the actor again; the mark is the caller's to free. False: something has come; go on. Owner only,
// with nothing left to do and the mark handled.
static inline bool act__mailbox_rest(struct act__mailbox *m, struct act__env *mark) {
#ifdef ACT_MUTANT_MAILBOX_REST_BY_STORE
  if (act__load_relaxed(&m->inbox) != (uintptr_t)mark) return false;
  act__store_release(&m->inbox, ACT__MAILBOX_IDLE);
  return true;
#else
  uintptr_t seen = (uintptr_t)mark;
  // release [rest]: pairs with push and knock: the next owner sees all that this one did. The swap
  // fails if anything came, so nothing can come unseen. (Its acquire is not used: take has one.)
  return act__cas_strong_acq_rel(&m->inbox, &seen, ACT__MAILBOX_IDLE);
#endif
}

// No reservation succeeds afterwards. Owner only; harmless twice.
static inline void act__mailbox_close(struct act__mailbox *m) {
  // Relaxed: nothing rides on it but the word itself, and that has one order of changes.
  act__fetch_or_relaxed(&m->admission, ACT__MAILBOX_CLOSED);
}

// Opens for the generation that the word holds. Owner only. What senders may read in the slot is
// written before.
static inline void act__mailbox_reopen(struct act__mailbox *m) {
#ifdef ACT_MUTANT_MAILBOX_REOPEN_RELAXED
  act__fetch_sub_relaxed(&m->admission, ACT__MAILBOX_CLOSED);
#else
  // release [birth]: pairs with reserve.
  uint64_t word = act__fetch_and_acq_rel(&m->admission, ~ACT__MAILBOX_CLOSED);
  ACT_ASSERT(word & ACT__MAILBOX_CLOSED);
  ACT_ASSERT(act__admission_generation(word) != 0);
  (void)word;
#endif
}

// The same for a slot that is new or was retired: nobody else changes its word, so no swap is needed.
static inline void act__mailbox_open(struct act__mailbox *m) {
  // Relaxed: the caller's own, or from whoever retired it.
  uint64_t word = act__load_relaxed(&m->admission);
  ACT_ASSERT(act__admission_generation(word) != 0 && act__admission_messages(word) == 0);
  ACT_ASSERT(word & ACT__MAILBOX_CLOSED);
#ifdef ACT_MUTANT_MAILBOX_REOPEN_RELAXED
  act__store_relaxed(&m->admission, word & ~ACT__MAILBOX_CLOSED);
#else
  // release [birth]: pairs with reserve.
  act__store_release(&m->admission, word & ~ACT__MAILBOX_CLOSED);
#endif
}

// Ends the generation: every address of it is dead from now on. Owner only, once closed, with no
// message reserved and nothing in the inbox (cleared). False: the generations of this slot are used up; it
// must never be reopened.
static inline bool act__mailbox_retire(struct act__mailbox *m) {
  // Relaxed: envelopes here would be a mistake, a late knock is none.
  ACT_ASSERT((act__load_relaxed(&m->inbox) & ~ACT__MAILBOX_KNOCK) == 0);
  // Only the owner changes a closed word with counts of zero.
#ifdef ACT_MUTANT_MAILBOX_RETIRE_RELAXED
  uint64_t word = act__load_relaxed(&m->admission);
#else
  // acquire [last]: pairs with cancel. The slot is prepared anew only after the last who read it.
  uint64_t word = act__load_acquire(&m->admission);
#endif
  uint32_t generation = act__admission_generation(word);
  uint32_t next = generation == ACT__MAILBOX_GENERATION_MAX ? 0 : generation + 1;
  ACT_ASSERT(generation != 0);
  ACT_ASSERT(word ==
             (((uint64_t)generation << ACT__MAILBOX_GENERATION_SHIFT) | ACT__MAILBOX_CLOSED));
  // Relaxed: nothing rides on it; who opens the slot releases what it holds then.
  act__store_relaxed(&m->admission,
                     ((uint64_t)next << ACT__MAILBOX_GENERATION_SHIFT) | ACT__MAILBOX_CLOSED);
  return next != 0;
}

// Snapshots; any thread. Only the owner of a closed mailbox can conclude something from a zero.
// Relaxed: for that owner its own close is before, and retire acquires.
static inline uint32_t act__mailbox_messages(struct act__mailbox *m) {
  return act__admission_messages(act__load_relaxed(&m->admission));
}

static inline uint32_t act__mailbox_units(struct act__mailbox *m) {
  return act__admission_units(act__load_relaxed(&m->admission));
}

static inline bool act__mailbox_is_closed(struct act__mailbox *m) {
  return (act__load_relaxed(&m->admission) & ACT__MAILBOX_CLOSED) != 0;
}

// Does somebody wait for room? After a cancel of the caller's the answer is no older than that.
static inline bool act__mailbox_is_parked(struct act__mailbox *m) {
  return (act__load_relaxed(&m->admission) & ACT__MAILBOX_PARKED) != 0;
}

static inline uint32_t act__mailbox_generation(struct act__mailbox *m) {
  return act__admission_generation(act__load_relaxed(&m->admission));
}

#endif
