// SPDX-License-Identifier: Apache-2.0
//
// More containers inside one another than a receiver accepts.
// gcc: size of array 'd17_is_nested_too_deeply_' is negative
// clang: 'd17_is_nested_too_deeply_' declared as an array with a negative size
#include "tests/compile_fail/counter.h"

ACT_MSG(d1, (i32, v, 1))
ACT_MSG(d3, (msgs, v, 1, d1))
ACT_MSG(d5, (msgs, v, 1, d3))
ACT_MSG(d7, (msgs, v, 1, d5))
ACT_MSG(d9, (msgs, v, 1, d7))
ACT_MSG(d11, (msgs, v, 1, d9))
ACT_MSG(d13, (msgs, v, 1, d11))
ACT_MSG(d15, (msgs, v, 1, d13))
ACT_MSG(d16, (msg, v, 1, d15))
#ifdef MISTAKE
ACT_MSG(d17, (msg, v, 1, d16))
#endif
