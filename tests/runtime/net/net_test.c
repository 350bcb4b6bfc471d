// SPDX-License-Identifier: Apache-2.0
#include "tests/runtime/net/net_support.h"

#include "base/rand.h"

// --- coming up --------------------------------------------------------------------------------------

static void two_nodes_link_over_a_unix_socket_and_exchange_frames(void **state) {
  (void)state;
  struct act__peer_id id;
  assert_int_equal(act__net_listen(a.net, address), ACT_OK);
  assert_int_equal(act__net_dial(b.net, address, 77, &id), ACT_OK);
  POLL_UNTIL(loop, a.ups && b.ups);

  assert_ptr_equal(act__net_peer(b.net, id), b.peer);
  assert_int_equal(act__peer_cookie(b.peer), 77);
  assert_int_equal(act__peer_cookie(a.peer), 0);
  assert_int_equal(act__peer_incarnation(a.peer), 22);
  assert_int_equal(act__peer_incarnation(b.peer), 11);
  assert_string_equal(act__peer_name(a.peer), "even");
  assert_string_equal(act__peer_name(b.peer), "odd");
  assert_int_equal(act__peer_uid(a.peer), getuid());
  assert_int_equal(act__peer_frame_max(a.peer), ACT__FRAME_MAX);
  assert_false(act__peer_is_child(a.peer) || act__peer_is_parent(a.peer));

  assert_true(node_send(&a, 0, "there"));
  assert_true(node_send(&b, 0, "and back"));
  POLL_UNTIL(loop, a.frames == 1 && b.frames == 1);
  assert_memory_equal(b.body, "there", 5);
  assert_memory_equal(a.body, "and back", 8);
  POLL_UNTIL(loop, a.drained && b.drained);
}

static void parent_and_child_link_and_only_they_exchange_their_frames(void **state) {
  (void)state;
  link_nodes(loop, &a, ACT__NET_PARENT, &b, ACT__NET_CHILD);
  assert_true(act__peer_is_child(a.peer));
  assert_true(act__peer_is_parent(b.peer));

  struct act__bytes *out = act__peer_begin(a.peer, 0);
  assert_int_equal(act__frame_put_start(out, &(struct act__frame_start){.request = 1}), ACT_OK);
  act__peer_end(a.peer, NULL);
  out = act__peer_begin(b.peer, 0);
  assert_int_equal(act__frame_put_started(out, &(struct act__frame_started){.request = 1}), ACT_OK);
  act__peer_end(b.peer, NULL);
  POLL_UNTIL(loop, a.frames == 1 && b.frames == 1);
  assert_int_equal(b.last.type, ACT__FRAME_START);
  assert_int_equal(a.last.type, ACT__FRAME_STARTED);

  out = act__peer_begin(b.peer, 0);  // a child does not start things in its parent
  assert_int_equal(act__frame_put_start(out, &(struct act__frame_start){.request = 2}), ACT_OK);
  act__peer_end(b.peer, NULL);
  POLL_UNTIL(loop, a.downs && b.downs);
  assert_int_equal(a.why, ACT_EBADMSG);
  assert_int_equal(b.why, ACT_EBADMSG);
  assert_string_equal(a.text, "malformed frame: START: not allowed on this link now");
}

static void bad_addresses_and_absent_nodes_are_told_at_once(void **state) {
  (void)state;
  char long_path[200] = "unix:/";
  memset(long_path + 6, 'x', 120);
  assert_int_equal(act__net_listen(a.net, "tcp://0.0.0.0:1"), ACT_ENOTSUP);
  assert_int_equal(act__net_dial(a.net, "tls://host:1", 0, NULL), ACT_ENOTSUP);
  assert_int_equal(act__net_listen(a.net, "what"), ACT_EINVAL);
  assert_int_equal(act__net_dial(a.net, "", 0, NULL), ACT_EINVAL);
  assert_int_equal(act__net_dial(a.net, long_path, 0, NULL), ACT_EINVAL);
  assert_int_equal(act__net_dial(a.net, address, 0, NULL), ACT_ENOENT);
  assert_int_equal(act__net_adopt(a.net, -1, ACT__NET_DIALER, 0, NULL), ACT_ESYS);
  assert_int_equal(act__net_listen(a.net, address), ACT_OK);
  assert_int_equal(act__net_listen(b.net, address), ACT_EEXIST);
  poll_once(loop, 0);
  assert_int_equal(a.failures, 0);
}

static void a_node_listens_on_so_many_addresses_and_no_more(void **state) {
  (void)state;
  char other[120];
  for (unsigned i = 0; i <= ACT__NET_LISTENERS_MAX; i++) {
    snprintf(other, sizeof other, "%s%u", address, i);
    assert_int_equal(act__net_listen(a.net, other),
                     i < ACT__NET_LISTENERS_MAX ? ACT_OK : ACT_ELIMIT);
  }
}

static void a_dial_that_is_refused_is_told_once_with_its_reason(void **state) {
  (void)state;
  assert_int_equal(act__net_listen(a.net, address), ACT_OK);
  assert_int_equal(act__net_dial(a.net, address, 5, NULL), ACT_OK);
  POLL_UNTIL(loop, a.failures);
  assert_int_equal(a.why, ACT_EINVAL);
  assert_int_equal(a.cookie, 5);
  assert_string_equal(a.text, "a node does not link to itself");
  assert_int_equal(a.failures, 1);  // the accepted side of it is nobody's business
  assert_int_equal(a.ups + a.downs, 0);
}

static void a_second_link_between_two_nodes_is_refused_and_the_first_stays(void **state) {
  (void)state;
  assert_int_equal(act__net_listen(a.net, address), ACT_OK);
  link_a_to_b();
  assert_int_equal(act__net_dial(b.net, address, 6, NULL), ACT_OK);
  POLL_UNTIL(loop, b.failures);
  assert_int_equal(b.why, ACT_EEXIST);
  assert_true(act__peer_is_up(a.peer));
  assert_true(node_send(&a, 0, "x"));
  POLL_UNTIL(loop, b.frames == 1);
}

static void nodes_that_dial_each_other_at_once_end_with_one_link(void **state) {
  (void)state;
  char other[120];
  snprintf(other, sizeof other, "%s2", address);
  assert_int_equal(act__net_listen(a.net, address), ACT_OK);
  assert_int_equal(act__net_listen(b.net, other), ACT_OK);
  assert_int_equal(act__net_dial(b.net, address, 1, NULL), ACT_OK);
  assert_int_equal(act__net_dial(a.net, other, 2, NULL), ACT_OK);
  POLL_UNTIL(loop, a.ups && b.ups && a.failures + b.failures == 1);
  struct act__net_counts counts;
  POLL_UNTIL(loop, (act__net_count(a.net, &counts), counts.peers == 1));
  POLL_UNTIL(loop, (act__net_count(b.net, &counts), counts.peers == 1));
  assert_int_equal(a.ups, 1);
  assert_int_equal(b.ups, 1);
  assert_int_equal(a.downs + b.downs, 0);
  assert_true(node_send(&a, 0, "x"));
  assert_true(node_send(&b, 0, "y"));
  POLL_UNTIL(loop, a.frames == 1 && b.frames == 1);
}

// --- frames -----------------------------------------------------------------------------------------

static void frames_arrive_whole_and_in_order_however_they_are_cut(void **state) {
  (void)state;
  struct raw raw;
  struct act__bytes out;
  struct act__rand rand;
  raw_link(&raw, loop, &a, 33);
  act__bytes_init(&out, 1 << 20);
  for (uint16_t i = 0; i < 40; i++) {
    struct act__frame_message message = {.op = i, .body = act__span_of_text("some body")};
    assert_int_equal(act__frame_put_message(&out, &message), ACT_OK);
  }
  for (size_t i = 0; i < out.length; i++) {  // one byte at a time
    raw_send(raw.fd, out.data + i, 1);
    poll_once(loop, 0);
  }
  POLL_UNTIL(loop, a.frames == 40);
  act__rand_seed(&rand, 7);
  a.next_op = 0;
  for (size_t i = 0; i < out.length;) {
    size_t n = 1 + (size_t)act__rand_below(&rand, 200);
    if (n > out.length - i) n = out.length - i;
    raw_send(raw.fd, out.data + i, n);
    i += n;
    if (n % 2) poll_once(loop, 0);
  }
  POLL_UNTIL(loop, a.frames == 80);
  assert_true(a.in_order);
  act__bytes_fini(&out);
  close(raw.fd);
}

static void a_handshake_may_arrive_byte_by_byte(void **state) {
  (void)state;
  int ends[2];
  assert_int_equal(act__socket_pair(ends), ACT_OK);
  struct raw raw = {.fd = ends[1]};
  assert_int_equal(act__net_adopt(a.net, ends[0], ACT__NET_DIALER, 0, NULL), ACT_OK);
  assert_int_equal(raw_wait(&raw, loop), ACT__FRAME_HELLO);
  struct act__bytes out;
  act__bytes_init(&out, 4096);
  struct act__frame_welcome welcome = {
      .version = 1, .frame_max = ACT__FRAME_MAX, .incarnation = 5, .name = {NULL, 0}};
  assert_int_equal(act__frame_put_welcome(&out, &welcome), ACT_OK);
  for (size_t i = 0; i < out.length; i++) {
    assert_int_equal(a.ups, 0);
    raw_send(raw.fd, out.data + i, 1);
    poll_once(loop, 0);
  }
  POLL_UNTIL(loop, a.ups);
  assert_int_equal(raw_wait(&raw, loop), ACT__FRAME_HEARTBEAT);
  act__bytes_fini(&out);
  close(raw.fd);
}

static void the_largest_frame_passes_and_one_byte_more_closes_the_link(void **state) {
  (void)state;
  struct raw raw;
  raw_link(&raw, loop, &a, 33);
  size_t size = ACT__FRAME_PREFIX + ACT__FRAME_MAX;
  uint8_t *frame = calloc(1, size);
  memcpy(frame, "\0\1\0\0\x20", 5);
  for (size_t sent = 0; sent < size;) {
    ssize_t n = send(raw.fd, frame + sent, size - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n > 0) sent += (size_t)n;
    poll_once(loop, 0);
  }
  POLL_UNTIL(loop, a.frames == 1);
  assert_int_equal(a.last.u.message.body.size, ACT__FRAME_MAX - 44);
  raw_send(raw.fd, "\0\1\0\1", 4);
  POLL_UNTIL(loop, a.downs);
  assert_int_equal(a.why, ACT_EBADMSG);
  assert_int_equal(raw_wait(&raw, loop), ACT__FRAME_GOODBYE);
  assert_int_equal(raw.frame.u.ending.rc, ACT_EBADMSG);
  assert_int_equal(raw_wait(&raw, loop), -1);
  free(frame);
  close(raw.fd);
}

static void a_malformed_frame_closes_that_link_and_no_other(void **state) {
  (void)state;
  struct raw raw;
  link_a_to_b();
  struct act__peer *kept = a.peer;
  raw_link(&raw, loop, &a, 33);
  raw_send(raw.fd, "\0\0\0\2\x20\0", 6);
  POLL_UNTIL(loop, a.downs);
  assert_int_equal(a.why, ACT_EBADMSG);
  assert_string_equal(a.text, "malformed frame: MESSAGE: too short for its type");
  assert_true(act__peer_is_up(kept));
  assert_int_equal(b.downs, 0);
  assert_true(node_send(&b, 0, "still here"));
  POLL_UNTIL(loop, a.frames == 1);
  close(raw.fd);
}

static void unknown_frames_that_may_be_skipped_are(void **state) {
  (void)state;
  struct raw raw;
  raw_link(&raw, loop, &a, 33);
  raw_send(raw.fd, "\0\0\0\3\xF0xy", 7);
  raw_send(raw.fd, "\0\0\0\5\x31\0\0\0\1", 9);
  POLL_UNTIL(loop, a.frames == 1);
  assert_int_equal(a.last.type, ACT__FRAME_DEMONITOR);
  raw_send(raw.fd, "\0\0\0\1\x70", 5);
  POLL_UNTIL(loop, a.downs);
  assert_int_equal(a.why, ACT_EBADMSG);
  close(raw.fd);
}

static void garbage_from_a_stranger_is_closed_and_not_told(void **state) {
  (void)state;
  static const char *const garbage[] = {"GET / HTTP/1.0\r\n\r\n", "\x7f\xff\xff\xff",
                                        "\x00\x00\x04\x01", "\x16\x03\x01\x02\x00"};
  assert_int_equal(act__net_listen(a.net, address), ACT_OK);
  for (size_t i = 0; i < 4; i++) {
    struct raw raw = {.fd = -1};
    assert_int_equal(act__socket_dial(path, &raw.fd), ACT_OK);
    raw_send(raw.fd, garbage[i], i == 2 ? 4 : strlen(garbage[i]));
    POLL_UNTIL(loop, raw_next(&raw) == -1 || raw.ended);
    close(raw.fd);
  }
  struct act__net_counts counts;
  act__net_count(a.net, &counts);
  assert_int_equal(counts.accepted, 4);
  assert_int_equal(counts.refused, 4);
  assert_int_equal(a.ups + a.downs + a.failures, 0);
}

// --- going down -------------------------------------------------------------------------------------

static void closing_a_link_tells_both_sides_the_reason_after_what_was_sent(void **state) {
  (void)state;
  link_a_to_b();
  struct act__peer_id id = a.id;
  struct act__peer *peer = a.peer;
  for (uint16_t i = 0; i < 100; i++) assert_true(node_send(&a, i, "last words"));
  act__net_close_peer(a.net, id, ACT_EACCES, "not welcome any more");
  act__net_close_peer(a.net, id, ACT_EFAIL, "said twice");
  POLL_UNTIL(loop, a.downs && b.downs);

  assert_int_equal(b.frames, 100);
  assert_true(b.in_order);
  assert_int_equal(a.why, ACT_EACCES);
  assert_int_equal(b.why, ACT_EACCES);
  assert_string_equal(b.text, "not welcome any more");
  assert_int_equal(a.downs + b.downs, 2);
  assert_false(node_send(&a, 0, "too late"));
  assert_null(act__net_peer(a.net, id));
  act__net_close_peer(a.net, id, ACT_EFAIL, "gone");
  assert_ptr_equal(peer, a.peer);
}

static void a_later_link_in_the_same_slot_has_another_epoch(void **state) {
  (void)state;
  struct act__peer_id first = {0, 0};
  for (unsigned i = 0; i <= ACT__PEERS_MAX; i++) {
    link_a_to_b();
    if (i == 0) first = a.id;
    if (i < ACT__PEERS_MAX) assert_null(i ? act__net_peer(a.net, first) : NULL);
    int downs = a.downs + b.downs;
    struct act__peer_id id = a.id;
    if (i == ACT__PEERS_MAX) {
      assert_int_equal(id.slot, first.slot);
      assert_int_equal(id.epoch, first.epoch + 1);
      assert_null(act__net_peer(a.net, first));
      struct act__bytes *stale = act__peer_begin(a.peer, first.epoch);
      if (stale) act__peer_end(a.peer, NULL);
      assert_null(stale);
      assert_non_null(act__peer_begin(a.peer, id.epoch));
      act__peer_end(a.peer, NULL);
    }
    act__net_close_peer(a.net, id, ACT_ECLOSED, "next");
    POLL_UNTIL(loop, a.downs + b.downs == downs + 2);
    struct act__net_counts counts;
    POLL_UNTIL(loop, (act__net_count(a.net, &counts), counts.peers == 0));
    POLL_UNTIL(loop, (act__net_count(b.net, &counts), counts.peers == 0));
  }
}

static void a_connection_that_breaks_off_is_told_as_a_lost_link(void **state) {
  (void)state;
  struct raw raw;
  raw_link(&raw, loop, &a, 33);
  raw_send(raw.fd, "\0\0\0\5\x31", 5);  // half a frame
  close(raw.fd);
  POLL_UNTIL(loop, a.downs);
  assert_int_equal(a.why, ACT_ELINK);
  assert_int_equal(a.downs, 1);
}

static void a_goodbye_is_heard_even_when_writing_already_fails(void **state) {
  (void)state;
  struct raw raw;
  raw_link(&raw, loop, &a, 33);
  struct act__bytes out;
  act__bytes_init(&out, 4096);
  struct act__frame_ending ending = {ACT_ELIMIT, act__span_of_text("enough")};
  assert_int_equal(act__frame_put_goodbye(&out, &ending), ACT_OK);
  raw_send(raw.fd, out.data, out.length);
  close(raw.fd);
  assert_true(node_send(&a, 0, "into the void"));
  POLL_UNTIL(loop, a.downs);
  assert_int_equal(a.why, ACT_ELIMIT);
  assert_string_equal(a.text, "enough");
  act__bytes_fini(&out);
}

static void a_handshake_has_one_deadline_on_both_sides(void **state) {
  (void)state;
  struct node hasty = {.in_order = true};
  struct act__net_options options = node_options(&hasty, loop, 44);
  options.handshake_ms = 30;
  options.heartbeat_ms = 10;
  options.silence_ms = 40;
  assert_int_equal(act__net_create(&options, &hasty.net), ACT_OK);
  assert_int_equal(act__net_listen(hasty.net, address), ACT_OK);
  int silent, ends[2];
  assert_int_equal(act__socket_pair(ends), ACT_OK);

  assert_int_equal(act__net_adopt(hasty.net, ends[0], ACT__NET_DIALER, 9, NULL), ACT_OK);
  POLL_UNTIL(loop, hasty.failures);
  assert_int_equal(hasty.why, ACT_ETIMEDOUT);
  assert_int_equal(hasty.cookie, 9);

  assert_int_equal(act__socket_dial(path, &silent), ACT_OK);
  struct raw raw = {.fd = silent};
  assert_int_equal(raw_wait(&raw, loop), ACT__FRAME_REFUSE);
  assert_int_equal(raw.frame.u.ending.rc, ACT_ETIMEDOUT);
  assert_int_equal(raw_wait(&raw, loop), -1);
  assert_int_equal(hasty.failures, 1);
  close(silent);
  close(ends[1]);
  node_destroy(&hasty, loop);
}

static void a_silent_peer_gets_heartbeats_and_then_goes_down(void **state) {
  (void)state;
  struct node hasty = {.in_order = true};
  struct act__net_options options = node_options(&hasty, loop, 44);
  options.heartbeat_ms = 20;
  options.silence_ms = 100;
  assert_int_equal(act__net_create(&options, &hasty.net), ACT_OK);
  struct raw raw;
  raw_link(&raw, loop, &hasty, 33);
  int beats = 0, type;
  while ((type = raw_wait(&raw, loop)) == ACT__FRAME_HEARTBEAT) beats++;
  assert_int_equal(type, ACT__FRAME_GOODBYE);
  assert_int_equal(hasty.downs, 1);
  assert_int_equal(hasty.why, ACT_ELINK);
  assert_memory_equal(hasty.text, "nothing heard for ", 18);
  assert_true(beats >= 1);
  close(raw.fd);
  node_destroy(&hasty, loop);
}

static void two_quiet_nodes_keep_their_link_by_heartbeats(void **state) {
  (void)state;
  struct node c = {.in_order = true}, d = {.in_order = true};
  struct act__net_options options = node_options(&c, loop, 44);
  options.heartbeat_ms = 10;
  options.silence_ms = 2000;  // room for a slow machine: what counts is that it is exceeded
  assert_int_equal(act__net_create(&options, &c.net), ACT_OK);
  options.arg = &d;
  options.incarnation = 55;
  assert_int_equal(act__net_create(&options, &d.net), ACT_OK);
  link_nodes(loop, &c, ACT__NET_DIALER, &d, ACT__NET_ACCEPTOR);

  struct act__net_counts counts;
  POLL_UNTIL(loop, (act__net_count(d.net, &counts), counts.frames_in >= 25));
  assert_int_equal(c.downs + d.downs, 0);
  assert_int_equal(c.frames + d.frames, 0);  // the storey above sees none of them
  node_destroy(&c, loop);
  node_destroy(&d, loop);
}

static void a_peer_that_does_not_read_is_closed_at_the_bound(void **state) {
  (void)state;
  struct raw raw;
  raw_link(&raw, loop, &a, 33);
  char *body = malloc(60001);
  memset(body, 'x', 60000);
  body[60000] = 0;
  size_t sent = 0;
  poll_once(loop, 0);
  while (node_send(&a, 0, body)) {
    sent += 60000;
    assert_true(sent <= ACT__PEER_OUT_MAX);
  }
  assert_true(sent > ACT__PEER_OUT_MAX - 2 * 61000);
  free(body);
  POLL_UNTIL(loop, a.downs);
  assert_int_equal(a.why, ACT_EFULL);
  struct act__net_counts counts;
  POLL_UNTIL(loop,
             (act__net_count(a.net, &counts), counts.peers == 0));  // it lingers, not for ever
  close(raw.fd);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, net_set_up, net_tear_down)
  const struct CMUnitTest tests[] = {
      TEST(two_nodes_link_over_a_unix_socket_and_exchange_frames),
      TEST(parent_and_child_link_and_only_they_exchange_their_frames),
      TEST(bad_addresses_and_absent_nodes_are_told_at_once),
      TEST(a_node_listens_on_so_many_addresses_and_no_more),
      TEST(a_dial_that_is_refused_is_told_once_with_its_reason),
      TEST(a_second_link_between_two_nodes_is_refused_and_the_first_stays),
      TEST(nodes_that_dial_each_other_at_once_end_with_one_link),
      TEST(frames_arrive_whole_and_in_order_however_they_are_cut),
      TEST(a_handshake_may_arrive_byte_by_byte),
      TEST(the_largest_frame_passes_and_one_byte_more_closes_the_link),
      TEST(a_malformed_frame_closes_that_link_and_no_other),
      TEST(unknown_frames_that_may_be_skipped_are),
      TEST(garbage_from_a_stranger_is_closed_and_not_told),
      TEST(closing_a_link_tells_both_sides_the_reason_after_what_was_sent),
      TEST(a_later_link_in_the_same_slot_has_another_epoch),
      TEST(a_connection_that_breaks_off_is_told_as_a_lost_link),
      TEST(a_goodbye_is_heard_even_when_writing_already_fails),
      TEST(a_handshake_has_one_deadline_on_both_sides),
      TEST(a_silent_peer_gets_heartbeats_and_then_goes_down),
      TEST(two_quiet_nodes_keep_their_link_by_heartbeats),
      TEST(a_peer_that_does_not_read_is_closed_at_the_bound),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
