// SPDX-License-Identifier: Apache-2.0
//
// Thefts of what has not begun (find.c): when there is one, and how long a thief lets its victims be after
// one that brought little.
//
// One that kept the thief long enough was fruitful. Mostly: what was taken may have drawn after it
// the one actor to which all others talk, and then the thief has much to do and nobody is helped. So
// a fruitful theft takes back one that was not, and no more. Where all are fruitful none is ever put
// off, and where half are they become rare.
#ifndef TROUPE_RUNTIME_SCHED_PATIENCE_H
#define TROUPE_RUNTIME_SCHED_PATIENCE_H

#include <stdint.h>

#define ACT__UNBEGUN_NS (50 * 1000)  // a task that has not begun for so long is worth a theft by itself,
                                     // if what came of the last such theft kept the thief as long;
#define ACT__BARREN_NS (100 * 1000)  // if not, the next one waits so long, and twice as long for each
#define ACT__BARREN_MAX 5u           // that was not, so often

// Of a thief.
struct act__patience {
  unsigned barren;  // thefts that brought little, less those that brought much; 0 .. ACT__BARREN_MAX
};

// What was stolen has kept the thief so long. Returns how long it lets its victim be.
static inline int64_t act__patience_rest_ns(struct act__patience *patience, int64_t kept_ns) {
  if (kept_ns >= ACT__UNBEGUN_NS) {
#ifdef ACT_MUTANT_FRUITFUL_FORGETS_ALL
    patience->barren = 0;
#else
    if (patience->barren > 0) patience->barren--;
#endif
    return 0;
  }
  int64_t rest_ns = (int64_t)ACT__BARREN_NS << patience->barren;
  if (patience->barren < ACT__BARREN_MAX) patience->barren++;
  return rest_ns;
}

#endif
