// SPDX-License-Identifier: Apache-2.0
//
// The line formatter and the default sink. A line is built from small pieces (a character, an
// escape, a word of ours); a cut falls between pieces, so it never leaves half an escape or half a
// character.
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"

#define CUT_MARK "..."
#define LINE_MIN 64

struct line {
  char *out;
  size_t at, limit;  // limit: without the newline
  size_t safe;       // last end of a piece with room for the mark behind it
  bool cut;
};

static void put(struct line *line, const char *piece, size_t n) {
  if (line->cut) return;
  if (n > line->limit - line->at) {
    line->cut = true;
    memcpy(line->out + line->safe, CUT_MARK, strlen(CUT_MARK));
    line->at = line->safe + strlen(CUT_MARK);
    return;
  }
  memcpy(line->out + line->at, piece, n);
  line->at += n;
  if (line->limit - line->at >= strlen(CUT_MARK)) line->safe = line->at;
}

static void put_text(struct line *line, const char *text) {
  put(line, text, strlen(text));
}

static bool is_continuation(unsigned char byte) {
  return (byte & 0xC0) == 0x80;
}

// Bytes of the character that starts at `text` if it is well-formed UTF-8 beyond ASCII (RFC 3629)
// and no C1 control, else 0.
static size_t utf8_length(const unsigned char *text) {
  unsigned char a = text[0];
  if (a < 0xC2 || a > 0xF4 || !is_continuation(text[1])) return 0;
  if (a < 0xE0) return a == 0xC2 && text[1] < 0xA0 ? 0 : 2;
  if (!is_continuation(text[2])) return 0;
  if (a < 0xF0) {
    bool overlong = a == 0xE0 && text[1] < 0xA0;
    bool surrogate = a == 0xED && text[1] >= 0xA0;
    return overlong || surrogate ? 0 : 3;
  }
  if (!is_continuation(text[3])) return 0;
  bool overlong = a == 0xF0 && text[1] < 0x90;
  bool too_large = a == 0xF4 && text[1] >= 0x90;
  return overlong || too_large ? 0 : 4;
}

// Text with everything escaped that could break the line, and the characters of `special` with it.
static void put_escaped(struct line *line, const char *text, const char *special) {
  const unsigned char *at = (const unsigned char *)text;
  while (*at != '\0' && !line->cut) {
    size_t n = *at < 0x80 ? 0 : utf8_length(at);
    char escape[5];
    if (n > 0) {
      put(line, (const char *)at, n);
      at += n;
      continue;
    }
    if (*at == '\n' || *at == '\t' || *at == '\r') {
      char letter = *at == '\n' ? 'n' : *at == '\t' ? 't' : 'r';
      snprintf(escape, sizeof escape, "\\%c", letter);
      put_text(line, escape);
    } else if (*at == '\\' || ((*at == '"') && strchr(special, '"') != NULL)) {
      snprintf(escape, sizeof escape, "\\%c", *at);
      put_text(line, escape);
    } else if (*at < 0x20 || *at >= 0x7F || strchr(special, *at) != NULL) {
      snprintf(escape, sizeof escape, "\\x%02x", *at);
      put_text(line, escape);
    } else {
      put(line, (const char *)at, 1);
    }
    at++;
  }
}

static bool needs_quotes(const char *text) {
  if (*text == '\0') return true;
  for (; *text != '\0'; text++) {
    if ((unsigned char)*text <= ' ' || strchr("=\"\\\x7f", *text) != NULL) return true;
  }
  return false;
}

static void put_value(struct line *line, const act_log_kv *kv) {
  char number[40];
  switch (kv->kind) {
  case ACT_LOG_TEXT:
    if (kv->as.text == NULL) return;
    if (!needs_quotes(kv->as.text)) {
      put_escaped(line, kv->as.text, "");
      return;
    }
    put_text(line, "\"");
    put_escaped(line, kv->as.text, "\"");
    put_text(line, "\"");
    return;
  case ACT_LOG_I64: snprintf(number, sizeof number, "%lld", (long long)kv->as.i64); break;
  case ACT_LOG_U64: snprintf(number, sizeof number, "%llu", (unsigned long long)kv->as.u64); break;
  case ACT_LOG_F64: snprintf(number, sizeof number, "%.9g", kv->as.f64); break;
  default: snprintf(number, sizeof number, "?"); break;
  }
  put_text(line, number);
}

static const char *level_text(act_log_level level) {
  switch (level) {
  case ACT_LOG_DEBUG: return "DEBUG";
  case ACT_LOG_INFO: return "INFO ";
  case ACT_LOG_WARN: return "WARN ";
  case ACT_LOG_ERROR: return "ERROR";
  }
  return "?    ";
}

size_t act_log_format(const act_log_record *record, char *out, size_t size) {
  ACT_ASSERT(size >= LINE_MIN);
  if (size > ACT_LOG_LINE) size = ACT_LOG_LINE;
  struct line line = {.out = out, .limit = size - 1};

  char time[ACT__TIME_TEXT];
  act__time_format_utc(record->wall_ns, time);
  put_text(&line, time);
  put_text(&line, " ");
  put_text(&line, level_text(record->level));
  if (record->component != NULL) {
    put_text(&line, " ");
    put_escaped(&line, record->component, " ");
  }
  if (record->actor != NULL) {
    put_text(&line, " [");
    put_escaped(&line, record->actor, "]");
    put_text(&line, "]");
  }
  if (record->message != NULL) {
    put_text(&line, " ");
    put_escaped(&line, record->message, "");
  }
  for (size_t i = 0; i < record->n_kvs; i++) {
    put_text(&line, " ");
    put_escaped(&line, record->kvs[i].key, " =\"");
    put_text(&line, "=");
    put_value(&line, &record->kvs[i]);
  }
  out[line.at++] = '\n';
  return line.at;
}

static void write_line(void *arg, const act_log_record *record) {
  (void)arg;
  char line[ACT_LOG_LINE];
  size_t length = act_log_format(record, line, sizeof line);
  int kept = errno;  // logging an error must not change it
  while (write(STDERR_FILENO, line, length) < 0 && errno == EINTR) {
  }
  errno = kept;
}

const act_log_sink *act_log_stderr(void) {
  static const act_log_sink sink = {write_line, NULL, ACT_LOG_INFO};
  return &sink;
}

void act__log_record(const act_log_sink *sink, const act_log_record *record) {
  if (sink == NULL) sink = act_log_stderr();
  if (sink->fn == NULL || record->level < sink->level) return;
  sink->fn(sink->arg, record);
}

void act__log(const act_log_sink *sink, act_log_level level, const char *component,
              const char *format, ...) {
  if (sink == NULL) sink = act_log_stderr();
  if (sink->fn == NULL || level < sink->level) return;

  char message[ACT__LOG_MESSAGE];
  va_list args;
  va_start(args, format);
  int length = vsnprintf(message, sizeof message, format, args);
  va_end(args);
  if (length < 0) snprintf(message, sizeof message, "(unformattable message)");
  if (length >= (int)sizeof message)
    memcpy(message + sizeof message - sizeof CUT_MARK, CUT_MARK, sizeof CUT_MARK);

  act_log_record record = {.level = level,
                           .wall_ns = act__clock_wall(act__clock_system()),
                           .component = component,
                           .message = message};
  sink->fn(sink->arg, &record);
}
