# SPDX-License-Identifier: GPL-2.0-or-later
"""host.py - fetches what the virtual machine is made of: Debian's kernel, busybox, and qemu where it is not installed.
Packages are unpacked below the cache folder; nothing is installed on this machine."""

import contextlib
import fcntl
import glob
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass

KERNEL_PACKAGE = "linux-image-cloud-amd64"
QEMU_PACKAGE = "qemu-system-x86"
QEMU = "qemu-system-x86_64"


class HostError(Exception):
    pass


def say(text):
    print("qemu: " + text, file=sys.stderr, flush=True)


@dataclass
class Tools:
    kernel: str         # path of vmlinuz
    modules: str        # path of lib/modules/VERSION, with modules.dep
    busybox: str        # path of the static program
    qemu: list          # the program and where its firmware is
    environment: dict   # it runs with


def tools(cache):
    """Everything, fetched if it is not in the cache. To fetch anew, remove the cache."""
    if os.uname().machine != "x86_64":
        raise HostError("this makes machines of x86_64 alone")
    os.makedirs(cache, exist_ok=True)
    with open(os.path.join(cache, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another run may be fetching
        kernel = _unpacked(cache, "kernel", lambda folder: _download(folder, _kernel_package(), "busybox-static"))
        modules = _only(kernel, "lib/modules/*")
        busybox = _only(kernel, "bin/busybox", "usr/bin/busybox")
        if not os.path.exists(os.path.join(modules, "modules.dep")):
            run(busybox, "depmod", "-b", kernel, os.path.basename(modules))
        argv, environment = _qemu(cache)
    return Tools(_only(kernel, "boot/vmlinuz-*"), modules, busybox, argv, environment)


def _qemu(cache):
    if shutil.which(QEMU):
        return [QEMU], dict(os.environ)
    root = _unpacked(cache, "qemu", _download_qemu)
    argv = [_only(root, "usr/bin/" + QEMU)]
    for firmware in ("usr/share/qemu", "usr/share/seabios"):
        argv += ["-L", os.path.join(root, firmware)]
    libraries = [os.path.join(root, below, "x86_64-linux-gnu") for below in ("usr/lib", "lib")]
    return argv, {**os.environ, "LD_LIBRARY_PATH": ":".join(libraries)}


def _unpacked(cache, name, download):
    """The folder with unpacked packages; it appears whole or not at all."""
    final, fresh = os.path.join(cache, name), os.path.join(cache, name + ".new")
    if os.path.isdir(final):
        return final
    shutil.rmtree(fresh, ignore_errors=True)
    packages = os.path.join(fresh, "packages")
    os.makedirs(os.path.join(packages, "partial"))
    say("fetching packages (%s), once" % name)
    try:
        download(packages)
    except HostError:
        say("fetching the package lists first")
        run("apt-get", "-q", "update")
        download(packages)
    for package in glob.glob(packages + "/*.deb"):
        run("dpkg", "-x", package, fresh)
    shutil.rmtree(packages)
    os.rename(fresh, final)
    return final


def _kernel_package():
    """The versioned package that the meta package depends on."""
    match = re.search(r"Depends: (linux-image-\S+)", run("apt-cache", "depends", KERNEL_PACKAGE))
    if match is None:
        raise HostError("apt knows no " + KERNEL_PACKAGE)
    return match.group(1)


def _download(folder, *packages):
    run("apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", *packages, cwd=folder)


def _download_qemu(folder):
    """With the libraries that this machine lacks."""
    run("apt-get", "-q", "-y", "--no-install-recommends", "--download-only", "-o", "APT::Sandbox::User=root", "-o",
         "Debug::NoLocking=1", "-o", "Dir::Cache::archives=" + folder, "install", QEMU_PACKAGE)


def _only(root, *patterns):
    found = [path for pattern in patterns for path in sorted(glob.glob(os.path.join(root, pattern)))]
    if not found:
        raise HostError("there is no %s in %s; remove that folder to fetch it anew" % (patterns[0], root))
    return found[-1]


def run(*argv, cwd=None):
    with contextlib.suppress(FileNotFoundError):
        done = subprocess.run(argv, cwd=cwd, env={**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"},
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              check=False)
        if done.returncode == 0:
            return done.stdout
        raise HostError("%s failed:\n%s%s" % (" ".join(argv), done.stdout[-1000:], done.stderr[-1000:]))
    raise HostError("there is no program " + argv[0])
