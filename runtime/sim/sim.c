// SPDX-License-Identifier: Apache-2.0
//
// The simulation: one thread, a virtual clock, and a seed that decides everything else. Which of the
// runnable tasks goes next, what its turn costs in time, when a blocking job finishes. Time moves
// only by the cost of turns and, when nothing is runnable, to the next alarm or job.
//
// Same seed, same run: every decision is drawn from one generator in an order that depends on the
// run alone. The trace hash folds in each decision with its circumstances (what was chosen out of how
// many, at what time), and never an address.
#include "base/alloc.h"
#include "base/check.h"
#include "runtime/exec_impl.h"
#include "runtime/sched/runq.h"

#define START_NS ACT__NS_PER_S  // zero would look like "no time"
#define WALL_AT_START_NS (INT64_C(1767225600) * ACT__NS_PER_S)  // 2026-01-01T00:00:00Z
#define TURN_LEAST_NS ACT__NS_PER_US
#define READY_AT_FIRST 64u

enum event { EVENT_TURN = 1, EVENT_ALARMS, EVENT_JOB_MADE, EVENT_JOB_DONE, EVENT_TIME, EVENT_USER };

struct act__sim_clock {
  struct act__clock clock;  // first
  int64_t now_ns;
};

struct act__sim {
  struct act__exec exec;  // first
  struct act__sim_clock clock;
  struct act__worker worker;
  struct act__rand choices;   // the scheduler's own; the worker's generator belongs to the actors
  uint64_t trace;
  struct act__task **ready;   // runnable, in an order that depends on the run alone
  unsigned ready_count, ready_capacity;
  struct act__task_chain overflow;  // what found no place when memory was refused: submit cannot fail
  struct act__job *jobs;      // by due_ns, equal ones in order of submission
  unsigned job_count;
  bool started, finishing;
};

static struct act__sim *sim_of(struct act__exec *exec) {
  return ACT__CONTAINER_OF(exec, struct act__sim, exec);
}

static int64_t sim_now(struct act__clock *clock) {
#ifdef ACT_MUTANT_SIM_REAL_CLOCK
  (void)clock;
  return act__clock_now(act__clock_system());
#else
  return ((struct act__sim_clock *)(void *)clock)->now_ns;
#endif
}

static int64_t sim_wall(struct act__clock *clock) {
  return WALL_AT_START_NS + (sim_now(clock) - START_NS);
}

static void fold_word(struct act__sim *sim, uint64_t word) {
  uint64_t state = sim->trace ^ word;
  sim->trace = act__splitmix64(&state);
}

static void fold(struct act__sim *sim, enum event event, uint64_t a, uint64_t b) {
  fold_word(sim, event);
  fold_word(sim, a);
  fold_word(sim, b);
  fold_word(sim, (uint64_t)sim_now(&sim->clock.clock));
}

static bool make_room(struct act__sim *sim) {
  if (sim->ready_count < sim->ready_capacity) return true;
  unsigned capacity = sim->ready_capacity ? 2 * sim->ready_capacity : READY_AT_FIRST;
  struct act__task **ready = act__realloc(sim->ready, capacity * sizeof ready[0]);
  if (!ready) return false;
  sim->ready = ready;
  sim->ready_capacity = capacity;
  return true;
}

static void sim_submit(struct act__exec *exec, struct act__worker *me, struct act__task *task) {
  (void)me;
  struct act__sim *sim = sim_of(exec);
  if (sim->overflow.first || !make_room(sim)) {
    act__task_chain_push(&sim->overflow, task);
  } else {
    sim->ready[sim->ready_count++] = task;
  }
}

static struct act__task *choose(struct act__sim *sim) {
  while (sim->overflow.first && make_room(sim)) {
    sim->ready[sim->ready_count++] = act__task_chain_pop(&sim->overflow);
  }
  if (sim->ready_count == 0) return act__task_chain_pop(&sim->overflow);
  uint64_t index = act__rand_below(&sim->choices, sim->ready_count);
  struct act__task *task = sim->ready[index];
#ifdef ACT_MUTANT_SIM_TRACE_ADDRESS
  fold(sim, EVENT_TURN, (uint64_t)(uintptr_t)task, sim->ready_count);
#else
  fold(sim, EVENT_TURN, index, sim->ready_count);
#endif
  sim->ready[index] = sim->ready[--sim->ready_count];
  return task;
}

static bool run_turn(struct act__sim *sim) {
  struct act__task *task = choose(sim);
  if (!task) return false;
  if (task->run(task, &sim->worker) == ACT__TURN_AGAIN) {
    sim_submit(&sim->exec, &sim->worker, task);
  }
  uint64_t range = (uint64_t)(ACT__SIM_TURN_NS - TURN_LEAST_NS + 1);
  sim->clock.now_ns += TURN_LEAST_NS + (int64_t)act__rand_below(&sim->choices, range);
  return true;
}

static bool fire_alarms(struct act__sim *sim) {
  int64_t now = sim->worker.now_ns;
  if (act__alarms_earliest(&sim->exec.alarms) > now) return false;
  unsigned fired = act__alarms_advance_all(&sim->exec.alarms, now, &sim->worker);
  if (fired == 0) return false;
  fold(sim, EVENT_ALARMS, fired, 0);
  return true;
}

static bool finish_job(struct act__sim *sim) {
  struct act__job *job = sim->jobs;
  if (!job || job->due_ns > sim->worker.now_ns) return false;
  sim->jobs = job->next;
  sim->job_count--;
  fold(sim, EVENT_JOB_DONE, sim->job_count, 0);
  job->work(job);
  job->done(job);  // the job may be gone now
  return true;
}

// Nothing can happen now: goes to when something can, unless that is after until_ns. False: nothing
// ever will, or only later.
static bool pass_time(struct act__sim *sim, int64_t until_ns) {
  int64_t next = act__alarms_earliest(&sim->exec.alarms);
  if (sim->jobs && sim->jobs->due_ns < next) next = sim->jobs->due_ns;
  if (next == ACT__TIME_NEVER || next > until_ns) return false;
  if (next > sim->clock.now_ns) sim->clock.now_ns = next;
  fold(sim, EVENT_TIME, 0, 0);
  return true;
}

static bool do_something(struct act__sim *sim, int64_t until_ns) {
  ACT_ASSERT(sim->started);
  act__worker_refresh_now(&sim->worker);
  return fire_alarms(sim) || finish_job(sim) || run_turn(sim) || pass_time(sim, until_ns);
}

static bool sim_step(struct act__exec *exec, bool may_wait) {
  (void)may_wait;
  return do_something(sim_of(exec), INT64_MAX);
}

static bool sim_step_until(struct act__exec *exec, int64_t until_ns) {
  struct act__sim *sim = sim_of(exec);
  if (do_something(sim, until_ns)) return true;
  if (sim->clock.now_ns < until_ns) sim->clock.now_ns = until_ns;
  act__worker_refresh_now(&sim->worker);
  return false;
}

static bool sim_run(struct act__exec *exec) {
  struct act__sim *sim = sim_of(exec);
  for (;;) {
    if (sim->finishing && sim->ready_count == 0 && !sim->overflow.first) return true;
    if (!sim_step(exec, false)) return sim->finishing;
  }
}

static act_rc sim_blocking(struct act__exec *exec, struct act__job *job) {
  struct act__sim *sim = sim_of(exec);
  if (sim->job_count >= exec->options.blocking_queue) return ACT_EFULL;
  uint64_t delay = act__rand_below(&sim->choices, ACT__SIM_JOB_NS + 1);
  job->due_ns = sim->clock.now_ns + (int64_t)delay;
  struct act__job **place = &sim->jobs;
  while (*place && (*place)->due_ns <= job->due_ns) place = &(*place)->next;
  job->next = *place;
  *place = job;
  sim->job_count++;
  fold(sim, EVENT_JOB_MADE, sim->job_count, delay);
  return ACT_OK;
}

static act_rc sim_start(struct act__exec *exec) {
  struct act__sim *sim = sim_of(exec);
  ACT_ASSERT(!sim->started);
  sim->started = true;
  act__worker_hook(&sim->worker, true);
  return ACT_OK;
}

static void sim_finish(struct act__exec *exec) {
  sim_of(exec)->finishing = true;
}

static void sim_free(struct act__sim *sim) {
  act__worker_fini(&sim->worker);
  act__exec_fini(&sim->exec);
  act__free(sim->ready);
  act__free(sim);
}

static void sim_destroy(struct act__exec *exec) {
  struct act__sim *sim = sim_of(exec);
  ACT_ASSERT(sim->ready_count == 0 && !sim->overflow.first && !sim->jobs);
  if (sim->started) act__worker_hook(&sim->worker, false);
  sim_free(sim);
}

static struct act__worker *sim_worker(struct act__exec *exec, unsigned index) {
  (void)index;
  return &sim_of(exec)->worker;
}

static void sim_armed_from_outside(struct act__exec *exec, int64_t due_ns) {
  (void)exec;  // nobody sleeps here
  (void)due_ns;
}

static void sim_trace(struct act__exec *exec, uint64_t event) {
  fold(sim_of(exec), EVENT_USER, event, 0);
}

static uint64_t sim_trace_hash(const struct act__exec *exec) {
  return ((const struct act__sim *)(const void *)exec)->trace;
}

static const struct act__exec_ops sim_ops = {
    .start = sim_start,
    .run = sim_run,
    .step = sim_step,
    .step_until = sim_step_until,
    .finish = sim_finish,
    .destroy = sim_destroy,
    .submit = sim_submit,
    .worker = sim_worker,
    .armed_from_outside = sim_armed_from_outside,
    .blocking = sim_blocking,
    .trace = sim_trace,
    .trace_hash = sim_trace_hash,
};

act_rc act__sim_create(const struct act__exec_options *options, struct act__exec **out) {
  struct act__sim *sim = act__calloc(1, sizeof *sim);
  if (!sim) return ACT_ENOMEM;
  sim->clock = (struct act__sim_clock){.clock = {.now_ns = sim_now, .wall_ns = sim_wall},
                                       .now_ns = START_NS};
  act_rc rc = act__exec_init(&sim->exec, &sim_ops, options, &sim->clock.clock);
  if (rc) {
    act__free(sim);
    return rc;
  }
  uint64_t seed = options->seed;
  act__rand_seed(&sim->choices, act__splitmix64(&seed));
  act__worker_init(&sim->worker, &sim->exec, 0);
  *out = &sim->exec;
  return ACT_OK;
}
