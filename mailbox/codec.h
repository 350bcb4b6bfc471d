// SPDX-License-Identifier: Apache-2.0
//
// Messages as msgpack and back, by descriptor.
//
// A message is a map from field id to value. Absent optionals, empty lists and counted buffers that
// are none are left out. Per kind:
//
//   i32 i64 u32 u64   integer, shortest form
//   f64               float 64
//   flag              true, false
//   str               str, UTF-8
//   bytes, buf        bin (a buffer that is none, in a list: nil)
//   time              ext -1, the timestamp of the msgpack specification, shortest form
//   pid               ext 1, 24 bytes, big endian: node 8, slot 4, gen 4, epoch 4, zero 4
//   list              array
//   message           map
//
// The decoder trusts nothing. It reads the bytes twice with one cursor: first to check everything
// and to learn how large the block is, then to fill it. It allocates nothing (except the counted
// buffers while filling), its recursion is bounded by the depth limit, and its work by the bytes.
//
// Accepted: fields in any order, unknown fields (skipped), missing fields (zero; empty text), any
// integer form, a float with a whole value in range for an integer, an integer that a double holds
// exactly for an f64, nil for an optional. Refused, with a text that says what and where: anything
// else, among it a field twice, a number out of range, text that is not UTF-8, a bound exceeded,
// bytes after the message.
#ifndef TROUPE_MAILBOX_CODEC_H
#define TROUPE_MAILBOX_CODEC_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "mailbox/schema.h"

#define ACT__EXT_TIME (-1)
#define ACT__EXT_PID 1
#define ACT__PID_WIRE_BYTES 24u

// A decoded block is at most this many times as large as the bytes it came from, plus the struct.
// Only a list of messages that miss most of their fields can exceed it; act__encode refuses to pack
// what its receiver would refuse.
#define ACT__DECODE_EXPANSION 32u

// Where and why decoding stopped. The names belong to the descriptors.
struct act__decode_error {
  size_t offset;        // of the refused byte
  const char *message;  // type, of the innermost message
  const char *field;    // NULL: not in one
  char text[200];       // one sentence with all of it
};

// Zero means the default. `error` may be NULL and is written when decoding refuses.
struct act__decode_limits {
  uint32_t depth;      // containers inside one another; ACT_DEPTH_MAX, which is also the most
  uint32_t expansion;  // ACT__DECODE_EXPANSION
  size_t block_bytes;  // ACT_MESSAGE_MAX, which is also the most
  struct act__decode_error *error;
};

// Appends the message (borrowed) to `out`. On error `out` is as long as before.
// ACT_EINVAL: a str that is not UTF-8. ACT_ELIMIT: the receiver's expansion bound refuses it.
// ACT_EFULL, ACT_ENOMEM: as out->reason says. Any thread.
ACT_MUST act_rc act__encode(const act_schema *schema, const void *message, struct act__bytes *out);

// With block NULL: checks the `size` bytes at `data` (borrowed) and sets *block_size to what a block
// for the message needs, a multiple of 8. With a block of *block_size bytes, aligned to 8: fills it.
// The block is laid out as by act__copy_into and released like it. `limits` may be NULL; it must be
// the same in both calls.
// ACT_EBADMSG: refused; limits->error says why. ACT_ENOMEM: no memory for a counted buffer; the block
// then holds no references. Any thread.
ACT_MUST act_rc act__decode(const act_schema *schema, const uint8_t *data, size_t size,
                            const struct act__decode_limits *limits, void *block,
                            size_t *block_size);

#endif
