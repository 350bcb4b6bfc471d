// SPDX-License-Identifier: Apache-2.0
//
// Finds the C identifiers in a stream of bytes that arrives in pieces of any size.
//
// An identifier is what `grep -aoE '[A-Za-z_][A-Za-z0-9_]*'` prints in the C locale: a longest run of
// those bytes, with leading digits not part of it ("0x1F" gives "x1F"). The one idea is a state that
// survives the end of a piece: how long the open run is, and its first WI_IDENTIFIER_MAX bytes. A run
// longer than that is reported once, as a long one without text.
#ifndef TROUPE_EXAMPLES_WORDINDEX_TOKENIZER_H
#define TROUPE_EXAMPLES_WORDINDEX_TOKENIZER_H

#include <stddef.h>
#include <stdint.h>

#define WI_IDENTIFIER_MAX 255u

// One identifier; `text` is lent for the call, and NULL for one of more than WI_IDENTIFIER_MAX bytes.
typedef void (*wi_identifier_fn)(void *arg, const char *text, uint32_t length);

struct wi_tokenizer {
  uint64_t length;  // of the open run so far; 0: between identifiers
  char held[WI_IDENTIFIER_MAX];
};

void wi_tokenizer_init(struct wi_tokenizer *tokenizer);

// The next bytes of the stream; calls `fn` for each identifier that ends in them.
void wi_tokenizer_feed(struct wi_tokenizer *tokenizer, const uint8_t *bytes, size_t size,
                       wi_identifier_fn fn, void *arg);

// The stream has ended: an open run is complete. The tokenizer is as after init.
void wi_tokenizer_finish(struct wi_tokenizer *tokenizer, wi_identifier_fn fn, void *arg);

#endif
