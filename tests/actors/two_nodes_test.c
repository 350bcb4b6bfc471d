// SPDX-License-Identifier: Apache-2.0
//
// Nodes that meet over Unix sockets: look-up, send, ask, monitor, credit, and what is told when a link
// or a node is lost. Most tests run the nodes in this process; where one must be killed it is this
// program once more, started as a node.
#include "tests/actors/host.h"

#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

// --- the actor that others look up -----------------------------------------------------------------

ACT_MSG(tm_number, (u64, n, 1)(bytes, padding, 2))
ACT_MSG(tm_get, (flag, hold, 1))
ACT_MSG(tm_state, (u64, count, 1)(u64, disorder, 2))
ACT_MSG(tm_do, (i32, what, 1)(pid, whom, 2))
#define TARGET(CAST, CALL, P)         \
  CAST(P, 1, number, tm_number)       \
  CALL(P, 2, get, tm_get, tm_state)   \
  CAST(P, 3, act, tm_do)
ACT_PROTOCOL(targetp, 1, TARGET)

enum { BLOCK, END, FAIL, TALK, TALK_AND_END, ANSWER_HELD };
#define LINES 100u

struct target {
  uint64_t count, disorder, last;
  tm_state_reply held;
};
ACT_ACTOR(target, targetp, TARGET, struct target, act_noargs)
ACT_ON_TICK(target, on_ready)

// Holds a handler until the test opens it.
static struct act__mutex gate_lock;
static struct act__cond gate_changed;
static bool gate_open;

static void gate_set(bool open) {
  act__mutex_lock(&gate_lock);
  gate_open = open;
  act__cond_broadcast(&gate_changed);
  act__mutex_unlock(&gate_lock);
}

static void gate_pass(void) {
  diary_note("at the gate");
  act__mutex_lock(&gate_lock);
  while (!gate_open) act__cond_wait(&gate_changed, &gate_lock);
  act__mutex_unlock(&gate_lock);
}

static bool late;  // starting takes its time

static act_rc target_init(struct target *self, act_cx *cx, const act_noargs *args) {
  (void)self;
  (void)args;
  if (!late) return ACT_OK;
  act_rc rc = act_after(cx, ACT_MS(20), on_ready_then(0), NULL);
  return rc ? rc : ACT_LATER;
}

static act_rc on_ready(struct target *self, act_cx *cx, const act_tick *tick) {
  (void)self;
  (void)tick;
  return act_ready(cx);
}

static act_rc target_number(struct target *self, act_cx *cx, const tm_number *m) {
  (void)cx;
  if (m->n != self->last + 1) self->disorder++;
  self->last = m->n;
  self->count++;
  return ACT_OK;
}

static act_rc target_get(struct target *self, act_cx *cx, const tm_get *m, tm_state_reply r) {
  if (m->hold) {
    self->held = r;
    diary_note("held");
    return act_reply_keep(cx, r.r);
  }
  return tm_state_answer(cx, r, (tm_state){.count = self->count, .disorder = self->disorder});
}

static act_rc talk(act_cx *cx, act_pid whom) {
  hostp_ref to = {whom};
  for (unsigned i = 0; i < LINES; i++) {
    act_rc rc = hostp_send_line(cx, to, (hm_line){.text = ACT_STR("line")});
    if (rc) return act_fail(cx, rc, "line %u", i);
  }
  return ACT_OK;
}

static act_rc target_act(struct target *self, act_cx *cx, const tm_do *m) {
  switch (m->what) {
    case BLOCK: gate_pass(); break;
    case END: act_end(cx); break;
    case FAIL: return act_fail(cx, ACT_EBADMSG, "told to fail");
    case TALK: return talk(cx, m->whom);
    case TALK_AND_END: act_end(cx); return talk(cx, m->whom);
    case ANSWER_HELD: return tm_state_answer(cx, self->held, (tm_state){.count = 1});
    default: break;
  }
  return ACT_OK;
}

// --- nodes -----------------------------------------------------------------------------------------------

static const act_child server_kids[] = {
    HOST_KID,
    {.id = "target", .name = "target", .behavior = &target, .mailbox = {.msgs = 64}},
    {.id = "tiny", .name = "tiny", .behavior = &target, .mailbox = {.msgs = 1}},
    {.id = "small", .name = "small", .behavior = &target, .mailbox = {.msgs = 8}},
    {.id = "wide", .name = "wide", .behavior = &target, .mailbox = {.msgs = 1024}},
    {.name = "parks", .behavior = &target, .mailbox = {.msgs = 64, .full = ACT_PARK}},
    {.name = "hasty", .behavior = &target, .mailbox = {.msgs = 64, .full = ACT_PARK, .park_ms = 20}},
};
static const act_sup server_tree = {.max_restarts = 100, .kids = server_kids, .nkids = 7};
static const act_child client_kids[] = {HOST_KID};
static const act_sup client_tree = {.kids = client_kids, .nkids = 1};

static char folder[64];
static char server_address[96], client_address[96];

static void open_server(struct stage *stage) {
  stage_open(stage, (act_node){.name = "server", .listen = server_address, .log = &quiet, .workers = 2},
             &server_tree);
}

static void open_client(struct stage *stage) {
  stage_open(stage, (act_node){.name = "client", .log = &quiet}, &client_tree);
}

// --- inside a host -----------------------------------------------------------------------------------

ACT_ON_FOUND(host, on_target, targetp)
ACT_ON_FOUND(host, on_host, hostp)
ACT_ON(host, on_state, tm_state)

static act_rc on_target(struct host *self, act_cx *cx, act_rc st, targetp_ref ref, uintptr_t tag) {
  (void)cx;
  self->kid = ref.pid;
  diary_note("found %u %s", (unsigned)tag, act_rc_name(st));
  return ACT_OK;
}

static act_rc on_host(struct host *self, act_cx *cx, act_rc st, hostp_ref ref, uintptr_t tag) {
  (void)cx;
  self->kid = ref.pid;
  diary_note("host %u %s", (unsigned)tag, act_rc_name(st));
  return ACT_OK;
}

static act_rc on_state(struct host *self, act_cx *cx, act_rc st, const tm_state *v, uintptr_t tag) {
  (void)self;
  (void)cx;
  diary_note("answer %u %s %llu %llu", (unsigned)tag, act_rc_name(st),
             (unsigned long long)(v ? v->count : 0), (unsigned long long)(v ? v->disorder : 0));
  return ACT_OK;
}

static act_rc look_up(struct host *self, act_cx *cx, void *name) {
  (void)self;
  return targetp_lookup(cx, (const char *)name, ACT_SEC(10), on_target_then(0));
}

static act_rc look_host_up(struct host *self, act_cx *cx, void *name) {
  (void)self;
  return hostp_lookup(cx, (const char *)name, ACT_SEC(10), on_host_then(0));
}

static act_rc ask_get(struct host *self, act_cx *cx, void *hold) {
  return targetp_ask_get(cx, (targetp_ref){self->kid}, (tm_get){.hold = hold != NULL}, ACT_SEC(60),
                         on_state_then(0));
}

static act_rc send_number(struct host *self, act_cx *cx, void *n) {
  return targetp_send_number(cx, (targetp_ref){self->kid}, (tm_number){.n = *(uint64_t *)n});
}

static act_rc svc_send_number(struct host *self, act_cx *cx, void *n) {
  targetp_ref ref = {self->kid};
  return targetp_svc_send_number(cx, targetp_at(ref), (tm_number){.n = *(uint64_t *)n});
}

static act_rc send_act(struct host *self, act_cx *cx, void *what) {
  return targetp_send_act(cx, (targetp_ref){self->kid},
                          (tm_do){.what = *(int *)what, .whom = act_self(cx)});
}

static act_rc watch(struct host *self, act_cx *cx, void *arg) {
  (void)arg;
  return act_monitor(cx, self->kid, host_on_down_then(0), &self->mon);
}

static act_rc unwatch(struct host *self, act_cx *cx, void *arg) {
  (void)arg;
  act_demonitor(cx, &self->mon);
  return ACT_OK;
}

static act_rc order(struct stage *stage, int what) {
  return stage_run(stage, send_act, &what);
}

static void find(struct stage *client, const char *name) {
  char full[160];
  snprintf(full, sizeof full, "%s@%s", name, server_address);
  assert_int_equal(stage_run(client, look_up, full), ACT_OK);
  diary_wait("found 0 ACT_OK");
}

static void find_not(struct stage *client, const char *name, const char *told) {
  assert_int_equal(stage_run(client, look_up, (void *)(uintptr_t)name), ACT_OK);
  diary_wait(told);
}

// The answer, once there is credit for the question.
static void expect_answer(struct stage *stage, const char *answer) {
  char line[64];
  do {
    assert_int_equal(stage_run(stage, ask_get, NULL), ACT_OK);
    diary_wait_copy("answer 0", line, sizeof line);
  } while (strncmp(line, "answer 0 ACT_EFULL", 18) == 0);
  assert_string_equal(line, answer);
}

static struct stage server, client;

static int set_up(void **state) {
  (void)state;
  diary_clear();
  gate_set(false);
  open_server(&server);
  open_client(&client);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  gate_set(true);
  if (client.rt) stage_close(&client);
  if (server.rt) stage_close(&server);
  client.rt = server.rt = NULL;
  return 0;
}

// --- finding -----------------------------------------------------------------------------------------

static void a_name_is_looked_up_and_asked(void **state) {
  (void)state;
  find(&client, "target");
  assert_int_equal(stage_run(&client, ask_get, NULL), ACT_OK);
  diary_wait("answer 0 ACT_OK 0");
  find(&client, "target");  // again, over the same link, with the credit that is there
  uint64_t n = 1;
  assert_int_equal(stage_run(&client, send_number, &n), ACT_OK);
  assert_int_equal(stage_run(&client, ask_get, NULL), ACT_OK);
  diary_wait("answer 0 ACT_OK 1 0");
}

static void what_is_not_there_is_told_by_its_own_code(void **state) {
  (void)state;
  char name[160];
  snprintf(name, sizeof name, "nobody@%s", server_address);
  find_not(&client, name, "found 0 ACT_ENOENT");
  snprintf(name, sizeof name, "host@%s", server_address);
  find_not(&client, name, "found 0 ACT_EVERSION");  // it speaks another protocol
  snprintf(name, sizeof name, "target@unix:%s/nowhere", folder);
  find_not(&client, name, "found 0 ACT_ELINK");
  find_not(&client, "target@tcp:localhost:1", "found 0 ACT_ENOTSUP");
  find_not(&client, "target@parent", "found 0 ACT_ENOROUTE");
}

ACT_ON(host, on_version, tm_state)
static act_rc on_version(struct host *self, act_cx *cx, act_rc st, const tm_state *v, uintptr_t tag) {
  (void)self;
  (void)cx;
  (void)v;
  (void)tag;
  diary_note("version %s", act_rc_name(st));
  return ACT_OK;
}

static act_rc look_up_other_version(struct host *self, act_cx *cx, void *name) {
  (void)self;
  static const act_protocol newer = {"targetp", 2, 3, targetp_ops_};
  return act__lookup(cx, (const char *)name, &newer, ACT_SEC(10), on_version_then(0).t);
}

static void another_version_of_the_protocol_is_refused(void **state) {
  (void)state;
  char name[160];
  snprintf(name, sizeof name, "target@%s", server_address);
  assert_int_equal(stage_run(&client, look_up_other_version, name), ACT_OK);
  diary_wait("version ACT_EVERSION");
  find(&client, "target");  // the link is as good as before
}

static void both_may_look_up_whoever_has_dialled(void **state) {
  (void)state;
  stage_close(&client);
  stage_open(&client, (act_node){.name = "client", .listen = client_address, .log = &quiet},
             &client_tree);
  find(&client, "target");
  char name[160];
  snprintf(name, sizeof name, "host@%s", client_address);
  assert_int_equal(stage_run(&server, look_host_up, name), ACT_OK);
  diary_wait("host 0 ACT_OK");
}

// --- credit ------------------------------------------------------------------------------------------

static unsigned send_until_full(struct stage *stage) {
  for (uint64_t n = 1;; n++) {
    act_rc rc = stage_run(stage, send_number, &n);
    if (rc == ACT_EFULL) return (unsigned)n - 1;
    assert_int_equal(rc, ACT_OK);
  }
}

static act_rc send_until_parked(struct host *self, act_cx *cx, void *accepted) {
  act_rc rc = ACT_OK;
  for (uint64_t *n = (uint64_t *)accepted; !rc; *n += !rc) {
    rc = targetp_send_number(cx, (targetp_ref){self->kid}, (tm_number){.n = *n + 1});
  }
  return act_parked(cx) ? rc : ACT_EFAIL;
}

static void park_on(const char *name) {
  find(&client, name);
  assert_int_equal(order(&client, BLOCK), ACT_OK);
  diary_wait("at the gate");
  uint64_t n = 0;
  assert_int_equal(stage_run(&client, send_until_parked, &n), ACT_EFULL);  // the one behind it
  assert_int_equal(n, 64 / 8);  // one credit is at the gate, one message is parked
}

static void a_sender_parks_until_credit_comes_home(void **state) {
  (void)state;
  park_on("parks");
  gate_set(true);
  assert_int_equal(stage_run(&client, ask_get, NULL), ACT_OK);
  diary_wait("answer 0 ACT_OK 8 0");  // what was parked went first
  assert_int_equal(stage_counters(&client).undelivered, 0);
}

static void a_sender_does_not_wait_for_credit_for_ever(void **state) {
  (void)state;
  park_on("hasty");
  uint64_t n = 8;
  assert_int_equal(stage_run(&client, send_number, &n), ACT_OK);  // parked in its turn
  assert_true(stage_counters(&client).undelivered >= 1);
}

static void one_peer_may_have_an_eighth_and_no_more(void **state) {
  (void)state;
  find(&client, "target");
  assert_int_equal(order(&client, BLOCK), ACT_OK);
  diary_wait("at the gate");
  assert_int_equal(send_until_full(&client), 64 / 8 - 1);
  gate_set(true);
  uint64_t n = 8;
  act_rc rc;
  while ((rc = stage_run(&client, send_number, &n)) == ACT_EFULL) sched_yield();
  assert_int_equal(rc, ACT_OK);
  expect_answer(&client, "answer 0 ACT_OK 8 0");
}

static void a_mailbox_for_one_grants_that_one(void **state) {
  (void)state;
  find(&client, "tiny");
  assert_int_equal(order(&client, BLOCK), ACT_OK);
  diary_wait("at the gate");
  assert_int_equal(send_until_full(&client), 0);
  gate_set(true);
  uint64_t n = 1;
  act_rc rc;
  while ((rc = stage_run(&client, send_number, &n)) == ACT_EFULL) sched_yield();
  assert_int_equal(rc, ACT_OK);
}

static void peers_together_get_half(void **state) {
  (void)state;
  enum { MORE = 4 };  // of a mailbox for 8 each gets 1, and half of it is 4
  struct stage more[MORE];
  find(&client, "small");
  for (int i = 0; i < MORE; i++) {
    stage_open(&more[i], (act_node){.name = "more", .log = &quiet, .workers = 1}, &client_tree);
    if (i < MORE - 1) {
      find(&more[i], "small");
    } else {
      char name[160];
      snprintf(name, sizeof name, "small@%s", server_address);
      find_not(&more[i], name, "found 0 ACT_EFULL");
    }
  }
  stage_close(&more[0]);  // its link's end gives the room back; the one that was refused gets it
  act_rc rc = ACT_OK;
  char line[64] = "";
  char name[160];
  snprintf(name, sizeof name, "small@%s", server_address);
  while (!rc && strcmp(line, "found 0 ACT_OK") != 0) {
    rc = stage_run(&more[MORE - 1], look_up, name);
    diary_wait_copy("found 0", line, sizeof line);
  }
  assert_int_equal(rc, ACT_OK);
  for (int i = 1; i < MORE; i++) stage_close(&more[i]);
}

static void many_messages_arrive_in_order(void **state) {
  (void)state;
  find(&client, "wide");
  for (uint64_t n = 1; n <= 5000; n++) {
    act_rc rc;
    while ((rc = stage_run(&client, send_number, &n)) == ACT_EFULL) sched_yield();
    assert_int_equal(rc, ACT_OK);
  }
  expect_answer(&client, "answer 0 ACT_OK 5000 0");
  assert_int_equal(stage_counters(&client).undelivered, 0);
}

static act_rc send_large(struct host *self, act_cx *cx, void *size) {
  static uint8_t padding[ACT_REMOTE_MESSAGE_MAX];
  tm_number m = {.n = 1, .padding = act_bytes_of(padding, *(uint32_t *)size)};
  return targetp_send_number(cx, (targetp_ref){self->kid}, m);
}

static void a_large_message_is_refused_here(void **state) {
  (void)state;
  find(&client, "wide");
  uint32_t most = ACT_REMOTE_MESSAGE_MAX - (uint32_t)sizeof(tm_number);
  assert_int_equal(stage_run(&client, send_large, &most), ACT_OK);
  most++;
  assert_int_equal(stage_run(&client, send_large, &most), ACT_ELIMIT);
  expect_answer(&client, "answer 0 ACT_OK 1 0");
}

// --- addresses in messages -----------------------------------------------------------------------------

static void who_is_sent_an_address_can_use_it_at_once(void **state) {
  (void)state;
  find(&client, "target");
  assert_int_equal(order(&client, TALK), ACT_OK);
  for (unsigned i = 0; i < LINES; i++) diary_wait("line");
  assert_int_equal(stage_counters(&server).failures, 0);
}

// --- ends ----------------------------------------------------------------------------------------------

static void down_comes_after_the_last_message(void **state) {
  (void)state;
  find(&client, "target");
  assert_int_equal(stage_run(&client, watch, NULL), ACT_OK);
  assert_int_equal(order(&client, TALK_AND_END), ACT_OK);
  diary_wait("down normal ACT_OK");
  assert_int_equal(diary_count("line"), LINES);
}

static void a_withdrawn_watch_tells_nothing(void **state) {
  (void)state;
  find(&client, "target");
  assert_int_equal(stage_run(&client, watch, NULL), ACT_OK);
  assert_int_equal(stage_run(&client, unwatch, NULL), ACT_OK);
  assert_int_equal(stage_run(&client, watch, NULL), ACT_OK);
  assert_int_equal(order(&client, END), ACT_OK);
  diary_wait("down normal");
  assert_int_equal(diary_count("down"), 1);
}

static void a_ref_dies_with_its_incarnation_and_a_svc_goes_on(void **state) {
  (void)state;
  find(&client, "target");
  assert_int_equal(stage_run(&client, watch, NULL), ACT_OK);
  assert_int_equal(order(&client, FAIL), ACT_OK);
  diary_wait("down failed ACT_EBADMSG told to fail");
  uint64_t n = 1;
  act_rc rc;
  while ((rc = stage_run(&client, svc_send_number, &n)) == ACT_ENOROUTE) sched_yield();
  assert_int_equal(rc, ACT_OK);
  assert_int_equal(stage_run(&client, send_number, &n), ACT_EDEAD);
  find(&client, "target");
  assert_int_equal(stage_run(&client, ask_get, NULL), ACT_OK);
  diary_wait("answer 0 ACT_OK 1 0");
}

static void an_ask_ends_when_the_actor_there_fails(void **state) {
  (void)state;
  find(&client, "target");
  assert_int_equal(stage_run(&client, ask_get, &client), ACT_OK);
  diary_wait("held");
  assert_int_equal(order(&client, FAIL), ACT_OK);
  diary_wait("answer 0 ACT_EDROPPED");
}

static void asks_that_wait_in_the_mailbox_end_dead(void **state) {
  (void)state;
  find(&client, "target");
  assert_int_equal(order(&client, BLOCK), ACT_OK);
  diary_wait("at the gate");
  assert_int_equal(order(&client, FAIL), ACT_OK);
  assert_int_equal(stage_run(&client, ask_get, NULL), ACT_OK);
  gate_set(true);
  diary_wait("answer 0 ACT_EDEAD");
}

static void an_answer_to_a_lost_asker_is_counted(void **state) {
  (void)state;
  find(&client, "target");
  assert_int_equal(stage_run(&client, ask_get, &client), ACT_OK);
  diary_wait("held");
  targetp_svc own;
  assert_int_equal(targetp_svc_named(server.cx, "target", &own), ACT_OK);
  stage_close(&client);
  client.rt = NULL;
  uint64_t before = stage_counters(&server).late_replies;
  // The link's end is seen here a moment later; until then the answer goes out and is nobody's.
  assert_int_equal(targetp_svc_send_act(server.cx, own, (tm_do){.what = ANSWER_HELD}), ACT_OK);
  const tm_state *answer;
  assert_int_equal(targetp_svc_call_get(server.cx, own, (tm_get){0}, ACT_SEC(10), &answer), ACT_OK);
  act_reply_free(server.cx, answer);
  act_counters after = stage_counters(&server);
  assert_in_range(after.late_replies, before, before + 1);
  assert_int_equal(after.failures, 0);
}

static void a_node_that_stops_is_lost_to_its_watchers(void **state) {
  (void)state;
  find(&client, "target");
  assert_int_equal(stage_run(&client, watch, NULL), ACT_OK);
  assert_int_equal(stage_run(&client, ask_get, &client), ACT_OK);
  diary_wait("held");
  stage_close(&server);
  server.rt = NULL;
  diary_wait("down ");  // its actors end in order first
  uint64_t n = 1;
  act_rc rc;
  while ((rc = stage_run(&client, send_number, &n)) == ACT_ENOROUTE || rc == ACT_EDEAD) {
    sched_yield();
  }
  assert_int_equal(rc, ACT_ELINK);
  open_server(&server);
  find(&client, "target");  // another node now, dialled anew
}

// --- a node that is killed ---------------------------------------------------------------------------

#define NODE "TROUPE_TEST_NODE"

static int node_main(int out) {
  diary_open();
  late = getenv(NODE "_LATE") != NULL;
  if (late && write(out, "", 1) != 1) return 1;
  struct stage stage;
  open_server(&stage);
  if (!late && write(out, "", 1) != 1) return 1;
  act_wait(stage.rt);
  return 0;
}

static pid_t start_node(void) {
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    char text[128];
    snprintf(text, sizeof text, "%d:%s", ends[1], server_address);
    setenv(NODE, text, 1);
    execl("/proc/self/exe", "node", (char *)NULL);
    _exit(127);
  }
  close(ends[1]);
  char byte;
  assert_int_equal(read(ends[0], &byte, 1), 1);
  close(ends[0]);
  return pid;
}

static void kill_node(pid_t pid) {
  assert_int_equal(kill(pid, SIGKILL), 0);
  assert_int_equal(waitpid(pid, NULL, 0), pid);
}

// Returns when it has stopped: the signal alone takes its time.
static void halt(pid_t pid) {
  assert_int_equal(kill(pid, SIGSTOP), 0);
  assert_int_equal(waitpid(pid, NULL, WUNTRACED), pid);
}

static int set_up_client(void **state) {
  (void)state;
  diary_clear();
  gate_set(false);
  open_client(&client);
  return 0;
}

static void a_killed_node_is_lost_with_all_that_was_asked_of_it(void **state) {
  (void)state;
  pid_t pid = start_node();
  find(&client, "target");
  assert_int_equal(stage_run(&client, watch, NULL), ACT_OK);
  assert_int_equal(stage_run(&client, ask_get, &client), ACT_OK);
  assert_int_equal(stage_run(&client, ask_get, NULL), ACT_OK);
  diary_wait("answer 0 ACT_OK");
  kill_node(pid);
  diary_wait("answer 0 ACT_ELINK");
  diary_wait("down node_lost ACT_ELINK");
  uint64_t n = 1;
  assert_int_equal(stage_run(&client, send_number, &n), ACT_ELINK);
  assert_int_equal(diary_count("down"), 1);
  assert_int_equal(stage_run(&client, watch, NULL), ACT_OK);
  diary_wait("down node_lost");  // it may be alive
  pid = start_node();
  find(&client, "target");
  assert_int_equal(stage_run(&client, ask_get, NULL), ACT_OK);
  diary_wait("answer 0 ACT_OK");
  kill_node(pid);
}

static void what_a_lost_node_held_is_one_gap_per_target(void **state) {
  (void)state;
  pid_t pid = start_node();
  find(&client, "target");
  assert_int_equal(stage_run(&client, watch, NULL), ACT_OK);
  halt(pid);
  assert_int_equal(send_until_full(&client), 64 / 8);
  kill_node(pid);
  diary_wait("down node_lost");
  assert_int_equal(stage_counters(&client).undelivered, 1);
}

static void who_comes_too_early_waits_until_the_tree_is_up(void **state) {
  (void)state;
  setenv(NODE "_LATE", "1", 1);
  pid_t pid = start_node();
  unsetenv(NODE "_LATE");
  char name[160], line[64];
  snprintf(name, sizeof name, "wide@%s", server_address);  // the last of four that each take 20 ms
  do {
    assert_int_equal(stage_run(&client, look_up, name), ACT_OK);
    diary_wait_copy("found 0", line, sizeof line);
  } while (strcmp(line, "found 0 ACT_ELINK") == 0);  // nobody listens yet
  assert_string_equal(line, "found 0 ACT_OK");
  kill_node(pid);
}

// --- all of them -----------------------------------------------------------------------------------------

#define PAIR(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define ALONE(name) cmocka_unit_test_setup_teardown(name, set_up_client, tear_down)

int main(void) {
  act__mutex_init(&gate_lock);
  act__cond_init(&gate_changed);
  const char *node = getenv(NODE);
  if (node) {
    snprintf(server_address, sizeof server_address, "%s", strchr(node, ':') + 1);
    return node_main(atoi(node));
  }
  snprintf(folder, sizeof folder, "/tmp/troupe-nodes-XXXXXX");
  if (!mkdtemp(folder)) return 1;
  snprintf(server_address, sizeof server_address, "unix:%s/server", folder);
  snprintf(client_address, sizeof client_address, "unix:%s/client", folder);
  diary_open();
  const struct CMUnitTest tests[] = {
      PAIR(a_name_is_looked_up_and_asked),
      PAIR(what_is_not_there_is_told_by_its_own_code),
      PAIR(another_version_of_the_protocol_is_refused),
      PAIR(both_may_look_up_whoever_has_dialled),
      PAIR(one_peer_may_have_an_eighth_and_no_more),
      PAIR(a_sender_parks_until_credit_comes_home),
      PAIR(a_sender_does_not_wait_for_credit_for_ever),
      PAIR(a_mailbox_for_one_grants_that_one),
      PAIR(peers_together_get_half),
      PAIR(many_messages_arrive_in_order),
      PAIR(a_large_message_is_refused_here),
      PAIR(who_is_sent_an_address_can_use_it_at_once),
      PAIR(down_comes_after_the_last_message),
      PAIR(a_withdrawn_watch_tells_nothing),
      PAIR(a_ref_dies_with_its_incarnation_and_a_svc_goes_on),
      PAIR(an_ask_ends_when_the_actor_there_fails),
      PAIR(asks_that_wait_in_the_mailbox_end_dead),
      PAIR(an_answer_to_a_lost_asker_is_counted),
      PAIR(a_node_that_stops_is_lost_to_its_watchers),
      ALONE(a_killed_node_is_lost_with_all_that_was_asked_of_it),
      ALONE(who_comes_too_early_waits_until_the_tree_is_up),
      ALONE(what_a_lost_node_held_is_one_gap_per_target),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  diary_clear();
  char path[96];
  snprintf(path, sizeof path, "%s/server", folder);
  unlink(path);  // a killed node leaves its socket
  rmdir(folder);
  return failed;
}
