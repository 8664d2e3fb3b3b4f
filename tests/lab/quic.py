# SPDX-License-Identifier: GPL-2.0-or-later
"""quic.py - clients of QUIC: ngtcp2's, which fetches files over HTTP/3, and hellos over several datagrams, which it cannot
be made to send."""

import hashlib
import os
import shutil
import socket
import subprocess

from conformance.cases import quic_shuffled, quic_two
from conformance.messages import AESGCM, handshake, new_connection

from . import probes
from .namespaces import LabError
from .probes import ALLOWED, Clock, Outcome
from .servers import INITIALS, QUIC, WHOLE

HANDMADE = {} if AESGCM is None else {"hello over two datagrams": quic_two, "shuffled CRYPTO frames": quic_shuffled}
LIKE_POST_QUANTUM = 1000  # bytes of padding


def gtlsclient(lab, family, host, log, *options, path="/index.html"):
    """It does not say how it fared: what came is a file. It looks the host up, or else would ask for localhost."""
    folder = os.path.join(lab.folder, "quic")
    shutil.rmtree(folder, ignore_errors=True)
    os.mkdir(folder)
    if shutil.which("gtlsclient") is None:
        raise LabError("there is no gtlsclient; please install ngtcp2-client and ngtcp2-server")
    hosts = os.path.join(lab.folder, "hosts")
    with open(hosts, "w") as to:
        to.write("%s %s\n" % (lab.network.target[family], host))
    clock = Clock()
    child = lab.network.client.start(
        "gtlsclient", "-q", "--exit-on-all-streams-close", "--handshake-timeout=%ds" % (probes.TIMEOUT + 1),
        "--download=" + folder, *options, host, str(QUIC), "https://%s%s" % (host, path), hosts=hosts,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        word = log.answer(lambda: None if child.poll() is None else _fetched(lab, folder + path))
        return Outcome(word, clock.ms())
    finally:
        child.kill()
        child.wait()


def _fetched(lab, path):
    try:
        with open(path, "rb") as source:
            digest = hashlib.file_digest(source, "sha256").hexdigest()
    except FileNotFoundError:
        return "no page"
    known = {hashlib.sha256(lab.servers.page).hexdigest(): ALLOWED, lab.servers.big_sha256: "intact"}
    return known.get(digest, "another page")


def handmade(lab, family, host, log, build):
    """The Initial packets of a hello as long as those with a post-quantum key share."""
    with lab.network.client:
        line = socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6, socket.SOCK_DGRAM)
    with line:
        line.connect((lab.network.target[family], INITIALS))
        line.setblocking(False)
        clock = Clock()
        for datagram in build(new_connection(), handshake(host, LIKE_POST_QUANTUM)):
            line.send(datagram)
        return Outcome(log.answer(lambda: _received(line)), clock.ms())


def _received(line):
    try:
        return ALLOWED if line.recv(2048) == WHOLE else "another answer"
    except BlockingIOError:
        return None
