// SPDX-License-Identifier: Apache-2.0
//
// A task: something that can be run for one turn. The runtime knows nothing else of what it runs.
//
// A task is submitted by whoever makes it runnable, exactly once until its turn says DONE: the owner
// of the task decides who that is (a mailbox's IDLE bit does, for actors). After a turn returned
// DONE the runtime does not touch the task again; another thread may already be running it.
#ifndef TROUPE_RUNTIME_TASK_H
#define TROUPE_RUNTIME_TASK_H

struct act__worker;

enum act__turn {
  ACT__TURN_DONE,   // nothing left; runnable again when somebody submits it
  ACT__TURN_AGAIN,  // budget used up, more to do: goes behind everything that waits
};

struct act__task {
  struct act__task *next;  // the run queue's links; owned by the runtime while submitted
  struct act__task *prev;
  enum act__turn (*run)(struct act__task *task, struct act__worker *me);
};

#endif
