// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/open_loop.h"

#include <math.h>
#include <stdlib.h>

#include "base/atomic.h"
#include "base/check.h"
#include "base/rand.h"
#include "base/thread.h"
#include "tests/bench/floor.h"

void open_loop_init(struct open_loop *loop, double rate, int64_t now_ns) {
  *loop = (struct open_loop){1, 1e9 / rate, (double)now_ns};
}

int64_t open_loop_next(struct open_loop *loop) {
  double u = (double)(act__splitmix64(&loop->random) >> 11) / 9007199254740992.0;
  loop->due_ns -= log(1.0 - u) * loop->mean_ns;
  return (int64_t)loop->due_ns;
}

void open_loop_wait(int64_t due_ns) {
  while (bench_now_ns() < due_ns) act__thread_yield();
}

// --- the floor: threads with a bounded queue each, one producer -------------------------------------

#define SLOTS 65536u
#define LOOKS_BEFORE_SLEEP 500

struct lane {
  const struct bench *bench;
  struct act__thread thread;
  struct act__parker parker;
  ACT__ATOMIC(uint64_t) written __attribute__((aligned(128)));
  ACT__ATOMIC(uint32_t) sleeping;
  ACT__ATOMIC(uint32_t) ended;
  ACT__ATOMIC(uint64_t) read __attribute__((aligned(128)));
  int64_t due_ns[SLOTS];
  struct bench_histogram late;
};

static bool wait_for_more(struct lane *lane, uint64_t read) {
  for (int i = 0; i < LOOKS_BEFORE_SLEEP; i++) {
    // acquire [lane]: pairs with the release in hand_over.
    if (act__load_acquire(&lane->written) != read) return true;
    act__spin_pause();
  }
  // seq_cst [lane:sleep]: either this sees what was written or hand_over sees that we sleep.
  act__store_seq_cst(&lane->sleeping, 1);
  if (act__load_seq_cst(&lane->written) == read) {
    if (act__load_acquire(&lane->ended)) return false;
    act__parker_park(&lane->parker, bench_now_ns() + INT64_C(10000000));
  }
  act__store_seq_cst(&lane->sleeping, 0);
  return true;
}

static void lane_main(void *arg) {
  struct lane *lane = arg;
  uint64_t read = 0;
  for (;;) {
    if (act__load_acquire(&lane->written) == read) {
      if (!wait_for_more(lane, read)) return;
      continue;
    }
    int64_t due_ns = lane->due_ns[read % SLOTS];
    bench_spin(lane->bench, OPEN_LOOP_WORK_US);
    bench_histogram_add(&lane->late, bench_now_ns() - due_ns);
    act__store_release(&lane->read, ++read);  // release [lane:room]: pairs with hand_over
  }
}

static void hand_over(struct lane *lane, int64_t due_ns) {
  uint64_t written = act__load_relaxed(&lane->written);  // relaxed: this thread writes it
  while (written - act__load_acquire(&lane->read) == SLOTS) act__thread_yield();
  lane->due_ns[written % SLOTS] = due_ns;
  // seq_cst [lane:sleep], and release [lane].
  act__store_seq_cst(&lane->written, written + 1);
  if (act__load_seq_cst(&lane->sleeping)) act__parker_unpark(&lane->parker);
}

void bench_floor_open_loop(const struct bench *bench, double rate, uint64_t n,
                           struct bench_histogram *out) {
  struct lane *lanes = aligned_alloc(128, sizeof *lanes * bench->workers);
  ACT_ASSERT(lanes);
  for (unsigned i = 0; i < bench->workers; i++) {
    struct lane *lane = &lanes[i];
    lane->bench = bench;
    lane->late = (struct bench_histogram){0};
    act__parker_init(&lane->parker);
    act__atomic_init(&lane->written, 0);
    act__atomic_init(&lane->read, 0);
    act__atomic_init(&lane->sleeping, 0);
    act__atomic_init(&lane->ended, 0);
    act_rc rc = act__thread_start(&lane->thread, "open-loop", 0, lane_main, lane);
    ACT_ASSERT(!rc);
  }
  struct open_loop loop;
  open_loop_init(&loop, rate, bench_now_ns());
  for (uint64_t i = 0; i < n; i++) {
    int64_t due_ns = open_loop_next(&loop);
    open_loop_wait(due_ns);
    hand_over(&lanes[i % bench->workers], due_ns);
  }
  for (unsigned i = 0; i < bench->workers; i++) {
    act__store_release(&lanes[i].ended, 1);  // release [lane:ended]: pairs with wait_for_more
    act__parker_unpark(&lanes[i].parker);
    act__thread_join(&lanes[i].thread);
    bench_histogram_merge(out, &lanes[i].late);
    act__parker_fini(&lanes[i].parker);
  }
  free(lanes);
}
