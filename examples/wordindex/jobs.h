// SPDX-License-Identifier: Apache-2.0
//
// What the coordinator has done on the blocking pool: a batch of the walk, a batch of verification,
// and the verifier's own walk. Each job owns its block; the walker and the verifier belong to the run,
// which outlives all jobs, and are used by one job at a time.
#ifndef TROUPE_EXAMPLES_WORDINDEX_JOBS_H
#define TROUPE_EXAMPLES_WORDINDEX_JOBS_H

#include "examples/wordindex/run.h"

#define WI_WALK_TEXT (64u * 1024u)  // bytes of paths in one batch of the walk

struct wi_walk_job {
  struct wi_run *run;
  unsigned max;  // in: regular files to bring at most
  unsigned nentries;
  bool is_end;   // the walk is over
  struct {
    enum wi_skip skip;
    uint32_t at, length;
  } entries[WI_QUEUE_MAX];
  size_t used;
  char text[WI_WALK_TEXT];
};

struct wi_check {
  struct wi_ticket *ticket;
  enum wi_skip skip;
  uint64_t identifiers, too_long;
};

struct wi_check_job {
  struct wi_run *run;
  unsigned nchecks;
  struct wi_check checks[];
};

struct wi_rewalk_job {
  struct wi_run *run;
  int64_t since_ns;
  enum wi_walk_verdict verdict;
};

// Each makes a job, to be given to act_blocking; job.arg is NULL when out of memory.
act_job wi_walk_job(struct wi_run *run, unsigned max);
act_job wi_check_job(struct wi_run *run);  // over all tickets that are CHECKING
act_job wi_rewalk_job(struct wi_run *run, int64_t since_ns);

#endif
