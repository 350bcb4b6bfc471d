#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The command line of the story runner: what it lists, what it prints last, how it exits. The stories
# themselves run here over a few seeds, so that they also run under every sanitizer.
set -u

sim=$1
failures=0

check() { # description, condition's exit code
  if [ "$2" -eq 0 ]; then
    echo "ok: $1"
  else
    echo "FAILED: $1"
    failures=$((failures + 1))
  fi
}

line='^sim: story=[a-z]* seeds=[0-9]* first_seed=[0-9]* failed=[0-9]* trace=[0-9a-f]\{16\} seconds=[0-9.]*$'

for story in ask fair park supervisor; do
  "$sim" --list | grep -q "^$story "
  check "$story is listed" $?

  first=$("$sim" "$story" --seeds 40 --seed 7 | tail -n 1)
  echo "$first" | grep -q "$line"
  check "$story: the last line has its form" $?
  echo "$first" | grep -q "story=$story seeds=40 first_seed=7 failed=0 "
  check "$story: 40 seeds hold" $?

  again=$("$sim" "$story" --seeds 40 --seed 7 | tail -n 1)
  [ "${first% seconds=*}" = "${again% seconds=*}" ]
  check "$story: another process leaves the same trace" $?

  other=$("$sim" "$story" --seeds 40 --seed 8 | tail -n 1)
  [ "${first##*trace=}" != "${other##*trace=}" ]
  check "$story: other seeds leave another trace" $?
done

for wrong in "" "nonsense" "ask --seeds" "ask --seeds x" "ask --what 1"; do
  # shellcheck disable=SC2086
  "$sim" $wrong >/dev/null 2>&1
  [ $? -eq 2 ]
  check "wrong arguments exit with 2: '$wrong'" $?
done

[ "$failures" -eq 0 ]
