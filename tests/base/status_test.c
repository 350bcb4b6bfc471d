// SPDX-License-Identifier: Apache-2.0
//
// Names, texts and wire values of the status codes.
#include "base/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static const struct {
  act_rc rc;
  int value;
  const char *name;
} codes[] = {
#define ROW(name, value, text) {name, value, #name},
    ACT_STATUS_LIST(ROW)
#undef ROW
};

#define CODES (sizeof codes / sizeof codes[0])

static void every_code_has_its_own_name_and_a_text(void **state) {
  (void)state;
  for (size_t i = 0; i < CODES; i++) {
    assert_string_equal(act_rc_name(codes[i].rc), codes[i].name);
    assert_true(strlen(act_rc_text(codes[i].rc)) > 0);
    for (size_t k = 0; k < i; k++) assert_int_not_equal(codes[i].value, codes[k].value);
  }
}

static void errors_are_negative_and_consecutive(void **state) {
  (void)state;
  for (size_t i = 0; i < CODES; i++) {
    assert_int_equal(codes[i].rc, codes[i].value);
    assert_int_equal(codes[i].value, 1 - (int)i);
  }
}

static void a_number_that_is_no_code_still_has_texts(void **state) {
  (void)state;
  assert_string_equal(act_rc_name((act_rc)-1000), "ACT_E?");
  assert_string_equal(act_rc_text((act_rc)2), "not a status code");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_code_has_its_own_name_and_a_text),
      cmocka_unit_test(errors_are_negative_and_consecutive),
      cmocka_unit_test(a_number_that_is_no_code_still_has_texts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
