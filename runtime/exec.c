// SPDX-License-Identifier: Apache-2.0
#include "runtime/exec.h"

#include "base/check.h"
#include "base/cpu.h"
#include "runtime/exec_impl.h"

// Fills in what the caller left to us. Seeds of real runs come from the operating system.
static act_rc fill_in(struct act__exec_options *options) {
  if (options->flavour != ACT__POOL) options->workers = 1;
  if (options->workers == 0) {
    unsigned quota = (unsigned)act__thread_cpu_quota();
    options->workers = quota < ACT__WORKERS_MAX ? quota : ACT__WORKERS_MAX;
  }
  if (options->workers > ACT__WORKERS_MAX) return ACT_EINVAL;
  if (options->blocking_max == 0) options->blocking_max = ACT__BLOCKING_THREADS;
  if (options->blocking_queue == 0) options->blocking_queue = ACT__BLOCKING_QUEUE;
  if (options->seed == 0 && options->flavour != ACT__SIMULATION) {
    return act__rand_entropy(&options->seed, sizeof options->seed);
  }
  return ACT_OK;
}

act_rc act__exec_create(const struct act__exec_options *given, struct act__exec **out) {
  *out = NULL;
  struct act__exec_options options = *given;
  act_rc rc = fill_in(&options);
  if (rc) return rc;
  switch (options.flavour) {
    case ACT__POOL:
    case ACT__CURRENT:
      return act__crew_create(&options, out);
    case ACT__SIMULATION:
      return act__sim_create(&options, out);
  }
  return ACT_EINVAL;
}

act_rc act__exec_init(struct act__exec *exec, const struct act__exec_ops *ops,
                      const struct act__exec_options *options, struct act__clock *clock) {
  exec->ops = ops;
  exec->options = *options;
  exec->clock = clock;
  exec->poller = NULL;
  act_rc rc = act__alarms_init(&exec->alarms, options->workers, act__clock_now(clock),
                               options->on_timer);
  if (rc) goto fail;
  rc = act__blocking_init(&exec->blocking, clock, options->blocking_max, options->blocking_queue);
  if (rc) goto fail;
  rc = act__pool_init(&exec->pool);
  if (rc) goto fail;
  return ACT_OK;
fail:
  act__blocking_fini(&exec->blocking);
  act__alarms_fini(&exec->alarms);
  return rc;
}

void act__exec_fini(struct act__exec *exec) {
  act__blocking_fini(&exec->blocking);
  act__alarms_fini(&exec->alarms);
  size_t blocks_out = act__pool_fini(&exec->pool);
  ACT_ASSERT(blocks_out == 0);
}

void act__worker_init(struct act__worker *worker, struct act__exec *exec, unsigned index) {
  *worker = (struct act__worker){.exec = exec, .index = index};
  act__pool_cache_init(&worker->cache, &exec->pool);
  uint64_t stream = exec->options.seed + index;  // splitmix64 inside makes neighbours unlike
  act__rand_seed(&worker->rand, stream);
  worker->now_ns = act__clock_now(exec->clock);
  // Virtual time has no ticks of its own.
  if (exec->options.flavour != ACT__SIMULATION) act__near_clock_init(&worker->near, exec->clock);
}

void act__worker_fini(struct act__worker *worker) {
  act__pool_cache_fini(&worker->cache);
}

void act__worker_hook(struct act__worker *worker, bool starting) {
  const struct act__exec_options *options = &worker->exec->options;
  if (options->on_worker) options->on_worker(options->arg, worker, starting);
}

int64_t act__worker_refresh_now(struct act__worker *me) {
  me->now_ns = me->near.clock ? act__near_clock_now(&me->near) : act__clock_now(me->exec->clock);
  return me->now_ns;
}

void act__exec_set_poller(struct act__exec *exec, struct act__poller *poller) {
  exec->poller = poller;
}

act_rc act__exec_start(struct act__exec *exec) {
  return exec->ops->start(exec);
}

bool act__exec_run(struct act__exec *exec) {
  return exec->ops->run(exec);
}

bool act__exec_step(struct act__exec *exec, bool may_wait) {
  return exec->ops->step(exec, may_wait);
}

bool act__exec_step_until(struct act__exec *exec, int64_t until_ns) {
  ACT_ASSERT(exec->ops->step_until);
  return exec->ops->step_until(exec, until_ns);
}

void act__exec_finish(struct act__exec *exec) {
  exec->ops->finish(exec);
}

void act__exec_destroy(struct act__exec *exec) {
  if (exec) exec->ops->destroy(exec);
}

void act__exec_submit(struct act__exec *exec, struct act__worker *me, struct act__task *task) {
  if (exec->ops->submit == act__crew_submit) {
    act__crew_submit(exec, me, task);
  } else {
    exec->ops->submit(exec, me, task);
  }
}

struct act__worker *act__exec_worker(struct act__exec *exec, unsigned index) {
  ACT_ASSERT(index < exec->options.workers);
  return exec->ops->worker(exec, index);
}

unsigned act__exec_workers(const struct act__exec *exec) {
  return exec->options.workers;
}

struct act__pool *act__exec_pool(struct act__exec *exec) {
  return &exec->pool;
}

struct act__clock *act__exec_clock(struct act__exec *exec) {
  return exec->clock;
}

enum act__flavour act__exec_flavour(const struct act__exec *exec) {
  return exec->options.flavour;
}

uint64_t act__exec_trace(const struct act__exec *exec) {
  return exec->ops->trace_hash ? exec->ops->trace_hash(exec) : 0;
}

void act__exec_trace_fold(struct act__exec *exec, uint64_t event) {
  if (exec->ops->trace) exec->ops->trace(exec, event);
}

act_rc act__blocking_submit(struct act__exec *exec, struct act__job *job) {
  ACT_ASSERT(job->work && job->done);
  return exec->ops->blocking(exec, job);
}
