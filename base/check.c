// SPDX-License-Identifier: Apache-2.0
//
// The last words of a broken process: one line in one write(2), without memory allocation and
// without stdio's locks, because either may be what is broken.
#include "base/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

_Noreturn void act__panic(const char *file, int line, const char *format, ...) {
  char text[1024];
  int length = snprintf(text, sizeof text / 2, "troupe: panic at %s:%d: ", file, line);
  if (length < 0) length = 0;
  if ((size_t)length >= sizeof text / 2) length = sizeof text / 2 - 1;

  va_list args;
  va_start(args, format);
  int more = vsnprintf(text + length, sizeof text - (size_t)length, format, args);
  va_end(args);
  if (more > 0) length += more;
  if ((size_t)length >= sizeof text) length = sizeof text - 1;
  text[length++] = '\n';  // over the terminating zero

  // Nobody is left to hear about a failed write.
  if (write(STDERR_FILENO, text, (size_t)length) < 0) abort();
  abort();
}
