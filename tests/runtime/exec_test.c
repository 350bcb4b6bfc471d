// SPDX-License-Identifier: Apache-2.0
//
// The executor with real threads and on the current thread: who runs when, and what wakes whom.
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/atomic.h"
#include "base/check.h"
#include "runtime/exec.h"
#include "tests/runtime/exec_support.h"

#define CYCLES 200

// --- order on one worker ------------------------------------------------------------------------

#define LOG_MAX 4096

static char order[LOG_MAX];
static unsigned order_length;

struct letter {
  struct act__task task;
  char name;
  int turns;             // says AGAIN so often
  struct letter *also[4];  // submitted by its first turn, in this order
};

static enum act__turn letter_turn(struct act__task *task, struct act__worker *me) {
  struct letter *letter = ACT__CONTAINER_OF(task, struct letter, task);
  if (order_length < LOG_MAX - 1) order[order_length++] = letter->name;
  for (int i = 0; i < 4 && letter->also[i]; i++) {
    act__exec_submit(me->exec, me, &letter->also[i]->task);
    letter->also[i] = NULL;
  }
  return letter->turns-- > 0 ? ACT__TURN_AGAIN : ACT__TURN_DONE;
}

static void run_order(struct letter *first, const char *expected) {
  struct act__exec *exec = make_started(ACT__CURRENT, 0);
  order_length = 0;
  memset(order, 0, sizeof order);
  act__exec_submit(exec, act__exec_worker(exec, 0), &first->task);
  while (act__exec_step(exec, false)) {
  }
  assert_string_equal(order, expected);
  end(exec);
}

#define LETTER(c) {.task = {.run = letter_turn}, .name = c}

static void what_a_turn_submits_runs_depth_first(void **state) {
  (void)state;
  struct letter a = LETTER('a'), b = LETTER('b'), c = LETTER('c'), d = LETTER('d'),
                e = LETTER('e');
  a.also[0] = &b;
  a.also[1] = &c;
  c.also[0] = &d;
  c.also[1] = &e;
  run_order(&a, "acedb");
}

static void again_goes_behind_everything_that_waits(void **state) {
  (void)state;
  struct letter a = LETTER('a'), b = LETTER('b'), c = LETTER('c'), d = LETTER('d');
  a.also[0] = &b;
  a.also[1] = &c;
  a.also[2] = &d;
  a.turns = 2;
  c.turns = 1;
  run_order(&a, "adcbaca");
}

// A letter that an alarm makes runnable, armed by a turn and due at once.
struct alarmed {
  struct letter letter;  // the one that arms
  struct act__alarm alarm;
  struct letter *then;
};

static void on_alarm(struct act__alarm *alarm, struct act__worker *me) {
  struct alarmed *alarmed = ACT__CONTAINER_OF(alarm, struct alarmed, alarm);
  act__exec_submit(me->exec, me, &alarmed->then->task);
}

static enum act__turn arming_turn(struct act__task *task, struct act__worker *me) {
  struct alarmed *alarmed = ACT__CONTAINER_OF(task, struct alarmed, letter.task);
  act__alarm_arm(me->exec, me, &alarmed->alarm, me->now_ns);
  return letter_turn(task, me);
}

static void what_an_alarm_makes_runnable_goes_behind_what_waits(void **state) {
  (void)state;
  struct letter b = LETTER('b'), c = LETTER('c'), d = LETTER('d');
  struct alarmed a = {.letter = LETTER('a'), .alarm.fire = on_alarm, .then = &d};
  a.letter.task.run = arming_turn;
  a.letter.also[0] = &b;
  a.letter.also[1] = &c;
  run_order(&a.letter, "acbd");
}

// Two tasks that keep making each other runnable through the next-to-run place.
struct pair {
  struct act__task task;
  struct pair *other;
  unsigned *turns;
};

static enum act__turn pair_turn(struct act__task *task, struct act__worker *me) {
  struct pair *pair = ACT__CONTAINER_OF(task, struct pair, task);
  if (++*pair->turns < 1000) act__exec_submit(me->exec, me, &pair->other->task);
  return ACT__TURN_DONE;
}

static unsigned seen_at, pair_turns;

static enum act__turn look_turn(struct act__task *task, struct act__worker *me) {
  (void)task;
  (void)me;
  seen_at = pair_turns;
  return ACT__TURN_DONE;
}

static void a_talking_pair_lets_others_run_after_the_cap(void **state) {
  (void)state;
  struct act__exec *exec = make_started(ACT__CURRENT, 0);
  struct act__worker *me = act__exec_worker(exec, 0);
  struct pair a = {.task.run = pair_turn, .turns = &pair_turns};
  struct pair b = {.task.run = pair_turn, .turns = &pair_turns, .other = &a};
  a.other = &b;
  struct act__task look = {.run = look_turn};
  pair_turns = 0;
  seen_at = 0;
  act__exec_submit(exec, me, &look);
  act__exec_submit(exec, me, &a.task);

  while (act__exec_step(exec, false)) {
  }

  assert_int_equal(pair_turns, 1000);
  assert_in_range(seen_at, 1, ACT__NEXT_CAP);
  end(exec);
}

// --- waiting and waking -------------------------------------------------------------------------

static void step_without_work_says_so(void **state) {
  (void)state;
  struct act__exec *exec = make_started(ACT__CURRENT, 0);
  assert_false(act__exec_step(exec, false));
  act__exec_finish(exec);
  assert_false(act__exec_step(exec, true));
  end(exec);
}

static void submit_from_outside(void *arg) {
  struct act__exec *exec = ((void **)arg)[0];
  struct signal *s = ((void **)arg)[1];
  int64_t until = act__clock_now(clock_of_system) + 5 * ACT__NS_PER_MS;  // so that it sleeps
  while (act__clock_now(clock_of_system) < until) act__spin_pause();
  act__exec_submit(exec, NULL, &s->task);
}

static void current_thread_sleeps_and_is_woken_from_outside(void **state) {
  (void)state;
  struct act__exec *exec = make_started(ACT__CURRENT, 0);
  struct signal s;
  signal_init(&s, false);
  s.finish = true;
  void *arg[] = {exec, &s};
  struct act__thread thread;
  assert_int_equal(act__thread_start(&thread, "outside", 0, submit_from_outside, arg), ACT_OK);

  assert_true(act__exec_run(exec));

  wait_until_it_ran(&s);
  act__thread_join(&thread);
  act__parker_fini(&s.ran);
  act__exec_destroy(exec);
}

static void pool_runs_what_foreign_threads_submit(void **state) {
  (void)state;
  for (unsigned workers = 1; workers <= 4; workers++) {
    struct act__exec *exec = make_started(ACT__POOL, workers);
    struct signal s[100];
    for (int i = 0; i < 100; i++) {
      signal_init(&s[i], false);
      act__exec_submit(exec, NULL, &s[i].task);
    }
    for (int i = 0; i < 100; i++) {
      wait_until_it_ran(&s[i]);
      assert_in_range(s[i].worker, 0, workers - 1);
    }
    end(exec);
    for (int i = 0; i < 100; i++) act__parker_fini(&s[i].ran);
  }
}

// Submits one task, its only one, and then does not return before that task has run elsewhere.
struct blocker {
  struct act__task task;
  struct signal *behind;
  struct act__parker done;
  unsigned worker;
};

static enum act__turn blocker_turn(struct act__task *task, struct act__worker *me) {
  struct blocker *b = ACT__CONTAINER_OF(task, struct blocker, task);
  b->worker = me->index;
  act__exec_submit(me->exec, me, &b->behind->task);
  wait_until_it_ran(b->behind);
  act__parker_unpark(&b->done);
  return ACT__TURN_DONE;
}

static void a_task_behind_a_long_turn_is_taken_by_another_worker(void **state) {
  (void)state;
  struct act__exec *exec = make_started(ACT__POOL, 2);
  struct signal behind;
  signal_init(&behind, false);
  struct blocker blocker = {.task.run = blocker_turn, .behind = &behind};
  act__parker_init(&blocker.done);

  act__exec_submit(exec, NULL, &blocker.task);
  assert_true(act__parker_park(&blocker.done, ACT__TIME_NEVER));
  end(exec);

  assert_int_not_equal(behind.worker, blocker.worker);
  act__parker_fini(&behind.ran);
  act__parker_fini(&blocker.done);
}

// Submits many tasks, and then does not return before all of them have run elsewhere.
#define CROWD 200

struct crowd {
  struct act__task task;
  struct signal behind[CROWD];
  struct act__parker done;
  unsigned worker;
};

static enum act__turn crowd_turn(struct act__task *task, struct act__worker *me) {
  struct crowd *c = ACT__CONTAINER_OF(task, struct crowd, task);
  c->worker = me->index;
  for (int i = 0; i < CROWD; i++) act__exec_submit(me->exec, me, &c->behind[i].task);
  for (int i = 0; i < CROWD; i++) wait_until_it_ran(&c->behind[i]);
  act__parker_unpark(&c->done);
  return ACT__TURN_DONE;
}

static void all_that_waits_behind_a_long_turn_is_taken(void **state) {
  (void)state;
  static struct crowd crowd;
  struct act__exec *exec = make_started(ACT__POOL, 3);
  crowd.task.run = crowd_turn;
  act__parker_init(&crowd.done);
  for (int i = 0; i < CROWD; i++) signal_init(&crowd.behind[i], false);

  act__exec_submit(exec, NULL, &crowd.task);
  assert_true(act__parker_park(&crowd.done, ACT__TIME_NEVER));
  end(exec);

  for (int i = 0; i < CROWD; i++) {
    assert_int_not_equal(crowd.behind[i].worker, crowd.worker);
    act__parker_fini(&crowd.behind[i].ran);
  }
  act__parker_fini(&crowd.done);
}

// Many short turns, and right after a look at the clock long ones; each notes how old its time is.
#define SHORT_TURNS 100000u
#define LONG_TURNS 40u
#define LONG_TURN_NS (4 * ACT__NS_PER_MS)

struct slowing {
  struct act__task task;
  unsigned turns, long_turns;
  int64_t looked_ns, oldest_ns;
  struct act__parker done;
};

static enum act__turn slowing_turn(struct act__task *task, struct act__worker *me) {
  struct slowing *s = ACT__CONTAINER_OF(task, struct slowing, task);
  bool looked = me->now_ns != s->looked_ns;
  s->looked_ns = me->now_ns;
  if (s->long_turns == 0 && (s->turns++ < SHORT_TURNS || !looked)) return ACT__TURN_AGAIN;
  int64_t now_ns = act__clock_now(clock_of_system);
  if (now_ns - me->now_ns > s->oldest_ns) s->oldest_ns = now_ns - me->now_ns;
  while (act__clock_now(clock_of_system) < now_ns + LONG_TURN_NS) act__spin_pause();
  if (++s->long_turns < LONG_TURNS) return ACT__TURN_AGAIN;
  act__parker_unpark(&s->done);
  return ACT__TURN_DONE;
}

static void turns_that_become_long_soon_have_their_own_time(void **state) {
  (void)state;
  struct act__exec *exec = make_started(ACT__POOL, 2);
  struct slowing slowing = {.task.run = slowing_turn};
  act__parker_init(&slowing.done);
  act__exec_submit(exec, NULL, &slowing.task);
  assert_true(act__parker_park(&slowing.done, ACT__TIME_NEVER));
  end(exec);
  // The monitor needs a processor now and then; without it the time would be ACT__LOOK_TURNS old.
  assert_in_range(slowing.oldest_ns, 0, (int64_t)ACT__LOOK_TURNS * LONG_TURN_NS / 2);
  act__parker_fini(&slowing.done);
}

// How often the executor's own threads (by name) have gone to sleep so far.
static long sleeps_of_our_threads(void) {
  long sum = 0;
  DIR *tasks = opendir("/proc/self/task");
  assert_non_null(tasks);
  struct dirent *entry;
  while ((entry = readdir(tasks))) {
    char path[300], line[128];
    snprintf(path, sizeof path, "/proc/self/task/%s/status", entry->d_name);
    FILE *file = entry->d_name[0] == '.' ? NULL : fopen(path, "r");
    bool ours = false;
    long count;
    while (file && fgets(line, sizeof line, file)) {
      if (strncmp(line, "Name:\tact-", 10) == 0) ours = true;
      if (ours && sscanf(line, "voluntary_ctxt_switches: %ld", &count) == 1) sum += count;
    }
    if (file) fclose(file);
  }
  closedir(tasks);
  return sum;
}

static void an_idle_pool_sleeps(void **state) {
  (void)state;
  struct act__exec *exec = make_started(ACT__POOL, 2);
  struct signal s;
  signal_init(&s, false);
  act__exec_submit(exec, NULL, &s.task);
  wait_until_it_ran(&s);
  struct act__parker never;
  act__parker_init(&never);
  long slept, before = sleeps_of_our_threads();
  assert_true(before > 0);
  // It may take a while to settle on a busy machine; then fewer than five in a second.
  int tries = 0;
  do {
    act__parker_park(&never, act__clock_now(clock_of_system) + 300 * ACT__NS_PER_MS);
    slept = sleeps_of_our_threads() - before;
    before += slept;
  } while (slept > 1 && ++tries < 10);
  assert_in_range(slept, 0, 1);
  act__parker_fini(&never);
  end(exec);
  act__parker_fini(&s.ran);
}

// --- the poller ---------------------------------------------------------------------------------

// A poller that waits in a parker, submits what it was told to, and checks that it is a role.
struct fake_poller {
  struct act__poller poller;
  struct act__parker parker;
  struct act__exec *exec;
  ACT__ATOMIC(uint32_t) inside;
  ACT__ATOMIC(uint32_t) polls, polls_without_worker;
  ACT__ATOMIC(struct act__task *) arrived;
};

static void fake_poll(struct act__poller *poller, struct act__worker *me, int64_t timeout_ns) {
  struct fake_poller *fake = ACT__CONTAINER_OF(poller, struct fake_poller, poller);
  ACT_ASSERT(act__fetch_add_acq_rel(&fake->inside, 1) == 0);
  ACT_ASSERT(timeout_ns >= 0);
  if (timeout_ns > 0) {
    int64_t until = act__time_add(act__clock_now(clock_of_system), timeout_ns);
    act__parker_park(&fake->parker, until);
  }
  act__fetch_add_relaxed(&fake->polls, 1);
  if (!me) act__fetch_add_relaxed(&fake->polls_without_worker, 1);
  // acq_rel [test:arrived]: pairs with arrive.
  struct act__task *task = act__exchange_acq_rel(&fake->arrived, NULL);
  if (task) act__exec_submit(fake->exec, me, task);
  ACT_ASSERT(act__fetch_sub_acq_rel(&fake->inside, 1) == 1);
}

static void fake_wake(struct act__poller *poller) {
  act__parker_unpark(&ACT__CONTAINER_OF(poller, struct fake_poller, poller)->parker);
}

// Something comes in over the wire. `wakes`: the poller's wait ends by it, as epoll's would.
static void arrive(struct fake_poller *fake, struct act__task *task) {
  act__exchange_acq_rel(&fake->arrived, task);  // acq_rel [test:arrived]: pairs with fake_poll
  act__parker_unpark(&fake->parker);
}

static struct act__exec *make_with_poller(struct fake_poller *fake, enum act__flavour flavour,
                                          unsigned workers) {
  *fake = (struct fake_poller){.poller = {.poll = fake_poll, .wake = fake_wake}};
  act__parker_init(&fake->parker);
  fake->exec = make(flavour, workers);
  act__exec_set_poller(fake->exec, &fake->poller);
  assert_int_equal(act__exec_start(fake->exec), ACT_OK);
  return fake->exec;
}

static void what_arrives_wakes_an_idle_pool_and_so_does_a_submission(void **state) {
  (void)state;
  for (unsigned workers = 1; workers <= 3; workers++) {
    struct fake_poller fake;
    struct act__exec *exec = make_with_poller(&fake, ACT__POOL, workers);
    struct signal s;
    signal_init(&s, false);
    for (int i = 0; i < 300; i++) {
      if (i % 2) {
        arrive(&fake, &s.task);
      } else {
        act__exec_submit(exec, NULL, &s.task);
      }
      wait_until_it_ran(&s);
    }
    end(exec);
    act__parker_fini(&s.ran);
    act__parker_fini(&fake.parker);
  }
}

static void busy_workers_do_not_hold_up_what_arrives(void **state) {
  (void)state;
  struct fake_poller fake;
  struct act__exec *exec = make_with_poller(&fake, ACT__POOL, 2);
  struct signal busy[2], arriving;
  for (int i = 0; i < 2; i++) {
    signal_init(&busy[i], true);
    act__exec_submit(exec, NULL, &busy[i].task);
  }
  for (int i = 0; i < 2; i++) wait_until_it_ran(&busy[i]);
  uint32_t before = act__load_relaxed(&fake.polls_without_worker);
  signal_init(&arriving, false);
  arrive(&fake, &arriving.task);
  // relaxed: a count; the watchdog is the deadline.
  while (act__load_relaxed(&fake.polls_without_worker) < before + 3) act__spin_pause();

  let_go(&busy[0]);
  wait_until_it_ran(&arriving);
  let_go(&busy[1]);

  end(exec);
  for (int i = 0; i < 2; i++) act__parker_fini(&busy[i].ran);
  act__parker_fini(&arriving.ran);
  act__parker_fini(&fake.parker);
}

static void one_busy_worker_leaves_the_other_to_poll(void **state) {
  (void)state;
  struct fake_poller fake;
  struct act__exec *exec = make_with_poller(&fake, ACT__POOL, 2);
  struct signal busy;
  signal_init(&busy, true);
  act__exec_submit(exec, NULL, &busy.task);
  wait_until_it_ran(&busy);
  struct signal s;
  signal_init(&s, false);
  for (int i = 0; i < 50; i++) {
    arrive(&fake, &s.task);
    wait_until_it_ran(&s);
    assert_int_not_equal(s.worker, busy.worker);
  }
  let_go(&busy);
  end(exec);
  act__parker_fini(&s.ran);
  act__parker_fini(&busy.ran);
  act__parker_fini(&fake.parker);
}

static void current_thread_polls_while_tasks_run(void **state) {
  (void)state;
  struct fake_poller fake;
  struct act__exec *exec = make_with_poller(&fake, ACT__CURRENT, 1);
  struct letter forever = LETTER('f');
  forever.turns = 1 << 30;
  struct signal s;
  signal_init(&s, false);
  act__exec_submit(exec, NULL, &forever.task);
  arrive(&fake, &s.task);
  while (!act__parker_park(&s.ran, 0)) assert_true(act__exec_step(exec, false));
  forever.turns = 0;
  act__parker_fini(&s.ran);
  end(exec);
  act__parker_fini(&fake.parker);
}

// --- life ---------------------------------------------------------------------------------------

static unsigned entries_in(const char *path) {
  DIR *folder = opendir(path);
  assert_non_null(folder);
  unsigned count = 0;
  while (readdir(folder)) count++;
  closedir(folder);
  return count;
}

static ACT__ATOMIC(int) hooks_open;

static void count_hook(void *arg, struct act__worker *worker, bool starting) {
  assert_ptr_equal(arg, &hooks_open);
  if (starting) {
    worker->upper = arg;
    act__fetch_add_relaxed(&hooks_open, 1);
  } else {
    assert_ptr_equal(worker->upper, arg);
    act__fetch_sub_relaxed(&hooks_open, 1);
  }
}

static void start_and_stop_leave_nothing_behind(void **state) {
  (void)state;
  unsigned threads = entries_in("/proc/self/task");
  unsigned files = entries_in("/proc/self/fd");
  for (int i = 0; i < CYCLES; i++) {
    struct act__exec *exec;
    const struct act__exec_options options = {.flavour = i % 3 ? ACT__POOL : ACT__CURRENT,
                                              .workers = (unsigned)i % 4 + 1,
                                              .on_worker = count_hook,
                                              .arg = &hooks_open};
    assert_int_equal(act__exec_create(&options, &exec), ACT_OK);
    assert_int_equal(act__exec_start(exec), ACT_OK);
    struct letter a = LETTER('a');
    order_length = 0;
    act__exec_submit(exec, NULL, &a.task);
    if (i % 2) {
      end(exec);
      assert_int_equal(order_length, 1);
    } else {
      act__exec_destroy(exec);  // finishes by itself
    }
    assert_int_equal(act__load_relaxed(&hooks_open), 0);
  }
  assert_int_equal(entries_in("/proc/self/task"), threads);
  assert_int_equal(entries_in("/proc/self/fd"), files);
}

static void destroy_accepts_null_and_what_was_never_started(void **state) {
  (void)state;
  act__exec_destroy(NULL);
  act__exec_destroy(make(ACT__POOL, 3));
  act__exec_destroy(make(ACT__CURRENT, 0));
  act__exec_destroy(make(ACT__SIMULATION, 0));
}

static void workers_are_bounded(void **state) {
  (void)state;
  struct act__exec *exec;
  struct act__exec_options options = {.flavour = ACT__POOL, .workers = ACT__WORKERS_MAX};
  assert_int_equal(act__exec_create(&options, &exec), ACT_OK);
  assert_int_equal(act__exec_workers(exec), ACT__WORKERS_MAX);
  act__exec_destroy(exec);
  options.workers++;
  assert_int_equal(act__exec_create(&options, &exec), ACT_EINVAL);
  assert_null(exec);
  options.workers = 0;
  assert_int_equal(act__exec_create(&options, &exec), ACT_OK);
  assert_in_range(act__exec_workers(exec), 1, ACT__WORKERS_MAX);
  act__exec_destroy(exec);
}

static void any_failed_allocation_is_an_answer(void **state) {
  (void)state;
  const enum act__flavour flavours[] = {ACT__POOL, ACT__CURRENT, ACT__SIMULATION};
  for (int f = 0; f < 3; f++) {
    const struct act__exec_options options = {.flavour = flavours[f], .workers = 2};
    for (int64_t n = 0;; n++) {
      struct act__exec *exec;
      act__alloc_fail_once(n);
      act_rc rc = act__exec_create(&options, &exec);
      bool refused = act__alloc_failures() > 0;
      act__alloc_fail_after(-1);
      assert_int_equal(rc, refused ? ACT_ENOMEM : ACT_OK);
      act__exec_destroy(exec);
      if (!refused) break;
      assert_null(exec);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(what_a_turn_submits_runs_depth_first),
      TEST(again_goes_behind_everything_that_waits),
      TEST(what_an_alarm_makes_runnable_goes_behind_what_waits),
      TEST(a_talking_pair_lets_others_run_after_the_cap),
      TEST(step_without_work_says_so),
      TEST(current_thread_sleeps_and_is_woken_from_outside),
      TEST(pool_runs_what_foreign_threads_submit),
      TEST(a_task_behind_a_long_turn_is_taken_by_another_worker),
      TEST(all_that_waits_behind_a_long_turn_is_taken),
      TEST(turns_that_become_long_soon_have_their_own_time),
      TEST(an_idle_pool_sleeps),
      TEST(what_arrives_wakes_an_idle_pool_and_so_does_a_submission),
      TEST(busy_workers_do_not_hold_up_what_arrives),
      TEST(one_busy_worker_leaves_the_other_to_poll),
      TEST(current_thread_polls_while_tasks_run),
      TEST(start_and_stop_leave_nothing_behind),
      TEST(destroy_accepts_null_and_what_was_never_started),
      TEST(workers_are_bounded),
      TEST(any_failed_allocation_is_an_answer),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
