// SPDX-License-Identifier: Apache-2.0
//
// Measuring and filling walk the message in the same order with the same arithmetic: `used` counts
// the bytes of the block, and where a list or a string begins follows from it alone.
#include "mailbox/copy.h"

#include "base/check.h"
#include "mailbox/value.h"

static const char empty_text[1] = "";

static bool measure_message(const act_schema *schema, const void *message, size_t *used);

// The sums below cannot wrap: counts and sizes are 32 bits wide, and `used` is checked after each.
static bool grow(size_t *used, size_t bytes) {
  *used += bytes;
  return *used <= ACT_MESSAGE_MAX;
}

static bool is_plain(const act_field *field) {
  switch (field->kind) {
    case ACT_KIND_STR:
    case ACT_KIND_BYTES:
    case ACT_KIND_BUF:
      return false;
    case ACT_KIND_MESSAGE:
      return field->nested->is_flat;
    default:
      return true;
  }
}

static bool measure_value(const act_field *field, const void *value, size_t *used) {
  switch (field->kind) {
    case ACT_KIND_STR: {
      uint32_t size = act__str_at(value).size;
      return size == 0 || grow(used, (size_t)size + 1);
    }
    case ACT_KIND_BYTES:
      return grow(used, act__str_at(value).size);
    case ACT_KIND_MESSAGE:
      return field->nested->is_flat || measure_message(field->nested, value, used);
    default:
      return true;
  }
}

static bool measure_list(const act_field *field, struct act__list list, size_t *used) {
  if (list.count == 0) return true;
  *used = act__align8(*used);
  if (!grow(used, (size_t)list.count * field->size)) return false;
  if (is_plain(field)) return true;

  ACT_ASSERT(list.items != NULL);
  for (uint32_t i = 0; i < list.count; i++) {
    if (!measure_value(field, (const char *)list.items + (size_t)i * field->size, used)) return false;
  }
  return true;
}

static bool measure_message(const act_schema *schema, const void *message, size_t *used) {
  for (uint32_t i = 0; i < schema->nfields; i++) {
    const act_field *field = &schema->fields[i];
    const char *member = (const char *)message + field->offset;
    bool fits = true;

    if (field->shape == ACT_SHAPE_LIST) {
      fits = measure_list(field, act__list_at(member), used);
    } else if (field->shape == ACT_SHAPE_ONE) {
      fits = measure_value(field, member, used);
    } else if (act__has_at(member)) {
      fits = measure_value(field, member + act__optional_offset(field->kind), used);
    }
    if (!fits) return false;
  }
  return true;
}

size_t act__copy_size(const act_schema *schema, const void *message) {
  size_t used = schema->size;

  if (used > ACT_MESSAGE_MAX) return SIZE_MAX;
  if (!schema->is_flat && !measure_message(schema, message, &used)) return SIZE_MAX;
  used = act__align8(used);
  return used <= ACT_MESSAGE_MAX ? used : SIZE_MAX;
}

// Filling: the struct at `target` is a bytewise copy of the source already, so its pointers still
// lead to the sender's memory; each is replaced by a copy in the block.

static void fill_message(const act_schema *schema, void *target, char *block, size_t *used);

static void fill_text(char *value, bool terminated, char *block, size_t *used) {
  act_str text = act__str_at(value);

  if (text.size == 0) {
    text.data = empty_text;
  } else {
    char *copy = block + *used;
    memcpy(copy, text.data, text.size);
    if (terminated) copy[text.size] = 0;
    *used += (size_t)text.size + (terminated ? 1 : 0);
    text.data = copy;
  }
  memcpy(value, &text, sizeof text);
}

static void fill_value(const act_field *field, char *value, char *block, size_t *used) {
  switch (field->kind) {
    case ACT_KIND_STR:
      fill_text(value, true, block, used);
      break;
    case ACT_KIND_BYTES:
      fill_text(value, false, block, used);
      break;
    case ACT_KIND_BUF: {
      act_buf held = act_buf_ref(act__buf_at(value));
      memcpy(value, &held, sizeof held);
      break;
    }
    case ACT_KIND_MESSAGE:
      if (!field->nested->is_flat) fill_message(field->nested, value, block, used);
      break;
    default:
      break;
  }
}

static void fill_list(const act_field *field, char *member, char *block, size_t *used) {
  struct act__list list = act__list_at(member);

  if (list.count == 0) {
    list.items = NULL;
  } else {
    size_t start = act__align8(*used);
    memcpy(block + start, list.items, (size_t)list.count * field->size);
    *used = start + (size_t)list.count * field->size;
    list.items = block + start;
    for (uint32_t i = 0; i < list.count && !is_plain(field); i++) {
      fill_value(field, block + start + (size_t)i * field->size, block, used);
    }
  }
  memcpy(member, &list, sizeof list);
}

static void fill_message(const act_schema *schema, void *target, char *block, size_t *used) {
  for (uint32_t i = 0; i < schema->nfields; i++) {
    const act_field *field = &schema->fields[i];
    char *member = (char *)target + field->offset;

    if (field->shape == ACT_SHAPE_LIST) {
      fill_list(field, member, block, used);
    } else if (field->shape == ACT_SHAPE_ONE) {
      fill_value(field, member, block, used);
    } else if (act__has_at(member)) {
      fill_value(field, member + act__optional_offset(field->kind), block, used);
    } else {
      // An absent value may be anything, a stale pointer too; nobody shall find it.
      memset(member + act__optional_offset(field->kind), 0, field->size);
    }
  }
}

void act__copy_into(const act_schema *schema, const void *message, void *block) {
  size_t used = schema->size;

  memcpy(block, message, schema->size);
  if (!schema->is_flat) fill_message(schema, block, block, &used);
}

static void release_value(const act_field *field, char *value) {
  if (field->kind == ACT_KIND_BUF) {
    act_buf_unref(act__buf_at(value));
    memset(value, 0, sizeof(act_buf));
  } else if (field->kind == ACT_KIND_MESSAGE && field->nested->has_bufs) {
    act__copy_release(field->nested, value);
  }
}

void act__copy_release(const act_schema *schema, void *block) {
  if (!schema->has_bufs) return;

  for (uint32_t i = 0; i < schema->nfields; i++) {
    const act_field *field = &schema->fields[i];
    char *member = (char *)block + field->offset;

    if (field->kind != ACT_KIND_BUF && field->kind != ACT_KIND_MESSAGE) continue;
    if (field->shape == ACT_SHAPE_LIST) {
      struct act__list list = act__list_at(member);
      for (uint32_t j = 0; j < list.count; j++) {
        release_value(field, (char *)(uintptr_t)list.items + (size_t)j * field->size);
      }
    } else if (field->shape == ACT_SHAPE_ONE) {
      release_value(field, member);
    } else if (act__has_at(member)) {
      release_value(field, member + act__optional_offset(field->kind));
    }
  }
}
