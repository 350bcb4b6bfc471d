// SPDX-License-Identifier: Apache-2.0
#include "runtime/io/stream.h"

#include <stdbool.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "base/alloc.h"
#include "base/check.h"
#include "runtime/io/inside.h"
#include "runtime/io/socket.h"

struct act__stream {
  struct act__io_entry entry;  // first: the handle's data
  uv_pipe_t pipe;
  uv_write_t request;
  const struct act__stream_events *events;
  void *arg;
  size_t filled;  // bytes of `buffer` that are not consumed
  bool writing, ended, paused;
  uint8_t buffer[ACT__STREAM_BUFFER];
};

static bool is_closing(const struct act__stream *stream) {
  return uv_is_closing((const uv_handle_t *)&stream->pipe) != 0;
}

// --- reading ------------------------------------------------------------------------------------

static void on_space(uv_handle_t *handle, size_t suggested, uv_buf_t *space) {
  (void)suggested;
  struct act__stream *stream = handle->data;
  *space = uv_buf_init((char *)stream->buffer + stream->filled,
                       (unsigned)(ACT__STREAM_BUFFER - stream->filled));
}

static void end_reading(struct act__stream *stream, act_rc why) {
  if (stream->ended) return;
  stream->ended = true;
  uv_read_stop((uv_stream_t *)&stream->pipe);
  stream->events->ended(stream->arg, why);
}

static void on_read(uv_stream_t *pipe, ssize_t n, const uv_buf_t *space) {
  (void)space;
  struct act__stream *stream = pipe->data;
  if (n == 0 || is_closing(stream)) return;
  if (n < 0) {
    end_reading(stream, act__io_rc((int)n));
    return;
  }
  stream->filled += (size_t)n;
  size_t used = stream->events->read(stream->arg, stream->buffer, stream->filled);
  ACT_ASSERT(used <= stream->filled);
  if (is_closing(stream)) return;
  stream->filled -= used;
  if (used > 0 && stream->filled > 0)
    memmove(stream->buffer, stream->buffer + used, stream->filled);
  ACT_ASSERT(stream->filled < ACT__STREAM_BUFFER);  // an item larger than the buffer
}

static act_rc start_reading(struct act__stream *stream) {
  return act__io_rc(uv_read_start((uv_stream_t *)&stream->pipe, on_space, on_read));
}

void act__stream_pause(struct act__stream *stream) {
  stream->paused = true;
  if (!is_closing(stream)) uv_read_stop((uv_stream_t *)&stream->pipe);
}

void act__stream_resume(struct act__stream *stream) {
  if (!stream->paused || is_closing(stream) || stream->ended) return;
  stream->paused = false;
  act_rc rc = start_reading(stream);
  if (rc) end_reading(stream, rc);
}

// --- opening and closing ------------------------------------------------------------------------

static void on_closed(uv_handle_t *handle) {
  struct act__stream *stream = handle->data;
  stream->events->closed(stream->arg);
  act__free(stream);
}

static void on_stillborn(uv_handle_t *handle) {
  act__free(handle->data);
}

static void shut(struct act__io_entry *entry) {
  struct act__stream *stream = (struct act__stream *)entry;
  if (!is_closing(stream)) uv_close((uv_handle_t *)&stream->pipe, on_closed);
}

act_rc act__stream_open(struct act__loop *loop, int fd, const struct act__stream_events *events,
                        void *arg, struct act__stream **out) {
  struct act__stream *stream = act__malloc(sizeof *stream);
  if (!stream) {
    act__socket_close(fd);
    return ACT_ENOMEM;
  }
  memset(stream, 0, offsetof(struct act__stream, buffer));
  stream->entry.shut = shut;
  stream->events = events;
  stream->arg = arg;
  ACT_ASSERT(uv_pipe_init(act__loop_uv(loop), &stream->pipe, 0) == 0);
  stream->pipe.data = stream;
  act_rc rc = act__io_rc(uv_pipe_open(&stream->pipe, fd));
  if (rc) {
    act__socket_close(fd);
  } else {
    rc = start_reading(stream);
  }
  if (rc) {
    uv_close((uv_handle_t *)&stream->pipe, on_stillborn);
    return rc;
  }
  *out = stream;
  return ACT_OK;
}

void act__stream_close(struct act__stream *stream) {
  shut(&stream->entry);
}

// --- writing ------------------------------------------------------------------------------------

static void on_written(uv_write_t *request, int code) {
  struct act__stream *stream = request->data;
  stream->writing = false;
  stream->events->written(stream->arg, act__io_rc(code));
}

void act__stream_write(struct act__stream *stream, const uint8_t *data, size_t size) {
  ACT_ASSERT(!stream->writing && !stream->ended && !is_closing(stream));
  ACT_ASSERT(size > 0 && size <= UINT32_MAX);
  stream->writing = true;
  stream->request.data = stream;
  uv_buf_t block = uv_buf_init((char *)(uintptr_t)data, (unsigned)size);
  // A connected pipe and one block: libuv reports failures through the callback.
  ACT_ASSERT(uv_write(&stream->request, (uv_stream_t *)&stream->pipe, &block, 1, on_written) == 0);
}
