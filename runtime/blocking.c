// SPDX-License-Identifier: Apache-2.0
#include "runtime/blocking.h"

#include "base/alloc.h"
#include "base/check.h"

#define PAUSES_BETWEEN_LOOKS 32

act_rc act__blocking_init(struct act__blocking *pool, struct act__clock *clock,
                          unsigned threads_max, unsigned queue_max) {
  ACT_ASSERT(threads_max > 0 && queue_max > 0);
  *pool = (struct act__blocking){
      .clock = clock, .threads_max = threads_max, .idle_ns = ACT__BLOCKING_IDLE_NS};
  pool->threads = act__calloc(threads_max, sizeof pool->threads[0]);
  if (!pool->threads) return ACT_ENOMEM;
  for (unsigned i = 0; i < threads_max; i++) act__cond_init(&pool->threads[i].call);
  act__lookout_init(&pool->lookout);
  act__job_queue_init(&pool->queue, queue_max);
  act__atomic_init(&pool->taken_ns, 0);
  act__mutex_init(&pool->mutex);
  act__list_init(&pool->sleepers);
  return ACT_OK;
}

// --- calling somebody up ------------------------------------------------------------------------

static void thread_main(void *arg);

// Finds a place for one more thread, with the mutex held; NULL when all run.
static struct act__blocking_thread *free_place(struct act__blocking *pool) {
  for (unsigned i = 0; i < pool->threads_max; i++) {
    if (pool->threads[i].state != ACT__BLOCKING_RUNNING) return &pool->threads[i];
  }
  return NULL;
}

// With the mutex held throughout: it keeps a place from being taken twice, an ended thread needs the
// mutex no more, and starting one does not wait for anything.
static act_rc start_thread(struct act__blocking *pool, struct act__blocking_thread **out) {
  struct act__blocking_thread *place = free_place(pool);
  ACT_ASSERT(place);
  if (place->state == ACT__BLOCKING_ENDED) act__thread_join(&place->thread);
  place->state = ACT__BLOCKING_FREE;
  place->pool = pool;
  act_rc rc = act__thread_start(&place->thread, "act-blocking", 0, thread_main, place);
  if (rc) return rc;
  place->state = ACT__BLOCKING_RUNNING;
  pool->running++;
  *out = place;
  return ACT_OK;
}

// Puts a thread on the lookout, with the mutex held.
static void put_on_lookout(struct act__blocking_thread *thread, bool at_once) {
  struct act__blocking *pool = thread->pool;
  thread->called = true;
  thread->called_at = at_once ? act__job_queue_taken(&pool->queue) : UINT64_MAX;
  act__lookout_begin(&pool->lookout);
}

static struct act__blocking_thread *pop_sleeper(struct act__blocking *pool) {
  struct act__link *link = act__list_pop_front(&pool->sleepers);
  if (!link) return NULL;
  pool->asleep--;
  return ACT__CONTAINER_OF(link, struct act__blocking_thread, sleeper);
}

// Nobody works, or those who do have not come back for a while: who is called up need not stand by.
static bool is_urgent(struct act__blocking *pool) {
  if (pool->running == pool->asleep) return true;
  // relaxed: an age; a wrong look costs a thread called up too early, or a moment of standing by.
  int64_t taken_ns = act__load_relaxed(&pool->taken_ns);
  return act__clock_now(pool->clock) - taken_ns >= ACT__BLOCKING_LOOK_NS;
}

// Jobs wait and nobody was on the lookout: sees to it that somebody is, if there is anybody. ACT_ESYS:
// there is no thread at all.
static act_rc call_up(struct act__blocking *pool, bool hurry) {
  struct act__blocking_thread *sleeper = NULL, *thread = NULL;
  act_rc rc = ACT_OK;
  act__mutex_lock(&pool->mutex);
  if (act__lookout_is_empty(&pool->lookout) && !pool->closing) {
    bool at_once = hurry || is_urgent(pool);
    thread = sleeper = pop_sleeper(pool);
    if (!thread && pool->running < pool->threads_max) rc = start_thread(pool, &thread);
    if (pool->running > 0) rc = ACT_OK;  // who works comes by when it is done
    if (thread) put_on_lookout(thread, at_once);
  }
  act__mutex_unlock(&pool->mutex);
  // It may be up already, and even asleep again: then it looks in vain.
  if (sleeper) act__cond_signal(&sleeper->call);
  return rc;
}

act_rc act__blocking_push(struct act__blocking *pool, struct act__job *job) {
  if (!act__job_queue_push(&pool->queue, job)) return ACT_EFULL;
  // The job may be gone from here on.
  if (!act__lookout_is_empty(&pool->lookout)) return ACT_OK;
  act_rc rc = call_up(pool, false);
  // Without a thread nobody else has it; but one may have been started for another job meanwhile.
  if (rc && !act__job_queue_remove(&pool->queue, job)) rc = ACT_OK;
  return rc;
}

// --- the threads --------------------------------------------------------------------------------

static struct act__job *take(struct act__blocking_thread *self) {
  struct act__blocking *pool = self->pool;
  struct act__job *job = act__job_queue_pop(&pool->queue);
  // relaxed: an age.
  if (job) act__store_relaxed(&pool->taken_ns, act__near_clock_now(&self->near));
  return job;
}

// Has found a job, or a bed.
static void leave_lookout(struct act__blocking_thread *self) {
  struct act__blocking *pool = self->pool;
  if (!act__lookout_end(&pool->lookout)) return;
#ifndef ACT_MUTANT_BLOCKING_LEAVES_SILENTLY
  if (!act__job_queue_is_empty(&pool->queue)) (void)call_up(pool, self->hurry);
#endif
}

// NULL: nothing came. The less often something comes, the sooner it gives up.
static struct act__job *look_round(struct act__blocking_thread *self) {
  int64_t end_ns = act__near_clock_now(&self->near) + self->spin_ns;
  self->hurry = false;
  do {
    struct act__job *job = take(self);
    if (job) {
      self->spin_ns = ACT__BLOCKING_SPIN_NS;
      return job;
    }
    for (int i = 0; i < PAUSES_BETWEEN_LOOKS; i++) act__spin_pause();
  } while (act__near_clock_now(&self->near) < end_ns);
  self->spin_ns /= 2;
  return NULL;
}

// False: closing.
static bool doze(struct act__blocking_thread *self, int64_t until_ns) {
  struct act__blocking *pool = self->pool;
  act__mutex_lock(&pool->mutex);
  while (!pool->closing && act__cond_wait_until(&self->call, &pool->mutex, until_ns)) {
  }
  bool closing = pool->closing;
  act__mutex_unlock(&pool->mutex);
  return !closing;
}

// NULL: there was nothing to do for a while, or closing.
static struct act__job *stand_by(struct act__blocking_thread *self) {
  struct act__job_queue *queue = &self->pool->queue;
  int64_t now_ns = act__near_clock_now(&self->near), mark_ns = now_ns;
  uint64_t mark = act__job_queue_pushed(queue);  // the job that this one's wait is watched
  self->hurry = true;
  for (;;) {
    uint64_t taken = act__job_queue_taken(queue);
    if (!doze(self, now_ns + ACT__BLOCKING_LOOK_NS)) return take(self);
    now_ns = act__near_clock_now(&self->near);
    bool quiet = act__job_queue_taken(queue) == taken;
    taken = act__job_queue_taken(queue);
    if (act__job_queue_is_empty(queue)) {
      if (quiet) return NULL;
    } else {
      // relaxed: an age.
      int64_t since_ns = now_ns - act__load_relaxed(&self->pool->taken_ns);
      bool late = since_ns >= ACT__BLOCKING_LOOK_NS ||
                  (taken < mark && now_ns - mark_ns >= ACT__BLOCKING_SLOW_NS);
      struct act__job *job = late ? take(self) : NULL;
      if (job) return job;
    }
    if (taken >= mark) {
      mark = act__job_queue_pushed(queue);
      mark_ns = now_ns;
    }
  }
}

// Has been called up. If others have taken jobs since, they will take these too.
static struct act__job *answer_the_call(struct act__blocking_thread *self) {
  if (self->called_at == act__job_queue_taken(&self->pool->queue)) {
    self->hurry = true;
    struct act__job *job = take(self);
    if (job) return job;
  }
  return stand_by(self);
}

// Ends, with the mutex held: in the same breath nobody can call it up any more.
static void end(struct act__blocking_thread *self) {
  self->pool->running--;
  self->state = ACT__BLOCKING_ENDED;
}

// With the mutex held: the queue was not empty after all. Gets up unless it has been called already.
static void get_up(struct act__blocking_thread *self) {
  if (self->called) return;
  act__list_remove(&self->sleeper);
  self->pool->asleep--;
  put_on_lookout(self, true);
}

// From the lookout to bed. True: called up. False: has ended.
static bool sleep_until_called(struct act__blocking_thread *self) {
  struct act__blocking *pool = self->pool;
  act__mutex_lock(&pool->mutex);
  if (pool->closing && act__job_queue_is_empty(&pool->queue)) {
    end(self);
    act__mutex_unlock(&pool->mutex);
    return false;
  }
  self->called = false;
  act__list_push_front(&pool->sleepers, &self->sleeper);
  pool->asleep++;
  // In bed first, then off the lookout: who finds nobody there finds this one here.
#ifdef ACT_MUTANT_BLOCKING_SLEEPS_UNSEEN
  (void)act__lookout_end(&pool->lookout);
#else
  if (act__lookout_end(&pool->lookout) && !act__job_queue_is_empty(&pool->queue)) get_up(self);
#endif
  int64_t began_ns = act__clock_now(pool->clock);
  int64_t until_ns = act__time_add(began_ns, pool->idle_ns);
  while (!self->called) {
    if (pool->closing) {
      get_up(self);
    } else if (!act__cond_wait_until(&self->call, &pool->mutex, until_ns) && !self->called &&
               !pool->closing) {
      act__list_remove(&self->sleeper);
      pool->asleep--;
      end(self);
      break;
    }
  }
  bool called = self->called;
  act__mutex_unlock(&pool->mutex);
  // Looking round a little longer would have saved the call.
  bool nearly = act__clock_now(pool->clock) - began_ns < ACT__BLOCKING_SPIN_NS;
  if (nearly) self->spin_ns = ACT__BLOCKING_SPIN_NS;
  return called;
}

static void thread_main(void *arg) {
  struct act__blocking_thread *self = arg;
  struct act__blocking *pool = self->pool;
  act__near_clock_init(&self->near, pool->clock);
  self->spin_ns = ACT__BLOCKING_SPIN_NS;
  act__mutex_lock(&pool->mutex);  // until it has been put on the lookout
  act__mutex_unlock(&pool->mutex);
  bool called = true;
  while (called) {
    struct act__job *job = answer_the_call(self);
    while (job) {
      leave_lookout(self);
      do {
        job->work(job);
        job->done(job);  // the job may be gone now
      } while ((job = take(self)));
      act__lookout_begin(&pool->lookout);
      job = look_round(self);
    }
    called = sleep_until_called(self);
  }
}

// --- the end ------------------------------------------------------------------------------------

// Nobody is called up any more once the pool is closing, so what waits gets its threads before, with
// the mutex held: its jobs may be long, or wait for each other.
static void start_for_all(struct act__blocking *pool) {
  uint64_t waiting = act__job_queue_pushed(&pool->queue) - act__job_queue_taken(&pool->queue);
  struct act__blocking_thread *thread;
  for (; waiting > 0 && pool->running < pool->threads_max; waiting--) {
    if (start_thread(pool, &thread)) return;  // then those that are there run them
    put_on_lookout(thread, true);
  }
}

void act__blocking_fini(struct act__blocking *pool) {
  if (!pool->threads) return;
  act__mutex_lock(&pool->mutex);
#ifndef ACT_MUTANT_BLOCKING_CLOSES_ALONE
  start_for_all(pool);
#endif
  pool->closing = true;
  for (unsigned i = 0; i < pool->threads_max; i++) act__cond_signal(&pool->threads[i].call);
  act__mutex_unlock(&pool->mutex);

  // States change no more from here on except RUNNING to ENDED, which join waits for.
  for (unsigned i = 0; i < pool->threads_max; i++) {
    act__mutex_lock(&pool->mutex);
    bool started = pool->threads[i].state != ACT__BLOCKING_FREE;
    act__mutex_unlock(&pool->mutex);
    if (started) act__thread_join(&pool->threads[i].thread);
  }
  ACT_ASSERT(act__job_queue_is_empty(&pool->queue));
  for (unsigned i = 0; i < pool->threads_max; i++) act__cond_fini(&pool->threads[i].call);
  act__mutex_fini(&pool->mutex);
  act__free(pool->threads);
  *pool = (struct act__blocking){0};
}

unsigned act__blocking_running(struct act__blocking *pool) {
  act__mutex_lock(&pool->mutex);
  unsigned running = pool->running;
  act__mutex_unlock(&pool->mutex);
  return running;
}
