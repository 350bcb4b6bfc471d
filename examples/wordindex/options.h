// SPDX-License-Identifier: Apache-2.0
//
// The command line.
#ifndef TROUPE_EXAMPLES_WORDINDEX_OPTIONS_H
#define TROUPE_EXAMPLES_WORDINDEX_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WI_WORKERS_MAX 64u
#define WI_KILLS_MAX 1000u

struct wi_options {
  unsigned workers, kills;
  const char *dump;  // NULL: none
  bool has_seed;
  uint64_t seed;
  const char *deadly;  // a worker that is handed a file of this name aborts; NULL: none
  bool wants_help;
  const char **roots;  // gives: free() the array
  unsigned nroots;
};

extern const char wi_usage[];

// Fills *options from the command line, which it borrows. False: `error` says what is wrong, and
// nothing is to be freed.
bool wi_options_parse(int argc, char **argv, struct wi_options *options, char *error, size_t size);

#endif
