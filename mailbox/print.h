// SPDX-License-Identifier: Apache-2.0
//
// Messages for people: one line, by descriptor, for logs and the console.
//
//   counter_incr{by=1 why="tick"}
//   path{points=[{x=1 y=2} {x=3 y=4}] origin={x=0 y=0} weights=[0.5] label=none}
//
// The line holds no control characters, and its length is bounded whatever the message holds: texts,
// bytes and lists are cut, and a cut is marked with how much is missing, as in "abc..."+97 or
// [1 2 3 ... +5]. Bytes are hexadecimal, a counted buffer is its size, times are ISO 8601 in UTC.
#ifndef TROUPE_MAILBOX_PRINT_H
#define TROUPE_MAILBOX_PRINT_H

#include <stddef.h>

#include "mailbox/schema.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ACT_PRINT_TEXT_MAX 64u   // bytes shown of a str
#define ACT_PRINT_BYTES_MAX 16u  // of bytes
#define ACT_PRINT_ITEMS_MAX 8u   // items shown of a list

// Writes at most `size` bytes to `out`, terminator included, and returns the length of the whole
// line; a return of `size` or more says that the end is missing. With size 0, out may be NULL.
// Borrows everything; any thread.
size_t act_print(const act_schema *schema, const void *message, char *out, size_t size);

#ifdef __cplusplus
}
#endif
#endif
