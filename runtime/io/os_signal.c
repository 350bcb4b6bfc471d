// SPDX-License-Identifier: Apache-2.0
#include "runtime/io/os_signal.h"

#include <uv.h>

#include "base/alloc.h"
#include "base/check.h"
#include "runtime/io/inside.h"

struct act__os_signal {
  struct act__io_entry entry;  // first: the handle's data
  uv_signal_t handle;
  void (*fn)(void *arg, int number);
  void *arg;
};

static void on_signal(uv_signal_t *handle, int number) {
  struct act__os_signal *signal = handle->data;
  signal->fn(signal->arg, number);
}

static void on_closed(uv_handle_t *handle) {
  act__free(handle->data);
}

static void shut(struct act__io_entry *entry) {
  struct act__os_signal *signal = (struct act__os_signal *)entry;
  uv_handle_t *handle = (uv_handle_t *)&signal->handle;
  if (!uv_is_closing(handle)) uv_close(handle, on_closed);
}

act_rc act__os_signal_open(struct act__loop *loop, int number, void (*fn)(void *arg, int number),
                           void *arg, struct act__os_signal **out) {
  struct act__os_signal *signal = act__calloc(1, sizeof *signal);
  if (!signal) return ACT_ENOMEM;
  signal->entry.shut = shut;
  signal->fn = fn;
  signal->arg = arg;
  int code = uv_signal_init(act__loop_uv(loop), &signal->handle);
  if (code) {
    act__free(signal);
    return act__io_rc(code);
  }
  signal->handle.data = signal;
  code = uv_signal_start(&signal->handle, on_signal, number);
  if (code) {
    shut(&signal->entry);
    return act__io_rc(code);
  }
  *out = signal;
  return ACT_OK;
}

void act__os_signal_close(struct act__os_signal *signal) {
  if (signal) shut(&signal->entry);
}
