// SPDX-License-Identifier: Apache-2.0
//
// Overload is flat: senders on two workers that are many times as fast as their receiver. Never is more in
// its mailbox than the bound, and the bound is reached; everything accepted is handled, in the order of
// its sender; memory does not grow with what was offered. Once the mailbox rejects, once it parks.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <malloc.h>

#include <troupe.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "tests/runtime/watchdog.h"

#define SENDERS 4u
#define BOUND 64u
#define MESSAGES 20000u       // handled before the end
#define PAUSES 40             // of a handler: about a microsecond
#define SLICE 100u
#define GROWTH_MAX_BYTES (512u * 1024u)  // of the heap, while 20,000 messages of 1 KiB pass

ACT_MSG(over_item, (u32, from, 1)(u64, number, 2)(bytes, payload, 3))
ACT_MSG_EMPTY(over_signal)
#define TAKING(CAST, CALL, P) CAST(P, 1, item, over_item)
ACT_PROTOCOL(taking, 1, TAKING)
#define FLOODING(CAST, CALL, P) CAST(P, 1, more, over_signal)
ACT_PROTOCOL(flooding, 1, FLOODING)

// What is in the mailbox was accepted and its handler has not returned. The first count is raised after
// an acceptance, the second before the handler returns, and they are read in that order: so their
// difference is never more than what is in the mailbox.
static ACT__ATOMIC(uint64_t) accepted, handled;
static ACT__ATOMIC(uint32_t) most, refusals, parkings;
static ACT__ATOMIC(uint32_t) is_full;  // somebody has met the bound
static size_t heap_begin, heap_end;

static void look_at_bound(void) {
  uint64_t in = act__fetch_add_relaxed(&accepted, 1) + 1;  // relaxed: counts, here and below
  // What was handled before the room for this was given back is seen: see [room] of mailbox.h.
  uint64_t out = act__load_relaxed(&handled);
  if (out >= in) return;  // others have not counted yet what they were accepted
  uint32_t now = (uint32_t)(in - out), before = act__load_relaxed(&most);
  while (now > before && !act__cas_weak_relaxed(&most, &before, now)) {
  }
}

struct taker {
  uint64_t last[SENDERS];
};
ACT_ACTOR(taker, taking, TAKING, struct taker, act_noargs)

static act_rc taker_init(struct taker *self, act_cx *cx, const act_noargs *args) {
  (void)self;
  (void)cx;
  (void)args;
  return ACT_OK;
}

static act_rc taker_item(struct taker *self, act_cx *cx, const over_item *m) {
  if (m->number != ++self->last[m->from]) return act_fail(cx, ACT_EFAIL, "out of order, or lost");
  uint64_t count = act__load_relaxed(&handled) + 1;
  // The first one is in hand until the mailbox is full behind it: the bound is reached.
  while (count == 1 && !act__load_acquire(&is_full)) act__spin_pause();
  for (int i = 0; i < PAUSES; i++) act__spin_pause();
  if (count == MESSAGES / 10) heap_begin = mallinfo2().uordblks;
  if (count == MESSAGES) {
    heap_end = mallinfo2().uordblks;
    act_request_stop(act_cx_runtime(cx));
  }
  act__store_relaxed(&handled, count);
  return ACT_OK;
}

struct flood {
  uint32_t index;
  uint64_t number;
  bool was_parked;  // its last message was in the park place when its handler returned
};
ACT_ACTOR(flood, flooding, FLOODING, struct flood, struct flood)

static act_rc more(act_cx *cx) {
  return flooding_send_more(cx, (flooding_ref){act_self(cx)}, (over_signal){0});
}

static act_rc flood_init(struct flood *self, act_cx *cx, const struct flood *args) {
  *self = *args;
  return more(cx);
}

static act_rc flood_more(struct flood *self, act_cx *cx, const over_signal *m) {
  static const uint8_t payload[1024];
  (void)m;
  taking_svc to;
  if (taking_svc_named(cx, "taker", &to) != ACT_OK) return ACT_OK;  // the end
  if (self->was_parked) look_at_bound();  // what was parked has moved, or this would not run
  self->was_parked = false;
  for (unsigned i = 0; i < SLICE; i++) {
    over_item item = {.from = self->index, .number = self->number + 1,
                      .payload = {payload, sizeof payload}};
    act_rc rc = taking_svc_send_item(cx, to, item);
    if (rc == ACT_EFULL) {
      act__fetch_add_relaxed(&refusals, 1);
      act__store_release(&is_full, 1);  // release: pairs with the acquire in taker_item
      break;
    }
    if (rc) return rc == ACT_EDEAD || rc == ACT_ECLOSED ? ACT_OK : rc;
    self->number++;
    self->was_parked = act_parked(cx);
    if (self->was_parked) {
      act__fetch_add_relaxed(&parkings, 1);
      act__store_release(&is_full, 1);  // release: as above
      break;
    }
    look_at_bound();
  }
  return more(cx);
}

static act_counters play(enum act_full policy) {
  act_child kids[1 + SENDERS] = {{.id = "taker", .name = "taker", .behavior = &taker,
                                  .mailbox = {.msgs = BOUND, .full = policy}}};
  static const char *const ids[SENDERS] = {"f0", "f1", "f2", "f3"};
  struct flood args[SENDERS];
  for (uint32_t i = 0; i < SENDERS; i++) {
    args[i] = (struct flood){.index = i};
    kids[1 + i] = (act_child){.id = ids[i], .behavior = &flood, .args = &args[i]};
  }
  const act_sup root = {.never_restart = true, .kids = kids, .nkids = ACT_COUNT(kids)};
  const act_node node = {.name = "overload", .workers = 2};
  act__store_relaxed(&accepted, 0);  // relaxed: nothing runs, here and below
  act__store_relaxed(&handled, 0);
  act__store_relaxed(&most, 0);
  act__store_relaxed(&refusals, 0);
  act__store_relaxed(&parkings, 0);
  act__store_relaxed(&is_full, 0);
  struct watchdog dog = {0};
  watchdog_start(&dog, "an overloaded actor", 50 * ACT__NS_PER_S);
  act_runtime *rt;
  assert_int_equal(act_start(&node, &root, &rt), ACT_OK);
  act_wait(rt);
  act_counters counters;
  act_read_counters(rt, &counters);
  assert_int_equal(act_stop(rt), 0);
  watchdog_stop(&dog);

  assert_true(act__load_relaxed(&handled) >= MESSAGES);
  assert_int_equal(counters.failures, 0);
  assert_int_equal(act__load_relaxed(&most), BOUND);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they keep what was freed
  assert_true(heap_end <= heap_begin + GROWTH_MAX_BYTES);
#endif
  return counters;
}

static void a_mailbox_that_rejects_holds_its_bound_and_no_more(void **state) {
  (void)state;
  play(ACT_REJECT);
  assert_true(act__load_relaxed(&refusals) > 0);
  assert_int_equal(act__load_relaxed(&parkings), 0);
}

static void a_mailbox_that_parks_holds_its_bound_and_no_more(void **state) {
  (void)state;
  play(ACT_PARK);
  assert_true(act__load_relaxed(&parkings) > 0);
  assert_int_equal(act__load_relaxed(&refusals), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_mailbox_that_rejects_holds_its_bound_and_no_more),
      cmocka_unit_test(a_mailbox_that_parks_holds_its_bound_and_no_more),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
