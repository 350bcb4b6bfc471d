// SPDX-License-Identifier: Apache-2.0
#include "runtime/blocking.h"

#include "base/alloc.h"
#include "base/check.h"

act_rc act__blocking_init(struct act__blocking *pool, struct act__clock *clock,
                          unsigned threads_max, unsigned queue_max) {
  ACT_ASSERT(threads_max > 0 && queue_max > 0);
  *pool = (struct act__blocking){.clock = clock,
                                 .threads_max = threads_max,
                                 .queue_max = queue_max,
                                 .idle_ns = ACT__BLOCKING_IDLE_NS};
  pool->threads = act__calloc(threads_max, sizeof pool->threads[0]);
  if (!pool->threads) return ACT_ENOMEM;
  act__mutex_init(&pool->mutex);
  act__cond_init(&pool->more);
  return ACT_OK;
}

void act__blocking_fini(struct act__blocking *pool) {
  if (!pool->threads) return;
  act__mutex_lock(&pool->mutex);
  pool->closing = true;
  act__cond_broadcast(&pool->more);
  act__mutex_unlock(&pool->mutex);

  // States change no more from here on except RUNNING to ENDED, which join waits for.
  for (unsigned i = 0; i < pool->threads_max; i++) {
    act__mutex_lock(&pool->mutex);
    bool started = pool->threads[i].state != ACT__BLOCKING_FREE;
    act__mutex_unlock(&pool->mutex);
    if (started) act__thread_join(&pool->threads[i].thread);
  }
  ACT_ASSERT(!pool->first);
  act__cond_fini(&pool->more);
  act__mutex_fini(&pool->mutex);
  act__free(pool->threads);
  *pool = (struct act__blocking){0};
}

static struct act__job *pop(struct act__blocking *pool) {
  struct act__job *job = pool->first;
  if (!job) return NULL;
  pool->first = job->next;
  if (!pool->first) pool->last = NULL;
  pool->waiting--;
  return job;
}

// Waits for a job, with the mutex held. NULL: this thread ends, idle for long or closing.
static struct act__job *wait_for_job(struct act__blocking *pool) {
  int64_t deadline = act__time_add(act__clock_now(pool->clock), pool->idle_ns);
  for (;;) {
    struct act__job *job = pop(pool);
    if (job || pool->closing) return job;
    pool->idle++;
    bool in_time = act__cond_wait_until(&pool->more, &pool->mutex, deadline);
    pool->idle--;
    if (!in_time) return pop(pool);
  }
}

static void thread_main(void *arg) {
  struct act__blocking_thread *self = arg;
  struct act__blocking *pool = self->pool;
  act__mutex_lock(&pool->mutex);
  struct act__job *job;
  while ((job = wait_for_job(pool))) {
    act__mutex_unlock(&pool->mutex);
    job->work(job);
    job->done(job);  // the job may be gone now
    act__mutex_lock(&pool->mutex);
  }
  pool->running--;
  self->state = ACT__BLOCKING_ENDED;
  act__mutex_unlock(&pool->mutex);
}

// Finds a place for one more thread, with the mutex held; NULL when all run.
static struct act__blocking_thread *free_place(struct act__blocking *pool) {
  for (unsigned i = 0; i < pool->threads_max; i++) {
    if (pool->threads[i].state != ACT__BLOCKING_RUNNING) return &pool->threads[i];
  }
  return NULL;
}

// With the mutex held throughout: it keeps a place from being taken twice, an ended thread needs the
// mutex no more, and starting one does not wait for anything.
static act_rc start_thread(struct act__blocking *pool) {
  struct act__blocking_thread *place = free_place(pool);
  ACT_ASSERT(place);
  if (place->state == ACT__BLOCKING_ENDED) act__thread_join(&place->thread);
  place->state = ACT__BLOCKING_FREE;
  place->pool = pool;
  act_rc rc = act__thread_start(&place->thread, "act-blocking", 0, thread_main, place);
  if (rc) return rc;
  place->state = ACT__BLOCKING_RUNNING;
  pool->running++;
  return ACT_OK;
}

act_rc act__blocking_push(struct act__blocking *pool, struct act__job *job) {
  act_rc rc = ACT_OK;
  act__mutex_lock(&pool->mutex);
  ACT_ASSERT(!pool->closing);
  if (pool->waiting >= pool->queue_max) {
    rc = ACT_EFULL;
  } else if (pool->waiting >= pool->idle && pool->running < pool->threads_max) {
    // Each idle thread already has a waiting job on its way to it.
    rc = start_thread(pool);
    if (pool->running > 0) rc = ACT_OK;  // others are there to take it
  }
  if (!rc) {
    job->next = NULL;
    if (pool->last) {
      pool->last->next = job;
    } else {
      pool->first = job;
    }
    pool->last = job;
    pool->waiting++;
    act__cond_signal(&pool->more);
  }
  act__mutex_unlock(&pool->mutex);
  return rc;
}

unsigned act__blocking_running(struct act__blocking *pool) {
  act__mutex_lock(&pool->mutex);
  unsigned running = pool->running;
  act__mutex_unlock(&pool->mutex);
  return running;
}
