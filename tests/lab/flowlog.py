# SPDX-License-Identifier: GPL-2.0-or-later
"""flowlog.py - what the flow log says of a client since a moment, and how a client waits for an answer that may
never come."""

import time

from . import limits, probes
from .namespaces import CLIENT
from .probes import BLOCKED

WRITTEN_WITHIN = 3  # s
KEPT = ("list", "letter", "cause", "packets", "name", "name_from")  # name: one that the flow does not say itself
NAMED = ("sni", "hostname", "rrname")  # the name, by the object that has it


def facts(record):
    """What a probe may ask for, of one record."""
    found = {"action": record.get("verdict", {}).get("action")}
    found.update({key: value for key, value in record.get("sluice", {}).items() if key in KEPT})
    about = record.get(record.get("event_type"), {})
    found.update({"name": about[key] for key in NAMED if key in about})
    found.update({key: about[key] for key in ("version", "ech_kind") if key in about})
    return found


class FlowLog:
    """The records since it was made, those of one client and one app_proto."""

    def __init__(self, lab, family, app):
        self._daemon, self._client, self._app = lab.daemon, CLIENT[family], app
        self._since = self._daemon.flow_log_size() if self._daemon else 0

    def records(self):
        if self._daemon is None:
            return []
        return [facts(record) for record in self._daemon.flows(self._since)
                if record.get("src_ip") == self._client and record.get("app_proto") == self._app]

    def has(self, **wanted):
        """None stands for: the record has no such field."""
        return any(all(record.get(key) == value for key, value in wanted.items()) for record in self.records())

    def missing(self, **wanted):
        """Waits for such a record; words for an outcome where none comes."""
        limit = time.monotonic() + WRITTEN_WITHIN
        while self._daemon is not None and not self.has(**wanted):
            if time.monotonic() > limit:
                return ", but the log has %s" % (self.records() or "nothing")
            time.sleep(0.01)
        return ""

    def answer(self, come):
        """come() gives a word, or None while nothing came. What is refused over UDP is told so by silence: BLOCKED, if the
        log says that a flow was dropped, and still nothing comes."""
        limit, dropped = time.monotonic() + probes.TIMEOUT, None
        while (word := come()) is None:
            now = time.monotonic()
            if now > limit:
                return "timeout"
            if dropped is None and self.has(action="drop"):
                dropped = now
            if dropped is not None and now > dropped + limits.silent / 1000:
                return BLOCKED
            time.sleep(0.005)
        return word
