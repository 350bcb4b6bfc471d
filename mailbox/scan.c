// SPDX-License-Identifier: Apache-2.0
//
// The token reader is a table of the 256 first bytes, written as ranges.
#include "mailbox/scan.h"

#include <string.h>

#include "base/check.h"

static uint64_t read_big_endian(const uint8_t *data, unsigned bytes) {
  uint64_t number = 0;

  for (unsigned i = 0; i < bytes; i++) number = number << 8 | data[i];
  return number;
}

static void set_unsigned(struct act__token *token, uint64_t number) {
  token->type = ACT__TOKEN_UINT;
  token->number = number;
}

// A signed number that is not negative is a UINT: nobody cares which way it was packed.
static void set_signed(struct act__token *token, const uint8_t *data, unsigned bytes) {
  uint64_t number = read_big_endian(data, bytes);
  unsigned shift = 64 - 8 * bytes;
  int64_t value = (int64_t)(number << shift) >> shift;

  token->type = value < 0 ? ACT__TOKEN_INT : ACT__TOKEN_UINT;
  token->number = (uint64_t)value;
}

static void set_float(struct act__token *token, const uint8_t *data, unsigned bytes) {
  uint64_t bits = read_big_endian(data, bytes);

  token->type = ACT__TOKEN_FLOAT;
  if (bytes == 4) {
    uint32_t narrow_bits = (uint32_t)bits;
    float narrow;
    memcpy(&narrow, &narrow_bits, sizeof narrow);
    token->real = (double)narrow;
  } else {
    memcpy(&token->real, &bits, sizeof token->real);
  }
}

static void set_sized(struct act__token *token, enum act__token_type type, uint64_t length) {
  token->type = type;
  token->length = (uint32_t)length;
}

static void set_ext(struct act__token *token, uint64_t length, uint8_t ext) {
  set_sized(token, ACT__TOKEN_EXT, length);
  token->ext = (int8_t)ext;
}

// Bytes of the head that begins with this byte; 0 for the reserved one.
static unsigned head_bytes(uint8_t first) {
  static const uint8_t heads[32] = {
      1, 0, 1, 1,              // c0 nil, c1 reserved, c2 false, c3 true
      2, 3, 5, 3, 4, 6,        // c4.. bin 8 16 32, c7.. ext 8 16 32 (with the type)
      5, 9, 2, 3, 5, 9,        // ca.. float 32 64, cc.. uint 8 16 32 64
      2, 3, 5, 9,              // d0.. int 8 16 32 64
      2, 2, 2, 2, 2,           // d4.. fixext 1 2 4 8 16 (with the type)
      2, 3, 5, 3, 5, 3, 5,     // d9.. str 8 16 32, dc.. array 16 32, de.. map 16 32
  };

  return first >= 0xc0 && first <= 0xdf ? heads[first - 0xc0] : 1;
}

// `data` holds the whole head.
static void read_head(const uint8_t *data, struct act__token *token) {
  uint8_t first = data[0];
  unsigned wide = token->head - 1u;  // bytes after the first
  uint64_t number = wide && wide <= 8 ? read_big_endian(data + 1, wide) : 0;

  if (first <= 0x7f) {
    set_unsigned(token, first);
  } else if (first <= 0x8f) {
    set_sized(token, ACT__TOKEN_MAP, first & 0x0fu);
  } else if (first <= 0x9f) {
    set_sized(token, ACT__TOKEN_ARRAY, first & 0x0fu);
  } else if (first <= 0xbf) {
    set_sized(token, ACT__TOKEN_STR, first & 0x1fu);
  } else if (first == 0xc0) {
    token->type = ACT__TOKEN_NIL;
  } else if (first <= 0xc3) {
    token->type = ACT__TOKEN_FLAG;
    token->number = first & 1u;
  } else if (first <= 0xc6) {
    set_sized(token, ACT__TOKEN_BIN, number);
  } else if (first <= 0xc9) {
    set_ext(token, number >> 8, (uint8_t)number);
  } else if (first <= 0xcb) {
    set_float(token, data + 1, wide);
  } else if (first <= 0xcf) {
    set_unsigned(token, number);
  } else if (first <= 0xd3) {
    set_signed(token, data + 1, wide);
  } else if (first <= 0xd8) {
    set_ext(token, 1u << (first - 0xd4), data[1]);
  } else if (first <= 0xdb) {
    set_sized(token, ACT__TOKEN_STR, number);
  } else if (first <= 0xdd) {
    set_sized(token, ACT__TOKEN_ARRAY, number);
  } else if (first <= 0xdf) {
    set_sized(token, ACT__TOKEN_MAP, number);
  } else {
    set_signed(token, data, 1);
  }
}

// Bytes that must follow the head at the very least.
static uint64_t least_after(const struct act__token *token) {
  switch (token->type) {
    case ACT__TOKEN_STR:
    case ACT__TOKEN_BIN:
    case ACT__TOKEN_EXT:
    case ACT__TOKEN_ARRAY:
      return token->length;
    case ACT__TOKEN_MAP:
      return (uint64_t)token->length * 2;
    default:
      return 0;
  }
}

enum act__scan_result act__token_read(const uint8_t *data, size_t size, struct act__token *token) {
  if (size == 0) return ACT__SCAN_SHORT;
  unsigned head = head_bytes(data[0]);
  if (head == 0) return ACT__SCAN_RESERVED;
  if (size < head) return ACT__SCAN_SHORT;

  memset(token, 0, sizeof *token);
  token->head = (uint8_t)head;
  read_head(data, token);
  return least_after(token) <= size - head ? ACT__SCAN_OK : ACT__SCAN_SHORT;
}

const char *act__token_name(enum act__token_type type) {
  switch (type) {
    case ACT__TOKEN_NIL:
      return "nil";
    case ACT__TOKEN_FLAG:
      return "a flag";
    case ACT__TOKEN_UINT:
      return "a number";
    case ACT__TOKEN_INT:
      return "a negative number";
    case ACT__TOKEN_FLOAT:
      return "a floating-point number";
    case ACT__TOKEN_STR:
      return "a str";
    case ACT__TOKEN_BIN:
      return "a bin";
    case ACT__TOKEN_EXT:
      return "an ext";
    case ACT__TOKEN_ARRAY:
      return "an array";
    case ACT__TOKEN_MAP:
      return "a map";
  }
  return "?";
}

const char *act__scan_text(enum act__scan_result result) {
  switch (result) {
    case ACT__SCAN_OK:
      return "well-formed";
    case ACT__SCAN_SHORT:
      return "the bytes end before the value does";
    case ACT__SCAN_RESERVED:
      return "byte 0xc1 means nothing";
    case ACT__SCAN_DEEP:
      return "nested too deeply";
    case ACT__SCAN_TRAILING:
      return "bytes left over after the value";
  }
  return "?";
}

enum act__scan_result act__scan_value(const uint8_t *data, size_t size, unsigned depth_max,
                                      size_t *used) {
  uint64_t open[ACT__SCAN_DEPTH_MAX];  // values still to come in each open container
  unsigned depth = 0;
  size_t at = 0;

  ACT_ASSERT(depth_max <= ACT__SCAN_DEPTH_MAX);
  *used = 0;
  for (;;) {
    struct act__token token;
    enum act__scan_result result = act__token_read(data + at, size - at, &token);
    *used = at;
    if (result != ACT__SCAN_OK) return result;

    at += token.head;
    if (token.type == ACT__TOKEN_ARRAY || token.type == ACT__TOKEN_MAP) {
      if (depth == depth_max) return ACT__SCAN_DEEP;
      open[depth++] = least_after(&token);
    } else {
      at += (size_t)least_after(&token);
      if (depth > 0) open[depth - 1]--;
    }
    while (depth > 0 && open[depth - 1] == 0) {
      depth--;
      if (depth > 0) open[depth - 1]--;
    }
    if (depth == 0) break;
  }
  *used = at;
  return ACT__SCAN_OK;
}

enum act__scan_result act__scan_exactly(const uint8_t *data, size_t size, unsigned depth_max,
                                        size_t *used) {
  enum act__scan_result result = act__scan_value(data, size, depth_max, used);

  return result == ACT__SCAN_OK && *used < size ? ACT__SCAN_TRAILING : result;
}
