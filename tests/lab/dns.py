# SPDX-License-Identifier: GPL-2.0-or-later
"""dns.py - questions and answers (RFC 1035), as a stub resolver and its server have them."""

import os
import socket
import struct

DNS = 53
A, OPT, IN = 1, 41, 1
RESPONSE, RECURSION = 0x8000, 0x0100
ADDRESS = socket.inet_aton("192.0.2.80")
EDNS = b"\x00" + struct.pack("!HHIH", OPT, 1232, 0, 0)  # RFC 6891 section 6.1.2


def query(name):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return os.urandom(2) + struct.pack("!5H", RECURSION, 1, 0, 0, 1) + labels + b"\x00" + struct.pack("!2H", A, IN) + EDNS


def answer(question):
    """Whatever is asked for has the same address."""
    end = question.index(b"\x00", 12) + 5
    return (question[:2] + struct.pack("!5H", RESPONSE | RECURSION | 0x80, 1, 1, 0, 0) + question[12:end]
            + b"\xc0\x0c" + struct.pack("!HHIH", A, IN, 60, len(ADDRESS)) + ADDRESS)


def framed(message):
    """As TCP carries it (RFC 1035 section 4.2.2)."""
    return len(message).to_bytes(2, "big") + message
