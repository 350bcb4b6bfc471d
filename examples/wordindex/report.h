// SPDX-License-Identifier: Apache-2.0
//
// What people see: the commonest identifiers, the progress line, the last line. Text only.
#ifndef TROUPE_EXAMPLES_WORDINDEX_REPORT_H
#define TROUPE_EXAMPLES_WORDINDEX_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "examples/wordindex/tokenizer.h"

#define WI_TOP 20u

struct wi_top_entry {
  uint64_t count;
  uint32_t length;
  char text[WI_IDENTIFIER_MAX];
};

// The WI_TOP largest of what was offered, largest first; of equal ones the first offered comes first.
struct wi_top {
  unsigned nentries;
  struct wi_top_entry entries[WI_TOP];
};

void wi_top_offer(struct wi_top *top, const char *text, uint32_t length, uint64_t count);
void wi_top_print(const struct wi_top *top, FILE *out);

// Everything the last line says.
struct wi_outcome {
  bool is_complete;  // the run came to its end
  bool is_verified;
  char reason[160];  // why it did not, or what did not agree
  uint64_t files, bytes, identifiers, distinct, too_long, skipped;
  unsigned workers, killed, restarts;
  uint64_t redone;
  int64_t elapsed_ns;
  struct wi_top top;
};

#define WI_LINE_MAX 512u

// The last line of the program, without a newline.
void wi_last_line(const struct wi_outcome *outcome, char line[WI_LINE_MAX]);

struct wi_progress {
  uint64_t files, bytes;
  unsigned workers_alive, workers, restarts;
  int64_t elapsed_ns;
};

// At most 79 characters, so that it never wraps; without a carriage return.
void wi_progress_line(const struct wi_progress *progress, char line[WI_LINE_MAX]);

#endif
