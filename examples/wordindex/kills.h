// SPDX-License-Identifier: Apache-2.0
//
// When to kill a worker and which one: a seeded plan, pure.
//
// Kills are spread over the first hand-outs at random distances. A tree may be smaller than that: once
// the walk is over and only a few files are left for each kill to come, they are due at once. And as
// long as the walk goes on, the last file known is kept back. So all kills happen if there is any file.
#ifndef TROUPE_EXAMPLES_WORDINDEX_KILLS_H
#define TROUPE_EXAMPLES_WORDINDEX_KILLS_H

#include <stdbool.h>
#include <stdint.h>

#define WI_KILL_DISTANCE 400u  // hand-outs between two kills, at most
#define WI_KILL_RESERVE 4u     // uncounted files kept for each kill to come

struct wi_kills {
  unsigned left;
  uint64_t at;  // the next is due when so many files have been handed out
  uint64_t state;
};

void wi_kills_init(struct wi_kills *kills, unsigned count, uint64_t seed);

// Is one due now?
bool wi_kills_due(const struct wi_kills *kills, uint64_t handed_out, bool walk_is_done,
                  unsigned uncounted);

// Is this number of waiting files too small to hand one out, because a kill may need it?
bool wi_kills_keep(const struct wi_kills *kills, bool walk_is_done, unsigned waiting);

// One was done: plans the next.
void wi_kills_done(struct wi_kills *kills, uint64_t handed_out);

// A random number below n > 0, from the same seed.
uint64_t wi_kills_below(struct wi_kills *kills, uint64_t n);

#endif
