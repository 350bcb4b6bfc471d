// SPDX-License-Identifier: Apache-2.0
//
// A system's remote side as a whole: made with it, told to listen, watching signals, stopped, freed.
#include "actors/remote/remote.h"

#include <signal.h>
#include <unistd.h>

#include "actors/remote/impl.h"
#include "actors/remote/link.h"
#include "actors/system_run.h"
#include "base/alloc.h"
#include "base/check.h"
#include "runtime/io/os_signal.h"

act_rc act__remote_create(struct act__system *system) {
  struct act__remote *remote = act__calloc(1, sizeof *remote);
  if (!remote) return ACT_ENOMEM;
  remote->system = system;
  act__mutex_init(&remote->lock);
  act__map_init(&remote->fars);
  act__map_init(&remote->lost);
  act__map_init(&remote->exported);
  act__map_init(&remote->searches);
  act__list_init(&remote->dials);
  act_rc rc = act__loop_create(&remote->loop);
  if (!rc) {
    struct act__net_options options = {.name = system->node.name ? system->node.name : "node",
                                       .incarnation = system->incarnation,
                                       .loop = remote->loop,
                                       .sink = &act__remote_sink,
                                       .arg = remote};
    rc = act__net_create(&options, &remote->net);
  }
  system->remote = remote;
  if (rc) {
    act__remote_destroy(system);
    return rc;
  }
  act__exec_set_poller(system->exec, act__loop_poller(remote->loop));
  return ACT_OK;
}

act_rc act__remote_listen(struct act__system *system) {
  const char *address = system->node.listen;
  if (!address) return ACT_OK;
  act__net_hold(system->remote->net);
  act_rc rc = act__net_listen(system->remote->net, address);
  if (rc) {
    act__log(system->log, ACT_LOG_ERROR, system->node.name, "cannot listen on %s: %s (%s)", address,
             act_rc_text(rc), act_rc_name(rc));
  }
  return rc;
}

void act__remote_accept(struct act__system *system) {
  act__net_accept(system->remote->net);
}

// --- signals -----------------------------------------------------------------------------------------

// The first one asks for an ordered stop, the second one is obeyed.
static void on_signal(void *arg, int number) {
  struct act__remote *remote = (struct act__remote *)arg;
  struct act__system *system = remote->system;
  if (remote->signals_seen++) _exit(128 + number);
  act__mutex_lock(&system->root_lock);
  system->signal = number;
  act__mutex_unlock(&system->root_lock);
  act_request_stop((act_runtime *)(void *)system);
}

static void open_signals(struct act__remote *remote) {
  static const int numbers[] = {SIGTERM, SIGINT};
  for (unsigned i = 0; i < (remote->signals_interrupt ? 2u : 1u); i++) {
    act_rc rc = act__os_signal_open(remote->loop, numbers[i], on_signal, remote,
                                    &remote->signals[i]);
    if (!rc) continue;
    remote->signals[i] = NULL;
    act__log(remote->system->log, ACT_LOG_ERROR, "signals", "signal %d is not watched: %s",
             numbers[i], act_rc_text(rc));
  }
}

static void on_signal_job(struct act__loop_job *job) {
  struct act__remote *remote = ACT__CONTAINER_OF(job, struct act__remote, signal_job);
  open_signals(remote);
}

void act__signals_watch(struct act__remote *remote, bool interrupt) {
  remote->signals_interrupt = interrupt;
  remote->signal_job.fn = on_signal_job;
  act__loop_post(remote->loop, &remote->signal_job);
}

act_rc act__remote_watch_signals(struct act__system *system) {
  act__signals_watch(system->remote, true);
  return ACT_OK;
}

// --- the end -----------------------------------------------------------------------------------------

static void on_net_stopped(void *arg) {
  struct act__remote *remote = (struct act__remote *)arg;
  for (unsigned i = 0; i < 2; i++) {
    act__os_signal_close(remote->signals[i]);
    remote->signals[i] = NULL;
  }
  act__mutex_lock(&remote->lock);
  remote->net_stopped = true;
  act__mutex_unlock(&remote->lock);
  act__system_changed(remote->system);
}

static bool is_closed(struct act__system *system) {
  struct act__remote *remote = system->remote;
  act__mutex_lock(&remote->lock);
  bool stopped = remote->net_stopped;
  act__mutex_unlock(&remote->lock);
  // acquire [proxies]: pairs with the decrement in act__proxy_free.
  return stopped && act__load_acquire(&remote->proxies) == 0;
}

bool act__remote_stop(struct act__system *system, int64_t deadline_ns) {
  struct act__remote *remote = system->remote;
  act__mutex_lock(&remote->lock);
  remote->stopping = true;
  act__mutex_unlock(&remote->lock);
  act__net_stop(remote->net, on_net_stopped, remote);
  return act__system_wait(system, is_closed, deadline_ns);
}

static void free_values(struct act__map *map) {
  size_t index = 0;
  void *value;
  while (act__map_next(map, &index, NULL, &value)) act__free(value);
  act__map_fini(map);
}

void act__remote_destroy(struct act__system *system) {
  struct act__remote *remote = system->remote;
  if (!remote) return;
  system->remote = NULL;
  act__net_destroy(remote->net);
  act__loop_destroy(remote->loop);
  ACT_ASSERT(act__map_count(&remote->exported) == 0 && act__map_count(&remote->fars) == 0);
  free_values(&remote->searches);
  act__map_fini(&remote->exported);
  act__map_fini(&remote->fars);
  act__map_fini(&remote->lost);
  act__free(remote->boot.body);
  act__mutex_fini(&remote->lock);
  act__free(remote);
}
