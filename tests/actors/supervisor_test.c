// SPDX-License-Identifier: Apache-2.0
//
// Supervision, whole trees under virtual time: order of start and stop, restarts by type, intensity,
// back-off, start deadlines, escalation.
#include "tests/actors/player.h"

struct stage {
  struct book book;
  act_log_sink sink;
  act_node node;
  act_sim *sim;
  act_cx *cx;
};

static struct stage stage;
static struct part A, B, C;

#define KID(letter, ...) \
  {.id = #letter, .name = #letter, .behavior = &player, .args = &letter, __VA_ARGS__}

static int set_up(void **state) {
  (void)state;
  memset(&stage, 0, sizeof stage);
  stage.sink = (act_log_sink){.fn = book_log, .arg = &stage.book, .level = ACT_LOG_INFO};
  stage.node = (act_node){.name = "test", .log = &stage.sink};
  A = (struct part){.book = &stage.book, .name = 'A'};
  B = (struct part){.book = &stage.book, .name = 'B'};
  C = (struct part){.book = &stage.book, .name = 'C'};
  return 0;
}

static void open_stage(const act_sup *sup) {
  assert_int_equal(act_sim_open(7, &stage.node, sup, &stage.sim), ACT_OK);
  stage.cx = act_sim_cx(stage.sim);
}

static void close_stage(void) {
  assert_int_equal(act_sim_close(stage.sim), 0);
}

static playing_svc who(const char *name) {
  playing_svc svc;
  assert_int_equal(playing_svc_named(stage.cx, name, &svc), ACT_OK);
  return svc;
}

static bool is_named(const char *name) {
  playing_svc svc;
  return playing_svc_named(stage.cx, name, &svc) == ACT_OK;
}

static void make_fail(const char *name) {
  assert_int_equal(playing_svc_send_act(stage.cx, who(name), (player_do){.rc = ACT_EBADMSG}),
                   ACT_OK);
  act_sim_settle(stage.sim);
}

static void make_end(const char *name) {
  assert_int_equal(playing_svc_send_act(stage.cx, who(name), (player_do){.end = true}), ACT_OK);
  act_sim_settle(stage.sim);
}

static act_rc ping(playing_svc svc, int *pings) {
  const player_count *count;
  act_rc rc = playing_svc_call_ping(stage.cx, svc, (player_do){0}, 1000, &count);
  if (rc == ACT_OK) {
    *pings = count->pings;
    act_reply_free(stage.cx, count);
  }
  return rc;
}

static uint64_t restarts(void) {
  act_counters counters;
  act_read_counters(act_sim_runtime(stage.sim), &counters);
  return counters.restarts;
}

// --- start and stop ------------------------------------------------------------------------------

static void children_start_in_order_each_up_before_the_next(void **state) {
  (void)state;
  A.ready_ms = 300;
  B.ready_ms = 10;
  static const act_child kids[] = {KID(A), KID(B), KID(C)};
  open_stage(&(act_sup){.kids = kids, .nkids = 3});

  assert_string_equal(stage.book.text, "iA uA iB uB iC");
  close_stage();
}

static void children_stop_in_reverse_order(void **state) {
  (void)state;
  static const act_child kids[] = {KID(A), KID(B), KID(C)};
  open_stage(&(act_sup){.kids = kids, .nkids = 3});
  book_clear(&stage.book);

  close_stage();
  assert_string_equal(stage.book.text, "xC xB xA");
}

static void a_tree_stops_from_its_youngest_leaf(void **state) {
  (void)state;
  static const act_child inner[] = {KID(A), KID(B)};
  static const act_sup below = {.kids = inner, .nkids = 2};
  static const act_child kids[] = {{.id = "below", .sup = &below}, KID(C)};
  open_stage(&(act_sup){.kids = kids, .nkids = 2});

  assert_string_equal(stage.book.text, "iA iB iC");
  close_stage();
  assert_string_equal(stage.book.text, "iA iB iC xC xB xA");
}

static void an_empty_supervisor_is_up_and_stops(void **state) {
  (void)state;
  open_stage(&(act_sup){0});
  close_stage();
}

// --- restarts ------------------------------------------------------------------------------------

static void a_failed_child_comes_back_and_its_service_address_follows(void **state) {
  (void)state;
  static const act_child kids[] = {KID(A), KID(B)};
  open_stage(&(act_sup){.kids = kids, .nkids = 2});
  playing_svc a = who("A");
  int pings = 0;
  assert_int_equal(ping(a, &pings), ACT_OK);
  assert_int_equal(ping(a, &pings), ACT_OK);
  assert_int_equal(pings, 2);

  make_fail("A");
  assert_int_equal(ping(a, &pings), ACT_OK);
  assert_int_equal(pings, 1);  // a fresh state
  assert_string_equal(stage.book.text, "iA iB xA iA");
  assert_int_equal(restarts(), 1);
  assert_logged(&stage.book, "child A failed: told to (ACT_EBADMSG); restart 1 of 3 in 0 ms");
  close_stage();
}

static void restart_types_decide_about_both_kinds_of_end(void **state) {
  (void)state;
  static const struct {
    enum act_restart type;
    bool failure, comes_back;
  } rows[] = {
      {ACT_PERMANENT, false, true},  {ACT_PERMANENT, true, true},   {ACT_TRANSIENT, false, false},
      {ACT_TRANSIENT, true, true},   {ACT_TEMPORARY, false, false}, {ACT_TEMPORARY, true, false},
  };
  for (size_t i = 0; i < ACT_COUNT(rows); i++) {
    set_up(NULL);
    const act_child kids[] = {KID(A, .restart = rows[i].type), KID(B)};
    open_stage(&(act_sup){.kids = kids, .nkids = 2});
    if (rows[i].failure) {
      make_fail("A");
    } else {
      make_end("A");
    }
    assert_string_equal(stage.book.text, rows[i].comes_back ? "iA iB xA iA" : "iA iB xA");
    assert_int_equal(is_named("A"), rows[i].comes_back);
    assert_true(is_named("B"));
    close_stage();
  }
}

static void only_the_child_that_failed_is_restarted(void **state) {
  (void)state;
  static const act_child kids[] = {KID(A), KID(B), KID(C)};
  open_stage(&(act_sup){.kids = kids, .nkids = 3});
  make_fail("B");
  assert_string_equal(stage.book.text, "iA iB iC xB iB");
  close_stage();
  assert_string_equal(stage.book.text, "iA iB iC xB iB xC xB xA");
}

// --- back-off ------------------------------------------------------------------------------------

static int64_t ms_between(unsigned earlier, unsigned later) {
  return (stage.book.at_ns[later] - stage.book.at_ns[earlier]) / 1000000;
}

static void restarts_are_spaced_by_the_back_off(void **state) {
  (void)state;
  static const act_child kids[] = {KID(A)};
  open_stage(&(act_sup){.max_restarts = 10, .kids = kids, .nkids = 1,
                        .backoff = {.first_ms = 100, .max_ms = 350}});
  A.fail_inits = 4;
  int64_t failed_at = act_sim_now(stage.sim);
  make_fail("A");
  act_sim_advance(stage.sim, 3000);

  assert_string_equal(stage.book.text, "iA xA fA fA fA fA iA");
  assert_in_range((stage.book.at_ns[2] - failed_at) / 1000000, 100, 101);
  assert_in_range(ms_between(2, 3), 200, 201);
  assert_in_range(ms_between(3, 4), 350, 351);
  assert_in_range(ms_between(4, 5), 350, 351);
  assert_in_range(ms_between(5, 6), 350, 351);
  close_stage();
}

static void a_healthy_period_resets_the_back_off(void **state) {
  (void)state;
  static const act_child kids[] = {KID(A)};
  open_stage(&(act_sup){.max_restarts = 10, .kids = kids, .nkids = 1,
                        .backoff = {.first_ms = 100, .max_ms = 800, .healthy_ms = 500}});
  make_fail("A");
  act_sim_advance(stage.sim, 150);
  make_fail("A");  // after 50 ms: not healthy
  assert_logged(&stage.book, "restart 2 of 10 in 200 ms");
  act_sim_advance(stage.sim, 200 + 510);
  make_fail("A");
  assert_logged(&stage.book, "restart 3 of 10 in 100 ms");
  close_stage();
}

static void a_stop_during_the_back_off_restarts_nothing(void **state) {
  (void)state;
  static const act_child kids[] = {KID(A), KID(B)};
  open_stage(&(act_sup){.kids = kids, .nkids = 2, .backoff = {.first_ms = 100}});
  make_fail("A");
  close_stage();
  assert_string_equal(stage.book.text, "iA iB xA xB");
}

// Its back-off ends while the supervisor still waits for those that started after it.
static void a_stop_in_order_restarts_nobody_whose_turn_has_not_come(void **state) {
  (void)state;
  enum { SLOW = 1500 };
  static char ids[SLOW][16];
  static act_child many[SLOW];
  static struct part quiet;
  for (int i = 0; i < SLOW; i++) {
    snprintf(ids[i], sizeof ids[i], "s%d", i);
    many[i] = (act_child){.id = ids[i], .behavior = &player, .args = &quiet};
  }
  static const act_sup slow = {.kids = many, .nkids = SLOW};
  static const act_child kids[] = {KID(A), {.id = "slow", .sup = &slow}};
  open_stage(&(act_sup){.kids = kids, .nkids = 2, .backoff = {.first_ms = 20}});
  make_fail("A");
  close_stage();
  assert_string_equal(stage.book.text, "iA xA");
}

static void between_two_incarnations_sends_are_refused(void **state) {
  (void)state;
  static const act_child kids[] = {KID(A)};
  open_stage(&(act_sup){.kids = kids, .nkids = 1, .backoff = {.first_ms = 100}});
  playing_svc a = who("A");
  make_fail("A");
  assert_int_equal(playing_svc_send_act(stage.cx, a, (player_do){0}), ACT_ECLOSED);
  act_sim_advance(stage.sim, 120);
  assert_int_equal(playing_svc_send_act(stage.cx, a, (player_do){0}), ACT_OK);
  close_stage();
}

// --- intensity and escalation --------------------------------------------------------------------

static void too_many_restarts_stop_the_others_and_fail_the_supervisor(void **state) {
  (void)state;
  static const act_child inner[] = {KID(A), KID(B)};
  static const act_sup below = {.max_restarts = 2, .within_ms = 1000, .kids = inner, .nkids = 2};
  static const act_child kids[] = {{.id = "below", .sup = &below}, KID(C)};
  open_stage(&(act_sup){.kids = kids, .nkids = 2});
  make_fail("A");
  make_fail("A");
  assert_string_equal(stage.book.text, "iA iB iC xA iA xA iA");
  book_clear(&stage.book);

  make_fail("A");
  assert_string_equal(stage.book.text, "xA xB iA iB");  // given up, and started anew by its own
  assert_logged(&stage.book,
                "child below failed: child A: told to (gave up after 2 restarts in 1000 ms) "
                "(ACT_EBADMSG); restart 1 of 3");
  close_stage();
}

static void restarts_that_are_far_apart_never_give_up(void **state) {
  (void)state;
  static const act_child kids[] = {KID(A)};
  open_stage(&(act_sup){.max_restarts = 2, .within_ms = 1000, .kids = kids, .nkids = 1});
  for (int i = 0; i < 20; i++) {
    make_fail("A");
    act_sim_advance(stage.sim, 600);
  }
  assert_int_equal(restarts(), 20);
  close_stage();
}

static void never_restart_gives_up_at_once(void **state) {
  (void)state;
  static const act_child kids[] = {KID(A), KID(B)};
  open_stage(&(act_sup){.never_restart = true, .kids = kids, .nkids = 2});
  make_fail("A");
  assert_string_equal(stage.book.text, "iA iB xA xB");
  assert_logged(&stage.book, "gave up after 0 restarts");
  close_stage();
}

static void giving_up_names_the_reason_of_a_child_that_ended_normally(void **state) {
  (void)state;
  static const act_child kids[] = {KID(A)};
  open_stage(&(act_sup){.never_restart = true, .kids = kids, .nkids = 1});
  make_end("A");
  assert_logged(&stage.book, "child A: normal (gave up");
  close_stage();
}

// --- start-up failures ---------------------------------------------------------------------------

static void a_failing_init_is_retried_and_the_others_wait(void **state) {
  (void)state;
  A.fail_inits = 2;
  static const act_child kids[] = {KID(A), KID(B)};
  open_stage(&(act_sup){.kids = kids, .nkids = 2, .backoff = {.first_ms = 50, .max_ms = 200}});
  assert_string_equal(stage.book.text, "fA fA iA iB");
  assert_in_range(ms_between(0, 1), 50, 51);
  assert_in_range(ms_between(1, 2), 100, 101);
  close_stage();
}

static void failing_inits_count_against_the_intensity(void **state) {
  (void)state;
  A.fail_inits = 100;
  static const act_child kids[] = {KID(A), KID(B)};
  open_stage(&(act_sup){.kids = kids, .nkids = 2});
  assert_string_equal(stage.book.text, "fA fA fA fA");
  assert_logged(&stage.book, "child A: not today (gave up after 3 restarts in 5000 ms)");
  close_stage();
}

static void a_temporary_child_that_cannot_start_holds_nobody_up(void **state) {
  (void)state;
  A.fail_inits = 1;
  static const act_child kids[] = {KID(A, .restart = ACT_TEMPORARY), KID(B)};
  open_stage(&(act_sup){.kids = kids, .nkids = 2});
  assert_string_equal(stage.book.text, "fA iB");
  close_stage();
}

static void an_earlier_child_may_crash_while_a_later_one_starts(void **state) {
  (void)state;
  A.fail_after_ms = 100;
  B.ready_ms = 500;
  static const act_child kids[] = {KID(A), KID(B), KID(C)};
  open_stage(&(act_sup){.kids = kids, .nkids = 3});
  assert_string_equal(stage.book.text, "iA iB xA iA uB iC");
  close_stage();
}

static void a_start_past_its_deadline_is_killed_and_retried(void **state) {
  (void)state;
  static const act_child inner[] = {KID(A, .start_ms = 80)};
  static const act_sup below = {.max_restarts = 1, .kids = inner, .nkids = 1};
  static const act_child kids[] = {{.id = "below", .sup = &below, .restart = ACT_TEMPORARY}};
  A.never_ready = true;
  open_stage(&(act_sup){.kids = kids, .nkids = 1});
  assert_string_equal(stage.book.text, "iA xA iA xA");
  assert_logged(&stage.book, "child A overstays its start and is killed");
  assert_logged(&stage.book, "child A killed: not up within 80 ms (ACT_ETIMEDOUT); restart 1 of 1");
  assert_logged(&stage.book, "not up within 80 ms (gave up after 1 restarts");
  close_stage();
}

static void a_start_just_before_its_deadline_is_fine(void **state) {
  (void)state;
  A.ready_ms = 79;
  static const act_child kids[] = {KID(A, .start_ms = 80)};
  open_stage(&(act_sup){.kids = kids, .nkids = 1});
  act_sim_advance(stage.sim, 1000);
  assert_string_equal(stage.book.text, "iA uA");
  close_stage();
}

static void a_name_taken_elsewhere_fails_the_start(void **state) {
  (void)state;
  static const act_child inner[] = {{.id = "B", .name = "A", .behavior = &player, .args = &B}};
  static const act_sup below = {.kids = inner, .nkids = 1};
  static const act_child kids[] = {KID(A), {.id = "below", .sup = &below,
                                            .restart = ACT_TEMPORARY}};
  open_stage(&(act_sup){.kids = kids, .nkids = 2});
  assert_string_equal(stage.book.text, "iA");
  assert_logged(&stage.book, "child B cannot be made: that name is taken");
  close_stage();
}

static void a_wide_and_deep_tree_comes_and_goes(void **state) {
  (void)state;
  enum { WIDE = 100, DEEP = 20 };
  static act_child kids[DEEP][WIDE];
  static act_sup sups[DEEP];
  static char ids[WIDE][16];
  A.book = NULL;
  for (int d = 0; d < DEEP; d++) {
    for (int w = 0; w < WIDE; w++) {
      snprintf(ids[w], sizeof ids[w], "k%d", w);
      kids[d][w] = (act_child){.id = ids[w], .behavior = &player, .args = &A};
    }
    if (d > 0) kids[d][0] = (act_child){.id = "down", .sup = &sups[d - 1]};
    sups[d] = (act_sup){.kids = kids[d], .nkids = WIDE};
  }
  open_stage(&sups[DEEP - 1]);
  act_counters counters;
  act_read_counters(act_sim_runtime(stage.sim), &counters);
  assert_int_equal(counters.actors, DEEP * WIDE + 3);  // root, the simulation's own, the top
  close_stage();
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup(name, set_up)
      TEST(children_start_in_order_each_up_before_the_next),
      TEST(children_stop_in_reverse_order),
      TEST(a_tree_stops_from_its_youngest_leaf),
      TEST(an_empty_supervisor_is_up_and_stops),
      TEST(a_failed_child_comes_back_and_its_service_address_follows),
      TEST(restart_types_decide_about_both_kinds_of_end),
      TEST(only_the_child_that_failed_is_restarted),
      TEST(restarts_are_spaced_by_the_back_off),
      TEST(a_healthy_period_resets_the_back_off),
      TEST(a_stop_during_the_back_off_restarts_nothing),
      TEST(a_stop_in_order_restarts_nobody_whose_turn_has_not_come),
      TEST(between_two_incarnations_sends_are_refused),
      TEST(too_many_restarts_stop_the_others_and_fail_the_supervisor),
      TEST(restarts_that_are_far_apart_never_give_up),
      TEST(never_restart_gives_up_at_once),
      TEST(giving_up_names_the_reason_of_a_child_that_ended_normally),
      TEST(a_failing_init_is_retried_and_the_others_wait),
      TEST(failing_inits_count_against_the_intensity),
      TEST(a_temporary_child_that_cannot_start_holds_nobody_up),
      TEST(an_earlier_child_may_crash_while_a_later_one_starts),
      TEST(a_start_past_its_deadline_is_killed_and_retried),
      TEST(a_start_just_before_its_deadline_is_fine),
      TEST(a_name_taken_elsewhere_fails_the_start),
      TEST(a_wide_and_deep_tree_comes_and_goes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
