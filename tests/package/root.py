# SPDX-License-Identifier: GPL-2.0-or-later
"""root.py - the disk of a small Debian 12 with systemd, made by mmdebstrap, kept until what goes into it changes; and the initial
file system that mounts it. Nothing is installed on this machine."""

import contextlib
import fcntl
import glob
import hashlib
import os
import shutil
import subprocess

import host
import image

HERE = os.path.dirname(os.path.abspath(__file__))
MIRROR, SUITE = "http://deb.debian.org/debian", "bookworm"
TOOLS = ("systemd-sysv", "dbus", "iproute2", "iptables", "conntrack", "kmod", "procps", "python3-minimal", "libpython3-stdlib")
BOOT_MODULES = ("virtio_pci", "virtio_blk", "ext4", "crc32c_generic", "crc32c-intel", "libcrc32c")
INIT = b"""#!/bin/sh
export PATH=/bin
mount -t devtmpfs dev /dev
for module in virtio_pci virtio_blk crc32c_generic ext4; do modprobe $module; done
for try in 1 2 3 4 5 6 7 8 9; do [ -b /dev/vda ] && break; sleep 0.3; done
mount -t ext4 /dev/vda /root && mount --move /dev /root/dev && exec switch_root /root /sbin/init
echo 'the root does not mount' >/dev/console
"""
SIZE = 1 << 30


def dependencies(package):
    """Names of what a package needs; of alternatives the first one."""
    text = host.run("dpkg-deb", "-f", package, "Depends")
    return sorted({item.split("|")[0].split("(")[0].strip() for item in text.split(",")})


def disk(cache, tools, package):
    """The path of the file system with all that the package needs, and without it."""
    included = ",".join((*dependencies(package), *TOOLS))
    key = hashlib.sha256(repr((included, tools.kernel)).encode())
    for name in ("root.py", "guest.service"):
        with open(os.path.join(HERE, name), "rb") as content:
            key.update(content.read())
    path = os.path.join(cache, "debian-%s.ext4" % key.hexdigest()[:16])
    with open(os.path.join(cache, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(path):
            host.say("making a Debian, once")
            _make(path, included, tools)
            for stale in set(glob.glob(os.path.join(cache, "debian-*.ext4"))) - {path}:
                os.unlink(stale)
    return path


def _make(path, included, tools):
    tree, fresh = path + ".tree", path + ".new"
    shutil.rmtree(tree, ignore_errors=True)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(fresh)
    try:
        host.run("mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", "--include=" + included,
                  "--dpkgopt=force-unsafe-io", "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/locale/*", SUITE, tree, MIRROR)
        os.unlink(tree + "/etc/dpkg/dpkg.cfg.d/99mmdebstrap")  # what is tried in there is installed whole
        shutil.copytree(tools.modules, tree + "/usr/lib/modules/" + os.path.basename(tools.modules), symlinks=True)
        host.run("chroot", tree, "depmod", os.path.basename(tools.modules))  # kmod reads other files than busybox
        shutil.copy(HERE + "/guest.service", tree + "/etc/systemd/system/")
        wants = tree + "/etc/systemd/system/multi-user.target.wants"
        os.makedirs(wants, exist_ok=True)
        os.symlink("/etc/systemd/system/guest.service", wants + "/guest.service")
        with open(tree + "/etc/machine-id", "w") as to:
            to.write("0123456789abcdef0123456789abcdef\n")
        with open(tree + "/etc/fstab", "w") as to:
            to.write("")
        with open(fresh, "wb") as to:
            to.truncate(SIZE)
        host.run("mke2fs", "-q", "-F", "-t", "ext4", "-O", "^has_journal", "-d", tree, fresh)
        os.rename(fresh, path)
    finally:
        shutil.rmtree(tree, ignore_errors=True)


def write_initrd(path, tools):
    with open(path, "wb") as out:
        archive = image.Archive(out)
        for folder in ("dev", "proc", "root", "bin"):
            archive.folder(folder)
        archive.device("dev/console", 5, 1)
        archive.data("init", INIT, 0o755)
        archive.file("bin/busybox", tools.busybox)
        for name in ("sh", "mount", "modprobe", "insmod", "switch_root", "sleep", "uname", "["):
            archive.link("bin/" + name, "busybox")
        archive.link("sbin", "bin")
        archive.link("lib", "usr/lib")
        image.add_modules(archive, tools.modules, BOOT_MODULES, ())
        archive.end()
