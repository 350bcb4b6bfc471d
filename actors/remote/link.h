// SPDX-License-Identifier: Apache-2.0
//
// What the net calls when links come, go and bring frames; its argument is the struct act__remote.
#ifndef TROUPE_ACTORS_REMOTE_LINK_H
#define TROUPE_ACTORS_REMOTE_LINK_H

#include "runtime/net/net.h"

extern const struct act__net_sink act__remote_sink;

#endif
