// SPDX-License-Identifier: Apache-2.0
//
// The contract that protocol_test speaks, in C and in C++.
#ifndef TROUPE_TESTS_ACTORS_PROTOCOL_CONTRACT_H
#define TROUPE_TESTS_ACTORS_PROTOCOL_CONTRACT_H

#include "actors/protocol.h"

ACT_MSG(counter_incr, (i64, by, 1)(str, why, 2))
ACT_MSG(counter_get, (flag, reset, 1))
ACT_MSG(counter_value, (i64, value, 1))
#define COUNTER(CAST, CALL, P)   \
  CAST(P, 10, incr, counter_incr) \
  CALL(P, 20, get, counter_get, counter_value)
ACT_PROTOCOL(counter, 3, COUNTER)

ACT_MSG(owner_own, (ref, counter, 1, counter)(svc, log, 2, counter))
#define OWNER(CAST, CALL, P) CAST(P, 1, own, owner_own)
ACT_PROTOCOL(owner, 1, OWNER)

#ifdef __cplusplus
extern "C" {
#endif
// The C++ part of the program.
act_rc cxx_send(act_cx *cx, counter_ref ref, int64_t by);
act_rc cxx_ask(act_cx *cx, counter_ref ref);
int64_t cxx_call(act_cx *cx, counter_ref ref);
int64_t cxx_continue(act_then then, int64_t value);
const act_behavior *cxx_behavior(void);
#ifdef __cplusplus
}
#endif
#endif
