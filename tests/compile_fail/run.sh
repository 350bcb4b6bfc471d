#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Mistakes that must not compile. Each case is one file: with -DMISTAKE it must fail and say what its
# head demands (one regular expression per compiler), without it must compile. Both compilers must
# be there: a check that did not run is not passed.
#
# Run from the root of the tree: tests/compile_fail/run.sh tests/compile_fail/cases/*.c
set -u
export LC_ALL=C

flags="-std=gnu11 -D_GNU_SOURCE -I. -Wall -Wextra -Werror -Wshadow -c -o /dev/null"
passed=0
failed=0

verdict() { # ok|FAILED text
  printf '%-6s %s\n' "$1" "$2"
  if [ "$1" = ok ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
}

check() { # compiler case
  local compiler=$1 case=$2 wanted output name
  name="$compiler: $(basename "$case" .c)"
  wanted=$(sed -n "s|^// $compiler: ||p" "$case")

  if output=$($compiler $flags "$case" 2>&1); then
    verdict ok "$name: the twin compiles"
  else
    verdict FAILED "$name: the twin does not compile"
    printf '%s\n' "$output" | head -20
  fi

  if output=$($compiler $flags -DMISTAKE "$case" 2>&1); then
    verdict FAILED "$name: the mistake compiles"
  elif [ -n "$wanted" ] && printf '%s\n' "$output" | grep -q -E "error: .*($wanted)"; then
    verdict ok "$name: $(printf '%s\n' "$output" | grep -o -m1 -E "error: .*($wanted)" | cut -c1-100)"
  else
    verdict FAILED "$name: refused, but not with \"$wanted\""
    printf '%s\n' "$output" | head -20
  fi
}

for compiler in gcc clang; do
  if ! command -v $compiler > /dev/null; then
    verdict FAILED "$compiler is not installed"
    continue
  fi
  for case in "$@"; do check $compiler "$case"; done
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
