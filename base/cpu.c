// SPDX-License-Identifier: Apache-2.0
//
// CPUs by affinity and control groups. Whatever cannot be read or understood limits nothing: a
// machine without control groups is an ordinary machine.
#include "base/cpu.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"

// Largest file that is read: a mount table of a machine with many containers is some 100 KiB.
#define FILE_MAX (1024 * 1024)
#define CPUS_MAX (64 * 1024)

int act__cpu_quota_ratio(int64_t quota_us, int64_t period_us) {
  if (quota_us <= 0 || period_us <= 0) return 0;
  int64_t cpus = quota_us / period_us + (quota_us % period_us != 0);
  return cpus > INT_MAX ? INT_MAX : (int)cpus;
}

// A whole number at *text, which moves behind it. False: none there, or too large.
static bool take_number(const char **text, int64_t *number) {
  char *end;
  errno = 0;
  long long value = strtoll(*text, &end, 10);
  if (end == *text || errno != 0) return false;
  *text = end;
  *number = value;
  return true;
}

int act__cpu_quota_v2(const char *cpu_max) {
  int64_t quota, period;
  if (!take_number(&cpu_max, &quota) || !take_number(&cpu_max, &period)) return 0;
  return act__cpu_quota_ratio(quota, period);
}

int act__cpu_quota_v1(const char *cfs_quota_us, const char *cfs_period_us) {
  int64_t quota, period;
  if (!take_number(&cfs_quota_us, &quota) || !take_number(&cfs_period_us, &period)) return 0;
  return act__cpu_quota_ratio(quota, period);
}

// ---- parsing /proc ----

// A piece of a text: nothing is copied until it is known to be wanted.
struct piece {
  const char *at;
  size_t length;
};

// Takes the piece up to `separator` or the end off the front of *rest. False: nothing was left.
static bool take_until(struct piece *rest, char separator, struct piece *out) {
  if (rest->at == NULL) return false;
  const char *end = memchr(rest->at, separator, rest->length);
  *out = *rest;
  if (end == NULL) {
    rest->at = NULL;
    return true;
  }
  out->length = (size_t)(end - rest->at);
  rest->at = end + 1;
  rest->length -= out->length + 1;
  return true;
}

static bool is_word(struct piece piece, const char *word) {
  return piece.length == strlen(word) && memcmp(piece.at, word, piece.length) == 0;
}

static bool list_has(struct piece list, const char *word) {
  struct piece item;
  while (take_until(&list, ',', &item)) {
    if (is_word(item, word)) return true;
  }
  return false;
}

static bool copy_out(struct piece piece, char *out, size_t size) {
  if (piece.length >= size) return false;
  memcpy(out, piece.at, piece.length);
  out[piece.length] = '\0';
  return true;
}

static bool is_octal(char c) {
  return c >= '0' && c <= '7';
}

// The kernel writes space, tab, newline and backslash in mount points as \ and three octal digits.
static bool copy_unescaped(struct piece piece, char *out, size_t size) {
  size_t n = 0;
  for (size_t i = 0; i < piece.length; i++) {
    const char *at = piece.at + i;
    char c = *at;
    if (c == '\\' && piece.length - i > 3 && is_octal(at[1]) && is_octal(at[2]) &&
        is_octal(at[3])) {
      c = (char)((at[1] - '0') << 6 | (at[2] - '0') << 3 | (at[3] - '0'));
      i += 3;
    }
    if (n + 1 >= size) return false;
    out[n++] = c;
  }
  if (n >= size) return false;
  out[n] = '\0';
  return true;
}

// Lines are "4:cpu,cpuacct:/path"; version 2 has the one line "0::/path".
bool act__cpu_cgroup_path(const char *proc_cgroup, const char *controller, char *out, size_t size) {
  struct piece text = {proc_cgroup, strlen(proc_cgroup)};
  struct piece line, hierarchy, controllers;
  while (take_until(&text, '\n', &line)) {
    if (!take_until(&line, ':', &hierarchy) || !take_until(&line, ':', &controllers)) continue;
    if (line.at == NULL) continue;
    bool wanted = controller != NULL ? list_has(controllers, controller)
                                     : is_word(hierarchy, "0") && controllers.length == 0;
    if (wanted) return copy_out(line, out, size);
  }
  return false;
}

// Lines are "36 35 0:30 /root /mount options [optional...] - type source super-options".
bool act__cpu_cgroup_mount(const char *mountinfo, const char *controller, char *root,
                           size_t root_size, char *mount, size_t mount_size) {
  struct piece text = {mountinfo, strlen(mountinfo)};
  struct piece line;
  while (take_until(&text, '\n', &line)) {
    struct piece field, root_field = {NULL, 0}, mount_field = {NULL, 0};
    int n = 0;
    bool ended = false;
    while (!ended && take_until(&line, ' ', &field)) {
      if (n == 3) root_field = field;
      if (n == 4) mount_field = field;
      ended = n > 5 && is_word(field, "-");
      n++;
    }
    struct piece type, source, options;
    if (!ended || !take_until(&line, ' ', &type) || !take_until(&line, ' ', &source) ||
        !take_until(&line, ' ', &options)) {
      continue;
    }
    bool wanted = controller != NULL ? is_word(type, "cgroup") && list_has(options, controller)
                                     : is_word(type, "cgroup2");
    if (!wanted) continue;
    return copy_unescaped(root_field, root, root_size) &&
           copy_unescaped(mount_field, mount, mount_size);
  }
  return false;
}

bool act__cpu_cgroup_folder(const char *path, const char *root, const char *mount, char *out,
                            size_t size) {
  size_t root_length = strcmp(root, "/") == 0 ? 0 : strlen(root);
  bool inside = strncmp(path, root, root_length) == 0 &&
                (path[root_length] == '/' || path[root_length] == '\0') &&
                strncmp(path, "/..", 3) != 0;
  const char *below = inside ? path + root_length : "";
  if (strcmp(below, "/") == 0) below = "";
  int length = snprintf(out, size, "%s%s", mount, below);
  return length >= 0 && (size_t)length < size;
}

// ---- asking the machine ----

// The file's text, zero-terminated, in `bytes`; NULL when it cannot be read whole.
static const char *read_file(struct act__bytes *bytes, const char *path) {
  act__bytes_reset(bytes);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return NULL;
  ssize_t got;
  do {
    uint8_t *room = act__bytes_reserve(bytes, 4096);
    got = room == NULL ? -1 : read(fd, room, 4096);
    if (got < 0 && room != NULL && errno == EINTR) continue;
    if (got > 0) act__bytes_commit(bytes, (size_t)got);
  } while (got > 0 || (got < 0 && !bytes->failed && errno == EINTR));
  close(fd);
  if (got < 0 || !act__bytes_append(bytes, "", 1)) return NULL;
  return (const char *)bytes->data;
}

static const char *read_in_folder(struct act__bytes *bytes, const char *folder, const char *name) {
  char path[ACT__CPU_PATH + 32];
  int length = snprintf(path, sizeof path, "%s/%s", folder, name);
  if (length < 0 || (size_t)length >= sizeof path) return NULL;
  return read_file(bytes, path);
}

static int quota_of_folder(const char *folder, bool is_v2) {
  struct act__bytes a, b;
  act__bytes_init(&a, FILE_MAX);
  act__bytes_init(&b, FILE_MAX);
  int cpus = 0;
  if (is_v2) {
    const char *text = read_in_folder(&a, folder, "cpu.max");
    if (text != NULL) cpus = act__cpu_quota_v2(text);
  } else {
    const char *quota = read_in_folder(&a, folder, "cpu.cfs_quota_us");
    const char *period = read_in_folder(&b, folder, "cpu.cfs_period_us");
    if (quota != NULL && period != NULL) cpus = act__cpu_quota_v1(quota, period);
  }
  act__bytes_fini(&a);
  act__bytes_fini(&b);
  return cpus;
}

static int smaller_limit(int a, int b) {
  if (a == 0 || b == 0) return a + b;
  return a < b ? a : b;
}

// The smallest quota from this process's group up to the mount point; 0: none.
static int quota_of_hierarchy(const char *proc_cgroup, const char *mountinfo, bool is_v2) {
  const char *controller = is_v2 ? NULL : "cpu";
  char path[ACT__CPU_PATH], root[ACT__CPU_PATH], mount[ACT__CPU_PATH], folder[ACT__CPU_PATH];
  if (!act__cpu_cgroup_path(proc_cgroup, controller, path, sizeof path) ||
      !act__cpu_cgroup_mount(mountinfo, controller, root, sizeof root, mount, sizeof mount) ||
      !act__cpu_cgroup_folder(path, root, mount, folder, sizeof folder)) {
    return 0;
  }
  int limit = 0;
  for (;;) {
    limit = smaller_limit(limit, quota_of_folder(folder, is_v2));
    char *last = strrchr(folder, '/');
    if (last == NULL || strlen(folder) <= strlen(mount)) return limit;
    *last = '\0';
  }
}

static int cpus_by_affinity(void) {
  for (size_t cpus = 1024; cpus <= CPUS_MAX; cpus *= 2) {
    cpu_set_t *set = CPU_ALLOC(cpus);
    if (set == NULL) return 1;
    size_t bytes = CPU_ALLOC_SIZE(cpus);
    int rc = sched_getaffinity(0, bytes, set);
    int count = rc == 0 ? CPU_COUNT_S(bytes, set) : 0;
    bool larger_machine = rc != 0 && errno == EINVAL;
    CPU_FREE(set);
    if (!larger_machine) return count > 0 ? count : 1;
  }
  return 1;
}

int act__thread_cpu_quota(void) {
  int limit = cpus_by_affinity();
  struct act__bytes group, mounts;
  act__bytes_init(&group, FILE_MAX);
  act__bytes_init(&mounts, FILE_MAX);
  const char *proc_cgroup = read_file(&group, "/proc/self/cgroup");
  const char *mountinfo = read_file(&mounts, "/proc/self/mountinfo");
  if (proc_cgroup != NULL && mountinfo != NULL) {
    limit = smaller_limit(limit, quota_of_hierarchy(proc_cgroup, mountinfo, true));
    limit = smaller_limit(limit, quota_of_hierarchy(proc_cgroup, mountinfo, false));
  }
  act__bytes_fini(&group);
  act__bytes_fini(&mounts);
  return limit;
}
