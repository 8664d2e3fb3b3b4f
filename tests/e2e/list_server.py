# SPDX-License-Identifier: GPL-2.0-or-later
"""list_server.py FOLDER PORT - a list server that does what FOLDER/how says."""

import hashlib
import os
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FOLDER, PORT = sys.argv[1], int(sys.argv[2])
MANY = 1500


def names(word, count):
    return "".join("%s%d.feed.example\n" % (word, i) for i in range(count)).encode()


GOOD = b"one.feed.example\n" + names("n", MANY)
NEXT = b"two.feed.example\n" + names("n", MANY)
TEXTS = {
    "good": GOOD,
    "next": NEXT,
    "moved": NEXT + b"three.feed.example\n",
    "html": b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>Please log in</body></html>\n" * 20,
    "comments": b"# nothing today\n",
    "tenfold": names("t", 12 * MANY),
    "shrunk": b"one.feed.example\n",
    "stray": b"[Adblock Plus 2.0]\n" + b"".join(b"||" + name + b"^\n" for name in GOOD.split()) + b"|\n",
    "noise": hashlib.shake_256(b"noise").digest(200000),
    "large": b"x.feed.example\n" * 200000,
    "signed": b"signed.feed.example\n",
    "wrong_key": b"signed.feed.example\nother.feed.example\n",
    "wrong_text": b"forged.feed.example\n",
    "no_signature": b"signed.feed.example\nnew.feed.example\n",
    "bad_signature": b"signed.feed.example\nnew.feed.example\n",
    "pinned": b"pinned.feed.example\n",
}


def signature(how):
    """What stands beside the list; None: nothing."""
    if how == "no_signature":
        return None
    if how == "bad_signature":
        return b"untrusted comment: none\nAAAA\n"
    path = os.path.join(FOLDER, "to_sign")
    with open(path, "wb") as to:
        to.write(TEXTS["signed" if how == "wrong_text" else how])
    key = "other.sec" if how == "wrong_key" else "key.sec"
    subprocess.run(["minisign", "-S", "-s", os.path.join(FOLDER, key), "-m", path], check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL)
    with open(path + ".minisig", "rb") as made:
        return made.read()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        with open(os.path.join(FOLDER, "how")) as said:
            how = said.read().strip()
        if self.path.endswith(".minisig"):
            self.give(signature(how))
        else:
            getattr(self, "how_" + how, lambda: self.give(TEXTS[how]))()

    def give(self, text):
        tag = text and '"%s"' % hashlib.sha256(text).hexdigest()[:16]
        if text is None or self.headers.get("If-None-Match") == tag:
            self.send_response(404 if text is None else 304)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("ETag", tag)
        self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def head(self, length):
        self.send_response(200)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def answer(self, status, *header):
        self.send_response(status)
        for name, value in header:
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def how_drip(self):
        self.head(len(GOOD))
        for i in range(200):
            self.wfile.write(GOOD[i:i + 1])
            self.wfile.flush()
            time.sleep(0.1)

    def how_truncated(self):
        self.head(len(GOOD))
        self.wfile.write(GOOD[:len(GOOD) // 2])

    def how_404(self):
        self.answer(404)

    def how_500(self):
        self.answer(500)

    def how_empty(self):
        self.head(0)

    def how_large_unsaid(self):
        self.head(None)
        self.wfile.write(TEXTS["large"])

    def how_loop(self):
        self.answer(302, ("Location", "/feed.txt"))

    def how_moved(self):
        if self.path == "/feed.txt":
            self.answer(301, ("Location", "/elsewhere.txt"))
        else:
            self.give(TEXTS["moved"])

    def how_file(self):
        self.answer(302, ("Location", "file:///etc/passwd"))

    def how_gone(self):
        self.close_connection = True

    def log_request(self, code="-", size="-"):
        print(self.path.lstrip("/"), getattr(code, "value", code), flush=True)

    def log_message(self, *words):
        pass

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True


server = ThreadingHTTPServer(("127.0.0.1", PORT), Handler)
open(os.path.join(FOLDER, "listening"), "w").close()
server.serve_forever()
