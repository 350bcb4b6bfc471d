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

// The one after the other; `more` is empty then.
static void append(struct act__task_chain *chain, struct act__task_chain *more) {
  if (more->length == 0) return;
  if (chain->last) {
    chain->last->next = more->first;
  } else {
    chain->first = more->first;
  }
  chain->last = more->last;
  chain->length += more->length;
  *more = (struct act__task_chain){0};
}

void act__runq_init(struct act__runq *queue) {
  *queue = (struct act__runq){0};
}

void act__runq_push(struct act__runq *queue, struct act__task *task) {
  task->prev = NULL;
  task->next = queue->newest;
  if (queue->newest) {
    queue->newest->prev = task;
  } else {
    queue->oldest = task;
  }
  queue->newest = task;
  queue->length++;
}

void act__runq_push_behind(struct act__runq *queue, struct act__task *task) {
  act__task_chain_push(&queue->lane, task);
  queue->length++;
}

void act__runq_push_chain(struct act__runq *queue, struct act__task_chain *chain) {
  queue->length += chain->length;
  append(&queue->lane, chain);
}

static struct act__task *pop_newest(struct act__runq *queue) {
  struct act__task *task = queue->newest;
  if (!task) return NULL;
  queue->newest = task->next;
  if (queue->newest) {
    queue->newest->prev = NULL;
  } else {
    queue->oldest = NULL;
  }
  queue->length--;
  return task;
}

struct act__task *act__runq_pop_oldest(struct act__runq *queue) {
  struct act__task *task = queue->oldest;
  if (!task) return NULL;
  queue->oldest = task->prev;
  if (queue->oldest) {
    queue->oldest->next = NULL;
  } else {
    queue->newest = NULL;
  }
  queue->length--;
  return task;
}

struct act__task *act__runq_pop_lane(struct act__runq *queue) {
  struct act__task *task = act__task_chain_pop(&queue->lane);
  if (task) queue->length--;
  return task;
}

struct act__task *act__runq_pop(struct act__runq *queue) {
  struct act__task *task = pop_newest(queue);
  return task ? task : act__runq_pop_lane(queue);
}

void act__runq_steal(struct act__runq *queue, unsigned keep, unsigned most,
                     struct act__task_chain *chain) {
  uint32_t wanted = (queue->length + 1) / 2;
  if (wanted > most) wanted = most;
  if (queue->length < keep + wanted) wanted = queue->length > keep ? queue->length - keep : 0;
  while (wanted-- > 0) {
    struct act__task *task = act__runq_pop_lane(queue);
    if (!task) task = act__runq_pop_oldest(queue);
    ACT_ASSERT(task);
    act__task_chain_push(chain, task);
  }
}

bool act__runq_has_unbegun(const struct act__runq *queue, act__task_fn first_run) {
#ifdef ACT_MUTANT_STEAL_WHAT_HAS_BEGUN
  if (queue->length > 0) return true;
#endif
  const struct act__task *lane = queue->lane.first, *oldest = queue->oldest;
  return (lane && lane->run == first_run) || (oldest && oldest->run == first_run);
}

void act__runq_steal_unbegun(struct act__runq *queue, act__task_fn first_run, unsigned most,
                             struct act__task_chain *chain) {
  while (most-- > 0 && act__runq_has_unbegun(queue, first_run)) {
    bool lane = queue->lane.first && queue->lane.first->run == first_run;
    act__task_chain_push(chain, lane ? act__runq_pop_lane(queue) : act__runq_pop_oldest(queue));
  }
}

void act__runq_take_all(struct act__runq *queue, struct act__task_chain *chain) {
  struct act__task_chain fresh = {queue->newest, queue->oldest,
                                  queue->length - queue->lane.length};
  append(chain, &queue->lane);
  append(chain, &fresh);
  act__runq_init(queue);
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
