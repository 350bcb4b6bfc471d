// SPDX-License-Identifier: Apache-2.0
#include "tests/runtime/net/net_support.h"

#include <sys/resource.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/thread.h"

// --- bounds -----------------------------------------------------------------------------------------

static void strangers_in_their_handshake_are_bounded(void **state) {
  (void)state;
  int dialled[ACT__NET_HANDSHAKES_MAX + 1];
  struct act__net_counts counts;
  assert_int_equal(act__net_listen(a.net, address), ACT_OK);
  for (unsigned i = 0; i <= ACT__NET_HANDSHAKES_MAX; i++) {
    assert_int_equal(act__socket_dial(path, &dialled[i]), ACT_OK);
  }
  POLL_UNTIL(loop,
             (act__net_count(a.net, &counts), counts.accepted == ACT__NET_HANDSHAKES_MAX + 1));
  assert_int_equal(counts.peers, ACT__NET_HANDSHAKES_MAX);
  assert_int_equal(counts.refused, 1);
  struct raw last = {.fd = dialled[ACT__NET_HANDSHAKES_MAX]};
  assert_int_equal(raw_wait(&last, loop), -1);
  close(dialled[0]);  // one gives up, and there is room for one
  POLL_UNTIL(loop, (act__net_count(a.net, &counts), counts.refused == 2));
  int another;
  assert_int_equal(act__socket_dial(path, &another), ACT_OK);
  raw_hello(another, 99);
  struct raw raw = {.fd = another};
  assert_int_equal(raw_wait(&raw, loop), ACT__FRAME_WELCOME);
  for (unsigned i = 1; i <= ACT__NET_HANDSHAKES_MAX; i++) close(dialled[i]);
  close(another);
}

static void the_table_of_peers_is_bounded(void **state) {
  (void)state;
  struct rlimit limit;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
  rlim_t old = limit.rlim_cur, needed = 2 * ACT__PEERS_MAX + 100;
  if (limit.rlim_cur < needed) limit.rlim_cur = limit.rlim_max < needed ? limit.rlim_max : needed;
  if (limit.rlim_cur < needed) skip();
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
  static int others[ACT__PEERS_MAX + 1];
  for (unsigned i = 0; i <= ACT__PEERS_MAX; i++) {
    int ends[2];
    assert_int_equal(act__socket_pair(ends), ACT_OK);
    others[i] = ends[1];
    assert_int_equal(act__net_adopt(a.net, ends[0], ACT__NET_DIALER, i, NULL),
                     i < ACT__PEERS_MAX ? ACT_OK : ACT_ELIMIT);
  }
  for (unsigned i = 0; i <= ACT__PEERS_MAX; i++) close(others[i]);
  POLL_UNTIL(loop, a.failures == (int)ACT__PEERS_MAX);
  limit.rlim_cur = old;
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void options_are_checked_at_their_bounds(void **state) {
  (void)state;
  struct node c = {0};
  struct act__net *net;
  char name[ACT__FRAME_NAME_MAX + 2];
  memset(name, 'n', sizeof name);
  name[ACT__FRAME_NAME_MAX] = 0;
  struct act__net_options good = node_options(&c, loop, 44), bad;
  good.name = name;
  good.heartbeat_ms = 50;
  good.silence_ms = 100;
  good.frame_max = ACT__FRAME_MAX_LEAST;
  assert_int_equal(act__net_create(&good, &net), ACT_OK);
  act__net_destroy(net);  // never used: no stop needed
  act__net_destroy(NULL);

  name[ACT__FRAME_NAME_MAX] = 'n';
  name[ACT__FRAME_NAME_MAX + 1] = 0;
  assert_int_equal(act__net_create(&good, &net), ACT_EINVAL);
  good.name = NULL;
  bad = good, bad.incarnation = 0;
  assert_int_equal(act__net_create(&bad, &net), ACT_EINVAL);
  bad = good, bad.silence_ms = 99;
  assert_int_equal(act__net_create(&bad, &net), ACT_EINVAL);
  bad = good, bad.frame_max = ACT__FRAME_MAX_LEAST - 1;
  assert_int_equal(act__net_create(&bad, &net), ACT_EINVAL);
  bad = good, bad.frame_max = ACT__FRAME_MAX + 1;
  assert_int_equal(act__net_create(&bad, &net), ACT_EINVAL);
}

static void when_the_nth_allocation_fails_a_link_fails_or_works(void **state) {
  (void)state;
  struct act__net_counts counts_a, counts_b;
  for (int n = 0;; n++) {
    int ends[2];
    assert_int_equal(act__socket_pair(ends), ACT_OK);
    int begun = a.ups + a.failures, begun_b = b.ups + b.failures, ups = a.ups;
    act__alloc_fail_once(n);
    act_rc rc_a = act__net_adopt(a.net, ends[0], ACT__NET_DIALER, 1, NULL);
    act_rc rc_b = act__net_adopt(b.net, ends[1], ACT__NET_ACCEPTOR, 2, NULL);
    assert_true(rc_a == ACT_OK || rc_a == ACT_ENOMEM);
    assert_true(rc_b == ACT_OK || rc_b == ACT_ENOMEM);
    POLL_UNTIL(loop,
               (rc_a || a.ups + a.failures > begun) && (rc_b || b.ups + b.failures > begun_b));
    bool all = act__alloc_failures() == 0;
    act__alloc_fail_after(-1);
    if (all) assert_int_equal(a.ups, ups + 1);
    if (a.peer) act__net_close_peer(a.net, a.id, ACT_ECLOSED, "next");
    POLL_UNTIL(loop, (act__net_count(a.net, &counts_a), act__net_count(b.net, &counts_b),
                      counts_a.peers + counts_b.peers == 0));
    if (all) break;
    assert_true(n < 100);
  }
}

// --- threads ----------------------------------------------------------------------------------------

#define SENDERS 4
#define PER_SENDER 5000

static int sender_failures;

static void send_many(void *arg) {
  uint16_t self = *(uint16_t *)arg;
  for (uint32_t i = 0; i < PER_SENDER; i++) {
    struct act__bytes *out = act__peer_begin(a.peer, a.id.epoch);
    if (!out) {
      sender_failures++;
      return;
    }
    struct act__frame_nack nack = {.target = {.slot = self, .gen = i}};
    act_rc rc = act__frame_put_nack(out, &nack);
    act__peer_end(a.peer, NULL);
    if (rc) sender_failures++;
  }
}

static uint32_t next_of[SENDERS];

static void check_order(void *arg, struct act__peer *peer, const struct act__frame *frame,
                        struct act__worker *me) {
  (void)peer;
  (void)me;
  struct act__frame_target from = frame->u.nack.target;
  assert_true(from.slot < SENDERS);
  assert_int_equal(from.gen, next_of[from.slot]++);
  ((struct node *)arg)->frames++;
}

static void many_threads_send_on_one_link_and_each_ones_frames_stay_in_order(void **state) {
  (void)state;
  static const struct act__net_sink sink = {node_up, node_down, check_order, NULL};
  struct node c = {0};
  struct act__net_options options = node_options(&c, loop, 44);
  options.sink = &sink;
  assert_int_equal(act__net_create(&options, &c.net), ACT_OK);
  link_nodes(loop, &a, ACT__NET_DIALER, &c, ACT__NET_ACCEPTOR);
  struct act__thread threads[SENDERS];
  uint16_t numbers[SENDERS];
  memset(next_of, 0, sizeof next_of);
  for (uint16_t i = 0; i < SENDERS; i++) {
    numbers[i] = i;
    assert_int_equal(act__thread_start(&threads[i], "sender", 0, send_many, &numbers[i]), ACT_OK);
  }
  POLL_UNTIL(loop, c.frames == SENDERS * PER_SENDER);
  for (int i = 0; i < SENDERS; i++) act__thread_join(&threads[i]);
  assert_int_equal(sender_failures, 0);
  node_destroy(&c, loop);
}

static void dial_and_close_many(void *arg) {
  (void)arg;
  for (int i = 0; i < 300; i++) {
    int ends[2];
    struct act__peer_id id;
    for (;;) {  // the table, or the process's descriptors, may be full for a moment
      act_rc rc = act__socket_pair(ends);
      if (!rc) {
        rc = act__net_adopt(a.net, ends[0], ACT__NET_DIALER, 1, &id);
        act__socket_close(ends[1]);
      }
      if (rc == ACT_OK) break;
      ACT_ASSERT(rc == ACT_ELIMIT);
      act__thread_yield();
    }
    struct act__peer *peer = act__net_peer(a.net, id);
    if (peer) {
      struct act__bytes *out = act__peer_begin(peer, id.epoch);
      if (out) act__peer_end(peer, NULL);
    }
    act__net_close_peer(a.net, id, ACT_ECANCELLED, "changed my mind");
  }
}

static void links_come_and_go_from_many_threads(void **state) {
  (void)state;
  struct act__thread threads[SENDERS];
  for (int i = 0; i < SENDERS; i++) {
    assert_int_equal(act__thread_start(&threads[i], "dialer", 0, dial_and_close_many, NULL),
                     ACT_OK);
  }
  POLL_UNTIL(loop, a.failures == SENDERS * 300);
  for (int i = 0; i < SENDERS; i++) act__thread_join(&threads[i]);
}

// --- stopping ---------------------------------------------------------------------------------------

static void stopping_says_goodbye_and_ends_every_kind_of_connection_once(void **state) {
  (void)state;
  struct node c;
  node_create(&c, loop, 44);
  int silent, waiting[2];
  assert_int_equal(act__net_listen(c.net, address), ACT_OK);
  assert_int_equal(act__net_dial(a.net, address, 1, NULL), ACT_OK);
  POLL_UNTIL(loop, a.ups && c.ups);
  assert_int_equal(act__socket_dial(path, &silent), ACT_OK);
  POLL_UNTIL(loop, ({
               struct act__net_counts counts;
               act__net_count(c.net, &counts);
               counts.peers == 2;
             }));
  assert_int_equal(act__socket_pair(waiting), ACT_OK);
  assert_int_equal(act__net_adopt(c.net, waiting[0], ACT__NET_PARENT, 4, NULL), ACT_OK);

  node_destroy(&c, loop);

  assert_int_equal(c.downs, 1);
  assert_int_equal(c.failures, 1);
  POLL_UNTIL(loop, a.downs);
  assert_int_equal(a.why, ACT_ECLOSED);
  assert_string_equal(a.text, "the node stops");
  close(silent);
  close(waiting[1]);
}

static void after_a_stop_nothing_new_begins(void **state) {
  (void)state;
  struct node c;
  int ends[2];
  node_create(&c, loop, 44);
  act__net_stop(c.net, node_stopped, &c);
  assert_int_equal(act__net_listen(c.net, address), ACT_ECLOSED);
  assert_int_equal(act__socket_pair(ends), ACT_OK);
  assert_int_equal(act__net_adopt(c.net, ends[0], ACT__NET_DIALER, 0, NULL), ACT_ECLOSED);
  close(ends[1]);
  POLL_UNTIL(loop, c.stopped);
  act__net_destroy(c.net);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, net_set_up, net_tear_down)
  const struct CMUnitTest tests[] = {
      TEST(strangers_in_their_handshake_are_bounded),
      TEST(the_table_of_peers_is_bounded),
      TEST(options_are_checked_at_their_bounds),
      TEST(when_the_nth_allocation_fails_a_link_fails_or_works),
      TEST(many_threads_send_on_one_link_and_each_ones_frames_stay_in_order),
      TEST(links_come_and_go_from_many_threads),
      TEST(stopping_says_goodbye_and_ends_every_kind_of_connection_once),
      TEST(after_a_stop_nothing_new_begins),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
