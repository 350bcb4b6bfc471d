// SPDX-License-Identifier: Apache-2.0
#include "runtime/sched/runq.h"

#include <stddef.h>

#include "base/check.h"

void act__task_chain_push(struct act__task_chain *chain, struct act__task *task) {
  task->next = NULL;
  if (chain->last) {
    chain->last->next = task;
  } else {
    chain->first = task;
  }
  chain->last = task;
  chain->length++;
}

struct act__task *act__task_chain_pop(struct act__task_chain *chain) {
  struct act__task *task = chain->first;
  if (!task) return NULL;
  chain->first = task->next;
  if (!chain->first) chain->last = NULL;
  chain->length--;
  return task;
}

void act__runq_init(struct act__runq *queue) {
  act__atomic_init(&queue->length, 0);
  act__spinlock_init(&queue->lock);
  queue->newest = queue->oldest = NULL;
  queue->lane = (struct act__task_chain){0};
}

// Under the lock.
static uint32_t length_now(struct act__runq *queue) {
  return act__load_relaxed(&queue->length);  // relaxed: only holders of the lock write
}

// Under the lock.
static void grow(struct act__runq *queue, uint32_t by) {
  // seq_cst [runq:length]: W1 of runtime/sched/idle.h.
  act__store_seq_cst(&queue->length, length_now(queue) + by);
}

// Under the lock.
static void shrink(struct act__runq *queue) {
  // relaxed: whoever reads the old value looks in vain, no more.
  act__store_relaxed(&queue->length, length_now(queue) - 1);
}

void act__runq_push(struct act__runq *queue, struct act__task *task) {
  act__spinlock_lock(&queue->lock);
  task->prev = NULL;
  task->next = queue->newest;
  if (queue->newest) {
    queue->newest->prev = task;
  } else {
    queue->oldest = task;
  }
  queue->newest = task;
  grow(queue, 1);
  act__spinlock_unlock(&queue->lock);
}

void act__runq_push_behind(struct act__runq *queue, struct act__task *task) {
  act__spinlock_lock(&queue->lock);
  act__task_chain_push(&queue->lane, task);
  grow(queue, 1);
  act__spinlock_unlock(&queue->lock);
}

void act__runq_push_chain(struct act__runq *queue, struct act__task_chain *chain) {
  if (chain->length == 0) return;
  act__spinlock_lock(&queue->lock);
  if (queue->lane.last) {
    queue->lane.last->next = chain->first;
  } else {
    queue->lane.first = chain->first;
  }
  queue->lane.last = chain->last;
  queue->lane.length += chain->length;
  grow(queue, chain->length);
  act__spinlock_unlock(&queue->lock);
  *chain = (struct act__task_chain){0};
}

// Under the lock, as the next two.
static struct act__task *take_newest(struct act__runq *queue) {
  struct act__task *task = queue->newest;
  if (!task) return NULL;
  queue->newest = task->next;
  if (queue->newest) {
    queue->newest->prev = NULL;
  } else {
    queue->oldest = NULL;
  }
  shrink(queue);
  return task;
}

static struct act__task *take_oldest(struct act__runq *queue) {
  struct act__task *task = queue->oldest;
  if (!task) return NULL;
  queue->oldest = task->prev;
  if (queue->oldest) {
    queue->oldest->next = NULL;
  } else {
    queue->newest = NULL;
  }
  shrink(queue);
  return task;
}

static struct act__task *take_lane(struct act__runq *queue) {
  struct act__task *task = act__task_chain_pop(&queue->lane);
  if (task) shrink(queue);
  return task;
}

struct act__task *act__runq_pop(struct act__runq *queue) {
  // relaxed: only the owner adds, and it is the caller; thieves only make it less.
  if (act__load_relaxed(&queue->length) == 0) return NULL;
  act__spinlock_lock(&queue->lock);
  struct act__task *task = take_newest(queue);
  if (!task) task = take_lane(queue);
  act__spinlock_unlock(&queue->lock);
  return task;
}

struct act__task *act__runq_pop_oldest(struct act__runq *queue) {
  act__spinlock_lock(&queue->lock);
  struct act__task *task = take_oldest(queue);
  act__spinlock_unlock(&queue->lock);
  return task;
}

struct act__task *act__runq_pop_lane(struct act__runq *queue) {
  act__spinlock_lock(&queue->lock);
  struct act__task *task = take_lane(queue);
  act__spinlock_unlock(&queue->lock);
  return task;
}

void act__runq_steal(struct act__runq *queue, unsigned keep, unsigned most,
                     struct act__task_chain *chain) {
  act__spinlock_lock(&queue->lock);
  uint32_t length = length_now(queue);
  uint32_t wanted = (length + 1) / 2;
  if (wanted > most) wanted = most;
  if (length < keep + wanted) wanted = length > keep ? length - keep : 0;
  while (wanted-- > 0) {
    struct act__task *task = take_lane(queue);
    if (!task) task = take_oldest(queue);
    ACT_ASSERT(task);
    act__task_chain_push(chain, task);
  }
  act__spinlock_unlock(&queue->lock);
}

void act__inject_init(struct act__inject *inject) {
  act__atomic_init(&inject->length, 0);
  act__mutex_init(&inject->mutex);
  inject->chain = (struct act__task_chain){0};
}

void act__inject_fini(struct act__inject *inject) {
  ACT_ASSERT(!inject->chain.first);
  act__mutex_fini(&inject->mutex);
}

void act__inject_push(struct act__inject *inject, struct act__task *task) {
  act__mutex_lock(&inject->mutex);
  act__task_chain_push(&inject->chain, task);
  // seq_cst [inject:length]: W1 of runtime/sched/idle.h.
  act__store_seq_cst(&inject->length, inject->chain.length);
  act__mutex_unlock(&inject->mutex);
}

void act__inject_take(struct act__inject *inject, unsigned most, struct act__task_chain *chain) {
  act__mutex_lock(&inject->mutex);
  struct act__task *task;
  while (most-- > 0 && (task = act__task_chain_pop(&inject->chain))) {
    act__task_chain_push(chain, task);
  }
  // seq_cst [inject:length]: one order for all values of it.
  act__store_seq_cst(&inject->length, inject->chain.length);
  act__mutex_unlock(&inject->mutex);
}
