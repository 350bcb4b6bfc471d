// SPDX-License-Identifier: Apache-2.0
//
// Signals of the operating system as callbacks of the loop; nothing of ours runs inside a signal
// handler. Only signals that somebody asks for are touched. Role holder only.
#ifndef TROUPE_RUNTIME_IO_OS_SIGNAL_H
#define TROUPE_RUNTIME_IO_OS_SIGNAL_H

#include "base/status.h"

struct act__loop;
struct act__os_signal;

// Calls fn(arg, number) for every arrival (arrivals before the loop runs may count as one).
// ACT_ENOMEM, ACT_EINVAL (no such signal, or one that cannot be caught), ACT_ESYS.
ACT_MUST act_rc act__os_signal_open(struct act__loop *loop, int number,
                                    void (*fn)(void *arg, int number), void *arg,
                                    struct act__os_signal **out);

// The signal is as before; fn is not called again. NULL: nothing.
void act__os_signal_close(struct act__os_signal *signal);

#endif
