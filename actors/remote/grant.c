// SPDX-License-Identifier: Apache-2.0
//
// Credit that peers hold for mailboxes of ours: room that is reserved here before they spend it.
//
// A grant is made when a peer looks an actor up, asks to reach it, or is sent its address; the parent
// of an own process gets half of the mailbox, other peers an eighth each until together they have half.
// It ends with the actor's incarnation or with the link. The room of messages that have arrived is
// given back by the actor's turn: to the peer while the grant lives, to the mailbox afterwards.
//
// How making one and the actor's end find each other: the maker marks the cell (one swap) and then
// reserves; the owner closes the mailbox and then reads the mark (one swap). Either the reservation
// fails, or the owner sees the mark and comes here.
#include "actors/park.h"
#include "actors/remote/impl.h"
#include "actors/room.h"
#include "base/alloc.h"
#include "base/check.h"

static struct act__exported *exported_at(struct act__remote *remote, uint32_t slot, uint32_t gen) {
  struct act__exported *exported =
      (struct act__exported *)act__map_get(&remote->exported, slot);
  return exported && exported->gen == gen ? exported : NULL;
}

static struct act__grant_record *record_of(struct act__exported *exported,
                                           struct act__peer_id link) {
  if (!exported) return NULL;
  for (struct act__link *l = exported->grants.next; l != &exported->grants; l = l->next) {
    struct act__grant_record *record = ACT__CONTAINER_OF(l, struct act__grant_record, of_cell);
    if (record->link.slot == link.slot && record->link.epoch == link.epoch) return record;
  }
  return NULL;
}

static void record_free(struct act__grant_record *record) {
  act__list_remove(&record->of_cell);
  act__list_remove(&record->of_far);
  act__free(record);
}

static void exported_free(struct act__remote *remote, struct act__exported *exported) {
  ACT_ASSERT(act__list_is_empty(&exported->grants));
  act__map_remove(&remote->exported, exported->cell->slot);
  act__free(exported);
}

// Gives room back from a thread that is not the owner; there may be weight left where every message is
// in the mailbox. Under R, so that the owner, who comes here before it retires the slot, is later.
static void give_back(struct act__remote *remote, struct act__cell *cell, struct act__credit amount,
                      struct act__worker *me) {
  if (amount.messages == 0 && amount.units == 0) return;
  act__cell_cancel(remote->system, me, cell, amount.messages, amount.units);
}

static void send_credit(struct act__remote *remote, struct act__peer_id link, uint32_t slot,
                        uint32_t gen, struct act__credit amount, struct act__worker *me) {
  if (amount.messages == 0 && amount.units == 0) return;
  struct act__peer *peer;
  struct act__bytes *out = act__link_begin(remote, link, &peer);
  if (!out) return;  // the link's end has given all of it back, or will
  struct act__frame_credit frame = {slot, gen, amount.messages, amount.units};
  act_rc rc = act__frame_put_credit(out, &frame);
  (void)rc;  // a buffer that fails closes the link
  act__peer_end(peer, me);
}

// --- making --------------------------------------------------------------------------------------

static struct act__credit first_wanted(const struct act__far *far,
                                       const struct act__grantor *grantor, uint32_t msgs,
                                       uint32_t units) {
  if (act__peer_is_parent(far->peer)) return grantor->most;
#ifdef ACT_MUTANT_GRANT_HALF_TO_ONE
  return grantor->most;
#endif
  struct act__credit wanted = {msgs / ACT__GRANT_PART, units / ACT__GRANT_PART};
  if (wanted.messages == 0) wanted.messages = 1;
  if (wanted.units == 0 || msgs == 1) wanted.units = grantor->most.units;
  return wanted;
}

static act_rc admission_rc(enum act__admit admit) {
  if (admit == ACT__ADMIT_OK) return ACT_OK;
  if (admit == ACT__ADMIT_DEAD) return ACT_EDEAD;
  return admit == ACT__ADMIT_CLOSED ? ACT_ECLOSED : ACT_EFULL;
}

// As much as there is room for, by halves down to one message.
static act_rc reserve_some(struct act__cell *cell, uint32_t gen, struct act__credit *amount) {
  for (;;) {
    enum act__admit admit = act__room_reserve(cell, gen, amount->messages, amount->units);
    if (admit != ACT__ADMIT_FULL || amount->messages == 1) return admission_rc(admit);
    amount->messages /= 2;
    amount->units = amount->units > 1 ? amount->units / 2 : 1;
  }
}

// The record of a cell that holds a reservation of ours, so that it can be read.
static struct act__exported *exported_get(struct act__remote *remote, struct act__cell *cell,
                                          uint32_t gen, uint32_t msgs, uint32_t units) {
  struct act__exported *exported = exported_at(remote, cell->slot, gen);
  if (exported) return exported;
  exported = act__calloc(1, sizeof *exported);
  if (!exported) return NULL;
  exported->cell = cell;
  exported->gen = gen;
  exported->behavior = cell->behavior;
  act__grantor_init(&exported->grantor, msgs, units);
  act__list_init(&exported->grants);
  if (act__map_put(&remote->exported, cell->slot, exported)) {
    act__free(exported);
    return NULL;
  }
  return exported;
}

static act_rc add_record(struct act__remote *remote, struct act__far *far, struct act__cell *cell,
                         uint32_t gen, struct act__credit *given) {
  // relaxed: the reservation below fails if the limits belong to another generation.
  uint32_t msgs = act__load_relaxed(&cell->msgs_max), units = act__load_relaxed(&cell->units_max);
  if (msgs == 0 || units == 0) return ACT_EDEAD;
  struct act__grantor fresh;
  act__grantor_init(&fresh, msgs, units);
  struct act__exported *exported = exported_at(remote, cell->slot, gen);
  struct act__grantor *grantor = exported ? &exported->grantor : &fresh;
  struct act__credit amount =
      act__grantor_offer(grantor, first_wanted(far, grantor, msgs, units));
  if (amount.messages == 0 || amount.units == 0) return ACT_EFULL;
  struct act__grant_record *record = act__calloc(1, sizeof *record);
  if (!record) return ACT_ENOMEM;
  // acq_rel [granted]: pairs with the swap in act__remote_cell_down: if that came first, the mailbox
  // is seen closed below.
  act__fetch_or_acq_rel(&cell->granted, 1);
  act_rc rc = reserve_some(cell, gen, &amount);
  if (rc) {
    act__free(record);
    return rc;
  }
  // relaxed: written before the mailbox was opened, which the reservation has seen.
  rc = act__load_relaxed(&cell->remote) ? ACT_ENOTSUP : ACT_OK;
  if (!rc && !(exported = exported_get(remote, cell, gen, msgs, units))) rc = ACT_ENOMEM;
  if (rc) {
    give_back(remote, cell, amount, NULL);
    act__free(record);
    return rc;
  }
  record->exported = exported;
  record->far = far;
  record->link = far->id;
  act__list_push_back(&exported->grants, &record->of_cell);
  act__list_push_back(&far->grants, &record->of_far);
  act__grant_give(&exported->grantor, &record->grant, amount);
  *given = amount;
  return ACT_OK;
}

void act__grant_make(struct act__remote *remote, uint64_t node, uint32_t slot, uint32_t gen,
                     struct act__frame_grant *out) {
  *out = (struct act__frame_grant){.target = {slot, gen, 0}, .rc = ACT_EDEAD};
  struct act__cell *cell = act__cell_at(remote->system, slot);
  if (!cell) return;
  struct act__credit given = {0, 0};
  act__mutex_lock(&remote->lock);
  struct act__far *far = act__far_of(remote, node);
  if (!far) {
    out->rc = ACT_ELINK;
  } else if (record_of(exported_at(remote, slot, gen), far->id)) {
    out->rc = ACT_OK;
  } else {
    out->rc = add_record(remote, far, cell, gen, &given);
  }
  // relaxed: a hint, proven or not when a message arrives.
  out->target.epoch = act__load_relaxed(&cell->epoch);
  out->park_ms = act__load_relaxed(&cell->park_ms);
  act__mutex_unlock(&remote->lock);
  out->msgs = given.messages;
  out->units = given.units;
}

// --- arriving ------------------------------------------------------------------------------------

const act_behavior *act__grant_behavior(struct act__remote *remote, struct act__far *far,
                                        uint32_t slot, uint32_t gen) {
  act__mutex_lock(&remote->lock);
  struct act__exported *exported = exported_at(remote, slot, gen);
  const act_behavior *behavior = record_of(exported, far->id) ? exported->behavior : NULL;
  act__mutex_unlock(&remote->lock);
  return behavior;
}

act_rc act__grant_take(struct act__remote *remote, struct act__far *far, uint32_t slot, uint32_t gen,
                       uint32_t units) {
  act__mutex_lock(&remote->lock);
  struct act__grant_record *record = record_of(exported_at(remote, slot, gen), far->id);
#ifdef ACT_MUTANT_GRANT_OVERSPENT
  act_rc rc = record ? ACT_OK : ACT_EDEAD;
  if (record && act__grant_arrive(&record->grant, units)) rc = ACT_EDEAD;
#else
  act_rc rc = record ? act__grant_arrive(&record->grant, units) : ACT_EDEAD;
#endif
  act__mutex_unlock(&remote->lock);
  return rc;
}

// Its weight is not known here, so only the slot is returned; the sender sets its sum right when
// nothing of it is out any more.
void act__grant_spoilt(struct act__remote *remote, struct act__far *far, uint32_t slot,
                       uint32_t gen, struct act__worker *me) {
  struct act__credit one = {1, 0}, returned = {0, 0};
  act__mutex_lock(&remote->lock);
  struct act__grant_record *record = record_of(exported_at(remote, slot, gen), far->id);
  if (record && act__grant_arrive(&record->grant, 0) == ACT_OK) {
    act__grant_consume(&record->grant, one);
    returned = act__grant_take_return(&record->grant, true);
  }
  act__mutex_unlock(&remote->lock);
  send_credit(remote, far->id, slot, gen, returned, me);
}

void act__remote_credit_back(struct act__system *system, act_cx *cx, struct act__cell *cell,
                             struct act__env *env) {
  struct act__remote *remote = system->remote;
  struct act__env_extension *extension = act__env_extension(env);
  struct act__peer_id link = {extension->link_slot, extension->link_epoch};
  struct act__credit amount = {1, act__env_units(act__env_block_bytes(env))};
  struct act__credit returned = {0, 0};
  uint32_t gen = act__mailbox_generation(&cell->mailbox);
  act__mutex_lock(&remote->lock);
  struct act__grant_record *record = record_of(exported_at(remote, cell->slot, gen), link);
  if (record) {
    act__grant_consume(&record->grant, amount);
    returned = act__grant_take_return(&record->grant, false);
  }
  act__mutex_unlock(&remote->lock);
  if (record) {
    send_credit(remote, link, cell->slot, gen, returned, cx ? cx->me : NULL);
  } else {
    act__cell_release(system, cx ? cx->me : NULL, cell, amount.messages, amount.units);
  }
}

// --- ending --------------------------------------------------------------------------------------

static void send_down(struct act__remote *remote, struct act__peer_id link, struct act__cell *cell,
                      const struct act__ending *ending, struct act__worker *me) {
  struct act__peer *peer;
  struct act__bytes *out = act__link_begin(remote, link, &peer);
  if (!out) return;
  struct act__frame_down frame = {.id = cell->slot,
                                  .reason = (uint8_t)ending->reason,
                                  .rc = ending->rc,
                                  .text = act__span_of_text(ending->text)};
  act_rc rc = act__frame_put_down(out, &frame);
  (void)rc;  // a buffer that fails closes the link
  act__peer_end(peer, me);
}

// Ends one grant of this cell: what the peer can still be given home is given, the rest is ours again.
// False: there was none. Owner of the cell.
static bool end_one(struct act__remote *remote, act_cx *cx, struct act__cell *cell, uint32_t gen,
                    const struct act__ending *ending) {
  act__mutex_lock(&remote->lock);
  struct act__exported *exported = exported_at(remote, cell->slot, gen);
  struct act__link *first = exported ? exported->grants.next : NULL;
  if (!exported || first == &exported->grants) {
    if (exported) exported_free(remote, exported);
    act__mutex_unlock(&remote->lock);
    return false;
  }
  struct act__grant_record *record =
      ACT__CONTAINER_OF(first, struct act__grant_record, of_cell);
  struct act__peer_id link = record->link;
  struct act__credit consumed = record->grant.consumed;
  struct act__credit released = act__grant_end(&exported->grantor, &record->grant);
  record_free(record);
  act__mutex_unlock(&remote->lock);
  if (released.messages || released.units) {
    act__cell_release(remote->system, cx->me, cell, released.messages, released.units);
  }
  send_credit(remote, link, cell->slot, gen, consumed, cx->me);
  send_down(remote, link, cell, ending, cx->me);
  return true;
}

void act__remote_cell_down(struct act__system *system, act_cx *cx, struct act__cell *cell,
                           const struct act__ending *ending) {
  struct act__remote *remote = system->remote;
  if (!remote) return;
  // acq_rel [granted]: pairs with the swap in add_record.
  if (act__fetch_and_acq_rel(&cell->granted, 0) == 0) return;
  uint32_t gen = act__mailbox_generation(&cell->mailbox);
  while (end_one(remote, cx, cell, gen, ending)) {
  }
}

void act__grants_end(struct act__remote *remote, struct act__far *far, struct act__worker *me) {
  act__mutex_lock(&remote->lock);
  while (!act__list_is_empty(&far->grants)) {
    struct act__grant_record *record =
        ACT__CONTAINER_OF(far->grants.next, struct act__grant_record, of_far);
    struct act__exported *exported = record->exported;
    struct act__cell *cell = exported->cell;
    struct act__credit released = act__grant_end(&exported->grantor, &record->grant);
    record_free(record);
    if (act__list_is_empty(&exported->grants)) exported_free(remote, exported);
    give_back(remote, cell, released, me);
  }
  act__mutex_unlock(&remote->lock);
}
