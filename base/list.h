// SPDX-License-Identifier: Apache-2.0
//
// Intrusive circular doubly linked list. The head is a link like the others; an unlinked node
// points at itself, so removing twice is harmless and "is it in a list" needs no flag. One thread
// at a time.
#ifndef TROUPE_BASE_LIST_H
#define TROUPE_BASE_LIST_H

#include <stdbool.h>

struct act__link {
  struct act__link *next, *prev;
};

static inline void act__list_init(struct act__link *head) {
  head->next = head->prev = head;
}

static inline bool act__list_is_empty(const struct act__link *head) {
  return head->next == head;
}

static inline bool act__link_is_linked(const struct act__link *node) {
  return node->next != node;
}

static inline void act__list_insert_after(struct act__link *where, struct act__link *node) {
  node->prev = where;
  node->next = where->next;
  where->next->prev = node;
  where->next = node;
}

static inline void act__list_push_front(struct act__link *head, struct act__link *node) {
  act__list_insert_after(head, node);
}

static inline void act__list_push_back(struct act__link *head, struct act__link *node) {
  act__list_insert_after(head->prev, node);
}

static inline void act__list_remove(struct act__link *node) {
  node->prev->next = node->next;
  node->next->prev = node->prev;
  act__list_init(node);
}

// NULL when empty.
static inline struct act__link *act__list_pop_front(struct act__link *head) {
  if (act__list_is_empty(head)) return 0;
  struct act__link *node = head->next;
  act__list_remove(node);
  return node;
}

static inline struct act__link *act__list_pop_back(struct act__link *head) {
  if (act__list_is_empty(head)) return 0;
  struct act__link *node = head->prev;
  act__list_remove(node);
  return node;
}

// Moves every node of `from` to the end of `to`; `from` is empty afterwards.
static inline void act__list_splice_back(struct act__link *to, struct act__link *from) {
  if (act__list_is_empty(from)) return;
  from->next->prev = to->prev;
  to->prev->next = from->next;
  from->prev->next = to;
  to->prev = from->prev;
  act__list_init(from);
}

#endif
