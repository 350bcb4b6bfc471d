// SPDX-License-Identifier: Apache-2.0
//
// The system: every slot of one runtime, and what is made and ended with it.
//
// Slots live in chunks that are published once and stay until the system ends. A free slot keeps its
// mailbox closed under a generation that nobody has an address of yet.
#include "actors/cell.h"

#include <string.h>

#include "actors/remote/remote.h"
#include "base/alloc.h"
#include "base/check.h"
#include "base/rand.h"

#define SLOTS_BATCH 32u

static void context_init(act_cx *cx, struct act__system *system, struct act__worker *me) {
  memset(cx, 0, sizeof *cx);
  cx->system = system;
  cx->me = me;
  cx->traced = act__exec_flavour(system->exec) == ACT__SIMULATION;
  act__arena_init(&cx->scratch);
  act__mutex_lock(&system->contexts_lock);
  act__list_push_back(&system->contexts, &cx->link);
  act__mutex_unlock(&system->contexts_lock);
}

// The contexts of workers stay in the list until the system ends: their tallies are read by it.
static void on_worker(void *arg, struct act__worker *me, bool starting) {
  struct act__system *system = (struct act__system *)arg;
  if (starting) {
    me->upper = &system->worker_contexts[me->index];
    system->worker_contexts[me->index].me = me;
    // relaxed: who asks whether it is itself has written it. (No workers: see runner_thread.)
    uint64_t thread = act__exec_flavour(me->exec) == ACT__POOL ? act__thread_id() : 0;
    act__store_relaxed(&system->worker_contexts[me->index].thread, thread);
  } else {
    act__arena_fini(&system->worker_contexts[me->index].scratch);
    act__arena_init(&system->worker_contexts[me->index].scratch);
  }
}

static void system_free(struct act__system *system) {
  if (!system) return;
  act__slabs_fini(&system->slabs);
  act__free(system->chunks);
  act__free(system->worker_contexts);
  act__free(system->hands);
  if (system->asks) act__asks_destroy(system);
  act__namemap_fini(&system->names);
  act__mutex_fini(&system->contexts_lock);
  act__mutex_fini(&system->root_lock);
  act__mutex_fini(&system->runner);
  act__cond_fini(&system->root_changed);
  act__free(system);
}

static void system_init_locks(struct act__system *system, uint64_t seed) {
  act__spinlock_init(&system->slots_lock);
  act__spinlock_init(&system->names_lock);
  act__spinlock_init(&system->park_lock);
  act__mutex_init(&system->contexts_lock);
  act__mutex_init(&system->root_lock);
  act__mutex_init(&system->runner);
  act__cond_init(&system->root_changed);
  act__list_init(&system->contexts);
  act__namemap_init(&system->names, seed);
}

// A simulated node's incarnation is part of the run, so it comes from the seed.
static act_rc choose_incarnation(const struct act__exec_options *exec, uint64_t *out) {
  if (exec->flavour == ACT__SIMULATION) {
    struct act__rand rand;
    act__rand_seed(&rand, exec->seed ^ UINT64_C(0x53494d));
    *out = act__rand_next(&rand) | 1;
    return ACT_OK;
  }
  do {
    act_rc rc = act__rand_entropy(out, sizeof *out);
    if (rc) return rc;
  } while (*out == 0);  // zero is nobody
  return ACT_OK;
}

// So many that no actor is ever refused for want of a slot: what workers have at hand, and cells that
// stand for actors elsewhere, are beside the actors.
static uint32_t slots_made_max(const struct act__exec_options *exec, uint32_t actors_max) {
  uint64_t slots = (uint64_t)actors_max + ACT__WORKERS_MAX * (2 * SLOTS_BATCH + 1);
#ifndef ACT_MUTANT_PROXIES_IN_OUR_SLOTS
  if (exec->flavour != ACT__SIMULATION) slots += ACT__REMOTE_SLOTS_MAX;
#endif
  return slots < UINT32_MAX ? (uint32_t)slots : UINT32_MAX - 1;
}

act_rc act__system_create(const act_node *node, const struct act__exec_options *options,
                          struct act__system **out) {
  uint64_t incarnation;
  act_rc rc = choose_incarnation(options, &incarnation);
  if (rc) return rc;
  struct act__system *system = act__calloc(1, sizeof *system);
  if (!system) return ACT_ENOMEM;
  system_init_locks(system, incarnation);
  system->incarnation = incarnation;
  system->node = *node;
  system->log = node->log ? node->log : act_log_stderr();
  uint32_t actors_max = node->actors_max ? node->actors_max : ACT_ACTORS_MAX;
  system->slots_used = 1;  // slot 0 is nobody
  act__slabs_init(&system->slabs, true);
  system->slots_made_max = slots_made_max(options, actors_max);
  system->chunk_count_max = (system->slots_made_max >> ACT__CHUNK_SHIFT) + 1;
  system->chunks = act__calloc(system->chunk_count_max, sizeof *system->chunks);
  rc = system->chunks ? act__asks_create(system) : ACT_ENOMEM;
  if (rc) goto fail;

  struct act__exec_options exec = *options;
  exec.on_worker = on_worker;
  exec.on_timer = act__tick_fire;
  exec.arg = system;
  exec.first_run = act__cell_first_turn;
  if ((rc = act__exec_create(&exec, &system->exec))) goto fail;
  unsigned workers = act__exec_workers(system->exec);
  system->worker_contexts = act__calloc(workers, sizeof *system->worker_contexts);
  system->hands = act__calloc(workers, sizeof *system->hands);
  if (!system->worker_contexts || !system->hands) {
    act__exec_destroy(system->exec);
    rc = ACT_ENOMEM;
    goto fail;
  }
  act__census_init(&system->census, actors_max, system->hands, workers);
  for (unsigned i = 0; i < workers; i++) {
    context_init(&system->worker_contexts[i], system, NULL);
    system->worker_contexts[i].hand = &system->hands[i];
  }
  *out = system;
  return ACT_OK;
fail:
  system_free(system);
  return rc;
}

void act__system_destroy(struct act__system *system) {
  act__exec_destroy(system->exec);
  act__remote_destroy(system);
  system_free(system);
}

// --- slots ---------------------------------------------------------------------------------------
//
// A worker has free slots at hand, so that most actors are made and let go without a lock, in a slot
// that its thread has touched lately. It takes and gives back SLOTS_BATCH at a time.

// Under slots_lock: a chunk of cells, born closed. False: no memory.
static bool add_chunk(struct act__system *system, uint32_t number) {
  struct act__chunk *chunk = act__slabs_cut(&system->slabs, sizeof *chunk);
  if (!chunk) return false;
  chunk->system = system;
  for (uint32_t i = 0; i < ACT__CHUNK_CELLS; i++) {
    uint32_t slot = (number << ACT__CHUNK_SHIFT) + i;
    chunk->cells[i].slot = chunk->annexes[i].birth.slot = slot;
    chunk->cells[i].task.run = act__cell_turn;
    chunk->annexes[i].birth.exit_env.notice = ACT__NOTICE_EXIT;
    act__mailbox_init_closed(&chunk->cells[i].mailbox, 1);
    act__spinlock_init(&chunk->cells[i].lock);
  }
  // release [chunk]: pairs with the acquire in act__cell_at; publishes the cells.
  act__store_release(&system->chunks[number], chunk);
  return true;
}

// Under slots_lock.
static struct act__cell *take_slot(struct act__system *system, act_rc *rc) {
  struct act__cell *cell = system->free_cells;
  if (cell) {
    system->free_cells = (struct act__cell *)cell->state;
    return cell;
  }
  *rc = ACT_ELIMIT;
  if (system->slots_used > system->slots_made_max) return NULL;
  *rc = ACT_ENOMEM;
  uint32_t slot = system->slots_used;
  if (!act__cell_at(system, slot) && !add_chunk(system, slot >> ACT__CHUNK_SHIFT)) return NULL;
  system->slots_used++;
  return act__cell_at(system, slot);
}

static void put_at_hand(act_cx *cx, struct act__cell *cell) {
  cell->state = cx->free_cells;
  cx->free_cells = cell;
  cx->free_count++;
}

static struct act__cell *take_at_hand(act_cx *cx) {
  struct act__cell *cell = cx->free_cells;
  cx->free_cells = (struct act__cell *)cell->state;
  cx->free_count--;
  return cell;
}

// One slot, and a batch to the worker's hand. NULL: there is none.
static struct act__cell *take_slots(struct act__system *system, act_cx *cx, act_rc *rc) {
  act__spinlock_lock(&system->slots_lock);
  struct act__cell *cell = take_slot(system, rc);
  if (cell && cx && cx->me) {
    act_rc ignored;
    struct act__cell *another;
    // Chunks are made for what was asked for only.
    while (cx->free_count < SLOTS_BATCH &&
           (system->free_cells || act__cell_at(system, system->slots_used)) &&
           (another = take_slot(system, &ignored))) {
      put_at_hand(cx, another);
    }
  }
  act__spinlock_unlock(&system->slots_lock);
  return cell;
}

static void give_slot(struct act__system *system, struct act__cell *cell) {
  cell->state = system->free_cells;
  system->free_cells = cell;
}

static void give_slots(struct act__system *system, act_cx *cx, struct act__cell *cell) {
  if (cx && cx->me) {
    put_at_hand(cx, cell);
    if (cx->free_count <= 2 * SLOTS_BATCH) return;
  }
  act__spinlock_lock(&system->slots_lock);
  if (cx && cx->me) {
    while (cx->free_count > SLOTS_BATCH) give_slot(system, take_at_hand(cx));
  } else {
    give_slot(system, cell);
  }
  act__spinlock_unlock(&system->slots_lock);
}

static struct act__hand *hand_of(act_cx *cx) {
  return cx && cx->me ? cx->hand : NULL;
}

// Counts one actor in; false: there are as many as may be.
static bool count_in(struct act__system *system, act_cx *cx) {
#ifdef ACT_MUTANT_ACTORS_UNCOUNTED
  act__fetch_add_relaxed(&system->census.taken, 1);
  return true;
#endif
  if (__builtin_expect(act__census_enter(&system->census, hand_of(cx)), 1)) return true;
  act__spinlock_lock(&system->slots_lock);
  bool entered = act__census_enter_last(&system->census);
  act__spinlock_unlock(&system->slots_lock);
  return entered;
}

static void count_out(struct act__system *system, act_cx *cx) {
  if (act__census_leave(&system->census, hand_of(cx))) act__system_emptied(system);
}

struct act__cell *act__cell_allocate(struct act__system *system, act_cx *cx, bool is_actor,
                                     uint32_t msgs, uint32_t bytes, act_rc *rc) {
#ifdef ACT_MUTANT_PROXY_COUNTED
  is_actor = true;
#endif
  *rc = ACT_ELIMIT;
  if (is_actor && !count_in(system, cx)) return NULL;
  struct act__cell *cell =
      cx && cx->free_count ? take_at_hand(cx) : take_slots(system, cx, rc);
  if (!cell) {
    if (is_actor) count_out(system, cx);
    return NULL;
  }
  // relaxed: a sender with an older address may read the new limits, but its reservation fails on
  // the generation; one with this address learnt it after the release in act__mailbox_open.
  act__store_relaxed(&cell->msgs_max, msgs);
  act__store_relaxed(&cell->units_max, bytes / ACT__UNIT_BYTES ? bytes / ACT__UNIT_BYTES : 1);
  act__store_relaxed(&cell->epoch, 1);  // the first incarnation can be meant before it starts
  act__store_relaxed(&cell->express, 0);
  act__store_relaxed(&cell->granted, 0);
  act__store_relaxed(&cell->remote, 0);
  act__store_relaxed(&cell->park_ms, 0);
  // Without its lock. release [tenant]: pairs with the acquire in act_monitor, so that who
  // means the slot's last actor and reads this finds another generation. (Who means this one has
  // acquired the mailbox's opening.)
  act__store_release(&cell->watch_epoch, 1);
  cell->state = NULL;
  cell->behavior = NULL;
  cell->life = ACT__DOWN;
  cell->born = false;
  cell->forgotten = false;
  cell->failing = false;
  *rc = ACT_OK;
  return cell;
}

void act__cell_retire(struct act__system *system, act_cx *cx, bool is_actor, struct act__cell *cell) {
#ifdef ACT_MUTANT_PROXY_COUNTED
  is_actor = true;
#endif
  ACT_ASSERT(cell->life == ACT__DOWN && cell->notices == 0 && !cell->pending && !cell->cold);
  ACT_ASSERT(!cell->park && !cell->proxy);
  cell->life = ACT__FREE;
  // A slot whose generations are used up is never used again: no address ever means a later actor.
  if (act__mailbox_retire(&cell->mailbox)) give_slots(system, cx, cell);
  if (is_actor) count_out(system, cx);
}

// --- waking --------------------------------------------------------------------------------------

void act__cell_express(struct act__system *system, struct act__worker *me, struct act__cell *cell,
                       uint32_t bits) {
  // release [express]: pairs with the acquire exchange in the turn: what the signal is about (the
  // record's fields) was written before. The knock makes the owner look.
  act__fetch_or_release(&cell->express, bits);
  if (act__mailbox_knock(&cell->mailbox)) act__exec_submit(system->exec, me, &cell->task);
}

void act__cell_push_chain(struct act__system *system, struct act__worker *me, struct act__cell *cell,
                          struct act__env *newest, struct act__env *oldest) {
  if (act__mailbox_push_chain(&cell->mailbox, newest, oldest)) {
    act__exec_submit(system->exec, me, &cell->task);
  }
}

struct act__cold *act__cell_cold(struct act__cell *cell) {
  if (cell->cold) return cell->cold;
  struct act__cold *cold = act__calloc(1, sizeof *cold);
  if (!cold) return NULL;
  act__arena_init(&cold->arena);
  act__list_init(&cold->records);
  cold->aside_tail = &cold->aside;
  cell->cold = cold;
  return cold;
}

bool act__system_is_inside(struct act__system *system) {
  uint64_t self = act__thread_id();
  // relaxed: another thread's number is not ours, old or new.
  if (act__load_relaxed(&system->runner_thread) == self) return true;
  unsigned workers = act__exec_workers(system->exec);
  for (unsigned i = 0; i < workers; i++) {
    if (act__load_relaxed(&system->worker_contexts[i].thread) == self) return true;
  }
  // Tests step a simulation without being its runner; it has one thread.
  return act__exec_flavour(system->exec) == ACT__SIMULATION && system->worker_contexts[0].cell;
}

// --- outside contexts and counters ---------------------------------------------------------------

act_cx *act_outside_open(act_runtime *rt) {
  struct act__system *system = (struct act__system *)(void *)rt;
  act_cx *cx = act__malloc(sizeof *cx);
  if (cx) context_init(cx, system, NULL);
  return cx;
}

static void tally_add(act_counters *out, struct act__tally *tally) {
  // relaxed: each counter has one writer; a sum over running threads is approximate by contract.
  out->sent += act__load_relaxed(&tally->sent);
  out->refused += act__load_relaxed(&tally->refused);
  out->handled += act__load_relaxed(&tally->handled);
  out->undelivered += act__load_relaxed(&tally->undelivered);
  out->late_replies += act__load_relaxed(&tally->late_replies);
  out->late_results += act__load_relaxed(&tally->late_results);
  out->restarts += act__load_relaxed(&tally->restarts);
  out->failures += act__load_relaxed(&tally->failures);
}

// Its counts stay: they go to the shared tally.
void act_outside_close(act_cx *cx) {
  if (!cx) return;
  struct act__system *system = cx->system;
  act_counters counts = {0};
  tally_add(&counts, &cx->tally);
  // relaxed: numbers for people.
  act__fetch_add_relaxed(&system->shared.sent, counts.sent);
  act__fetch_add_relaxed(&system->shared.refused, counts.refused);
  act__fetch_add_relaxed(&system->shared.undelivered, counts.undelivered);
  act__mutex_lock(&system->contexts_lock);
  act__list_remove(&cx->link);
  act__mutex_unlock(&system->contexts_lock);
  act__arena_fini(&cx->scratch);
  act__free(cx);
}

void act_read_counters(act_runtime *rt, act_counters *out) {
  struct act__system *system = (struct act__system *)(void *)rt;
  memset(out, 0, sizeof *out);
  tally_add(out, &system->shared);
  act__mutex_lock(&system->contexts_lock);
  for (struct act__link *l = system->contexts.next; l != &system->contexts; l = l->next) {
    tally_add(out, &ACT__CONTAINER_OF(l, act_cx, link)->tally);
  }
  act__mutex_unlock(&system->contexts_lock);
  out->actors = act__census_alive(&system->census);
  out->stuck = act__load_relaxed(&system->stuck);
}
