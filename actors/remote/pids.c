// SPDX-License-Identifier: Apache-2.0
//
// Addresses inside messages: whoever is sent the address of an actor of ours gets its first credits
// just before, so that it can send there as soon as it has read the message.
#include "actors/remote/impl.h"
#include "mailbox/value.h"

static bool has_pids(const act_schema *schema) {
  for (uint32_t i = 0; i < schema->nfields; i++) {
    const act_field *field = &schema->fields[i];
    if (field->kind == ACT_KIND_PID) return true;
    if (field->kind == ACT_KIND_MESSAGE && has_pids(field->nested)) return true;
  }
  return false;
}

static void walk_value(const act_field *field, const void *value,
                       void (*fn)(void *arg, act_pid pid), void *arg) {
  if (field->kind == ACT_KIND_MESSAGE) {
    act__pids_walk(field->nested, value, fn, arg);
    return;
  }
  act_pid pid;
  memcpy(&pid, value, sizeof pid);
  fn(arg, pid);
}

static void walk_field(const act_field *field, const char *member,
                       void (*fn)(void *arg, act_pid pid), void *arg) {
  if (field->kind != ACT_KIND_PID &&
      !(field->kind == ACT_KIND_MESSAGE && has_pids(field->nested))) {
    return;
  }
  switch ((act_shape)field->shape) {
    case ACT_SHAPE_ONE: walk_value(field, member, fn, arg); break;
    case ACT_SHAPE_OPTIONAL:
      if (act__has_at(member)) {
        walk_value(field, member + act__optional_offset(field->kind), fn, arg);
      }
      break;
    case ACT_SHAPE_LIST: {
      struct act__list list = act__list_at(member);
      for (uint32_t i = 0; i < list.count; i++) {
        walk_value(field, (const char *)list.items + (size_t)i * field->size, fn, arg);
      }
      break;
    }
  }
}

void act__pids_walk(const act_schema *schema, const void *message,
                    void (*fn)(void *arg, act_pid pid), void *arg) {
  for (uint32_t i = 0; i < schema->nfields; i++) {
    walk_field(&schema->fields[i], (const char *)message + schema->fields[i].offset, fn, arg);
  }
}

struct granting {
  struct act__remote *remote;
  uint64_t node;
  struct act__peer_id link;
  struct act__worker *me;
};

static void grant(void *arg, act_pid pid) {
  struct granting *g = (struct granting *)arg;
  struct act__remote *remote = g->remote;
  if (pid.node != remote->system->incarnation) return;
  struct act__frame_grant frame;
  act__grant_make(remote, g->node, pid.slot, pid.gen, &frame);
  // Where nothing could be granted now, the other side asks again when it first sends there.
  if (frame.rc || frame.msgs == 0) return;
  struct act__peer *peer;
  struct act__bytes *out = act__link_begin(remote, g->link, &peer);
  if (!out) return;
  act_rc rc = act__frame_put_grant(out, &frame);
  (void)rc;  // a buffer that fails closes the link
  act__peer_end(peer, g->me);
}

void act__pids_grant(struct act__remote *remote, uint64_t node, struct act__peer_id link,
                     const act_schema *schema, const void *message, struct act__worker *me) {
#ifdef ACT_MUTANT_PIDS_WITHOUT_CREDIT
  return;
#endif
  if (!has_pids(schema)) return;
  struct granting g = {remote, node, link, me};
  act__pids_walk(schema, message, grant, &g);
}
