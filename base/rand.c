// SPDX-License-Identifier: Apache-2.0
//
// The generators, written from their papers, and the door to the operating system's entropy.
#include "base/rand.h"

#include <errno.h>
#include <sys/random.h>

#include "base/check.h"

static uint64_t rotate_left(uint64_t x, int n) {
  return (x << n) | (x >> (64 - n));
}

uint64_t act__splitmix64(uint64_t *state) {
  uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

// Four different outputs of a bijection: never the all-zero state, in which xoshiro would stay.
void act__rand_seed(struct act__rand *rand, uint64_t seed) {
  for (int i = 0; i < 4; i++) rand->s[i] = act__splitmix64(&seed);
}

uint64_t act__rand_next(struct act__rand *rand) {
  uint64_t *s = rand->s;
  uint64_t result = rotate_left(s[1] * 5, 7) * 9;
  uint64_t t = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = rotate_left(s[3], 45);
  return result;
}

uint64_t act__rand_below(struct act__rand *rand, uint64_t n) {
  ACT_ASSERT(n > 0);
  // 2^64 mod n values at the bottom would make some results likelier than others: draw again.
  uint64_t surplus = -n % n;
  uint64_t x;
  do {
    x = act__rand_next(rand);
  } while (x < surplus);
  return x % n;
}

act_rc act__rand_entropy(void *out, size_t n) {
  uint8_t *at = out;
  while (n > 0) {
    ssize_t got = getrandom(at, n, 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      return ACT_ESYS;
    }
    at += got;
    n -= (size_t)got;
  }
  return ACT_OK;
}
