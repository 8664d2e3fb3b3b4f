# SPDX-License-Identifier: GPL-2.0-or-later
"""groups.py - clients of different groups, schedules, the operator's word, lists in the shadow; and what explain says of them."""

import contextlib
import json
import os
import time

from . import names
from .namespaces import CLIENT, FAMILIES, PREFIX
from .probes import ALLOWED, BLOCKED, Clock, curl_command, hello
from .report import Row, progress

OTHER = {4: "192.0.2.3", 6: "2001:db8:1::3"}  # a second client, behind the same interface
SOON = 6  # s until a schedule begins: time to start sluiced
WITHIN = 3  # s in which what the clock does is seen


def add(lab, name, family, expected, got, ms=None):
    lab.report.add(Row(name, family, expected, got, ms))


def asked(lab, family, source, host=names.BLOCKED):
    """What comes of one request from this address."""
    done = lab.network.client.run(*curl_command(lab, family, "http://%s/" % host, "-o", "/dev/null", "--interface", source),
                                  check=False)
    return ALLOWED if done.returncode == 0 else BLOCKED if "reset" in done.stderr else done.stderr.strip()


def both(lab, family):
    return "%s, other %s" % (asked(lab, family, CLIENT[family]), asked(lab, family, OTHER[family]))


@contextlib.contextmanager
def other_client(lab):
    for family in FAMILIES:
        extra = ("nodad",) if family == 6 else ()
        lab.network.client.ip("address", "add", "%s/%d" % (OTHER[family], PREFIX[family]), "dev", "eth0", *extra)
    try:
        yield
    finally:
        for family in FAMILIES:
            lab.network.client.ip("address", "del", "%s/%d" % (OTHER[family], PREFIX[family]), "dev", "eth0")


@contextlib.contextmanager
def groups(lab, text):
    """Reloaded with these groups, and without them again."""
    lab.daemon.configure({"groups": text})
    lab.daemon.reload()
    try:
        yield
    finally:
        lab.daemon.configure({"groups": None})
        lab.daemon.reload()


def of(clients, rest):
    return "[{name: guests, clients: [%s], %s}]" % (", ".join('"%s"' % c for c in clients), rest)


OTHERS = list(OTHER.values())
OFF = "roles: {blocked: off}"


def by_client(lab):
    """Who is in the group is not blocked by the list that it puts off; the other one is."""
    mac = lab.network.mac(lab.network.client, "eth0")
    for how, clients, expected in (
            ("address", OTHERS, "blocked, other allowed"),
            ("prefix", ["192.0.2.0/24", "2001:db8:1::/64"], "allowed, other allowed"),
            ("MAC", [mac], "allowed, other allowed"),
            ("interface", ["lan"], "allowed, other allowed")):
        name = "groups: a client is known by its " + how
        if lab.report.wants(name):
            with groups(lab, of(clients, OFF)):
                for family in FAMILIES:
                    add(lab, name, family, expected, both(lab, family))
    name = "groups: MAC before address"
    if lab.report.wants(name):
        text = '[{name: byaddress, clients: [%s], roles: {blocked: off}}, {name: bymac, clients: ["%s"]}]' % (
            ", ".join('"%s"' % c for c in OTHERS), mac)
        with groups(lab, text):
            for family in FAMILIES:
                add(lab, name, family, "blocked, other blocked", both(lab, family))
    name = "groups: a group allows nothing but what it names (default: block)"
    if lab.report.wants(name):
        with groups(lab, of(OTHERS, "default: block, allow: [%s]" % names.BLOCKED)):
            for family in FAMILIES:
                add(lab, name, family, "allowed, but allowed.example blocked", "%s, but %s %s" % (
                    asked(lab, family, OTHER[family]), names.ALLOWED, asked(lab, family, OTHER[family], names.ALLOWED)))


def said(lab, *words):
    """The number of an exception that was just made; words of what went wrong."""
    done = lab.daemon.command(*words, "--json")
    return str(json.loads(done.stdout)["id"]) if done.returncode == 0 else done.stderr.strip()


def until_over(lab, family, source, word):
    limit = time.monotonic() + WITHIN
    while (got := asked(lab, family, source)) != word and time.monotonic() < limit:
        time.sleep(0.05)
    return got


def exceptions(lab):
    name = "exceptions: allowed for 2 s, for one group, then blocked again"
    for family in lab.slow_families if lab.report.wants(name) else ():
        with groups(lab, of(OTHERS, "roles: {}")):
            before, clock = both(lab, family), Clock()
            said(lab, "allow", names.BLOCKED, "--group", "guests", "--for", "2s", "--because", "a row of the lab")
            during = both(lab, family)
            ms = clock.ms()
            time.sleep(2)
            after = until_over(lab, family, OTHER[family], BLOCKED)
            told = "logged" if "is over: allow " + names.BLOCKED in lab.daemon.read_log() else "not logged"
            add(lab, name, family, "blocked, other blocked; blocked, other allowed; other blocked, logged",
                "%s; %s; other %s, %s" % (before, during, after, told), ms)
    name = "exceptions: one survives a restart and a killed engine, and is undone"
    for family in lab.slow_families if lab.report.wants(name) else ():
        number = said(lab, "allow", names.BLOCKED)
        words = [asked(lab, family, CLIENT[family])]
        lab.daemon.stop()
        lab.daemon.start()
        words.append(asked(lab, family, CLIENT[family]))
        engine = lab.daemon.wait_ready()["engine_pid"]
        os.kill(engine, 9)
        lab.daemon.wait_ready(not_engine=engine)
        words.append(asked(lab, family, CLIENT[family]))
        lab.daemon.command("undo", number)
        words.append(asked(lab, family, CLIENT[family]))
        add(lab, name, family, "allowed allowed allowed blocked", " ".join(words))
    name = "exceptions: block a name that no list has, and take it back"
    for family in FAMILIES if lab.report.wants(name) else ():
        number = said(lab, "block", names.ALLOWED)
        got = hello(lab, family, names.ALLOWED).got
        lab.daemon.command("undo", number)
        add(lab, name, family, "blocked, then allowed", "%s, then %s" % (got, hello(lab, family, names.ALLOWED).got))


def damaged_file(lab):
    """The state before the last change is used, the bad file stays to be looked at, and the log says so."""
    name = "exceptions: their file is damaged: the ones before the last change are in force"
    if not lab.report.wants(name):
        return
    first = said(lab, "allow", names.BLOCKED)
    said(lab, "block", names.ALLOWED)
    path = os.path.join(lab.daemon.folder, "state", "operator.json")
    lab.daemon.stop()
    with open(path, "r+") as file:
        text = file.read()
        file.seek(0)
        file.truncate()
        file.write(text[:len(text) // 2])
    mark = len(lab.daemon.read_log())
    lab.daemon.start()
    log = lab.daemon.read_log(mark)
    got = "%s %s" % (asked(lab, 4, CLIENT[4]), asked(lab, 4, CLIENT[4], names.ALLOWED))
    got += ", told" if "operator.json:" in log and "before the last change" in log else ", not told"
    got += ", kept" if os.path.exists(path + ".bad") else ", not kept"
    lab.daemon.command("undo", first)
    add(lab, name, 4, "allowed allowed, told, kept, then blocked", "%s, then %s" % (got, asked(lab, 4, CLIENT[4])))


def zone_of(hour, seconds):
    """A time zone in which it will be that hour so many seconds from now."""
    now = time.gmtime(time.time() + seconds)
    ahead = (hour * 3600 - (now.tm_hour * 3600 + now.tm_min * 60 + now.tm_sec)) % 86400
    ahead -= 86400 if ahead > 43200 else 0
    rest = abs(ahead)
    return "LAB%s%02d:%02d:%02d" % ("-" if ahead > 0 else "+", rest // 3600, rest // 60 % 60, rest % 60)


def schedule(lab):
    """The list is off until nine in the evening, by a clock on which that is soon. Nothing is reloaded."""
    name = "groups: a schedule begins while sluiced runs"
    for family in lab.slow_families if lab.report.wants(name) else ():
        progress(name)
        lab.daemon.stop()
        rest = 'roles: {blocked: off}, schedules: [{name: evening, from: "21:00", to: "07:00", roles: {blocked: block}}]'
        lab.daemon.configure({"groups": of(OTHERS, rest)})
        begins = time.monotonic() + SOON
        lab.daemon.start(("env", "TZ=" + zone_of(21, SOON)))
        before = asked(lab, family, OTHER[family])
        late = time.monotonic() > begins
        told = lab.daemon.command("explain", "--group", "guests", names.BLOCKED).stdout
        time.sleep(max(0, begins - time.monotonic()))
        clock = Clock()
        after = until_over(lab, family, OTHER[family], BLOCKED)
        ms = clock.ms()
        then = lab.daemon.command("explain", "--group", "guests", names.BLOCKED).stdout
        got = "%s, then %s" % ("too late" if late else before, after)
        got += ", explained" if "schedule evening" not in told and "schedule evening is on" in then else ", not explained"
        lab.daemon.stop()
        lab.daemon.configure({"groups": None})
        lab.daemon.start()
        add(lab, name, family, "allowed, then blocked, explained", got, ms)


def shadow(lab):
    """A list in the shadow blocks nothing and is counted; armed, it blocks, until that is undone."""
    name = "shadow: a list counts without blocking, then is armed"
    for family in FAMILIES if lab.report.wants(name) else ():
        with groups(lab, "[{name: default, roles: {blocked: shadow}}]"):
            before = report_of(lab)
            words = [asked(lab, family, CLIENT[family]) for _ in range(3)]
            limit = time.monotonic() + WITHIN
            while report_of(lab)["would_block"] < before["would_block"] + 3 and time.monotonic() < limit:
                time.sleep(0.1)
            after = report_of(lab)
            words.append("%d counted" % (after["would_block"] - before["would_block"]))
            words.append("of " + after["names"][0]["name"])
            done = lab.daemon.command("arm", "blocked")
            words.append(asked(lab, family, CLIENT[family]))
            lab.daemon.command("undo", done.stdout.split()[1].rstrip(":"))
            words.append(asked(lab, family, CLIENT[family]))
            add(lab, name, family, "allowed allowed allowed 3 counted of %s blocked allowed" % names.BLOCKED, " ".join(words))


def report_of(lab):
    return json.loads(lab.daemon.command("shadow", "blocked", "--json").stdout)


def explain(lab):
    name = "explain: group, list, line and letter, and for a flow of the log"
    for family in FAMILIES if lab.report.wants(name) else ():
        with groups(lab, of(OTHERS, OFF)):
            mine = lab.daemon.command("explain", "--client", CLIENT[family], "http://%s/" % names.BLOCKED)
            other = lab.daemon.command("explain", "--client", OTHER[family], names.BLOCKED)
            since = lab.daemon.flow_log_size()
            asked(lab, family, CLIENT[family])
            limit, flow = time.monotonic() + WITHIN, None
            while flow is None and time.monotonic() < limit:
                flow = next((str(record["flow_id"]) for record in lab.daemon.flows(since)), None)
                time.sleep(0.02)
            logged = lab.daemon.command("explain", "--flow", flow or "1")
        got = " ".join((said_of(mine, "group default", "list blocked", "line 2", "6g", "sluice allow"),
                        said_of(other, "group guests (the longest prefix)", "off     blocked", "6h", "sluice block"),
                        said_of(logged, "blocked, group default, list blocked line 2", "asked now:")))
        add(lab, name, family, "exit 1 exit 0 exit 1", got)


def said_of(done, *words):
    missing = [word for word in words if word not in done.stdout]
    return "exit %d" % done.returncode + "".join(", no %r in %r" % (word, done.stdout + done.stderr) for word in missing)


def all_of_it(lab):
    with other_client(lab):
        for stage in (by_client, exceptions, damaged_file, schedule, shadow, explain):
            stage(lab)
