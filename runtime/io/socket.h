// SPDX-License-Identifier: Apache-2.0
//
// Unix sockets and socket pairs: plain descriptors, close-on-exec and non-blocking from birth. Nothing
// here needs the loop; any thread, and no call waits for another process.
#ifndef TROUPE_RUNTIME_IO_SOCKET_H
#define TROUPE_RUNTIME_IO_SOCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

// Longest path of a socket file, without the terminating zero (the kernel's own limit).
#define ACT__SOCKET_PATH_MAX 107
#define ACT__SOCKET_BACKLOG 128

// A connected pair; both descriptors are the caller's. ACT_ELIMIT (no descriptors), ACT_ESYS.
ACT_MUST act_rc act__socket_pair(int ends[2]);

// A socket that listens on `path`, made readable and writable for our user only (the folder should be
// 0700 too). A socket file that nobody serves is removed first, a live one and any other kind of file
// never. ACT_EEXIST (served, or not a socket), ACT_EINVAL (path empty or too long), ACT_EACCES,
// ACT_ENOENT (no such folder), ACT_ELIMIT, ACT_ESYS.
ACT_MUST act_rc act__socket_listen(const char *path, int *out);

// Removes the socket file that act__socket_listen made, once its descriptor is closed, unless another
// server has taken the path over.
void act__socket_unlisten(const char *path);

// A socket connected to `path`. ACT_ENOENT (no such file), ACT_ELINK (nobody serves it), ACT_EFULL
// (its backlog is full), ACT_EINVAL, ACT_EACCES, ACT_ELIMIT, ACT_ESYS.
ACT_MUST act_rc act__socket_dial(const char *path, int *out);

// The user at the other end, as the kernel noted it when the two were connected. ACT_ESYS.
ACT_MUST act_rc act__socket_peer_uid(int fd, uint32_t *uid);

// Our own user.
uint32_t act__socket_own_uid(void);

// The next connection that waits on a listening socket; *out is -1 when none does. ACT_ELIMIT: one does,
// but there are no descriptors. ACT_ESYS.
ACT_MUST act_rc act__socket_accept(int listening, int *out);

// Closes a descriptor that nothing else owns; -1: nothing.
void act__socket_close(int fd);

#endif
