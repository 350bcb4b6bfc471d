// SPDX-License-Identifier: Apache-2.0
#include "examples/wordindex/jobs.h"

#include <stdlib.h>
#include <string.h>

static act_rc run_walk(void *arg) {
  struct wi_walk_job *job = arg;
  while (job->nentries < job->max && WI_WALK_TEXT - job->used > WI_PATH_MAX) {
    struct wi_found found;
    if (!wi_walker_next(job->run->walker, &found)) {
      job->is_end = true;
      break;
    }
    size_t length = found.length < WI_PATH_MAX ? found.length : WI_PATH_MAX;
    memcpy(job->text + job->used, found.path, length);
    job->entries[job->nentries].skip = found.skip;
    job->entries[job->nentries].at = (uint32_t)job->used;
    job->entries[job->nentries++].length = (uint32_t)length;
    job->used += length;
  }
  return ACT_OK;
}

act_job wi_walk_job(struct wi_run *run, unsigned max) {
  struct wi_walk_job *job = malloc(sizeof *job);
  if (job) {
    job->run = run;
    job->max = max < WI_QUEUE_MAX ? max : WI_QUEUE_MAX;
    job->nentries = 0;
    job->used = 0;
    job->is_end = false;
  }
  return (act_job){.run = run_walk, .arg = job, .destroy = free};
}

static act_rc run_check(void *arg) {
  struct wi_check_job *job = arg;
  for (unsigned i = 0; i < job->nchecks; i++) {
    struct wi_check *check = &job->checks[i];
    // A ticket that is CHECKING is left alone by everybody else until this job has ended.
    check->skip = wi_verifier_count(job->run->verifier, check->ticket->file->path,
                                    &check->ticket->result.stamp, &check->identifiers,
                                    &check->too_long);
  }
  return ACT_OK;
}

act_job wi_check_job(struct wi_run *run) {
  const struct wi_desk *desk = &run->desk;
  struct wi_check_job *job = malloc(sizeof *job + desk->ntickets * sizeof job->checks[0]);
  if (job) {
    job->run = run;
    job->nchecks = 0;
    for (unsigned i = 0; i < desk->ntickets; i++) {
      if (desk->tickets[i].stage != WI_CHECKING) continue;
      job->checks[job->nchecks++] = (struct wi_check){.ticket = &desk->tickets[i]};
    }
  }
  return (act_job){.run = run_check, .arg = job, .destroy = free};
}

static act_rc run_rewalk(void *arg) {
  struct wi_rewalk_job *job = arg;
  const struct wi_options *options = job->run->options;
  job->verdict = wi_verifier_walk(job->run->verifier, options->roots, options->nroots,
                                  &job->run->walked, job->since_ns);
  return ACT_OK;
}

act_job wi_rewalk_job(struct wi_run *run, int64_t since_ns) {
  struct wi_rewalk_job *job = malloc(sizeof *job);
  if (job) *job = (struct wi_rewalk_job){.run = run, .since_ns = since_ns};
  return (act_job){.run = run_rewalk, .arg = job, .destroy = free};
}
