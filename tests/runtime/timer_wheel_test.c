// SPDX-License-Identifier: Apache-2.0
//
// The timer wheel against a plain reference: an array that is searched. Virtual time only.
#include "runtime/timer_wheel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check.h"

#define TICK_NS (INT64_C(1) << ACT__WHEEL_TICK_SHIFT)
#define MS INT64_C(1000000)

struct item {
  struct act__timer timer;
  uint64_t order;  // when it was armed, by count
  int64_t due_ns;
  bool is_armed;
};

static struct item *item_of(struct act__link *link) {
  return ACT__CONTAINER_OF(link, struct item, timer.link);
}

// A small generator of its own (splitmix64), so that a failure is repeated by its seed.
static uint64_t next_random(uint64_t *state) {
  uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

static struct act__wheel wheel;

static unsigned advance_and_count(int64_t now_ns) {
  struct act__link expired;
  act__list_init(&expired);
  act__wheel_advance(&wheel, now_ns, &expired);
  unsigned n = 0;
  while (act__list_pop_front(&expired)) n++;
  return n;
}

static void empty_wheel_never_has_anything_due(void **state) {
  (void)state;
  act__wheel_init(&wheel, 0);
  assert_int_equal(act__wheel_next_due(&wheel), INT64_MAX);
  assert_int_equal(advance_and_count(INT64_MAX), 0);
  assert_int_equal(act__wheel_count(&wheel), 0);
}

static void timer_expires_at_its_time_and_not_one_nanosecond_before(void **state) {
  (void)state;
  static const int64_t distances[] = {1,
                                      999,
                                      TICK_NS - 1,
                                      TICK_NS,
                                      TICK_NS + 1,
                                      63 * TICK_NS,
                                      64 * TICK_NS - 1,
                                      64 * TICK_NS,
                                      4096 * TICK_NS,
                                      4096 * TICK_NS + 7,
                                      1000 * 1000 * MS,
                                      INT64_MAX / 3,
                                      INT64_MAX - 12345678};
  for (size_t i = 0; i < sizeof(distances) / sizeof(*distances); i++) {
    struct act__timer timer = {.place = 0};
    act__wheel_init(&wheel, 12345678);
    act__wheel_arm(&wheel, &timer, 12345678 + (distances[i] - 1));
    act__wheel_cancel(&wheel, &timer);
    int64_t due = distances[i] > INT64_MAX - 12345678 ? INT64_MAX : 12345678 + distances[i];
    act__wheel_arm(&wheel, &timer, due);
    assert_int_equal(act__wheel_next_due(&wheel), due);
    assert_int_equal(advance_and_count(due - 1), 0);
    assert_true(act__timer_is_armed(&timer));
    assert_int_equal(act__wheel_next_due(&wheel), due);
    assert_int_equal(advance_and_count(due), 1);
    assert_false(act__timer_is_armed(&timer));
    assert_int_equal(act__wheel_next_due(&wheel), INT64_MAX);
  }
}

static void overdue_timer_expires_with_the_next_advance(void **state) {
  (void)state;
  struct act__timer now = {.place = 0}, before = {.place = 0}, negative = {.place = 0};
  act__wheel_init(&wheel, 100 * MS);
  act__wheel_arm(&wheel, &now, 100 * MS);
  act__wheel_arm(&wheel, &before, 3);
  act__wheel_arm(&wheel, &negative, INT64_MIN);
  assert_true(act__wheel_next_due(&wheel) <= 100 * MS);
  struct act__link expired;
  act__list_init(&expired);
  act__wheel_advance(&wheel, 100 * MS, &expired);
  assert_ptr_equal(act__list_pop_front(&expired), &negative.link);
  assert_ptr_equal(act__list_pop_front(&expired), &before.link);
  assert_ptr_equal(act__list_pop_front(&expired), &now.link);
  assert_null(act__list_pop_front(&expired));
}

static void time_that_goes_back_counts_as_the_latest(void **state) {
  (void)state;
  struct act__timer timer = {.place = 0};
  act__wheel_init(&wheel, 50 * MS);
  assert_int_equal(advance_and_count(10 * MS), 0);
  act__wheel_arm(&wheel, &timer, 50 * MS);
  assert_int_equal(advance_and_count(10 * MS), 1);
}

static void end_of_time_is_a_time_like_any_other(void **state) {
  (void)state;
  struct act__timer last = {.place = 0}, last_but_one = {.place = 0};
  act__wheel_init(&wheel, 0);
  act__wheel_arm(&wheel, &last, INT64_MAX);
  act__wheel_arm(&wheel, &last_but_one, INT64_MAX - 1);
  assert_int_equal(advance_and_count(INT64_MAX - 2), 0);
  assert_int_equal(advance_and_count(INT64_MAX - 1), 1);
  assert_true(act__timer_is_armed(&last));
  assert_int_equal(advance_and_count(INT64_MAX), 1);
  act__wheel_arm(&wheel, &last, INT64_MAX);
  assert_int_equal(advance_and_count(INT64_MAX), 1);
}

static void cancel_answers_true_exactly_once_and_only_while_armed(void **state) {
  (void)state;
  struct act__timer timer = {.place = 0};
  act__wheel_init(&wheel, 0);
  assert_false(act__wheel_cancel(&wheel, &timer));
  act__wheel_arm(&wheel, &timer, 70 * MS);
  assert_true(act__wheel_cancel(&wheel, &timer));
  assert_false(act__wheel_cancel(&wheel, &timer));
  assert_int_equal(act__wheel_next_due(&wheel), INT64_MAX);
  act__wheel_arm(&wheel, &timer, 70 * MS);
  struct act__link expired;
  act__list_init(&expired);
  act__wheel_advance(&wheel, 70 * MS, &expired);
  assert_false(act__wheel_cancel(&wheel, &timer));
  assert_ptr_equal(expired.next, &timer.link);
}

// Armed while far, and again while near: arming order must survive the way down the levels.
static void equal_due_times_expire_in_the_order_of_arming(void **state) {
  (void)state;
  enum { N = 300 };
  static struct act__timer timers[N];
  const int64_t due = INT64_C(5000) * 1000 * MS + 77;
  act__wheel_init(&wheel, 0);
  struct act__link expired;
  act__list_init(&expired);
  for (int i = 0; i < N; i++) {
    act__wheel_arm(&wheel, &timers[i], due);
    act__wheel_advance(&wheel, due - (due >> (i / 7)), &expired);
  }
  assert_true(act__list_is_empty(&expired));
  act__wheel_advance(&wheel, due, &expired);
  for (int i = 0; i < N; i++) assert_ptr_equal(act__list_pop_front(&expired), &timers[i].link);
}

// Sub-tick order: many timers of one tick, armed in a shuffled order, leave it one by one.
static void order_inside_one_tick_is_exact(void **state) {
  (void)state;
  enum { N = 1009 };
  static struct act__timer timers[N];
  act__wheel_init(&wheel, 0);
  for (int i = 0; i < N; i++)
    act__wheel_arm(&wheel, &timers[i * 601 % N], 5 * TICK_NS + i * 601 % N);
  for (int i = 0; i < N; i++) {
    assert_int_equal(act__wheel_next_due(&wheel), 5 * TICK_NS + i);
    struct act__link expired;
    act__list_init(&expired);
    act__wheel_advance(&wheel, 5 * TICK_NS + i, &expired);
    assert_ptr_equal(act__list_pop_front(&expired), &timers[i].link);
    assert_true(act__list_is_empty(&expired));
  }
}

// What the wheel gives must be exactly what the reference says, in order of (due, arming).
static void check_expired(struct item *items, int n, int64_t now, struct act__link *expired) {
  int64_t last_due = INT64_MIN;
  uint64_t last_order = 0;
  struct act__link *link;
  while ((link = act__list_pop_front(expired))) {
    struct item *item = item_of(link);
    assert_true(item->is_armed);
    assert_true(item->due_ns <= now);
    assert_true(item->due_ns > last_due || (item->due_ns == last_due && item->order > last_order));
    last_due = item->due_ns;
    last_order = item->order;
    item->is_armed = false;
  }
  for (int i = 0; i < n; i++) {
    assert_int_equal(items[i].is_armed, act__timer_is_armed(&items[i].timer));
    if (items[i].is_armed) assert_true(items[i].due_ns > now);
  }
}

// So many in one tick that they are sorted by its parts: equal times, overdue ones and the tick's own
// first and last nanosecond among them.
static void crowded_tick_keeps_its_order(void **state) {
  (void)state;
  enum { N = 3000 };
  static struct item items[N];
  uint64_t random = 11;
  for (int64_t until = 7 * TICK_NS; until <= 8 * TICK_NS; until += TICK_NS / 5) {
    act__wheel_init(&wheel, 7 * TICK_NS);
    for (int i = 0; i < N; i++) {
      int64_t due_ns = 7 * TICK_NS + (int64_t)(next_random(&random) % 512) * (TICK_NS / 511);
      if (due_ns >= 8 * TICK_NS) due_ns = 8 * TICK_NS - 1;
      if (i % 10 == 0) due_ns -= 2 * TICK_NS;
      items[i] = (struct item){.due_ns = due_ns, .order = (uint64_t)i, .is_armed = true};
      act__wheel_arm(&wheel, &items[i].timer, due_ns);
    }
    struct act__link expired;
    act__list_init(&expired);
    act__wheel_advance(&wheel, until, &expired);
    check_expired(items, N, until, &expired);
    act__wheel_advance(&wheel, 9 * TICK_NS, &expired);
    check_expired(items, N, 9 * TICK_NS, &expired);
    assert_int_equal(act__wheel_count(&wheel), 0);
  }
}

// A crowd that is due at one time comes down the levels with each tick that passes, never more than its
// share at once, and who is armed for that time meanwhile comes after it.
static void crowd_comes_down_bit_by_bit_and_is_not_overtaken(void **state) {
  (void)state;
  enum { N = 6400, LATE = 3 * ACT__WHEEL_SLOTS, SHARE = N / ACT__WHEEL_SLOTS + 8 };
  static struct act__timer timers[N + LATE];
  for (unsigned level = 1; level <= 2; level++) {
    const int64_t slot_ns = TICK_NS << (level * ACT__WHEEL_SLOT_BITS);
    const int64_t due = 12 * slot_ns + 7 * TICK_NS;
    act__wheel_init(&wheel, 9 * slot_ns);
    int armed = 0;
    for (; armed < N; armed++) act__wheel_arm(&wheel, &timers[armed], due);
    struct act__link expired;
    act__list_init(&expired);
    uint64_t high = N;
    const struct act__wheel_slot *slot = &wheel.slots[2 * level][12];
    assert_int_equal(slot->count, N);
    for (int step = 0; step < LATE; step++) {
      act__wheel_advance(&wheel, (9 * ACT__WHEEL_SLOTS + step) * (slot_ns / ACT__WHEEL_SLOTS),
                         &expired);
      assert_true(high - slot->count <= SHARE);
      act__wheel_arm(&wheel, &timers[armed++], due);
      high = slot->count;
    }
    assert_true(high <= SHARE);
    assert_true(act__list_is_empty(&expired));
    act__wheel_advance(&wheel, due, &expired);
    for (int i = 0; i < armed; i++) {
      if (act__list_pop_front(&expired) != &timers[i].link) fail_msg("%d was overtaken", i);
    }
  }
}

// Time jumps while a part of a crowd has come down one level and the rest has not.
static void who_has_come_down_ahead_stays_first(void **state) {
  (void)state;
  enum { N = 64 };
  static struct act__timer timers[N];
  for (unsigned level = 2; level <= 4; level++) {
    for (int jump = 1; jump < ACT__WHEEL_SLOTS; jump++) {
      const int64_t slot_ns = TICK_NS << (level * ACT__WHEEL_SLOT_BITS);
      const int64_t due = 12 * slot_ns + (jump % 3) * TICK_NS;
      act__wheel_init(&wheel, 10 * slot_ns);
      for (int i = 0; i < N; i++) act__wheel_arm(&wheel, &timers[i], due);
      struct act__link expired;
      act__list_init(&expired);
      act__wheel_advance(&wheel, 11 * slot_ns - TICK_NS, &expired);
      act__wheel_advance(&wheel, 11 * slot_ns, &expired);
      act__wheel_advance(&wheel, 11 * slot_ns + jump * (slot_ns / ACT__WHEEL_SLOTS), &expired);
      act__wheel_advance(&wheel, due, &expired);
      assert_int_equal(act__wheel_count(&wheel), 0);
      for (int i = 0; i < N; i++) {
        if (act__list_pop_front(&expired) != &timers[i].link) fail_msg("%d was overtaken", i);
      }
    }
  }
}

// Following next_due alone reaches every timer, in few steps, without ever passing one.
static void following_next_due_makes_progress(void **state) {
  (void)state;
  enum { N = 200 };
  static struct item items[N];
  uint64_t random = 7;
  act__wheel_init(&wheel, 0);
  for (int i = 0; i < N; i++) {
    items[i] = (struct item){.due_ns = (int64_t)(next_random(&random) >> (1 + i % 50))};
    act__wheel_arm(&wheel, &items[i].timer, items[i].due_ns);
  }
  for (int i = 0; i < N; i += 2) act__wheel_cancel(&wheel, &items[i].timer);  // makes bounds stale
  unsigned steps = 0, seen = 0;
  while (act__wheel_count(&wheel) > 0) {
    assert_true(++steps < N * (ACT__WHEEL_LEVELS + 1));
    int64_t now = act__wheel_next_due(&wheel);
    for (int i = 1; i < N; i += 2) {
      if (act__timer_is_armed(&items[i].timer)) assert_true(now <= items[i].due_ns);
    }
    seen += advance_and_count(now);
  }
  assert_int_equal(seen, N / 2);
}

static int64_t random_distance(uint64_t *random) {
  uint64_t kind = next_random(random) % 8;
  uint64_t value = next_random(random);
  if (kind == 0) return 0;
  if (kind == 1) return (int64_t)(value % 1000);
  if (kind == 2) return (int64_t)(value % (uint64_t)(3 * TICK_NS));
  if (kind == 3) return (int64_t)(value % 64) * TICK_NS;
  if (kind == 7) return (int64_t)(value >> (3 + value % 20));
  return (int64_t)(value % (uint64_t)(INT64_C(1) << (10 + 6 * kind)));
}

static void random_use_agrees_with_the_reference(void **state) {
  (void)state;
  enum { N = 64, STEPS = 2000 };
  static struct item items[N];
  uint64_t seeds = getenv("ACT_TEST_LONG") ? 2000 : 60;
  for (uint64_t seed = 1; seed <= seeds; seed++) {
    uint64_t random = seed, order = 0;
    int64_t now = seed % 3 ? (int64_t)(next_random(&random) >> (2 + seed % 40)) : 0;
    for (int i = 0; i < N; i++) items[i] = (struct item){.is_armed = false};
    act__wheel_init(&wheel, now);
    for (int step = 0; step < STEPS; step++) {
      uint64_t what = next_random(&random) % 16;
      struct item *item = &items[next_random(&random) % N];
      if (what < 9) {
        if (item->is_armed) continue;
        int64_t distance = random_distance(&random);
        item->due_ns = distance > INT64_MAX - now ? INT64_MAX : now + distance;
        if (what == 0) item->due_ns = items[0].due_ns;  // equal times, times past
        item->order = ++order;
        item->is_armed = true;
        act__wheel_arm(&wheel, &item->timer, item->due_ns);
      } else if (what < 12) {
        assert_int_equal(act__wheel_cancel(&wheel, &item->timer), item->is_armed);
        item->is_armed = false;
      } else {
        struct act__link expired;
        act__list_init(&expired);
        int64_t distance = random_distance(&random) >> (next_random(&random) % 8);
        int64_t next = act__wheel_next_due(&wheel);
        for (int i = 0; i < N; i++) assert_true(!items[i].is_armed || next <= items[i].due_ns);
        if (what == 12 && next > now && next < INT64_MAX) {
          now = next;
        } else if (distance < (INT64_MAX - now) / 4) {
          now += distance;
        }
        act__wheel_advance(&wheel, now, &expired);
        check_expired(items, N, now, &expired);
        assert_true(act__wheel_next_due(&wheel) > now);
      }
    }
  }
}

static void a_million_timers_come_out_in_order(void **state) {
  (void)state;
  enum { N = 1000000 };
  struct act__timer *timers = calloc(N, sizeof(*timers));
  assert_non_null(timers);
  uint64_t random = 3;
  act__wheel_init(&wheel, 0);
  for (int i = 0; i < N; i++) {
    act__wheel_arm(&wheel, &timers[i], (int64_t)(next_random(&random) % (60000 * (uint64_t)MS)));
  }
  assert_int_equal(act__wheel_count(&wheel), N);
  struct act__link expired;
  act__list_init(&expired);
  for (int64_t now = 0; now <= 60000 * MS; now += 17 * MS)
    act__wheel_advance(&wheel, now, &expired);
  act__wheel_advance(&wheel, 60000 * MS, &expired);
  int64_t last = 0;
  int n = 0;
  for (struct act__link *link; (link = act__list_pop_front(&expired)); n++) {
    int64_t due = ACT__CONTAINER_OF(link, struct act__timer, link)->due_ns;
    if (due < last) fail_msg("timer due %lld after %lld", (long long)due, (long long)last);
    last = due;
  }
  assert_int_equal(n, N);
  free(timers);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(empty_wheel_never_has_anything_due),
      cmocka_unit_test(timer_expires_at_its_time_and_not_one_nanosecond_before),
      cmocka_unit_test(overdue_timer_expires_with_the_next_advance),
      cmocka_unit_test(time_that_goes_back_counts_as_the_latest),
      cmocka_unit_test(end_of_time_is_a_time_like_any_other),
      cmocka_unit_test(cancel_answers_true_exactly_once_and_only_while_armed),
      cmocka_unit_test(equal_due_times_expire_in_the_order_of_arming),
      cmocka_unit_test(order_inside_one_tick_is_exact),
      cmocka_unit_test(crowded_tick_keeps_its_order),
      cmocka_unit_test(crowd_comes_down_bit_by_bit_and_is_not_overtaken),
      cmocka_unit_test(who_has_come_down_ahead_stays_first),
      cmocka_unit_test(following_next_due_makes_progress),
      cmocka_unit_test(random_use_agrees_with_the_reference),
      cmocka_unit_test(a_million_timers_come_out_in_order),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
