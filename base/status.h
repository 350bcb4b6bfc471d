// SPDX-License-Identifier: Apache-2.0
//
// Status codes: what the world said when it said no.
//
// One list makes the enum, the names and the texts, so they cannot drift apart. Zero is success,
// every error is negative, ACT_LATER is the one positive answer ("accepted, will finish later").
// A caller's mistake is not a status: that is ACT_ASSERT's business (base/check.h).
#ifndef TROUPE_BASE_STATUS_H
#define TROUPE_BASE_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

// X(name, value, text). Values are part of the wire format: never renumber, only append.
#define ACT_STATUS_LIST(X)                                                        \
  X(ACT_LATER, 1, "accepted; finishes later")                                     \
  X(ACT_OK, 0, "ok")                                                              \
  X(ACT_EFAIL, -1, "failed")                                                      \
  X(ACT_EFULL, -2, "no room: the bound is reached")                               \
  X(ACT_EDEAD, -3, "that actor is dead")                                          \
  X(ACT_ENOROUTE, -4, "no route: nothing granted towards that actor yet")         \
  X(ACT_ELINK, -5, "the link to that node is down")                               \
  X(ACT_ECLOSED, -6, "closed: stopping, or between two incarnations")             \
  X(ACT_ETIMEDOUT, -7, "the deadline passed")                                     \
  X(ACT_EDROPPED, -8, "the request was dropped without an answer")                \
  X(ACT_ECANCELLED, -9, "cancelled")                                              \
  X(ACT_ESTUCK, -10, "the actor is stuck in a handler")                           \
  X(ACT_ENOMEM, -11, "out of memory")                                             \
  X(ACT_EBADMSG, -12, "malformed or unexpected message")                          \
  X(ACT_EDEADLK, -13, "refused: it would wait for itself")                        \
  X(ACT_EINVAL, -14, "invalid argument")                                          \
  X(ACT_ELIMIT, -15, "a limit of its own kind is reached")                        \
  X(ACT_ENOTSUP, -16, "not supported by this version")                            \
  X(ACT_ENOENT, -17, "no such name")                                              \
  X(ACT_EEXIST, -18, "that name is taken")                                        \
  X(ACT_EVERSION, -19, "the other side speaks another version or schema")         \
  X(ACT_EACCES, -20, "not permitted")                                             \
  X(ACT_ESYS, -21, "the operating system refused")                                \
  X(ACT_EKILLED, -22, "killed")

typedef enum act_rc {
#define ACT_STATUS_ENUM_(name, value, text) name = value,
  ACT_STATUS_LIST(ACT_STATUS_ENUM_)
#undef ACT_STATUS_ENUM_
} act_rc;

#if defined(__GNUC__)
#define ACT_MUST __attribute__((warn_unused_result))
#define ACT_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#else
#define ACT_MUST
#define ACT_PRINTF(fmt, first)
#endif

// The code's own name ("ACT_EFULL"); "ACT_E?" for a number that is none. Static storage; any
// thread.
const char *act_rc_name(act_rc rc);

// One sentence for people. Static storage; any thread; never NULL.
const char *act_rc_text(act_rc rc);

#ifdef __cplusplus
}
#endif
#endif
