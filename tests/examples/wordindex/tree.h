// SPDX-License-Identifier: Apache-2.0
//
// A throw-away folder for tests that walk and read: made under $TEST_TMPDIR, emptied by tree_remove.
#ifndef TROUPE_TESTS_EXAMPLES_WORDINDEX_TREE_H
#define TROUPE_TESTS_EXAMPLES_WORDINDEX_TREE_H

#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char tree_root[256];

static inline void tree_make(void) {
  const char *base = getenv("TEST_TMPDIR");
  snprintf(tree_root, sizeof tree_root, "%s/wordindex-XXXXXX", base ? base : "/tmp");
  if (!mkdtemp(tree_root) || chdir(tree_root) != 0) abort();
}

static inline void tree_remove(void) {
  char *roots[] = {tree_root, NULL};
  FTS *walk = fts_open(roots, FTS_PHYSICAL, NULL);  // by chdir: paths may be too long
  if (!walk) abort();
  FTSENT *entry;
  while ((entry = fts_read(walk))) {
    if (entry->fts_info == FTS_D) chmod(entry->fts_accpath, 0700);
    if (entry->fts_info != FTS_D) remove(entry->fts_accpath);
  }
  fts_close(walk);
}

static inline void tree_write(const char *path, const char *bytes, size_t size) {
  FILE *file = fopen(path, "we");
  if (!file || fwrite(bytes, 1, size, file) != size || fclose(file) != 0) abort();
}

static inline void tree_put(const char *path, const char *text) {
  tree_write(path, text, strlen(text));
}

#endif
