// SPDX-License-Identifier: Apache-2.0
//
// The pool with real threads, 1 to 8 workers: tasks that send each other tokens through small atomic
// states of their own, threads from outside that submit to sleeping workers, alarms that are
// cancelled while they fire, blocking jobs. All counts are exact at the end; a lost wake-up is ended
// by the watchdog. Meant for ThreadSanitizer as much as for speed.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/atomic.h"
#include "base/check.h"
#include "runtime/exec.h"
#include "tests/runtime/watchdog.h"

#if defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#endif
#endif
#ifndef UNDER_TSAN
#define UNDER_TSAN 0
#endif

#define NODES 64
#define TOKENS 200
#define BUDGET 4  // tokens handled in one turn
#define PINGERS 2

struct world;

// A node runs when its count of waiting tokens leaves 0, and until it is 0 again: what a mailbox does.
struct node {
  struct act__task task;
  struct world *world;
  ACT__ATOMIC(uint32_t) waiting;
  ACT__ATOMIC(uint32_t) inside;  // turns under way: never more than one
  uint64_t handled;              // plain: turns of one node follow each other
};

struct world {
  struct act__exec *exec;
  unsigned workers;
  struct node nodes[NODES];
  ACT__ATOMIC(int64_t) hops_left;
  ACT__ATOMIC(int64_t) tokens_alive;
  ACT__ATOMIC(uint64_t) done;
  ACT__ATOMIC(uint64_t) progress;
};

static uint64_t rounds_of(uint64_t plain) {
  const char *deep = getenv("ACT_TEST_LONG");
  uint64_t rounds = UNDER_TSAN ? plain / 10 : plain;
  return deep && deep[0] == '1' ? 20 * rounds : rounds;
}

static void print_world(void *arg) {
  struct world *w = arg;
  fprintf(stderr, "workers %u, hops left %lld, tokens alive %lld, done %llu, progress %llu\n",
          w->workers, (long long)act__load_relaxed(&w->hops_left),
          (long long)act__load_relaxed(&w->tokens_alive),
          (unsigned long long)act__load_relaxed(&w->done),
          (unsigned long long)act__load_relaxed(&w->progress));
}

static void begin(struct world *w, unsigned workers, struct watchdog *dog, const char *what) {
  *w = (struct world){.workers = workers};
  const struct act__exec_options options = {.flavour = ACT__POOL, .workers = workers};
  assert_int_equal(act__exec_create(&options, &w->exec), ACT_OK);
  assert_int_equal(act__exec_start(w->exec), ACT_OK);
  *dog = (struct watchdog){.print = print_world, .arg = w};
  watchdog_start(dog, what, 60 * ACT__NS_PER_S);
}

static void end(struct world *w, struct watchdog *dog) {
  act__exec_finish(w->exec);
  assert_true(act__exec_run(w->exec));
  act__exec_destroy(w->exec);
  watchdog_stop(dog);
}

static void send(struct world *w, struct act__worker *me, struct node *to) {
  // acq_rel [stress:waiting]: pairs with the fetch_sub of the receiving turn.
  if (act__fetch_add_acq_rel(&to->waiting, 1) == 0) act__exec_submit(w->exec, me, &to->task);
}

static enum act__turn node_turn(struct act__task *task, struct act__worker *me) {
  struct node *node = ACT__CONTAINER_OF(task, struct node, task);
  struct world *w = node->world;
  ACT_ASSERT(act__fetch_add_relaxed(&node->inside, 1) == 0);
  // relaxed: it can only have grown since the submission, which is ordered before this turn.
  uint32_t waiting = act__load_relaxed(&node->waiting);
  ACT_ASSERT(waiting > 0);
  uint32_t count = waiting < BUDGET ? waiting : BUDGET;
  for (uint32_t i = 0; i < count; i++) {
    node->handled++;
    if (act__fetch_sub_relaxed(&w->hops_left, 1) > 0) {
      send(w, me, &w->nodes[act__rand_below(&me->rand, NODES)]);
    } else if (act__fetch_sub_acq_rel(&w->tokens_alive, 1) == 1) {
      act__exec_finish(w->exec);
    }
  }
  ACT_ASSERT(act__fetch_sub_relaxed(&node->inside, 1) == 1);
  // acq_rel [stress:waiting]: the next turn, wherever, sees what this one did.
  uint32_t before = act__fetch_sub_acq_rel(&node->waiting, count);
  return before == count ? ACT__TURN_DONE : ACT__TURN_AGAIN;
}

static void tokens_are_handled_exactly_once_each_hop(void **state) {
  (void)state;
  static struct world w;
  for (unsigned workers = 1; workers <= 8; workers++) {
    struct watchdog dog;
    begin(&w, workers, &dog, "passing tokens");
    int64_t hops = (int64_t)rounds_of(1000000);
    act__store_relaxed(&w.hops_left, hops);
    act__store_relaxed(&w.tokens_alive, TOKENS);
    for (int i = 0; i < NODES; i++) {
      w.nodes[i].world = &w;
      w.nodes[i].task.run = node_turn;
    }
    for (int i = 0; i < TOKENS; i++) send(&w, NULL, &w.nodes[i % NODES]);

    end(&w, &dog);

    uint64_t handled = 0;
    for (int i = 0; i < NODES; i++) {
      assert_int_equal(act__load_relaxed(&w.nodes[i].waiting), 0);
      handled += w.nodes[i].handled;
    }
    assert_int_equal(handled, (uint64_t)hops + TOKENS);
  }
}

// A thread from outside that submits a task and waits until it has run, with pauses of all lengths
// between 0 and more than a worker spins before it sleeps.
struct pinger {
  struct act__task task;
  struct act__thread thread;
  struct act__parker parker;
  struct world *world;
  uint64_t seed, rounds, ran;
};

static enum act__turn pinger_turn(struct act__task *task, struct act__worker *me) {
  (void)me;
  struct pinger *p = ACT__CONTAINER_OF(task, struct pinger, task);
  p->ran++;
  act__fetch_add_relaxed(&p->world->progress, 1);
  act__parker_unpark(&p->parker);
  return ACT__TURN_DONE;
}

static void pinger_main(void *arg) {
  struct pinger *p = arg;
  struct act__rand rand;
  act__rand_seed(&rand, p->seed);
  struct act__clock *clock = act__clock_system();
  for (uint64_t i = 0; i < p->rounds; i++) {
    int64_t until = act__clock_now(clock) + (int64_t)act__rand_below(&rand, 3 * ACT__SPIN_NS);
    while (act__clock_now(clock) < until) act__spin_pause();
    act__exec_submit(p->world->exec, NULL, &p->task);
    // Nothing else happens in this world: a lost wake-up stays lost.
    bool ran = act__parker_park(&p->parker, act__clock_now(clock) + 5 * ACT__NS_PER_S);
    if (!ran) ACT_PANIC("lost wake-up: round %llu", (unsigned long long)i);
    ACT_ASSERT(p->ran == i + 1);
  }
}

static void submission_from_outside_wakes_a_sleeping_pool(void **state) {
  (void)state;
  static struct world w;
  for (unsigned workers = 1; workers <= 8; workers *= 2) {
    for (unsigned pingers = 1; pingers <= PINGERS; pingers++) {
      struct watchdog dog;
      begin(&w, workers, &dog, "waking sleepers");
      struct pinger p[PINGERS];
      for (unsigned i = 0; i < pingers; i++) {
        p[i] = (struct pinger){.task.run = pinger_turn,
                               .world = &w,
                               .seed = workers * 16 + i,
                               .rounds = rounds_of(10000)};
        act__parker_init(&p[i].parker);
        assert_int_equal(act__thread_start(&p[i].thread, "pinger", 0, pinger_main, &p[i]), ACT_OK);
      }
      for (unsigned i = 0; i < pingers; i++) {
        act__thread_join(&p[i].thread);
        assert_int_equal(p[i].ran, p[i].rounds);
      }
      end(&w, &dog);
      for (unsigned i = 0; i < pingers; i++) act__parker_fini(&p[i].parker);
    }
  }
}

#define ALARMS 256

struct bell {
  struct act__alarm alarm;
  struct world *world;
  int64_t due;
  ACT__ATOMIC(uint32_t) fired;
};

static void on_bell(struct act__alarm *alarm, struct act__worker *me) {
  (void)me;
  struct bell *bell = ACT__CONTAINER_OF(alarm, struct bell, alarm);
  ACT_ASSERT(act__clock_now(act__clock_system()) >= bell->due);
  act__fetch_add_release(&bell->fired, 1);  // release [stress:fired]: the waiter may arm it again
}

static void alarm_fires_or_is_cancelled_exactly_once(void **state) {
  (void)state;
  static struct bell bells[ALARMS];
  static struct world w;
  for (unsigned workers = 1; workers <= 4; workers *= 2) {
    struct watchdog dog;
    begin(&w, workers, &dog, "alarms");
    struct act__rand rand;
    act__rand_seed(&rand, workers);
    uint64_t cancelled = 0, late = 0, rounds = rounds_of(200);
    for (uint64_t round = 0; round < rounds; round++) {
      for (int i = 0; i < ALARMS; i++) {
        bells[i] = (struct bell){.alarm.fire = on_bell, .world = &w};
        int64_t now = act__clock_now(act__clock_system());
        bells[i].due = now + (int64_t)act__rand_below(&rand, 2 * ACT__NS_PER_MS);
        act__alarm_arm(w.exec, NULL, &bells[i].alarm, bells[i].due);
      }
      for (int i = 0; i < ALARMS; i++) {
        if (i % 2 == 0 && act__alarm_cancel(w.exec, &bells[i].alarm)) {
          cancelled++;
          assert_int_equal(act__load_relaxed(&bells[i].fired), 0);
          continue;
        }
        late++;
        // acquire [stress:fired]: the alarm may be armed again.
        while (act__load_acquire(&bells[i].fired) == 0) act__spin_pause();
        assert_false(act__alarm_cancel(w.exec, &bells[i].alarm));
      }
      for (int i = 0; i < ALARMS; i++) assert_true(act__load_relaxed(&bells[i].fired) <= 1);
    }
    end(&w, &dog);
    assert_int_equal(cancelled + late, rounds * ALARMS);
  }
}

struct job {
  struct act__job job;
  struct act__task task;
  struct world *world;
  uint64_t worked, done, turned;
};

static enum act__turn job_turn(struct act__task *task, struct act__worker *me) {
  (void)me;
  struct job *job = ACT__CONTAINER_OF(task, struct job, task);
  job->turned++;
  act__fetch_add_relaxed(&job->world->progress, 1);
  return ACT__TURN_DONE;
}

static void job_work(struct act__job *base) {
  ACT__CONTAINER_OF(base, struct job, job)->worked++;
}

static void job_done(struct act__job *base) {
  struct job *job = ACT__CONTAINER_OF(base, struct job, job);
  job->done++;
  act__exec_submit(job->world->exec, NULL, &job->task);
}

static void every_blocking_job_comes_back_as_a_turn(void **state) {
  (void)state;
  enum { JOBS = 2000 };
  static struct job jobs[JOBS];
  static struct world w;
  struct watchdog dog;
  begin(&w, 2, &dog, "blocking jobs");
  for (int i = 0; i < JOBS; i++) {
    jobs[i] = (struct job){.job = {.work = job_work, .done = job_done}, .world = &w};
    jobs[i].task.run = job_turn;
    assert_int_equal(act__blocking_submit(w.exec, &jobs[i].job), ACT_OK);
  }
  while (act__load_relaxed(&w.progress) < JOBS) act__spin_pause();
  end(&w, &dog);
  for (int i = 0; i < JOBS; i++) {
    assert_int_equal(jobs[i].worked, 1);
    assert_int_equal(jobs[i].done, 1);
    assert_int_equal(jobs[i].turned, 1);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tokens_are_handled_exactly_once_each_hop),
      cmocka_unit_test(submission_from_outside_wakes_a_sleeping_pool),
      cmocka_unit_test(alarm_fires_or_is_cancelled_exactly_once),
      cmocka_unit_test(every_blocking_job_comes_back_as_a_turn),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
