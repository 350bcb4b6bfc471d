// SPDX-License-Identifier: Apache-2.0
//
// Foreign bytes against the frame decoder and the handshake, as one stream of frames.
//
// 1. Every span that a decoded frame holds lies inside the input.
// 2. What the decoder accepts encodes to a frame that decodes and encodes to the same bytes again.
// 3. The handshake, on either side and in each role, takes any sequence of frames; once it is over or up
//    it is not asked again, and what it answers are frames of its own that decode.
//
// The first byte chooses side and role, the rest is the stream.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/check.h"
#include "runtime/net/frame.h"
#include "runtime/net/handshake.h"
#include "tests/runtime/net/frame_again.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum act__handshake_rival rival_by_number(void *arg, uint64_t incarnation) {
  (void)arg;
  return (enum act__handshake_rival)(incarnation % 3);
}

static void check_answers(const struct act__bytes *out) {
  size_t at = 0;
  while (at < out->length) {
    uint32_t length;
    struct act__frame frame;
    const char *why;
    ACT_ASSERT(act__frame_split(out->data + at, out->length - at, ACT__FRAME_HANDSHAKE_MAX,
                                &length) == ACT_OK);
    ACT_ASSERT(act__frame_decode(out->data + at + ACT__FRAME_PREFIX, length, &frame, &why) ==
               ACT_OK);
    at += ACT__FRAME_PREFIX + length;
  }
}

static void check_round_trip(const struct act__frame *frame) {
  if (frame->type == ACT__FRAME_SKIPPED) return;
  struct act__bytes once, twice;
  struct act__frame again;
  const char *why;
  act__bytes_init(&once, 2 * ACT__FRAME_MAX);
  act__bytes_init(&twice, 2 * ACT__FRAME_MAX);
  ACT_ASSERT(frame_again(&once, frame) == ACT_OK);
  ACT_ASSERT(act__frame_decode(once.data + ACT__FRAME_PREFIX, once.length - ACT__FRAME_PREFIX,
                               &again, &why) == ACT_OK);
  ACT_ASSERT(frame_again(&twice, &again) == ACT_OK);
  ACT_ASSERT(once.length == twice.length);
  for (size_t i = 0; i < once.length; i++) ACT_ASSERT(once.data[i] == twice.data[i]);
  act__bytes_fini(&once);
  act__bytes_fini(&twice);
}

static bool is_over(const struct act__handshake *hs) {
  return hs->state == ACT__HS_UP || hs->state == ACT__HS_OVER;
}

static void run_stream(struct act__handshake *hs, const uint8_t *data, size_t size,
                       struct act__bytes *out) {
  uint32_t length;
  while (act__frame_split(data, size, act__handshake_frame_max(hs), &length) == ACT_OK) {
    struct act__frame frame;
    const char *why = NULL;
    act_rc rc = act__frame_decode(data + ACT__FRAME_PREFIX, length, &frame, &why);
    ACT_ASSERT((rc == ACT_OK) == (why == NULL));
    if (rc) return;
    check_round_trip(&frame);
    if (!is_over(hs)) {
      enum act__handshake_verdict verdict =
          act__handshake_frame(hs, &frame, rival_by_number, NULL, out);
      ACT_ASSERT((verdict == ACT__HS_FAILED) == (hs->state == ACT__HS_OVER));
      ACT_ASSERT((verdict == ACT__HS_IS_UP || verdict == ACT__HS_IS_UP_ALONE) ==
                 (hs->state == ACT__HS_UP));
    }
    data += ACT__FRAME_PREFIX + length;
    size -= ACT__FRAME_PREFIX + length;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const struct act__handshake_self self = {.incarnation = 50,
                                                  .name = "fuzzed",
                                                  .version_min = 1,
                                                  .version_max = 2,
                                                  .frame_max = ACT__FRAME_MAX};
  if (size == 0) return 0;
  struct act__handshake hs;
  struct act__bytes out;
  act__bytes_init(&out, 1u << 16);
  act__handshake_init(&hs, &self, data[0] & 1, (enum act__frame_role)(data[0] / 2 % 3));
  if (data[0] & 1) ACT_ASSERT(act__handshake_start(&hs, &out) == ACT_OK);
  run_stream(&hs, data + 1, size - 1, &out);
  check_answers(&out);
  act__bytes_fini(&out);
  return 0;
}
