// SPDX-License-Identifier: Apache-2.0
#include "tests/runtime/io/io_support.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "runtime/io/listener.h"
#include "runtime/io/socket.h"
#include "runtime/io/stream.h"

// One side: keeps what it reads, optionally only in whole items of `item` bytes.
struct side {
  struct act__stream *stream;
  size_t item;
  size_t most_shown;
  uint8_t *got;
  size_t got_size, got_capacity;
  int written, ended, closed;
  act_rc written_rc, ended_rc;
};

static size_t on_read(void *arg, const uint8_t *data, size_t size) {
  struct side *side = arg;
  size_t take = side->item ? size - size % side->item : size;
  if (size > side->most_shown) side->most_shown = size;
  assert_true(side->got_size + take <= side->got_capacity);
  memcpy(side->got + side->got_size, data, take);
  side->got_size += take;
  return take;
}

static void on_written(void *arg, act_rc rc) {
  struct side *side = arg;
  side->written++;
  side->written_rc = rc;
}

static void on_ended(void *arg, act_rc why) {
  struct side *side = arg;
  side->ended++;
  side->ended_rc = why;
}

static void on_closed(void *arg) {
  struct side *side = arg;
  side->closed++;
}

static const struct act__stream_events events = {on_read, on_written, on_ended, on_closed};

static void open_side(struct act__loop *loop, struct side *side, int fd, size_t capacity) {
  *side = (struct side){.got = malloc(capacity), .got_capacity = capacity};
  assert_non_null(side->got);
  assert_int_equal(act__stream_open(loop, fd, &events, side, &side->stream), ACT_OK);
}

static void close_side(struct act__loop *loop, struct side *side) {
  act__stream_close(side->stream);
  act__stream_close(side->stream);
  POLL_UNTIL(loop, side->closed);
  assert_int_equal(side->closed, 1);
  free(side->got);
}

static void open_pair(struct act__loop *loop, struct side *a, struct side *b, size_t capacity) {
  int ends[2];
  assert_int_equal(act__socket_pair(ends), ACT_OK);
  open_side(loop, a, ends[0], capacity);
  open_side(loop, b, ends[1], capacity);
}

static void what_is_written_arrives_in_order_and_the_writer_hears_of_it(void **state) {
  (void)state;
  struct act__loop *loop = new_loop();
  struct side a, b;
  size_t size = 3u << 20;
  open_pair(loop, &a, &b, size);
  uint8_t *data = malloc(size);
  for (size_t i = 0; i < size; i++) data[i] = (uint8_t)(i * 2654435761u >> 24);

  act__stream_write(a.stream, data, size);
  POLL_UNTIL(loop, b.got_size == size && a.written);

  assert_int_equal(a.written_rc, ACT_OK);
  assert_memory_equal(b.got, data, size);
  free(data);
  close_side(loop, &a);
  close_side(loop, &b);
  act__loop_destroy(loop);
}

static void what_a_reader_leaves_is_shown_again_with_what_follows(void **state) {
  (void)state;
  struct act__loop *loop = new_loop();
  struct side a, b;
  open_pair(loop, &a, &b, 1024);
  b.item = 10;

  for (int i = 1; i <= 25; i++) {
    act__stream_write(a.stream, (const uint8_t *)"x", 1);
    POLL_UNTIL(loop, a.written == i);
    poll_once(loop, 0);
  }
  POLL_UNTIL(loop, b.got_size == 20);

  assert_int_equal(b.most_shown, 10);
  close_side(loop, &a);
  close_side(loop, &b);
  act__loop_destroy(loop);
}

static void an_item_may_be_almost_as_large_as_the_buffer(void **state) {
  (void)state;
  struct act__loop *loop = new_loop();
  struct side a, b;
  size_t size = ACT__STREAM_BUFFER;
  open_pair(loop, &a, &b, 2 * size);
  b.item = size;
  uint8_t *data = calloc(1, size);

  act__stream_write(a.stream, data, size);
  POLL_UNTIL(loop, b.got_size == size);

  free(data);
  close_side(loop, &a);
  close_side(loop, &b);
  act__loop_destroy(loop);
}

static void the_end_of_the_other_side_is_told_once(void **state) {
  (void)state;
  struct act__loop *loop = new_loop();
  struct side a, b;
  open_pair(loop, &a, &b, 16);

  close_side(loop, &a);
  POLL_UNTIL(loop, b.ended);
  poll_once(loop, 0);

  assert_int_equal(b.ended, 1);
  assert_int_equal(b.ended_rc, ACT_ECLOSED);
  close_side(loop, &b);
  act__loop_destroy(loop);
}

static void writing_to_a_closed_side_is_an_answer_and_not_a_signal(void **state) {
  (void)state;
  struct act__loop *loop = new_loop();
  struct side a;
  int ends[2];
  assert_int_equal(act__socket_pair(ends), ACT_OK);
  open_side(loop, &a, ends[0], 16);

  act__socket_close(ends[1]);
  act__stream_write(a.stream, (const uint8_t *)"x", 1);
  POLL_UNTIL(loop, a.written);

  assert_int_equal(a.written_rc, ACT_ELINK);
  close_side(loop, &a);
  act__loop_destroy(loop);
}

static void closing_with_a_write_under_way_ends_the_write_first(void **state) {
  (void)state;
  struct act__loop *loop = new_loop();
  struct side a;
  int ends[2];
  size_t size = 8u << 20;
  uint8_t *data = calloc(1, size);
  assert_int_equal(act__socket_pair(ends), ACT_OK);
  open_side(loop, &a, ends[0], 16);  // nobody reads at the other end

  act__stream_write(a.stream, data, size);
  poll_once(loop, 0);
  assert_int_equal(a.written, 0);
  close_side(loop, &a);

  assert_int_equal(a.written, 1);
  assert_int_equal(a.written_rc, ACT_ECANCELLED);
  act__socket_close(ends[1]);
  free(data);
  act__loop_destroy(loop);
}

static void a_paused_stream_reads_nothing_until_it_is_resumed(void **state) {
  (void)state;
  struct act__loop *loop = new_loop();
  struct side a, b;
  open_pair(loop, &a, &b, 16);

  act__stream_pause(b.stream);
  act__stream_write(a.stream, (const uint8_t *)"abc", 3);
  POLL_UNTIL(loop, a.written);
  poll_once(loop, 0);
  assert_int_equal(b.got_size, 0);
  act__stream_resume(b.stream);
  POLL_UNTIL(loop, b.got_size == 3);

  close_side(loop, &a);
  close_side(loop, &b);
  act__loop_destroy(loop);
}

static void a_stream_that_cannot_be_opened_closes_its_descriptor(void **state) {
  (void)state;
  struct act__loop *loop = new_loop();
  struct side a = {0};
  int ends[2];
  int before = count_descriptors();
  assert_int_equal(act__socket_pair(ends), ACT_OK);

  act__alloc_fail_after(0);
  act_rc rc = act__stream_open(loop, ends[0], &events, &a, &a.stream);
  act__alloc_fail_after(-1);

  assert_int_equal(rc, ACT_ENOMEM);
  act__socket_close(ends[1]);
  assert_int_equal(count_descriptors(), before);
  act__loop_destroy(loop);
}

static void destroying_the_loop_closes_open_streams(void **state) {
  (void)state;
  struct act__loop *loop = new_loop();
  struct side a, b;
  open_pair(loop, &a, &b, 16);

  act__loop_destroy(loop);

  assert_int_equal(a.closed, 1);
  assert_int_equal(b.closed, 1);
  free(a.got);
  free(b.got);
}

// --- listening ----------------------------------------------------------------------------------

static int accepted_fds[128];
static int accepted_count;
static int listener_closed;

static void on_accepted(void *arg, int fd) {
  (void)arg;
  accepted_fds[accepted_count++] = fd;
}

static void on_listener_closed(void *arg) {
  (void)arg;
  listener_closed++;
}

static struct act__listener *listen_on(struct act__loop *loop, const char *path) {
  int fd;
  struct act__listener *listener;
  assert_int_equal(act__socket_listen(path, &fd), ACT_OK);
  assert_int_equal(act__listener_open(loop, fd, on_accepted, NULL, &listener), ACT_OK);
  accepted_count = listener_closed = 0;
  return listener;
}

static void a_listener_accepts_who_dials_and_knows_their_user(void **state) {
  (void)state;
  char folder[80], path[100];
  snprintf(path, sizeof path, "%s/s", new_folder(folder, sizeof folder));
  struct act__loop *loop = new_loop();
  struct act__listener *listener = listen_on(loop, path);
  struct stat st;
  assert_int_equal(stat(path, &st), 0);
  assert_int_equal(st.st_mode & 0777, 0600);

  int dialled[3];
  for (int i = 0; i < 3; i++) assert_int_equal(act__socket_dial(path, &dialled[i]), ACT_OK);
  POLL_UNTIL(loop, accepted_count == 3);

  for (int i = 0; i < 3; i++) {
    uint32_t uid;
    assert_int_equal(act__socket_peer_uid(accepted_fds[i], &uid), ACT_OK);
    assert_int_equal(uid, act__socket_own_uid());
    assert_true(fcntl(accepted_fds[i], F_GETFD) & FD_CLOEXEC);
    act__socket_close(accepted_fds[i]);
    act__socket_close(dialled[i]);
  }
  act__listener_close(listener, on_listener_closed);
  POLL_UNTIL(loop, listener_closed);
  act__socket_unlisten(path);
  assert_int_equal(access(path, F_OK), -1);
  act__loop_destroy(loop);
  rmdir(folder);
}

static void out_of_descriptors_refuses_new_connections_and_keeps_old_ones(void **state) {
  (void)state;
  char folder[80], path[100];
  snprintf(path, sizeof path, "%s/s", new_folder(folder, sizeof folder));
  struct act__loop *loop = new_loop();
  struct act__listener *listener = listen_on(loop, path);
  struct rlimit old, tight;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);

  int first, second, third;
  assert_int_equal(act__socket_dial(path, &first), ACT_OK);
  POLL_UNTIL(loop, accepted_count == 1);
  assert_int_equal(act__socket_dial(path, &second), ACT_OK);
  tight = old;
  tight.rlim_cur = (rlim_t)count_descriptors();
  int highest = dup(second);  // where the next descriptor would go
  close(highest);
  if ((rlim_t)highest < tight.rlim_cur) tight.rlim_cur = (rlim_t)highest;
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
  // The one that waits is closed without ever being handed out.
  struct side b = {0};
  char byte;
  int64_t until = act__loop_now_ns(loop) + PATIENCE_NS;
  ssize_t n = -1;
  while (n < 0 && act__loop_now_ns(loop) < until) {
    poll_once(loop, ACT__NS_PER_MS);
    n = recv(second, &byte, 1, MSG_DONTWAIT);
  }
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
  assert_int_equal(n, 0);
  assert_int_equal(accepted_count, 1);

  assert_int_equal(act__socket_dial(path, &third), ACT_OK);  // and it goes on
  POLL_UNTIL(loop, accepted_count == 2);
  assert_int_equal(write(first, "x", 1), 1);
  open_side(loop, &b, accepted_fds[0], 16);
  POLL_UNTIL(loop, b.got_size == 1);

  close_side(loop, &b);
  act__socket_close(accepted_fds[1]);
  act__socket_close(first);
  act__socket_close(second);
  act__socket_close(third);
  act__listener_close(listener, NULL);
  act__loop_destroy(loop);
  unlink(path);
  rmdir(folder);
}

static void a_live_socket_is_not_taken_over_and_a_stale_one_is(void **state) {
  (void)state;
  char folder[80], path[100], file[100];
  snprintf(path, sizeof path, "%s/s", new_folder(folder, sizeof folder));
  snprintf(file, sizeof file, "%s/f", folder);
  int fd, other;

  assert_int_equal(act__socket_dial(path, &other), ACT_ENOENT);
  assert_int_equal(act__socket_listen(path, &fd), ACT_OK);
  assert_int_equal(act__socket_listen(path, &other), ACT_EEXIST);
  act__socket_unlisten(path);  // somebody serves it: it stays
  assert_int_equal(access(path, F_OK), 0);
  act__socket_close(fd);
  assert_int_equal(act__socket_dial(path, &other), ACT_ELINK);
  assert_int_equal(act__socket_listen(path, &fd), ACT_OK);
  act__socket_close(fd);
  unlink(path);

  int plain = open(file, O_CREAT | O_WRONLY, 0600);
  close(plain);
  assert_int_equal(act__socket_listen(file, &fd), ACT_EEXIST);
  assert_int_equal(access(file, F_OK), 0);
  unlink(file);
  rmdir(folder);
}

static void a_path_may_have_107_bytes_and_no_more(void **state) {
  (void)state;
  char folder[80];
  char path[ACT__SOCKET_PATH_MAX + 2];
  int fd;
  size_t at = strlen(strcpy(path, new_folder(folder, sizeof folder)));
  path[at++] = '/';
  while (at < ACT__SOCKET_PATH_MAX) path[at++] = 'x';
  path[at] = 0;

  assert_int_equal(act__socket_listen(path, &fd), ACT_OK);
  act__socket_close(fd);
  unlink(path);
  path[at++] = 'x';
  path[at] = 0;
  assert_int_equal(act__socket_listen(path, &fd), ACT_EINVAL);
  assert_int_equal(act__socket_dial(path, &fd), ACT_EINVAL);
  assert_int_equal(act__socket_listen("", &fd), ACT_EINVAL);
  assert_int_equal(act__socket_listen("/no/such/folder/s", &fd), ACT_ENOENT);
  rmdir(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_written_arrives_in_order_and_the_writer_hears_of_it),
      cmocka_unit_test(what_a_reader_leaves_is_shown_again_with_what_follows),
      cmocka_unit_test(an_item_may_be_almost_as_large_as_the_buffer),
      cmocka_unit_test(the_end_of_the_other_side_is_told_once),
      cmocka_unit_test(writing_to_a_closed_side_is_an_answer_and_not_a_signal),
      cmocka_unit_test(closing_with_a_write_under_way_ends_the_write_first),
      cmocka_unit_test(a_paused_stream_reads_nothing_until_it_is_resumed),
      cmocka_unit_test(a_stream_that_cannot_be_opened_closes_its_descriptor),
      cmocka_unit_test(destroying_the_loop_closes_open_streams),
      cmocka_unit_test(a_listener_accepts_who_dials_and_knows_their_user),
      cmocka_unit_test(out_of_descriptors_refuses_new_connections_and_keeps_old_ones),
      cmocka_unit_test(a_live_socket_is_not_taken_over_and_a_stale_one_is),
      cmocka_unit_test(a_path_may_have_107_bytes_and_no_more),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
