// SPDX-License-Identifier: Apache-2.0
//
// Restart type x reason, the whole matrix.
#include "actors/supervise/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const act_reason reasons[] = {ACT_REASON_NORMAL, ACT_REASON_FAILED,    ACT_REASON_KILLED,
                                     ACT_REASON_STUCK,  ACT_REASON_NODE_LOST, ACT_REASON_NODE_REPLACED};

static void every_restart_type_meets_every_reason(void **state) {
  (void)state;
  static const struct {
    enum act_restart type;
    const char *restarts;  // one letter per reason above
  } rows[] = {
      {ACT_PERMANENT, "rrrrrr"},
      {ACT_TRANSIENT, "-rrrrr"},
      {ACT_TEMPORARY, "------"},
  };
  for (size_t i = 0; i < 3; i++) {
    for (size_t j = 0; j < 6; j++) {
      enum act__plan expected =
          rows[i].restarts[j] == 'r' ? ACT__PLAN_RESTART : ACT__PLAN_FORGET;
      assert_int_equal(act__plan(rows[i].type, reasons[j]), expected);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_restart_type_meets_every_reason),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
