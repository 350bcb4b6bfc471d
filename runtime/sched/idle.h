// SPDX-License-Identifier: Apache-2.0
//
// Who is asleep and who is looking for work: one word, and the rule that decides whether new work
// wakes a sleeper. Kept apart and small so that a model checker can take it whole.
//
//   bits  0..15  sleeping   workers in bed
//   bits 16..31  searching  workers that look for work in other places than their own queue
//
// The rule: whoever publishes work that a sleeper could take wakes one only if some worker sleeps
// and nobody searches. A woken worker counts as searching from the moment it is chosen, so a burst
// of publications wakes one worker, not one each. The last searcher to stop because it found
// something looks once more and passes the wake-up on if there is still something.
//
// What waits in a worker's own queue is not such work: that worker is awake and runs it, and whether it
// calls for help is a matter of speed (look.c). It calls by this rule too, but nothing rests on it: a
// call that misses who lies down just then is made up for by the next one, by the monitor at the latest.
//
// No lost wake-up. The publisher writes "there is work" (W1: the length of the shared queue, seq_cst),
// then reads this word (R1). A worker that stops searching, for a bed or for its find, first changes
// this word (W2), then reads "is there work" (R2). All four are seq_cst, so they have one order, and
// W1 before R1, W2 before R2 in it. Suppose R1 lets the publisher go without waking:
//   - it saw a searcher. That one's W2 comes after R1, hence after W1, and its R2 finds the work. It
//     then is (lying down) or wakes (having found something else) a searcher for it.
//   - it saw no sleeper. Whoever goes to bed later does W2 after R1, and its R2 finds the work.
// With plain acquire and release both could miss each other (store buffering): W1 and W2 wait in
// two store buffers while R1 and R2 read the old values, and the task sits until the next event.
// (The problem that the idle states of Go's and Tokio's schedulers solve; the solution is theirs.)
#ifndef TROUPE_RUNTIME_SCHED_IDLE_H
#define TROUPE_RUNTIME_SCHED_IDLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"

#define ACT__IDLE_SLEEPER UINT32_C(1)
#define ACT__IDLE_SEARCHER UINT32_C(0x10000)

struct act__idle {
  ACT__ATOMIC(uint32_t) word;
};

static inline void act__idle_init(struct act__idle *idle) {
  act__atomic_init(&idle->word, 0);
}

static inline uint32_t act__idle_sleeping_in(uint32_t word) {
  return word & 0xffffu;
}

static inline uint32_t act__idle_searching_in(uint32_t word) {
  return word >> 16;
}

// Adds to the word and returns its new value. Only the callers below know what may be added when.
static inline uint32_t act__idle_change(struct act__idle *idle, uint32_t add) {
  // relaxed: only the first guess of the loop.
  uint32_t word = act__load_relaxed(&idle->word);
#ifdef ACT_MUTANT_IDLE_CHANGE_ACQ_REL
  while (!act__cas_strong_acq_rel(&idle->word, &word, word + add)) {
  }
#else
  // seq_cst [idle:word]: this is W2 of the argument above.
  while (!act__cas_strong_seq_cst(&idle->word, &word, word + add)) {
  }
#endif
  return word + add;
}

// Workers in bed now. Any thread.
static inline uint32_t act__idle_sleeping(struct act__idle *idle) {
  // seq_cst [idle:monitor]: the monitor writes that it sleeps, then reads this; a worker that gets up
  // changes this, then reads whether the monitor sleeps.
  return act__idle_sleeping_in(act__load_seq_cst(&idle->word));
}

// R1: after publishing work with seq_cst. True: the caller must try to wake a worker.
static inline bool act__idle_wants_wake(struct act__idle *idle) {
#ifdef ACT_MUTANT_IDLE_LOOK_RELAXED
  uint32_t word = act__load_relaxed(&idle->word);
#else
  // seq_cst [idle:word]: see above.
  uint32_t word = act__load_seq_cst(&idle->word);
#endif
  return act__idle_sleeping_in(word) > 0 && act__idle_searching_in(word) == 0;
}

// Makes one sleeper a searcher. True: the caller wakes one, which it takes out of the list of
// sleepers; so it holds the lock of that list (as do all that change `sleeping`).
static inline bool act__idle_claim(struct act__idle *idle) {
  uint32_t word = act__load_relaxed(&idle->word);  // relaxed: only the first guess of the loop
  while (act__idle_sleeping_in(word) > 0 && act__idle_searching_in(word) == 0) {
    // seq_cst [idle:word]: one order for all changes.
    if (act__cas_strong_seq_cst(&idle->word, &word,
                                word - ACT__IDLE_SLEEPER + ACT__IDLE_SEARCHER)) {
      return true;
    }
  }
  return false;
}

// A worker lies down, under the lock of the list of sleepers; R2 must follow.
static inline void act__idle_sleep(struct act__idle *idle, bool was_searching) {
  act__idle_change(idle, ACT__IDLE_SLEEPER - (was_searching ? ACT__IDLE_SEARCHER : 0));
}

// A sleeper that nobody has claimed gets up, under the same lock. `to_search`: because its R2 found
// work; then it counts as searching like one that was woken, so that more work than it takes is
// passed on. (Any number may search for this reason.)
static inline void act__idle_rise(struct act__idle *idle, bool to_search) {
#ifdef ACT_MUTANT_IDLE_RISE_QUIETLY
  to_search = false;
#endif
  act__idle_change(idle, (to_search ? ACT__IDLE_SEARCHER : 0u) - ACT__IDLE_SLEEPER);
}

// A worker that is awake begins to search. False: enough others do.
static inline bool act__idle_search_begin(struct act__idle *idle, uint32_t searchers_max) {
  uint32_t word = act__load_relaxed(&idle->word);  // relaxed: only the first guess of the loop
  while (act__idle_searching_in(word) < searchers_max) {
    // seq_cst [idle:word]: one order for all changes.
    if (act__cas_strong_seq_cst(&idle->word, &word, word + ACT__IDLE_SEARCHER)) return true;
  }
  return false;
}

// It found something. True: it was the last one that searched; R2 must follow.
static inline bool act__idle_search_end(struct act__idle *idle) {
  uint32_t word = act__idle_change(idle, 0u - ACT__IDLE_SEARCHER);
#ifdef ACT_MUTANT_IDLE_LAST_SEARCHER_SILENT
  return act__idle_searching_in(word) > 0;
#else
  return act__idle_searching_in(word) == 0;
#endif
}

#endif
