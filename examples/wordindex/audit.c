// SPDX-License-Identifier: Apache-2.0
#include "examples/wordindex/audit.h"

void wi_audit_differs(struct wi_audit *audit, const char *what) {
  struct wi_outcome *outcome = audit->outcome;
  if (audit->differences++ == 0) {
    snprintf(outcome->reason, sizeof outcome->reason, "%s", what);
  }
}

void wi_audit_entry(struct wi_audit *audit, const struct wi_entry *entry) {
  struct wi_outcome *outcome = audit->outcome;
  outcome->distinct++;
  outcome->identifiers += entry->count;
  wi_top_offer(&outcome->top, entry->text, entry->length, entry->count);
  if (audit->dump) {
    fprintf(audit->dump, "%llu\t%.*s\n", (unsigned long long)entry->count, (int)entry->length,
            entry->text);
  }
  uint64_t plain = wi_verifier_get(audit->verifier, entry->text, entry->length);
  if (plain != entry->count) {
    char what[160];
    snprintf(what, sizeof what, "%.*s: counted %llu, plain count %llu",
             entry->length < 80 ? (int)entry->length : 80, entry->text,
             (unsigned long long)entry->count, (unsigned long long)plain);
    wi_audit_differs(audit, what);
  }
}

void wi_audit_end(struct wi_audit *audit, const struct wi_desk *desk) {
  struct wi_outcome *outcome = audit->outcome;
  struct wi_plain_totals plain;
  wi_verifier_totals(audit->verifier, &plain);
  if (desk->is_broken) wi_audit_differs(audit, "a file's counts did not arrive whole");
  if (plain.files != desk->files) wi_audit_differs(audit, "the numbers of files differ");
  if (plain.bytes != desk->bytes) wi_audit_differs(audit, "the numbers of bytes differ");
  if (plain.too_long != desk->too_long) wi_audit_differs(audit, "long identifiers differ");
  if (plain.distinct != outcome->distinct) wi_audit_differs(audit, "distinct identifiers differ");
  if (plain.identifiers != outcome->identifiers || desk->identifiers != outcome->identifiers) {
    wi_audit_differs(audit, "the numbers of identifiers differ");
  }
  outcome->files = desk->files;
  outcome->bytes = desk->bytes;
  outcome->too_long = desk->too_long;
  outcome->skipped = desk->skips.total;
  outcome->redone = desk->redone;
  outcome->is_complete = true;
  outcome->is_verified = audit->differences == 0;
}
