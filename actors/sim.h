// SPDX-License-Identifier: Apache-2.0
//
// Simulation: the same actors on one thread, under virtual time, in an order chosen by a seed.
//
// Nothing here waits for real time. One seed is one run: the same seed gives the same trace hash. An
// outside context of a simulated runtime works as everywhere, and its calls step the simulation.
#ifndef TROUPE_ACTORS_SIM_H
#define TROUPE_ACTORS_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/node.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct act_sim act_sim;

// Starts a simulated runtime with this tree (NULL: an empty one) and steps until it is up. `node` may
// be NULL. Gives a simulation to close with act_sim_close. Errors as act_start.
ACT_MUST act_rc act_sim_open(uint64_t seed, const act_node *node, const act_sup *root,
                             act_sim **out);

// Stops the tree in order (in virtual time) and frees everything; returns what act_stop would.
int act_sim_close(act_sim *sim);

act_runtime *act_sim_runtime(act_sim *sim);

// The simulation's outside context, for typed sends and calls from the test.
act_cx *act_sim_cx(act_sim *sim);

// Starts one actor under the root, as act_spawn does, and steps until it is up or has failed: then
// the reason's code is returned.
ACT_MUST act_rc act_sim_spawn(act_sim *sim, const act_child *child, act_pid *out);

// One step: the turn of one runnable actor, or the clock's move to the next timer. False: nothing
// will ever happen again unless the test does something.
bool act_sim_step(act_sim *sim);

// Runs all that is runnable now, without moving the clock to any later timer.
void act_sim_settle(act_sim *sim);

// Moves virtual time on by `ms`, running everything that is due on the way.
void act_sim_advance(act_sim *sim, uint32_t ms);

int64_t act_sim_now(act_sim *sim);

// Is this actor alive?
bool act_sim_is_alive(act_sim *sim, act_pid pid);

// Hash of everything chosen and done so far.
uint64_t act_sim_trace(act_sim *sim);

// Folds an observation of the test into the trace.
void act_sim_note(act_sim *sim, uint64_t observation);

#ifdef __cplusplus
}
#endif
#endif
