# SPDX-License-Identifier: GPL-2.0-or-later
"""load.py - many short connections at once, half of them to blocked names, half of each over TLS; every one has a
verdict that is right or wrong. Runs in processes of its own, so that the lab can pull plugs meanwhile."""

import asyncio
import collections
import multiprocessing
import signal
import ssl
import time

from . import names
from .interrupts import held
from .namespaces import end_with_parent
from .servers import HTTP, TLS
from .tls import Page, request

PROCESSES = 2
HANGS_AFTER = 8.0  # seconds; beyond any takeover
KINDS = ((names.ALLOWED, HTTP), (names.BLOCKED, TLS), (names.ALLOWED, TLS), (names.BLOCKED, HTTP))


class Load:
    """start(), then result(): a Counter of right, and of each way of being wrong."""

    def __init__(self, lab, family, connections, concurrency=64, blocked=True):
        kinds = KINDS if blocked else KINDS[::2]
        context = multiprocessing.get_context("fork")
        self._results = context.Queue()
        self._done = context.Value("I", 0)
        self._enough = context.Event()
        self._phase = context.Value("I", 0)
        self._longest = context.Array("d", 2)
        self.connections = connections
        self._processes = [context.Process(target=_process, args=(
            lab, family, kinds, connections // PROCESSES, concurrency // PROCESSES, self._done,
            self._enough, self._results, (self._phase, self._longest)))
            for _ in range(PROCESSES)]
        self.took = 0.0

    def start(self):
        self._started = time.monotonic()
        with held():
            for process in self._processes:
                process.start()
        return self

    def done(self):
        return self._done.value

    def wait_until(self, number):
        """Until so many connections are done, or the load has ended."""
        while self.done() < number and any(p.is_alive() for p in self._processes):
            time.sleep(0.005)

    def mark(self):
        """Something happens now: what ends later is looked at apart."""
        self._phase.value = 1

    def longest(self):
        """The longest connection, in milliseconds, of those that ended before mark(), and after it."""
        return [1000 * seconds for seconds in self._longest]

    def end(self):
        """No new connections from now on."""
        self._enough.set()

    def result(self):
        total = collections.Counter()
        for _ in self._processes:
            total += self._results.get(timeout=600)
        for process in self._processes:
            process.join()
        self.took = time.monotonic() - self._started
        return total

    def stop(self):
        for process in self._processes:
            if process.is_alive():
                process.kill()
                process.join()


def describe(result):
    """"20000 right", or what was wrong too."""
    words = ["%d right" % result["right"]]
    words += ["%d %s" % (n, what) for what, n in sorted(result.items()) if what != "right"]
    return ", ".join(words)


def _process(lab, family, kinds, connections, concurrency, done, enough, results, times):
    end_with_parent(signal.SIGKILL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with lab.network.client:
        results.put(asyncio.run(_run(lab, family, kinds, connections, concurrency, done, enough, times)))


async def _run(lab, family, kinds, connections, concurrency, done, enough, times):
    context = ssl.create_default_context(cafile=lab.servers.certificate)
    counts = collections.Counter()
    numbers = iter(range(connections))
    phase, longest = times

    async def worker():
        for number in numbers:
            if enough.is_set():
                return
            host, port = kinds[number % len(kinds)]
            began = time.monotonic()
            got = await _connection(lab, family, host, port, context)
            counts[_grade(host, got)] += 1
            with done.get_lock():
                done.value += 1
                longest[phase.value] = max(longest[phase.value], time.monotonic() - began)

    await asyncio.gather(*(worker() for _ in range(concurrency)))
    return counts


def _grade(host, got):
    if got == ("reset" if host == names.BLOCKED else "page"):
        return "right"
    return "%s: %s" % ("blocked name" if host == names.BLOCKED else "allowed name", got)


async def _connection(lab, family, host, port, context):
    """"page", "reset", or what else came."""
    writer = None
    try:
        async with asyncio.timeout(HANGS_AFTER):
            options = {"ssl": context, "server_hostname": host} if port == TLS else {}
            reader, writer = await asyncio.open_connection(lab.network.target[family], port, **options)
            writer.write(request(host).replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            page = Page()
            while page.body() is None:
                data = await reader.read(1 << 16)
                if not data:
                    return "closed early"
                page.add(data)
            return "page" if page.body() == lab.servers.page else "another page"
    except (ConnectionResetError, BrokenPipeError):
        return "reset"
    except TimeoutError:
        return "hangs"
    except (OSError, ssl.SSLError) as error:
        return type(error).__name__ + (" " + error.strerror if error.strerror else "")
    finally:
        if writer is not None:
            writer.transport.abort() if port == TLS else writer.close()
