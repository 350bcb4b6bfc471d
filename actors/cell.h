// SPDX-License-Identifier: Apache-2.0
//
// A cell: the slot in which an actor lives, and the system that owns all slots.
//
// Slots are type-stable: once made they stay mapped until the system ends, so that a sender may look
// at one through any old address and be told by one compare-and-swap whether its actor still lives.
// Everything else about an actor is touched only by its owner: the thread that runs its turn.
//
//   life       entered by                       user messages   notices
//   FREE       retire                           refused         none exist
//   STARTING   START                            wait aside      handled   (init ran or is about to)
//   UP         init returned OK, act_ready      handled         handled
//   ENDING     failure, stop, kill, act_end     undelivered     only child exits count
//   DOWN       clean-up done, watchers told     undelivered     dropped   (restart or FORGET follows)
//
// An owner restarts its DOWN child by START (same slot and generation, next epoch) or lets it go by
// FORGET; a slot is retired once it was let go, holds no reservation and all its notices are back.
#ifndef TROUPE_ACTORS_CELL_H
#define TROUPE_ACTORS_CELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actors/census.h"
#include "actors/context.h"
#include "actors/handle.h"
#include "actors/node.h"
#include "actors/supervise.h"
#include "base/arena.h"
#include "base/atomic.h"
#include "base/list.h"
#include "base/map.h"
#include "base/slab.h"
#include "base/thread.h"
#include "mailbox/copy.h"
#include "mailbox/envelope.h"
#include "mailbox/mailbox.h"
#include "mailbox/returns.h"
#include "runtime/exec.h"

struct act__system;
struct act__cold;
struct act__minder;
struct act__terms;
struct act__watch;
struct act__proxy;
struct act__place;

enum act__life { ACT__FREE, ACT__STARTING, ACT__UP, ACT__ENDING, ACT__DOWN };

// Express signals: bits in the cell, idempotent, no memory. Set, then knock.
enum act__express {
  ACT__EXPRESS_START = 1,    // owner: run init again
  ACT__EXPRESS_STOP = 2,     // owner: end normally
  ACT__EXPRESS_KILL = 4,     // owner: end as killed
  ACT__EXPRESS_FORGET = 8,   // owner: DOWN and not to be restarted, the slot may be reused
  ACT__EXPRESS_REMOTE = 16,  // a proxy: its link or process has news (actors/remote/proxy.h)
};

struct act__cell {
  // Any thread, atomic. What a send touches: one cache line.
  struct act__mailbox mailbox;
  struct act__task task;
  ACT__ATOMIC(uint32_t) epoch;      // of the incarnation that lives here; 0 while there is none
  ACT__ATOMIC(uint32_t) msgs_max;
  ACT__ATOMIC(uint32_t) units_max;
  ACT__ATOMIC(uint32_t) park_ms;    // what a full mailbox does: 0 rejects, else parks so long at most
  struct act__returns returns;      // of its mailbox (actors/room.h); here, for who is refused reads it
  struct act__spinlock lock;        // of watchers, watch_epoch and what is taken of returns; the slot's,
                                    // whoever lives in it
  ACT__ATOMIC(uint8_t) express;
  ACT__ATOMIC(uint8_t) granted;     // peers may hold credits for this mailbox (actors/remote/grant.c)
  ACT__ATOMIC(uint8_t) remote;      // it stands for an actor elsewhere (actors/remote/proxy.h)

  // Owner only: whoever runs the turn. Another line.
  struct act__env *pending __attribute__((aligned(64)));  // taken from the inbox, oldest first
  void *state;
  const act_behavior *behavior;
  struct act__cold *cold;           // made when first needed
  struct act__proxy *proxy;         // not NULL: this cell stands for an actor elsewhere. Written
                                    // while it is closed; who holds a reservation may read it
  struct act__place *park;          // where it parks what it sends; made when first needed. Written
                                    // under the park lock too: others follow it (actors/park.h)
  uint32_t slot;                    // immutable
  uint32_t notices;                 // its notice records that may still be pushed to it
  ACT__ATOMIC(uint32_t) watch_epoch;  // incarnation that can be watched; 0: none. Written by its owner,
                                    // once it is open under its lock
  uint8_t life;                     // enum act__life
  bool born;                        // somebody's child (or the root): its act__birth is in use
  bool forgotten;
  bool failing;                     // ENDING by failure: for the log
};

_Static_assert(sizeof(struct act__cell) == 128, "a cell is two cache lines");

// What an actor has beyond its hot lines. Owner only.
struct act__deferred {
  struct act__deferred *next;
  void (*fn)(void *);
  void *arg;
};

struct act__ending {
  act_reason reason;
  act_rc rc;
  char text[ACT_FAIL_TEXT_MAX];
};

// Children linked by slot, in the order of their deadlines or of their start (actors/kids.h).
struct act__kid_list {
  uint32_t first, last;     // slots; 0: empty
};

struct act__kids {
  struct act__kid_list all;       // in start order, but for those in the next two
  struct act__kid_list stopping;  // without a contract, asked to stop, by deadline
  struct act__kid_list killed;    // without a contract, killed, by deadline
  uint32_t starting;              // slot of the first without one in `all` that may not be up yet; or 0
  uint32_t count;
  struct act__minder *minder;     // watches their deadlines; made with the first of them
};

struct act__cold {
  struct act__arena arena;
  struct act__deferred *deferred;       // newest first
  struct act__link records;             // every open notice record (struct act__notice)
  struct act__handle_table ticks;       // and those of timers (actors/timer.c)
  struct act__kids kids;
  uint32_t asks, timers, monitors, replies, jobs;  // open, against their limits
  struct act__handle_table monitor_handles;
  act_reply *kept;                      // reply tokens beyond their handler
  uint32_t kept_capacity;
  struct act__env *aside, **aside_tail; // user messages that wait for UP
  char *fail_text;                      // ENDING, without a contract: ACT_FAIL_TEXT_MAX bytes or NULL
  bool in_order;                        // children stop one by one, newest first (supervisors)
  bool all_asked;                       // ENDING: every child has been asked to stop
  bool later;                           // init returned ACT_LATER
};

// How far a child's incarnation has come, as its own turn tells.
enum act__phase { ACT__CHILD_STARTING, ACT__CHILD_UP, ACT__CHILD_ENDED };

// A child, as its owner sees it: the record lies with its slot. Most children are plain: what is said
// here is all there is to say, `terms` is NULL. The others have terms or a contract besides
// (actors/child.h). Who may touch what, and how the notices are counted: actors/child.c.
struct act__birth {
  // The notice of its exit. Of that envelope a notice uses but `next`, `flags` and `notice`; the rest
  // of its bytes is the record's.
  union {
    struct act__env exit_env;
    struct {
      struct act__env *exit_env_next;
      act_exit_then then;           // the owner's handler of the exit, unless a contract's on_exit is set
      uint32_t epoch;               // of the latest incarnation. By the owner while it is not running
      uint32_t slot;                // immutable
      // Written by the child's turn.
      ACT__ATOMIC(uint8_t) phase;   // enum act__phase
      uint8_t reason;               // why it ends or has ended; without a contract
      int8_t rc;
      // Owner only.
      uint8_t up : 1;               // UP of this incarnation was consumed; by contract
      uint8_t running : 1;          // START was sent and no exit consumed since
      uint8_t restarting : 1;       // not running; the alarm is the back-off; by contract
      uint8_t overslept : 1;        // was not up at its start deadline
      uint8_t stopping : 1;         // STOP was sent
      uint8_t killed : 1;           // KILL was sent
      uint8_t stuck : 1;            // overstayed its kill: not waited for any more
    };
  };
  // The owner's cell; 0: none, this is the root, of which system->root hears. The lowest bit: gone, not
  // in the owner's children any more, forgotten or stuck. Written by the owner.
  ACT__ATOMIC(uintptr_t) owner;
  struct act__terms *terms;
  // What init gets, a block. From its exit on: why it failed, a block of ACT_FAIL_TEXT_MAX bytes; NULL:
  // act_rc_text(rc). With a contract: what init gets, each time.
  void *args;
  // By the owner. Positive: the child has been asked to stop, and wants to be gone by then. Negative,
  // starting and without a contract: it has to be up by then. 0: neither.
  ACT__ATOMIC(int64_t) due_ns;
  uint32_t next, prev;              // slots, in one of the owner's lists (actors/kids.h)
};

#define ACT__BIRTH_GONE ((uintptr_t)1)
#define ACT__SMALL_STATE 16u  // bytes of state that need no block of their own

// What a slot has beyond its cell.
struct act__annex {
  struct act__birth birth;
  struct act__watch *watchers;      // under the cell's lock
  struct act__place *waiting;       // under its park lock: the first of those who wait for room here
  _Alignas(16) char small_state[ACT__SMALL_STATE];
};

_Static_assert(offsetof(struct act__birth, phase) + 4 <= offsetof(struct act__env, flags),
               "the record keeps off the fields that its notice needs");
_Static_assert(sizeof(struct act__annex) == 112, "an actor is 240 bytes");

#define ACT__CHUNK_SHIFT 10
#define ACT__CHUNK_CELLS (1u << ACT__CHUNK_SHIFT)

// Slots are made so many at a time. Cells lie by themselves, so that each has its cache lines alone.
struct act__chunk {
  struct act__cell cells[ACT__CHUNK_CELLS];
  struct act__annex annexes[ACT__CHUNK_CELLS];
  struct act__system *system;
};

_Static_assert(sizeof(struct act__chunk) % 64 == 0, "chunks follow one another, each cell in its lines");

static inline struct act__chunk *act__cell_chunk(const struct act__cell *cell) {
  return ACT__CONTAINER_OF(cell - (cell->slot & (ACT__CHUNK_CELLS - 1)), struct act__chunk, cells[0]);
}

static inline struct act__annex *act__annex(const struct act__cell *cell) {
  return &act__cell_chunk(cell)->annexes[cell->slot & (ACT__CHUNK_CELLS - 1)];
}

// Whose cell it is. Any thread.
static inline struct act__system *act__cell_system(const struct act__cell *cell) {
  return act__cell_chunk(cell)->system;
}

// The cell of a record.
static inline struct act__cell *act__birth_cell(const struct act__birth *birth) {
  uint32_t index = birth->slot & (ACT__CHUNK_CELLS - 1);
  struct act__annex *annex = ACT__CONTAINER_OF(birth, struct act__annex, birth);
  return &ACT__CONTAINER_OF(annex - index, struct act__chunk, annexes[0])->cells[index];
}

// Whose child it is; NULL: the root. Any thread that may look at the record.
static inline struct act__cell *act__birth_owner(const struct act__birth *birth) {
  // relaxed: only its lowest bit changes.
  return (struct act__cell *)(act__load_relaxed(&birth->owner) & ~ACT__BIRTH_GONE);
}

// By the owner.
static inline bool act__birth_is_gone(const struct act__birth *birth) {
  return (act__load_relaxed(&birth->owner) & ACT__BIRTH_GONE) != 0;  // relaxed: its own
}

// The record of a cell that is somebody's child, else NULL.
static inline struct act__birth *act__cell_birth(struct act__cell *cell) {
  return cell->born ? &act__annex(cell)->birth : NULL;
}

// When it has to be gone; 0: it was not asked to stop. A hint for any thread but the owner's.
static inline int64_t act__birth_stop_due(const struct act__birth *birth) {
  int64_t due_ns = act__load_relaxed(&birth->due_ns);  // relaxed: a hint
  return due_ns > 0 ? due_ns : 0;
}

// What a notice in an inbox is; the envelope's `notice` byte.
enum act__notice_kind {
  ACT__NOTICE_NONE = 0,
  ACT__NOTICE_REPLY,    // struct act__ask
  ACT__NOTICE_TICK,     // struct tick_record of actors/timer.c
  ACT__NOTICE_DOWN,     // struct act__watch
  ACT__NOTICE_DONE,     // struct act__job_record
  ACT__NOTICE_UP,       // struct act__contract
  ACT__NOTICE_EXIT,     // struct act__birth
  ACT__NOTICE_OVERDUE,  // struct act__contract
  ACT__NOTICE_MINDER,   // struct act__minder
  ACT__NOTICE_UNPARKED, // struct act__place
};

// The common head of notice records made by an actor for itself, but for its timers.
struct act__notice {
  struct act__env env;
  struct act__link link;    // in cold->records
  struct act__cell *owner;
  act_then then;
  bool dropped;             // owner only: the actor has ended or cancelled; free it on arrival
};

// Timers that are cancelled in one turn leave their wheel so many at a time.
#define ACT__CANCELLED_MAX 16u

// Per worker (and per outside context): what the current handler runs in.
struct act__tally {
  ACT__ATOMIC(uint64_t) sent, refused, handled, undelivered, late_replies, late_results, restarts,
      failures;
};

struct act_cx {
  struct act__system *system;
  struct act__worker *me;         // NULL: outside
  struct act__cell *cell;         // NULL: outside
  struct act__env *env;           // the message in hand; NULL in init, notices and outside
  struct act__env *mark;          // of the inbox of the cell in turn; NULL: none
  bool mark_kept;                 // it was handled and is freed when the inbox has left it
  bool traced;                    // the executor folds what happens into a hash; immutable
  act_reply token;                // its reply token while token_open, else nobody's
  bool token_open;
  union {                         // what a handler may leave behind; one look at `any` tells
    struct {
      act_rc fail;                // what act_fail noted
      bool ending;                // act_end was called
      bool scratch;               // act_scratch was
    };
    uint64_t any;
  } left;
  int64_t deadline_ns;            // budget of the request in hand; 0: none
  act_reply request;              // that request; node 0: none. In a continuation: the request that
                                  // its ask was made for, while it is still kept
  char fail_text[ACT_FAIL_TEXT_MAX];
  struct act__arena scratch;
  struct act__timer *cancelled[ACT__CANCELLED_MAX];  // by the cell in turn, and in their wheel yet
  uint32_t cancelled_count;
  struct act__cell *free_cells;   // of a worker: slots at hand; linked by state
  uint32_t free_count;
  struct act__hand *hand;         // of a worker: free places of the census
  struct act__tally tally;
  struct act__link link;          // in system->contexts
  ACT__ATOMIC(uint64_t) thread;   // of the worker that it is for (act__thread_id); else 0
  char pad[ACT__LINE];            // the next worker's lies behind it
};

_Static_assert(sizeof(((act_cx *)0)->left) == sizeof(uint64_t),
               "one look at `any` tells all that a handler left behind");

struct act__asks;    // the table of ask records (actors/ask.h)
struct act__remote;  // links to other nodes (actors/remote/remote.h); NULL: none

// What every turn of every worker reads comes first and is written seldom; what turns write lies on
// lines of its own, a group for each purpose.
struct act__system {
  struct act__exec *exec;
  uint64_t incarnation;
  act_node node;                  // strings borrowed
  const act_sup *tree;            // of the root, borrowed; NULL: none yet
  const act_log_sink *log;
  // Slots: chunk pointers are published once and never change.
  ACT__ATOMIC(struct act__chunk *) *chunks;
  struct act__slabs slabs;        // under slots_lock; what chunks are cut from
  uint32_t chunk_count_max;
  uint32_t slots_made_max;        // of slots: actors_max, and more (system.c)
  struct act__asks *asks;
  struct act_cx *worker_contexts; // one per worker
  struct act__hand *hands;        // of the census; likewise
  struct act__remote *remote;
  struct act__birth *root;
  ACT__ATOMIC(uint32_t) emptying; // who empties the census tells act__system_down
  ACT__ATOMIC(uint64_t) stuck;
  char pad0[ACT__LINE];
  struct act__census census;      // of actors
  char pad1[ACT__LINE];
  struct act__spinlock slots_lock;
  uint32_t slots_used;            // under slots_lock; slot 0 is nobody
  struct act__cell *free_cells;   // under slots_lock; linked by state
  char pad2[ACT__LINE];
  struct act__spinlock park_lock;  // see actors/park.h
  char pad3[ACT__LINE];
  struct act__spinlock names_lock;
  struct act__namemap names;      // name -> cell
  struct act__tally shared;       // counted where there is no context, and by contexts that are gone
  struct act__mutex contexts_lock;
  struct act__link contexts;
  // How the root is doing; under root_lock.
  struct act__mutex root_lock;
  struct act__cond root_changed;
  bool root_up, root_exited, stop_requested;
  struct act__ending root_ending;
  int signal;                     // that started the stop; 0: none
  struct act__mutex runner;       // no workers: held by the thread that steps the executor
  ACT__ATOMIC(uint64_t) runner_thread;  // which one that is; 0: none
  struct act__task nudge;         // wakes the one thread of the current-thread flavour
  ACT__ATOMIC(uint32_t) nudge_queued;
};

static inline struct act__system *act__system_of(const act_cx *cx) {
  return cx->system;
}

// The cell of a slot, or NULL if there never was one. Any thread.
static inline struct act__cell *act__cell_at(struct act__system *system, uint32_t slot) {
  uint32_t chunk = slot >> ACT__CHUNK_SHIFT;
  if (slot == 0 || chunk >= system->chunk_count_max) return NULL;
  // acquire [chunk]: pairs with the release in act__cell_allocate, which made the cells.
  struct act__chunk *cells = act__load_acquire(&system->chunks[chunk]);
  return cells ? &cells->cells[slot & (ACT__CHUNK_CELLS - 1)] : NULL;
}

static inline act_pid act__cell_pid(struct act__system *system, struct act__cell *cell) {
  act_pid pid = {system->incarnation, cell->slot, act__mailbox_generation(&cell->mailbox),
                 0, 0};
  // relaxed: the caller is its owner, or asks for a hint.
  pid.epoch = act__load_relaxed(&cell->epoch);
  return pid;
}

// Counts one event. relaxed: a context's tally has one writer, its thread; the system's shared one
// is for threads without a context (cx NULL); readers want a number, not an order.
#define ACT__COUNT(system, cx, field)                                                       \
  ((cx) ? act__store_relaxed(&(cx)->tally.field, act__load_relaxed(&(cx)->tally.field) + 1) \
        : (void)act__fetch_add_relaxed(&(system)->shared.field, 1))

static inline struct act__pool_cache *act__cache(const act_cx *cx) {
  return cx && cx->me ? &cx->me->cache : NULL;
}

// The context of whoever calls on this worker; NULL me: NULL.
static inline act_cx *act__cx_of(struct act__worker *me) {
  return me ? (act_cx *)me->upper : NULL;
}

// --- system.c ----------------------------------------------------------------------------------

ACT_MUST act_rc act__system_create(const act_node *node, const struct act__exec_options *exec,
                                   struct act__system **out);
void act__system_destroy(struct act__system *system);

// A closed cell of a fresh generation with this bound, owned by the caller, not yet submitted.
// NULL: no slot (ACT_ELIMIT) or no memory; *rc says which.
// cx NULL: from anywhere. Not `is_actor`: it stands for one elsewhere, and is not counted with ours.
struct act__cell *act__cell_allocate(struct act__system *system, act_cx *cx, bool is_actor,
                                     uint32_t msgs, uint32_t bytes, act_rc *rc);
// Owner only, once the life is DOWN and nothing is outstanding. The cell may be reused at once.
void act__cell_retire(struct act__system *system, act_cx *cx, bool is_actor, struct act__cell *cell);

// Is the calling thread one of this system's workers, or inside a step of its executor? Then it must
// not wait for an actor.
bool act__system_is_inside(struct act__system *system);

// Sets express bits and makes the owner look. Any thread.
void act__cell_express(struct act__system *system, struct act__worker *me, struct act__cell *cell,
                       uint32_t bits);
// After the census was emptied. Any thread.
void act__system_emptied(struct act__system *system);
// Pushes a notice or an accepted envelope. Any thread.
static inline void act__cell_push(struct act__system *system, struct act__worker *me,
                                  struct act__cell *cell, struct act__env *env) {
  if (act__mailbox_push(&cell->mailbox, env)) act__exec_submit(system->exec, me, &cell->task);
}
// The same for a chain of them, linked by `next` from the newest to the oldest.
void act__cell_push_chain(struct act__system *system, struct act__worker *me, struct act__cell *cell,
                          struct act__env *newest, struct act__env *oldest);
// The cold part, made now if need be. NULL: no memory. Owner only.
struct act__cold *act__cell_cold(struct act__cell *cell);

// --- turn.c, life.c ----------------------------------------------------------------------------

enum act__turn act__cell_turn(struct act__task *task, struct act__worker *me);
// Starts the first incarnation, of a proxy too; then as any turn.
enum act__turn act__cell_first_turn(struct act__task *task, struct act__worker *me);
// By the owner of its record, which has seen its exit: lets the slot go, here and now if the cell rests.
void act__cell_forget(act_cx *cx, struct act__cell *cell);

// Takes the inbox's mark away (mailbox/mailbox.h), so that what is pending and in hand is bound to
// nothing; what came meanwhile is pending too. In this cell's turn, before pending is changed.
void act__turn_unmark(act_cx *cx, struct act__cell *cell);

// The incarnation of a birth has begun, as far as senders and watchers see. By the child's turn.
void act__cell_begin(struct act__cell *cell, const struct act__birth *birth);
// Begins the end of an actor; the turn goes on with it. Owner only. A second call is ignored, except
// that KILLED overrides NORMAL. `text` may be NULL.
void act__cell_end(act_cx *cx, struct act__cell *cell, act_reason reason, act_rc rc,
                   const char *text);
// Goes on with an end that is under way: when no child is left, cleans up and tells everybody.
void act__cell_go_on_ending(act_cx *cx, struct act__cell *cell);
// Is UP now; tells the owner and lets waiting messages in.
void act__cell_up(act_cx *cx, struct act__cell *cell);

// Ends the request whose token is open in this context, if any, with `status`.
void act__cx_close_token(act_cx *cx, act_rc status);

// --- undelivered.c -----------------------------------------------------------------------------

// An accepted message will not be handled: records it, ends its ask with `reason`, gives back its
// reservation in `cell` (NULL: it holds none) and frees it. cx may be NULL.
void act__env_undeliver(struct act__system *system, act_cx *cx, struct act__cell *cell,
                        struct act__env *env, act_rc reason);
// The same for one that holds no reservation, as it was addressed.
void act__env_undeliver_to(struct act__system *system, act_cx *cx, act_pid to, struct act__env *env,
                           act_rc reason);
// Only the record.
void act__undelivered(struct act__system *system, act_cx *cx, const act_undelivered *record);
// Releases the payload's buffers and frees the block.
static inline void act__env_free(struct act__system *system, act_cx *cx, struct act__env *env) {
  if ((env->flags & ACT__ENV_HAS_BUFS) && env->op) {
    act__copy_release(env->op->message, act__env_payload(env));
  }
  act__pool_free(act__cache(cx), act__exec_pool(system->exec), env, act__env_block_bytes(env));
}

// --- send.c ------------------------------------------------------------------------------------

// One send; `extension` NULL for a plain message. cx may be outside.
ACT_MUST act_rc act__send_with(act_cx *cx, act_pid to, const act_op *op, const void *message,
                               const struct act__env_extension *extension, uint16_t flags);
// The request of an ask of this node, whose token this is.
ACT_MUST act_rc act__send_request(act_cx *cx, const act_pid *to, const act_op *op,
                                  const void *message, uint32_t index, uint32_t gen,
                                  int64_t deadline_ns);
// A free envelope with room for `size` bytes of payload. NULL: no memory.
struct act__env *act__env_allocate(struct act__system *system, act_cx *cx, size_t size,
                                   uint16_t flags);

// --- notice.c ----------------------------------------------------------------------------------

// Handles one notice in the owner's turn: runs the continuation (not after the end) and frees the
// record. Returns the handler's result.
ACT_MUST act_rc act__notice_handle(act_cx *cx, struct act__cell *cell, struct act__env *env);
// At the end of an actor: withdraws every record it has open; those on their way are marked dropped.
void act__notices_withdraw(act_cx *cx, struct act__cell *cell);

// --- timer.c, monitor.c, job.c, reply.c: withdrawal and handling, one pair per kind --------------

ACT_MUST act_rc act__tick_handle(act_cx *cx, struct act__cell *cell, struct act__env *env);
// All timers of an actor that ends.
void act__ticks_withdraw(act_cx *cx, struct act__cell *cell);
// Takes those out of their wheel that were cancelled in this turn: before the turn ends.
void act__ticks_let_go(act_cx *cx, struct act__cell *cell);
// Fires one: the executor's on_timer.
void act__tick_fire(struct act__timer *timer, struct act__worker *me);
ACT_MUST act_rc act__watch_handle(act_cx *cx, struct act__cell *cell, struct act__notice *notice);
bool act__watch_withdraw(act_cx *cx, struct act__notice *notice);  // true: it will not arrive
ACT_MUST act_rc act__job_handle(act_cx *cx, struct act__cell *cell, struct act__notice *notice);
bool act__job_withdraw(act_cx *cx, struct act__notice *notice);
ACT_MUST act_rc act__ask_handle(act_cx *cx, struct act__cell *cell, struct act__notice *notice);
bool act__ask_withdraw(act_cx *cx, struct act__notice *notice);

// Tells every watcher of this cell's incarnation that it is gone. Owner only.
void act__watchers_tell(act_cx *cx, struct act__cell *cell, const struct act__ending *ending);

// Ends all kept tokens with `status`. Owner only.
void act__kept_end(act_cx *cx, struct act__cell *cell, act_rc status);
bool act__kept_remove(struct act__cell *cell, act_reply reply);
bool act__kept_has(const struct act__cell *cell, act_reply reply);

// --- ask.c: requests ---------------------------------------------------------------------------

ACT_MUST act_rc act__asks_create(struct act__system *system);
void act__asks_destroy(struct act__system *system);

// The value of an answer, in one block: what the asker's continuation is handed.
struct act__answer_block {
  const act_schema *schema;  // NULL: internal, an act_pid
  size_t size;               // of the value behind this header
};
// A deep copy of `message` in a block; NULL: no memory.
struct act__answer_block *act__answer_make(struct act__system *system, act_cx *cx,
                                           const act_schema *schema, const void *message);
// An unfilled block, for decoders.
struct act__answer_block *act__answer_allocate(struct act__system *system, act_cx *cx,
                                               const act_schema *schema, size_t size);
static inline void *act__answer_value(struct act__answer_block *block) {
  return block + 1;
}
void act__answer_free(struct act__system *system, act_cx *cx, struct act__answer_block *block);

// Ends one ask: the first who ends it wins (true). `answer` is taken in every case; NULL with a
// status other than ACT_OK. Any thread.
bool act__ask_end(struct act__system *system, act_cx *cx, act_reply token, act_rc status,
                  struct act__answer_block *answer);
// Ends it with a copy of `message` (borrowed), or with why there can be none. Any thread.
void act__ask_answer(struct act__system *system, act_cx *cx, act_reply token,
                     const act_schema *schema, const void *message);
// The operation that this open ask of ours is about, or NULL if it has ended. A hint. Any thread.
const act_op *act__ask_op(struct act__system *system, act_reply token);
// The request of this ask of ours goes to that node: an answer is taken from there and from nowhere
// else. Before the request leaves.
void act__ask_sent_to(struct act__system *system, act_reply token, uint64_t node);
// Was it? False for one that never left this node. Any thread.
bool act__ask_was_sent_to(struct act__system *system, act_reply token, uint64_t node);
// Whether it is open still. A hint. Any thread.
bool act__ask_is_open(struct act__system *system, act_reply token);
// The same for a token of any node.
void act__reply_end(struct act__system *system, act_cx *cx, act_reply token, act_rc status);

// --- child.c ------------------------------------------------------------------------------------

// The owner's handling of the notices of a child; to be called in every life, DOWN included.
ACT_MUST act_rc act__child_notice(act_cx *cx, struct act__cell *cell, struct act__env *env);
// Of a minder; frees it when it was withdrawn.
ACT_MUST act_rc act__minder_handle(act_cx *cx, struct act__cell *cell, struct act__notice *notice);
bool act__minder_withdraw(act_cx *cx, struct act__notice *notice);

// What its specification said; 0: the default. Not of a cell that is nobody's child. Owner only.
const act_limits *act__cell_limits(struct act__cell *cell);

// --- names.c -----------------------------------------------------------------------------------

// ACT_EEXIST: another cell has it. ACT_ENOMEM, ACT_EINVAL (too long). Any thread, all three.
ACT_MUST act_rc act__name_put(struct act__system *system, const char *name, struct act__cell *cell);
// Harmless when the name is another cell's by now.
void act__name_remove(struct act__system *system, const char *name, struct act__cell *cell);
// Its address (of the incarnation there is; epoch 0 when there is none) and what it is; false: no
// such name. `behavior` may be NULL.
bool act__name_find(struct act__system *system, const char *name, size_t length, act_pid *pid,
                    const act_behavior **behavior);

// --- supervisor.c ------------------------------------------------------------------------------

extern const act_behavior act__supervisor;  // args: const act_sup *

// The limit of a kind, with the default filled in.
static inline uint32_t act__limit(uint32_t given, uint32_t fallback) {
  return given ? given : fallback;
}

#endif
