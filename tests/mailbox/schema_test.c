// SPDX-License-Identifier: Apache-2.0
//
// mailbox/schema and mailbox/message: descriptors, and the macros that make them.
#include "mailbox/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "mailbox/codec.h"
#include "tests/mailbox/sample.h"
#include "tests/mailbox/schema_other.h"

// As many fields as there may be.
ACT_MSG(most,
        (u32, f1, 1)(u32, f2, 2)(u32, f3, 3)(u32, f4, 4)(u32, f5, 5)(u32, f6, 6)(u32, f7, 7)
        (u32, f8, 8)(u32, f9, 9)(u32, f10, 10)(u32, f11, 11)(u32, f12, 12)(u32, f13, 13)
        (u32, f14, 14)(u32, f15, 15)(u32, f16, 16)(u32, f17, 17)(u32, f18, 18)(u32, f19, 19)
        (u32, f20, 20)(u32, f21, 21)(u32, f22, 22)(u32, f23, 23)(u32, f24, 24)(u32, f25, 25)
        (u32, f26, 26)(u32, f27, 27)(u32, f28, 28)(u32, f29, 29)(u32, f30, 30)(u32, f31, 31)
        (u32, f32, 32)(u32, f33, 33)(u32, f34, 34)(u32, f35, 35)(u32, f36, 36)(u32, f37, 37)
        (u32, f38, 38)(u32, f39, 39)(u32, f40, 40)(u32, f41, 41)(u32, f42, 42)(u32, f43, 43)
        (u32, f44, 44)(u32, f45, 45)(u32, f46, 46)(u32, f47, 47)(u32, f48, 48)(u32, f49, 49)
        (u32, f50, 50)(u32, f51, 51)(u32, f52, 52)(u32, f53, 53)(u32, f54, 54)(u32, f55, 55)
        (u32, f56, 56)(u32, f57, 57)(u32, f58, 58)(u32, f59, 59)(u32, f60, 60)(u32, f61, 61)
        (u32, f62, 62)(u32, f63, 63)(u32, f64, 64))

// The same contract twice, in another order: two programs' views, so told apart by the name only.
ACT_MSG(pair_a, (i32, x, 1)(list, xs, 2, str)(msg, at, 3, point))
ACT_MSG(pair_b, (msg, at, 3, point)(i32, x, 1)(list, xs, 2, str))

static uint64_t hash_of(const char *name, uint32_t id, uint8_t kind, uint8_t shape,
                        const act_schema *nested) {
  act_field field = {.id = id, .kind = kind, .shape = shape, .name = name, .nested = nested};
  act_schema schema = {.name = "m", .size = 8, .nfields = 1, .fields = &field};

  return act_schema_hash(&schema);
}

static void descriptor_tells_what_the_struct_is(void **state) {
  (void)state;
  const act_field *why = &label_schema.fields[1];

  assert_string_equal(label_schema.name, "label");
  assert_int_equal(label_schema.size, sizeof(label));
  assert_int_equal(label_schema.nfields, 4);
  assert_string_equal(why->name, "value");
  assert_int_equal(why->id, 2);
  assert_int_equal(why->kind, ACT_KIND_BYTES);
  assert_int_equal(why->offset, offsetof(label, value));
  assert_int_equal(label_schema.fields[3].shape, ACT_SHAPE_OPTIONAL);
  assert_int_equal(label_schema.fields[3].size, sizeof(double));
  assert_int_equal(nothing_schema.nfields, 0);
}

static void summary_is_true_to_the_fields(void **state) {
  (void)state;

  assert_true(point_schema.is_flat && !point_schema.has_bufs && point_schema.depth == 1);
  assert_true(!label_schema.is_flat && label_schema.has_bufs && label_schema.depth == 1);
  assert_true(!pair_a_schema.is_flat && !pair_a_schema.has_bufs && pair_a_schema.depth == 2);
  assert_true(everything_schema.has_bufs && everything_schema.depth == 3);
  assert_true(most_schema.is_flat);
}

static void a_message_may_have_sixty_four_fields(void **state) {
  (void)state;
  most m = {.f1 = 1, .f64 = 64};
  most copy;
  struct act__bytes out;
  size_t size;
  act__bytes_init(&out, 1000);

  assert_int_equal(most_schema.nfields, ACT_FIELDS_MAX);
  assert_int_equal(act__encode(&most_schema, &m, &out), ACT_OK);
  assert_int_equal(act__decode(&most_schema, out.data, out.length, NULL, NULL, &size), ACT_OK);
  assert_int_equal(size, sizeof copy);
  assert_int_equal(act__decode(&most_schema, out.data, out.length, NULL, &copy, &size), ACT_OK);
  assert_memory_equal(&m, &copy, sizeof m);
  act__bytes_fini(&out);
}

static void hash_ignores_the_order_of_declaration(void **state) {
  (void)state;
  act_schema a = pair_a_schema, b = pair_b_schema;

  assert_true(act_schema_hash(&a) != act_schema_hash(&b));
  b.name = a.name;
  assert_true(act_schema_hash(&a) == act_schema_hash(&b));
}

static void hash_sees_every_difference_that_matters(void **state) {
  (void)state;
  uint64_t hash = hash_of("x", 1, ACT_KIND_I32, ACT_SHAPE_ONE, NULL);

  assert_true(hash == hash_of("x", 1, ACT_KIND_I32, ACT_SHAPE_ONE, NULL));
  assert_true(hash != hash_of("y", 1, ACT_KIND_I32, ACT_SHAPE_ONE, NULL));
  assert_true(hash != hash_of("x", 2, ACT_KIND_I32, ACT_SHAPE_ONE, NULL));
  assert_true(hash != hash_of("x", 1, ACT_KIND_I64, ACT_SHAPE_ONE, NULL));
  assert_true(hash != hash_of("x", 1, ACT_KIND_I32, ACT_SHAPE_LIST, NULL));
  assert_true(hash_of("x", 1, ACT_KIND_MESSAGE, ACT_SHAPE_ONE, &point_schema) !=
              hash_of("x", 1, ACT_KIND_MESSAGE, ACT_SHAPE_ONE, &nothing_schema));
}

// A change here breaks links between versions of the library: it needs a new handshake version.
static void hash_is_the_same_in_every_build(void **state) {
  (void)state;

  assert_true(act_schema_hash(&point_schema) == UINT64_C(0x381012ea4cf87234));
}

static void descriptors_are_one_object_in_c_and_cxx(void **state) {
  (void)state;

  assert_ptr_equal(schema_other_everything(), &everything_schema);
  assert_ptr_equal(schema_other_everything()->fields, everything_schema.fields);
}

static void cxx_makes_the_same_message(void **state) {
  (void)state;
  label m = schema_other_label();

  assert_true(act_str_equal(m.key, ACT_STR("from C++")));
  assert_true(m.weight.has && m.weight.value > 2.4 && m.weight.value < 2.6);
}

static void kinds_have_names(void **state) {
  (void)state;

  assert_string_equal(act_kind_name(ACT_KIND_I32), "i32");
  assert_string_equal(act_kind_name(ACT_KIND_BUF), "buf");
  assert_string_equal(act_kind_name(ACT_KIND_MESSAGE), "message");
  assert_string_equal(act_kind_name(0), "?");
  assert_string_equal(act_kind_name(200), "?");
}

static void texts_compare_by_contents(void **state) {
  (void)state;
  static const act_str fixed = ACT_STR_INIT("ab");

  assert_true(act_str_equal(fixed, act_str_of("ab")));
  assert_false(act_str_equal(fixed, act_str_of("abc")));
  assert_false(act_str_equal(fixed, act_str_of("ax")));
  assert_true(act_str_equal(act_str_of(NULL), (act_str){NULL, 0}));
  assert_int_equal(ACT_STR("").size, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(descriptor_tells_what_the_struct_is),
      cmocka_unit_test(summary_is_true_to_the_fields),
      cmocka_unit_test(a_message_may_have_sixty_four_fields),
      cmocka_unit_test(hash_ignores_the_order_of_declaration),
      cmocka_unit_test(hash_sees_every_difference_that_matters),
      cmocka_unit_test(hash_is_the_same_in_every_build),
      cmocka_unit_test(descriptors_are_one_object_in_c_and_cxx),
      cmocka_unit_test(cxx_makes_the_same_message),
      cmocka_unit_test(kinds_have_names),
      cmocka_unit_test(texts_compare_by_contents),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
