// SPDX-License-Identifier: Apache-2.0
//
// Posting: jobs form a chain that posters extend by compare-and-swap and the role holder takes whole,
// so it comes out newest first and is turned round. The wake flag is lowered before the chain is taken
// (base/wake.h says why). A waiting poll is bounded by a libuv timer and ends after one round.
#include "runtime/io/loop.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "base/alloc.h"
#include "base/atomic.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/wake.h"
#include "runtime/exec.h"
#include "runtime/io/inside.h"

struct act__loop {
  struct act__poller poller;  // first: the poller is the loop
  // any thread, atomic
  ACT__ATOMIC(struct act__loop_job *) posted;  // newest first
  struct act__wake wake;
  // role holder only
  struct act__worker *worker;
  struct act__loop_job *own, **own_end;  // posted by the role holder, oldest first
  uv_loop_t uv;
  uv_async_t bell;
  uv_timer_t limit;  // of the poll under way
};

// The loop that this thread is polling. A thread polls one loop at a time.
static _Thread_local struct act__loop *polling;

static void poll_loop(struct act__poller *poller, struct act__worker *me, int64_t timeout_ns);
static void wake_loop(struct act__poller *poller);
static void on_bell(uv_async_t *bell);
static void on_limit(uv_timer_t *limit);
static void run_own(struct act__loop *loop);
static void take_posted(struct act__loop *loop);

static void ignore_sigpipe(void) {
  struct sigaction now;
  if (sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL) signal(SIGPIPE, SIG_IGN);
}

// libuv 1.44 aborts when it runs out of descriptors while it makes a loop, so look first.
static bool enough_descriptors(void) {
  int held[ACT__LOOP_DESCRIPTORS];
  int n = 0;
  while (n < ACT__LOOP_DESCRIPTORS && (held[n] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0) n++;
  for (int i = 0; i < n; i++) close(held[i]);
  return n == ACT__LOOP_DESCRIPTORS;
}

act_rc act__loop_create(struct act__loop **out) {
  ignore_sigpipe();
  if (!enough_descriptors()) return ACT_ELIMIT;
  struct act__loop *loop = act__calloc(1, sizeof *loop);
  if (!loop) return ACT_ENOMEM;
  int code = uv_loop_init(&loop->uv);
  if (code) {
    act__free(loop);
    return act__io_rc(code);
  }
  code = uv_async_init(&loop->uv, &loop->bell, on_bell);
  if (code) {
    ACT_ASSERT(uv_loop_close(&loop->uv) == 0);
    act__free(loop);
    return act__io_rc(code);
  }
  ACT_ASSERT(uv_timer_init(&loop->uv, &loop->limit) == 0);
  loop->bell.data = loop->limit.data = NULL;
  loop->poller = (struct act__poller){.poll = poll_loop, .wake = wake_loop};
  act__atomic_init(&loop->posted, NULL);
  act__wake_init(&loop->wake);
  loop->own_end = &loop->own;
  *out = loop;
  return ACT_OK;
}

static void shut_handle(uv_handle_t *handle, void *unused) {
  (void)unused;
  if (uv_is_closing(handle)) return;
  struct act__io_entry *entry = handle->data;
  if (entry) {
    entry->shut(entry);
  } else {
    uv_close(handle, NULL);
  }
}

static void run_all_jobs(struct act__loop *loop) {
  do {
    take_posted(loop);
    run_own(loop);
    // acquire [loop:posted]: as in take_posted; nobody posts from other threads any more.
  } while (loop->own || act__load_acquire(&loop->posted));
}

void act__loop_destroy(struct act__loop *loop) {
  if (!loop) return;
  ACT_ASSERT(!polling);
  polling = loop;
  run_all_jobs(loop);
  uv_walk(&loop->uv, shut_handle, NULL);
  while (uv_run(&loop->uv, UV_RUN_DEFAULT) != 0) {
  }
  run_all_jobs(loop);
  polling = NULL;
  ACT_ASSERT(uv_loop_close(&loop->uv) == 0);
  act__free(loop);
}

struct act__poller *act__loop_poller(struct act__loop *loop) {
  return &loop->poller;
}

struct act__worker *act__loop_worker(struct act__loop *loop) {
  return loop->worker;
}

bool act__loop_is_mine(const struct act__loop *loop) {
  return polling == loop;
}

int64_t act__loop_now_ns(struct act__loop *loop) {
  (void)loop;
  return act__clock_now(act__clock_system());
}

struct uv_loop_s *act__loop_uv(struct act__loop *loop) {
  return &loop->uv;
}

// --- posting ------------------------------------------------------------------------------------

void act__loop_post(struct act__loop *loop, struct act__loop_job *job) {
  if (polling == loop) {
    job->next = NULL;
    *loop->own_end = job;
    loop->own_end = &job->next;
    return;
  }
  // relaxed: only the compare-and-swap below lets others see the job.
  struct act__loop_job *newest = act__load_relaxed(&loop->posted);
  do {
    job->next = newest;
    // release [loop:posted]: pairs with the exchange in take_posted; hands over the job and all
    // that its poster wrote before.
  } while (!act__cas_weak_release(&loop->posted, &newest, job));
  wake_loop(&loop->poller);
}

static void wake_loop(struct act__poller *poller) {
  struct act__loop *loop = ACT__CONTAINER_OF(poller, struct act__loop, poller);
  if (act__wake_raise(&loop->wake)) uv_async_send(&loop->bell);
}

// Moves what other threads posted behind what the role holder has, oldest first.
static void take_posted(struct act__loop *loop) {
  // acquire [loop:posted]: pairs with the compare-and-swap in act__loop_post.
  struct act__loop_job *chain = act__exchange_acquire(&loop->posted, NULL);
  struct act__loop_job *first = NULL, **end = chain ? &chain->next : NULL;
  while (chain) {
    struct act__loop_job *next = chain->next;
    chain->next = first;
    first = chain;
    chain = next;
  }
  if (!first) return;
  *loop->own_end = first;
  loop->own_end = end;
}

static void on_bell(uv_async_t *bell) {
  struct act__loop *loop = ACT__CONTAINER_OF(bell, struct act__loop, bell);
  act__wake_lower(&loop->wake);
  take_posted(loop);
  run_own(loop);
}

// Runs what is there now; jobs posted by these jobs come after the next round of I/O.
static void run_own(struct act__loop *loop) {
  struct act__loop_job *job = loop->own;
  loop->own = NULL;
  loop->own_end = &loop->own;
  while (job) {
    struct act__loop_job *next = job->next;
    job->fn(job);
    job = next;
  }
}

// --- polling ------------------------------------------------------------------------------------

// Its only purpose is to end the wait. It may come before the wait has begun, for uv_run first runs
// the timers that are due by then, and it would not come again.
static void on_limit(uv_timer_t *limit) {
#ifndef ACT_MUTANT_LOOP_LIMIT_ONCE
  uv_stop(limit->loop);
#else
  (void)limit;
#endif
}

static void poll_loop(struct act__poller *poller, struct act__worker *me, int64_t timeout_ns) {
  struct act__loop *loop = ACT__CONTAINER_OF(poller, struct act__loop, poller);
  ACT_ASSERT(!polling);
  polling = loop;
  loop->worker = me;
  if (timeout_ns <= 0 || loop->own) {
    uv_run(&loop->uv, UV_RUN_NOWAIT);
  } else if (timeout_ns == INT64_MAX) {
    uv_run(&loop->uv, UV_RUN_ONCE);
  } else {
    // The loop's idea of "now" is as old as its last round; a timer counts from there.
    uv_update_time(&loop->uv);
    uint64_t ms = ((uint64_t)timeout_ns + ACT__NS_PER_MS - 1) / ACT__NS_PER_MS;
    uv_timer_start(&loop->limit, on_limit, ms, 0);
    uv_run(&loop->uv, UV_RUN_ONCE);
    uv_timer_stop(&loop->limit);
  }
  run_own(loop);
  loop->worker = NULL;
  polling = NULL;
}

// --- status -------------------------------------------------------------------------------------

act_rc act__io_rc(int uv_code) {
  switch (uv_code) {
  case 0: return ACT_OK;
  case UV_ENOMEM:
  case UV_ENOBUFS: return ACT_ENOMEM;
  case UV_EMFILE:
  case UV_ENFILE: return ACT_ELIMIT;
  case UV_EINVAL:
  case UV_ENAMETOOLONG: return ACT_EINVAL;
  case UV_ENOENT:
  case UV_ENOTDIR: return ACT_ENOENT;
  case UV_EADDRINUSE:
  case UV_EEXIST: return ACT_EEXIST;
  case UV_EACCES:
  case UV_EPERM: return ACT_EACCES;
  case UV_ECANCELED: return ACT_ECANCELLED;
  case UV_EOF: return ACT_ECLOSED;
  case UV_ECONNREFUSED:
  case UV_ECONNRESET:
  case UV_ECONNABORTED:
  case UV_ENOTCONN:
  case UV_EPIPE: return ACT_ELINK;
  case UV_EAGAIN: return ACT_EFULL;
  case UV_ETIMEDOUT: return ACT_ETIMEDOUT;
  case UV_ESRCH: return ACT_EDEAD;
  default: return ACT_ESYS;
  }
}
