// SPDX-License-Identifier: Apache-2.0
//
// A parent against an own process that speaks nonsense: the frames are written by hand, by this program
// once more. That child fails, and is killed; its parent goes on and stops in order.
#include <sys/socket.h>

#include "tests/actors/kid.h"

#include "base/bytes.h"
#include "runtime/io/process.h"
#include "runtime/net/frame.h"

// How the child behaves; the environment says it, because both are this program.
#define HOW "TROUPE_TEST_RAW_CHILD"

#define CHILD_NODE UINT64_C(0x3333)
#define SLOT 5

// --- the child -------------------------------------------------------------------------------------

static struct act__bytes out;

static bool write_out(int fd) {
  size_t at = 0;
  while (at < out.length) {
    ssize_t n = send(fd, out.data + at, out.length - at, MSG_NOSIGNAL);
    if (n <= 0) return false;
    at += (size_t)n;
  }
  act__bytes_reset(&out);
  return true;
}

// Reads until a frame of that type has come.
static bool read_until(int fd, enum act__frame_type type) {
  static uint8_t in[2 * ACT__FRAME_MAX];
  static size_t size;
  for (;;) {
    uint32_t length;
    act_rc rc;
    while ((rc = act__frame_split(in, size, ACT__FRAME_MAX, &length)) == ACT_OK) {
      unsigned seen = in[ACT__FRAME_PREFIX];
      size -= ACT__FRAME_PREFIX + length;
      memmove(in, in + ACT__FRAME_PREFIX + length, size);
      if (seen == (unsigned)type) return true;
    }
    struct pollfd ready = {.fd = fd, .events = POLLIN};  // the descriptor does not block
    if (rc != ACT_LATER || poll(&ready, 1, -1) != 1) return false;
    ssize_t n = read(fd, in + size, sizeof in - size);
    if (n <= 0) return false;
    size += (size_t)n;
  }
}

static act_rc put_grant(uint32_t slot, uint32_t msgs) {
  struct act__frame_grant grant = {.target = {slot, 1, 1}, .msgs = msgs, .units = 64};
  return act__frame_put_grant(&out, &grant);
}

// Names its own actor before it says that this one is its own.
static act_rc put_found(void) {
  struct act__frame_found found = {
      .request = 77, .pid = {CHILD_NODE, SLOT, 1, 1, 0}, .msgs = 4, .units = 64};
  return act__frame_put_found(&out, &found);
}

static int raw_child(const char *how) {
  int fd = act__process_child();
  struct act__frame_hello hello = {.version_min = ACT__WIRE_VERSION,
                                   .version_max = ACT__WIRE_VERSION,
                                   .role = ACT__ROLE_CHILD,
                                   .frame_max = ACT__FRAME_MAX,
                                   .incarnation = CHILD_NODE,
                                   .name = act__span_of_text("raw child")};
  act__bytes_init(&out, 1 << 20);
  if (act__frame_put_hello(&out, &hello) || !write_out(fd)) return 11;
  if (!read_until(fd, ACT__FRAME_WELCOME)) return 12;
  if (act__frame_put_heartbeat(&out) || !write_out(fd)) return 13;
  if (!read_until(fd, ACT__FRAME_START)) return 14;
  act_rc rc = ACT_OK;
  if (strcmp(how, "found") == 0) {
    rc = put_found();
    if (!rc) rc = put_grant(SLOT, 4);
  } else {
    rc = put_grant(SLOT, UINT32_MAX);
  }
  if (rc || !write_out(fd)) return 15;
  read_until(fd, ACT__FRAME_GOODBYE);
  for (;;) pause();  // is killed
}

// --- the parent ------------------------------------------------------------------------------------

static act_rc spawn_kid(struct host *self, act_cx *cx, void *arg) {
  (void)self;
  (void)arg;
  act_child child = kids[1];
  child.restart = ACT_TEMPORARY;
  child.start_ms = 60000;  // it is not this that ends it
  act_pid pid;
  return act_spawn(cx, &child, host_on_exit_then(0), &pid);
}

static void fails_and_the_parent_stops(const char *how, const char *why) {
  setenv(HOW, how, 1);
  struct stage stage;
  open_host(&stage);
  assert_int_equal(stage_run(&stage, spawn_kid, NULL), ACT_OK);
  diary_wait(why);
  stage_close(&stage);
}

static void naming_its_actor_twice_is_the_childs_failure(void **state) {
  (void)state;
  fails_and_the_parent_stops("found", "exit kid failed ACT_EBADMSG link lost: its actor was named");
}

static void a_first_grant_beyond_all_bounds_is_the_childs_failure(void **state) {
  (void)state;
  fails_and_the_parent_stops("bounds", "exit kid failed ACT_EBADMSG link lost: a grant beyond");
}

int main(void) {
  if (act_is_child_process()) return raw_child(getenv(HOW));
  diary_open();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(naming_its_actor_twice_is_the_childs_failure),
      cmocka_unit_test(a_first_grant_beyond_all_bounds_is_the_childs_failure),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  diary_clear();
  return failed;
}
