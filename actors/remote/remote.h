// SPDX-License-Identifier: Apache-2.0
//
// A system's links to other nodes and own processes, and its event loop: made, started and stopped
// with the system. The other side of actors/remote/proxy.h.
#ifndef TROUPE_ACTORS_REMOTE_REMOTE_H
#define TROUPE_ACTORS_REMOTE_REMOTE_H

#include "actors/cell.h"
#include "runtime/net/net.h"

#define ACT__PROXIES_MAX 65536u  // proxies towards one peer; past it: no route
#define ACT__REMOTE_SLOTS_MAX (ACT__PEERS_MAX * ACT__PROXIES_MAX)

// Makes the event loop and the net and attaches them to the executor; before act__exec_start.
ACT_MUST act_rc act__remote_create(struct act__system *system);

// After act__exec_start: takes the address, if the node says so; who connects waits until
// act__remote_accept, which comes when the tree is up. ACT_ENOTSUP, ACT_EINVAL, ACT_EEXIST, ACT_ESYS.
ACT_MUST act_rc act__remote_listen(struct act__system *system);
void act__remote_accept(struct act__system *system);

// SIGTERM and SIGINT request a stop from here on; a second one ends the process at once.
ACT_MUST act_rc act__remote_watch_signals(struct act__system *system);

// After the tree has stopped, before act__exec_finish: says goodbye on every link, closes everything.
// Blocks until that is done, at most until deadline_ns (true: all closed). In the current-thread
// flavour the caller's thread does the work.
bool act__remote_stop(struct act__system *system, int64_t deadline_ns);

// After act__exec_destroy.
void act__remote_destroy(struct act__system *system);

// Runs this process as an own-process child (TROUPE_LINK_FD is set): behaviours are looked up by
// name in the tree and in node->behaviors. Returns the exit code. Blocks.
int act__child_process_main(const act_node *node, const act_sup *root);

#endif
