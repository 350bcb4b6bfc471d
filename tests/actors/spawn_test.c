// SPDX-License-Identifier: Apache-2.0
//
// Children that an actor makes itself: what is copied, who is told what, limits, names, stopping.
#include "base/alloc.h"
#include "base/atomic.h"
#include "base/thread.h"
#include "tests/actors/player.h"

// A parent that does on request what handlers do: spawn, stop, fail, end; and counts exits.
ACT_MSG(parent_spawn, (u64, child, 1)(flag, handled, 2)(u32, tag, 3))
ACT_MSG(parent_child, (pid, pid, 1)(i32, rc, 2))
ACT_MSG(parent_stop, (pid, pid, 1))
ACT_MSG(parent_done, (i32, rc, 1))
#define PARENTING(CAST, CALL, P)                \
  CALL(P, 1, spawn, parent_spawn, parent_child) \
  CALL(P, 2, stop, parent_stop, parent_done)    \
  CAST(P, 3, act, player_do)
ACT_PROTOCOL(parenting, 1, PARENTING)

struct seen_exit {
  act_pid pid;
  act_reason reason;
  act_rc rc;
  uintptr_t tag;
  char text[ACT_FAIL_TEXT_MAX];
  char child[64];
};

static struct {
  struct book book;
  act_log_sink sink;
  act_node node;
  act_sim *sim;
  act_cx *cx;
  parenting_ref parent;
  struct seen_exit exits[8];
  unsigned exit_count;
  const act_child *respawn;  // the next exit handler starts this
  act_rc respawn_rc;
} stage;

struct boss {
  int dummy;
};
ACT_ACTOR(boss, parenting, PARENTING, struct boss, act_noargs)
ACT_ON_EXIT(boss, on_child_exit)

static act_rc boss_init(struct boss *self, act_cx *cx, const act_noargs *args) {
  (void)self;
  (void)cx;
  (void)args;
  return ACT_OK;
}

static act_rc boss_spawn(struct boss *self, act_cx *cx, const parent_spawn *m,
                         parent_child_reply r) {
  (void)self;
  parent_child answer = {.pid = {0, 0, 0, 0, 0}};
  act_exit_then then = {{NULL, 0}};
  if (m->handled) then = on_child_exit_then(m->tag);
  answer.rc = act_spawn(cx, (const act_child *)(uintptr_t)m->child, then, &answer.pid);
  return parent_child_answer(cx, r, answer);
}

static act_rc on_child_exit(struct boss *self, act_cx *cx, const act_exit *exit) {
  (void)self;
  struct seen_exit *seen = &stage.exits[stage.exit_count++ % ACT_COUNT(stage.exits)];
  *seen = (struct seen_exit){.pid = exit->pid, .reason = exit->reason, .rc = exit->rc,
                             .tag = exit->tag};
  snprintf(seen->text, sizeof seen->text, "%s", exit->text);
  snprintf(seen->child, sizeof seen->child, "%s", exit->child);
  if (stage.respawn) {
    stage.respawn_rc = act_spawn(cx, stage.respawn, on_child_exit_then(0), NULL);
    stage.respawn = NULL;
  }
  return ACT_OK;
}

static act_rc boss_stop(struct boss *self, act_cx *cx, const parent_stop *m,
                        parent_done_reply r) {
  (void)self;
  return parent_done_answer(cx, r, (parent_done){.rc = act_stop_child(cx, m->pid)});
}

static act_rc boss_act(struct boss *self, act_cx *cx, const player_do *m) {
  (void)self;
  if (m->end) act_end(cx);
  return m->rc ? act_fail(cx, (act_rc)m->rc, "parent told to") : ACT_OK;
}

// --- the stage -----------------------------------------------------------------------------------

static struct part A, B;

#define KID(letter, ...) \
  {.id = #letter, .behavior = &player, .args = &letter, __VA_ARGS__}

static parenting_ref new_parent(act_limits limits) {
  parenting_ref ref;
  const act_child spec = {.id = "parent", .behavior = &boss, .limits = limits};
  assert_int_equal(act_sim_spawn(stage.sim, &spec, &ref.pid), ACT_OK);
  return ref;
}

static int set_up(void **state) {
  (void)state;
  memset(&stage, 0, sizeof stage);
  stage.sink = (act_log_sink){.fn = book_log, .arg = &stage.book, .level = ACT_LOG_INFO};
  stage.node = (act_node){.name = "test", .log = &stage.sink};
  A = (struct part){.book = &stage.book, .name = 'A'};
  B = (struct part){.book = &stage.book, .name = 'B'};
  if (act_sim_open(11, &stage.node, NULL, &stage.sim)) return -1;
  stage.cx = act_sim_cx(stage.sim);
  stage.parent = new_parent((act_limits){0});
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  return act_sim_close(stage.sim);
}

static act_rc spawn_by(parenting_ref by, const act_child *child, bool handled, playing_ref *out) {
  const parent_child *answer;
  act_rc rc = parenting_call_spawn(
      stage.cx, by, (parent_spawn){.child = (uintptr_t)child, .handled = handled, .tag = 77}, 1000,
      &answer);
  if (rc) return rc;
  rc = (act_rc)answer->rc;
  if (out) out->pid = answer->pid;
  act_reply_free(stage.cx, answer);
  return rc;
}

static act_rc spawn(const act_child *child, bool handled, playing_ref *out) {
  return spawn_by(stage.parent, child, handled, out);
}

static act_rc stop_by(parenting_ref by, act_pid pid) {
  const parent_done *answer;
  act_rc rc = parenting_call_stop(stage.cx, by, (parent_stop){.pid = pid}, 1000, &answer);
  if (rc) return rc;
  rc = (act_rc)answer->rc;
  act_reply_free(stage.cx, answer);
  return rc;
}

static void tell(playing_ref who, player_do what) {
  assert_int_equal(playing_send_act(stage.cx, who, what), ACT_OK);
  act_sim_settle(stage.sim);
}

static void tell_parent(player_do what) {
  assert_int_equal(parenting_send_act(stage.cx, stage.parent, what), ACT_OK);
  act_sim_settle(stage.sim);
}

static bool parent_lives(void) {
  return act_sim_is_alive(stage.sim, stage.parent.pid);
}

// --- being told ----------------------------------------------------------------------------------

static void the_end_of_a_child_is_told_once_with_its_reason(void **state) {
  (void)state;
  const act_child kid = KID(A);
  playing_ref a;
  assert_int_equal(spawn(&kid, true, &a), ACT_OK);
  tell(a, (player_do){.rc = ACT_EBADMSG});

  assert_int_equal(stage.exit_count, 1);
  assert_true(act_pid_equal(stage.exits[0].pid, a.pid));
  assert_int_equal(stage.exits[0].reason, ACT_REASON_FAILED);
  assert_int_equal(stage.exits[0].rc, ACT_EBADMSG);
  assert_int_equal(stage.exits[0].tag, 77);
  assert_string_equal(stage.exits[0].text, "told to");
  assert_string_equal(stage.exits[0].child, "A");
  assert_false(act_sim_is_alive(stage.sim, a.pid));
  assert_true(parent_lives());
}

static void a_normal_end_is_told_as_such(void **state) {
  (void)state;
  const act_child kid = KID(A);
  playing_ref a;
  assert_int_equal(spawn(&kid, true, &a), ACT_OK);
  tell(a, (player_do){.end = true});
  assert_int_equal(stage.exit_count, 1);
  assert_int_equal(stage.exits[0].reason, ACT_REASON_NORMAL);
}

static void a_failing_init_is_told_like_a_failure(void **state) {
  (void)state;
  A.fail_inits = 1;
  const act_child kid = KID(A);
  playing_ref a;
  assert_int_equal(spawn(&kid, true, &a), ACT_OK);
  act_sim_settle(stage.sim);
  assert_int_equal(stage.exit_count, 1);
  assert_int_equal(stage.exits[0].rc, ACT_ESYS);
  assert_string_equal(stage.exits[0].text, "not today");
}

static void an_unhandled_failure_of_a_child_fails_its_owner(void **state) {
  (void)state;
  const act_child kids[] = {KID(A), KID(B)};
  playing_ref a, b;
  assert_int_equal(spawn(&kids[0], false, &a), ACT_OK);
  assert_int_equal(spawn(&kids[1], true, &b), ACT_OK);
  act_sim_settle(stage.sim);
  tell(a, (player_do){.rc = ACT_EBADMSG});

  assert_false(parent_lives());
  assert_false(act_sim_is_alive(stage.sim, b.pid));
  assert_string_equal(stage.book.text, "iA iB xA xB");
}

static void an_unhandled_normal_end_changes_nothing(void **state) {
  (void)state;
  const act_child kid = KID(A);
  playing_ref a;
  assert_int_equal(spawn(&kid, false, &a), ACT_OK);
  tell(a, (player_do){.end = true});
  assert_true(parent_lives());
}

static void a_spawned_child_is_never_restarted(void **state) {
  (void)state;
  const act_child kid = KID(A, .restart = ACT_PERMANENT);
  playing_ref a;
  assert_int_equal(spawn(&kid, true, &a), ACT_OK);
  tell(a, (player_do){.rc = ACT_EFAIL});
  act_sim_advance(stage.sim, 10000);
  assert_string_equal(stage.book.text, "iA xA");
}

static void children_end_before_their_owner_does(void **state) {
  (void)state;
  const act_child kids[] = {KID(A), KID(B)};
  playing_ref a, b;
  assert_int_equal(spawn(&kids[0], true, &a), ACT_OK);
  assert_int_equal(spawn(&kids[1], true, &b), ACT_OK);
  act_sim_settle(stage.sim);
  tell_parent((player_do){.end = true});
  assert_false(parent_lives());
  assert_false(act_sim_is_alive(stage.sim, a.pid));
  assert_false(act_sim_is_alive(stage.sim, b.pid));
  assert_int_equal(stage.exit_count, 0);  // nobody is left to be told
}

// --- what is copied ------------------------------------------------------------------------------

static void arguments_are_copied_at_the_spawn(void **state) {
  (void)state;
  struct part part = {.book = &stage.book, .name = 'P'};
  char id[8] = "early", name[8] = "name";
  act_child kid = {.id = id, .name = name, .behavior = &player, .args = &part};
  playing_ref a;
  const act_child *borrowed = &kid;
  assert_int_equal(spawn(borrowed, true, &a), ACT_OK);
  // The call returned before init ran or after; either way what the child sees is its own.
  memset(&part, 0x5a, sizeof part);
  memset(id, 'z', sizeof id - 1);
  memset(name, 'z', sizeof name - 1);
  tell(a, (player_do){.rc = ACT_EFAIL});
  assert_string_equal(stage.exits[0].child, "early");
  assert_string_equal(stage.book.text, "iP xP");
}

ACT_MSG(greeting, (str, text, 1)(buf, data, 2))
struct greeter {
  int dummy;
};
ACT_ACTOR0(greeter, struct greeter, greeting)
static char greeted[32];
static act_rc greeter_init(struct greeter *self, act_cx *cx, const greeting *args) {
  (void)self;
  (void)cx;
  snprintf(greeted, sizeof greeted, "%s %.*s", args->text.data, (int)act_buf_size(args->data),
           (const char *)act_buf_data(args->data));
  return ACT_OK;
}

static void count_down(void *bytes, void *arg) {
  (void)bytes;
  --*(int *)arg;
}

static void a_message_as_argument_is_copied_deeply_and_let_go(void **state) {
  (void)state;
  int held = 1;
  char bytes[] = "buffer";
  greeting args = {.text = ACT_STR("hello")};
  args.data = act_buf_take(bytes, 6, count_down, &held);
  const act_child kid = {.id = "greeter", .behavior = &greeter, ACT_ARGS(greeting, &args)};
  playing_ref g;
  assert_int_equal(spawn(&kid, true, &g), ACT_OK);
  act_buf_unref(args.data);
  act_sim_settle(stage.sim);
  assert_string_equal(greeted, "hello buffer");
  assert_int_equal(held, 1);
  assert_int_equal(stop_by(stage.parent, g.pid), ACT_OK);
  act_sim_settle(stage.sim);
  assert_int_equal(held, 0);
}

static void messages_wait_until_init_is_done(void **state) {
  (void)state;
  A.ready_ms = 500;
  const act_child kid = KID(A);
  playing_ref a;
  assert_int_equal(spawn(&kid, true, &a), ACT_OK);
  const player_count *count;
  assert_int_equal(playing_call_ping(stage.cx, a, (player_do){0}, 5000, &count), ACT_OK);
  assert_in_range((count->now_ns - stage.book.at_ns[0]) / 1000000, 500, 502);
  act_reply_free(stage.cx, count);
}

// --- stopping ------------------------------------------------------------------------------------

static void an_owner_stops_its_child(void **state) {
  (void)state;
  const act_child kid = KID(A);
  playing_ref a;
  assert_int_equal(spawn(&kid, true, &a), ACT_OK);
  act_sim_settle(stage.sim);
  assert_int_equal(stop_by(stage.parent, a.pid), ACT_OK);
  act_sim_settle(stage.sim);
  assert_int_equal(stage.exit_count, 1);
  assert_int_equal(stage.exits[0].reason, ACT_REASON_NORMAL);
  assert_int_equal(stop_by(stage.parent, a.pid), ACT_EDEAD);
}

static void a_child_can_be_stopped_before_it_has_started(void **state) {
  (void)state;
  A.never_ready = true;
  const act_child kid = KID(A);
  playing_ref a;
  assert_int_equal(spawn(&kid, true, &a), ACT_OK);
  assert_int_equal(stop_by(stage.parent, a.pid), ACT_OK);
  act_sim_settle(stage.sim);
  assert_int_equal(stage.exit_count, 1);
  assert_int_equal(stage.exits[0].reason, ACT_REASON_NORMAL);
}

static void only_the_owner_may_stop_a_child(void **state) {
  (void)state;
  const act_child kid = KID(A);
  playing_ref a;
  assert_int_equal(spawn(&kid, true, &a), ACT_OK);
  act_sim_settle(stage.sim);
  parenting_ref other = new_parent((act_limits){0});
  assert_int_equal(stop_by(other, a.pid), ACT_EACCES);
  assert_int_equal(stop_by(other, stage.parent.pid), ACT_EACCES);
  assert_int_equal(stop_by(other, other.pid), ACT_EACCES);
  assert_true(act_sim_is_alive(stage.sim, a.pid));
  act_pid wrong = a.pid;
  wrong.epoch++;
  assert_int_equal(stop_by(stage.parent, wrong), ACT_EDEAD);
  wrong = a.pid;
  wrong.gen++;
  assert_int_equal(stop_by(stage.parent, wrong), ACT_EDEAD);
  wrong = a.pid;
  wrong.slot = 1u << 21;
  assert_int_equal(stop_by(stage.parent, wrong), ACT_EDEAD);
  wrong = a.pid;
  wrong.node++;
  assert_int_equal(stop_by(stage.parent, wrong), ACT_EDEAD);
}

static void a_start_past_its_deadline_is_told_as_killed(void **state) {
  (void)state;
  A.never_ready = true;
  const act_child kid = KID(A, .start_ms = 200);
  playing_ref a;
  assert_int_equal(spawn(&kid, true, &a), ACT_OK);
  act_sim_advance(stage.sim, 199);
  assert_int_equal(stage.exit_count, 0);
  act_sim_advance(stage.sim, 5);
  assert_int_equal(stage.exit_count, 1);
  assert_int_equal(stage.exits[0].reason, ACT_REASON_KILLED);
  assert_int_equal(stage.exits[0].rc, ACT_ETIMEDOUT);
  assert_string_equal(stage.exits[0].text, "not up within 200 ms");
}

// --- limits, names, memory -------------------------------------------------------------------------

static void the_limit_of_children_is_exact(void **state) {
  (void)state;
  parenting_ref two = new_parent((act_limits){.children = 2});
  const act_child kid = KID(A), other = KID(B);
  playing_ref a, b;
  assert_int_equal(spawn_by(two, &kid, true, &a), ACT_OK);
  assert_int_equal(spawn_by(two, &kid, true, &b), ACT_OK);
  assert_int_equal(spawn_by(two, &kid, true, NULL), ACT_ELIMIT);

  stage.respawn = &other;  // the handler of an exit finds the place free
  tell(a, (player_do){.end = true});
  assert_int_equal(stage.exit_count, 1);
  assert_int_equal(stage.respawn_rc, ACT_OK);
  assert_int_equal(spawn_by(two, &kid, true, NULL), ACT_ELIMIT);
}

static void a_name_is_taken_once_and_free_again_after_the_end(void **state) {
  (void)state;
  const act_child kid = KID(A, .name = "solo"), twin = KID(B, .name = "solo");
  playing_ref a;
  assert_int_equal(spawn(&kid, true, &a), ACT_OK);
  assert_int_equal(spawn(&twin, true, NULL), ACT_EEXIST);
  playing_svc named;
  assert_int_equal(playing_svc_named(stage.cx, "solo", &named), ACT_OK);
  assert_true(act_pid_same_actor(named.pid, a.pid));
  tell(a, (player_do){.end = true});
  assert_int_equal(playing_svc_named(stage.cx, "solo", &named), ACT_ENOENT);
  assert_int_equal(spawn(&twin, true, NULL), ACT_OK);
}

static void wrong_children_are_refused_with_a_reason_in_the_log(void **state) {
  (void)state;
  const act_child nothing = {.id = "nothing"};
  assert_int_equal(spawn(&nothing, true, NULL), ACT_EINVAL);
  assert_logged(&stage.book, "child nothing: has neither a behavior nor a sup");
  const act_child later = KID(A, .mailbox = {.full = ACT_DROP_OLD});
  assert_int_equal(spawn(&later, true, NULL), ACT_ENOTSUP);
  const act_sup all = {.strategy = ACT_ONE_FOR_ALL};
  const act_child sup = {.id = "all", .sup = &all};
  assert_int_equal(spawn(&sup, true, NULL), ACT_ENOTSUP);
  assert_logged(&stage.book, "supervisor all: of the strategies");
}

static void a_supervisor_can_be_spawned(void **state) {
  (void)state;
  static const act_child kids[] = {KID(A), KID(B)};
  static const act_sup sup = {.kids = kids, .nkids = 2};
  const act_child kid = {.id = "sup", .sup = &sup};
  playing_ref s;
  assert_int_equal(spawn(&kid, true, &s), ACT_OK);
  act_sim_settle(stage.sim);
  assert_string_equal(stage.book.text, "iA iB");
  assert_int_equal(stop_by(stage.parent, s.pid), ACT_OK);
  act_sim_settle(stage.sim);
  assert_string_equal(stage.book.text, "iA iB xB xA");
}

// The failure may hit the request, the spawn, the start or the answer. Once the owner is gone nothing
// of the child may be left, whichever it was (the end of the test looks for lost memory).
static void a_spawn_that_runs_out_of_memory_leaves_nothing(void **state) {
  (void)state;
  const act_child kid = KID(A, .name = "named");
  bool ok = false;
  for (int64_t n = 0; n < 200 && !ok; n++) {
    act__alloc_fail_after(n);
    playing_ref a;
    act_rc rc = spawn(&kid, true, &a);
    act__alloc_fail_after(-1);
    act_sim_settle(stage.sim);
    ok = rc == ACT_OK && act_sim_is_alive(stage.sim, a.pid);

    if (parent_lives()) tell_parent((player_do){.end = true});
    playing_svc named;
    assert_int_equal(playing_svc_named(stage.cx, "named", &named), ACT_ENOENT);
    stage.parent = new_parent((act_limits){0});
  }
  assert_true(ok);
}

static void ten_thousand_children_come_and_go(void **state) {
  (void)state;
  A.book = NULL;
  const act_child kid = KID(A);
  for (int round = 0; round < 2; round++) {
    parenting_ref owner = new_parent((act_limits){0});
    for (int i = 0; i < 10000; i++) assert_int_equal(spawn_by(owner, &kid, true, NULL), ACT_OK);
    assert_int_equal(parenting_send_act(stage.cx, owner, (player_do){.end = true}), ACT_OK);
    act_sim_advance(stage.sim, 10000);
    assert_false(act_sim_is_alive(stage.sim, owner.pid));
    act_counters counters;
    act_read_counters(act_sim_runtime(stage.sim), &counters);
    assert_int_equal(counters.actors, 3);  // root, the simulation's own, our parent
  }
}

// --- stuck, on real threads ------------------------------------------------------------------------

static struct act__parker in_handler, may_leave;

struct blocker {
  int dummy;
};
ACT_ACTOR(blocker, playing, PLAYER, struct blocker, act_noargs)
static act_rc blocker_init(struct blocker *self, act_cx *cx, const act_noargs *args) {
  (void)self;
  (void)cx;
  (void)args;
  return ACT_OK;
}
static act_rc blocker_act(struct blocker *self, act_cx *cx, const player_do *m) {
  (void)self;
  (void)cx;
  (void)m;
  act__parker_unpark(&in_handler);
  act__parker_park(&may_leave, INT64_MAX);
  return ACT_OK;
}
static act_rc blocker_ping(struct blocker *self, act_cx *cx, const player_do *m,
                           player_count_reply r) {
  (void)self;
  (void)m;
  return player_count_answer(cx, r, (player_count){0});
}

static void a_child_that_never_leaves_its_handler_is_stuck_and_the_stop_goes_on(void **state) {
  (void)state;
  static struct book book;
  static const act_log_sink sink = {.fn = book_log, .arg = &book, .level = ACT_LOG_INFO};
  static const act_child kids[] = {
      {.id = "stubborn", .name = "stubborn", .behavior = &blocker, .stop_ms = 20},
      KID(B)};
  static const act_sup sup = {.kids = kids, .nkids = 2};
  static const act_node node = {.name = "test", .log = &sink, .workers = 3, .stop_ms = 10000};
  act__parker_init(&in_handler);
  act__parker_init(&may_leave);
  B.book = NULL;
  act_runtime *rt;
  assert_int_equal(act_start(&node, &sup, &rt), ACT_OK);
  act_cx *cx = act_outside_open(rt);
  playing_svc svc;
  assert_int_equal(playing_svc_named(cx, "stubborn", &svc), ACT_OK);
  assert_int_equal(playing_svc_send_act(cx, svc, (player_do){0}), ACT_OK);
  assert_true(act__parker_park(&in_handler, INT64_MAX));

  act_request_stop(rt);
  act_wait(rt);
  act_outside_close(cx);
  assert_int_equal(act_stop(rt), ACT_EXIT_STUCK);
  assert_logged(&book, "child stubborn is stuck: it overstayed its stop");
  act__parker_unpark(&may_leave);
}

// --- stuck in its start, and back after all ----------------------------------------------------------

static ACT__ATOMIC(uint32_t) inits;
static struct act__parker may_wake;

struct sleeper {
  int dummy;
};
ACT_ACTOR(sleeper, playing, PLAYER, struct sleeper, act_noargs)
static act_rc sleeper_init(struct sleeper *self, act_cx *cx, const act_noargs *args) {
  (void)self;
  (void)cx;
  (void)args;
  // The first incarnation does not return before the test says so.
  if (act__fetch_add_acq_rel(&inits, 1) == 0) act__parker_park(&may_wake, INT64_MAX);
  return ACT_OK;
}
static act_rc sleeper_act(struct sleeper *self, act_cx *cx, const player_do *m) {
  (void)self;
  (void)cx;
  (void)m;
  return ACT_OK;
}
static act_rc sleeper_ping(struct sleeper *self, act_cx *cx, const player_do *m,
                           player_count_reply r) {
  (void)self;
  (void)m;
  return player_count_answer(cx, r, (player_count){.pings = 7});
}

static void a_child_stuck_in_its_start_is_replaced_under_its_name(void **state) {
  (void)state;
  static struct book book;
  static const act_log_sink sink = {.fn = book_log, .arg = &book, .level = ACT_LOG_INFO};
  static const act_child kids[] = {
      {.id = "dreamer", .name = "dreamer", .behavior = &sleeper, .start_ms = 20}};
  static const act_sup sup = {.kids = kids, .nkids = 1};
  static const act_node node = {.name = "test", .log = &sink, .workers = 3};
  act__parker_init(&may_wake);
  act_runtime *rt;
  assert_int_equal(act_start(&node, &sup, &rt), ACT_OK);  // waits for the second incarnation
  assert_logged(&book, "child dreamer is stuck: it overstayed its start");
  act__parker_unpark(&may_wake);  // the first one ends now, and nobody is told

  act_cx *cx = act_outside_open(rt);
  playing_svc svc;
  const player_count *count;
  assert_int_equal(playing_svc_named(cx, "dreamer", &svc), ACT_OK);
  assert_int_equal(playing_svc_call_ping(cx, svc, (player_do){0}, 5000, &count), ACT_OK);
  assert_int_equal(count->pings, 7);
  act_reply_free(cx, count);
  act_outside_close(cx);
  assert_int_equal(act_stop(rt), ACT_EXIT_STUCK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
      TEST(the_end_of_a_child_is_told_once_with_its_reason),
      TEST(a_normal_end_is_told_as_such),
      TEST(a_failing_init_is_told_like_a_failure),
      TEST(an_unhandled_failure_of_a_child_fails_its_owner),
      TEST(an_unhandled_normal_end_changes_nothing),
      TEST(a_spawned_child_is_never_restarted),
      TEST(children_end_before_their_owner_does),
      TEST(arguments_are_copied_at_the_spawn),
      TEST(a_message_as_argument_is_copied_deeply_and_let_go),
      TEST(messages_wait_until_init_is_done),
      TEST(an_owner_stops_its_child),
      TEST(a_child_can_be_stopped_before_it_has_started),
      TEST(only_the_owner_may_stop_a_child),
      TEST(a_start_past_its_deadline_is_told_as_killed),
      TEST(the_limit_of_children_is_exact),
      TEST(a_name_is_taken_once_and_free_again_after_the_end),
      TEST(wrong_children_are_refused_with_a_reason_in_the_log),
      TEST(a_supervisor_can_be_spawned),
      TEST(a_spawn_that_runs_out_of_memory_leaves_nothing),
      TEST(ten_thousand_children_come_and_go),
      TEST(a_child_that_never_leaves_its_handler_is_stuck_and_the_stop_goes_on),
      TEST(a_child_stuck_in_its_start_is_replaced_under_its_name),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
