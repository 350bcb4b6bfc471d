#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The word index as a program: real processes, real kills, against find, grep, sort and uniq.

Usage: end_to_end_test.py PROGRAM [unittest arguments]

Worker processes inherit the program's standard output, so its pipe ends only when all of them are
gone: reading to the end, with a deadline, is the check that no process is left. ACT_TEST_LONG=1 adds
the file of 1 GiB.
"""

import os
import pty
import random
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

PROGRAM = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else None
DEADLINE = 120
LAST_LINE = re.compile(
    r"demo: files=(?P<files>\d+) bytes=(?P<bytes>\d+) identifiers=(?P<identifiers>\d+) "
    r"distinct=(?P<distinct>\d+) long=(?P<long>\d+) skipped=(?P<skipped>\d+) "
    r"workers=(?P<workers>\d+) killed=(?P<killed>\d+) restarts=(?P<restarts>\d+) "
    r"redone=(?P<redone>\d+) verified=(?P<verified>yes|no) seconds=(?P<seconds>\d+\.\d+)")
PIPELINE = r"""
LC_ALL=C; export LC_ALL
find "$@" -type f -print0 2>/dev/null |
  xargs -0 -r grep -ohaE '[A-Za-z_][A-Za-z0-9_]*' 2>/dev/null |
  awk 'length($0) <= 255' | sort | uniq -c | awk '{ print $1 "\t" $2 }'
"""


class Run:
    """One finished run: code, out, err, max_rss, seconds, and the fields of the last line."""

    def __init__(self, *args, cwd=None):
        began = time.monotonic()
        process = subprocess.Popen([PROGRAM, *args], stdin=subprocess.DEVNULL, cwd=cwd,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            out, err = process.communicate(timeout=DEADLINE)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise AssertionError("still running, or a process left:\n%r\n%r" % (out, err))
        self.code, self.seconds = process.returncode, time.monotonic() - began
        self.out, self.err = out.decode("utf-8"), err.decode("utf-8", "replace")
        match = LAST_LINE.fullmatch((self.out.splitlines() or [""])[-1])
        for name, value in (match.groupdict() if match else {}).items():
            setattr(self, name, int(value) if value.isdigit() else value)
        self.has_last_line = match is not None

    def __str__(self):
        return "exit %d\n%s\n%s" % (self.code, self.out[-4000:], self.err[-4000:])


def pipeline(*folders, cwd=None):
    return subprocess.run(["sh", "-c", PIPELINE, "sh", *folders], stdout=subprocess.PIPE, cwd=cwd,
                          check=True).stdout


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


def plain_tree(root, files, seed=1, size=4000):
    """A folder of C-like files with a few thousand distinct identifiers."""
    rng = random.Random(seed)
    names = ["name_%d" % (i * 7919) for i in range(3000)]
    for i in range(files):
        words = rng.choices(names, k=rng.randrange(1, size // 8))
        write("%s/d%d/f%d.c" % (root, i % 7, i), " ".join(words).encode())


class WordIndexTest(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp(dir=os.environ.get("TEST_TMPDIR"))
        self.tree = os.path.join(self.root, "tree")
        self.dump = os.path.join(self.root, "dump")
        os.mkdir(self.tree)

    def tearDown(self):
        subprocess.run(["chmod", "-R", "u+rwx", self.root], check=False)
        shutil.rmtree(self.root)

    def check(self, run, verified="yes"):
        self.assertTrue(run.has_last_line, str(run))
        self.assertEqual(run.verified, verified, str(run))
        self.assertEqual(run.code, 0 if verified == "yes" else 1, str(run))

    def check_dump(self, *folders, cwd=None):
        with open(self.dump, "rb") as file:
            dump = file.read()
        expected = pipeline(*folders, cwd=cwd)
        if dump != expected:  # assertEqual would print both
            ours, theirs = set(dump.splitlines()), set(expected.splitlines())
            self.fail("dump differs: %r, expected %r" % (sorted(ours - theirs)[:10],
                                                         sorted(theirs - ours)[:10]))

    def test_nasty_trees_are_counted_exactly(self):
        tree = self.tree
        slice_bytes = 256 * 1024
        write(tree + "/empty", b"")
        write(tree + "/one", b"x")
        write(tree + "/new\nline\n", b"inside_new_line")
        write(tree + "/-n", b"option_name")
        write(tree + "/\xc3\xa9\x1b[2J.c".encode("latin-1").decode("latin-1"), b"odd_name")
        write(tree + "/a b/'q\"/c", b"quoted path")
        write(tree + "/binary", bytes(range(256)) * 50 + b"a\0b\0\0c\xff_d")
        write(tree + "/no_newline", b"first\nsecond\r\nthird")
        write(tree + "/l255", b"L" * 255 + b" " + b"9" + b"M" * 255)
        write(tree + "/l256", b"N" * 256 + b"\n" + b"O" * 100000)
        write(tree + "/digits", b"0x1F 1e10 12345 9_a _9 __ 0b")
        # Identifiers across every place where a reading or counting buffer could end.
        for cut in (4096, 16384, 65536, slice_bytes, 2 * slice_bytes):
            for shift in (0, 1, 3):
                filler = b" " * (cut - 5 + shift)
                write(tree + "/cut%d_%d" % (cut, shift), filler + b"straddling_%d" % cut + b" end")
        write(tree + "/cut_long", b" " * (slice_bytes - 128) + b"P" * 256 + b" " + b"Q" * 255)
        # More distinct identifiers than a worker holds.
        write(tree + "/distinct", b"\n".join(b"d%d" % (i * 31) for i in range(120000)))
        deep = tree + "/deep" + "/d" * 150
        write(deep + "/bottom", b"at_the_bottom")
        write(tree + "/deep/d/behind", b"behind")
        os.symlink("one", tree + "/link")
        os.symlink("..", tree + "/up")
        os.symlink("nowhere", tree + "/dangling")
        os.symlink("loop", tree + "/loop")
        os.mkfifo(tree + "/fifo")
        with socket.socket(socket.AF_UNIX) as unix:
            here = os.getcwd()
            os.chdir(tree)
            unix.bind("socket")
            os.chdir(here)
        write(tree + "/hard", b"hard_link")
        os.link(tree + "/hard", tree + "/hard2")
        unreadable = 0
        if os.geteuid() != 0:
            write(tree + "/closed", b"closed")
            os.chmod(tree + "/closed", 0)
            write(tree + "/closed_folder/x", b"x")
            os.chmod(tree + "/closed_folder", 0)
            unreadable = 2

        run = Run("--dump", self.dump, tree, tree + "/deep", "/dev/null")

        self.check(run)
        self.assertEqual(run.killed, 2)
        self.assertGreaterEqual(run.restarts, 2)
        self.assertGreaterEqual(run.redone, 2)
        self.assertEqual(run.skipped, 7 + unreadable, str(run))
        self.assertEqual(run.long, 3, str(run))
        for reason in ("FIFO", "socket", "device", "symbolic link to nothing",
                       "symbolic link in a loop", "symbolic link, not followed"):
            self.assertIn(reason, run.out)
        self.check_dump(tree, tree + "/deep", "/dev/null")
        with open(self.dump, "rb") as file:
            lines = file.read().splitlines()
        self.assertEqual(run.distinct, len(lines))
        self.assertEqual(run.identifiers, sum(int(line.split(b"\t")[0]) for line in lines))

    def test_relative_folders_and_a_single_file(self):
        plain_tree(self.tree, 5)
        run = Run("--kill", "0", "--dump", self.dump, "tree/d1", "tree//", "tree/d0/f0.c",
                  cwd=self.root)
        self.check(run)
        self.assertEqual(run.files, 7)
        self.check_dump("tree/d1", "tree//", "tree/d0/f0.c", cwd=self.root)

    def test_kills_are_real_shown_and_survived(self):
        plain_tree(self.tree, 400)
        run = Run("--workers", "8", "--kill", "9", "--seed", "7", "--dump", self.dump, self.tree)
        self.check(run)
        self.assertEqual((run.files, run.workers, run.killed), (400, 8, 9), str(run))
        self.assertGreaterEqual(run.restarts, 9)
        self.assertGreaterEqual(run.redone, 9)
        kills = re.findall(r"^kill: worker (\d) \(pid (\d+)\) held (.*)$", run.out, re.M)
        backs = re.findall(r"^restart: worker (\d) \(pid (\d+)\) is back$", run.out, re.M)
        again = re.findall(r"^again: worker \d \(pid \d+\) is handed (.*)$", run.out, re.M)
        self.assertEqual(len(kills), 9, str(run))
        self.assertEqual(len({pid for _, pid, _ in kills}), 9)
        self.assertFalse({pid for _, pid, _ in kills} & {pid for _, pid in backs[-1:]})
        self.assertEqual(len(backs), run.restarts)
        for _, _, path in kills:
            self.assertIn(path, again)
        self.check_dump(self.tree)

    def test_one_worker_and_one_file_survive_all_kills(self):
        write(self.tree + "/only", b"a b c a")
        run = Run("--workers", "1", "--kill", "5", self.tree)
        self.check(run)
        self.assertEqual((run.files, run.identifiers, run.killed, run.redone), (1, 4, 5, 5), str(run))
        self.assertGreaterEqual(run.restarts, 5)

    def test_an_empty_folder_ends_without_a_kill(self):
        run = Run(self.tree)
        self.check(run)
        self.assertEqual((run.files, run.killed), (0, 0))
        self.assertIn("only 0 of 2", run.out)

    def test_a_file_that_takes_three_workers_down_is_skipped_and_named(self):
        plain_tree(self.tree, 30)
        write(self.tree + "/d0/deadly.c", b"never_counted")
        run = Run("--kill", "0", "--deadly", "deadly.c", "--dump", self.dump, self.tree)
        self.check(run)
        self.assertEqual((run.files, run.skipped, run.killed, run.redone), (30, 1, 0, 2), str(run))
        self.assertGreaterEqual(run.restarts, 3)
        self.assertIn("three workers down\n      %s/d0/deadly.c" % self.tree, run.out)
        os.remove(self.tree + "/d0/deadly.c")
        self.check_dump(self.tree)

    def test_a_folder_that_does_not_exist_is_exit_2(self):
        run = Run("--dump", self.dump, self.tree, self.tree + "/missing")
        self.assertEqual(run.code, 2, str(run))
        self.assertIn("missing: No such file or directory", run.err)
        self.assertEqual(run.out, "")
        self.assertFalse(os.path.exists(self.dump))

    def test_wrong_options_are_exit_2(self):
        for args in (["--workers", "0"], ["--kill", "x"], ["--nothing"]):
            self.assertEqual(Run(*args, self.tree).code, 2)

    def test_a_dump_that_cannot_be_written_is_an_error(self):
        self.assertEqual(Run("--dump", self.root + "/no/such", self.tree).code, 2)
        if os.path.exists("/dev/full"):
            plain_tree(self.tree, 5)
            self.assertEqual(Run("--kill", "0", "--dump", "/dev/full", self.tree).code, 1)

    def test_files_that_change_and_vanish_are_skipped_in_both_counts(self):
        plain_tree(self.tree, 300)
        ended = threading.Event()

        def meddle():
            rng = random.Random(3)
            while not ended.is_set():
                path = "%s/d%d/f%d.c" % (self.tree, rng.randrange(7), rng.randrange(300))
                if os.path.exists(path):
                    with open(path, "r+b") as file:
                        file.write(b"other%d " % rng.randrange(10))  # the same size
                write(self.tree + "/busy", b"w%d " % rng.randrange(10) * rng.randrange(50000))
                new = self.tree + "/d0/new%d" % rng.randrange(20)
                write(new, b"short_lived")
                os.remove(new)

        meddler = threading.Thread(target=meddle)
        meddler.start()
        try:
            for _ in range(3):
                self.check(Run("--kill", "1", self.tree))
        finally:
            ended.set()
            meddler.join()
        run = Run("--kill", "0", "--dump", self.dump, self.tree)
        self.check(run)
        self.check_dump(self.tree)

    def test_memory_does_not_grow_with_the_number_of_files(self):
        rng = random.Random(5)
        for part in range(20):
            write(self.tree + "/copy0/part%d" % part, b"\n".join(
                b"identifier_number_%d" % (31 * i) for i in range(part, 200000, 20)))
        for i in range(300):
            write(self.tree + "/copy0/f%d" % i, b" ".join(
                b"identifier_number_%d" % (31 * rng.randrange(200000)) for _ in range(2000)))
        for i in range(1, 10):
            shutil.copytree(self.tree + "/copy0", self.tree + "/copy%d" % i)

        def peak(*folders):
            with open(os.devnull, "wb") as null:
                pid = os.posix_spawn(PROGRAM, [PROGRAM, "--kill", "0", *folders], os.environ,
                                     file_actions=[(os.POSIX_SPAWN_DUP2, null.fileno(), 1)])
            _, status, usage = os.wait4(pid, 0)
            self.assertEqual(status, 0)
            return usage.ru_maxrss

        one = peak(self.tree + "/copy0")
        ten = peak(self.tree)
        self.assertLessEqual(ten, 1.1 * one, "%d KiB for one copy, %d for ten" % (one, ten))

    def test_a_large_file_is_counted_in_bounded_memory(self):
        is_long = bool(os.environ.get("ACT_TEST_LONG"))
        size = (1024 if is_long else 48) << 20
        with open(self.tree + "/large", "wb") as file:
            block = b"the quick brown fox jumps over the lazy dog\n" * 1000
            while file.tell() < size:
                file.write(block)
            if is_long:  # longer than any deadline but its own
                file.truncate(4 * size)
        run = Run("--kill", "1", self.tree)
        self.check(run)
        self.assertEqual((run.files, run.distinct, run.killed), (1, 8, 1), str(run))
        self.assertEqual((run.restarts, run.redone), (1, 1), str(run))
        self.assertEqual(run.bytes, os.path.getsize(self.tree + "/large"))

    def interrupt(self, send):
        """Starts a long run, sends a signal once it works, and gives the process and its time."""
        with open(self.tree + "/sparse", "wb") as file:
            file.truncate(64 << 30)
        plain_tree(self.tree, 50)
        process = subprocess.Popen([PROGRAM, "--kill", "1", self.tree], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, start_new_session=True)
        self.addCleanup(process.kill)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        seen = b""
        while b"restart:" not in seen:
            self.assertTrue(select.select([process.stdout], [], [], DEADLINE)[0], "nothing printed")
            piece = os.read(process.stdout.fileno(), 4096)
            self.assertTrue(piece, seen)
            seen += piece
        began = time.monotonic()
        send(process)
        out, err = process.communicate(timeout=DEADLINE)  # ends when all processes are gone
        return process.returncode, time.monotonic() - began, out, err

    def test_ctrl_c_stops_everything_within_a_second(self):
        # A terminal sends it to the whole group: workers must leave it to the coordinator.
        code, seconds, out, err = self.interrupt(lambda p: os.killpg(p.pid, signal.SIGINT))
        self.assertEqual(code, 130, (out, err))
        self.assertLess(seconds, 1.0)
        self.assertIn(b"interrupted", out)
        self.assertNotIn(b"verified", out)

    def test_ctrl_c_while_the_workers_start_is_an_ordered_stop_too(self):
        process = subprocess.Popen([PROGRAM, "--workers", "20", self.tree], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        is_caught = False
        while not is_caught:
            with open("/proc/%d/status" % process.pid) as status:
                caught = re.search(r"^SigCgt:\s*(\w+)$", status.read(), re.M).group(1)
            is_caught = int(caught, 16) >> (signal.SIGINT - 1) & 1
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        out, err = process.communicate(timeout=DEADLINE)
        self.assertEqual(process.returncode, 130, (out, err))
        self.assertLess(time.monotonic() - began, 1.0)

    def test_no_worker_outlives_a_killed_coordinator(self):
        code, seconds, _, _ = self.interrupt(lambda p: p.kill())
        self.assertEqual(code, -signal.SIGKILL)
        self.assertLess(seconds, 5.0)

    def test_a_terminal_gets_a_progress_line(self):
        with open(self.tree + "/sparse", "wb") as file:
            file.truncate(512 << 20)
        terminal, other = pty.openpty()
        process = subprocess.Popen([PROGRAM, "--kill", "0", self.tree], stdout=subprocess.PIPE,
                                   stderr=other, stdin=subprocess.DEVNULL)
        os.close(other)
        seen = b""
        while True:
            try:
                piece = os.read(terminal, 4096)
            except OSError:  # all other ends are closed
                break
            seen += piece
        os.close(terminal)
        out, _ = process.communicate(timeout=DEADLINE)
        self.assertEqual(process.returncode, 0, out)
        self.assertRegex(seen.decode(), r"\r\d+ files  [\d.]+ MB/s  workers \d/3  restarts \d")


if __name__ == "__main__":
    unittest.main(verbosity=2)
