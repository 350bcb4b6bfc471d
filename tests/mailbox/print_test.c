// SPDX-License-Identifier: Apache-2.0
//
// mailbox/print and act_pid_text: messages and addresses for people.
#include "mailbox/print.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/mailbox/sample.h"

ACT_MSG(counter_incr, (i64, by, 1)(str, why, 2))
ACT_MSG(when, (time, at, 1))
ACT_MSG(numbers, (list, of, 1, u32)(f64, real, 2)(opt, limit, 3, i64)(flag, on, 4))
ACT_MSG(whom, (pid, who, 1)(bytes, raw, 2)(buf, blob, 3))

static char line[4096];

static const char *print(const act_schema *schema, const void *message) {
  size_t length = act_print(schema, message, line, sizeof line);

  assert_int_equal(length, strlen(line));
  return line;
}

static void message_is_one_line(void **state) {
  (void)state;
  counter_incr m = {.by = 1, .why = ACT_STR("tick")};

  assert_string_equal(print(&counter_incr_schema, &m), "counter_incr{by=1 why=\"tick\"}");
}

static void text_is_escaped(void **state) {
  (void)state;
  counter_incr m = {.why = ACT_STR("a\"\\\n\t\x01\x7f\xff\xc3\xa9\xc2\x85\xed\xa0\x80z")};

  assert_string_equal(print(&counter_incr_schema, &m),
                      "counter_incr{by=0 why=\"a\\\"\\\\\\n\\t\\x01\\x7f\\xff\xc3\xa9\\u0085"
                      "\\xed\\xa0\\x80z\"}");
}

static void text_at_the_bound_is_whole_and_one_past_it_cut(void **state) {
  (void)state;
  char text[66] = {0};
  char expected[128];
  counter_incr m = {.why = {text, ACT_PRINT_TEXT_MAX}};

  memset(text, 'x', 65);
  snprintf(expected, sizeof expected, "counter_incr{by=0 why=\"%.64s\"}", text);
  assert_string_equal(print(&counter_incr_schema, &m), expected);
  m.why.size++;
  snprintf(expected, sizeof expected, "counter_incr{by=0 why=\"%.64s...\"+1}", text);
  assert_string_equal(print(&counter_incr_schema, &m), expected);
}

static void list_at_the_bound_is_whole_and_one_past_it_cut(void **state) {
  (void)state;
  uint32_t many[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  numbers m = {.of = {many, 8}, .real = -0.5, .limit = ACT_SOME(7), .on = true};

  assert_string_equal(print(&numbers_schema, &m),
                      "numbers{of=[1 2 3 4 5 6 7 8] real=-0.5 limit=7 on=true}");
  m.of.count = 9;
  m.limit.has = false;
  assert_string_equal(print(&numbers_schema, &m),
                      "numbers{of=[1 2 3 4 5 6 7 8 ... +1] real=-0.5 limit=none on=true}");
}

static void bytes_are_hexadecimal_and_cut(void **state) {
  (void)state;
  uint8_t raw[17] = {0xde, 0xad};
  whom m = {.raw = act_bytes_of(raw, 2)};

  assert_string_equal(print(&whom_schema, &m), "whom{who=nobody raw=<dead> blob=buf(0)}");
  m.raw.size = 17;
  assert_string_equal(
      print(&whom_schema, &m),
      "whom{who=nobody raw=<dead0000000000000000000000000000...>+1 blob=buf(0)}");
}

static void address_has_a_text(void **state) {
  (void)state;
  char text[ACT_PID_TEXT_MAX];
  act_pid most = {UINT64_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, 0};
  act_pid nobody = {0, 5, 6, 7, 0};

  assert_string_equal(act_pid_text((act_pid){0xabc, 1, 2, 3, 0}, text), "0000000000000abc.1.2.3");
  assert_string_equal(act_pid_text(most, text),
                      "ffffffffffffffff.4294967295.4294967295.4294967295");
  assert_string_equal(act_pid_text(nobody, text), "nobody");
}

static void times_are_iso_8601(void **state) {
  (void)state;
  static const struct {
    int64_t unix_ns;
    const char *text;
  } rows[] = {
      {0, "1970-01-01T00:00:00.000000000Z"},
      {-1, "1969-12-31T23:59:59.999999999Z"},
      {INT64_C(951782400000000000), "2000-02-29T00:00:00.000000000Z"},
      {INT64_C(951868799999999999), "2000-02-29T23:59:59.999999999Z"},
      {INT64_C(4107542400000000000), "2100-03-01T00:00:00.000000000Z"},
      {INT64_C(4107542399000000000), "2100-02-28T23:59:59.000000000Z"},
      {INT64_C(1735689599123456789), "2024-12-31T23:59:59.123456789Z"},
      {INT64_C(-2208988800000000000), "1900-01-01T00:00:00.000000000Z"},
      {INT64_MAX, "2262-04-11T23:47:16.854775807Z"},
      {INT64_MIN, "1677-09-21T00:12:43.145224192Z"},
  };

  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char expected[64];
    when m = {.at = {rows[i].unix_ns}};
    snprintf(expected, sizeof expected, "when{at=%s}", rows[i].text);
    assert_string_equal(print(&when_schema, &m), expected);
  }
}

static void nested_messages_are_shown(void **state) {
  (void)state;
  point points[] = {{1, 2}, {3, 4}};
  everything m = {.points = ACT_LIST(points)};

  assert_non_null(strstr(print(&everything_schema, &m), " points=[{x=1 y=2} {x=3 y=4}] "));
  assert_non_null(strstr(line, " a_nothing={} nothings=[]}"));
}

static void too_small_a_buffer_cuts_and_tells_the_length(void **state) {
  (void)state;
  counter_incr m = {.by = 1, .why = ACT_STR("tick")};
  const char *whole = "counter_incr{by=1 why=\"tick\"}";
  size_t length = strlen(whole);

  assert_int_equal(act_print(&counter_incr_schema, &m, NULL, 0), length);
  for (size_t size = 1; size <= length + 2; size++) {
    char *out = malloc(size);
    assert_non_null(out);
    assert_int_equal(act_print(&counter_incr_schema, &m, out, size), length);
    assert_int_equal(strlen(out), size <= length ? size - 1 : length);
    assert_memory_equal(out, whole, strlen(out));
    free(out);
  }
}

static void line_of_any_message_is_bounded_and_printable(void **state) {
  (void)state;
  static struct sample_arena arena;
  struct act__rand rand;

  act__rand_seed(&rand, 7);
  for (int i = 0; i < 200; i++) {
    everything m = {0};
    char out[16384];
    arena.used = 0;
    sample_fill(&everything_schema, &m, &rand, &arena);
    assert_true(act_print(&everything_schema, &m, out, sizeof out) < sizeof out);
    for (const char *p = out; *p; p++) assert_true((unsigned char)*p >= 0x20);
    sample_release(&everything_schema, &m);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(message_is_one_line),
      cmocka_unit_test(text_is_escaped),
      cmocka_unit_test(text_at_the_bound_is_whole_and_one_past_it_cut),
      cmocka_unit_test(list_at_the_bound_is_whole_and_one_past_it_cut),
      cmocka_unit_test(bytes_are_hexadecimal_and_cut),
      cmocka_unit_test(address_has_a_text),
      cmocka_unit_test(times_are_iso_8601),
      cmocka_unit_test(nested_messages_are_shown),
      cmocka_unit_test(too_small_a_buffer_cuts_and_tells_the_length),
      cmocka_unit_test(line_of_any_message_is_bounded_and_printable),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
