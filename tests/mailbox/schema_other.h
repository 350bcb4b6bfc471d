// SPDX-License-Identifier: Apache-2.0
//
// What a C++ part of the same program sees of the sample messages.
#ifndef TROUPE_TESTS_MAILBOX_SCHEMA_OTHER_H
#define TROUPE_TESTS_MAILBOX_SCHEMA_OTHER_H

#include "tests/mailbox/sample.h"

#ifdef __cplusplus
extern "C" {
#endif
const act_schema *schema_other_everything(void);
label schema_other_label(void);
#ifdef __cplusplus
}
#endif
#endif
