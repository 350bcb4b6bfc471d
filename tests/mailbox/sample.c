// SPDX-License-Identifier: Apache-2.0
//
// Written against the descriptors like the code under test, but by itself: values are told apart by
// the named types of mailbox/schema.h.
#include "tests/mailbox/sample.h"

#include <stdlib.h>

#include "base/check.h"
#include "mailbox/copy.h"

static void *take(struct sample_arena *arena, size_t bytes) {
  void *place = arena->bytes + arena->used;

  arena->used += (bytes + 15) & ~(size_t)15;
  ACT_ASSERT(arena->used <= sizeof arena->bytes);
  return place;
}

// Small numbers, huge ones and the borders between the wire's integer forms.
static uint64_t random_number(struct act__rand *rand) {
  uint64_t bits = act__rand_below(rand, 65);
  uint64_t number = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - act__rand_below(rand, 2);

  return act__rand_below(rand, 2) ? number : 0 - number;
}

static const char *const texts[] = {"", "a", "troupe", "\xc3\xa9t\xc3\xa9", "\xf0\x9f\x8e\xad",
                                    "thirty-one bytes, the fixstr max", "a\nb\"c\\",
                                    "longer than the sixty-four bytes shown in a line, in fact: more"};

static act_str random_text(struct act__rand *rand, struct sample_arena *arena) {
  act_str text = act_str_of(texts[act__rand_below(rand, sizeof texts / sizeof texts[0])]);
  char *copy = take(arena, text.size + 1);

  memcpy(copy, text.data, text.size);
  text.data = copy;
  return text;
}

static void fill_value(const act_field *field, void *value, struct act__rand *rand,
                       struct sample_arena *arena) {
  uint64_t number = random_number(rand);

  switch (field->kind) {
    case ACT_KIND_I32:
    case ACT_KIND_U32:
      *(uint32_t *)value = (uint32_t)number;
      break;
    case ACT_KIND_I64:
    case ACT_KIND_U64:
      *(uint64_t *)value = number;
      break;
    case ACT_KIND_F64:
      *(double *)value = (double)(int64_t)number / 3;
      break;
    case ACT_KIND_FLAG:
      *(bool *)value = number & 1;
      break;
    case ACT_KIND_STR:
      *(act_str *)value = random_text(rand, arena);
      break;
    case ACT_KIND_BYTES: {
      act_str text = random_text(rand, arena);
      *(act_bytes *)value = act_bytes_of(text.data, text.size);
      break;
    }
    case ACT_KIND_PID:
      *(act_pid *)value = (act_pid){.node = number,
                                    .slot = (uint32_t)random_number(rand),
                                    .gen = (uint32_t)random_number(rand),
                                    .epoch = (uint32_t)random_number(rand)};
      break;
    case ACT_KIND_TIME:
      ((act_time *)value)->unix_ns = (int64_t)number;
      break;
    case ACT_KIND_BUF:
      *(act_buf *)value = act__rand_below(rand, 3) ? act_buf_copy("0123456789", number % 11)
                                                   : (act_buf){NULL};
      break;
    default:
      sample_fill(field->nested, value, rand, arena);
  }
}

static void *optional_value(const act_field *field, void *member) {
  switch (field->kind) {
    case ACT_KIND_FLAG:
      return &((act_opt_flag *)member)->value;
    case ACT_KIND_I32:
    case ACT_KIND_U32:
      return &((act_opt_u32 *)member)->value;
    default:
      return &((act_opt_u64 *)member)->value;
  }
}

void sample_fill(const act_schema *schema, void *message, struct act__rand *rand,
                 struct sample_arena *arena) {
  for (uint32_t i = 0; i < schema->nfields; i++) {
    const act_field *field = &schema->fields[i];
    char *member = (char *)message + field->offset;

    if (field->shape == ACT_SHAPE_ONE) {
      fill_value(field, member, rand, arena);
    } else if (field->shape == ACT_SHAPE_OPTIONAL) {
      if (act__rand_below(rand, 2)) continue;
      *(bool *)member = true;
      fill_value(field, optional_value(field, member), rand, arena);
      // A buffer that is none cannot be told from an absent one on the wire.
      if (field->kind == ACT_KIND_BUF && act_buf_is_none(((act_opt_buf *)member)->value)) {
        *(bool *)member = false;
      }
    } else {
      uint32_t count = (uint32_t)act__rand_below(rand, 4);
      if (count == 0) continue;
      char *items = take(arena, (size_t)count * field->size);
      memset(items, 0, (size_t)count * field->size);
      for (uint32_t j = 0; j < count; j++) fill_value(field, items + j * field->size, rand, arena);
      ((act_list_bytes *)member)->items = (const act_bytes *)items;
      ((act_list_bytes *)member)->count = count;
    }
  }
}

void sample_release(const act_schema *schema, void *message) {
  act__copy_release(schema, message);
}

static bool bytes_equal(const void *a, size_t a_size, const void *b, size_t b_size) {
  return a_size == b_size && (a_size == 0 || memcmp(a, b, a_size) == 0);
}

static bool value_equal(const act_field *field, const void *a, const void *b) {
  switch (field->kind) {
    case ACT_KIND_STR:
    case ACT_KIND_BYTES: {
      const act_bytes *x = a, *y = b;
      return bytes_equal(x->data, x->size, y->data, y->size);
    }
    case ACT_KIND_BUF: {
      act_buf x = *(const act_buf *)a, y = *(const act_buf *)b;
      return act_buf_is_none(x) == act_buf_is_none(y) &&
             bytes_equal(act_buf_data(x), act_buf_size(x), act_buf_data(y), act_buf_size(y));
    }
    case ACT_KIND_MESSAGE:
      return sample_equal(field->nested, a, b);
    default:
      return memcmp(a, b, field->size) == 0;
  }
}

bool sample_equal(const act_schema *schema, const void *a, const void *b) {
  for (uint32_t i = 0; i < schema->nfields; i++) {
    const act_field *field = &schema->fields[i];
    const char *x = (const char *)a + field->offset;
    const char *y = (const char *)b + field->offset;

    if (field->shape == ACT_SHAPE_ONE) {
      if (!value_equal(field, x, y)) return false;
    } else if (field->shape == ACT_SHAPE_OPTIONAL) {
      if (*(const bool *)x != *(const bool *)y) return false;
      if (*(const bool *)x && !value_equal(field, optional_value(field, (void *)(uintptr_t)x),
                                           optional_value(field, (void *)(uintptr_t)y))) {
        return false;
      }
    } else {
      const act_list_bytes *xs = (const void *)x, *ys = (const void *)y;
      if (xs->count != ys->count) return false;
      for (uint32_t j = 0; j < xs->count; j++) {
        if (!value_equal(field, (const char *)xs->items + j * field->size,
                         (const char *)ys->items + j * field->size)) {
          return false;
        }
      }
    }
  }
  return true;
}

void *sample_copy(const act_schema *schema, const void *message) {
  size_t size = act__copy_size(schema, message);
  ACT_ASSERT(size != SIZE_MAX);
  void *block = malloc(size);

  ACT_ASSERT(block != NULL);
  act__copy_into(schema, message, block);
  return block;
}

void sample_free(const act_schema *schema, void *block) {
  if (block) act__copy_release(schema, block);
  free(block);
}
