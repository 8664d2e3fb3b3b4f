# SPDX-License-Identifier: GPL-2.0-or-later
"""dtls.py - openssl's client and server of DTLS. A server serves one client at a time, so each row starts its own."""

import os
import subprocess

from .namespaces import SERVER, host_in_url
from .probes import ALLOWED, Clock, Outcome

DTLS = 4444
WORD = b"from the client\n"
FRAGMENTS = ("-mtu", "256", "-cipher", "ALL:@SECLEVEL=0")  # so many suites that the name stands behind the first datagram


def s_client(lab, family, host, log, *options):
    """What the client says, once both have agreed on keys, arrives at the server."""
    word, heard = os.path.join(lab.folder, "dtls.in"), os.path.join(lab.folder, "dtls.out")
    with open(word, "wb") as to:
        to.write(WORD)
    with open(heard, "wb") as to:
        server = lab.network.server.start(
            "openssl", "s_server", "-dtls", "-%d" % family, "-quiet", "-key", os.path.join(lab.folder, "server.key"),
            "-cert", lab.servers.certificate, "-accept", _at(SERVER[family]), stdin=subprocess.PIPE, stdout=to, stderr=to)
    try:
        lab.servers.wait_for_datagrams(DTLS, family)
        return _ask(lab, family, host, log, word, heard, options)
    finally:
        server.stdin.close()
        server.kill()
        server.wait()


def _ask(lab, family, host, log, word, heard, options):
    clock = Clock()
    with open(word, "rb") as said:
        client = lab.network.client.start(
            "openssl", "s_client", "-dtls", "-quiet", "-servername", host, "-verify_return_error", "-CAfile",
            lab.servers.certificate, *options, "-connect", _at(lab.network.target[family]), stdin=said,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        return Outcome(log.answer(lambda: _came(heard, client)), clock.ms())
    finally:
        client.kill()
        client.wait()


def _at(address):
    return "%s:%d" % (host_in_url(address), DTLS)


def _came(heard, client):
    ended = client.poll()
    with open(heard, "rb") as source:
        if source.read() == WORD:
            return ALLOWED
    return None if ended is None else "openssl exit %d" % ended
