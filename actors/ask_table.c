// SPDX-License-Identifier: Apache-2.0
#include "actors/ask.h"
#include "base/alloc.h"

#define BATCH (ACT__ASK_SHELF / 2)  // between a worker's stack and that of all

static void on_deadline(struct act__alarm *alarm, struct act__worker *me) {
  act__ask_on_alarm(ACT__CONTAINER_OF(alarm, struct act__ask, alarm), me);
}

act_rc act__asks_create(struct act__system *system) {
  system->asks = act__calloc(1, sizeof *system->asks);
  if (!system->asks) return ACT_ENOMEM;
  act__spinlock_init(&system->asks->lock);
  return ACT_OK;
}

void act__asks_destroy(struct act__system *system) {
  for (uint32_t i = 0; i < ACT__ASKS_CHUNKS_MAX; i++) {
    struct act__ask *chunk = act__load_relaxed(&system->asks->chunks[i]);  // relaxed: threads joined
    if (!chunk) break;
    act__free(((void **)chunk)[-1]);
  }
  act__free(system->asks);
  system->asks = NULL;
}

// --- chunks: under the lock ------------------------------------------------------------------------

// Records begin at a cache line. What the allocator gave stands before the first.
static struct act__ask *chunk_allocate(void) {
  char *block = act__calloc(1, ACT__ASKS_CHUNK * sizeof(struct act__ask) + ACT__ASK_LINE +
                                   sizeof(void *));
  if (!block) return NULL;
  uintptr_t first = ((uintptr_t)block + sizeof(void *) + ACT__ASK_LINE - 1) / ACT__ASK_LINE *
                    ACT__ASK_LINE;
  ((void **)first)[-1] = block;
  return (struct act__ask *)first;
}

static bool make_chunk(struct act__system *system, uint32_t chunk) {
  struct act__ask *asks = chunk_allocate();
  if (!asks) return false;
  for (uint32_t i = 0; i < ACT__ASKS_CHUNK; i++) {
    asks[i].index = (chunk << ACT__ASKS_CHUNK_SHIFT) + i;
    asks[i].system = system;
    asks[i].alarm.fire = on_deadline;
    asks[i].notice.env.notice = ACT__NOTICE_REPLY;
    act__atomic_init(&asks[i].word, act__ask_word_closed(1));
  }
  // release [asks]: pairs with the acquire in act__ask_at.
  act__store_release(&system->asks->chunks[chunk], asks);
  return true;
}

// One that was never used. A chunk is not made for records that nobody asked for yet.
static struct act__ask *take_new(struct act__system *system, bool wanted, act_rc *rc) {
  struct act__asks *asks = system->asks;
  uint32_t chunk = asks->used >> ACT__ASKS_CHUNK_SHIFT;
  if (chunk >= ACT__ASKS_CHUNKS_MAX) {
    *rc = ACT_ELIMIT;
    return NULL;
  }
  if (!act__ask_at(system, asks->used) && !(wanted && make_chunk(system, chunk))) {
    *rc = ACT_ENOMEM;
    return NULL;
  }
  return act__ask_at(system, asks->used++);
}

static struct act__ask *pop(struct act__ask **stack) {
  struct act__ask *ask = *stack;
  if (ask) *stack = ask->next_free;
  return ask;
}

static void push(struct act__ask **stack, struct act__ask *ask) {
  ask->next_free = *stack;
  *stack = ask;
}

// --- free records --------------------------------------------------------------------------------

static __attribute__((noinline)) struct act__ask *allocate_shared(act_cx *cx,
                                                                  struct act__ask_shelf *shelf,
                                                                  act_rc *rc) {
  struct act__asks *asks = cx->system->asks;
  act__spinlock_lock(&asks->lock);
  struct act__ask *ask = pop(&asks->free);
  if (!ask) ask = take_new(cx->system, true, rc);
  while (ask && shelf && shelf->count < BATCH) {
    act_rc ignored;
    struct act__ask *more = pop(&asks->free);
    if (!more) more = take_new(cx->system, false, &ignored);
    if (!more) break;
    push(&shelf->free, more);
    shelf->count++;
  }
  act__spinlock_unlock(&asks->lock);
  return ask;
}

struct act__ask *act__ask_allocate(act_cx *cx, act_rc *rc) {
  struct act__ask_shelf *shelf = cx->me ? &cx->system->asks->shelves[cx->me->index] : NULL;
  if (!shelf || !shelf->free) return allocate_shared(cx, shelf, rc);
  shelf->count--;
  return pop(&shelf->free);
}

static __attribute__((noinline)) void free_shared(act_cx *cx, struct act__ask_shelf *shelf,
                                                  struct act__ask *ask) {
  struct act__asks *asks = cx->system->asks;
  act__spinlock_lock(&asks->lock);
  push(&asks->free, ask);
  while (shelf && shelf->count > BATCH) {
    push(&asks->free, pop(&shelf->free));
    shelf->count--;
  }
  act__spinlock_unlock(&asks->lock);
}

void act__ask_free(act_cx *cx, struct act__ask *ask) {
  struct act__ask_shelf *shelf = cx->me ? &cx->system->asks->shelves[cx->me->index] : NULL;
  if (!shelf || shelf->count == ACT__ASK_SHELF) {
    free_shared(cx, shelf, ask);
    return;
  }
  push(&shelf->free, ask);
  shelf->count++;
}
