// SPDX-License-Identifier: Apache-2.0
//
// A counter that keeps a log file, and a poller in a process of its own that uses it by name.
//
// Run: bazel run //examples:counter -- [ROUNDS]
//
// Shows typed messages, an ask with its continuation, clean-up by act_defer, a tree as data, and that
// sending to the counter looks the same from the next process. The poller finds it as
// "counter@parent"; were it in this process, "counter" would do.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <troupe.h>

// --- the contract: what a header would hold --------------------------------------------------------

ACT_MSG(counter_incr, (i64, by, 1)(str, why, 2))
ACT_MSG(counter_get, (flag, reset, 1))
ACT_MSG(counter_value, (i64, value, 1))
#define COUNTER(CAST, CALL, P) \
  CAST(P, 1, incr, counter_incr) \
  CALL(P, 2, get, counter_get, counter_value)
ACT_PROTOCOL(counter, 1, COUNTER)

ACT_MSG(round_over, (i64, value, 1))
#define STAGE(CAST, CALL, P) CAST(P, 1, over, round_over)
ACT_PROTOCOL(stage, 1, STAGE)

// --- the counter -------------------------------------------------------------------------------------

struct tally {
  int64_t n;
  FILE *log;
};
struct tally_args {
  int64_t start;
};
ACT_ACTOR(tally, counter, COUNTER, struct tally, struct tally_args)

static void close_log(void *file) {
  fclose(file);
}

static act_rc tally_init(struct tally *self, act_cx *cx, const struct tally_args *args) {
  self->n = args->start;
  self->log = tmpfile();
  if (!self->log) return act_fail(cx, ACT_ESYS, "open the log: errno %d", errno);
  return act_defer(cx, close_log, self->log);  // runs at stop, failure and restart
}

static act_rc tally_incr(struct tally *self, act_cx *cx, const counter_incr *m) {
  if (m->by < 0) return act_fail(cx, ACT_EBADMSG, "negative step");  // its supervisor acts
  self->n += m->by;
  fprintf(self->log, "%s\n", m->why.data);
  return ACT_OK;
}

static act_rc tally_get(struct tally *self, act_cx *cx, const counter_get *m,
                        counter_value_reply r) {
  act_rc rc = counter_value_answer(cx, r, (counter_value){.value = self->n});
  if (m->reset) self->n = 0;
  return rc;
}

// --- the poller: another process ---------------------------------------------------------------------

struct poller {
  counter_svc counter;
  stage_svc stage;
};
ACT_ACTOR0(poll, struct poller, act_noargs)
ACT_ON_FOUND(poll, on_counter, counter)
ACT_ON_FOUND(poll, on_stage, stage)
ACT_ON_TICK(poll, on_tick)
ACT_ON(poll, on_value, counter_value)

static act_rc poll_init(struct poller *self, act_cx *cx, const act_noargs *args) {
  act_rc rc = counter_lookup(cx, "counter@parent", ACT_SEC(5), on_counter_then(0));
  return rc ? rc : ACT_LATER;  // up when the look-ups have answered
}

static act_rc on_counter(struct poller *self, act_cx *cx, act_rc st, counter_ref ref,
                         uintptr_t tag) {
  if (st) return act_fail(cx, st, "no counter: %s", act_rc_text(st));
  self->counter = counter_at(ref);  // whichever incarnation is there
  return stage_lookup(cx, "stage@parent", ACT_SEC(5), on_stage_then(0));
}

static act_rc on_stage(struct poller *self, act_cx *cx, act_rc st, stage_ref ref, uintptr_t tag) {
  if (st) return act_fail(cx, st, "no stage: %s", act_rc_text(st));
  self->stage = stage_at(ref);
  act_rc rc = act_every(cx, ACT_MS(10), on_tick_then(0), NULL);
  return rc ? rc : act_ready(cx);
}

static act_rc on_tick(struct poller *self, act_cx *cx, const act_tick *tick) {
  counter_incr step = {.by = 1, .why = ACT_STR("tick")};
  act_rc rc = counter_svc_send_incr(cx, self->counter, step);
  if (rc == ACT_EFULL) return ACT_OK;  // no room: the same verdict near and far
  if (rc) return rc;
  return counter_svc_ask_get(cx, self->counter, (counter_get){.reset = false}, ACT_MS(500),
                             on_value_then(0));
}

static act_rc on_value(struct poller *self, act_cx *cx, act_rc st, const counter_value *v,
                       uintptr_t tag) {
  if (st) return ACT_OK;  // ACT_EFULL, ACT_ETIMEDOUT, ACT_EDEAD, ...: the next tick asks again
  return stage_svc_send_over(cx, self->stage, (round_over){.value = v->value});
}

// --- the stage: prints, and ends the play ------------------------------------------------------------

struct stage_state {
  int rounds;
};
struct stage_args {
  int rounds;
};
ACT_ACTOR(board, stage, STAGE, struct stage_state, struct stage_args)

static act_rc board_init(struct stage_state *self, act_cx *cx, const struct stage_args *args) {
  self->rounds = args->rounds;
  return ACT_OK;
}

static act_rc board_over(struct stage_state *self, act_cx *cx, const round_over *m) {
  if (self->rounds == 0) return ACT_OK;  // the poller plays on until the stop reaches it
  printf("counter is at %lld\n", (long long)m->value);
  if (--self->rounds == 0) act_request_stop(act_cx_runtime(cx));
  return ACT_OK;
}

int main(int argc, char **argv) {
  struct stage_args rounds = {.rounds = argc > 1 ? atoi(argv[1]) : 3};
  struct tally_args from39 = {.start = 39};
  const act_child kids[] = {
      {.id = "counter", .name = "counter", .behavior = &tally, .args = &from39,
       .restart = ACT_PERMANENT, .stop_ms = 2000,
       .mailbox = {.msgs = 1024, .bytes = 1 << 20, .full = ACT_REJECT}},
      {.id = "stage", .name = "stage", .behavior = &board, .args = &rounds},
      {.id = "poller", .behavior = &poll, .restart = ACT_TRANSIENT, .stop_ms = 500,
       .isolate = ACT_OWN_PROCESS},
  };
  const act_sup root = {.max_restarts = 5, .within_ms = 10000,
                        .backoff = {.first_ms = 100, .max_ms = 10000, .jitter_pct = 20},
                        .kids = kids, .nkids = ACT_COUNT(kids)};
  setvbuf(stdout, NULL, _IOLBF, 0);
  return act_main(&(act_node){.name = "counter"}, &root);
}
