// SPDX-License-Identifier: Apache-2.0
#include "runtime/io/tick.h"

#include <uv.h>

#include "base/alloc.h"
#include "base/check.h"
#include "runtime/io/inside.h"

struct act__tick {
  struct act__io_entry entry;  // first: the handle's data
  uv_timer_t timer;
  void (*fn)(void *arg);
  void *arg;
};

static void on_closed(uv_handle_t *handle) {
  act__free(handle->data);
}

static void shut(struct act__io_entry *entry) {
  struct act__tick *tick = (struct act__tick *)entry;
  if (!uv_is_closing((uv_handle_t *)&tick->timer)) uv_close((uv_handle_t *)&tick->timer, on_closed);
}

static void on_timer(uv_timer_t *timer) {
  struct act__tick *tick = timer->data;
  tick->fn(tick->arg);
}

act_rc act__tick_open(struct act__loop *loop, void (*fn)(void *arg), void *arg,
                      struct act__tick **out) {
  struct act__tick *tick = act__calloc(1, sizeof *tick);
  if (!tick) return ACT_ENOMEM;
  ACT_ASSERT(uv_timer_init(act__loop_uv(loop), &tick->timer) == 0);
  tick->entry.shut = shut;
  tick->timer.data = tick;
  tick->fn = fn;
  tick->arg = arg;
  *out = tick;
  return ACT_OK;
}

void act__tick_start(struct act__tick *tick, uint32_t ms) {
  ACT_ASSERT(ms > 0);
  uv_update_time(tick->timer.loop);
  ACT_ASSERT(uv_timer_start(&tick->timer, on_timer, ms, ms) == 0);
}

void act__tick_stop(struct act__tick *tick) {
  uv_timer_stop(&tick->timer);
}

void act__tick_close(struct act__tick *tick) {
  if (tick) shut(&tick->entry);
}
