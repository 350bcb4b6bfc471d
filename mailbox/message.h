// SPDX-License-Identifier: Apache-2.0
//
// Message types: one field list gives the C struct, its descriptor, a typed reply token and a typed
// continuation.
//
//   ACT_MSG(counter_incr, (i64, by, 1)(str, why, 2))    kind, field, wire id
//   ACT_MSG(path, (msgs, points, 1, point)              list of another message type
//                 (msg, origin, 2, point)               another message type, inside
//                 (list, weights, 3, f64)               list of a kind
//                 (opt, label, 4, str)                  a value that may be absent
//                 (ref, owner, 5, counter)              reference of a protocol, sent as a pid
//                 (svc, log, 6, logger))                the same, following restarts
//   ACT_MSG_EMPTY(ping)                                 no fields
//
// No semicolon follows. Kinds: i32 i64 u32 u64 f64 flag str bytes pid time buf. Fields are added
// later under new ids, never reused: who does not know one skips it, who misses one sees zero.
//
// ACT_MSG(T, ...) defines
//   T                 the struct (typedef); members int64_t by; act_str why; act_list_f64 weights;
//                     act_opt_str label; point_list points; counter_ref owner; ...
//   T_list            {const T *items; uint32_t count;}, for `msgs` fields of other messages
//   T_reply           token of an ask that is to be answered with a T
//   T_then            continuation that takes a T (made by ACT_ON in actors/protocol.h)
//   T_schema          the descriptor, a weak constant
//   T_answer(cx, reply, value), T_refuse(cx, reply, why)
//
// How it works: the list of parenthesised fields becomes a comma list (two macros that call each
// other in turn walk it), and ACT__EACH applies a macro to every element, the message's name with
// it. Words in a list pass through the preprocessor, so a field must not be named like a macro
// (errno, stdin, linux); the compiler's answer to that is a syntax error in the list's line.
#ifndef TROUPE_MAILBOX_MESSAGE_H
#define TROUPE_MAILBOX_MESSAGE_H

#include "mailbox/schema.h"

#ifdef __cplusplus
extern "C" {
#endif

// Ends the ask behind `reply` with `status` and, if that is ACT_OK, a copy of the message. What the
// typed functions call; actors/ implements it. ACT_OK also when the asker is gone.
ACT_MUST act_rc act__answer(act_cx *cx, act_reply reply, act_rc status, const act_schema *schema,
                            const void *message);

#ifdef __cplusplus
}
#endif

// ---- walking lists ------------------------------------------------------------------------------

#define ACT__PASTE_(a, b) a##b
#define ACT__PASTE(a, b) ACT__PASTE_(a, b)

// (a)(b)(c)  ->  , (a) , (b) , (c)
#define ACT__END_(...) __VA_ARGS__##_END
#define ACT__END(...) ACT__END_(__VA_ARGS__)
#define ACT__WALK_A(...) , (__VA_ARGS__) ACT__WALK_B
#define ACT__WALK_B(...) , (__VA_ARGS__) ACT__WALK_A
#define ACT__WALK_A_END
#define ACT__WALK_B_END
#define ACT__COMMA_LIST(fields) ACT__END(ACT__WALK_A fields)

// ACT__EACH(M, context, (a)(b))  ->  M(context, (a)) M(context, (b))
#define ACT__EACH(macro, context, fields) \
  ACT__EACH_COUNTED(macro, context ACT__COMMA_LIST(fields))
#define ACT__EACH_COUNTED(...) \
  ACT__PASTE(ACT__EACH_, ACT__COUNT_AFTER_TWO(__VA_ARGS__))(__VA_ARGS__)
#define ACT__COUNT_AFTER_TWO(...) \
  ACT__PICK(__VA_ARGS__, 64, 63, 62, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, \
    46, 45, 44, 43, 42, 41, 40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 30, 29, 28, 27, 26, 25, 24, \
    23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, ~)
#define ACT__PICK(m, c, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15, _16, \
    _17, _18, _19, _20, _21, _22, _23, _24, _25, _26, _27, _28, _29, _30, _31, _32, _33, _34, \
    _35, _36, _37, _38, _39, _40, _41, _42, _43, _44, _45, _46, _47, _48, _49, _50, _51, _52, \
    _53, _54, _55, _56, _57, _58, _59, _60, _61, _62, _63, _64, n, ...) n

// One macro per length, the largest first in need of the smaller. 64 is ACT_FIELDS_MAX.
#define ACT__EACH_1(m, c, f) m(c, f)
#define ACT__EACH_2(m, c, f, ...) m(c, f) ACT__EACH_1(m, c, __VA_ARGS__)
#define ACT__EACH_3(m, c, f, ...) m(c, f) ACT__EACH_2(m, c, __VA_ARGS__)
#define ACT__EACH_4(m, c, f, ...) m(c, f) ACT__EACH_3(m, c, __VA_ARGS__)
#define ACT__EACH_5(m, c, f, ...) m(c, f) ACT__EACH_4(m, c, __VA_ARGS__)
#define ACT__EACH_6(m, c, f, ...) m(c, f) ACT__EACH_5(m, c, __VA_ARGS__)
#define ACT__EACH_7(m, c, f, ...) m(c, f) ACT__EACH_6(m, c, __VA_ARGS__)
#define ACT__EACH_8(m, c, f, ...) m(c, f) ACT__EACH_7(m, c, __VA_ARGS__)
#define ACT__EACH_9(m, c, f, ...) m(c, f) ACT__EACH_8(m, c, __VA_ARGS__)
#define ACT__EACH_10(m, c, f, ...) m(c, f) ACT__EACH_9(m, c, __VA_ARGS__)
#define ACT__EACH_11(m, c, f, ...) m(c, f) ACT__EACH_10(m, c, __VA_ARGS__)
#define ACT__EACH_12(m, c, f, ...) m(c, f) ACT__EACH_11(m, c, __VA_ARGS__)
#define ACT__EACH_13(m, c, f, ...) m(c, f) ACT__EACH_12(m, c, __VA_ARGS__)
#define ACT__EACH_14(m, c, f, ...) m(c, f) ACT__EACH_13(m, c, __VA_ARGS__)
#define ACT__EACH_15(m, c, f, ...) m(c, f) ACT__EACH_14(m, c, __VA_ARGS__)
#define ACT__EACH_16(m, c, f, ...) m(c, f) ACT__EACH_15(m, c, __VA_ARGS__)
#define ACT__EACH_17(m, c, f, ...) m(c, f) ACT__EACH_16(m, c, __VA_ARGS__)
#define ACT__EACH_18(m, c, f, ...) m(c, f) ACT__EACH_17(m, c, __VA_ARGS__)
#define ACT__EACH_19(m, c, f, ...) m(c, f) ACT__EACH_18(m, c, __VA_ARGS__)
#define ACT__EACH_20(m, c, f, ...) m(c, f) ACT__EACH_19(m, c, __VA_ARGS__)
#define ACT__EACH_21(m, c, f, ...) m(c, f) ACT__EACH_20(m, c, __VA_ARGS__)
#define ACT__EACH_22(m, c, f, ...) m(c, f) ACT__EACH_21(m, c, __VA_ARGS__)
#define ACT__EACH_23(m, c, f, ...) m(c, f) ACT__EACH_22(m, c, __VA_ARGS__)
#define ACT__EACH_24(m, c, f, ...) m(c, f) ACT__EACH_23(m, c, __VA_ARGS__)
#define ACT__EACH_25(m, c, f, ...) m(c, f) ACT__EACH_24(m, c, __VA_ARGS__)
#define ACT__EACH_26(m, c, f, ...) m(c, f) ACT__EACH_25(m, c, __VA_ARGS__)
#define ACT__EACH_27(m, c, f, ...) m(c, f) ACT__EACH_26(m, c, __VA_ARGS__)
#define ACT__EACH_28(m, c, f, ...) m(c, f) ACT__EACH_27(m, c, __VA_ARGS__)
#define ACT__EACH_29(m, c, f, ...) m(c, f) ACT__EACH_28(m, c, __VA_ARGS__)
#define ACT__EACH_30(m, c, f, ...) m(c, f) ACT__EACH_29(m, c, __VA_ARGS__)
#define ACT__EACH_31(m, c, f, ...) m(c, f) ACT__EACH_30(m, c, __VA_ARGS__)
#define ACT__EACH_32(m, c, f, ...) m(c, f) ACT__EACH_31(m, c, __VA_ARGS__)
#define ACT__EACH_33(m, c, f, ...) m(c, f) ACT__EACH_32(m, c, __VA_ARGS__)
#define ACT__EACH_34(m, c, f, ...) m(c, f) ACT__EACH_33(m, c, __VA_ARGS__)
#define ACT__EACH_35(m, c, f, ...) m(c, f) ACT__EACH_34(m, c, __VA_ARGS__)
#define ACT__EACH_36(m, c, f, ...) m(c, f) ACT__EACH_35(m, c, __VA_ARGS__)
#define ACT__EACH_37(m, c, f, ...) m(c, f) ACT__EACH_36(m, c, __VA_ARGS__)
#define ACT__EACH_38(m, c, f, ...) m(c, f) ACT__EACH_37(m, c, __VA_ARGS__)
#define ACT__EACH_39(m, c, f, ...) m(c, f) ACT__EACH_38(m, c, __VA_ARGS__)
#define ACT__EACH_40(m, c, f, ...) m(c, f) ACT__EACH_39(m, c, __VA_ARGS__)
#define ACT__EACH_41(m, c, f, ...) m(c, f) ACT__EACH_40(m, c, __VA_ARGS__)
#define ACT__EACH_42(m, c, f, ...) m(c, f) ACT__EACH_41(m, c, __VA_ARGS__)
#define ACT__EACH_43(m, c, f, ...) m(c, f) ACT__EACH_42(m, c, __VA_ARGS__)
#define ACT__EACH_44(m, c, f, ...) m(c, f) ACT__EACH_43(m, c, __VA_ARGS__)
#define ACT__EACH_45(m, c, f, ...) m(c, f) ACT__EACH_44(m, c, __VA_ARGS__)
#define ACT__EACH_46(m, c, f, ...) m(c, f) ACT__EACH_45(m, c, __VA_ARGS__)
#define ACT__EACH_47(m, c, f, ...) m(c, f) ACT__EACH_46(m, c, __VA_ARGS__)
#define ACT__EACH_48(m, c, f, ...) m(c, f) ACT__EACH_47(m, c, __VA_ARGS__)
#define ACT__EACH_49(m, c, f, ...) m(c, f) ACT__EACH_48(m, c, __VA_ARGS__)
#define ACT__EACH_50(m, c, f, ...) m(c, f) ACT__EACH_49(m, c, __VA_ARGS__)
#define ACT__EACH_51(m, c, f, ...) m(c, f) ACT__EACH_50(m, c, __VA_ARGS__)
#define ACT__EACH_52(m, c, f, ...) m(c, f) ACT__EACH_51(m, c, __VA_ARGS__)
#define ACT__EACH_53(m, c, f, ...) m(c, f) ACT__EACH_52(m, c, __VA_ARGS__)
#define ACT__EACH_54(m, c, f, ...) m(c, f) ACT__EACH_53(m, c, __VA_ARGS__)
#define ACT__EACH_55(m, c, f, ...) m(c, f) ACT__EACH_54(m, c, __VA_ARGS__)
#define ACT__EACH_56(m, c, f, ...) m(c, f) ACT__EACH_55(m, c, __VA_ARGS__)
#define ACT__EACH_57(m, c, f, ...) m(c, f) ACT__EACH_56(m, c, __VA_ARGS__)
#define ACT__EACH_58(m, c, f, ...) m(c, f) ACT__EACH_57(m, c, __VA_ARGS__)
#define ACT__EACH_59(m, c, f, ...) m(c, f) ACT__EACH_58(m, c, __VA_ARGS__)
#define ACT__EACH_60(m, c, f, ...) m(c, f) ACT__EACH_59(m, c, __VA_ARGS__)
#define ACT__EACH_61(m, c, f, ...) m(c, f) ACT__EACH_60(m, c, __VA_ARGS__)
#define ACT__EACH_62(m, c, f, ...) m(c, f) ACT__EACH_61(m, c, __VA_ARGS__)
#define ACT__EACH_63(m, c, f, ...) m(c, f) ACT__EACH_62(m, c, __VA_ARGS__)
#define ACT__EACH_64(m, c, f, ...) m(c, f) ACT__EACH_63(m, c, __VA_ARGS__)

#define ACT__UNWRAP(...) __VA_ARGS__

// ---- what one field contributes -----------------------------------------------------------------

#define ACT__TYPE_i32 int32_t
#define ACT__TYPE_i64 int64_t
#define ACT__TYPE_u32 uint32_t
#define ACT__TYPE_u64 uint64_t
#define ACT__TYPE_f64 double
#define ACT__TYPE_flag bool
#define ACT__TYPE_str act_str
#define ACT__TYPE_bytes act_bytes
#define ACT__TYPE_pid act_pid
#define ACT__TYPE_time act_time
#define ACT__TYPE_buf act_buf

#define ACT__KIND_i32 ACT_KIND_I32
#define ACT__KIND_i64 ACT_KIND_I64
#define ACT__KIND_u32 ACT_KIND_U32
#define ACT__KIND_u64 ACT_KIND_U64
#define ACT__KIND_f64 ACT_KIND_F64
#define ACT__KIND_flag ACT_KIND_FLAG
#define ACT__KIND_str ACT_KIND_STR
#define ACT__KIND_bytes ACT_KIND_BYTES
#define ACT__KIND_pid ACT_KIND_PID
#define ACT__KIND_time ACT_KIND_TIME
#define ACT__KIND_buf ACT_KIND_BUF

// No pointer in a value of this kind; counted buffers in it.
#define ACT__PLAIN_i32 1
#define ACT__PLAIN_i64 1
#define ACT__PLAIN_u32 1
#define ACT__PLAIN_u64 1
#define ACT__PLAIN_f64 1
#define ACT__PLAIN_flag 1
#define ACT__PLAIN_str 0
#define ACT__PLAIN_bytes 0
#define ACT__PLAIN_pid 1
#define ACT__PLAIN_time 1
#define ACT__PLAIN_buf 0

#define ACT__COUNTED_i32 0
#define ACT__COUNTED_i64 0
#define ACT__COUNTED_u32 0
#define ACT__COUNTED_u64 0
#define ACT__COUNTED_f64 0
#define ACT__COUNTED_flag 0
#define ACT__COUNTED_str 0
#define ACT__COUNTED_bytes 0
#define ACT__COUNTED_pid 0
#define ACT__COUNTED_time 0
#define ACT__COUNTED_buf 1

// ACT__FORM turns (kind, name, id[, element]) into X_ONE, X_OPT, X_LIST, X_MSG, X_MSGS or X_REF
// of (context, name, id, element), where X is one of the groups below.
#define ACT__FORM(X, c, field) ACT__FORM_(X, c, ACT__UNWRAP field)
#define ACT__FORM_(...) ACT__FORM__(__VA_ARGS__)
#define ACT__FORM__(X, c, kind, ...) ACT__FORM_##kind(X, c, __VA_ARGS__)
#define ACT__FORM_i32(X, c, n, id) X##_ONE(c, n, id, i32)
#define ACT__FORM_i64(X, c, n, id) X##_ONE(c, n, id, i64)
#define ACT__FORM_u32(X, c, n, id) X##_ONE(c, n, id, u32)
#define ACT__FORM_u64(X, c, n, id) X##_ONE(c, n, id, u64)
#define ACT__FORM_f64(X, c, n, id) X##_ONE(c, n, id, f64)
#define ACT__FORM_flag(X, c, n, id) X##_ONE(c, n, id, flag)
#define ACT__FORM_str(X, c, n, id) X##_ONE(c, n, id, str)
#define ACT__FORM_bytes(X, c, n, id) X##_ONE(c, n, id, bytes)
#define ACT__FORM_pid(X, c, n, id) X##_ONE(c, n, id, pid)
#define ACT__FORM_time(X, c, n, id) X##_ONE(c, n, id, time)
#define ACT__FORM_buf(X, c, n, id) X##_ONE(c, n, id, buf)
#define ACT__FORM_list(X, c, n, id, e) X##_LIST(c, n, id, e)
#define ACT__FORM_opt(X, c, n, id, e) X##_OPT(c, n, id, e)
#define ACT__FORM_msg(X, c, n, id, e) X##_MSG(c, n, id, e)
#define ACT__FORM_msgs(X, c, n, id, e) X##_MSGS(c, n, id, e)
#define ACT__FORM_ref(X, c, n, id, e) X##_REF(c, n, id, e##_ref)
#define ACT__FORM_svc(X, c, n, id, e) X##_REF(c, n, id, e##_svc)

// The struct member.
#define ACT__MEMBER(c, field) ACT__FORM(ACT__MEMBER, c, field)
#define ACT__MEMBER_ONE(c, n, id, k) ACT__TYPE_##k n;
#define ACT__MEMBER_OPT(c, n, id, k) act_opt_##k n;
#define ACT__MEMBER_LIST(c, n, id, k) act_list_##k n;
#define ACT__MEMBER_MSG(c, n, id, t) t n;
#define ACT__MEMBER_MSGS(c, n, id, t) t##_list n;
#define ACT__MEMBER_REF(c, n, id, t) t n;

// The row of the descriptor.
#define ACT__ROW(c, field) ACT__FORM(ACT__ROW, c, field)
#define ACT__ROW_ONE(c, n, id, k) \
  ACT__ROW_(c, n, id, ACT__KIND_##k, ACT_SHAPE_ONE, ACT__TYPE_##k, NULL)
#define ACT__ROW_OPT(c, n, id, k) \
  ACT__ROW_(c, n, id, ACT__KIND_##k, ACT_SHAPE_OPTIONAL, ACT__TYPE_##k, NULL)
#define ACT__ROW_LIST(c, n, id, k) \
  ACT__ROW_(c, n, id, ACT__KIND_##k, ACT_SHAPE_LIST, ACT__TYPE_##k, NULL)
#define ACT__ROW_MSG(c, n, id, t) \
  ACT__ROW_(c, n, id, ACT_KIND_MESSAGE, ACT_SHAPE_ONE, t, &t##_schema)
#define ACT__ROW_MSGS(c, n, id, t) \
  ACT__ROW_(c, n, id, ACT_KIND_MESSAGE, ACT_SHAPE_LIST, t, &t##_schema)
#define ACT__ROW_REF(c, n, id, t) ACT__ROW_(c, n, id, ACT_KIND_PID, ACT_SHAPE_ONE, t, NULL)
#define ACT__ROW_(c, n, id, kind, shape, type, nested) \
  {(id), (kind), (shape), (uint32_t)offsetof(c, n), (uint32_t)sizeof(type), #n, (nested)},

// No pointers in it.
#define ACT__FLAT(c, field) ACT__FORM(ACT__FLAT, c, field)
#define ACT__FLAT_ONE(c, n, id, k) &ACT__PLAIN_##k
#define ACT__FLAT_OPT(c, n, id, k) &ACT__PLAIN_##k
#define ACT__FLAT_LIST(c, n, id, k) &0
#define ACT__FLAT_MSG(c, n, id, t) &(int)t##_is_flat_
#define ACT__FLAT_MSGS(c, n, id, t) &0
#define ACT__FLAT_REF(c, n, id, t) &1

// Counted buffers in it.
#define ACT__BUFS(c, field) ACT__FORM(ACT__BUFS, c, field)
#define ACT__BUFS_ONE(c, n, id, k) | ACT__COUNTED_##k
#define ACT__BUFS_OPT(c, n, id, k) | ACT__COUNTED_##k
#define ACT__BUFS_LIST(c, n, id, k) | ACT__COUNTED_##k
#define ACT__BUFS_MSG(c, n, id, t) | (int)t##_has_bufs_
#define ACT__BUFS_MSGS(c, n, id, t) | (int)t##_has_bufs_
#define ACT__BUFS_REF(c, n, id, t) | 0

// A member of a union whose size is the largest number of levels: a maximum in constant arithmetic.
#define ACT__LEVELS(c, field) ACT__FORM(ACT__LEVELS, c, field)
#define ACT__LEVELS_ONE(c, n, id, k) char n[1];
#define ACT__LEVELS_OPT(c, n, id, k) char n[1];
#define ACT__LEVELS_LIST(c, n, id, k) char n[2];
#define ACT__LEVELS_MSG(c, n, id, t) char n[1 + t##_depth_];
#define ACT__LEVELS_MSGS(c, n, id, t) char n[2 + t##_depth_];
#define ACT__LEVELS_REF(c, n, id, t) char n[1];

// A case label, so that the compiler refuses a second field with the same id (or id zero).
#define ACT__CASE(c, field) ACT__FORM(ACT__CASE, c, field)
#define ACT__CASE_ONE(c, n, id, k) case id:
#define ACT__CASE_OPT(c, n, id, k) case id:
#define ACT__CASE_LIST(c, n, id, k) case id:
#define ACT__CASE_MSG(c, n, id, t) case id:
#define ACT__CASE_MSGS(c, n, id, t) case id:
#define ACT__CASE_REF(c, n, id, t) case id:

// ---- the types ----------------------------------------------------------------------------------

#define ACT_MSG(T, fields)                                                                      \
  typedef struct T {                                                                            \
    ACT__EACH(ACT__MEMBER, T, fields)                                                           \
  } T;                                                                                          \
  enum {                                                                                        \
    T##_is_flat_ = 1 ACT__EACH(ACT__FLAT, T, fields),                                           \
    T##_has_bufs_ = 0 ACT__EACH(ACT__BUFS, T, fields)                                           \
  };                                                                                            \
  union T##_levels_ {                                                                           \
    ACT__EACH(ACT__LEVELS, T, fields)                                                            \
  };                                                                                            \
  ACT_INLINE int T##_field_ids_are_unique_(uint32_t id) {                                       \
    switch (id) { case 0: ACT__EACH(ACT__CASE, T, fields) return 1; default: return 0; }        \
  }                                                                                             \
  ACT__MSG_TYPES(T, sizeof(T##_fields_) / sizeof(T##_fields_[0]),                               \
                 ACT__EACH(ACT__ROW, T, fields))

// ISO C has no empty struct, so a message without fields has one byte that nobody reads.
#define ACT_MSG_EMPTY(T)                                                                        \
  typedef struct T {                                                                            \
    uint8_t nothing_;                                                                           \
  } T;                                                                                          \
  enum { T##_is_flat_ = 1, T##_has_bufs_ = 0 };                                                 \
  union T##_levels_ {                                                                           \
    char none[1];                                                                               \
  };                                                                                            \
  ACT__MSG_TYPES(T, 0, {0, 0, 0, 0, 0, NULL, NULL})

#define ACT__MSG_TYPES(T, rows, ...)                                                            \
  typedef struct T##_list {                                                                     \
    const T *items;                                                                             \
    uint32_t count;                                                                             \
  } T##_list;                                                                                   \
  typedef struct T##_reply {                                                                    \
    act_reply r;                                                                                \
  } T##_reply;                                                                                  \
  typedef struct T##_then {                                                                     \
    act_then t;                                                                                 \
  } T##_then;                                                                                   \
  enum { T##_depth_ = sizeof(union T##_levels_) };                                              \
  typedef char T##_is_nested_too_deeply_[T##_depth_ <= ACT_DEPTH_MAX ? 1 : -1];                 \
  ACT_BEGIN_C                                                                                   \
  static const act_field T##_fields_[] = {__VA_ARGS__};                                         \
  extern const act_schema T##_schema ACT_WEAK;                                                  \
  const act_schema T##_schema = {#T, (uint32_t)sizeof(T), (uint32_t)(rows), T##_fields_,        \
                                 T##_is_flat_, T##_has_bufs_, T##_depth_};                      \
  ACT_END_C                                                                                     \
  /* Ends the ask with this value (copied). ACT_OK also when the asker is gone. */              \
  ACT_MUST ACT_INLINE act_rc T##_answer(act_cx *cx, T##_reply reply, T value) {                 \
    return act__answer(cx, reply.r, ACT_OK, &T##_schema, &value);                               \
  }                                                                                             \
  /* Ends the ask with an error instead; `why` is not ACT_OK. */                                \
  ACT_MUST ACT_INLINE act_rc T##_refuse(act_cx *cx, T##_reply reply, act_rc why) {              \
    return act__answer(cx, reply.r, why, &T##_schema, NULL);                                    \
  }

#endif
