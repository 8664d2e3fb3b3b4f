# SPDX-License-Identifier: GPL-2.0-or-later
"""resolver.py - a stub resolver: asks for some names on one flow, for host last, and says what became of the last one."""

import socket

from . import tls
from .dns import A, AAAA, DNS, answer, framed, query
from .probes import ALLOWED, Clock, Outcome, attempt, stream


def over_udp(lab, family, host, log, *earlier):
    clock = Clock()
    with lab.network.client:
        line = socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6, socket.SOCK_DGRAM)
    with line:
        line.connect((lab.network.target[family], DNS))
        line.setblocking(False)
        for name in (*earlier, host):
            question = query(name)
            clock.restart()
            line.send(question)
            word = log.answer(lambda: _received(line, answer(question)))
            if word != ALLOWED:
                break
        return Outcome(word, clock.ms())


def _received(line, wanted):
    try:
        return ALLOWED if line.recv(2048) == wanted else "another answer"
    except BlockingIOError:
        return None


def over_tcp(lab, family, host, _log, *earlier):
    def work(sent):
        line = stream(lab, family, DNS)
        try:
            for name in (*earlier, host):
                question, got = query(name), b""
                line.send(framed(question))
                sent()
                wanted = framed(answer(question))
                while len(got) < len(wanted):
                    got += tls.received(line)
                if got != wanted:
                    return "another answer"
            return ALLOWED
        finally:
            line.close()
    return attempt(work)


def look_up(lab, family, host):
    """Afterwards the gateway has seen an answer that gives the client the server's address for this name."""
    kind, record = (socket.AF_INET, A) if family == 4 else (socket.AF_INET6, AAAA)
    question = query(host, record, edns=False)
    with lab.network.client:
        line = socket.socket(kind, socket.SOCK_DGRAM)
    with line:
        line.settimeout(2)
        line.connect((lab.network.target[family], DNS))
        line.send(question)
        if line.recv(512) != answer(question):
            raise ValueError("another answer")
