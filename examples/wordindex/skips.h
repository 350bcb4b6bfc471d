// SPDX-License-Identifier: Apache-2.0
//
// Why something under the folders was not counted: the list of reasons, and a tally by reason that
// keeps the first few names of each. One list makes the enum and the texts.
//
// Bounded: WI_NAMED_MAX names for each reason, whatever the number of skipped entries.
#ifndef TROUPE_EXAMPLES_WORDINDEX_SKIPS_H
#define TROUPE_EXAMPLES_WORDINDEX_SKIPS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

// X(name, text). Folders, links and special files are found by the walk, the rest on opening.
#define WI_SKIP_LIST(X)                                             \
  X(NONE, "counted")                                                \
  X(LINK, "symbolic link, not followed")                            \
  X(LINK_DANGLING, "symbolic link to nothing")                      \
  X(LINK_LOOP, "symbolic link in a loop")                           \
  X(FIFO, "FIFO, not opened")                                       \
  X(SOCKET, "socket, not opened")                                   \
  X(DEVICE, "device, not opened")                                   \
  X(PATH_TOO_LONG, "path longer than the system takes")             \
  X(FOLDER_UNREADABLE, "folder that we may not read")               \
  X(FOLDER_GONE, "folder that vanished")                            \
  X(FOLDER_ERROR, "folder that could not be read")                  \
  X(UNREADABLE, "file that we may not read")                        \
  X(GONE, "file that vanished")                                     \
  X(NOT_REGULAR, "no regular file any more when opened")            \
  X(CHANGED, "file that changed while being read")                  \
  X(READ_ERROR, "file that could not be read")                      \
  X(DEADLY, "file that took three workers down")

enum wi_skip {
#define WI_SKIP_ENUM(name, text) WI_SKIP_##name,
  WI_SKIP_LIST(WI_SKIP_ENUM)
#undef WI_SKIP_ENUM
  WI_SKIP_COUNT
};

// Static storage; never NULL, also for numbers that are no reason.
const char *wi_skip_text(unsigned skip);

#define WI_NAMED_MAX 5u    // names kept for each reason
#define WI_PATH_MAX 4095u  // bytes of a path: what open(2) takes, without the terminator

struct wi_skips {
  uint64_t total;
  uint64_t counts[WI_SKIP_COUNT];
  char *named[WI_SKIP_COUNT][WI_NAMED_MAX];  // escaped
};

void wi_skips_init(struct wi_skips *skips);
void wi_skips_fini(struct wi_skips *skips);

// Counts one entry; its name is copied while there is room. Borrows `path`.
void wi_skips_add(struct wi_skips *skips, enum wi_skip why, const char *path, size_t length);

// A paragraph: one line for each reason met, its count, the names under it.
void wi_skips_print(const struct wi_skips *skips, FILE *out);

// Writes `path` so that it cannot disturb a terminal or a line: everything but printable ASCII as
// \n, \t, \\ or \xHH. Gives `out`, always terminated; cut with "..." when `size` (>= 8) is small.
char *wi_escape(const char *path, size_t length, char *out, size_t size);

#endif
