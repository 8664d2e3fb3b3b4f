# SPDX-License-Identifier: GPL-2.0-or-later
"""machine_load.py - a client and a server in network namespaces beside the machine that is their gateway, and steady load between
them through it, of which every connection is accounted for (tests/outage)."""

import collections
import os
import time

from lab.namespaces import CLIENT, FAMILIES, GATEWAY_LAN, GATEWAY_WAN, PREFIX, SERVER, Namespace, run
from outage.main import end, started
from outage.record import Records, wrong

NAMES = 50
PATIENCE = 60  # s until a connection counts as lost: an emulated processor that others want, too, takes its time


class Network:
    """lan leads to the client, wan to the server; the machine's own namespace forwards."""

    def __init__(self):
        self.client, self.server = Namespace("client"), Namespace("server")
        for key in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
            with open("/proc/sys/net/" + key, "w") as to:
                to.write("1")
        for host, address, ifname, gateway in ((self.client, CLIENT, "lan", GATEWAY_LAN), (self.server, SERVER, "wan", GATEWAY_WAN)):
            host.ip("link", "set", "lo", "up")
            run("ip", "link", "add", ifname, "type", "veth", "peer", "name", "eth0", "netns", host.name)
            run("ip", "link", "set", ifname, "up")
            host.ip("link", "set", "eth0", "up")
            for family in FAMILIES:
                nodad = ("nodad",) if family == 6 else ()
                run("ip", "address", "add", "%s/%d" % (gateway[family], PREFIX[family]), "dev", ifname, *nodad)
                host.ip("address", "add", "%s/%d" % (address[family], PREFIX[family]), "dev", "eth0", *nodad)
                host.ip("-%d" % family, "route", "add", "default", "via", gateway[family])


class Load:
    """A context: steady load as long as it lasts. Afterwards `said` is what came of it, `bad` what should not have."""

    def __init__(self, network, folder, loader, rate):
        self._network, self._folder, self._loader, self._rate = network, folder, loader, rate
        self.said, self.bad, self.connections = "", "", 0

    def __enter__(self):
        names = self._path("names")
        with open(names, "w") as to:
            for i in range(NAMES):
                to.write("n%d.allowed.example\nn%d.blocked.example\n" % (i, i))
        self._server = started(self._network.server, self._path("server.log"), self._loader, "serve")
        self._client = started(self._network.client, self._path("load.log"), self._loader, "steady", "--server4", SERVER[4],
                               "--server6", SERVER[6], "--names", names, "--rate", str(self._rate), "--downloads", "2",
                               "--patience", str(PATIENCE), "--records", self._path("records"))
        time.sleep(2)
        return self

    def _path(self, name):
        return os.path.join(self._folder, name)

    def __exit__(self, *_):
        time.sleep(5)
        status = end(self._client)
        end(self._server)
        every = Records(self._path("records")).all
        self.connections = len(every)
        allowed = collections.Counter(c.outcome for c in every if not c.blocked and not c.right)
        through = sum(c.through for c in every if not c.split)
        split = sum(c.through for c in every if c.split)
        self.said = "%d connections, %d allowed failed, %d blocked got through" % (len(every), sum(allowed.values()), through)
        if split:
            self.said += " (%d of hellos in two segments)" % split
        if status != 0 or any(not c.right and not (c.split and c.through) for c in every) or len(every) < self._rate:
            self.bad = ", ".join("%s %d" % item for item in sorted(wrong(every).items())) or "status %d" % status
        with open(self._path("load.log")) as text:
            if '"broken": 0' not in text.read():
                self.bad += " a download broke"
