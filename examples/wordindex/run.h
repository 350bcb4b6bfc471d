// SPDX-License-Identifier: Apache-2.0
//
// What main and the actors of the first process share: the run, owned by main, which outlives the
// actors. And the behaviours that main puts into the tree.
#ifndef TROUPE_EXAMPLES_WORDINDEX_RUN_H
#define TROUPE_EXAMPLES_WORDINDEX_RUN_H

#include <stdio.h>

#include "examples/wordindex/desk.h"
#include "examples/wordindex/options.h"
#include "examples/wordindex/protocol.h"
#include "examples/wordindex/report.h"
#include "examples/wordindex/verifier.h"
#include "examples/wordindex/walker.h"

struct wi_run {
  const struct wi_options *options;
  FILE *dump;                    // NULL: none
  bool shows_progress;
  struct wi_walker *walker;      // used by one blocking job at a time
  struct wi_verifier *verifier;  // the same, and by the coordinator when no job runs
  struct wi_path_sum walked;     // the regular files that the walk has brought
  struct wi_desk desk;           // the coordinator's
  struct wi_outcome outcome;     // written by the coordinator, read by main when it has ended
};

struct wi_coordinator_args {
  struct wi_run *run;
};

struct wi_aggregator_args {
  unsigned workers;
};

struct wi_intake_args {
  unsigned index;  // of its worker
};

extern const act_behavior wi_counter_behavior;  // the worker; args: wi_worker_args
extern const act_behavior wi_adder_behavior;    // the aggregator; args: struct wi_aggregator_args
extern const act_behavior wi_porter_behavior;   // the intake; args: struct wi_intake_args
extern const act_behavior wi_chief_behavior;    // the coordinator; args: struct wi_coordinator_args

// Names in the tree: "worker-3", "intake-3", "aggregator-0", "coordinator".
#define WI_COORDINATOR_NAME "coordinator"
#define WI_NAME_MAX 32u

#endif
