// SPDX-License-Identifier: Apache-2.0
//
// How a child is made: its specification is checked, its record and its cell are made, its name is
// taken; from the start on, actors/child.c. A failure on the way leaves nothing behind.
#include <string.h>

#include "actors/child.h"
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

static void copy_args(struct act__birth *birth, const act_child *spec, void *to, size_t bytes) {
  if (spec->args_message) {
    act__copy_into(spec->args_message, spec->args, to);
  } else {
    memcpy(to, spec->args, bytes);
  }
  birth->args = to;
  birth->args_bytes = bytes;
  birth->args_owned = true;
}

// A supervisor is an actor like others whose arguments are its tree; it needs room for all its kids.
static void fill_in_supervisor(act_child *spec) {
  spec->behavior = &act__supervisor;
  spec->args = spec->sup;
  if (act__limit(spec->limits.children, ACT_CHILDREN_MAX) < spec->sup->nkids) {
    spec->limits.children = spec->sup->nkids;
  }
}

// The record with its strings, and its arguments if `own_args`, in one block. NULL: no memory.
static struct act__birth *birth_create(act_cx *cx, const act_child *spec, bool own_args) {
  size_t args = own_args ? args_size(spec) : 0;
  if (args == SIZE_MAX) return NULL;
  size_t head = aligned(sizeof(struct act__birth));
  size_t bytes = head + aligned(args) + text_bytes(spec->id) + text_bytes(spec->name);
  struct act__birth *birth =
      act__pool_alloc(act__cache(cx), act__exec_pool(cx->system->exec), bytes);
  if (!birth) return NULL;
  memset(birth, 0, sizeof *birth);
  birth->bytes = bytes;
  birth->system = cx->system;
  birth->spec = *spec;
  char *text = (char *)birth + head + aligned(args);
  birth->spec.id = copy_text(&text, spec->id);
  birth->spec.name = copy_text(&text, spec->name);
  if (spec->sup) fill_in_supervisor(&birth->spec);
  if (args) {
    copy_args(birth, spec, (char *)birth + head, args);
  } else {
    birth->args = (void *)(uintptr_t)birth->spec.args;
  }
  birth->up_env.notice = ACT__NOTICE_UP;
  birth->exit_env.notice = ACT__NOTICE_EXIT;
  birth->overdue_env.notice = ACT__NOTICE_OVERDUE;
  act__list_init(&birth->link);
  act__atomic_init(&birth->stop_due_ns, (int64_t)0);
  return birth;
}

void act__birth_free(act_cx *cx, struct act__birth *birth) {
  if (birth->args_owned && birth->spec.args_message) {
    act__copy_release(birth->spec.args_message, birth->args);
  }
  act__pool_free(act__cache(cx), act__exec_pool(cx->system->exec), birth, birth->bytes);
}

// --- making the child ----------------------------------------------------------------------------

static act_rc check(act_cx *cx, const act_child *spec) {
  char text[SPEC_TEXT_MAX];
  act_rc rc = act__child_check(spec, text, sizeof text);
  if (rc) act__log(cx->system->log, ACT_LOG_ERROR, "spawn", "%s (%s)", text, act_rc_name(rc));
  return rc;
}

static act_rc check_limit(struct act__cell *owner) {
  if (!owner) return ACT_OK;
  struct act__cold *cold = act__cell_cold(owner);
  if (!cold) return ACT_ENOMEM;
  uint32_t given = owner->birth ? act__cell_limits(owner)->children : 0;
  return cold->child_count < act__limit(given, ACT_CHILDREN_MAX) ? ACT_OK : ACT_ELIMIT;
}

// The cell of a record, with its name, not open yet.
static act_rc settle_in(act_cx *cx, struct act__birth *birth) {
  struct act__system *system = cx->system;
  const act_child *spec = &birth->spec;
  act_rc rc = ACT_OK;
  struct act__cell *cell =
      act__cell_allocate(system, act__limit(spec->mailbox.msgs, ACT_MAILBOX_MSGS),
                         act__limit(spec->mailbox.bytes, ACT_MAILBOX_BYTES), &rc);
  if (!cell) return rc;
  birth->cell = cell;
  cell->birth = birth;
  cell->behavior = spec->behavior;
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
  cell->birth = NULL;
  act__cell_retire(system, cell);
  return rc;
}

static act_rc create(act_cx *cx, struct act__cell *owner, const act_child *spec, bool own_args,
                     act_exit_then then, struct act__birth **out) {
  act_rc rc = check(cx, spec);
  if (!rc) rc = check_limit(owner);
  if (rc) return rc;
  struct act__birth *birth = birth_create(cx, spec, own_args);
  if (!birth) return ACT_ENOMEM;
  birth->owner = owner;
  birth->then = then;
  if ((rc = settle_in(cx, birth))) {
    act__birth_free(cx, birth);
    return rc;
  }
  // relaxed: a cell's parent is compared with oneself only, and each writes only itself there.
  act__store_relaxed(&birth->cell->parent, owner);
  if (owner) {
    act__list_push_back(&owner->cold->children, &birth->link);
    owner->cold->child_count++;
  }
  *out = birth;
  act__child_start(cx, birth);
  return ACT_OK;
}

act_rc act__child_create(act_cx *cx, struct act__cell *owner, const act_child *spec,
                         act_exit_then then, struct act__birth **out) {
  return create(cx, owner, spec, false, then, out);
}

act_rc act_spawn(act_cx *cx, const act_child *child, act_exit_then then, act_pid *out) {
  if (!cx->cell || !cx->me) return ACT_EINVAL;
  if (cx->cell->life != ACT__STARTING && cx->cell->life != ACT__UP) return ACT_ECLOSED;
  act_child spec = *child;
  spec.restart = ACT_TEMPORARY;
  struct act__birth *birth;
  act_rc rc = create(cx, cx->cell, &spec, true, then, &birth);
  if (!rc && out) *out = act__child_pid(cx->system, birth);
  return rc;
}
