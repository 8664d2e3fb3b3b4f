# SPDX-License-Identifier: GPL-2.0-or-later
"""machine.py - makes a bare Debian 12 ready: installs what is missing, builds, and says what the kernel lacks."""

import contextlib
import os
import re
import shutil
import subprocess
import tempfile

from .interrupts import held
from .namespaces import LabError, remove_leftovers, run
from .report import progress

PACKAGES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "packages.txt")
POLICY_RC = "/usr/sbin/policy-rc.d"
SERVICES = {"nginx": "nginx.service", "ngtcp2-server": "ngtcp2d.service"}  # the lab's servers run in the lab only


def packages(*purposes):
    """Those of tests/packages.txt for these purposes."""
    with open(PACKAGES) as lines:
        words = [line.partition("#")[0].split() for line in lines]
    return [package for purpose, *rest in filter(None, words) if purpose in purposes for package in rest]


def install(packages):
    missing = [package for package in packages if not _installed(package)]
    if not missing:
        return
    if shutil.which("apt-get") is None:
        raise LabError("this is no Debian (no apt-get); please install: " + " ".join(missing))
    progress("installing " + " ".join(missing))
    with _services_left_alone():
        if _apt("install", "-y", "--no-install-recommends", *missing).returncode != 0:
            progress("fetching the package lists first")
            _apt("update")
            done = _apt("install", "-y", "--no-install-recommends", *missing)
            if done.returncode != 0:
                raise LabError("apt-get install failed:\n" + done.stdout[-2000:])
    for package, service in SERVICES.items():
        if package in missing and shutil.which("systemctl"):
            run("systemctl", "disable", service, check=False)


def _installed(package):
    done = run("dpkg-query", "-W", "-f", "${db:Status-Status}", package, check=False)
    return done.stdout.strip() == "installed"


def _apt(*words):
    return subprocess.run(["apt-get", "-q", *words], env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)


@contextlib.contextmanager
def _services_left_alone():
    """Packages that are installed meanwhile do not start their services on this machine (invoke-rc.d's policy layer)."""
    if os.path.lexists(POLICY_RC):
        yield
        return
    try:
        with held(), open(POLICY_RC, "w") as to:
            to.write("#!/bin/sh\nexit 101\n")
            os.chmod(POLICY_RC, 0o755)
        yield
    finally:
        os.unlink(POLICY_RC)


def build(source):
    """Configures and builds the two programs in build/release."""
    folder = os.path.join(source, "build", "release")
    for what, argv in (("configuring", ["cmake", "--preset", "release"]),
                       ("building", ["cmake", "--build", folder, "--target", "sluiced", "sluice"])):
        progress(what + " (" + " ".join(argv) + ")")
        done = subprocess.run(argv, cwd=source, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        if done.returncode != 0:
            raise LabError("%s failed:\n%s" % (" ".join(argv), done.stdout[-4000:]))
    return folder


def program(folder, name):
    for below, _, files in os.walk(folder):
        path = os.path.join(below, name)
        if name in files and os.access(path, os.X_OK):
            return os.path.abspath(path)
    raise LabError("there is no program %s in %s" % (name, folder))


def temporary_folder():
    """A new one, named after this process; those of labs that were killed go, with their namespaces."""
    remove_leftovers()
    for name in os.listdir(tempfile.gettempdir()):
        match = re.match(r"sluice-lab-(\d+)-", name)
        if match and not os.path.exists("/proc/" + match.group(1)):
            shutil.rmtree(os.path.join(tempfile.gettempdir(), name), ignore_errors=True)
    folder = tempfile.mkdtemp(prefix="sluice-lab-%d-" % os.getpid())
    os.chmod(folder, 0o755)
    return folder


def check_kernel():
    """Says in words what a kernel without it would say with an errno later."""
    for module in ("nfnetlink_queue", "nf_conntrack", "veth"):
        if shutil.which("modprobe"):
            run("modprobe", "-q", module, check=False)
    if not os.path.exists("/proc/self/ns/net"):
        raise LabError("this kernel has no network namespaces (CONFIG_NET_NS)")
    if not os.path.exists("/proc/net/if_inet6"):
        raise LabError("this kernel has no IPv6 (CONFIG_IPV6, or ipv6.disable=1 on its command line)")
    if not os.path.exists("/proc/net/netfilter/nfnetlink_queue"):
        raise LabError("this kernel has no packet queues (CONFIG_NETFILTER_NETLINK_QUEUE)")
