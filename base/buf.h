// SPDX-License-Identifier: Apache-2.0
//
// act_buf: counted, immutable bytes. Large data travels between actors without a copy: every holder
// has a reference, and the last one to let go frees the memory, on whatever thread that happens.
//
// A value of this type is one reference. Plain assignment passes the reference on; act_buf_ref
// makes a second one. All functions: any thread, never block. {0} is "no buffer": size 0, data
// NULL, and every function accepts it.
#ifndef TROUPE_BASE_BUF_H
#define TROUPE_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct act_buf {
  struct act__buf *impl;
} act_buf;

// Frees adopted memory. Runs exactly once, when the last reference goes, on that thread: it must
// not block and must not call into the runtime.
typedef void (*act_buf_destructor)(void *data, void *arg);

// A buffer with a copy of `length` bytes (borrowed for the call; may be NULL when length is 0).
// No buffer: out of memory. Also for length 0 a buffer is made.
ACT_MUST act_buf act_buf_copy(const void *bytes, size_t length);

// A buffer that adopts the caller's memory: nobody may write to it from now on, and
// destructor(data, arg) frees it (NULL: nothing to free, as for static data). No buffer: out of
// memory; then the memory is still the caller's and the destructor will not run.
ACT_MUST act_buf act_buf_take(void *data, size_t length, act_buf_destructor destructor, void *arg);

// A second reference to the same bytes, to be given back like the first.
ACT_MUST act_buf act_buf_ref(act_buf buf);

// Gives a reference back. The value must not be used afterwards.
void act_buf_unref(act_buf buf);

// Lends the bytes for as long as the caller holds its reference.
const uint8_t *act_buf_data(act_buf buf);
size_t act_buf_size(act_buf buf);

// Non-zero for "no buffer".
int act_buf_is_none(act_buf buf);

#ifdef __cplusplus
}
#endif
#endif
