// SPDX-License-Identifier: Apache-2.0
//
// The mailbox under every order of events: P1 no loss, copy or reorder; P2 the bound is exact; P3
// no lost wake-up; P4 one runner at a time, who sees what the last one did.
//
// Whoever makes the actor runnable runs it at once on its own thread, so only the mailbox's own
// words order one runner after another. Plain members of the tests are book-keeping, exact because
// Relacy switches threads only at atomic operations.
#include "tests/model/model_run.h"

#include "mailbox/mailbox.h"

namespace {

const unsigned kGeneration = 7;

// An actor that counts what it gets. Reuse: blocks that were handled are sent again; it is left out
// where the search is full, which it would make ten times as long.
template <int Senders, bool Reuse>
struct actor {
  struct act__mailbox mailbox;
  ACT__SHARED(int) turns;  // P4: touched by each runner before and after it takes
  ACT__ATOMIC(int) work;   // what a handler does: somewhere to switch threads
  ACT__ATOMIC(int) signals[Senders];
  bool is_running;
  int accepted, handled, last[Senders];
  unsigned units_accepted, units_handled;
  bool has_seen_signal[Senders];
  ACT__ATOMIC(struct act__env *) freed;  // a block that was handled, for whoever sends next

  // The caller is the first owner, and rests at once.
  void start() {
    act__mailbox_init(&mailbox, kGeneration);
    act__plain_write(turns, 0);
    act__store_relaxed(&work, 0);
    act__store_relaxed(&freed, nullptr);
    is_running = false;
    accepted = handled = 0;
    units_accepted = units_handled = 0;
    for (int i = 0; i < Senders; i++) {
      last[i] = 0;
      has_seen_signal[i] = false;
      act__store_relaxed(&signals[i], 0);
    }
    RL_ASSERT(act__mailbox_rest(&mailbox, NULL));
  }

  void put_back(struct act__env *env) {
    if (Reuse && env) act__store_release(&freed, env);
  }

  // The block freed last, if there is one: the worst that an allocator may do.
  struct act__env *allocate(struct act__env *fresh) {
    struct act__env *env = Reuse ? act__exchange_acquire(&freed, nullptr) : nullptr;
    return env ? env : fresh;
  }

  void handle(struct act__env *env) {
    act__store_relaxed(&work, act__load_relaxed(&work) + 1);
    int sender = act__plain_read(env->sender), number = act__plain_read(env->number);
    RL_ASSERT(number > last[sender]);  // P1: in order, none twice
    last[sender] = number;
    handled++;
    units_handled += act__plain_read(env->units);
  }

  void enter() {
    RL_ASSERT(!is_running);  // P4
    is_running = true;
    act__plain_write(turns, act__plain_read(turns) + 1);
  }

  void leave() {
    act__plain_write(turns, act__plain_read(turns) + 1);
    is_running = false;
  }

  void signals_seen() {
    for (int i = 0; i < Senders; i++) {
      if (act__load_relaxed(&signals[i])) has_seen_signal[i] = true;
    }
  }

  // Handles the chain and gives its room back. Gives the mark, if it was in it: to be freed later.
  struct act__env *handle_all(struct act__env *env, const struct act__env *mark) {
    struct act__env *kept = NULL;
    unsigned messages = 0, units = 0;
#ifdef ACT_MUTANT_RELEASE_BEFORE_HANDLING
    for (struct act__env *e = env; e; e = act__plain_read(e->next)) {
      act__mailbox_release(&mailbox, 1, act__plain_read(e->units));
    }
#endif
    while (env) {
      struct act__env *next = act__plain_read(env->next);
      messages++;
      units += act__plain_read(env->units);
      handle(env);
#ifndef ACT_MUTANT_MARK_FREED
      if (env == mark) kept = env;
#endif
      if (!kept) put_back(env);
      env = next;
    }
#ifndef ACT_MUTANT_RELEASE_BEFORE_HANDLING
    if (messages) act__mailbox_release(&mailbox, messages, units);
#endif
    return kept;
  }

  // Every second look clears, as a turn does before it lets go of a block in another way.
  void run() {
    struct act__env *mark = NULL, *kept = NULL;
    enter();
    for (int look = 0;; look++) {
      bool knocked;
      struct act__env *before = mark;
      struct act__env *env = look % 2 ? act__mailbox_clear(&mailbox, &mark, &knocked)
                                      : act__mailbox_take(&mailbox, &mark, &knocked);
      if (knocked) signals_seen();
      if (mark != before) {
        put_back(kept);
        kept = NULL;
      }
      if (env) kept = handle_all(env, mark);
      leave();
      if (act__mailbox_rest(&mailbox, mark)) {
        put_back(kept);
        return;
      }
      enter();
    }
  }

  // True: accepted.
  bool send(struct act__env *fresh, int sender, int number, unsigned units, unsigned messages_max,
            unsigned units_max) {
    struct act__env *env = allocate(fresh);
    act__plain_write(env->sender, sender);
    act__plain_write(env->number, number);
    act__plain_write(env->units, units);
    enum act__admit verdict =
        act__mailbox_reserve(&mailbox, kGeneration, units, messages_max, units_max);
    RL_ASSERT(verdict == ACT__ADMIT_OK || verdict == ACT__ADMIT_FULL);
    if (verdict != ACT__ADMIT_OK) {
      put_back(env);
      return false;
    }
    accepted++;
    units_accepted += units;
    RL_ASSERT(accepted - handled <= static_cast<int>(messages_max));  // P2
    RL_ASSERT(units_accepted - units_handled <= units_max);
    if (act__mailbox_push(&mailbox, env)) run();
    return true;
  }

  void signal(int sender) {
    act__store_relaxed(&signals[sender], 1);
    if (act__mailbox_knock(&mailbox)) run();
  }

  // Nobody runs, and nothing is left: P1 no loss, P3.
  void finish() {
    RL_ASSERT(!is_running);
    RL_ASSERT(act__load_relaxed(&mailbox.inbox) == ACT__MAILBOX_IDLE);
    RL_ASSERT(handled == accepted);
    RL_ASSERT(act__mailbox_messages(&mailbox) == 0);
    RL_ASSERT(act__mailbox_units(&mailbox) == 0);
  }
};

// Each of the senders offers so many messages to a mailbox of that capacity; one that weighs two
// units is among them.
template <int Senders, int Each, int Capacity>
struct senders : rl::test_suite<senders<Senders, Each, Capacity>, Senders> {
  actor<Senders, (Each > 1)> a;
  struct act__env envs[Senders][Each];
  int refused;

  void before() {
    refused = 0;
    a.start();
  }

  void thread(unsigned me) {
    for (int i = 0; i < Each; i++) {
      if (!a.send(&envs[me][i], static_cast<int>(me), i + 1, me == 0 ? 2 : 1, Capacity,
                  Capacity + 1)) {
        refused++;
      }
    }
  }

  void after() {
    a.finish();
    RL_ASSERT(a.accepted + refused == Senders * Each);
    if (Capacity >= Senders * Each + 1) RL_ASSERT(refused == 0);
  }
};

// Signals and messages at once: every signal is seen at a knock, no message is lost by it.
template <int Knockers, int Senders>
struct knocks : rl::test_suite<knocks<Knockers, Senders>, Knockers + Senders> {
  static const int kThreads = Knockers + Senders;
  actor<kThreads, (Senders > 1)> a;
  struct act__env envs[kThreads];

  void before() {
    a.start();
  }

  void thread(unsigned me) {
    if (me < Knockers || Senders == 0) {
      a.signal(static_cast<int>(me));
    } else {
      RL_ASSERT(a.send(&envs[me], static_cast<int>(me), 1, 1, kThreads, kThreads));
    }
  }

  void after() {
    a.finish();
    for (int i = 0; i < Knockers; i++) RL_ASSERT(a.has_seen_signal[i]);
    RL_ASSERT(a.handled == Senders);
  }
};

}  // namespace

int main() {
  model::full<senders<2, 1, 2>>("P1-P4, 2 senders x 1 message");
  model::full<senders<2, 1, 1>>("P1-P4, 2 senders x 1 message, room for 1");
  model::full<knocks<1, 1>>("P3, a knock and a message");
  model::full<knocks<2, 0>>("P3, two knocks");
  model::bounded<senders<2, 2, 2>>("P1-P4, 2 senders x 2 messages, room for 2", 2);
  model::bounded<knocks<2, 1>>("P3, two knocks and a message", 2);
  model::sampled<senders<2, 3, 2>>("P1-P4, 2 senders x 3 messages, room for 2", 300000);
  model::sampled<senders<3, 2, 7>>("P1-P4, 3 senders x 2 messages, room for all", 300000);
  model::sampled<senders<4, 2, 1>>("P1-P4, 4 senders x 2 messages, room for 1", 300000);
  model::sampled<knocks<2, 2>>("P3, two knocks and two messages", 300000);
  return 0;
}
