// SPDX-License-Identifier: Apache-2.0
//
// Deep copies of messages into one block of memory, by descriptor.
//
// A block is the struct, followed by whatever its pointers lead to: items of lists at multiples of 8
// bytes, strings with a zero byte behind them, bytes. All pointers in it lead into it (or to a
// constant empty text), so freeing the block frees the message. Counted buffers are the exception:
// the block holds a reference to each, which act__copy_release gives back.
//
// A flat message (no pointers) is copied by memcpy and its block is its struct.
#ifndef TROUPE_MAILBOX_COPY_H
#define TROUPE_MAILBOX_COPY_H

#include <stddef.h>

#include "mailbox/schema.h"

// Bytes of the block for a copy of `message` (borrowed), a multiple of 8; SIZE_MAX when that would
// be over ACT_MESSAGE_MAX. Any thread.
size_t act__copy_size(const act_schema *schema, const void *message);

// Copies into `block`: act__copy_size bytes, aligned to 8. Takes a reference to each counted buffer.
// Absent optionals are zeroed; empty strings and bytes point at an empty text. Cannot fail. The
// message must not change between the two calls.
void act__copy_into(const act_schema *schema, const void *message, void *block);

// Gives the references back that a block (or the message in it) holds. The block itself is the
// caller's. Nothing to do unless schema->has_bufs.
void act__copy_release(const act_schema *schema, void *block);

#endif
