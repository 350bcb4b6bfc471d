// SPDX-License-Identifier: Apache-2.0
#include "actors/supervise/intensity.h"

#include <stddef.h>

#include "base/check.h"

void act__intensity_init(struct act__intensity *intensity, int64_t *ring, uint32_t max,
                         int64_t within_ns) {
  ACT_ASSERT(max <= ACT__INTENSITY_MAX && (ring || max == 0) && within_ns >= 0);
  *intensity = (struct act__intensity){.ring = ring, .max = max, .within_ns = within_ns};
}

static bool is_recent(const struct act__intensity *intensity, int64_t then_ns, int64_t now_ns) {
#ifdef ACT_MUTANT_INTENSITY_NEVER_FORGETS
  return true;
#endif
  return now_ns - then_ns <= intensity->within_ns;
}

bool act__intensity_add(struct act__intensity *intensity, int64_t now_ns) {
  if (intensity->max == 0) return false;
  // With a full ring the next place holds the oldest entry.
#ifdef ACT_MUTANT_INTENSITY_OFF_BY_ONE
  if (intensity->count == intensity->max &&
      is_recent(intensity, intensity->ring[(intensity->at + 1) % intensity->max], now_ns)) {
    return false;
  }
#else
  if (intensity->count == intensity->max &&
      is_recent(intensity, intensity->ring[intensity->at], now_ns)) {
    return false;
  }
#endif
  intensity->ring[intensity->at] = now_ns;
  intensity->at = (intensity->at + 1) % intensity->max;
  if (intensity->count < intensity->max) intensity->count++;
  return true;
}

uint32_t act__intensity_recent(const struct act__intensity *intensity, int64_t now_ns) {
  uint32_t recent = 0;
  while (recent < intensity->count) {  // from the newest backwards
    uint32_t i = (intensity->at + intensity->max - 1 - recent) % intensity->max;
    if (!is_recent(intensity, intensity->ring[i], now_ns)) break;
    recent++;
  }
  return recent;
}
