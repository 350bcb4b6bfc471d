// SPDX-License-Identifier: Apache-2.0
//
// Is it UTF-8: the well-formed sequences of RFC 3629, so no surrogates, no overlong forms, nothing
// past U+10FFFF.
#ifndef TROUPE_MAILBOX_UTF8_H
#define TROUPE_MAILBOX_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// Bytes of the sequence at the start of `text`, of which `size` > 0 bytes are there; 0: malformed.
static inline size_t act__utf8_sequence(const uint8_t *text, size_t size) {
  uint8_t first = text[0];
  if (first < 0x80) return 1;

  size_t bytes = first >= 0xc2 && first <= 0xdf   ? 2
                 : first >= 0xe0 && first <= 0xef ? 3
                 : first >= 0xf0 && first <= 0xf4 ? 4
                                                  : 0;
  if (bytes == 0 || bytes > size) return 0;

  // The second byte alone rules out overlong forms, surrogates and what is past the last character.
  uint8_t lowest = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  uint8_t highest = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (text[1] < lowest || text[1] > highest) return 0;
  for (size_t i = 2; i < bytes; i++) {
    if ((text[i] & 0xc0) != 0x80) return 0;
  }
  return bytes;
}

// The offset of the first malformed sequence, or `size`: all well.
static inline size_t act__utf8_check(const uint8_t *text, size_t size) {
  size_t at = 0;

  while (at < size) {
    uint64_t word;
    if (size - at >= sizeof word) {
      memcpy(&word, text + at, sizeof word);
      if ((word & 0x8080808080808080u) == 0) {  // eight ASCII bytes at once
        at += sizeof word;
        continue;
      }
    }
    size_t bytes = act__utf8_sequence(text + at, size - at);
    if (bytes == 0) return at;
    at += bytes;
  }
  return size;
}

#endif
