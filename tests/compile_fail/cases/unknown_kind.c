// SPDX-License-Identifier: Apache-2.0
//
// A word in a field list that is no kind.
// gcc: ACT__FORM_int|ACT__FORM_integer
// clang: ACT__FORM_integer|a parameter list without types|unknown type name
#include "tests/compile_fail/counter.h"

#ifdef MISTAKE
ACT_MSG(range, (integer, from, 1)(i64, to, 2))
#else
ACT_MSG(range, (i32, from, 1)(i64, to, 2))
#endif
