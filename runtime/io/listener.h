// SPDX-License-Identifier: Apache-2.0
//
// A listening socket in the loop. Role holder only, callbacks too.
//
// When the process is out of descriptors, new connections are refused and old ones live on: one
// descriptor is kept in reserve, given up to take the connection, and taken back once it is closed.
#ifndef TROUPE_RUNTIME_IO_LISTENER_H
#define TROUPE_RUNTIME_IO_LISTENER_H

#include "base/status.h"

struct act__loop;
struct act__listener;

#define ACT__LISTENER_BATCH 32      // connections accepted before the loop looks at other things
#define ACT__LISTENER_RETRY_MS 100  // pause when even the reserve is gone

// Takes fd (runtime/io/socket.h), also on failure. `accepted` takes each new descriptor. ACT_ENOMEM,
// ACT_ELIMIT (no descriptor for the reserve), ACT_ESYS.
ACT_MUST act_rc act__listener_open(struct act__loop *loop, int fd,
                                   void (*accepted)(void *arg, int fd), void *arg,
                                   struct act__listener **out);

// Stops accepting, closes the socket and then calls `closed` (may be NULL), the last call, with the
// listener's arg.
void act__listener_close(struct act__listener *listener, void (*closed)(void *arg));

#endif
