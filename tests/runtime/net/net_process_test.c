// SPDX-License-Identifier: Apache-2.0
//
// Links to own processes. The children are this test program itself.
#include "tests/runtime/net/net_support.h"

#include <signal.h>

#include "runtime/io/process.h"

static int be_a_child(int link) {
  struct act__loop *own = new_loop();
  struct node node;
  node_create(&node, own, 4242);
  node.echoes = true;
  if (act__net_adopt(node.net, link, ACT__NET_CHILD, 0, NULL)) return 1;
  while (!node.downs && !node.failures) poll_once(own, INT64_MAX);
  node_destroy(&node, own);
  act__loop_destroy(own);
  return node.why == ACT_ECLOSED ? 40 : 41;
}

struct exit_seen {
  int count, signal;
  int64_t status;
};

static void on_exit_seen(void *arg, int64_t status, int signal) {
  struct exit_seen *seen = arg;
  seen->count++;
  seen->status = status;
  seen->signal = signal;
}

static struct act__process *start_child(struct exit_seen *seen) {
  struct act__process *process;
  int link;
  *seen = (struct exit_seen){0};
  struct act__process_options options = {.on_exit = on_exit_seen, .arg = seen};
  assert_int_equal(act__process_spawn(loop, &options, &process, &link), ACT_OK);
  assert_int_equal(act__net_adopt(a.net, link, ACT__NET_PARENT, 8, NULL), ACT_OK);
  POLL_UNTIL(loop, a.ups);
  assert_int_equal(act__peer_incarnation(a.peer), 4242);
  return process;
}

static void a_child_process_echoes_frames_and_ends_when_its_link_does(void **state) {
  (void)state;
  struct exit_seen seen;
  start_child(&seen);
  for (uint16_t i = 0; i < 1000; i++) assert_true(node_send(&a, i, "ping"));
  POLL_UNTIL(loop, a.frames == 1000);
  assert_true(a.in_order);
  act__net_close_peer(a.net, a.id, ACT_ECLOSED, "done");
  POLL_UNTIL(loop, seen.count);
  assert_int_equal(seen.status, 40);
  assert_int_equal(seen.signal, 0);
}

static void a_child_killed_by_signal_9_is_a_lost_link_and_an_exit(void **state) {
  (void)state;
  struct exit_seen seen;
  struct act__process *process = start_child(&seen);
  for (uint16_t i = 0; i < 100; i++) assert_true(node_send(&a, i, "ping"));
  assert_int_equal(act__process_kill(process, SIGKILL), ACT_OK);
  POLL_UNTIL(loop, seen.count && a.downs);
  assert_int_equal(seen.signal, SIGKILL);
  assert_int_equal(a.why, ACT_ELINK);
  assert_int_equal(a.downs, 1);
  assert_int_equal(seen.count, 1);
}

int main(void) {
  int link = act__process_child();
  if (link >= 0) return be_a_child(link);
#define TEST(name) cmocka_unit_test_setup_teardown(name, net_set_up, net_tear_down)
  const struct CMUnitTest tests[] = {
      TEST(a_child_process_echoes_frames_and_ends_when_its_link_does),
      TEST(a_child_killed_by_signal_9_is_a_lost_link_and_an_exit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
