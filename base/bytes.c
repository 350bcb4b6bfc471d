// SPDX-License-Identifier: Apache-2.0
//
// The byte writer: capacity doubles, up to the limit.
#include "base/bytes.h"

#include <string.h>

#include "base/alloc.h"
#include "base/check.h"

#define FIRST_CAPACITY 64

void act__bytes_init(struct act__bytes *bytes, size_t limit) {
  *bytes = (struct act__bytes){.limit = limit};
}

void act__bytes_fini(struct act__bytes *bytes) {
  act__free(bytes->data);
  act__bytes_init(bytes, bytes->limit);
}

static bool fail(struct act__bytes *bytes, act_rc reason) {
  bytes->failed = true;
  bytes->reason = reason;
  return false;
}

// Makes room for n more bytes behind the contents.
static bool grow(struct act__bytes *bytes, size_t n) {
  if (bytes->failed) return false;
  if (n > bytes->limit - bytes->length) return fail(bytes, ACT_EFULL);
  size_t needed = bytes->length + n;
  if (needed <= bytes->capacity && bytes->data != NULL) return true;

  size_t capacity = bytes->capacity < FIRST_CAPACITY ? FIRST_CAPACITY : bytes->capacity;
  while (capacity < needed) capacity = capacity > SIZE_MAX / 2 ? SIZE_MAX : capacity * 2;
  if (capacity > bytes->limit) capacity = bytes->limit;
  uint8_t *data = act__realloc(bytes->data, capacity);
  if (data == NULL) return fail(bytes, ACT_ENOMEM);
  bytes->data = data;
  bytes->capacity = capacity;
  return true;
}

bool act__bytes_append(struct act__bytes *bytes, const void *data, size_t n) {
  if (!grow(bytes, n)) return false;
  if (n > 0) memcpy(bytes->data + bytes->length, data, n);
  bytes->length += n;
  return true;
}

uint8_t *act__bytes_reserve(struct act__bytes *bytes, size_t n) {
  return grow(bytes, n) ? bytes->data + bytes->length : NULL;
}

void act__bytes_commit(struct act__bytes *bytes, size_t n) {
  ACT_ASSERT(n <= bytes->capacity - bytes->length);
  bytes->length += n;
}

void act__bytes_reset(struct act__bytes *bytes) {
  bytes->length = 0;
  bytes->failed = false;
  bytes->reason = ACT_OK;
}

uint8_t *act__bytes_detach(struct act__bytes *bytes, size_t *length) {
  uint8_t *data = bytes->data;
  *length = bytes->length;
  act__bytes_init(bytes, bytes->limit);
  return data;
}
