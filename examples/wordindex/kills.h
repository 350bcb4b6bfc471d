// SPDX-License-Identifier: Apache-2.0
//
// When to kill a worker and which one: a seeded plan, pure.
//
// Kills are spread over the first hand-outs at random distances. A tree may be smaller than that: once
// the walk is over and only a few files are left for each kill that is due, a kill is due at once, so
// that all of them happen while any file remains.
#ifndef TROUPE_EXAMPLES_WORDINDEX_KILLS_H
#define TROUPE_EXAMPLES_WORDINDEX_KILLS_H

#include <stdbool.h>
#include <stdint.h>

#define WI_KILL_DISTANCE 400u  // hand-outs between two kills, at most
#define WI_KILL_RESERVE 4u     // unfinished files kept for each kill that is left

struct wi_kills {
  unsigned left;
  uint64_t at;  // the next is due when so many files have been handed out
  uint64_t state;
};

void wi_kills_init(struct wi_kills *kills, unsigned count, uint64_t seed);

// Is one due now?
bool wi_kills_due(const struct wi_kills *kills, uint64_t handed_out, bool walk_is_done,
                  unsigned unfinished);

// One was done: plans the next.
void wi_kills_done(struct wi_kills *kills, uint64_t handed_out);

// A random number below n > 0, from the same seed.
uint64_t wi_kills_below(struct wi_kills *kills, uint64_t n);

#endif
