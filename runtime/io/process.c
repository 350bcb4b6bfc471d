// SPDX-License-Identifier: Apache-2.0
#include "runtime/io/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "base/alloc.h"
#include "base/check.h"
#include "runtime/io/inside.h"
#include "runtime/io/socket.h"

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1u << 2)
#endif

extern char **environ;

struct act__process {
  struct act__io_entry entry;  // first: the handle's data
  uv_process_t handle;
  void (*on_exit)(void *arg, int64_t status, int signal);
  void *arg;
};

static void on_closed(uv_handle_t *handle) {
  act__free(handle->data);
}

static void on_exit_seen(uv_process_t *handle, int64_t status, int signal) {
  struct act__process *process = handle->data;
  process->on_exit(process->arg, status, signal);
  if (!uv_is_closing((uv_handle_t *)handle)) uv_close((uv_handle_t *)handle, on_closed);
}

// The loop ends before the child: nobody will hear of its end any more, so it ends now.
static void shut(struct act__io_entry *entry) {
  struct act__process *process = (struct act__process *)entry;
  uv_handle_t *handle = (uv_handle_t *)&process->handle;
  if (uv_is_closing(handle)) return;
  uv_process_kill(&process->handle, SIGKILL);
  while (waitpid(process->handle.pid, NULL, 0) < 0 && errno == EINTR) {
  }
  uv_close(handle, on_closed);
}

// --- what the child is given ----------------------------------------------------------------------

// Our own arguments as one block of strings and a table over it, as the kernel keeps them.
struct arguments {
  char *block;
  char **table;
};

static void free_arguments(struct arguments *arguments) {
  act__free(arguments->block);
  act__free(arguments->table);
}

static act_rc read_block(int fd, char *block, size_t *size) {
  *size = 0;
  for (;;) {
    ssize_t n = read(fd, block + *size, ACT__PROCESS_ARGS_MAX + 1 - *size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ACT_ESYS;
    if (n == 0) return *size > 0 ? ACT_OK : ACT_ESYS;
    *size += (size_t)n;
    if (*size > ACT__PROCESS_ARGS_MAX) return ACT_EINVAL;
  }
}

static act_rc own_arguments(struct arguments *out) {
  *out = (struct arguments){NULL, NULL};
  int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return act__io_rc(-errno);
  size_t size;
  out->block = act__malloc(ACT__PROCESS_ARGS_MAX + 2);
  act_rc rc = out->block ? read_block(fd, out->block, &size) : ACT_ENOMEM;
  close(fd);
  if (rc) return rc;
  if (out->block[size - 1]) out->block[size++] = 0;  // a program may have overwritten its title
  size_t count = 0;
  for (size_t at = 0; at < size; at++) count += out->block[at] == 0;
  out->table = act__calloc(count + 1, sizeof *out->table);
  if (!out->table) return ACT_ENOMEM;
  char *argument = out->block;
  for (size_t i = 0; i < count; i++, argument += strlen(argument) + 1) out->table[i] = argument;
  return ACT_OK;
}

static bool is_variable(const char *entry, const char *setting) {
  size_t n = strcspn(setting, "=") + 1;
  return strncmp(entry, setting, n) == 0;
}

// The environment with our setting and one of the caller's; only the table is new.
static char **child_environment(char *link, char *extra) {
  size_t count = 0;
  while (environ[count]) count++;
  char **table = act__calloc(count + 3, sizeof *table);
  if (!table) return NULL;
  size_t n = 0;
  for (size_t i = 0; i < count; i++) {
    if (is_variable(environ[i], link) || (extra && is_variable(environ[i], extra))) continue;
    table[n++] = environ[i];
  }
  table[n++] = link;
  if (extra) table[n++] = extra;
  return table;
}

static void set_limit(int pid, int which, uint64_t soft, uint64_t hard) {
  if (soft == 0) return;
  struct rlimit limit = {.rlim_cur = soft, .rlim_max = hard};
  // Fails only for a child that has ended already, or for a limit above our own: then ours holds.
  (void)prlimit(pid, (__rlimit_resource_t)which, &limit, NULL);
}

static void set_limits(int pid, const struct act__process_options *options) {
  set_limit(pid, RLIMIT_AS, options->address_space_bytes, options->address_space_bytes);
  set_limit(pid, RLIMIT_CPU, options->cpu_seconds, options->cpu_seconds + 1);
  set_limit(pid, RLIMIT_NOFILE, options->descriptors, options->descriptors);
}

// --- starting -------------------------------------------------------------------------------------

static act_rc spawn(struct act__loop *loop, const struct act__process_options *options,
                    char *const *argv, char **env, int nothing, int link,
                    struct act__process **out) {
  struct act__process *process = act__calloc(1, sizeof *process);
  if (!process) return ACT_ENOMEM;
  process->entry.shut = shut;
  process->on_exit = options->on_exit;
  process->arg = options->arg;
  process->handle.data = process;

  uv_stdio_container_t stdio[ACT__PROCESS_FD + 1];
  int from[ACT__PROCESS_FD + 1] = {nothing, 1, 2, link};
  for (int i = 0; i <= ACT__PROCESS_FD; i++) {
    if (fcntl(from[i], F_GETFD) < 0) from[i] = nothing;  // our own output may be closed
    stdio[i].flags = UV_INHERIT_FD;
    stdio[i].data.fd = from[i];
  }
  uv_process_options_t how = {
      .exit_cb = on_exit_seen,
      .file = options->file ? options->file : "/proc/self/exe",
      .args = (char **)(uintptr_t)argv,
      .env = env,
      .stdio_count = ACT__PROCESS_FD + 1,
      .stdio = stdio,
  };
  syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_CLOEXEC);
  act_rc rc = act__io_rc(uv_spawn(act__loop_uv(loop), &process->handle, &how));
  if (rc) {
    uv_close((uv_handle_t *)&process->handle, on_closed);
    return rc == ACT_EFULL ? ACT_ELIMIT : rc;  // EAGAIN: no more processes
  }
  set_limits(process->handle.pid, options);
  *out = process;
  return ACT_OK;
}

act_rc act__process_spawn(struct act__loop *loop, const struct act__process_options *options,
                          struct act__process **out, int *link_fd) {
  char link[sizeof ACT__PROCESS_FD_ENV + 16];
  snprintf(link, sizeof link, "%s=%d", ACT__PROCESS_FD_ENV, ACT__PROCESS_FD);
  struct arguments own = {NULL, NULL};
  char **env = NULL;
  int ends[2] = {-1, -1};
  int nothing = -1;

  act_rc rc = options->argv ? ACT_OK : own_arguments(&own);
  if (rc) goto done;
  rc = ACT_ENOMEM;
  env = child_environment(link, (char *)(uintptr_t)options->env);
  if (!env) goto done;
  rc = act__socket_pair(ends);
  if (rc) goto done;
  nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  rc = nothing < 0 ? act__io_rc(-errno) : ACT_OK;
  if (rc) goto done;
  rc = spawn(loop, options, options->argv ? options->argv : own.table, env, nothing, ends[1], out);
done:
  act__socket_close(nothing);
  act__socket_close(ends[1]);
  if (rc) {
    act__socket_close(ends[0]);
  } else {
    *link_fd = ends[0];
  }
  act__free(env);
  free_arguments(&own);
  return rc;
}

act_rc act__process_kill(struct act__process *process, int signal) {
  if (uv_is_closing((uv_handle_t *)&process->handle)) return ACT_EDEAD;
  return act__io_rc(uv_process_kill(&process->handle, signal));
}

int act__process_id(const struct act__process *process) {
  return process->handle.pid;
}

// --- in the child ---------------------------------------------------------------------------------

int act__process_child(void) {
  const char *text = getenv(ACT__PROCESS_FD_ENV);
  if (!text) return -1;
  char *end;
  errno = 0;
  long fd = strtol(text, &end, 10);
  bool good = errno == 0 && end != text && *end == 0 && fd >= 0 && fd <= INT32_MAX;
  unsetenv(ACT__PROCESS_FD_ENV);
  if (!good || fcntl((int)fd, F_SETFD, FD_CLOEXEC) < 0) return -1;
  signal(SIGINT, SIG_IGN);
  return (int)fd;
}
