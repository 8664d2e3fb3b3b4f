# SPDX-License-Identifier: GPL-2.0-or-later
"""probe.py - does the gateway let a name through? One TLS connection at a time to the load's server."""

import contextlib
import socket
import time

from conformance.messages import hello
from lab.namespaces import SERVER, LabError

SHORT, DOWN = 443, 444  # ports of the server, as bench/queue/load.h names them
WITHIN, EVERY, STANDING_FOR = 1, 0.02, 0.5  # s
ANSWER = b"\0"  # how the server's answer begins, and no proxy's page
HELLO = 517  # bytes, at least, which the server wants before it answers
MUCH = 32 << 20  # more than the buffers of both ends hold


def connect(network, family, name, port=SHORT):
    """A connection whose hello was answered; None where it was not."""
    with network.client:
        sock = socket.socket(socket.AF_INET6 if family == 6 else socket.AF_INET)
    sock.settimeout(WITHIN)
    with contextlib.suppress(OSError):
        sock.connect((SERVER[family], port))
        sock.sendall(hello(name, pad=HELLO))
        if sock.recv(1) == ANSWER:
            return sock
    sock.close()
    return None


def answered(network, family, name):
    sock = connect(network, family, name)
    if sock is not None:
        sock.close()
    return sock is not None


def filters(network, family, listed, asked):
    """It refuses what is listed, and nothing else."""
    return not answered(network, family, listed) and answered(network, family, asked)


def until_it_filters(network, family, listed, asked, within, ended):
    limit = time.monotonic() + within
    while not filters(network, family, listed, asked):
        if ended() or time.monotonic() > limit:
            raise LabError("it has ended" if ended() else "it does not filter")
        time.sleep(EVERY)


def stands(sock, endless):
    """Is a connection of before still one? endless: its server sends as long as anybody reads, and so much more must come."""
    left = MUCH if endless else None
    sock.settimeout(WITHIN if endless else STANDING_FOR)
    try:
        while left is None or left > 0:
            got = sock.recv(1 << 20)
            if not got:
                return False
            left = left - len(got) if endless else None
        return True
    except TimeoutError:
        return not endless
    except OSError:
        return False
