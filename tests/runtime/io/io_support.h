// SPDX-License-Identifier: Apache-2.0
//
// What the tests of runtime/io and runtime/net share: driving the loop by hand until something is true.
#ifndef TROUPE_TESTS_RUNTIME_IO_IO_SUPPORT_H
#define TROUPE_TESTS_RUNTIME_IO_IO_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "runtime/exec.h"
#include "runtime/io/loop.h"

#define PATIENCE_NS (20 * ACT__NS_PER_S)

// Polls until the condition holds; fails the test when that takes too long.
#define POLL_UNTIL(loop, condition)                                             \
  do {                                                                          \
    int64_t until_ = act__loop_now_ns(loop) + PATIENCE_NS;                      \
    while (!(condition)) {                                                      \
      if (act__loop_now_ns(loop) > until_) fail_msg("waited for: " #condition); \
      poll_once(loop, 100 * ACT__NS_PER_MS);                                    \
    }                                                                           \
  } while (0)

static inline void poll_once(struct act__loop *loop, int64_t timeout_ns) {
  struct act__poller *poller = act__loop_poller(loop);
  poller->poll(poller, NULL, timeout_ns);
}

static inline struct act__loop *new_loop(void) {
  struct act__loop *loop;
  assert_int_equal(act__loop_create(&loop), ACT_OK);
  return loop;
}

// Open descriptors of this process.
static inline int count_descriptors(void) {
  DIR *folder = opendir("/proc/self/fd");
  assert_non_null(folder);
  int count = 0;
  while (readdir(folder)) count++;
  closedir(folder);
  return count - 3;  // ".", "..", and the folder's own
}

// A folder of the test's own, in the caller's buffer.
static inline char *new_folder(char *buffer, size_t size) {
  const char *base = getenv("TEST_TMPDIR");
  snprintf(buffer, size, "%s/ioXXXXXX", base && strlen(base) < 60 ? base : "/tmp");
  assert_non_null(mkdtemp(buffer));
  return buffer;
}

#endif
