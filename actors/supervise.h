// SPDX-License-Identifier: Apache-2.0
//
// The supervision tree as data: who runs, in which order, and what happens when one of them fails.
//
// A supervisor starts its children in order, each one up before the next, and stops them in reverse.
// A child that ends is restarted or not by its restart type; more than max_restarts within within_ms
// is too many: the supervisor stops its other children and fails itself with the last reason.
// Restarts are spaced by the back-off, which is a timer: the supervisor stays responsive.
#ifndef TROUPE_ACTORS_SUPERVISE_H
#define TROUPE_ACTORS_SUPERVISE_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/protocol.h"

#ifdef __cplusplus
extern "C" {
#endif

enum act_restart {
  ACT_PERMANENT = 0,  // always restarted
  ACT_TRANSIENT,      // restarted unless it ended normally
  ACT_TEMPORARY,      // never restarted
};

enum act_strategy {
  ACT_ONE_FOR_ONE = 0,  // only the child that ended
  ACT_ONE_FOR_ALL,      // all; not in this version: starting such a tree is ACT_ENOTSUP
  ACT_REST_FOR_ONE,     // it and those started after it; not in this version: ACT_ENOTSUP
};

enum act_isolation {
  ACT_IN_PROCESS = 0,
  ACT_OWN_PROCESS,  // the same binary in a process of its own; a crash there is a child failure
};

// What a send to a full mailbox does.
enum act_full {
  ACT_REJECT = 0,  // ACT_EFULL to the sender
  ACT_DROP_NEW,    // this one and the next two are not in this version: ACT_ENOTSUP at start
  ACT_DROP_OLD,
  ACT_COALESCE,
  // The message waits in its sender's one park place and the send returns ACT_OK: act_parked
  // (actors/context.h) tells. The sender finishes its handler and is handed no further message until
  // this one has moved into the mailbox, its deadline has passed or its target is gone; then it goes
  // on. Room that comes free is given to those who wait, in the order in which they came; meanwhile
  // nobody else gets in. ACT_EDEADLK instead, where the target waits, itself or through others, for
  // the sender. ACT_EFULL for threads outside, and for an actor that is parked already.
  ACT_PARK,
};

#define ACT_MAILBOX_MSGS 1024u             // default bound of a mailbox in messages
#define ACT_MAILBOX_BYTES (1024u * 1024u)  // and in bytes, counted in blocks of 64
#define ACT_MAILBOX_MSGS_MAX 65535u
#define ACT_MAILBOX_BYTES_MAX (255u * 1024u * 1024u)
#define ACT_PARK_MS 5000u  // default deadline of what waits for room in an ACT_PARK mailbox

typedef struct act_mailbox_options {
  uint32_t msgs;   // 0: ACT_MAILBOX_MSGS
  uint32_t bytes;  // 0: ACT_MAILBOX_BYTES
  enum act_full full;
  uint32_t park_ms;  // of ACT_PARK: a message waits at most so long for room; 0: ACT_PARK_MS
} act_mailbox_options;

// How many open notices of each kind an actor may have; making one past it is ACT_ELIMIT.
typedef struct act_limits {
  uint32_t asks;      // 0: ACT_ASKS_MAX
  uint32_t timers;    // 0: ACT_TIMERS_MAX
  uint32_t monitors;  // 0: ACT_MONITORS_MAX
  uint32_t children;  // 0: ACT_CHILDREN_MAX
  uint32_t replies;   // kept reply tokens; 0: ACT_REPLIES_MAX
  uint32_t jobs;      // 0: ACT_JOBS_MAX
} act_limits;

#define ACT_ASKS_MAX 1024u
#define ACT_TIMERS_MAX 1024u
#define ACT_MONITORS_MAX 1024u
#define ACT_CHILDREN_MAX (1u << 20)
#define ACT_REPLIES_MAX 1024u
#define ACT_JOBS_MAX 1024u

// Limits of an own process, set there before its actor starts; 0 leaves what is inherited.
typedef struct act_process_limits {
  uint64_t address_space_bytes;
  uint64_t cpu_seconds;
  uint64_t open_files;
} act_process_limits;

struct act_sup;

#define ACT_START_MS 30000u  // default deadline of a start (init until up)
#define ACT_STOP_MS 5000u    // default deadline of a stop

typedef struct act_child {
  const char *id;                 // unique among its siblings; at most ACT_NAME_MAX bytes
  const char *name;               // local name, kept over restarts; NULL: none
  const act_behavior *behavior;   // what it is, unless `sup` says it is a supervisor
  const void *args;               // for init; borrowed until the runtime has stopped (act_spawn copies)
  const act_schema *args_message; // args is a message of this type: can cross to an own process.
                                  // ACT_ARGS(tally_args, &args) fills both
  const struct act_sup *sup;      // a supervisor as child; behavior and args are NULL then
  enum act_restart restart;
  enum act_isolation isolate;
  uint32_t start_ms;              // 0: ACT_START_MS
  uint32_t stop_ms;               // 0: ACT_STOP_MS
  act_mailbox_options mailbox;
  act_limits limits;
  act_process_limits process;
} act_child;

#define ACT_NAME_MAX 255u

// For designated initialisers: `.behavior = &tally, ACT_ARGS(tally_args, &from39), ...`
#define ACT_ARGS(message, pointer) .args = (pointer), .args_message = &message##_schema

typedef struct act_backoff {
  uint32_t first_ms;   // before the first restart; 0: at once
  uint32_t max_ms;     // doubling stops here; 0: first_ms
  uint32_t jitter_pct; // up to this much more or less, by the runtime's random numbers; at most 100
  uint32_t healthy_ms; // up this long, and the next delay is the first again; 0: within_ms
} act_backoff;

#define ACT_MAX_RESTARTS 3u
#define ACT_WITHIN_MS 5000u

typedef struct act_sup {
  enum act_strategy strategy;
  uint32_t max_restarts;  // more than this many restarts ...
  uint32_t within_ms;     // ... within this time is giving up. Both 0: 3 within 5 s
  bool never_restart;     // max_restarts really is none
  act_backoff backoff;
  const act_child *kids;
  unsigned nkids;
} act_sup;

#define ACT_COUNT(array) (sizeof(array) / sizeof(array)[0])

#ifdef __cplusplus
}
#endif
#endif
