// SPDX-License-Identifier: Apache-2.0
//
// base/atomic.h over the Relacy race detector, for ACT_MODEL: the same names, so that the model
// tests check the product's own headers. Each operation is a point where Relacy may switch threads,
// loads may give old values, weak swaps may fail for no reason, and plain fields (ACT__SHARED) are
// checked for races. C++11; Relacy's macros (new, malloc, assert ...) stay in force in whoever
// includes this.
#ifndef TROUPE_TESTS_MODEL_RELACY_ATOMIC_H
#define TROUPE_TESTS_MODEL_RELACY_ATOMIC_H

#include <relacy/relacy.hpp>

#define ACT_ASSERT(condition) RL_ASSERT(condition)

#define ACT__ATOMIC(type) rl::atomic<type>
#define ACT__SHARED(type) rl::var<type>

#define act__plain_read(field) ((field)(RL_INFO).load())
#define act__plain_write(field, value) ((field)(RL_INFO).store(value))

#define act__atomic_init(object, value) (object)->store(value, rl::mo_relaxed, RL_INFO)

#define act__load_relaxed(object) (object)->load(rl::mo_relaxed, RL_INFO)
#define act__load_acquire(object) (object)->load(rl::mo_acquire, RL_INFO)
#define act__load_seq_cst(object) (object)->load(rl::mo_seq_cst, RL_INFO)

#define act__store_relaxed(object, value) (object)->store(value, rl::mo_relaxed, RL_INFO)
#define act__store_release(object, value) (object)->store(value, rl::mo_release, RL_INFO)
#define act__store_seq_cst(object, value) (object)->store(value, rl::mo_seq_cst, RL_INFO)

#define act__exchange_relaxed(object, value) (object)->exchange(value, rl::mo_relaxed, RL_INFO)
#define act__exchange_acquire(object, value) (object)->exchange(value, rl::mo_acquire, RL_INFO)
#define act__exchange_acq_rel(object, value) (object)->exchange(value, rl::mo_acq_rel, RL_INFO)

#define ACT__MODEL_CAS(kind, object, expected, value, success, failure)            \
  (object)->compare_exchange_##kind(*(expected), value, rl::mo_##success, RL_INFO, \
                                    rl::mo_##failure, RL_INFO)

#define act__cas_weak_relaxed(object, expected, value) \
  ACT__MODEL_CAS(weak, object, expected, value, relaxed, relaxed)
#define act__cas_weak_acquire(object, expected, value) \
  ACT__MODEL_CAS(weak, object, expected, value, acquire, relaxed)
#define act__cas_weak_release(object, expected, value) \
  ACT__MODEL_CAS(weak, object, expected, value, release, relaxed)
#define act__cas_weak_acq_rel(object, expected, value) \
  ACT__MODEL_CAS(weak, object, expected, value, acq_rel, relaxed)
#define act__cas_strong_relaxed(object, expected, value) \
  ACT__MODEL_CAS(strong, object, expected, value, relaxed, relaxed)
#define act__cas_strong_acq_rel(object, expected, value) \
  ACT__MODEL_CAS(strong, object, expected, value, acq_rel, acquire)
#define act__cas_strong_seq_cst(object, expected, value) \
  ACT__MODEL_CAS(strong, object, expected, value, seq_cst, seq_cst)

#define act__fetch_add_relaxed(object, value) (object)->fetch_add(value, rl::mo_relaxed, RL_INFO)
#define act__fetch_add_release(object, value) (object)->fetch_add(value, rl::mo_release, RL_INFO)
#define act__fetch_add_acq_rel(object, value) (object)->fetch_add(value, rl::mo_acq_rel, RL_INFO)
#define act__fetch_add_seq_cst(object, value) (object)->fetch_add(value, rl::mo_seq_cst, RL_INFO)
#define act__fetch_sub_seq_cst(object, value) (object)->fetch_sub(value, rl::mo_seq_cst, RL_INFO)
#define act__fetch_sub_relaxed(object, value) (object)->fetch_sub(value, rl::mo_relaxed, RL_INFO)
#define act__fetch_sub_release(object, value) (object)->fetch_sub(value, rl::mo_release, RL_INFO)
#define act__fetch_sub_acq_rel(object, value) (object)->fetch_sub(value, rl::mo_acq_rel, RL_INFO)
#define act__fetch_or_relaxed(object, value) (object)->fetch_or(value, rl::mo_relaxed, RL_INFO)
#define act__fetch_or_release(object, value) (object)->fetch_or(value, rl::mo_release, RL_INFO)
#define act__fetch_or_acq_rel(object, value) (object)->fetch_or(value, rl::mo_acq_rel, RL_INFO)
#define act__fetch_and_acq_rel(object, value) (object)->fetch_and(value, rl::mo_acq_rel, RL_INFO)

// What both halves of base/barrier.h stand for.
#define act__model_fence() rl::ctx().atomic_thread_fence_seq_cst()

#endif
