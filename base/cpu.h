// SPDX-License-Identifier: Apache-2.0
//
// How many CPUs this process may really use: the smaller of its affinity mask and the quotas of its
// control groups (version 1: cpu.cfs_quota_us / cpu.cfs_period_us; version 2: cpu.max), those of
// every group above it included. The parsers are pure, so that tests can feed them any machine.
#ifndef TROUPE_BASE_CPU_H
#define TROUPE_BASE_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Longest path that is followed; a longer one counts as "no quota there".
#define ACT__CPU_PATH 1024

// CPUs by affinity and quota, a broken CPU rounded up; at least 1. Reads files: call it at
// start-up.
int act__thread_cpu_quota(void);

// Whole CPUs that a quota allows, rounded up and at least 1; 0 when it says "no limit" or nonsense.
int act__cpu_quota_ratio(int64_t quota_us, int64_t period_us);

// The same from the text of a version 2 cpu.max ("max 100000", "150000 100000").
int act__cpu_quota_v2(const char *cpu_max);

// The same from the texts of the two version 1 files.
int act__cpu_quota_v1(const char *cfs_quota_us, const char *cfs_period_us);

// This process's group from the text of /proc/self/cgroup: in the hierarchy that has `controller`
// ("cpu"), or in the version 2 hierarchy (NULL). False when there is none or it does not fit.
bool act__cpu_cgroup_path(const char *proc_cgroup, const char *controller, char *out, size_t size);

// Where that hierarchy is mounted, from the text of /proc/self/mountinfo, and which of its groups
// stands at the mount point. Octal escapes of the kernel are undone. False when there is none.
bool act__cpu_cgroup_mount(const char *mountinfo, const char *controller, char *root,
                           size_t root_size, char *mount, size_t mount_size);

// The group's folder in the file system: mount + (path without root). A path outside the root
// (a group name space that hides it) is the mount point itself. False when it does not fit.
bool act__cpu_cgroup_folder(const char *path, const char *root, const char *mount, char *out,
                            size_t size);

#endif
