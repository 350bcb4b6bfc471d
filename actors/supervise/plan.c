// SPDX-License-Identifier: Apache-2.0
#include "actors/supervise/plan.h"

#include "base/check.h"

enum act__plan act__plan(enum act_restart restart, act_reason reason) {
  switch (restart) {
    case ACT_PERMANENT: return ACT__PLAN_RESTART;
    case ACT_TRANSIENT:
#ifdef ACT_MUTANT_PLAN_TRANSIENT_ALWAYS
      return ACT__PLAN_RESTART;
#endif
      return reason == ACT_REASON_NORMAL ? ACT__PLAN_FORGET : ACT__PLAN_RESTART;
    case ACT_TEMPORARY: return ACT__PLAN_FORGET;
  }
  ACT_PANIC("restart type %d", (int)restart);
}
