#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""capture.py SLUICE SCENARIOS - captures through the content filter.

Each scenario that only makes traffic becomes a capture of it; the capture with the verdicts of the scenario's trace
(sluice replay CAPTURE --verdicts TRACE) gives a trace that sluice compare finds to be the same. Then what captures of macOS have in
them, pieces in any order, and what is refused."""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

import wire

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from lab import dns  # noqa: E402  (found by the line above)

SLUICE, SCENARIOS = sys.argv[1], pathlib.Path(sys.argv[2])
AFTER = 5000000  # the clock of the capture is that much behind the scenario's
# Neither a wire nor a trace holds settings, why a start failed, the beginning of an older flow, or a name.
NOT_ON_THE_WIRE = {"upgrade", "upgraded", "apply", "asleep", "configure", "notifyRulesChanged"}
HIDDEN = ("settings", "fails", "older", "asks")
failed = []


def run(*args):
    done = subprocess.run([SLUICE, *map(str, args)], capture_output=True, timeout=60)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def check(what, ok, *more):
    if not ok:
        failed.append(what)
        print("FAILED: %s" % what, *more, sep="\n  ")


def packets_of(events):
    """What a wire would have carried of a scenario. None: it is not only traffic."""
    out, flows = [], []
    time = 0
    for event in events:
        kind, time = event["event"], event.get("time", time)
        at = 1700000000000000 + AFTER + time
        if kind in NOT_ON_THE_WIRE or any(key in event for key in HIDDEN):
            return None
        if kind == "open":
            local, remote = wire.end(event["local"]), wire.end(event["remote"])
            ends = (local, remote) if event["direction"] == "outbound" else (remote, local)
            if event["protocol"] not in ("tcp", "udp") or local[0].is_loopback or remote[0].is_loopback:
                return None
            flows.append((event["protocol"], event["direction"], wire.Tcp(*ends)))
            if event["protocol"] == "tcp":
                out.append((at, flows[-1][2].segment(0, wire.SYN)))
            continue
        if "flow" not in event or kind not in ("answered", "data", "finish", "close"):
            continue
        protocol, direction, flow = flows[event["flow"] - 1]
        back = event.get("direction", direction) != direction
        data = bytes(event["len"]) if "len" in event else event.get("text", "").encode() or bytes.fromhex(event.get("hex", ""))
        if protocol == "udp" and kind == "data":
            out.append((at, wire.udp(flow.ends[back], flow.ends[not back], data)))
        elif protocol == "udp":
            return None
        elif kind == "answered":
            out.append((at, flow.segment(1, wire.SYN | wire.ACK)))
        elif kind == "close":
            out.append((at, flow.segment(0, wire.RST)))
        else:
            out.append((at, flow.segment(back, wire.ACK | (wire.FIN if kind == "finish" else 0), data)))
    return out


def scenario_and_capture(tmp, path):
    """The scenario's trace, and the trace of its capture with those verdicts, are the same."""
    lines = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    packets = None if "urlFilter" in lines[0] or "filters" in lines[0] else packets_of(lines[1:])
    if not packets or "options" in lines[0] or lines[0].get("platform") or lines[0].get("profile", "macos") != "macos":
        return False
    capture, again = tmp / "wire.pcap", tmp / "again.trace"
    capture.write_bytes(wire.pcap(packets))
    trace = path.with_suffix(".trace")
    status, out, err = run("replay", capture, "--verdicts", trace)
    check("%s: replay of its capture" % path.name, status == 0, err)
    again.write_text(out)
    status, out, err = run("compare", trace, again)
    check("%s: the same from its capture" % path.name, status == 0, out, err)
    return True


A, B, DNS = wire.end("192.0.2.7:40000"), wire.end("198.51.100.1:443"), wire.end("198.51.100.53:53")
HELLO = bytes(range(256)) * 4


def exchange(cuts=(1024,), back=(700,)):
    """A connection: the opener's 1024 bytes in pieces, the answer in pieces, both ends."""
    flow, out, time = wire.Tcp(A, B), [], 1700000000000000
    out.append((time, flow.segment(0, wire.SYN)))
    out.append((time + 1000, flow.segment(1, wire.SYN | wire.ACK)))
    for direction, lengths in ((0, cuts), (1, back)):
        at = 0
        for n in lengths:
            time += 10000
            out.append((time, flow.segment(direction, wire.ACK, HELLO[at:at + n])))
            at += n
    out.append((time + 20000, flow.segment(0, wire.ACK | wire.FIN)))
    out.append((time + 30000, flow.segment(1, wire.ACK | wire.FIN)))
    return out


def trace_of(tmp, capture, *args, name="out.trace"):
    (tmp / "in.pcap").write_bytes(capture)
    status, out, err = run("replay", tmp / "in.pcap", *args)
    check("replay %s" % " ".join(map(str, args)), status == 0, err)
    (tmp / name).write_text(out)
    return [json.loads(line) for line in out.splitlines()]


def told(trace, event):
    return [e for e in trace if e.get("event") == event]


def scenario(tmp, provider, *events, **head):
    path = tmp / "world.jsonl"
    path.write_text("\n".join(json.dumps(o) for o in [dict(scenario="NE-CB-03: by hand", provider=provider, **head), *events]))
    return path


def pieces(tmp):
    """The same bytes in other pieces, and in any order, with the verdicts of one trace: nothing differs but chunks."""
    world = scenario(tmp, {"handleNewFlow": {"kind": "filterDataVerdict", "filterInbound": True, "peekInboundBytes": 100,
                                             "filterOutbound": True, "peekOutboundBytes": "max"},
                           "handleOutboundData": {"kind": "passBytes", "passBytes": 600, "peekBytes": "max"},
                           "handleInboundData": {"kind": "passBytes", "passBytes": 100, "peekBytes": 100},
                           "handleInboundDataComplete": "allow", "handleOutboundDataComplete": "allow"})
    first = trace_of(tmp, wire.pcap(exchange((600, 424), (100,) * 7)), "--scenario", world, name="first.trace")
    check("callbacks by the head's provider", [len(told(first, e)) for e in
          ("handleNewFlow", "handleOutboundData", "handleInboundData")] == [1, 2, 7], first)
    cut = exchange((300, 400, 24, 300), (333, 1, 366))
    swapped = cut[:2] + [cut[3], cut[2], cut[2], cut[4]] + [cut[5]] + cut[6:]
    swapped = [(cut[i][0], packet) for i, (_, packet) in enumerate(swapped[:len(cut)])] + swapped[len(cut):]
    for what, packets in (("cut otherwise", cut), ("out of order, and twice", swapped)):
        again = trace_of(tmp, wire.pcap(packets), "--verdicts", tmp / "first.trace")
        check("%s: all bytes came" % what, sum(e["len"] for e in told(again, "data")) == 1724, again)
        status, out, err = run("compare", tmp / "first.trace", tmp / "out.trace")
        check("%s: the same" % what, status == 0, out, err)
    # A segment that the capture does not hold, and that was acknowledged; the frames cut by a snapshot length.
    holed = trace_of(tmp, wire.pcap(cut[:3] + cut[4:]), "--verdicts", tmp / "first.trace")
    check("a hole is filled", sum(e["len"] for e in told(holed, "data")) == 1724, holed)
    # Another verdict is another trace: what follows shows that a difference is seen.
    text = (tmp / "first.trace").read_text()
    (tmp / "drops.trace").write_text(text.replace('"kind":"passBytes","passBytes":600,"peekBytes":"max"', '"kind":"drop"', 1))
    trace_of(tmp, wire.pcap(cut), "--verdicts", tmp / "drops.trace")
    status, out, err = run("compare", tmp / "first.trace", tmp / "out.trace")
    check("another verdict is told", status == 1 and "B answers outbound data from byte 0 on with drop" in out, out)


def worlds(tmp):
    """The filter's life and rules are the scenario's, the flows the capture's."""
    allow = {"handleNewFlow": "allow"}
    rules = {"rules": [{"action": "drop", "remoteNetwork": "198.51.100.0:0", "remotePrefix": 24}]}
    dropped = trace_of(tmp, wire.pcap(exchange()), "--scenario", scenario(tmp, allow, {"event": "filterStart", "settings": rules}))
    check("rules of the scenario", told(dropped, "rule") and told(dropped, "dropped"), dropped)
    late = trace_of(tmp, wire.pcap(exchange()), "--scenario",
                    scenario(tmp, allow, {"event": "filterStart", "handler": "later"}, {"time": 500000, "event": "filterStarted"}))
    check("a filter that starts late", [e["time"] for e in told(late, "handleNewFlow")] == [500000], late)
    middle = trace_of(tmp, wire.pcap(exchange()[2:]), "--scenario", scenario(tmp, allow))
    check("NE-FAIL-05: a connection whose beginning is not there is older than the filter", told(middle, "dropped"), middle)
    inside = trace_of(tmp, wire.pcap(exchange()), "--scenario", scenario(tmp, allow), "--local", "198.51.100.0/24")
    check("--local says who is inside", told(inside, "handleNewFlow")[0]["direction"] == "inbound", inside)
    datagrams = [(1700000000000000 + t * 1000000, wire.udp(A, DNS, b"x" * 40)) for t in (0, 1, 60)]
    idle = trace_of(tmp, wire.pcap(datagrams), "--scenario", scenario(tmp, allow))
    check("NE-TIME-03: datagrams after a silence are another flow", len(told(idle, "handleNewFlow")) == 2, idle)


def names(tmp):
    """A flow of a capture has the name that its client asked DNS for, and then the one that it says."""
    world = scenario(tmp, {"handleNewFlow": {"kind": "filterDataVerdict", "filterInbound": True, "peekInboundBytes": 0,
                                             "filterOutbound": True, "peekOutboundBytes": "max"}, "handleOutboundData": "allow"},
                     {"event": "filterStart", "settings": {"rules": [{"action": "drop", "destinationHost": "bad.example:443"}]}})
    for name, dropped in (("www.good.example", False), ("www.bad.example", True)):
        question = dns.query(name, edns=False)
        answer = dns.answer(question)[:-4] + bytes([198, 51, 100, 1])
        capture = [(1699999999000000, wire.udp(A, DNS, question)), (1699999999001000, wire.udp(DNS, A, answer))]
        trace = trace_of(tmp, wire.pcap(capture + exchange()), "--scenario", world)
        flow = told(trace, "opened")[1]
        check("NE-CHOICE-06: %s was asked for" % name, (flow.get("remoteHostname"), flow.get("hostnameOrigin")) == (name, "dns"), flow)
        check("NE-RULE-14: %s is dropped by its rule, or is not" % name, bool(told(trace, "dropped")) == dropped, trace)
    flow, request = wire.Tcp(A, B), b"GET / HTTP/1.1\r\nHost: said.example\r\n\r\n"
    trace = trace_of(tmp, wire.pcap([(5, flow.segment(0, wire.SYN)), (6, flow.segment(1, wire.SYN | wire.ACK)),
                                     (7, flow.segment(0, wire.ACK, request[:20])), (8, flow.segment(0, wire.ACK, request[20:]))]),
                     "--scenario", scenario(tmp, {"handleNewFlow": {"kind": "filterDataVerdict", "filterOutbound": True,
                                                                    "peekOutboundBytes": "max"},
                                                  "handleOutboundData": {"kind": "passBytes", "passBytes": 0, "peekBytes": "max"}}))
    check("NE-CHOICE-06: the client says its name", [e.get("remoteHostname") for e in told(trace, "data")] == [None, "said.example"], trace)


def forms(tmp):
    """What macOS writes gives the same as a plain capture."""
    world = scenario(tmp, {"handleNewFlow": "allow"})
    plain = trace_of(tmp, wire.pcap(exchange()), "--scenario", world)
    check("PKTAP, link type 258", trace_of(tmp, wire.pcap(exchange(), 258, wire.pktap), "--scenario", world) == plain)
    check("pcapng with Apple's blocks", trace_of(tmp, wire.apple_pcapng(exchange()), "--scenario", world) == plain)
    six = [wire.end("[2001:db8::7]:40000"), wire.end("[2001:db8::1]:443")]
    flow = wire.Tcp(*six)
    trace = trace_of(tmp, wire.pcap([(5, flow.segment(0, wire.SYN))]), "--scenario", world)
    check("IPv6", told(trace, "opened")[0]["remote"] == "[2001:db8::1]:443", trace)


def refused(tmp):
    for what, pattern, args in (
            ("a scenario that opens flows", "the flows are the capture's", ["--scenario", SCENARIOS / "flow" / "datagrams.jsonl"]),
            ("a provider that says nothing", "nobody says what the provider answers",
             ["--scenario", scenario(tmp, {})]),
            ("a log for verdicts", "is a log, which does not hold verdicts",
             ["--verdicts", pathlib.Path(__file__).with_name("recordings") / "wake.txt"]),
            ("no prefix", "--local x is no prefix", ["--local", "x", "--verdicts", tmp / "first.trace"]),
            ("verdicts of several filters", "is of several filters", ["--verdicts", SCENARIOS / "chain" / "drop.trace"]),
            ("a scenario with several filters", "several filters, and a capture goes through one",
             ["--scenario", SCENARIOS / "chain" / "drop.jsonl"]),
            ("no trace", "cannot be read", ["--verdicts", tmp / "absent"]),
            ("flows and verdicts", "needs --flows and at least one capture", ["--flows", "--verdicts", tmp / "first.trace"])):
        status, out, err = run("replay", tmp / "in.pcap", *args)
        check("refused: %s" % what, status == 2 and pattern in err, status, err)
    (tmp / "in.pcap").write_bytes(b"GIF89a")
    status, out, err = run("replay", tmp / "in.pcap", "--verdicts", tmp / "first.trace")
    check("refused: no capture", status == 2 and err, err)


def mac(tmp):
    """A recording as a Mac makes it and the capture beside it: other clocks, ends not known at first, an event lost, a loopback flow
    that no wire saw, and traffic that the filter was not asked about."""
    trace = pathlib.Path(__file__).with_name("recordings") / "mac.jsonl"
    here, begin = (lambda port: wire.end("192.0.2.5:%d" % port)), 1700000000000000
    web, mail, other = (wire.Tcp(here(port), wire.end(remote)) for port, remote in (
        (51234, "198.51.100.1:443"), (51240, "203.0.113.9:80"), (51300, "203.0.113.77:5223")))
    stun = wire.end("203.0.113.20:3478")
    packets = [(0, web.segment(0, wire.SYN)), (20000, web.segment(1, wire.SYN | wire.ACK)),
               (31500, web.segment(0, wire.ACK, bytes(300))), (31600, web.segment(0, wire.ACK, bytes(217))),
               (100000, wire.udp(here(51235), wire.end("192.0.2.1:53"), bytes(40))),
               (200500, mail.segment(0, wire.SYN)), (201000, mail.segment(1, wire.SYN | wire.ACK)),
               (205000, mail.segment(0, wire.ACK, bytes(90))), (209800, mail.segment(1, wire.ACK, bytes(400))),
               (300000, other.segment(0, wire.SYN)),
               (400000, wire.udp(here(60000), stun, bytes(20))), (3400000, wire.udp(stun, here(60000), bytes(32)))]
    trace_of(tmp, wire.pcap([(begin + t, p) for t, p in packets]), "--verdicts", trace)
    status, out, err = run("replay", tmp / "in.pcap", "--verdicts", trace)
    for pattern in ("4 flows are in", "time 0 of the capture is 0.100 s after that of", "1 flow of the capture is not in",
                    "1 flow of .* is not in the capture", "1 callback .* no verdict"):
        check("told: %s" % pattern, re.search(pattern, err), err)
    status, out, err = run("compare", trace, tmp / "out.trace")
    for pattern in ("clocks: time 0 of B is 0.100 s", "EXM-09 .*B is asked about outbound data from byte 0 to 90, and no verdict follows .*events were lost before this", "EXM-01 .*only in A: a loopback flow",
                    "3 of 4 pairs are the same"):
        check("compared: %s" % pattern, re.search(pattern, out), out, err)
    check("nothing but what is documented", status == 0, out)


def main():
    with tempfile.TemporaryDirectory() as name:
        tmp = pathlib.Path(name)
        played = [p for p in sorted(SCENARIOS.glob("*/*.jsonl")) if scenario_and_capture(tmp, p)]
        print("%d scenarios as captures: %s" % (len(played), " ".join(p.stem for p in played)))
        check("enough scenarios are traffic alone", len(played) >= 60)
        for part in (pieces, worlds, names, forms, refused, mac):
            part(tmp)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
