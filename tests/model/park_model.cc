// SPDX-License-Identifier: Apache-2.0
//
// Waiting for room (actors/park.c) over the product's mailbox: P1 whoever waits gets in, and is never
// left beside free room; P2 the bound stays exact; P3 nobody who does not wait gets in while somebody
// waits; P4 those who wait move in their order, and what one sender sends stays in order.
//
// Threads send; whoever makes the actor runnable runs it, for a message a turn where it is `lazy`: then
// it hands nothing over until a turn finds nothing to do. A sender whose message waits sends no more
// until it has moved. Plain members are book-keeping, exact because Relacy switches threads only at
// atomic operations.
#include "tests/model/model_run.h"

#include "mailbox/mailbox.h"

namespace {

const unsigned kGeneration = 7;

template <int Senders, bool Lazy>
struct actor {
  struct act__mailbox mailbox;
  struct act__env *pending;  // the owner's
  rl::mutex lock;
  unsigned messages_max, units_max;
  // Under the lock: a ring would do, a list that only grows is easier to judge.
  struct act__env *ring[Senders * 4];
  int entered, left;
  ACT__ATOMIC(int) waits[Senders];
  // Book-keeping.
  bool is_running;
  int accepted, handled, last[Senders];

  void start(unsigned messages, unsigned units) {
    messages_max = messages;
    units_max = units;
    act__mailbox_init(&mailbox, kGeneration);
    entered = left = accepted = handled = 0;
    is_running = false;
    pending = NULL;
    for (int i = 0; i < Senders; i++) {
      last[i] = 0;
      act__store_relaxed(&waits[i], 0);
    }
    RL_ASSERT(act__mailbox_rest(&mailbox, NULL));
  }

  void admitted() {
    accepted++;
    RL_ASSERT(accepted - handled <= static_cast<int>(messages_max));  // P2
  }

  // As act__park_serve.
  void serve() {
    bool idle = false;
    lock.lock(RL_INFO);
    while (left < entered) {
      struct act__env *env = ring[left];
      unsigned units = act__plain_read(env->units);
      if (act__mailbox_hand_over(&mailbox, kGeneration, units, messages_max, units_max) !=
          ACT__ADMIT_OK) {
        break;
      }
      admitted();
      left++;
      int sender = act__plain_read(env->sender);
      idle |= act__mailbox_push(&mailbox, env);
      act__store_release(&waits[sender], 0);
    }
    if (left == entered && act__mailbox_is_parked(&mailbox)) act__mailbox_unpark(&mailbox);
    lock.unlock(RL_INFO);
    if (idle) run();
  }

  void handle(struct act__env *env) {
    int sender = act__plain_read(env->sender), number = act__plain_read(env->number);
    RL_ASSERT(number > last[sender]);  // P4
    last[sender] = number;
  }

  // One turn. False: there is more to do.
  bool turn() {
    bool knocked;
    struct act__env *mark = NULL;
    if (!pending) pending = act__mailbox_clear(&mailbox, &mark, &knocked);
    unsigned messages = 0, units = 0;
    while (pending && !(Lazy && messages)) {
      struct act__env *env = pending;
      pending = act__plain_read(env->next);
      messages++;
      units += act__plain_read(env->units);
      handle(env);
    }
    handled += static_cast<int>(messages);
    bool dry = !Lazy || messages == 0;
    bool parked = messages ? act__mailbox_release(&mailbox, messages, units)
                           : act__mailbox_is_parked(&mailbox);
    if (parked && dry) serve();
    return dry;
  }

  void run() {
    for (;;) {
      RL_ASSERT(!is_running);
      is_running = true;
      bool dry = turn();
      is_running = false;
      if (dry && act__mailbox_rest(&mailbox, NULL)) return;
    }
  }

  // As act__send_with and act__park_send.
  void send(struct act__env *env, int sender, int number, unsigned units) {
    act__plain_write(env->sender, sender);
    act__plain_write(env->number, number);
    act__plain_write(env->units, units);
    enum act__admit verdict =
        act__mailbox_reserve(&mailbox, kGeneration, units, messages_max, units_max);
    if (verdict == ACT__ADMIT_OK) {
      RL_ASSERT(left == entered);  // P3
      admitted();
      if (act__mailbox_push(&mailbox, env)) run();
      return;
    }
    bool idle = false;
    lock.lock(RL_INFO);
    verdict = act__mailbox_park(&mailbox, kGeneration, units, messages_max, units_max);
    if (verdict == ACT__ADMIT_OK) {
      RL_ASSERT(left == entered);
      admitted();
      idle = act__mailbox_push(&mailbox, env);
    } else {
      RL_ASSERT(verdict == ACT__ADMIT_FULL);
      ring[entered++] = env;
      act__store_relaxed(&waits[sender], 1);
    }
    lock.unlock(RL_INFO);
    if (idle) run();
  }

  void finish(int sent) {
    RL_ASSERT(!is_running);
    RL_ASSERT(left == entered);  // P1
    RL_ASSERT(handled == sent && accepted == sent);
    RL_ASSERT(act__load_relaxed(&mailbox.inbox) == ACT__MAILBOX_IDLE);
    RL_ASSERT(!act__mailbox_is_parked(&mailbox));
    RL_ASSERT(act__mailbox_messages(&mailbox) == 0);
    RL_ASSERT(act__mailbox_units(&mailbox) == 0);
  }
};

// Everybody offers up to so many messages; those of sender 0 weigh two units.
template <int Senders, int Each, int Capacity, bool Lazy = false>
struct parkers : rl::test_suite<parkers<Senders, Each, Capacity, Lazy>, Senders> {
  actor<Senders, Lazy> a;
  struct act__env envs[Senders][Each];
  int sent;

  void before() {
    sent = 0;
    a.start(Capacity, Capacity + 1);
  }

  void thread(unsigned me) {
    for (int i = 0; i < Each; i++) {
      // acquire [told]: what was handed over is in the inbox before what follows.
      if (act__load_acquire(&a.waits[me])) return;
      sent++;
      a.send(&envs[me][i], static_cast<int>(me), i + 1, me == 0 ? 2 : 1);
    }
  }

  void after() {
    a.finish(sent);
  }
};

// Nobody handles anything: room is given back by a thread that had reserved it, as credit that comes
// home does.
struct give_back : rl::test_suite<give_back, 2> {
  struct act__mailbox mailbox;
  rl::mutex lock;
  bool waits, in;

  void before() {
    act__mailbox_init(&mailbox, kGeneration);
    RL_ASSERT(act__mailbox_rest(&mailbox, NULL));
    RL_ASSERT(act__mailbox_reserve(&mailbox, kGeneration, 1, 1, 1) == ACT__ADMIT_OK);
    waits = in = false;
  }

  void thread(unsigned me) {
    if (me == 0) {
      lock.lock(RL_INFO);
      in = act__mailbox_park(&mailbox, kGeneration, 1, 1, 1) == ACT__ADMIT_OK;
      waits = !in;
      lock.unlock(RL_INFO);
      return;
    }
    RL_ASSERT(!act__mailbox_cancel(&mailbox, 1, 1));
    if (!act__mailbox_is_parked(&mailbox)) return;
    lock.lock(RL_INFO);
    if (waits) {
      in = act__mailbox_hand_over(&mailbox, kGeneration, 1, 1, 1) == ACT__ADMIT_OK;
      waits = !in;
    }
    if (!waits) act__mailbox_unpark(&mailbox);
    lock.unlock(RL_INFO);
  }

  void after() {
    RL_ASSERT(in && !waits);  // P1
    RL_ASSERT(!act__mailbox_is_parked(&mailbox));
    RL_ASSERT(act__mailbox_messages(&mailbox) == 1);
  }
};

}  // namespace

int main() {
  model::full<give_back>("P1, one waits and one gives back");
  model::bounded<parkers<2, 1, 1>>("P1-P4, 2 senders x 1 message, room for 1", 3);
  model::bounded<parkers<2, 2, 1>>("P1-P4, 2 senders x 2 messages, room for 1", 2);
  model::bounded<parkers<3, 1, 1>>("P1-P4, 3 senders x 1 message, room for 1", 2);
  model::bounded<parkers<2, 2, 1, true>>("P1-P4, the same, lazy", 2);
  model::bounded<parkers<2, 2, 2, true>>("P1-P4, 2 senders x 2 messages, room for 2, lazy", 2);
  model::sampled<parkers<2, 3, 2, true>>("P1-P4, 2 senders x 3 messages, room for 2, lazy", 200000);
  model::sampled<parkers<3, 3, 2, true>>("P1-P4, 3 senders x 3 messages, room for 2, lazy", 200000);
  model::sampled<parkers<2, 3, 2>>("P1-P4, 2 senders x 3 messages, room for 2", 200000);
  model::sampled<parkers<3, 2, 1>>("P1-P4, 3 senders x 2 messages, room for 1", 200000);
  model::sampled<parkers<4, 2, 2>>("P1-P4, 4 senders x 2 messages, room for 2", 200000);
  return 0;
}
