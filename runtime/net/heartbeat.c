// SPDX-License-Identifier: Apache-2.0
#include "runtime/net/heartbeat.h"

#include "base/check.h"

void act__heartbeat_init(struct act__heartbeat *beat, int64_t every_ns, int64_t silence_ns,
                         int64_t step_ns, int64_t now_ns) {
  ACT_ASSERT(step_ns > 0 && step_ns <= every_ns && every_ns < silence_ns);
  *beat = (struct act__heartbeat){
      .every_ns = every_ns,
      .silence_ns = silence_ns,
      .step_ns = step_ns,
      .stepped_ns = now_ns,
      .sent_ns = now_ns,
      .heard_ns = now_ns,
  };
}

enum act__beat act__heartbeat_step(struct act__heartbeat *beat, int64_t now_ns) {
#ifdef ACT_MUTANT_HEARTBEAT_BLAMES_PEER
  bool late = false;
#else
  bool late = now_ns - beat->stepped_ns > 2 * beat->step_ns;
#endif
  beat->stepped_ns = now_ns;
  if (!late && now_ns - beat->heard_ns >= beat->silence_ns) return ACT__BEAT_DOWN;
  // The next chance is a step away: rather half a step too early than too late.
  return now_ns - beat->sent_ns >= beat->every_ns - beat->step_ns / 2 ? ACT__BEAT_SEND
                                                                      : ACT__BEAT_NONE;
}
