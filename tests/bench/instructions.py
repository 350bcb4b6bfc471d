#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts instructions per message with valgrind and compares them with the budgets.

Instructions are counted exactly and repeatably, on a busy machine too, where times are not. What
both sizes of a run have in common (start, stop, set-up) falls out of the difference.

usage: instructions.py BENCH BUDGETS
"""

import re
import subprocess
import sys


def count(bench, workload, n):
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", bench, "--current",
               "--here", "--n", str(n), workload]
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                            universal_newlines=True)
    match = re.search(r"Collected : (\d+)", result.stdout)
    done = re.search(r"^workload=%s .* n=(\d+) .*ok=yes$" % workload, result.stdout, re.MULTILINE)
    if result.returncode != 0 or not match or not done:
        sys.exit("instructions: %s with n=%s:\n%s" % (workload, n, result.stdout))
    return int(match.group(1)), int(done.group(1))


def measure(bench, workload, smaller, larger):
    few, n_few = count(bench, workload, smaller)
    many, n_many = count(bench, workload, larger)
    return (many - few) / (n_many - n_few)


def main(bench, budgets):
    all_ok = True
    with open(budgets, encoding="utf-8") as file:
        rows = [line.split() for line in file if line.strip() and not line.startswith("#")]
    for name, workload, smaller, larger, budget in rows:
        per = measure(bench, workload, int(smaller), int(larger))
        ok = per <= float(budget)
        all_ok = all_ok and ok
        print("instructions name=%s per=%.0f budget=%s ok=%s" % (name, per, budget,
                                                                "yes" if ok else "no"), flush=True)
    return 0 if all_ok and rows else 1


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__.strip())
    sys.exit(main(*sys.argv[1:]))
