// SPDX-License-Identifier: Apache-2.0
//
// Hogs that send to themselves without end, beside actors who pass balls, set timers, give jobs and ask
// the hogs. The story takes every step itself and counts in turns.
//
// What must hold: a step is the turn of one actor and handles no more than the budget of a turn, and a
// hog uses all of it; no ball, tick or result waits for more turns than chance explains, nor longer than
// those turns took; a question to a hog waits behind exactly what was in its mailbox before it; the stop
// of the tree ends the hogs, who never come to rest.
#include <stdlib.h>
#include <string.h>

#include "runtime/exec.h"
#include "tests/sim/story.h"

#define HOGS_MAX 3u
#define PAIRS_MAX 3u
#define IN_FLIGHT_MAX 150u     // messages that a hog always has; more than two budgets
#define STEPS 600u
// A step runs one of the runnable actors, each as likely. That one of R is passed over 64 x R times has
// a chance below e^-64: no seed will show it unless turns are not given out fairly.
#define TURNS_WAITED_MAX(actors) (64u * (actors))
#define TIMER_STEP_NS 1000000  // timers are as fine as this

struct world;

struct part {
  struct world *world;
  uint32_t index;
  uint32_t in_flight;          // of a hog
  bool begun;                  // a hog: it has them
  uint64_t handled;            // by a hog, of its own messages
  uint64_t asked_at;           // `handled` of the hog asked
};

struct world {
  struct story_run *run;
  act_sim *sim;
  uint32_t hogs, pairs, actors;
  struct part hog_parts[HOGS_MAX], pair_parts[2 * PAIRS_MAX], watcher_part;
  act_pid hog_pids[HOGS_MAX];
  uint64_t turns;              // steps so far
  const struct part *whose;    // this step's turn; NULL: no message yet
  uint32_t handled, handled_most;  // in this step, and in any
  uint64_t balls, ticks, results, answers;
  bool over;                   // nobody starts anything new, and nobody counts
};

ACT_MSG(fair_ball, (u64, turn, 1)(i64, at, 2))
ACT_MSG_EMPTY(fair_signal)
#define HOGGING(CAST, CALL, P)        \
  CAST(P, 1, begin, fair_signal)      \
  CAST(P, 2, more, fair_signal)       \
  CALL(P, 3, ask, fair_signal, fair_signal)
ACT_PROTOCOL(hogging, 1, HOGGING)
#define PLAYING(CAST, CALL, P) CAST(P, 1, ball, fair_ball)
ACT_PROTOCOL(playing, 1, PLAYING)
#define WATCHING(CAST, CALL, P) CAST(P, 1, begin, fair_signal)
ACT_PROTOCOL(watching, 1, WATCHING)

// --- what the story knows --------------------------------------------------------------------------

// A handler of this part runs.
static void note(struct world *world, const struct part *part) {
  if (world->over) return;
  if (!world->whose) world->whose = part;
  STORY_CHECK(world->run, world->whose == part, "two actors handled messages in one step");
  world->handled++;
  if (world->handled > world->handled_most) world->handled_most = world->handled;
  if (world->handled <= ACT__TURN_MESSAGES) return;
  story_fail(world->run, "a turn handled more than %u messages", ACT__TURN_MESSAGES);
  world->over = true;  // or this turn would never end
}

// Something could have been handled since that turn and time.
static void check_wait(struct world *world, const char *what, uint64_t turn, int64_t at_ns) {
  if (world->over) return;
  uint64_t turns = world->turns - turn;
  STORY_CHECK(world->run, turns <= TURNS_WAITED_MAX(world->actors), "a %s waited for %llu turns",
              what, (unsigned long long)turns);
  int64_t waited_ns = act_sim_now(world->sim) - at_ns;
  STORY_CHECK(world->run, waited_ns <= (int64_t)turns * ACT__SIM_TURN_NS,
              "a %s waited for %lld ns in %llu turns", what, (long long)waited_ns,
              (unsigned long long)turns);
}

// --- hogs ------------------------------------------------------------------------------------------

struct hog {
  struct part *part;
};
ACT_ACTOR(hogger, hogging, HOGGING, struct hog, struct hog)

static act_rc hogger_init(struct hog *self, act_cx *cx, const struct hog *args) {
  (void)cx;
  *self = *args;
  return ACT_OK;
}

static act_rc hogger_begin(struct hog *self, act_cx *cx, const fair_signal *m) {
  note(self->part->world, self->part);
  act_rc rc = ACT_OK;
  for (uint32_t i = 0; i < self->part->in_flight && !rc; i++) {
    rc = hogging_send_more(cx, (hogging_ref){act_self(cx)}, *m);
  }
  self->part->begun = true;
  return rc;
}

static act_rc hogger_more(struct hog *self, act_cx *cx, const fair_signal *m) {
  note(self->part->world, self->part);
  self->part->handled++;
  if (self->part->world->run->failed) return ACT_OK;
  return hogging_send_more(cx, (hogging_ref){act_self(cx)}, *m);
}

static act_rc hogger_ask(struct hog *self, act_cx *cx, const fair_signal *m, fair_signal_reply r) {
  struct world *world = self->part->world;
  note(world, self->part);
  uint64_t before_it = self->part->handled - world->watcher_part.asked_at;
  STORY_CHECK(world->run, before_it == self->part->in_flight,
              "%llu messages of a hog were handled before a question that came behind %u",
              (unsigned long long)before_it, self->part->in_flight);
  return fair_signal_answer(cx, r, *m);
}

// --- pairs with a ball -----------------------------------------------------------------------------

struct player {
  struct part *part;
};
ACT_ACTOR(ball_player, playing, PLAYING, struct player, struct player)

static act_rc ball_player_init(struct player *self, act_cx *cx, const struct player *args) {
  (void)cx;
  *self = *args;
  return ACT_OK;
}

static act_pid partner_of(const struct part *part, act_cx *cx) {
  playing_svc svc;
  const char name[] = {'p', (char)('0' + (part->index ^ 1u)), 0};
  return playing_svc_named(cx, name, &svc) == ACT_OK ? svc.pid : act_self(cx);
}

static act_rc ball_player_ball(struct player *self, act_cx *cx, const fair_ball *m) {
  struct world *world = self->part->world;
  note(world, self->part);
  check_wait(world, "ball", m->turn, m->at);
  world->balls++;
  if (world->over) return ACT_OK;
  fair_ball ball = {.turn = world->turns, .at = act_sim_now(world->sim)};
  return playing_send_ball(cx, (playing_ref){partner_of(self->part, cx)}, ball);
}

// --- who sets timers, gives jobs and asks ----------------------------------------------------------

struct watcher {
  struct part *part;
  int64_t due_ns;  // of its timer
};
ACT_ACTOR(watch, watching, WATCHING, struct watcher, struct watcher)
ACT_ON_TICK(watch, on_tick)
ACT_ON_DONE(watch, on_done)
ACT_ON(watch, on_answer, fair_signal)

static act_rc watch_init(struct watcher *self, act_cx *cx, const struct watcher *args) {
  (void)cx;
  *self = *args;
  return ACT_OK;
}

static act_rc set_timer(struct watcher *self, act_cx *cx) {
  uint32_t ms = (uint32_t)(act_rand(cx) % 4);
  self->due_ns = act_sim_now(self->part->world->sim) + (int64_t)ms * 1000000;
  return act_after(cx, ms, on_tick_then(0), NULL);
}

static act_rc nothing(void *arg) {
  (void)arg;
  return ACT_OK;
}

static act_rc ask_some_hog(struct watcher *self, act_cx *cx) {
  struct world *world = self->part->world;
  uint32_t which = (uint32_t)(act_rand(cx) % world->hogs);
  self->part->asked_at = world->hog_parts[which].handled;
  return hogging_ask_ask(cx, (hogging_ref){world->hog_pids[which]}, (fair_signal){0}, ACT_SEC(60),
                         on_answer_then(0));
}

static act_rc watch_begin(struct watcher *self, act_cx *cx, const fair_signal *m) {
  (void)m;
  note(self->part->world, self->part);
  act_rc rc = set_timer(self, cx);
  if (!rc) rc = act_blocking(cx, (act_job){nothing, NULL, NULL}, on_done_then(0));
  return rc ? rc : ask_some_hog(self, cx);
}

static act_rc on_tick(struct watcher *self, act_cx *cx, const act_tick *tick) {
  (void)tick;
  struct world *world = self->part->world;
  note(world, self->part);
  int64_t late_ns = act_sim_now(world->sim) - self->due_ns;
  if (world->over) return ACT_OK;
  int64_t most_ns = (int64_t)TURNS_WAITED_MAX(world->actors) * ACT__SIM_TURN_NS + TIMER_STEP_NS;
  STORY_CHECK(world->run, late_ns >= 0 && late_ns <= most_ns, "a tick was %lld ns late",
              (long long)late_ns);
  world->ticks++;
  return set_timer(self, cx);
}

static act_rc on_done(struct watcher *self, act_cx *cx, act_rc status, void *arg, uintptr_t tag) {
  (void)arg;
  (void)tag;
  struct world *world = self->part->world;
  note(world, self->part);
  STORY_CHECK(world->run, status == ACT_OK, "a job ended with %s", act_rc_name(status));
  world->results++;
  if (world->over) return ACT_OK;
  return act_blocking(cx, (act_job){nothing, NULL, NULL}, on_done_then(0));
}

static act_rc on_answer(struct watcher *self, act_cx *cx, act_rc status, const fair_signal *value,
                        uintptr_t tag) {
  (void)value;
  (void)tag;
  struct world *world = self->part->world;
  note(world, self->part);
  STORY_CHECK(world->run, status == ACT_OK || world->over, "a question ended with %s",
              act_rc_name(status));
  world->answers++;
  return world->over ? ACT_OK : ask_some_hog(self, cx);
}

// --- the world -------------------------------------------------------------------------------------

static act_pid start(struct world *world, const act_child *child) {
  act_pid pid = {0};
  act_rc rc = act_sim_spawn(world->sim, child, &pid);
  STORY_CHECK(world->run, rc == ACT_OK, "an actor does not start: %s", act_rc_name(rc));
  world->actors++;
  return pid;
}

static void check_sent(struct world *world, act_rc rc) {
  STORY_CHECK(world->run, rc == ACT_OK, "a send was refused: %s", act_rc_name(rc));
}

static void step(struct world *world) {
  world->turns++;
  world->whose = NULL;
  world->handled = 0;
  act_sim_step(world->sim);
}

static void populate(struct world *world, playing_ref players[], watching_ref *watcher) {
  struct act__rand *rand = &world->run->rand;
  world->hogs = story_pick(rand, 1, HOGS_MAX);
  for (uint32_t i = 0; i < world->hogs; i++) {
    struct part *part = &world->hog_parts[i];
    *part = (struct part){.world = world, .index = i, .in_flight = story_pick(rand, 1, IN_FLIGHT_MAX)};
    const struct hog args = {part};
    world->hog_pids[i] = start(world, &(act_child){.id = "hog", .behavior = &hogger, .args = &args});
  }
  world->pairs = story_pick(rand, 1, PAIRS_MAX);
  for (uint32_t i = 0; i < 2 * world->pairs; i++) {
    const char name[] = {'p', (char)('0' + i), 0};
    world->pair_parts[i] = (struct part){.world = world, .index = i};
    const struct player args = {&world->pair_parts[i]};
    players[i].pid = start(world, &(act_child){.id = name, .name = name, .args = &args,
                                               .behavior = &ball_player});
  }
  world->watcher_part = (struct part){.world = world};
  const struct watcher args = {.part = &world->watcher_part};
  watcher->pid = start(world, &(act_child){.id = "watch", .behavior = &watch, .args = &args});
}

// The hogs first: who asks one counts on what is in its mailbox.
static void begin(struct world *world, const playing_ref players[], watching_ref watcher) {
  act_cx *cx = act_sim_cx(world->sim);
  for (uint32_t i = 0; i < world->hogs; i++) {
    hogging_ref hog = {world->hog_pids[i]};
    check_sent(world, hogging_send_begin(cx, hog, (fair_signal){0}));
    while (!world->hog_parts[i].begun && !world->run->failed) step(world);
  }
  for (uint32_t i = 0; i < world->pairs; i++) {
    fair_ball ball = {.turn = world->turns, .at = act_sim_now(world->sim)};
    check_sent(world, playing_send_ball(cx, players[2 * i], ball));
  }
  check_sent(world, watching_send_begin(cx, watcher, (fair_signal){0}));
}

static void check_end(struct world *world) {
  struct story_run *run = world->run;
  STORY_CHECK(run, world->balls > 0, "no ball was ever caught");
  STORY_CHECK(run, world->ticks > 0, "no timer ever ticked");
  STORY_CHECK(run, world->results > 0, "no job was ever done");
  STORY_CHECK(run, world->answers > 0, "no question was ever answered");
  STORY_CHECK(run, world->handled_most == ACT__TURN_MESSAGES,
              "no turn used its budget: the longest handled %u messages", world->handled_most);
}

static void run_fair_story(struct story_run *run) {
  static const act_log_sink silent = {.fn = NULL};
  const act_node node = {.name = "story", .log = run->loud ? NULL : &silent};
  struct world *world = (struct world *)calloc(1, sizeof *world);
  if (!world) {
    story_fail(run, "no memory for the story");
    return;
  }
  world->run = run;
  act_rc rc = act_sim_open(run->seed, &node, NULL, &world->sim);
  if (rc) {
    story_fail(run, "the simulation does not open: %s", act_rc_name(rc));
    free(world);
    return;
  }
  playing_ref players[2 * PAIRS_MAX];
  watching_ref watcher;
  populate(world, players, &watcher);
  begin(world, players, watcher);
  for (unsigned i = 0; i < STEPS && !run->failed; i++) step(world);
  world->over = true;
  check_end(world);
  run->trace = act_sim_trace(world->sim);
  int code = act_sim_close(world->sim);
  STORY_CHECK(run, code == 0, "the stop ended with %d", code);
  free(world);
}

const struct story story_fair = {
    .name = "fair",
    .about = "actors that never stop delay nobody by more than their budget",
    .run = run_fair_story,
};
