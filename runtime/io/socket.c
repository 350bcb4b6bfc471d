// SPDX-License-Identifier: Apache-2.0
#include "runtime/io/socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "runtime/io/inside.h"

_Static_assert(ACT__SOCKET_PATH_MAX == sizeof(((struct sockaddr_un *)0)->sun_path) - 1,
               "the longest socket path is the kernel's");

static act_rc last_error(void) {
  return act__io_rc(-errno);
}

static act_rc fill_address(const char *path, struct sockaddr_un *address) {
  size_t length = strlen(path);
  if (length == 0 || length > ACT__SOCKET_PATH_MAX) return ACT_EINVAL;
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  memcpy(address->sun_path, path, length);
  return ACT_OK;
}

act_rc act__socket_pair(int ends[2]) {
  return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) ? last_error()
                                                                                  : ACT_OK;
}

// Binds so that the file is ours alone from its first moment. The mask belongs to the process, hence
// not umask: the descriptor's own mode becomes the file's on Linux.
static act_rc bind_and_listen(int fd, const struct sockaddr_un *address) {
  if (fchmod(fd, 0600)) return last_error();
  if (bind(fd, (const struct sockaddr *)address, sizeof *address)) return last_error();
  return listen(fd, ACT__SOCKET_BACKLOG) ? last_error() : ACT_OK;
}

// Removes a socket file whose server is gone. Anything else stays, and is ACT_EEXIST.
static act_rc remove_stale(const char *path) {
  struct stat st;
  if (lstat(path, &st)) return errno == ENOENT ? ACT_OK : last_error();
  if (!S_ISSOCK(st.st_mode)) return ACT_EEXIST;
  int fd;
  act_rc rc = act__socket_dial(path, &fd);
  if (rc == ACT_OK) act__socket_close(fd);
  if (rc == ACT_ENOENT) return ACT_OK;
  if (rc != ACT_ELINK) return rc == ACT_OK || rc == ACT_EFULL ? ACT_EEXIST : rc;
  return unlink(path) && errno != ENOENT ? last_error() : ACT_OK;
}

act_rc act__socket_listen(const char *path, int *out) {
  struct sockaddr_un address;
  act_rc rc = fill_address(path, &address);
  if (rc) return rc;
  rc = remove_stale(path);
  if (rc) return rc;
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return last_error();
  rc = bind_and_listen(fd, &address);
  if (rc) {
    close(fd);
    return rc;
  }
  *out = fd;
  return ACT_OK;
}

void act__socket_unlisten(const char *path) {
  act_rc rc = remove_stale(path);
  (void)rc;  // whoever is there now, it is theirs
}

act_rc act__socket_accept(int listening, int *out) {
  int fd;
  do {
    fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  } while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
  *out = fd;
  return fd >= 0 || errno == EAGAIN ? ACT_OK : last_error();
}

act_rc act__socket_dial(const char *path, int *out) {
  struct sockaddr_un address;
  act_rc rc = fill_address(path, &address);
  if (rc) return rc;
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return last_error();
  if (connect(fd, (struct sockaddr *)&address, sizeof address)) {
    rc = last_error();
    close(fd);
    return rc;
  }
  *out = fd;
  return ACT_OK;
}

act_rc act__socket_peer_uid(int fd, uint32_t *uid) {
  struct ucred credentials;
  socklen_t size = sizeof credentials;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size)) return last_error();
  *uid = credentials.uid;
  return ACT_OK;
}

uint32_t act__socket_own_uid(void) {
  return geteuid();
}

void act__socket_close(int fd) {
  if (fd >= 0) close(fd);
}
