# SPDX-License-Identifier: GPL-2.0-or-later
"""starttls.py - openssl s_client, which has begun in the clear."""

import subprocess

from . import probes
from .mail import PROTOCOLS
from .namespaces import host_in_url
from .probes import ALLOWED, BLOCKED, Clock, Outcome


def s_client(lab, family, host, _log, name):
    protocol = PROTOCOLS[name]
    argv = ["openssl", "s_client", "-quiet", "-starttls", name, "-servername", host, "-verify_return_error", "-CAfile",
            lab.servers.certificate, "-connect", "%s:%d" % (host_in_url(lab.network.target[family]), protocol.port)]
    clock = Clock()
    with lab.network.client:
        try:
            done = subprocess.run(argv, input=protocol.leave, capture_output=True, timeout=probes.TIMEOUT, check=False)
        except subprocess.TimeoutExpired:
            return Outcome("timeout", clock.ms())
    if protocol.farewell in done.stdout:
        return Outcome(ALLOWED, clock.ms())
    if b"errno=104" in done.stderr:
        return Outcome(BLOCKED, clock.ms())
    said = (done.stdout + done.stderr).decode(errors="replace").strip()
    return Outcome("openssl exit %d: %s" % (done.returncode, said), clock.ms())
