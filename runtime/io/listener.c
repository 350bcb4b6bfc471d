// SPDX-License-Identifier: Apache-2.0
#include "runtime/io/listener.h"

#include <fcntl.h>
#include <unistd.h>
#include <uv.h>

#include "base/alloc.h"
#include "base/check.h"
#include "runtime/io/inside.h"
#include "runtime/io/socket.h"

struct act__listener {
  struct act__io_entry entry;  // first: the handles' data
  uv_poll_t poll;
  uv_timer_t retry;
  int fd, reserve;
  int open_handles;
  void (*accepted)(void *arg, int fd);
  void (*closed)(void *arg);
  void *arg;
};

static void on_readable(uv_poll_t *poll, int code, int events);

static int take_reserve(void) {
  return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void on_retry(uv_timer_t *retry) {
  struct act__listener *listener = retry->data;
  if (listener->reserve < 0) listener->reserve = take_reserve();
  ACT_ASSERT(uv_poll_start(&listener->poll, UV_READABLE, on_readable) == 0);
}

// Takes one connection with the reserve's descriptor, only to close it. Otherwise the other side would
// wait in the backlog, and the loop would be told of it again and again.
static void refuse_one(struct act__listener *listener) {
  act__socket_close(listener->reserve);
  int fd;
  if (act__socket_accept(listener->fd, &fd) == ACT_OK) act__socket_close(fd);
  listener->reserve = take_reserve();
  if (listener->reserve >= 0) return;
  uv_poll_stop(&listener->poll);
  ACT_ASSERT(uv_timer_start(&listener->retry, on_retry, ACT__LISTENER_RETRY_MS, 0) == 0);
}

static void on_readable(uv_poll_t *poll, int code, int events) {
  struct act__listener *listener = poll->data;
  (void)events;
  if (code) return;
  for (int i = 0; i < ACT__LISTENER_BATCH && !uv_is_closing((uv_handle_t *)poll); i++) {
    int fd;
    act_rc rc = act__socket_accept(listener->fd, &fd);
    if (rc == ACT_ELIMIT) {
      refuse_one(listener);
      return;
    }
    if (rc || fd < 0) return;
    listener->accepted(listener->arg, fd);
  }
}

static void on_handle_closed(uv_handle_t *handle) {
  struct act__listener *listener = handle->data;
  if (--listener->open_handles > 0) return;
  act__socket_close(listener->fd);
  act__socket_close(listener->reserve);
  if (listener->closed) listener->closed(listener->arg);
  act__free(listener);
}

static void shut(struct act__io_entry *entry) {
  struct act__listener *listener = (struct act__listener *)entry;
  if (uv_is_closing((uv_handle_t *)&listener->retry)) return;
  uv_close((uv_handle_t *)&listener->retry, on_handle_closed);
  if (listener->open_handles > 1) uv_close((uv_handle_t *)&listener->poll, on_handle_closed);
}

static act_rc start(struct act__listener *listener) {
  if (listener->reserve < 0) return ACT_ELIMIT;
  uv_loop_t *uv = listener->retry.loop;
  act_rc rc = act__io_rc(uv_poll_init(uv, &listener->poll, listener->fd));
  if (rc) return rc;
  listener->poll.data = listener;
  listener->open_handles = 2;
  return act__io_rc(uv_poll_start(&listener->poll, UV_READABLE, on_readable));
}

act_rc act__listener_open(struct act__loop *loop, int fd, void (*accepted)(void *arg, int fd),
                          void *arg, struct act__listener **out) {
  struct act__listener *listener = act__calloc(1, sizeof *listener);
  if (!listener) {
    act__socket_close(fd);
    return ACT_ENOMEM;
  }
  listener->entry.shut = shut;
  listener->accepted = accepted;
  listener->arg = arg;
  listener->fd = fd;
  listener->reserve = take_reserve();
  ACT_ASSERT(uv_timer_init(act__loop_uv(loop), &listener->retry) == 0);
  listener->retry.data = listener;
  listener->open_handles = 1;
  act_rc rc = start(listener);
  if (rc) {
    shut(&listener->entry);
    return rc;
  }
  *out = listener;
  return ACT_OK;
}

void act__listener_close(struct act__listener *listener, void (*closed)(void *arg)) {
  listener->closed = closed;
  shut(&listener->entry);
}
