// SPDX-License-Identifier: Apache-2.0
#include "runtime/job_queue.h"

#include <stddef.h>

void act__job_queue_init(struct act__job_queue *queue, unsigned max) {
  *queue = (struct act__job_queue){.max = max};
  act__spinlock_init(&queue->in_lock);
  act__spinlock_init(&queue->out_lock);
  act__atomic_init(&queue->pushed, 0u);
  act__atomic_init(&queue->taken, 0u);
}

// With in_lock held. The takers' count is read only when the one in hand says full.
static bool is_full(struct act__job_queue *queue, uint64_t pushed) {
  if (pushed - queue->taken_seen < queue->max) return false;
  // acquire [job:taken]: pairs with the release in pop; who gets the room of a job sees that it is
  // gone from the list.
  queue->taken_seen = act__load_acquire(&queue->taken);
  return pushed - queue->taken_seen >= queue->max;
}

bool act__job_queue_push(struct act__job_queue *queue, struct act__job *job) {
  job->next = NULL;
  act__spinlock_lock(&queue->in_lock);
  uint64_t pushed = act__load_relaxed(&queue->pushed);  // relaxed: only holders of the lock write
  if (is_full(queue, pushed)) {
    act__spinlock_unlock(&queue->in_lock);
    return false;
  }
  if (queue->in_first) {
    queue->in_last->next = job;
  } else {
    queue->in_first = job;
  }
  queue->in_last = job;
  // seq_cst [lookout]: W1 of runtime/lookout.h.
  act__store_seq_cst(&queue->pushed, pushed + 1);
  act__spinlock_unlock(&queue->in_lock);
  return true;
}

// With out_lock held: makes all that was pushed the takers'.
static void hand_over(struct act__job_queue *queue) {
  act__spinlock_lock(&queue->in_lock);
  queue->out_first = queue->in_first;
  queue->in_first = queue->in_last = NULL;
  act__spinlock_unlock(&queue->in_lock);
}

static void count_taken(struct act__job_queue *queue) {
  // relaxed: only holders of out_lock write. release [job:taken]: pairs with the acquire in is_full.
  act__store_release(&queue->taken, act__load_relaxed(&queue->taken) + 1);
}

struct act__job *act__job_queue_pop(struct act__job_queue *queue) {
  // relaxed: a look that saves the lock; what is sure is said by runtime/lookout.h.
  if (act__load_relaxed(&queue->pushed) == act__job_queue_taken(queue)) return NULL;
  act__spinlock_lock(&queue->out_lock);
  if (!queue->out_first) hand_over(queue);
  struct act__job *job = queue->out_first;
  if (job) {
    queue->out_first = job->next;
    __builtin_prefetch(job->next);  // it comes from another core
    count_taken(queue);
  }
  act__spinlock_unlock(&queue->out_lock);
  return job;
}

// Takes a job out of a chain. False: it is not there.
static bool unlink_from(struct act__job **first, const struct act__job *job) {
  for (struct act__job **at = first; *at; at = &(*at)->next) {
    if (*at != job) continue;
    *at = job->next;
    return true;
  }
  return false;
}

bool act__job_queue_remove(struct act__job_queue *queue, struct act__job *job) {
  act__spinlock_lock(&queue->out_lock);
  // What was pushed may stay where it is unless the job is there: order is kept by moving it behind.
  struct act__job **end = &queue->out_first;
  while (*end) end = &(*end)->next;
  act__spinlock_lock(&queue->in_lock);
  *end = queue->in_first;
  queue->in_first = queue->in_last = NULL;
  act__spinlock_unlock(&queue->in_lock);
  bool removed = unlink_from(&queue->out_first, job);
  if (removed) count_taken(queue);
  act__spinlock_unlock(&queue->out_lock);
  return removed;
}
