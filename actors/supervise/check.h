// SPDX-License-Identifier: Apache-2.0
//
// Is this tree well formed, and can this version run it? And the deadlines that follow from it.
//
// Checked as a whole before anything of it starts, so a mistake deep in a tree is an error of
// act_start, with a text that says what and where. Pure.
#ifndef TROUPE_ACTORS_SUPERVISE_CHECK_H
#define TROUPE_ACTORS_SUPERVISE_CHECK_H

#include <stddef.h>

#include "actors/supervise.h"
#include "base/status.h"

#define ACT__SUP_DEPTH_MAX 64u     // supervisors inside one another in one static tree
#define ACT__KILL_GRACE_MS 1000u   // from KILL until a child counts as stuck
#define ACT__NEVER_MS 0u           // as a start deadline: none

// What a child is called in logs: its id, else its name, else what it is. Borrowed from the spec.
const char *act__child_id(const act_child *spec);

// ACT_EINVAL: it contradicts itself or passes a bound. ACT_ENOTSUP: an option of a later version.
// ACT_ENOMEM: could not be checked. On error `text` says why, in one sentence.
ACT_MUST act_rc act__child_check(const act_child *spec, char *text, size_t text_size);

// Deadlines with defaults filled in. A supervisor without a start_ms of its own has none: its
// children have theirs, and waiting out their back-off is its work. Without a stop_ms it gets what
// its children may take one after the other, so that it is never cut before they are.
uint32_t act__child_start_ms(const act_child *spec);
uint32_t act__child_stop_ms(const act_child *spec);

// Limits of a supervisor, defaults filled in.
uint32_t act__sup_max_restarts(const act_sup *sup);
uint32_t act__sup_within_ms(const act_sup *sup);

#endif
