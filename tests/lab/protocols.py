# SPDX-License-Identifier: GPL-2.0-or-later
"""protocols.py - the table of what is asked through the gateway, continued: ways other than HTTP and plain TLS in which a
name can arrive. A client here is (lab, family, host, log, ...) -> Outcome, and the flow log must tell of its flow, too.

FORMS are asked without NAT alone, which changes nothing of what they show. REFUSED is asked of a sluiced whose option
`unjudged` refuses what cannot be judged."""

import os
import struct

from . import dtls, names, quic, resolver, starttls, tls
from .flowlog import FlowLog
from .namespaces import SERVER
from .probes import ALLOWED, BLOCKED, HANDFUL, TIMEOUT, Probe, attempt, hello, openssl_session, udp_echo, whole_page
from .servers import TLS
from .tls13 import Tls13Session

SAID = {ALLOWED: {"action": "pass", "letter": "h"}, BLOCKED: {"action": "drop", "letter": "g", "list": "blocked"}}


def row(name, word, app, client, host, *arguments, said, max_queued=None, **options):
    """said: what the flow log must have beside the application's name, when the word is right."""
    def ask(lab, family):
        log = FlowLog(lab, family, app)
        outcome = client(lab, family, host, log, *arguments, **options)
        if outcome.got == word and said is not None:
            outcome.got += log.missing(**said)
        return outcome
    return Probe(name, word, ask, max_queued)


def both(name, app, client, *arguments, said=None, **options):
    """A client that must get through with an allowed name and must not with a blocked one."""
    return [row("%s: %s name" % (name, word), word, app, client, host, *arguments,
                said={"name": host, **SAID[word], **(said or {})}, **options)
            for host, word in ((names.BLOCKED, BLOCKED), (names.ALLOWED, ALLOWED))]


def asked(title, client, host, *earlier):
    """Names of DNS are logged, and not judged; each of those that a flow asks for."""
    return row(title, ALLOWED, "dns", client, host, *earlier, said={"name": host, "action": "pass", "cause": "dns"})


def outer_ech(payload):
    """The outer form (RFC 9849 section 5): HKDF-SHA256 and AES-128-GCM, a key of X25519, and a hello sealed by nobody."""
    return b"\x00" + struct.pack("!HHBH", 1, 1, 7, 32) + os.urandom(32) + struct.pack("!H", payload) + os.urandom(payload)


def echo_of_udp(lab, family, _host, _log):
    return udp_echo(lab, family)


def with_ech(lab, family, host, _log, payload):
    return hello(lab, family, host, session=lambda _, name: Tls13Session(name, outer_ech(payload)))


def nameless(lab, family, host, _log):
    """A page over TLS from a server whose address DNS gave for host, with a hello that names nobody. The look-up at the end is
    that of whoever comes next: the last name counts."""
    def work(sent):
        resolver.look_up(lab, family, host)
        with lab.network.client:
            line = tls.Stream((SERVER[family], TLS), TIMEOUT)
        try:
            return whole_page(lab, tls.fetch(line, openssl_session(lab, None), names.ALLOWED, tls.whole, sent))
        finally:
            line.close()
            resolver.look_up(lab, family, names.ALLOWED)
    return attempt(work)


RESOLVERS = (("UDP", resolver.over_udp), ("TCP", resolver.over_tcp))
MAY_BE_REAL, TOO_SHORT = 208, 32  # bytes of the payload: a padded hello and its tag; less than any hello has
UNKNOWN_VERSION = "--version=v2draft"  # both ends speak it; sluice does not, since RFC 9369 took its place

TRAFFIC = [
    *both("QUIC", "quic", quic.gtlsclient, said={"version": "v1"}, max_queued=HANDFUL),
    row("QUIC: big download over an allowed flow", "intact", "quic", quic.gtlsclient, names.ALLOWED, path="/big.bin",
        said={"name": names.ALLOWED}, max_queued=HANDFUL),
    *(asked("DNS over %s: a blocked name is logged and answered" % carrier, client, names.BLOCKED)
      for carrier, client in RESOLVERS),
    *both("STARTTLS, SMTP", "tls", starttls.s_client, "smtp"),
    *both("DTLS", "dtls", dtls.s_client, max_queued=HANDFUL),
    *both("HTTPS with ECH that may be real", "tls", with_ech, MAY_BE_REAL, said={"ech_kind": "outer"}),
]
FORMS = [
    row("QUIC of a version that is not known passes", ALLOWED, "quic", quic.gtlsclient, names.BLOCKED, UNKNOWN_VERSION,
        said=None),
    *(probe for form, build in quic.HANDMADE.items()
      for probe in both("QUIC, " + form, "quic", quic.handmade, build, said={"packets": 2})),
    *(asked("DNS over %s: the third name of a flow is logged and answered" % carrier, client, names.LISTED,
            names.ALLOWED, names.BLOCKED)
      for carrier, client in RESOLVERS),
    row("UDP of no protocol that is known passes as not_web", ALLOWED, "failed", echo_of_udp, None,
        said={"action": "pass", "cause": "not_web"}),
    *both("STARTTLS, IMAP", "tls", starttls.s_client, "imap"),
    *both("DTLS, hello in fragments", "dtls", dtls.s_client, *dtls.FRAGMENTS, said={"packets": 2},
          max_queued=HANDFUL),
    *both("HTTPS with ECH that cannot be", "tls", with_ech, TOO_SHORT, said={"ech_kind": "grease"}),
    # The last one: afterwards whatever has no name is judged by this one for a while.
    *both("TLS without a name, to an address from DNS", "tls", nameless, said={"name_from": "dns"}),
]

UNJUDGED = "unjudged: {quic: block, dns: block, ech: block}\n"
REFUSED = [
    row("unjudged.quic: QUIC of a version that is not known", BLOCKED, "quic", quic.gtlsclient, names.ALLOWED,
        UNKNOWN_VERSION, said={"action": "drop", "cause": "quic", "name": None}),
    row("unjudged.quic: QUIC of a version that is known", ALLOWED, "quic", quic.gtlsclient, names.ALLOWED,
        said={"name": names.ALLOWED, **SAID[ALLOWED]}),
    *(row("unjudged.dns: DNS over " + carrier, BLOCKED, "dns", client, names.ALLOWED,
          said={"name": names.ALLOWED, "action": "drop", "cause": "dns"})
      for carrier, client in RESOLVERS),
    row("unjudged.ech: ECH that may be real", BLOCKED, "tls", with_ech, names.ALLOWED, MAY_BE_REAL,
        said={"name": names.ALLOWED, "action": "drop", "cause": "ech", "ech_kind": "outer"}),
    row("unjudged.ech: ECH that may be real, outer name on an allow list", ALLOWED, "tls", with_ech, names.EXCEPTED,
        MAY_BE_REAL, said={"name": names.EXCEPTED, "action": "pass", "letter": "f", "ech_kind": "outer"}),
    row("unjudged.ech: ECH that cannot be real", ALLOWED, "tls", with_ech, names.ALLOWED, TOO_SHORT,
        said={"name": names.ALLOWED, **SAID[ALLOWED], "ech_kind": "grease"}),
]
