# SPDX-License-Identifier: GPL-2.0-or-later
"""probes.py - the table of what is asked through the gateway, one entry a row. Each runs for IPv4 and for IPv6, and once
more with NAT on the gateway. An entry names what it shows, what is expected, and a function (lab, family) -> Outcome.

A blocked TCP connection must be refused fast: the client sees a reset within limits.refused of its last byte."""

import functools
import hashlib
import os
import socket
import statistics
import subprocess
import time
from dataclasses import dataclass
from typing import Callable
from urllib.parse import urlsplit

from . import limits, names, tls, upgrade
from .namespaces import SERVER, host_in_url
from .rawtcp import RawTcp
from .report import Row
from .servers import BANNER, ECHO, H2C, HTTP, SSH_LIKE, TLS, UPGRADE
from .tls13 import Tls13Session

TIMEOUT = 10  # s
HANDFUL = 8  # packets of a bulk flow that may reach userspace
ALLOWED, BLOCKED, LATE = "allowed", "blocked", "blocked, but late"


@dataclass
class Outcome:
    got: str
    ms: float | None = None


@dataclass(frozen=True)
class Probe:
    name: str
    expected: str
    ask: Callable
    max_queued: int | None = None


def run_probe(lab, probe, family, suffix=""):
    """One row. What was refused late gets a second chance: a busy machine is not the gateway's fault."""
    for _ in range(2):
        before = lab.queued()
        outcome = probe.ask(lab, family)
        after = lab.queued()
        if outcome.got != LATE:
            break
    queued = None if before is None or after is None or after < before else after - before
    if queued is not None and probe.max_queued is not None and queued > probe.max_queued:
        outcome.got += ", but %d packets were queued" % queued
    lab.report.add(Row(probe.name + suffix, family, probe.expected, outcome.got, outcome.ms, queued))


class Clock:
    def __init__(self):
        self.restart()

    def restart(self):
        self._start = time.monotonic()

    def ms(self):
        return (time.monotonic() - self._start) * 1000


def attempt(work):
    """Runs work(sent), which returns a word, and says what became of it. sent() restarts the clock."""
    clock = Clock()
    try:
        return Outcome(work(clock.restart), clock.ms())
    except (ConnectionResetError, BrokenPipeError):
        return Outcome(BLOCKED if clock.ms() < limits.refused else LATE, clock.ms())
    except TimeoutError:
        return Outcome("timeout", clock.ms())
    except (OSError, EOFError, ValueError) as error:
        return Outcome("%s: %s" % (type(error).__name__, error), clock.ms())


def whole_page(lab, body):
    return ALLOWED if body == lab.servers.page else "another page: %d bytes" % len(body)


# clients: curl and openssl


def curl_command(lab, family, url, *options, address=None, version="--http1.1"):
    where = urlsplit(url)
    port = where.port or {"http": HTTP, "https": TLS}[where.scheme]
    return ["curl", "-q", "-sS", "--noproxy", "*", "--max-time", "60", version, "--cacert", lab.servers.certificate,
            "--resolve", "%s:%d:%s" % (where.hostname, port, host_in_url(address or lab.network.target[family])),
            *options, url]


def curl_verdict(status, errors, ms):
    """None when it went well."""
    if status == 0:
        return None
    if status in (35, 55, 56) and "reset" in errors:
        return BLOCKED if ms < limits.refused else LATE
    return "timeout" if status == 28 else "curl exit %d: %s" % (status, errors.strip())


def curl(lab, family, *urls, namespace=None, address=None, version="--http1.1"):
    """Pages with curl; several URLs share a connection where they can. Says what became of each."""
    words, ms = [], None
    output = [os.path.join(lab.folder, "curl-%d.out" % i) for i in range(len(urls))]
    argv = curl_command(lab, family, urls[0], "-w", "%{exitcode} %{time_total} %{num_connects} %{errormsg}\\n",
                        address=address, version=version)[:-1]
    for url, path in zip(urls, output):
        argv += [url, "-o", path]
    with namespace or lab.network.client:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              text=True, check=False)
    for line, path in zip(done.stdout.splitlines(), output):
        status, seconds, connects, errors = line.split(" ", 3)
        ms = float(seconds) * 1000
        word = curl_verdict(int(status), errors, ms)
        if word is None:
            with open(path, "rb") as body:
                word = whole_page(lab, body.read())
        if words and connects != "0" and word != BLOCKED:  # curl asks once more when a connection dies that it reuses
            word += " on a new connection"
        words.append(word)
    for path in output:
        if os.path.exists(path):
            os.unlink(path)
    return Outcome(", ".join(words), ms)


def s_client(lab, family, host):
    address = "%s:%d" % (host_in_url(lab.network.target[family]), TLS)
    argv = ["openssl", "s_client", "-quiet", "-connect", address, "-servername", host, "-CAfile",
            lab.servers.certificate, "-verify_return_error"]
    clock = Clock()
    with lab.network.client:
        done = subprocess.run(argv, input=tls.request(host).replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT, check=False)
    page = tls.Page()
    page.add(done.stdout)
    if page.body() is not None:
        return Outcome(whole_page(lab, page.body()), clock.ms())
    if b"errno=104" in done.stderr:
        return Outcome(BLOCKED, clock.ms())
    return Outcome("openssl exit %d: %s" % (done.returncode, done.stderr.decode(errors="replace").strip()), clock.ms())


# clients: python, for what those two cannot do


def stream(lab, family, port, pause=0.0):
    with lab.network.client:
        return tls.Stream((lab.network.target[family], port), TIMEOUT, pause)


def raw(lab, family, port):
    return RawTcp(lab.network, family, port, TIMEOUT)


def openssl_session(lab, host):
    return tls.OpenSslSession(host, lab.servers.certificate)


def post_quantum_session(_lab, host):
    return Tls13Session(host)


def hello(lab, family, host, shape=tls.whole, session=openssl_session, channel=stream):
    """A page over TLS; its ClientHello is made by session, cut by shape, carried by channel."""
    def work(sent):
        line = channel(lab, family, TLS)
        try:
            return whole_page(lab, tls.fetch(line, session(lab, host), host, shape, sent))
        finally:
            line.close()
    return attempt(work)


def http_pieces(lab, family, host, shape):
    def work(sent):
        line = stream(lab, family, HTTP, pause=0.002)
        try:
            line.send_pieces(shape(tls.request(host)))
            sent()
            page = tls.Page()
            while page.body() is None:
                page.add(tls.received(line))
            return whole_page(lab, page.body())
        finally:
            line.close()
    return attempt(work)


def keep_alive(lab, family, second):
    """Two requests on one connection; the first is for an allowed host and must be answered."""
    line = stream(lab, family, HTTP)
    try:
        first = attempt(lambda sent: whole_page(lab, tls.fetch_plain(line, names.ALLOWED, sent=sent)))
        if first.got != ALLOWED:
            return Outcome("first request: " + first.got, first.ms)
        return attempt(lambda sent: whole_page(lab, tls.fetch_plain(line, second, sent=sent)))
    finally:
        line.close()


def absolute_form(lab, family, host):
    """As a client of a proxy asks; the target's host counts, not only the header's (RFC 9112 section 3.2.2)."""
    def work(sent):
        line = stream(lab, family, HTTP)
        try:
            return whole_page(lab, tls.fetch_plain(line, names.ALLOWED, "http://%s/" % host, sent))
        finally:
            line.close()
    return attempt(work)


TW_REUSE = 65537  # Linux with tcp_tw_reuse goes on so much after the old connection's end


def ports_again(lab, family, host, times=1):
    """A request on a connection between the ports of earlier ones, whose requests were allowed."""
    line = raw(lab, family, HTTP)
    try:
        for _ in range(times):
            first = attempt(lambda sent: whole_page(lab, tls.fetch_plain(line, names.ALLOWED, sent=sent)))
            if first.got != ALLOWED:
                return Outcome("earlier connection: " + first.got, first.ms)
            line.reconnect(TW_REUSE)
        return attempt(lambda sent: whole_page(lab, tls.fetch_plain(line, host, sent=sent)))
    finally:
        line.close()


def ports_again_after_reset(lab, family, host):
    """The same after a flow that the kernel carried alone, which the server reset: the kernel's entry for it lives on."""
    line = raw(lab, family, TLS)

    def ask(name):
        return attempt(lambda sent: whole_page(lab, tls.fetch(line, openssl_session(lab, name), name, sent=sent)))
    try:
        first = ask(names.ALLOWED)
        if first.got != ALLOWED:
            return Outcome("first connection: " + first.got, first.ms)
        line.server_resets()
        line.reconnect(TW_REUSE, reset=False)
        return ask(host)
    finally:
        line.close()


def ports_again_after_refusal(lab, family, host):
    """A request on a connection between the ports of one that was refused."""
    line = raw(lab, family, HTTP)
    try:
        first = attempt(lambda sent: whole_page(lab, tls.fetch_plain(line, names.BLOCKED, sent=sent)))
        if first.got != BLOCKED:
            return Outcome("first connection: " + first.got, first.ms)
        line.reconnect(TW_REUSE, reset=False)
        return attempt(lambda sent: whole_page(lab, tls.fetch_plain(line, host, sent=sent)))
    except ConnectionResetError:
        return Outcome("second connection: refused at once")
    finally:
        line.close()


def switch(lab, family, host, protocol):
    """A connection that has turned to another protocol, or an Outcome."""
    line, key = stream(lab, family, UPGRADE), upgrade.new_key()

    def work(sent):
        line.send(upgrade.request(host, protocol, key))
        sent()
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += tls.received(line)
        good = head.startswith(b"HTTP/1.1 101 ") and (protocol != upgrade.WEBSOCKET or upgrade.accept_of(key).encode() in head)
        return ALLOWED if good else "another answer: %r" % head
    outcome = attempt(work)
    if outcome.got != ALLOWED:
        line.close()
    return line, outcome


def echoed(line, data, sent=lambda: None):
    line.send(data)
    sent()
    back = b""
    while len(back) < len(data):
        back += tls.received(line)
    return ALLOWED if back == data else "other bytes came back"


MESSAGES = 200


def websocket(lab, family, host):
    """The handshake, and many messages there and back."""
    line, outcome = switch(lab, family, host, upgrade.WEBSOCKET)
    if outcome.got != ALLOWED:
        return outcome
    try:
        for number in range(MESSAGES):
            done = attempt(lambda sent: echoed(line, upgrade.message(b"message %d" % number), sent))
            if done.got != ALLOWED:
                return Outcome("message %d: %s" % (number, done.got), done.ms)
        return outcome
    finally:
        line.close()


def h2_upgrade(lab, family, host):
    """HTTP/2 after an upgrade; a stream for an allowed host, and then one more."""
    line, outcome = switch(lab, family, names.ALLOWED, upgrade.H2C)
    if outcome.got != ALLOWED:
        return Outcome("upgrade: " + outcome.got, outcome.ms)
    try:
        start = upgrade.h2_start() + upgrade.h2_request(3, names.ALLOWED)
        first = attempt(lambda sent: echoed(line, start, sent))
        if first.got != ALLOWED:
            return Outcome("first stream: " + first.got, first.ms)
        return attempt(lambda sent: echoed(line, upgrade.h2_request(5, host), sent))
    finally:
        line.close()


def h2_fetch(line, stream_id, data, sent):
    line.send(data)
    sent()
    page = upgrade.H2Page(stream_id)
    while page.body() is None:
        page.add(tls.received(line))
    return page.body()


def h2_streams(lab, family, host, path="/"):
    """Two streams of one connection; the first is for an allowed host and must be answered."""
    line = stream(lab, family, H2C)
    try:
        start = upgrade.h2_start() + upgrade.h2_request(1, names.ALLOWED)
        first = attempt(lambda sent: whole_page(lab, h2_fetch(line, 1, start, sent)))
        if first.got != ALLOWED:
            return Outcome("first stream: " + first.got, first.ms)
        second = upgrade.h2_request(3, host, path)
        return attempt(lambda sent: whole_page(lab, h2_fetch(line, 3, second, sent)))
    finally:
        line.close()


def server_end(lab, family):
    """A server of the lab's own takes the connection and looks at how it ends."""
    kind = socket.AF_INET if family == 4 else socket.AF_INET6
    with lab.network.server:
        listener = socket.create_server((SERVER[family], 8080), family=kind)
    with listener:
        line = stream(lab, family, 8080)
        peer, _ = listener.accept()
        with peer:
            peer.settimeout(3)
            clock = Clock()
            client = attempt(lambda sent: _send_and_wait(line, sent))
            server = _how_it_ends(peer)
            line.close()
            return Outcome("client %s, server %s" % (client.got, server), clock.ms())


def _send_and_wait(line, sent):
    line.send(tls.request(names.BLOCKED))
    sent()
    return "%d bytes" % len(tls.received(line))


def _how_it_ends(peer):
    try:
        data = peer.recv(1 << 16)
        return "got %d bytes" % len(data) if data else "closed"
    except ConnectionResetError:
        return "reset"
    except TimeoutError:
        return "left hanging"


def ssh_like(lab, family):
    """The server speaks first, then the client types."""
    def work(sent):
        line = stream(lab, family, SSH_LIKE)
        try:
            return prompt_answers(line, sent)
        finally:
            line.close()
    return attempt(work)


def prompt_answers(line, sent):
    clock, banner, times = Clock(), b"", []
    sent()
    while len(banner) < len(BANNER):
        banner += tls.received(line)
    if banner != BANNER or clock.ms() > limits.prompt:
        return "banner after %.0f ms" % clock.ms()
    for number in range(20):
        word = b"SSH-2.0-client line %d\r\n" % number
        clock.restart()
        line.send(word)
        answer = b""
        while len(answer) < len(word):
            answer += tls.received(line)
        times.append(clock.ms())
        if answer != word:
            return "a line came back altered"
    slow = max(times[0], statistics.median(times)) > limits.prompt
    return "round trips of %s ms" % ", ".join("%.0f" % t for t in times) if slow else ALLOWED


def udp_echo(lab, family):
    def work(sent):
        kind = socket.AF_INET if family == 4 else socket.AF_INET6
        with lab.network.client:
            line = socket.socket(kind, socket.SOCK_DGRAM)
        with line:
            line.settimeout(2)
            line.connect((lab.network.target[family], ECHO))
            sent()
            for number in range(10):
                word = b"datagram %d" % number
                line.send(word)
                if line.recv(2048) != word:
                    return "another datagram came back"
            return ALLOWED
    return attempt(work)


def download(lab, family):
    argv = curl_command(lab, family, "https://%s/big.bin" % names.ALLOWED)
    clock, digest = Clock(), hashlib.sha256()
    with lab.network.client:
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with child:
        while data := child.stdout.read(1 << 20):
            digest.update(data)
        errors = child.stderr.read().decode(errors="replace")
    ms = clock.ms()
    intact = digest.hexdigest() == lab.servers.big_sha256
    return Outcome(curl_verdict(child.returncode, errors, ms) or ("intact" if intact else "altered"), ms)


def upload(lab, family):
    name = "upload-%d" % family
    argv = curl_command(lab, family, "https://%s/up/%s" % (names.ALLOWED, name), "-T", lab.servers.big_file, "-f",
                        "-H", "Expect:")
    clock = Clock()
    with lab.network.client:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    ms = clock.ms()
    intact = lab.servers.received_sha256(name) == lab.servers.big_sha256
    word = curl_verdict(done.returncode, done.stderr.decode(errors="replace"), ms)
    return Outcome(word or ("intact" if intact else "altered"), ms)


# the table


def page(*urls):
    return lambda lab, family: curl(lab, family, *urls)


def h2_page(url):
    return lambda lab, family: curl(lab, family, url % H2C, version="--http2-prior-knowledge")


def both(name, client, *arguments, **options):
    """A client that must get through with an allowed name and must not with a blocked one."""
    return [Probe("%s: %s name" % (name, word), word,
                  functools.partial(_with_host, client, host, arguments, options))
            for host, word in ((names.BLOCKED, BLOCKED), (names.ALLOWED, ALLOWED))]


def _with_host(client, host, arguments, options, lab, family):
    return client(lab, family, host, *arguments, **options)


def from_gateway(url):
    return lambda lab, family: curl(lab, family, url, namespace=lab.network.gateway, address=SERVER[family])


TRAFFIC = [
    Probe("HTTP, allowed host", ALLOWED, page("http://%s/" % names.ALLOWED)),
    Probe("HTTP, blocked host", BLOCKED, page("http://%s/" % names.BLOCKED)),
    Probe("HTTP, blocked path", BLOCKED, page("http://%s%s" % (names.PATHS, names.BLOCKED_PATH))),
    Probe("HTTP, sibling of the blocked path", ALLOWED, page("http://%s%s" % (names.PATHS, names.SIBLING_PATH))),
    Probe("HTTP keep-alive, second request for a blocked host", BLOCKED,
          lambda lab, family: keep_alive(lab, family, names.BLOCKED)),
    Probe("HTTP keep-alive, second request for an allowed host", ALLOWED,
          lambda lab, family: keep_alive(lab, family, names.LOOK_ALIKE)),
    Probe("HTTP keep-alive with curl, second request for a blocked path", "allowed, blocked",
          page("http://%s%s" % (names.PATHS, names.SIBLING_PATH), "http://%s%s" % (names.PATHS, names.BLOCKED_PATH))),
    *both("HTTP, host header split over two segments", http_pieces, tls.in_two),
    *both("HTTP, target in absolute form", absolute_form),
    *both("HTTP, ports of an earlier connection taken up again", ports_again),
    *both("HTTP, ports of three earlier connections taken up again",
          lambda lab, family, host: ports_again(lab, family, host, 3)),
    *both("HTTPS, ports of a connection that the server reset", ports_again_after_reset),
    *both("HTTP, ports of a connection that was refused", ports_again_after_refusal),
    Probe("HTTP/2 in the clear, allowed host", ALLOWED, h2_page("http://" + names.ALLOWED + ":%d/")),
    Probe("HTTP/2 in the clear, blocked host", BLOCKED, h2_page("http://" + names.BLOCKED + ":%d/")),
    Probe("HTTP/2 in the clear, blocked path", BLOCKED, h2_page("http://" + names.PATHS + ":%d" + names.BLOCKED_PATH)),
    *both("HTTP/2 in the clear, second stream", h2_streams),
    Probe("HTTP/2 in the clear, second stream for a blocked path", BLOCKED,
          lambda lab, family: h2_streams(lab, family, names.PATHS, names.BLOCKED_PATH)),
    Probe("HTTP/2 in the clear, second stream for its sibling", ALLOWED,
          lambda lab, family: h2_streams(lab, family, names.PATHS, names.SIBLING_PATH)),
    *both("HTTP/2 after an upgrade, second stream", h2_upgrade),
    Probe("WebSocket: blocked name", BLOCKED, lambda lab, family: websocket(lab, family, names.BLOCKED)),
    Probe("WebSocket: allowed name, and its messages are not queued", ALLOWED,
          lambda lab, family: websocket(lab, family, names.ALLOWED), HANDFUL),
    Probe("HTTPS, allowed host", ALLOWED, page("https://%s/" % names.ALLOWED), 2),
    Probe("HTTPS, blocked by its server name", BLOCKED, page("https://%s/" % names.BLOCKED)),
    *both("HTTPS with openssl s_client", s_client),
    Probe("HTTPS, blocked name in capitals", BLOCKED, lambda lab, family: hello(lab, family, names.BLOCKED.upper())),
    Probe("HTTPS to a host of which only a path is on a list", ALLOWED,
          page("https://%s%s" % (names.PATHS, names.BLOCKED_PATH))),
    Probe("HTTPS to a host of the URL list", BLOCKED, page("https://%s/" % names.URL_HOST)),
    Probe("HTTPS, subdomain of a blocked domain", BLOCKED, page("https://%s/" % names.BELOW_BLOCKED)),
    Probe("HTTP, subdomain of a blocked domain", BLOCKED, page("http://%s/" % names.BELOW_BLOCKED)),
    Probe("HTTPS, listed domain", BLOCKED, page("https://%s/" % names.LISTED)),
    Probe("HTTPS, its look-alike (badexample.com)", ALLOWED, page("https://%s/" % names.LOOK_ALIKE)),
    Probe("HTTP, its look-alike (badexample.com)", ALLOWED, page("http://%s/" % names.LOOK_ALIKE)),
    Probe("HTTPS, name of a hosts file", BLOCKED, page("https://%s/" % names.HOSTS_ENTRY)),
    Probe("HTTPS, below a name of a hosts file", ALLOWED, page("https://%s/" % names.BELOW_HOSTS_ENTRY)),
    Probe("HTTPS, name of the shipped example policy", BLOCKED, page("https://%s/" % names.SHIPPED)),
    Probe("HTTPS, name that the shipped example policy allows", ALLOWED, page("https://%s/" % names.SHIPPED_EXCEPTED)),
    Probe("HTTPS, allow list beats block list", ALLOWED, page("https://%s/" % names.EXCEPTED)),
    Probe("HTTP, allow list beats block list", ALLOWED, page("http://%s/" % names.EXCEPTED)),
    Probe("HTTP, captive-portal probe on a block list", ALLOWED, page("http://%s/hotspot-detect.html" % names.CAPTIVE)),
    *(Probe("HTTP, captive-portal probe on a block list: %s" % host, ALLOWED, page("http://%s/generate_204" % host))
      for host in names.PROBED),
    # NE-EXM-02, NE-CHOICE-29: rules are for what is forwarded
    Probe("HTTP, the gateway itself fetches from a blocked host", ALLOWED,
          from_gateway("http://%s/" % names.BLOCKED)),
    Probe("HTTPS, the gateway itself fetches from a blocked host", ALLOWED,
          from_gateway("https://%s/" % names.BLOCKED)),
    *both("ClientHello in two segments", hello, tls.in_two, channel=functools.partial(stream, pause=0.003)),
    *both("ClientHello in segments of one byte", hello, tls.by_byte),
    *both("ClientHello out of order", hello, tls.out_of_order, channel=raw),
    *both("ClientHello of post-quantum size", hello, tls.at(1400), session=post_quantum_session),
    *both("ClientHello of post-quantum size, out of order", hello, tls.out_of_order,
          session=post_quantum_session, channel=raw),
    *both("ClientHello split over TLS records", hello, tls.in_records(40)),
    *both("ClientHello split over TLS records and segments", hello,
          lambda data: tls.at(100, 200, 300)(tls.in_records(64)(data)[0][1])),
    Probe("HTTP, both ends of a blocked connection are told", "client blocked, server reset", server_end),
    Probe("SSH-like service that speaks first, without delay", ALLOWED, ssh_like),
    Probe("UDP echo", ALLOWED, udp_echo),
    Probe("big download over an allowed TLS flow", "intact", download, HANDFUL),
    Probe("big upload over an allowed TLS flow", "intact", upload, HANDFUL),
]
