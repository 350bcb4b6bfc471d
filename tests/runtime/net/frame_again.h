// SPDX-License-Identifier: Apache-2.0
//
// Encodes what was decoded. It gives the same bytes again when no field is lost or changed.
#ifndef TROUPE_TESTS_RUNTIME_NET_FRAME_AGAIN_H
#define TROUPE_TESTS_RUNTIME_NET_FRAME_AGAIN_H

#include "base/bytes.h"
#include "base/status.h"
#include "runtime/net/frame.h"

static inline act_rc frame_again(struct act__bytes *b, const struct act__frame *f) {
  switch (f->type) {
  case ACT__FRAME_HELLO: return act__frame_put_hello(b, &f->u.hello);
  case ACT__FRAME_WELCOME: return act__frame_put_welcome(b, &f->u.welcome);
  case ACT__FRAME_REFUSE: return act__frame_put_refuse(b, &f->u.ending);
  case ACT__FRAME_HEARTBEAT: return act__frame_put_heartbeat(b);
  case ACT__FRAME_GOODBYE: return act__frame_put_goodbye(b, &f->u.ending);
  case ACT__FRAME_LOOKUP: return act__frame_put_lookup(b, &f->u.lookup);
  case ACT__FRAME_FOUND: return act__frame_put_found(b, &f->u.found);
  case ACT__FRAME_NOTFOUND: return act__frame_put_notfound(b, &f->u.notfound);
  case ACT__FRAME_REACH: return act__frame_put_reach(b, &f->u.reach);
  case ACT__FRAME_GRANT: return act__frame_put_grant(b, &f->u.grant);
  case ACT__FRAME_CREDIT: return act__frame_put_credit(b, &f->u.credit);
  case ACT__FRAME_MESSAGE: return act__frame_put_message(b, &f->u.message);
  case ACT__FRAME_REPLY: return act__frame_put_reply(b, &f->u.reply);
  case ACT__FRAME_NACK: return act__frame_put_nack(b, &f->u.nack);
  case ACT__FRAME_MONITOR: return act__frame_put_monitor(b, &f->u.monitor);
  case ACT__FRAME_DEMONITOR: return act__frame_put_demonitor(b, &f->u.demonitor);
  case ACT__FRAME_DOWN: return act__frame_put_down(b, &f->u.down);
  case ACT__FRAME_START: return act__frame_put_start(b, &f->u.start);
  case ACT__FRAME_STARTED: return act__frame_put_started(b, &f->u.started);
  case ACT__FRAME_EXITED: return act__frame_put_exited(b, &f->u.exited);
  case ACT__FRAME_STOP: return act__frame_put_stop(b, &f->u.stop);
  case ACT__FRAME_GAP:
  case ACT__FRAME_SKIPPED:
  default: return ACT_EINVAL;
  }
}

#endif
