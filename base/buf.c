// SPDX-License-Identifier: Apache-2.0
//
// Counted bytes. A copied buffer is one allocation, head and bytes together; an adopted one points
// at its owner's memory.
#include "base/buf.h"

#include <string.h>

#include "base/alloc.h"
#include "base/atomic.h"
#include "base/check.h"

// References to one buffer at most: far above what memory can hold, far below overflow.
#define REFERENCES_MAX (INT64_C(1) << 48)

struct act__buf {
  ACT__ATOMIC(int64_t) references;
  size_t length;  // immutable after creation, as everything below
  uint8_t *data;
  act_buf_destructor destructor;
  void *arg;
};

static struct act__buf *buf_create(size_t extra) {
  size_t total;
  if (__builtin_add_overflow(sizeof(struct act__buf), extra, &total)) return NULL;
  struct act__buf *impl = act__malloc(total);
  if (impl == NULL) return NULL;
  act__atomic_init(&impl->references, 1);
  return impl;
}

act_buf act_buf_copy(const void *bytes, size_t length) {
  struct act__buf *impl = buf_create(length);
  if (impl == NULL) return (act_buf){NULL};
  impl->length = length;
  impl->data = (uint8_t *)(impl + 1);
  impl->destructor = NULL;
  impl->arg = NULL;
  if (length > 0) memcpy(impl->data, bytes, length);
  return (act_buf){impl};
}

act_buf act_buf_take(void *data, size_t length, act_buf_destructor destructor, void *arg) {
  struct act__buf *impl = buf_create(0);
  if (impl == NULL) return (act_buf){NULL};
  impl->length = length;
  impl->data = data;
  impl->destructor = destructor;
  impl->arg = arg;
  return (act_buf){impl};
}

act_buf act_buf_ref(act_buf buf) {
  if (buf.impl == NULL) return buf;
  // relaxed: the caller holds a reference, so nothing can end here, and it passes the new one on by
  // means that order.
  int64_t before = act__fetch_add_relaxed(&buf.impl->references, 1);
  ACT_ASSERT(before > 0 && before < REFERENCES_MAX);
  return buf;
}

void act_buf_unref(act_buf buf) {
  if (buf.impl == NULL) return;
  // acq_rel [buf:references]: pairs with itself in the other holders' unref; all they did with the
  // bytes comes before the last one's destructor.
  int64_t before = act__fetch_sub_acq_rel(&buf.impl->references, 1);
  ACT_ASSERT(before > 0);
  if (before > 1) return;
  if (buf.impl->destructor != NULL) buf.impl->destructor(buf.impl->data, buf.impl->arg);
  act__free(buf.impl);
}

const uint8_t *act_buf_data(act_buf buf) {
  return buf.impl == NULL ? NULL : buf.impl->data;
}

size_t act_buf_size(act_buf buf) {
  return buf.impl == NULL ? 0 : buf.impl->length;
}

int act_buf_is_none(act_buf buf) {
  return buf.impl == NULL;
}
