// SPDX-License-Identifier: Apache-2.0
//
// Assertions and the panic line, each tried in a child process that may die.
#include "base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

// Runs fn in a child whose standard error goes to `text`. Returns the signal that ended it, or 0.
static int run_in_child(void (*fn)(void), char *text, size_t size) {
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    signal(SIGABRT, SIG_DFL);  // cmocka's own handler would take it for a failed test
    dup2(ends[1], STDERR_FILENO);
    fn();
    _exit(0);
  }
  close(ends[1]);
  size_t length = 0;
  ssize_t got;
  while ((got = read(ends[0], text + length, size - 1 - length)) > 0) length += (size_t)got;
  text[length] = '\0';
  close(ends[0]);
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static bool ends_with(const char *text, const char *end) {
  return strlen(text) >= strlen(end) && strcmp(text + strlen(text) - strlen(end), end) == 0;
}

static void assert_something_false(void) {
  ACT_ASSERT(1 + 1 == 3);
}

static void a_false_assertion_aborts_with_the_place_and_the_expression(void **state) {
  (void)state;
  char text[2048];

  assert_int_equal(run_in_child(assert_something_false, text, sizeof text), SIGABRT);
  assert_non_null(strstr(text, "check_test.c:"));
  assert_true(ends_with(text, "assertion failed: 1 + 1 == 3\n"));
}

static void panic_with_values(void) {
  ACT_PANIC("%s %d", "value", 42);
}

static void a_panic_prints_its_values(void **state) {
  (void)state;
  char text[2048];

  assert_int_equal(run_in_child(panic_with_values, text, sizeof text), SIGABRT);
  assert_true(ends_with(text, "value 42\n"));
}

static void panic_at_length(void) {
  static char file[3000], long_text[3000];
  memset(file, 'f', sizeof file - 1);
  memset(long_text, 'x', sizeof long_text - 1);
  act__panic(file, 1, "%s", long_text);
}

static void a_panic_that_is_too_long_is_one_cut_line(void **state) {
  (void)state;
  char text[4096];

  assert_int_equal(run_in_child(panic_at_length, text, sizeof text), SIGABRT);
  assert_int_equal(strlen(text), 1024);
  assert_true(ends_with(text, "xxx\n"));
}

static void a_true_assertion_evaluates_once_and_goes_on(void **state) {
  (void)state;
  int times = 0;
  ACT_ASSERT(++times == 1);
  assert_int_equal(times, 1);
}

static void container_of_finds_the_struct(void **state) {
  (void)state;
  struct outer {
    int a, b;
  } outer;
  assert_ptr_equal(ACT__CONTAINER_OF(&outer.b, struct outer, b), &outer);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_false_assertion_aborts_with_the_place_and_the_expression),
      cmocka_unit_test(a_panic_prints_its_values),
      cmocka_unit_test(a_panic_that_is_too_long_is_one_cut_line),
      cmocka_unit_test(a_true_assertion_evaluates_once_and_goes_on),
      cmocka_unit_test(container_of_finds_the_struct),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
