# SPDX-License-Identifier: GPL-2.0-or-later
"""image.py - the file system of the virtual machine: programs of this machine with their libraries, modules of the
fetched kernel, the repository's sources; a cpio archive (newc) that the kernel unpacks into memory.

It is not compressed: unpacking costs the emulated processor more than qemu's copy of it costs ours. It has two parts,
which the kernel unpacks one over the other: the base, kept until a package of this machine or this file changes, and what
is the run's own, made anew."""

import glob
import hashlib
import os
import shlex
import shutil
import stat
import subprocess

import elf
import host

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAMS = {  # name: package
    "bash": "bash", "dash": "dash", "python3": "python3", "curl": "curl", "openssl": "openssl", "nginx": "nginx-light",
    "gtlsclient": "ngtcp2-client", "gtlsserver": "ngtcp2-server",
    "nft": "nftables", "conntrack": "conntrack", "ip": "iproute2", "ss": "iproute2", "tc": "iproute2",
    "iptables": "iptables", "iptables-save": "iptables", "iptables-restore": "iptables",
    "ip6tables": "iptables", "ip6tables-save": "iptables", "ip6tables-restore": "iptables",
    "iptables-nft": "iptables", "iptables-nft-save": "iptables", "iptables-nft-restore": "iptables",
    "ip6tables-nft": "iptables", "ip6tables-nft-save": "iptables", "ip6tables-nft-restore": "iptables",
    "iptables-legacy": "iptables", "iptables-legacy-save": "iptables", "iptables-legacy-restore": "iptables",
    "ip6tables-legacy": "iptables", "ip6tables-legacy-save": "iptables", "ip6tables-legacy-restore": "iptables",
    "sysctl": "procps", "setpriv": "util-linux",
}
LIBRARIES = "/usr/lib/x86_64-linux-gnu/"
TREES = ("/usr/lib/locale/C.utf8", LIBRARIES + "xtables", LIBRARIES + "ossl-modules", LIBRARIES + "libgcc_s.so.1",
         "/usr/lib/ssl", "/etc/ssl/openssl.cnf", "/etc/iproute2", "/etc/protocols", "/etc/services",
         "/etc/nginx/mime.types")
FOLDERS = ("dev", "proc", "sys", "run", "tmp", "root", "etc", "mnt", "var/log/nginx", "var/lib/nginx", "var/log/sluice",
           "var/empty", "usr/bin", "usr/sbin", "usr/lib", "usr/lib64", "usr/local/bin")
SPARE_PYTHON = {"__phello__", "dist-packages", "ensurepip", "idlelib", "lib2to3", "pydoc_data", "test", "tests",
                "tkinter", "turtledemo"}
SPARE_SOURCE = {".git", "build", "corpus", "__pycache__"}
MODULE_FOLDERS = ("kernel/net/netfilter/", "kernel/net/ipv4/", "kernel/net/ipv6/", "kernel/net/sched/",
                  "kernel/net/bridge/", "kernel/net/packet/")
MODULES = ("veth", "dummy", "virtio_pci", "virtio_console", "virtio-rng")
USERS = "root:x:0:0::/root:/bin/bash\nsluice:x:990:990::/:/bin/false\nnobody:x:65534:65534::/:/bin/false\n"
GROUPS = "root:x:0:\nsluice:x:990:\nnogroup:x:65534:\n"


class Archive:
    """Writes a cpio archive. A path is written once, its folders before it."""

    def __init__(self, out):
        self._out, self._seen, self._number = out, set(), 0

    def _entry(self, path, mode, data=b"", device=(0, 0), mtime=0):
        self._number += 1
        name = path.encode() + b"\0"
        fields = (self._number, mode, 0, 0, 1, int(mtime), len(data), 0, 0, *device, len(name), 0)
        self._padded(b"070701" + b"".join(b"%08X" % field for field in fields) + name)
        self._padded(data)

    def _padded(self, data):
        self._out.write(data + b"\0" * (-len(data) % 4))

    def _new(self, path):
        if path in self._seen:
            return False
        self._seen.add(path)
        return True

    def folder(self, path):
        if path and self._new(path):
            self.folder(os.path.dirname(path))
            self._entry(path, stat.S_IFDIR | 0o755)

    def data(self, path, data, mode=0o644, mtime=0):
        if self._new(path):
            self.folder(os.path.dirname(path))
            self._entry(path, stat.S_IFREG | mode, data, mtime=mtime)

    def link(self, path, target):
        if self._new(path):
            self.folder(os.path.dirname(path))
            self._entry(path, stat.S_IFLNK | 0o777, target.encode())

    def device(self, path, major, minor):
        if self._new(path):
            self._entry(path, stat.S_IFCHR | 0o666, device=(major, minor))

    def file(self, path, source):
        with open(source, "rb") as content:
            info = os.fstat(content.fileno())
            self.data(path, content.read(), stat.S_IMODE(info.st_mode) & 0o755, info.st_mtime)

    def end(self):
        self._entry("TRAILER!!!", 0)


class Root:
    """Files of this machine, at the same place in the other; a symbolic link brings what it points to."""

    def __init__(self, archive):
        self._archive = archive
        self.binaries = set()  # whose libraries are needed

    def add(self, path):
        path = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
        inside = path.lstrip("/")
        if os.path.islink(path):
            target = os.readlink(path)
            self._archive.link(inside, target)
            target = os.path.join(os.path.dirname(path), target)
            if os.path.exists(target):
                self.add(target)
        elif os.path.isdir(path):
            self.tree(path)
        elif os.path.isfile(path):
            self._archive.file(inside, path)
            if elf.is_elf(path):
                self.binaries.add(path)

    def tree(self, top, without=frozenset()):
        for folder, names, files in os.walk(top):
            names[:] = sorted(set(names) - without)
            for name in sorted(files):
                self.add(os.path.join(folder, name))

    def add_libraries(self):
        try:
            for library in elf.libraries(self.binaries):
                self.add(library)
        except elf.LibraryMissing as error:
            raise host.HostError(str(error)) from error


def program(name):
    where = ":".join(("/usr/sbin", "/usr/bin", "/sbin", "/bin"))
    path = shutil.which(name, path=where)
    if path is None:
        raise host.HostError("the image needs %s; please install the package %s" % (name, PROGRAMS[name]))
    return path


def add_base(archive, root, busybox):
    for path in FOLDERS:
        archive.folder(path)
    for name in ("bin", "sbin", "lib", "lib64"):
        archive.link(name, "usr/" + name)
    archive.device("dev/console", 5, 1)
    archive.device("dev/null", 1, 3)
    archive.data("etc/passwd", USERS.encode())
    archive.data("etc/group", GROUPS.encode())
    archive.data("etc/hosts", b"127.0.0.1 localhost\n::1 localhost\n")
    archive.data("etc/nsswitch.conf", b"passwd: files\ngroup: files\nhosts: files\n")
    archive.file("init", os.path.join(HERE, "init"))
    archive.link("usr/bin/sh", "dash")  # the shell of busybox takes its own ip, not that of PATH
    for name in PROGRAMS:
        root.add(program(name))
    for path in TREES:
        root.add(path)
    python = os.path.basename(os.path.realpath("/usr/bin/python3"))
    root.tree("/usr/lib/" + python, without=SPARE_PYTHON | {"config-%s-x86_64-linux-gnu" % python.removeprefix("python")})
    archive.file("usr/bin/busybox", busybox)
    for applet in applets(busybox):
        archive.link("usr/bin/" + applet, "busybox")  # where no program of that name is there already
    for applet in ("modprobe", "insmod", "depmod"):
        archive.link("usr/sbin/" + applet, "../bin/busybox")  # the kernel asks for /sbin/modprobe


def applets(busybox):
    names = subprocess.run([busybox, "--list"], text=True, stdout=subprocess.PIPE, check=True).stdout.split()
    return [name for name in names if name not in PROGRAMS and name != "busybox"]


def add_modules(archive, modules, names=MODULES, folders=MODULE_FOLDERS):
    """Those of these names and in these folders, with what they depend on."""
    needs = {}
    with open(os.path.join(modules, "modules.dep")) as lines:
        for line in lines:
            name, _, rest = line.partition(":")
            needs[name] = rest.split()
    wanted = [name for name in needs if name.startswith(folders) or os.path.basename(name).removesuffix(".ko") in names]
    below = "usr/lib/modules/" + os.path.basename(modules)
    while wanted:
        name = wanted.pop()
        path = os.path.join(modules, name)
        if os.path.exists(path):
            archive.file(below + "/" + name, path)
            wanted += needs.pop(name, [])
    for path in glob.glob(modules + "/modules.*"):
        archive.file(below + "/" + os.path.basename(path), path)


def add_source(archive, source):
    for folder, names, files in os.walk(source):
        names[:] = sorted(set(names) - SPARE_SOURCE)
        for name in sorted(files):
            path = os.path.join(folder, name)
            inside = os.path.join("src", os.path.relpath(path, source))
            if os.path.isfile(path) and not os.path.islink(path):
                archive.file(inside, path)


def add_built(archive, root, build_dir):
    for name, place in (("sluiced", "usr/sbin"), ("sluice-fetch", "usr/sbin"), ("sluice", "usr/bin")):
        found = [os.path.join(folder, name) for folder, _, files in os.walk(build_dir)
                 if name in files and os.access(os.path.join(folder, name), os.X_OK)]
        if not found:
            raise host.HostError("there is no program %s in %s" % (name, build_dir))
        archive.file(place + "/" + name, found[0])
        archive.link("src/build/" + name, "/" + place + "/" + name)
        root.binaries.add(found[0])


def base(cache, tools):
    """The path of the base archive."""
    key = hashlib.sha256(repr((tools.kernel, os.stat("/var/lib/dpkg/status").st_mtime_ns)).encode())
    for name in ("elf.py", "image.py", "init"):
        with open(os.path.join(HERE, name), "rb") as content:
            key.update(content.read())
    path = os.path.join(cache, "base-%s.cpio" % key.hexdigest()[:16])
    if os.path.exists(path):
        return path
    host.say("making the base image, once")
    fresh = "%s.%d" % (path, os.getpid())
    with open(fresh, "wb") as out:
        archive = Archive(out)
        root = Root(archive)
        add_base(archive, root, tools.busybox)
        add_modules(archive, tools.modules)
        root.add_libraries()
        archive.end()
    for stale in set(glob.glob(os.path.join(cache, "base-*.cpio"))) - {path}:
        os.unlink(stale)
    os.rename(fresh, path)
    return path


def write(path, cache, tools, source, build_dir, added, command):
    with open(path, "wb") as out, open(base(cache, tools), "rb") as first:
        shutil.copyfileobj(first, out, 1 << 20)
        archive = Archive(out)
        root = Root(archive)
        add_source(archive, source)
        if build_dir is not None:
            add_built(archive, root, build_dir)
        for extra in added:
            archive.file("usr/local/bin/" + os.path.basename(extra), extra)
            if elf.is_elf(extra):
                root.binaries.add(extra)
        root.add_libraries()
        archive.data("command", ("cd /src && exec %s\n" % shlex.join(command)).encode())
        archive.end()
