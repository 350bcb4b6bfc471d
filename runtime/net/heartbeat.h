// SPDX-License-Identifier: Apache-2.0
//
// When to send a heartbeat and when to call a peer dead: a pure decision over times, taken in steps.
//
// A step that comes late by more than a step says something about us, not about the peer (a suspended
// process, a loaded machine): its bytes may be waiting unread. So there is no verdict in a late step;
// the loop reads first, and the next step judges.
#ifndef TROUPE_RUNTIME_NET_HEARTBEAT_H
#define TROUPE_RUNTIME_NET_HEARTBEAT_H

#include <stdbool.h>
#include <stdint.h>

struct act__heartbeat {
  int64_t every_ns;    // something must be sent at least this often
  int64_t silence_ns;  // so long nothing heard: down
  int64_t step_ns;     // distance of the steps, at most every_ns
  int64_t stepped_ns;  // last step
  int64_t sent_ns;     // something was last written
  int64_t heard_ns;    // something was last read
};

enum act__beat {
  ACT__BEAT_NONE,
  ACT__BEAT_SEND,
  ACT__BEAT_DOWN,
};

void act__heartbeat_init(struct act__heartbeat *beat, int64_t every_ns, int64_t silence_ns,
                         int64_t step_ns, int64_t now_ns);

// One step. Times do not run backwards.
enum act__beat act__heartbeat_step(struct act__heartbeat *beat, int64_t now_ns);

#endif
