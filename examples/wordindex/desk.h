// SPDX-License-Identifier: Apache-2.0
//
// The coordinator's book-keeping, pure: which files wait, which are where, what became of them.
//
// The one idea is the ticket: one hand-out of one file to one worker, with an id that is never used
// again. Aggregators stage what arrives under a ticket, and the file counts when they are told to
// commit that ticket, which happens once, after the whole file has arrived and been verified. A ticket
// whose worker died is dropped, the file gets a new one; whatever still arrives under the old id
// is stale. So nothing is lost or counted twice, whenever a worker dies.
//
//   COUNTING --counted--> CHECKING --checked--> COMMITTING --all aggregators answered--> done
//       |                     |
//       +------lost-----------+--skipped--> DROPPING --all answered--> waits again, or skipped
//
// Bounded: WI_QUEUE_MAX waiting files (plus those that come back), and wi_desk_tickets(workers)
// files in flight, however large the tree is. No thread, clock, message or file in here.
#ifndef TROUPE_EXAMPLES_WORDINDEX_DESK_H
#define TROUPE_EXAMPLES_WORDINDEX_DESK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "examples/wordindex/reader.h"
#include "examples/wordindex/skips.h"

#define WI_QUEUE_MAX 256u
#define WI_DEATHS_MAX 3u  // a file that took this many workers down is skipped
#define WI_SHARDS 4u      // aggregators

struct wi_file {
  struct wi_file *next;
  unsigned deaths;      // workers that died with it, those that we killed not counted
  bool is_again;        // was in the hands of a worker that died
  uint32_t length;
  char path[];          // terminated
};

enum wi_stage { WI_FREE = 0, WI_COUNTING, WI_CHECKING, WI_COMMITTING, WI_DROPPING };

struct wi_result {
  uint32_t skip;  // enum wi_skip
  uint64_t identifiers, too_long;
  struct wi_stamp stamp;
};

struct wi_ticket {
  enum wi_stage stage;
  uint64_t id;
  unsigned worker;
  bool is_killed;       // we killed its worker: whatever it still answers is void
  bool is_again;        // DROPPING: the file waits again afterwards
  enum wi_skip skip;    // DROPPING: otherwise why it is skipped
  uint32_t to_ask;      // COMMITTING, DROPPING: one bit for each aggregator not asked yet
  uint32_t unanswered;  // and for each that has not answered
  uint64_t merged;      // COMMITTING: identifiers that the aggregators report
  struct wi_result result;
  struct wi_file *file;
};

struct wi_desk {
  unsigned ntickets;
  struct wi_ticket *tickets;
  struct wi_file *first, *last;
  unsigned waiting;
  bool walk_is_done;
  uint64_t last_id;
  bool is_broken;  // aggregators merged another number than the worker counted: our bug
  uint64_t files, bytes, identifiers, too_long, handed_out, redone;
  struct wi_skips skips;
};

// Tickets in flight for so many workers: each one's file, and two that are checked or committed.
static inline unsigned wi_desk_tickets(unsigned workers) {
  return workers * 3;
}

// False: out of memory.
bool wi_desk_init(struct wi_desk *desk, unsigned workers);
void wi_desk_fini(struct wi_desk *desk);

// How many files the walk may bring now; 0: enough wait.
unsigned wi_desk_room(const struct wi_desk *desk);

// A regular file from the walk; borrows the path. False: out of memory.
bool wi_desk_put(struct wi_desk *desk, const char *path, size_t length);

// Gives the next file to this worker. NULL: none waits, or too many are in flight.
struct wi_ticket *wi_desk_hand_out(struct wi_desk *desk, unsigned worker);

// The hand-out could not be made: the file waits again, first in the queue.
void wi_desk_take_back(struct wi_desk *desk, struct wi_ticket *ticket);

// The worker has answered. Borrows `result`.
void wi_desk_counted(struct wi_desk *desk, struct wi_ticket *ticket,
                     const struct wi_result *result);

// The worker is gone. True: the file has taken its last worker down and is skipped.
bool wi_desk_lost(struct wi_desk *desk, struct wi_ticket *ticket);

// The verifier's verdict over a CHECKING ticket.
void wi_desk_checked(struct wi_desk *desk, struct wi_ticket *ticket, enum wi_skip skip,
                     uint64_t identifiers, uint64_t too_long);

// An aggregator has answered a COMMITTING or DROPPING ticket. True: the ticket has ended.
bool wi_desk_answered(struct wi_desk *desk, struct wi_ticket *ticket, unsigned shard,
                      uint64_t merged);

// Files that are known and not finished; and those of them that a worker holds or will hold.
unsigned wi_desk_unfinished(const struct wi_desk *desk);
unsigned wi_desk_uncounted(const struct wi_desk *desk);

// Everything walked, counted or skipped.
bool wi_desk_is_done(const struct wi_desk *desk);

#endif
