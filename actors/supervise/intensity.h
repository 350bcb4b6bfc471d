// SPDX-License-Identifier: Apache-2.0
//
// Restart intensity: at most n restarts within any stretch of t; the one past that is giving up.
//
// The last n restarts are remembered in a ring. A new one is too many exactly when the ring is full
// and its oldest entry is no older than t: both ends count, so a restart just t ago still does.
// Restarts older than the last n cannot matter, so the ring is all the memory there is.
//
// Pure: the time and the ring's memory are handed in.
#ifndef TROUPE_ACTORS_SUPERVISE_INTENSITY_H
#define TROUPE_ACTORS_SUPERVISE_INTENSITY_H

#include <stdbool.h>
#include <stdint.h>

#define ACT__INTENSITY_MAX 65535u  // most restarts that can be allowed

struct act__intensity {
  int64_t *ring;     // max entries; borrowed
  uint32_t max, at;  // at: where the next one goes
  uint32_t count;    // entries in use
  int64_t within_ns;
};

// `ring` has room for `max` entries and is lent until the end; NULL with max 0.
void act__intensity_init(struct act__intensity *intensity, int64_t *ring, uint32_t max,
                         int64_t within_ns);

// Notes a restart at now_ns, which never goes back. False: that would be one too many; it is not
// noted.
bool act__intensity_add(struct act__intensity *intensity, int64_t now_ns);

// Restarts noted within the last t.
uint32_t act__intensity_recent(const struct act__intensity *intensity, int64_t now_ns);

#endif
