# SPDX-License-Identifier: GPL-2.0-or-later
"""interrupts.py - Ctrl-C and SIGTERM as an exception that never comes between making a thing and noting that it has to be
undone: inside `with held():` it waits for the end of the block."""

import contextlib
import signal

SIGNALS = (signal.SIGINT, signal.SIGTERM)
_depth = 0
_pending = None


class Interrupted(BaseException):
    """Like KeyboardInterrupt; exit_status is what a shell would say."""

    def __init__(self, number):
        super().__init__(number)
        self.exit_status = 128 + number


def _arrived(number, _frame):
    global _pending
    if _depth:
        _pending = number
    else:
        raise Interrupted(number)


def catch():
    for number in SIGNALS:
        signal.signal(number, _arrived)


def ignore():
    """While cleaning up."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


@contextlib.contextmanager
def held():
    global _depth, _pending
    _depth += 1
    try:
        yield
    finally:
        _depth -= 1
        if _depth == 0 and _pending is not None:
            number, _pending = _pending, None
            raise Interrupted(number)
