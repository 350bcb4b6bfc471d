// SPDX-License-Identifier: Apache-2.0
//
// A node for the tests of links: a net whose sink keeps what it is told, and a bare connection that
// speaks by hand.
#ifndef TROUPE_TESTS_RUNTIME_NET_NET_SUPPORT_H
#define TROUPE_TESTS_RUNTIME_NET_NET_SUPPORT_H

#include "tests/runtime/io/io_support.h"

#include <errno.h>
#include <sys/socket.h>

#include "runtime/io/socket.h"
#include "runtime/net/net.h"

struct node {
  struct act__net *net;
  struct act__peer *peer;  // the last that came up
  struct act__peer_id id;
  int ups, downs, failures, frames, drained, stopped;
  act_rc why;
  char text[1100];
  uint64_t cookie;  // of the last down
  struct act__frame last;
  char body[512];
  uint32_t next_op;  // MESSAGE frames are expected to carry 0, 1, 2, ... modulo 65,536 as op
  bool in_order;
  bool echoes;
};

static void node_up(void *arg, struct act__peer *peer, struct act__worker *me) {
  struct node *node = arg;
  assert_null(me);
  assert_true(act__peer_is_up(peer));
  assert_ptr_equal(act__peer_user(peer), NULL);
  act__peer_set_user(peer, node);
  node->peer = peer;
  node->id = act__peer_id(peer);
  node->ups++;
}

static void node_down(void *arg, struct act__peer *peer, bool was_up, act_rc why, const char *text,
                      struct act__worker *me) {
  struct node *node = arg;
  assert_null(me);
  assert_false(act__peer_is_up(peer));
  assert_int_not_equal(why, ACT_OK);
  assert_ptr_equal(act__peer_user(peer), was_up ? node : NULL);
  *(was_up ? &node->downs : &node->failures) += 1;
  node->why = why;
  node->cookie = act__peer_cookie(peer);
  snprintf(node->text, sizeof node->text, "%s", text);
}

static void node_frame(void *arg, struct act__peer *peer, const struct act__frame *frame,
                       struct act__worker *me) {
  struct node *node = arg;
  node->frames++;
  node->last = *frame;
  if (frame->type != ACT__FRAME_MESSAGE) return;
  const struct act__frame_message *message = &frame->u.message;
  if (message->op != (uint16_t)node->next_op++) node->in_order = false;
  size_t n = message->body.size < sizeof node->body ? message->body.size : sizeof node->body;
  if (n > 0) memcpy(node->body, message->body.data, n);
  if (!node->echoes) return;
  struct act__bytes *out = act__peer_begin(peer, 0);
  if (!out) return;
  assert_int_equal(act__frame_put_message(out, message), ACT_OK);
  act__peer_end(peer, me);
}

static void node_drained(void *arg, struct act__peer *peer, struct act__worker *me) {
  (void)peer;
  (void)me;
  ((struct node *)arg)->drained++;
}

static const struct act__net_sink node_sink = {node_up, node_down, node_frame, node_drained};

static inline struct act__net_options node_options(struct node *node, struct act__loop *loop,
                                                   uint64_t incarnation) {
  return (struct act__net_options){.name = incarnation % 2 ? "odd" : "even",
                                   .incarnation = incarnation,
                                   .loop = loop,
                                   .sink = &node_sink,
                                   .arg = node};
}

static inline void node_create(struct node *node, struct act__loop *loop, uint64_t incarnation) {
  *node = (struct node){.in_order = true};
  struct act__net_options options = node_options(node, loop, incarnation);
  assert_int_equal(act__net_create(&options, &node->net), ACT_OK);
}

static void node_stopped(void *arg) {
  ((struct node *)arg)->stopped++;
}

static inline void node_destroy(struct node *node, struct act__loop *loop) {
  act__net_stop(node->net, node_stopped, node);
  POLL_UNTIL(loop, node->stopped);
  assert_int_equal(node->stopped, 1);
  act__net_destroy(node->net);
}

static inline bool node_send(struct node *node, uint16_t op, const char *body) {
  struct act__bytes *out = act__peer_begin(node->peer, node->id.epoch);
  if (!out) return false;
  struct act__frame_message message = {.op = op, .body = act__span_of_text(body)};
  act_rc rc = act__frame_put_message(out, &message);
  act__peer_end(node->peer, NULL);
  return rc == ACT_OK;
}

// Links a (the parent or dialer) with b over a socket pair.
static inline void link_nodes(struct act__loop *loop, struct node *a, enum act__net_role role_a,
                              struct node *b, enum act__net_role role_b) {
  int ends[2];
  int ups_a = a->ups, ups_b = b->ups;
  assert_int_equal(act__socket_pair(ends), ACT_OK);
  assert_int_equal(act__net_adopt(a->net, ends[0], role_a, 1, NULL), ACT_OK);
  assert_int_equal(act__net_adopt(b->net, ends[1], role_b, 2, NULL), ACT_OK);
  POLL_UNTIL(loop, a->ups > ups_a && b->ups > ups_b);
}

// --- a connection by hand ---------------------------------------------------------------------------

static inline void raw_send(int fd, const void *data, size_t size) {
  assert_int_equal(send(fd, data, size, MSG_NOSIGNAL), size);
}

static inline void raw_hello(int fd, uint64_t incarnation) {
  struct act__bytes out;
  act__bytes_init(&out, 4096);
  struct act__frame_hello hello = {.version_min = 1,
                                   .version_max = 1,
                                   .frame_max = ACT__FRAME_MAX,
                                   .incarnation = incarnation,
                                   .name = act__span_of_text("raw")};
  assert_int_equal(act__frame_put_hello(&out, &hello), ACT_OK);
  raw_send(fd, out.data, out.length);
  act__bytes_fini(&out);
}

static inline void raw_heartbeat(int fd) {
  raw_send(fd, "\0\0\0\1\4", 5);
}

// Keeps reading into a buffer of its own; gives the type of the next frame, 0 when there is none yet, -1
// at the end of the connection.
struct raw {
  int fd;
  uint8_t data[1 << 17];
  size_t size;
  bool ended;
  struct act__frame frame;
};

static inline int raw_next(struct raw *raw) {
  static uint8_t held[1 << 17];
  ssize_t n = recv(raw->fd, raw->data + raw->size, sizeof raw->data - raw->size, MSG_DONTWAIT);
  if (n > 0) raw->size += (size_t)n;
  if (n == 0 || (n < 0 && errno != EAGAIN)) raw->ended = true;
  uint32_t length;
  if (act__frame_split(raw->data, raw->size, ACT__FRAME_MAX, &length) != ACT_OK) {
    return raw->ended ? -1 : 0;
  }
  const char *why;
  memcpy(held, raw->data + ACT__FRAME_PREFIX, length);
  raw->size -= ACT__FRAME_PREFIX + length;
  memmove(raw->data, raw->data + ACT__FRAME_PREFIX + length, raw->size);
  assert_int_equal(act__frame_decode(held, length, &raw->frame, &why), ACT_OK);
  return (int)raw->frame.type;
}

// Polls until the other side has sent a frame (or ended: -1), and gives its type.
static inline int raw_wait(struct raw *raw, struct act__loop *loop) {
  int type = 0;
  POLL_UNTIL(loop, (type = raw_next(raw)) != 0);
  return type;
}

// A connection by hand that has come up with `node` as the accepting side.
static inline void raw_link(struct raw *raw, struct act__loop *loop, struct node *node,
                            uint64_t incarnation) {
  int ends[2];
  int ups = node->ups;
  assert_int_equal(act__socket_pair(ends), ACT_OK);
  *raw = (struct raw){.fd = ends[1]};
  assert_int_equal(act__net_adopt(node->net, ends[0], ACT__NET_ACCEPTOR, 3, NULL), ACT_OK);
  raw_hello(raw->fd, incarnation);
  assert_int_equal(raw_wait(raw, loop), ACT__FRAME_WELCOME);
  raw_heartbeat(raw->fd);
  POLL_UNTIL(loop, node->ups > ups);
}

// --- two nodes in one loop: what the tests start from ------------------------------------------------

static struct act__loop *loop;
static struct node a, b;
static char folder[80], path[100], address[110];

static inline int net_set_up(void **state) {
  (void)state;
  loop = new_loop();
  node_create(&a, loop, 11);
  node_create(&b, loop, 22);
  snprintf(path, sizeof path, "%s/s", new_folder(folder, sizeof folder));
  snprintf(address, sizeof address, "unix:%s", path);
  return 0;
}

static inline int net_tear_down(void **state) {
  (void)state;
  node_destroy(&a, loop);
  node_destroy(&b, loop);
  act__loop_destroy(loop);
  assert_int_equal(access(path, F_OK), -1);  // what listened has removed its file
  return rmdir(folder);
}

static inline void link_a_to_b(void) {
  link_nodes(loop, &a, ACT__NET_DIALER, &b, ACT__NET_ACCEPTOR);
}

#endif
