// SPDX-License-Identifier: Apache-2.0
//
// Structured log: a record is level, time, component, actor, message and key/values; a sink takes
// it wherever it should go. The default sink writes one line to standard error with one write(2),
// so that lines of different threads and processes do not mix.
//
// Text that came from outside cannot break a line or drive a terminal: control characters and bytes
// that are not UTF-8 are escaped, values are quoted where they need it, and a line ends at
// ACT_LOG_LINE bytes.
#ifndef TROUPE_BASE_LOG_H
#define TROUPE_BASE_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

// Bytes of a formatted line at most, the newline included, no terminating zero. What does not fit
// is replaced by "...".
#define ACT_LOG_LINE 1024

typedef enum act_log_level {
  ACT_LOG_DEBUG = 0,
  ACT_LOG_INFO = 1,
  ACT_LOG_WARN = 2,
  ACT_LOG_ERROR = 3
} act_log_level;

typedef enum act_log_kind {
  ACT_LOG_TEXT = 0,
  ACT_LOG_I64 = 1,
  ACT_LOG_U64 = 2,
  ACT_LOG_F64 = 3
} act_log_kind;

typedef struct act_log_kv {
  const char *key;
  act_log_kind kind;
  union {
    const char *text;  // NULL prints as nothing
    int64_t i64;
    uint64_t u64;
    double f64;
  } as;
} act_log_kv;

// Everything in it is lent to the sink for the call.
typedef struct act_log_record {
  act_log_level level;
  int64_t wall_ns;        // nanoseconds since 1970-01-01 UTC
  const char *component;  // "supervisor"; NULL: none
  const char *actor;      // name or address as text; NULL: none
  const char *message;
  const act_log_kv *kvs;
  size_t n_kvs;
} act_log_record;

// fn may be called from any thread, several at a time. It must be quick and must not block: it runs
// on worker threads. fn NULL: discard.
typedef struct act_log_sink {
  void (*fn)(void *arg, const act_log_record *record);
  void *arg;
  act_log_level level;  // records below it are not formatted and not handed over
} act_log_sink;

// The default sink: ACT_LOG_INFO and above as lines on standard error. Static storage. It takes no
// lock and waits for nothing but its one write(2); what that call leaves unwritten is lost.
const act_log_sink *act_log_stderr(void);

// Writes the record as one line, newline at the end, not zero-terminated:
//   2026-01-02T03:04:05.678Z WARN  supervisor [counter] child restarted child=w1 restarts=2
// Returns its length: at most `size` and at most ACT_LOG_LINE. size must be at least 64.
size_t act_log_format(const act_log_record *record, char *out, size_t size);

// ---- used by the library itself ----

// Bytes of a formatted message at most, the terminating zero included; longer ones are cut.
#define ACT__LOG_MESSAGE 512

// Hands a record to the sink (NULL: the default sink) if its level passes.
void act__log_record(const act_log_sink *sink, const act_log_record *record);

// A record of the system's wall time with a formatted message and no key/values.
void act__log(const act_log_sink *sink, act_log_level level, const char *component,
              const char *format, ...) ACT_PRINTF(4, 5);

#ifdef __cplusplus
}
#endif
#endif
