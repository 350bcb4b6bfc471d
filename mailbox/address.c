// SPDX-License-Identifier: Apache-2.0
//
// The text form of an address.
#include "mailbox/address.h"

#include <inttypes.h>
#include <stdio.h>

char *act_pid_text(act_pid pid, char text[ACT_PID_TEXT_MAX]) {
  if (act_pid_is_nobody(pid)) {
    snprintf(text, ACT_PID_TEXT_MAX, "nobody");
  } else {
    snprintf(text, ACT_PID_TEXT_MAX, "%016" PRIx64 ".%" PRIu32 ".%" PRIu32 ".%" PRIu32, pid.node,
             pid.slot, pid.gen, pid.epoch);
  }
  return text;
}
