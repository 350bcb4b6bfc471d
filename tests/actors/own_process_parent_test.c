// SPDX-License-Identifier: Apache-2.0
//
// Own processes and the end of their parent: killed, interrupted, terminated. The parents here are
// this program once more.
#include <errno.h>
#include <sys/syscall.h>

#include "tests/actors/kid.h"

// --- the parent dies -----------------------------------------------------------------------------------

#define DOOMED "TROUPE_TEST_DOOMED"

// Writes the number of the kid's process to a descriptor, once signals are watched.
ACT_ACTOR0(herald, struct kid, int)
ACT_ON(herald, on_kid, km_state)
ACT_ON_TICK(herald, on_look)
static int herald_out;

static bool is_watched(int number) {
  struct sigaction now;
  return sigaction(number, NULL, &now) == 0 && now.sa_handler != SIG_DFL;
}

static act_rc herald_init(struct kid *self, act_cx *cx, const int *out) {
  (void)self;
  herald_out = *out;
  return act_after(cx, ACT_MS(1), on_look_then(0), NULL);
}

static act_rc on_look(struct kid *self, act_cx *cx, const act_tick *tick) {
  (void)self;
  (void)tick;
  if (!is_watched(SIGINT) || !is_watched(SIGTERM)) {
    return act_after(cx, ACT_MS(1), on_look_then(0), NULL);
  }
  kidp_svc svc;
  act_rc rc = kidp_svc_named(cx, "kid", &svc);
  return rc ? rc : kidp_svc_ask_get(cx, svc, (km_get){0}, ACT_SEC(15), on_kid_then(0));
}

static act_rc on_kid(struct kid *self, act_cx *cx, act_rc st, const km_state *v, uintptr_t tag) {
  (void)self;
  (void)cx;
  (void)tag;
  if (st) return st;
  long long pid = v->os_pid;
  return write(herald_out, &pid, sizeof pid) == sizeof pid ? ACT_OK : ACT_EFAIL;
}

// A whole program: act_main, and what signals do to it.
static int signalled_main(int out) {
  const act_child mine[] = {kids[0], kids[1], {.id = "herald", .behavior = &herald, .args = &out}};
  const act_sup root = {.kids = mine, .nkids = 3};
  return act_main(&(act_node){.name = "signalled", .log = &quiet}, &root);
}

// A program of its own: says the number of its child's process, and waits to be killed.
static int doomed_main(int out) {
  struct stage stage;
  diary_open();
  if (getenv(DOOMED "_SIGNAL")) return signalled_main(out);
  open_tree(&stage);
  long long pid = wait_up();
  if (getenv(DOOMED "_LOOP")) {
    if (kidp_svc_send_die(stage.cx, kid_of(&stage), (km_do){.what = LOOP})) return 1;
    diary_wait("looping");
  }
  if (write(out, &pid, sizeof pid) != sizeof pid) return 1;
  act_wait(stage.rt);
  return 0;
}

// Starts this program as a parent of its own, which says the number of its child's process.
static pid_t start_parent(const char *how, int *end, long long *child) {
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  pid_t parent = fork();
  assert_true(parent >= 0);
  if (parent == 0) {
    char fd[16];
    snprintf(fd, sizeof fd, "%d", ends[1]);
    setenv(DOOMED, fd, 1);
    if (how) setenv(how, "1", 1);
    setpgid(0, 0);
    close(ends[0]);
    execl("/proc/self/exe", "doomed", (char *)NULL);
    _exit(127);
  }
  close(ends[1]);
  *end = ends[0];
  assert_int_equal(read(ends[0], child, sizeof *child), sizeof *child);
  assert_int_equal(kill((pid_t)*child, 0), 0);
  return parent;
}

// A process that has lost its parent is reaped by somebody else, if at all.
static void await_end(long long child) {
  int fd = (int)syscall(SYS_pidfd_open, (pid_t)child, 0);
  if (fd < 0) {
    assert_int_equal(errno, ESRCH);
    return;
  }
  struct pollfd end = {.fd = fd, .events = POLLIN};
  assert_int_equal(poll(&end, 1, PATIENCE_S * 1000), 1);
  close(fd);
}

static void kill_the_parent(const char *how) {
  int end;
  long long child;
  pid_t parent = start_parent(how, &end, &child);
  assert_int_equal(kill(parent, SIGKILL), 0);
  assert_int_equal(waitpid(parent, NULL, 0), parent);
  await_end(child);
  close(end);
}

static void signal_the_group(int number, int code) {
  int end, status;
  long long child;
  pid_t parent = start_parent(DOOMED "_SIGNAL", &end, &child);
  assert_int_equal(kill(-parent, number), 0);
  assert_int_equal(waitpid(parent, &status, 0), parent);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), code);
  await_end(child);
  close(end);
}

static void a_signal_to_all_of_them_is_an_ordered_stop(void **state) {
  (void)state;
  signal_the_group(SIGINT, 130);
  signal_the_group(SIGTERM, 143);
}

static void ctrl_c_is_the_parents_alone(void **state) {
  (void)state;
  struct stage stage;
  open_tree(&stage);
  long long pid = wait_up();
  assert_int_equal(kill((pid_t)pid, SIGINT), 0);
  const km_state *answer;
  assert_int_equal(kidp_svc_call_get(stage.cx, kid_of(&stage), (km_get){0}, ACT_SEC(10), &answer),
                   ACT_OK);
  assert_int_equal(answer->os_pid, pid);
  act_reply_free(stage.cx, answer);
  stage_close(&stage);
}

static void the_process_ends_when_its_parent_is_killed(void **state) {
  (void)state;
  kill_the_parent(NULL);
}

static void so_does_one_in_an_endless_handler(void **state) {
  (void)state;
  kill_the_parent(DOOMED "_LOOP");
}

int main(void) {
  if (act_is_child_process()) {
    return act_main(&(act_node){.name = "kid", .log = &quiet}, &tree);
  }
  const char *fd = getenv(DOOMED);
  if (fd) {
    int out = atoi(fd);
    unsetenv(DOOMED);
    return doomed_main(out);
  }
  diary_open();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_process_ends_when_its_parent_is_killed),
      cmocka_unit_test(so_does_one_in_an_endless_handler),
      cmocka_unit_test(a_signal_to_all_of_them_is_an_ordered_stop),
      cmocka_unit_test(ctrl_c_is_the_parents_alone),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  diary_clear();
  return failed;
}
