#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs every workload with small sizes: each must say ok=yes, and each line must be as promised.

usage: bench_test.py BENCH
"""

import re
import subprocess
import sys

NUMBER = r"-?[0-9.]+(?:e[+-]?[0-9]+)?"
EXTRAS = r"(?: [a-z0-9_]+=%s)*" % NUMBER
RUN = re.compile(r"workload=(?P<name>\w+) workers=(?P<workers>\d+) n=\d+ seconds=[\d.]+ rate=\d+/s "
                 r"ns_per=[\d.]+" + EXTRAS + r" cpu=[\d.]+ others=[\d.]+ dispatch_ns=[\d.]+ ok=yes")
MEDIAN = re.compile(r"median workload=(?P<name>\w+) workers=(?P<workers>\d+) rate=\d+/s "
                    r"ns_per=[\d.]+ floor_ratio=[\d.]+ ok=yes")
MEDIANS = re.compile(r"medians workload=(?P<name>\w+) workers=(?P<workers>\d+)" + EXTRAS)
SPEEDUP = re.compile(r"speedup workload=(?P<name>\w+) two_over_one=[\d.]+")
FLOOR = re.compile(r"floor dispatch_ns=[\d.]+ mpsc_ns=[\d.]+ wake_us=[\d.]+")
GROWTH = re.compile(r"growth series=(?P<name>\w+) x=\d+ workers=1 ns_per=[\d.]+ floor_ratio=[\d.]+ "
                    r"ok=yes")

WORKLOADS = ["pingpong", "stream", "fanin", "ring", "skynet", "idle", "idle_quiet", "big", "chameneos",
             "ask", "timers", "blocking", "latency", "parallel", "overload", "fairness"]
EXIT_USAGE = 2


def run(*arguments):
    result = subprocess.run([sys.argv[1], *arguments], stdout=subprocess.PIPE, check=False,
                            universal_newlines=True)
    return result.returncode, result.stdout.splitlines()


def check(condition, text):
    if not condition:
        sys.exit("bench_test: " + text)


def check_all():
    code, listing = run("--list")
    rows = [line.split() for line in listing]
    names = [row[0] for row in rows if row[0] not in ("floor", "growth")]
    groups = {row[1] for row in rows}
    check(code == 0 and set(WORKLOADS) <= groups, "--list lacks one: %s" % groups)
    runs = 2
    code, lines = run("--quick", "--runs", str(runs), "all")
    check(code == 0, "exit %s:\n%s" % (code, "\n".join(lines)))
    seen = {RUN: [], MEDIAN: [], MEDIANS: [], SPEEDUP: []}
    check(lines and FLOOR.fullmatch(lines.pop()), "the last line is not the floor's")
    for line in lines:
        kind, match = next(((k, k.fullmatch(line)) for k in seen if k.fullmatch(line)), (None, None))
        check(match, "an unknown line: " + line)
        seen[kind].append((match.group("name"), match.groupdict().get("workers")))
    wanted = sorted((name, workers) for name in names for workers in ("1", "2"))
    check(sorted(seen[RUN]) == sorted(wanted * runs), "runs: %s" % seen[RUN])
    check(sorted(seen[MEDIAN]) == wanted, "medians: %s" % seen[MEDIAN])
    check(sorted(name for name, _ in seen[SPEEDUP]) == sorted(names), "speedups")


def check_choice():
    code, lines = run("--quick", "--runs", "1", "--workers", "1", "ask")
    names = [RUN.fullmatch(line).group("name") for line in lines if line.startswith("workload=")]
    check(code == 0 and names == ["ask", "ask64"], "a group names its workloads: %s" % names)
    for wrong in (["nosuch"], ["--runs", "0", "ring"], ["--nosuch"], []):
        check(run(*wrong)[0] == EXIT_USAGE, "%s should be refused" % wrong)


def check_growth():
    code, lines = run("--quick", "--runs", "1", "growth")
    check(code == 0 and lines and FLOOR.fullmatch(lines.pop()), "growth: exit %s" % code)
    for line in lines:
        check(GROWTH.fullmatch(line), "an unknown line: " + line)
    names = {GROWTH.fullmatch(line).group("name") for line in lines}
    check(names == {"actors", "payload", "senders"}, "series: %s" % names)


check_all()
check_choice()
check_growth()
