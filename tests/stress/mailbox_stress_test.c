// SPDX-License-Identifier: Apache-2.0
//
// The mailbox under real threads; meant for ThreadSanitizer, useful without. Two ways to run an
// actor:
//
//   inline    the sender that ended the idleness runs it at once, so nothing but the mailbox's own
//             words orders one runner after another (P4), and the role wanders between threads;
//   crew      two runner threads sleep on a queue, so that a lost wake-up hangs (P3).
//
// Each sender numbers what was accepted and ends with a poison message, so that loss, copy and
// reorder show (P1); the room held is counted beside the mailbox (P2). A third test changes
// generations under the senders' hands. No test waits for time; a watchdog aborts with the state of
// the mailbox when nothing has moved for STALL_NS.
#include "mailbox/mailbox.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/thread.h"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define SLOWED 1
#endif
#endif
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define SLOWED 1
#endif
#ifdef SLOWED
#define MESSAGES 100000u
#else
#define MESSAGES 1000000u
#endif

#define SENDERS_MAX 8
#define RUNNERS 2
#define KNOCK_EVERY 64u
#define STALL_NS (20 * ACT__NS_PER_S)
#define LOOK_NS (ACT__NS_PER_S / 10)

struct letter {
  struct act__env env;
  unsigned sender;
  unsigned generation;
  uint64_t number;  // from 1, among the accepted ones of that sender
  bool is_poison;
};

struct actor {
  struct act__mailbox mailbox;
  unsigned capacity, senders;
  bool uses_crew;
  ACT__ATOMIC(unsigned) address;  // generation that senders try next; orders nothing
  ACT__ATOMIC(uint64_t) signals[SENDERS_MAX];
  ACT__ATOMIC(int) runner;         // P4: how many are in it
  ACT__ATOMIC(int) held;           // P2: reserved and not released, seen from outside
  ACT__ATOMIC(uint64_t) progress;  // for the watchdog

  // What only the runner of the turn may touch.
  uint64_t turns, handled;
  uint64_t last[SENDERS_MAX], seen_signal[SENDERS_MAX];
  bool is_poisoned[SENDERS_MAX], is_closing;
  unsigned content;  // the generation that lives here; senders read it
  uint64_t retired;

  // Crew: at most one entry, since there is one actor.
  struct act__mutex mutex;
  struct act__cond runnable, done;
  bool is_queued, is_finished;
  unsigned senders_done;
};

struct sender {
  struct actor *actor;
  struct act__thread thread;
  unsigned index;
  uint64_t messages, accepted, refused, gone, cancelled;
};

static void check(bool condition, const char *what) {
  if (!condition) ACT_PANIC("%s", what);
}

// --- the actor -----------------------------------------------------------------------------------

static void handle(struct actor *a, struct letter *letter) {
  check(letter->generation == a->content, "a message landed in another incarnation");
  if (a->retired == 0) check(letter->number == a->last[letter->sender] + 1, "lost or out of order");
  check(letter->number > a->last[letter->sender], "copied or out of order");
  check(!a->is_poisoned[letter->sender], "something came after the last message");
  a->last[letter->sender] = letter->number;
  a->is_poisoned[letter->sender] = letter->is_poison;
  a->handled++;
}

static void enter(struct actor *a) {
  // Relaxed: only the count matters; the order is what the mailbox has to provide.
  check(act__fetch_add_relaxed(&a->runner, 1) == 0, "two runners at once");
  a->turns++;
}

static void leave(struct actor *a) {
  a->turns++;
  act__fetch_sub_relaxed(&a->runner, 1);  // Relaxed: as above.
}

// Relaxed throughout: held is increased after a reservation and decreased before its release, so it
// never shows more than is reserved.
static void gained(struct actor *a) {
  check((unsigned)act__fetch_add_relaxed(&a->held, 1) < a->capacity, "more held than the capacity");
}

static void lost(struct actor *a, int messages) {
  act__fetch_sub_relaxed(&a->held, messages);
}

static void begin_next_generation(struct actor *a) {
  check(act__mailbox_retire(&a->mailbox), "generations used up");
  a->retired++;
  a->is_closing = false;
  a->content++;
  act__mailbox_open(&a->mailbox);
  act__store_relaxed(&a->address, a->content);  // Relaxed on purpose: a way that orders nothing.
}

static struct letter *letter_of(struct act__env *env) {
  return env ? ACT__CONTAINER_OF(env, struct letter, env) : NULL;
}

// One turn; the mailbox rests afterwards. The mark is freed when the word has left it.
static void run(struct actor *a) {
  struct act__env *mark = NULL;
  enter(a);
  for (;;) {
    bool knocked;
    struct act__env *before = mark;
    struct act__env *env = act__mailbox_take(&a->mailbox, &mark, &knocked);
    if (mark != before) free(letter_of(before));
    for (unsigned i = 0; knocked && i < a->senders; i++) {
      a->seen_signal[i] = act__load_relaxed(&a->signals[i]);  // Relaxed: the knock orders it.
    }
    unsigned messages = 0;
    while (env) {
      struct letter *letter = letter_of(env);
      bool is_mark = env == mark;
      env = env->next;
      handle(a, letter);
      if (!is_mark) free(letter);
      messages++;
    }
    if (messages) {
      act__fetch_add_relaxed(&a->progress, messages);  // Relaxed: a number to look at.
      lost(a, (int)messages);
      act__mailbox_release(&a->mailbox, messages, 2 * messages);
    }
    if (a->is_closing && act__mailbox_messages(&a->mailbox) == 0) {
      before = mark;
      check(!act__mailbox_clear(&a->mailbox, &mark, &knocked), "something behind the last message");
      free(letter_of(before));
      begin_next_generation(a);
    }
    leave(a);
    if (act__mailbox_rest(&a->mailbox, mark)) {
      free(letter_of(mark));
      return;
    }
    enter(a);
  }
}

static void make_runnable(struct actor *a) {
  if (!a->uses_crew) {
    run(a);
    return;
  }
  act__mutex_lock(&a->mutex);
  check(!a->is_queued, "made runnable twice");
  a->is_queued = true;
  act__cond_signal(&a->runnable);
  act__mutex_unlock(&a->mutex);
}

static void runner_main(void *arg) {
  struct actor *a = (struct actor *)arg;
  act__mutex_lock(&a->mutex);
  for (;;) {
    while (!a->is_queued && !a->is_finished) act__cond_wait(&a->runnable, &a->mutex);
    if (!a->is_queued) break;
    a->is_queued = false;
    act__mutex_unlock(&a->mutex);
    run(a);
    act__mutex_lock(&a->mutex);
  }
  act__mutex_unlock(&a->mutex);
}

// --- senders -------------------------------------------------------------------------------------

static struct letter *write_letter(struct sender *s, unsigned generation, bool is_poison) {
  struct letter *letter = malloc(sizeof(*letter));
  check(letter != NULL, "out of memory");
  *letter = (struct letter){.sender = s->index,
                            .generation = generation,
                            .number = s->accepted + 1,
                            .is_poison = is_poison};
  return letter;
}

static void send_until_accepted(struct sender *s, unsigned generation, bool is_poison) {
  struct actor *a = s->actor;
  while (act__mailbox_reserve(&a->mailbox, generation, 2, a->capacity, ACT__MAILBOX_UNITS_MAX) !=
         ACT__ADMIT_OK) {
    s->refused++;
    act__thread_yield();
  }
  gained(a);
  struct letter *letter = write_letter(s, generation, is_poison);
  s->accepted++;
  if (act__mailbox_push(&a->mailbox, &letter->env)) make_runnable(a);
}

static void signal_and_knock(struct sender *s, uint64_t value) {
  struct actor *a = s->actor;
  act__store_relaxed(&a->signals[s->index], value);  // Relaxed: the knock orders it.
  if (act__mailbox_knock(&a->mailbox)) make_runnable(a);
}

static void report_done(struct actor *a) {
  act__mutex_lock(&a->mutex);
  a->senders_done++;
  act__cond_signal(&a->done);
  act__mutex_unlock(&a->mutex);
}

static void sender_main(void *arg) {
  struct sender *s = (struct sender *)arg;
  for (uint64_t i = 1; i <= s->messages; i++) {
    if (i % KNOCK_EVERY == 0) signal_and_knock(s, i);
    send_until_accepted(s, 1, i == s->messages);
  }
  signal_and_knock(s, UINT64_MAX);
  report_done(s->actor);
}

// Sends to whichever generation it last heard of; every eighth reservation is cancelled.
static void restless_sender_main(void *arg) {
  struct sender *s = (struct sender *)arg;
  struct actor *a = s->actor;
  uint64_t number = 0;
  unsigned generation = 1;
  for (uint64_t i = 1; i <= s->messages; i++) {
    enum act__admit verdict =
        act__mailbox_reserve(&a->mailbox, generation, 2, a->capacity, ACT__MAILBOX_UNITS_MAX);
    if (verdict == ACT__ADMIT_FULL) s->refused++;
    if (verdict == ACT__ADMIT_DEAD || verdict == ACT__ADMIT_CLOSED) {
      s->gone++;
      generation = act__load_relaxed(&a->address);  // Relaxed on purpose: see `address`.
    }
    if (verdict != ACT__ADMIT_OK) {
      act__thread_yield();
      continue;
    }
    gained(a);
    check(a->content == generation, "a proven generation is not the one that lives there");
    number++;
    if (number % 8 == 0) {
      s->cancelled++;
      lost(a, 1);
      if (act__mailbox_cancel(&a->mailbox, 1, 2)) make_runnable(a);
      continue;
    }
    struct letter *letter = write_letter(s, generation, false);
    s->accepted++;
    if (act__mailbox_push(&a->mailbox, &letter->env)) make_runnable(a);
  }
  report_done(a);
}

// Ends generations: whenever its knock finds the mailbox at rest, it is the owner, and closes.
static void ender_main(void *arg) {
  struct sender *s = (struct sender *)arg;
  struct actor *a = s->actor;
  for (uint64_t i = 0; i < s->messages; i++) {
    if (act__mailbox_knock(&a->mailbox)) {
      enter(a);
      if (!a->is_closing) {
        a->is_closing = true;
        act__mailbox_close(&a->mailbox);
        s->accepted++;
      }
      leave(a);
      make_runnable(a);
    }
    act__thread_yield();
  }
  report_done(a);
}

// --- watchdog and frame --------------------------------------------------------------------------

static void dump(struct actor *a) {
  uint64_t word = act__load_relaxed(&a->mailbox.admission);  // Relaxed: a look.
  fprintf(stderr,
          "stalled: %u senders of %u done, capacity %u, crew %d, queued %d\n"
          "admission: generation %u closed %d units %u messages %u; inbox %#" PRIxPTR
          "; held %d, runners %d, progress %" PRIu64 "\n",
          a->senders_done, a->senders, a->capacity, a->uses_crew, a->is_queued,
          act__admission_generation(word), (word & ACT__MAILBOX_CLOSED) != 0,
          act__admission_units(word), act__admission_messages(word),
          act__load_relaxed(&a->mailbox.inbox), act__load_relaxed(&a->held),
          act__load_relaxed(&a->runner), act__load_relaxed(&a->progress));
}

// Waits for all senders, and with a crew for the last message too; aborts when nothing moves.
static void watch(struct actor *a, unsigned threads, uint64_t expected) {
  struct act__clock *clock = act__clock_system();
  uint64_t before = UINT64_MAX;
  int64_t moved_ns = act__clock_now(clock);
  act__mutex_lock(&a->mutex);
  for (;;) {
    uint64_t progress = act__load_relaxed(&a->progress);  // Relaxed: a look.
    bool rests = act__load_relaxed(&a->mailbox.inbox) == ACT__MAILBOX_IDLE;
    if (a->senders_done == threads && progress >= expected && rests) break;
    int64_t now = act__clock_now(clock);
    if (progress != before) moved_ns = now;
    before = progress;
    if (now - moved_ns > STALL_NS) {
      dump(a);
      abort();
    }
    act__cond_wait_until(&a->done, &a->mutex, now + LOOK_NS);
  }
  a->is_finished = true;
  act__cond_broadcast(&a->runnable);
  act__mutex_unlock(&a->mutex);
}

static void start_actor(struct actor *a, unsigned senders, unsigned capacity, bool uses_crew) {
  *a = (struct actor){
      .capacity = capacity, .senders = senders, .uses_crew = uses_crew, .content = 1};
  act__mutex_init(&a->mutex);
  act__cond_init(&a->runnable);
  act__cond_init(&a->done);
  act__atomic_init(&a->address, 1u);
  act__mailbox_init(&a->mailbox, 1);
  check(act__mailbox_rest(&a->mailbox, NULL), "a new mailbox cannot rest");
}

static void start_senders(struct sender *senders, unsigned n, struct actor *a, uint64_t messages,
                          void (*fn)(void *)) {
  for (unsigned i = 0; i < n; i++) {
    senders[i] = (struct sender){.actor = a, .index = i, .messages = messages};
    assert_int_equal(act__thread_start(&senders[i].thread, "sender", 0, fn, &senders[i]), ACT_OK);
  }
}

static void finish_actor(struct actor *a) {
  assert_int_equal(act__load_relaxed(&a->mailbox.inbox), ACT__MAILBOX_IDLE);
  assert_int_equal(act__mailbox_messages(&a->mailbox), 0);
  assert_int_equal(act__mailbox_units(&a->mailbox), 0);
  assert_int_equal(act__load_relaxed(&a->held), 0);
  act__cond_fini(&a->runnable);
  act__cond_fini(&a->done);
  act__mutex_fini(&a->mutex);
}

static void exchange_letters(unsigned n, unsigned capacity, bool uses_crew, uint64_t messages) {
  static struct actor actor;
  struct sender senders[SENDERS_MAX];
  struct act__thread runners[RUNNERS];
  start_actor(&actor, n, capacity, uses_crew);
  for (unsigned i = 0; uses_crew && i < RUNNERS; i++) {
    assert_int_equal(act__thread_start(&runners[i], "runner", 0, runner_main, &actor), ACT_OK);
  }
  start_senders(senders, n, &actor, messages, sender_main);
  watch(&actor, n, n * messages);
  for (unsigned i = 0; i < n; i++) act__thread_join(&senders[i].thread);
  for (unsigned i = 0; uses_crew && i < RUNNERS; i++) act__thread_join(&runners[i]);
  assert_int_equal(actor.handled, n * messages);
  uint64_t refused = 0;
  for (unsigned i = 0; i < n; i++) {
    assert_int_equal(senders[i].accepted, messages);
    assert_int_equal(actor.last[i], messages);
    assert_true(actor.is_poisoned[i]);
    assert_true(actor.seen_signal[i] == UINT64_MAX);
    refused += senders[i].refused;
  }
  finish_actor(&actor);
  print_message(
      "%u senders, room for %u, %s: %" PRIu64 " messages, %" PRIu64 " refused, %" PRIu64 " turns\n",
      n, capacity, uses_crew ? "crew" : "inline", actor.handled, refused, actor.turns / 2);
}

static void exchange_all(bool uses_crew, uint64_t messages) {
  static const unsigned capacities[] = {1, 2, 64};
  for (unsigned n = 1; n <= SENDERS_MAX; n *= 2) {
    for (unsigned i = 0; i < 3; i++) exchange_letters(n, capacities[i], uses_crew, messages);
  }
}

static uint64_t scaled(uint64_t messages) {
#ifdef ACT_CHAOS
  messages /= 4;
#endif
  return getenv("ACT_TEST_LONG") ? 10 * messages : messages;
}

static void wandering_runner_keeps_order_bound_and_state(void **state) {
  (void)state;
  exchange_all(false, scaled(MESSAGES));
}

static void sleeping_runner_is_always_woken(void **state) {
  (void)state;
  exchange_all(true, scaled(MESSAGES / 20));
}

static void late_sender_never_lands_in_the_next_generation(void **state) {
  (void)state;
  static struct actor actor;
  for (unsigned n = 2; n <= SENDERS_MAX; n *= 2) {
    struct sender senders[SENDERS_MAX], ender;
    start_actor(&actor, n, 4, false);
    start_senders(senders, n, &actor, scaled(MESSAGES / 2), restless_sender_main);
    start_senders(&ender, 1, &actor, scaled(MESSAGES / 2), ender_main);
    watch(&actor, n + 1, 0);
    uint64_t accepted = 0, gone = 0, cancelled = 0;
    for (unsigned i = 0; i < n; i++) {
      act__thread_join(&senders[i].thread);
      accepted += senders[i].accepted;
      gone += senders[i].gone;
      cancelled += senders[i].cancelled;
    }
    act__thread_join(&ender.thread);
    assert_int_equal(actor.handled, accepted);
    assert_int_equal(actor.retired, ender.accepted);
    assert_int_equal(act__mailbox_generation(&actor.mailbox), 1 + actor.retired);
    assert_true(actor.retired > 0);
    finish_actor(&actor);
    print_message("%u senders: %" PRIu64 " generations, %" PRIu64 " messages, %" PRIu64
                  " cancelled, %" PRIu64 " too late\n",
                  n, actor.retired, accepted, cancelled, gone);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(wandering_runner_keeps_order_bound_and_state),
      cmocka_unit_test(sleeping_runner_is_always_woken),
      cmocka_unit_test(late_sender_never_lands_in_the_next_generation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
