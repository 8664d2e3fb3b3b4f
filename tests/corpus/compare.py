#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""compare.py - what `sluice replay --flows` reports of real captures, against what Wireshark saw in them.

usage: compare.py SLUICE CORPUS EXCEPTIONS [--show]

Counts every name (sni, http[].host, http[].uri, h2[].authority, h2[].path, dns) of the flows to which a gateway owes an answer:
one IP header, no tunnel; QUIC v1, v2 and drafts 29 to 34. Prints a row for each kind of traffic of KINDS.tsv, and for each name that was not reported and
does not stand in EXCEPTIONS (capture, flow, field, reason, separated by tabs). Exit status 0: at least 99.5 % were reported, and
every other one is explained."""

import collections
import json
import os
import re
import subprocess
import sys

OWED = 0.995
IP = ("ip", "ipv6")
BEFORE = ("vlan", "pppoes", "ppp", "null", "sll", "llc", "mpls")
BEHIND = ("ipv6.hopopts", "ipv6.dstopts", "ipv6.routing", "ipv6.fraghdr")
QUIC = {"v1", "v2"} | {"draft-%d" % n for n in range(29, 35)}


def is_owed(flow):
    encap = [e for e in flow["encap"] if e not in BEFORE and e not in BEHIND]
    if len(encap) != 1 or encap[0] not in IP:
        return False
    if any(note.startswith("first-bytes-look-like") or note == "quic-initial-but-no-hello-seen" for note in flow["notes"]):
        return False
    if "gquic" in flow["app"]:
        return False
    return "quic" not in flow["app"] or flow["quic_version"] in QUIC


def host_form(name):
    return name.lower().rstrip(".")


def dns_form(name):
    """Wireshark reads names as UTF-8, one replacement character for what is none; of the result the truth has the bytes, each
    as one character. Ours has bytes that do not print as \\DDD (RFC 1035 section 5.1)."""
    raw = re.sub(rb"\\([0-9]{3})", lambda m: bytes([int(m.group(1))]), name.encode("utf-8"))
    plain = name if raw == name.encode("utf-8") else raw.decode("utf-8", "replace").encode("utf-8").decode("latin-1")
    return re.sub("(\u00ef\u00bf\u00bd)+", "\u00ef\u00bf\u00bd", host_form(plain))  # how many for a run, readers differ


def names(flow):
    """The names of a flow: a Counter of (field, value)."""
    found = collections.Counter()
    if flow.get("sni"):
        found["sni", host_form(flow["sni"])] += 1
    for request in flow.get("http") or []:
        if request.get("host"):
            found["http.host", host_form(request["host"])] += 1
        if request.get("uri"):
            found["http.uri", request["uri"]] += 1
    for request in flow.get("h2") or []:
        if request.get("authority"):
            found["h2.authority", host_form(request["authority"])] += 1
        if request.get("path"):
            found["h2.path", request["path"]] += 1
    for name in flow.get("dns") or []:
        found["dns", dns_form(name)] = 1
    return found


def ends(flow):
    return flow["l4"], flow["src"], flow["sport"], flow["dst"], flow["dport"]


def read_flows(lines):
    """Flows by their ends, in order."""
    flows = collections.defaultdict(list)
    for line in lines:
        flow = json.loads(line)
        flows[ends(flow)].append(flow)
    return flows


def replay(sluice, path):
    done = subprocess.run([sluice, "replay", "--flows", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode not in (0, 2):
        sys.exit("compare: %s: sluice ended with %d: %s" % (path, done.returncode, done.stderr.decode(errors="replace")))
    return read_flows(done.stdout.decode().splitlines())


def read_kinds(corpus):
    kinds = collections.defaultdict(set)
    with open(os.path.join(corpus, "KINDS.tsv"), encoding="utf-8") as table:
        for line in table:
            kind, _, captures = line.rstrip("\n").split("\t")
            for capture in captures.split():
                kinds[capture].add(kind)
    return kinds


def read_exceptions(path):
    known = {}
    if os.path.exists(path):
        with open(path, encoding="utf-8") as table:
            for line in table:
                if line.strip() and not line.startswith("#"):
                    capture, flow, field, reason = line.rstrip("\n").split("\t")[:4]
                    known[capture, int(flow), field] = reason
    return known


def lost_names(truth, seen):
    """For each owed flow of a capture: it, how many names it has, those that were not reported."""
    for key, flows in truth.items():
        for i, flow in enumerate(flows):
            if not is_owed(flow):
                continue
            wanted = names(flow)
            mine = seen.get(key, [])
            found = names(mine[i]) if len(mine) == len(flows) else sum((names(m) for m in mine), collections.Counter())
            yield flow, sum(wanted.values()), wanted - found


def main():
    sluice, corpus, exceptions = sys.argv[1:4]
    if not os.path.isdir(os.path.join(corpus, "truth")):
        print("skipped: no corpus in %s" % corpus)
        return 77
    show = "--show" in sys.argv[4:]
    kinds, known = read_kinds(corpus), read_exceptions(exceptions)
    total, rows, open_cases, used = collections.Counter(), collections.defaultdict(collections.Counter), [], set()
    for entry in sorted(os.listdir(os.path.join(corpus, "truth"))):
        capture = entry[:-len(".jsonl")]
        with open(os.path.join(corpus, "truth", entry), encoding="utf-8") as lines:
            truth = read_flows(lines)
        seen = replay(sluice, os.path.join(corpus, "pcap", capture))
        for flow, owed, lost in lost_names(truth, seen):
            missed = sum(lost.values())
            for row in [total] + [rows[kind] for kind in kinds[capture]]:
                row["owed"] += owed
                row["missed"] += missed
            for (field, value), n in lost.items():
                case = capture, flow["flow"], field
                used.add(case)
                if case not in known:
                    open_cases.append("%s\t%d\t%s\t%s%s" % (*case, value, " x%d" % n if n > 1 else ""))
    report(total, rows, open_cases, show)
    stale = [case for case in known if case not in used]
    for case in stale:
        print("stale exception: %s flow %d %s" % case)
    good = total["owed"] > 0 and total["missed"] <= total["owed"] * (1 - OWED) and not open_cases and not stale
    return 0 if good else 1


def report(total, rows, open_cases, show):
    for kind in sorted(rows):
        print("%-44s %5d of %5d" % (kind, rows[kind]["owed"] - rows[kind]["missed"], rows[kind]["owed"]))
    print("%-44s %5d of %5d  %.2f %%" % ("all", total["owed"] - total["missed"], total["owed"],
                                       100 * (1 - total["missed"] / max(1, total["owed"]))))
    print("%d names are missing and not explained" % len(open_cases))
    if show:
        print("\n".join(open_cases))


if __name__ == "__main__":
    sys.exit(main())
