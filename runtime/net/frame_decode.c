// SPDX-License-Identifier: Apache-2.0
//
// A cursor that cannot leave its input: a read past the end gives zeros and is remembered, so the fields
// are read without looking and one look at the end decides.
#include "runtime/net/frame.h"

#include "base/check.h"

struct cursor {
  const uint8_t *at;
  size_t left;
  bool truncated;
  const char *wrong;  // the first field whose value is impossible
};

static struct act__span get_bytes(struct cursor *c, size_t n) {
  if (n > c->left) {
    c->truncated = true;
    c->left = 0;
    return (struct act__span){c->at, 0};
  }
  struct act__span span = {c->at, n};
  c->at += n;
  c->left -= n;
  return span;
}

static uint64_t get_number(struct cursor *c, size_t n) {
  struct act__span span = get_bytes(c, n);
  uint64_t value = 0;
  for (size_t i = 0; i < span.size; i++) value = value << 8 | span.data[i];
  return value;
}

static uint8_t get_u8(struct cursor *c) {
  return (uint8_t)get_number(c, 1);
}

static uint16_t get_u16(struct cursor *c) {
  return (uint16_t)get_number(c, 2);
}

static uint32_t get_u32(struct cursor *c) {
  return (uint32_t)get_number(c, 4);
}

static uint64_t get_u64(struct cursor *c) {
  return get_number(c, 8);
}

static void refuse(struct cursor *c, const char *why) {
  if (!c->wrong) c->wrong = why;
}

// Codes are only ever appended, so a number below the last one that we know is a failure of a kind that
// a later version has a name for.
static act_rc get_rc(struct cursor *c) {
  int32_t value = (int32_t)get_u32(c);
  if (value > ACT_OK) refuse(c, "status code is no failure code");
  if (value < ACT_EKILLED) return ACT_EFAIL;
  return value > ACT_OK ? ACT_EBADMSG : (act_rc)value;
}

static act_pid get_pid(struct cursor *c) {
  act_pid pid = {0};
  pid.node = get_u64(c);
  pid.slot = get_u32(c);
  pid.gen = get_u32(c);
  pid.epoch = get_u32(c);
  return pid;
}

static struct act__frame_target get_target(struct cursor *c) {
  struct act__frame_target target;
  target.slot = get_u32(c);
  target.gen = get_u32(c);
  target.epoch = get_u32(c);
  return target;
}

static struct act__span get_name(struct cursor *c) {
  return get_bytes(c, get_u8(c));
}

static struct act__span get_text(struct cursor *c) {
  size_t n = get_u16(c);
  if (n > ACT__FRAME_TEXT_MAX) refuse(c, "text is too long");
  return get_bytes(c, n);
}

static struct act__span get_rest(struct cursor *c) {
  return get_bytes(c, c->left);
}

static void get_magic(struct cursor *c) {
  if (get_u32(c) != ACT__FRAME_MAGIC) refuse(c, "magic is not TRPE");
}

static uint8_t get_role(struct cursor *c) {
  uint8_t role = get_u8(c);
  if (role > ACT__ROLE_CHILD) refuse(c, "no such role");
  return role;
}

// --- one function per type ----------------------------------------------------------------------

static void get_hello(struct cursor *c, struct act__frame_hello *f) {
  get_magic(c);
  f->version_min = get_u16(c);
  f->version_max = get_u16(c);
  f->role = get_role(c);
  f->frame_max = get_u32(c);
  f->capabilities = get_u32(c);
  f->incarnation = get_u64(c);
  f->name = get_name(c);
}

static void get_welcome(struct cursor *c, struct act__frame_welcome *f) {
  get_magic(c);
  f->version = get_u16(c);
  f->role = get_role(c);
  f->frame_max = get_u32(c);
  f->capabilities = get_u32(c);
  f->incarnation = get_u64(c);
  f->name = get_name(c);
}

static void get_ending(struct cursor *c, struct act__frame_ending *f) {
  f->rc = get_rc(c);
  f->text = get_text(c);
}

static void get_lookup(struct cursor *c, struct act__frame_lookup *f) {
  f->request = get_u32(c);
  f->schema_hash = get_u64(c);
  f->version = get_u32(c);
  f->protocol = get_name(c);
  f->name = get_name(c);
}

static void get_found(struct cursor *c, struct act__frame_found *f) {
  f->request = get_u32(c);
  f->pid = get_pid(c);
  f->msgs = get_u32(c);
  f->units = get_u32(c);
  f->park_ms = get_u32(c);
}

static void get_notfound(struct cursor *c, struct act__frame_notfound *f) {
  f->request = get_u32(c);
  f->rc = get_rc(c);
  f->text = get_text(c);
}

static void get_grant(struct cursor *c, struct act__frame_grant *f) {
  f->target = get_target(c);
  f->rc = get_rc(c);
  f->msgs = get_u32(c);
  f->units = get_u32(c);
  f->park_ms = get_u32(c);
}

static void get_credit(struct cursor *c, struct act__frame_credit *f) {
  f->slot = get_u32(c);
  f->gen = get_u32(c);
  f->msgs = get_u32(c);
  f->units = get_u32(c);
}

static void get_message(struct cursor *c, struct act__frame_message *f) {
  f->flags = get_u8(c);
  if (f->flags & ~ACT__MESSAGE_FLAGS) refuse(c, "unknown flags");
  f->op = get_u16(c);
  f->protocol = get_u64(c);
  f->target = get_target(c);
  f->sender = get_pid(c);
  if (f->flags & ACT__MESSAGE_ASK) {
    f->ask_index = get_u32(c);
    f->ask_gen = get_u32(c);
    f->deadline_left_ms = get_u32(c);
  }
  f->body = get_rest(c);
}

static void get_reply(struct cursor *c, struct act__frame_reply *f) {
  f->ask_index = get_u32(c);
  f->ask_gen = get_u32(c);
  f->rc = get_rc(c);
  f->text = get_text(c);
  f->body = get_rest(c);
}

static void get_nack(struct cursor *c, struct act__frame_nack *f) {
  f->target = get_target(c);
  f->op = get_u16(c);
  f->rc = get_rc(c);
}

static void get_monitor(struct cursor *c, struct act__frame_monitor *f) {
  f->id = get_u32(c);
  f->target = get_target(c);
}

static void get_down(struct cursor *c, struct act__frame_down *f) {
  f->id = get_u32(c);
  f->reason = get_u8(c);
  f->rc = get_rc(c);
  f->text = get_text(c);
}

static void get_start(struct cursor *c, struct act__frame_start *f) {
  f->request = get_u32(c);
  f->mailbox_msgs = get_u32(c);
  f->mailbox_bytes = get_u32(c);
  f->behavior = get_name(c);
  f->child = get_name(c);
  f->body = get_rest(c);
}

static void get_started(struct cursor *c, struct act__frame_started *f) {
  f->request = get_u32(c);
  f->pid = get_pid(c);
  f->msgs = get_u32(c);
  f->units = get_u32(c);
}

static void get_exited(struct cursor *c, struct act__frame_exited *f) {
  f->request = get_u32(c);
  f->reason = get_u8(c);
  f->rc = get_rc(c);
  f->text = get_text(c);
}

static void get_stop(struct cursor *c, struct act__frame_stop *f) {
  f->request = get_u32(c);
  f->deadline_ms = get_u32(c);
}

static void get_unknown(struct cursor *c, struct act__frame *out) {
  if (!((unsigned)out->type & ACT__FRAME_SKIPPED)) refuse(c, "unknown type");
  out->type = ACT__FRAME_SKIPPED;
  get_rest(c);
}

static void get_fields(struct cursor *c, struct act__frame *out) {
  switch (out->type) {
  case ACT__FRAME_HELLO: get_hello(c, &out->u.hello); break;
  case ACT__FRAME_WELCOME: get_welcome(c, &out->u.welcome); break;
  case ACT__FRAME_REFUSE:
  case ACT__FRAME_GOODBYE: get_ending(c, &out->u.ending); break;
  case ACT__FRAME_HEARTBEAT: break;
  case ACT__FRAME_LOOKUP: get_lookup(c, &out->u.lookup); break;
  case ACT__FRAME_FOUND: get_found(c, &out->u.found); break;
  case ACT__FRAME_NOTFOUND: get_notfound(c, &out->u.notfound); break;
  case ACT__FRAME_REACH: out->u.reach.target = get_target(c); break;
  case ACT__FRAME_GRANT: get_grant(c, &out->u.grant); break;
  case ACT__FRAME_CREDIT: get_credit(c, &out->u.credit); break;
  case ACT__FRAME_MESSAGE: get_message(c, &out->u.message); break;
  case ACT__FRAME_REPLY: get_reply(c, &out->u.reply); break;
  case ACT__FRAME_NACK: get_nack(c, &out->u.nack); break;
  case ACT__FRAME_MONITOR: get_monitor(c, &out->u.monitor); break;
  case ACT__FRAME_DEMONITOR: out->u.demonitor.id = get_u32(c); break;
  case ACT__FRAME_DOWN: get_down(c, &out->u.down); break;
  case ACT__FRAME_START: get_start(c, &out->u.start); break;
  case ACT__FRAME_STARTED: get_started(c, &out->u.started); break;
  case ACT__FRAME_EXITED: get_exited(c, &out->u.exited); break;
  case ACT__FRAME_STOP: get_stop(c, &out->u.stop); break;
  case ACT__FRAME_GAP:
  case ACT__FRAME_SKIPPED:
  default: get_unknown(c, out); break;
  }
}

// --- frames -------------------------------------------------------------------------------------

act_rc act__frame_split(const uint8_t *data, size_t size, uint32_t frame_max, uint32_t *length) {
  if (size < ACT__FRAME_PREFIX) return ACT_LATER;
  struct cursor c = {.at = data, .left = size};
  uint32_t n = get_u32(&c);
  if (n == 0 || n > frame_max) return ACT_EBADMSG;
  if (n > c.left) return ACT_LATER;
  *length = n;
  return ACT_OK;
}

act_rc act__frame_decode(const uint8_t *data, size_t size, struct act__frame *out,
                         const char **why) {
  struct cursor c = {.at = data, .left = size};
  *out = (struct act__frame){.type = (enum act__frame_type)get_u8(&c)};
  get_fields(&c, out);
  *why = c.truncated ? "too short for its type"
         : c.wrong   ? c.wrong
#ifndef ACT_MUTANT_FRAME_SLACK
         : c.left ? "bytes left over"
#endif
                  : NULL;
  return *why ? ACT_EBADMSG : ACT_OK;
}

const char *act__frame_type_name(unsigned type) {
  switch (type) {
  case ACT__FRAME_HELLO: return "HELLO";
  case ACT__FRAME_WELCOME: return "WELCOME";
  case ACT__FRAME_REFUSE: return "REFUSE";
  case ACT__FRAME_HEARTBEAT: return "HEARTBEAT";
  case ACT__FRAME_GOODBYE: return "GOODBYE";
  case ACT__FRAME_LOOKUP: return "LOOKUP";
  case ACT__FRAME_FOUND: return "FOUND";
  case ACT__FRAME_NOTFOUND: return "NOTFOUND";
  case ACT__FRAME_REACH: return "REACH";
  case ACT__FRAME_GRANT: return "GRANT";
  case ACT__FRAME_CREDIT: return "CREDIT";
  case ACT__FRAME_MESSAGE: return "MESSAGE";
  case ACT__FRAME_REPLY: return "REPLY";
  case ACT__FRAME_NACK: return "NACK";
  case ACT__FRAME_GAP: return "GAP";
  case ACT__FRAME_MONITOR: return "MONITOR";
  case ACT__FRAME_DEMONITOR: return "DEMONITOR";
  case ACT__FRAME_DOWN: return "DOWN";
  case ACT__FRAME_START: return "START";
  case ACT__FRAME_STARTED: return "STARTED";
  case ACT__FRAME_EXITED: return "EXITED";
  case ACT__FRAME_STOP: return "STOP";
  case ACT__FRAME_SKIPPED: return "SKIPPED";
  default: return "?";
  }
}
