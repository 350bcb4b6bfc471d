// SPDX-License-Identifier: Apache-2.0
//
// Links driven by the real executor: its workers hold the loop's role in turn, frames arrive in whichever
// holds it, and answers are sent from tasks.
#include "tests/runtime/net/net_support.h"

#include "base/check.h"
#include "base/thread.h"

#define ROUNDS 3000

// One end of a ball game: a frame makes its task runnable, the task's turn sends the ball back.
struct player {
  struct act__task task;
  struct act__exec *exec;
  struct act__net *net;
  struct act__peer *peer;
  struct act__parker *done;
  int balls, rounds;
  bool sees_workers;
};

static enum act__turn throw_ball(struct act__task *task, struct act__worker *me) {
  struct player *player = (struct player *)task;
  struct act__bytes *out = act__peer_begin(player->peer, 0);
  ACT_ASSERT(out);
  struct act__frame_demonitor ball = {.id = (uint32_t)player->balls};
  ACT_ASSERT(act__frame_put_demonitor(out, &ball) == ACT_OK);
  act__peer_end(player->peer, me);
  return ACT__TURN_DONE;
}

static void player_up(void *arg, struct act__peer *peer, struct act__worker *me) {
  struct player *player = arg;
  player->peer = peer;
  if (player->rounds > 0) act__exec_submit(player->exec, me, &player->task);
}

static void player_down(void *arg, struct act__peer *peer, bool was_up, act_rc why,
                        const char *text, struct act__worker *me) {
  (void)arg, (void)peer, (void)text, (void)me;
  ACT_ASSERT(was_up && why == ACT_ECLOSED);
}

static void player_frame(void *arg, struct act__peer *peer, const struct act__frame *frame,
                         struct act__worker *me) {
  struct player *player = arg;
  (void)peer;
  ACT_ASSERT(frame->type == ACT__FRAME_DEMONITOR);
  player->balls++;
  if (me) player->sees_workers = true;
  if (player->rounds && player->balls == player->rounds) {
    act__parker_unpark(player->done);
  } else {
    act__exec_submit(player->exec, me, &player->task);
  }
}

static const struct act__net_sink player_sink = {player_up, player_down, player_frame, NULL};

static void player_create(struct player *player, struct act__exec *exec, struct act__loop *loop_,
                          uint64_t incarnation, int rounds, struct act__parker *done) {
  *player = (struct player){.task.run = throw_ball, .exec = exec, .rounds = rounds, .done = done};
  struct act__net_options options = {.name = "player",
                                     .incarnation = incarnation,
                                     .loop = loop_,
                                     .sink = &player_sink,
                                     .arg = player};
  assert_int_equal(act__net_create(&options, &player->net), ACT_OK);
}

static void unpark(void *parker) {
  act__parker_unpark(parker);
}

static void stop_players(struct player *one, struct player *two, struct act__parker *done) {
  struct player *players[] = {one, two};
  for (int i = 0; i < 2; i++) {
    act__net_stop(players[i]->net, unpark, done);
    assert_true(act__parker_park(done, act__clock_now(act__clock_system()) + PATIENCE_NS));
  }
}

static void play(unsigned workers) {
  struct act__exec *exec;
  struct act__exec_options options = {.flavour = ACT__POOL, .workers = workers, .seed = 1};
  struct act__parker done;
  struct player one, two;
  int ends[2];
  act__parker_init(&done);
  struct act__loop *own = new_loop();
  assert_int_equal(act__exec_create(&options, &exec), ACT_OK);
  act__exec_set_poller(exec, act__loop_poller(own));
  assert_int_equal(act__exec_start(exec), ACT_OK);
  player_create(&one, exec, own, 1, ROUNDS, &done);
  player_create(&two, exec, own, 2, 0, NULL);

  int64_t begin = act__clock_now(act__clock_system());
  assert_int_equal(act__socket_pair(ends), ACT_OK);
  assert_int_equal(act__net_adopt(one.net, ends[0], ACT__NET_DIALER, 0, NULL), ACT_OK);
  assert_int_equal(act__net_adopt(two.net, ends[1], ACT__NET_ACCEPTOR, 0, NULL), ACT_OK);
  assert_true(act__parker_park(&done, begin + 3 * PATIENCE_NS));
  int64_t took = act__clock_now(act__clock_system()) - begin;
  print_message("%u workers: %lld ns per round trip\n", workers, (long long)(took / ROUNDS));

  stop_players(&one, &two, &done);
  act__exec_finish(exec);
  act__exec_destroy(exec);
  assert_int_equal(one.balls, ROUNDS);
  assert_int_equal(two.balls, ROUNDS);
  assert_true(one.sees_workers);
  act__net_destroy(one.net);
  act__net_destroy(two.net);
  act__loop_destroy(own);
  act__parker_fini(&done);
}

static void a_link_works_under_one_worker_and_under_several(void **state) {
  (void)state;
  play(1);
  play(2);
  play(4);
}

static void a_link_works_with_everything_on_one_thread(void **state) {
  (void)state;
  struct act__exec *exec;
  struct act__exec_options options = {.flavour = ACT__CURRENT, .seed = 1};
  struct act__parker done;
  struct player one, two;
  int ends[2];
  act__parker_init(&done);
  struct act__loop *own = new_loop();
  assert_int_equal(act__exec_create(&options, &exec), ACT_OK);
  act__exec_set_poller(exec, act__loop_poller(own));
  assert_int_equal(act__exec_start(exec), ACT_OK);
  player_create(&one, exec, own, 1, ROUNDS, &done);
  player_create(&two, exec, own, 2, 0, NULL);
  assert_int_equal(act__socket_pair(ends), ACT_OK);
  assert_int_equal(act__net_adopt(one.net, ends[0], ACT__NET_DIALER, 0, NULL), ACT_OK);
  assert_int_equal(act__net_adopt(two.net, ends[1], ACT__NET_ACCEPTOR, 0, NULL), ACT_OK);

  int64_t begin = act__clock_now(act__clock_system());
  while (!act__parker_park(&done, 0)) {
    assert_true(act__clock_now(act__clock_system()) < begin + 3 * PATIENCE_NS);
    act__exec_step(exec, true);
  }
  print_message("one thread: %lld ns per round trip\n",
                (long long)((act__clock_now(act__clock_system()) - begin) / ROUNDS));
  struct player *players[] = {&one, &two};
  for (int i = 0; i < 2; i++) {
    act__net_stop(players[i]->net, unpark, &done);
    while (!act__parker_park(&done, 0)) act__exec_step(exec, true);
  }

  act__exec_finish(exec);
  act__exec_destroy(exec);
  assert_int_equal(two.balls, ROUNDS);
  act__net_destroy(one.net);
  act__net_destroy(two.net);
  act__loop_destroy(own);
  act__parker_fini(&done);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_link_works_under_one_worker_and_under_several),
      cmocka_unit_test(a_link_works_with_everything_on_one_thread),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
