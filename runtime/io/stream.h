// SPDX-License-Identifier: Apache-2.0
//
// Byte streams over connected descriptors. Role holder only, all callbacks too.
//
// The stream owns one bounded read buffer. `read` is shown everything that has arrived and is not
// consumed yet, and says how much of it it used; the rest is shown again together with what follows.
// So a parser needs no buffer of its own, as long as its largest item fits into the buffer.
//
// A life: open -> read*, written* -> ended (at most once: the other side closed, or an error)
//         -> act__stream_close by the owner -> closed (exactly once, the last call; then it is freed).
#ifndef TROUPE_RUNTIME_IO_STREAM_H
#define TROUPE_RUNTIME_IO_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct act__loop;
struct act__stream;

#define ACT__STREAM_BUFFER (128u * 1024u)  // the largest item that `read` can wait for

struct act__stream_events {
  // Borrows data; returns how many bytes are used up, at most size.
  size_t (*read)(void *arg, const uint8_t *data, size_t size);
  // The write has ended; its bytes are the caller's again. ACT_OK, ACT_ELINK (the other side is
  // gone), ACT_ECANCELLED (closed meanwhile), ACT_ESYS.
  void (*written)(void *arg, act_rc rc);
  // Nothing will be read any more. ACT_ECLOSED: the other side closed in order. ACT_ELINK: it broke
  // off. ACT_ESYS.
  void (*ended)(void *arg, act_rc why);
  void (*closed)(void *arg);
};

// Wraps a connected socket and starts to read. Takes fd, also on failure. Borrows `events` until
// closed. ACT_ENOMEM, ACT_ESYS.
ACT_MUST act_rc act__stream_open(struct act__loop *loop, int fd,
                                 const struct act__stream_events *events, void *arg,
                                 struct act__stream **out);

// Writes bytes (at least one) that the caller lends until `written`. One write at a time, and none after
// `ended` or close. Errors arrive in `written`.
void act__stream_write(struct act__stream *stream, const uint8_t *data, size_t size);

// Stops and resumes reading: what is not read stays in the kernel, and the other side has to wait.
void act__stream_pause(struct act__stream *stream);
void act__stream_resume(struct act__stream *stream);

// Starts to close; `written` follows first if a write is under way, then `closed`. Idempotent.
void act__stream_close(struct act__stream *stream);

#endif
