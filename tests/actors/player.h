// SPDX-License-Identifier: Apache-2.0
//
// An actor that does what its part says, and a book of what happened, for tests of children and
// supervision. The book's letters: i init, f init failed, u up after waiting, x cleaned up.
#ifndef TROUPE_TESTS_ACTORS_PLAYER_H
#define TROUPE_TESTS_ACTORS_PLAYER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "actors/sim.h"
#include "actors/troupe.h"

#define BOOK_MAX 512

struct book {
  char text[BOOK_MAX];      // "iA iB xB"
  int64_t at_ns[BOOK_MAX];  // when, by entry
  unsigned count;
  char log[8192];           // messages of the log, one a line
};

struct part {
  struct book *book;       // NULL: nothing is noted
  char name;
  int fail_inits;          // the first so many inits fail
  uint32_t ready_ms;       // init returns LATER and is up after this
  bool never_ready;        // init returns LATER and that is it
  uint32_t fail_after_ms;  // fails so long after init; once
};

static inline void book_note(struct book *book, char what, char name, int64_t now_ns) {
  if (!book) return;
  assert_true(book->count < BOOK_MAX / 3);
  size_t used = strlen(book->text);
  snprintf(book->text + used, sizeof book->text - used, "%s%c%c", used ? " " : "", what, name);
  book->at_ns[book->count++] = now_ns;
}

static inline void book_clear(struct book *book) {
  book->text[0] = book->log[0] = 0;
  book->count = 0;
}

static inline void book_log(void *arg, const act_log_record *record) {
  struct book *book = (struct book *)arg;
  size_t used = strlen(book->log);
  snprintf(book->log + used, sizeof book->log - used, "%s\n", record->message);
}

#define assert_logged(book, expected) assert_non_null(strstr((book)->log, expected))

ACT_MSG(player_do, (i32, rc, 1)(flag, end, 2))
ACT_MSG(player_count, (i32, pings, 1)(i64, now_ns, 2))
#define PLAYER(CAST, CALL, P) CAST(P, 1, act, player_do) CALL(P, 2, ping, player_do, player_count)
ACT_PROTOCOL(playing, 1, PLAYER)

struct player {
  struct part *part;
  int pings;
};

ACT_ACTOR(player, playing, PLAYER, struct player, struct part)
ACT_ON_TICK(player, player_on_ready)
ACT_ON_TICK(player, player_on_fail)

static void player_leave(void *part) {
  struct part *p = (struct part *)part;
  book_note(p->book, 'x', p->name, 0);
}

static act_rc player_init(struct player *self, act_cx *cx, const struct part *part) {
  self->part = (struct part *)(uintptr_t)part;
  if (self->part->fail_inits > 0) {
    self->part->fail_inits--;
    book_note(part->book, 'f', part->name, act_now(cx));
    return act_fail(cx, ACT_ESYS, "not today");
  }
  book_note(part->book, 'i', part->name, act_now(cx));
  act_rc rc = act_defer(cx, player_leave, self->part);
  if (rc) return rc;
  if (part->fail_after_ms) {
    rc = act_after(cx, part->fail_after_ms, player_on_fail_then(0), NULL);
    self->part->fail_after_ms = 0;
    if (rc) return rc;
  }
  if (part->never_ready) return ACT_LATER;
  if (!part->ready_ms) return ACT_OK;
  rc = act_after(cx, part->ready_ms, player_on_ready_then(0), NULL);
  return rc ? rc : ACT_LATER;
}

static act_rc player_on_ready(struct player *self, act_cx *cx, const act_tick *tick) {
  (void)tick;
  book_note(self->part->book, 'u', self->part->name, act_now(cx));
  return act_ready(cx);
}

static act_rc player_on_fail(struct player *self, act_cx *cx, const act_tick *tick) {
  (void)self;
  (void)tick;
  return act_fail(cx, ACT_EFAIL, "its time had come");
}

static act_rc player_act(struct player *self, act_cx *cx, const player_do *m) {
  (void)self;
  if (m->end) act_end(cx);
  return m->rc ? act_fail(cx, (act_rc)m->rc, "told to") : ACT_OK;
}

static act_rc player_ping(struct player *self, act_cx *cx, const player_do *m,
                          player_count_reply r) {
  (void)m;
  return player_count_answer(cx, r, (player_count){.pings = ++self->pings, .now_ns = act_now(cx)});
}

#endif
