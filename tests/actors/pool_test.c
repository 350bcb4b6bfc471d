// SPDX-License-Identifier: Apache-2.0
//
// Real threads: nodes with a pool of workers, foreign threads that send and call, blocking jobs.
// Nothing here waits for time to pass; calls end by themselves at their deadlines.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <dirent.h>
#include <pthread.h>
#include <string.h>

#include <troupe.h>

#include "base/clock.h"

ACT_MSG(tally_add, (u32, sender, 1)(u64, number, 2))
ACT_MSG(tally_get, (flag, nothing, 1))
ACT_MSG(tally_state, (u64, count, 1)(u64, disorder, 2)(u64, overlap, 3))
ACT_MSG(tally_work, (u32, jobs, 1))
ACT_MSG(tally_done, (u32, jobs, 1)(u64, sum, 2))
#define TALLY(CAST, CALL, P)              \
  CAST(P, 1, add, tally_add)              \
  CALL(P, 2, get, tally_get, tally_state) \
  CALL(P, 3, work, tally_work, tally_done)
ACT_PROTOCOL(tally, 1, TALLY)

#define SENDERS_MAX 8

struct counter {
  uint64_t count, disorder, overlap;
  uint64_t last[SENDERS_MAX];
  int inside;  // plain on purpose: two threads in here at once are a race that TSan reports
  uint32_t jobs_open, jobs_made;
  uint64_t sum;
  tally_done_reply reply;
};
ACT_ACTOR(counter, tally, TALLY, struct counter, act_noargs)
ACT_ON_DONE(counter, on_job)

static act_rc counter_init(struct counter *self, act_cx *cx, const act_noargs *args) {
  (void)self;
  (void)cx;
  (void)args;
  return ACT_OK;
}

static act_rc counter_add(struct counter *self, act_cx *cx, const tally_add *m) {
  (void)cx;
  if (self->inside++) self->overlap++;
  if (m->number != self->last[m->sender] + 1) self->disorder++;
  self->last[m->sender] = m->number;
  self->count++;
  self->inside--;
  return ACT_OK;
}

static act_rc counter_get(struct counter *self, act_cx *cx, const tally_get *m,
                          tally_state_reply r) {
  (void)m;
  tally_state state = {.count = self->count, .disorder = self->disorder, .overlap = self->overlap};
  return tally_state_answer(cx, r, state);
}

static act_rc square(void *arg) {
  uint64_t *n = arg;
  *n *= *n;
  return ACT_OK;
}

static act_rc counter_work(struct counter *self, act_cx *cx, const tally_work *m,
                           tally_done_reply r) {
  self->reply = r;
  self->jobs_made = self->jobs_open = m->jobs;
  act_rc rc = act_reply_keep(cx, r.r);
  for (uint64_t i = 1; !rc && i <= m->jobs; i++) {
    uint64_t *n = test_malloc(sizeof *n);
    *n = i;
    rc = act_blocking(cx, (act_job){square, n, NULL}, on_job_then(0));
  }
  return rc;
}

static act_rc on_job(struct counter *self, act_cx *cx, act_rc st, void *arg, uintptr_t tag) {
  (void)tag;
  if (st) return st;
  self->sum += *(uint64_t *)arg;
  test_free(arg);
  if (--self->jobs_open) return ACT_OK;
  return tally_done_answer(cx, self->reply, (tally_done){.jobs = self->jobs_made,
                                                         .sum = self->sum});
}

static const act_child kids[] = {
    {.id = "counter", .name = "counter", .behavior = &counter, .mailbox = {.msgs = 64}},
};
static const act_sup root = {.kids = kids, .nkids = ACT_COUNT(kids)};

static act_runtime *start(act_node node) {
  node.name = "pool";
  act_runtime *rt = NULL;
  assert_int_equal(act_start(&node, &root, &rt), ACT_OK);
  return rt;
}

struct sender {
  act_runtime *rt;
  uint32_t id;
  uint64_t messages, refused;
  int wrong;
};

// A foreign thread: sends until all are accepted; a refusal is tried again.
static void *send_all(void *arg) {
  struct sender *sender = arg;
  act_cx *cx = act_outside_open(sender->rt);
  tally_svc to;
  sender->wrong = cx == NULL || tally_svc_named(cx, "counter", &to) != ACT_OK;
  for (uint64_t i = 1; !sender->wrong && i <= sender->messages; i++) {
    act_rc rc;
    while ((rc = tally_svc_send_add(cx, to, (tally_add){.sender = sender->id, .number = i})) ==
           ACT_EFULL) {
      sender->refused++;
      sched_yield();
    }
    if (rc) sender->wrong = 1;
  }
  act_outside_close(cx);
  return NULL;
}

static tally_state get_state(act_runtime *rt) {
  act_cx *cx = act_outside_open(rt);
  tally_svc to;
  assert_int_equal(tally_svc_named(cx, "counter", &to), ACT_OK);
  const tally_state *state;
  act_rc rc;
  while ((rc = tally_svc_call_get(cx, to, (tally_get){.nothing = false}, ACT_SEC(60), &state)) ==
         ACT_EFULL) {
    sched_yield();
  }
  assert_int_equal(rc, ACT_OK);
  tally_state copy = *state;
  act_reply_free(cx, state);
  act_outside_close(cx);
  return copy;
}

static void foreign_threads_lose_nothing_and_keep_their_order(void **state) {
  (void)state;
  for (unsigned workers = 1; workers <= 4; workers *= 2) {
    act_runtime *rt = start((act_node){.workers = workers});
    struct sender senders[SENDERS_MAX];
    pthread_t threads[SENDERS_MAX];
    for (uint32_t i = 0; i < SENDERS_MAX; i++) {
      senders[i] = (struct sender){.rt = rt, .id = i, .messages = 10000};
      assert_int_equal(pthread_create(&threads[i], NULL, send_all, &senders[i]), 0);
    }
    for (int i = 0; i < SENDERS_MAX; i++) {
      assert_int_equal(pthread_join(threads[i], NULL), 0);
      assert_int_equal(senders[i].wrong, 0);
    }
    tally_state seen = get_state(rt);
    assert_int_equal(seen.count, SENDERS_MAX * 10000);
    assert_int_equal(seen.disorder, 0);
    assert_int_equal(seen.overlap, 0);
    act_counters counters;
    act_read_counters(rt, &counters);
    uint64_t refused = 0;
    for (int i = 0; i < SENDERS_MAX; i++) refused += senders[i].refused;
    assert_true(counters.refused >= refused);
    assert_int_equal(act_stop(rt), 0);
  }
}

static void blocking_jobs_come_back_to_their_actor(void **state) {
  (void)state;
  act_runtime *rt = start((act_node){.workers = 2});
  act_cx *cx = act_outside_open(rt);
  tally_svc to;
  assert_int_equal(tally_svc_named(cx, "counter", &to), ACT_OK);
  const tally_done *done;
  assert_int_equal(tally_svc_call_work(cx, to, (tally_work){.jobs = 100}, ACT_SEC(60), &done),
                   ACT_OK);
  assert_int_equal(done->jobs, 100);
  assert_int_equal(done->sum, 338350);
  act_reply_free(cx, done);
  act_outside_close(cx);
  assert_int_equal(act_stop(rt), 0);
}

static unsigned entries(const char *folder) {
  unsigned count = 0;
  DIR *dir = opendir(folder);
  while (dir && readdir(dir)) count++;
  if (dir) closedir(dir);
  return count;
}

static void starting_and_stopping_leaves_no_thread_and_no_descriptor(void **state) {
  (void)state;
  act_runtime *first = start((act_node){.workers = 2});  // what the first start leaves for ever
  assert_int_equal(act_stop(first), 0);
  unsigned threads = entries("/proc/self/task"), fds = entries("/proc/self/fd");
  for (int i = 0; i < 200; i++) {
    act_runtime *rt = start((act_node){.workers = 1 + (unsigned)i % 3});
    if (i % 2) (void)get_state(rt);
    assert_int_equal(act_stop(rt), 0);
  }
  assert_int_equal(entries("/proc/self/task"), threads);
  assert_int_equal(entries("/proc/self/fd"), fds);
}

static void several_runtimes_live_in_one_process(void **state) {
  (void)state;
  act_runtime *rts[4];
  for (int i = 0; i < 4; i++) rts[i] = start((act_node){.workers = 1});
  for (int i = 0; i < 4; i++) {
    struct sender sender = {.rt = rts[i], .messages = 100 * (uint64_t)(i + 1)};
    send_all(&sender);
    assert_int_equal(sender.wrong, 0);
  }
  for (int i = 0; i < 4; i++) assert_int_equal(get_state(rts[i]).count, 100 * (i + 1));
  for (int i = 0; i < 4; i++) assert_int_equal(act_stop(rts[i]), 0);
}

static void current_thread_runtime_runs_on_the_calling_thread(void **state) {
  (void)state;
  act_runtime *rt = start((act_node){.flavour = ACT_CURRENT_THREAD});
  unsigned threads = entries("/proc/self/task");
  tally_state seen = get_state(rt);  // the call itself moves the runtime
  assert_int_equal(seen.count, 0);
  assert_int_equal(entries("/proc/self/task"), threads);
  assert_int_equal(act_stop(rt), 0);
}

// --- time in long handlers -------------------------------------------------------------------------

ACT_MSG(dawdle, (u32, busy_ms, 1)(u32, timer_ms, 2))
ACT_MSG(elapsed, (i64, ns, 1)(i64, ask_ns, 2))
#define DAWDLER(CAST, CALL, P) CALL(P, 1, dawdle, dawdle, elapsed)
ACT_PROTOCOL(dawdler, 1, DAWDLER)

struct slow {
  elapsed_reply reply;
  int64_t armed_ns;
  elapsed seen;
};
ACT_ACTOR(slow, dawdler, DAWDLER, struct slow, act_noargs)
ACT_ON_TICK(slow, slow_tick)
ACT_ON(slow, slow_answer, elapsed)

static act_rc slow_init(struct slow *self, act_cx *cx, const act_noargs *args) {
  (void)self;
  (void)cx;
  (void)args;
  return ACT_OK;
}

// A request to itself, kept for ever: it can only end by its deadline.
static act_rc slow_dawdle(struct slow *self, act_cx *cx, const dawdle *m, elapsed_reply r) {
  act_rc rc = act_reply_keep(cx, r.r);
  if (rc || m->busy_ms == 0) return rc;
  self->reply = r;
  int64_t end = act__clock_now(act__clock_system()) + m->busy_ms * ACT__NS_PER_MS;
  while (act__clock_now(act__clock_system()) < end) {
  }
  self->armed_ns = act__clock_now(act__clock_system());
  rc = act_after(cx, m->timer_ms, slow_tick_then(0), NULL);
  dawdler_ref me = {act_self(cx)};
  return rc ? rc : dawdler_ask_dawdle(cx, me, (dawdle){0}, m->timer_ms, slow_answer_then(0));
}

static act_rc tell(struct slow *self, act_cx *cx) {
  if (!self->seen.ns || !self->seen.ask_ns) return ACT_OK;
  return elapsed_answer(cx, self->reply, self->seen);
}

static act_rc slow_tick(struct slow *self, act_cx *cx, const act_tick *tick) {
  (void)tick;
  self->seen.ns = act__clock_now(act__clock_system()) - self->armed_ns;
  return tell(self, cx);
}

static act_rc slow_answer(struct slow *self, act_cx *cx, act_rc st, const elapsed *v,
                          uintptr_t tag) {
  (void)v;
  (void)tag;
  if (st != ACT_ETIMEDOUT) return ACT_EFAIL;
  self->seen.ask_ns = act__clock_now(act__clock_system()) - self->armed_ns;
  return tell(self, cx);
}

static void timers_and_asks_of_a_long_handler_are_not_early(void **state) {
  (void)state;
  const act_child slow_kids[] = {{.id = "slow", .name = "slow", .behavior = &slow}};
  const act_sup slow_root = {.kids = slow_kids, .nkids = 1};
  act_runtime *rt;
  assert_int_equal(act_start(&(act_node){.name = "slow", .workers = 2}, &slow_root, &rt), ACT_OK);
  act_cx *cx = act_outside_open(rt);
  dawdler_svc to;
  assert_int_equal(dawdler_svc_named(cx, "slow", &to), ACT_OK);
  const elapsed *seen;
  dawdle order = {.busy_ms = 60, .timer_ms = 40};
  assert_int_equal(dawdler_svc_call_dawdle(cx, to, order, ACT_SEC(60), &seen), ACT_OK);
  assert_true(seen->ns >= 40 * ACT__NS_PER_MS);
  assert_true(seen->ask_ns >= 40 * ACT__NS_PER_MS);
  act_reply_free(cx, seen);
  act_outside_close(cx);
  assert_int_equal(act_stop(rt), 0);
}

static void *ask_for_stop(void *arg) {
  (void)get_state(arg);  // served by the thread in act_wait
  act_request_stop(arg);
  return NULL;
}

static void wait_returns_when_another_thread_asks_for_the_stop(void **state) {
  (void)state;
  enum act_flavour flavours[] = {ACT_POOL, ACT_CURRENT_THREAD};
  for (int i = 0; i < 2; i++) {
    act_runtime *rt = start((act_node){.flavour = flavours[i]});
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, ask_for_stop, rt), 0);
    act_wait(rt);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(act_stop(rt), 0);
  }
}

// --- what a handler must not do, and how long it may --------------------------------------------------

ACT_MSG(slow_work, (u64, outside, 1))
ACT_MSG(slow_seen, (i32, rc, 1)(u32, handled, 2))
#define SLOW(CAST, CALL, P)            \
  CAST(P, 1, work, slow_work)          \
  CALL(P, 2, call, slow_work, slow_seen)
ACT_PROTOCOL(slow, 1, SLOW)
struct slowly {
  uint32_t handled;
};
ACT_ACTOR(slowly, slow, SLOW, struct slowly, act_noargs)

static uint32_t handled_by_all;  // one thread only

static act_rc slowly_init(struct slowly *self, act_cx *cx, const act_noargs *args) {
  (void)self;
  (void)cx;
  (void)args;
  return ACT_OK;
}

// Busy for far longer than the time budget of a turn.
static act_rc slowly_work(struct slowly *self, act_cx *cx, const slow_work *m) {
  (void)m;
  int64_t until = act_wall(cx).unix_ns + 1000 * 1000;
  while (act_wall(cx).unix_ns < until) {
  }
  self->handled = ++handled_by_all;
  return ACT_OK;
}

static act_rc slowly_call(struct slowly *self, act_cx *cx, const slow_work *m, slow_seen_reply r) {
  (void)self;
  slow_seen seen = {.handled = handled_by_all};
  if (m->outside) {
    const slow_seen *never;
    slow_ref me = {act_self(cx)};
    seen.rc = slow_call_call((act_cx *)(uintptr_t)m->outside, me, (slow_work){0}, 1000, &never);
  }
  return slow_seen_answer(cx, r, seen);
}

static const act_child slow_kids[] = {{.id = "one", .name = "one", .behavior = &slowly},
                                      {.id = "two", .name = "two", .behavior = &slowly}};
static const act_sup slow_tree = {.kids = slow_kids, .nkids = 2};

static act_cx *slow_start(enum act_flavour flavour, act_runtime **rt, slow_svc *one,
                          slow_svc *two) {
  act_node node = {.flavour = flavour, .workers = 2};
  assert_int_equal(act_start(&node, &slow_tree, rt), ACT_OK);
  act_cx *cx = act_outside_open(*rt);
  assert_int_equal(slow_svc_named(cx, "one", one), ACT_OK);
  assert_int_equal(slow_svc_named(cx, "two", two), ACT_OK);
  return cx;
}

static void blocking_call_on_a_thread_that_runs_actors_is_refused(void **state) {
  (void)state;
  enum act_flavour flavours[] = {ACT_POOL, ACT_CURRENT_THREAD};
  for (int i = 0; i < 2; i++) {
    act_runtime *rt;
    slow_svc one, two;
    act_cx *cx = slow_start(flavours[i], &rt, &one, &two);
    act_cx *other = act_outside_open(rt);
    const slow_seen *seen;
    slow_work m = {.outside = (uintptr_t)other};
    assert_int_equal(slow_svc_call_call(cx, one, m, 5000, &seen), ACT_OK);
    assert_int_equal(seen->rc, ACT_EDEADLK);
    act_reply_free(cx, seen);
    act_outside_close(other);
    act_outside_close(cx);
    assert_int_equal(act_stop(rt), 0);
  }
}

static void slow_handler_lets_others_in_between_its_messages(void **state) {
  (void)state;
  act_runtime *rt;
  slow_svc one, two;
  act_cx *cx = slow_start(ACT_CURRENT_THREAD, &rt, &one, &two);
  handled_by_all = 0;
  for (int i = 0; i < 32; i++) {  // nothing runs before the call below
    assert_int_equal(slow_svc_send_work(cx, one, (slow_work){0}), ACT_OK);
  }
  const slow_seen *seen;
  assert_int_equal(slow_svc_call_call(cx, two, (slow_work){0}, 5000, &seen), ACT_OK);
  assert_in_range(seen->handled, 0, 8);
  act_reply_free(cx, seen);
  act_outside_close(cx);
  assert_int_equal(act_stop(rt), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(foreign_threads_lose_nothing_and_keep_their_order),
      cmocka_unit_test(blocking_jobs_come_back_to_their_actor),
      cmocka_unit_test(starting_and_stopping_leaves_no_thread_and_no_descriptor),
      cmocka_unit_test(timers_and_asks_of_a_long_handler_are_not_early),
      cmocka_unit_test(several_runtimes_live_in_one_process),
      cmocka_unit_test(blocking_call_on_a_thread_that_runs_actors_is_refused),
      cmocka_unit_test(slow_handler_lets_others_in_between_its_messages),
      cmocka_unit_test(current_thread_runtime_runs_on_the_calling_thread),
      cmocka_unit_test(wait_returns_when_another_thread_asks_for_the_stop),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
