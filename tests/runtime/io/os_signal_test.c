// SPDX-License-Identifier: Apache-2.0
#include "tests/runtime/io/io_support.h"

#include <signal.h>

#include "base/alloc.h"
#include "runtime/io/os_signal.h"

static int arrived[2];

static void on_signal(void *arg, int number) {
  assert_true(number == SIGTERM || number == SIGUSR1);
  arrived[*(int *)arg]++;
}

static void a_signal_arrives_as_a_callback_of_the_loop(void **state) {
  (void)state;
  struct act__loop *loop = new_loop();
  struct act__os_signal *term, *usr;
  int zero = 0, one = 1;
  assert_int_equal(act__os_signal_open(loop, SIGTERM, on_signal, &zero, &term), ACT_OK);
  assert_int_equal(act__os_signal_open(loop, SIGUSR1, on_signal, &one, &usr), ACT_OK);

  assert_int_equal(kill(getpid(), SIGTERM), 0);
  POLL_UNTIL(loop, arrived[0] == 1);
  assert_int_equal(arrived[1], 0);
  assert_int_equal(kill(getpid(), SIGUSR1), 0);
  POLL_UNTIL(loop, arrived[1] == 1);
  assert_int_equal(arrived[0], 1);

  act__os_signal_close(term);
  act__os_signal_close(usr);
  act__os_signal_close(NULL);
  act__loop_destroy(loop);
}

static void signals_that_cannot_be_caught_are_refused(void **state) {
  (void)state;
  struct act__loop *loop = new_loop();
  struct act__os_signal *signal;
  int zero = 0;

  assert_int_equal(act__os_signal_open(loop, SIGKILL, on_signal, &zero, &signal), ACT_EINVAL);
  assert_int_equal(act__os_signal_open(loop, 0, on_signal, &zero, &signal), ACT_EINVAL);
  assert_int_equal(act__os_signal_open(loop, 4711, on_signal, &zero, &signal), ACT_EINVAL);
  act__alloc_fail_after(0);
  act_rc rc = act__os_signal_open(loop, SIGTERM, on_signal, &zero, &signal);
  act__alloc_fail_after(-1);
  assert_int_equal(rc, ACT_ENOMEM);

  act__loop_destroy(loop);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_signal_arrives_as_a_callback_of_the_loop),
      cmocka_unit_test(signals_that_cannot_be_caught_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
