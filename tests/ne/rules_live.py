#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""rules_live.py BUILD_DIR - host rules on real connections, through a sluiced whose provider has nothing but rules: by the name that
a client asked DNS for, by the one that it says itself, and by neither; and rules and a script across an upgrade in place.

Three namespaces of its own. The rows of one sluiced share it."""

import contextlib
import errno
import json
import os
import socket
import ssl
import sys
import tempfile
import threading
import time

from gateway import LIMIT, SERVER, Failure, Gateway, Network, expect, play
from lab import dns
from lab.namespaces import LabError

GOOD, BAD, ASKED = "www.good.example", "www.bad.example", "www.asked.example"
RULES = {"rules": [{"action": "drop", "destinationHost": "bad.example:80"}, {"action": "drop", "destinationHost": "asked.example:53"},
                   {"action": "drop", "destinationHost": "old.example:80"}]}
# Every flow is paused, and nobody resumes it.
SCENARIO = [{"scenario": "NE-CHOICE-19: flows that are paused when another engine takes over",
             "provider": {"handleNewFlow": "pause"}}, {"event": "filterStart"}]


def resolve(network, name):
    """The answer of a resolver behind the gateway, whose address for everything is the server's; None: there came none."""
    with network.client, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(LIMIT)
        client.sendto(dns.query(name, edns=False), (SERVER, dns.DNS))
        with contextlib.suppress(TimeoutError, socket.timeout):
            return client.recv(512)
    return None


def serve_dns(network):
    with network.server:
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.bind((SERVER, dns.DNS))

    def serve():
        with contextlib.suppress(OSError):
            while True:
                question, client = server.recvfrom(512)
                server.sendto(dns.answer(question), client)
    threading.Thread(target=serve, daemon=True).start()
    return server


def hello(name):
    """What a TLS client says first."""
    out = ssl.MemoryBIO()
    session = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), out, server_hostname=name)
    with contextlib.suppress(ssl.SSLWantReadError):
        session.do_handshake()
    return out.read()


# ---- rules ----

def by_dns(gateway):
    """NE-CHOICE-06, NE-RULE-14: a flow that says no name has the one that its client asked DNS for"""
    network = gateway.network
    for name, what in ((GOOD, "passed"), (BAD, "reset"), (GOOD, "passed")):
        if resolve(network, name) is None:
            raise Failure("DNS does not answer")
        expect(network.say(b"hello\n"), what, most=LIMIT)


def by_hello(gateway):
    """NE-CHOICE-06: what the client says itself, in a hello or a request, replaces what it asked DNS for"""
    network = gateway.network
    resolve(network, GOOD)
    expect(network.say(hello(BAD)), "reset", most=LIMIT)
    expect(network.get(BAD), "reset", most=LIMIT)
    resolve(network, BAD)
    expect(network.say(hello(GOOD)), "passed", most=LIMIT)
    expect(network.get(GOOD), "passed", most=LIMIT)


def dns_itself(gateway):
    """NE-RULE-14, NE-CHOICE-46: with port 53 a rule drops the question, and nothing is answered"""
    if resolve(gateway.network, ASKED) is not None:
        raise Failure("a question passed that a rule drops")
    if resolve(gateway.network, GOOD) is None:
        raise Failure("another question was dropped, too")


def is_counted(gateway):
    """What names came of is counted."""
    counts = gateway.status()["content_filter"]
    for name, least in {"names_taught": 5, "named_by_dns": 3, "named_by_hello": 4}.items():
        if counts[name] < least:
            raise Failure("%s is %d, and not %d at least: %s" % (name, counts[name], least, counts))


def rules_upgraded(gateway):
    """NE-CHOICE-19: rules are in force after an upgrade as before it, and an open connection goes on"""
    network = gateway.network
    with network.connect() as early:  # not a byte of it is judged yet
        gateway.upgrade()
        early.sendall(b"GET / HTTP/1.1\r\nHost: %s\r\n\r\n" % GOOD.encode())
        if not early.recv(4096).endswith(b"ok"):
            raise Failure("a connection that had begun did not go on")
    expect(network.get(BAD), "reset", most=LIMIT)
    expect(network.get(GOOD), "passed", most=LIMIT)


# ---- without names, and blocked datagrams are told so ----

def nameless(gateway):
    """NE-FLOW-06, NE-CHOICE-47: with hostname: none no host rule matches"""
    resolve(gateway.network, BAD)
    expect(gateway.network.get(BAD), "passed", most=LIMIT)


# ---- a script ----

def script_upgraded(gateway):
    """NE-CHOICE-19, NE-CHOICE-15: of what a script has paused, the next engine makes what existing says; it asks the script of new flows"""
    network, got = gateway.network, []
    thread = threading.Thread(target=lambda: got.append(network.get(GOOD)))
    thread.start()
    time.sleep(LIMIT)
    if gateway.status()["content_filter"]["held"] == 0:
        raise Failure("nothing is paused")
    gateway.upgrade()
    thread.join()
    expect(got[0], "passed", least=LIMIT)  # existing: pass
    expect(network.get(GOOD), "nothing", least=2 * LIMIT)


def prohibited(gateway):
    """NE-CHOICE-24: with refuse_udp: icmp who sends a datagram that is dropped is told at once"""
    with gateway.network.client, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(LIMIT)
        client.connect((SERVER, dns.DNS))
        client.send(dns.query(ASKED, edns=False))
        try:
            client.recv(512)
        except OSError as error:
            if error.errno == errno.EHOSTUNREACH:
                return
        raise Failure("nobody is told")


STORIES = (({"provider": "rules"}, RULES, (by_dns, by_hello, dns_itself, is_counted, rules_upgraded)),
           ({"provider": "rules", "hostname": "none", "refuse_udp": "icmp"}, RULES, (nameless, prohibited)),
           ({"provider": "scripted"}, SCENARIO, (script_upgraded,)))


def play_story(build, network, settings, file, rows):
    with tempfile.TemporaryDirectory(prefix="sluice-rules-") as folder:
        path = folder + "/provider"
        with open(path, "w") as to:
            to.write(json.dumps(file) if isinstance(file, dict) else "".join(json.dumps(line) + "\n" for line in file))
        return play(Gateway(build, network, folder, provider_file=path, **settings), rows)


def main():
    if os.geteuid() != 0:
        print("skipped: needs root")
        return 77
    network = Network()
    server = serve_dns(network)
    try:
        return 1 if sum(play_story(sys.argv[1], network, *story) for story in STORIES) else 0
    except (Failure, LabError) as error:
        print(error)
        return 1
    finally:
        server.close()
        network.remove()


sys.exit(main())
