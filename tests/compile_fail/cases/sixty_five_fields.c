// SPDX-License-Identifier: Apache-2.0
//
// One field more than a message may have.
// gcc: pasting "ACT__EACH_"
// clang: pasting formed .ACT__EACH_
#include "tests/compile_fail/counter.h"

#ifdef MISTAKE
#define LAST (u32, f65, 65)
#else
#define LAST
#endif
ACT_MSG(most,
        (u32, f1, 1)(u32, f2, 2)(u32, f3, 3)(u32, f4, 4)(u32, f5, 5)(u32, f6, 6)(u32, f7, 7)
        (u32, f8, 8)(u32, f9, 9)(u32, f10, 10)(u32, f11, 11)(u32, f12, 12)(u32, f13, 13)
        (u32, f14, 14)(u32, f15, 15)(u32, f16, 16)(u32, f17, 17)(u32, f18, 18)(u32, f19, 19)
        (u32, f20, 20)(u32, f21, 21)(u32, f22, 22)(u32, f23, 23)(u32, f24, 24)(u32, f25, 25)
        (u32, f26, 26)(u32, f27, 27)(u32, f28, 28)(u32, f29, 29)(u32, f30, 30)(u32, f31, 31)
        (u32, f32, 32)(u32, f33, 33)(u32, f34, 34)(u32, f35, 35)(u32, f36, 36)(u32, f37, 37)
        (u32, f38, 38)(u32, f39, 39)(u32, f40, 40)(u32, f41, 41)(u32, f42, 42)(u32, f43, 43)
        (u32, f44, 44)(u32, f45, 45)(u32, f46, 46)(u32, f47, 47)(u32, f48, 48)(u32, f49, 49)
        (u32, f50, 50)(u32, f51, 51)(u32, f52, 52)(u32, f53, 53)(u32, f54, 54)(u32, f55, 55)
        (u32, f56, 56)(u32, f57, 57)(u32, f58, 58)(u32, f59, 59)(u32, f60, 60)(u32, f61, 61)
        (u32, f62, 62)(u32, f63, 63)(u32, f64, 64) LAST)
