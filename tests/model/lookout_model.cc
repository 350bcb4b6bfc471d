// SPDX-License-Identifier: Apache-2.0
//
// P3 for the blocking pool: runtime/lookout.h with the queue, the beds and the calls around it as
// runtime/blocking.c has them; standing by, which only takes time, is a look at once. A thread sleeps
// for good when nobody calls it up, so a job that is left lying is a deadlock, which Relacy finds.
//
// With Together set, no job ends before all have begun: then each must have got a thread of its own,
// and no job may wait behind one that blocks.
#include "tests/model/model_run.h"

#include "runtime/lookout.h"

namespace {

template <int Threads, int Pushers, int Each, bool Together>
struct lookout : rl::test_suite<lookout<Threads, Pushers, Each, Together>, Threads + Pushers> {
  static constexpr int jobs = Pushers * Each;

  struct act__lookout word;
  ACT__ATOMIC(uint32_t) pushed;
  ACT__ATOMIC(uint32_t) taken;
  rl::mutex queue_mutex, mutex, end_mutex;
  rl::condition_variable called_up[Threads], begun;
  bool asleep[Threads], called[Threads], finishing;  // under mutex
  int started, handled;                              // under end_mutex

  void before() {
    act__lookout_init(&word);
    act__atomic_init(&pushed, 0u);
    act__atomic_init(&taken, 0u);
    finishing = false;
    started = handled = 0;
    for (int i = 0; i < Threads; i++) {
      asleep[i] = true;
      called[i] = false;
    }
  }

  bool is_empty() {
    return act__load_seq_cst(&pushed) == act__load_relaxed(&taken);
  }

  void push() {
    queue_mutex.lock(RL_INFO);
    act__store_seq_cst(&pushed, act__load_relaxed(&pushed) + 1);
    queue_mutex.unlock(RL_INFO);
    if (act__lookout_is_empty(&word)) call_up();
  }

  bool take() {
    if (act__load_relaxed(&pushed) == act__load_relaxed(&taken)) return false;
    queue_mutex.lock(RL_INFO);
    bool found = act__load_relaxed(&pushed) != act__load_relaxed(&taken);
    if (found) act__store_release(&taken, act__load_relaxed(&taken) + 1);
    queue_mutex.unlock(RL_INFO);
    return found;
  }

  void call_up() {
    mutex.lock(RL_INFO);
    int sleeper = 0;
    while (sleeper < Threads && !asleep[sleeper]) sleeper++;
    if (act__lookout_is_empty(&word) && sleeper < Threads) {
      asleep[sleeper] = false;
      called[sleeper] = true;
      act__lookout_begin(&word);
      called_up[sleeper].notify_one(RL_INFO);
    }
    mutex.unlock(RL_INFO);
  }

  void leave_lookout() {
    if (!act__lookout_end(&word)) return;
#ifndef ACT_MUTANT_BLOCKING_LEAVES_SILENTLY
    if (!is_empty()) call_up();
#endif
  }

  void run() {
    end_mutex.lock(RL_INFO);
    started++;
    begun.notify_all(RL_INFO);
    while (Together && started < jobs) begun.wait(end_mutex, RL_INFO);
    bool last = ++handled == jobs;
    end_mutex.unlock(RL_INFO);
    if (!last) return;
    mutex.lock(RL_INFO);
    finishing = true;
    for (int i = 0; i < Threads; i++) called_up[i].notify_one(RL_INFO);
    mutex.unlock(RL_INFO);
  }

  // False: finishing.
  bool lie_down(int me, bool on_lookout) {
    mutex.lock(RL_INFO);
    if (on_lookout) {
      called[me] = false;
      asleep[me] = true;
#ifdef ACT_MUTANT_BLOCKING_SLEEPS_UNSEEN
      act__lookout_end(&word);
#else
      if (act__lookout_end(&word) && !is_empty()) {
        asleep[me] = false;
        called[me] = true;
        act__lookout_begin(&word);
      }
#endif
    }
    while (!called[me] && !finishing) called_up[me].wait(mutex, RL_INFO);
    bool go_on = called[me];
    mutex.unlock(RL_INFO);
    return go_on;
  }

  void work(int me) {
    bool on_lookout = false;
    while (lie_down(me, on_lookout)) {
      while (take()) {
        leave_lookout();
        do {
          run();
        } while (take());
        act__lookout_begin(&word);
      }
      on_lookout = true;
    }
  }

  void thread(unsigned me) {
    if (me < Threads) {
      work(static_cast<int>(me));
    } else {
      for (int i = 0; i < Each; i++) push();
    }
  }

  void after() {
    RL_ASSERT(handled == jobs);
  }
};

}  // namespace

int main() {
  model::sampled<lookout<1, 1, 2, false>>("P3, lookout, 1 thread, 1 pusher x 2", 300000);
  model::sampled<lookout<1, 2, 1, false>>("P3, lookout, 1 thread, 2 pushers", 300000);
  model::sampled<lookout<2, 1, 2, true>>("P3, lookout, 2 threads side by side", 300000);
  model::sampled<lookout<2, 2, 1, true>>("P3, lookout, 2 threads side by side, 2 pushers", 300000);
  model::sampled<lookout<3, 1, 3, true>>("P3, lookout, 3 threads side by side", 300000);
  model::bounded<lookout<1, 1, 1, false>>("P3, lookout, 1 thread, 1 pusher x 1", 3);
  return 0;
}
