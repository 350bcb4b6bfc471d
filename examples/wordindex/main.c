// SPDX-License-Identifier: Apache-2.0
//
// The word index: counts every C identifier in all regular files under the given folders, with
// workers in processes of their own, and stays exact when they are killed.
//
//   bazel run --config=opt //examples/wordindex -- --workers 3 --kill 2 /usr/include
//   tools/demo --help
//
// The tree, started in this order and stopped in reverse:
//   root         one_for_one; whoever fails here ends the run
//     aggregator-0 .. aggregator-3    shards of the result, in this process
//     intake-0 .. intake-N            the door of each worker into this process
//     workers      one_for_one supervisor with plenty of restarts
//       worker-0 .. worker-N          each in a process of its own
//     coordinator                     walks, hands out, verifies, collects
//
// A worker's process is this program again: main builds the same tree, and act_main runs the one child
// that the process was started for.
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "examples/wordindex/run.h"

#define EXIT_USAGE 2
#define SPARE_RESTARTS 200u  // besides the kills that were asked for

struct tree {
  wi_worker_args worker_args[WI_WORKERS_MAX];
  char worker_names[WI_WORKERS_MAX][WI_NAME_MAX];
  char intake_names[WI_WORKERS_MAX][WI_NAME_MAX];
  struct wi_intake_args intake_args[WI_WORKERS_MAX];
  char aggregator_names[WI_SHARDS][WI_NAME_MAX];
  act_child worker_kids[WI_WORKERS_MAX];
  act_child kids[WI_SHARDS + WI_WORKERS_MAX + 2];
  struct wi_aggregator_args aggregator_args;
  struct wi_coordinator_args coordinator_args;
  act_sup workers, root;
};

static void plant_workers(struct tree *tree, const struct wi_options *options) {
  for (unsigned i = 0; i < options->workers; i++) {
    tree->worker_args[i] = (wi_worker_args){.index = i, .deadly = act_str_of(options->deadly)};
    snprintf(tree->worker_names[i], WI_NAME_MAX, "worker-%u", i);
    tree->worker_kids[i] = (act_child){
        .id = tree->worker_names[i],
        .name = tree->worker_names[i],
        .behavior = &wi_counter_behavior,
        ACT_ARGS(wi_worker_args, &tree->worker_args[i]),
        .restart = ACT_PERMANENT,
        .isolate = ACT_OWN_PROCESS,
        .stop_ms = 300,
    };
  }
  tree->workers = (act_sup){
      .max_restarts = options->kills + SPARE_RESTARTS,
      .within_ms = 60000,
      .backoff = {.first_ms = 10, .max_ms = 300, .jitter_pct = 20, .healthy_ms = 1000},
      .kids = tree->worker_kids,
      .nkids = options->workers,
  };
}

static void plant_tree(struct tree *tree, struct wi_run *run) {
  const struct wi_options *options = run->options;
  plant_workers(tree, options);
  tree->aggregator_args.workers = options->workers;
  tree->coordinator_args.run = run;
  act_child *kid = tree->kids;
  for (unsigned i = 0; i < WI_SHARDS; i++) {
    snprintf(tree->aggregator_names[i], WI_NAME_MAX, "aggregator-%u", i);
    // Each intake has one batch on the way, and the coordinator its commits.
    *kid++ = (act_child){
        .id = tree->aggregator_names[i],
        .name = tree->aggregator_names[i],
        .behavior = &wi_adder_behavior,
        .args = &tree->aggregator_args,
        .stop_ms = 500,
        .mailbox = {.bytes = ACT_MAILBOX_BYTES + options->workers * 2 * WI_BATCH_BYTES},
    };
  }
  for (unsigned i = 0; i < options->workers; i++) {
    tree->intake_args[i].index = i;
    snprintf(tree->intake_names[i], WI_NAME_MAX, "intake-%u", i);
    *kid++ = (act_child){
        .id = tree->intake_names[i],
        .name = tree->intake_names[i],
        .behavior = &wi_porter_behavior,
        .args = &tree->intake_args[i],
        .stop_ms = 500,
    };
  }
  *kid++ = (act_child){.id = "workers", .sup = &tree->workers, .stop_ms = 600};
  *kid++ = (act_child){
      .id = WI_COORDINATOR_NAME,
      .name = WI_COORDINATOR_NAME,
      .behavior = &wi_chief_behavior,
      .args = &tree->coordinator_args,
      .stop_ms = 500,
  };
  tree->root = (act_sup){
      .never_restart = true, .kids = tree->kids, .nkids = (unsigned)(kid - tree->kids)};
}

// Everything that can be wrong with the command line is found here, before any worker starts.
static bool prepare(struct wi_run *run) {
  const struct wi_options *options = run->options;
  for (unsigned i = 0; i < options->nroots; i++) {
    struct stat stat;
    if (lstat(options->roots[i], &stat) != 0) {
      char path[600];
      fprintf(stderr, "demo: %s: %s\n",
              wi_escape(options->roots[i], strlen(options->roots[i]), path, sizeof path),
              strerror(errno));
      return false;
    }
  }
  if (options->dump && !(run->dump = fopen(options->dump, "we"))) {
    fprintf(stderr, "demo: cannot write %s: %s\n", options->dump, strerror(errno));
    return false;
  }
  run->shows_progress = isatty(STDERR_FILENO);
  run->walker = wi_walker_create(options->roots, options->nroots);
  run->verifier = wi_verifier_create();
  if (!run->walker || !run->verifier || !wi_desk_init(&run->desk, options->workers)) {
    fprintf(stderr, "demo: out of memory\n");
    return false;
  }
  return true;
}

static void clean_up(struct wi_run *run) {
  if (run->dump) fclose(run->dump);
  wi_walker_destroy(run->walker);
  wi_verifier_destroy(run->verifier);
  wi_desk_fini(&run->desk);
}

// Prints the result of a complete run. Returns the exit code.
static int report(struct wi_run *run) {
  struct wi_outcome *outcome = &run->outcome;
  if (run->dump) {
    bool failed = ferror(run->dump) != 0;
    failed = fclose(run->dump) != 0 || failed;
    run->dump = NULL;
    if (failed) {
      fprintf(stderr, "demo: writing %s failed\n", run->options->dump);
      return 1;
    }
  }
  wi_top_print(&outcome->top, stdout);
  wi_skips_print(&run->desk.skips, stdout);
  if (outcome->killed < run->options->kills) {
    printf("kills: only %u of %u, no file was left to hold\n", outcome->killed,
           run->options->kills);
  }
  if (!outcome->is_verified) printf("not verified: %s\n", outcome->reason);
  char line[WI_LINE_MAX];
  wi_last_line(outcome, line);
  printf("%s\n", line);
  return outcome->is_verified ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int run_demo(struct wi_run *run) {
  static struct tree tree;
  plant_tree(&tree, run);
  act_node node = {.name = "wordindex", .blocking_threads = 3, .stop_ms = 3000};
  int code = act_main(&node, &tree.root);
  if (act_is_child_process()) return code;
  if (code == 0 && run->outcome.is_complete) return report(run);
  if (code > 128) {
    printf("demo: interrupted by signal %d\n", code - 128);
    return code;
  }
  fprintf(stderr, "demo: failed: %s\n",
          run->outcome.reason[0] ? run->outcome.reason : "see the messages above");
  return code ? code : EXIT_FAILURE;
}

int main(int argc, char **argv) {
  // Maps come and go with every file. Large blocks go back to the system at once (glibc would keep
  // ever larger ones), and all threads share their small ones: so the memory depends on what is
  // counted, not on how long it takes.
  mallopt(M_MMAP_THRESHOLD, 128 * 1024);
  mallopt(M_ARENA_MAX, 2);
  struct wi_options options;
  char error[200];
  if (!wi_options_parse(argc, argv, &options, error, sizeof error)) {
    fprintf(stderr, "demo: %s\n%s", error, wi_usage);
    return EXIT_USAGE;
  }
  if (options.wants_help) {
    fputs(wi_usage, stdout);
    free(options.roots);
    return EXIT_SUCCESS;
  }
  static struct wi_run run;
  run.options = &options;
  bool ready = act_is_child_process() || prepare(&run);
  int code = ready ? run_demo(&run) : EXIT_USAGE;
  clean_up(&run);
  free(options.roots);
  return code;
}
