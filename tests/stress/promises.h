// SPDX-License-Identifier: Apache-2.0
//
// The book of a storm: every promise that the runtime makes to an actor (an end that will be told, an
// answer, a DOWN, a destroyed argument) has a number, and is kept exactly once, or let go of by the
// actor that it was made to, which withdrew it or has ended. None may be open when all is over.
#ifndef TROUPE_TESTS_STRESS_PROMISES_H
#define TROUPE_TESTS_STRESS_PROMISES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/atomic.h"
#include "base/check.h"

enum promise_state { PROMISE_NONE, PROMISE_MADE, PROMISE_KEPT, PROMISE_LET_GO };

#define PROMISES_OPEN_MAX 48u  // to one actor

struct book {
  ACT__ATOMIC(uint8_t) *state;  // by number, from 1
  ACT__ATOMIC(uint64_t) *about; // the address that it is about, as key_of makes it
  uint32_t size;
  ACT__ATOMIC(uint32_t) made;
};

// What was promised to one actor and is open: its own.
struct promises {
  uint32_t numbers[PROMISES_OPEN_MAX];
  uint32_t count;
};

static inline void book_open(struct book *book, uint32_t size) {
  book->state = calloc(size + 1, sizeof *book->state);
  book->about = calloc(size + 1, sizeof *book->about);
  ACT_ASSERT(book->state && book->about);
  book->size = size;
  act__store_relaxed(&book->made, 0);  // relaxed: nothing runs yet
}

static inline void book_close(struct book *book) {
  free(book->state);
  free(book->about);
}

// relaxed: a hint; whoever reads less makes no promise either.
static inline bool book_is_full(struct book *book) {
  return act__load_relaxed(&book->made) >= book->size;
}

// 0: there are enough, of this actor's or of all.
static inline uint32_t promise_made(struct book *book, struct promises *mine) {
  if (mine->count == PROMISES_OPEN_MAX || book_is_full(book)) return 0;
  uint32_t number = act__fetch_add_relaxed(&book->made, 1) + 1;  // relaxed: a number
  if (number > book->size) return 0;
  act__store_relaxed(&book->state[number], PROMISE_MADE);  // relaxed: others hear of it by what it is for
  mine->numbers[mine->count++] = number;
  return number;
}

// By any thread.
static inline void promise_ends(struct book *book, uint32_t number, enum promise_state how) {
  // relaxed: each is swapped once, or two did, which one of them sees.
  uint8_t made = PROMISE_MADE;
  ACT_ASSERT(act__cas_strong_relaxed(&book->state[number], &made, (uint8_t)how));
}

// By whom it was made to: it is open no more.
static inline void promise_is_over(struct book *book, struct promises *mine, uint32_t number,
                                   enum promise_state how) {
  for (uint32_t i = 0; i < mine->count; i++) {
    if (mine->numbers[i] != number) continue;
    mine->numbers[i] = mine->numbers[--mine->count];
    promise_ends(book, number, how);
    return;
  }
  ACT_PANIC("promise %u was not made to who is told", number);
}

// Its end lets go of all.
static inline void promises_end(struct book *book, struct promises *mine) {
  while (mine->count) promise_ends(book, mine->numbers[--mine->count], PROMISE_LET_GO);
}

// When all threads have been joined: how many were kept. Dies of one that is open.
static inline uint32_t book_check(struct book *book) {
  uint32_t kept = 0, made = act__load_relaxed(&book->made);  // relaxed, all: no thread is left
  for (uint32_t i = 1; i <= (made < book->size ? made : book->size); i++) {
    uint8_t state = act__load_relaxed(&book->state[i]);
    if (state == PROMISE_MADE) ACT_PANIC("promise %u was never kept", i);
    kept += state == PROMISE_KEPT;
  }
  return kept;
}

#endif
