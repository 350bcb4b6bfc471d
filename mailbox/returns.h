// SPDX-License-Identifier: Apache-2.0
//
// Room on its way back to a mailbox.
//
// Giving room back at the end of a turn by a swap on the admission word costs a locked operation in
// each turn, and nearly always nobody waits for that room. So the owner only writes down how much it
// has given back, in a word that nobody else writes, and whoever finds the mailbox full takes what was
// written down out of the admission word first. Each looks for itself:
//
//   owner                               a sender that was refused, under the lock
//   handle messages;                    do r = reserve; while (r is FULL and act__returns_take);
//   act__returns_give(how many);        FULL now means full
//
// Why the bound stays exact, with U the messages that wait or are in hand, A the admission word's
// count, G given and T taken: U = A - (G - T), and T <= G.
//   - Never more: a reservation proves A < max, and U <= A.
//   - Never fewer: under the lock the reserve reads A >= max, then the take reads G, finds G = T and
//     gives up. T is the lock's, G only grows, so G = T held when A was read, and U was A.
//   - Without the lock likewise, for those who are refused again and again: read T, then A, then G. If
//     A >= max and G = T, nothing was given or taken in between, and U was A. (Unless 2^16 messages, to
//     the one, were handled between two of its loads; then that refusal came too late to be exact.)
//
// Counts are of messages that weigh one unit each, modulo 2^16: G - T is at most
// ACT__MAILBOX_MESSAGES_MAX. Everything else (larger messages, closed mailboxes, mailboxes that park, whose
// waiting senders must learn of room at once) goes through act__mailbox_release. Both may be mixed.
//
// C and C++, as mailbox.h.
#ifndef TROUPE_MAILBOX_RETURNS_H
#define TROUPE_MAILBOX_RETURNS_H

#include "mailbox/mailbox.h"

struct act__returns {
  ACT__ATOMIC(uint16_t) given;  // ever; only the mailbox's owner writes
  ACT__ATOMIC(uint16_t) taken;  // of these, out of the admission word; written under the lock
};

static inline void act__returns_init(struct act__returns *r) {
  act__atomic_init(&r->given, 0);
  act__atomic_init(&r->taken, 0);
}

// Gives back the room of messages that were taken and whose handlers have returned. Owner only.
static inline void act__returns_give(struct act__returns *r, uint32_t messages) {
  // relaxed: only the owner writes.
  uint16_t given = act__load_relaxed(&r->given);
#ifdef ACT_MUTANT_RETURNS_GIVE_RELAXED
  act__store_relaxed(&r->given, (uint16_t)(given + messages));
#else
  // release [returns]: pairs with take, whose release of the room carries it on to who gets it.
  act__store_release(&r->given, (uint16_t)(given + messages));
#endif
}

// Takes what was given back out of the admission word. True: there was something. Under the lock.
static inline bool act__returns_take(struct act__returns *r, struct act__mailbox *m) {
  // acquire [returns]: pairs with give.
  uint16_t given = act__load_acquire(&r->given);
  // relaxed: written under the lock that is held.
  uint16_t amount = (uint16_t)(given - act__load_relaxed(&r->taken));
  if (amount == 0) return false;
  bool parked = act__mailbox_release(m, amount, amount);
  ACT_ASSERT(!parked);  // a mailbox that parks gives back by release
  (void)parked;
#ifndef ACT_MUTANT_RETURNS_TAKEN_TWICE
  // release [taken]: pairs with act__returns_taken.
  act__store_release(&r->taken, given);
#endif
  return true;
}

// For a refusal without the lock: the first is read before the admission word, the second after it.
static inline uint16_t act__returns_taken(struct act__returns *r) {
  // acquire [taken]: the admission word that is read next has lost what was taken until here.
  return act__load_acquire(&r->taken);
}

static inline bool act__returns_are(struct act__returns *r, uint16_t taken) {
  // relaxed: the look at the admission word acquires, so this is not read before it.
  return act__load_relaxed(&r->given) == taken;
}

#endif
