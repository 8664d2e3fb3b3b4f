# SPDX-License-Identifier: GPL-2.0-or-later
"""gateway.py - three namespaces and a sluiced with a content filter between them: what the tests of live providers have in common."""

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from lab.namespaces import Namespace, run  # noqa: E402  (found by the line above)

CLIENT, SERVER = "192.0.2.2", "198.51.100.2"
WITHIN, LIMIT = 10, 0.5  # s: for what is waited for, answer_limit


class Failure(Exception):
    pass


class Network:
    def __init__(self):
        self.made = []
        for role in ("client", "gateway", "server"):
            self.made.append(Namespace("sluice-provider-%d-%s" % (os.getpid(), role)))
        self.client, self.gateway, self.server = self.made
        self.gateway.sysctl("ipv4/ip_forward", 1)
        for host, link, address, near in ((self.client, "lan", CLIENT, "192.0.2.1"), (self.server, "wan", SERVER, "198.51.100.1")):
            run("ip", "link", "add", "eth0", "netns", host.name, "type", "veth", "peer", "name", link, "netns", self.gateway.name)
            for namespace, name, ip in ((host, "eth0", address), (self.gateway, link, near)):
                namespace.ip("addr", "add", ip + "/24", "dev", name)
                namespace.ip("link", "set", name, "up")
            host.ip("route", "add", "default", "via", near)
        with self.server:
            self.listener = socket.create_server((SERVER, 80), backlog=64)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self._answer, args=self.listener.accept()[:1], daemon=True).start()

    @staticmethod
    def _answer(connection):
        with contextlib.suppress(OSError), connection:
            if connection.recv(4096):
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    def connect(self):
        with self.client:
            return socket.create_connection((SERVER, 80), timeout=4 * LIMIT + 1)

    def get(self, host):
        return self.say(b"GET / HTTP/1.1\r\nHost: %s\r\n\r\n" % host.encode())

    def say(self, data):
        """(what came of it, how long it took)"""
        began = time.monotonic()
        try:
            with self.connect() as connection:
                connection.sendall(data)
                what = "passed" if connection.recv(4096).endswith(b"ok") else "cut"
        except ConnectionError:
            what = "reset"
        except (TimeoutError, socket.timeout):
            what = "nothing"
        return what, time.monotonic() - began

    def remove(self):
        with contextlib.suppress(AttributeError):
            self.listener.close()
        while self.made:
            self.made.pop().remove()


class Gateway:
    """sluiced, with the provider external where the settings name no other."""

    def __init__(self, build, network, folder, **more):
        self.build, self.network, self.control = build, network, folder + "/control.sock"
        self.socket, self.errors = folder + "/provider.sock", folder + "/log"
        settings = {"inside": "lan", "lists": "[]", "never_block": "[]", "flow_log": '""', "control": self.control, "state": '""',
                    **({"provider": "external", "provider_socket": self.socket, "answer_limit": "%dms" % (LIMIT * 1000)}
                       if "provider" not in more else {}), **more}
        with open(folder + "/sluice.yaml", "w") as to:
            to.writelines("%s: %s\n" % item for item in settings.items())
        os.chmod(folder, 0o755)
        self.conf, self.process = folder + "/sluice.yaml", None
        self.providers = []
        self.start()

    def start(self):
        with open(self.errors, "a") as log:
            at = log.tell()
            self.process = self.network.gateway.start(self.build + "/daemon/sluiced", "--config", self.conf, stderr=log)
        self.wait("ready:", at)

    def log(self):
        return pathlib.Path(self.errors).read_text(errors="replace")

    def status(self):
        return json.loads(run(self.build + "/daemon/sluice", "status", "--json", "--control", self.control).stdout)

    def upgrade(self):
        """In place, to the same program."""
        pid = self.status()["engine_pid"]
        said = run(self.build + "/daemon/sluice", "upgrade", "--control", self.control, check=False)
        if said.returncode or self.status()["engine_pid"] == pid:
            raise Failure("the upgrade failed: %s%s\n%s" % (said.stdout, said.stderr, self.log()))

    def wait(self, text, after=0):
        end = time.monotonic() + WITHIN
        while text not in self.log()[after:]:
            if time.monotonic() > end or self.process.poll() is not None:
                raise Failure("%r is not in the log:\n%s" % (text, self.log()))
            time.sleep(0.02)

    def provide(self, *options):
        at = len(self.log())
        provider = subprocess.Popen([sys.executable, str(HERE / "provider_example.py"), *options[:-1], self.socket, options[-1]],
                                    stderr=subprocess.DEVNULL)
        self.providers.append(provider)
        self.wait('"provider_example.py" is there', at)
        time.sleep(0.1)  # startFilter is answered
        return provider
    
    def leave(self):
        """Nobody is there any more, and sluice knows."""
        at = len(self.log())
        there = [p for p in self.providers if p.poll() is None]
        for provider in there:
            provider.kill()
            provider.wait()
        if there and self.process.poll() is None:
            self.wait("may come again", at)
        self.providers.clear()

    def end(self):
        self.leave()
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(WITHIN)


def expect(got, what, least=0.0, most=99.0):
    if got[0] != what or not least <= got[1] <= most:
        raise Failure("%s after %.2f s; expected: %s after %.2f to %.2f s" % (*got, what, least, most))


def play(gateway, rows):
    """How many fail; then nobody is there any more."""
    failed = 0
    try:
        for row in rows:
            try:
                row(gateway)
                print("ok: " + row.__doc__)
            except Failure as failure:
                failed += 1
                print("FAILED: %s\n  %s\n%s" % (row.__doc__, failure, gateway.log()))
            finally:
                gateway.leave()
    finally:
        gateway.end()
    return failed
