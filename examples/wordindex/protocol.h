// SPDX-License-Identifier: Apache-2.0
//
// The messages of the word index, shared by all its processes.
//
//   coordinator --count--> worker              one file; the answer says how it went
//   worker --add--> its intake --add--> aggregators   a piece of a file's counts
//   worker --hello--> its intake --hello--> coordinator   it is up, as this process
//   coordinator --commit, drop--> aggregator   what becomes of a ticket (see desk.h)
//   coordinator --page--> aggregator           the result, piece by piece
//
// An intake is an actor of the first process, one for each worker: a worker has one link partner only,
// and its batches are split among the aggregators where that costs no wire.
//
// Every message is bounded: a path by WI_PATH_MAX, identifiers by WI_BATCH_BYTES.
#ifndef TROUPE_EXAMPLES_WORDINDEX_PROTOCOL_H
#define TROUPE_EXAMPLES_WORDINDEX_PROTOCOL_H

#include <troupe.h>

// Bytes of one batch of counts in memory: texts, and WI_BATCH_ENTRY for each.
#define WI_BATCH_BYTES (16u * 1024u)
#define WI_BATCH_ENTRY ((uint32_t)(sizeof(act_str) + sizeof(uint64_t) + 1))

// --- worker ------------------------------------------------------------------------------------

ACT_MSG(wi_job, (u64, ticket, 1)(bytes, path, 2))
ACT_MSG(wi_seen, (u64, device, 1)(u64, inode, 2)(u64, size, 3)(i64, modified_ns, 4)
                 (i64, changed_ns, 5)(u64, sum, 6))
// `skip` is an enum wi_skip; the rest means something only when it is WI_SKIP_NONE.
ACT_MSG(wi_counted, (u32, skip, 1)(u64, identifiers, 2)(u64, too_long, 3)(msg, seen, 4, wi_seen))

#define WI_WORKER(CAST, CALL, P) CALL(P, 1, count, wi_job, wi_counted)
ACT_PROTOCOL(wi_worker, 1, WI_WORKER)

// Arguments of a worker; they cross into its process.
ACT_MSG(wi_worker_args, (u32, index, 1)(str, deadly, 2))

// --- coordinator -------------------------------------------------------------------------------

ACT_MSG(wi_hello, (u32, index, 1)(i64, os_pid, 2))
ACT_MSG_EMPTY(wi_welcome)

// Asked by intakes. Refused with ACT_ENOENT as long as there is no coordinator yet.
#define WI_COORDINATOR(CAST, CALL, P) CALL(P, 1, hello, wi_hello, wi_welcome)
ACT_PROTOCOL(wi_coordinator, 1, WI_COORDINATOR)

// --- aggregator --------------------------------------------------------------------------------

// names[i] occurred counts[i] times.
ACT_MSG(wi_batch, (u64, ticket, 1)(u32, worker, 2)(list, names, 3, str)(list, counts, 4, u64))
ACT_MSG_EMPTY(wi_added)

ACT_MSG(wi_commit, (u64, ticket, 1))
ACT_MSG(wi_committed, (u64, identifiers, 1))

// Forgets what is staged under the ticket, and whatever this worker still sends for it.
ACT_MSG(wi_drop, (u64, ticket, 1)(u32, worker, 2))
ACT_MSG_EMPTY(wi_dropped)

// Entries in the order of their bytes, from the `from`th on. Only after the last commit.
ACT_MSG(wi_page_request, (u32, from, 1))
ACT_MSG(wi_page, (list, names, 1, str)(list, counts, 2, u64)(flag, is_last, 3))

#define WI_AGGREGATOR(CAST, CALL, P)              \
  CALL(P, 1, add, wi_batch, wi_added)             \
  CALL(P, 2, commit, wi_commit, wi_committed)     \
  CALL(P, 3, drop, wi_drop, wi_dropped)           \
  CALL(P, 4, page, wi_page_request, wi_page)
ACT_PROTOCOL(wi_aggregator, 1, WI_AGGREGATOR)

// --- intake ------------------------------------------------------------------------------------

// `add` is refused with ACT_EFULL while another batch is on its way, also a dead worker's last one.
#define WI_INTAKE(CAST, CALL, P)              \
  CALL(P, 1, add, wi_batch, wi_added)         \
  CALL(P, 2, hello, wi_hello, wi_welcome)
ACT_PROTOCOL(wi_intake, 1, WI_INTAKE)

#endif
