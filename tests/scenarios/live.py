#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""live.py - scenarios through the live queue: their events as packets, through a sluiced whose provider is the scenario's, against
what sluice replay makes of them.

usage: live.py BUILD_DIR [--keep] [--times] [--scale N] [--all | TEXT ...]    TEXT: those whose path has one of them, of all there are

Three namespaces of its own; both ends are packet sockets, so that each event is one packet and nothing puts packets together or
takes them apart. Whoever is next waits for what stands before it: the provider for the packets, by what the filter counted; this
program for the trace. Time runs as many times as fast as the scenario's line below says.

Equal, but for times and identifiers, are the traces up to the moment where a flow is let go for good: the kernel carries it alone
from then on (the mark), and of a dropped datagram flow too nothing needs to come any more. What the trace says went on must have
arrived at the other end, and nothing else; who was to be told of a drop must have got a reset; and of each direction what came is
what went on, was dropped, or waits."""

import collections
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from lab import namespaces  # noqa: E402  (the lab's folder is found by the line above)
from lab.namespaces import LabError, Namespace, run  # noqa: E402

# What ctest plays; and how fast. A scenario that waits for long is played faster; one with short limits, slower.
SCENARIOS = """
new-flow/allow 20
new-flow/filter-data 20
new-flow/need-rules 20
data/pass-and-peek 20
data/drop 20
data/pause 100
peek/whole-chunks 20
peek/again 20
peek/stall-udp 100
pause/udp-limit 50
pause/twice 20
callback/complete 20
callback/order 20
callback/update 20
drop/tcp 20
drop/reset 20
drop/datagram 100
flow/inbound 20
"""

# What --all leaves out, and why.
LEFT_OUT = {
    "new-flow/url-append": "no flow of a gateway has a url",
    "rule/host": "names said by who connects", "rule/constructors": "the same",
    "rule/host-dns": "a datagram flow without a datagram", "rule/actions": "the same", "rule/protocol": "the same",
    "failure/older": "an older flow without a byte",
    "callback/all": "counts ticks from the filter's start", "flow/raw": "neither TCP nor UDP", "flow/identity": "IPv6 addresses, and a name",
    "rule/family": "IPv6 addresses", "rule/loopback": "loopback is never forwarded", "life/no-settings": "the same",
    "failure/close-wait": "the same",
    "failure/datagram-limit": "a limit below that of the option", "failure/stream-limit": "the same",
    "pause/udp-in-time": "a millisecond before a limit of time",
    "report/every-high": "counts ticks from the filter's start", "report/every-medium": "the same", "report/every-low": "the same",
}
SLOW = {"pause/tcp-for-ever": 1000, "failure/overlay-install": 100, "failure/preserve": 100, "failure/wake-stall": 100,
        "failure/wake-marks": 100, "life/configuration": 100, "pause/complete": 100, "new-flow/undecided": 100, "new-flow/pause": 100,
        "report/switched-off": 10}

INSIDE, OUTSIDE = "lan", "wan"
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
ISN = {"outbound": 1000, "inbound": 5000000}  # of the bytes in that direction
OTHER = {"outbound": "inbound", "inbound": "outbound"}
WITHIN = 10  # s, for anything that is waited for
OUTSIDE_EVENTS = {"open", "answered", "data", "finish", "close", "tick"}
OPTIONS = {"redeliver": "redeliver", "starting": "starting", "existing": "existing", "apply": "apply", "reject": "refuse", "rejectUDP": "refuse_udp",
           "late": "late", "undecided": "udp_undecided", "idle": "udp_idle", "collector": "udp_collector",
           "closeWait": "close_wait", "tick": "statistics_tick", "answer": "answer_limit", "datagramPackets": "udp_packets",
           "datagramBytes": "udp_bytes", "streamBytes": "tcp_bytes", "strictReportCounts": "report_counts"}
SPANS = {"undecided", "idle", "collector", "closeWait", "tick", "answer"}
WORDS = {"rst": "reset", True: "yes", False: "no"}


def checksum(data):
    """RFC 1071."""
    data += bytes(len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def endpoint(text):
    host, port = text.rsplit(":", 1)
    return host.strip("[]"), int(port)


class Wire:
    """One end's packet socket: what goes out of it, and what came, by (protocol, from, to)."""

    def __init__(self, namespace, gateway_mac):
        with namespace:
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
            self.socket.bind(("eth0", 0x0800))
        self.socket.settimeout(0.1)
        self.to = ("eth0", 0x0800, 0, 0, bytes.fromhex(gateway_mac.replace(":", "")))
        self.came = collections.Counter()  # bytes of payload, each sequence number once
        self.resets = set()
        self._seen = set()
        self._stop = False
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self):
        while not self._stop:
            try:
                packet, where = self.socket.recvfrom(1 << 17)
            except socket.timeout:
                continue
            if where[2] != socket.PACKET_OUTGOING:
                self._take(packet)

    def _take(self, packet):
        head = (packet[0] & 15) * 4
        protocol, body = packet[9], packet[head:int.from_bytes(packet[2:4], "big")]
        key = (protocol, socket.inet_ntoa(packet[12:16]), int.from_bytes(body[:2], "big"),
               socket.inet_ntoa(packet[16:20]), int.from_bytes(body[2:4], "big"))
        if protocol == socket.IPPROTO_UDP:
            self.came[key] += len(body) - 8
        elif protocol == socket.IPPROTO_TCP:
            seq, length = int.from_bytes(body[4:8], "big"), len(body) - (body[12] >> 4) * 4
            if body[13] & RST:
                self.resets.add(key)
            if length > 0 and (key, seq) not in self._seen:
                self._seen.add((key, seq))
                self.came[key] += length

    def send(self, protocol, source, target, body):
        a, b = socket.inet_aton(source[0]), socket.inet_aton(target[0])
        at = 16 if protocol == socket.IPPROTO_TCP else 6
        total = checksum(a + b + struct.pack("!BBH", 0, protocol, len(body)) + body)
        body = body[:at] + struct.pack("!H", total or 0xffff) + body[at + 2:]
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0x4000, 64, protocol, 0) + a + b
        self.socket.sendto(head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body, self.to)

    def close(self):
        self._stop = True
        self._thread.join()
        self.socket.close()


class Network:
    """client eth0 -- lan gateway wan -- eth0 server, and a route for every address of a scenario."""

    def __init__(self, name, ends):
        self.made = []
        self.wire = {}
        try:
            for role in ("client", "gateway", "server"):
                self.made.append(Namespace("sluice-live-%s-%d-%s" % (name, os.getpid(), role)))
            self.client, self.gateway, self.server = self.made
            self.gateway.sysctl("ipv4/ip_forward", 1)
            for key in ("ipv4/conf/all/rp_filter", "ipv4/conf/default/rp_filter"):
                self.gateway.sysctl(key, 0)
            for host, link, addresses in ((self.client, INSIDE, ends["local"]), (self.server, OUTSIDE, ends["remote"])):
                self._link(host, link, addresses)
        except BaseException:
            self.remove()
            raise

    def _link(self, host, link, addresses):
        run("ip", "link", "add", "eth0", "mtu", "65535", "netns", host.name, "type", "veth",
            "peer", "name", link, "mtu", "65535", "netns", self.gateway.name)
        host.ip("link", "set", "eth0", "up")
        self.gateway.ip("link", "set", link, "up")
        mac = namespaces.Network.mac(host, "eth0")
        for address in addresses:
            self.gateway.ip("route", "add", address + "/32", "dev", link)
            self.gateway.ip("neigh", "add", address, "lladdr", mac, "dev", link, "nud", "permanent")
        self.wire[link] = Wire(host, namespaces.Network.mac(self.gateway, link))

    def remove(self):
        for wire in self.wire.values():
            wire.close()
        while self.made:
            self.made.pop().remove()


class Flow:
    """What an `open` says, and how far each direction has come on the wire."""

    def __init__(self, network, event):
        self.wire, self.event = network.wire, event
        self.tcp = event.get("protocol", "tcp") == "tcp"
        self.protocol = socket.IPPROTO_TCP if self.tcp else socket.IPPROTO_UDP
        self.end = {"outbound": endpoint(event["local"]), "inbound": endpoint(event["remote"])}  # who sends
        self.sent = dict.fromkeys(OTHER, 0)
        self.finished = set()

    def _send(self, direction, flags, data=b"", offset=None):
        source, target = self.end[direction], self.end[OTHER[direction]]
        wire = self.wire[INSIDE if direction == "outbound" else OUTSIDE]
        ports = struct.pack("!HH", source[1], target[1])
        if not self.tcp:
            wire.send(self.protocol, source, target, ports + struct.pack("!HH", 8 + len(data), 0) + data)
            return
        seq = ISN[direction] + (0 if flags & SYN else 1 + (self.sent[direction] if offset is None else offset))
        ack = ISN[OTHER[direction]] + 1 if flags & ACK else 0
        wire.send(self.protocol, source, target,
                  ports + struct.pack("!IIBBHHH", seq, ack, 5 << 4, flags, 65535, 0, 0) + data)

    def open(self):
        if self.tcp:
            self._send(self.event["direction"], SYN)

    def answered(self):
        self._send(OTHER[self.event["direction"]], SYN | ACK)
        time.sleep(0.02)  # conntrack takes the ACK for one of a handshake only behind the answer
        self._send(self.event["direction"], ACK)

    def data(self, event):
        data = bytes(event.get("len", 0))
        if "text" in event:
            data = event["text"].encode()
        elif "hex" in event:
            data = bytes.fromhex(event["hex"])
        self._send(event["direction"], PSH | ACK, data)
        self.sent[event["direction"]] += len(data)

    def finish(self, event):
        self._send(event["direction"], FIN | ACK)
        self.finished.add(event["direction"])

    def close(self):
        if self.tcp and len(self.finished) < 2:
            direction = self.event["direction"]
            self._send(direction, RST | ACK, offset=self.sent[direction] + (direction in self.finished))

    def key(self, direction):
        return (self.protocol, *self.end[direction], *self.end[OTHER[direction]])


def transformed(lines):
    """TCP on the wire has a handshake: who has answered is said before the first byte."""
    out, answered, opened = [], set(), {}
    for event in lines[1:]:
        flow = event.get("flow")
        if event["event"] == "open":
            opened[flow] = event
        if event["event"] == "answered":
            answered.add(flow)
        tcp = flow in opened and opened[flow].get("protocol", "tcp") == "tcp" and not opened[flow].get("older")
        if event["event"] in ("data", "finish", "close") and tcp and flow not in answered:
            answered.add(flow)
            extra = {"event": "answered", "flow": flow}
            if "time" in event:
                extra["time"] = event["time"]
            out.append(extra)
        out.append(event)
    return [lines[0]] + out


def normal(trace):
    """The events that both ways of playing must show, without what they cannot agree in."""
    gone, out = set(), []
    for line in trace:
        event = {k: v for k, v in line.items() if k not in ("time", "seq", "identifier")}
        flow, kind = event.get("flow"), event["event"]
        if flow in gone and kind in ("data", "release", "discard", "finish", "close", "closed", "timer"):
            continue
        if kind == "detached" or (kind == "dropped" and event.get("type") != "stream" and (flow, "udp") in gone):
            gone.add(flow)
        if kind == "opened" and event.get("type") == "datagram":
            gone.add((flow, "udp"))
        out.append(event)
    return out


class Failure(Exception):
    pass


class Play:
    def __init__(self, build, path, scale, keep):
        self.build, self.path, self.scale, self.keep = pathlib.Path(build), path, scale, keep
        self.name = str(path.relative_to(HERE).with_suffix(""))
        self.lines = transformed([json.loads(line) for line in path.read_text().splitlines() if line.strip()])
        self.head, self.events = self.lines[0], self.lines[1:]
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-live-"))
        self.process = None
        last = 0
        for event in self.events:
            last = event.setdefault("time", last)

    # what replay says

    def replay(self, events, until=None):
        file = self.folder / "replay.jsonl"
        tick = [] if until is None else [{"time": until, "event": "tick"}]
        file.write_text("".join(json.dumps(e) + "\n" for e in [self.head] + events + tick))
        done = subprocess.run([self.build / "daemon/sluice", "replay", "--scenario", file], capture_output=True, timeout=60)
        return [json.loads(line) for line in done.stdout.decode().splitlines()[1:]], done.stderr.decode()

    # the daemon

    def configure(self):
        settings = {"inside": INSIDE, "lists": "[]", "never_block": "[]", "flow_log": '""', "provider": "scripted",
                    "profile": self.head.get("profile", "macos"), "provider_file": self.folder / "scenario.jsonl",
                    "trace": self.folder / "trace", "control": self.folder / "control.sock", "time_scale": self.scale,
                    "on_failure": "allow", "max_parked": 1024, "max_flows": 1024}
        if "platform" in self.head:
            settings["platform"] = self.head["platform"]
        for name, value in self.head.get("options", {}).items():
            value = WORDS.get(value, value) if not isinstance(value, int) or isinstance(value, bool) else value
            if name == "strictReportCounts":
                value = "closed" if value == "yes" else "all"
            settings[OPTIONS[name]] = "%dus" % value if name in SPANS else value
        (self.folder / "sluice.yaml").write_text("".join("%s: %s\n" % item for item in settings.items()))
        (self.folder / "scenario.jsonl").write_text("".join(json.dumps(e) + "\n" for e in self.lines))
        os.chmod(self.folder, 0o755)

    def start(self):
        log = open(self.folder / "log", "w")
        self.process = self.network.gateway.start(str(self.build / "daemon/sluiced"), "--config",
                                                  str(self.folder / "sluice.yaml"), stdout=log, stderr=log)
        log.close()
        self.wait(lambda: "sluiced: ready" in self.log(), "sluiced does not become ready")

    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    def trace(self):
        try:
            text = (self.folder / "trace").read_text()
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in text.splitlines(keepends=True)[1:] if line.endswith("\n")]

    def wait(self, done, why):
        limit = time.monotonic() + WITHIN
        while not done():
            if self.process.poll() is not None or time.monotonic() > limit:
                raise Failure("%s; its log:\n%s" % (why, self.log()))
            time.sleep(0.002)

    # events

    def reach(self, events, until):
        """Until the live trace is as long as that of a replay of these events."""
        expected = normal(self.replay(events, until)[0])

        def done():
            return len(normal(self.trace())) >= len(expected)
        limit = time.monotonic() + WITHIN + until / 1e6 / self.scale
        while not done():
            if self.process.poll() is not None or time.monotonic() > limit:
                self.compare(expected, "before event %d" % len(events))
                raise Failure("it stands still")
            time.sleep(0.002)

    def play(self):
        flows, pending = {}, None
        at = time.monotonic()
        for i, event in enumerate(self.events):
            kind = event["event"]
            if kind not in OUTSIDE_EVENTS:
                pending = None
                continue
            if kind == "open":
                flow = flows[event["flow"]] = Flow(self.network, event)
                if not flow.tcp or event.get("older"):
                    pending = i if pending is None else pending
                    continue
            first = i if pending is None else pending
            pending = None
            before = self.events[first - 1]["time"] if first > 0 else 0
            self.reach(self.events[:first], self.events[first]["time"])
            due = at + (self.events[first]["time"] - before) / 1e6 / self.scale
            time.sleep(max(0, due - time.monotonic()))
            self.perform(kind, event, flows)
            at = time.monotonic()
        end = self.events[-1]["time"]
        self.reach(self.events, end)
        time.sleep(0.05)
        self.compare(normal(self.replay(self.events)[0]), "at the end")
        self.check_wire(flows)

    @staticmethod
    def perform(kind, event, flows):
        flow = flows.get(event.get("flow"))
        if kind == "open":
            flow.open()
        elif kind == "answered":
            flow.answered()
        elif kind in ("data", "finish"):
            getattr(flow, kind)(event)
        elif kind == "close":
            flow.close()

    # the outcome

    def compare(self, expected, when):
        got = normal(self.trace())
        for i, (a, b) in enumerate(zip(expected, got)):
            if a != b:
                raise Failure("%s, line %d\n  replay %s\n  live   %s" % (when, i + 1, json.dumps(a), json.dumps(b)))
        if len(expected) != len(got):
            longer, which = (expected, "replay") if len(expected) > len(got) else (got, "live")
            raise Failure("%s, %s goes on: %s" % (when, which, json.dumps(longer[min(len(expected), len(got))])))

    def check_wire(self, flows):
        """The trace against what arrived, against itself, and against the packets that the daemon says it holds."""
        side, gone, refusal = {}, set(), {}
        for event in self.trace():
            number = event.get("flow")
            for direction in OTHER:
                if direction in event and isinstance(event[direction], dict):
                    side[number, direction] = event[direction]
            if event["event"] == "detached":
                gone.add(number)
            if event["event"] == "dropped":
                refusal[number] = event.get("refusal", [])
        for number, flow in flows.items():
            for direction in OTHER:
                s = side.get((number, direction), {"received": 0, "released": 0, "dropped": 0})
                if s["released"] + s["dropped"] > s["received"]:
                    raise Failure("flow %d, %s: more went than came: %s" % (number, direction, s))
                wire = flow.wire[OUTSIDE if direction == "outbound" else INSIDE]
                arrived = wire.came[flow.key(direction)]
                right = s["released"] <= arrived <= flow.sent[direction] if number in gone else arrived == s["released"]
                if not right:
                    raise Failure("flow %d, %s: %d bytes arrived, %s" % (number, direction, arrived, s))
            self.check_resets(number, flow, refusal.get(number, []))
        waits = sum(s["received"] - s["released"] - s["dropped"] for s in side.values())
        status = json.loads(self.network.gateway.run(str(self.build / "daemon/sluice"), "--config",
                                                     str(self.folder / "sluice.yaml"), "status", "--json").stdout)
        held = status["content_filter"]["held"]
        if waits > 0 and held == 0 or status["content_filter"]["flows"] < len(flows):
            raise Failure("%d bytes wait: %s" % (waits, status["content_filter"]))

    @staticmethod
    def check_resets(number, flow, refusal):
        opener = flow.event["direction"]
        for word, toward in (("resetOpener", OTHER[opener]), ("resetAnswerer", opener)):
            wire = flow.wire[OUTSIDE if toward == "outbound" else INSIDE]
            if word in refusal and flow.key(toward) not in wire.resets:
                raise Failure("flow %d: %s, and no reset came" % (number, word))

    def run(self):
        why, began = None, time.monotonic()
        try:
            ends = {"local": set(), "remote": set()}
            for event in self.events:
                for end in ends if event["event"] == "open" else ():
                    ends[end].add(endpoint(event[end])[0])
            self.configure()
            self.network = Network(re.sub(r"\W", "-", self.name), ends)
            try:
                self.start()
                self.play()
            finally:
                self.stop()
                self.network.remove()
        except (Failure, LabError, OSError, subprocess.SubprocessError) as error:
            why = str(error)
        if not self.keep:
            shutil.rmtree(self.folder)
        elif why:
            why += "\n  in " + str(self.folder)
        return self.name, why, time.monotonic() - began

    def stop(self):
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(WITHIN)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def is_playable(path):
    """Scenarios of URL filters have no packets, and the gateway has one content filter."""
    return not {"urlFilter", "filters"} & set(json.loads(path.read_text().splitlines()[0]))


def remove_leftovers():
    """Namespaces of a run that was killed: their name holds the pid of a process gone."""
    for line in run("ip", "netns", "list", check=False).stdout.splitlines():
        name = line.split()[0] if line else ""
        match = re.match(r"sluice-live-.*-(\d+)-(?:client|gateway|server)$", name)
        if match and not os.path.exists("/proc/" + match.group(1)):
            namespaces.end_processes(name)
            run("ip", "netns", "del", name, check=False)


def main():
    words = [a for a in sys.argv[1:] if not a.startswith("--")]
    if not words:
        sys.exit(__doc__)
    if os.geteuid() != 0:
        print("only root can make namespaces")
        return 77
    remove_leftovers()
    scale = int(sys.argv[sys.argv.index("--scale") + 1]) if "--scale" in sys.argv else 0
    if scale:
        words.remove(str(scale))
    wanted = dict(line.split() for line in SCENARIOS.split("\n") if line)
    if "--all" in sys.argv:
        paths = sorted(p for p in HERE.glob("*/*.jsonl") if str(p.relative_to(HERE).with_suffix("")) not in LEFT_OUT
                       and is_playable(p))
        wanted = {**SLOW, **wanted}
    elif words[1:]:
        paths = sorted(p for p in HERE.glob("*/*.jsonl") if any(w in str(p.relative_to(HERE)) for w in words[1:]))
    else:
        paths = [HERE / (name + ".jsonl") for name in wanted]
    plays = [Play(words[0], p, scale or int(wanted.get(str(p.relative_to(HERE).with_suffix("")), 50)), "--keep" in sys.argv)
             for p in paths]
    failed = 0
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        for name, why, seconds in pool.map(Play.run, plays):
            failed += why is not None
            if why or "--times" in sys.argv:
                print("%s, %.1f s: %s" % (name, seconds, why or "same"), flush=True)
    print("%d scenarios, %d fail" % (len(plays), failed))
    return 1 if failed or not plays else 0


if __name__ == "__main__":
    sys.exit(main())
