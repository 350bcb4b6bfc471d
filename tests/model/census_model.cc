// SPDX-License-Identifier: Apache-2.0
//
// The census of actors (actors/census.h): never more than may be, nobody is refused while a place is
// free, wherever it lies, and who leaves last knows it.
#include "tests/model/model_run.h"

#define act__thread_yield() rl::yield(1, RL_INFO)
#define ACT__CENSUS_BATCH 2u

#include "actors/census.h"

namespace {

template <int Workers>
struct base {
  struct act__census census;
  struct act__hand hands[Workers];
  rl::mutex lock;
  int alive, max;

  void open(int bound) {
    act__census_init(&census, static_cast<uint32_t>(bound), hands, Workers);
    alive = 0;
    max = bound;
  }

  bool enter_last() {
    lock.lock(RL_INFO);
    bool entered = act__census_enter_last(&census);
    lock.unlock(RL_INFO);
    return entered;
  }

  bool enter(unsigned me) {
    if (!act__census_enter(&census, &hands[me]) && !enter_last()) return false;
    alive++;
    RL_ASSERT(alive <= max);
    return true;
  }

  bool leave(unsigned me) {
    alive--;
    return act__census_leave(&census, &hands[me]);
  }

  // All places can be had from one hand, and no more.
  void fill() {
    RL_ASSERT(act__census_alive(&census) == static_cast<uint64_t>(alive));
    while (alive < max) RL_ASSERT(enter(0));
    RL_ASSERT(!enter(0));
  }
};

// Each lives `Each` times, one after the other, and there is a place for each at any time.
template <int Workers, int Each>
struct room_for_all : rl::test_suite<room_for_all<Workers, Each>, Workers>, base<Workers> {
  void before() {
    this->open(Workers);
  }
  void thread(unsigned me) {
    for (int i = 0; i < Each; i++) {
      RL_ASSERT(this->enter(me));
      (void)this->leave(me);
    }
  }
  void after() {
    this->fill();
  }
};

// Too many for the bound: some are refused, the bound holds. Worker 0 finds places at its hand.
template <int Workers, int Each, int Bound>
struct crowd : rl::test_suite<crowd<Workers, Each, Bound>, Workers>, base<Workers> {
  void before() {
    this->open(Bound);
  }
  void thread(unsigned me) {
    int entered = 0;
    for (int i = 0; i < Each; i++) entered += this->enter(me);
    while (entered-- > 0) (void)this->leave(me);
  }
  void after() {
    this->fill();
  }
};

// One closes it while others come and go; the last to leave is told, and only that one.
template <int Workers>
struct closing : rl::test_suite<closing<Workers>, Workers>, base<Workers> {
  int told;
  void before() {
    this->open(100);
    told = 0;
    for (int i = 0; i < Workers; i++) RL_ASSERT(this->enter(static_cast<unsigned>(i)));
  }
  void thread(unsigned me) {
    if (me == 0) act__census_close(&this->census);
    bool lived = this->enter(me);
    RL_ASSERT(lived);
    told += this->leave(me);
    told += this->leave(me);
  }
  void after() {
    RL_ASSERT(told == 1 && act__load_relaxed(&this->census.taken) == 0);
  }
};

}  // namespace

int main() {
  model::bounded<room_for_all<2, 2>>("a place for each of 2, twice", 3);
  model::sampled<room_for_all<2, 4>>("a place for each of 2, 4 times", 300000);
  model::sampled<room_for_all<3, 3>>("a place for each of 3, 3 times", 300000);
  model::sampled<crowd<2, 3, 3>>("2 want 3 each, of 3", 300000);
  model::sampled<crowd<3, 2, 30>>("hands are filled again", 100000);
  model::sampled<closing<2>>("the last of 2 to leave is told", 300000);
  model::sampled<closing<3>>("the last of 3 to leave is told", 300000);
  return 0;
}
