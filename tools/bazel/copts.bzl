# SPDX-License-Identifier: Apache-2.0
"""Compile options of every target of ours: copts = ACT_COPTS.

Only what C and C++ share stands here; the language standard and the warnings that only C has are in
.bazelrc (--conlyopt, --cxxopt), because copts reach both languages. Both compilers must be quiet.
"""

ACT_COPTS = [
    "-D_GNU_SOURCE",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wshadow",
    "-Wpointer-arith",
    "-Wwrite-strings",
    "-Wvla",
    "-Wformat=2",
    # Neighbouring fields that were written one by one and are then read as one vector stall the
    # processor: it cost a fifth of a send.
    "-fno-tree-slp-vectorize",
]
