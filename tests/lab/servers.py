# SPDX-License-Identifier: GPL-2.0-or-later
"""servers.py - what runs in the server namespace: nginx for HTTP (1 and 2) and TLS, gtlsserver for HTTP/3, and small
services of the lab's own."""

import asyncio
import contextlib
import functools
import hashlib
import multiprocessing
import os
import re
import shutil
import signal
import socket
import ssl
import time

from conformance.messages import AESGCM, QuicReader

from . import dns, mail, names, upgrade
from .namespaces import FAMILIES, SERVER, LabError, end_with_parent, run

HTTP, TLS, SSH_LIKE, ECHO, H2C, UPGRADE = 80, 443, 22, 7, 8082, 8081
QUIC, INITIALS = 443, 4433  # UDP
BANNER = b"SSH-2.0-sluice_lab\r\n"
WHOLE = b"the hello came whole"

NGINX = """
daemon off;
user root;
worker_processes 2;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log warn;
events {{ worker_connections 4096; }}
http {{
	access_log off;
	default_type text/html;
	sendfile on;
	keepalive_requests 100000;
	keepalive_timeout 1h;
	send_timeout 1h;
	client_header_timeout 1h;
	client_body_timeout 1h;
	client_max_body_size 0;
	client_body_temp_path {folder}/temp/body;
	proxy_temp_path {folder}/temp/proxy;
	fastcgi_temp_path {folder}/temp/fastcgi;
	uwsgi_temp_path {folder}/temp/uwsgi;
	scgi_temp_path {folder}/temp/scgi;
	ssl_certificate {folder}/server.pem;
	ssl_certificate_key {folder}/server.key;
	ssl_protocols TLSv1.2 TLSv1.3;
	server {{
		listen 80 backlog=4096;
		listen [::]:80 backlog=4096;
		listen 443 ssl backlog=4096;
		listen [::]:443 ssl backlog=4096;
		listen 8082 http2 backlog=4096;
		listen [::]:8082 http2 backlog=4096;
		root {folder}/www;
		location / {{ try_files $uri /index.html; }}
		location /up/ {{ root {folder}/received; dav_methods PUT; create_full_put_path on; }}
	}}
}}
"""


class Servers:
    """Starts all servers; what they serve is known here: page, and a big file with its checksum."""

    def __init__(self, network, folder, big_bytes):
        self.network, self.folder, self.big_bytes = network, folder, big_bytes
        self.certificate = os.path.join(folder, "server.pem")
        self.page = b"".join(b"<p>line %05d of the page, all of it must arrive</p>\n" % i for i in range(600))
        self._key = os.path.join(folder, "server.key")
        self.big_file = os.path.join(folder, "www", "big.bin")
        self._nginx = self._quic = self._services = None

    def start(self):
        self._content()
        self._certificate()
        conf = os.path.join(self.folder, "nginx.conf")
        with open(conf, "w") as to:
            to.write(NGINX.format(folder=self.folder))
        log = open(os.path.join(self.folder, "nginx.out"), "w")
        self._nginx = self.network.server.start(shutil.which("nginx") or "/usr/sbin/nginx", "-e", log.name, "-c", conf,
                                                stdout=log, stderr=log)
        log.close()
        self._quic = self._gtlsserver()
        self._services = multiprocessing.get_context("fork").Process(target=_services, args=(
            self.network.server, self.certificate, self._key))
        self._services.start()
        self._wait()

    def _gtlsserver(self):
        program = shutil.which("gtlsserver") or "/usr/sbin/gtlsserver"
        if not os.path.exists(program):
            raise LabError("there is no gtlsserver; please install ngtcp2-client and ngtcp2-server")
        with open(os.path.join(self.folder, "gtlsserver.out"), "w") as log:
            return self.network.server.start(program, "-q", "-d", os.path.join(self.folder, "www"), "*", str(QUIC),
                                             self._key, self.certificate,
                                             stdout=log, stderr=log)

    def _content(self):
        for name in ("www", "received", "temp"):
            os.mkdir(os.path.join(self.folder, name))
        with open(os.path.join(self.folder, "www", "index.html"), "wb") as to:
            to.write(self.page)
        digest = hashlib.sha256()
        with open(self.big_file, "wb") as to:
            for _ in range(self.big_bytes >> 20):
                block = os.urandom(1 << 20)
                digest.update(block)
                to.write(block)
        self.big_sha256 = digest.hexdigest()

    def _certificate(self):
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-days", "7", "-subj", "/CN=sluice lab", "-addext",
            "subjectAltName=" + ",".join("DNS:" + name for name in names.ALL),
            "-keyout", self._key, "-out", self.certificate)

    def _wait(self):
        """Until every port answers the client, which also lets each neighbour learn the other's address."""
        for family in FAMILIES:
            for port in (HTTP, TLS, SSH_LIKE, ECHO, H2C, UPGRADE, dns.DNS, *(p.port for p in mail.PROTOCOLS.values())):
                self._wait_for(SERVER[family], port)
            self.wait_for_datagrams(QUIC, family)

    def wait_for_datagrams(self, port, family):
        """Until some socket has the port."""
        limit, bound = time.monotonic() + 10, re.compile(r"^ *\d+: [0-9A-F]+:%04X " % port, re.M)
        while not bound.search(self.network.server.read("udp" if family == 4 else "udp6")):
            if time.monotonic() > limit:
                raise LabError("no server at UDP port %d" % port)
            time.sleep(0.02)

    def _wait_for(self, address, port):
        limit = time.monotonic() + 10
        while True:
            try:
                with self.network.client:
                    socket.create_connection((address, port), timeout=1).close()
                return
            except OSError as error:
                if time.monotonic() > limit:
                    with open(os.path.join(self.folder, "nginx.out")) as log:
                        raise LabError("no server at %s port %d: %s\n%s" % (address, port, error, log.read()))
                time.sleep(0.02)

    def received_sha256(self, name):
        """Of an upload to /up/NAME; the file is removed. None when there is none."""
        path = os.path.join(self.folder, "received", "up", name)
        try:
            with open(path, "rb") as source:
                digest = hashlib.file_digest(source, "sha256").hexdigest()
            os.unlink(path)
            return digest
        except FileNotFoundError:
            return None

    def stop(self):
        if self._services is not None:
            self._services.kill()
            self._services.join()
        for server in (self._nginx, self._quic):
            if server is not None:
                server.terminate()
                server.wait()


def _services(namespace, certificate, key):
    end_with_parent(signal.SIGKILL)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with namespace:
        asyncio.run(_serve(context))


async def _serve(context):
    loop = asyncio.get_running_loop()
    for port, handler in ((SSH_LIKE, _ssh_like), (ECHO, _echo), (UPGRADE, _upgrade), (dns.DNS, _dns)):
        await asyncio.start_server(handler, port=port)
    for protocol in mail.PROTOCOLS.values():
        await asyncio.start_server(functools.partial(_mail, protocol, context), port=protocol.port)
    await loop.create_datagram_endpoint(_UdpEcho, local_addr=("::", ECHO))  # both families
    await loop.create_datagram_endpoint(_Dns, local_addr=("::", dns.DNS))
    if AESGCM is not None:
        await loop.create_datagram_endpoint(_Initials, local_addr=("::", INITIALS))
    await asyncio.Event().wait()


async def _ssh_like(reader, writer):
    """Speaks first, as SSH and SMTP do."""
    writer.write(BANNER)
    await _echo(reader, writer)


async def _upgrade(reader, writer):
    """Turns to whatever protocol is asked for, and echoes."""
    try:
        said, switches = upgrade.answer(await reader.readuntil(b"\r\n\r\n"))
        writer.write(said)
    except (asyncio.IncompleteReadError, ConnectionError):
        switches = False
    if switches:
        await _echo(reader, writer)
    else:
        writer.close()


async def _echo(reader, writer):
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    writer.close()


class _UdpEcho(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        self.transport.sendto(data, addr)


async def _mail(protocol, context, reader, writer):
    with contextlib.suppress(OSError):  # ssl's errors, too
        await mail.serve(protocol, context, reader, writer)


async def _dns(reader, writer):
    try:
        while True:
            length = int.from_bytes(await reader.readexactly(2), "big")
            writer.write(dns.framed(dns.answer(await reader.readexactly(length))))
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    writer.close()


class _Dns(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self._transport = transport

    def datagram_received(self, data, addr):
        self._transport.sendto(dns.answer(data), addr)


class _Initials(asyncio.DatagramProtocol):
    """Answers once for each QUIC connection: when its hello is whole."""

    def connection_made(self, transport):
        self._transport, self._clients = transport, {}

    def datagram_received(self, data, addr):
        for _ in self._clients.setdefault(addr, QuicReader()).take(data):
            self._transport.sendto(WHOLE, addr)
