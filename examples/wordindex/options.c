// SPDX-License-Identifier: Apache-2.0
#include "examples/wordindex/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char wi_usage[] =
    "usage: demo [--workers N] [--kill K] [--dump FILE] [--seed S] [FOLDER...]\n"
    "Counts the C identifiers in all regular files under the folders (default /usr/include).\n"
    "  --workers N   worker processes, 1 to 64 (3)\n"
    "  --kill K      send SIGKILL to K workers, each while it holds an unfinished file (2)\n"
    "  --dump FILE   write lines of count, tab, identifier, sorted by identifier\n"
    "  --seed S      seed of the choice of victims (random)\n"
    "  --deadly NAME a worker that is handed a file of this name aborts, to see what happens\n";

static bool parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *out) {
  char *end;
  if (*text < '0' || *text > '9') return false;
  errno = 0;
  unsigned long long value = strtoull(text, &end, 0);
  if (errno || *end || value < min || value > max) return false;
  *out = value;
  return true;
}

// Does argv[*i] give this option, as "--name value" or "--name=value"? Then its value, else NULL.
static const char *value_of(const char *name, int argc, char **argv, int *i) {
  const char *text = argv[*i];
  size_t length = strlen(name);
  if (strncmp(text, name, length) != 0) return NULL;
  if (text[length] == '=') return text + length + 1;
  if (text[length] != '\0') return NULL;
  return *i + 1 < argc ? argv[++*i] : "";
}

static bool take_option(int argc, char **argv, int *i, struct wi_options *options, char *error,
                        size_t size) {
  const char *given = argv[*i];
  const char *value;
  uint64_t number;
  bool ok = true;
  if ((value = value_of("--workers", argc, argv, i))) {
    if ((ok = parse_number(value, 1, WI_WORKERS_MAX, &number))) options->workers = (unsigned)number;
  } else if ((value = value_of("--kill", argc, argv, i))) {
    if ((ok = parse_number(value, 0, WI_KILLS_MAX, &number))) options->kills = (unsigned)number;
  } else if ((value = value_of("--seed", argc, argv, i))) {
    ok = options->has_seed = parse_number(value, 0, UINT64_MAX, &options->seed);
  } else if ((value = value_of("--dump", argc, argv, i))) {
    ok = *(options->dump = value) != '\0';
  } else if ((value = value_of("--deadly", argc, argv, i))) {
    ok = *(options->deadly = value) != '\0';
  } else if (strcmp(given, "--help") == 0 || strcmp(given, "-h") == 0) {
    options->wants_help = true;
    return true;
  } else {
    snprintf(error, size, "unknown option %s", given);
    return false;
  }
  if (!ok) snprintf(error, size, "%s: bad or missing value '%s'", given, value);
  return ok;
}

bool wi_options_parse(int argc, char **argv, struct wi_options *options, char *error,
                      size_t size) {
  *options = (struct wi_options){.workers = 3, .kills = 2};
  const char **roots = calloc((size_t)argc + 1, sizeof roots[0]);
  if (!roots) {
    snprintf(error, size, "out of memory");
    return false;
  }
  bool only_folders = false;
  for (int i = 1; i < argc; i++) {
    if (!only_folders && strcmp(argv[i], "--") == 0) {
      only_folders = true;
    } else if (!only_folders && argv[i][0] == '-' && argv[i][1]) {
      if (!take_option(argc, argv, &i, options, error, size)) {
        free(roots);
        return false;
      }
    } else {
      roots[options->nroots++] = argv[i];
    }
  }
  if (options->nroots == 0) roots[options->nroots++] = "/usr/include";
  options->roots = roots;
  return true;
}
