# SPDX-License-Identifier: GPL-2.0-or-later
"""namespaces.py - client, gateway and server: three network namespaces joined by two veth pairs.

    client eth0 192.0.2.2 ---- lan 192.0.2.1 gateway wan 198.51.100.1 ---- eth0 198.51.100.2 server
           2001:db8:1::2           2001:db8:1::1         2001:db8:2::1          2001:db8:2::2

Both ends of a pair are born inside their namespaces, so the machine's own network never sees an interface. The lab
enters a namespace with `with network.client:`; sockets made and programs started inside belong to it. One thread."""

import ctypes
import ipaddress
import os
import re
import signal
import subprocess
import time

CLIENT = {4: "192.0.2.2", 6: "2001:db8:1::2"}
RAW_CLIENT = {4: "192.0.2.9", 6: "2001:db8:1::9"}  # no kernel owns it: see rawtcp.py
GATEWAY_LAN = {4: "192.0.2.1", 6: "2001:db8:1::1"}
GATEWAY_WAN = {4: "198.51.100.1", 6: "2001:db8:2::1"}
SERVER = {4: "198.51.100.2", 6: "2001:db8:2::2"}
PUBLIC = {4: "203.0.113.80", 6: "2001:db8:3::80"}  # leads to the server by DNAT only
PREFIX = {4: 24, 6: 64}
FAMILIES = (4, 6)
IPTABLES = {4: "iptables", 6: "ip6tables"}

ROLES = ("client", "gateway", "server")
NAME = re.compile(r"^sluice-(?:%s)-(\d+)$" % "|".join(ROLES + ("flooder",)))  # tests/flood
CLONE_NEWNET, CLONE_NEWNS = 0x40000000, 0x00020000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None, use_errno=True)


class LabError(Exception):
    """The lab itself cannot go on; the text is for the user."""


def run(*argv, check=True, **options):
    """A child process, its output as text. Ctrl-C does not reach it: it is one short step of ours."""
    done = subprocess.run(argv, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          process_group=0, **options)
    if check and done.returncode != 0:
        raise LabError("%s: %s" % (" ".join(argv), (done.stderr or done.stdout).strip()))
    return done


def end_with_parent(number=signal.SIGTERM):
    """For a child just forked: when the lab is killed, it gets this signal. Keeps Ctrl-C to the lab alone."""
    libc.prctl(PR_SET_PDEATHSIG, number)
    os.setpgid(0, 0)


def take_hosts(path):
    """For a child just forked: it reads this file as /etc/hosts, and nobody else does."""
    def mount(source, target, flags):
        return libc.mount(source.encode(), target.encode(), None, ctypes.c_ulong(flags), None)
    if libc.unshare(CLONE_NEWNS) or mount("none", "/", MS_REC | MS_PRIVATE) or mount(path, "/etc/hosts", MS_BIND):
        raise OSError(ctypes.get_errno(), "a file in place of /etc/hosts")


class Namespace:
    """One network namespace; also a context manager that moves this thread into it and back."""

    def __init__(self, name):
        self.name = name
        self._home = []
        run("ip", "netns", "add", name)
        self._fd = os.open("/run/netns/" + name, os.O_RDONLY | os.O_CLOEXEC)

    def __enter__(self):
        self._home.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC))
        self._set(self._fd)
        return self

    def __exit__(self, *_):
        home = self._home.pop()
        self._set(home)
        os.close(home)

    @staticmethod
    def _set(fd):
        if libc.setns(fd, CLONE_NEWNET) != 0:
            raise LabError("setns: " + os.strerror(ctypes.get_errno()))

    def run(self, *argv, **options):
        with self:
            return run(*argv, **options)

    def start(self, *argv, hosts=None, stdin=subprocess.DEVNULL, **options):
        """A child process that ends with the lab at the latest. hosts: a file that it sees as /etc/hosts."""
        def prepare():
            end_with_parent()
            if hosts is not None:
                take_hosts(hosts)
        with self:
            return subprocess.Popen(argv, stdin=stdin, preexec_fn=prepare, **options)

    def ip(self, *words):
        return run("ip", "-n", self.name, *words)

    def sysctl(self, key, value):
        """/proc/sys/net shows the namespace of whoever opens the file."""
        with self, open("/proc/sys/net/" + key, "w") as to:
            to.write(str(value))

    def read(self, path):
        """A file below /proc/thread-self/net; None where it is absent."""
        try:
            with self, open("/proc/thread-self/net/" + path) as source:
                return source.read()
        except FileNotFoundError:
            return None

    def remove(self):
        end_processes(self.name)
        os.close(self._fd)
        run("ip", "netns", "del", self.name, check=False)


def end_processes(namespace):
    """Ends what still lives in a namespace of the lab, politely first."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        limit = time.monotonic() + 2
        pids = run("ip", "netns", "pids", namespace, check=False).stdout.split()
        for pid in pids:
            try:
                os.kill(int(pid), number)
            except ProcessLookupError:
                pass
        while pids and time.monotonic() < limit:
            time.sleep(0.02)
            pids = run("ip", "netns", "pids", namespace, check=False).stdout.split()
        if not pids:
            return


def remove_leftovers():
    """Namespaces of a lab that was killed before it could clean up: their name holds the pid of a process gone."""
    for line in run("ip", "netns", "list", check=False).stdout.splitlines():
        name = line.split()[0] if line else ""
        match = NAME.match(name)
        if match and not os.path.exists("/proc/" + match.group(1)):
            end_processes(name)
            run("ip", "netns", "del", name, check=False)


class Network:
    """The three namespaces, their links, addresses and routes. target[family] is where clients find the server."""

    def __init__(self):
        self.target = dict(SERVER)
        self._made = []
        try:
            for role in ROLES:
                setattr(self, role, self._make(role))
            self._prepare()
            self._link(self.client, "eth0", CLIENT, "lan", GATEWAY_LAN)
            self._link(self.server, "eth0", SERVER, "wan", GATEWAY_WAN)
            self._routes()
        except BaseException:
            self.remove()
            raise

    def _make(self, role):
        namespace = Namespace("sluice-%s-%d" % (role, os.getpid()))
        self._made.append(namespace)
        return namespace

    def _prepare(self):
        for namespace in self._made:
            forward = 1 if namespace is self.gateway else 0
            namespace.sysctl("ipv4/ip_forward", forward)
            for scope in ("all", "default"):
                namespace.sysctl("ipv4/conf/%s/rp_filter" % scope, 0)
                namespace.sysctl("ipv6/conf/%s/disable_ipv6" % scope, 0)
                namespace.sysctl("ipv6/conf/%s/accept_dad" % scope, 0)
                namespace.sysctl("ipv6/conf/%s/accept_ra" % scope, 0)
                namespace.sysctl("ipv6/conf/%s/forwarding" % scope, forward)
            namespace.ip("link", "set", "lo", "up")
        # Room for many short connections in a row.
        self.client.sysctl("ipv4/ip_local_port_range", "1024 65535")
        self.server.sysctl("core/somaxconn", 4096)
        self.server.sysctl("ipv4/tcp_max_syn_backlog", 4096)

    def _link(self, host, host_if, host_addr, gateway_if, gateway_addr):
        run("ip", "link", "add", host_if, "netns", host.name, "type", "veth",
            "peer", "name", gateway_if, "netns", self.gateway.name)
        for namespace, ifname, address in ((host, host_if, host_addr), (self.gateway, gateway_if, gateway_addr)):
            namespace.ip("link", "set", ifname, "up")
            namespace.ip("address", "add", "%s/%d" % (address[4], PREFIX[4]), "dev", ifname)
            namespace.ip("address", "add", "%s/%d" % (address[6], PREFIX[6]), "dev", ifname, "nodad")

    def _routes(self):
        """A wide initial window lets a client send hundreds of tiny segments without waiting for an answer."""
        for family in FAMILIES:
            flag = "-%d" % family
            self.client.ip(flag, "route", "add", "default", "via", GATEWAY_LAN[family], "initcwnd", "1000")
            self.server.ip(flag, "route", "add", "default", "via", GATEWAY_WAN[family])
            self.gateway.ip(flag, "neigh", "add", RAW_CLIENT[family], "lladdr", self.mac(self.client, "eth0"),
                            "dev", "lan", "nud", "permanent")

    @staticmethod
    def mac(namespace, ifname):
        return re.search(r"link/ether (\S+)", namespace.ip("-o", "link", "show", ifname).stdout).group(1)

    def nat(self, on):
        """What a gateway box often has: source NAT, a published address, and no tolerance for INVALID packets."""
        verb = "-A" if on else "-D"
        for family in FAMILIES:
            tool = IPTABLES[family]
            for rule in (("-t", "nat", verb, "POSTROUTING", "-o", "wan", "-j", "MASQUERADE"),
                         ("-t", "nat", verb, "PREROUTING", "-i", "lan", "-d", PUBLIC[family],
                          "-j", "DNAT", "--to-destination", SERVER[family]),
                         (verb, "OUTPUT", "-m", "conntrack", "--ctstate", "INVALID", "-j", "DROP")):
                self.gateway.run(tool, "-w", *rule)
        self.target = dict(PUBLIC if on else SERVER)

    def remove(self):
        while self._made:
            self._made.pop().remove()


def host_in_url(address):
    return "[%s]" % address if ipaddress.ip_address(address).version == 6 else address
