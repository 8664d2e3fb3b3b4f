#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""provider_command.py SLUICE - a provider in another language: sluice replay --provider with provider_example.py gives provider.trace, each
time; ten thousand flows that it pauses at once are each resumed with a verdict of their own, though others come and go meanwhile; and one
that goes away, or stops, ends the replay with a word about it."""

import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import provider_example

MANY, OTHERS = 10000, 100
END_S = 100


def connect(path):
    """Waits until it listens."""
    for _ in range(END_S * 50):
        try:
            return provider_example.Connection(path)
        except (FileNotFoundError, ConnectionRefusedError):
            time.sleep(0.02)
    raise SystemExit("sluice does not listen")


class Holder(provider_example.Provider):
    """Pauses the first flows until the filter is to sleep, and decides the others at once."""

    held = []

    def handleNewFlow(self, question):
        hold = question["flow"] <= MANY
        if hold:
            self.held.append(question["flow"])
        self.answer(question, "pause" if hold else "allow")

    def sleep(self, _):
        for flow in reversed(self.held):
            self.connection.send("resumeFlow", flow=flow, verdict=verdict_of(flow))
        self.connection.send("asleep")


class Leaver(provider_example.Provider):
    def handleNewFlow(self, _):
        raise ConnectionError("that was all")


class Stranger(provider_example.Provider):
    def handleNewFlow(self, question):
        self.connection.send("verdict", flow=question["flow"], verdict="alow")


def verdict_of(flow):
    return ("allow", "drop", "allow", "allow")[flow % 4]


def replay(sluice, scenario, kind, hosts=()):
    """Exit status, trace, what was said."""
    with tempfile.TemporaryDirectory() as folder:
        path = folder + "/provider.sock"

        def provide():
            try:
                kind(connect(path), hosts, 0).run()
            except OSError:
                pass

        threading.Thread(target=provide, daemon=True).start()
        done = subprocess.run([sluice, "replay", "--scenario", scenario, "--provider", path], capture_output=True, text=True,
                              timeout=END_S)
        assert not os.path.exists(path), "the socket is left behind"
        return done.returncode, done.stdout, done.stderr


def many_flows(file):
    """All of them open, and one packet of each waits; then others; then the provider is called to resume."""
    def event(**members):
        file.write(json.dumps(members) + "\n")

    file.write('{"scenario":"many","profile":"macos"}\n')
    event(event="filterStart")
    for flow in range(1, MANY + OTHERS + 1):
        if flow <= MANY + 1:
            event(time=flow, event="open", flow=flow, direction="outbound", protocol="tcp", local="10.0.%d.%d:4000" %
                  divmod(flow, 250), remote="192.0.2.1:443")
        else:
            event(event="open", flow=flow, direction="outbound", protocol="udp", local="10.1.0.1:%d" % flow, remote="192.0.2.1:53")
        event(event="data", flow=flow, direction="outbound", len=1 + flow % 100)
    event(time=3600 * 1000000, event="sleep")
    file.flush()


def main():
    sluice = sys.argv[1]
    want = (HERE / "provider.trace").read_text()
    for _ in range(2):
        status, trace, said = replay(sluice, str(HERE / "provider.jsonl"), provider_example.Provider, ("bad.example",))
        assert status == 0 and trace == want, (status, said, trace)

    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        many_flows(file)
        status, trace, said = replay(sluice, file.name, Holder)
    assert status == 0, (status, said)
    events = [json.loads(line) for line in trace.splitlines()[1:]]
    resumed = {e["flow"]: e["verdict"]["kind"] for e in events if e["event"] == "resumeFlow"}
    assert resumed == {flow: verdict_of(flow) for flow in range(1, MANY + 1)}
    moved = collections.Counter()
    for e in events:
        if e["event"] in ("release", "discard"):
            moved[e["flow"], e["event"]] += e["len"]
    for flow in range(1, MANY + 1):
        gone = "discard" if verdict_of(flow) == "drop" else "release"
        assert moved[flow, gone] == 1 + flow % 100 and len([1 for g in ("release", "discard") if moved[flow, g]]) == 1, flow
    when = {e["flow"]: e["time"] for e in events if e["event"] == "release"}
    assert all(when[flow] < 3600 * 1000000 for flow in range(MANY + 1, MANY + OTHERS + 1)), "others waited"
    assert not any(e["event"] == "illegal" for e in events)

    status, trace, said = replay(sluice, str(HERE / "provider.jsonl"), Leaver)
    assert status == 2 and "provider: it went away" in said and "provider.jsonl:3: the provider is gone" in said, said
    assert '"event":"filterCrashed"' in trace and '"verdict":{"kind":"drop"}' in trace, trace
    status, _, said = replay(sluice, str(HERE / "provider.jsonl"), Stranger)
    assert status == 2 and 'no key "question"; it has to be there' in said, said
    done = subprocess.run([sluice, "replay", "--flows", "x.pcap", "--provider", "x"], capture_output=True, text=True)
    assert done.returncode == 2 and "--provider answers a --scenario alone" in done.stderr, done.stderr


main()
