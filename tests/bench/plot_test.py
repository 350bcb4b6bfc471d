#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The table and the picture hold every point, and the picture is well-formed.

usage: plot_test.py PLOT
"""

import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

LINES = """growth series=actors x=10 workers=1 ns_per=40.25 floor_ratio=5.03 ok=yes
growth series=actors x=1000000 workers=1 ns_per=200.00 floor_ratio=25.00 ok=yes
growth series=payload x=0 workers=1 ns_per=41.00 floor_ratio=5.10 ok=yes
growth series=payload x=64 workers=1 ns_per=1.00 floor_ratio=5.10 ok=no
floor dispatch_ns=8.00 mpsc_ns=20.00 wake_us=25.00
"""

with tempfile.TemporaryDirectory() as folder:
    subprocess.run([sys.executable, sys.argv[1], folder], input=LINES, universal_newlines=True,
                   check=True)
    with open(os.path.join(folder, "growth.md"), encoding="utf-8") as file:
        table = file.read()
    svg = xml.etree.ElementTree.parse(os.path.join(folder, "growth.svg"))
assert "| 1,000,000 | 200.0 | 25.0 |" in table and "| 0 | 41.0 | 5.1 |" in table, table
assert "| 64 |" not in table, "a point that did not hold"
circles = [element for element in svg.iter() if element.tag.endswith("circle")]
assert len(circles) == 3, len(circles)
assert subprocess.run([sys.executable, sys.argv[1], "."], input="", universal_newlines=True,
                      check=False).returncode == 1
