# SPDX-License-Identifier: GPL-2.0-or-later
"""clients.py - the story of clients of the control socket that do everything wrong while traffic is judged."""

import contextlib
import os
import subprocess
import time

from .load import describe
from .report import Row, progress

RUDE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "rude.py")
READERS = "games"  # a group that every Debian has
USERS = 10001, 10002, 10003
ANSWERED_WITHIN = 5  # s: as long as the command waits
SECONDS = 4


@contextlib.contextmanager
def _rude(lab):
    """Three users, each a process in the gateway. Their program comes by a pipe: its file may be root's alone."""
    control = lab.daemon.folder + "/control.sock"
    for folder in (lab.folder, lab.daemon.folder):
        os.chmod(folder, 0o711)
    lab.daemon.configure({"control_group": READERS})
    lab.daemon.reload()
    with contextlib.ExitStack() as at_exit:
        for uid in USERS:
            with open(RUDE) as program:
                process = lab.network.gateway.start("setpriv", "--reuid", str(uid), "--regid", READERS, "--clear-groups",
                                                    "/usr/bin/python3", "-", control, stdin=program, stdout=subprocess.PIPE,
                                                    text=True)
            at_exit.callback(process.wait)
            at_exit.callback(process.kill)
            process.stdout.readline()
        yield
    lab.daemon.configure({"control_group": None})
    lab.daemon.reload()


def misbehaving(lab):
    name = "load: three users misbehave at the control socket: traffic goes on"
    for family in lab.slow_families if lab.report.wants(name) else ():
        progress(name)
        lab.daemon.wait_ready()
        late = asked = 0
        with lab.load(family, 1000000) as load:
            load.wait_until(lab.connections // 20)
            load.mark()
            with _rude(lab):
                end = time.monotonic() + SECONDS
                while time.monotonic() < end:
                    start = time.monotonic()
                    late += not lab.daemon.status() or time.monotonic() - start > ANSWERED_WITHIN
                    asked += 1
            load.wait_until(load.done() + lab.connections // 20)
            load.end()
            result, times = load.result(), load.longest()
        progress("%d times asked for the status; the longest connection %.0f ms, %.0f ms before" % (asked, times[1], times[0]))
        after = lab.daemon.wait_ready()
        got = describe(result) if set(result) != {"right"} else "all right"
        got += ", %d answers late, %d engines lost" % (late, after["engine_restarts"])
        lab.report.add(Row(name, family, "all right, 0 answers late, 0 engines lost", got, times[1]))


STAGES = (misbehaving,)
