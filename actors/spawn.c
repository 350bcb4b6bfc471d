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

static size_t texts_bytes(const act_child *spec) {
  return text_bytes(spec->id) + text_bytes(spec->name);
}

static void terms_init(struct act__terms *terms, const act_child *spec, size_t bytes) {
  char *text = (char *)terms + bytes - texts_bytes(spec);
  terms->id = copy_text(&text, spec->id);
  terms->name = copy_text(&text, spec->name);
  terms->limits = spec->limits;
  terms->bytes = bytes;
}

// NULL: no memory.
static struct act__terms *terms_create(act_cx *cx, const act_child *spec, size_t args_bytes) {
  size_t bytes = sizeof(struct act__terms) + texts_bytes(spec);
  struct act__terms *terms =
      act__pool_alloc(act__cache(cx), act__exec_pool(cx->system->exec), bytes);
  if (!terms) return NULL;
  terms_init(terms, spec, bytes);
  terms->args_message = args_bytes ? spec->args_message : NULL;
  terms->args_bytes = args_bytes;
  terms->is_contract = false;
  return terms;
}

// With the arguments, if `own_args`. NULL: no memory.
static struct act__contract *contract_create(act_cx *cx, const act_child *spec, bool own_args,
                                             void **args) {
  size_t args_bytes = own_args ? args_size(spec) : 0;
  if (args_bytes == SIZE_MAX) return NULL;
  size_t head = aligned(sizeof(struct act__contract));
  size_t bytes = head + aligned(args_bytes) + texts_bytes(spec);
  struct act__contract *contract =
      act__pool_alloc(act__cache(cx), act__exec_pool(cx->system->exec), bytes);
  if (!contract) return NULL;
  memset(contract, 0, sizeof *contract);
  contract->spec = *spec;
  if (spec->sup) fill_in_supervisor(&contract->spec);
  terms_init(&contract->terms, &contract->spec, bytes);
  contract->terms.is_contract = true;
  contract->spec.id = contract->terms.id;
  contract->spec.name = contract->terms.name;
  *args = (void *)(uintptr_t)contract->spec.args;
  if (args_bytes) {
    *args = (char *)contract + head;
    copy_args(spec, *args, args_bytes);
    contract->args_owned = true;
  }
  contract->up_env.notice = ACT__NOTICE_UP;
  contract->overdue_env.notice = ACT__NOTICE_OVERDUE;
  return contract;
}

static void terms_free(act_cx *cx, struct act__terms *terms) {
  act__pool_free(act__cache(cx), act__exec_pool(cx->system->exec), terms, terms->bytes);
}

static void contract_free(act_cx *cx, struct act__contract *contract, void *args) {
  if (contract->args_owned && contract->spec.args_message) {
    act__copy_release(contract->spec.args_message, args);
  }
  terms_free(cx, &contract->terms);
}

void act__args_free(act_cx *cx, struct act__cell *cell, struct act__birth *birth) {
  if (!birth->args) return;
  const struct act__terms *terms = birth->terms;
  size_t bytes = terms && terms->args_bytes ? terms->args_bytes : cell->behavior->args_size;
  if (terms && terms->args_message) act__copy_release(terms->args_message, birth->args);
  act__pool_free(act__cache(cx), act__exec_pool(cx->system->exec), birth->args, bytes);
  birth->args = NULL;
}

void act__birth_free(act_cx *cx, struct act__birth *birth) {
  struct act__contract *contract = act__birth_contract(birth);
  if (contract) {
    contract_free(cx, contract, birth->args);
    return;
  }
  // Its text: an end was noted.
  act__pool_free(act__cache(cx), act__exec_pool(cx->system->exec), birth->args, ACT_FAIL_TEXT_MAX);
  if (birth->terms) terms_free(cx, birth->terms);
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
  birth->running = birth->stuck = false;
  birth->terms = terms;
  birth->args = args;
  // relaxed: others compare it with themselves, and each writes only itself there.
  act__store_relaxed(&birth->owner, (uintptr_t)owner);
  return birth;
}

static struct act__cell *allocate(act_cx *cx, const act_child *spec, act_rc *rc) {
  return act__cell_allocate(cx->system, cx, true, act__limit(spec->mailbox.msgs, ACT_MAILBOX_MSGS),
                            act__limit(spec->mailbox.bytes, ACT_MAILBOX_BYTES), rc);
}

// Its name (which lasts as long as the cell is its own), its process.
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
  act__cell_retire(system, cx, true, cell);
  return rc;
}

// With a contract.
static act_rc create(act_cx *cx, struct act__cell *owner, const act_child *spec, bool own_args,
                     act_exit_then then, struct act__birth **out) {
  act_rc rc = check(cx, spec);
  if (!rc && owner) rc = check_limit(owner);
  if (rc) return rc;
  void *args;
  struct act__contract *contract = contract_create(cx, spec, own_args, &args);
  if (!contract) return ACT_ENOMEM;
  struct act__cell *cell = allocate(cx, spec, &rc);
  if (cell) {
    *out = settle_in(cell, owner, contract->spec.behavior, then, &contract->terms, args);
    contract->birth = *out;
    rc = furnish(cx, cell, &contract->spec);
  }
  if (rc) {
    contract_free(cx, contract, args);
    return rc;
  }
  act__child_start(cx, *out);
  return ACT_OK;
}

act_rc act__child_create(act_cx *cx, struct act__cell *owner, const act_child *spec,
                         act_exit_then then, struct act__birth **out) {
  return create(cx, owner, spec, false, then, out);
}

// --- children without a contract -------------------------------------------------------------------

// See actors/child.h. Whatever may be wrong with a specification needs a contract too, and a check.
static bool needs_contract(const act_child *spec) {
  const act_process_limits *process = &spec->process;
  return !spec->behavior || spec->sup || spec->isolate || spec->start_ms || spec->stop_ms ||
         (process->address_space_bytes | process->cpu_seconds | process->open_files);
}

static bool needs_terms(const act_child *spec) {
  const act_limits *limits = &spec->limits;
  return spec->id || spec->name || spec->args_message || spec->mailbox.full ||
         spec->mailbox.park_ms || spec->mailbox.msgs > ACT_MAILBOX_MSGS_MAX ||
         spec->mailbox.bytes > ACT_MAILBOX_BYTES_MAX ||
         (limits->asks | limits->timers | limits->monitors | limits->children | limits->replies |
          limits->jobs);
}

// Its cell, with its name. ACT_OK: it is there, and not started.
static act_rc house(act_cx *cx, struct act__cell *owner, const act_child *spec, act_exit_then then,
                    struct act__terms *terms, void *args, struct act__birth **out) {
  act_rc rc;
  struct act__cell *cell = allocate(cx, spec, &rc);
  if (!cell) return rc;
  *out = settle_in(cell, owner, spec->behavior, then, terms, args);
  if (!terms) return ACT_OK;
  act_child named = *spec;
  named.name = terms->name;
  return furnish(cx, cell, &named);
}

static act_rc create_simple(act_cx *cx, struct act__cell *owner, const act_child *spec,
                            act_exit_then then, struct act__birth **out) {
  bool plain = !needs_terms(spec);
  act_rc rc = plain ? ACT_OK : check(cx, spec);
  if (!rc) rc = check_limit(owner);
  if (!rc) rc = act__kids_reserve(cx, owner);
  if (rc) return rc;
  struct act__pool *pool = act__exec_pool(cx->system->exec);
  size_t bytes = args_size(spec);
  if (bytes == SIZE_MAX) return ACT_ENOMEM;
  struct act__terms *terms = plain ? NULL : terms_create(cx, spec, bytes);
  void *args = bytes && (plain || terms) ? act__pool_alloc(act__cache(cx), pool, bytes) : NULL;
  if ((!plain && !terms) || (bytes && !args)) rc = ACT_ENOMEM;
  if (args) copy_args(spec, args, bytes);
  if (!rc) rc = house(cx, owner, spec, then, terms, args, out);
  if (!rc) {
    act__child_start(cx, *out);
    return ACT_OK;
  }
  if (args && spec->args_message) act__copy_release(spec->args_message, args);
  act__pool_free(act__cache(cx), pool, args, bytes);
  if (terms) terms_free(cx, terms);
  return rc;
}

act_rc act_spawn(act_cx *cx, const act_child *child, act_exit_then then, act_pid *out) {
  if (!cx->cell || !cx->me) return ACT_EINVAL;
  if (cx->cell->life != ACT__STARTING && cx->cell->life != ACT__UP) return ACT_ECLOSED;
  struct act__birth *birth;
  act_rc rc;
  if (needs_contract(child)) {
    act_child spec = *child;
    spec.restart = ACT_TEMPORARY;
    rc = create(cx, cx->cell, &spec, true, then, &birth);
  } else {
    rc = create_simple(cx, cx->cell, child, then, &birth);
  }
  if (!rc && out) *out = act__child_pid(cx->system, birth);
  return rc;
}
