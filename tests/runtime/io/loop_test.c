// SPDX-License-Identifier: Apache-2.0
#include "tests/runtime/io/io_support.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "runtime/io/tick.h"

struct numbered {
  struct act__loop_job job;
  struct act__loop *loop;
  int number;
};

static int seen[64];
static int seen_count;

static void note_number(struct act__loop_job *job) {
  assert_true(seen_count < 64);
  seen[seen_count++] = ((struct numbered *)job)->number;
}

static void jobs_run_in_the_order_they_were_posted(void **state) {
  (void)state;
  struct act__loop *loop = new_loop();
  struct numbered jobs[10];
  seen_count = 0;

  for (int i = 0; i < 10; i++) {
    jobs[i] = (struct numbered){.job.fn = note_number, .number = i};
    act__loop_post(loop, &jobs[i].job);
  }
  assert_int_equal(seen_count, 0);
  POLL_UNTIL(loop, seen_count == 10);

  for (int i = 0; i < 10; i++) assert_int_equal(seen[i], i);
  act__loop_destroy(loop);
}

static void post_two_more(struct act__loop_job *job) {
  static struct numbered more[2];
  struct act__loop *loop = ((struct numbered *)job)->loop;
  assert_true(act__loop_is_mine(loop));
  for (int i = 0; i < 2; i++) {
    more[i] = (struct numbered){.job.fn = note_number, .number = 100 + i};
    act__loop_post(loop, &more[i].job);
  }
  note_number(job);
}

static void a_job_may_post_jobs_and_they_run_in_the_same_poll(void **state) {
  (void)state;
  struct act__loop *loop = new_loop();
  struct numbered first = {.job.fn = post_two_more, .loop = loop, .number = 7};
  seen_count = 0;

  act__loop_post(loop, &first.job);
  poll_once(loop, INT64_MAX);

  assert_int_equal(seen_count, 3);
  assert_int_equal(seen[0], 7);
  assert_int_equal(seen[1], 100);
  assert_int_equal(seen[2], 101);
  assert_false(act__loop_is_mine(loop));
  act__loop_destroy(loop);
}

static void a_poll_of_zero_does_not_wait_and_one_with_a_limit_ends(void **state) {
  (void)state;
  struct act__loop *loop = new_loop();

  poll_once(loop, 0);
  int64_t begin = act__loop_now_ns(loop);
  poll_once(loop, 20 * ACT__NS_PER_MS);
  int64_t took = act__loop_now_ns(loop) - begin;

  assert_true(took >= 18 * ACT__NS_PER_MS);  // the loop counts whole milliseconds
  assert_true(took < PATIENCE_NS);
  act__loop_destroy(loop);
}

// The clock that libuv reads: for one thread it may be made to jump from one reading to the next.
static _Thread_local int readings_until_jump;
static _Thread_local int64_t jumped_ns;

int jumping_clock(clockid_t id, struct timespec *now) __asm__("clock_gettime");
int jumping_clock(clockid_t id, struct timespec *now) {
  if (readings_until_jump > 0 && --readings_until_jump == 0) jumped_ns += 3 * ACT__NS_PER_MS;
  long rc = syscall(SYS_clock_gettime, id, now);
  int64_t ns = now->tv_nsec + (id == CLOCK_REALTIME ? 0 : jumped_ns);
  now->tv_sec += ns / ACT__NS_PER_S;
  now->tv_nsec = ns % ACT__NS_PER_S;
  return (int)rc;
}

// The loop counts from one reading of its clock to the next: a limit of a millisecond may be over
// when the wait begins. At whichever reading that happens, the wait ends.
static void a_limit_that_is_over_before_the_wait_begins_ends_it(void **state) {
  (void)state;
  struct act__loop *loop = new_loop();
  for (int reading = 1; reading <= 8; reading++) {
    int64_t before = jumped_ns;
    readings_until_jump = reading;
    poll_once(loop, ACT__NS_PER_MS);  // returns, or the test hangs
    if (reading <= 2) assert_true(jumped_ns > before);  // one reading to arm, one to begin
    readings_until_jump = 0;
  }
  act__loop_destroy(loop);
}

static void wake_from_thread(void *poller) {
  ((struct act__poller *)poller)->wake(poller);
}

static void a_wake_ends_a_poll_without_limit_and_also_the_next_one_if_none_waits(void **state) {
  (void)state;
  struct act__loop *loop = new_loop();
  struct act__thread thread;

  assert_int_equal(act__thread_start(&thread, "waker", 0, wake_from_thread, act__loop_poller(loop)),
                   ACT_OK);
  poll_once(loop, INT64_MAX);  // returns, or the test hangs
  act__thread_join(&thread);
  wake_from_thread(act__loop_poller(loop));
  wake_from_thread(act__loop_poller(loop));
  poll_once(loop, INT64_MAX);

  act__loop_destroy(loop);
}

#define POSTERS 4
#define POSTS 20000

static struct act__loop *shared_loop;
static int64_t jobs_run;

struct counted {
  struct act__loop_job job;
  struct act__parker done;
};

static void count_job(struct act__loop_job *job) {
  jobs_run++;
  act__parker_unpark(&((struct counted *)job)->done);
}

// One at a time and waiting for each: a lost wake-up stops it for good.
static void post_many(void *unused) {
  (void)unused;
  struct counted one = {.job.fn = count_job};
  act__parker_init(&one.done);
  for (int i = 0; i < POSTS; i++) {
    act__loop_post(shared_loop, &one.job);
    act__parker_park(&one.done, ACT__TIME_NEVER);
  }
  act__parker_fini(&one.done);
}

static void no_wake_up_is_lost_between_posters_and_the_loop(void **state) {
  (void)state;
  struct act__thread threads[POSTERS];
  shared_loop = new_loop();
  jobs_run = 0;

  for (int i = 0; i < POSTERS; i++) {
    assert_int_equal(act__thread_start(&threads[i], "poster", 0, post_many, NULL), ACT_OK);
  }
  int64_t begin = act__loop_now_ns(shared_loop);
  while (jobs_run < POSTERS * POSTS) {
    int64_t before = jobs_run;
    int64_t asleep = act__loop_now_ns(shared_loop);
    poll_once(shared_loop, 5 * ACT__NS_PER_S);
    int64_t now = act__loop_now_ns(shared_loop);
    if (jobs_run == before && now - asleep > 4 * ACT__NS_PER_S) fail_msg("a wake-up was lost");
    if (now - begin > 10 * PATIENCE_NS) fail_msg("too slow");
  }
  for (int i = 0; i < POSTERS; i++) act__thread_join(&threads[i]);

  act__loop_destroy(shared_loop);
}

static struct act__worker *worker_seen;

static void note_worker(struct act__loop_job *job) {
  worker_seen = act__loop_worker(((struct numbered *)job)->loop);
}

static void the_worker_inside_poll_is_known_to_callbacks(void **state) {
  (void)state;
  struct act__loop *loop = new_loop();
  struct act__worker me = {0};
  struct numbered job = {.job.fn = note_worker, .loop = loop};

  act__loop_post(loop, &job.job);
  act__loop_poller(loop)->poll(act__loop_poller(loop), &me, INT64_MAX);

  assert_ptr_equal(worker_seen, &me);
  assert_null(act__loop_worker(loop));
  act__loop_destroy(loop);
}

static void destroy_runs_the_jobs_that_are_left(void **state) {
  (void)state;
  struct act__loop *loop = new_loop();
  struct numbered job = {.job.fn = post_two_more, .loop = loop, .number = 1};
  seen_count = 0;

  act__loop_post(loop, &job.job);
  act__loop_destroy(loop);

  assert_int_equal(seen_count, 3);
}

static int ticks;

static void on_tick(void *arg) {
  (void)arg;
  ticks++;
}

static void a_tick_repeats_until_it_is_stopped(void **state) {
  (void)state;
  struct act__loop *loop = new_loop();
  struct act__tick *tick;
  ticks = 0;

  assert_int_equal(act__tick_open(loop, on_tick, NULL, &tick), ACT_OK);
  poll_once(loop, 0);
  assert_int_equal(ticks, 0);
  act__tick_start(tick, 1);
  POLL_UNTIL(loop, ticks >= 3);
  act__tick_stop(tick);
  int before = ticks;
  poll_once(loop, 5 * ACT__NS_PER_MS);
  assert_int_equal(ticks, before);

  act__tick_close(tick);
  act__tick_close(NULL);
  act__loop_destroy(loop);
}

static void destroy_closes_what_its_owners_left_open(void **state) {
  (void)state;
  int before = count_descriptors();
  struct act__loop *loop = new_loop();
  struct act__tick *tick;

  assert_int_equal(act__tick_open(loop, on_tick, NULL, &tick), ACT_OK);
  act__tick_start(tick, 1);
  act__loop_destroy(loop);
  act__loop_destroy(NULL);

  assert_int_equal(count_descriptors(), before);
}

static void without_descriptors_or_memory_there_is_no_loop_and_no_harm(void **state) {
  (void)state;
  struct act__loop *loop;
  act__loop_destroy(new_loop());  // libuv keeps some descriptors for the process
  int before = count_descriptors();
  struct rlimit old, tight;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);

  tight = old;
  tight.rlim_cur = (rlim_t)before + ACT__LOOP_DESCRIPTORS - 2;
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
  act_rc rc = act__loop_create(&loop);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
  assert_int_equal(rc, ACT_ELIMIT);

  act__alloc_fail_after(0);
  rc = act__loop_create(&loop);
  act__alloc_fail_after(-1);
  assert_int_equal(rc, ACT_ENOMEM);
  assert_int_equal(count_descriptors(), before);
}

static void sigpipe_is_ignored_once_there_is_a_loop(void **state) {
  (void)state;
  act__loop_destroy(new_loop());

  int ends[2];
  assert_int_equal(pipe(ends), 0);
  close(ends[0]);
  assert_int_equal(write(ends[1], "x", 1), -1);  // would have ended the process
  close(ends[1]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(jobs_run_in_the_order_they_were_posted),
      cmocka_unit_test(a_job_may_post_jobs_and_they_run_in_the_same_poll),
      cmocka_unit_test(a_poll_of_zero_does_not_wait_and_one_with_a_limit_ends),
      cmocka_unit_test(a_limit_that_is_over_before_the_wait_begins_ends_it),
      cmocka_unit_test(a_wake_ends_a_poll_without_limit_and_also_the_next_one_if_none_waits),
      cmocka_unit_test(no_wake_up_is_lost_between_posters_and_the_loop),
      cmocka_unit_test(the_worker_inside_poll_is_known_to_callbacks),
      cmocka_unit_test(destroy_runs_the_jobs_that_are_left),
      cmocka_unit_test(a_tick_repeats_until_it_is_stopped),
      cmocka_unit_test(destroy_closes_what_its_owners_left_open),
      cmocka_unit_test(without_descriptors_or_memory_there_is_no_loop_and_no_harm),
      cmocka_unit_test(sigpipe_is_ignored_once_there_is_a_loop),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
