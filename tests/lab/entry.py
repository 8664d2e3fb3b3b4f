# SPDX-License-Identifier: GPL-2.0-or-later
"""entry.py - what programs that make network namespaces have in common: root, signals that clean up, an exit status."""

import os
import sys

from .interrupts import Interrupted, catch
from .namespaces import LabError


def run(name, work, *more_errors):
    """Exit status: 0 where work() says true, 1 where it does not, 2 where it could not be done, which is said in the program's name."""
    if os.geteuid() != 0:
        print("%s: network namespaces need root" % name, file=sys.stderr)
        return 2
    catch()
    os.environ["PATH"] = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"
    try:
        return 0 if work() else 1
    except Interrupted as interrupted:
        return interrupted.exit_status
    except (LabError, OSError, ValueError, *more_errors) as error:
        print("%s: %s" % (name, error), file=sys.stderr)
        return 2
