// SPDX-License-Identifier: Apache-2.0
#include "examples/wordindex/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void wi_reader_init(struct wi_reader *reader) {
  memset(reader, 0, sizeof *reader);
  reader->fd = -1;
}

static int64_t nanoseconds(struct timespec time) {
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static struct wi_stamp stamp_of(const struct stat *stat) {
  return (struct wi_stamp){
      .device = stat->st_dev,
      .inode = stat->st_ino,
      .size = (uint64_t)stat->st_size,
      .modified_ns = nanoseconds(stat->st_mtim),
      .changed_ns = nanoseconds(stat->st_ctim),
  };
}

static enum wi_skip open_error(int error) {
  switch (error) {
  case EACCES:
  case EPERM: return WI_SKIP_UNREADABLE;
  case ENOENT:
  case ENOTDIR: return WI_SKIP_GONE;
  case ELOOP:    // a link took its place
  case ENXIO:    // a socket did
    return WI_SKIP_NOT_REGULAR;
  case ENAMETOOLONG: return WI_SKIP_PATH_TOO_LONG;
  default: return WI_SKIP_READ_ERROR;
  }
}

enum wi_skip wi_reader_open(struct wi_reader *reader, const char *path) {
  wi_reader_init(reader);
  int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (fd < 0) return open_error(errno);
  struct stat stat;
  if (fstat(fd, &stat) != 0 || !S_ISREG(stat.st_mode)) {
    close(fd);
    return WI_SKIP_NOT_REGULAR;
  }
  reader->fd = fd;
  reader->stamp = stamp_of(&stat);
  reader->stamp.sum = WI_SUM_START;
  return WI_SKIP_NONE;
}

enum wi_skip wi_reader_read(struct wi_reader *reader, uint8_t *bytes, size_t size, size_t *got) {
  ssize_t n;
  do {
    n = read(reader->fd, bytes, size);
  } while (n < 0 && errno == EINTR);
  *got = n > 0 ? (size_t)n : 0;
  if (n < 0) return WI_SKIP_READ_ERROR;
  reader->taken += *got;
  uint64_t sum = reader->stamp.sum;
  for (size_t i = 0; i < *got; i++) sum = (sum ^ bytes[i]) * WI_SUM_PRIME;
  reader->stamp.sum = sum;
  return WI_SKIP_NONE;
}

enum wi_skip wi_reader_check(struct wi_reader *reader) {
  struct stat stat;
  if (fstat(reader->fd, &stat) != 0) return WI_SKIP_READ_ERROR;
  struct wi_stamp now = stamp_of(&stat);
  const struct wi_stamp *then = &reader->stamp;
  bool same = now.size == then->size && now.modified_ns == then->modified_ns &&
              now.changed_ns == then->changed_ns && reader->taken == then->size;
  return same ? WI_SKIP_NONE : WI_SKIP_CHANGED;
}

void wi_reader_close(struct wi_reader *reader) {
  if (reader->fd >= 0) close(reader->fd);
  reader->fd = -1;
}
