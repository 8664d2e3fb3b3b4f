#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""provider_example.py - a provider of a content filter as a process of its own: the protocol of sluice-provider(7) in a few lines.

usage: provider_example.py [--pause SECONDS] SOCKET [HOST...]

It looks at the first bytes that go out of each flow, drops those in which one of the HOSTs is read (or one of those in
provider_configuration), and lets the others pass. With --pause each flow is paused for so long before its verdict, as if somebody had to be
asked: many are under way at once. It connects again whenever it is closed, and ends when SOCKET is no more."""

import argparse
import base64
import heapq
import json
import select
import socket
import struct
import sys
import time

PEEK = 4096  # bytes: a hello, or the head of a request


class Connection:
    """Messages: an object of JSON behind its length in four bytes."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.bytes = b""

    def send(self, message, **members):
        text = json.dumps(dict(message=message, **members)).encode()
        self.socket.sendall(struct.pack("!I", len(text)) + text)

    def messages(self, timeout):
        """What has come, after at most so many seconds."""
        if not select.select([self.socket], [], [], timeout)[0]:
            return
        more = self.socket.recv(1 << 16)
        if not more:
            raise ConnectionError("sluice is gone")
        self.bytes += more
        while len(self.bytes) >= 4 and len(self.bytes) >= 4 + struct.unpack("!I", self.bytes[:4])[0]:
            end = 4 + struct.unpack("!I", self.bytes[:4])[0]
            text, self.bytes = self.bytes[4:end], self.bytes[end:]
            yield json.loads(text)


class Provider:
    def __init__(self, connection, hosts, pause):
        self.connection, self.hosts, self.pause = connection, [h.lower().encode() for h in hosts], pause
        self.paused = []  # a heap of (when, flow, verdict)

    def answer(self, question, verdict):
        self.connection.send("verdict", flow=question["flow"], question=question["question"], verdict=verdict)

    # Each callback that has a "question" is answered once, at once or later, in any order.

    def handleNewFlow(self, question):
        self.answer(question, {"kind": "filterDataVerdict", "filterInbound": False, "filterOutbound": True,
                               "peekOutboundBytes": PEEK})

    def handleOutboundData(self, question):
        data = base64.b64decode(question.get("bytes", "")).lower()
        verdict = "drop" if any(h in data for h in self.hosts) else "allow"
        if self.pause == 0:
            self.answer(question, verdict)
            return
        self.answer(question, "pause")
        heapq.heappush(self.paused, (time.monotonic() + self.pause, question["flow"], verdict))

    def handleInboundData(self, question):
        self.answer(question, "allow")

    handleOutboundDataComplete = handleInboundDataComplete = handleInboundData

    def filterConfiguration(self, message):
        self.hosts += message.get("vendorConfiguration", "").lower().encode().split()

    def startFilter(self, _):
        self.connection.send("filterStarted")

    def stopFilter(self, _):
        self.connection.send("filterStopped")

    def sleep(self, _):
        self.connection.send("asleep")

    def error(self, message):
        print("sluice says: " + message["text"], file=sys.stderr)

    def run(self):
        self.connection.send("hello", protocol="sluice-provider", version=1, name="provider_example.py")
        while True:
            wait = max(0, self.paused[0][0] - time.monotonic()) if self.paused else None
            for message in self.connection.messages(wait):
                # What is not known, and what needs no answer (hello, flowReleased ...), is skipped.
                getattr(self, message["message"], lambda _: None)(message)
            while self.paused and self.paused[0][0] <= time.monotonic():
                _, flow, verdict = heapq.heappop(self.paused)
                self.connection.send("resumeFlow", flow=flow, verdict=verdict)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pause", type=float, default=0, metavar="SECONDS")
    parser.add_argument("socket", metavar="SOCKET")
    parser.add_argument("hosts", nargs="*", metavar="HOST")
    args = parser.parse_args()
    while True:
        try:
            Provider(Connection(args.socket), args.hosts, args.pause).run()
        except FileNotFoundError:
            return
        except OSError as error:
            print("%s; once more in a moment" % error, file=sys.stderr)
            time.sleep(0.2)


if __name__ == "__main__":
    main()
