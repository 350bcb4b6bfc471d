// SPDX-License-Identifier: Apache-2.0
//
// A message type with every kind in every shape, and what tests do with messages of any type: make
// one from a seed, compare two, copy one into a block of exactly its size.
#ifndef TROUPE_TESTS_MAILBOX_SAMPLE_H
#define TROUPE_TESTS_MAILBOX_SAMPLE_H

#include "base/rand.h"
#include "mailbox/message.h"

ACT_MSG(point, (i32, x, 1)(i32, y, 2))
ACT_MSG(label, (str, key, 1)(bytes, value, 2)(buf, blob, 3)(opt, weight, 4, f64))
ACT_MSG_EMPTY(nothing)
ACT_MSG(everything,
    (i32, an_i32, 1)(i64, an_i64, 2)(u32, a_u32, 3)(u64, a_u64, 4)(f64, an_f64, 5)(flag, a_flag, 6)
    (str, a_str, 7)(bytes, some_bytes, 8)(pid, a_pid, 9)(time, a_time, 10)(buf, a_buf, 11)
    (list, i32s, 21, i32)(list, i64s, 22, i64)(list, u32s, 23, u32)(list, u64s, 24, u64)
    (list, f64s, 25, f64)(list, flags, 26, flag)(list, strs, 27, str)(list, bytess, 28, bytes)
    (list, pids, 29, pid)(list, times, 30, time)(list, bufs, 31, buf)
    (opt, maybe_i32, 41, i32)(opt, maybe_i64, 42, i64)(opt, maybe_u32, 43, u32)
    (opt, maybe_u64, 44, u64)(opt, maybe_f64, 45, f64)(opt, maybe_flag, 46, flag)
    (opt, maybe_str, 47, str)(opt, maybe_bytes, 48, bytes)(opt, maybe_pid, 49, pid)
    (opt, maybe_time, 50, time)(opt, maybe_buf, 51, buf)
    (msg, a_point, 61, point)(msgs, points, 62, point)(msg, a_label, 63, label)
    (msgs, labels, 64, label)(msg, a_nothing, 1000, nothing)(msgs, nothings, 70000, nothing))

// Fills a zeroed struct with random values, lists of up to three items included. What its pointers
// lead to is taken from `arena`, which must have room; sample_release gives its buffers back.
struct sample_arena {
  char bytes[1 << 16];
  size_t used;
};
void sample_fill(const act_schema *schema, void *message, struct act__rand *rand,
                 struct sample_arena *arena);
void sample_release(const act_schema *schema, void *message);

// Equal in every value; floats by their bits, texts and buffers by their contents.
bool sample_equal(const act_schema *schema, const void *a, const void *b);

// A copy in memory of exactly act__copy_size bytes; fini releases and frees.
void *sample_copy(const act_schema *schema, const void *message);
void sample_free(const act_schema *schema, void *block);

#endif
