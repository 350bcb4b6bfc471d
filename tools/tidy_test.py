#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Proves every check of tools/tidy: for each a small tree that violates it and is caught, and one
beside it that keeps the rule and passes. A check without a violating fixture fails the test."""

import importlib.machinery
import importlib.util
import os
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.realpath(__file__))
LOADER = importlib.machinery.SourceFileLoader("tidy", os.path.join(HERE, "tidy"))
tidy = importlib.util.module_from_spec(importlib.util.spec_from_loader("tidy", LOADER))
LOADER.exec_module(tidy)

SPDX = "// SPDX-License-Identifier: Apache-2.0\n"
HASH_SPDX = "# SPDX-License-Identifier: Apache-2.0\n"
BASE_X = {"base/x.h": SPDX}
NOTE = "TO" + "DO"

# check -> list of (what it shows, files). Each tree must give at least one finding of that check.
VIOLATIONS = {
    "allocation": [
        ("malloc in the product", {"runtime/a.c": "void *p(void) { return malloc(3); }"}),
        ("free in the product", {"mailbox/a.c": "void p(void *x) { free (x); }"}),
        ("strdup allocates too", {"actors/a.c": 'char *p(void) { return strdup("x"); }'}),
    ],
    "atomics": [
        ("a builtin", {"runtime/a.c": "int f(int *x) { return __atomic_load_n(x, 0); }"}),
        ("an old builtin", {"tests/a.c": "int f(int *x) { return __sync_fetch_and_add(x, 1); }"}),
        ("a C11 operation", {"base/a.c": "void f(int *x) { atomic_fetch_add(x, 1); }"}),
        ("the operation that is none",
         {"runtime/a.c": "void f(int *x) { atomic_signal_fence(0); }"}),
        ("the qualifier", {"actors/a.h": "struct a { _Atomic int x; };"}),
    ],
    "build_options": [
        ("a library without copts", {"base/BUILD": 'cc_library(\n    srcs = ["a.c"],\n)\n'}),
        ("a test without copts, after one with",
         {"tests/BUILD": 'cc_test(\n    copts = ACT_COPTS,\n)\ncc_test(\n    srcs = [name],\n)\n'}),
    ],
    "file_length": [
        ("one line too many", {"base/a.c": SPDX + "\n" * tidy.LENGTH_MAX}),
    ],
    "include_direction": [
        ("base includes mailbox", {"base/a.c": '#include "mailbox/b.h"'}),
        ("mailbox includes runtime", {"mailbox/a.c": '#include "runtime/b.h"'}),
        ("runtime includes actors", {"runtime/io/a.c": '  #  include "actors/b.h"'}),
        ("runtime includes the umbrella", {"runtime/a.c": "#include <troupe.h>"}),
        ("the product includes a test", {"actors/a.c": '#include "tests/support/b.h"'}),
        ("the product includes the model without its switch",
         {"base/a.h": '#ifdef OTHER\n#include "tests/model/b.h"\n#endif\n'}),
        ("the model's switch is closed again",
         {"base/a.h": '#ifdef ACT_MODEL\n#endif\n#include "tests/model/b.h"\n'}),
        ("an example includes a test", {"examples/a.c": '#include "tests/support/b.h"'}),
    ],
    "include_path": [
        ("beside the file", {"base/a.c": '#include "x.h"', **BASE_X}),
        ("with dots", {"mailbox/a.c": '#include "../base/x.h"', **BASE_X}),
        ("in angle brackets", {"mailbox/a.c": "#include <base/x.h>", **BASE_X}),
        ("not there", {"mailbox/a.c": '#include "base/gone.h"'}),
    ],
    "licence_line": [
        ("a C file", {"base/a.c": "int x;\n"}),
        ("too far down", {"base/a.c": "\n\n" + SPDX}),
        ("a BUILD file", {"base/BUILD": "# nothing\n"}),
        ("a script without ending", {"tools/a": "#!/bin/sh\nexit 0\n"}),
        ("another licence", {"base/a.c": "// SPDX-License-Identifier: MIT\n"}),
    ],
    "memory_order": [
        ("in the product", {"mailbox/a.c": "int o = memory_order_relaxed;"}),
        ("in a test", {"tests/stress/a.c": "int o = memory_order_seq_cst;"}),
    ],
    "msgpack": [
        ("in the runtime", {"runtime/a.c": "#include <msgpack.h>"}),
        ("in a codec's header", {"mailbox/codec.h": "#include <msgpack.h>"}),
        ("beside the codec", {"mailbox/scan.c": "#include <msgpack/pack.h>"}),
    ],
    "no_fence": [
        ("even where the atomics live", {"base/atomic.h": "void f(void) { atomic_thread_fence(0); }"}),
        ("the old builtin", {"base/a.c": "void f(void) { __sync_synchronize(); }"}),
    ],
    "no_sleep": [
        ("in a C test", {"tests/a.c": "void f(void) { usleep(10); }"}),
        ("in the product", {"runtime/a.c": "void f(void) { nanosleep(0, 0); }"}),
        ("through libuv", {"tests/b.c": "void f(void) { uv_sleep(10); }"}),
        ("in C++", {"tests/a.cc": "void f() { std::this_thread::sleep_for(x); }"}),
        ("in a shell test", {"tests/a.sh": "#!/bin/sh\nfoo; sleep 0.1\n"}),
        ("in a shell loop", {"tests/a": "#!/bin/sh\nwhile x; do sleep 1; done\n"}),
        ("in a Python test", {"tests/a.py": "import time\ntime.sleep(1)\n"}),
    ],
    "nothing_left": [
        ("in a comment", {"base/a.c": "// %s: later\n" % NOTE}),
        ("in a script", {"tools/a.py": "# FIX" + "ME\n"}),
    ],
    "public_headers": [
        ("not C99", {"base/buf.h": "_Static_assert(1, \"x\");\n"}),
        ("not C++", {"base/buf.h": "struct a { int class; };\n"}),
        ("a warning", {"base/log.h": "static int f(int x) { return 1; }\n"}),
        ("not complete alone", {"base/status.h": "size_t f(void);\n"}),
        ("no include guard", {"mailbox/address.h": "struct a { int x; };\n"}),
        ("a header behind it is not clean",
         {"actors/troupe.h": '#include "actors/a.h"\n', "actors/a.h": "struct a { };\n"}),
        ("shows stdatomic.h", {"base/buf.h": '#include "base/stdatomic.h"\nint f(void);\n',
                               "base/stdatomic.h": "int g(void);\n"}),
        ("shows uv.h", {"base/buf.h": '#include "base/uv.h"\n', "base/uv.h": "int g(void);\n"}),
        ("shows msgpack behind another header",
         {"mailbox/schema.h": '#include "mailbox/s.h"\n',
          "mailbox/s.h": '#include "mailbox/msgpack/pack.h"\n',
          "mailbox/msgpack/pack.h": "int g(void);\n"}),
    ],
    "stdatomic": [
        ("a second includer", {"base/pool.c": "#include <stdatomic.h>"}),
        ("in a test", {"tests/a.c": "#include <stdatomic.h>"}),
    ],
    "time_and_chance": [
        ("the clock", {"runtime/a.c": "void f(void) { clock_gettime(0, 0); }"}),
        ("the time", {"actors/a.c": "long f(void) { return time(NULL); }"}),
        ("libc's random", {"tests/a.c": "int f(void) { return rand(); }"}),
        ("the kernel's random", {"mailbox/a.c": "void f(void *x) { getrandom(x, 1, 0); }"}),
        ("libuv's time", {"runtime/io/a.c": "long f(void *l) { return uv_now(l); }"}),
    ],
    "unbounded_strings": [
        ("sprintf", {"base/a.c": 'void f(char *s) { sprintf(s, "x"); }'}),
        ("strcpy in an example", {"examples/a.c": 'void f(char *s) { strcpy(s, "x"); }'}),
    ],
    "uv": [
        ("in the scheduler", {"runtime/sched/a.c": "#include <uv.h>"}),
        ("in a test", {"tests/a.c": "#include <uv.h>"}),
        ("in base", {"base/thread.h": "#include <uv.h>"}),
    ],
}

# A tree that stands at the edge of every rule and keeps all of them.
CLEAN = {
    "BUILD": HASH_SPDX,
    "base/BUILD": HASH_SPDX + 'cc_library(\n    srcs = ["a.c"],\n    copts = ACT_COPTS,\n)\n'
                                 'cc_test(\n    name = "b",\n    deps = [":a"],\n)\n',
    "base/atomic.h": SPDX + "#ifdef ACT_MODEL\n#include \"tests/model/relacy_atomic.h\"\n#else\n"
                            "#include <stdatomic.h>\n"
                            "#define X atomic_load_explicit(o, memory_order_relaxed)\n#endif\n",
    "base/alloc.c": SPDX + "void *a(void) { return malloc(3); }\n",
    "base/clock.c": SPDX + "void a(void) { clock_gettime(0, 0); }\n",
    "base/status.h": SPDX + "#ifndef S\n#define S\nenum s { S_OK };\n#endif\n",
    "base/words.c": SPDX + "// malloc(), memory_order_relaxed, sleep(1), #include <uv.h>\n"
                           "/* atomic_thread_fence(x)\n time(NULL) */\n"
                           "const char *s = \"free(x) \\\" time(0)\"; char c = '\"';\n"
                           "int f(struct v *v) { return v->time(v) + v->free(v) + my_free(1); }\n"
                           "int act__time(int t);\nint g(void) { return act__malloc(2); }\n",
    "base/full.c": SPDX + "\n" * (tidy.LENGTH_MAX - 1),
    "mailbox/codec_read.c": SPDX + "#include <msgpack.h>\n#include \"base/status.h\"\n",
    "runtime/io/loop.c": SPDX + "#include <uv.h>\n",
    "actors/troupe.h": SPDX + "#ifndef T\n#define T\n#include \"base/status.h\"\n#endif\n",
    "examples/hello.c": SPDX + "#include <troupe.h>\nvoid f(void *x) { free(x); }\n"
                               "int g(int *x) { return __atomic_load_n(x, 0); }\n",
    "tests/model/model_run.h": SPDX + "void random(int n);\nvoid sleep(int n);\n",
    "tests/model/relacy_atomic.h": SPDX + "#define memory_order_x rl::mo_relaxed\n",
    "tests/a.sh": "#!/bin/sh\n" + HASH_SPDX + "# sleep 1 is not done\necho asleep 1\n",
    "tools/run": "#!/bin/sh\n" + HASH_SPDX,
    "docs/notes.txt": NOTE + "\n",
    "bazel-out/base/a.c": "memory_order_relaxed\n",
}


def findings(files, name):
    with tempfile.TemporaryDirectory() as folder:
        for path, text in files.items():
            full = os.path.join(folder, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w") as file:
                file.write(text)
        return list(tidy.CHECKS[name](tidy.Tree(folder)))


class TidyTest(unittest.TestCase):
    def test_every_check_has_a_fixture_that_violates_it(self):
        self.assertEqual(sorted(tidy.CHECKS), sorted(VIOLATIONS))

    def test_every_violation_is_found_once_where_it_is(self):
        for name, fixtures in VIOLATIONS.items():
            for what, files in fixtures:
                with self.subTest(check=name, what=what):
                    found = findings(files, name)
                    self.assertTrue(found, "not found")
                    for path, line, text in found:
                        self.assertIn(path, files)
                        self.assertGreaterEqual(line, 1)
                        if what.startswith("shows "):
                            self.assertRegex(text, "^shows ")

    def test_a_tree_that_keeps_the_rules_passes_every_check(self):
        for name in tidy.CHECKS:
            with self.subTest(check=name):
                self.assertEqual([], findings(CLEAN, name))

    def test_a_finding_names_the_line(self):
        found = findings({"base/a.c": SPDX + "\n/*\n*/ int o = memory_order_relaxed;\n"},
                         "memory_order")
        self.assertEqual([("base/a.c", 4)], [(path, line) for path, line, _ in found])

    def test_a_missing_compiler_is_a_finding(self):
        path = os.environ["PATH"]
        os.environ["PATH"] = "/nonexistent"
        try:
            self.assertTrue(findings(CLEAN, "public_headers"))
        finally:
            os.environ["PATH"] = path

    def test_the_exit_code_tells(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(2, tidy.main([folder]))
            os.makedirs(os.path.join(folder, "base"))
            with open(os.path.join(folder, "base", "a.c"), "w") as file:
                file.write(SPDX)
            self.assertEqual(0, tidy.main(["--only", "licence_line", folder]))
            with open(os.path.join(folder, "base", "new.c"), "w") as file:
                file.write("int x;\n")
            self.assertEqual(1, tidy.main(["--only", "licence_line", folder]))
            self.assertEqual(2, tidy.main(["--only", "no_such_check", folder]))


if __name__ == "__main__":
    unittest.main()
