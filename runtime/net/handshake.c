// SPDX-License-Identifier: Apache-2.0
#include "runtime/net/handshake.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"

void act__handshake_init(struct act__handshake *hs, const struct act__handshake_self *self,
                         bool dialer, enum act__frame_role role) {
  ACT_ASSERT(self->incarnation != 0 && self->version_min <= self->version_max);
  ACT_ASSERT(self->frame_max >= ACT__FRAME_MAX_LEAST && self->frame_max <= ACT__FRAME_MAX);
  memset(hs, 0, sizeof *hs);
  hs->self = self;
  hs->state = dialer ? ACT__HS_NEW : ACT__HS_WAITING;
  hs->role = role;
  hs->frame_max = self->frame_max;
}

act_rc act__handshake_start(struct act__handshake *hs, struct act__bytes *out) {
  ACT_ASSERT(hs->state == ACT__HS_NEW);
  hs->state = ACT__HS_CALLING;
  return act__frame_put_hello(out, &(struct act__frame_hello){
                                       .version_min = hs->self->version_min,
                                       .version_max = hs->self->version_max,
                                       .role = (uint8_t)hs->role,
                                       .frame_max = hs->self->frame_max,
                                       .capabilities = hs->self->capabilities,
                                       .incarnation = hs->self->incarnation,
                                       .name = act__span_of_text(hs->self->name),
                                   });
}

// --- what is legal when ---------------------------------------------------------------------------

static bool allowed_when_up(enum act__frame_role role, unsigned type) {
  switch (type) {
  case ACT__FRAME_HEARTBEAT:
  case ACT__FRAME_GOODBYE:
  case ACT__FRAME_LOOKUP:
  case ACT__FRAME_FOUND:
  case ACT__FRAME_NOTFOUND:
  case ACT__FRAME_REACH:
  case ACT__FRAME_GRANT:
  case ACT__FRAME_CREDIT:
  case ACT__FRAME_MESSAGE:
  case ACT__FRAME_REPLY:
  case ACT__FRAME_NACK:
  case ACT__FRAME_MONITOR:
  case ACT__FRAME_DEMONITOR:
  case ACT__FRAME_DOWN:
  case ACT__FRAME_SKIPPED: return true;
  case ACT__FRAME_START:
  case ACT__FRAME_STOP: return role == ACT__ROLE_CHILD;
  case ACT__FRAME_STARTED:
  case ACT__FRAME_EXITED: return role == ACT__ROLE_PARENT;
  default: return false;
  }
}

bool act__handshake_allows(enum act__handshake_state state, enum act__frame_role role,
                           unsigned type) {
  switch (state) {
  case ACT__HS_CALLING: return type == ACT__FRAME_WELCOME || type == ACT__FRAME_REFUSE;
#ifdef ACT_MUTANT_HANDSHAKE_EARLY_FRAMES
  case ACT__HS_WAITING: return type == ACT__FRAME_HELLO || allowed_when_up(role, type);
#else
  case ACT__HS_WAITING: return type == ACT__FRAME_HELLO;
#endif
  case ACT__HS_WELCOMED: return type == ACT__FRAME_HEARTBEAT || type == ACT__FRAME_REFUSE;
  case ACT__HS_UP: return allowed_when_up(role, type);
  case ACT__HS_NEW:
  case ACT__HS_OVER:
  case ACT__HS_STATES:
  default: return false;
  }
}

uint32_t act__handshake_frame_max(const struct act__handshake *hs) {
  return hs->state == ACT__HS_UP ? hs->frame_max : ACT__FRAME_HANDSHAKE_MAX;
}

// --- failing --------------------------------------------------------------------------------------

static void note(struct act__handshake *hs, act_rc rc, const char *text, size_t size) {
  hs->state = ACT__HS_OVER;
  hs->rc = rc == ACT_OK ? ACT_EFAIL : rc;
  if (size > ACT__FRAME_REFUSE_TEXT_MAX) size = ACT__FRAME_REFUSE_TEXT_MAX;
  if (size > 0) memcpy(hs->text, text, size);
  hs->text[size] = 0;
}

// Who was welcomed reads the WELCOME first and is up by then, so it is told by a GOODBYE.
void act__handshake_fail(struct act__handshake *hs, act_rc rc, const char *text,
                         struct act__bytes *out) {
  enum act__handshake_state state = hs->state;
  if (state == ACT__HS_OVER) return;
  note(hs, rc, text, strlen(text));
  struct act__frame_ending ending = {.rc = hs->rc, .text = act__span_of_text(hs->text)};
  act_rc written = ACT_OK;
  if (state == ACT__HS_CALLING || state == ACT__HS_WAITING) {
    written = act__frame_put_refuse(out, &ending);
  } else if (state == ACT__HS_WELCOMED) {
    written = act__frame_put_goodbye(out, &ending);
  }
  (void)written;  // without memory the other side sees the connection end, and no reason
}

static enum act__handshake_verdict fail(struct act__handshake *hs, act_rc rc, const char *text,
                                        struct act__bytes *out) {
  act__handshake_fail(hs, rc, text, out);
  return ACT__HS_FAILED;
}

static enum act__handshake_verdict refused(struct act__handshake *hs,
                                           const struct act__frame_ending *ending) {
  note(hs, ending->rc, (const char *)ending->text.data, ending->text.size);
  hs->by_other_side = true;
  return ACT__HS_FAILED;
}

// --- believing the other side ---------------------------------------------------------------------

static bool is_printable(struct act__span name) {
  for (size_t i = 0; i < name.size; i++) {
    if (name.data[i] < 0x20 || name.data[i] == 0x7F) return false;
  }
  return true;
}

static bool is_counterpart(enum act__frame_role ours, unsigned theirs) {
  return (ours == ACT__ROLE_PEER && theirs == ACT__ROLE_PEER) ||
         (ours == ACT__ROLE_PARENT && theirs == ACT__ROLE_CHILD) ||
         (ours == ACT__ROLE_CHILD && theirs == ACT__ROLE_PARENT);
}

// What HELLO and WELCOME have in common.
struct introduction {
  unsigned role;
  uint32_t frame_max, capabilities;
  uint64_t incarnation;
  struct act__span name;
};

// NULL: believed and kept. Otherwise the refusal's text, with its code in *rc.
static const char *believe(struct act__handshake *hs, const struct introduction *other,
                           act_rc *rc) {
  *rc = ACT_EBADMSG;
  if (other->incarnation == 0) return "the incarnation is zero";
  if (other->frame_max < ACT__FRAME_MAX_LEAST) return "the announced largest frame is too small";
  if (!is_printable(other->name)) return "the node name has control characters";
  *rc = ACT_EINVAL;
  if (other->incarnation == hs->self->incarnation) return "a node does not link to itself";
  *rc = ACT_EACCES;
  if (!is_counterpart(hs->role, other->role)) return "this link is for a node in another role";
  hs->incarnation = other->incarnation;
  hs->capabilities = other->capabilities;
  if (other->frame_max < hs->frame_max) hs->frame_max = other->frame_max;
  memcpy(hs->name, other->name.data, other->name.size);
  hs->name[other->name.size] = 0;
  return NULL;
}

#define TEXT_RIVAL "there is a link between these two nodes already"

// --- the steps ------------------------------------------------------------------------------------

static enum act__handshake_verdict on_hello(struct act__handshake *hs,
                                            const struct act__frame_hello *hello,
                                            act__rival_fn rival, void *rival_arg,
                                            struct act__bytes *out) {
  uint16_t low =
      hello->version_min > hs->self->version_min ? hello->version_min : hs->self->version_min;
  uint16_t high =
      hello->version_max < hs->self->version_max ? hello->version_max : hs->self->version_max;
  if (low > high) {
    char text[96];
    snprintf(text, sizeof text, "no common version: %u to %u here, %u to %u there",
             hs->self->version_min, hs->self->version_max, hello->version_min, hello->version_max);
    return fail(hs, ACT_EVERSION, text, out);
  }
  struct introduction other = {hello->role, hello->frame_max, hello->capabilities,
                               hello->incarnation, hello->name};
  act_rc rc;
  const char *text = believe(hs, &other, &rc);
  if (text) return fail(hs, rc, text, out);
  if (rival(rival_arg, hs->incarnation) != ACT__RIVAL_NONE) {
    return fail(hs, ACT_EEXIST, TEXT_RIVAL, out);
  }
  hs->version = high;
  hs->state = ACT__HS_WELCOMED;
  rc = act__frame_put_welcome(out, &(struct act__frame_welcome){
                                       .version = high,
                                       .role = (uint8_t)hs->role,
                                       .frame_max = hs->self->frame_max,
                                       .capabilities = hs->self->capabilities,
                                       .incarnation = hs->self->incarnation,
                                       .name = act__span_of_text(hs->self->name),
                                   });
  return rc ? fail(hs, rc, "out of memory", out) : ACT__HS_GO_ON;
}

static enum act__handshake_verdict on_welcome(struct act__handshake *hs,
                                              const struct act__frame_welcome *welcome,
                                              act__rival_fn rival, void *rival_arg,
                                              struct act__bytes *out) {
  if (welcome->version < hs->self->version_min || welcome->version > hs->self->version_max) {
    return fail(hs, ACT_EVERSION, "welcomed with a version that was not offered", out);
  }
  struct introduction other = {welcome->role, welcome->frame_max, welcome->capabilities,
                               welcome->incarnation, welcome->name};
  act_rc rc;
  const char *text = believe(hs, &other, &rc);
  if (text) return fail(hs, rc, text, out);
  enum act__handshake_rival found = rival(rival_arg, hs->incarnation);
#ifdef ACT_MUTANT_HANDSHAKE_BOTH_WIN
  bool ours_wins = true;
#else
  bool ours_wins = hs->self->incarnation > hs->incarnation;
#endif
  if (found == ACT__RIVAL_UP || (found == ACT__RIVAL_HALF_OPEN && !ours_wins)) {
    return fail(hs, ACT_EEXIST, TEXT_RIVAL, out);
  }
  rc = act__frame_put_heartbeat(out);
  if (rc) return fail(hs, rc, "out of memory", out);
  hs->version = welcome->version;
  hs->state = ACT__HS_UP;
  return found == ACT__RIVAL_HALF_OPEN ? ACT__HS_IS_UP_ALONE : ACT__HS_IS_UP;
}

static enum act__handshake_verdict on_confirmed(struct act__handshake *hs, act__rival_fn rival,
                                                void *rival_arg, struct act__bytes *out) {
  if (rival(rival_arg, hs->incarnation) == ACT__RIVAL_UP) {
    return fail(hs, ACT_EEXIST, TEXT_RIVAL, out);
  }
  hs->state = ACT__HS_UP;
  return ACT__HS_IS_UP;
}

enum act__handshake_verdict act__handshake_frame(struct act__handshake *hs,
                                                 const struct act__frame *frame,
                                                 act__rival_fn rival, void *rival_arg,
                                                 struct act__bytes *out) {
  ACT_ASSERT(hs->state != ACT__HS_UP && hs->state != ACT__HS_OVER);
  if (!act__handshake_allows(hs->state, hs->role, frame->type)) {
    char text[96];
    snprintf(text, sizeof text, "%s is not allowed in this state of the handshake",
             act__frame_type_name(frame->type));
    return fail(hs, ACT_EBADMSG, text, out);
  }
  switch ((unsigned)frame->type) {
  case ACT__FRAME_HELLO: return on_hello(hs, &frame->u.hello, rival, rival_arg, out);
  case ACT__FRAME_WELCOME: return on_welcome(hs, &frame->u.welcome, rival, rival_arg, out);
  case ACT__FRAME_REFUSE: return refused(hs, &frame->u.ending);
  default: return on_confirmed(hs, rival, rival_arg, out);
  }
}
