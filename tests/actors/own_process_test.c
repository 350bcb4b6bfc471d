// SPDX-License-Identifier: Apache-2.0
//
// Own processes: the same sends, asks and supervision as in-process, with real processes that are
// told to end in every way.
#include <sched.h>

#include "tests/actors/kid.h"

// --- tests ---------------------------------------------------------------------------------------------

static void ask_and_answer_cross_over(void **state) {
  (void)state;
  struct stage stage;
  open_tree(&stage);
  const km_state *answer = NULL;
  assert_int_equal(kidp_svc_call_get(stage.cx, kid_of(&stage), (km_get){0}, ACT_SEC(10), &answer),
                   ACT_OK);
  assert_int_equal(answer->start, 39);
  assert_int_not_equal(answer->os_pid, getpid());
  assert_string_equal(answer->text.data, "grüße");
  act_reply_free(stage.cx, answer);
  stage_close(&stage);
}

static void one_thread_is_enough_for_the_parent(void **state) {
  (void)state;
  struct stage stage;
  diary_clear();
  stage_open(&stage, (act_node){.log = &quiet, .flavour = ACT_CURRENT_THREAD}, &tree);
  const km_state *answer = NULL;
  assert_int_equal(kidp_svc_call_get(stage.cx, kid_of(&stage), (km_get){0}, ACT_SEC(10), &answer),
                   ACT_OK);
  assert_int_equal(answer->start, 39);
  act_reply_free(stage.cx, answer);
  stage_close(&stage);
}

static void messages_arrive_in_order_and_within_the_bound(void **state) {
  (void)state;
  struct stage stage;
  open_tree(&stage);
  kidp_svc to = kid_of(&stage);
  uint64_t refused = 0;
  for (uint64_t n = 1; n <= 20000; n++) {
    act_rc rc;
    while ((rc = kidp_svc_send_number(stage.cx, to, (km_number){.n = n})) == ACT_EFULL) {
      refused++;
      sched_yield();
    }
    assert_int_equal(rc, ACT_OK);
  }
  const km_state *answer = NULL;
  act_rc rc;
  while ((rc = kidp_svc_call_get(stage.cx, to, (km_get){0}, ACT_SEC(10), &answer)) == ACT_EFULL) {
  }
  assert_int_equal(rc, ACT_OK);
  assert_int_equal(answer->count, 20000);
  assert_int_equal(answer->disorder, 0);
  act_reply_free(stage.cx, answer);
  assert_int_equal(stage_counters(&stage).undelivered, 0);
  stage_close(&stage);
}

// --- inside the host -------------------------------------------------------------------------------

static act_rc watch_pid(struct host *self, act_cx *cx, void *pid) {
  return act_monitor(cx, *(act_pid *)pid, host_on_down_then(0), &self->mon);
}

static act_rc watch_kid(struct host *self, act_cx *cx, void *arg) {
  kidp_svc svc;
  (void)arg;
  act_rc rc = kidp_svc_named(cx, "kid", &svc);
  return rc ? rc : watch_pid(self, cx, &svc.pid);
}

struct spawning {
  km_args args;
  const char *id;
  uint32_t start_ms, stop_ms, msgs, cpu_seconds;
  enum act_full full;
  act_pid pid;
  const act_behavior *behavior;
};

static act_rc spawn_kid(struct host *self, act_cx *cx, void *arg) {
  struct spawning *s = (struct spawning *)arg;
  (void)self;
  s->args.host = act_self(cx);
  act_child child = {.id = s->id ? s->id : "temp",
                     .behavior = s->behavior ? s->behavior : &kid,
                     ACT_ARGS(km_args, &s->args),
                     .isolate = ACT_OWN_PROCESS,
                     .start_ms = s->start_ms,
                     .stop_ms = s->stop_ms,
                     .mailbox = {.msgs = s->msgs, .full = s->full},
                     .process = {.cpu_seconds = s->cpu_seconds}};
  return act_spawn(cx, &child, host_on_exit_then(0), &s->pid);
}

static act_rc stop_kid(struct host *self, act_cx *cx, void *pid) {
  (void)self;
  return act_stop_child(cx, *(act_pid *)pid);
}

ACT_ON(host, on_state, km_state)

static act_rc on_state(struct host *self, act_cx *cx, act_rc st, const km_state *v, uintptr_t tag) {
  (void)self;
  (void)cx;
  diary_note("answer %u %s %llu", (unsigned)tag, act_rc_name(st),
             (unsigned long long)(v ? v->count : 0));
  return ACT_OK;
}

struct asking {
  act_pid to;
  bool hold;
  uint32_t ms;
  unsigned tag;
};

static act_rc ask_kid(struct host *self, act_cx *cx, void *arg) {
  struct asking *a = (struct asking *)arg;
  (void)self;
  return kidp_ask_get(cx, (kidp_ref){a->to}, (km_get){.hold = a->hold}, a->ms ? a->ms : ACT_SEC(15),
                      on_state_then(a->tag));
}

// To the address that the kid itself has told.
static act_rc ask_told_address(struct host *self, act_cx *cx, void *arg) {
  struct asking *a = (struct asking *)arg;
  a->to = self->kid;
  return ask_kid(self, cx, arg);
}

static act_rc same_node(struct host *self, act_cx *cx, void *arg) {
  (void)arg;
  return self->kid.node == act_self(cx).node ? ACT_EEXIST : ACT_OK;
}

// --- dying -----------------------------------------------------------------------------------------

static void each_way_to_die_is_told_and_restarted(void **state) {
  (void)state;
  static const struct {
    int32_t what;
    const char *told;
  } deaths[] = {
      {SEGV, "down failed ACT_EKILLED signal 11"},    {ABORT, "down failed ACT_EKILLED signal 6"},
      {EXIT3, "down failed ACT_EFAIL exit 3"},        {EXIT0, "down failed ACT_EFAIL exit 0"},
      {FAIL, "down failed ACT_EBADMSG told to fail"}, {END, "down normal ACT_OK"},
  };
  struct stage stage;
  open_tree(&stage);
  long long before = wait_up();
  for (size_t i = 0; i < sizeof deaths / sizeof deaths[0]; i++) {
    assert_int_equal(stage_run(&stage, watch_kid, NULL), ACT_OK);
    assert_int_equal(kidp_svc_send_die(stage.cx, kid_of(&stage), (km_do){.what = deaths[i].what}),
                     ACT_OK);
    diary_wait(deaths[i].told);
    long long after = wait_up();
    assert_int_not_equal(before, after);
    before = after;
  }
  assert_int_equal(stage_counters(&stage).restarts, 6);
  stage_close(&stage);
}

static void last_words_come_before_the_news_of_the_end(void **state) {
  (void)state;
  struct stage stage;
  open_tree(&stage);
  (void)wait_up();
  for (unsigned round = 1; round <= 5; round++) {
    assert_int_equal(stage_run(&stage, watch_kid, NULL), ACT_OK);
    assert_int_equal(kidp_svc_send_die(stage.cx, kid_of(&stage), (km_do){.what = LAST_WORDS}),
                     ACT_OK);
    diary_wait("down normal");
    assert_int_equal(diary_count("word"), WORDS * round);
    (void)wait_up();
  }
  stage_close(&stage);
}

static void kill_9_is_told_once_each_time(void **state) {
  (void)state;
  unsigned kills = getenv("KILLS") ? (unsigned)atoi(getenv("KILLS")) : 300;
  struct stage stage;
  open_tree(&stage);
  for (unsigned i = 0; i < kills; i++) {
    long long pid = wait_up();
    assert_int_equal(stage_run(&stage, watch_kid, NULL), ACT_OK);
    assert_int_equal(kill((pid_t)pid, SIGKILL), 0);
    diary_wait("down failed ACT_EKILLED signal 9");
  }
  (void)wait_up();
  assert_int_equal(diary_count("down "), kills);
  assert_int_equal(diary_count("up "), kills + 1);
  stage_close(&stage);
}

static void an_ask_ends_dead_at_once_when_its_process_is_killed(void **state) {
  (void)state;
  struct stage stage;
  open_tree(&stage);
  long long pid = wait_up();
  struct asking asking = {.to = kid_of(&stage).pid, .hold = true, .ms = ACT_SEC(600), .tag = 7};
  assert_int_equal(stage_run(&stage, ask_kid, &asking), ACT_OK);
  const km_state *answer;
  assert_int_equal(kidp_svc_call_get(stage.cx, kid_of(&stage), (km_get){0}, ACT_SEC(10), &answer),
                   ACT_OK);  // so the other ask has been taken by now
  act_reply_free(stage.cx, answer);
  assert_int_equal(kill((pid_t)pid, SIGKILL), 0);
  diary_wait("answer 7 ACT_EDEAD");
  stage_close(&stage);
}

#define BEFORE_LINK "TROUPE_TEST_BEFORE_LINK"

static void a_program_that_never_links_is_told_too(void **state) {
  (void)state;
  struct stage stage;
  open_host(&stage);
  struct spawning exits = {.id = "exits"};
  setenv(BEFORE_LINK, "exit", 1);
  assert_int_equal(stage_run(&stage, spawn_kid, &exits), ACT_OK);
  diary_wait("exit exits failed ACT_EFAIL exit 9");
  struct spawning hangs = {.id = "hangs", .start_ms = 200};
  setenv(BEFORE_LINK, "hang", 1);
  assert_int_equal(stage_run(&stage, spawn_kid, &hangs), ACT_OK);
  diary_wait("exit hangs killed ACT_ETIMEDOUT not up within 200 ms");
  unsetenv(BEFORE_LINK);
  stage_close(&stage);
}

static void its_limits_hold_in_the_process(void **state) {
  (void)state;
  struct stage stage;
  open_host(&stage);
  struct spawning loops = {.args = {.what = LOOP}, .id = "loops", .cpu_seconds = 1};
  assert_int_equal(stage_run(&stage, spawn_kid, &loops), ACT_OK);
  diary_wait("exit loops failed ACT_EKILLED signal 24");  // SIGXCPU
  stage_close(&stage);
}

static void a_failing_start_is_told_with_its_text(void **state) {
  (void)state;
  struct stage stage;
  open_host(&stage);
  struct spawning fails = {.args = {.what = FAIL}, .id = "fails"};
  struct spawning dies = {.args = {.what = SEGV}, .id = "dies"};
  struct spawning stuck = {.args = {.what = LOOP}, .id = "loops", .start_ms = 200};
  assert_int_equal(stage_run(&stage, spawn_kid, &fails), ACT_OK);
  diary_wait("exit fails failed ACT_EBADMSG told to fail");
  assert_int_equal(stage_run(&stage, spawn_kid, &dies), ACT_OK);
  diary_wait("exit dies failed ACT_EKILLED signal 11");
  assert_int_equal(stage_run(&stage, spawn_kid, &stuck), ACT_OK);
  diary_wait("exit loops killed ACT_ETIMEDOUT not up within 200 ms");
  stage_close(&stage);
}

static void a_late_start_holds_messages_back_until_it_is_ready(void **state) {
  (void)state;
  struct stage stage;
  open_host(&stage);
  struct spawning late = {.args = {.what = LATER, .start = 5}, .id = "late"};
  assert_int_equal(stage_run(&stage, spawn_kid, &late), ACT_OK);
  kidp_ref to = {late.pid};
  for (uint64_t n = 1; n <= 100; n++) {
    assert_int_equal(kidp_send_number(stage.cx, to, (km_number){.n = n}), ACT_OK);
  }
  const km_state *answer;
  assert_int_equal(kidp_call_get(stage.cx, to, (km_get){0}, ACT_SEC(10), &answer), ACT_OK);
  assert_int_equal(answer->count, 100);
  assert_int_equal(answer->disorder, 0);
  act_reply_free(stage.cx, answer);
  stage_close(&stage);
}

static void one_who_overstays_its_stop_is_killed(void **state) {
  (void)state;
  struct stage stage;
  open_host(&stage);
  struct spawning loops = {.args = {.what = LIVE}, .id = "loops", .stop_ms = 100};
  assert_int_equal(stage_run(&stage, spawn_kid, &loops), ACT_OK);
  (void)wait_up();
  kidp_ref to = {loops.pid};
  assert_int_equal(kidp_send_die(stage.cx, to, (km_do){.what = LOOP}), ACT_OK);
  diary_wait("looping");
  assert_int_equal(stage_run(&stage, stop_kid, &loops.pid), ACT_OK);
  diary_wait("exit loops killed ACT_EKILLED");
  stage_close(&stage);
}

static void a_stop_lets_it_end_by_itself(void **state) {
  (void)state;
  struct stage stage;
  open_host(&stage);
  struct spawning s = {.id = "good"};
  assert_int_equal(stage_run(&stage, spawn_kid, &s), ACT_OK);
  (void)wait_up();
  assert_int_equal(stage_run(&stage, stop_kid, &s.pid), ACT_OK);
  diary_wait("exit good normal ACT_OK");
  stage_close(&stage);
}

// --- bounds ------------------------------------------------------------------------------------------

struct flood {
  act_pid to;
  uint64_t accepted;
};

static act_rc send_until_parked(struct host *self, act_cx *cx, void *arg) {
  (void)self;
  struct flood *flood = (struct flood *)arg;
  kidp_ref to = {flood->to};
  act_rc rc = ACT_OK;
  while (!act_parked(cx) && !rc) {
    rc = kidp_send_number(cx, to, (km_number){.n = flood->accepted + 1});
    if (!rc) flood->accepted++;
  }
  return rc;
}

static act_rc nothing(struct host *self, act_cx *cx, void *arg) {
  (void)self;
  (void)arg;
  return act_parked(cx) ? ACT_EFAIL : ACT_OK;
}

static void a_sender_parks_on_a_process_until_it_takes_more_or_dies(void **state) {
  (void)state;
  struct stage stage;
  open_host(&stage);
  struct spawning s = {.id = "slow", .msgs = 8, .full = ACT_PARK};
  assert_int_equal(stage_run(&stage, spawn_kid, &s), ACT_OK);
  (void)wait_up();
  kidp_ref to = {s.pid};
  const km_state *answer;
  assert_int_equal(kidp_call_get(stage.cx, to, (km_get){0}, ACT_SEC(10), &answer), ACT_OK);
  pid_t pid = (pid_t)answer->os_pid;
  act_reply_free(stage.cx, answer);
  halt(pid);
  struct flood flood = {.to = s.pid};
  assert_int_equal(stage_run(&stage, send_until_parked, &flood), ACT_OK);
  assert_in_range(flood.accepted, 4, 5);  // four credits at most, and one parked
  assert_int_equal(kill(pid, SIGCONT), 0);
  assert_int_equal(stage_run(&stage, nothing, NULL), ACT_OK);  // it goes on
  act_rc rc;
  while ((rc = kidp_call_get(stage.cx, to, (km_get){0}, ACT_SEC(10), &answer)) == ACT_EFULL) {
  }
  assert_int_equal(rc, ACT_OK);
  assert_int_equal(answer->count, flood.accepted);
  assert_int_equal(answer->disorder, 0);
  act_reply_free(stage.cx, answer);

  halt(pid);
  flood.accepted = 0;
  assert_int_equal(stage_run(&stage, send_until_parked, &flood), ACT_OK);
  assert_int_equal(kill(pid, SIGKILL), 0);
  assert_int_equal(stage_run(&stage, nothing, NULL), ACT_OK);
  diary_wait("exit slow");
  // One record of what the process held, one of what was parked.
  assert_int_equal(stage_counters(&stage).undelivered, 2);
  stage_close(&stage);
}

static void the_bound_is_half_of_the_mailbox_and_exact(void **state) {
  (void)state;
  struct stage stage;
  open_host(&stage);
  struct spawning s = {.id = "slow", .msgs = 8};
  assert_int_equal(stage_run(&stage, spawn_kid, &s), ACT_OK);
  (void)wait_up();
  kidp_ref to = {s.pid};
  long long pid;
  {
    const km_state *answer;
    assert_int_equal(kidp_call_get(stage.cx, to, (km_get){0}, ACT_SEC(10), &answer), ACT_OK);
    pid = answer->os_pid;
    act_reply_free(stage.cx, answer);
  }
  halt((pid_t)pid);
  // The call's own credit may still be on its way home: 3 or 4 fit, and never a fifth.
  unsigned accepted = 0;
  while (kidp_send_number(stage.cx, to, (km_number){.n = accepted + 1}) == ACT_OK) accepted++;
  assert_in_range(accepted, 3, 4);
  assert_int_equal(kidp_send_number(stage.cx, to, (km_number){.n = 9}), ACT_EFULL);
  assert_int_equal(kill((pid_t)pid, SIGCONT), 0);
  act_rc rc;
  while ((rc = kidp_send_number(stage.cx, to, (km_number){.n = accepted + 1})) == ACT_EFULL) {
    sched_yield();
  }
  assert_int_equal(rc, ACT_OK);
  const km_state *answer;
  while ((rc = kidp_call_get(stage.cx, to, (km_get){0}, ACT_SEC(10), &answer)) == ACT_EFULL) {
  }
  assert_int_equal(rc, ACT_OK);
  assert_int_equal(answer->count, accepted + 1);
  assert_int_equal(answer->disorder, 0);
  act_reply_free(stage.cx, answer);
  stage_close(&stage);
}

static void a_message_over_the_limit_is_refused_here(void **state) {
  (void)state;
  struct stage stage;
  open_host(&stage);
  struct spawning s = {.id = "large"};
  assert_int_equal(stage_run(&stage, spawn_kid, &s), ACT_OK);
  (void)wait_up();
  kidp_ref to = {s.pid};
  static uint8_t padding[ACT_REMOTE_MESSAGE_MAX];
  uint32_t most = ACT_REMOTE_MESSAGE_MAX - (uint32_t)sizeof(km_number);
  km_number m = {.n = 1, .padding = act_bytes_of(padding, most)};
  assert_int_equal(kidp_send_number(stage.cx, to, m), ACT_OK);
  m.padding.size = most + 1;
  assert_int_equal(kidp_send_number(stage.cx, to, m), ACT_ELIMIT);
  const km_state *answer;
  assert_int_equal(kidp_call_get(stage.cx, to, (km_get){0}, ACT_SEC(10), &answer), ACT_OK);
  assert_int_equal(answer->count, 1);
  act_reply_free(stage.cx, answer);
  stage_close(&stage);
}

static void what_a_killed_process_held_is_one_gap(void **state) {
  (void)state;
  struct stage stage;
  open_host(&stage);
  struct spawning s = {.id = "gap"};
  assert_int_equal(stage_run(&stage, spawn_kid, &s), ACT_OK);
  long long pid = wait_up();
  kidp_ref to = {s.pid};
  const km_state *answer;
  assert_int_equal(kidp_call_get(stage.cx, to, (km_get){0}, ACT_SEC(10), &answer), ACT_OK);
  act_reply_free(stage.cx, answer);
  halt((pid_t)pid);
  for (uint64_t n = 1; n <= 10; n++) {
    assert_int_equal(kidp_send_number(stage.cx, to, (km_number){.n = n}), ACT_OK);
  }
  assert_int_equal(kill((pid_t)pid, SIGKILL), 0);
  diary_wait("exit gap failed ACT_EKILLED signal 9");
  assert_int_equal(stage_counters(&stage).undelivered, 1);
  stage_close(&stage);
}

// --- addresses -----------------------------------------------------------------------------------------

static void its_own_address_reaches_it_and_dies_with_it(void **state) {
  (void)state;
  struct stage stage;
  open_tree(&stage);
  long long pid = wait_up();
  struct asking asking = {.tag = 3};
  assert_int_equal(stage_run(&stage, same_node, NULL), ACT_OK);
  assert_int_equal(stage_run(&stage, ask_told_address, &asking), ACT_OK);
  diary_wait("answer 3 ACT_OK");
  act_pid told = asking.to;
  assert_int_equal(kill((pid_t)pid, SIGKILL), 0);
  (void)wait_up();
  asking = (struct asking){.to = told, .tag = 4};
  assert_int_equal(stage_run(&stage, ask_kid, &asking), ACT_OK);
  diary_wait("answer 4 ACT_ENOROUTE");
  assert_int_equal(stage_run(&stage, watch_pid, &told), ACT_OK);
  diary_wait("down noproc");
  stage_close(&stage);
}

// --- what cannot be started --------------------------------------------------------------------------

ACT_ACTOR0(stranger, struct kid, km_args)
static act_rc stranger_init(struct kid *self, act_cx *cx, const km_args *args) {
  (void)self;
  (void)cx;
  (void)args;
  return ACT_OK;
}

static void an_unknown_behaviour_is_a_failed_start(void **state) {
  (void)state;
  struct stage stage;
  open_host(&stage);
  struct spawning s = {.id = "unknown", .behavior = &stranger};
  assert_int_equal(stage_run(&stage, spawn_kid, &s), ACT_OK);
  diary_wait("exit unknown failed ACT_ENOENT");
  stage_close(&stage);
}

static act_rc spawn_with_plain_args(struct host *self, act_cx *cx, void *arg) {
  (void)self;
  act_child child = {.id = "plain", .behavior = &kid, .args = arg, .isolate = ACT_OWN_PROCESS};
  return act_spawn(cx, &child, host_on_exit_then(0), NULL);
}

static void arguments_that_are_no_message_are_refused(void **state) {
  (void)state;
  struct stage stage;
  open_host(&stage);
  km_args args = {.start = 1};
  assert_int_equal(stage_run(&stage, spawn_with_plain_args, &args), ACT_EINVAL);
  stage_close(&stage);
}

int main(void) {
  if (act_is_child_process()) {
    const char *how = getenv(BEFORE_LINK);
    if (how && strcmp(how, "exit") == 0) _exit(9);
    if (how) pause();
    return act_main(&(act_node){.name = "kid", .log = &quiet}, &tree);
  }
  diary_open();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ask_and_answer_cross_over),
      cmocka_unit_test(one_thread_is_enough_for_the_parent),
      cmocka_unit_test(messages_arrive_in_order_and_within_the_bound),
      cmocka_unit_test(each_way_to_die_is_told_and_restarted),
      cmocka_unit_test(last_words_come_before_the_news_of_the_end),
      cmocka_unit_test(kill_9_is_told_once_each_time),
      cmocka_unit_test(an_ask_ends_dead_at_once_when_its_process_is_killed),
      cmocka_unit_test(a_program_that_never_links_is_told_too),
      cmocka_unit_test(its_limits_hold_in_the_process),
      cmocka_unit_test(a_failing_start_is_told_with_its_text),
      cmocka_unit_test(a_late_start_holds_messages_back_until_it_is_ready),
      cmocka_unit_test(one_who_overstays_its_stop_is_killed),
      cmocka_unit_test(a_stop_lets_it_end_by_itself),
      cmocka_unit_test(the_bound_is_half_of_the_mailbox_and_exact),
      cmocka_unit_test(a_sender_parks_on_a_process_until_it_takes_more_or_dies),
      cmocka_unit_test(a_message_over_the_limit_is_refused_here),
      cmocka_unit_test(what_a_killed_process_held_is_one_gap),
      cmocka_unit_test(its_own_address_reaches_it_and_dies_with_it),
      cmocka_unit_test(an_unknown_behaviour_is_a_failed_start),
      cmocka_unit_test(arguments_that_are_no_message_are_refused),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  diary_clear();
  return failed;
}
