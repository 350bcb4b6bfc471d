// SPDX-License-Identifier: Apache-2.0
//
// Two fields of one message with the same wire id.
// gcc: duplicate case value
// clang: duplicate case value '1'
#include "tests/compile_fail/counter.h"

#ifdef MISTAKE
ACT_MSG(range, (i64, from, 1)(i64, to, 1))
#else
ACT_MSG(range, (i64, from, 1)(i64, to, 2))
#endif
