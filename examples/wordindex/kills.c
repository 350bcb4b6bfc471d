// SPDX-License-Identifier: Apache-2.0
#include "examples/wordindex/kills.h"

// splitmix64 (Steele, Lea, Flood 2014).
uint64_t wi_kills_below(struct wi_kills *kills, uint64_t n) {
  uint64_t z = kills->state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return (z ^ z >> 31) % n;
}

static void plan(struct wi_kills *kills, uint64_t handed_out) {
  kills->at = handed_out + 1 + wi_kills_below(kills, WI_KILL_DISTANCE);
}

void wi_kills_init(struct wi_kills *kills, unsigned count, uint64_t seed) {
  *kills = (struct wi_kills){.left = count, .state = seed};
  plan(kills, 0);
}

bool wi_kills_due(const struct wi_kills *kills, uint64_t handed_out, bool walk_is_done,
                  unsigned uncounted) {
  if (kills->left == 0) return false;
  if (handed_out >= kills->at) return true;
  return walk_is_done && uncounted <= kills->left * WI_KILL_RESERVE;
}

bool wi_kills_keep(const struct wi_kills *kills, bool walk_is_done, unsigned waiting) {
  return kills->left && !walk_is_done && waiting <= 1;
}

void wi_kills_done(struct wi_kills *kills, uint64_t handed_out) {
  kills->left--;
  plan(kills, handed_out);
}
