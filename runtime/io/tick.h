// SPDX-License-Identifier: Apache-2.0
//
// A repeating timer of the loop: it ticks whoever holds the role, so no handler can hold it up. A loop
// that was late ticks once for all the ticks it missed. Role holder only.
#ifndef TROUPE_RUNTIME_IO_TICK_H
#define TROUPE_RUNTIME_IO_TICK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

struct act__loop;
struct act__tick;

// Gives a tick that is stopped. Lives until close. ACT_ENOMEM.
ACT_MUST act_rc act__tick_open(struct act__loop *loop, void (*fn)(void *arg), void *arg,
                               struct act__tick **out);
// Calls fn every `ms` (at least 1) from now on; when it runs already, with the new step.
void act__tick_start(struct act__tick *tick, uint32_t ms);
void act__tick_stop(struct act__tick *tick);
// Stops and frees it (later, in the loop): fn is not called again. NULL: nothing.
void act__tick_close(struct act__tick *tick);

#endif
