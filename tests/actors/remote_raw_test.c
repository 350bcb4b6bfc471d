// SPDX-License-Identifier: Apache-2.0
//
// A node against a peer that does what it should not: frames written by hand over a Unix socket. What
// is wrong closes that link with a reason, what is only unknown does not, and the node goes on.
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/actors/host.h"

#include "base/bytes.h"
#include "runtime/net/frame.h"

ACT_MSG(rm_number, (u64, n, 1))
ACT_MSG(rm_state, (u64, count, 1))
#define RAW(CAST, CALL, P)         \
  CAST(P, 1, number, rm_number)    \
  CALL(P, 2, get, rm_number, rm_state)
ACT_PROTOCOL(rawp, 1, RAW)

struct counter {
  uint64_t count;
};
ACT_ACTOR(counter, rawp, RAW, struct counter, act_noargs)

static act_rc counter_init(struct counter *self, act_cx *cx, const act_noargs *args) {
  (void)self;
  (void)cx;
  (void)args;
  return ACT_OK;
}

static act_rc counter_number(struct counter *self, act_cx *cx, const rm_number *m) {
  (void)cx;
  (void)m;
  self->count++;
  return ACT_OK;
}

static act_rc counter_get(struct counter *self, act_cx *cx, const rm_number *m, rm_state_reply r) {
  (void)m;
  return rm_state_answer(cx, r, (rm_state){.count = self->count});
}

static const act_child kids[] = {
    HOST_KID,
    {.id = "counter", .name = "counter", .behavior = &counter, .mailbox = {.msgs = 32}},
};
static const act_sup tree = {.kids = kids, .nkids = 2};
#define ACTORS 3u  // they and their supervisor

// --- the peer that we play -------------------------------------------------------------------------

struct raw {
  int fd;
  uint8_t in[2 * ACT__FRAME_MAX];
  size_t size;
  struct act__bytes out;
  struct act__frame frame;  // the last one read; points into `kept`
  uint8_t kept[ACT__FRAME_MAX];
  struct act__frame_found found;
};

static char folder[64], path[96], address[112];
static struct stage stage;
static struct raw raw;

#define OUR_NODE UINT64_C(0x1111)

static void flush(void) {
  size_t at = 0;
  while (at < raw.out.length) {
    ssize_t n = send(raw.fd, raw.out.data + at, raw.out.length - at, MSG_NOSIGNAL);
    assert_true(n > 0);
    at += (size_t)n;
  }
  act__bytes_reset(&raw.out);
}

static void fill(void) {
  struct pollfd ready = {.fd = raw.fd, .events = POLLIN};
  assert_int_equal(poll(&ready, 1, PATIENCE_S * 1000), 1);
  ssize_t n = read(raw.fd, raw.in + raw.size, sizeof raw.in - raw.size);
  assert_true(n > 0);
  raw.size += (size_t)n;
}

// The next frame of that type; others are passed over.
static const struct act__frame *await_frame(enum act__frame_type type) {
  for (;;) {
    uint32_t length;
    act_rc rc;
    while ((rc = act__frame_split(raw.in, raw.size, ACT__FRAME_MAX, &length)) == ACT_LATER) fill();
    assert_int_equal(rc, ACT_OK);
    const char *why;
    memcpy(raw.kept, raw.in + ACT__FRAME_PREFIX, length);
    assert_int_equal(act__frame_decode(raw.kept, length, &raw.frame, &why), ACT_OK);
    size_t used = ACT__FRAME_PREFIX + length;
    memmove(raw.in, raw.in + used, raw.size - used);
    raw.size -= used;
    if (raw.frame.type == type) return &raw.frame;
    assert_int_not_equal(raw.frame.type, ACT__FRAME_GOODBYE);
  }
}

static void connect_as(uint64_t incarnation) {
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
  raw.fd = socket(AF_UNIX, SOCK_STREAM, 0);
  raw.size = 0;
  act__bytes_init(&raw.out, 1 << 20);
  assert_int_equal(connect(raw.fd, (struct sockaddr *)&to, sizeof to), 0);
  struct act__frame_hello hello = {.version_min = ACT__WIRE_VERSION,
                                   .version_max = ACT__WIRE_VERSION,
                                   .role = ACT__ROLE_PEER,
                                   .frame_max = ACT__FRAME_MAX,
                                   .incarnation = incarnation,
                                   .name = act__span_of_text("raw")};
  assert_int_equal(act__frame_put_hello(&raw.out, &hello), ACT_OK);
  flush();
  await_frame(ACT__FRAME_WELCOME);
}

static void connect_raw(void) {
  connect_as(OUR_NODE);
  assert_int_equal(act__frame_put_heartbeat(&raw.out), ACT_OK);
}

static void disconnect_raw(void) {
  close(raw.fd);
  act__bytes_fini(&raw.out);
}

static void look_up(void) {
  struct act__frame_lookup lookup = {.request = 7,
                                     .schema_hash = act_protocol_hash(&rawp_protocol),
                                     .version = 1,
                                     .protocol = act__span_of_text("rawp"),
                                     .name = act__span_of_text("counter")};
  assert_int_equal(act__frame_put_lookup(&raw.out, &lookup), ACT_OK);
  flush();
  raw.found = await_frame(ACT__FRAME_FOUND)->u.found;
  assert_int_equal(raw.found.request, 7);
}

// The key of the protocol, as the other side computes it: taken from a message of its own.
static uint64_t key;

static act_rc send_to_raw(struct host *self, act_cx *cx, void *arg) {
  (void)self;
  rawp_ref to = {{OUR_NODE, 5, 1, 1, 0}};
  return rawp_send_number(cx, to, (rm_number){.n = *(uint64_t *)arg});
}

// We grant an actor that we have; the node sends it a message; its frame tells the key.
static void learn_key(void) {
  struct act__frame_grant grant = {.target = {5, 1, 1}, .rc = ACT_OK, .msgs = 4, .units = 64};
  assert_int_equal(act__frame_put_grant(&raw.out, &grant), ACT_OK);
  flush();
  uint64_t n = 1;
  act_rc rc;
  while ((rc = stage_run(&stage, send_to_raw, &n)) == ACT_ENOROUTE) {
  }
  assert_int_equal(rc, ACT_OK);
  const struct act__frame_message *message = &await_frame(ACT__FRAME_MESSAGE)->u.message;
  assert_int_equal(message->target.slot, 5);
  assert_int_equal(message->op, 1);
  key = message->protocol;
}

static void put_message(uint16_t op, bool ask, const void *body, size_t size) {
  struct act__frame_message message = {
      .op = op,
      .protocol = key,
      .target = {raw.found.pid.slot, raw.found.pid.gen, 0},
      .sender = {OUR_NODE, 5, 1, 1, 0},
      .body = {(const uint8_t *)body, size}};
  if (ask) {
    message.flags = ACT__MESSAGE_ASK;
    message.ask_index = 3;
    message.ask_gen = 9;
    message.deadline_left_ms = 10000;
  }
  assert_int_equal(act__frame_put_message(&raw.out, &message), ACT_OK);
}

static const uint8_t empty_map[] = {0x80};
static const uint8_t number_1[] = {0x81, 0x01, 0x01};

static void open_node(uint32_t actors_max) {
  diary_clear();
  act_node node = {.listen = address, .log = &quiet, .workers = 1, .actors_max = actors_max};
  stage_open(&stage, node, &tree);
  connect_raw();
}

// With as many actors as it may have: no peer has met it yet.
static int set_up_full(void **state) {
  (void)state;
  open_node(ACTORS);
  return 0;
}

static int set_up(void **state) {
  (void)state;
  open_node(0);
  learn_key();
  look_up();
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  disconnect_raw();
  stage_close(&stage);
  return 0;
}

static void expect_goodbye(void) {
  flush();
  assert_int_equal(await_frame(ACT__FRAME_GOODBYE)->u.ending.rc, ACT_EBADMSG);
  // The node goes on, and lets us in again.
  disconnect_raw();
  connect_raw();
  look_up();
  assert_int_equal(raw.found.msgs, 4);
}

// --- tests ---------------------------------------------------------------------------------------------

static void a_look_up_brings_an_eighth_as_credit(void **state) {
  (void)state;
  assert_int_equal(raw.found.msgs, 4);
  assert_int_equal(raw.found.units, (1u << 20) / 64 / 8);
}

static void an_ask_is_answered_and_its_credit_comes_home(void **state) {
  (void)state;
  put_message(1, false, number_1, sizeof number_1);
  put_message(2, true, empty_map, sizeof empty_map);
  flush();
  uint32_t msgs = 0;
  // A return is due at a quarter of 4: each message's.
  while (msgs < 2) {
    const struct act__frame_credit *credit = &await_frame(ACT__FRAME_CREDIT)->u.credit;
    assert_int_equal(credit->slot, raw.found.pid.slot);
    msgs += credit->msgs;
  }
  put_message(2, true, empty_map, sizeof empty_map);
  flush();
  const struct act__frame_reply *reply = &await_frame(ACT__FRAME_REPLY)->u.reply;
  assert_int_equal(reply->ask_index, 3);
  assert_int_equal(reply->ask_gen, 9);
  assert_int_equal(reply->rc, ACT_OK);
  assert_memory_equal(reply->body.data, number_1, sizeof number_1);  // one was counted
}

static void an_unknown_operation_is_sent_back_and_the_link_stays(void **state) {
  (void)state;
  for (int i = 0; i < 20; i++) {  // more often than there is credit: it comes home each time
    put_message(99, true, empty_map, sizeof empty_map);
    flush();
    const struct act__frame_nack *nack = &await_frame(ACT__FRAME_NACK)->u.nack;
    assert_int_equal(nack->op, 99);
    assert_int_equal(nack->rc, ACT_EVERSION);
    assert_int_equal(await_frame(ACT__FRAME_REPLY)->u.reply.rc, ACT_EVERSION);
    assert_int_equal(await_frame(ACT__FRAME_CREDIT)->u.credit.msgs, 1);
  }
  put_message(2, true, empty_map, sizeof empty_map);
  flush();
  assert_int_equal(await_frame(ACT__FRAME_REPLY)->u.reply.rc, ACT_OK);
}

static void a_body_that_is_not_the_operations_closes_the_link(void **state) {
  (void)state;
  static const uint8_t text_for_number[] = {0x81, 0x01, 0xa1, 'x'};
  put_message(1, false, text_for_number, sizeof text_for_number);
  expect_goodbye();
}

static void spending_more_than_was_granted_closes_the_link(void **state) {
  (void)state;
  // One worker: while it reads these, nothing is handled and nothing comes home.
  while (raw.out.length < 60000) put_message(1, false, number_1, sizeof number_1);
  expect_goodbye();
}

static void credit_that_was_not_spent_closes_the_link(void **state) {
  (void)state;
  struct act__frame_credit credit = {5, 1, 2, 0};  // one message was sent to our actor 5
  assert_int_equal(act__frame_put_credit(&raw.out, &credit), ACT_OK);
  expect_goodbye();
}

static void a_sender_on_another_node_closes_the_link(void **state) {
  (void)state;
  struct act__frame_message message = {.op = 1,
                                       .protocol = key,
                                       .target = {raw.found.pid.slot, raw.found.pid.gen, 0},
                                       .sender = {OUR_NODE + 1, 5, 1, 1, 0},
                                       .body = {number_1, sizeof number_1}};
  assert_int_equal(act__frame_put_message(&raw.out, &message), ACT_OK);
  expect_goodbye();
}

static void the_key_is_the_one_in_the_wire_document(void **state) {
  (void)state;
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  static const char bytes[] = "rawp\0\0\0\1";  // name, version
  for (size_t i = 0; i < 8; i++) hash = (hash ^ (uint8_t)bytes[i]) * UINT64_C(0x100000001b3);
  assert_true(hash == key);
}

static void a_message_to_nobody_ends_its_ask(void **state) {
  (void)state;
  raw.found.pid.gen++;
  put_message(2, true, empty_map, sizeof empty_map);
  flush();
  assert_int_equal(await_frame(ACT__FRAME_REPLY)->u.reply.rc, ACT_EDEAD);
  assert_int_equal(stage_counters(&stage).undelivered, 1);
}

static void reaching_for_nobody_is_answered_dead(void **state) {
  (void)state;
  struct act__frame_reach reach = {{raw.found.pid.slot, raw.found.pid.gen + 1, 0}};
  assert_int_equal(act__frame_put_reach(&raw.out, &reach), ACT_OK);
  reach.target.slot = 4000000;
  assert_int_equal(act__frame_put_reach(&raw.out, &reach), ACT_OK);
  flush();
  assert_int_equal(await_frame(ACT__FRAME_GRANT)->u.grant.rc, ACT_EDEAD);
  assert_int_equal(await_frame(ACT__FRAME_GRANT)->u.grant.rc, ACT_EDEAD);
}

static void answers_that_nobody_asked_for_are_counted(void **state) {
  (void)state;
  struct act__frame_reply reply = {.ask_index = 1u << 30, .ask_gen = 1, .rc = ACT_OK};
  assert_int_equal(act__frame_put_reply(&raw.out, &reply), ACT_OK);
  reply.ask_index = 0;
  reply.ask_gen = 4000;
  reply.rc = ACT_EDEAD;
  assert_int_equal(act__frame_put_reply(&raw.out, &reply), ACT_OK);
  put_message(2, true, empty_map, sizeof empty_map);
  flush();
  assert_int_equal(await_frame(ACT__FRAME_REPLY)->u.reply.rc, ACT_OK);
  assert_int_equal(stage_counters(&stage).late_replies, 2);
}

// Plays the peer while the test's own call is open: answers every ask there may be, then waits until
// the node has read that far.
static act_rc forge_answers(struct host *self, act_cx *cx, void *arg) {
  (void)self;
  (void)cx;
  (void)arg;
  for (uint32_t index = 0; index < 8; index++) {
    for (uint32_t gen = 0; gen < 256; gen++) {
      struct act__frame_reply reply = {.ask_index = index, .ask_gen = gen, .rc = ACT_EDEAD};
      assert_int_equal(act__frame_put_reply(&raw.out, &reply), ACT_OK);
    }
  }
  put_message(99, true, empty_map, sizeof empty_map);
  flush();
  assert_int_equal(await_frame(ACT__FRAME_REPLY)->u.reply.rc, ACT_EVERSION);
  return ACT_OK;
}

static void only_who_was_asked_can_answer(void **state) {
  (void)state;
  assert_int_equal(stage_run(&stage, forge_answers, NULL), ACT_OK);
  assert_int_equal(stage_counters(&stage).late_replies, 8 * 256);
}

static void a_grant_beyond_all_bounds_closes_the_link(void **state) {
  (void)state;
  struct act__frame_grant grant = {.target = {5, 1, 1}, .msgs = UINT32_MAX, .units = 1};
  assert_int_equal(act__frame_put_grant(&raw.out, &grant), ACT_OK);
  expect_goodbye();
}

static act_rc send_to_six(struct host *self, act_cx *cx, void *arg) {
  (void)self;
  rawp_ref to = {{OUR_NODE, 6, *(uint32_t *)arg, 0, 0}};
  return rawp_send_number(cx, to, (rm_number){.n = 1});
}

static act_rc send_to_six_until_it_goes(uint32_t gen) {
  act_rc rc = ACT_ENOROUTE;
  int64_t until = act__clock_now(act__clock_system()) + PATIENCE_S * ACT__NS_PER_S;
  while (rc == ACT_ENOROUTE && act__clock_now(act__clock_system()) < until) {
    rc = stage_run(&stage, send_to_six, &gen);
  }
  return rc;
}

static void put_grant(uint32_t gen, act_rc rc) {
  struct act__frame_grant grant = {.target = {6, gen, 1}, .rc = rc, .msgs = 4, .units = 64};
  if (rc) grant.msgs = grant.units = 0;
  assert_int_equal(act__frame_put_grant(&raw.out, &grant), ACT_OK);
  flush();
}

// Nobody tells us when an actor ends that had no credit for us.
static void who_never_had_credit_makes_way_for_the_next_in_its_slot(void **state) {
  (void)state;
  uint32_t first = 1, second = 2;
  assert_int_equal(stage_run(&stage, send_to_six, &first), ACT_ENOROUTE);
  assert_int_equal(await_frame(ACT__FRAME_REACH)->u.reach.target.slot, 6);
  put_grant(first, ACT_EFULL);
  put_grant(second, ACT_OK);
  assert_int_equal(send_to_six_until_it_goes(second), ACT_OK);
  assert_int_equal(await_frame(ACT__FRAME_MESSAGE)->u.message.target.gen, second);
  put_grant(first, ACT_OK);  // a late word about the old one changes nothing
  look_up();
  assert_int_equal(stage_run(&stage, send_to_six, &second), ACT_OK);
}

static act_rc send_to_seven(struct host *self, act_cx *cx, void *arg) {
  (void)self;
  (void)arg;
  rawp_ref to = {{OUR_NODE, 7, 1, 0, 0}};
  return rawp_send_number(cx, to, (rm_number){.n = 1});
}

// Room for a message that was parked, and the end of its target, come in one breath.
static void a_message_let_in_by_the_last_credit_harms_nobody(void **state) {
  (void)state;
  struct act__frame_grant grant = {
      .target = {7, 1, 1}, .rc = ACT_OK, .msgs = 1, .units = 64, .park_ms = 10000};
  assert_int_equal(act__frame_put_grant(&raw.out, &grant), ACT_OK);
  look_up();  // so it has read that
  assert_int_equal(stage_run(&stage, send_to_seven, NULL), ACT_OK);
  assert_int_equal(stage_run(&stage, send_to_seven, NULL), ACT_OK);  // parked
  struct act__frame_credit credit = {7, 1, 1, 0};
  assert_int_equal(act__frame_put_credit(&raw.out, &credit), ACT_OK);
  struct act__frame_down down = {.id = 7, .reason = ACT_REASON_NORMAL};
  assert_int_equal(act__frame_put_down(&raw.out, &down), ACT_OK);
  look_up();  // so it has read that
  assert_int_equal(stage_run(&stage, send_to_seven, NULL), ACT_ENOROUTE);  // it is parked no more
  // None if the worker was there between the two and sent it to us.
  assert_in_range(stage_counters(&stage).undelivered, 0, 1);
}

// A cell that stands for an actor elsewhere is none of ours, nor ever counted as one for a moment: who
// stops the node waits for the last of ours.
static void who_stands_for_an_actor_elsewhere_is_not_counted(void **state) {
  (void)state;
  uint64_t n = 1;
  struct act__frame_grant grant = {.target = {5, 1, 1}, .rc = ACT_OK, .msgs = 4, .units = 64};
  assert_int_equal(act__frame_put_grant(&raw.out, &grant), ACT_OK);
  look_up();  // so it has read that
  assert_int_equal(stage_counters(&stage).actors, ACTORS);
  assert_int_equal(stage_run(&stage, send_to_raw, &n), ACT_OK);
  assert_int_equal(await_frame(ACT__FRAME_MESSAGE)->u.message.target.slot, 5);
  assert_int_equal(stage_counters(&stage).actors, ACTORS);
}

#define FAR 20000u   // more than the slots that are made for what workers have at hand
#define NEAR 100u    // actors: more than the slots that one worker has at hand

static act_rc spawn_near(struct host *self, act_cx *cx, void *arg) {
  (void)self;
  (void)arg;
  const act_child child = {.behavior = &counter};
  act_rc rc = ACT_OK;
  for (unsigned i = 0; i < NEAR && !rc; i++) {
    rc = act_spawn(cx, &child, host_on_exit_then(0), NULL);
  }
  return rc;
}

static int set_up_with_places(void **state) {
  (void)state;
  open_node(ACTORS + NEAR);
  return 0;
}

static void who_stands_for_an_actor_elsewhere_takes_no_place_of_ours(void **state) {
  (void)state;
  for (uint32_t i = 0; i < FAR; i++) {
    struct act__frame_grant grant = {.target = {i + 1, 1, 1}, .rc = ACT_OK, .msgs = 4, .units = 64};
    assert_int_equal(act__frame_put_grant(&raw.out, &grant), ACT_OK);
    if (i % 1000 == 0) flush();
  }
  look_up();  // so it has read that
  assert_int_equal(stage_run(&stage, spawn_near, NULL), ACT_OK);
  assert_int_equal(stage_counters(&stage).actors, ACTORS + NEAR);
  assert_int_equal(stage_run(&stage, spawn_near, NULL), ACT_ELIMIT);
}

// --- both dial at once ---------------------------------------------------------------------------------

ACT_MSG(rm_seek, (str, at, 1))
#define SEEK(CAST, CALL, P) CAST(P, 1, seek, rm_seek)
ACT_PROTOCOL(seekp, 1, SEEK)
ACT_ACTOR(seeker, seekp, SEEK, struct counter, act_noargs)
ACT_ON_FOUND(seeker, on_found, rawp)

static act_rc seeker_init(struct counter *self, act_cx *cx, const act_noargs *args) {
  (void)self;
  (void)args;
  char name[160];
  snprintf(name, sizeof name, "counter@%s-raw", address);
  return rawp_lookup(cx, name, ACT_SEC(PATIENCE_S), on_found_then(0));
}

static act_rc seeker_seek(struct counter *self, act_cx *cx, const rm_seek *m) {
  (void)self;
  (void)cx;
  (void)m;
  return ACT_OK;
}

static act_rc on_found(struct counter *self, act_cx *cx, act_rc st, rawp_ref ref, uintptr_t tag) {
  (void)self;
  (void)cx;
  (void)tag;
  diary_note("found %s %u", act_rc_name(st), ref.pid.slot);
  return ACT_OK;
}

static act_rc spawn_seeker(struct host *self, act_cx *cx, void *arg) {
  (void)self;
  (void)arg;
  act_child child = {.id = "seeker", .behavior = &seeker, .restart = ACT_TEMPORARY};
  return act_spawn(cx, &child, host_on_exit_then(0), NULL);
}

// We listen, and are dialled.
static int accept_raw(void) {
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  snprintf(at.sun_path, sizeof at.sun_path, "%s-raw", path);
  int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
  assert_int_equal(listen(listener, 1), 0);
  assert_int_equal(stage_run(&stage, spawn_seeker, NULL), ACT_OK);
  int fd = accept(listener, NULL, NULL);
  assert_true(fd >= 0);
  close(listener);
  unlink(at.sun_path);
  return fd;
}

static void a_look_up_goes_over_the_one_connection_that_is_kept(void **state) {
  (void)state;
  const uint64_t ours = UINT64_MAX;  // the larger one's dial is kept: ours
  disconnect_raw();
  connect_as(ours);  // not confirmed yet
  int first = raw.fd;
  raw.fd = accept_raw();
  await_frame(ACT__FRAME_HELLO);
  struct act__frame_welcome welcome = {.version = ACT__WIRE_VERSION,
                                       .role = ACT__ROLE_PEER,
                                       .frame_max = ACT__FRAME_MAX,
                                       .incarnation = ours,
                                       .name = act__span_of_text("raw")};
  assert_int_equal(act__frame_put_welcome(&raw.out, &welcome), ACT_OK);
  flush();
  assert_int_equal(await_frame(ACT__FRAME_REFUSE)->u.ending.rc, ACT_EEXIST);
  close(raw.fd);
  raw.fd = first;
  assert_int_equal(act__frame_put_heartbeat(&raw.out), ACT_OK);
  flush();
  struct act__frame_found found = {.request = await_frame(ACT__FRAME_LOOKUP)->u.lookup.request,
                                   .pid = {ours, 6, 1, 1, 0},
                                   .msgs = 4,
                                   .units = 64};
  assert_int_equal(act__frame_put_found(&raw.out, &found), ACT_OK);
  flush();
  diary_wait("found ACT_OK 6");
}

#define RAW_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  snprintf(folder, sizeof folder, "/tmp/troupe-raw-XXXXXX");
  if (!mkdtemp(folder)) return 1;
  snprintf(path, sizeof path, "%s/node", folder);
  snprintf(address, sizeof address, "unix:%s", path);
  diary_open();
  const struct CMUnitTest tests[] = {
      RAW_TEST(a_look_up_brings_an_eighth_as_credit),
      RAW_TEST(an_ask_is_answered_and_its_credit_comes_home),
      RAW_TEST(an_unknown_operation_is_sent_back_and_the_link_stays),
      RAW_TEST(a_body_that_is_not_the_operations_closes_the_link),
      RAW_TEST(spending_more_than_was_granted_closes_the_link),
      RAW_TEST(credit_that_was_not_spent_closes_the_link),
      RAW_TEST(a_sender_on_another_node_closes_the_link),
      RAW_TEST(the_key_is_the_one_in_the_wire_document),
      RAW_TEST(a_message_to_nobody_ends_its_ask),
      RAW_TEST(reaching_for_nobody_is_answered_dead),
      RAW_TEST(answers_that_nobody_asked_for_are_counted),
      RAW_TEST(only_who_was_asked_can_answer),
      RAW_TEST(a_grant_beyond_all_bounds_closes_the_link),
      RAW_TEST(who_never_had_credit_makes_way_for_the_next_in_its_slot),
      RAW_TEST(a_message_let_in_by_the_last_credit_harms_nobody),
      RAW_TEST(a_look_up_goes_over_the_one_connection_that_is_kept),
      cmocka_unit_test_setup_teardown(who_stands_for_an_actor_elsewhere_is_not_counted, set_up_full,
                                      tear_down),
      cmocka_unit_test_setup_teardown(who_stands_for_an_actor_elsewhere_takes_no_place_of_ours,
                                      set_up_with_places, tear_down),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  diary_clear();
  rmdir(folder);
  return failed;
}
