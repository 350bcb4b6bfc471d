// SPDX-License-Identifier: Apache-2.0
//
// Two operations of one protocol with the same wire id.
// gcc: duplicate case value
// clang: duplicate case value '1'
#include "tests/compile_fail/counter.h"

#ifdef MISTAKE
#define SECOND_ID 1
#else
#define SECOND_ID 2
#endif
#define TWICE(CAST, CALL, P)     \
  CAST(P, 1, incr, counter_incr) \
  CAST(P, SECOND_ID, decr, counter_incr)
ACT_PROTOCOL(twice, 1, TWICE)
