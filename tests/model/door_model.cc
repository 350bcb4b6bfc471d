// SPDX-License-Identifier: Apache-2.0
//
// The door of a worker (runtime/sched/door.h): its owner comes and goes, thieves force it. One at a
// time is in, and each sees what the one before did. Both kinds of door: with barriers in two halves,
// which the model takes for full fences, and with seq_cst words.
#include "tests/model/model_run.h"

#define ACT__DOOR_SPINS 2
#define act__thread_yield() rl::yield(1, RL_INFO)

#include "runtime/sched/door.h"

namespace {

template <bool Light, int Thieves, int Rounds>
struct door : rl::test_suite<door<Light, Thieves, Rounds>, Thieves + 1> {
  struct act__door lock;
  ACT__SHARED(int) inside;  // how often somebody was in
  int expected[Thieves + 1];

  void before() {
    act__door_init(&lock, Light);
    act__plain_write(inside, 0);
    for (int i = 0; i <= Thieves; i++) expected[i] = 0;
  }

  void visit(unsigned me) {
    act__plain_write(inside, act__plain_read(inside) + 1);
    expected[me]++;
  }

  void thread(unsigned me) {
    for (int i = 0; i < Rounds; i++) {
      if (me == Thieves) {
        act__door_enter(&lock);
        visit(me);
        act__door_leave(&lock);
      } else if (act__door_force(&lock)) {
        visit(me);
        act__door_close(&lock);
      }
    }
  }

  void after() {
    int sum = 0;
    for (int i = 0; i <= Thieves; i++) sum += expected[i];
    RL_ASSERT(expected[Thieves] == Rounds);
    RL_ASSERT(act__plain_read(inside) == sum);
  }
};

}  // namespace

int main() {
  model::bounded<door<true, 1, 1>>("a light door, 1 thief x 1", 4);
  model::bounded<door<false, 1, 1>>("a door without barriers, 1 thief x 1", 4);
  model::sampled<door<true, 1, 3>>("a light door, 1 thief x 3", 300000);
  model::sampled<door<false, 1, 3>>("a door without barriers, 1 thief x 3", 300000);
  model::sampled<door<true, 2, 2>>("a light door, 2 thieves x 2", 300000);
  model::sampled<door<false, 2, 2>>("a door without barriers, 2 thieves x 2", 300000);
  return 0;
}
