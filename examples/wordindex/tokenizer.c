// SPDX-License-Identifier: Apache-2.0
#include "examples/wordindex/tokenizer.h"

#include <string.h>

enum { OTHER = 0, DIGIT = 1, LETTER = 2 };

static const uint8_t classes[256] = {
    ['0' ... '9'] = DIGIT,
    ['A' ... 'Z'] = LETTER,
    ['a' ... 'z'] = LETTER,
    ['_'] = LETTER,
};

void wi_tokenizer_init(struct wi_tokenizer *tokenizer) {
  tokenizer->length = 0;
}

static void emit(const char *text, uint64_t length, wi_identifier_fn fn, void *arg) {
  if (length > WI_IDENTIFIER_MAX) {
    fn(arg, NULL, UINT32_MAX);
  } else {
    fn(arg, text, (uint32_t)length);
  }
}

// Keeps the start of a run that goes on in the next piece.
static void hold(struct wi_tokenizer *tokenizer, const uint8_t *bytes, size_t size) {
  if (tokenizer->length < WI_IDENTIFIER_MAX) {
    size_t room = WI_IDENTIFIER_MAX - (size_t)tokenizer->length;
    memcpy(tokenizer->held + tokenizer->length, bytes, size < room ? size : room);
  }
  tokenizer->length += size;
}

void wi_tokenizer_feed(struct wi_tokenizer *tokenizer, const uint8_t *bytes, size_t size,
                       wi_identifier_fn fn, void *arg) {
  size_t at = 0;
#ifdef ACT_MUTANT_WORDINDEX_NO_CARRY
  wi_tokenizer_finish(tokenizer, fn, arg);
#endif
  if (tokenizer->length) {
    while (at < size && classes[bytes[at]] != OTHER) at++;
    hold(tokenizer, bytes, at);
    if (at == size) return;
    wi_tokenizer_finish(tokenizer, fn, arg);
  }
  while (at < size) {
    if (classes[bytes[at]] != LETTER) {
      at++;
      continue;
    }
    size_t start = at;
    while (at < size && classes[bytes[at]] != OTHER) at++;
    if (at == size) {
      hold(tokenizer, bytes + start, at - start);
      return;
    }
    emit((const char *)bytes + start, at - start, fn, arg);
  }
}

void wi_tokenizer_finish(struct wi_tokenizer *tokenizer, wi_identifier_fn fn, void *arg) {
  if (tokenizer->length) emit(tokenizer->held, tokenizer->length, fn, arg);
  tokenizer->length = 0;
}
