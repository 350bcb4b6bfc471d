// SPDX-License-Identifier: Apache-2.0
//
// A walk over the descriptor into a bounded buffer that keeps counting when it is full.
#include "mailbox/print.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "mailbox/utf8.h"
#include "mailbox/value.h"

struct line {
  char *out;
  size_t size;    // of `out`
  size_t length;  // of the whole line so far
};

static void print_fields(struct line *line, const act_schema *schema, const char *message);

static void put_bytes(struct line *line, const char *data, size_t bytes) {
  if (line->length < line->size) {
    size_t room = line->size - line->length;
    memcpy(line->out + line->length, data, bytes < room ? bytes : room);
  }
  line->length += bytes;
}

static void put(struct line *line, const char *text) {
  put_bytes(line, text, strlen(text));
}

static void putf(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));

// For pieces that are short by nature: numbers and marks.
static void putf(struct line *line, const char *format, ...) {
  char piece[80];
  va_list arguments;

  va_start(arguments, format);
  int bytes = vsnprintf(piece, sizeof piece, format, arguments);
  va_end(arguments);
  if (bytes > 0) put_bytes(line, piece, (size_t)bytes < sizeof piece ? (size_t)bytes : sizeof piece - 1);
}

// One character of a text; malformed bytes and control characters as \xNN.
static size_t put_character(struct line *line, const uint8_t *text, size_t size) {
  size_t bytes = act__utf8_sequence(text, size);
  uint8_t first = text[0];

  if (first == '"' || first == '\\') {
    putf(line, "\\%c", first);
  } else if (first == '\n') {
    put(line, "\\n");
  } else if (first == '\t') {
    put(line, "\\t");
  } else if (bytes == 0 || first < 0x20 || first == 0x7f) {
    putf(line, "\\x%02x", first);
    return 1;
  } else if (first == 0xc2 && text[1] < 0xa0) {  // U+0080 to U+009F: controls as well
    putf(line, "\\u%04x", text[1]);
  } else {
    put_bytes(line, (const char *)text, bytes);
  }
  return bytes;
}

static void print_str(struct line *line, act_str value) {
  const uint8_t *text = (const uint8_t *)value.data;
  size_t at = 0;

  put(line, "\"");
  while (at < value.size && at < ACT_PRINT_TEXT_MAX) {
    at += put_character(line, text + at, value.size - at);
  }
  if (at < value.size) {
    putf(line, "...\"+%zu", value.size - at);
  } else {
    put(line, "\"");
  }
}

static void print_bytes(struct line *line, act_bytes value) {
  uint32_t shown = value.size < ACT_PRINT_BYTES_MAX ? value.size : ACT_PRINT_BYTES_MAX;

  put(line, "<");
  for (uint32_t i = 0; i < shown; i++) putf(line, "%02x", value.data[i]);
  if (shown < value.size) {
    putf(line, "...>+%" PRIu32, value.size - shown);
  } else {
    put(line, ">");
  }
}

// Days since 1970-01-01 to a civil date of the proleptic Gregorian calendar, by counting whole eras
// of 400 years that begin on a first of March, so that the leap day is the last of its year. Dates
// that 64 bits of nanoseconds can hold are all after the year 0.
static void civil_date(int64_t days, int64_t *year, int *month, int *day) {
  const int64_t era_days = 146097;
  int64_t since = days + 719468;  // from 0000-03-01
  int64_t era = since / era_days;
  int64_t in_era = since - era * era_days;
  int64_t years = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
  int64_t in_year = in_era - (365 * years + years / 4 - years / 100);
  int64_t months = (5 * in_year + 2) / 153;  // since March

  *day = (int)(in_year - (153 * months + 2) / 5 + 1);
  *month = (int)(months < 10 ? months + 3 : months - 9);
  *year = years + era * 400 + (*month <= 2);
}

static void print_time(struct line *line, act_time time) {
  const int64_t day_ns = INT64_C(86400000000000);
  int64_t days = time.unix_ns / day_ns;
  int64_t rest = time.unix_ns % day_ns;
  int64_t year;
  int month, day;

  if (rest < 0) {
    days -= 1;
    rest += day_ns;
  }
  int64_t seconds = rest / 1000000000;
  civil_date(days, &year, &month, &day);
  putf(line, "%04" PRId64 "-%02d-%02dT%02d:%02d:%02d.%09dZ", year, month, day, (int)(seconds / 3600),
       (int)(seconds / 60 % 60), (int)(seconds % 60), (int)(rest % 1000000000));
}

static void print_pid(struct line *line, act_pid pid) {
  char text[ACT_PID_TEXT_MAX];

  put(line, act_pid_text(pid, text));
}

#define AT(type, place) (*(const type *)(const void *)(place))

static void print_value(struct line *line, const act_field *field, const char *value) {
  switch (field->kind) {
    case ACT_KIND_I32:
      putf(line, "%" PRId32, AT(int32_t, value));
      break;
    case ACT_KIND_I64:
      putf(line, "%" PRId64, AT(int64_t, value));
      break;
    case ACT_KIND_U32:
      putf(line, "%" PRIu32, AT(uint32_t, value));
      break;
    case ACT_KIND_U64:
      putf(line, "%" PRIu64, AT(uint64_t, value));
      break;
    case ACT_KIND_F64:
      putf(line, "%.15g", AT(double, value));
      break;
    case ACT_KIND_FLAG:
      put(line, AT(bool, value) ? "true" : "false");
      break;
    case ACT_KIND_STR:
      print_str(line, AT(act_str, value));
      break;
    case ACT_KIND_BYTES:
      print_bytes(line, AT(act_bytes, value));
      break;
    case ACT_KIND_PID:
      print_pid(line, AT(act_pid, value));
      break;
    case ACT_KIND_TIME:
      print_time(line, AT(act_time, value));
      break;
    case ACT_KIND_BUF:
      putf(line, "buf(%zu)", act_buf_size(AT(act_buf, value)));
      break;
    case ACT_KIND_MESSAGE:
      print_fields(line, field->nested, value);
      break;
    default:
      put(line, "?");
  }
}

static void print_list(struct line *line, const act_field *field, struct act__list list) {
  uint32_t shown = list.count < ACT_PRINT_ITEMS_MAX ? list.count : ACT_PRINT_ITEMS_MAX;

  put(line, "[");
  for (uint32_t i = 0; i < shown; i++) {
    if (i > 0) put(line, " ");
    print_value(line, field, (const char *)list.items + (size_t)i * field->size);
  }
  if (shown < list.count) putf(line, " ... +%" PRIu32, list.count - shown);
  put(line, "]");
}

static void print_fields(struct line *line, const act_schema *schema, const char *message) {
  put(line, "{");
  for (uint32_t i = 0; i < schema->nfields; i++) {
    const act_field *field = &schema->fields[i];
    const char *member = message + field->offset;

    if (i > 0) put(line, " ");
    put(line, field->name);
    put(line, "=");
    if (field->shape == ACT_SHAPE_LIST) {
      print_list(line, field, act__list_at(member));
    } else if (field->shape == ACT_SHAPE_ONE) {
      print_value(line, field, member);
    } else if (act__has_at(member)) {
      print_value(line, field, member + act__optional_offset(field->kind));
    } else {
      put(line, "none");
    }
  }
  put(line, "}");
}

size_t act_print(const act_schema *schema, const void *message, char *out, size_t size) {
  struct line line = {.out = out, .size = size > 0 ? size - 1 : 0, .length = 0};

  put(&line, schema->name);
  print_fields(&line, schema, message);
  if (size > 0) out[line.length < line.size ? line.length : line.size] = 0;
  return line.length;
}
