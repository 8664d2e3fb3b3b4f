# SPDX-License-Identifier: GPL-2.0-or-later
"""rude.py - clients of the control socket that do everything wrong at once, until they are ended: they say nothing, half a line, nonsense,
a line without end; ask as fast as they can; connect as fast as they can; ask for much, and for events, and read nothing.

usage: rude.py SOCKET    prints "ready" when all of them are at work"""

import socket
import sys
import threading
import time

STATUS = b'{"v":1,"cmd":"status"}\n'
SUBSCRIBE = b'{"v":1,"cmd":"subscribe"}\n'


def connect(path):
    line = socket.socket(socket.AF_UNIX)
    line.settimeout(1)
    line.connect(path)
    return line


def silent(path):
    lines = [connect(path) for _ in range(3)]
    time.sleep(1)
    del lines


def half_a_line(path):
    lines = [connect(path) for _ in range(3)]
    for line in lines:
        line.sendall(STATUS[:10])
    time.sleep(1)


def nonsense(path):
    line = connect(path)
    while True:
        line.sendall(b"\xff\x00{[nonsense\n" * 500)
        line.recv(1 << 16)


def without_end(path):
    line = connect(path)
    while True:
        line.sendall(b"x" * (1 << 16))


def asking(path):
    line = connect(path)
    while True:
        line.sendall(STATUS * 100)
        line.recv(1 << 16)


def connecting(path):
    while True:
        connect(path).close()


def reads_nothing(path):
    line = connect(path)
    while True:
        line.sendall(STATUS)


def hears_nothing(path):
    lines = [connect(path) for _ in range(4)]
    for line in lines:
        line.sendall(SUBSCRIBE)
    time.sleep(3)


def again_and_again(kind, path):
    while True:
        try:
            kind(path)
        except OSError:
            time.sleep(0.01)


def main():
    for kind in (silent, half_a_line, nonsense, without_end, asking, connecting, reads_nothing, hears_nothing):
        threading.Thread(target=again_and_again, args=(kind, sys.argv[1]), daemon=True).start()
    print("ready", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
