// SPDX-License-Identifier: Apache-2.0
//
// A worker's hand on one file: opened so that nothing can hang or surprise, read in slices, and
// stamped, so that it can be told whether two readings saw the same file.
//
// A stamp is what fstat says before and after (which must agree, and agree with the number of bytes
// read) and a sum over the bytes, as times alone are too coarse for a file that is rewritten in place.
#ifndef TROUPE_EXAMPLES_WORDINDEX_READER_H
#define TROUPE_EXAMPLES_WORDINDEX_READER_H

#include <stddef.h>
#include <stdint.h>

#include "examples/wordindex/skips.h"

struct wi_stamp {
  uint64_t device, inode, size;
  int64_t modified_ns, changed_ns;
  uint64_t sum;  // FNV-1a, 64 bit, over the bytes (Fowler, Noll, Vo)
};

#define WI_SUM_START 0xcbf29ce484222325u
#define WI_SUM_PRIME 0x100000001b3u

struct wi_reader {
  int fd;  // -1: none open
  uint64_t taken;
  struct wi_stamp stamp;
};

void wi_reader_init(struct wi_reader *reader);

// Opens a regular file for reading; never follows a link in the last place, never waits for the
// other end of a FIFO. WI_SKIP_NONE, or why it is skipped; then nothing is open.
enum wi_skip wi_reader_open(struct wi_reader *reader, const char *path);

// The next bytes; *got is 0 at the end. WI_SKIP_NONE or WI_SKIP_READ_ERROR. Blocks on the disk.
enum wi_skip wi_reader_read(struct wi_reader *reader, uint8_t *bytes, size_t size, size_t *got);

// After the end: WI_SKIP_NONE when the file stayed as it was, and reader->stamp is complete then.
enum wi_skip wi_reader_check(struct wi_reader *reader);

// Harmless when nothing is open.
void wi_reader_close(struct wi_reader *reader);

#endif
