// SPDX-License-Identifier: Apache-2.0
//
// Runs simulation stories over many seeds:
//   sim --list
//   sim STORY [--seeds N] [--seed S] [--loud]
//
// --loud shows what the runtime logs.
// Every seed is run twice, and the two must leave the same trace. A seed that fails, by a check, by a
// trace or by a crash, prints how to replay it alone. Exit code: 0 all held, 1 something failed, 2
// wrong arguments.
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/sim/story.h"

#define SEEDS_DEFAULT 1000u
#define FAILURES_SHOWN 10u

static const struct story *const stories[] = {&story_ask, &story_fair, &story_park,
                                             &story_supervisor};

void story_fail(struct story_run *run, const char *format, ...) {
  if (run->failed) return;
  run->failed = true;
  va_list args;
  va_start(args, format);
  vsnprintf(run->why, sizeof run->why, format, args);
  va_end(args);
}

// --- crashes: which seed was it? -------------------------------------------------------------------

static char replay_line[128];

static void on_crash(int signal_number) {
  // Only async-signal-safe calls; the line was made before the seed began.
  ssize_t written = write(STDOUT_FILENO, replay_line, strlen(replay_line));
  (void)written;
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

static void announce(const struct story *story, uint64_t seed) {
  snprintf(replay_line, sizeof replay_line, "replay: tools/sim %s --seeds 1 --seed %" PRIu64 "\n",
           story->name, seed);
}

// --- running ---------------------------------------------------------------------------------------

static bool loud;

static struct story_run run_once(const struct story *story, uint64_t seed, bool is_loud) {
  struct story_run run = {.seed = seed, .loud = is_loud};
  act__rand_seed(&run.rand, seed);
  story->run(&run);
  return run;
}

static struct story_run run_seed(const struct story *story, uint64_t seed) {
  struct story_run first = run_once(story, seed, loud), second = run_once(story, seed, false);
  STORY_CHECK(&first, first.trace == second.trace,
              "same seed, other trace: %016" PRIx64 " and %016" PRIx64, first.trace, second.trace);
  return first;
}

static int run_story(const struct story *story, uint64_t first_seed, uint64_t seeds) {
  int64_t began = act__clock_now(act__clock_system());
  uint64_t trace = 0, failed = 0, partial = 0;
  for (uint64_t i = 0; i < seeds; i++) {
    uint64_t seed = first_seed + i;
    announce(story, seed);
    struct story_run run = run_seed(story, seed);
    uint64_t mixed = trace ^ run.trace;
    trace = act__splitmix64(&mixed);
    partial += run.partial;
    if (!run.failed) continue;
    if (failed++ < FAILURES_SHOWN) printf("seed %" PRIu64 ": %s\n%s", seed, run.why, replay_line);
  }
  if (partial) printf("%" PRIu64 " of the runs were checked in part\n", partial);
  double seconds = (double)(act__clock_now(act__clock_system()) - began) / 1e9;
  printf("sim: story=%s seeds=%" PRIu64 " first_seed=%" PRIu64 " failed=%" PRIu64
         " trace=%016" PRIx64 " seconds=%.1f\n",
         story->name, seeds, first_seed, failed, trace, seconds);
  return failed ? 1 : 0;
}

// --- arguments -------------------------------------------------------------------------------------

static int usage(const char *problem) {
  fprintf(stderr, "sim: %s\nusage: sim --list | sim STORY [--seeds N] [--seed S] [--loud]\n", problem);
  return 2;
}

static bool number(const char *text, uint64_t *out) {
  char *end;
  if (!text || text[0] < '0' || text[0] > '9') return false;
  *out = strtoull(text, &end, 10);
  return *end == 0;
}

static int list(void) {
  for (size_t i = 0; i < ACT_COUNT(stories); i++) {
    printf("%-12s %s\n", stories[i]->name, stories[i]->about);
  }
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 2 && !strcmp(argv[1], "--list")) return list();
  if (argc < 2) return usage("which story?");
  const struct story *story = NULL;
  for (size_t i = 0; i < ACT_COUNT(stories); i++) {
    if (!strcmp(argv[1], stories[i]->name)) story = stories[i];
  }
  if (!story) return usage("no such story");
  uint64_t seeds = SEEDS_DEFAULT, first_seed = 1;
  for (int i = 2; i < argc; i += 2) {
    if (!strcmp(argv[i], "--loud")) {
      loud = true;
      i--;
      continue;
    }
    uint64_t *value = !strcmp(argv[i], "--seeds")  ? &seeds
                      : !strcmp(argv[i], "--seed") ? &first_seed
                                                   : NULL;
    if (!value || !number(i + 1 < argc ? argv[i + 1] : NULL, value)) {
      return usage("options are --seeds N and --seed S");
    }
  }
  setvbuf(stdout, NULL, _IOLBF, 0);
  signal(SIGABRT, on_crash);
  signal(SIGSEGV, on_crash);
  return run_story(story, first_seed, seeds);
}
