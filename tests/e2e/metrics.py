#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""metrics.py BUILD_DIR FACTOR - metrics of a running sluiced, over the control socket and over HTTP, and what clients of HTTP cannot do:
the silent, the slow, the many and the talkative harm nobody. In a network namespace of its own. `promtool check metrics` has its say
where it is installed (Debian's package prometheus)."""

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from metrics import exposition  # noqa: E402

ADDRESS = "127.0.0.1", 9464
CLIENTS = 32  # daemon/reporter.h
failed = []
began = time.monotonic()


def must(what, right):
    print("%6.2f %s: %s" % (time.monotonic() - began, "ok" if right else "FAILED", what), flush=True)
    if not right:
        failed.append(what)


class Sluiced:
    def __init__(self, build, folder):
        self.programs, self.folder = os.path.join(build, "daemon"), folder
        self.config = os.path.join(folder, "sluice.yaml")
        self.log = open(os.path.join(folder, "log"), "w+")
        self.process = None

    def configure(self, *lines):
        with open(self.config, "w") as to:
            to.write("inside: lan0\ncontrol: %(f)s/control.sock\nstate: ''\nflow_log: ''\nuser: nobody\nlists:\n"
                     "  - {name: 'a \"list\" of\\names', file: %(f)s/names}\n" % {"f": self.folder})
            to.write("".join(line + "\n" for line in lines))
        with open(os.path.join(self.folder, "names"), "w") as to:
            to.write("blocked.example\n")

    def start(self):
        self.process = subprocess.Popen([os.path.join(self.programs, "sluiced"), "--config", self.config], stdout=self.log, stderr=self.log)
        return until(20, lambda: self.status().get("state") == "running")

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)

    def command(self, *words):
        return subprocess.run([os.path.join(self.programs, "sluice"), "--config", self.config, *words], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True)

    def status(self):
        with contextlib.suppress(ValueError):
            return json.loads(self.command("status", "--json").stdout)
        return {}

    def said(self, text):
        self.log.flush()
        with open(self.log.name) as log:
            return text in log.read()

    def reporter(self):
        """Its pid."""
        with open("/proc/%d/task/%d/children" % (self.process.pid, self.process.pid)) as children:
            for pid in children.read().split():
                with contextlib.suppress(OSError), open("/proc/%s/cmdline" % pid) as words:
                    if "--report" in words.read():
                        return int(pid)
        return None


def until(seconds, so):
    end = time.monotonic() + seconds * slow
    while not so():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


class UnixHTTP(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.host)


def get(path="/metrics", method="GET", timeout=10, connection=None):
    """Status and text; nothing where there is no answer."""
    connection = connection or http.client.HTTPConnection(*ADDRESS, timeout=timeout)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), answer
    except (OSError, http.client.HTTPException):
        return None, "", None
    finally:
        connection.close()


def dial():
    s = socket.socket()
    s.settimeout(20)
    s.connect(ADDRESS)
    return s


def is_closed(s):
    try:
        return s.recv(65536) == b""
    except ConnectionError:
        return True
    except socket.timeout:
        return False


def tell_formats(sluiced):
    printed = sluiced.command("metrics")
    families = exposition.parse(printed.stdout)
    must("sluice metrics prints the format", printed.returncode == 0 and len(families) > 40)
    for complaint in exposition.lint(families):
        must(complaint, False)
    must("every family has a sample, or is of lists by url", not [
        f.name for f in families.values() if not f.samples and not f.name.startswith("sluice_list_") and f.name != "sluice_memory_heap_bytes"])
    must("a list's name is escaped", exposition.value(families, "sluice_list_entries", list='a "list" of\\names') == 1)
    must("it is ready", exposition.value(families, "sluice_ready") == 1)
    status, text, answer = get()
    must("HTTP serves them", status == 200 and answer.getheader("Content-Type") == "text/plain; version=0.0.4; charset=utf-8")
    must("and the same", exposition.parse(text).keys() == families.keys())
    must("the reporter's memory is told", exposition.value(exposition.parse(text), "sluice_memory_resident_bytes", process="reporter") > 0)
    must("HEAD has no body", get(method="HEAD")[:2] == (200, ""))
    must("another path is not found", get("/")[0] == 404)
    must("nothing can be posted", get(method="POST")[0] == 405)
    if shutil.which("promtool"):
        check = subprocess.run(["promtool", "check", "metrics"], input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        must("promtool check metrics: " + check.stdout, check.returncode == 0)
    else:
        print("-- promtool is not installed: its check is left out")


def is_as_ever(sluiced, what):
    begun = time.monotonic()
    state = sluiced.status().get("state")
    must("%s: sluice status answers at once" % what, state == "running" and time.monotonic() - begun < 2 * slow)


def scrape_within(seconds):
    end = time.monotonic() + seconds * slow
    while time.monotonic() < end:
        if get(timeout=max(0.1, end - time.monotonic()))[0] == 200:
            return True
        time.sleep(0.1)
    return False


def suffer(sluiced):
    """Clients as they should not be."""
    silent = [dial() for _ in range(CLIENTS + 8)]
    must("%d silent clients keep a scrape waiting for a moment only" % len(silent), scrape_within(4))
    is_as_ever(sluiced, "with silent clients")
    drip = Drip()
    drip.start()
    must("they are closed", all(is_closed(s) for s in silent))
    drip.join()
    must("a client that drips is closed all the same", drip.closed and drip.lasted < 10 * slow)

    must("a head that has no end is refused", head_without_end())
    reading = [dial() for _ in range(4)]
    for s in reading:
        s.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 50)
    must("clients that ask and do not read keep nobody waiting", scrape_within(4))
    must("garbage gets no more than an error", noise())
    is_as_ever(sluiced, "after all of them")
    must("the reporter has lived on", not sluiced.said("sluice-reporter ("))


class Drip(threading.Thread):
    """A byte now and then: the limit of a client's time does not begin anew."""

    def run(self):
        client, begun = dial(), time.monotonic()
        with contextlib.suppress(OSError):
            for c in "GET /metrics HTTP/1.1\r\n" + "X: y\r\n" * 100:
                client.sendall(c.encode())
                time.sleep(0.2)
        self.lasted = time.monotonic() - begun
        self.closed = is_closed(client)


def head_without_end():
    s = dial()
    with contextlib.suppress(OSError):
        s.sendall(b"GET /metrics HTTP/1.1\r\nX: " + b"y" * (1 << 20))
    with contextlib.suppress(OSError):
        return not s.recv(4096).startswith(b"HTTP/1.1 200")
    return True


def noise():
    s = dial()
    with contextlib.suppress(OSError):
        s.sendall(os.urandom(4096) + b"\r\n\r\n")
        return b" 200 " not in s.recv(4096)
    return True


def ask_often(sluiced):
    """However often clients ask, the supervisor is asked once a second."""
    before = sluiced.command("metrics").stdout
    texts = {get()[1] for _ in range(60)}
    must("60 scrapes in a row are answered, out of a few texts", "" not in texts and len(texts) < 10 and before)


def die(sluiced):
    pid = sluiced.reporter()
    engine = sluiced.status()["engine_pid"]
    os.kill(pid, signal.SIGKILL)
    must("a reporter that was killed is started again", until(10, lambda: get()[0] == 200) and sluiced.reporter() != pid)
    os.kill(sluiced.reporter(), signal.SIGSTOP)
    is_as_ever(sluiced, "with a reporter that was stopped")
    os.kill(sluiced.reporter(), signal.SIGCONT)
    must("the engine is the same", sluiced.status()["engine_pid"] == engine)
    before = exposition.parse(sluiced.command("metrics").stdout)
    must("an upgrade takes the reporter along", sluiced.command("upgrade").returncode == 0 and until(10, lambda: get()[0] == 200))
    after = exposition.parse(get()[1])
    must("and counts on", exposition.value(after, "sluice_upgrades_total") == 1 and
         exposition.value(after, "sluice_takeovers_total") == exposition.value(before, "sluice_takeovers_total") + 1 and
         exposition.value(after, "sluice_takeover_seconds_total") > 0 and
         exposition.value(after, "sluice_start_time_seconds") < time.time())


def is_boxed(pid):
    with open("/proc/%d/status" % pid) as status:
        text = status.read()
    words = dict(re.findall(r"^(\w+):\s*(.*)$", text, re.MULTILINE))
    return (int(words["CapBnd"], 16) == 0 and int(words["CapEff"], 16) == 0 and words["NoNewPrivs"] == "1" and words["Seccomp"] == "2" and
            words["Uid"].split()[0] != "0")


def inside(build):
    with tempfile.TemporaryDirectory(prefix="sluice-metrics-") as folder, contextlib.ExitStack() as at_exit:
        os.chmod(folder, 0o755)
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        sluiced = Sluiced(build, folder)
        at_exit.callback(sluiced.stop)
        sluiced.configure("metrics_listen: 0.0.0.0:9464")
        refused = subprocess.run([os.path.join(sluiced.programs, "sluiced"), "--config", sluiced.config], stderr=subprocess.PIPE, text=True)
        must("an address that is not loopback is refused, with line and remedy", refused.returncode != 0 and
             re.search(r"sluice.yaml:\d+: metrics_listen: .*not loopback.*metrics_remote: yes", refused.stderr))
        must("sluice metrics without sluiced says so", sluiced.command("metrics").returncode == 3)

        sluiced.configure("metrics_listen: %s:%d" % ADDRESS)
        must("sluiced starts", sluiced.start())
        must("it listens", until(10, lambda: get()[0] == 200))
        if "-fsanitize" not in open(os.path.join(build, "build.ninja")).read():
            must("the reporter has no privileges, and is in a box", is_boxed(sluiced.reporter()))
        tell_formats(sluiced)
        suffer(sluiced)
        ask_often(sluiced)
        die(sluiced)
        sluiced.stop()

        path = os.path.join(folder, "metrics.sock")
        sluiced.configure("metrics_listen: " + path)
        must("sluiced starts with a Unix socket", sluiced.start())
        must("which serves the same", until(10, lambda: get(connection=UnixHTTP(path))[0] == 200))
        sluiced.stop()
        must("and is removed at the end", not os.path.exists(path))

        with socket.socket() as other:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            other.bind(ADDRESS)
            other.listen()
            sluiced.configure("metrics_listen: %s:%d" % ADDRESS)
            must("a port that somebody has is no reason not to filter", sluiced.start())
            must("but is told", until(5, lambda: sluiced.said("cannot be listened on")))
        sluiced.stop()
        if failed:
            sluiced.log.flush()
            with open(sluiced.log.name) as log:
                print("--- log\n" + log.read()[-4000:])
    return 1 if failed else 0


if __name__ == "__main__":
    slow = float(sys.argv[2])
    if os.geteuid() != 0:
        sys.exit(77)
    if sys.argv[3:] != ["inside"]:
        os.execvp("unshare", ["unshare", "--net", "--mount", sys.executable, *sys.argv[:3], "inside"])
    os.environ["PATH"] = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    sys.exit(inside(sys.argv[1]))
