// SPDX-License-Identifier: Apache-2.0
//
// A growable byte writer with a limit. Failure sticks: write a whole message, then look once at
// `failed`. One thread at a time.
#ifndef TROUPE_BASE_BYTES_H
#define TROUPE_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct act__bytes {
  uint8_t *data;
  size_t length, capacity, limit;
  bool failed;
  act_rc reason;  // of the failure: ACT_EFULL (the limit) or ACT_ENOMEM
};

// Allocates nothing yet. It never holds more than `limit` bytes.
void act__bytes_init(struct act__bytes *bytes, size_t limit);
void act__bytes_fini(struct act__bytes *bytes);

// Copies n bytes to the end. false: failed, now or before; the contents are as before.
bool act__bytes_append(struct act__bytes *bytes, const void *data, size_t n);

// Room for n bytes behind the contents, lent until the next call; NULL: failed, now or before.
// act__bytes_commit says how many of them were written.
uint8_t *act__bytes_reserve(struct act__bytes *bytes, size_t n);
void act__bytes_commit(struct act__bytes *bytes, size_t n);

// Empties it and forgets a failure; keeps the memory.
void act__bytes_reset(struct act__bytes *bytes);

// Gives the contents to the caller (act__free) and is as after init. NULL when it never held any
// memory; *length is set all the same.
uint8_t *act__bytes_detach(struct act__bytes *bytes, size_t *length);

#endif
