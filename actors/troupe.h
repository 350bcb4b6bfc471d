// SPDX-License-Identifier: Apache-2.0
//
// Troupe: actors in C. This is the one header that programs include, as <troupe.h>.
//
// Reading order: mailbox/message.h (messages), actors/protocol.h (protocols, actors, continuations),
// actors/context.h (what a handler can do), actors/supervise.h (the tree), actors/node.h (running
// it); actors/sim.h, included separately, for tests.
#ifndef TROUPE_H
#define TROUPE_H

#include "actors/context.h"
#include "actors/node.h"
#include "actors/protocol.h"
#include "actors/supervise.h"
#include "mailbox/message.h"

#endif
