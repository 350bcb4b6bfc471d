// SPDX-License-Identifier: Apache-2.0
//
// P3 for the loop: base/wake.h in front of an async handle that works as in libuv 1.44, modelled
// step by step: sending is a plain look at the handle's mark, a swap of the mark, a write to the
// event descriptor, a second swap; the loop reads the descriptor, swaps the mark back, then calls
// us. What is published is relaxed on purpose: the flag alone must make it visible.
#include "tests/model/model_run.h"

#include "base/wake.h"

namespace {

// The handle. The kernel's descriptor is only trusted to count.
struct async {
  ACT__ATOMIC(int) pending;     // 0 free, 1 being sent, 2 sent
  ACT__ATOMIC(int) descriptor;  // != 0: the loop will wake up

  void init() {
    act__atomic_init(&pending, 0);
    act__atomic_init(&descriptor, 0);
  }

  void send() {
    if (act__load_relaxed(&pending) != 0) return;
    int expected = 0;
    if (!act__cas_strong_seq_cst(&pending, &expected, 1)) return;
    act__fetch_add_relaxed(&descriptor, 1);
    expected = 1;
    RL_ASSERT(act__cas_strong_seq_cst(&pending, &expected, 2));
  }

  // True: the callback is due. *again: a sender is between its two swaps; libuv spins for it.
  bool take(bool *again) {
    int expected = 2;
    bool taken = act__cas_strong_seq_cst(&pending, &expected, 0);
    *again = !taken && expected == 1;
    return taken;
  }
};

template <int Senders, int Rounds>
struct wake : rl::test_suite<wake<Senders, Rounds>, Senders + 1> {
  struct act__wake flag;
  async handle;
  ACT__ATOMIC(int) published[Senders];
  int seen[Senders];

  void before() {
    act__wake_init(&flag);
    handle.init();
    for (int i = 0; i < Senders; i++) {
      act__atomic_init(&published[i], 0);
      seen[i] = 0;
    }
  }

  void look() {
    for (int i = 0; i < Senders; i++) seen[i] = act__load_relaxed(&published[i]);
  }

  void callback() {
#ifdef ACT_MUTANT_WAKE_LOWERED_AFTER_LOOKING
    look();
    act__wake_lower(&flag);
#else
    act__wake_lower(&flag);
    look();
#endif
  }

  // One turn of the loop; the real one would sleep where this returns false.
  bool poll() {
    if (act__exchange_relaxed(&handle.descriptor, 0) == 0) return false;
    bool again = true;
    while (again) {
      if (handle.take(&again)) callback();
      if (again) rl::yield(1, RL_INFO);
    }
    return true;
  }

  void thread(unsigned me) {
    if (me == Senders) {
      for (int i = 0; i < Senders * Rounds; i++) poll();
      return;
    }
    for (int i = 1; i <= Rounds; i++) {
      act__store_relaxed(&published[me], i);
#ifdef ACT_MUTANT_WAKE_WITHOUT_FLAG
      handle.send();
#else
      if (act__wake_raise(&flag)) handle.send();
#endif
    }
  }

  // Sleeping for good now must mean that everything was seen.
  void after() {
    while (poll()) {
    }
    for (int i = 0; i < Senders; i++) RL_ASSERT(seen[i] == Rounds);
  }
};

}  // namespace

int main() {
  model::full<wake<1, 2>>("P3, wake flag, 1 sender x 2");
  model::full<wake<2, 1>>("P3, wake flag, 2 senders x 1");
  model::sampled<wake<1, 4>>("P3, wake flag, 1 sender x 4", 300000);
  model::sampled<wake<2, 3>>("P3, wake flag, 2 senders x 3", 300000);
  return 0;
}
