// SPDX-License-Identifier: Apache-2.0
//
// A barrier in two halves of very different price, for two sides of which one is there all the time
// and the other seldom. Each side writes its own word, passes its half, and reads the other's word:
// at least one of them sees what the other wrote.
//
//   the frequent side    act__barrier_light: keeps the compiler from swapping, costs nothing
//   the rare side        act__barrier_heavy: makes every processor that runs a thread of this program
//                        pass a full barrier (membarrier(2)); microseconds
//
// Why that is enough: when heavy returns, each thread of the other side has passed a full barrier at
// some point after heavy began. Either its write was before that point, and heavy's side reads it; or
// the write comes later, and so does its read, which then sees what was written before heavy.
// (As in liburcu, and in the folly and JVM runtimes; called asymmetric fences in P1202.)
//
// Neither half is a C11 fence, which ThreadSanitizer would not understand: what orders the two sides'
// data are the acquire and release operations on their words, which it sees.
//
// Where the system has no such call both sides need a sequentially consistent write and read instead.
#ifndef TROUPE_BASE_BARRIER_H
#define TROUPE_BASE_BARRIER_H

#include <stdbool.h>

#ifdef ACT_MODEL
#include "base/atomic.h"
#endif

// Asks the system for heavy barriers in this process. False: there are none. Any thread, any number
// of times.
bool act__barrier_available(void);

#ifdef ACT_MODEL
// The model has no interrupts; there each half is what the two together promise.
#define act__barrier_light() act__model_fence()
#define act__barrier_heavy() (act__model_fence(), true)
#else
static inline void act__barrier_light(void) {
  __asm__ __volatile__("" ::: "memory");
}

// After act__barrier_available has said true. False: the system could not do it this time.
bool act__barrier_heavy(void);
#endif

#endif
