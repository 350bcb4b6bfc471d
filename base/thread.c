// SPDX-License-Identifier: Apache-2.0
//
// The pthread wrappers. Every pthread result that can only be our own mistake is asserted.
#include "base/thread.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"

// Looks at a held spinlock this often before it lets other threads run.
#define SPINS_BEFORE_YIELD 64

static void must(int pthread_result) {
  ACT_ASSERT(pthread_result == 0);
}

void act__mutex_init(struct act__mutex *mutex) {
  must(pthread_mutex_init(&mutex->impl, NULL));
}

void act__mutex_fini(struct act__mutex *mutex) {
  must(pthread_mutex_destroy(&mutex->impl));
}

void act__mutex_lock(struct act__mutex *mutex) {
  must(pthread_mutex_lock(&mutex->impl));
}

void act__mutex_unlock(struct act__mutex *mutex) {
  must(pthread_mutex_unlock(&mutex->impl));
}

bool act__mutex_try_lock(struct act__mutex *mutex) {
  int rc = pthread_mutex_trylock(&mutex->impl);
  if (rc == EBUSY) return false;
  must(rc);
  return true;
}

void act__cond_init(struct act__cond *cond) {
  pthread_condattr_t attributes;
  must(pthread_condattr_init(&attributes));
  must(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC));
  must(pthread_cond_init(&cond->impl, &attributes));
  must(pthread_condattr_destroy(&attributes));
}

void act__cond_fini(struct act__cond *cond) {
  must(pthread_cond_destroy(&cond->impl));
}

void act__cond_signal(struct act__cond *cond) {
  must(pthread_cond_signal(&cond->impl));
}

void act__cond_broadcast(struct act__cond *cond) {
  must(pthread_cond_broadcast(&cond->impl));
}

void act__cond_wait(struct act__cond *cond, struct act__mutex *mutex) {
  must(pthread_cond_wait(&cond->impl, &mutex->impl));
}

bool act__cond_wait_until(struct act__cond *cond, struct act__mutex *mutex, int64_t deadline_ns) {
  if (deadline_ns == ACT__TIME_NEVER) {
    act__cond_wait(cond, mutex);
    return true;
  }
  if (deadline_ns < 0) deadline_ns = 0;
  struct timespec ts = {.tv_sec = (time_t)(deadline_ns / ACT__NS_PER_S),
                        .tv_nsec = (long)(deadline_ns % ACT__NS_PER_S)};
  int rc = pthread_cond_timedwait(&cond->impl, &mutex->impl, &ts);
  if (rc == ETIMEDOUT) return false;
  must(rc);
  return true;
}

static _Thread_local const char *thread_name = "";

static void *thread_main(void *arg) {
  struct act__thread *thread = arg;
  thread_name = thread->name;
  (void)pthread_setname_np(pthread_self(), thread->name);  // for debuggers; may fail in a sandbox
  thread->fn(thread->arg);
  return NULL;
}

// pthread wants at least its minimum, and some systems whole pages.
static size_t legal_stack(size_t bytes) {
  size_t least = (size_t)PTHREAD_STACK_MIN;
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  if (bytes < least) bytes = least;
  return (bytes + page - 1) / page * page;
}

act_rc act__thread_start(struct act__thread *thread, const char *name, size_t stack_bytes,
                         void (*fn)(void *arg), void *arg) {
  size_t length = strnlen(name, ACT__THREAD_NAME - 1);
  memcpy(thread->name, name, length);
  thread->name[length] = '\0';
  thread->fn = fn;
  thread->arg = arg;

  pthread_attr_t attributes;
  must(pthread_attr_init(&attributes));
  if (stack_bytes > 0) must(pthread_attr_setstacksize(&attributes, legal_stack(stack_bytes)));
  int rc = pthread_create(&thread->handle, &attributes, thread_main, thread);
  must(pthread_attr_destroy(&attributes));
  return rc == 0 ? ACT_OK : ACT_ESYS;
}

void act__thread_join(struct act__thread *thread) {
  must(pthread_join(thread->handle, NULL));
}

const char *act__thread_name(void) {
  return thread_name;
}

uint64_t act__thread_id(void) {
  static ACT__ATOMIC(uint64_t) last;
  static _Thread_local uint64_t mine;
  // relaxed: the number alone is what counts, and one variable's own order makes it unique.
  if (mine == 0) mine = act__fetch_add_relaxed(&last, 1) + 1;
  return mine;
}

void act__thread_yield(void) {
  (void)sched_yield();
}

void act__spinlock_init(struct act__spinlock *lock) {
  act__atomic_init(&lock->held, 0);
}

void act__spinlock_lock(struct act__spinlock *lock) {
  while (!act__spinlock_try_lock(lock)) {
    // relaxed: only a hint that trying again is worth the cache line; try_lock decides.
    for (int i = 0; act__load_relaxed(&lock->held) != 0; i++) {
      if (i < SPINS_BEFORE_YIELD) {
        act__spin_pause();
      } else {
        act__thread_yield();
      }
    }
  }
}

bool act__spinlock_try_lock(struct act__spinlock *lock) {
  // acquire [spinlock:held]: pairs with the release in act__spinlock_unlock; what the last holder
  // did is seen by the next.
  return act__exchange_acquire(&lock->held, 1) == 0;
}

void act__spinlock_unlock(struct act__spinlock *lock) {
  // release [spinlock:held]: pairs with the acquire in act__spinlock_try_lock.
  act__store_release(&lock->held, 0);
}

void act__parker_init(struct act__parker *parker) {
  act__mutex_init(&parker->mutex);
  act__cond_init(&parker->cond);
  parker->permit = false;
}

void act__parker_fini(struct act__parker *parker) {
  act__cond_fini(&parker->cond);
  act__mutex_fini(&parker->mutex);
}

bool act__parker_park(struct act__parker *parker, int64_t deadline_ns) {
  act__mutex_lock(&parker->mutex);
  while (!parker->permit) {
    if (!act__cond_wait_until(&parker->cond, &parker->mutex, deadline_ns)) break;
  }
  bool permit = parker->permit;  // it may have come with the deadline
  parker->permit = false;
  act__mutex_unlock(&parker->mutex);
  return permit;
}

void act__parker_unpark(struct act__parker *parker) {
  act__mutex_lock(&parker->mutex);
  parker->permit = true;
  act__cond_signal(&parker->cond);
  act__mutex_unlock(&parker->mutex);
}
