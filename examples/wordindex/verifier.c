// SPDX-License-Identifier: Apache-2.0
#include "examples/wordindex/verifier.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 64 * 1024, LONGEST = 255, FIRST_BUCKETS = 1024 };

// A word's count and what the file being read has added to it, which becomes part of the count only
// when the file turns out to be the one that the worker saw.
struct word {
  struct word *next;          // in its bucket
  struct word *next_touched;  // in this file
  uint64_t count, pending;
  uint64_t hash;
  uint8_t length;
  char text[];
};

struct wi_verifier {
  struct word **buckets;
  size_t nbuckets, nwords;
  struct word *touched;
  struct wi_plain_totals totals;
  bool out_of_memory;
  int is_cancelled;  // any thread, through the __atomic builtins
  char block[BLOCK];
};

struct wi_verifier *wi_verifier_create(void) {
  struct wi_verifier *verifier = calloc(1, sizeof *verifier);
  if (!verifier) return NULL;
  verifier->nbuckets = FIRST_BUCKETS;
  verifier->buckets = calloc(verifier->nbuckets, sizeof verifier->buckets[0]);
  if (!verifier->buckets) {
    free(verifier);
    return NULL;
  }
  return verifier;
}

void wi_verifier_destroy(struct wi_verifier *verifier) {
  if (!verifier) return;
  for (size_t i = 0; i < verifier->nbuckets; i++) {
    struct word *word = verifier->buckets[i];
    while (word) {
      struct word *next = word->next;
      free(word);
      word = next;
    }
  }
  free(verifier->buckets);
  free(verifier);
}

void wi_verifier_cancel(struct wi_verifier *verifier) {
  // relaxed: a flag that stands for nothing else.
  __atomic_store_n(&verifier->is_cancelled, 1, __ATOMIC_RELAXED);
}

static bool is_cancelled(struct wi_verifier *verifier) {
  return __atomic_load_n(&verifier->is_cancelled, __ATOMIC_RELAXED) != 0;
}

// --- words -------------------------------------------------------------------------------------

static uint64_t hash_of(const char *text, size_t length) {
  uint64_t hash = WI_SUM_START;
  for (size_t i = 0; i < length; i++) hash = (hash ^ (unsigned char)text[i]) * WI_SUM_PRIME;
  return hash ^ hash >> 32;
}

static struct word *find(const struct wi_verifier *verifier, uint64_t hash, const char *text,
                         size_t length) {
  struct word *word = verifier->buckets[hash & (verifier->nbuckets - 1)];
  while (word && !(word->hash == hash && word->length == length &&
                   memcmp(word->text, text, length) == 0)) {
    word = word->next;
  }
  return word;
}

static void grow(struct wi_verifier *verifier) {
  size_t nbuckets = verifier->nbuckets * 2;
  struct word **buckets = calloc(nbuckets, sizeof buckets[0]);
  if (!buckets) return;  // slower, still right
  for (size_t i = 0; i < verifier->nbuckets; i++) {
    struct word *word = verifier->buckets[i];
    while (word) {
      struct word *next = word->next;
      word->next = buckets[word->hash & (nbuckets - 1)];
      buckets[word->hash & (nbuckets - 1)] = word;
      word = next;
    }
  }
  free(verifier->buckets);
  verifier->buckets = buckets;
  verifier->nbuckets = nbuckets;
}

static struct word *insert(struct wi_verifier *verifier, uint64_t hash, const char *text,
                           size_t length) {
  struct word *word = malloc(sizeof *word + length);
  if (!word) return NULL;
  memset(word, 0, sizeof *word);
  word->hash = hash;
  word->length = (uint8_t)length;
  memcpy(word->text, text, length);
  if (++verifier->nwords > verifier->nbuckets) grow(verifier);
  struct word **bucket = &verifier->buckets[hash & (verifier->nbuckets - 1)];
  word->next = *bucket;
  *bucket = word;
  return word;
}

static void note(struct wi_verifier *verifier, const char *text, size_t length) {
  uint64_t hash = hash_of(text, length);
  struct word *word = find(verifier, hash, text, length);
  if (!word) word = insert(verifier, hash, text, length);
  if (!word) {
    verifier->out_of_memory = true;
    return;
  }
  if (word->pending++ == 0) {
    word->next_touched = verifier->touched;
    verifier->touched = word;
  }
}

// Ends the file being read: what it added counts, or never was.
static void settle(struct wi_verifier *verifier, bool counts) {
  while (verifier->touched) {
    struct word *word = verifier->touched;
    verifier->touched = word->next_touched;
#ifdef ACT_MUTANT_WORDINDEX_KEEPS_CHANGED
    counts = true;
#endif
    if (counts) {
      if (word->count == 0) verifier->totals.distinct++;
      word->count += word->pending;
      verifier->totals.identifiers += word->pending;
    }
    word->pending = 0;
  }
}

// --- one file ----------------------------------------------------------------------------------

// Where the scan of a file is: the word being collected, byte by byte.
struct scan {
  size_t length;  // of the word so far, also beyond what `text` holds
  uint64_t identifiers, too_long, bytes, sum;
  char text[LONGEST];
};

static void end_word(struct wi_verifier *verifier, struct scan *scan) {
  if (scan->length > LONGEST) {
    scan->too_long++;
  } else if (scan->length > 0) {
    scan->identifiers++;
    note(verifier, scan->text, scan->length);
  }
  scan->length = 0;
}

static void scan_byte(struct wi_verifier *verifier, struct scan *scan, unsigned char byte) {
  bool letter = (byte | 32) >= 'a' && (byte | 32) <= 'z';
  bool digit = byte >= '0' && byte <= '9';
  if (letter || byte == '_' || (digit && scan->length > 0)) {
    if (scan->length < LONGEST) scan->text[scan->length] = (char)byte;
    scan->length++;
  } else if (scan->length > 0) {
    end_word(verifier, scan);
  }
}

static enum wi_skip scan_file(struct wi_verifier *verifier, int fd, struct scan *scan) {
  for (;;) {
    if (is_cancelled(verifier)) return WI_SKIP_READ_ERROR;
    ssize_t got = read(fd, verifier->block, sizeof verifier->block);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return WI_SKIP_READ_ERROR;
    if (got == 0) break;
    scan->bytes += (uint64_t)got;
    for (ssize_t i = 0; i < got; i++) {
      unsigned char byte = (unsigned char)verifier->block[i];
      scan->sum = (scan->sum ^ byte) * WI_SUM_PRIME;
      scan_byte(verifier, scan, byte);
    }
  }
  end_word(verifier, scan);
  return verifier->out_of_memory ? WI_SKIP_READ_ERROR : WI_SKIP_NONE;
}

static int64_t in_ns(const struct timespec *time) {
  return time->tv_sec * INT64_C(1000000000) + time->tv_nsec;
}

static bool matches(const struct stat *stat, const struct wi_stamp *stamp) {
  return stat->st_dev == stamp->device && stat->st_ino == stamp->inode &&
         (uint64_t)stat->st_size == stamp->size && in_ns(&stat->st_mtim) == stamp->modified_ns &&
         in_ns(&stat->st_ctim) == stamp->changed_ns;
}

static enum wi_skip count_open(struct wi_verifier *verifier, int fd, const struct wi_stamp *stamp,
                               struct scan *scan) {
  struct stat stat;
  if (fstat(fd, &stat) != 0 || !matches(&stat, stamp)) return WI_SKIP_CHANGED;
  enum wi_skip skip = scan_file(verifier, fd, scan);
  if (skip != WI_SKIP_NONE) return skip;
  if (fstat(fd, &stat) != 0 || !matches(&stat, stamp)) return WI_SKIP_CHANGED;
  bool same_bytes = scan->bytes == stamp->size && scan->sum == stamp->sum;
  return same_bytes ? WI_SKIP_NONE : WI_SKIP_CHANGED;
}

enum wi_skip wi_verifier_count(struct wi_verifier *verifier, const char *path,
                               const struct wi_stamp *stamp, uint64_t *identifiers,
                               uint64_t *too_long) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return errno == ENOENT || errno == ENOTDIR ? WI_SKIP_GONE : WI_SKIP_CHANGED;
  struct scan scan = {.sum = WI_SUM_START};
  verifier->out_of_memory = false;
  enum wi_skip skip = count_open(verifier, fd, stamp, &scan);
  close(fd);
  settle(verifier, skip == WI_SKIP_NONE);
  if (skip == WI_SKIP_NONE) {
    verifier->totals.files++;
    verifier->totals.bytes += scan.bytes;
    verifier->totals.too_long += scan.too_long;
    *identifiers = scan.identifiers;
    *too_long = scan.too_long;
  }
  return skip;
}

void wi_verifier_totals(const struct wi_verifier *verifier, struct wi_plain_totals *totals) {
  *totals = verifier->totals;
}

uint64_t wi_verifier_get(const struct wi_verifier *verifier, const char *text, size_t length) {
  const struct word *word = find(verifier, hash_of(text, length), text, length);
  return word ? word->count : 0;
}

// --- the walk ----------------------------------------------------------------------------------

void wi_path_sum_add(struct wi_path_sum *sum, const char *path, size_t length) {
  uint64_t hash = hash_of(path, length);
  // Spread before adding (the finaliser of splitmix64), or a sum of sums of bytes would cancel out.
  hash = (hash ^ hash >> 30) * 0xbf58476d1ce4e5b9u;
  hash = (hash ^ hash >> 27) * 0x94d049bb133111ebu;
  sum->files++;
  sum->sum += hash ^ hash >> 31;
}

enum wi_walk_verdict wi_verifier_walk(struct wi_verifier *verifier, const char *const *roots,
                                      unsigned nroots, const struct wi_path_sum *seen,
                                      int64_t since_ns) {
  struct wi_path_sum own = {0};
  bool changed = false;
  for (unsigned i = 0; i < nroots; i++) {
    char *one[2] = {(char *)roots[i], NULL};
    FTS *tree = fts_open(one, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (!tree) return WI_WALK_DIFFERS;
    FTSENT *entry;
    while ((entry = fts_read(tree)) && !is_cancelled(verifier)) {
      if (entry->fts_info == FTS_NS || entry->fts_info == FTS_ERR) {
        changed = changed || entry->fts_errno == ENOENT;
      } else if (entry->fts_info == FTS_D || entry->fts_info == FTS_DNR) {
        changed = changed || in_ns(&entry->fts_statp->st_ctim) >= since_ns;
      } else if (S_ISREG(entry->fts_statp->st_mode)) {
        if (strlen(entry->fts_path) <= WI_PATH_MAX) {
          wi_path_sum_add(&own, entry->fts_path, strlen(entry->fts_path));
        }
      }
    }
    fts_close(tree);
  }
  if (own.files == seen->files && own.sum == seen->sum) return WI_WALK_SAME;
  return changed ? WI_WALK_CHANGED : WI_WALK_DIFFERS;
}
