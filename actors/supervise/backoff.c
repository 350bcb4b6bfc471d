// SPDX-License-Identifier: Apache-2.0
#include "actors/supervise/backoff.h"

#include "base/clock.h"

void act__backoff_init(struct act__backoff *backoff, const act_backoff *rule, uint32_t within_ms) {
  backoff->rule = *rule;
  if (backoff->rule.max_ms == 0) backoff->rule.max_ms = rule->first_ms;
  if (backoff->rule.healthy_ms == 0) backoff->rule.healthy_ms = within_ms;
  backoff->current_ms = rule->first_ms;
}

static uint32_t doubled(uint32_t ms, uint32_t max_ms) {
#ifdef ACT_MUTANT_BACKOFF_NO_CAP
  (void)max_ms;
  return ms > UINT32_MAX / 2 ? UINT32_MAX : ms * 2;
#else
  return ms >= max_ms / 2 + max_ms % 2 ? max_ms : ms * 2;
#endif
}

static uint32_t with_jitter(uint32_t ms, uint32_t percent, uint64_t random) {
  uint64_t span = (uint64_t)ms * percent / 100;
  // The remainder favours small numbers by less than one in 2^30.
  uint64_t moved = ms - span + random % (2 * span + 1);
  return moved > UINT32_MAX ? UINT32_MAX : (uint32_t)moved;
}

uint32_t act__backoff_next(struct act__backoff *backoff, int64_t healthy_ns, uint64_t random) {
  const act_backoff *rule = &backoff->rule;
#ifndef ACT_MUTANT_BACKOFF_NEVER_RESETS
  if (healthy_ns >= rule->healthy_ms * ACT__NS_PER_MS && healthy_ns > 0) {
    backoff->current_ms = rule->first_ms;
  }
#endif
  uint32_t delay = with_jitter(backoff->current_ms, rule->jitter_pct, random);
  backoff->current_ms = doubled(backoff->current_ms, rule->max_ms);
  return delay;
}
