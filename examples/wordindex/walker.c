// SPDX-License-Identifier: Apache-2.0
#include "examples/wordindex/walker.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// Every level costs at least two bytes of path ("a/"), so the path's bound is the depth's bound.
#define LEVELS_MAX (WI_PATH_MAX / 2 + 1)

struct level {
  DIR *folder;        // NULL: closed for now
  size_t path_end;    // of the folder's own path
  unsigned long taken;  // entries read so far, to find the place again
};

struct wi_walker {
  const char *const *roots;
  unsigned nroots, next_root;
  unsigned depth, levels_capacity;
  struct level *levels;  // [0, depth), the innermost last
  int is_cancelled;  // any thread, through the __atomic builtins
  size_t path_end;
  char path[WI_PATH_MAX + 1 + 256];
};

struct wi_walker *wi_walker_create(const char *const *roots, unsigned nroots) {
  struct wi_walker *walker = calloc(1, sizeof *walker);
  if (!walker) return NULL;
  walker->roots = roots;
  walker->nroots = nroots;
  return walker;
}

void wi_walker_destroy(struct wi_walker *walker) {
  if (!walker) return;
  for (unsigned i = 0; i < walker->depth; i++) {
    if (walker->levels[i].folder) closedir(walker->levels[i].folder);
  }
  free(walker->levels);
  free(walker);
}

static bool found_it(struct wi_walker *walker, enum wi_skip skip, struct wi_found *found) {
  *found = (struct wi_found){.skip = skip, .path = walker->path, .length = walker->path_end};
  return true;
}

static enum wi_skip folder_error(int error) {
  switch (error) {
  case EACCES:
  case EPERM: return WI_SKIP_FOLDER_UNREADABLE;
  case ENOENT:
  case ENOTDIR:
  case ELOOP: return WI_SKIP_FOLDER_GONE;
  case ENAMETOOLONG: return WI_SKIP_PATH_TOO_LONG;
  default: return WI_SKIP_FOLDER_ERROR;
  }
}

static DIR *open_folder(const char *path) {
  // NOFOLLOW refuses a root that is a link, unless a slash behind it asks to follow.
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return NULL;
  DIR *folder = fdopendir(fd);
  if (!folder) {
    int error = errno;
    close(fd);
    errno = error;
  }
  return folder;
}

static bool is_dot(const char *name) {
  return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

static struct level *push_level(struct wi_walker *walker) {
  if (walker->depth == walker->levels_capacity) {
    unsigned capacity = walker->levels_capacity ? walker->levels_capacity * 2 : 16;
    struct level *levels = realloc(walker->levels, capacity * sizeof levels[0]);
    if (!levels) return NULL;
    walker->levels = levels;
    walker->levels_capacity = capacity;
  }
  return &walker->levels[walker->depth++];
}

// Goes into the folder at the current path. WI_SKIP_NONE, or why not.
static enum wi_skip enter(struct wi_walker *walker) {
  DIR *folder = open_folder(walker->path);
  if (!folder) return folder_error(errno);
  struct level *level = walker->depth < LEVELS_MAX ? push_level(walker) : NULL;
  if (!level) {
    closedir(folder);
    return WI_SKIP_FOLDER_ERROR;
  }
  *level = (struct level){.folder = folder, .path_end = walker->path_end};
  if (walker->depth > WI_FOLDERS_OPEN) {
    struct level *outermost = &walker->levels[walker->depth - 1 - WI_FOLDERS_OPEN];
    closedir(outermost->folder);
    outermost->folder = NULL;
  }
  return WI_SKIP_NONE;
}

// Opens a folder again that was closed while the walk was deeper, at the place where it was.
static enum wi_skip reenter(struct wi_walker *walker, struct level *level) {
  level->folder = open_folder(walker->path);
  if (!level->folder) return folder_error(errno);
  for (unsigned long i = 0; i < level->taken; i++) {
    if (!readdir(level->folder)) break;
  }
  return WI_SKIP_NONE;
}

static enum wi_skip link_kind(const char *path) {
  struct stat target;
  if (stat(path, &target) == 0) return WI_SKIP_LINK;
  if (errno == ELOOP) return WI_SKIP_LINK_LOOP;
  if (errno == ENOENT || errno == ENOTDIR) return WI_SKIP_LINK_DANGLING;
  return WI_SKIP_LINK;
}

static enum wi_skip classify(mode_t mode, const char *path, bool *is_folder) {
  *is_folder = false;
  switch (mode & S_IFMT) {
  case S_IFREG: return WI_SKIP_NONE;
  case S_IFDIR: *is_folder = true; return WI_SKIP_NONE;
  case S_IFLNK: return link_kind(path);
  case S_IFIFO: return WI_SKIP_FIFO;
  case S_IFSOCK: return WI_SKIP_SOCKET;
  default: return WI_SKIP_DEVICE;
  }
}

// Looks at the entry at the current path. True: it is to be given to the caller.
static bool visit(struct wi_walker *walker, unsigned char d_type, struct wi_found *found) {
  if (walker->path_end > WI_PATH_MAX) return found_it(walker, WI_SKIP_PATH_TOO_LONG, found);
  mode_t mode = DTTOIF(d_type);
  struct stat stat;
  if (d_type == DT_UNKNOWN) {
    if (lstat(walker->path, &stat) != 0) return found_it(walker, WI_SKIP_GONE, found);
    mode = stat.st_mode;
  }
  bool is_folder;
  enum wi_skip skip = classify(mode, walker->path, &is_folder);
  if (!is_folder) return found_it(walker, skip, found);
  skip = enter(walker);
  return skip == WI_SKIP_NONE ? false : found_it(walker, skip, found);
}

static void set_path(struct wi_walker *walker, size_t folder_end, const char *name) {
  size_t length = strlen(name);  // at most NAME_MAX, 255: the path has room for one past its bound
  size_t end = folder_end;
  if (end && walker->path[end - 1] != '/') walker->path[end++] = '/';
  memcpy(walker->path + end, name, length + 1);
  walker->path_end = end + length;
}

static bool next_root(struct wi_walker *walker, struct wi_found *found) {
  const char *root = walker->roots[walker->next_root++];
  size_t length = strlen(root);
  if (length > WI_PATH_MAX) {
    *found = (struct wi_found){.skip = WI_SKIP_PATH_TOO_LONG, .path = root, .length = length};
    return true;
  }
  memcpy(walker->path, root, length + 1);
  walker->path_end = length;
  return visit(walker, DT_UNKNOWN, found);
}

// One entry of the innermost folder, or its end. True: there is something to give.
static bool next_entry(struct wi_walker *walker, struct wi_found *found) {
  struct level *level = &walker->levels[walker->depth - 1];
  walker->path_end = level->path_end;
  walker->path[level->path_end] = '\0';
  enum wi_skip skip = WI_SKIP_NONE;
  if (!level->folder) skip = reenter(walker, level);
  errno = 0;
  struct dirent *entry = skip == WI_SKIP_NONE ? readdir(level->folder) : NULL;
  if (entry) {
    level->taken++;
    if (is_dot(entry->d_name)) return false;
    set_path(walker, level->path_end, entry->d_name);
    return visit(walker, entry->d_type, found);
  }
  if (skip == WI_SKIP_NONE && errno) skip = folder_error(errno);
  if (level->folder) closedir(level->folder);
  walker->depth--;
  return skip == WI_SKIP_NONE ? false : found_it(walker, skip, found);
}

bool wi_walker_next(struct wi_walker *walker, struct wi_found *found) {
  // relaxed: a flag that stands for nothing else.
  while (!__atomic_load_n(&walker->is_cancelled, __ATOMIC_RELAXED)) {
    if (walker->depth) {
      if (next_entry(walker, found)) return true;
    } else if (walker->next_root < walker->nroots) {
      if (next_root(walker, found)) return true;
    } else {
      return false;
    }
  }
  return false;
}

void wi_walker_cancel(struct wi_walker *walker) {
  __atomic_store_n(&walker->is_cancelled, 1, __ATOMIC_RELAXED);
}
