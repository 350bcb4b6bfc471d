// SPDX-License-Identifier: Apache-2.0
//
// Runs a fuzz target over files and folders, and over every prefix and some damage of each: the
// corpus as a test that needs no fuzzer.
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned files, runs;

// In memory of exactly its size, so that a sanitizer sees any read past the end.
static void run(const uint8_t *data, size_t size) {
  uint8_t *exact = malloc(size ? size : 1);

  if (!exact) abort();
  if (size) memcpy(exact, data, size);
  LLVMFuzzerTestOneInput(exact, size);
  free(exact);
  runs++;
}

static void run_file(const char *path) {
  static uint8_t data[1 << 16];
  FILE *file = fopen(path, "rb");
  if (!file) {
    perror(path);
    exit(1);
  }
  size_t size = fread(data, 1, sizeof data, file);
  fclose(file);
  files++;

  run(data, size);
  for (size_t prefix = 0; prefix < size; prefix++) run(data, prefix);
  for (size_t i = 0; i < size; i++) {
    static const uint8_t damage[] = {0x00, 0x80, 0x90, 0xc0, 0xc1, 0xdb, 0xdf, 0xff};
    uint8_t old = data[i];
    data[i] = damage[i % sizeof damage];
    run(data, size);
    data[i] = old;
  }
}

static void run_path(const char *path) {
  struct stat status;
  if (stat(path, &status) != 0) {
    perror(path);
    exit(1);
  }
  if (!S_ISDIR(status.st_mode)) {
    run_file(path);
    return;
  }

  DIR *folder = opendir(path);
  if (!folder) {
    perror(path);
    exit(1);
  }
  for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
    char inside[4096];
    if (entry->d_name[0] == '.') continue;
    snprintf(inside, sizeof inside, "%s/%s", path, entry->d_name);
    run_path(inside);
  }
  closedir(folder);
}

int main(int argc, char **argv) {
  for (int i = 1; i < argc; i++) run_path(argv[i]);
  printf("%u files, %u runs\n", files, runs);
  return files > 0 ? 0 : 1;
}
