#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Proves that tools/gate and tools/mutants cannot call a failure a success."""

import contextlib
import importlib.machinery
import importlib.util
import io
import json
import os
import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True


def load(name):
    path = os.path.join(os.path.dirname(os.path.realpath(__file__)), name)
    loader = importlib.machinery.SourceFileLoader(name, path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


gate_tool = load("gate")
mutants_tool = load("mutants")

TWO_GOOD = """[==========] Running 2 test(s).
[ RUN      ] one_holds
[       OK ] one_holds
[ RUN      ] two_holds
[       OK ] two_holds
[  PASSED  ] 2 test(s).
"""
ONE_BAD = """[ RUN      ] one_holds
[       OK ] one_holds
[ RUN      ] two_holds
[  ERROR   ] --- 1 != 2
[  FAILED  ] two_holds
[  FAILED  ] 1 test(s), listed below:
[  FAILED  ] two_holds
"""
ONE_SKIPPED = """[ RUN      ] one_holds
[       OK ] one_holds
[ RUN      ] two_holds
[  SKIPPED ] two_holds
[  PASSED  ] 1 test(s).
"""
CRASHED = """[ RUN      ] one_holds
[       OK ] one_holds
[ RUN      ] two_holds
Segmentation fault
"""


def count(has_passed, status, text):
    gate = gate_tool.Gate(is_long=False)
    with contextlib.redirect_stdout(io.StringIO()):
        gate.count_cases("//x:y", has_passed, status, text)
    return gate.passed, len(gate.failures)


class Cases(unittest.TestCase):
    def test_each_case_counts(self):
        self.assertEqual((2, 0), count(True, "PASSED", TWO_GOOD))

    def test_a_failed_case_counts_once(self):
        self.assertEqual((1, 1), count(False, "FAILED", ONE_BAD))

    def test_a_skipped_case_is_a_failure_even_where_the_program_succeeds(self):
        self.assertEqual((1, 1), count(True, "PASSED", ONE_SKIPPED))
        self.assertEqual((0, 1), count(True, "PASSED", "OK (skipped=1)\n"))

    def test_the_case_that_crashed_is_a_failure(self):
        self.assertEqual((1, 1), count(False, "FAILED", CRASHED))

    def test_a_failure_after_good_cases_is_not_lost(self):
        self.assertEqual((2, 1), count(False, "FAILED", TWO_GOOD))
        self.assertEqual((2, 1), count(False, "TIMEOUT", TWO_GOOD))

    def test_a_program_without_cases_counts_as_one(self):
        self.assertEqual((1, 0), count(True, "PASSED", "fine\n"))
        self.assertEqual((0, 1), count(False, "TIMEOUT", ""))
        self.assertEqual((0, 1), count(False, "NO_STATUS", ""))


class Events(unittest.TestCase):
    def count(self, *events):
        gate = gate_tool.Gate(is_long=False)
        with contextlib.redirect_stdout(io.StringIO()):
            gate.count_events([json.dumps(event) for event in events] + ['{"id": {"cut'])
        return gate.passed, len(gate.failures)

    def completed(self, label, success):
        return {"id": {"targetCompleted": {"label": label}},
                "completed": {"success": True} if success else {}}

    def summary(self, label, status):
        return {"id": {"testSummary": {"label": label}}, "testSummary": {"overallStatus": status}}

    def test_cases_are_read_from_the_log(self):
        with tempfile.TemporaryDirectory() as folder:
            log = pathlib.Path(folder, "a log%41.txt")
            log.write_text(TWO_GOOD)
            result = {"id": {"testResult": {"label": "//x:y"}}, "testResult": {
                "testActionOutput": [{"name": "test.log", "uri": log.as_uri()}]}}
            self.assertEqual((2, 0), self.count(self.completed("//x:y", True), result,
                                                self.summary("//x:y", "PASSED")))

    def test_a_library_that_was_not_built_is_a_failure(self):
        self.assertEqual((0, 1), self.count(self.completed("//x:lib", False)))

    def test_a_test_that_was_not_built_is_one_failure(self):
        self.assertEqual((0, 1), self.count(self.completed("//x:y", False),
                                            self.summary("//x:y", "FAILED_TO_BUILD")))
        self.assertEqual((0, 1), self.count(self.completed("//x:y", True),
                                            self.summary("//x:y", "NO_STATUS")))

    def test_a_target_that_was_never_analysed_is_a_failure(self):
        aborted = {"id": {"targetCompleted": {"label": "//x:y"}},
                   "aborted": {"reason": "ANALYSIS_FAILURE"}}
        self.assertEqual((0, 1), self.count(aborted))


class Ends(unittest.TestCase):
    def main(self, stage):
        gate_tool.Gate.stage_gcc, kept = stage, gate_tool.Gate.stage_gcc
        out = io.StringIO()
        try:
            with contextlib.redirect_stdout(out):
                code = gate_tool.main(["--only", "gcc"])
        finally:
            gate_tool.Gate.stage_gcc = kept
        return code, out.getvalue().splitlines()[-1]

    def test_nothing_run_is_a_failure(self):
        self.assertEqual((1, "0 passed, 0 failed"), self.main(lambda gate: None))

    def test_all_good(self):
        self.assertEqual((0, "3 passed, 0 failed"), self.main(lambda gate: gate.ok(3)))

    def test_one_bad(self):
        self.assertEqual((1, "0 passed, 1 failed"), self.main(lambda gate: gate.fail("x")))

    def test_out_of_time_ends_the_command_and_has_no_exit_code(self):
        gate = gate_tool.Gate(is_long=False)
        gate.deadline = 0
        with contextlib.redirect_stdout(io.StringIO()):
            self.assertEqual((None, ""), gate.run(["sh", "-c", "read forever < /dev/zero"]))


class Mutants(unittest.TestCase):
    def read(self, text):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(text)
            file.flush()
            mutants_tool.LIST = file.name
            return mutants_tool.read_list()

    def test_a_list_is_read(self):
        mutants = self.read("# note\n\nACT_MUTANT_A\t//x:y --config=tsan\tbreaks it\n"
                            "ACT_MUTANT_B\tsim story --seeds 5\tbreaks that\n")
        self.assertEqual([["//x:y", "--config=tsan"], ["sim", "story", "--seeds", "5"]],
                         [mutant.check for mutant in mutants])

    def test_a_malformed_line_is_refused(self):
        for text in ("ACT_MUTANT_A //x:y breaks\n", "MUTANT\t//x:y\tbreaks\n",
                     "ACT_MUTANT_A\trm -rf\tbreaks\n",
                     "ACT_MUTANT_A\t//x:y\tb\nACT_MUTANT_A\t//x:y\tb\n"):
            self.assertIsInstance(self.read(text), str)

    def test_what_sees_a_switch_is_rebuilt_and_nothing_else(self):
        sources = {"base/a.h": "#ifdef ACT_MUTANT_A\n#endif\n", "base/b.h": '#include "base/a.h"\n',
                   "base/b.c": '#include "base/b.h"\n', "base/c.c": "#ifdef ACT_MUTANT_AB\n"}
        self.assertEqual(["base/b.c"], mutants_tool.files_to_rebuild(sources, "ACT_MUTANT_A"))
        self.assertEqual([], mutants_tool.files_to_rebuild(sources, "ACT_MUTANT_NONE"))


if __name__ == "__main__":
    unittest.main()
