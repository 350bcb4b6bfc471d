// SPDX-License-Identifier: Apache-2.0
//
// The small things that a handler does with its context.
#include "actors/context.h"

#include <stdio.h>
#include <string.h>

#include "actors/child.h"
#include "base/check.h"

act_pid act_self(const act_cx *cx) {
  if (!cx->cell) return (act_pid){0, 0, 0, 0, 0};
  return act__cell_pid(cx->system, cx->cell);
}

act_pid act_sender(const act_cx *cx) {
  act_pid from = {0, 0, 0, 0, 0};
  if (!cx->env || !cx->env->sender_slot) return from;
  struct act__env_extension *extension = act__env_extension(cx->env);
  from.node = extension && extension->sender_node ? extension->sender_node
                                                  : cx->system->incarnation;
  from.slot = cx->env->sender_slot;
  from.gen = cx->env->sender_gen;
  from.epoch = cx->env->sender_epoch;
  return from;
}

static struct act__clock *clock_of(const act_cx *cx) {
  return act__exec_clock(cx->system->exec);
}

int64_t act_now(const act_cx *cx) {
  return cx->me ? cx->me->now_ns : clock_of(cx)->now_ns(clock_of(cx));
}

act_time act_wall(const act_cx *cx) {
  return (act_time){clock_of(cx)->wall_ns(clock_of(cx))};
}

uint64_t act_rand(act_cx *cx) {
  ACT_ASSERT(cx->me);  // a handler's context: outside there is no seeded generator
  return act__rand_next(&cx->me->rand);
}

act_rc act_fail(act_cx *cx, act_rc why, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(cx->fail_text, sizeof cx->fail_text, format, args);
  va_end(args);
  cx->left.fail = why;
  return why;
}

void act_end(act_cx *cx) {
  cx->left.ending = true;
}

act_rc act_ready(act_cx *cx) {
  struct act__cell *cell = cx->cell;
  if (!cell || cell->life != ACT__STARTING || !cell->cold || !cell->cold->later) return ACT_EINVAL;
  act__cell_up(cx, cell);
  return ACT_OK;
}

void *act_alloc(act_cx *cx, size_t bytes) {
  if (!cx->cell) return NULL;
  struct act__cold *cold = act__cell_cold(cx->cell);
  void *memory = cold ? act__arena_alloc(&cold->arena, bytes, 16) : NULL;
  return memory ? memset(memory, 0, bytes) : NULL;
}

void *act_scratch(act_cx *cx, size_t bytes) {
  if (!cx->cell) return NULL;
  cx->left.scratch = true;
  return act__arena_alloc(&cx->scratch, bytes, 16);
}

act_rc act_defer(act_cx *cx, void (*fn)(void *), void *arg) {
  if (!cx->cell || !fn) return ACT_EINVAL;
  struct act__cold *cold = act__cell_cold(cx->cell);
  if (!cold) return ACT_ENOMEM;
  struct act__deferred *deferred = act__arena_alloc(&cold->arena, sizeof *deferred, 16);
  if (!deferred) return ACT_ENOMEM;
  *deferred = (struct act__deferred){cold->deferred, fn, arg};
  cold->deferred = deferred;
  return ACT_OK;
}

// "counter" or, without a name or id, its address.
static const char *actor_text(const act_cx *cx, char text[ACT_PID_TEXT_MAX]) {
  const struct act__birth *birth = cx->cell ? act__cell_birth(cx->cell) : NULL;
  const struct act__terms *terms = birth ? birth->terms : NULL;
  if (terms && terms->name) return terms->name;
  if (terms && terms->id) return terms->id;
  return cx->cell ? act_pid_text(act_self(cx), text) : NULL;
}

ACT_PRINTF(3, 0)
static void log_line(act_cx *cx, act_log_level level, const char *format, va_list args) {
  if (!cx->system->log->fn || level < cx->system->log->level) return;
  char message[ACT__LOG_MESSAGE];
  vsnprintf(message, sizeof message, format, args);
  char text[ACT_PID_TEXT_MAX];
  act_log_record record = {.level = level,
                           .wall_ns = act_wall(cx).unix_ns,
                           .component = cx->system->node.name,
                           .actor = actor_text(cx, text),
                           .message = message};
  act__log_record(cx->system->log, &record);
}

void act_log(act_cx *cx, const char *format, ...) {
  va_list args;
  va_start(args, format);
  log_line(cx, ACT_LOG_INFO, format, args);
  va_end(args);
}

void act_log_at(act_cx *cx, act_log_level level, const char *format, ...) {
  va_list args;
  va_start(args, format);
  log_line(cx, level, format, args);
  va_end(args);
}
