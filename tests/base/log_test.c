// SPDX-License-Identifier: Apache-2.0
//
// Log lines: their form, what is escaped, where they are cut, and who gets them.
#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define T0 "1970-01-01T00:00:00.000Z "

static char text[ACT_LOG_LINE + 1];

static const char *format_to(const act_log_record *record, size_t size) {
  memset(text, '#', sizeof text);
  size_t length = act_log_format(record, text, size);
  assert_true(length <= size && length <= ACT_LOG_LINE);
  assert_int_equal(text[length], '#');
  assert_int_equal(text[length - 1], '\n');
  assert_null(memchr(text, '\n', length - 1));
  text[length - 1] = '\0';
  return text;
}

static const char *format(const act_log_record *record) {
  return format_to(record, ACT_LOG_LINE);
}

static const char *message(const char *content) {
  act_log_record record = {.level = ACT_LOG_INFO, .message = content};
  return format(&record) + strlen(T0 "INFO  ");
}

static const char *value(const char *content) {
  act_log_kv kv = {.key = "k", .kind = ACT_LOG_TEXT, .as = {.text = content}};
  act_log_record record = {.level = ACT_LOG_INFO, .kvs = &kv, .n_kvs = 1};
  return format(&record) + strlen(T0 "INFO  ");
}

static void a_record_with_everything_is_one_line(void **state) {
  (void)state;
  const act_log_kv kvs[] = {
      {"child", ACT_LOG_TEXT, {.text = "w1"}}, {"i", ACT_LOG_I64, {.i64 = INT64_MIN}},
      {"u", ACT_LOG_U64, {.u64 = UINT64_MAX}}, {"f", ACT_LOG_F64, {.f64 = 0.5}},
      {"none", ACT_LOG_TEXT, {.text = NULL}},  {"odd", (act_log_kind)99, {.i64 = 1}},
  };
  act_log_record record = {.level = ACT_LOG_WARN,
                           .wall_ns = INT64_C(1234567890123456789),
                           .component = "supervisor",
                           .actor = "counter",
                           .message = "child restarted",
                           .kvs = kvs,
                           .n_kvs = 6};
  assert_string_equal(
      format(&record),
      "2009-02-13T23:31:30.123Z WARN  supervisor [counter] child restarted child=w1 "
      "i=-9223372036854775808 u=18446744073709551615 f=0.5 none= odd=?");
}

static void a_record_with_nothing_is_a_line_too(void **state) {
  (void)state;
  static const struct {
    act_log_level level;
    const char *line;
  } rows[] = {
      {ACT_LOG_DEBUG, T0 "DEBUG"},
      {ACT_LOG_INFO, T0 "INFO "},
      {ACT_LOG_ERROR, T0 "ERROR"},
      {(act_log_level)7, T0 "?    "},
  };
  for (size_t i = 0; i < 4; i++) {
    act_log_record record = {.level = rows[i].level};
    assert_string_equal(format(&record), rows[i].line);
  }
}

static void what_could_break_a_line_is_escaped(void **state) {
  (void)state;
  assert_string_equal(message("a\nb\tc\rd"), "a\\nb\\tc\\rd");
  assert_string_equal(message("\x1b[31m\x7f\x01"), "\\x1b[31m\\x7f\\x01");
  assert_string_equal(message("C:\\n \"q\""), "C:\\\\n \"q\"");
}

static void characters_pass_and_broken_ones_are_escaped(void **state) {
  (void)state;
  assert_string_equal(message("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x8e\xad"),
                      "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x8e\xad");
  assert_string_equal(message("\xff\x80"), "\\xff\\x80");
  assert_string_equal(message("\xc2\x9b"
                              "31m"),
                      "\\xc2\\x9b31m");                                      // C1 control
  assert_string_equal(message("\xc0\xaf"), "\\xc0\\xaf");                    // overlong
  assert_string_equal(message("\xe0\x9f\xbf"), "\\xe0\\x9f\\xbf");           // overlong
  assert_string_equal(message("\xf0\x8f\xbf\xbf"), "\\xf0\\x8f\\xbf\\xbf");  // overlong
  assert_string_equal(message("\xed\xa0\x80"), "\\xed\\xa0\\x80");           // surrogate
  assert_string_equal(message("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");  // too large
  assert_string_equal(message("\xc3"), "\\xc3");                             // ends too early
  assert_string_equal(message("\xe2\x82"), "\\xe2\\x82");
  assert_string_equal(message("\xf0\x9f\x8e"), "\\xf0\\x9f\\x8e");
}

static void values_are_quoted_where_they_need_it(void **state) {
  (void)state;
  assert_string_equal(value("plain"), "k=plain");
  assert_string_equal(value(""), "k=\"\"");
  assert_string_equal(value("two words"), "k=\"two words\"");
  assert_string_equal(value("a=b"), "k=\"a=b\"");
  assert_string_equal(value("say \"hi\""), "k=\"say \\\"hi\\\"\"");
  assert_string_equal(value("x\n"), "k=\"x\\n\"");
  assert_string_equal(value("\\"), "k=\"\\\\\"");
}

static void keys_components_and_actors_cannot_pretend_to_be_more(void **state) {
  (void)state;
  act_log_kv kv = {.key = "a=b \"c", .kind = ACT_LOG_I64, .as = {.i64 = 1}};
  act_log_record record = {.level = ACT_LOG_INFO,
                           .component = "one two",
                           .actor = "x] y",
                           .message = "m",
                           .kvs = &kv,
                           .n_kvs = 1};
  assert_string_equal(format(&record), T0 "INFO  one\\x20two [x\\x5d y] m a\\x3db\\x20\\\"c=1");
}

static void a_line_fits_to_the_last_byte_and_is_cut_one_past_it(void **state) {
  (void)state;
  static char long_message[ACT_LOG_LINE + 1];
  size_t head = strlen(T0 "INFO  ");
  size_t room = ACT_LOG_LINE - 1 - head;
  memset(long_message, 'm', room);
  assert_string_equal(message(long_message), long_message);

  long_message[room] = 'm';
  const char *cut = message(long_message);
  assert_int_equal(strlen(cut), room);
  assert_string_equal(cut + room - 4, "m...");
}

static void a_cut_never_splits_a_character_or_an_escape(void **state) {
  (void)state;
  static char long_message[2 * ACT_LOG_LINE];
  static const char *const pieces[] = {"\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x8e\xad", "\x01",
                                       "\n"};
  static const char *const shown[] = {"\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x8e\xad", "\\x01",
                                      "\\n"};
  for (size_t k = 0; k < 5; k++) {
    for (size_t size = 64; size < 80; size++) {
      long_message[0] = '\0';
      for (int i = 0; i < 100; i++) strcat(long_message, pieces[k]);
      act_log_record record = {.level = ACT_LOG_INFO, .message = long_message};
      const char *line = format_to(&record, size) + strlen(T0 "INFO  ");
      size_t length = strlen(line), piece = strlen(shown[k]);
      assert_string_equal(line + length - 3, "...");
      assert_int_equal((length - 3) % piece, 0);
      assert_true(strlen(T0 "INFO  ") + length + 1 + piece > size);
    }
  }
}

struct taken {
  int records;
  act_log_record last;
  char message[ACT__LOG_MESSAGE + 1];
};

static void take(void *arg, const act_log_record *record) {
  struct taken *taken = arg;
  taken->records++;
  taken->last = *record;
  snprintf(taken->message, sizeof taken->message, "%s", record->message);
}

static void a_sink_gets_what_its_level_lets_pass(void **state) {
  (void)state;
  struct taken taken = {0};
  act_log_sink sink = {take, &taken, ACT_LOG_WARN};
  act__log(&sink, ACT_LOG_INFO, "c", "quiet");
  assert_int_equal(taken.records, 0);
  act__log(&sink, ACT_LOG_WARN, "c", "value %d", 42);
  assert_int_equal(taken.records, 1);
  assert_string_equal(taken.message, "value 42");
  assert_string_equal(taken.last.component, "c");
  assert_true(taken.last.wall_ns > 0);
  assert_int_equal(taken.last.level, ACT_LOG_WARN);

  act_log_record record = {.level = ACT_LOG_INFO, .message = "whole"};
  act__log_record(&sink, &record);
  assert_int_equal(taken.records, 1);
  record.level = ACT_LOG_ERROR;
  act__log_record(&sink, &record);
  assert_int_equal(taken.records, 2);
  assert_string_equal(taken.message, "whole");
}

static void a_sink_of_zeros_discards(void **state) {
  (void)state;
  act_log_sink sink = {NULL, NULL, ACT_LOG_DEBUG};
  act_log_record record = {.level = ACT_LOG_ERROR, .message = "unheard"};
  act__log(&sink, ACT_LOG_ERROR, "c", "unheard");
  act__log_record(&sink, &record);
}

static void a_message_is_cut_at_its_bound(void **state) {
  (void)state;
  static char long_message[ACT__LOG_MESSAGE + 10];
  struct taken taken = {0};
  act_log_sink sink = {take, &taken, ACT_LOG_DEBUG};
  memset(long_message, 'm', ACT__LOG_MESSAGE - 1);
  act__log(&sink, ACT_LOG_INFO, "c", "%s", long_message);
  assert_string_equal(taken.message, long_message);
  long_message[ACT__LOG_MESSAGE - 1] = 'm';
  act__log(&sink, ACT_LOG_INFO, "c", "%s", long_message);
  assert_int_equal(strlen(taken.message), ACT__LOG_MESSAGE - 1);
  assert_string_equal(taken.message + ACT__LOG_MESSAGE - 5, "m...");
}

static void the_default_sink_writes_lines_to_standard_error(void **state) {
  (void)state;
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  int kept = dup(STDERR_FILENO);
  dup2(ends[1], STDERR_FILENO);
  errno = 4711;
  act__log(NULL, ACT_LOG_DEBUG, "test", "not shown");
  act__log(NULL, ACT_LOG_INFO, "test", "first\nsecond");
  act_log_record record = {.level = ACT_LOG_ERROR, .message = "third"};
  act__log_record(NULL, &record);
  int errno_after = errno;
  dup2(kept, STDERR_FILENO);
  close(kept);
  close(ends[1]);
  char got[400] = "";
  ssize_t length = read(ends[0], got, sizeof got - 1);
  close(ends[0]);

  assert_true(length > 0);
  assert_int_equal(errno_after, 4711);
  assert_string_equal(strchr(got, 'Z'), "Z INFO  test first\\nsecond\n" T0 "ERROR third\n");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_record_with_everything_is_one_line),
      cmocka_unit_test(a_record_with_nothing_is_a_line_too),
      cmocka_unit_test(what_could_break_a_line_is_escaped),
      cmocka_unit_test(characters_pass_and_broken_ones_are_escaped),
      cmocka_unit_test(values_are_quoted_where_they_need_it),
      cmocka_unit_test(keys_components_and_actors_cannot_pretend_to_be_more),
      cmocka_unit_test(a_line_fits_to_the_last_byte_and_is_cut_one_past_it),
      cmocka_unit_test(a_cut_never_splits_a_character_or_an_escape),
      cmocka_unit_test(a_sink_gets_what_its_level_lets_pass),
      cmocka_unit_test(a_sink_of_zeros_discards),
      cmocka_unit_test(a_message_is_cut_at_its_bound),
      cmocka_unit_test(the_default_sink_writes_lines_to_standard_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
