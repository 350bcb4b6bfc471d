// SPDX-License-Identifier: Apache-2.0
//
// A story: one kind of life in the simulation, told differently by every seed. It builds a world from
// the seed, lets it run under virtual time and checks what must hold in any run. It uses the public
// API alone.
#ifndef TROUPE_TESTS_SIM_STORY_H
#define TROUPE_TESTS_SIM_STORY_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/sim.h"
#include "actors/troupe.h"
#include "base/rand.h"

struct story_run {
  uint64_t seed;
  struct act__rand rand;  // for building the world; inside it, actors use act_rand
  bool loud;              // the runtime's log goes to standard error
  uint64_t trace;         // set by the story at its end
  bool partial;           // something could be checked in part of the run only
  bool failed;
  char why[512];          // the first thing that did not hold
};

struct story {
  const char *name;
  const char *about;
  void (*run)(struct story_run *run);
};

extern const struct story story_ask, story_fair, story_park, story_supervisor;

// Notes that something did not hold; the first one counts.
void story_fail(struct story_run *run, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#define STORY_CHECK(run, condition, ...) \
  ((condition) ? (void)0 : story_fail(run, __VA_ARGS__))

// Uniform in [low, high].
static inline uint32_t story_pick(struct act__rand *rand, uint32_t low, uint32_t high) {
  return low + (uint32_t)act__rand_below(rand, (uint64_t)high - low + 1);
}

static inline bool story_chance(struct act__rand *rand, uint32_t percent) {
  return act__rand_below(rand, 100) < percent;
}

#endif
