#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turns what gcov counted into lcov tracefiles, for `bazel coverage`.

Bazel calls this twice. After each test with --coverage_dir: the folder holds the test's counters
(.gcda) and, beside them, the compiler's notes (.gcno); gcov is asked for JSON file by file, on its
standard output, because files of its own would overwrite each other where base names are equal. At
the end with --reports_file, a list of the per-test reports, which are added up.

Only the project's own files are kept, and not its tests: a path that is absolute or in external/ is
somebody else's.
"""

import json
import os
import subprocess
import sys


class Counts:
    """Execution counts of lines and functions, per source file."""

    def __init__(self):
        self.lines = {}      # path -> {line: count}
        self.functions = {}  # path -> {name: (line, count)}

    def add_line(self, path, line, count):
        lines = self.lines.setdefault(path, {})
        lines[line] = lines.get(line, 0) + count

    def add_function(self, path, name, line, count):
        functions = self.functions.setdefault(path, {})
        functions[name] = (line, functions.get(name, (line, 0))[1] + count)

    def add_gcov(self, document):
        for entry in document["files"]:
            path = entry["file"]
            if path.startswith("/proc/self/cwd/"):
                path = path[len("/proc/self/cwd/"):]
            if os.path.isabs(path) or path.startswith(("external/", "tests/")):
                continue
            for line in entry["lines"]:
                self.add_line(path, line["line_number"], line["count"])
            for function in entry["functions"]:
                self.add_function(path, function["name"], function["start_line"],
                                  function["execution_count"])

    def add_lcov(self, text):
        path = None
        starts = {}
        for record in text.splitlines():
            key, _, rest = record.partition(":")
            if key == "SF":
                path, starts = rest, {}
            elif key == "FN":
                line, name = rest.split(",", 1)
                starts[name] = int(line)
            elif key == "FNDA":
                count, name = rest.split(",", 1)
                self.add_function(path, name, starts.get(name, 0), int(count))
            elif key == "DA":
                line, count = rest.split(",")[:2]
                self.add_line(path, int(line), int(count))

    def lcov(self):
        out = []
        for path in sorted(set(self.lines) | set(self.functions)):
            functions = self.functions.get(path, {})
            lines = self.lines.get(path, {})
            out.append("SF:" + path)
            out += ["FN:%d,%s" % (functions[name][0], name) for name in sorted(functions)]
            out += ["FNDA:%d,%s" % (functions[name][1], name) for name in sorted(functions)]
            out.append("FNF:%d" % len(functions))
            out.append("FNH:%d" % sum(1 for _, count in functions.values() if count))
            out += ["DA:%d,%d" % (line, lines[line]) for line in sorted(lines)]
            out.append("LH:%d" % sum(1 for count in lines.values() if count))
            out.append("LF:%d" % len(lines))
            out.append("end_of_record")
        return "".join(line + "\n" for line in out)


def read_coverage_dir(counts, folder):
    gcov = os.environ.get("COVERAGE_GCOV_PATH") or "gcov"
    root = os.environ.get("ROOT") or os.getcwd()
    for parent, _, names in os.walk(folder):
        for name in sorted(names):
            if not name.endswith(".gcda"):
                continue
            counters = os.path.join(parent, name)
            notes = counters[:-len(".gcda")] + ".gcno"
            if not os.path.exists(notes):
                origin = os.path.join(root, os.path.relpath(notes, folder))
                if not os.path.exists(origin):
                    continue
                os.symlink(origin, notes)
            answer = subprocess.run([gcov, "--json-format", "--stdout", counters],
                                    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
            for document in answer.stdout.decode().splitlines():
                if document.startswith("{"):
                    counts.add_gcov(json.loads(document))


def main(arguments):
    options = dict(word.lstrip("-").split("=", 1) for word in arguments if "=" in word)
    counts = Counts()
    if "coverage_dir" in options:
        read_coverage_dir(counts, options["coverage_dir"])
    if "reports_file" in options:
        with open(options["reports_file"]) as listing:
            for report in listing.read().split():
                with open(report) as text:
                    counts.add_lcov(text.read())
    with open(options["output_file"], "w") as out:
        out.write(counts.lcov())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
