// SPDX-License-Identifier: Apache-2.0
//
// Reading msgpack one token at a time, and a strict bounded scan of one whole value.
//
// No byte is read before it is known to be there, nothing is allocated, nothing recurses. A token is
// the head of a value; what follows a str, bin or ext head is its payload, what follows an array or
// map head are the values in it. The scan accepts a value only if every length and count that it
// states can be met by the bytes that are there: each element takes at least one.
#ifndef TROUPE_MAILBOX_SCAN_H
#define TROUPE_MAILBOX_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum act__token_type {
  ACT__TOKEN_NIL,
  ACT__TOKEN_FLAG,   // number: 0 or 1
  ACT__TOKEN_UINT,   // number
  ACT__TOKEN_INT,    // number, as two's complement, and negative
  ACT__TOKEN_FLOAT,  // real (of 32 or 64 bits on the wire)
  ACT__TOKEN_STR,    // length
  ACT__TOKEN_BIN,    // length
  ACT__TOKEN_EXT,    // length, ext
  ACT__TOKEN_ARRAY,  // length: elements
  ACT__TOKEN_MAP,    // length: pairs
};

struct act__token {
  enum act__token_type type;
  uint8_t head;     // bytes of the token itself, 1 to 9
  int8_t ext;       // type of an ext value
  uint32_t length;
  uint64_t number;
  double real;
};

enum act__scan_result {
  ACT__SCAN_OK = 0,
  ACT__SCAN_SHORT,     // the bytes end inside the value, or cannot hold what a count states
  ACT__SCAN_RESERVED,  // 0xc1, which msgpack never uses
  ACT__SCAN_DEEP,      // containers inside one another past the limit
  ACT__SCAN_TRAILING,  // bytes after the value
};

// Reads the token at `data`, of which `size` bytes are there. SHORT and RESERVED as above; payload
// bytes are not looked at, but they, or one byte per element, must be there: else SHORT.
enum act__scan_result act__token_read(const uint8_t *data, size_t size, struct act__token *token);

// "a map", "text", ...: for messages to people. Static storage.
const char *act__token_name(enum act__token_type type);
const char *act__scan_text(enum act__scan_result result);

// Scans the one value at the start of `data`. *used: its bytes, or the offset of the token that was
// refused. depth_max: containers inside one another, at most ACT__SCAN_DEPTH_MAX; 0: none at all.
#define ACT__SCAN_DEPTH_MAX 32u
enum act__scan_result act__scan_value(const uint8_t *data, size_t size, unsigned depth_max,
                                      size_t *used);

// The same, and nothing may follow the value.
enum act__scan_result act__scan_exactly(const uint8_t *data, size_t size, unsigned depth_max,
                                        size_t *used);

#endif
