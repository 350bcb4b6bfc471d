// SPDX-License-Identifier: Apache-2.0
//
// The envelope as the model tests see it (instead of mailbox/envelope.h): the link that the mailbox
// uses and a payload, all race-checked.
#ifndef TROUPE_TESTS_MODEL_MODEL_ENV_H
#define TROUPE_TESTS_MODEL_MODEL_ENV_H

#include "base/atomic.h"

struct act__env {
  ACT__SHARED(struct act__env *) next;
  ACT__SHARED(int) sender;
  ACT__SHARED(int) number;  // counts up per sender
  ACT__SHARED(unsigned) units;
  ACT__SHARED(unsigned) generation;  // to whom it was addressed
};

#endif
