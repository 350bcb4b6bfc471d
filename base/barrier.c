// SPDX-License-Identifier: Apache-2.0
#include "base/barrier.h"

#include <unistd.h>

#ifdef __linux__
#include <linux/membarrier.h>
#include <sys/syscall.h>

static bool ask(int command) {
  return syscall(SYS_membarrier, command, 0, 0) == 0;
}

bool act__barrier_available(void) {
  return ask(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
}

bool act__barrier_heavy(void) {
  if (ask(MEMBARRIER_CMD_PRIVATE_EXPEDITED)) return true;
  // A program that was frozen and thawed elsewhere is no longer known there.
  return act__barrier_available() && ask(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
}
#else
bool act__barrier_available(void) {
  return false;
}

bool act__barrier_heavy(void) {
  return false;
}
#endif
