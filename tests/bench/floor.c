// SPDX-License-Identifier: Apache-2.0
//
// The queue is the intrusive list of many producers and one consumer by D. Vyukov (2008).
#include "tests/bench/floor.h"

#include <linux/futex.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/check.h"
#include "base/thread.h"

struct node {
  ACT__ATOMIC(struct node *) next;
  int64_t value;
  void (*handler)(int64_t *state, struct node *);
};

struct queue {
  ACT__ATOMIC(struct node *) head;
  struct node *tail __attribute__((aligned(128)));
  struct node stub;
};

static void queue_init(struct queue *queue) {
  act__atomic_init(&queue->stub.next, NULL);
  act__atomic_init(&queue->head, &queue->stub);
  queue->tail = &queue->stub;
}

static void queue_push(struct queue *queue, struct node *node) {
  act__store_relaxed(&node->next, NULL);  // relaxed: the store below publishes it
  // acq_rel [floor]: pairs with itself, one push after another.
  struct node *before = act__exchange_acq_rel(&queue->head, node);
  // release [floor]: pairs with the acquires in pop.
  act__store_release(&before->next, node);
}

static struct node *queue_pop(struct queue *queue) {
  struct node *tail = queue->tail;
  // acquire [floor]: pairs with push, here and below.
  struct node *next = act__load_acquire(&tail->next);
  if (tail == &queue->stub) {
    if (!next) return NULL;
    queue->tail = tail = next;
    next = act__load_acquire(&tail->next);
  }
  if (next) {
    queue->tail = next;
    return tail;
  }
  if (tail != act__load_acquire(&queue->head)) return NULL;
  queue_push(queue, &queue->stub);
  next = act__load_acquire(&tail->next);
  if (!next) return NULL;
  queue->tail = next;
  return tail;
}

__attribute__((noinline)) static void add(int64_t *state, struct node *node) {
  *state += node->value;
}

__attribute__((noinline)) static void subtract(int64_t *state, struct node *node) {
  *state -= node->value;
}

static int64_t dispatch(struct queue *queue, int times) {
  int64_t state = 0;
  struct node *free_list = NULL, *node;
  for (int i = 0; i < times; i++) {
    if ((node = free_list)) {
      free_list = act__load_relaxed(&node->next);  // relaxed: one thread, here and below
    } else {
      node = malloc(sizeof *node);
      ACT_ASSERT(node);
    }
    node->value = i;
    node->handler = i & 1 ? add : subtract;
    queue_push(queue, node);
    while ((node = queue_pop(queue))) {
      node->handler(&state, node);
      act__store_relaxed(&node->next, free_list);
      free_list = node;
    }
  }
  while ((node = free_list)) {
    free_list = act__load_relaxed(&node->next);
    free(node);
  }
  return state;
}

double bench_floor_dispatch(bool quick) {
  enum { LOOKS = 5 };
  int times = quick ? 40000 : 400000;
  double ns[LOOKS];
  struct queue queue;
  for (int i = 0; i < LOOKS; i++) {
    queue_init(&queue);
    int64_t began = bench_now_ns();
    int64_t state = dispatch(&queue, times);
    ns[i] = (double)(bench_now_ns() - began) / times;
    ACT_ASSERT(state == times / 2);
    for (int k = i; k > 0 && ns[k - 1] > ns[k]; k--) {
      double swap = ns[k];
      ns[k] = ns[k - 1];
      ns[k - 1] = swap;
    }
  }
  return ns[LOOKS / 2];
}

// --- two threads ---------------------------------------------------------------------------------

// Puts the calling thread on the which-th processor that it may use, if there are so many.
static void pin(int which) {
  cpu_set_t may, one;
  CPU_ZERO(&one);
  if (sched_getaffinity(0, sizeof may, &may) != 0) return;
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (!CPU_ISSET(cpu, &may) || which-- > 0) continue;
    CPU_SET(cpu, &one);
    sched_setaffinity(0, sizeof one, &one);
    return;
  }
}

struct shared {
  struct queue queue;
  struct node *nodes;
  int times;
  ACT__ATOMIC(uint32_t) go __attribute__((aligned(128)));
  ACT__ATOMIC(uint32_t) ping __attribute__((aligned(128)));
  ACT__ATOMIC(uint32_t) pong __attribute__((aligned(128)));
};

static void produce(void *arg) {
  struct shared *shared = arg;
  pin(1);
  act__store_release(&shared->go, 1);  // release [floor:go]: pairs with the acquire below
  for (int i = 0; i < shared->times; i++) queue_push(&shared->queue, &shared->nodes[i]);
}

static void consume(void *arg) {
  struct shared *shared = arg;
  pin(0);
  while (!act__load_acquire(&shared->go)) act__spin_pause();
  for (int left = shared->times; left > 0;) {
    if (queue_pop(&shared->queue)) {
      left--;
    } else {
      act__spin_pause();
    }
  }
}

static double two_threads(struct shared *shared, void (*first)(void *), void (*second)(void *)) {
  struct act__thread threads[2];
  int64_t began = bench_now_ns();
  act_rc rc = act__thread_start(&threads[0], "floor-0", 0, first, shared);
  if (!rc) rc = act__thread_start(&threads[1], "floor-1", 0, second, shared);
  ACT_ASSERT(!rc);
  for (int i = 0; i < 2; i++) act__thread_join(&threads[i]);
  return (double)(bench_now_ns() - began) / shared->times;
}

double bench_floor_mpsc(bool quick) {
  struct shared shared = {.times = quick ? 50000 : 1000000};
  shared.nodes = calloc((size_t)shared.times, sizeof *shared.nodes);
  ACT_ASSERT(shared.nodes);
  for (int i = 0; i < shared.times; i++) shared.nodes[i].value = i;  // in memory before the clock
  queue_init(&shared.queue);
  double ns = two_threads(&shared, consume, produce);
  free(shared.nodes);
  return ns;
}

static void wait_for(ACT__ATOMIC(uint32_t) *word, uint32_t wanted) {
  uint32_t seen;
  while ((seen = act__load_acquire(word)) != wanted) {
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
  }
}

static void wake_with(ACT__ATOMIC(uint32_t) *word, uint32_t value) {
  act__store_release(word, value);  // release [floor:wake]: pairs with the acquire above
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void ping(void *arg) {
  struct shared *shared = arg;
  pin(0);
  for (uint32_t i = 1; i <= (uint32_t)shared->times; i++) {
    wake_with(&shared->ping, i);
    wait_for(&shared->pong, i);
  }
}

static void pong(void *arg) {
  struct shared *shared = arg;
  pin(1);
  for (uint32_t i = 1; i <= (uint32_t)shared->times; i++) {
    wait_for(&shared->ping, i);
    wake_with(&shared->pong, i);
  }
}

double bench_floor_wake(bool quick) {
  struct shared shared = {.times = quick ? 100 : 2000};
  return two_threads(&shared, ping, pong) / 2 / 1e3;
}
