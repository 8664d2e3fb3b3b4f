# SPDX-License-Identifier: GPL-2.0-or-later
"""machine.py - starts qemu and ends it: at its end, at the time limit, on Ctrl-C, and when whoever started it is killed."""

import contextlib
import ctypes
import glob
import os
import signal
import subprocess
import sys
import threading
import time

import host

CACHE = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "build", "qemu")
TIMED_OUT, BROKEN = 124, 125
PR_SET_PDEATHSIG = 1
# For a system with systemd and without udev, which would wait for the device of its console.
LINE = "systemd.mask=serial-getty@ttyS0.service systemd.mask=getty@tty1.service systemd.show_status=0"
KVM = os.environ.get("SLUICE_KVM") == "1"  # not whenever /dev/kvm is there: that of a machine which is one itself may not work


class Pipe:
    """What the machine writes to a port: qemu opens the pipe by the path of its descriptor."""

    def __init__(self, to=None):
        self._read, self.write = os.pipe()
        self._to = to
        self.data = b""
        self._thread = threading.Thread(target=self._pump, daemon=True)

    def start(self):
        os.close(self.write)
        self._thread.start()

    def _pump(self):
        while piece := os.read(self._read, 65536):
            if self._to is None:
                self.data += piece
            else:
                with contextlib.suppress(OSError):  # our own reader may have gone
                    os.write(self._to, piece)

    def finish(self):
        self._thread.join(5)


def qemu_argv(tools, initrd, console, ports, more):
    argv = [*tools.qemu, "-no-user-config", "-nodefaults", "-display", "none", "-no-reboot", "-accel",
            "kvm" if KVM else "tcg,thread=multi", "-M", "pc", "-cpu", "max", "-smp", "2", "-m", "2048", "-kernel",
            tools.kernel, "-initrd", initrd, "-append", "console=ttyS0 panic=-1 loglevel=6 random.trust_cpu=on " + LINE, "-chardev",
            "file,id=console,path=" + console, "-serial", "chardev:console", "-device", "virtio-rng-pci", "-device",
            "virtio-serial-pci", *more]
    for name, pipe in ports.items():
        argv += ["-chardev", "file,id=%s,path=/dev/fd/%d" % (name, pipe.write),
                 "-device", "virtserialport,chardev=%s,name=%s" % (name, name)]
    return argv


def end_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def boot(tools, initrd, console, timeout, more):
    """Returns (the command's status, or None; was the time over?). more: words for qemu."""
    ports = {"out": Pipe(1), "err": Pipe(2), "status": Pipe()}
    process = subprocess.Popen(qemu_argv(tools, initrd, console, ports, more), env=tools.environment, start_new_session=True,
                               stdin=subprocess.DEVNULL, stdout=sys.stderr, preexec_fn=end_with_parent,
                               pass_fds=[pipe.write for pipe in ports.values()])
    late = False
    try:
        for pipe in ports.values():
            pipe.start()
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        late = True
    finally:
        process.kill()
        process.wait()
        for pipe in ports.values():
            pipe.finish()
    words = ports["status"].data.split()
    return (int(words[0]) if words else None), late


def tail(path, lines=25):
    with contextlib.suppress(OSError), open(path, errors="replace") as log:
        sys.stderr.write("".join(log.readlines()[-lines:]))


def sweep():
    """Removes what runs that were killed have left in the cache: names that end in the number of a dead process."""
    for path in glob.glob(os.path.join(CACHE, "*[-.][0-9]*")):
        pid = path.rpartition("-")[2].rpartition(".")[2]
        if pid.isdigit() and not os.path.exists("/proc/" + pid):
            with contextlib.suppress(OSError):
                os.unlink(path)


def run(tools, write, timeout, more=()):
    """Boots a machine whose initial file system write(path) makes; its status."""
    sweep()
    initrd, console = (os.path.join(CACHE, "%s-%d" % (name, os.getpid())) for name in ("initrd", "console"))
    try:
        write(initrd)
        host.say("booting %s%s" % (os.path.basename(tools.kernel), "" if KVM else ", emulated"))
        began = time.monotonic()
        status, late = boot(tools, initrd, console, timeout, more)
        host.say("the machine ran for %.1f seconds" % (time.monotonic() - began))
        if status is None:
            host.say("%s; its console ends so:" % ("the time was over" if late else "it died before the command ended"))
            tail(console)
            return TIMED_OUT if late else BROKEN
        return status
    finally:
        for path in (initrd, console):
            with contextlib.suppress(OSError):
                os.unlink(path)


def main(function):
    """Its status, whatever goes wrong."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGHUP, lambda *_: sys.exit(129))
    try:
        return function()
    except host.HostError as error:
        host.say(str(error))
        return BROKEN
    except KeyboardInterrupt:
        host.say("interrupted")
        return 130
