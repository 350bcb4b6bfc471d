// SPDX-License-Identifier: Apache-2.0
//
// The first signal asks for an ordered stop, the second one is obeyed at once. The program that is
// signalled is this one once more, with an actor that never returns from its handler and a stop that
// may take ten minutes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <troupe.h>

#define SIGNALLED "TROUPE_TEST_SIGNALLED"
#define STOP_MS 600000u

static int out;

struct hog {
  int nothing;
};
ACT_ACTOR0(hog, struct hog, act_noargs)
ACT_ON_TICK(hog, on_look)

static bool is_watched(int number) {
  struct sigaction now;
  return sigaction(number, NULL, &now) == 0 && now.sa_handler != SIG_DFL;
}

static act_rc hog_init(struct hog *self, act_cx *cx, const act_noargs *args) {
  (void)self;
  (void)args;
  return act_after(cx, ACT_MS(1), on_look_then(0), NULL);
}

static act_rc on_look(struct hog *self, act_cx *cx, const act_tick *tick) {
  (void)self;
  (void)tick;
  if (!is_watched(SIGINT) || !is_watched(SIGTERM)) {
    return act_after(cx, ACT_MS(1), on_look_then(0), NULL);
  }
  if (write(out, "!", 1) != 1) return ACT_EFAIL;
  for (volatile unsigned i = 0;; i++) {
  }
}

static int signalled_main(void) {
  out = atoi(getenv(SIGNALLED));
  const act_child kids[] = {{.id = "hog", .behavior = &hog, .stop_ms = STOP_MS}};
  const act_sup root = {.kids = kids, .nkids = 1};
  return act_main(&(act_node){.name = "signalled", .workers = 2, .stop_ms = STOP_MS}, &root);
}

static pid_t start_program(int *in) {
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    char text[16];
    snprintf(text, sizeof text, "%d", ends[1]);
    setenv(SIGNALLED, text, 1);
    execl("/proc/self/exe", "signalled", (char *)NULL);
    _exit(127);
  }
  close(ends[1]);
  *in = ends[0];
  return pid;
}

static void second_signal_ends_a_stop_that_waits_for_a_stuck_actor(void **state) {
  (void)state;
  int in, status;
  pid_t pid = start_program(&in);
  char byte;
  assert_int_equal(read(in, &byte, 1), 1);  // it hangs in its handler now
  // Two different ones: of two equal ones that are pending the system makes one.
  assert_int_equal(kill(pid, SIGTERM), 0);
  assert_int_equal(kill(pid, SIGINT), 0);
  assert_int_equal(waitpid(pid, &status, 0), pid);
  close(in);
  assert_true(WIFEXITED(status));
  int code = WEXITSTATUS(status);  // of whichever of the two was seen second
  assert_true(code == 128 + SIGTERM || code == 128 + SIGINT);
}

int main(void) {
  if (getenv(SIGNALLED)) return signalled_main();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(second_signal_ends_a_stop_that_waits_for_a_stuck_actor),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
