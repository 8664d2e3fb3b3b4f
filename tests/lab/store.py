# SPDX-License-Identifier: GPL-2.0-or-later
"""store.py - systemd's file-descriptor store, played: what sluiced stores is kept, and given to the next one as systemd does."""

import fcntl
import os
import signal
import socket
import threading
import time

from .load import describe
from .namespaces import FAMILIES
from .report import Row, progress

FIRST = 3  # SD_LISTEN_FDS_START
ASIDE = 200  # where descriptors wait until they can have their places
GAP = 0.5  # s until it is started again


class Manager(threading.Thread):
    """Reads the notify socket; the store is a dictionary, as FDPOLL=0 demands never looked at."""

    def __init__(self, folder):
        super().__init__(daemon=True)
        self.path = os.path.join(folder, "notify")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.path)
        self._socket.settimeout(0.1)
        self._enough = threading.Event()
        self.store, self.polled = {}, 0

    def run(self):
        while not self._enough.is_set():
            try:
                text, fds, _, _ = socket.recv_fds(self._socket, 4096, 8)
            except TimeoutError:
                continue
            words = dict(line.split("=", 1) for line in text.decode().splitlines() if "=" in line)
            if words.get("FDSTOREREMOVE") == "1":
                for fd in [self.store.pop(words["FDNAME"])] if words.get("FDNAME") in self.store else ():
                    os.close(fd)
            elif words.get("FDSTORE") == "1" and fds:
                self.polled += words.get("FDPOLL") != "0"
                if words["FDNAME"] in self.store:
                    os.close(self.store[words["FDNAME"]])
                self.store[words["FDNAME"]] = fcntl.fcntl(fds[0], fcntl.F_DUPFD_CLOEXEC, ASIDE)
                fds = fds[:1]
            for fd in fds:
                os.close(fd)

    def stored(self, name, within=5):
        limit = time.monotonic() + within
        while name not in self.store and time.monotonic() < limit:
            time.sleep(0.01)
        return name in self.store

    def start_words(self):
        """argv before the program, and what it inherits."""
        names, fds = list(self.store), list(self.store.values())
        places = " ".join("%d<&%d" % (FIRST + i, fd) for i, fd in enumerate(fds))
        ends = " ".join("%d<&-" % fd for fd in fds)
        script = ("export NOTIFY_SOCKET=%s LISTEN_PID=$$ LISTEN_FDS=%d LISTEN_FDNAMES=%s; exec %s; exec %s; exec \"$@\""
                  % (self.path, len(fds), ":".join(names), places, ends or ":"))
        if not fds:
            script = 'export NOTIFY_SOCKET=%s; exec "$@"' % self.path
        return ("bash", "-c", script, "bash"), fds

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._enough.set()
        self.join()
        self._socket.close()
        os.unlink(self.path)
        for fd in self.store.values():
            os.close(fd)


def both_killed(lab):
    """Supervisor and engine die at once; what comes meanwhile waits in the stored queues, and is judged by the next ones."""
    name = "load: supervisor and engine are killed at once, and systemd's store has the queues"
    for family in FAMILIES if lab.report.wants(name) else ():
        progress(name + " over IPv%d" % family)
        lab.daemon.stop()
        with Manager(lab.folder) as manager:
            lab.daemon.start(*manager.start_words())
            status = lab.daemon.wait_ready()
            got = "stored" if manager.stored("queue-0") and not manager.polled else "not stored"
            with lab.load(family, 1000000) as load:
                load.wait_until(lab.connections // 20)
                os.kill(status["spare_pid"], signal.SIGKILL)
                lab.daemon.process.send_signal(signal.SIGSTOP)  # so that it does not take over first
                os.kill(status["engine_pid"], signal.SIGKILL)
                lab.daemon.kill()
                time.sleep(GAP)
                lab.daemon.start(*manager.start_words())
                load.wait_until(load.done() + lab.connections // 20)
                load.end()
                result = load.result()
            after = lab.daemon.wait_ready()
            got += ", all right" if set(result) == {"right"} else ", " + describe(result)
            got += "" if after["on_failure_packets"] == 0 else ", on_failure answered %d" % after["on_failure_packets"]
            lab.daemon.stop()
            time.sleep(0.3)
            got += ", then forgotten" if not manager.store else ", but still stored: " + " ".join(manager.store)
        lab.daemon.start()
        lab.report.add(Row(name, family, "stored, all right, then forgotten", got, max(load.longest())))
