// SPDX-License-Identifier: Apache-2.0
//
// The reference model of supervision: what one_for_one trees may do, told a second time without the
// product's code. It is an observer. The story reports what leaves do and suffer (begin, come up, end
// by themselves, are stopped), and the model says whether a correct tree could have done that.
//
// It knows the moment of an event only within SLACK_NS, since a supervisor hears of it a few turns
// later. Where a decision hangs on less than that (is this restart still inside the window?), the
// model gives up on this run (vague) instead of guessing.
#ifndef TROUPE_TESTS_SIM_SUP_MODEL_H
#define TROUPE_TESTS_SIM_SUP_MODEL_H

#include "tests/sim/story.h"

#define MODEL_SLACK_NS (INT64_C(20) * 1000000)
#define MODEL_RESTARTS 64

enum node_state { NODE_OFF, NODE_DUE, NODE_STARTING, NODE_UP };

struct node {
  struct node *parent;
  struct node **kids;          // a leaf has none
  unsigned nkids, index;
  enum act_restart restart;
  act_sup rule;                // of a supervisor
  char id[16];

  enum node_state state;
  int64_t due_low, due_high;   // DUE: begins between these
  int64_t up_ns;
  uint32_t delay_ms;           // the next back-off, before jitter
  unsigned next;               // supervisor: the kid that its start waits for
  int64_t restarts[MODEL_RESTARTS];
  unsigned nrestarts;
  bool ending;                 // supervisor: gave up; its kids are being stopped
  int64_t ending_ns;
};

struct model {
  struct story_run *run;
  struct node **nodes;         // all of them, the root first
  unsigned count;
  bool vague, closing;
};

void model_start(struct model *model, int64_t now_ns);  // the tree was asked to start
void model_begins(struct model *model, struct node *leaf, int64_t now_ns);
void model_up(struct model *model, struct node *leaf, int64_t now_ns);
void model_ends(struct model *model, struct node *leaf, act_reason reason, int64_t now_ns);
void model_stopped(struct model *model, struct node *leaf, int64_t now_ns);
void model_closes(struct model *model);  // the whole tree is being stopped from outside
// Everything that was due has happened. Between events, and at the end.
void model_check_overdue(struct model *model, int64_t now_ns);
// The highest supervisor above `node` that is on its way down; NULL: none.
struct node *model_who_ends(struct model *model, struct node *node);
unsigned model_running(const struct node *node);  // leaves below

#endif
