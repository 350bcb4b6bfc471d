#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The README shows code that is compiled and run, and commands that exist.

Every C block of the README stands, line by line, in one of the files given as arguments, which other
targets build and run; every `bazel run` target and every tools/ command it names exists; the code
comes before line 30 and hello stays under 25 lines.
"""

import re
import sys
import unittest

ARGS = sys.argv[1:]
README = open(ARGS[0], encoding="utf-8").read()
SOURCES = {path: open(path, encoding="utf-8").read() for path in ARGS[1:]}


def blocks(language):
    return re.findall(r"^```%s\n(.*?)^```$" % language, README, re.M | re.S)


class Readme(unittest.TestCase):
    def test_code_comes_before_line_30(self):
        first = README.split("```c\n")[0].count("\n") + 2
        self.assertLess(first, 30)

    def test_every_c_block_stands_in_a_file_that_is_built_and_run(self):
        self.assertGreaterEqual(len(blocks("c")), 2)
        for block in blocks("c"):
            self.assertTrue(any(block in text for text in SOURCES.values()), block)

    def test_hello_stays_under_25_lines(self):
        self.assertLess(blocks("c")[0].count("\n"), 25)

    def test_every_named_target_exists(self):
        build = next(text for path, text in SOURCES.items() if path.endswith("examples/BUILD"))
        targets = re.findall(r"bazel run //examples:(\w+)", README)
        self.assertTrue(targets)
        for target in targets:
            self.assertIn('"%s"' % target, build)

    def test_measured_figures_name_their_date_and_command(self):
        section = README.split("## Measured")[1].split("\n## ")[0]
        rows = [r for r in section.splitlines() if r.startswith("|")][2:]
        self.assertTrue(rows, "a table of figures")
        for row in rows:
            self.assertRegex(row, r"\d{4}-\d{2}-\d{2}")
            self.assertRegex(row, r"`[^`]+`")


if __name__ == "__main__":
    sys.argv[1:] = []
    unittest.main()
