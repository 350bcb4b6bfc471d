// SPDX-License-Identifier: Apache-2.0
//
// Where runnable tasks wait: a worker's own queue, and the queue shared by all for submissions from
// outside. Both are chains through the tasks themselves, so nothing here allocates or fails.
//
// A worker's queue has two parts. The fresh part is a deque: its owner takes the newest (what it
// touched last is in its cache, and a tree of spawned tasks is walked depth first), thieves take the
// oldest. The lane is first in, first out, for tasks that had their turn and want more, and for what
// time or thieves brought. The owner takes from the lane when nothing is fresh, and by turns when the
// scheduler asks for fairness.
//
// A worker's queue is plain memory: whoever uses it is behind the worker's door (sched/door.h).
// Invariant: `length` is the number of tasks in both parts.
#ifndef TROUPE_RUNTIME_SCHED_RUNQ_H
#define TROUPE_RUNTIME_SCHED_RUNQ_H

#include <stdbool.h>

#include "base/thread.h"
#include "runtime/task.h"

// A chain of tasks, linked by next.
struct act__task_chain {
  struct act__task *first, *last;
  unsigned length;
};

typedef enum act__turn (*act__task_fn)(struct act__task *task, struct act__worker *me);

void act__task_chain_push(struct act__task_chain *chain, struct act__task *task);
struct act__task *act__task_chain_pop(struct act__task_chain *chain);  // NULL: empty

struct act__runq {
  struct act__task *newest, *oldest;  // next leads to older ones, prev to newer ones
  struct act__task_chain lane;
  uint32_t length;
};

void act__runq_init(struct act__runq *queue);

// The new newest one; a task or a chain goes to the end of the lane.
void act__runq_push(struct act__runq *queue, struct act__task *task);
void act__runq_push_behind(struct act__runq *queue, struct act__task *task);
void act__runq_push_chain(struct act__runq *queue, struct act__task_chain *chain);

// NULL: nothing there.
struct act__task *act__runq_pop(struct act__runq *queue);         // newest, else first of the lane
struct act__task *act__runq_pop_oldest(struct act__runq *queue);  // oldest of the fresh ones
struct act__task *act__runq_pop_lane(struct act__runq *queue);    // first of the lane

// Moves half of what is there, rounded up, at most `most`, to the end of `chain`: first from the
// lane (known to have much to do), then the oldest. `keep` tasks stay at least.
void act__runq_steal(struct act__runq *queue, unsigned keep, unsigned most,
                     struct act__task_chain *chain);

// Has the first of the lane or the oldest not begun yet? `first_run` is the `run` of those.
bool act__runq_has_unbegun(const struct act__runq *queue, act__task_fn first_run);
// Moves such tasks from these two ends, `most` at most, to the end of `chain`.
void act__runq_steal_unbegun(struct act__runq *queue, act__task_fn first_run, unsigned most,
                             struct act__task_chain *chain);

// Moves all that is there to the end of `chain`.
void act__runq_take_all(struct act__runq *queue, struct act__task_chain *chain);

// The shared queue, first in, first out.
struct act__inject {
  ACT__ATOMIC(uint32_t) length;
  struct act__mutex mutex;
  struct act__task_chain chain;  // under mutex
};

void act__inject_init(struct act__inject *inject);
void act__inject_fini(struct act__inject *inject);
void act__inject_push(struct act__inject *inject, struct act__task *task);
void act__inject_take(struct act__inject *inject, unsigned most, struct act__task_chain *chain);

static inline uint32_t act__inject_length(struct act__inject *inject) {
  // seq_cst [inject:length]: R2 of runtime/sched/idle.h.
  return act__load_seq_cst(&inject->length);
}

#endif
