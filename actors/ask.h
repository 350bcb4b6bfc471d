// SPDX-License-Identifier: Apache-2.0
//
// Ask records and the table that they live in.
//
// Records are type-stable: made in chunks, kept until the runtime ends, so that a reply token (index
// and generation) may be looked at however old it is. Free ones wait in a stack per worker, which
// only that worker touches, and behind those in one stack for all.
#ifndef TROUPE_ACTORS_ASK_H
#define TROUPE_ACTORS_ASK_H

#include "actors/ask_word.h"
#include "actors/cell.h"

#define ACT__ASKS_CHUNK_SHIFT 8
#define ACT__ASKS_CHUNK (1u << ACT__ASKS_CHUNK_SHIFT)
#define ACT__ASKS_CHUNKS_MAX (1u << 14)  // 4 M asks open at once in one runtime; past it: ACT_ELIMIT
#define ACT__ASK_SHELF 64u               // free records that a worker keeps for itself
#define ACT__ASK_LINE 64u
#define ACT__ASK_SMALL 32u               // an answer of this size, without pointers, needs no block

struct act__ask_call;  // a foreign thread that waits in act__call (actors/call.c)

// Four cache lines; an answer that finds the alarm where it is touches three.
struct act__ask {
  struct act__notice notice;     // owner NULL: act__call
  act__ask_word word;
  ACT__ATOMIC(uint64_t) node;    // to which its request went; 0: it has not left this one
  ACT__ATOMIC(int64_t) deadline_ns;
  const act_op *op;              // what was asked; NULL: a look-up
  union {
    act_reply request;           // on whose behalf it was made; node 0: nobody's
    struct act__ask_call *call;
  };
  int64_t request_deadline_ns;
  // Written by who ends it, before the notice is pushed.
  union {
    const void *value;           // NULL, `small`, or what is in an answer block
    struct act__ask *next_free;
  };
  act_rc status;
  uint32_t index;
  char small[ACT__ASK_SMALL] __attribute__((aligned(8)));
  // The alarm's: see actors/ask_word.h.
  struct act__system *system;
  int64_t alarm_ns;              // what it is armed for
  struct act__alarm alarm;
  char pad[8];
};
_Static_assert(sizeof(struct act__ask) == 4 * ACT__ASK_LINE, "four cache lines");

struct act__ask_shelf {
  struct act__ask *free;
  uint32_t count;
  char pad[48];                  // no two shelves share a cache line's written part
};

struct act__asks {
  struct act__ask_shelf shelves[ACT__WORKERS_MAX];  // each its worker's
  struct act__spinlock lock;
  struct act__ask *free;         // under lock
  uint32_t used;                 // records ever handed out; under lock
  ACT__ATOMIC(struct act__ask *) chunks[ACT__ASKS_CHUNKS_MAX];
};

// The record of an index, or NULL if there never was one. Any thread.
static inline struct act__ask *act__ask_at(struct act__system *system, uint32_t index) {
  uint32_t chunk = index >> ACT__ASKS_CHUNK_SHIFT;
  if (chunk >= ACT__ASKS_CHUNKS_MAX) return NULL;
  // acquire [asks]: pairs with the release in make_chunk.
  struct act__ask *asks = act__load_acquire(&system->asks->chunks[chunk]);
  return asks ? &asks[index & (ACT__ASKS_CHUNK - 1)] : NULL;
}

// A closed record. NULL: ACT_ELIMIT or ACT_ENOMEM in *rc.
struct act__ask *act__ask_allocate(act_cx *cx, act_rc *rc);
// Takes it back, closed. Its alarm may still be set.
void act__ask_free(act_cx *cx, struct act__ask *ask);

// The token of the ask that it serves in this generation.
static inline act_reply act__ask_token(const struct act__ask *ask, uint32_t gen) {
  return (act_reply){ask->system->incarnation, ask->index, gen};
}

// --- ask.c -----------------------------------------------------------------------------------------

// Opens a record that is filled in, with an alarm for the deadline; the generation of its ask.
uint32_t act__ask_open(act_cx *cx, struct act__ask *ask, int64_t deadline_ns);
// From now, and no later than what the request in hand has left.
int64_t act__ask_deadline(act_cx *cx, uint32_t timeout_ms);
// Sends the request of an open ask; where that fails, the ask ends with why.
void act__ask_send(act_cx *cx, struct act__ask *ask, uint32_t gen, const act_pid *to,
                   const act_op *op, const void *message, int64_t deadline_ns);
// Its alarm has fired.
void act__ask_on_alarm(struct act__ask *ask, struct act__worker *me);
// call.c: the caller of an ask without an owner may go on.
void act__ask_call_ended(struct act__ask_call *call);

#endif
