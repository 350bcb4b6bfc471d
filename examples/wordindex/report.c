// SPDX-License-Identifier: Apache-2.0
#include "examples/wordindex/report.h"

#include <string.h>

void wi_top_offer(struct wi_top *top, const char *text, uint32_t length, uint64_t count) {
  unsigned at = top->nentries;
  while (at > 0 && top->entries[at - 1].count < count) at--;
  if (at == WI_TOP || length > WI_IDENTIFIER_MAX) return;
  if (top->nentries < WI_TOP) top->nentries++;
  memmove(&top->entries[at + 1], &top->entries[at],
          (top->nentries - 1 - at) * sizeof top->entries[0]);
  top->entries[at].count = count;
  top->entries[at].length = length;
  memcpy(top->entries[at].text, text, length);
}

void wi_top_print(const struct wi_top *top, FILE *out) {
  if (top->nentries == 0) return;
  fprintf(out, "the %u commonest identifiers:\n", top->nentries);
  for (unsigned i = 0; i < top->nentries; i++) {
    const struct wi_top_entry *entry = &top->entries[i];
    fprintf(out, "%10llu  %.*s\n", (unsigned long long)entry->count, (int)entry->length,
            entry->text);
  }
}

void wi_last_line(const struct wi_outcome *outcome, char line[WI_LINE_MAX]) {
  snprintf(line, WI_LINE_MAX,
           "demo: files=%llu bytes=%llu identifiers=%llu distinct=%llu long=%llu skipped=%llu "
           "workers=%u killed=%u restarts=%u redone=%llu verified=%s seconds=%.2f",
           (unsigned long long)outcome->files, (unsigned long long)outcome->bytes,
           (unsigned long long)outcome->identifiers, (unsigned long long)outcome->distinct,
           (unsigned long long)outcome->too_long, (unsigned long long)outcome->skipped,
           outcome->workers, outcome->killed, outcome->restarts,
           (unsigned long long)outcome->redone, outcome->is_verified ? "yes" : "no",
           (double)outcome->elapsed_ns / 1e9);
}

void wi_progress_line(const struct wi_progress *progress, char line[WI_LINE_MAX]) {
  double seconds = (double)progress->elapsed_ns / 1e9;
  double rate = seconds > 0 ? (double)progress->bytes / 1e6 / seconds : 0;
  snprintf(line, 80, "%llu files  %.1f MB/s  workers %u/%u  restarts %u",
           (unsigned long long)progress->files, rate, progress->workers_alive, progress->workers,
           progress->restarts);
}
