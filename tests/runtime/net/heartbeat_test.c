// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runtime/net/heartbeat.h"

#define S INT64_C(1000000000)
#define MS INT64_C(1000000)

static struct act__heartbeat started(void) {
  struct act__heartbeat beat;
  act__heartbeat_init(&beat, 1 * S, 4 * S, 1 * S, 100 * S);
  return beat;
}

static void something_is_sent_once_per_step_when_nothing_else_was(void **state) {
  (void)state;
  struct act__heartbeat beat = started();
  for (int i = 1; i <= 20; i++) {
    int64_t now = (100 + i) * S;
    beat.heard_ns = now;
    assert_int_equal(act__heartbeat_step(&beat, now), ACT__BEAT_SEND);
    beat.sent_ns = now;
  }
}

static void traffic_replaces_heartbeats(void **state) {
  (void)state;
  struct act__heartbeat beat = started();
  for (int i = 1; i <= 20; i++) {
    int64_t now = (100 + i) * S;
    beat.heard_ns = now;
    beat.sent_ns = now - 400 * MS;
    assert_int_equal(act__heartbeat_step(&beat, now), ACT__BEAT_NONE);
  }
}

static void a_silent_peer_is_down_after_the_silence_and_not_before(void **state) {
  (void)state;
  struct act__heartbeat beat = started();
  for (int i = 1; i <= 3; i++) {
    assert_int_equal(act__heartbeat_step(&beat, (100 + i) * S), ACT__BEAT_SEND);
  }
  beat.heard_ns = 100 * S + 1;
  assert_int_equal(act__heartbeat_step(&beat, 104 * S), ACT__BEAT_SEND);  // a nanosecond too young
  assert_int_equal(act__heartbeat_step(&beat, 104 * S + 1), ACT__BEAT_DOWN);
}

static void a_late_step_of_our_own_gives_no_verdict_and_the_next_one_does(void **state) {
  (void)state;
  struct act__heartbeat beat = started();

  // Asleep for an hour: the peer's bytes may be waiting to be read.
  assert_int_equal(act__heartbeat_step(&beat, 3700 * S), ACT__BEAT_SEND);
  assert_int_equal(act__heartbeat_step(&beat, 3701 * S), ACT__BEAT_DOWN);

  beat = started();
  assert_int_equal(act__heartbeat_step(&beat, 3700 * S), ACT__BEAT_SEND);
  beat.heard_ns = 3700 * S + 1;  // they were
  assert_int_equal(act__heartbeat_step(&beat, 3701 * S), ACT__BEAT_SEND);
}

static void late_means_more_than_one_step_late(void **state) {
  (void)state;
  struct act__heartbeat beat = started();
  beat.heard_ns = 90 * S;
  assert_int_equal(act__heartbeat_step(&beat, 102 * S), ACT__BEAT_DOWN);  // exactly one step late
  beat = started();
  beat.heard_ns = 90 * S;
  assert_int_equal(act__heartbeat_step(&beat, 102 * S + 1), ACT__BEAT_SEND);
}

static void two_half_open_sides_both_go_down(void **state) {
  (void)state;
  struct act__heartbeat a = started(), b = started();
  int down_a = 0, down_b = 0;
  for (int i = 1; i <= 10; i++) {
    int64_t now = (100 + i) * S;
    bool cut = i > 3;  // from here on nothing arrives, and nobody is told
    enum act__beat said_a = act__heartbeat_step(&a, now), said_b = act__heartbeat_step(&b, now);
    if (said_a == ACT__BEAT_SEND) a.sent_ns = now;
    if (said_b == ACT__BEAT_SEND) b.sent_ns = now;
    if (!cut && said_a == ACT__BEAT_SEND) b.heard_ns = now;
    if (!cut && said_b == ACT__BEAT_SEND) a.heard_ns = now;
    if (said_a == ACT__BEAT_DOWN && !down_a) down_a = i;
    if (said_b == ACT__BEAT_DOWN && !down_b) down_b = i;
  }
  assert_int_equal(down_a, 7);
  assert_int_equal(down_b, 7);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(something_is_sent_once_per_step_when_nothing_else_was),
      cmocka_unit_test(traffic_replaces_heartbeats),
      cmocka_unit_test(a_silent_peer_is_down_after_the_silence_and_not_before),
      cmocka_unit_test(a_late_step_of_our_own_gives_no_verdict_and_the_next_one_does),
      cmocka_unit_test(late_means_more_than_one_step_late),
      cmocka_unit_test(two_half_open_sides_both_go_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
