// SPDX-License-Identifier: Apache-2.0
//
// What a supervisor does about one ended child: decided by its restart type and the reason alone.
//
//                normal    any other reason
//   permanent    restart   restart
//   transient    forget    restart
//   temporary    forget    forget
//
// Pure. Whether a restart is still allowed is the intensity's business, when it happens the
// back-off's.
#ifndef TROUPE_ACTORS_SUPERVISE_PLAN_H
#define TROUPE_ACTORS_SUPERVISE_PLAN_H

#include "actors/protocol.h"
#include "actors/supervise.h"

enum act__plan { ACT__PLAN_FORGET, ACT__PLAN_RESTART };

enum act__plan act__plan(enum act_restart restart, act_reason reason);

#endif
