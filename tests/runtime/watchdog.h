// SPDX-License-Identifier: Apache-2.0
//
// For tests of things that can hang: a thread that ends the process, with a word about the state,
// when the test is not through by a deadline. A lost wake-up then fails within seconds.
#ifndef TROUPE_TESTS_RUNTIME_WATCHDOG_H
#define TROUPE_TESTS_RUNTIME_WATCHDOG_H

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/thread.h"

struct watchdog {
  struct act__thread thread;
  struct act__parker done;
  int64_t span_ns;
  const char *what;
  void (*print)(void *arg);  // may be NULL; reads what it can without locks
  void *arg;
};

static inline void watchdog_main(void *arg) {
  struct watchdog *dog = arg;
  int64_t deadline = act__clock_now(act__clock_system()) + dog->span_ns;
  if (act__parker_park(&dog->done, deadline)) return;
  fprintf(stderr, "watchdog: %s is not through after %lld ms\n", dog->what,
          (long long)(dog->span_ns / ACT__NS_PER_MS));
  if (dog->print) dog->print(dog->arg);
  abort();
}

static inline void watchdog_start(struct watchdog *dog, const char *what, int64_t span_ns) {
  *dog = (struct watchdog){.span_ns = span_ns, .what = what, .print = dog->print, .arg = dog->arg};
  act__parker_init(&dog->done);
  ACT_ASSERT(act__thread_start(&dog->thread, "watchdog", 0, watchdog_main, dog) == ACT_OK);
}

static inline void watchdog_stop(struct watchdog *dog) {
  act__parker_unpark(&dog->done);
  act__thread_join(&dog->thread);
  act__parker_fini(&dog->done);
}

#endif
