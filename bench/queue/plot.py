# SPDX-License-Identifier: GPL-2.0-or-later
"""plot.py - the rounds' summary as bars with their spread, a picture for each load: queue-LOAD.png and .svg, by gnuplot."""

import os
import re
import subprocess
import sys

FORMS = (("png", "pngcairo size 900,500"), ("svg", "svg size 900,500"))
SCRIPT = """set style fill solid 0.5
set boxwidth 0.6
set yrange [0:*]
set grid ytics
set ylabel '%(title)s'
set title '%(load)s (median, least and greatest of the rounds)'
unset key
$data << END
%(rows)s
END
%(plots)s"""
PLOT = "set terminal %s\nset output '%s'\nplot $data using 0:2:xticlabels(1) with boxes, '' using 0:2:3:4 with yerrorbars pt 0\n"


def scripts(summary, folder):
    """One for each load that has connections or bytes a second."""
    for load in dict.fromkeys(row["load"] for row in summary):
        rows = [row for row in summary if row["load"] == load]
        key, title = ("per_second", "connections/s") if rows[0].get("per_second") else ("gbit_per_second", "Gbit/s")
        lines = ['"%s" %f %f %f' % (row["filter"].replace('"', "'"), row[key]["median"], row[key]["min"], row[key]["max"])
                 for row in rows if row.get(key)]
        if not lines:
            continue
        path = os.path.join(folder, "queue-" + re.sub(r"\W+", "-", load))
        plots = "".join(PLOT % (terminal, "%s.%s" % (path, form)) for form, terminal in FORMS)
        yield SCRIPT % {"title": title, "load": load, "rows": "\n".join(lines), "plots": plots}


def draw(summary, folder):
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "queue.gnuplot")
    with open(path, "w") as to:
        to.write("reset\n".join(scripts(summary, folder)))
    try:
        done = subprocess.run(["gnuplot", path], stdin=subprocess.DEVNULL, check=False).returncode
    except FileNotFoundError:
        done = 127
    if done != 0:
        print("bench/queue/run: no plots: gnuplot '%s' failed (Debian: gnuplot-nox)" % path, file=sys.stderr)
