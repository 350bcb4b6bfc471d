// SPDX-License-Identifier: Apache-2.0
//
// A frame is begun by writing its prefix and type and remembering where; it is ended by writing the
// length there, or by cutting the buffer back to the mark. Failures of the buffer stick in it, so the
// fields are written without looking, and one look at the end decides.
#include "runtime/net/frame.h"

#include <string.h>

#include "base/check.h"

struct act__span act__span_of_text(const char *text) {
  return (struct act__span){(const uint8_t *)text, text ? strlen(text) : 0};
}

// --- fields -------------------------------------------------------------------------------------

static void put_u8(struct act__bytes *out, uint8_t value) {
  act__bytes_append(out, &value, 1);
}

static void put_u16(struct act__bytes *out, uint16_t value) {
  uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};
  act__bytes_append(out, bytes, sizeof bytes);
}

static void store_u32(uint8_t bytes[4], uint32_t value) {
  for (int i = 0; i < 4; i++) bytes[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void put_u32(struct act__bytes *out, uint32_t value) {
  uint8_t bytes[4];
  store_u32(bytes, value);
  act__bytes_append(out, bytes, sizeof bytes);
}

static void put_u64(struct act__bytes *out, uint64_t value) {
  put_u32(out, (uint32_t)(value >> 32));
  put_u32(out, (uint32_t)value);
}

static void put_rc(struct act__bytes *out, act_rc rc) {
  put_u32(out, (uint32_t)(int32_t)rc);
}

static void put_pid(struct act__bytes *out, act_pid pid) {
  put_u64(out, pid.node);
  put_u32(out, pid.slot);
  put_u32(out, pid.gen);
  put_u32(out, pid.epoch);
}

static void put_target(struct act__bytes *out, struct act__frame_target target) {
  put_u32(out, target.slot);
  put_u32(out, target.gen);
  put_u32(out, target.epoch);
}

static void put_span(struct act__bytes *out, struct act__span span) {
  if (span.size > 0) act__bytes_append(out, span.data, span.size);
}

static void put_name(struct act__bytes *out, struct act__span name) {
  put_u8(out, (uint8_t)name.size);
  put_span(out, name);
}

// Cuts at the edge of a character: continuation bytes of UTF-8 are 10xxxxxx.
static void put_text(struct act__bytes *out, struct act__span text, size_t limit) {
  if (text.size > limit) {
    text.size = limit;
    while (text.size > 0 && (text.data[text.size] & 0xC0u) == 0x80u) text.size--;
  }
  put_u16(out, (uint16_t)text.size);
  put_span(out, text);
}

static bool is_name(struct act__span name) {
  return name.size <= ACT__FRAME_NAME_MAX;
}

// --- begin and end ------------------------------------------------------------------------------

static size_t begin(struct act__bytes *out, enum act__frame_type type) {
  size_t mark = out->length;
  put_u32(out, 0);
  put_u8(out, (uint8_t)type);
  return mark;
}

void act__frame_abandon(struct act__bytes *out, size_t mark) {
  ACT_ASSERT(mark <= out->length);
  out->length = mark;
}

// A failed buffer may hold fields with some missing in between: take them back.
static act_rc check(struct act__bytes *out, size_t mark) {
  if (!out->failed) return ACT_OK;
  act__frame_abandon(out, mark);
  return out->reason;
}

act_rc act__frame_end(struct act__bytes *out, size_t mark, uint32_t frame_max) {
  act_rc rc = check(out, mark);
  if (rc) return rc;
  size_t length = out->length - mark - ACT__FRAME_PREFIX;
  if (length > frame_max || length > ACT__FRAME_MAX) {
    act__frame_abandon(out, mark);
    return ACT_ELIMIT;
  }
  store_u32(out->data + mark, (uint32_t)length);
  return ACT_OK;
}

static act_rc end(struct act__bytes *out, size_t mark) {
  return act__frame_end(out, mark, ACT__FRAME_MAX);
}

// --- one function per type ----------------------------------------------------------------------

act_rc act__frame_put_hello(struct act__bytes *out, const struct act__frame_hello *f) {
  if (!is_name(f->name)) return ACT_ELIMIT;
  size_t mark = begin(out, ACT__FRAME_HELLO);
  put_u32(out, ACT__FRAME_MAGIC);
  put_u16(out, f->version_min);
  put_u16(out, f->version_max);
  put_u8(out, f->role);
  put_u32(out, f->frame_max);
  put_u32(out, f->capabilities);
  put_u64(out, f->incarnation);
  put_name(out, f->name);
  return end(out, mark);
}

act_rc act__frame_put_welcome(struct act__bytes *out, const struct act__frame_welcome *f) {
  if (!is_name(f->name)) return ACT_ELIMIT;
  size_t mark = begin(out, ACT__FRAME_WELCOME);
  put_u32(out, ACT__FRAME_MAGIC);
  put_u16(out, f->version);
  put_u8(out, f->role);
  put_u32(out, f->frame_max);
  put_u32(out, f->capabilities);
  put_u64(out, f->incarnation);
  put_name(out, f->name);
  return end(out, mark);
}

act_rc act__frame_put_refuse(struct act__bytes *out, const struct act__frame_ending *f) {
  size_t mark = begin(out, ACT__FRAME_REFUSE);
  put_rc(out, f->rc);
  put_text(out, f->text, ACT__FRAME_REFUSE_TEXT_MAX);
  return end(out, mark);
}

act_rc act__frame_put_heartbeat(struct act__bytes *out) {
  return end(out, begin(out, ACT__FRAME_HEARTBEAT));
}

act_rc act__frame_put_goodbye(struct act__bytes *out, const struct act__frame_ending *f) {
  size_t mark = begin(out, ACT__FRAME_GOODBYE);
  put_rc(out, f->rc);
  put_text(out, f->text, ACT__FRAME_TEXT_MAX);
  return end(out, mark);
}

act_rc act__frame_put_lookup(struct act__bytes *out, const struct act__frame_lookup *f) {
  if (!is_name(f->protocol) || !is_name(f->name)) return ACT_ELIMIT;
  size_t mark = begin(out, ACT__FRAME_LOOKUP);
  put_u32(out, f->request);
  put_u64(out, f->schema_hash);
  put_u32(out, f->version);
  put_name(out, f->protocol);
  put_name(out, f->name);
  return end(out, mark);
}

act_rc act__frame_put_found(struct act__bytes *out, const struct act__frame_found *f) {
  size_t mark = begin(out, ACT__FRAME_FOUND);
  put_u32(out, f->request);
  put_pid(out, f->pid);
  put_u32(out, f->msgs);
  put_u32(out, f->units);
  put_u32(out, f->park_ms);
  return end(out, mark);
}

act_rc act__frame_put_notfound(struct act__bytes *out, const struct act__frame_notfound *f) {
  size_t mark = begin(out, ACT__FRAME_NOTFOUND);
  put_u32(out, f->request);
  put_rc(out, f->rc);
  put_text(out, f->text, ACT__FRAME_TEXT_MAX);
  return end(out, mark);
}

act_rc act__frame_put_reach(struct act__bytes *out, const struct act__frame_reach *f) {
  size_t mark = begin(out, ACT__FRAME_REACH);
  put_target(out, f->target);
  return end(out, mark);
}

act_rc act__frame_put_grant(struct act__bytes *out, const struct act__frame_grant *f) {
  size_t mark = begin(out, ACT__FRAME_GRANT);
  put_target(out, f->target);
  put_rc(out, f->rc);
  put_u32(out, f->msgs);
  put_u32(out, f->units);
  put_u32(out, f->park_ms);
  return end(out, mark);
}

act_rc act__frame_put_credit(struct act__bytes *out, const struct act__frame_credit *f) {
  size_t mark = begin(out, ACT__FRAME_CREDIT);
  put_u32(out, f->slot);
  put_u32(out, f->gen);
  put_u32(out, f->msgs);
  put_u32(out, f->units);
  return end(out, mark);
}

act_rc act__frame_begin_message(struct act__bytes *out, const struct act__frame_message *f,
                                size_t *mark) {
  ACT_ASSERT((f->flags & ~ACT__MESSAGE_FLAGS) == 0);
  *mark = begin(out, ACT__FRAME_MESSAGE);
  put_u8(out, f->flags);
  put_u16(out, f->op);
  put_u64(out, f->protocol);
  put_target(out, f->target);
  put_pid(out, f->sender);
  if (f->flags & ACT__MESSAGE_ASK) {
    put_u32(out, f->ask_index);
    put_u32(out, f->ask_gen);
    put_u32(out, f->deadline_left_ms);
  }
  return check(out, *mark);
}

act_rc act__frame_put_message(struct act__bytes *out, const struct act__frame_message *f) {
  size_t mark;
  act_rc rc = act__frame_begin_message(out, f, &mark);
  if (rc) return rc;
  put_span(out, f->body);
  return end(out, mark);
}

act_rc act__frame_begin_reply(struct act__bytes *out, const struct act__frame_reply *f,
                              size_t *mark) {
  *mark = begin(out, ACT__FRAME_REPLY);
  put_u32(out, f->ask_index);
  put_u32(out, f->ask_gen);
  put_rc(out, f->rc);
  put_text(out, f->text, ACT__FRAME_TEXT_MAX);
  return check(out, *mark);
}

act_rc act__frame_put_reply(struct act__bytes *out, const struct act__frame_reply *f) {
  size_t mark;
  act_rc rc = act__frame_begin_reply(out, f, &mark);
  if (rc) return rc;
  put_span(out, f->body);
  return end(out, mark);
}

act_rc act__frame_put_nack(struct act__bytes *out, const struct act__frame_nack *f) {
  size_t mark = begin(out, ACT__FRAME_NACK);
  put_target(out, f->target);
  put_u16(out, f->op);
  put_rc(out, f->rc);
  return end(out, mark);
}

act_rc act__frame_put_monitor(struct act__bytes *out, const struct act__frame_monitor *f) {
  size_t mark = begin(out, ACT__FRAME_MONITOR);
  put_u32(out, f->id);
  put_target(out, f->target);
  return end(out, mark);
}

act_rc act__frame_put_demonitor(struct act__bytes *out, const struct act__frame_demonitor *f) {
  size_t mark = begin(out, ACT__FRAME_DEMONITOR);
  put_u32(out, f->id);
  return end(out, mark);
}

act_rc act__frame_put_down(struct act__bytes *out, const struct act__frame_down *f) {
  size_t mark = begin(out, ACT__FRAME_DOWN);
  put_u32(out, f->id);
  put_u8(out, f->reason);
  put_rc(out, f->rc);
  put_text(out, f->text, ACT__FRAME_TEXT_MAX);
  return end(out, mark);
}

act_rc act__frame_begin_start(struct act__bytes *out, const struct act__frame_start *f,
                              size_t *mark) {
  if (!is_name(f->behavior) || !is_name(f->child)) return ACT_ELIMIT;
  *mark = begin(out, ACT__FRAME_START);
  put_u32(out, f->request);
  put_u32(out, f->mailbox_msgs);
  put_u32(out, f->mailbox_bytes);
  put_name(out, f->behavior);
  put_name(out, f->child);
  return check(out, *mark);
}

act_rc act__frame_put_start(struct act__bytes *out, const struct act__frame_start *f) {
  size_t mark;
  act_rc rc = act__frame_begin_start(out, f, &mark);
  if (rc) return rc;
  put_span(out, f->body);
  return end(out, mark);
}

act_rc act__frame_put_started(struct act__bytes *out, const struct act__frame_started *f) {
  size_t mark = begin(out, ACT__FRAME_STARTED);
  put_u32(out, f->request);
  put_pid(out, f->pid);
  put_u32(out, f->msgs);
  put_u32(out, f->units);
  return end(out, mark);
}

act_rc act__frame_put_exited(struct act__bytes *out, const struct act__frame_exited *f) {
  size_t mark = begin(out, ACT__FRAME_EXITED);
  put_u32(out, f->request);
  put_u8(out, f->reason);
  put_rc(out, f->rc);
  put_text(out, f->text, ACT__FRAME_TEXT_MAX);
  return end(out, mark);
}

act_rc act__frame_put_stop(struct act__bytes *out, const struct act__frame_stop *f) {
  size_t mark = begin(out, ACT__FRAME_STOP);
  put_u32(out, f->request);
  put_u32(out, f->deadline_ms);
  return end(out, mark);
}
