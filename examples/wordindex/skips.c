// SPDX-License-Identifier: Apache-2.0
#include "examples/wordindex/skips.h"

#include <stdlib.h>
#include <string.h>

const char *wi_skip_text(unsigned skip) {
  static const char *const texts[WI_SKIP_COUNT] = {
#define WI_SKIP_TEXT(name, text) text,
      WI_SKIP_LIST(WI_SKIP_TEXT)
#undef WI_SKIP_TEXT
  };
  return skip < WI_SKIP_COUNT ? texts[skip] : "unknown reason";
}

void wi_skips_init(struct wi_skips *skips) {
  memset(skips, 0, sizeof *skips);
}

void wi_skips_fini(struct wi_skips *skips) {
  for (unsigned why = 0; why < WI_SKIP_COUNT; why++) {
    for (unsigned i = 0; i < WI_NAMED_MAX; i++) free(skips->named[why][i]);
  }
  memset(skips, 0, sizeof *skips);
}

void wi_skips_add(struct wi_skips *skips, enum wi_skip why, const char *path, size_t length) {
  uint64_t seen = skips->counts[why]++;
  skips->total++;
  if (seen < WI_NAMED_MAX) {
    char text[512];
    // Out of memory costs a name in the report, nothing else.
    skips->named[why][seen] = strdup(wi_escape(path, length, text, sizeof text));
  }
}

void wi_skips_print(const struct wi_skips *skips, FILE *out) {
  if (skips->total == 0) return;
  fprintf(out, "skipped, in both counts:\n");
  for (unsigned why = 0; why < WI_SKIP_COUNT; why++) {
    uint64_t count = skips->counts[why];
    if (count == 0) continue;
    fprintf(out, "  %llu  %s\n", (unsigned long long)count, wi_skip_text(why));
    for (unsigned i = 0; i < WI_NAMED_MAX && skips->named[why][i]; i++) {
      fprintf(out, "      %s\n", skips->named[why][i]);
    }
    if (count > WI_NAMED_MAX) {
      fprintf(out, "      ... and %llu more\n", (unsigned long long)(count - WI_NAMED_MAX));
    }
  }
}

// The text of one byte: at most four characters.
static size_t escape_byte(unsigned char byte, char out[4]) {
  static const char hex[] = "0123456789abcdef";
  out[0] = '\\';
  switch (byte) {
  case '\n': out[1] = 'n'; return 2;
  case '\t': out[1] = 't'; return 2;
  case '\\': out[1] = '\\'; return 2;
  default: break;
  }
  if (byte >= 0x20 && byte < 0x7f) {
    out[0] = (char)byte;
    return 1;
  }
  out[1] = 'x';
  out[2] = hex[byte >> 4];
  out[3] = hex[byte & 15];
  return 4;
}

char *wi_escape(const char *path, size_t length, char *out, size_t size) {
  size_t used = 0, cut = 0;  // `cut`: where the mark still fits behind whole pieces
  for (size_t i = 0; i < length; i++) {
    char piece[4];
    size_t n = escape_byte((unsigned char)path[i], piece);
    if (used + n >= size) {
      memcpy(out + cut, "...", 4);
      return out;
    }
    memcpy(out + used, piece, n);
    used += n;
    if (used + 3 < size) cut = used;
  }
  out[used] = '\0';
  return out;
}
