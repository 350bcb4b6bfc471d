// SPDX-License-Identifier: Apache-2.0
//
// The word of an ask record (actors/ask_word.h) with an alarm that stays behind: A1 every ask ends
// exactly once; A2 one that is open has an alarm on its way, no later than its deadline; A3 no alarm
// ends an ask early; A4 nobody touches the alarm beside who may.
//
// An asker opens one ask after another in the same record and withdraws them, another thread answers,
// others advance the time. Plain members are book-keeping, exact because Relacy switches threads only
// at atomic operations.
#include "tests/model/model_run.h"

#include "actors/ask_word.h"

namespace {

const int kAsks = 3, kForever = 1000;

// As struct act__ask and act__alarm, with a wheel for one.
struct record {
  act__ask_word word;
  ACT__ATOMIC(int) deadline;
  ACT__SHARED(int) alarm_at;
  ACT__SHARED(int) home;  // written by who arms, read by who cancels
  rl::mutex wheel;
  bool armed;             // under wheel
  int due;
  ACT__ATOMIC(int) token, told;  // generations: asked, and ended with its notice on its way
  // Book-keeping.
  int deadlines[kAsks + 2], ends[kAsks + 2], opened;

  void start() {
    act__atomic_init(&word, act__ask_word_closed(1));
    act__store_relaxed(&deadline, 0);
    act__store_relaxed(&token, 0);
    act__store_relaxed(&told, 0);
    armed = false;
    opened = due = 0;
    for (int i = 0; i < kAsks + 2; i++) ends[i] = deadlines[i] = 0;
  }

  void arm(int at) {
    act__plain_write(home, at);
    wheel.lock(RL_INFO);
    RL_ASSERT(!armed);  // A4
    armed = true;
    due = at;
    wheel.unlock(RL_INFO);
  }

  bool cancel() {
    RL_ASSERT(act__plain_read(home) > 0);
    wheel.lock(RL_INFO);
    bool was = armed;
    armed = false;
    wheel.unlock(RL_INFO);
    return was;
  }

  // As finish.
  void ended(unsigned gen) {
    ends[gen]++;
    RL_ASSERT(ends[gen] == 1);  // A1
    act__store_release(&told, static_cast<int>(gen));
  }

  // As act__ask_open.
  void open(int at) {
    act__store_relaxed(&deadline, at);
    uint64_t seen = act__ask_word_look(&word);
    for (;;) {
      if (seen & ACT__ASK_MOVING) {
        rl::yield(1, RL_INFO);
        seen = act__ask_word_look(&word);
        continue;
      }
      if ((seen & ACT__ASK_SET) && act__plain_read(alarm_at) > at && cancel()) {
        act__ask_word_cancelled(&word, &seen);
      }
      bool arms = !(seen & ACT__ASK_SET);
      if (arms) act__plain_write(alarm_at, at);
      unsigned gen = act__ask_word_gen(seen);
      deadlines[gen] = at;
      opened = static_cast<int>(gen);
      if (!act__ask_word_open(&word, &seen)) continue;
      if (arms) arm(at);
      act__store_release(&token, static_cast<int>(gen));
      return;
    }
  }

  // As act__ask_on_alarm.
  void look(int now) {
    if (now < act__plain_read(alarm_at)) now = act__plain_read(alarm_at);
    uint64_t seen = act__ask_word_look(&word);
    for (;;) {
      if (seen & ACT__ASK_MOVING) {
        rl::yield(1, RL_INFO);
        seen = act__ask_word_look(&word);
        continue;
      }
      int at = act__load_relaxed(&deadline);
      unsigned gen = act__ask_word_gen(seen);
      if (!(seen & ACT__ASK_OPEN)) {
        if (act__ask_word_unset(&word, &seen)) return;
      } else if (at <= now) {
        if (!act__ask_word_claim_due(&word, &seen)) continue;
        RL_ASSERT(deadlines[gen] <= now);  // A3
        ended(gen);
        return;
      } else if (act__ask_word_move(&word, &seen)) {
        RL_ASSERT(deadlines[gen] == at);
        act__plain_write(alarm_at, at);
        arm(at);
        act__ask_word_moved(&word);
        return;
      }
    }
  }

  void advance(int now) {
    wheel.lock(RL_INFO);
    bool fires = armed && due <= now;
    if (fires) armed = false;
    wheel.unlock(RL_INFO);
    if (fires) look(now);
  }

  // The asker wants no answer any more; then the record is its own again.
  void withdraw(unsigned gen) {
    if (act__ask_word_claim(&word, gen)) {
      ended(gen);
      return;
    }
    // acquire [told]: as the notice in the asker's inbox.
    while (act__load_acquire(&told) != static_cast<int>(gen)) rl::yield(1, RL_INFO);
  }

  void answer() {
    // acquire [token]: as the request in the answerer's inbox.
    unsigned gen = static_cast<unsigned>(act__load_acquire(&token));
    if (gen && act__ask_word_claim(&word, gen)) ended(gen);
  }

  void finish() {
    bool is_open = act__load_relaxed(&word) & ACT__ASK_OPEN;
    RL_ASSERT(!(act__load_relaxed(&word) & ACT__ASK_MOVING));
    if (is_open) {
      RL_ASSERT(armed && due <= deadlines[opened]);  // A2
    }
    if (armed) look(kForever);
    for (int gen = 1; gen <= opened; gen++) RL_ASSERT(ends[gen] == 1);  // A1
  }
};

// Deadlines that grow, as they mostly do, or one that comes before where the alarm stands.
template <int Asks, int Clocks, int First, int Second, int Third>
struct asks : rl::test_suite<asks<Asks, Clocks, First, Second, Third>, 2 + Clocks> {
  record r;

  void before() {
    r.start();
  }

  void thread(unsigned me) {
    static const int at[] = {First, Second, Third};
    if (me == 0) {
      for (int i = 0; i < Asks; i++) {
        r.open(at[i]);
        if (i + 1 < Asks) r.withdraw(static_cast<unsigned>(i + 1));
      }
    } else if (me == 1) {
      r.answer();
    } else {
      r.advance(First);
      r.advance(First + static_cast<int>(me));
    }
  }

  void after() {
    r.finish();
  }
};

}  // namespace

int main() {
  model::bounded<asks<2, 1, 10, 20, 0>>("A1-A4, 2 asks in a row, 1 clock", 2);
  model::bounded<asks<2, 1, 20, 10, 0>>("A1-A4, the second due first, 1 clock", 2);
  model::sampled<asks<2, 1, 10, 11, 0>>("A1-A4, 2 asks close together, 1 clock", 200000);
  model::sampled<asks<3, 2, 10, 11, 12>>("A1-A4, 3 asks close together, 2 clocks", 300000);
  model::sampled<asks<3, 2, 10, 30, 11>>("A1-A4, the third due before the second, 2 clocks", 300000);
  return 0;
}
