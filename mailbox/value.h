// SPDX-License-Identifier: Apache-2.0
//
// How the values of a message lie in memory, for the code that walks descriptors: copy, print, codec.
//
// All lists have one layout (items, count), all optionals another (has, value); the assertions below
// hold the types of mailbox/schema.h to that. Members are read through memcpy, because the walker
// does not know the named type that they were declared with.
#ifndef TROUPE_MAILBOX_VALUE_H
#define TROUPE_MAILBOX_VALUE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "mailbox/schema.h"

struct act__list {
  const void *items;
  uint32_t count;
};

#define ACT__CHECK_LAYOUT_(word, constant, type)                                        \
  _Static_assert(sizeof(act_list_##word) == sizeof(struct act__list) &&                 \
                     offsetof(act_list_##word, count) == offsetof(struct act__list, count), \
                 "lists of all kinds have one layout");                                 \
  _Static_assert(offsetof(act_opt_##word, has) == 0 &&                                  \
                     offsetof(act_opt_##word, value) == _Alignof(type),                 \
                 "an optional's value stands at its own alignment");
ACT_KIND_LIST(ACT__CHECK_LAYOUT_)
#undef ACT__CHECK_LAYOUT_
_Static_assert(sizeof(act_str) == sizeof(act_bytes) &&
                   offsetof(act_str, size) == offsetof(act_bytes, size),
               "str and bytes have one layout");

// Where the value of an optional stands in it.
static inline size_t act__optional_offset(uint8_t kind) {
  switch (kind) {
    case ACT_KIND_FLAG:
      return _Alignof(bool);
    case ACT_KIND_I32:
    case ACT_KIND_U32:
      return _Alignof(uint32_t);
    default:
      return 8;
  }
}

static inline struct act__list act__list_at(const void *member) {
  struct act__list list;
  memcpy(&list, member, sizeof list);
  return list;
}

// A str, or bytes.
static inline act_str act__str_at(const void *member) {
  act_str value;
  memcpy(&value, member, sizeof value);
  return value;
}

static inline bool act__has_at(const void *member) {
  bool has;
  memcpy(&has, member, sizeof has);
  return has;
}

static inline act_buf act__buf_at(const void *member) {
  act_buf value;
  memcpy(&value, member, sizeof value);
  return value;
}

// The offset of the next list after `used` bytes of a block.
static inline size_t act__align8(size_t used) {
  return (used + 7u) & ~(size_t)7u;
}

#endif
