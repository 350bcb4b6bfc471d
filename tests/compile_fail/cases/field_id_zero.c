// SPDX-License-Identifier: Apache-2.0
//
// A field with id zero, which is none.
// gcc: duplicate case value
// clang: duplicate case value '0'
#include "tests/compile_fail/counter.h"

#ifdef MISTAKE
ACT_MSG(range, (i64, from, 0)(i64, to, 1))
#else
ACT_MSG(range, (i64, from, 2)(i64, to, 1))
#endif
