// SPDX-License-Identifier: Apache-2.0
//
// Assertions that stay on in release builds: a broken promise of ours ends the process where it
// broke, with the expression and the place, instead of somewhere else later.
#ifndef TROUPE_BASE_CHECK_H
#define TROUPE_BASE_CHECK_H

// Prints one line to standard error and aborts. Any thread; async-signal-safe is not promised.
_Noreturn void act__panic(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define ACT_ASSERT(condition)                                                     \
  (__builtin_expect(!!(condition), 1)                                             \
       ? (void)0                                                                  \
       : act__panic(__FILE__, __LINE__, "assertion failed: %s", #condition))

#define ACT_PANIC(...) act__panic(__FILE__, __LINE__, __VA_ARGS__)

// The struct that contains a member, from the member's address.
#define ACT__CONTAINER_OF(pointer, type, member)                                  \
  ((type *)(void *)((char *)(pointer) - __builtin_offsetof(type, member)))

#endif
