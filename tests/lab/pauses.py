# SPDX-License-Identifier: GPL-2.0-or-later
"""pauses.py - the story of a pause: nothing is refused for a stated time, whoever dies meanwhile, and what was never refused is
refused afterwards."""

import contextlib
import os
import signal
import time

from . import names, tls
from .namespaces import FAMILIES
from .probes import ALLOWED, BLOCKED, Clock, attempt, hello, stream, whole_page
from .report import Row, progress
from .servers import HTTP, TLS


def _add(lab, name, family, expected, got, clock=None):
    lab.report.add(Row(name, family, expected, got, clock.ms() if clock else None))


class Line:
    """A connection that asks for its page as often as it is told to."""

    def __init__(self, lab, family, host, over_tls):
        self._lab, self._host, self._tls = lab, host, over_tls
        self._line = stream(lab, family, TLS if over_tls else HTTP)
        self._session = None

    def ask(self):
        return attempt(self._ask).got

    def _ask(self, sent):
        if not self._tls:
            return whole_page(self._lab, tls.fetch_plain(self._line, self._host, sent=sent))
        if self._session is None:
            self._session = tls.OpenSslSession(self._host, self._lab.servers.certificate)
            return whole_page(self._lab, tls.fetch(self._line, self._session, self._host, tls.whole, sent))
        return whole_page(self._lab, tls.fetch_again(self._line, self._session, self._host, sent))

    def close(self):
        self._line.close()


def _pause(lab, seconds):
    done = lab.daemon.command("pause", "--for", "%ds" % seconds)
    return "" if done.returncode == 0 else "exit %d: %s, " % (done.returncode, done.stderr.strip())


def _died(lab, how):
    """What a pause goes on over."""
    if how == "the engine is killed":
        before = lab.daemon.engine()
        os.kill(before, signal.SIGKILL)
        lab.daemon.wait_ready(not_engine=before)
    elif how == "sluiced is upgraded":
        lab.daemon.command("upgrade")
        lab.daemon.wait_ready()
    elif how == "lists are read anew":
        lab.daemon.reload()
    elif how == "sluiced is killed and started again":
        lab.daemon.kill()
        lab.daemon.start()
        lab.daemon.wait_ready()


HOW = "nobody dies", "lists are read anew", "the engine is killed", "sluiced is upgraded", "sluiced is killed and started again"


def paused(lab):
    for how in HOW:
        for family in FAMILIES if how == HOW[0] else lab.slow_families:
            name = "pause: all names pass, and %s; then they are refused again" % how
            if lab.report.wants(name):
                progress(name)
                _one(lab, name, family, how)


def _one(lab, name, family, how):
    """New connections, and those that were opened in the pause, to names that are blocked and to one that is not."""
    lab.daemon.wait_ready()
    clock, got = Clock(), _pause(lab, 120)
    with contextlib.ExitStack() as at_exit:
        lines = [Line(lab, family, host, over_tls) for host, over_tls in (
            (names.BLOCKED, True), (names.BLOCKED, False), (names.ALLOWED, True))]
        for line in lines:
            at_exit.callback(line.close)
        got += ", ".join(line.ask() for line in lines)
        _died(lab, how)
        got += "; " + ", ".join(line.ask() for line in lines)
        got += "; new: " + hello(lab, family, names.BLOCKED).got
        status = lab.daemon.status()
        got += ", shown" if (status.get("paused") or {}).get("left_ms", 0) > 0 else ", but not in the status"
        done = lab.daemon.command("resume")
        got += "; " + done.stdout.strip() if done.returncode else ""
        got += "; then: " + ", ".join(line.ask() for line in lines)
    got += "; new: %s, %s" % (hello(lab, family, names.BLOCKED).got, hello(lab, family, names.ALLOWED).got)
    # What another engine has not seen the beginning of cannot be judged again over TLS; the next request of HTTP can.
    tls_then = BLOCKED if how in HOW[:2] else ALLOWED
    _add(lab, name, family, "%s, %s, %s; %s, %s, %s; new: %s, shown; then: %s, %s, %s; new: %s, %s" % (
        *[ALLOWED] * 7, tls_then, BLOCKED, ALLOWED, BLOCKED, ALLOWED), got, clock)


def ends_alone(lab):
    name = "pause: ends by itself, also without sluiced's supervisor"
    for family in lab.slow_families if lab.report.wants(name) else ():
        lab.daemon.wait_ready()
        got = _pause(lab, 2)
        lab.daemon.kill()
        got += hello(lab, family, names.BLOCKED).got
        time.sleep(2.1)
        got += ", then " + hello(lab, family, names.BLOCKED).got
        lab.daemon.start()
        lab.daemon.wait_ready()
        got += ", then " + ("paused" if lab.daemon.status().get("paused") else "nothing paused")
        _add(lab, name, family, "%s, then %s, then nothing paused" % (ALLOWED, BLOCKED), got)


def portal(lab):
    name = "pause: a captive-portal probe passes, in it and after it"
    for family in FAMILIES if lab.report.wants(name) else ():
        lab.daemon.wait_ready()
        got = _pause(lab, 60) + Line(lab, family, names.CAPTIVE, False).ask()
        lab.daemon.command("resume")
        _add(lab, name, family, "%s, %s" % (ALLOWED, ALLOWED),
             got + ", " + Line(lab, family, names.CAPTIVE, False).ask())


STAGES = paused, ends_alone, portal
