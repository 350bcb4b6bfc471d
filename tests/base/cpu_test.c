// SPDX-License-Identifier: Apache-2.0
//
// CPU quota: the parsers on texts of other machines, and this machine's own answer.
#include "base/cpu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

static void a_quota_is_rounded_up_to_whole_cpus(void **state) {
  (void)state;
  assert_int_equal(act__cpu_quota_ratio(1, 100000), 1);
  assert_int_equal(act__cpu_quota_ratio(100000, 100000), 1);
  assert_int_equal(act__cpu_quota_ratio(100001, 100000), 2);
  assert_int_equal(act__cpu_quota_ratio(400000, 100000), 4);
  assert_int_equal(act__cpu_quota_ratio(INT64_MAX, 1), INT_MAX);
}

static void no_quota_and_nonsense_are_no_limit(void **state) {
  (void)state;
  assert_int_equal(act__cpu_quota_ratio(-1, 100000), 0);
  assert_int_equal(act__cpu_quota_ratio(0, 100000), 0);
  assert_int_equal(act__cpu_quota_ratio(100000, 0), 0);
  assert_int_equal(act__cpu_quota_v1("-1\n", "100000\n"), 0);
  assert_int_equal(act__cpu_quota_v1("", "100000\n"), 0);
  assert_int_equal(act__cpu_quota_v1("100000\n", "x"), 0);
  assert_int_equal(act__cpu_quota_v2("max 100000\n"), 0);
  assert_int_equal(act__cpu_quota_v2("100000"), 0);
  assert_int_equal(act__cpu_quota_v2(""), 0);
  assert_int_equal(act__cpu_quota_v2("99999999999999999999999 100000"), 0);
}

static void both_versions_are_understood(void **state) {
  (void)state;
  assert_int_equal(act__cpu_quota_v1("150000\n", "100000\n"), 2);
  assert_int_equal(act__cpu_quota_v2("150000 100000\n"), 2);
  assert_int_equal(act__cpu_quota_v2("50000 100000\n"), 1);
}

static const char cgroup_v1[] =
    "12:pids:/docker/abc\n"
    "4:cpuset:/elsewhere\n"
    "3:cpu,cpuacct:/docker/a:b\n"
    "1:name=systemd:/docker/abc\n";
static const char cgroup_hybrid[] = "3:cpuacct,cpu:/old\n0::/user.slice/session-1.scope\n";

static void the_group_is_found_in_either_hierarchy(void **state) {
  (void)state;
  char out[64];
  assert_true(act__cpu_cgroup_path(cgroup_v1, "cpu", out, sizeof out));
  assert_string_equal(out, "/docker/a:b");
  assert_false(act__cpu_cgroup_path(cgroup_v1, NULL, out, sizeof out));
  assert_true(act__cpu_cgroup_path(cgroup_hybrid, "cpu", out, sizeof out));
  assert_string_equal(out, "/old");
  assert_true(act__cpu_cgroup_path(cgroup_hybrid, NULL, out, sizeof out));
  assert_string_equal(out, "/user.slice/session-1.scope");
  assert_true(act__cpu_cgroup_path("0::/", NULL, out, sizeof out));
  assert_string_equal(out, "/");
  assert_false(act__cpu_cgroup_path("", "cpu", out, sizeof out));
  assert_false(act__cpu_cgroup_path("garbage\n:\n0:\n::\n", NULL, out, sizeof out));
}

static void a_group_must_fit_with_its_end(void **state) {
  (void)state;
  char out[4];
  assert_true(act__cpu_cgroup_path("0::/ab\n", NULL, out, sizeof out));
  assert_false(act__cpu_cgroup_path("0::/abc\n", NULL, out, sizeof out));
}

static const char mountinfo[] =
    "22 28 0:20 / /proc rw,nosuid shared:13 - proc proc rw\n"
    "31 24 0:27 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro,relatime master:9 - cgroup cgroup "
    "rw,cpu,cpuacct\n"
    "32 24 0:28 / /sys/fs/cgroup/cpuset ro,relatime - cgroup cgroup rw,cpuset\n"
    "33 24 0:29 / /mnt/a\\040b\\134c rw shared:1 master:2 propagate_from:3 - cgroup2 cgroup2 rw\n";

static void the_mount_is_found_whatever_optional_fields_it_has(void **state) {
  (void)state;
  char root[64], mount[64];
  assert_true(act__cpu_cgroup_mount(mountinfo, "cpu", root, sizeof root, mount, sizeof mount));
  assert_string_equal(root, "/docker/abc");
  assert_string_equal(mount, "/sys/fs/cgroup/cpu,cpuacct");
  assert_true(act__cpu_cgroup_mount(mountinfo, NULL, root, sizeof root, mount, sizeof mount));
  assert_string_equal(root, "/");
  assert_string_equal(mount, "/mnt/a b\\c");
  assert_false(act__cpu_cgroup_mount(mountinfo, "memory", root, sizeof root, mount, sizeof mount));
  assert_false(act__cpu_cgroup_mount("", NULL, root, sizeof root, mount, sizeof mount));
  assert_false(act__cpu_cgroup_mount("a b c\n1 2 3 4 5 6 -\n1 2 3 4 5 6 - cgroup2\n", NULL, root,
                                     sizeof root, mount, sizeof mount));
}

static void a_mount_must_fit_with_its_end(void **state) {
  (void)state;
  static const char text[] = "1 2 0:1 /r /ab rw - cgroup2 c rw\n";
  char root[3], mount[4];
  assert_true(act__cpu_cgroup_mount(text, NULL, root, 3, mount, 4));
  assert_false(act__cpu_cgroup_mount(text, NULL, root, 2, mount, 4));
  assert_false(act__cpu_cgroup_mount(text, NULL, root, 3, mount, 3));
}

static void an_escape_that_is_none_is_kept(void **state) {
  (void)state;
  char root[16], mount[16];
  assert_true(act__cpu_cgroup_mount("1 2 0:1 / /a\\09\\04 rw - cgroup2 c rw\n", NULL, root,
                                    sizeof root, mount, sizeof mount));
  assert_string_equal(mount, "/a\\09\\04");
}

static void the_folder_is_the_path_below_what_is_mounted(void **state) {
  (void)state;
  static const struct {
    const char *path, *root, *folder;
  } rows[] = {
      {"/a/b", "/", "/m/a/b"}, {"/a/b", "/a", "/m/b"},     {"/a", "/a", "/m"},
      {"/", "/", "/m"},        {"/ab", "/a", "/m"},        {"/x", "/a", "/m"},
      {"/../x", "/", "/m"},    {"/docker", "/kube", "/m"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char out[32];
    assert_true(act__cpu_cgroup_folder(rows[i].path, rows[i].root, "/m", out, sizeof out));
    assert_string_equal(out, rows[i].folder);
  }
  char small[5];
  assert_true(act__cpu_cgroup_folder("/a", "/", "/m", small, 5));
  assert_false(act__cpu_cgroup_folder("/a", "/", "/m", small, 4));
}

static void this_machine_gives_at_least_one_cpu(void **state) {
  (void)state;
  int cpus = act__thread_cpu_quota();
  assert_in_range(cpus, 1, sysconf(_SC_NPROCESSORS_CONF));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_quota_is_rounded_up_to_whole_cpus),
      cmocka_unit_test(no_quota_and_nonsense_are_no_limit),
      cmocka_unit_test(both_versions_are_understood),
      cmocka_unit_test(the_group_is_found_in_either_hierarchy),
      cmocka_unit_test(a_group_must_fit_with_its_end),
      cmocka_unit_test(the_mount_is_found_whatever_optional_fields_it_has),
      cmocka_unit_test(a_mount_must_fit_with_its_end),
      cmocka_unit_test(an_escape_that_is_none_is_kept),
      cmocka_unit_test(the_folder_is_the_path_below_what_is_mounted),
      cmocka_unit_test(this_machine_gives_at_least_one_cpu),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
