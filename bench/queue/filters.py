# SPDX-License-Identifier: GPL-2.0-or-later
"""filters.py - what stands in the gateway's way: nothing, the null program behind sluice's own rules, sluice, a proxy that
tests/conformance/peers sets up, or any other program. Each has a name, start() that returns when traffic is filtered, reload()
and stop(), and says what it can carry."""

import os
import shlex
import signal
import subprocess
import time

from lab.interrupts import held
from lab.namespaces import LabError

from . import loads, probe

READY_WITHIN = 600  # s; tens of millions of names take their time
STOPS_WITHIN = 20
QUEUE_FIRST, QUEUE_COUNT, MARK_MASK = 2860, 8, 0x70000000
XT_TOOLS = ("iptables-legacy", "ip6tables-legacy", "iptables-nft", "ip6tables-nft")
NFT_TABLE = ("inet", "sluice")


class Filter:
    """Nothing at all."""

    families, bulk, packets = (4, 6), True, True  # packets: of connections whose ends are no kernels, which a proxy cannot answer
    warms_for = 0  # s; before the first load

    def __init__(self, name, names=None):
        self.name, self.names = name, names  # names: the file of its list
        self.ready_s = 0.0
        self._process = None

    def carries(self, load):
        return load.family in self.families and (self.bulk or load.kind not in ("down", "up")) and (
            self.packets or load.kind != "raw")

    def start(self, network):
        pass

    def reload(self):
        self._process.send_signal(signal.SIGHUP)

    def stop(self):
        """SIGTERM, and harder where that does not help."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _run(self, network, argv, log, said, within, env=None):
        """Starts a program in the gateway, and waits until its output has the word `said`, or for `within` where there is none."""
        began = self._launch(network, argv, log, env)
        while True:
            with open(log, errors="replace") as text:
                text = text.read()
            waited = time.monotonic() - began
            if said is not None and said in text:
                self.ready_s = waited
                return
            if self._process.poll() is not None:
                raise LabError("%s ended with status %s; it said:\n%s" % (self.name, self._process.returncode, text))
            if waited > within:
                if said is None:
                    return
                raise LabError("%s is not ready; it said:\n%s" % (self.name, text))
            time.sleep(0.01)

    def _launch(self, network, argv, log, env=None):
        """Starts a program in the gateway; the time."""
        began = time.monotonic()
        with open(log, "w") as to, held():
            self._process = network.gateway.start(*argv, stdout=to, stderr=to, env=env)
        return began


class Sluice(Filter):
    """With the list of the run, the flow log on, and options of its own."""

    def __init__(self, name, sluiced, folder, workers, names, settings=None):
        super().__init__(name, names)
        self._sluiced, self._folder = sluiced, folder
        self.config, self._log = os.path.join(folder, "sluice.yaml"), os.path.join(folder, "sluiced.log")
        self._flows = os.path.join(folder, "flows.json")
        options = {"workers": workers, "control": folder + "/control.sock", "state": folder + "/state", "flow_log": self._flows,
                   "queue_first": QUEUE_FIRST, "queue_count": QUEUE_COUNT, "mark_mask": MARK_MASK,
                   "client_rate": 0, "client_flows": 0,  # all of the load comes from one client
                   **(settings or {})}
        with open(self.config, "w") as to:
            to.write("inside:\n  - lan\nlists:\n  - name: bench\n    file: %s\n    format: domains\n    action: block\n" % names)
            to.writelines("%s: %s\n" % option for option in options.items())

    def start(self, network):
        self._run(network, [self._sluiced, "--config", self.config], self._log, "sluiced: ready", READY_WITHIN)

    def stop(self):
        super().stop()
        if os.path.exists(self._flows):
            os.unlink(self._flows)


class Null(Filter):
    """The program that allows everything, with the rules that sluice installs on this machine."""

    def __init__(self, name, program, folder, rules):
        super().__init__(name)
        self._program, self._folder, self._rules = program, folder, rules

    def start(self, network):
        self._run(network, [self._program, str(QUEUE_FIRST), str(QUEUE_COUNT), hex(MARK_MASK)],
                  os.path.join(self._folder, "null.log"), "ready", READY_WITHIN)
        restore(network.gateway, self._rules)


class Command(Filter):
    """Any other, by its command line; the list's file is in the environment."""

    def __init__(self, name, command, folder, names, ready):
        super().__init__(name, names)
        self._argv, self._folder, self._ready = shlex.split(command), folder, ready
        self._env = {**os.environ, "SLUICE_BENCH_LIST": names}

    def start(self, network):
        self._run(network, self._argv, os.path.join(self._folder, "peer.log"), None, self._ready, self._env)


class Peer(Filter):
    """A proxy of tests/conformance/peers with the list of the run; it filters when it refuses a name of the list and no other."""

    packets = False

    def __init__(self, name, folder, names, asked):
        super().__init__(name, names)
        self._script, self._log = os.path.join(loads.SCRIPTS, name), os.path.join(folder, "peer.log")
        self._env = {**os.environ, "TMPDIR": folder, "SLUICE_BENCH_LIST": names, "SLUICE_BENCH_ASKED": asked}
        self._asked = asked

    def start(self, network):
        began = self._launch(network, [self._script], self._log, self._env)
        try:
            probe.until_it_filters(network, self.families[0], first_line(self.names), first_line(self._asked), READY_WITHIN,
                                   lambda: self._process.poll() is not None)
        except LabError as error:
            with open(self._log, errors="replace") as text:
                raise LabError("%s: %s; it said:\n%s" % (self.name, error, text.read())) from error
        self.ready_s = time.monotonic() - began


class E2guardian(Peer):
    families, bulk = (4,), False  # it listens on IPv4 alone, and sends all TLS to port 443


class Squid(Peer):
    warms_for = 3  # it looks up each name that it meets, once


PEERS = {"haproxy": Peer, "nginx": Peer, "squid": Squid, "e2guardian": E2guardian}


def first_line(path):
    with open(path) as lines:
        return lines.readline().strip()


def capture(gateway):
    """The rules that a running sluice has in this gateway, as (what reads them again, text)."""
    table = gateway.run("nft", "list", "table", *NFT_TABLE, check=False)
    if table.returncode == 0:
        return [(("nft", "-f", "-"), table.stdout)]
    found = []
    for tool in XT_TOOLS:
        text = gateway.run(tool + "-save", check=False).stdout
        if "SLUICE-" in text:
            found.append(((tool + "-restore",), text))
    if not found:
        raise LabError("no rules of sluice are to be seen in its gateway")
    return found


def restore(gateway, rules):
    for argv, text in rules:
        with gateway:
            done = subprocess.run(argv, input=text, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode != 0:
            raise LabError("%s: %s" % (" ".join(argv), done.stdout))
