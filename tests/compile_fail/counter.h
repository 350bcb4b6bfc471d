// SPDX-License-Identifier: Apache-2.0
//
// Two contracts for the cases to get wrong, and the shell of an actor.
#ifndef TROUPE_TESTS_COMPILE_FAIL_COUNTER_H
#define TROUPE_TESTS_COMPILE_FAIL_COUNTER_H

#include "actors/protocol.h"

ACT_MSG(counter_incr, (i64, by, 1)(str, why, 2))
ACT_MSG(counter_get, (flag, reset, 1))
ACT_MSG(counter_value, (i64, value, 1))
#define COUNTER(CAST, CALL, P)    \
  CAST(P, 1, incr, counter_incr)  \
  CALL(P, 2, get, counter_get, counter_value)
ACT_PROTOCOL(counter, 1, COUNTER)

ACT_MSG(logger_line, (str, text, 1))
ACT_MSG(logger_count, (u64, lines, 1))
#define LOGGER(CAST, CALL, P)    \
  CAST(P, 1, line, logger_line)  \
  CALL(P, 2, count, counter_get, logger_count)
ACT_PROTOCOL(logger, 1, LOGGER)

struct state {
  counter_ref counter;
  logger_ref logger;
  int64_t n;
};

#endif
