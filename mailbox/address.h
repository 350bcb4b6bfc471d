// SPDX-License-Identifier: Apache-2.0
//
// Who is meant: the address of an actor, a plain value to copy, compare, store, log and send.
//
// An address never refers to a later actor. `node` is drawn at random when a runtime starts, `slot`
// and `gen` name one use of one slot in that runtime, and `epoch` names one incarnation of the actor
// there: a supervised child that is restarted keeps slot and gen and counts its epoch up. Epoch zero
// means "whichever incarnation is there": that is what the follow-the-restarts reference (`*_svc`)
// holds. The zero value is nobody.
#ifndef TROUPE_MAILBOX_ADDRESS_H
#define TROUPE_MAILBOX_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct act_pid {
  uint64_t node;
  uint32_t slot;
  uint32_t gen;
  uint32_t epoch;
  uint32_t reserved_;  // zero; keeps the layout free of padding, so that addresses can be hashed
} act_pid;

// The text form has at most this many bytes, terminator included.
#define ACT_PID_TEXT_MAX 64

static inline bool act_pid_is_nobody(act_pid pid) {
  return pid.node == 0;
}

// Same incarnation of the same actor.
static inline bool act_pid_equal(act_pid a, act_pid b) {
  return a.node == b.node && a.slot == b.slot && a.gen == b.gen && a.epoch == b.epoch;
}

// Same actor, whichever incarnation.
static inline bool act_pid_same_actor(act_pid a, act_pid b) {
  return a.node == b.node && a.slot == b.slot && a.gen == b.gen;
}

// Writes "<node-hex>.slot.gen.epoch" (or "nobody") and returns `text`. Borrows both; any thread.
char *act_pid_text(act_pid pid, char text[ACT_PID_TEXT_MAX]);

#ifdef __cplusplus
}
#endif
#endif
