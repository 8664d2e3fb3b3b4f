# SPDX-License-Identifier: GPL-2.0-or-later
"""stages.py - what is not one question to the gateway but a story: transfers older than the filter, load, a killed
engine, flushed rules, other users' marks, reload, and what is left when it stops. Each adds its rows to the report."""

import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import ssl
import threading
import time

from . import limits, names, tls
from .daemon import MARK_MASK
from .load import describe
from .namespaces import CLIENT, FAMILIES, IPTABLES, SERVER, run
from .probes import (ALLOWED, BLOCKED, TIMEOUT, Clock, Outcome, attempt, curl, curl_command, hello, http_pieces, stream,
                     whole_page)
from .report import Row, progress
from .servers import ECHO, TLS

YOUNG = 2.5  # s; QUICK_DEATH_MS of supervisor_death.c is less
BUSY, BUSY_FOR = 64, 6  # processes; s


def add(lab, name, family, expected, outcome):
    lab.report.add(Row(name, family, expected, outcome.got, outcome.ms))


class OldTransfers:
    """Connections that begin before the gateway tracks or filters anything: a download, and bytes both ways."""

    DOWN = "download that ran before sluiced started"
    BOTH = "transfer both ways that ran before sluiced started"

    def __init__(self, lab):
        self._lab = lab
        self._lines = {}

    def start(self):
        for family in FAMILIES:
            down = tls_line(self._lab, family, 1 << 16)
            down.sendall(tls.request(names.ALLOWED, "/big.bin"))
            head = _head(down)
            both = stream(self._lab, family, ECHO)
            _there_and_back(both, 1 << 20)
            self._lines[family] = down, head, both

    def finish(self):
        for family, (down, head, both) in self._lines.items():
            add(self._lab, self.BOTH, family, ALLOWED, attempt(lambda _: _there_and_back(both, 16 << 20)))
            add(self._lab, self.DOWN, family, "intact", attempt(lambda _: self._rest(down, head)))
            down.close()
            both.close()
        self._lines = {}

    def _rest(self, line, head):
        left, digest = self._lab.servers.big_bytes - len(head), hashlib.sha256(head)
        while left > 0:
            data = line.recv(1 << 16)
            if not data:
                return "closed %d bytes early" % left
            digest.update(data)
            left -= len(data)
        return "intact" if digest.hexdigest() == self._lab.servers.big_sha256 else "altered"


def tls_line(lab, family, receive_buffer=0):
    """A TLS connection of the kernel's TCP and Python's ssl. With a small receive buffer a transfer waits for us."""
    context = ssl.create_default_context(cafile=lab.servers.certificate)
    with lab.network.client:
        line = socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6)
    if receive_buffer:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    line.settimeout(TIMEOUT)
    line.connect((lab.network.target[family], TLS))
    return context.wrap_socket(line, server_hostname=names.ALLOWED)


def _head(line):
    """Reads to the end of a response's header; gives what came of the body."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += line.recv(1 << 14)
    return data.partition(b"\r\n\r\n")[2]


def _there_and_back(line, size):
    """Through the echo service, a block at a time."""
    block = os.urandom(1 << 15)
    for _ in range(size // len(block)):
        line.send(block)
        back = b""
        while len(back) < len(block):
            back += tls.received(line)
        if back != block:
            return "altered"
    return ALLOWED


# lists and the command


def reload_lists(lab):
    """A new name takes effect; a file that is no list leaves the old policy in force."""
    file_text = names.LISTS["blocked"][3]
    for family, by_signal in zip(FAMILIES, (False, True)):
        how = "on SIGHUP" if by_signal else "by `sluice reload`"
        lab.daemon.write_list("blocked", file_text + names.RELOADED + "\n")
        lab.daemon.reload(by_signal)
        add(lab, "reload %s: a name just listed" % how, family, BLOCKED, _until(lab, family, names.RELOADED, BLOCKED))
        lab.daemon.write_list("blocked", "<!DOCTYPE html><html><body>Not found</body></html>\n" * 50)
        lab.daemon.reload(by_signal)
        time.sleep(0.3)
        add(lab, "reload %s: a file that is no list changes nothing" % how, family, BLOCKED,
            _until(lab, family, names.RELOADED, BLOCKED))
        lab.daemon.write_list("blocked", file_text)
        lab.daemon.reload(by_signal)
        add(lab, "reload %s: a name no longer listed" % how, family, ALLOWED,
            _until(lab, family, names.RELOADED, ALLOWED))


def dry_run(lab):
    """A list that would newly block much of what was asked for is not taken, unless it is meant."""
    file_text, asked = names.LISTS["blocked"][3], "asked.example"
    for family in lab.slow_families:
        first = "h0." + asked
        allowed = [_request(lab, family, "h%d.%s" % (i, asked)).got for i in range(30)].count(ALLOWED)
        time.sleep(0.2)  # until the log writer has noted the last one
        lab.daemon.write_list("blocked", file_text + asked + "\n")
        done = lab.daemon.command("reload")
        told = "would block 30 of the " in done.stderr and "." + asked in done.stderr
        add(lab, "a list that would newly block what was asked for is refused", family, "30 allowed, exit 1, told, allowed",
            Outcome("%d allowed, exit %d, %s, %s" % (allowed, done.returncode, "told" if told else done.stderr.strip(),
                                                     _request(lab, family, first).got)))
        done = lab.daemon.command("reload", "--force")
        add(lab, "a list that would newly block what was asked for is taken with --force", family, "exit 0, blocked",
            Outcome("exit %d, %s" % (done.returncode, _until(lab, family, first, BLOCKED, ask=_request).got)))
        lab.daemon.write_list("blocked", file_text)
        lab.daemon.reload()
        add(lab, "a list that blocks less is taken", family, ALLOWED, _until(lab, family, first, ALLOWED, ask=_request))


def _request(lab, family, host):
    return http_pieces(lab, family, host, tls.whole)


def _until(lab, family, host, word, seconds=3.0, ask=hello):
    """Asks until the answer is the word, or the time is over."""
    limit = time.monotonic() + seconds
    while (outcome := ask(lab, family, host)).got != word and time.monotonic() < limit:
        time.sleep(0.02)
    return outcome


def command_answers(lab):
    for family in FAMILIES:
        clock = Clock()
        done = lab.daemon.command("check", "--json", names.BELOW_BLOCKED, names.ALLOWED)
        add(lab, "`sluice check` says what the wire says", family, "blocked by blocked line 2, allowed, exit 1",
            Outcome(_check_words(done), clock.ms()))
        clock = Clock()
        status = lab.daemon.command("status", "--json")
        add(lab, "`sluice status` answers", family, "an object",
            Outcome("an object" if _is_object(status.stdout) else status.stderr.strip(), clock.ms()))


def _check_words(done):
    try:
        blocked, allowed = (json.loads(line) for line in done.stdout.splitlines())
        return "%sed by %s line %s, %sed, exit %d" % (blocked["verdict"], blocked["list"], blocked["line"],
                                                      allowed["verdict"], done.returncode)
    except (ValueError, KeyError):
        return "exit %d: %s" % (done.returncode, (done.stdout + done.stderr).strip())


def _is_object(text):
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def flow_log(lab):
    """The record of a refusal names the flow, the name, the list and the line."""
    for family in FAMILIES:
        before = len(lab.daemon.flows())
        hello(lab, family, names.LISTED)
        limit = time.monotonic() + 3
        while not (found := _refusal(lab.daemon.flows()[before:], family)) and time.monotonic() < limit:
            time.sleep(0.05)
        add(lab, "the flow log records a refusal", family, "example.com drop", Outcome(found or "no record"))


def _refusal(records, family):
    for record in records:
        sni, action = record.get("tls", {}).get("sni"), record.get("verdict", {}).get("action")
        if sni == names.LISTED and record.get("src_ip", "") == CLIENT[family]:
            return "%s %s" % (sni, action)
    return None


# other users of marks


def fwmarks(lab):
    """A mark set before our rules and wanted after them comes through on every packet, judged ones too."""
    for family in FAMILIES:
        where = ("-p", "tcp", "-s", CLIENT[family])
        rules = ("PREROUTING -i lan -j MARK --set-xmark 0x5/0xff",
                 "POSTROUTING -o wan %s -m mark --mark 0x5/0xff -m comment --comment kept" % " ".join(where),
                 "POSTROUTING -o wan %s -m comment --comment all" % " ".join(where))
        _change_rules(lab, family, "-A", rules)
        time.sleep(0.3)
        lab.network.gateway.ip("-%d" % family, "neigh", "flush", "dev", "wan")  # so the gateway sends packets of its own
        curl(lab, family, "http://%s/" % names.ALLOWED)
        hello(lab, family, names.ALLOWED, tls.in_two)
        kept, everything = _packets(lab, family, ("kept", "all"))
        got = "kept" if kept == everything and kept > 0 else "%d of %d packets" % (kept, everything)
        add(lab, "bits of the packet mark that others set", family, "kept", Outcome(got))
        _change_rules(lab, family, "-D", rules)


def _change_rules(lab, family, verb, rules):
    """All at once: both counters see the same packets."""
    path = os.path.join(lab.folder, "marks.rules")
    with open(path, "w") as to:
        to.write("*mangle\n%sCOMMIT\n" % "".join("%s %s\n" % (verb, rule) for rule in rules))
    lab.network.gateway.run(IPTABLES[family] + "-restore", "-w", "--noflush", path)


def _packets(lab, family, comments):
    """What the client sent, as each rule has counted it: the gateway's own packets, of neighbour discovery say, never had
    the mark. Read at once, since a connection that ends late sends packets between two readings."""
    text = lab.network.gateway.run(IPTABLES[family], "-w", "-t", "mangle", "-nvxL", "POSTROUTING").stdout
    return [sum(int(line.split()[0]) for line in text.splitlines() if "/* %s */" % comment in line) for comment in comments]


# load


def under_load(lab, suffix="", connections=None):
    connections = connections or lab.connections
    name = "load: %d short connections, 64 at a time, half to blocked names%s" % (connections, suffix)
    for family in FAMILIES if lab.report.wants(name) else ():
        progress(name + " over IPv%d" % family)
        with lab.load(family, connections) as load:
            add(lab, name, family, "%d right" % connections, Outcome(describe(load.result()), load.took * 1000))


def struck(lab, name, number, counters, said="", whom=lambda status: status["engine_pid"]):
    """The engine, or whom by what status says, gets a signal under load, which goes on until another one has judged for a while: every verdict is right, nothing
    is answered by on_failure, no connection waits for long, and status counts what happened: counters, by how much they grow. said:
    what the log is to say of it."""
    for family in FAMILIES if lab.report.wants(name) else ():
        progress(name + " over IPv%d" % family)
        before, log = lab.daemon.wait_ready(), len(lab.daemon.read_log())
        with lab.load(family, 1000000) as load:
            load.wait_until(lab.connections // 20)
            load.mark()
            os.kill(whom(before), number)
            after = lab.daemon.wait_ready(not_engine=before["engine_pid"])
            got, times = _rest_of(lab, load)
        for counter, grows in {"on_failure_packets": 0, "engine_restarts": 1, **counters}.items():
            if after[counter] - before[counter] != grows:
                got += ", %s + %d" % (counter, after[counter] - before[counter])
        got += _too_long(lab, log, times)
        if not re.search(said, lab.daemon.read_log(log)):
            got += ", but the log does not say %r" % said
        add(lab, name, family, "all right", Outcome(got, times[1]))


def _rest_of(lab, load):
    """Some more connections, then the end: what came of all of them, and how long they took before mark() and after it."""
    load.wait_until(load.done() + lab.connections // 20)
    load.end()
    result = load.result()
    return "all right" if set(result) == {"right"} else describe(result), load.longest()


def _too_long(lab, log, times):
    """Nothing, or words on the longest connection. Tells how long nobody judged."""
    usual, longest = times
    without = re.findall(r"judges, after (\d+) ms without one", lab.daemon.read_log(log))
    progress("without an engine: %s ms; the longest connection: %.0f ms, before that %.0f ms" % (
        ", ".join(without), longest, usual))
    if longest <= usual + limits.stalled:
        return ""
    return ", but the longest took %.0f ms, and %.0f before" % (longest, usual)


def engine_killed(lab):
    struck(lab, "load: the engine is killed meanwhile (kill -9)", signal.SIGKILL, {"engine_hangs": 0})


def engine_faults(lab):
    struck(lab, "load: the engine has a fault meanwhile (SIGSEGV)", signal.SIGSEGV, {"engine_hangs": 0},
            said="engine: signal SEGV in thread|AddressSanitizer|UndefinedBehaviorSanitizer|ThreadSanitizer")


def engine_stopped(lab):
    struck(lab, "load: the engine hangs meanwhile (SIGSTOP)", signal.SIGSTOP, {"engine_hangs": 1},
            said="hangs: no sign of life for")


def both_stopped(lab):
    """A next engine that hangs, too, is found out before takeover_limit."""
    name = "the engine hangs, and its spare as well: a third one judges in time"
    for family in lab.slow_families if lab.report.wants(name) else ():
        time.sleep(YOUNG)
        before = lab.daemon.wait_ready()
        for pid in before["engine_pid"], before["spare_pid"]:
            os.kill(pid, signal.SIGSTOP)
        clock = Clock()
        got = curl_blocked(lab, family)
        ms = clock.ms()
        after = lab.daemon.wait_ready()
        got += ", %d hung, %d answered by on_failure" % tuple(
            after[counter] - before[counter] for counter in ("engine_hangs", "on_failure_packets"))
        add(lab, name, family, "blocked, 2 hung, 0 answered by on_failure", Outcome(got, ms))


def curl_blocked(lab, family):
    """One request to a blocked name, which may wait for its verdict."""
    done = lab.network.client.run(*curl_command(lab, family, "http://%s/" % names.BLOCKED, "-o", "/dev/null"), check=False)
    return ALLOWED if done.returncode == 0 else BLOCKED if "reset" in done.stderr else done.stderr.strip()


class Stopper(threading.Thread):
    """Stops every process of a supervisor as soon as it is there."""

    def __init__(self, daemon):
        super().__init__(daemon=True)
        self._daemon, self._enough = daemon, threading.Event()

    def run(self):
        while not self._enough.wait(0.002):
            for pid in self._daemon.children():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGSTOP)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._enough.set()
        self.join()
        for pid in self._daemon.children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def no_engine(lab):
    """on_failure answers, but only when takeover_limit is over, and what it answers is counted."""
    name = "no engine gets ready: on_failure answers when takeover_limit is over"
    for family in lab.slow_families if lab.report.wants(name) else ():
        time.sleep(YOUNG)
        before = lab.daemon.wait_ready()
        clock = Clock()
        with Stopper(lab.daemon):
            got = curl_blocked(lab, family)
            ms = clock.ms()
        after = lab.daemon.wait_ready()
        if ms < lab.daemon.milliseconds("takeover_limit"):
            got += " after %.0f ms" % ms
        if after["on_failure_packets"] == before["on_failure_packets"]:
            got += ", and not counted"
        add(lab, name, family, ALLOWED, Outcome(got, ms))
        add(lab, "and then one judges again", family, BLOCKED, Outcome(curl_blocked(lab, family)))


def _lives(pid):
    """One that has ended and that nobody has buried yet does not."""
    try:
        with open("/proc/%d/stat" % pid) as stat:
            return stat.read().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def supervisor_killed(lab):
    """The engine judges without it, and another supervisor gives its place to a new one."""
    name = "load: the supervisor is killed (kill -9), and another one is started"
    for family in FAMILIES if lab.report.wants(name) else ():
        progress(name + " over IPv%d" % family)
        before, log = lab.daemon.wait_ready(), len(lab.daemon.read_log())
        with lab.load(family, 1000000) as load:
            load.wait_until(lab.connections // 20)
            load.mark()
            lab.daemon.kill()
            load.wait_until(load.done() + lab.connections // 20)
            lab.daemon.start()
            got, times = _rest_of(lab, load)
            done = load.done()
        after = lab.daemon.wait_ready()
        for counter in ("on_failure_packets", "engine_restarts", "engine_hangs"):
            got += "" if after[counter] == 0 else ", %s %d" % (counter, after[counter])
        if _lives(before["engine_pid"]) or after["engine_pid"] == before["engine_pid"]:
            got += ", but the old engine lives"
        if after["flows"]["packets"] < before["flows"]["packets"] + done:
            got += ", but the counters began anew"
        got += _too_long(lab, log, times)
        add(lab, name, family, "all right", Outcome(got, times[1]))


def without_supervisor(lab):
    """What the next one finds may be of no use to it, or it may itself be of none."""
    for family in FAMILIES:
        _orphan(lab, family, "and the next one cannot start: the old policy is in force", _bad_option)
        _orphan(lab, family, "and the next one has other options", _other_options)
        _orphan(lab, family, "the engine hangs, and the next one finds it", _hung_orphan)
        _orphan(lab, family, "and `sluice cleanup` ends its engine", _cleaned)


def _orphan(lab, family, what, story):
    name = "the supervisor is killed, %s" % what
    if lab.report.wants(name):
        engine = lab.daemon.wait_ready()["engine_pid"]
        lab.daemon.kill()
        expected, got = story(lab, family, engine)
        if not lab.daemon.running():
            lab.daemon.start()
        if _lives(engine):
            got += ", the old engine lives"
        add(lab, name, family, expected + ", then " + BLOCKED,
            Outcome(got + ", then " + hello(lab, family, names.BLOCKED).got))


def _bad_option(lab, family, _):
    lab.daemon.configure({"no_such_option": "yes"})
    started = lab.daemon.restart()
    got = "%s, %s" % ("started" if started else "not started", hello(lab, family, names.BLOCKED).got)
    lab.daemon.configure({"no_such_option": None})
    return "not started, " + BLOCKED, got


def _other_options(lab, family, engine):
    lab.daemon.configure({"queue_first": 2900})
    started = lab.daemon.restart()
    got = "%s, %s, %s" % ("started" if started else "not started", hello(lab, family, names.BLOCKED).got,
                          "old engine" if _lives(engine) else "no old engine")
    lab.daemon.configure({"queue_first": None})
    lab.daemon.stop()
    return "started, %s, no old engine" % BLOCKED, got


def _hung_orphan(lab, family, engine):
    os.kill(engine, signal.SIGSTOP)
    return "started", "started" if lab.daemon.restart() else "not started"


def _cleaned(lab, family, engine):
    done = lab.daemon.command("cleanup")
    gone = "gone" if not _lives(engine) else "still there"
    return "exit 0, engine gone, " + ALLOWED, "exit %d, engine %s, %s" % (
        done.returncode, gone, hello(lab, family, names.BLOCKED).got)


@contextlib.contextmanager
def _busy(lab):
    """Many processes that only burn time; they end by themselves should the lab not come to it."""
    spin = "while :; do :; done"
    group = lab.network.client.start("timeout", "-s", "KILL", "120", "sh", "-c",
                                     "for i in $(seq %d); do %s & done; %s" % (BUSY - 1, spin, spin))
    try:
        yield
    finally:
        os.killpg(group.pid, signal.SIGKILL)
        group.wait()


def busy_machine(lab):
    """Whoever gets no processor does not hang."""
    name = "load: %d busy processes beside it: no engine is taken for one that hangs" % BUSY
    for family in lab.slow_families if lab.report.wants(name) else ():
        progress(name + " over IPv%d" % family)
        before = lab.daemon.wait_ready()
        with lab.load(family, 1000000) as load:
            load.wait_until(100)
            with _busy(lab):
                done, clock = load.done(), Clock()
                while clock.ms() < 1000 * BUSY_FOR or (load.done() < done + 20 and clock.ms() < 10000 * BUSY_FOR):
                    time.sleep(0.1)
                done, ms = load.done() - done, clock.ms()
            load.end()
            progress("%d connections in %.0f s, the longest %.0f ms; all in all %s" % (
                done, ms / 1000, max(load.longest()), describe(load.result())))
        after = lab.daemon.wait_ready()
        got = ", ".join("%d %s" % (after[counter] - before[counter], word) for counter, word in (
            ("engine_hangs", "taken for hung"), ("engine_restarts", "restarted")))
        add(lab, name, family, "0 taken for hung, 0 restarted", Outcome(got if done >= 20 else got + ", but no load", ms))


def old_options(lab):
    """What needs a restart stays as it was for every engine until then: the rules are of that time, too."""
    name = "a reload changes mark_mask, which needs a restart: the next engine goes on with the old one"
    for family in lab.slow_families if lab.report.wants(name) else ():
        time.sleep(YOUNG)
        lab.daemon.configure({"mark_mask": "0x00000700"})
        lab.daemon.reload()
        words = []
        for _ in range(2):  # the spare, and one that is started anew
            os.kill(lab.daemon.wait_ready()["engine_pid"], signal.SIGKILL)
            time.sleep(0.1)
            lab.daemon.wait_ready()
            words += [hello(lab, family, names.BLOCKED).got, hello(lab, family, names.ALLOWED).got]
        lab.daemon.configure({"mark_mask": None})
        lab.daemon.reload()
        add(lab, name, family, "blocked allowed blocked allowed", Outcome(" ".join(words)))


def full_disk(lab):
    """A flow log that cannot be written costs records, which are counted, and nothing else."""
    name = "load: the disk of the flow log is full"
    connections = lab.connections // 10
    if not lab.report.wants(name):
        return
    folder = os.path.join(lab.folder, "full")
    os.mkdir(folder)
    run("mount", "-t", "tmpfs", "-o", "size=8k,mode=0755", "sluice-lab", folder)
    try:
        lab.daemon.configure({"flow_log": os.path.join(folder, "flows.json")})
        lab.daemon.reload()
        for family in FAMILIES:
            progress(name + " over IPv%d" % family)
            before = lab.daemon.wait_ready()
            with lab.load(family, connections) as load:
                got = describe(load.result())
            limit = time.monotonic() + TIMEOUT  # a worker publishes the log's counts when it next looks up
            while True:
                after = lab.daemon.wait_ready()
                errors = after["flow_log"]["write_errors"] - before["flow_log"]["write_errors"]
                if errors > 0 or time.monotonic() > limit:
                    break
                time.sleep(0.1)
            got += ", failed writes counted" if errors > 0 else ", no failed write counted"
            got += ", %d engines died" % (after["engine_restarts"] - before["engine_restarts"])
            add(lab, name, family, "%d right, failed writes counted, 0 engines died" % connections,
                Outcome(got, load.took * 1000))
    finally:
        lab.daemon.configure({"flow_log": lab.daemon.flow_log})
        lab.daemon.reload()
        run("umount", folder)


def rules_flushed(lab):
    """Others rewrite whole rule sets; ours come back. Allowed connections go on throughout."""
    for family in FAMILIES:
        tool = IPTABLES[family]
        for title, commands in (("nft flush ruleset", (("nft", "flush", "ruleset"),)),
                                ("%s -F" % tool, ((tool, "-w", "-F"), (tool, "-w", "-t", "mangle", "-F")))):
            name = "load: `%s` is healed within %g s" % (title, limits.healed / 1000)
            if lab.report.wants(name):
                progress(name + " over IPv%d" % family)
                add(lab, name, family, "healed, no allowed connection failed", _flush(lab, family, commands))


def _flush(lab, family, commands):
    with lab.load(family, 1000000, blocked=False) as load:
        load.wait_until(200)
        for command in commands:
            lab.network.gateway.run(*command)
        clock, in_a_row = Clock(), 0
        healed = None
        while in_a_row < 5 and clock.ms() < 5 * limits.healed:
            if hello(lab, family, names.BLOCKED).got == BLOCKED:
                healed = clock.ms() if in_a_row == 0 else healed
                in_a_row += 1
            else:
                in_a_row = 0
        load.end()
        result = load.result()
    word = "healed" if in_a_row and healed < limits.healed else "not healed in time"
    load_word = "no allowed connection failed" if set(result) == {"right"} else describe(result)
    return Outcome("%s, %s" % (word, load_word), healed)


# the end


def rules_of(network):
    """Everything that somebody has put into the gateway's packet filter; built-in chains and their tables are not."""
    found = set()
    tools = ["iptables-save", "ip6tables-save"]
    for names_file, tool in (("ip_tables_names", "iptables-legacy-save"), ("ip6_tables_names", "ip6tables-legacy-save")):
        if network.gateway.read(names_file) and shutil.which(tool):
            tools.append(tool)
    for tool in tools:
        for line in network.gateway.run(tool).stdout.splitlines():
            if line.startswith("-A ") or re.match(r":\S+ - ", line):
                found.add("%s: %s" % (tool, line))
    compat = re.compile(r"^table ip6? (filter|mangle|nat|raw|security)$")
    tables = network.gateway.run("nft", "list", "tables").stdout.splitlines()
    return found | {line for line in tables if not compat.match(line)}


def stopped(lab, rules_before):
    """SIGTERM: established connections live on, no rule of ours stays, and `sluice cleanup` takes our bits only."""
    lines = {family: (tls_line(lab, family), stream(lab, family, ECHO)) for family in FAMILIES}
    for family, (secure, echo) in lines.items():
        _page_again(lab, secure)
        _there_and_back(echo, 1 << 16)
    clock = Clock()
    status = lab.daemon.stop()
    ms = clock.ms()
    for family, (secure, echo) in lines.items():
        name = "stop: established connections live on"
        add(lab, name, family, "exit 0, TLS allowed, TCP allowed", Outcome("exit %s, TLS %s, TCP %s" % (
            status, attempt(lambda _: _page_again(lab, secure)).got,
            attempt(lambda _: _there_and_back(echo, 1 << 20)).got), ms))
    left = sorted(rules_of(lab.network) - rules_before)
    for family in FAMILIES:
        add(lab, "stop: no rule, chain or table of ours is left", family, "none", Outcome("; ".join(left) or "none"))
        add(lab, "stop: a blocked name passes, since nobody filters", family, ALLOWED, hello(lab, family, names.BLOCKED))
    _cleanup(lab)
    for line in sum(lines.values(), ()):
        line.close()


def _page_again(lab, line):
    line.sendall(tls.request(names.ALLOWED))
    page = tls.Page()
    while page.body() is None:
        data = line.recv(1 << 16)
        if not data:
            return "closed"
        page.add(data)
    return whole_page(lab, page.body())


def _cleanup(lab):
    for family in FAMILIES:
        lab.network.gateway.run("conntrack", "-U", *_ours(family), "-m", "0x5/0xff", check=False)
    before = {family: _marks(lab, family) for family in FAMILIES}
    clock = Clock()
    done = lab.daemon.command("cleanup")
    for family in FAMILIES:
        marks = _marks(lab, family)
        if not any(mark & MARK_MASK for mark in before[family]):
            got = "no connection was marked before"
        elif done.returncode != 0:
            got = "exit %d: %s" % (done.returncode, done.stderr.strip())
        else:
            got = " ".join("%#x" % mark for mark in sorted(set(marks)))
        add(lab, "stop: `sluice cleanup` clears our bits of connection marks, not others'", family, "0x5",
            Outcome(got, clock.ms()))


def _ours(family):
    """Selects the connections kept open to the echo service."""
    return ("-f", "ipv%d" % family, "-p", "tcp", "-s", CLIENT[family], "-d", SERVER[family], "--dport", str(ECHO),
            "--state", "ESTABLISHED")


def _marks(lab, family):
    text = lab.network.gateway.run("conntrack", "-L", *_ours(family), check=False).stdout
    return [int(mark) for mark in re.findall(r"\bmark=(\d+)", text)]
