#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""content_filter.py - bytes of real TCP stacks through a content filter that is shown every one of them, with packets as large as the
kernel makes them, and where one in a hundred is lost ahead of it: what arrives is what was sent, in both directions.

usage: content_filter.py BUILD_DIR FACTOR    FACTOR: how much slower than an idle machine this one is"""

import hashlib
import json
import os
import pathlib
import socket
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from lab.namespaces import SERVER, LabError, Network  # noqa: E402  (the lab's folder is found by the line above)

MIB = 1 << 20
PORT = 8080
ANSWERS = 20000
LOAD = (("no loss", 0.0, 32), ("one packet in a hundred is lost", 0.01, 8))  # and MiB in each direction

# All is shown; what was shown passes, and no more.
SCENARIO = [
    {"scenario": "NE-PEEK-05: everything is shown and passed"}, {"event": "filterStart"},
    {"event": "open", "flow": 1, "direction": "outbound", "protocol": "tcp", "local": "192.0.2.2:1", "remote": "198.51.100.2:1",
     "answers": [{"kind": "filterDataVerdict", "filterInbound": True, "peekInboundBytes": "max", "filterOutbound": True,
                  "peekOutboundBytes": "max"}] + [{"kind": "passBytes", "passBytes": MIB, "peekBytes": "max"}] * ANSWERS}]


def start(network, build, folder):
    settings = {"inside": "lan", "lists": "[]", "flow_log": '""', "provider": "scripted", "provider_file": folder / "scenario.jsonl",
                "control": folder / "control.sock"}
    (folder / "scenario.jsonl").write_text("".join(json.dumps(line) + "\n" for line in SCENARIO))
    (folder / "sluice.yaml").write_text("".join("%s: %s\n" % setting for setting in settings.items()))
    os.chmod(folder, 0o755)
    with open(folder / "log", "w") as log:
        process = network.gateway.start(build + "/daemon/sluiced", "--config", str(folder / "sluice.yaml"), stdout=log, stderr=log)
    limit = time.monotonic() + 30
    while "sluiced: ready" not in (folder / "log").read_text():
        if process.poll() is not None or time.monotonic() > limit:
            raise LabError("sluiced does not become ready: " + (folder / "log").read_text())
        time.sleep(0.02)
    return process


def receive(connection):
    digest = hashlib.sha256()
    while data := connection.recv(MIB):
        digest.update(data)
    return digest.hexdigest()


def serve(listener, piece, pieces, got):
    connection, _ = listener.accept()
    with connection:
        got.append(receive(connection))
        for _ in range(pieces):
            connection.sendall(piece)


def exchange(network, pieces, timeout):
    """True where both ends got what the other one sent."""
    piece, got = os.urandom(MIB), []
    want = hashlib.sha256(piece * pieces).hexdigest()
    with network.server:
        listener = socket.create_server((SERVER[4], PORT))
    server = threading.Thread(target=serve, args=(listener, piece, pieces, got), daemon=True)
    server.start()
    with network.client:
        client = socket.create_connection((SERVER[4], PORT), timeout)
    with client, listener:
        for _ in range(pieces):
            client.sendall(piece)
        client.shutdown(socket.SHUT_WR)
        back = receive(client)
    server.join(timeout)
    return got == [want] and back == want


def main():
    if os.geteuid() != 0:
        return 77
    build, slow = sys.argv[1], float(sys.argv[2])
    failed = 0
    for what, loss, pieces in LOAD:
        network, process = Network(), None
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            try:
                process = start(network, build, folder)
                if loss:
                    network.gateway.run("iptables", "-t", "raw", "-A", "PREROUTING", "-p", "tcp", "-m", "statistic", "--mode", "random",
                                        "--probability", str(loss), "-j", "DROP")
                right = exchange(network, pieces, 20 * slow)
                status = json.loads(network.gateway.run(build + "/daemon/sluice", "--config", str(folder / "sluice.yaml"), "status",
                                                        "--json").stdout)
            finally:
                if process is not None:
                    process.terminate()
                    process.wait()
                network.remove()
        counts = status["content_filter"]
        right = right and counts["flows"] >= 1 and counts["packets"] > 2 * pieces and counts["held"] == 0
        right = right and (not loss or counts["early"] > 0)
        failed += not right
        print("%s: %s, %s" % (what, "right" if right else "WRONG", {k: v for k, v in counts.items() if v}))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
