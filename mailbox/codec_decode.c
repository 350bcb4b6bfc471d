// SPDX-License-Identifier: Apache-2.0
//
// Decoding: one recursive walk, run twice. While measuring, `block` is NULL and every place in it is
// NULL; `used` counts what the block will hold. While filling, the same walk finds the same places,
// and whatever could be refused has been accepted once already.
#include "mailbox/codec.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/check.h"
#include "mailbox/copy.h"
#include "mailbox/scan.h"
#include "mailbox/utf8.h"
#include "mailbox/value.h"

static const char empty_text[1] = "";

struct decoder {
  const uint8_t *data;
  size_t size;
  size_t at;
  unsigned depth, depth_max;
  char *block;  // NULL: measuring
  size_t used, used_max;
  struct act__decode_error *error;
  const char *message;
  const act_field *field;
};

static act_rc decode_message(struct decoder *decoder, const act_schema *schema, char *place);

static act_rc refuse(struct decoder *decoder, size_t offset, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static act_rc refuse(struct decoder *decoder, size_t offset, const char *format, ...) {
  struct act__decode_error *error = decoder->error;

  if (error) {
    char reason[72];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    error->offset = offset;
    error->message = decoder->message;
    error->field = decoder->field ? decoder->field->name : NULL;
    snprintf(error->text, sizeof error->text, "%.40s%s%.40s: %s (byte %zu)", decoder->message,
             decoder->field ? "." : "", decoder->field ? decoder->field->name : "", reason, offset);
  }
  return ACT_EBADMSG;
}

// ---- tokens -------------------------------------------------------------------------------------

// Reads the head at the cursor and moves behind it; whatever it announces is known to be there.
static act_rc next_token(struct decoder *decoder, struct act__token *token) {
  enum act__scan_result result =
      act__token_read(decoder->data + decoder->at, decoder->size - decoder->at, token);

  if (result != ACT__SCAN_OK) return refuse(decoder, decoder->at, "%s", act__scan_text(result));
  decoder->at += token->head;
  return ACT_OK;
}

static act_rc refuse_token(struct decoder *decoder, const struct act__token *token,
                           const char *wanted) {
  return refuse(decoder, decoder->at - token->head, "%s where %s belongs",
                act__token_name(token->type), wanted);
}

static act_rc enter(struct decoder *decoder, size_t offset) {
  if (decoder->depth == decoder->depth_max) {
    return refuse(decoder, offset, "nested more than %u deep", decoder->depth_max);
  }
  decoder->depth++;
  return ACT_OK;
}

static act_rc skip_value(struct decoder *decoder) {
  size_t used;
  enum act__scan_result result =
      act__scan_value(decoder->data + decoder->at, decoder->size - decoder->at,
                      decoder->depth_max - decoder->depth, &used);

  decoder->at += used;
  if (result != ACT__SCAN_OK) return refuse(decoder, decoder->at, "%s", act__scan_text(result));
  return ACT_OK;
}

// ---- room in the block --------------------------------------------------------------------------

// Room for `bytes` more; *place is left alone while measuring.
static act_rc take_room(struct decoder *decoder, size_t bytes, size_t offset, char **place) {
  if (bytes > decoder->used_max - decoder->used) {
    return refuse(decoder, offset, "grows past %zu bytes in memory", decoder->used_max);
  }
  if (decoder->block) *place = decoder->block + decoder->used;
  decoder->used += bytes;
  return ACT_OK;
}

// Zero, except that text is empty rather than missing.
static void set_defaults(const act_schema *schema, char *place) {
  memset(place, 0, schema->size);
  if (schema->is_flat) return;

  for (uint32_t i = 0; i < schema->nfields; i++) {
    const act_field *field = &schema->fields[i];
    if (field->shape != ACT_SHAPE_ONE) continue;
    if (field->kind == ACT_KIND_STR || field->kind == ACT_KIND_BYTES) {
      act_str empty = {.data = empty_text, .size = 0};
      memcpy(place + field->offset, &empty, sizeof empty);
    } else if (field->kind == ACT_KIND_MESSAGE) {
      set_defaults(field->nested, place + field->offset);
    }
  }
}

// ---- values -------------------------------------------------------------------------------------

// Turns a float with a whole value into the integer that it is. false: no whole number.
static bool make_integer(struct act__token *token) {
  if (token->type == ACT__TOKEN_UINT || token->type == ACT__TOKEN_INT) return true;
  if (token->type != ACT__TOKEN_FLOAT) return false;

  double real = token->real;
  bool is_negative = real < 0;
  if (is_negative ? real < -0x1p63 : !(real < 0x1p64)) return false;  // not-a-number ends here too
  uint64_t number = is_negative ? (uint64_t)(int64_t)real : (uint64_t)real;
  if ((is_negative ? (double)(int64_t)number : (double)number) != real) return false;
  token->number = number;
  token->type = is_negative ? ACT__TOKEN_INT : ACT__TOKEN_UINT;
  return true;
}

static act_rc decode_integer(struct decoder *decoder, struct act__token *token, int64_t lowest,
                             uint64_t highest, char *place, size_t bytes) {
  if (!make_integer(token)) return refuse_token(decoder, token, "a whole number");
  bool in_range = token->type == ACT__TOKEN_UINT ? token->number <= highest
                                                 : (int64_t)token->number >= lowest;
  if (!in_range) {
    return refuse(decoder, decoder->at - token->head, "a number out of range");
  }
  if (!place) return ACT_OK;

  if (bytes == 4) {
    uint32_t narrow = (uint32_t)token->number;
    memcpy(place, &narrow, sizeof narrow);
  } else {
    memcpy(place, &token->number, sizeof token->number);
  }
  return ACT_OK;
}

static act_rc decode_f64(struct decoder *decoder, const struct act__token *token, char *place) {
  double value = token->real;
  bool exact = true;

  // The comparisons go through the wider range of the float, because a number that rounds up to
  // 2^64 or 2^63 must not be converted back.
  if (token->type == ACT__TOKEN_UINT) {
    value = (double)token->number;
    exact = value < 0x1p64 && (uint64_t)value == token->number;
  } else if (token->type == ACT__TOKEN_INT) {
    value = (double)(int64_t)token->number;
    exact = (int64_t)value == (int64_t)token->number;
  } else if (token->type != ACT__TOKEN_FLOAT) {
    return refuse_token(decoder, token, "a number");
  }
  if (!exact) return refuse(decoder, decoder->at - token->head, "an integer no f64 can hold");
  if (place) memcpy(place, &value, sizeof value);
  return ACT_OK;
}

static act_rc decode_flag(struct decoder *decoder, const struct act__token *token, char *place) {
  if (token->type != ACT__TOKEN_FLAG) return refuse_token(decoder, token, "a flag");
  if (place) {
    bool value = token->number != 0;
    memcpy(place, &value, sizeof value);
  }
  return ACT_OK;
}

// A str (terminated by a zero byte) or bytes, copied into the block.
static act_rc decode_text(struct decoder *decoder, const struct act__token *token, bool is_str,
                          char *place) {
  const uint8_t *payload = decoder->data + decoder->at;
  act_str value = {.data = empty_text, .size = token->length};
  char *copy = NULL;

  if (token->type != (is_str ? ACT__TOKEN_STR : ACT__TOKEN_BIN)) {
    return refuse_token(decoder, token, is_str ? "a str" : "a bin");
  }
  // Filling reads what measuring has checked.
  if (is_str && !decoder->block) {
    size_t good = act__utf8_check(payload, token->length);
    if (good < token->length) return refuse(decoder, decoder->at + good, "text is not UTF-8");
  }
  if (token->length > 0) {
    size_t room = (size_t)token->length + (is_str ? 1 : 0);
    act_rc rc = take_room(decoder, room, decoder->at - token->head, &copy);
    if (rc != ACT_OK) return rc;
    if (copy) {
      memcpy(copy, payload, token->length);
      if (is_str) copy[token->length] = 0;
      value.data = copy;
    }
  }
  decoder->at += token->length;
  if (place) memcpy(place, &value, sizeof value);
  return ACT_OK;
}

static act_rc decode_buf(struct decoder *decoder, const struct act__token *token, char *place) {
  if (token->type == ACT__TOKEN_NIL) return ACT_OK;  // none; the place is zero already
  if (token->type != ACT__TOKEN_BIN) return refuse_token(decoder, token, "a bin");

  if (place) {
    act_buf value = act_buf_copy(decoder->data + decoder->at, token->length);
    if (act_buf_is_none(value)) return ACT_ENOMEM;
    memcpy(place, &value, sizeof value);
  }
  decoder->at += token->length;
  return ACT_OK;
}

static uint64_t get_big_endian(const uint8_t *data, unsigned bytes) {
  uint64_t number = 0;

  for (unsigned i = 0; i < bytes; i++) number = number << 8 | data[i];
  return number;
}

static act_rc decode_pid(struct decoder *decoder, const struct act__token *token, char *place) {
  const uint8_t *wire = decoder->data + decoder->at;

  if (token->type != ACT__TOKEN_EXT || token->ext != ACT__EXT_PID) {
    return refuse_token(decoder, token, "an address (ext 1)");
  }
  if (token->length != ACT__PID_WIRE_BYTES || get_big_endian(wire + 20, 4) != 0) {
    return refuse(decoder, decoder->at, "a malformed address");
  }
  if (place) {
    act_pid pid = {
        .node = get_big_endian(wire, 8),
        .slot = (uint32_t)get_big_endian(wire + 8, 4),
        .gen = (uint32_t)get_big_endian(wire + 12, 4),
        .epoch = (uint32_t)get_big_endian(wire + 16, 4),
    };
    memcpy(place, &pid, sizeof pid);
  }
  decoder->at += token->length;
  return ACT_OK;
}

// false: the point in time does not fit 64 bits of nanoseconds.
static bool join_time(int64_t seconds, int64_t nanoseconds, int64_t *unix_ns) {
  const int64_t billion = 1000000000;

  // Before 1970, count the nanoseconds down from the next second, or the earliest times would not
  // fit in between.
  if (seconds < 0) {
    seconds += 1;
    nanoseconds -= billion;
  }
  return !__builtin_mul_overflow(seconds, billion, unix_ns) &&
         !__builtin_add_overflow(*unix_ns, nanoseconds, unix_ns);
}

static act_rc decode_time(struct decoder *decoder, const struct act__token *token, char *place) {
  const uint8_t *wire = decoder->data + decoder->at;
  int64_t seconds = 0;
  uint64_t nanoseconds = 0;
  act_time time;

  if (token->type != ACT__TOKEN_EXT || token->ext != ACT__EXT_TIME) {
    return refuse_token(decoder, token, "a timestamp (ext -1)");
  }
  if (token->length == 4) {
    seconds = (int64_t)get_big_endian(wire, 4);
  } else if (token->length == 8) {
    uint64_t both = get_big_endian(wire, 8);
    seconds = (int64_t)(both & ((UINT64_C(1) << 34) - 1));
    nanoseconds = both >> 34;
  } else if (token->length == 12) {
    nanoseconds = get_big_endian(wire, 4);
    seconds = (int64_t)get_big_endian(wire + 4, 8);
  } else {
    nanoseconds = UINT64_MAX;
  }
  if (nanoseconds > 999999999) return refuse(decoder, decoder->at, "a malformed timestamp");
  if (!join_time(seconds, (int64_t)nanoseconds, &time.unix_ns)) {
    return refuse(decoder, decoder->at, "a time out of range");
  }
  decoder->at += token->length;
  if (place) memcpy(place, &time, sizeof time);
  return ACT_OK;
}

// ---- fields -------------------------------------------------------------------------------------

// One value of the field's kind whose head has been read. `place` is NULL while measuring.
static act_rc decode_scalar(struct decoder *decoder, struct act__token *token, char *place) {
  switch (decoder->field->kind) {
    case ACT_KIND_I32:
      return decode_integer(decoder, token, INT32_MIN, INT32_MAX, place, 4);
    case ACT_KIND_I64:
      return decode_integer(decoder, token, INT64_MIN, INT64_MAX, place, 8);
    case ACT_KIND_U32:
      return decode_integer(decoder, token, 0, UINT32_MAX, place, 4);
    case ACT_KIND_U64:
      return decode_integer(decoder, token, 0, UINT64_MAX, place, 8);
    case ACT_KIND_F64:
      return decode_f64(decoder, token, place);
    case ACT_KIND_FLAG:
      return decode_flag(decoder, token, place);
    case ACT_KIND_STR:
      return decode_text(decoder, token, true, place);
    case ACT_KIND_BYTES:
      return decode_text(decoder, token, false, place);
    case ACT_KIND_PID:
      return decode_pid(decoder, token, place);
    case ACT_KIND_TIME:
      return decode_time(decoder, token, place);
    case ACT_KIND_BUF:
      return decode_buf(decoder, token, place);
    default:
      ACT_PANIC("descriptor of field %s: no kind %d", decoder->field->name, decoder->field->kind);
  }
}

static act_rc decode_value(struct decoder *decoder, char *place) {
  const act_field *field = decoder->field;
  struct act__token token;

  if (field->kind == ACT_KIND_MESSAGE) {
    const char *outer = decoder->message;
    act_rc rc = decode_message(decoder, field->nested, place);
    if (rc == ACT_OK) {
      decoder->message = outer;
      decoder->field = field;
    }
    return rc;
  }
  act_rc rc = next_token(decoder, &token);
  return rc != ACT_OK ? rc : decode_scalar(decoder, &token, place);
}

static act_rc decode_optional(struct decoder *decoder, char *member) {
  struct act__token token;
  const act_field *field = decoder->field;
  act_rc rc = next_token(decoder, &token);

  if (rc != ACT_OK || token.type == ACT__TOKEN_NIL) return rc;
  if (member) {
    bool has = true;
    memcpy(member, &has, sizeof has);
    member += act__optional_offset(field->kind);
  }
  return decode_scalar(decoder, &token, member);
}

static act_rc decode_list(struct decoder *decoder, char *member) {
  const act_field *field = decoder->field;
  struct act__token token;
  size_t offset = decoder->at;
  char *items = NULL;
  act_rc rc = next_token(decoder, &token);

  if (rc != ACT_OK) return rc;
  if (token.type != ACT__TOKEN_ARRAY) return refuse_token(decoder, &token, "an array");
  if ((rc = enter(decoder, offset)) != ACT_OK) return rc;
  if (token.length > 0) {
    decoder->used = act__align8(decoder->used);
    rc = take_room(decoder, (size_t)token.length * field->size, offset, &items);
    if (rc != ACT_OK) return rc;
  }
  if (member && token.length > 0) {
    struct act__list list = {.items = items, .count = token.length};
    // Zeroed before it is hung in, so that a block that fails half-way can be released.
    memset(items, 0, (size_t)token.length * field->size);
    memcpy(member, &list, sizeof list);
  }
  for (uint32_t i = 0; i < token.length; i++) {
    rc = decode_value(decoder, items ? items + (size_t)i * field->size : NULL);
    if (rc != ACT_OK) return rc;
  }
  decoder->depth--;
  return ACT_OK;
}

static act_rc decode_field(struct decoder *decoder, char *member) {
  switch (decoder->field->shape) {
    case ACT_SHAPE_LIST:
      return decode_list(decoder, member);
    case ACT_SHAPE_OPTIONAL:
      return decode_optional(decoder, member);
    default:
      return decode_value(decoder, member);
  }
}

// ---- messages -----------------------------------------------------------------------------------

// The index of the field with this id, or nfields. Senders pack in the order of declaration, so the
// search begins behind the last hit.
static uint32_t find_field(const act_schema *schema, uint64_t id, uint32_t hint) {
  for (uint32_t i = 0; i < schema->nfields; i++) {
    uint32_t index = hint + i < schema->nfields ? hint + i : hint + i - schema->nfields;
    if (schema->fields[index].id == id) return index;
  }
  return schema->nfields;
}

static act_rc decode_pair(struct decoder *decoder, const act_schema *schema, char *place,
                          uint64_t *seen, uint32_t *hint) {
  struct act__token key;
  size_t offset = decoder->at;
  act_rc rc = next_token(decoder, &key);

  if (rc != ACT_OK) return rc;
  if (key.type != ACT__TOKEN_UINT) return refuse_token(decoder, &key, "a field id");
  uint32_t index = find_field(schema, key.number, *hint);
  if (index == schema->nfields) return skip_value(decoder);

  decoder->field = &schema->fields[index];
  if (*seen & UINT64_C(1) << index) return refuse(decoder, offset, "the field comes twice");
  *seen |= UINT64_C(1) << index;
  *hint = index + 1 < schema->nfields ? index + 1 : 0;
  return decode_field(decoder, place ? place + decoder->field->offset : NULL);
}

// `place` is the struct to fill, NULL while measuring.
static act_rc decode_message(struct decoder *decoder, const act_schema *schema, char *place) {
  struct act__token token;
  size_t offset = decoder->at;
  uint64_t seen = 0;
  uint32_t hint = 0;
  act_rc rc = next_token(decoder, &token);

  if (rc != ACT_OK) return rc;
  if (token.type != ACT__TOKEN_MAP) return refuse_token(decoder, &token, "a map");
  if ((rc = enter(decoder, offset)) != ACT_OK) return rc;
  if (place) set_defaults(schema, place);
  decoder->message = schema->name;
  for (uint32_t i = 0; i < token.length; i++) {
    decoder->field = NULL;
    rc = decode_pair(decoder, schema, place, &seen, &hint);
    if (rc != ACT_OK) return rc;
    decoder->message = schema->name;
  }
  decoder->field = NULL;
  decoder->depth--;
  return ACT_OK;
}

static void set_limits(struct decoder *decoder, const act_schema *schema,
                       const struct act__decode_limits *limits) {
  static const struct act__decode_limits defaults;
  if (!limits) limits = &defaults;
  size_t expansion = limits->expansion ? limits->expansion : ACT__DECODE_EXPANSION;
  size_t most = limits->block_bytes && limits->block_bytes < ACT_MESSAGE_MAX ? limits->block_bytes
                                                                              : ACT_MESSAGE_MAX;

  decoder->error = limits->error;
  decoder->depth_max = limits->depth ? limits->depth : ACT_DEPTH_MAX;
  ACT_ASSERT(decoder->depth_max <= ACT_DEPTH_MAX);
  if (decoder->size < most / expansion) {
    size_t earned = act__align8(decoder->size * expansion + schema->size);
    if (earned < most) most = earned;
  }
  decoder->used_max = most & ~(size_t)7u;
}

act_rc act__decode(const act_schema *schema, const uint8_t *data, size_t size,
                   const struct act__decode_limits *limits, void *block, size_t *block_size) {
  struct decoder decoder = {.data = data, .size = size, .block = block, .message = schema->name};
  char *place = NULL;

  ACT_ASSERT(schema->nfields <= ACT_FIELDS_MAX);
  set_limits(&decoder, schema, limits);
  act_rc rc = take_room(&decoder, schema->size, 0, &place);
  if (rc != ACT_OK) return rc;
  if (place) memset(place, 0, schema->size);
  rc = decode_message(&decoder, schema, place);
  if (rc == ACT_OK && decoder.at != size) {
    rc = refuse(&decoder, decoder.at, "%s", act__scan_text(ACT__SCAN_TRAILING));
  }
  if (rc != ACT_OK) {
    if (block) act__copy_release(schema, block);
    return rc;
  }
  ACT_ASSERT(!block || act__align8(decoder.used) <= *block_size);
  *block_size = act__align8(decoder.used);
  return ACT_OK;
}
