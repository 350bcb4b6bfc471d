// SPDX-License-Identifier: Apache-2.0
//
// Atomic operations with the order in their name. This is the only file that spells memory_order_*:
// everything else says act__load_acquire, so that a reader sees the order and tidy can count it.
//
// Three spellings of one interface: C11 for the product; with ACT_MODEL defined, Relacy's (C++), so
// that the model tests check the product's own headers. Plain fields that cross threads under an
// order made elsewhere are declared ACT__SHARED(type) and go through act__plain_read/write, which
// cost nothing in C and are race-checked in the model.
#ifndef TROUPE_BASE_ATOMIC_H
#define TROUPE_BASE_ATOMIC_H

#ifdef ACT_MODEL
#include "tests/model/relacy_atomic.h"
#else
#include <stdatomic.h>

#ifdef ACT_CHAOS
#include "base/chaos.h"
#undef atomic_load_explicit
#undef atomic_store_explicit
#undef atomic_exchange_explicit
#undef atomic_compare_exchange_weak_explicit
#undef atomic_compare_exchange_strong_explicit
#undef atomic_fetch_add_explicit
#undef atomic_fetch_sub_explicit
#undef atomic_fetch_or_explicit
#undef atomic_fetch_and_explicit
#define atomic_load_explicit(object, order) ((void)act__chaos_(), __atomic_load_n(object, order))
#define atomic_store_explicit(object, value, order) \
  ((void)act__chaos_(), __atomic_store_n(object, value, order))
#define atomic_exchange_explicit(object, value, order) \
  ((void)act__chaos_(), __atomic_exchange_n(object, value, order))
#define atomic_compare_exchange_weak_explicit(object, expected, value, order, order_failed)     \
  (act__chaos_() ? (*(expected) = __atomic_load_n(object, order_failed), 0)                     \
                 : __atomic_compare_exchange_n(object, expected, value, 1, order, order_failed))
#define atomic_compare_exchange_strong_explicit(object, expected, value, order, order_failed) \
  ((void)act__chaos_(), __atomic_compare_exchange_n(object, expected, value, 0, order, order_failed))
#define atomic_fetch_add_explicit(object, value, order) \
  ((void)act__chaos_(), __atomic_fetch_add(object, value, order))
#define atomic_fetch_sub_explicit(object, value, order) \
  ((void)act__chaos_(), __atomic_fetch_sub(object, value, order))
#define atomic_fetch_or_explicit(object, value, order) \
  ((void)act__chaos_(), __atomic_fetch_or(object, value, order))
#define atomic_fetch_and_explicit(object, value, order) \
  ((void)act__chaos_(), __atomic_fetch_and(object, value, order))
#endif

#define ACT__ATOMIC(type) _Atomic(type)
#define ACT__SHARED(type) type

#define act__plain_read(field) (field)
#define act__plain_write(field, value) ((void)((field) = (value)))

#define act__atomic_init(object, value) atomic_init(object, value)

#define act__load_relaxed(object) atomic_load_explicit(object, memory_order_relaxed)
#define act__load_acquire(object) atomic_load_explicit(object, memory_order_acquire)
#define act__load_seq_cst(object) atomic_load_explicit(object, memory_order_seq_cst)

#define act__store_relaxed(object, value) atomic_store_explicit(object, value, memory_order_relaxed)
#define act__store_release(object, value) atomic_store_explicit(object, value, memory_order_release)
#define act__store_seq_cst(object, value) atomic_store_explicit(object, value, memory_order_seq_cst)

#define act__exchange_relaxed(object, value) \
  atomic_exchange_explicit(object, value, memory_order_relaxed)
#define act__exchange_acquire(object, value) \
  atomic_exchange_explicit(object, value, memory_order_acquire)
#define act__exchange_acq_rel(object, value) \
  atomic_exchange_explicit(object, value, memory_order_acq_rel)

// Weak compare-and-swap: may fail for no reason, so it stands in a loop. On failure *expected is
// refreshed with relaxed (the loop decides again from it) or acquire order, as the name says.
#define act__cas_weak_release(object, expected, value)                                       \
  atomic_compare_exchange_weak_explicit(object, expected, value, memory_order_release,       \
                                        memory_order_relaxed)
#define act__cas_weak_acquire(object, expected, value)                                       \
  atomic_compare_exchange_weak_explicit(object, expected, value, memory_order_acquire,       \
                                        memory_order_relaxed)
#define act__cas_weak_acq_rel(object, expected, value)                                       \
  atomic_compare_exchange_weak_explicit(object, expected, value, memory_order_acq_rel,       \
                                        memory_order_relaxed)
#define act__cas_weak_relaxed(object, expected, value)                                       \
  atomic_compare_exchange_weak_explicit(object, expected, value, memory_order_relaxed,       \
                                        memory_order_relaxed)
#define act__cas_strong_acq_rel(object, expected, value)                                     \
  atomic_compare_exchange_strong_explicit(object, expected, value, memory_order_acq_rel,     \
                                          memory_order_acquire)
#define act__cas_strong_relaxed(object, expected, value)                                     \
  atomic_compare_exchange_strong_explicit(object, expected, value, memory_order_relaxed,     \
                                          memory_order_relaxed)
#define act__cas_strong_seq_cst(object, expected, value)                                     \
  atomic_compare_exchange_strong_explicit(object, expected, value, memory_order_seq_cst,     \
                                          memory_order_seq_cst)

#define act__fetch_add_relaxed(object, value) \
  atomic_fetch_add_explicit(object, value, memory_order_relaxed)
#define act__fetch_add_release(object, value) \
  atomic_fetch_add_explicit(object, value, memory_order_release)
#define act__fetch_add_acq_rel(object, value) \
  atomic_fetch_add_explicit(object, value, memory_order_acq_rel)
#define act__fetch_add_seq_cst(object, value) \
  atomic_fetch_add_explicit(object, value, memory_order_seq_cst)
#define act__fetch_sub_relaxed(object, value) \
  atomic_fetch_sub_explicit(object, value, memory_order_relaxed)
#define act__fetch_sub_release(object, value) \
  atomic_fetch_sub_explicit(object, value, memory_order_release)
#define act__fetch_sub_acq_rel(object, value) \
  atomic_fetch_sub_explicit(object, value, memory_order_acq_rel)
#define act__fetch_or_relaxed(object, value) \
  atomic_fetch_or_explicit(object, value, memory_order_relaxed)
#define act__fetch_sub_seq_cst(object, value) \
  atomic_fetch_sub_explicit(object, value, memory_order_seq_cst)
#define act__fetch_or_release(object, value) \
  atomic_fetch_or_explicit(object, value, memory_order_release)
#define act__fetch_or_acq_rel(object, value) \
  atomic_fetch_or_explicit(object, value, memory_order_acq_rel)
#define act__fetch_and_acq_rel(object, value) \
  atomic_fetch_and_explicit(object, value, memory_order_acq_rel)
#endif

#if defined(__x86_64__) || defined(__i386__)
#define act__spin_pause() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define act__spin_pause() __asm__ __volatile__("isb")
#else
#define act__spin_pause() ((void)0)
#endif

#endif
