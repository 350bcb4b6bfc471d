// SPDX-License-Identifier: Apache-2.0
//
// The comparison at the end: what the aggregators hold, entry by entry, against the verifier's count.
// On the way it writes the dump and finds the commonest identifiers, so nothing is held twice. Pure but
// for the dump.
#ifndef TROUPE_EXAMPLES_WORDINDEX_AUDIT_H
#define TROUPE_EXAMPLES_WORDINDEX_AUDIT_H

#include <stdio.h>

#include "examples/wordindex/desk.h"
#include "examples/wordindex/merge.h"
#include "examples/wordindex/report.h"
#include "examples/wordindex/verifier.h"

struct wi_audit {
  const struct wi_verifier *verifier;
  FILE *dump;                  // NULL: none
  struct wi_outcome *outcome;  // filled
  uint64_t differences;
};

// Notes something that does not agree; the first is kept as the outcome's reason.
void wi_audit_differs(struct wi_audit *audit, const char *what);

// The next entry of the result, in the order of bytes.
void wi_audit_entry(struct wi_audit *audit, const struct wi_entry *entry);

// After the last entry: compares the sums and gives the verdict.
void wi_audit_end(struct wi_audit *audit, const struct wi_desk *desk);

#endif
