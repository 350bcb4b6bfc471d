#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Runs an example and compares its standard output with what is expected; its log goes to ours. The
# exit code is 0, and no process of it is left.
set -eu
program=$1
expected=$2
out=${TEST_TMPDIR:-/tmp}/out
status=0
timeout 60 "$program" >"$out" || status=$?
if [ "$status" -ne 0 ]; then
  echo "$program: exit code $status"
  cat "$out"
  exit 1
fi
diff -u "$expected" "$out"
if pgrep -f "^$program" >/dev/null 2>&1; then
  echo "$program: a process is left"
  exit 1
fi
