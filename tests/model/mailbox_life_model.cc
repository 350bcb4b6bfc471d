// SPDX-License-Identifier: Apache-2.0
//
// The end of one generation and the start of the next, beside senders of both: what was accepted is
// drained before the slot is retired, a late sender never lands in the next incarnation, the last
// reservation wakes the owner however it ends, and whoever proves a generation sees the slot as its
// owner prepared it, even if the address came by a way that orders nothing.
#include "tests/model/model_run.h"

#include "mailbox/mailbox.h"

namespace {

const unsigned kFirst = ACT__MAILBOX_GENERATION_MAX - 1;
const unsigned kSecond = ACT__MAILBOX_GENERATION_MAX;
const unsigned kRoom = 4;

enum part { kPushes, kCancels, kKnocks, kClaims, kSecondGeneration };

// Thread 0 is the first owner and ends generation kFirst; the others play the parts given.
template <part... Parts>
struct life : rl::test_suite<life<Parts...>, 1 + sizeof...(Parts)> {
  struct act__mailbox mailbox;
  ACT__SHARED(unsigned) content;  // the slot's: which incarnation lives in it
  ACT__SHARED(int) is_closing;
  struct act__env envs[1 + sizeof...(Parts)];
  bool is_running;
  int accepted, handled, retired;

  void before() {
    is_running = true;
    accepted = handled = retired = 0;
    act__mailbox_init(&mailbox, kFirst);
    act__plain_write(content, kFirst);
    act__plain_write(is_closing, 0);
  }

  void thread(unsigned me) {
    if (me == 0) {
      act__plain_write(is_closing, 1);
      act__mailbox_close(&mailbox);
      own();
      return;
    }
    const part parts[] = {Parts...};
    switch (parts[me - 1]) {
    case kPushes: send(me, kFirst, false); break;
    case kCancels: send(me, kFirst, true); break;
    case kKnocks:
      if (act__mailbox_knock(&mailbox)) run();
      break;
    case kClaims:
      if (act__mailbox_claim(&mailbox)) run();
      break;
    case kSecondGeneration: send(me, kSecond, false); break;
    }
  }

  void send(unsigned me, unsigned generation, bool cancels) {
    act__plain_write(envs[me].generation, generation);
    enum act__admit verdict = act__mailbox_reserve(&mailbox, generation, 1, kRoom, kRoom);
    if (verdict != ACT__ADMIT_OK) {
      RL_ASSERT(verdict == ACT__ADMIT_DEAD || verdict == ACT__ADMIT_CLOSED);
      return;
    }
    RL_ASSERT(act__plain_read(content) == generation);
    accepted++;
    if (cancels) handled++;
    if (cancels ? act__mailbox_cancel(&mailbox, 1, 1) : act__mailbox_push(&mailbox, &envs[me])) {
      run();
    }
  }

  void run() {
    RL_ASSERT(!is_running);
    is_running = true;
    own();
  }

  void own() {
    for (;;) {
      bool knocked;
      struct act__env *mark = NULL;
      struct act__env *env = act__mailbox_clear(&mailbox, &mark, &knocked);
      for (; env; env = act__plain_read(env->next)) {
        RL_ASSERT(act__plain_read(env->generation) == act__plain_read(content));
        handled++;
        act__mailbox_release(&mailbox, 1, 1);
      }
      if (act__plain_read(is_closing) && act__mailbox_messages(&mailbox) == 0) begin_second();
      is_running = false;
      if (act__mailbox_rest(&mailbox, NULL)) return;
      is_running = true;
    }
  }

  void begin_second() {
    RL_ASSERT(accepted == handled);
    RL_ASSERT(act__mailbox_retire(&mailbox));
    retired++;
    act__plain_write(content, kSecond);
    act__plain_write(is_closing, 0);
    act__mailbox_open(&mailbox);
  }

  void after() {
    RL_ASSERT(!is_running);
    RL_ASSERT(retired == 1);
    RL_ASSERT(accepted == handled);
    RL_ASSERT(act__load_relaxed(&mailbox.inbox) == ACT__MAILBOX_IDLE);
    RL_ASSERT(act__mailbox_generation(&mailbox) == kSecond);
    RL_ASSERT(act__mailbox_messages(&mailbox) == 0);
    // The last generation of the slot: afterwards it belongs to nobody, for ever.
    RL_ASSERT(act__mailbox_knock(&mailbox));
    bool knocked;
    struct act__env *mark = NULL;
    RL_ASSERT(act__mailbox_clear(&mailbox, &mark, &knocked) == NULL && knocked);
    act__mailbox_close(&mailbox);
    RL_ASSERT(!act__mailbox_retire(&mailbox));
    RL_ASSERT(act__mailbox_reserve(&mailbox, kSecond, 1, kRoom, kRoom) == ACT__ADMIT_DEAD);
  }
};

}  // namespace

int main() {
  model::full<life<kPushes>>("life, an old sender that pushes");
  model::full<life<kCancels>>("life, an old sender that cancels");
  model::full<life<kSecondGeneration>>("life, a sender of the next generation");
  model::full<life<kClaims>>("life, with a claim");
  model::bounded<life<kPushes, kClaims>>("life, an old sender and a claim", 2);
  model::bounded<life<kPushes, kCancels>>("life, two old senders", 2);
  model::sampled<life<kPushes, kCancels, kSecondGeneration>>("life, old and new senders", 300000);
  model::sampled<life<kCancels, kCancels, kPushes>>("life, three old senders", 300000);
  model::sampled<life<kPushes, kKnocks, kCancels>>("life, with a late knock", 300000);
  return 0;
}
