// SPDX-License-Identifier: Apache-2.0
//
// The children here are this test program itself; what a child does is in the variable CHILD_DOES.
#include "tests/runtime/io/io_support.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "runtime/io/process.h"
#include "runtime/io/socket.h"

static const char *own_first_argument = "";

// --- the child's side ---------------------------------------------------------------------------

static bool wait_readable(int fd) {
  struct pollfd one = {.fd = fd, .events = POLLIN};
  int n;
  do {
    n = poll(&one, 1, -1);
  } while (n < 0 && errno == EINTR);
  return n == 1;
}

static ssize_t read_link(int fd, char *buffer, size_t size) {
  return wait_readable(fd) ? read(fd, buffer, size) : -1;
}

static int child_echoes(int link) {
  char buffer[256];
  for (;;) {
    ssize_t n = read_link(link, buffer, sizeof buffer);
    if (n <= 0) return n == 0 ? 0 : 1;
    if (write(link, buffer, (size_t)n) != n) return 1;
  }
}

// One line with all that a child can see of what it was given.
static int child_reports(int link) {
  struct rlimit as, cpu, nofile;
  getrlimit(RLIMIT_AS, &as);
  getrlimit(RLIMIT_CPU, &cpu);
  getrlimit(RLIMIT_NOFILE, &nofile);
  char byte, go, line[400];
  read_link(link, &go, 1);  // the parent says when the limits are set
  getrlimit(RLIMIT_AS, &as);
  getrlimit(RLIMIT_CPU, &cpu);
  getrlimit(RLIMIT_NOFILE, &nofile);
  struct sigaction interrupt;
  sigaction(SIGINT, NULL, &interrupt);
  int n =
      snprintf(line, sizeof line,
               "stdin=%d fds=%d cloexec=%d variable=%d sigint_ignored=%d group=%d arg=%s "
               "as=%llu cpu=%llu/%llu nofile=%llu\n",
               (int)read(0, &byte, 1), count_descriptors(),
               (fcntl(link, F_GETFD) & FD_CLOEXEC) != 0, getenv(ACT__PROCESS_FD_ENV) != NULL,
               interrupt.sa_handler == SIG_IGN, getpgrp() == getpgid(getppid()), own_first_argument,
               (unsigned long long)as.rlim_cur, (unsigned long long)cpu.rlim_cur,
               (unsigned long long)cpu.rlim_max, (unsigned long long)nofile.rlim_cur);
  return write(link, line, (size_t)n) == n ? 0 : 1;
}

static int be_a_child(int link) {
  const char *what = getenv("CHILD_DOES");
  if (!what) return 99;
  if (strcmp(what, "echo") == 0) return child_echoes(link);
  if (strcmp(what, "report") == 0) return child_reports(link);
  if (strcmp(what, "exit7") == 0) return 7;
  if (strcmp(what, "abort") == 0) {
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    signal(SIGABRT, SIG_DFL);
    abort();
  }
  if (strcmp(what, "interrupt") == 0) {
    raise(SIGINT);
    return 5;  // still there
  }
  return 98;
}

// --- the parent's side --------------------------------------------------------------------------

struct ending {
  int count;
  int64_t status;
  int signal;
};

static void on_exit_seen(void *arg, int64_t status, int signal) {
  struct ending *ending = arg;
  ending->count++;
  ending->status = status;
  ending->signal = signal;
}

static struct act__process *start(struct act__loop *loop, const char *does, struct ending *ending,
                                  int *link) {
  struct act__process *process;
  *ending = (struct ending){0};
  struct act__process_options options = {.env = does, .on_exit = on_exit_seen, .arg = ending};
  assert_int_equal(act__process_spawn(loop, &options, &process, link), ACT_OK);
  return process;
}

static void expect_end(const char *does, int64_t status, int signal) {
  struct act__loop *loop = new_loop();
  struct ending ending;
  int link;
  start(loop, does, &ending, &link);

  POLL_UNTIL(loop, ending.count);

  assert_int_equal(ending.count, 1);
  assert_int_equal(ending.status, status);
  assert_int_equal(ending.signal, signal);
  char byte;
  assert_int_equal(read_link(link, &byte, 1), 0);
  act__socket_close(link);
  act__loop_destroy(loop);
}

static void a_child_is_this_program_and_talks_over_its_link(void **state) {
  (void)state;
  int before = count_descriptors();
  struct act__loop *loop = new_loop();
  struct ending ending;
  int link;
  char buffer[8] = {0};
  start(loop, "CHILD_DOES=echo", &ending, &link);

  assert_int_equal(write(link, "hello", 5), 5);
  assert_int_equal(read_link(link, buffer, sizeof buffer), 5);
  assert_string_equal(buffer, "hello");
  act__socket_close(link);  // and it ends when its link does
  POLL_UNTIL(loop, ending.count);

  assert_int_equal(ending.status, 0);
  assert_int_equal(ending.signal, 0);
  act__loop_destroy(loop);
  // libuv keeps a pair for signals.
  assert_true(count_descriptors() <= before + 2);
}

static void an_exit_status_and_a_signal_are_told_apart(void **state) {
  (void)state;
  expect_end("CHILD_DOES=exit7", 7, 0);
  expect_end("CHILD_DOES=abort", 0, SIGABRT);
}

static void a_child_that_is_killed_is_seen_as_killed_by_signal_9(void **state) {
  (void)state;
  struct act__loop *loop = new_loop();
  struct ending ending;
  int link;
  struct act__process *process = start(loop, "CHILD_DOES=echo", &ending, &link);

  assert_true(act__process_id(process) > 0);
  assert_int_equal(act__process_kill(process, SIGKILL), ACT_OK);
  POLL_UNTIL(loop, ending.count);

  assert_int_equal(ending.signal, SIGKILL);
  act__socket_close(link);
  act__loop_destroy(loop);
}

static void an_interrupt_of_the_terminal_leaves_the_child_alone(void **state) {
  (void)state;
  expect_end("CHILD_DOES=interrupt", 5, 0);
}

static void a_child_gets_its_link_and_limits_and_nothing_else(void **state) {
  (void)state;
  struct act__loop *loop = new_loop();
  struct ending ending = {0};
  struct act__process *process;
  char report[400] = {0};
  int link;
  int leaky = open("/dev/null", O_RDONLY);  // without close-on-exec
  assert_true(leaky >= 0);
  struct rlimit nofile;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &nofile), 0);
  struct act__process_options options = {
    .env = "CHILD_DOES=report",
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(__clang__)
    .address_space_bytes = UINT64_C(1) << 32,
#endif
    .cpu_seconds = 100,
    .descriptors = 77,
    .on_exit = on_exit_seen,
    .arg = &ending,
  };

  assert_int_equal(act__process_spawn(loop, &options, &process, &link), ACT_OK);
  assert_int_equal(write(link, "g", 1), 1);
  assert_true(read_link(link, report, sizeof report - 1) > 0);
  POLL_UNTIL(loop, ending.count);

  char expected[400];
  snprintf(expected, sizeof expected,
           "stdin=0 fds=4 cloexec=1 variable=0 sigint_ignored=1 group=1 arg=%s as=%llu "
           "cpu=100/101 nofile=77\n",
           own_first_argument,
           options.address_space_bytes ? (unsigned long long)options.address_space_bytes
                                       : (unsigned long long)RLIM_INFINITY);
  assert_string_equal(report, expected);
  close(leaky);
  act__socket_close(link);
  act__loop_destroy(loop);
}

static void a_program_that_does_not_exist_is_an_answer(void **state) {
  (void)state;
  int before;
  struct act__loop *loop = new_loop();
  struct ending ending = {0};
  struct act__process *process;
  int link = -1;
  char *argv[] = {(char *)"x", NULL};
  struct act__process_options options = {
      .file = "/no/such/program", .argv = argv, .on_exit = on_exit_seen, .arg = &ending};
  struct act__process_options *again = &options;

  assert_int_equal(act__process_spawn(loop, &options, &process, &link), ACT_ENOENT);
  before = count_descriptors();
  assert_int_equal(act__process_spawn(loop, again, &process, &link), ACT_ENOENT);
  poll_once(loop, 0);

  assert_int_equal(link, -1);
  assert_int_equal(ending.count, 0);
  assert_int_equal(count_descriptors(), before);
  act__loop_destroy(loop);
}

static void when_the_nth_allocation_fails_there_is_no_child_and_no_leak(void **state) {
  (void)state;
  struct act__loop *loop = new_loop();
  struct ending ending = {0};
  struct act__process *process;
  int link = -1;
  struct act__process_options options = {
      .env = "CHILD_DOES=exit7", .on_exit = on_exit_seen, .arg = &ending};
  int before = count_descriptors();
  int refused = 0;

  for (int n = 0;; n++) {
    act__alloc_fail_after(n);
    act_rc rc = act__process_spawn(loop, &options, &process, &link);
    act__alloc_fail_after(-1);
    if (rc == ACT_OK) break;
    assert_int_equal(rc, ACT_ENOMEM);
    assert_int_equal(count_descriptors(), before);
    refused++;
  }

  assert_true(refused >= 4);
  POLL_UNTIL(loop, ending.count);
  assert_int_equal(ending.status, 7);
  act__socket_close(link);
  act__loop_destroy(loop);
}

static void the_end_of_the_loop_ends_its_children(void **state) {
  (void)state;
  struct act__loop *loop = new_loop();
  struct ending ending;
  int link;
  struct act__process *process = start(loop, "CHILD_DOES=echo", &ending, &link);
  int id = act__process_id(process);

  act__loop_destroy(loop);

  assert_int_equal(kill(id, 0), -1);
  assert_int_equal(errno, ESRCH);
  act__socket_close(link);
}

static void nobodys_child_has_no_link(void **state) {
  (void)state;
  unsetenv(ACT__PROCESS_FD_ENV);
  assert_int_equal(act__process_child(), -1);
  const char *bad[] = {"", "x", "3x", "-1", "999999", "99999999999999999999"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    setenv(ACT__PROCESS_FD_ENV, bad[i], 1);
    assert_int_equal(act__process_child(), -1);
    assert_null(getenv(ACT__PROCESS_FD_ENV));
  }
}

int main(int argc, char **argv) {
  if (argc > 1) own_first_argument = argv[1];
  int link = act__process_child();
  if (link >= 0) return be_a_child(link);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_child_is_this_program_and_talks_over_its_link),
      cmocka_unit_test(an_exit_status_and_a_signal_are_told_apart),
      cmocka_unit_test(a_child_that_is_killed_is_seen_as_killed_by_signal_9),
      cmocka_unit_test(an_interrupt_of_the_terminal_leaves_the_child_alone),
      cmocka_unit_test(a_child_gets_its_link_and_limits_and_nothing_else),
      cmocka_unit_test(a_program_that_does_not_exist_is_an_answer),
      cmocka_unit_test(when_the_nth_allocation_fails_there_is_no_child_and_no_leak),
      cmocka_unit_test(the_end_of_the_loop_ends_its_children),
      cmocka_unit_test(nobodys_child_has_no_link),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
