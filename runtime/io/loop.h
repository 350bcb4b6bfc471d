// SPDX-License-Identifier: Apache-2.0
//
// The I/O loop: one libuv loop that is a role, not a thread. Whoever polls it (an idle worker, the
// monitor thread, a test) holds the role for as long as the poll lasts; the executor sees to it that
// nobody else polls meanwhile. All handles are touched by the role holder only, so they need no lock.
//
// There is one door in from other threads: act__loop_post puts an intrusive job into a list and rings
// once (base/wake.h: libuv's own bell can be lost). A job posted by the role holder itself needs no
// bell: it runs at the end of the poll under way.
//
//   who may call what      any thread     role holder        anyone, no poll under way
//   post, wake, now           x               x                    x
//   worker                                    x
//   streams, ticks, ...                       x                    x
//   poll                                                           x (one at a time)
//   destroy                                                        x (the last call)
//
// Creating the first loop of a process sets SIGPIPE to be ignored, unless the program has a handler
// of its own: the death of a peer must not be ours.
#ifndef TROUPE_RUNTIME_IO_LOOP_H
#define TROUPE_RUNTIME_IO_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

struct act__loop;
struct act__poller;
struct act__worker;

// Embedded in its owner's record, which stays where it is until `fn` has been called. Posted again
// at the earliest from within `fn`.
struct act__loop_job {
  struct act__loop_job *next;  // the loop's
  void (*fn)(struct act__loop_job *job);
};

// ACT_ENOMEM, ACT_ELIMIT (fewer than ACT__LOOP_DESCRIPTORS descriptors left: libuv would abort
// later), ACT_ESYS.
#define ACT__LOOP_DESCRIPTORS 12
ACT_MUST act_rc act__loop_create(struct act__loop **out);

// Closes every handle that is still open (their owners hear of it as of any other close), runs the
// jobs that are left, and frees the loop. No thread posts, wakes or polls any more. NULL: nothing.
void act__loop_destroy(struct act__loop *loop);

// What the executor polls. Lent until destroy.
struct act__poller *act__loop_poller(struct act__loop *loop);

// Runs job->fn once in the role holder, after all jobs that this thread posted before. Any thread;
// cannot fail and does not block.
void act__loop_post(struct act__loop *loop, struct act__loop_job *job);

// The worker inside poll now; NULL when the monitor thread (or a test) polls. Role holder only.
struct act__worker *act__loop_worker(struct act__loop *loop);

// Whether the calling thread is inside poll of this loop.
bool act__loop_is_mine(const struct act__loop *loop);

// Monotonic time for everything that I/O measures. Any thread.
int64_t act__loop_now_ns(struct act__loop *loop);

#endif
