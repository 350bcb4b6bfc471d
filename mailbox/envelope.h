// SPDX-License-Identifier: Apache-2.0
//
// The envelope: one message on its way, in one block of memory, 40 bytes of header so that header
// and a small payload share a cache line.
//
//   offset size  field
//        0    8  next           link in the receiver's inbox, then in its private queue
//        8    8  op             which operation of which protocol (mailbox/schema.h); NULL in a notice
//       16    8  sender slot, gen   of an actor on this node; slot 0 gen 0: from outside
//       24    4  target_epoch   incarnation meant, 0 for whichever is there
//       28    4  size           payload bytes after the header (and extension), strings included
//       32    4  sender_epoch
//       36    2  flags
//       38    1  notice         which notice this is (enum act__notice), 0 in a message
//       39    1  crashes        how often handling this has failed its actor
//
// An ask, a message from another node and a traced message carry an extension between the header and
// the payload; ACT__ENV_EXTENDED says so. Notices embed the bare header in the record that was
// reserved for them, so `next` is all that sending one needs.
#ifndef TROUPE_MAILBOX_ENVELOPE_H
#define TROUPE_MAILBOX_ENVELOPE_H

#include <stddef.h>
#include <stdint.h>

#include "mailbox/address.h"

struct act_op;

enum act__env_flag {
  ACT__ENV_EXTENDED = 1,   // struct act__env_extension stands between header and payload
  ACT__ENV_ASK = 2,        // extension holds a reply token: someone waits for an answer
  ACT__ENV_REMOTE = 4,     // extension holds the sender's node and the link whose credit this spent
  ACT__ENV_HAS_BUFS = 8,   // payload refers to counted buffers that must be released
  ACT__ENV_COUNTED = 16,   // holds a reservation of the target's admission word (not in notices)
};

struct act__env {
  struct act__env *next;
  const struct act_op *op;
  uint32_t sender_slot;
  uint32_t sender_gen;
  uint32_t target_epoch;
  uint32_t size;
  uint32_t sender_epoch;
  uint16_t flags;
  uint8_t notice;
  uint8_t crashes;
};

_Static_assert(sizeof(struct act__env) == 40, "the envelope header is 40 bytes by contract");

struct act__env_extension {
  uint64_t sender_node;     // incarnation of the sender's node; 0: this node
  int64_t deadline_ns;      // by this node's monotonic clock; 0: none. An ask always has one
  int64_t sent_ns;          // when it was accepted here, for the age in records; 0: not taken
  uint64_t reply_node;      // the reply token of an ask (act_reply in mailbox/schema.h)
  uint32_t reply_index;
  uint32_t reply_gen;
  uint32_t link_slot;       // which link brought it (runtime/net); meaningful with ACT__ENV_REMOTE
  uint32_t link_epoch;
  uint8_t trace[32];        // W3C trace context, 25 bytes used; all zero: none
};

// Payloads are aligned for any C object.
#define ACT__PAYLOAD_ALIGN 8u

// What one message costs in a mailbox's byte bound: its whole block in units of 64 bytes, at least 1.
#define ACT__UNIT_BYTES 64u

static inline struct act__env_extension *act__env_extension(struct act__env *env) {
  return (env->flags & ACT__ENV_EXTENDED) ? (struct act__env_extension *)(env + 1) : NULL;
}

static inline size_t act__env_header_bytes(unsigned flags) {
  return sizeof(struct act__env) +
         ((flags & ACT__ENV_EXTENDED) ? sizeof(struct act__env_extension) : 0);
}

static inline void *act__env_payload(struct act__env *env) {
  return (char *)env + act__env_header_bytes(env->flags);
}

static inline size_t act__env_block_bytes(const struct act__env *env) {
  return act__env_header_bytes(env->flags) + env->size;
}

static inline uint32_t act__env_units(size_t block_bytes) {
  return (uint32_t)((block_bytes + ACT__UNIT_BYTES - 1) / ACT__UNIT_BYTES);
}

#endif
