// SPDX-License-Identifier: Apache-2.0
//
// The executor's alarms: one timing wheel per worker, each under a spinlock, with its next due time
// beside it for whoever must decide how long to sleep. (Arming and cancelling: runtime/exec.h.)
//
// An alarm armed by a worker lies on that worker's wheel, one armed from anywhere else on wheel 0.
// Any thread may advance any wheel: what has expired is collected under the lock and fired without
// it, so `fire` may arm, cancel, submit, or free the record that it is embedded in.
//
// Invariant: `due` is no later than the earliest alarm of its wheel; it is written under the lock
// in the one order that all sleepers and armers agree on (see runtime/sched/bed.c).
#ifndef TROUPE_RUNTIME_ALARM_H
#define TROUPE_RUNTIME_ALARM_H

#include "base/thread.h"
#include "runtime/exec.h"

struct act__alarm_wheel {
  ACT__ATOMIC(int64_t) due;
  struct act__spinlock lock;
  struct act__wheel wheel;  // under lock
};

struct act__alarms {
  struct act__alarm_wheel *wheels;
  unsigned count;
  void (*on_timer)(struct act__timer *, struct act__worker *me);  // fires those without an alarm
};

// Gives memory that act__alarms_fini frees. ACT_ENOMEM.
ACT_MUST act_rc act__alarms_init(struct act__alarms *alarms, unsigned count, int64_t now_ns,
                                 void (*on_timer)(struct act__timer *, struct act__worker *me));

// Alarms still armed are forgotten: they never fire. Accepts zeroed memory.
void act__alarms_fini(struct act__alarms *alarms);

// When wheel `index` wants to be advanced, or the earliest of all; ACT__TIME_NEVER when empty. May be
// earlier than any alarm's due time, never later. Any thread.
int64_t act__alarms_due(struct act__alarms *alarms, unsigned index);
int64_t act__alarms_earliest(struct act__alarms *alarms);

// Fires what is due at now_ns on one wheel, or on all of which the due time has come. Returns how
// many. Any thread; `me` is handed to the callbacks.
unsigned act__alarms_advance(struct act__alarms *alarms, unsigned index, int64_t now_ns,
                             struct act__worker *me);
unsigned act__alarms_advance_all(struct act__alarms *alarms, int64_t now_ns,
                                 struct act__worker *me);

#endif
