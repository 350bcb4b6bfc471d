// SPDX-License-Identifier: Apache-2.0
//
// Foreign bytes against the scan and the decoder. Two oracles:
//
// 1. The scan accepts exactly what msgpack-c unpacks from exactly these bytes, except where our
//    nesting limit, which is stricter, refuses first.
// 2. What the decoder accepts as a message can be printed and copied, and packs to bytes that decode
//    to the same message and pack to the same bytes again.
//
// Built with libFuzzer by --config=fuzz, and with a main of its own that replays a corpus.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <msgpack.h>

#include "base/check.h"
#include "mailbox/codec.h"
#include "mailbox/copy.h"
#include "mailbox/print.h"
#include "mailbox/scan.h"
#include "tests/mailbox/sample.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Longer inputs find nothing that shorter ones do not, and msgpack-c takes 27 times their memory.
#define INPUT_MAX 65536u

// msgpack-c allocates what a count states, so where the scan stopped before it had seen every count,
// only bytes without heads of large arrays and maps may be shown to it.
static bool has_large_counts(const uint8_t *data, size_t size) {
  for (size_t i = 0; i < size; i++) {
    if (data[i] >= 0xdc && data[i] <= 0xdf) return true;
  }
  return false;
}

static void compare_scan(const uint8_t *data, size_t size) {
  size_t used = 0, offset = 0;
  msgpack_unpacked unpacked;
  enum act__scan_result result = act__scan_exactly(data, size, ACT_DEPTH_MAX, &used);
  bool stopped_early = result == ACT__SCAN_SHORT || result == ACT__SCAN_DEEP;

  if (stopped_early && has_large_counts(data, size)) return;
  msgpack_unpacked_init(&unpacked);
  msgpack_unpack_return theirs =
      msgpack_unpack_next(&unpacked, (const char *)data, size, &offset);
  if (result == ACT__SCAN_OK) {
    ACT_ASSERT(theirs == MSGPACK_UNPACK_SUCCESS && offset == size && used == size);
  } else if (result == ACT__SCAN_TRAILING) {
    ACT_ASSERT(theirs == MSGPACK_UNPACK_SUCCESS && offset == used);
  } else if (result != ACT__SCAN_DEEP) {
    ACT_ASSERT(theirs != MSGPACK_UNPACK_SUCCESS);
  }
  msgpack_unpacked_destroy(&unpacked);
}

static void *decode(const act_schema *schema, const uint8_t *data, size_t size) {
  struct act__decode_error error = {0};
  struct act__decode_limits limits = {.error = &error};
  size_t block_size, again;

  if (act__decode(schema, data, size, &limits, NULL, &block_size) != ACT_OK) {
    ACT_ASSERT(error.text[0] != 0 && error.offset <= size);
    return NULL;
  }
  ACT_ASSERT(block_size <= ACT__DECODE_EXPANSION * size + schema->size + 7);
  void *block = malloc(block_size);
  ACT_ASSERT(block != NULL);
  again = block_size;
  ACT_ASSERT(act__decode(schema, data, size, NULL, block, &again) == ACT_OK);
  ACT_ASSERT(again == block_size);
  return block;
}

static void round_trip(const act_schema *schema, const uint8_t *data, size_t size) {
  char line[256];
  size_t used;
  void *first = decode(schema, data, size);
  if (!first) return;

  ACT_ASSERT(act__scan_exactly(data, size, ACT_DEPTH_MAX, &used) == ACT__SCAN_OK);
  act_print(schema, first, line, sizeof line);
  void *copy = sample_copy(schema, first);
  ACT_ASSERT(sample_equal(schema, first, copy));

  struct act__bytes packed, repacked;
  act__bytes_init(&packed, 32u << 20);
  act__bytes_init(&repacked, 32u << 20);
  act_rc rc = act__encode(schema, copy, &packed);
  // Shorter forms of the same values can make a message too dense for its receiver.
  ACT_ASSERT(rc == ACT_OK || rc == ACT_ELIMIT);
  if (rc == ACT_OK) {
    void *second = decode(schema, packed.data, packed.length);
    ACT_ASSERT(second && sample_equal(schema, first, second));
    ACT_ASSERT(act__encode(schema, second, &repacked) == ACT_OK);
    ACT_ASSERT(packed.length == repacked.length);
    ACT_ASSERT(memcmp(packed.data, repacked.data, packed.length) == 0);
    sample_free(schema, second);
  }
  act__bytes_fini(&packed);
  act__bytes_fini(&repacked);
  sample_free(schema, copy);
  sample_free(schema, first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size > INPUT_MAX) return 0;
  compare_scan(data, size);
  round_trip(&everything_schema, data, size);
  round_trip(&label_schema, data, size);
  return 0;
}
