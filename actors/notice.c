// SPDX-License-Identifier: Apache-2.0
//
// Notices: what an actor is told without anybody sending it a message. Each is a record reserved
// when the timer, monitor, ask, job or child was made, so neither a full mailbox nor a failed
// allocation can lose it. A record is open from then until it is handled or withdrawn; the cell
// counts those that may still be pushed to it and is not retired before they are back.
#include "actors/cell.h"
#include "actors/park.h"
#include "base/check.h"

act_rc act__notice_handle(act_cx *cx, struct act__cell *cell, struct act__env *env) {
  struct act__notice *notice = ACT__CONTAINER_OF(env, struct act__notice, env);
  switch ((enum act__notice_kind)env->notice) {
    case ACT__NOTICE_REPLY: return act__ask_handle(cx, cell, notice);
    case ACT__NOTICE_TICK: return act__tick_handle(cx, cell, env);
    case ACT__NOTICE_DOWN: return act__watch_handle(cx, cell, notice);
    case ACT__NOTICE_DONE: return act__job_handle(cx, cell, notice);
    case ACT__NOTICE_UP:
    case ACT__NOTICE_EXIT:
    case ACT__NOTICE_OVERDUE: return act__child_notice(cx, cell, env);
    case ACT__NOTICE_MINDER: return act__minder_handle(cx, cell, notice);
    case ACT__NOTICE_UNPARKED: act__park_told(cell, env); return ACT_OK;
    case ACT__NOTICE_NONE: break;
  }
  ACT_PANIC("notice of unknown kind %u", (unsigned)env->notice);
}

// True: it will not arrive, and its record is free.
static bool withdraw(act_cx *cx, struct act__notice *notice) {
  switch ((enum act__notice_kind)notice->env.notice) {
    case ACT__NOTICE_REPLY: return act__ask_withdraw(cx, notice);
    case ACT__NOTICE_DOWN: return act__watch_withdraw(cx, notice);
    case ACT__NOTICE_DONE: return act__job_withdraw(cx, notice);
    case ACT__NOTICE_MINDER: return act__minder_withdraw(cx, notice);
    default: break;
  }
  ACT_PANIC("record of unknown kind %u", (unsigned)notice->env.notice);
}

void act__notices_withdraw(act_cx *cx, struct act__cell *cell) {
  act__ticks_withdraw(cx, cell);
  struct act__link *link;
  while ((link = act__list_pop_front(&cell->cold->records))) {
    struct act__notice *notice = ACT__CONTAINER_OF(link, struct act__notice, link);
    notice->dropped = true;
    if (withdraw(cx, notice)) cell->notices--;
  }
}
