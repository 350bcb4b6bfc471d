// SPDX-License-Identifier: Apache-2.0
//
// Packing: a walk over the descriptor that drives msgpack-c's packer, which appends straight to the
// destination. No tree in between.
#include "mailbox/codec.h"

#include <msgpack/pack.h>

#include "base/check.h"
#include "mailbox/copy.h"
#include "mailbox/utf8.h"
#include "mailbox/value.h"

struct encoder {
  msgpack_packer packer;
  struct act__bytes *out;
  act_rc rc;  // of the first refusal that is not the destination's
};

static void encode_message(struct encoder *encoder, const act_schema *schema, const char *message);

static int append(void *destination, const char *data, size_t size) {
  return act__bytes_append(destination, data, size) ? 0 : -1;
}

static void put_big_endian(uint8_t *out, uint64_t number, unsigned bytes) {
  for (unsigned i = 0; i < bytes; i++) out[i] = (uint8_t)(number >> (8 * (bytes - 1 - i)));
}

static void encode_pid(msgpack_packer *packer, act_pid pid) {
  uint8_t wire[ACT__PID_WIRE_BYTES] = {0};

  put_big_endian(wire, pid.node, 8);
  put_big_endian(wire + 8, pid.slot, 4);
  put_big_endian(wire + 12, pid.gen, 4);
  put_big_endian(wire + 16, pid.epoch, 4);
  msgpack_pack_ext(packer, sizeof wire, ACT__EXT_PID);
  msgpack_pack_ext_body(packer, wire, sizeof wire);
}

static void encode_time(msgpack_packer *packer, act_time time) {
  const int64_t billion = 1000000000;
  int64_t seconds = time.unix_ns / billion;
  int64_t nanoseconds = time.unix_ns % billion;
  uint8_t wire[12];
  unsigned bytes;

  if (nanoseconds < 0) {
    seconds -= 1;
    nanoseconds += billion;
  }
  if (seconds >> 34 != 0) {
    bytes = 12;
    put_big_endian(wire, (uint64_t)nanoseconds, 4);
    put_big_endian(wire + 4, (uint64_t)seconds, 8);
  } else if (nanoseconds != 0 || seconds >> 32 != 0) {
    bytes = 8;
    put_big_endian(wire, (uint64_t)nanoseconds << 34 | (uint64_t)seconds, 8);
  } else {
    bytes = 4;
    put_big_endian(wire, (uint64_t)seconds, 4);
  }
  msgpack_pack_ext(packer, bytes, ACT__EXT_TIME);
  msgpack_pack_ext_body(packer, wire, bytes);
}

static void encode_str(struct encoder *encoder, act_str text) {
  if (act__utf8_check((const uint8_t *)text.data, text.size) != text.size) {
    encoder->rc = ACT_EINVAL;
    return;
  }
  msgpack_pack_str(&encoder->packer, text.size);
  msgpack_pack_str_body(&encoder->packer, text.data, text.size);
}

static void encode_bin(struct encoder *encoder, const void *data, size_t size) {
  if (size > UINT32_MAX) {
    encoder->rc = ACT_ELIMIT;
    return;
  }
  msgpack_pack_bin(&encoder->packer, size);
  msgpack_pack_bin_body(&encoder->packer, data, size);
}

static void encode_buf(struct encoder *encoder, act_buf buf) {
  if (act_buf_is_none(buf)) {
    msgpack_pack_nil(&encoder->packer);
  } else {
    encode_bin(encoder, act_buf_data(buf), act_buf_size(buf));
  }
}

// Reads a value of the type from its place in the message.
#define AT(type, place) (*(const type *)(const void *)(place))

static void encode_value(struct encoder *encoder, const act_field *field, const char *value) {
  msgpack_packer *packer = &encoder->packer;

  switch (field->kind) {
    case ACT_KIND_I32:
      msgpack_pack_int32(packer, AT(int32_t, value));
      break;
    case ACT_KIND_I64:
      msgpack_pack_int64(packer, AT(int64_t, value));
      break;
    case ACT_KIND_U32:
      msgpack_pack_uint32(packer, AT(uint32_t, value));
      break;
    case ACT_KIND_U64:
      msgpack_pack_uint64(packer, AT(uint64_t, value));
      break;
    case ACT_KIND_F64:
      msgpack_pack_double(packer, AT(double, value));
      break;
    case ACT_KIND_FLAG:
      AT(bool, value) ? msgpack_pack_true(packer) : msgpack_pack_false(packer);
      break;
    case ACT_KIND_STR:
      encode_str(encoder, AT(act_str, value));
      break;
    case ACT_KIND_BYTES:
      encode_bin(encoder, AT(act_bytes, value).data, AT(act_bytes, value).size);
      break;
    case ACT_KIND_PID:
      encode_pid(packer, AT(act_pid, value));
      break;
    case ACT_KIND_TIME:
      encode_time(packer, AT(act_time, value));
      break;
    case ACT_KIND_BUF:
      encode_buf(encoder, AT(act_buf, value));
      break;
    case ACT_KIND_MESSAGE:
      encode_message(encoder, field->nested, value);
      break;
    default:
      ACT_PANIC("descriptor of field %s: no kind %d", field->name, field->kind);
  }
}

// The value of a field that is neither a list nor left out; NULL when it is left out.
static const char *present_value(const act_field *field, const char *member) {
  if (field->shape == ACT_SHAPE_OPTIONAL) {
    if (!act__has_at(member)) return NULL;
    member += act__optional_offset(field->kind);
  }
  return field->kind == ACT_KIND_BUF && act_buf_is_none(act__buf_at(member)) ? NULL : member;
}

static bool is_present(const act_field *field, const char *member) {
  return field->shape == ACT_SHAPE_LIST ? act__list_at(member).count > 0
                                        : present_value(field, member) != NULL;
}

static void encode_list(struct encoder *encoder, const act_field *field, struct act__list list) {
  msgpack_pack_array(&encoder->packer, list.count);
  for (uint32_t i = 0; i < list.count; i++) {
    if (encoder->rc != ACT_OK || encoder->out->failed) return;
    encode_value(encoder, field, (const char *)list.items + (size_t)i * field->size);
  }
}

static void encode_message(struct encoder *encoder, const act_schema *schema, const char *message) {
  uint32_t present = 0;

  for (uint32_t i = 0; i < schema->nfields; i++) {
    present += is_present(&schema->fields[i], message + schema->fields[i].offset);
  }
  msgpack_pack_map(&encoder->packer, present);
  for (uint32_t i = 0; i < schema->nfields; i++) {
    const act_field *field = &schema->fields[i];
    const char *member = message + field->offset;

    if (!is_present(field, member)) continue;
    msgpack_pack_uint32(&encoder->packer, field->id);
    if (field->shape == ACT_SHAPE_LIST) {
      encode_list(encoder, field, act__list_at(member));
    } else {
      encode_value(encoder, field, present_value(field, member));
    }
    if (encoder->rc != ACT_OK || encoder->out->failed) return;
  }
}

// Three levels are the least with which a list of messages is possible, see ACT__DECODE_EXPANSION.
static bool receiver_would_refuse(const act_schema *schema, const void *message, size_t encoded) {
  if (schema->depth < 3) return false;
  size_t block = act__copy_size(schema, message);
  return block > act__align8(encoded * ACT__DECODE_EXPANSION + schema->size);
}

act_rc act__encode(const act_schema *schema, const void *message, struct act__bytes *out) {
  struct encoder encoder = {.out = out, .rc = ACT_OK};
  size_t start = out->length;

  ACT_ASSERT(schema->depth <= ACT_DEPTH_MAX && schema->nfields <= ACT_FIELDS_MAX);
  msgpack_packer_init(&encoder.packer, out, append);
  encode_message(&encoder, schema, message);
  if (encoder.rc == ACT_OK && out->failed) encoder.rc = out->reason;
  if (encoder.rc == ACT_OK && receiver_would_refuse(schema, message, out->length - start)) {
    encoder.rc = ACT_ELIMIT;
  }
  if (encoder.rc != ACT_OK) out->length = start;
  return encoder.rc;
}
