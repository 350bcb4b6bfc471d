// SPDX-License-Identifier: Apache-2.0
#include "examples/wordindex/walker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "examples/wordindex/verifier.h"
#include "tests/examples/wordindex/tree.h"

static unsigned files, skipped[WI_SKIP_COUNT];
static struct wi_path_sum sum;

static void walk(const char *const *roots, unsigned nroots) {
  struct wi_walker *walker = wi_walker_create(roots, nroots);
  struct wi_found found;
  files = 0;
  memset(skipped, 0, sizeof skipped);
  memset(&sum, 0, sizeof sum);
  while (wi_walker_next(walker, &found)) {
    assert_int_equal(found.length, strlen(found.path));
    if (found.skip == WI_SKIP_NONE) {
      files++;
      wi_path_sum_add(&sum, found.path, found.length);
    } else {
      skipped[found.skip]++;
    }
  }
  wi_walker_destroy(walker);
}

// Walks, and lets the verifier's walk agree.
static void walk_one(const char *root) {
  const char *roots[] = {root};
  walk(roots, 1);
  struct wi_verifier *verifier = wi_verifier_create();
  assert_int_equal(wi_verifier_walk(verifier, roots, 1, &sum, INT64_MAX), WI_WALK_SAME);
  wi_verifier_destroy(verifier);
}

static int set_up(void **state) {
  (void)state;
  tree_make();
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  tree_remove();
  return 0;
}

static void only_regular_files_are_given_and_the_rest_has_reasons(void **state) {
  (void)state;
  mkdir("t", 0700);
  mkdir("t/sub", 0700);
  tree_put("t/a.c", "x");
  tree_put("t/sub/new\nline", "x");
  tree_put("t/sub/.hidden", "x");
  assert_int_equal(symlink("a.c", "t/link"), 0);
  assert_int_equal(symlink("..", "t/sub/up"), 0);
  assert_int_equal(symlink("nowhere", "t/dangling"), 0);
  assert_int_equal(symlink("loop", "t/loop"), 0);
  assert_int_equal(mkfifo("t/fifo", 0600), 0);

  walk_one("t");

  assert_int_equal(files, 3);
  assert_int_equal(skipped[WI_SKIP_LINK], 2);
  assert_int_equal(skipped[WI_SKIP_LINK_DANGLING], 1);
  assert_int_equal(skipped[WI_SKIP_LINK_LOOP], 1);
  assert_int_equal(skipped[WI_SKIP_FIFO], 1);
}

static void roots_can_be_files_links_and_have_slashes(void **state) {
  (void)state;
  mkdir("t", 0700);
  tree_put("t/a", "x");
  assert_int_equal(symlink("t", "l"), 0);

  walk_one("t/a");
  assert_int_equal(files, 1);
  walk_one("t//");
  assert_int_equal(files, 1);
  walk_one("l");
  assert_int_equal(files, 0);
  assert_int_equal(skipped[WI_SKIP_LINK], 1);
  walk_one("l/");
  assert_int_equal(files, 1);

  const char *twice[] = {"t", "t"};
  walk(twice, 2);
  assert_int_equal(files, 2);
}

static void a_folder_that_we_may_not_read_is_skipped(void **state) {
  (void)state;
  if (geteuid() == 0) return;  // root may read everything
  mkdir("t", 0700);
  mkdir("t/closed", 0);
  tree_put("t/a", "x");

  walk_one("t");

  assert_int_equal(files, 1);
  assert_int_equal(skipped[WI_SKIP_FOLDER_UNREADABLE], 1);
}

static void a_root_that_vanished_is_skipped(void **state) {
  (void)state;
  const char *roots[] = {"nothing"};
  walk(roots, 1);
  assert_int_equal(files, 0);
  assert_int_equal(skipped[WI_SKIP_GONE], 1);
}

// Folders one in another, far deeper than folders are held open, with a file before and behind each.
static void deep_trees_are_walked_whole(void **state) {
  (void)state;
  enum { DEPTH = 4 * WI_FOLDERS_OPEN };
  char path[4 * DEPTH + 16] = "t";
  mkdir(path, 0700);
  for (int i = 0; i < DEPTH; i++) {
    char file[sizeof path + 8];
    for (int f = 0; f < 3; f++) {
      snprintf(file, sizeof file, "%s/%c", path, "aez"[f]);
      tree_put(file, "x");
    }
    strcat(path, "/d");
    assert_int_equal(mkdir(path, 0700), 0);
  }

  walk_one("t");

  assert_int_equal(files, 3 * DEPTH);
}

static void paths_up_to_the_systems_bound_are_given_and_longer_ones_skipped(void **state) {
  (void)state;
  char name[201];
  memset(name, 'n', 200);
  name[200] = '\0';
  mkdir("t", 0700);
  size_t length = 1;
  // Level by level from inside, as no path reaches that far.
  assert_int_equal(chdir("t"), 0);
  while (length + 201 <= WI_PATH_MAX - 10) {
    assert_int_equal(mkdir(name, 0700), 0);
    assert_int_equal(chdir(name), 0);
    length += 201;
  }
  char last[300];
  memset(last, 'f', sizeof last);
  last[WI_PATH_MAX - length - 1] = '\0';  // exactly WI_PATH_MAX in all
  assert_in_range(strlen(last), 10, 255);
  tree_put(last, "x");
  last[WI_PATH_MAX - length - 1] = 'f';
  last[WI_PATH_MAX - length] = '\0';      // one past it
  tree_put(last, "x");
  assert_int_equal(chdir(tree_root), 0);

  walk_one("t");

  assert_int_equal(files, 1);
  assert_int_equal(skipped[WI_SKIP_PATH_TOO_LONG], 1);
}

static void a_cancelled_walk_ends(void **state) {
  (void)state;
  tree_put("a", "x");
  const char *roots[] = {"."};
  struct wi_walker *walker = wi_walker_create(roots, 1);
  struct wi_found found;

  wi_walker_cancel(walker);

  assert_false(wi_walker_next(walker, &found));
  wi_walker_destroy(walker);
}

static void a_missed_file_is_told_from_a_folder_that_changed(void **state) {
  (void)state;
  mkdir("t", 0700);
  tree_put("t/a", "x");
  const char *roots[] = {"t"};
  struct wi_path_sum nothing = {0};
  struct wi_verifier *verifier = wi_verifier_create();

  assert_int_equal(wi_verifier_walk(verifier, roots, 1, &nothing, INT64_MAX), WI_WALK_DIFFERS);
  assert_int_equal(wi_verifier_walk(verifier, roots, 1, &nothing, 0), WI_WALK_CHANGED);
  wi_verifier_destroy(verifier);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(only_regular_files_are_given_and_the_rest_has_reasons,
                                      set_up, tear_down),
      cmocka_unit_test_setup_teardown(roots_can_be_files_links_and_have_slashes, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(a_folder_that_we_may_not_read_is_skipped, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(a_root_that_vanished_is_skipped, set_up, tear_down),
      cmocka_unit_test_setup_teardown(deep_trees_are_walked_whole, set_up, tear_down),
      cmocka_unit_test_setup_teardown(
          paths_up_to_the_systems_bound_are_given_and_longer_ones_skipped, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_cancelled_walk_ends, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_missed_file_is_told_from_a_folder_that_changed, set_up,
                                      tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
