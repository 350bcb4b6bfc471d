// SPDX-License-Identifier: Apache-2.0
//
// Random numbers. Decisions draw from a seeded generator with one owner, so that the same seed
// makes the same run; identities and seeds themselves draw from the operating system.
//
// xoshiro256** (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2018),
// seeded by splitmix64 (Steele, Lea and Flood, 2014). Not for secrets: act__rand_entropy is.
#ifndef TROUPE_BASE_RAND_H
#define TROUPE_BASE_RAND_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

// One owner at a time; not thread safe. Copying it copies the future.
struct act__rand {
  uint64_t s[4];
};

// Every seed is good, zero included.
void act__rand_seed(struct act__rand *rand, uint64_t seed);

// All 64 bits are usable.
uint64_t act__rand_next(struct act__rand *rand);

// Uniform in [0, n), without bias. n > 0. May draw more than once.
uint64_t act__rand_below(struct act__rand *rand, uint64_t n);

// Steps a splitmix64 state and returns its output: turns one seed into many.
uint64_t act__splitmix64(uint64_t *state);

// Fills `out` with n bytes from getrandom(2). Any thread; may block early in the machine's boot.
// ACT_ESYS: the operating system has none to give.
ACT_MUST act_rc act__rand_entropy(void *out, size_t n);

#endif
