// SPDX-License-Identifier: Apache-2.0
//
// The coordinator's pure parts: the desk, the plan of kills, the merge of pages.
#include "examples/wordindex/desk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "examples/wordindex/kills.h"
#include "examples/wordindex/merge.h"

static struct wi_desk desk;

static int set_up(void **state) {
  (void)state;
  assert_true(wi_desk_init(&desk, 2));
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  wi_desk_fini(&desk);
  return 0;
}

static void put(const char *path) {
  assert_true(wi_desk_put(&desk, path, strlen(path)));
}

// All aggregators answer; the last one reports what was merged.
static void answer_all(struct wi_ticket *ticket, uint64_t merged) {
  for (unsigned i = 0; i + 1 < WI_SHARDS; i++) {
    assert_false(wi_desk_answered(&desk, ticket, i, 0));
  }
  assert_true(wi_desk_answered(&desk, ticket, WI_SHARDS - 1, merged));
}

static struct wi_result good(uint64_t identifiers) {
  return (struct wi_result){.identifiers = identifiers, .too_long = 1, .stamp = {.size = 10}};
}

static void a_file_counts_once_when_every_aggregator_has_answered(void **state) {
  (void)state;
  put("a");
  struct wi_ticket *ticket = wi_desk_hand_out(&desk, 1);
  struct wi_result result = good(7);
  wi_desk_counted(&desk, ticket, &result);
  assert_int_equal(ticket->stage, WI_CHECKING);
  wi_desk_checked(&desk, ticket, WI_SKIP_NONE, 7, 1);
  assert_int_equal(ticket->stage, WI_COMMITTING);
  assert_int_equal(desk.files, 0);

  answer_all(ticket, 7);

  assert_int_equal(desk.files, 1);
  assert_int_equal(desk.bytes, 10);
  assert_int_equal(desk.identifiers, 7);
  assert_int_equal(desk.too_long, 1);
  assert_false(desk.is_broken);
  assert_false(wi_desk_is_done(&desk));
  desk.walk_is_done = true;
  assert_true(wi_desk_is_done(&desk));
}

static void a_file_whose_worker_died_gets_another_ticket(void **state) {
  (void)state;
  put("a");
  put("b");
  struct wi_ticket *ticket = wi_desk_hand_out(&desk, 0);
  uint64_t id = ticket->id;

  assert_false(wi_desk_lost(&desk, ticket));
  assert_int_equal(ticket->stage, WI_DROPPING);
  assert_int_equal(wi_desk_unfinished(&desk), 2);
  answer_all(ticket, 0);

  ticket = wi_desk_hand_out(&desk, 1);
  assert_string_equal(ticket->file->path, "a");  // first in the queue again
  assert_true(ticket->id > id);
  assert_int_equal(desk.redone, 1);
  assert_int_equal(desk.skips.total, 0);
}

static void the_third_death_skips_the_file_and_names_it(void **state) {
  (void)state;
  put("deadly");
  for (int death = 1; death <= 3; death++) {
    struct wi_ticket *ticket = wi_desk_hand_out(&desk, 0);
    assert_int_equal(wi_desk_lost(&desk, ticket), death == 3);
    answer_all(ticket, 0);
  }

  assert_null(wi_desk_hand_out(&desk, 0));
  assert_int_equal(desk.skips.counts[WI_SKIP_DEADLY], 1);
  assert_string_equal(desk.skips.named[WI_SKIP_DEADLY][0], "deadly");
  assert_int_equal(desk.redone, 2);
}

static void our_own_kills_do_not_count_against_the_file(void **state) {
  (void)state;
  put("a");
  for (int i = 0; i < 10; i++) {
    struct wi_ticket *ticket = wi_desk_hand_out(&desk, 0);
    ticket->is_killed = true;
    assert_false(wi_desk_lost(&desk, ticket));
    answer_all(ticket, 0);
  }
  assert_int_equal(desk.redone, 9);
  assert_non_null(wi_desk_hand_out(&desk, 0));
}

static void what_the_worker_or_the_verifier_skips_is_dropped(void **state) {
  (void)state;
  put("gone");
  put("changed");
  put("odd");
  struct wi_ticket *gone = wi_desk_hand_out(&desk, 0);
  struct wi_ticket *changed = wi_desk_hand_out(&desk, 1);
  struct wi_ticket *odd = wi_desk_hand_out(&desk, 1);
  wi_desk_counted(&desk, gone, &(struct wi_result){.skip = WI_SKIP_GONE});
  struct wi_result result = good(3);
  wi_desk_counted(&desk, changed, &result);
  wi_desk_checked(&desk, changed, WI_SKIP_CHANGED, 0, 0);
  wi_desk_counted(&desk, odd, &(struct wi_result){.skip = 12345});

  answer_all(gone, 0);
  answer_all(changed, 0);
  answer_all(odd, 0);

  assert_int_equal(desk.files, 0);
  assert_int_equal(desk.skips.counts[WI_SKIP_GONE], 1);
  assert_int_equal(desk.skips.counts[WI_SKIP_CHANGED], 1);
  assert_int_equal(desk.skips.counts[WI_SKIP_READ_ERROR], 1);
  assert_int_equal(wi_desk_unfinished(&desk), 0);
}

static void counts_that_disagree_break_the_run(void **state) {
  (void)state;
  put("a");
  put("b");
  struct wi_result result = good(7);
  struct wi_ticket *ticket = wi_desk_hand_out(&desk, 0);
  wi_desk_counted(&desk, ticket, &result);
  wi_desk_checked(&desk, ticket, WI_SKIP_NONE, 7, 1);
  answer_all(ticket, 6);
  assert_true(desk.is_broken);

  desk.is_broken = false;
  ticket = wi_desk_hand_out(&desk, 0);
  wi_desk_counted(&desk, ticket, &result);
  wi_desk_checked(&desk, ticket, WI_SKIP_NONE, 8, 1);
  assert_true(desk.is_broken);
}

static void files_in_flight_and_waiting_are_bounded(void **state) {
  (void)state;
  unsigned put_in_all = 0;
  while (wi_desk_room(&desk)) {
    for (unsigned room = wi_desk_room(&desk); room; room--, put_in_all++) put("x");
  }
  assert_int_equal(put_in_all, WI_QUEUE_MAX);
  unsigned handed_out = 0;
  while (wi_desk_hand_out(&desk, 0)) handed_out++;
  assert_int_equal(handed_out, wi_desk_tickets(2));
  assert_int_equal(wi_desk_uncounted(&desk), WI_QUEUE_MAX);
}

static void a_hand_out_that_was_refused_leaves_no_trace(void **state) {
  (void)state;
  put("a");
  put("b");

  wi_desk_take_back(&desk, wi_desk_hand_out(&desk, 0));

  assert_int_equal(desk.handed_out, 0);
  assert_string_equal(wi_desk_hand_out(&desk, 0)->file->path, "a");
  assert_string_equal(wi_desk_hand_out(&desk, 0)->file->path, "b");
}

// --- kills -------------------------------------------------------------------------------------

static void kills_are_spread_and_the_same_for_a_seed(void **state) {
  (void)state;
  struct wi_kills one, two;
  wi_kills_init(&one, 3, 42);
  wi_kills_init(&two, 3, 42);
  uint64_t handed_out = 0, done = 0;
  while (one.left) {
    assert_int_equal(one.at, two.at);
    assert_in_range(one.at - handed_out, 1, WI_KILL_DISTANCE);
    assert_false(wi_kills_due(&one, one.at - 1, false, 1));
    handed_out = one.at;
    assert_true(wi_kills_due(&one, handed_out, false, 1000));
    wi_kills_done(&one, handed_out);
    wi_kills_done(&two, handed_out);
    done++;
  }
  assert_int_equal(done, 3);
  assert_false(wi_kills_due(&one, UINT64_MAX, true, 0));
}

static void kills_are_due_at_once_when_files_get_few(void **state) {
  (void)state;
  struct wi_kills kills;
  wi_kills_init(&kills, 2, 1);
  assert_false(wi_kills_due(&kills, 0, false, 1));
  assert_true(wi_kills_due(&kills, 0, true, 2 * WI_KILL_RESERVE));
  assert_false(wi_kills_due(&kills, 0, true, 2 * WI_KILL_RESERVE + 1));
  assert_true(wi_kills_keep(&kills, false, 1));
  assert_false(wi_kills_keep(&kills, false, 2));
  assert_false(wi_kills_keep(&kills, true, 1));
  kills.left = 0;
  assert_false(wi_kills_keep(&kills, false, 1));
}

// --- merging -----------------------------------------------------------------------------------

static struct wi_entry entry(const char *text) {
  return (struct wi_entry){.text = text, .length = (uint32_t)strlen(text), .count = 1};
}

static void pages_of_all_shards_become_one_sorted_sequence(void **state) {
  (void)state;
  struct wi_merge merge = {0};
  assert_int_equal(wi_merge_needs(&merge), (1 << WI_SHARDS) - 1);
  struct wi_entry first[] = {entry("a"), entry("d")}, second[] = {entry("ab"), entry("c")};
  struct wi_entry more[] = {entry("e")};
  assert_true(wi_merge_load(&merge, 0, first, 2, false));
  assert_true(wi_merge_load(&merge, 1, second, 2, true));
  assert_true(wi_merge_load(&merge, 2, NULL, 0, true));
  assert_true(wi_merge_load(&merge, 3, NULL, 0, true));

  char sequence[64] = "";
  struct wi_entry next;
  for (;;) {
    if (wi_merge_needs(&merge)) {
      assert_int_equal(wi_merge_needs(&merge), 1);
      assert_int_equal(merge.cursors[0].taken, 2);
      assert_true(wi_merge_load(&merge, 0, more, 1, true));
    }
    if (!wi_merge_next(&merge, &next)) break;
    strncat(sequence, next.text, next.length);
    strcat(sequence, " ");
  }

  assert_string_equal(sequence, "a ab c d e ");
  wi_merge_fini(&merge);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_file_counts_once_when_every_aggregator_has_answered,
                                      set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_file_whose_worker_died_gets_another_ticket, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(the_third_death_skips_the_file_and_names_it, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(our_own_kills_do_not_count_against_the_file, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(what_the_worker_or_the_verifier_skips_is_dropped, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(counts_that_disagree_break_the_run, set_up, tear_down),
      cmocka_unit_test_setup_teardown(files_in_flight_and_waiting_are_bounded, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_hand_out_that_was_refused_leaves_no_trace, set_up,
                                      tear_down),
      cmocka_unit_test(kills_are_spread_and_the_same_for_a_seed),
      cmocka_unit_test(kills_are_due_at_once_when_files_get_few),
      cmocka_unit_test(pages_of_all_shards_become_one_sorted_sequence),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
