// SPDX-License-Identifier: Apache-2.0
//
// Descriptors: what a message type looks like and which operations a protocol has, as constant data.
//
// This is the ABI below the macros of mailbox/message.h and actors/protocol.h. Copying, printing and
// the wire format read these tables and nothing else, so a generator or a table written by hand
// plugs in at the same place. The macros emit descriptors as weak constants: however many
// translation units include a contract, the linker keeps one, so inside one program the address *is*
// the identity. Between programs the content is (act_schema_hash, act_protocol_hash).
//
// What a table must hold (the macros see to it): field ids unique and not zero, at most
// ACT_FIELDS_MAX fields, offsets inside `size`, the three summary members true to the fields.
#ifndef TROUPE_MAILBOX_SCHEMA_H
#define TROUPE_MAILBOX_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/status.h"
#include "mailbox/address.h"

#ifdef __cplusplus
extern "C" {
#endif

// Fields of one message at most. The macros cannot count further, the decoder keeps one bit each.
#define ACT_FIELDS_MAX 64
// Bytes of one message in memory at most, its strings and lists included (16 MiB).
#define ACT_MESSAGE_MAX ((size_t)16 << 20)
// Containers inside one another on the wire at most: a message is one level, a list is one more.
#define ACT_DEPTH_MAX 16

// The context a handler runs in (actors/); opaque here.
typedef struct act_cx act_cx;

// ---- values -------------------------------------------------------------------------------------

// UTF-8 text with its length. In a message that was delivered, `data` is never NULL and a zero byte
// follows the text, so that it can also be read as a C string.
typedef struct act_str {
  const char *data;
  uint32_t size;
} act_str;

typedef struct act_bytes {
  const uint8_t *data;
  uint32_t size;
} act_bytes;

// A point in civil time: nanoseconds since 1970-01-01T00:00:00 UTC, leap seconds not counted.
typedef struct act_time {
  int64_t unix_ns;
} act_time;

#ifdef __cplusplus
#define ACT_STR(literal) (act_str{"" literal, (uint32_t)(sizeof(literal) - 1)})
#else
#define ACT_STR(literal) ((act_str){"" literal, (uint32_t)(sizeof(literal) - 1)})
#endif

// The same for the initialiser of a static object.
#define ACT_STR_INIT(literal) {"" literal, (uint32_t)(sizeof(literal) - 1)}
// `.xs = ACT_LIST(array)` and `.limit = ACT_SOME(5)`: initialisers of list and optional fields.
#define ACT_LIST(array) {(array), (uint32_t)(sizeof(array) / sizeof((array)[0]))}
#define ACT_SOME(value) {true, (value)}

// The text of a C string, borrowed; NULL gives the empty text.
static inline act_str act_str_of(const char *text) {
  act_str result;
  result.data = text ? text : "";
  result.size = (uint32_t)strlen(result.data);
  return result;
}

static inline bool act_str_equal(act_str a, act_str b) {
  return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline act_bytes act_bytes_of(const void *data, uint32_t size) {
  act_bytes result;
  result.data = (const uint8_t *)data;
  result.size = size;
  return result;
}

// ---- kinds --------------------------------------------------------------------------------------

// X(word in a field list, constant, C type). Kind numbers enter the content hash: only append.
#define ACT_KIND_LIST(X)          \
  X(i32, ACT_KIND_I32, int32_t)   \
  X(i64, ACT_KIND_I64, int64_t)   \
  X(u32, ACT_KIND_U32, uint32_t)  \
  X(u64, ACT_KIND_U64, uint64_t)  \
  X(f64, ACT_KIND_F64, double)    \
  X(flag, ACT_KIND_FLAG, bool)    \
  X(str, ACT_KIND_STR, act_str)   \
  X(bytes, ACT_KIND_BYTES, act_bytes) \
  X(pid, ACT_KIND_PID, act_pid)   \
  X(time, ACT_KIND_TIME, act_time) \
  X(buf, ACT_KIND_BUF, act_buf)

typedef enum act_kind {
  ACT_KIND_NONE = 0,
#define ACT_KIND_ENUM_(word, constant, type) constant,
  ACT_KIND_LIST(ACT_KIND_ENUM_)
#undef ACT_KIND_ENUM_
  ACT_KIND_MESSAGE  // a nested message; act_field.nested describes it
} act_kind;

typedef enum act_shape {
  ACT_SHAPE_ONE = 0,       // the value itself
  ACT_SHAPE_OPTIONAL = 1,  // act_opt_<kind>
  ACT_SHAPE_LIST = 2       // act_list_<kind> or <message>_list
} act_shape;

// Lists and optionals of each kind: act_list_i64 {items, count}, act_opt_i64 {has, value}. The
// message owns no items while it is built (they are borrowed by the send); delivered, they live in
// the message's own block.
#define ACT_KIND_TYPES_(word, constant, type) \
  typedef struct act_list_##word {            \
    const type *items;                        \
    uint32_t count;                           \
  } act_list_##word;                          \
  typedef struct act_opt_##word {             \
    bool has;                                 \
    type value;                               \
  } act_opt_##word;
ACT_KIND_LIST(ACT_KIND_TYPES_)
#undef ACT_KIND_TYPES_

// ---- tables -------------------------------------------------------------------------------------

typedef struct act_schema act_schema;
typedef struct act_op act_op;
typedef struct act_protocol act_protocol;

typedef struct act_field {
  uint32_t id;               // on the wire; unique in the message, from 1
  uint8_t kind;              // act_kind
  uint8_t shape;             // act_shape
  uint32_t offset;           // of the member in the struct
  uint32_t size;             // of one value: the item of a list, the value of an optional
  const char *name;
  const act_schema *nested;  // of ACT_KIND_MESSAGE, else NULL
} act_field;

struct act_schema {
  const char *name;
  uint32_t size;             // sizeof the struct
  uint32_t nfields;
  const act_field *fields;   // in the order they were declared
  uint8_t is_flat;           // no pointers anywhere in it: copying is memcpy
  uint8_t has_bufs;          // holds counted buffers, here or in a nested message
  uint8_t depth;             // containers inside one another on the wire, this message included
};

struct act_op {
  const act_protocol *protocol;
  uint16_t id;               // on the wire; unique in the protocol, from 1
  uint16_t index;            // in act_protocol.ops
  const char *name;
  const act_schema *message;
  const act_schema *reply;   // NULL: a cast, nobody waits for an answer
};

struct act_protocol {
  const char *name;
  uint32_t version;
  uint32_t nops;
  const act_op *ops;
};

// A reply token: who waits for the answer to one ask. A value; stale ones are detected.
typedef struct act_reply {
  uint64_t node;
  uint32_t index;
  uint32_t gen;
} act_reply;

// A continuation: what runs in the asking actor when its ask, timer, monitor or job ends. `value` is
// NULL unless `status` is ACT_OK; what it points to is said where the continuation is made.
typedef act_rc (*act_then_fn)(void *self, act_cx *cx, act_rc status, const void *value,
                              uintptr_t tag);
typedef struct act_then {
  act_then_fn fn;
  uintptr_t tag;
} act_then;

// Hash over the content: names, ids, kinds, shapes, nested messages. The order in which fields and
// ops were declared does not matter, so equal contracts hash equal in any two programs. Any thread.
uint64_t act_schema_hash(const act_schema *schema);
uint64_t act_protocol_hash(const act_protocol *protocol);

// The op with this wire id, or NULL. Any thread.
const act_op *act_protocol_op(const act_protocol *protocol, uint32_t id);

// "i64", "str", ..., "message"; "?" for a number that is no kind. Static storage; any thread.
const char *act_kind_name(uint8_t kind);

#ifdef __cplusplus
}
#endif

// For descriptors in headers: one object however many translation units define it, with C linkage so
// that C and C++ share it.
#define ACT_WEAK __attribute__((weak))
#define ACT_INLINE static inline __attribute__((unused))
#ifdef __cplusplus
#define ACT_BEGIN_C extern "C" {
#define ACT_END_C }
#else
#define ACT_BEGIN_C
#define ACT_END_C
#endif

#endif
