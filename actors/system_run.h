// SPDX-License-Identifier: Apache-2.0
//
// Running a system from its first child to its last: shared by nodes, simulations and own processes.
#ifndef TROUPE_ACTORS_SYSTEM_RUN_H
#define TROUPE_ACTORS_SYSTEM_RUN_H

#include "actors/cell.h"

// Creates the root supervisor and waits (or, on one thread, steps) until it is up. On failure the
// root has exited; returns why.
ACT_MUST act_rc act__system_up(struct act__system *system, act_cx *outside, const act_sup *root);

// Stops the root and waits until it has exited, every cell is free (so its jobs have come back), at
// most until deadline_ns. True: nothing is left.
bool act__system_down(struct act__system *system, int64_t deadline_ns);

// Waits until pred(arg), looked at under root_lock whenever root_changed is signalled, or until
// deadline_ns. On one thread it steps the executor instead. False: the deadline passed, or (in a
// simulation) nothing will ever happen again.
bool act__system_wait(struct act__system *system, bool (*pred)(struct act__system *),
                      int64_t deadline_ns);

// Makes waiters look again. Any thread.
void act__system_changed(struct act__system *system);

// No workers: one step of the executor by this thread, which may sleep in it; false: there was none.
// The caller holds system->runner.
bool act__system_step(struct act__system *system);

#endif
