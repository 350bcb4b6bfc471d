// SPDX-License-Identifier: Apache-2.0
//
// No alarm is slept through: the argument of runtime/sched/bed.c, step by step. A thread from outside
// arms an alarm on the wheel of a worker that goes to sleep just then, or the worker arms it itself;
// the keeper lies down meanwhile. Times are small numbers: an alarm due at 1 may be left alone until
// 1 while its worker sleeps, and until 2 while that has something to run.
#include "tests/model/model_run.h"

namespace {

enum { DUE = 1, SLACK = 1, NEVER = 9 };
enum { BUSY = 0, AWAY = 1 };

template <bool FromOutside>
struct slept : rl::test_suite<slept<FromOutside>, 3> {
  ACT__ATOMIC(int) due;      // of the worker's wheel
  ACT__ATOMIC(int) looked;   // its board: BUSY or AWAY
  ACT__ATOMIC(int) until;    // until when the keeper sleeps; 0: it does not
  ACT__ATOMIC(int) permit;   // of the keeper's parker

  void before() {
    act__atomic_init(&due, NEVER);
    act__atomic_init(&looked, BUSY);
    act__atomic_init(&until, 0);
    act__atomic_init(&permit, 0);
  }

  // act__crew_alarm_due
  int left_alone() {
    int at = act__load_seq_cst(&due);
    if (at == NEVER) return NEVER;
    return act__load_seq_cst(&looked) == AWAY ? at : at + SLACK;
  }

  void nudge_if_needed() {
    int at = left_alone();
    if (at < act__load_seq_cst(&until)) act__exchange_acq_rel(&permit, 1);
  }

  void announce() {
    for (;;) {
      int at = left_alone();
#ifdef ACT_MUTANT_KEEPER_ANNOUNCES_RELEASE
      act__store_release(&until, at);
#else
      act__store_seq_cst(&until, at);
#endif
      if (left_alone() >= at) return;
    }
  }

  void arm() {
    act__store_seq_cst(&due, DUE);
  }

  void outside() {
    if (!FromOutside) return;
    arm();
    nudge_if_needed();
  }

  void worker() {
    if (!FromOutside) arm();  // it is awake, and comes by below
#ifdef ACT_MUTANT_AWAY_RELEASE
    act__store_release(&looked, static_cast<int>(AWAY));
#else
    act__store_seq_cst(&looked, static_cast<int>(AWAY));
#endif
#ifndef ACT_MUTANT_REST_WITHOUT_NUDGE
    nudge_if_needed();
#endif
  }

  void keeper() {
    announce();
    for (int i = 0; i < 2; i++) {
      if (act__exchange_acq_rel(&permit, 0)) announce();
    }
  }

  void thread(unsigned me) {
    if (me == 0) outside();
    if (me == 1) worker();
    if (me == 2) keeper();
  }

  // The keeper sleeps no longer than the alarm may wait, or has been nudged.
  void after() {
    RL_ASSERT(act__load_relaxed(&permit) || act__load_relaxed(&until) <= DUE);
  }
};

}  // namespace

int main() {
  model::full<slept<false>>("no alarm is slept through, armed by the worker");
  model::bounded<slept<true>>("no alarm is slept through, armed from outside", 5);
  model::sampled<slept<true>>("no alarm is slept through, armed from outside", 300000);
  return 0;
}
