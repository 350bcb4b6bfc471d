// SPDX-License-Identifier: Apache-2.0
//
// Own processes: this very program started once more, with a socket pair to it. Never fork without
// exec: a copy of a threaded process has locks that nobody will release.
//
// What the child gets: this program's file and arguments; the environment, plus ACT__PROCESS_FD_ENV
// that says "you are a child, your link is this descriptor"; standard input from /dev/null, standard
// output and error as they are here; the link as descriptor 3; nothing else, because every other
// descriptor of this process is marked close-on-exec first (Linux 5.11; on older ones those that the
// runtime made have the mark anyway). It stays in our process group, so that Ctrl-Z and fg take it
// along, and ignores SIGINT from act__process_child on, so that Ctrl-C is the parent's alone.
//
// The child ends when its link does; there is no parent-death signal, because the kernel sends that at
// the end of the *thread* that started the child, and our threads come and go.
#ifndef TROUPE_RUNTIME_IO_PROCESS_H
#define TROUPE_RUNTIME_IO_PROCESS_H

#include <stdint.h>

#include "base/status.h"

struct act__loop;
struct act__process;

#define ACT__PROCESS_FD_ENV "TROUPE_LINK_FD"
#define ACT__PROCESS_FD 3
#define ACT__PROCESS_ARGS_MAX (256u * 1024u)  // bytes of arguments that can be passed on

struct act__process_options {
  // Both may be NULL: this program's own. `argv` ends with NULL. Borrowed during the call.
  const char *file;
  char *const *argv;
  const char *env;  // one more "NAME=value", or NULL
  // Limits of the child, set from here as soon as it runs; 0: as ours.
  uint64_t address_space_bytes;
  uint64_t cpu_seconds;  // SIGXCPU then, SIGKILL a second later
  uint64_t descriptors;
  // Exactly once, after the child is gone and reaped: its exit status, or the signal that ended it
  // (0: none). The process object is freed afterwards.
  void (*on_exit)(void *arg, int64_t status, int signal);
  void *arg;
};

// Starts a child and gives the parent's end of the link. Role holder only; takes some milliseconds
// (the kernel copies our page tables). ACT_ELIMIT (descriptors, processes), ACT_ENOMEM, ACT_ENOENT,
// ACT_EINVAL (arguments too long), ACT_ESYS. After a failure on_exit is not called.
ACT_MUST act_rc act__process_spawn(struct act__loop *loop,
                                   const struct act__process_options *options,
                                   struct act__process **out, int *link_fd);

// Sends a signal; ACT_EDEAD when it has ended. Role holder only, until on_exit.
act_rc act__process_kill(struct act__process *process, int signal);

int act__process_id(const struct act__process *process);

// In a child, as early as can be: the descriptor of the link (given to the caller, close-on-exec
// again), or -1 when this process is nobody's child. Takes the variable out of the environment, so that
// our own children do not inherit it, and ignores SIGINT. Once, before other threads start.
int act__process_child(void);

#endif
