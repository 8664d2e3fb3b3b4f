# SPDX-License-Identifier: GPL-2.0-or-later
"""loads.py - what goes through the gateway, and what is read of it: one dictionary of figures a load."""

import json
import os
import shutil
import time

from lab.namespaces import FAMILIES, RAW_CLIENT, SERVER, LabError, run

RAW_SERVER = {4: "198.51.100.9", 6: "2001:db8:2::9"}  # no kernel owns it
WINDOW_RAW, WINDOW_TCP = 128, 64
STARTS_WITHIN = 5  # s
SCRIPTS = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "tests/conformance/peers")


class Load:
    """name: of the table; kind: of sl_queue_load."""

    def __init__(self, name, kind, family, window):
        self.name, self.kind, self.family, self.window = name, kind, family, window


LOADS = [Load("%s, IPv%d" % (name, family), kind, family, window)
         for name, kind, window in (("packets", "raw", WINDOW_RAW), ("TCP", "tcp", WINDOW_TCP),
                                    ("TCP, one at a time", "tcp", 1), ("bulk down", "down", 1), ("bulk up", "up", 1))
         for family in FAMILIES]


CONNTRACK = ("add table inet bench; add chain inet bench forward { type filter hook forward priority 10; }; "
             "add rule inet bench forward ct state invalid counter")


def prepare(network):
    """conntrack in every case, as a gateway has it; neighbours that no kernel answers for; entries of connections that were
    reset go after a second, so that the table never fills."""
    gateway = network.gateway
    use_conntrack(gateway)
    gateway.sysctl("netfilter/nf_conntrack_tcp_timeout_close", 1)
    for family in FAMILIES:
        gateway.ip("-%d" % family, "neigh", "add", RAW_SERVER[family], "lladdr", network.mac(network.server, "eth0"),
                   "dev", "wan", "nud", "permanent")


def use_conntrack(gateway):
    """nft where there is one: a table of legacy iptables, once touched, keeps its hooks."""
    if shutil.which("nft") and gateway.run("nft", CONNTRACK, check=False).returncode == 0:
        return
    for tool in ("iptables", "ip6tables"):
        gateway.run(tool, "-w", "-A", "FORWARD", "-m", "conntrack", "--ctstate", "INVALID", "-j", "ACCEPT")


class Server:
    """sl_queue_load serve, in the server's namespace."""

    def __init__(self, network, program, log):
        with open(log, "w") as to:
            self._process = network.server.start(program, "serve", stdout=to, stderr=to)
        limit = time.monotonic() + STARTS_WITHIN
        while "ready" not in open(log).read():
            if self._process.poll() is not None or time.monotonic() > limit:
                raise LabError("the load's server does not start: " + open(log).read())
            time.sleep(0.01)

    def stop(self):
        self._process.kill()
        self._process.wait()


def argv(load, network, program, names, opts, more_warm):
    words = [program, load.kind, "--names", names, "--window", str(load.window), "--seconds", str(opts.seconds),
             "--warm", str(opts.warm + more_warm)]
    if getattr(opts, "rate", 0):
        words += ["--rate", str(opts.rate)]
    if load.kind != "raw":
        return words + ["--server", SERVER[load.family]]
    return words + ["--server", RAW_SERVER[load.family], "--client", RAW_CLIENT[load.family],
                    "--client-netns", "/run/netns/" + network.client.name, "--server-netns", "/run/netns/" + network.server.name,
                    "--client-gateway", network.mac(network.gateway, "lan"),
                    "--server-gateway", network.mac(network.gateway, "wan")]


def measure(load, network, program, names, opts, more_warm=0):
    """Runs one load; the figures of sl_queue_load, and what the gateway's programs had of the processor, and of packets."""
    before = gateway_state(network)
    with network.client:
        done = run(*argv(load, network, program, names, opts, more_warm), check=False)
    after = gateway_state(network)
    if done.returncode != 0:
        raise LabError("%s: %s" % (load.name, done.stderr.strip()))
    figures = json.loads(done.stdout)
    n = figures.get("all", 0)
    if n > 0:
        figures["queued_per_connection"] = (after["queued"] - before["queued"]) / n
        figures["filter_cpu_us"] = (after["cpu_ns"] - before["cpu_ns"]) / 1e3 / n
    figures["queue_dropped"] = after["dropped"] - before["dropped"]
    figures["memory_mib"] = after["memory_mib"]
    return figures


def gateway_state(network):
    rows = [[int(word) for word in line.split()] for line in (network.gateway.read("netfilter/nfnetlink_queue") or "").splitlines()]
    return {"queued": sum(row[7] for row in rows), "dropped": sum(row[5] + row[6] for row in rows),
            "cpu_ns": sum(cpu_ns(pid) for pid in pids(network)), "memory_mib": memory_mib(network)}


def pids(network):
    """Of all that runs in the gateway."""
    return [int(pid) for pid in run("ip", "netns", "pids", network.gateway.name, check=False).stdout.split()]


def memory_mib(network):
    """Of the filter, without what a script runs around it."""
    return sum(pss_kib(pid) for pid in pids(network) if SCRIPTS not in command(pid)) / 1024


def command(pid):
    try:
        with open("/proc/%d/cmdline" % pid, errors="replace") as words:
            return words.read()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def cpu_ns(pid):
    """Of all threads that live; a program under load ends none."""
    total = 0
    try:
        for task in os.listdir("/proc/%s/task" % pid):
            with open("/proc/%s/task/%s/schedstat" % (pid, task)) as stat:
                total += int(stat.read().split()[0])
    except (FileNotFoundError, ProcessLookupError):
        pass
    return total


def pss_kib(pid):
    try:
        with open("/proc/%s/smaps_rollup" % pid) as rollup:
            return sum(int(line.split()[1]) for line in rollup if line.startswith("Pss:"))
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return 0
