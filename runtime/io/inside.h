// SPDX-License-Identifier: Apache-2.0
//
// What the files of runtime/io share with each other and with nobody else. It shows no uv.h: libuv's
// types are named by their tags only.
//
// Every libuv handle carries in `data` the address of an entry, so that the loop's end can close what
// its owners left open, each in its own way.
#ifndef TROUPE_RUNTIME_IO_INSIDE_H
#define TROUPE_RUNTIME_IO_INSIDE_H

#include "base/status.h"

struct act__loop;
struct uv_loop_s;

struct act__io_entry {
  void (*shut)(struct act__io_entry *entry);  // what the owner's close does; idempotent
};

struct uv_loop_s *act__loop_uv(struct act__loop *loop);

// libuv's codes (negative errno) as ours.
act_rc act__io_rc(int uv_code);

#endif
