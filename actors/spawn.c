// SPDX-License-Identifier: Apache-2.0
//
// How a child is made: its specification is checked, its record and its cell are made, its name is
// taken; from the start on, actors/child.c. A failure on the way leaves nothing behind.
#include <string.h>

#include "actors/kids.h"
#include "actors/remote/proxy.h"
#include "actors/supervise/check.h"
#include "base/check.h"
#include "mailbox/copy.h"

#define SPEC_TEXT_MAX 256u

// --- making a record -----------------------------------------------------------------------------

static size_t aligned(size_t bytes) {
  return (bytes + 15u) & ~(size_t)15u;
}

static size_t text_bytes(const char *text) {
  return text ? strlen(text) + 1 : 0;
}

static const char *copy_text(char **at, const char *text) {
  if (!text) return NULL;
  size_t bytes = strlen(text) + 1;
  char *copy = memcpy(*at, text, bytes);
  *at += bytes;
  return copy;
}

// Bytes of the arguments to copy; SIZE_MAX: too large.
static size_t args_size(const act_child *spec) {
  if (!spec->args) return 0;
  if (spec->args_message) return act__copy_size(spec->args_message, spec->args);
  return spec->behavior ? spec->behavior->args_size : 0;
}

// A supervisor is an actor like others whose arguments are its tree; it needs room for all its kids.
static void fill_in_supervisor(act_child *spec) {
  spec->behavior = &act__supervisor;
  spec->args = spec->sup;
  if (act__limit(spec->limits.children, ACT_CHILDREN_MAX) < spec->sup->nkids) {
    spec->limits.children = spec->sup->nkids;
  }
}

static void copy_args(const act_child *spec, void *to, size_t bytes) {
  if (spec->args_message) {
    act__copy_into(spec->args_message, spec->args, to);
  } else {
    memcpy(to, spec->args, bytes);
  }
}

// The terms with their strings, and the arguments if `own_args`, in one block. NULL: no memory.
static struct act__terms *terms_create(act_cx *cx, const act_child *spec, bool own_args,
                                       void **args) {
  size_t args_bytes = own_args ? args_size(spec) : 0;
  if (args_bytes == SIZE_MAX) return NULL;
  size_t head = aligned(sizeof(struct act__terms));
  size_t bytes = head + aligned(args_bytes) + text_bytes(spec->id) + text_bytes(spec->name);
  struct act__terms *terms =
      act__pool_alloc(act__cache(cx), act__exec_pool(cx->system->exec), bytes);
  if (!terms) return NULL;
  memset(terms, 0, sizeof *terms);
  terms->bytes = bytes;
  terms->spec = *spec;
  char *text = (char *)terms + head + aligned(args_bytes);
  terms->spec.id = copy_text(&text, spec->id);
  terms->spec.name = copy_text(&text, spec->name);
  if (spec->sup) fill_in_supervisor(&terms->spec);
  *args = (void *)(uintptr_t)terms->spec.args;
  if (args_bytes) {
    *args = (char *)terms + head;
    copy_args(spec, *args, args_bytes);
    terms->args_owned = true;
  }
  terms->up_env.notice = ACT__NOTICE_UP;
  terms->overdue_env.notice = ACT__NOTICE_OVERDUE;
  return terms;
}

static void terms_free(act_cx *cx, struct act__terms *terms, void *args) {
  if (terms->args_owned && terms->spec.args_message) {
    act__copy_release(terms->spec.args_message, args);
  }
  act__pool_free(act__cache(cx), act__exec_pool(cx->system->exec), terms, terms->bytes);
}

void act__args_free(act_cx *cx, struct act__cell *cell, struct act__birth *birth) {
  if (!birth->args) return;
  act__pool_free(act__cache(cx), act__exec_pool(cx->system->exec), birth->args,
                 cell->behavior->args_size);
  birth->args = NULL;
}

void act__birth_free(act_cx *cx, struct act__birth *birth) {
  if (birth->terms) {
    terms_free(cx, birth->terms, birth->args);
  } else if (birth->args) {  // its text: an end was noted
    act__pool_free(act__cache(cx), act__exec_pool(cx->system->exec), birth->args,
                   ACT_FAIL_TEXT_MAX);
  }
}

// --- making the child ----------------------------------------------------------------------------

static act_rc check(act_cx *cx, const act_child *spec) {
  char text[SPEC_TEXT_MAX];
  act_rc rc = act__child_check(spec, text, sizeof text);
  if (rc) act__log(cx->system->log, ACT_LOG_ERROR, "spawn", "%s (%s)", text, act_rc_name(rc));
  return rc;
}

static act_rc check_limit(struct act__cell *owner) {
  struct act__cold *cold = act__cell_cold(owner);
  if (!cold) return ACT_ENOMEM;
  // A proxy that is nobody's child makes none: who is here has a record.
  return cold->kids.count < act__limit(act__cell_limits(owner)->children, ACT_CHILDREN_MAX)
             ? ACT_OK
             : ACT_ELIMIT;
}

// The record of a cell that was just allocated. From now on the cell is somebody's child.
static struct act__birth *settle_in(struct act__cell *cell, struct act__cell *owner,
                                    const act_behavior *behavior, act_exit_then then,
                                    struct act__terms *terms, void *args) {
  struct act__birth *birth = &act__annex(cell)->birth;
  cell->behavior = behavior;
  cell->born = true;
  birth->then = then;
  birth->epoch = 0;
  birth->reason = 0;
  birth->running = birth->stuck = false;
  birth->terms = terms;
  birth->args = args;
  // relaxed: others compare it with themselves, and each writes only itself there.
  act__store_relaxed(&birth->owner, (uintptr_t)owner);
  if (terms) terms->birth = birth;
  return birth;
}

static struct act__cell *allocate(act_cx *cx, const act_child *spec, act_rc *rc) {
  return act__cell_allocate(cx->system, cx, act__limit(spec->mailbox.msgs, ACT_MAILBOX_MSGS),
                            act__limit(spec->mailbox.bytes, ACT_MAILBOX_BYTES), rc);
}

// Its name, its process.
static act_rc furnish(act_cx *cx, struct act__cell *cell, const act_child *spec) {
  struct act__system *system = cx->system;
  act_rc rc = ACT_OK;
  if (spec->mailbox.full == ACT_PARK) {
    // relaxed: as its limits in act__cell_allocate.
    act__store_relaxed(&cell->park_ms, act__limit(spec->mailbox.park_ms, ACT_PARK_MS));
  }
  if (spec->name && (rc = act__name_put(system, spec->name, cell))) {
    act__log(system->log, ACT_LOG_ERROR, "spawn", "child %s: name %s: %s", act__child_id(spec),
             spec->name, act_rc_text(rc));
  } else if (spec->isolate == ACT_OWN_PROCESS && (rc = act__proxy_attach_process(cx, cell)) &&
             spec->name) {
    act__name_remove(system, spec->name, cell);
  }
  if (!rc) return ACT_OK;
  // Who found the name meanwhile may watch it already.
  act__watchers_tell(cx, cell, &(struct act__ending){.reason = ACT_REASON_NOPROC});
  cell->born = false;
  act__cell_retire(system, cx, cell);
  return rc;
}

static act_rc create(act_cx *cx, struct act__cell *owner, const act_child *spec, bool own_args,
                     act_exit_then then, struct act__birth **out) {
  act_rc rc = check(cx, spec);
  if (!rc && owner) rc = check_limit(owner);
  if (rc) return rc;
  void *args;
  struct act__terms *terms = terms_create(cx, spec, own_args, &args);
  if (!terms) return ACT_ENOMEM;
  struct act__cell *cell = allocate(cx, spec, &rc);
  if (cell) {
    *out = settle_in(cell, owner, terms->spec.behavior, then, terms, args);
    rc = furnish(cx, cell, &terms->spec);
  }
  if (rc) {
    terms_free(cx, terms, args);
    return rc;
  }
  act__child_start(cx, *out);
  return ACT_OK;
}

act_rc act__child_create(act_cx *cx, struct act__cell *owner, const act_child *spec,
                         act_exit_then then, struct act__birth **out) {
  return create(cx, owner, spec, false, then, out);
}

// --- plain children --------------------------------------------------------------------------------

// See actors/child.h. Whatever may be wrong with a specification is not plain either.
static bool is_plain(const act_child *spec) {
  const act_limits *limits = &spec->limits;
  const act_process_limits *process = &spec->process;
  return spec->behavior && !spec->id && !spec->name && !spec->args_message && !spec->sup &&
         !spec->isolate && !spec->start_ms && !spec->stop_ms && !spec->mailbox.full &&
         !spec->mailbox.park_ms && spec->mailbox.msgs <= ACT_MAILBOX_MSGS_MAX &&
         spec->mailbox.bytes <= ACT_MAILBOX_BYTES_MAX &&
         !(limits->asks | limits->timers | limits->monitors | limits->children | limits->replies |
           limits->jobs) &&
         !(process->address_space_bytes | process->cpu_seconds | process->open_files);
}

static act_rc spawn_plain(act_cx *cx, struct act__cell *owner, const act_child *spec,
                          act_exit_then then, struct act__birth **out) {
  act_rc rc = check_limit(owner);
  if (!rc) rc = act__kids_reserve(cx, owner);
  if (rc) return rc;
  void *args = NULL;
  size_t bytes = args_size(spec);
  if (bytes) {
    args = act__pool_alloc(act__cache(cx), act__exec_pool(cx->system->exec), bytes);
    if (!args) return ACT_ENOMEM;
    memcpy(args, spec->args, bytes);
  }
  struct act__cell *cell = allocate(cx, spec, &rc);
  if (!cell) {
    act__pool_free(act__cache(cx), act__exec_pool(cx->system->exec), args, bytes);
    return rc;
  }
  *out = settle_in(cell, owner, spec->behavior, then, NULL, args);
  act__child_start(cx, *out);
  return ACT_OK;
}

act_rc act_spawn(act_cx *cx, const act_child *child, act_exit_then then, act_pid *out) {
  if (!cx->cell || !cx->me) return ACT_EINVAL;
  if (cx->cell->life != ACT__STARTING && cx->cell->life != ACT__UP) return ACT_ECLOSED;
  struct act__birth *birth;
  act_rc rc;
  if (is_plain(child)) {
    rc = spawn_plain(cx, cx->cell, child, then, &birth);
  } else {
    act_child spec = *child;
    spec.restart = ACT_TEMPORARY;
    rc = create(cx, cx->cell, &spec, true, then, &birth);
  }
  if (!rc && out) *out = act__child_pid(cx->system, birth);
  return rc;
}
