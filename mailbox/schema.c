// SPDX-License-Identifier: Apache-2.0
//
// Content hashes and look-ups over descriptors.
//
// Fields and ops are hashed one by one and summed, so that their order of declaration does not
// matter. The byte hash is FNV-1a (Fowler, Noll, Vo) with the finaliser of splitmix64: it tells
// contracts apart that differ by accident; it is no defence against somebody who wants a collision.
#include "mailbox/schema.h"

static uint64_t hash_bytes(uint64_t hash, const void *data, size_t size) {
  const uint8_t *bytes = data;

  for (size_t i = 0; i < size; i++) hash = (hash ^ bytes[i]) * 0x100000001b3u;
  return hash;
}

static uint64_t hash_text(uint64_t hash, const char *text) {
  return hash_bytes(hash, text, strlen(text) + 1);
}

// Little-endian whatever the machine, so that nodes of different kinds agree.
static uint64_t hash_number(uint64_t hash, uint64_t number) {
  uint8_t bytes[8];

  for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)(number >> (8 * i));
  return hash_bytes(hash, bytes, sizeof bytes);
}

static uint64_t hash_finish(uint64_t hash) {
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9u;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebu;
  return hash ^ (hash >> 31);
}

static const uint64_t hash_start = 0xcbf29ce484222325u;

uint64_t act_schema_hash(const act_schema *schema) {
  uint64_t sum = 0;

  for (uint32_t i = 0; i < schema->nfields; i++) {
    const act_field *field = &schema->fields[i];
    uint64_t hash = hash_number(hash_start, field->id);

    hash = hash_number(hash, field->kind);
    hash = hash_number(hash, field->shape);
    hash = hash_text(hash, field->name);
    if (field->nested) hash = hash_number(hash, act_schema_hash(field->nested));
    sum += hash_finish(hash);
  }
  return hash_finish(hash_number(hash_text(hash_start, schema->name), sum + schema->nfields));
}

uint64_t act_protocol_hash(const act_protocol *protocol) {
  uint64_t sum = 0;

  for (uint32_t i = 0; i < protocol->nops; i++) {
    const act_op *op = &protocol->ops[i];
    uint64_t hash = hash_text(hash_number(hash_start, op->id), op->name);

    hash = hash_number(hash, act_schema_hash(op->message));
    hash = hash_number(hash, op->reply ? act_schema_hash(op->reply) : 0);
    sum += hash_finish(hash);
  }
  uint64_t hash = hash_number(hash_text(hash_start, protocol->name), protocol->version);
  return hash_finish(hash_number(hash, sum + protocol->nops));
}

const act_op *act_protocol_op(const act_protocol *protocol, uint32_t id) {
  for (uint32_t i = 0; i < protocol->nops; i++) {
    if (protocol->ops[i].id == id) return &protocol->ops[i];
  }
  return NULL;
}

const char *act_kind_name(uint8_t kind) {
  switch (kind) {
#define KIND_CASE(word, constant, type) \
  case constant:                        \
    return #word;
    ACT_KIND_LIST(KIND_CASE)
#undef KIND_CASE
    case ACT_KIND_MESSAGE:
      return "message";
    default:
      return "?";
  }
}
