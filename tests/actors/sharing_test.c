// SPDX-License-Identifier: Apache-2.0
//
// More workers help where there is work, and leave alone what has little: counted by who runs what, not by
// time, so that a busy machine changes nothing. (How much faster or slower it is: the lines `speedup` of
// tests/bench.)
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <troupe.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "tests/runtime/watchdog.h"

#define WORKERS 2u
#define LABOURERS 16u
#define UNIT 4u               // pieces of the one with the least to do; the others have up to eight times that
#define PIECE_NS (500 * ACT__NS_PER_US)
#define SHARE_MIN_PERCENT 20  // of the pieces, that each worker runs
#define RING 101u
#define HOPS 40000u
#define FAN_OUT 10u
#define DEPTH 5u
#define MOVED_BIRTHS_MAX_PERCENT 10  // that begin elsewhere than their parents
#define ROUNDS_MAX 20u        // on a busy machine the second worker may come late
#define MOVES_MAX_PERCENT 2   // of the hops, that go to the other worker

ACT_MSG(share_token, (u64, left, 1))
#define SHARING(CAST, CALL, P) CAST(P, 1, piece, share_token)
ACT_PROTOCOL(sharing, 1, SHARING)

// Which worker runs this? Numbered as they come.
static ACT__ATOMIC(uint32_t) threads;
static uint32_t this_thread(void) {
  static _Thread_local uint32_t number;
  if (!number) number = act__fetch_add_relaxed(&threads, 1) + 1;  // relaxed: a count
  return number;
}

// --- work for two ----------------------------------------------------------------------------------

static ACT__ATOMIC(uint32_t) pieces[WORKERS], labourers_left;

struct labourer {
  uint64_t left;
};
ACT_ACTOR(labourer, sharing, SHARING, struct labourer, struct labourer)

static act_rc labourer_init(struct labourer *self, act_cx *cx, const struct labourer *args) {
  *self = *args;
  return sharing_send_piece(cx, (sharing_ref){act_self(cx)}, (share_token){0});
}

static act_rc labourer_piece(struct labourer *self, act_cx *cx, const share_token *m) {
  int64_t end_ns = act__clock_now(act__clock_system()) + PIECE_NS;
  while (act__clock_now(act__clock_system()) < end_ns) act__spin_pause();
  act__fetch_add_relaxed(&pieces[this_thread() % WORKERS], 1);  // relaxed: counts
  if (--self->left) return sharing_send_piece(cx, (sharing_ref){act_self(cx)}, *m);
  if (act__fetch_sub_relaxed(&labourers_left, 1) == 1) act_request_stop(act_cx_runtime(cx));
  return ACT_OK;
}

// All of them are one actor's children: they begin on one worker.
struct foreman {
  bool unused;
};
ACT_ACTOR(foreman, sharing, SHARING, struct foreman, act_noargs)

static act_rc foreman_init(struct foreman *self, act_cx *cx, const act_noargs *args) {
  (void)self;
  (void)args;
  act_rc rc = ACT_OK;
  for (unsigned i = 0; i < LABOURERS && !rc; i++) {
    const struct labourer its = {UNIT * (1 + i % 8)};
    act_pid pid;
    const act_child child = {.behavior = &labourer, .args = &its};
    rc = act_spawn(cx, &child, (act_exit_then){0}, &pid);
  }
  return rc;
}

static act_rc foreman_piece(struct foreman *self, act_cx *cx, const share_token *m) {
  (void)self;
  (void)cx;
  (void)m;
  return ACT_OK;
}

// --- a token in a ring -----------------------------------------------------------------------------

static uint32_t moves, last_thread;  // of the token

struct member {
  uint32_t next;
};
ACT_ACTOR(member, sharing, SHARING, struct member, struct member)

static const char *name_of(char name[8], uint32_t index) {
  for (int i = 3; i >= 0; i--, index /= 10) name[i] = (char)('0' + index % 10);
  name[4] = 0;
  return name;
}

static act_rc member_init(struct member *self, act_cx *cx, const struct member *args) {
  (void)cx;
  *self = *args;
  return ACT_OK;
}

static act_rc member_piece(struct member *self, act_cx *cx, const share_token *m) {
  if (last_thread != this_thread()) moves++;
  last_thread = this_thread();
  if (m->left == 0) {
    act_request_stop(act_cx_runtime(cx));
    return ACT_OK;
  }
  char name[8];
  sharing_svc next;
  act_rc rc = sharing_svc_named(cx, name_of(name, self->next), &next);
  return rc ? rc : sharing_svc_send_piece(cx, next, (share_token){.left = m->left - 1});
}

// --- a tree of short lives -------------------------------------------------------------------------

static ACT__ATOMIC(uint32_t) births[WORKERS], moved_births;

struct node_args {
  act_pid parent;
  uint32_t depth, born_by;  // worker of the parent
};
struct tree_node {
  act_pid parent;
  uint32_t missing;
};
ACT_ACTOR(tree_node, sharing, SHARING, struct tree_node, struct node_args)

static act_rc tell_parent(act_cx *cx, act_pid parent) {
  act_end(cx);
  if (parent.slot) return sharing_send_piece(cx, (sharing_ref){parent}, (share_token){0});
  act_request_stop(act_cx_runtime(cx));
  return ACT_OK;
}

static act_rc tree_node_init(struct tree_node *self, act_cx *cx, const struct node_args *args) {
  uint32_t thread = this_thread();
  act__fetch_add_relaxed(&births[thread % WORKERS], 1);  // relaxed, both: counts
  if (args->born_by && args->born_by != thread) act__fetch_add_relaxed(&moved_births, 1);
  if (args->depth == 0) return tell_parent(cx, args->parent);
  *self = (struct tree_node){args->parent, FAN_OUT};
  struct node_args its = {act_self(cx), args->depth - 1, thread};
  const act_child child = {.behavior = &tree_node, .args = &its};
  act_rc rc = ACT_OK;
  for (uint32_t i = 0; i < FAN_OUT && !rc; i++) rc = act_spawn(cx, &child, (act_exit_then){0}, NULL);
  return rc;
}

static act_rc tree_node_piece(struct tree_node *self, act_cx *cx, const share_token *m) {
  (void)m;
  return --self->missing ? ACT_OK : tell_parent(cx, self->parent);
}

// --- tests -----------------------------------------------------------------------------------------

static void play(const act_child *kids, uint32_t nkids, bool with_token) {
  const act_sup root = {.never_restart = true, .kids = kids, .nkids = nkids};
  const act_node node = {.name = "sharing", .workers = WORKERS};
  act__store_relaxed(&threads, 0);  // relaxed: nothing runs
  struct watchdog dog = {0};
  watchdog_start(&dog, "what two workers share", 50 * ACT__NS_PER_S);
  act_runtime *rt;
  assert_int_equal(act_start(&node, &root, &rt), ACT_OK);
  if (with_token) {
    act_cx *cx = act_outside_open(rt);
    sharing_svc first;
    char name[8];
    assert_int_equal(sharing_svc_named(cx, name_of(name, 0), &first), ACT_OK);
    assert_int_equal(sharing_svc_send_piece(cx, first, (share_token){.left = HOPS}), ACT_OK);
    act_outside_close(cx);
  }
  act_wait(rt);
  assert_int_equal(act_stop(rt), 0);
  watchdog_stop(&dog);
}

static void two_workers_share_uneven_work(void **state) {
  (void)state;
  static const act_child kids[] = {{.id = "foreman", .behavior = &foreman}};
  for (unsigned i = 0; i < WORKERS; i++) act__store_relaxed(&pieces[i], 0);  // relaxed: nothing runs
  act__store_relaxed(&labourers_left, LABOURERS);
  play(kids, ACT_COUNT(kids), false);
  uint32_t all = act__load_relaxed(&pieces[0]) + act__load_relaxed(&pieces[1]);
  assert_int_equal(all, LABOURERS / 8 * UNIT * (1 + 2 + 3 + 4 + 5 + 6 + 7 + 8));
  for (unsigned i = 0; i < WORKERS; i++) {
    assert_in_range(act__load_relaxed(&pieces[i]), all * SHARE_MIN_PERCENT / 100, all);
  }
}

static void a_token_stays_with_its_worker(void **state) {
  (void)state;
  static const uint32_t sizes[] = {2, RING};
  for (unsigned i = 0; i < ACT_COUNT(sizes); i++) {
    act_child kids[RING] = {{0}};
    char names[RING][8];
    struct member args[RING];
    for (uint32_t k = 0; k < sizes[i]; k++) {
      args[k].next = (k + 1) % sizes[i];
      name_of(names[k], k);
      kids[k] = (act_child){.id = names[k], .name = names[k], .behavior = &member, .args = &args[k]};
    }
    moves = last_thread = 0;
    play(kids, sizes[i], true);
    assert_in_range(moves, 1, HOPS * MOVES_MAX_PERCENT / 100);
  }
}

// Its turns are shorter than a wake-up, and few wait at a time; but what waits is whole subtrees.
static void an_idle_worker_takes_whole_subtrees(void **state) {
  (void)state;
  const struct node_args top = {.depth = DEPTH};
  const act_child kids[] = {
      {.id = "top", .behavior = &tree_node, .args = &top, .restart = ACT_TEMPORARY}};
  uint32_t all, fewer, rounds = 0;
  do {
    for (unsigned i = 0; i < WORKERS; i++) act__store_relaxed(&births[i], 0);  // relaxed: nothing runs
    act__store_relaxed(&moved_births, 0);
    play(kids, ACT_COUNT(kids), false);
    uint32_t first = act__load_relaxed(&births[0]), second = act__load_relaxed(&births[1]);
    all = first + second;
    fewer = first < second ? first : second;
    assert_int_equal(all, 111111);
    assert_true(act__load_relaxed(&moved_births) <= all * MOVED_BIRTHS_MAX_PERCENT / 100);
  } while (fewer < all * SHARE_MIN_PERCENT / 100 && ++rounds < ROUNDS_MAX);
  assert_true(rounds < ROUNDS_MAX);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(two_workers_share_uneven_work),
      cmocka_unit_test(a_token_stays_with_its_worker),
      cmocka_unit_test(an_idle_worker_takes_whole_subtrees),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
