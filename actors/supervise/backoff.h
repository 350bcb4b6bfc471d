// SPDX-License-Identifier: Apache-2.0
//
// Back-off: how long to wait before the next restart. first, 2 first, 4 first ... up to max, each
// moved by up to jitter_pct either way, so that many that failed together do not come back together;
// a life that was healthy long enough starts the row again.
//
// Pure: random numbers and times are handed in.
#ifndef TROUPE_ACTORS_SUPERVISE_BACKOFF_H
#define TROUPE_ACTORS_SUPERVISE_BACKOFF_H

#include <stdint.h>

#include "actors/supervise.h"

struct act__backoff {
  act_backoff rule;    // defaults filled in
  uint32_t current_ms; // the next delay, before jitter
};

// Fills in what is 0: max_ms by first_ms, healthy_ms by within_ms.
void act__backoff_init(struct act__backoff *backoff, const act_backoff *rule, uint32_t within_ms);

// The delay before the restart that follows a life of which `healthy_ns` were spent up (0: it never
// was). `random`: 64 random bits. The jitter applies after the cap: at most max_ms + jitter_pct.
uint32_t act__backoff_next(struct act__backoff *backoff, int64_t healthy_ns, uint64_t random);

#endif
