// SPDX-License-Identifier: Apache-2.0
#include "runtime/sched/crew.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/check.h"

// Rare, and kept out of the way of what is not.
__attribute__((noinline, cold)) static void submit_from_outside(struct act__crew *crew, struct act__task *task) {
  act__inject_push(&crew->inject, task);
#ifndef ACT_MUTANT_SUBMIT_WAKES_NOBODY
  if (act__idle_wants_wake(&crew->idle)) act__crew_wake_one(crew);
#endif
}

__attribute__((noinline)) static void put_behind(struct act__crew_worker *me,
                                                 struct act__task *task) {
  act__crew_enter(me);
  act__runq_push_behind(&me->queue, task);
  uint32_t length = me->queue.length;
  act__crew_leave(me);
  act__crew_offer(me, length);
}

void act__crew_submit(struct act__exec *exec, struct act__worker *me, struct act__task *task) {
#ifdef ACT_MUTANT_SUBMIT_TO_ANOTHER
  if (me) act__crew_of(exec)->not_by = act__crew_worker_of(me);
  me = NULL;
#endif
  if (__builtin_expect(!me, 0)) {
    submit_from_outside(act__crew_of(exec), task);
    return;
  }
  struct act__crew_worker *worker = act__crew_worker_of(me);
  if (__builtin_expect(worker->behind, 0)) {
    put_behind(worker, task);
    return;
  }
  act__crew_enter(worker);
  struct act__task *before = worker->next;
  worker->next = task;
  if (before) act__runq_push(&worker->queue, before);
  uint32_t length = worker->queue.length;
  act__crew_leave(worker);
  act__crew_offer(worker, length);
}

static inline void run_turn(struct act__crew_worker *me, struct act__task *task) {
  if (task->run(task, &me->base) != ACT__TURN_DONE) put_behind(me, task);
}

static void stop_searching(struct act__crew_worker *me) {
  struct act__crew *crew = me->crew;
  if (!me->searching) return;
  me->searching = false;
  if (!act__idle_search_end(&crew->idle)) return;
  // The last searcher passes the wake-up on: see idle.h.
  if (act__crew_has_work(crew, me->base.now_ns)) act__crew_wake_one(crew);
}

static inline bool must_look(struct act__crew_worker *me) {
  // relaxed: a hint; the turn that it comes too late for is one more.
  return me->pace.turns >= me->pace.turns_max || act__load_relaxed(&me->board.hurry);
}

// It has something to run after a time without.
__attribute__((noinline, cold)) static void come_back(struct act__crew_worker *me) {
  act__crew_back(me);
  stop_searching(me);
}

// Nothing waits here: looks for it elsewhere, and sleeps. NULL: the crew finishes.
__attribute__((noinline)) static struct act__task *seek(struct act__crew_worker *me) {
  for (;;) {
    act__crew_look(me, true);
    struct act__task *task = act__crew_pick(me);
    if (!task) task = act__crew_search(me);
    if (task) return task;
    // What was submitted before the finish may have come after the looks above.
    if (act__crew_is_finishing(me->crew)) return act__crew_pick(me);
    act__crew_sleep(me);
  }
}

// NULL: the crew finishes and nothing waits here.
static inline struct act__task *next_task(struct act__crew_worker *me) {
  if (__builtin_expect(must_look(me), 0)) act__crew_look(me, false);
  struct act__task *task = act__crew_pick(me);
  if (__builtin_expect(!task, 0)) task = seek(me);
  if (__builtin_expect(me->away, 0)) come_back(me);
  me->pace.turns++;
  return task;
}

static void worker_main(void *arg) {
  struct act__crew_worker *me = arg;
  struct act__crew *crew = me->crew;
  act__worker_hook(&me->base, true);
  struct act__task *task;
  while ((task = next_task(me))) run_turn(me, task);
  act__crew_away(me);
  act__worker_hook(&me->base, false);

  act__mutex_lock(&crew->mutex);
  crew->alive--;
  act__store_relaxed(&crew->awake_max, crew->alive);  // relaxed: a hint for the monitor
  if (crew->alive == 0) act__cond_broadcast(&crew->ended);
  act__mutex_unlock(&crew->mutex);
}

static void crew_finish(struct act__exec *exec) {
  struct act__crew *crew = act__crew_of(exec);
  // release [crew:finishing]: pairs with the acquire in act__crew_is_finishing. Then everybody who
  // went to bed without seeing it holds or gets a permit; who goes later sees it.
  act__store_release(&crew->finishing, 1);
  act__crew_wake_all(crew);
}

static void wait_for_the_end(struct act__crew *crew) {
  act__mutex_lock(&crew->mutex);
  while (crew->alive > 0) act__cond_wait(&crew->ended, &crew->mutex);
  act__mutex_unlock(&crew->mutex);
}

static void join_workers(struct act__crew *crew, unsigned started) {
  for (unsigned i = 0; i < started; i++) act__thread_join(&crew->workers[i].thread);
}

static act_rc start_threads(struct act__crew *crew) {
  crew->alive = crew->count;
  act__store_relaxed(&crew->awake_max, crew->count);  // relaxed: thread start publishes it
  act_rc rc = act__monitor_start(crew);
  // Without the monitor nobody hurries a worker whose turns become longer than they were.
  crew->looks_max = crew->monitor.started ? ACT__LOOK_TURNS : 1;
  unsigned started = 0;
  for (; started < crew->count && !rc; started++) {
    struct act__crew_worker *worker = &crew->workers[started];
    char name[ACT__THREAD_NAME];
    snprintf(name, sizeof name, "act-work-%u", started % 1000);
    rc = act__thread_start(&worker->thread, name, 0, worker_main, worker);
    if (rc) break;
  }
  if (!rc) return ACT_OK;
  act__mutex_lock(&crew->mutex);
  crew->alive -= crew->count - started;
  act__mutex_unlock(&crew->mutex);
  crew_finish(&crew->exec);
  join_workers(crew, started);
  act__monitor_stop(crew);
  return rc;
}

static act_rc crew_start(struct act__exec *exec) {
  struct act__crew *crew = act__crew_of(exec);
  ACT_ASSERT(!crew->started);
  if (crew->threads) {
    act_rc rc = start_threads(crew);
    if (rc) return rc;
  } else {
    act__worker_hook(&crew->workers[0].base, true);
  }
  crew->started = true;
  return ACT_OK;
}

// --- the current-thread flavour -----------------------------------------------------------------

// Looks at I/O without waiting.
static void solo_poll(struct act__crew_worker *me) {
  struct act__poller *poller = me->crew->exec.poller;
  if (!poller) return;
  me->polled_ns = me->base.now_ns;
  poller->poll(poller, &me->base, 0);
}

static bool solo_turn(struct act__crew_worker *me) {
  struct act__task *task = act__crew_pick(me);
  if (!task) return false;
  run_turn(me, task);
  return true;
}

static bool crew_step(struct act__exec *exec, bool may_wait) {
  struct act__crew *crew = act__crew_of(exec);
  ACT_ASSERT(!crew->threads && crew->started);
  struct act__crew_worker *me = &crew->workers[0];
  int64_t now = act__worker_refresh_now(&me->base);
  unsigned fired = act__alarms_due(&exec->alarms, 0) <= now ? act__crew_fire(crew, 0, now, me) : 0;
  if (now - me->polled_ns >= ACT__SOLO_POLL_NS) solo_poll(me);
  if (solo_turn(me)) return true;
  if (fired > 0) return true;
  if (!may_wait || act__crew_is_finishing(crew)) {
    solo_poll(me);
    return solo_turn(me);
  }
  act__crew_sleep(me);  // alarms and I/O callbacks run here; only they know whether they did anything
  stop_searching(me);
  solo_turn(me);
  return true;
}

static bool crew_run(struct act__exec *exec) {
  struct act__crew *crew = act__crew_of(exec);
  ACT_ASSERT(crew->started);
  if (crew->threads) {
    wait_for_the_end(crew);
  } else {
    while (crew_step(exec, true)) {
    }
  }
  return true;
}

// --- life ---------------------------------------------------------------------------------------

static void crew_free(struct act__crew *crew) {
  for (unsigned i = 0; i < crew->count; i++) {
    struct act__crew_worker *worker = &crew->workers[i];
    ACT_ASSERT(worker->queue.length == 0 && !worker->next);  // all threads are joined
    act__parker_fini(&worker->parker);
    act__worker_fini(&worker->base);
  }
  act__inject_fini(&crew->inject);
  act__cond_fini(&crew->ended);
  act__mutex_fini(&crew->mutex);
  act__monitor_fini(&crew->monitor);
  act__exec_fini(&crew->exec);
  act__free(crew->workers);
  act__free(crew);
}

static void crew_destroy(struct act__exec *exec) {
  struct act__crew *crew = act__crew_of(exec);
  act__blocking_fini(&exec->blocking);  // while there are workers for what its jobs submit
  crew_finish(exec);
  if (crew->started && crew->threads) join_workers(crew, crew->count);
  act__monitor_stop(crew);
  if (crew->started && !crew->threads) {
    while (crew_step(exec, false)) {
    }
    act__worker_hook(&crew->workers[0].base, false);
  }
  crew_free(crew);
}

static struct act__worker *crew_worker(struct act__exec *exec, unsigned index) {
  return &act__crew_of(exec)->workers[index].base;
}

static void crew_armed_from_outside(struct act__exec *exec, int64_t due_ns) {
  struct act__crew *crew = act__crew_of(exec);
  (void)due_ns;  // of wheel 0, whose due time tells
  int64_t due = act__crew_alarm_due(crew, 0);
  // seq_cst [bed:until]: R1 of bed.c; the due time of the wheel was written before.
  if (due < act__load_seq_cst(&crew->bed.keeper_until)) act__crew_nudge_keeper(crew);
}

static act_rc crew_blocking(struct act__exec *exec, struct act__job *job) {
  return act__blocking_push(&exec->blocking, job);
}

static const struct act__exec_ops crew_ops = {
    .start = crew_start,
    .run = crew_run,
    .step = crew_step,
    .finish = crew_finish,
    .destroy = crew_destroy,
    .submit = act__crew_submit,
    .worker = crew_worker,
    .armed_from_outside = crew_armed_from_outside,
    .blocking = crew_blocking,
};

static void init_worker(struct act__crew *crew, unsigned index, bool light) {
  struct act__crew_worker *worker = &crew->workers[index];
  act__worker_init(&worker->base, &crew->exec, index);
  worker->crew = crew;
  worker->fair_in = ACT__FAIR_EVERY;
  worker->away = true;
  worker->pace.enough = UINT32_MAX;
  act__door_init(&worker->door, light);
  act__runq_init(&worker->queue);
  act__atomic_init(&worker->board.looked_ns, ACT__TIME_NEVER);
  act__atomic_init(&worker->board.waiting, 0);
  act__atomic_init(&worker->board.worth, 0);
  act__atomic_init(&worker->board.hurry, 0);
  act__atomic_init(&worker->board.visit_after_ns, INT64_MIN);
  act__atomic_init(&worker->board.unbegun, 0);
  act__atomic_init(&worker->board.unbegun_after_ns, INT64_MIN);
  act__atomic_init(&worker->board.fired_ns, 0);
  act__atomic_init(&worker->board.known_due, ACT__TIME_NEVER);
  act__list_init(&worker->sleeper);
  act__parker_init(&worker->parker);
}

act_rc act__crew_create(const struct act__exec_options *options, struct act__exec **out) {
  struct act__crew *crew = act__calloc(1, sizeof *crew);
  if (!crew) return ACT_ENOMEM;
  crew->count = options->workers;
  crew->workers = act__calloc(crew->count, sizeof crew->workers[0]);
  act_rc rc = crew->workers ? ACT_OK : ACT_ENOMEM;
  if (!rc) rc = act__exec_init(&crew->exec, &crew_ops, options, act__clock_system());
  if (rc) {
    act__free(crew->workers);
    act__free(crew);
    return rc;
  }
  crew->threads = options->flavour == ACT__POOL;
  crew->searchers_max = crew->count > 1 ? crew->count / 2 : 1;
  act__idle_init(&crew->idle);
  act__inject_init(&crew->inject);
  act__bed_init(&crew->bed);
  act__monitor_init(&crew->monitor);
  act__mutex_init(&crew->mutex);
  act__cond_init(&crew->ended);
  act__atomic_init(&crew->call_after_ns, INT64_MIN);
  // A lone worker's door is never forced, so it may be of the cheap kind anywhere.
  bool light = crew->count == 1 || act__barrier_available();
  for (unsigned i = 0; i < crew->count; i++) init_worker(crew, i, light);
  *out = &crew->exec;
  return ACT_OK;
}
