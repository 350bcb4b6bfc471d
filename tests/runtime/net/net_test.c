// SPDX-License-Identifier: Apache-2.0
#include "tests/runtime/net/net_support.h"

#include <signal.h>
#include <sys/resource.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/rand.h"
#include "base/thread.h"
#include "runtime/io/process.h"

static struct act__loop *loop;
static struct node a, b;
static char folder[80], path[100], address[110];

static int set_up(void **state) {
  (void)state;
  loop = new_loop();
  node_create(&a, loop, 11);
  node_create(&b, loop, 22);
  snprintf(path, sizeof path, "%s/s", new_folder(folder, sizeof folder));
  snprintf(address, sizeof address, "unix:%s", path);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  node_destroy(&a, loop);
  node_destroy(&b, loop);
  act__loop_destroy(loop);
  assert_int_equal(access(path, F_OK), -1);  // what listened has removed its file
  return rmdir(folder);
}

static void link_a_to_b(void) {
  link_nodes(loop, &a, ACT__NET_DIALER, &b, ACT__NET_ACCEPTOR);
}

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
  assert_int_equal(act__frame_put_started(out, &(struct act__frame_started){.request = 1}),
                   ACT_OK);
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
                                        "\x00\x00\x04\x01",  "\x16\x03\x01\x02\x00"};
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
      assert_null(act__peer_begin(a.peer, first.epoch));
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
  POLL_UNTIL(loop, (act__net_count(a.net, &counts), counts.peers == 0));  // it lingers, not for ever
  close(raw.fd);
}

// --- bounds -----------------------------------------------------------------------------------------

static void strangers_in_their_handshake_are_bounded(void **state) {
  (void)state;
  int dialled[ACT__NET_HANDSHAKES_MAX + 1];
  struct act__net_counts counts;
  assert_int_equal(act__net_listen(a.net, address), ACT_OK);
  for (unsigned i = 0; i <= ACT__NET_HANDSHAKES_MAX; i++) {
    assert_int_equal(act__socket_dial(path, &dialled[i]), ACT_OK);
  }
  POLL_UNTIL(loop, (act__net_count(a.net, &counts), counts.accepted == ACT__NET_HANDSHAKES_MAX + 1));
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
    POLL_UNTIL(loop, (rc_a || a.ups + a.failures > begun) && (rc_b || b.ups + b.failures > begun_b));
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

// --- own processes ----------------------------------------------------------------------------------

static int be_a_child(int link) {
  struct act__loop *own = new_loop();
  struct node node;
  node_create(&node, own, 4242);
  node.echoes = true;
  if (act__net_adopt(node.net, link, ACT__NET_CHILD, 0, NULL)) return 1;
  while (!node.downs && !node.failures) poll_once(own, INT64_MAX);
  node_destroy(&node, own);
  act__loop_destroy(own);
  return node.why == ACT_ECLOSED ? 40 : 41;
}

struct exit_seen {
  int count, signal;
  int64_t status;
};

static void on_exit_seen(void *arg, int64_t status, int signal) {
  struct exit_seen *seen = arg;
  seen->count++;
  seen->status = status;
  seen->signal = signal;
}

static struct act__process *start_child(struct exit_seen *seen) {
  struct act__process *process;
  int link;
  *seen = (struct exit_seen){0};
  struct act__process_options options = {.on_exit = on_exit_seen, .arg = seen};
  assert_int_equal(act__process_spawn(loop, &options, &process, &link), ACT_OK);
  assert_int_equal(act__net_adopt(a.net, link, ACT__NET_PARENT, 8, NULL), ACT_OK);
  POLL_UNTIL(loop, a.ups);
  assert_int_equal(act__peer_incarnation(a.peer), 4242);
  return process;
}

static void a_child_process_echoes_frames_and_ends_when_its_link_does(void **state) {
  (void)state;
  struct exit_seen seen;
  start_child(&seen);
  for (uint16_t i = 0; i < 1000; i++) assert_true(node_send(&a, i, "ping"));
  POLL_UNTIL(loop, a.frames == 1000);
  assert_true(a.in_order);
  act__net_close_peer(a.net, a.id, ACT_ECLOSED, "done");
  POLL_UNTIL(loop, seen.count);
  assert_int_equal(seen.status, 40);
  assert_int_equal(seen.signal, 0);
}

static void a_child_killed_by_signal_9_is_a_lost_link_and_an_exit(void **state) {
  (void)state;
  struct exit_seen seen;
  struct act__process *process = start_child(&seen);
  for (uint16_t i = 0; i < 100; i++) assert_true(node_send(&a, i, "ping"));
  assert_int_equal(act__process_kill(process, SIGKILL), ACT_OK);
  POLL_UNTIL(loop, seen.count && a.downs);
  assert_int_equal(seen.signal, SIGKILL);
  assert_int_equal(a.why, ACT_ELINK);
  assert_int_equal(a.downs, 1);
  assert_int_equal(seen.count, 1);
}

int main(void) {
  int link = act__process_child();
  if (link >= 0) return be_a_child(link);
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
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
      TEST(strangers_in_their_handshake_are_bounded),
      TEST(the_table_of_peers_is_bounded),
      TEST(options_are_checked_at_their_bounds),
      TEST(when_the_nth_allocation_fails_a_link_fails_or_works),
      TEST(many_threads_send_on_one_link_and_each_ones_frames_stay_in_order),
      TEST(links_come_and_go_from_many_threads),
      TEST(stopping_says_goodbye_and_ends_every_kind_of_connection_once),
      TEST(after_a_stop_nothing_new_begins),
      TEST(a_child_process_echoes_frames_and_ends_when_its_link_does),
      TEST(a_child_killed_by_signal_9_is_a_lost_link_and_an_exit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
