// SPDX-License-Identifier: Apache-2.0
//
// Room given back late (mailbox/returns.h): the bound is never exceeded, room that was given back can
// be had, and who gets it sees what the handler did before.
//
// Threads hand in messages to a mailbox for one; whoever gets one in runs the mailbox's owner at once
// and gives its room back by the written word. As in act__room_reserve, who is refused looks again
// under the lock.
#include "tests/model/model_run.h"

#include "mailbox/returns.h"

namespace {

const unsigned kGeneration = 7;

template <int Senders, int Each, int Capacity>
struct senders : rl::test_suite<senders<Senders, Each, Capacity>, Senders> {
  struct act__mailbox mailbox;
  struct act__returns returns;
  rl::mutex lock;
  struct act__env envs[Senders][Each];
  ACT__SHARED(int) cargo;  // with room for one: who gets it has it alone, and writes
  int accepted, given_back;

  void before() {
    act__mailbox_init(&mailbox, kGeneration);
    act__returns_init(&returns);
    act__plain_write(cargo, 0);
    accepted = given_back = 0;
    RL_ASSERT(act__mailbox_rest(&mailbox, NULL));
  }

  // A race if the last one's handler were not seen to its end.
  void touch() {
    if (Capacity == 1) act__plain_write(cargo, act__plain_read(cargo) + 1);
  }

  enum act__admit reserve() {
    return act__mailbox_reserve(&mailbox, kGeneration, 1, Capacity, Capacity);
  }

  enum act__admit reserve_again() {
    enum act__admit verdict;
    uint16_t taken = act__returns_taken(&returns);
    if (act__mailbox_is_full(&mailbox, kGeneration, 1, 1, Capacity, Capacity) &&
        act__returns_are(&returns, taken)) {
      return ACT__ADMIT_FULL;
    }
#ifndef ACT_MUTANT_RETURNS_UNLOCKED
    lock.lock(RL_INFO);
#endif
    do {
      verdict = reserve();
    } while (verdict == ACT__ADMIT_FULL && act__returns_take(&returns, &mailbox));
#ifndef ACT_MUTANT_RETURNS_UNLOCKED
    lock.unlock(RL_INFO);
#endif
    return verdict;
  }

  void run() {
    struct act__env *mark = NULL;
    do {
      bool knocked;
      struct act__env *env = act__mailbox_clear(&mailbox, &mark, &knocked);
      int messages = 0;
      for (; env; env = act__plain_read(env->next)) {
        touch();
        messages++;
      }
      if (messages) act__returns_give(&returns, static_cast<uint32_t>(messages));
      given_back += messages;
    } while (!act__mailbox_rest(&mailbox, NULL));
  }

  void send(struct act__env *env) {
    enum act__admit verdict = reserve();
    if (verdict == ACT__ADMIT_FULL) verdict = reserve_again();
    if (verdict != ACT__ADMIT_OK) return;
    accepted++;
    RL_ASSERT(accepted - given_back <= Capacity);
    touch();
    if (act__mailbox_push(&mailbox, env)) run();
  }

  void thread(unsigned me) {
    for (int i = 0; i < Each; i++) send(&envs[me][i]);
  }

  // Nobody works: all room is there, and no more.
  void after() {
    RL_ASSERT(accepted == given_back && accepted >= 1);
    for (int i = 0; i < Capacity; i++) RL_ASSERT(reserve_again() == ACT__ADMIT_OK);
    RL_ASSERT(reserve_again() == ACT__ADMIT_FULL);
  }
};

}  // namespace

int main() {
  model::bounded<senders<2, 2, 1>>("returns, 2 senders x 2 messages, room for 1", 2);
  model::sampled<senders<2, 3, 1>>("returns, 2 senders x 3 messages, room for 1", 300000);
  model::sampled<senders<3, 2, 2>>("returns, 3 senders x 2 messages, room for 2", 300000);
  model::sampled<senders<3, 3, 1>>("returns, 3 senders x 3 messages, room for 1", 300000);
  return 0;
}
