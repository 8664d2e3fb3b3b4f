# SPDX-License-Identifier: GPL-2.0-or-later
"""flows.py - one long connection, forgotten by the gateway's connection tracking in its midst."""

import socket
import threading

from lab.namespaces import SERVER, run

PORT = 8080
REQUEST = b"GET / HTTP/1.1\r\nHost: n0.allowed.example\r\n\r\n"
ANSWER = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"
MIDST = b"\x00\x01 the midst of a protocol that is none of ours"
WAIT = 20  # s


def _serve(listener, end):
    connection, _ = listener.accept()
    connection.settimeout(WAIT)
    try:
        connection.recv(4096)
        connection.sendall(ANSWER)
        while data := connection.recv(4096):
            connection.sendall(data)
        end.append("closed")
    except ConnectionResetError:
        end.append("reset")
    except TimeoutError:
        end.append("silent")
    finally:
        connection.close()


def forgotten(network):
    """What became of it: "goes on", or how both ends saw it end."""
    end = []
    with network.server:
        listener = socket.create_server((SERVER[4], PORT))
    server = threading.Thread(target=_serve, args=(listener, end), daemon=True)
    server.start()
    with network.client:
        client = socket.create_connection((SERVER[4], PORT), WAIT)
    with client, listener:
        client.settimeout(WAIT)
        client.sendall(REQUEST)
        if client.recv(4096) != ANSWER:
            return "does not begin"
        run("conntrack", "-D", "-p", "tcp", "--dport", str(PORT))
        try:
            client.sendall(MIDST)
            got = "goes on" if client.recv(4096) == MIDST else "closed"
        except ConnectionResetError:
            got = "reset"
        except TimeoutError:
            got = "silent"
    if got == "goes on":
        return got
    server.join(WAIT + 1)
    return "client %s, server %s" % (got, end[0] if end else "?")
