// SPDX-License-Identifier: Apache-2.0
//
// P3 for the pool: runtime/sched/idle.h, with the queue shared by all, the list of sleepers and the
// parkers around it as runtime/sched/bed.c has them. A worker sleeps for good when it parks without a
// permit, so a lost wake-up is a deadlock, which Relacy finds.
//
// With Together set, no task's turn ends before all tasks have begun: then it is not enough that
// somebody runs them one after the other, each must have got a worker of its own. That is what the
// last searcher's second look is for.
#include "tests/model/model_run.h"

#include "runtime/sched/idle.h"

namespace {

struct parker {
  rl::mutex mutex;
  rl::condition_variable changed;
  bool permit;

  void park() {
    mutex.lock(RL_INFO);
    while (!permit) changed.wait(mutex, RL_INFO);
    permit = false;
    mutex.unlock(RL_INFO);
  }

  void unpark() {
    mutex.lock(RL_INFO);
    permit = true;
    changed.notify_one(RL_INFO);
    mutex.unlock(RL_INFO);
  }
};

template <int Workers, int Publishers, int Each, bool Together>
struct idle : rl::test_suite<idle<Workers, Publishers, Each, Together>, Workers + Publishers> {
  static constexpr int tasks = Publishers * Each;
  static constexpr uint32_t searchers_max = Workers > 1 ? Workers / 2 : 1;

  struct act__idle word;
  rl::mutex queue_mutex, bed_mutex, end_mutex;
  rl::condition_variable begun;
  ACT__ATOMIC(uint32_t) length;
  ACT__ATOMIC(uint32_t) finishing;
  uint32_t queued;         // under queue_mutex
  bool in_bed[Workers];    // under bed_mutex
  int started, handled;    // under end_mutex
  parker beds[Workers];

  void before() {
    act__idle_init(&word);
    act__atomic_init(&length, 0u);
    act__atomic_init(&finishing, 0u);
    queued = 0;
    started = handled = 0;
    for (int i = 0; i < Workers; i++) {
      in_bed[i] = false;
      beds[i].permit = false;
    }
  }

  void publish() {
    queue_mutex.lock(RL_INFO);
    act__store_seq_cst(&length, ++queued);
    queue_mutex.unlock(RL_INFO);
    if (act__idle_wants_wake(&word)) wake_one();
  }

  bool take() {
    if (act__load_seq_cst(&length) == 0) return false;
    queue_mutex.lock(RL_INFO);
    bool taken = queued > 0;
    if (taken) act__store_seq_cst(&length, --queued);
    queue_mutex.unlock(RL_INFO);
    return taken;
  }

  void wake_one() {
    int chosen = -1;
    bed_mutex.lock(RL_INFO);
    if (act__idle_claim(&word)) {
      chosen = 0;
      while (chosen < Workers - 1 && !in_bed[chosen]) chosen++;
      RL_ASSERT(in_bed[chosen]);
      in_bed[chosen] = false;
    }
    bed_mutex.unlock(RL_INFO);
    if (chosen >= 0) beds[chosen].unpark();
  }

  void handle() {
    end_mutex.lock(RL_INFO);
    started++;
    begun.notify_all(RL_INFO);
    while (Together && started < tasks) begun.wait(end_mutex, RL_INFO);
    bool last = ++handled == tasks;
    end_mutex.unlock(RL_INFO);
    if (!last) return;
    act__store_release(&finishing, 1u);
    for (int i = 0; i < Workers; i++) beds[i].unpark();
  }

  // False: finishing.
  bool lie_down(int me, bool *searching) {
    bed_mutex.lock(RL_INFO);
    in_bed[me] = true;
    act__idle_sleep(&word, *searching);
    bed_mutex.unlock(RL_INFO);
#ifdef ACT_MUTANT_IDLE_SLEEP_WITHOUT_LOOKING
    bool wait = true;
#else
    bool wait = act__load_seq_cst(&length) == 0;
#endif
    if (wait && !act__load_acquire(&finishing)) beds[me].park();
    bed_mutex.lock(RL_INFO);
    bool claimed = !in_bed[me];
    if (!claimed) {
      act__idle_rise(&word, !wait);
      in_bed[me] = false;
    }
    bed_mutex.unlock(RL_INFO);
    #ifdef ACT_MUTANT_IDLE_RISE_QUIETLY
    *searching = claimed;
#else
    *searching = claimed || !wait;
#endif
    return !act__load_acquire(&finishing);
  }

  void work(int me) {
    bool searching = false;
    for (;;) {
      bool found = take();
      if (!found && !searching && act__idle_search_begin(&word, searchers_max)) {
        searching = true;
        found = take();
      }
      if (found) {
        if (searching && act__idle_search_end(&word) && act__load_seq_cst(&length) > 0) wake_one();
        searching = false;
        handle();
      } else if (!lie_down(me, &searching)) {
        return;
      }
    }
  }

  void thread(unsigned me) {
    if (me < Workers) {
      work(static_cast<int>(me));
    } else {
      for (int i = 0; i < Each; i++) publish();
    }
  }

  void after() {
    RL_ASSERT(handled == tasks);
    RL_ASSERT(queued == 0);
  }
};

}  // namespace

int main() {
  model::sampled<idle<1, 1, 2, false>>("P3, idle word, 1 worker, 1 publisher x 2", 300000);
  model::sampled<idle<2, 1, 2, false>>("P3, idle word, 2 workers, 1 publisher x 2", 300000);
  model::sampled<idle<2, 1, 2, true>>("P3, idle word, 2 workers side by side", 300000);
  model::sampled<idle<2, 2, 1, true>>("P3, idle word, 2 workers side by side, 2 publishers", 300000);
  model::sampled<idle<3, 1, 3, true>>("P3, idle word, 3 workers side by side", 300000);
  model::bounded<idle<1, 1, 1, false>>("P3, idle word, 1 worker, 1 publisher x 1", 3);
  return 0;
}
