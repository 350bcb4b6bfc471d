// SPDX-License-Identifier: Apache-2.0
//
// Blocking jobs of actors. A job owns its argument; the actor's death does not reach into a running
// job, it only means that the result is destroyed and counted when it comes.
#include "actors/cell.h"
#include "base/check.h"

struct act__job_record {
  struct act__notice notice;
  struct act__job job;
  struct act__system *system;
  act_job work;
  act_rc status;
};

static void run_job(struct act__job *job) {
  struct act__job_record *record = ACT__CONTAINER_OF(job, struct act__job_record, job);
  record->status = record->work.run(record->work.arg);
}

static void job_done(struct act__job *job) {
  struct act__job_record *record = ACT__CONTAINER_OF(job, struct act__job_record, job);
  // Nobody need count jobs: an owner is not retired before its notices are back, and the executor is
  // destroyed only when this thread has ended.
  act__cell_push(record->system, NULL, record->notice.owner, &record->notice.env);
}

act_rc act_blocking(act_cx *cx, act_job job, act_done_then then) {
  struct act__cell *cell = cx->cell;
  if (!cell || !job.run || !then.t.fn) return ACT_EINVAL;
  struct act__cold *cold = act__cell_cold(cell);
  if (!cold) return ACT_ENOMEM;
  if (cold->jobs >= act__limit(act__cell_limits(cell)->jobs, ACT_JOBS_MAX)) return ACT_ELIMIT;
  struct act__system *system = cx->system;
  struct act__job_record *record =
      act__pool_alloc(act__cache(cx), act__exec_pool(system->exec), sizeof *record);
  if (!record) return ACT_ENOMEM;
  *record = (struct act__job_record){.system = system, .work = job};
  record->job.work = run_job;
  record->job.done = job_done;
  record->notice.env.notice = ACT__NOTICE_DONE;
  record->notice.owner = cell;
  record->notice.then = then.t;
  act_rc rc = act__blocking_submit(system->exec, &record->job);
  if (rc) {
    act__pool_free(act__cache(cx), act__exec_pool(system->exec), record, sizeof *record);
    return rc;
  }
  act__list_push_back(&cold->records, &record->notice.link);
  cold->jobs++;
  cell->notices++;
  return ACT_OK;
}

// A job cannot be called back.
bool act__job_withdraw(act_cx *cx, struct act__notice *notice) {
  (void)cx;
  (void)notice;
  return false;
}

act_rc act__job_handle(act_cx *cx, struct act__cell *cell, struct act__notice *notice) {
  struct act__job_record *record = ACT__CONTAINER_OF(notice, struct act__job_record, notice);
  bool seen = !notice->dropped && (cell->life == ACT__UP || cell->life == ACT__STARTING);
  if (!notice->dropped) {
    act__list_remove(&notice->link);
    cell->cold->jobs--;
  }
  cell->notices--;
  act_rc rc = ACT_OK;
  if (seen) {
    rc = notice->then.fn(cell->state, cx, record->status, record->work.arg, notice->then.tag);
  } else {
    ACT__COUNT(cx->system, cx, late_results);
#ifdef ACT_MUTANT_JOB_LATE_KEPT
    record->work.destroy = NULL;
#endif
  }
  if (record->work.destroy) record->work.destroy(record->work.arg);
  act__pool_free(act__cache(cx), act__exec_pool(cx->system->exec), record, sizeof *record);
  return rc;
}
