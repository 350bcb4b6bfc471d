// SPDX-License-Identifier: Apache-2.0
//
// Threads, mutexes, conditions, a spinlock and a parker over pthreads. A mutex that fails is our
// own bug, so these assert instead of returning codes; only starting a thread can be refused.
//
// Times are absolute nanoseconds of CLOCK_MONOTONIC, the system clock of base/clock.h.
// ACT__TIME_NEVER waits without end. Waiting may end early for no reason only where it says so.
#ifndef TROUPE_BASE_THREAD_H
#define TROUPE_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/atomic.h"
#include "base/status.h"

struct act__mutex {
  pthread_mutex_t impl;
};

void act__mutex_init(struct act__mutex *mutex);
void act__mutex_fini(struct act__mutex *mutex);  // unlocked, nobody waiting
void act__mutex_lock(struct act__mutex *mutex);  // not recursive
void act__mutex_unlock(struct act__mutex *mutex);
ACT_MUST bool act__mutex_try_lock(struct act__mutex *mutex);

struct act__cond {
  pthread_cond_t impl;
};

void act__cond_init(struct act__cond *cond);
void act__cond_fini(struct act__cond *cond);  // nobody waiting
void act__cond_signal(struct act__cond *cond);
void act__cond_broadcast(struct act__cond *cond);

// Waits with the mutex released; holds it again on return. Stands in a loop: it may wake for
// nothing.
void act__cond_wait(struct act__cond *cond, struct act__mutex *mutex);

// The same with a deadline: false when the deadline has passed.
bool act__cond_wait_until(struct act__cond *cond, struct act__mutex *mutex, int64_t deadline_ns);

// Bytes of a thread's name, the terminating zero included (the kernel's own limit).
#define ACT__THREAD_NAME 16

// Stays where it is, and alive, from start to join.
struct act__thread {
  pthread_t handle;
  void (*fn)(void *arg);
  void *arg;
  char name[ACT__THREAD_NAME];
};

// Starts fn(arg) on a new thread. The name is copied and cut to its limit. stack_bytes: 0 is the
// system's default; smaller than the system's minimum is raised to it. ACT_ESYS: no thread to be
// had.
ACT_MUST act_rc act__thread_start(struct act__thread *thread, const char *name, size_t stack_bytes,
                                  void (*fn)(void *arg), void *arg);

// Waits for fn to return; once per started thread.
void act__thread_join(struct act__thread *thread);

// The calling thread's name as given to start; "" on threads that we did not start.
const char *act__thread_name(void);

// A number that no other thread of this process has or had; never 0.
uint64_t act__thread_id(void);

// Lets another thread run. For waiting loops that have nothing else to do.
void act__thread_yield(void);

// For a handful of instructions under contention that is rare. Zero is unlocked.
struct act__spinlock {
  ACT__ATOMIC(uint8_t) held;
};

void act__spinlock_init(struct act__spinlock *lock);
void act__spinlock_lock(struct act__spinlock *lock);
void act__spinlock_unlock(struct act__spinlock *lock);
ACT_MUST bool act__spinlock_try_lock(struct act__spinlock *lock);

// One thread waits, any thread wakes it. Holds at most one permit: an unpark before the park makes
// the park return at once, and two unparks count as one. What was written before the unpark is seen
// after the park that takes its permit.
struct act__parker {
  struct act__mutex mutex;
  struct act__cond cond;
  bool permit;  // under mutex
};

void act__parker_init(struct act__parker *parker);
void act__parker_fini(struct act__parker *parker);  // nobody parked, no unpark under way

// true: took a permit. false: the deadline passed without one. Never wakes for nothing.
bool act__parker_park(struct act__parker *parker, int64_t deadline_ns);
void act__parker_unpark(struct act__parker *parker);

#endif
