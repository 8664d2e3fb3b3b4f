# SPDX-License-Identifier: GPL-2.0-or-later
"""leftovers.py - what a machine has, to compare it with later: files, rules, units, processes."""

import os
import re

from lab.namespaces import run

FOLDERS = ("/etc", "/usr", "/var", "/run/systemd", "/run/sluice", "/root", "/opt", "/home", "/srv")
# What every package leaves, or the system itself writes while it runs.
OTHERS = re.compile(r"^(/opt/test|/var/lib/dpkg|/var/log/(?!sluice)|/var/cache|/var/tmp|/var/lib/systemd/(random-seed|timesync|coredump|catalog)|"
                    r"/run/systemd/(?!system|generator)|/usr/lib/locale)")
# Users and groups stay, as Debian's do: files that they own elsewhere must not come to belong to somebody else.
USERS = {"/etc/" + name + old for name in ("passwd", "group", "shadow", "gshadow") for old in ("", "-")} | {"/etc/.pwd.lock"}


def _files():
    found = {}
    for top in FOLDERS:
        for folder, names, files in os.walk(top):
            names[:] = [name for name in names if not OTHERS.match(os.path.join(folder, name))]
            for path in [folder] + [os.path.join(folder, name) for name in files]:
                if not OTHERS.match(path) and path not in USERS and os.path.lexists(path):
                    info = os.lstat(path)
                    found[path] = (info.st_mode, info.st_uid, info.st_gid, 0 if os.path.isdir(path) else info.st_size)
    return found


def _units():
    text = run("systemctl", "list-units", "--all", "--plain", "--no-legend", check=False).stdout
    return {word for word in text.split() if "sluice" in word}


class Picture:
    def __init__(self):
        self._files, self._rules = _files(), run("nft", "list", "ruleset").stdout

    def changes(self):
        now = _files()
        out = ["%s is left" % path for path in sorted(now.keys() - self._files.keys())]
        out += ["%s is gone" % path for path in sorted(self._files.keys() - now.keys())]
        out += ["%s is another" % path for path in sorted(now.keys() & self._files.keys()) if now[path] != self._files[path]]
        if run("nft", "list", "ruleset").stdout != self._rules:
            out.append("rules of the kernel")
        out += ["unit " + name for name in sorted(_units())]
        out += ["process " + pid for pid in run("pgrep", "-x", "sluiced", check=False).stdout.split()]
        return out
