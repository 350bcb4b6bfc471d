#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes a table and a picture of what `bench growth` prints.

usage: plot.py FOLDER < LINES        writes FOLDER/growth.md and FOLDER/growth.svg
"""

import math
import os
import re
import sys

LINE = re.compile(r"growth series=(\w+) x=(\d+) workers=(\d+) ns_per=([\d.]+) "
                  r"floor_ratio=([\d.]+) ok=(\w+)")
TITLES = {"actors": "actors", "payload": "payload, bytes", "senders": "senders"}
WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 320, 240, 48, 40, 28


def read(lines):
    series = {}
    for line in lines:
        match = LINE.fullmatch(line.strip())
        if match and match.group(6) == "yes":
            point = (int(match.group(2)), float(match.group(4)), float(match.group(5)))
            series.setdefault(match.group(1), []).append(point)
    return series


def table(series):
    out = ["# Growth", "", "Cost per message, one worker. Written by `tools/bench --plot`; how it is "
           "measured: [README.md](README.md).", "", "![cost per message](growth.svg)", ""]
    for name, points in series.items():
        out += ["| %s | ns per message | times the floor |" % TITLES.get(name, name), "|---|---|---|"]
        out += ["| {:,} | {:.1f} | {:.1f} |".format(*point) for point in points] + [""]
    return "\n".join(out)


def panel(name, points, left):
    """One series: x by its logarithm, y linear from zero."""
    xs = [math.log2(max(x, 1)) for x, _, _ in points]
    low, span = min(xs), max(max(xs) - min(xs), 1)
    most = max(y for _, y, _ in points) * 1.1

    def at(x, y):
        return (left + LEFT + (x - low) / span * (WIDTH - LEFT - 16),
                TOP + (1 - y / most) * (HEIGHT - TOP - BOTTOM))

    base = HEIGHT - BOTTOM
    out = ['<text x="%d" y="16" font-weight="bold">%s</text>' % (left + LEFT, TITLES.get(name, name)),
           '<path d="M%d %dV%dH%d" fill="none" stroke="#888"/>' % (left + LEFT, TOP, base,
                                                                  left + WIDTH - 8)]
    for part in range(1, 5):
        y = most * part / 4
        _, row = at(low, y)
        out.append('<path d="M%d %.1fH%d" stroke="#ddd"/>' % (left + LEFT, row, left + WIDTH - 8))
        out.append('<text x="%d" y="%.1f" text-anchor="end">%.0f</text>' % (left + LEFT - 4, row + 4, y))
    dots = [at(x, y) for x, (_, y, _) in zip(xs, points)]
    out.append('<polyline points="%s" fill="none" stroke="#2266aa" stroke-width="2"/>' %
               " ".join("%.1f,%.1f" % dot for dot in dots))
    for (column, row), (x, _, _) in zip(dots, points):
        out.append('<circle cx="%.1f" cy="%.1f" r="3" fill="#2266aa"/>' % (column, row))
        out.append('<text x="%.1f" y="%d" text-anchor="middle">%s</text>' % (column, base + 16,
                                                                            short(x)))
    return out


def short(x):
    for size, letter in ((10**6, "M"), (10**3, "k")):
        if x >= size:
            return "%.0f%s" % (x / size, letter)
    return str(x)


def picture(series):
    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" '
           'font-size="10">' % (WIDTH * len(series), HEIGHT),
           '<rect width="100%" height="100%" fill="white"/>']
    for index, (name, points) in enumerate(series.items()):
        out += panel(name, points, WIDTH * index)
    out.append('<text x="4" y="%d">ns per message</text>' % (HEIGHT - 6))
    return "\n".join(out + ["</svg>", ""])


def main(arguments):
    if len(arguments) != 1:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    series = read(sys.stdin)
    if not series:
        print("plot: no line of growth on standard input", file=sys.stderr)
        return 1
    for name, text in (("growth.md", table(series)), ("growth.svg", picture(series))):
        with open(os.path.join(arguments[0], name), "w", encoding="utf-8") as file:
            file.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
