// SPDX-License-Identifier: Apache-2.0
//
// The C++ half of schema_test.
#include "tests/mailbox/schema_other.h"

const act_schema *schema_other_everything(void) {
  return &everything_schema;
}

label schema_other_label(void) {
  label m = {};
  m.key = ACT_STR("from C++");
  m.weight = ACT_SOME(2.5);
  return m;
}
