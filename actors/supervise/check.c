// SPDX-License-Identifier: Apache-2.0
#include "actors/supervise/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "actors/supervise/intensity.h"
#include "base/map.h"

struct report {
  char *text;
  size_t size;
};

static act_rc no(const struct report *report, act_rc rc, const char *format, ...)
    ACT_PRINTF(3, 4);
static act_rc no(const struct report *report, act_rc rc, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(report->text, report->size, format, args);
  va_end(args);
  return rc;
}

const char *act__child_id(const act_child *spec) {
  if (spec->id) return spec->id;
  if (spec->name) return spec->name;
  return spec->sup ? "supervisor" : spec->behavior ? spec->behavior->name : "?";
}

static act_rc check_mailbox(const struct report *report, const act_child *spec) {
  const act_mailbox_options *mailbox = &spec->mailbox;
  const char *id = act__child_id(spec);
  if (mailbox->msgs > ACT_MAILBOX_MSGS_MAX) {
    return no(report, ACT_EINVAL, "child %s: a mailbox holds at most %u messages, not %u", id,
              ACT_MAILBOX_MSGS_MAX, mailbox->msgs);
  }
  if (mailbox->bytes > ACT_MAILBOX_BYTES_MAX) {
    return no(report, ACT_EINVAL, "child %s: a mailbox holds at most %u bytes, not %u", id,
              ACT_MAILBOX_BYTES_MAX, mailbox->bytes);
  }
  if ((unsigned)mailbox->full > ACT_PARK) {
    return no(report, ACT_EINVAL, "child %s: mailbox.full is no policy", id);
  }
  if (mailbox->full != ACT_REJECT && mailbox->full != ACT_PARK) {
    return no(report, ACT_ENOTSUP, "child %s: of the policies of a full mailbox this version has "
              "ACT_REJECT and ACT_PARK", id);
  }
  if (mailbox->park_ms && mailbox->full != ACT_PARK) {
    return no(report, ACT_EINVAL, "child %s: mailbox.park_ms is for ACT_PARK", id);
  }
  return ACT_OK;
}

static act_rc check_sup(const struct report *report, const act_sup *sup, const char *id,
                        unsigned depth);

static act_rc check_child(const struct report *report, const act_child *spec, unsigned depth) {
  const char *id = act__child_id(spec);
  if ((spec->id && strlen(spec->id) > ACT_NAME_MAX) ||
      (spec->name && strlen(spec->name) > ACT_NAME_MAX)) {
    return no(report, ACT_EINVAL, "child %.32s...: ids and names have at most %u bytes", id,
              ACT_NAME_MAX);
  }
  if (spec->name && !spec->name[0]) return no(report, ACT_EINVAL, "child %s: empty name", id);
  if (spec->behavior && spec->sup) {
    return no(report, ACT_EINVAL, "child %s: has both a behavior and a sup", id);
  }
  if (spec->sup && (spec->args || spec->args_message)) {
    return no(report, ACT_EINVAL, "child %s: a supervisor has no args", id);
  }
  if (!spec->behavior && !spec->sup) {
    return no(report, ACT_EINVAL, "child %s: has neither a behavior nor a sup", id);
  }
  if ((unsigned)spec->restart > ACT_TEMPORARY || (unsigned)spec->isolate > ACT_OWN_PROCESS) {
    return no(report, ACT_EINVAL, "child %s: unknown restart type or isolation", id);
  }
  act_rc rc = check_mailbox(report, spec);
  if (rc || !spec->sup) return rc;
  if (spec->isolate == ACT_OWN_PROCESS) {
    return no(report, ACT_ENOTSUP, "child %s: a supervisor in a process of its own is not in this "
              "version", id);
  }
  return check_sup(report, spec->sup, id, depth + 1);
}

static act_rc check_rules(const struct report *report, const act_sup *sup, const char *id) {
  if ((unsigned)sup->strategy > ACT_REST_FOR_ONE) {
    return no(report, ACT_EINVAL, "supervisor %s: unknown strategy", id);
  }
  if (sup->strategy != ACT_ONE_FOR_ONE) {
    return no(report, ACT_ENOTSUP, "supervisor %s: of the strategies this version has "
              "ACT_ONE_FOR_ONE only", id);
  }
  if (sup->max_restarts > ACT__INTENSITY_MAX) {
    return no(report, ACT_EINVAL, "supervisor %s: max_restarts is at most %u", id,
              ACT__INTENSITY_MAX);
  }
  if (sup->never_restart && sup->max_restarts) {
    return no(report, ACT_EINVAL, "supervisor %s: never_restart and max_restarts exclude each "
              "other", id);
  }
  if (sup->backoff.jitter_pct > 100) {
    return no(report, ACT_EINVAL, "supervisor %s: jitter_pct is at most 100", id);
  }
  if (sup->backoff.max_ms && sup->backoff.max_ms < sup->backoff.first_ms) {
    return no(report, ACT_EINVAL, "supervisor %s: backoff.max_ms is below first_ms", id);
  }
  if (sup->nkids && !sup->kids) return no(report, ACT_EINVAL, "supervisor %s: no kids", id);
  if (sup->nkids > ACT_CHILDREN_MAX) {
    return no(report, ACT_EINVAL, "supervisor %s: at most %u children", id, ACT_CHILDREN_MAX);
  }
  return ACT_OK;
}

static act_rc check_ids(const struct report *report, const act_sup *sup, const char *id) {
  struct act__namemap seen;
  act__namemap_init(&seen, 0);
  act_rc rc = ACT_OK;
  for (unsigned i = 0; i < sup->nkids && !rc; i++) {
    const char *kid = act__child_id(&sup->kids[i]);
    size_t length = strlen(kid);
    if (act__namemap_get(&seen, kid, length)) {
      rc = no(report, ACT_EINVAL, "supervisor %s: two children are called %s", id, kid);
    } else if ((rc = act__namemap_put(&seen, kid, length, (void *)(uintptr_t)&sup->kids[i]))) {
      rc = no(report, rc, "supervisor %s: child ids could not be compared", id);
    }
  }
  act__namemap_fini(&seen);
  return rc;
}

static act_rc check_sup(const struct report *report, const act_sup *sup, const char *id,
                        unsigned depth) {
  if (depth > ACT__SUP_DEPTH_MAX) {
    return no(report, ACT_EINVAL, "supervisor %s: more than %u supervisors inside one another", id,
              ACT__SUP_DEPTH_MAX);
  }
  act_rc rc = check_rules(report, sup, id);
  for (unsigned i = 0; i < sup->nkids && !rc; i++) rc = check_child(report, &sup->kids[i], depth);
  return rc ? rc : check_ids(report, sup, id);
}

act_rc act__child_check(const act_child *spec, char *text, size_t text_size) {
  struct report report = {text, text_size};
  return check_child(&report, spec, 0);
}

uint32_t act__child_start_ms(const act_child *spec) {
  return spec->start_ms ? spec->start_ms : spec->sup ? ACT__NEVER_MS : ACT_START_MS;
}

uint32_t act__child_stop_ms(const act_child *spec) {
  if (spec->stop_ms) return spec->stop_ms;
  if (!spec->sup) return ACT_STOP_MS;
  uint64_t total = ACT__KILL_GRACE_MS;
  for (unsigned i = 0; i < spec->sup->nkids; i++) {
    total += (uint64_t)act__child_stop_ms(&spec->sup->kids[i]) + ACT__KILL_GRACE_MS;
  }
  return total > UINT32_MAX ? UINT32_MAX : (uint32_t)total;
}

uint32_t act__sup_max_restarts(const act_sup *sup) {
  if (sup->never_restart) return 0;
  return sup->max_restarts ? sup->max_restarts : ACT_MAX_RESTARTS;
}

uint32_t act__sup_within_ms(const act_sup *sup) {
  return sup->within_ms ? sup->within_ms : ACT_WITHIN_MS;
}
