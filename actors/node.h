// SPDX-License-Identifier: Apache-2.0
//
// A node: one runtime with its tree. Starting, stopping and talking to it from outside.
//
// act_main is the whole of a program; act_start and act_stop run any number of runtimes in one
// process. There are no globals.
#ifndef TROUPE_ACTORS_NODE_H
#define TROUPE_ACTORS_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/context.h"
#include "actors/supervise.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct act_runtime act_runtime;

enum act_flavour {
  ACT_POOL = 0,        // a pool of worker threads
  ACT_CURRENT_THREAD,  // everything on the thread that calls act_main or act_run
};

// A message that was accepted (or cast) and will not be handled.
typedef struct act_undelivered {
  act_pid to, from;
  const act_op *op;      // NULL for a gap record: see `count`
  act_rc reason;
  uint32_t count;        // 1; for a gap record the number of messages in doubt
  int64_t age_ns;        // since the send; 0 where it was not stamped
} act_undelivered;

typedef void (*act_undelivered_fn)(void *arg, const act_undelivered *record);

// A message over a link, to another node or an own process, has at most this many bytes in memory, and
// its frame at most 64 KiB; past either the send is ACT_ELIMIT.
#define ACT_REMOTE_MESSAGE_MAX (44u * 1024u)

// Default bound of the actors of one runtime; a spawn past it is ACT_ELIMIT. An actor's place is free
// again a moment after its end was told, not before.
#define ACT_ACTORS_MAX (1u << 22)
#define ACT_NODE_STOP_MS 10000u    // default deadline of a whole stop
#define ACT_BLOCKING_THREADS 16u
#define ACT_BLOCKING_QUEUE 4096u

typedef struct act_node {
  const char *name;            // for logs and handshakes; NULL: "node"
  const char *listen;          // "unix:/path": other nodes may link; NULL: none. tcp: and tls: are
                               // ACT_ENOTSUP in this version
  enum act_flavour flavour;
  unsigned workers;            // 0: the CPU quota of the cgroup
  unsigned blocking_threads;   // 0: ACT_BLOCKING_THREADS
  unsigned blocking_queue;     // 0: ACT_BLOCKING_QUEUE
  uint32_t actors_max;         // 0: ACT_ACTORS_MAX
  uint32_t stop_ms;            // deadline of the whole stop; 0: ACT_NODE_STOP_MS
  bool keep_signals;           // act_main leaves SIGTERM and SIGINT alone
  const act_log_sink *log;     // NULL: INFO and above as lines on standard error; borrowed
  act_undelivered_fn undelivered;  // NULL: only counted. Called on any thread; must not block
  void *undelivered_arg;
  const act_behavior *const *behaviors;  // what own processes may be asked to run, besides the tree
  unsigned nbehaviors;
} act_node;

// Runs the tree until it ends, SIGTERM or SIGINT come, or the root gives up; then stops it in order.
// Returns the exit code: 0 after a stop, ACT_EXIT_FAILED when the tree failed, ACT_EXIT_STUCK when
// something overstayed the stop, 128+N after signal N when `keep_signals` is false. In a process
// that was started as somebody's own-process child it runs that child instead. Blocks.
int act_main(const act_node *node, const act_sup *root);

#define ACT_EXIT_FAILED 70
#define ACT_EXIT_STUCK 71
#define ACT_EXIT_USAGE 64

// True in a process that act_main will run as an own-process child: programs that do work before
// act_main skip it then. Any thread.
bool act_is_child_process(void);

// Starts a runtime and its tree; returns when every child of the root is up. On error nothing is left
// running: ACT_ENOTSUP names an option of a later version (the log says which), ACT_EINVAL a wrong
// tree, otherwise why the first child could not start. `root` is borrowed until act_stop returns.
// From a thread that is no worker. Blocks.
ACT_MUST act_rc act_start(const act_node *node, const act_sup *root, act_runtime **out);

// Stops the tree in reverse order within the node's stop_ms, ends all threads, frees everything.
// Returns what act_main would. Blocks; not from a worker of this runtime.
int act_stop(act_runtime *rt);

// Waits until the tree has ended by itself (its root gave up, or all children ended and none is
// permanent) or act_request_stop was called. Blocks; current-thread runtimes run in here.
void act_wait(act_runtime *rt);

// Makes act_wait return soon. Any thread, also a handler's; async-signal-safe is not promised.
void act_request_stop(act_runtime *rt);

// The runtime of a context.
act_runtime *act_cx_runtime(const act_cx *cx);

// --- from outside ------------------------------------------------------------------------------

// A context for a thread that is no worker: for typed sends, calls and local names. One thread at a
// time may use it; close it before act_stop. NULL: out of memory.
act_cx *act_outside_open(act_runtime *rt);
void act_outside_close(act_cx *outside);

// Frees what a P_call_op gave. Accepts NULL.
void act_reply_free(act_cx *outside, const void *reply);

// --- counters ----------------------------------------------------------------------------------

typedef struct act_counters {
  uint64_t sent, refused, handled;   // messages, local and remote
  uint64_t undelivered;              // accepted, never handled: each one made a record
  uint64_t late_replies;             // answers to asks that had ended
  uint64_t late_results;             // blocking results for actors that were gone
  uint64_t restarts, failures;
  uint64_t actors;                   // alive now
  uint64_t stuck;                    // overstayed a stop
} act_counters;

// A sum over all workers; exact when nothing runs. Any thread.
void act_read_counters(act_runtime *rt, act_counters *out);

#ifdef __cplusplus
}
#endif
#endif
