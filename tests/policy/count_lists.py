#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""count_lists.py DUMP FOLDER... - reads each list of the folders a second time, with regular expressions and by the words of
policy-resolution line 2 alone, and compares it line by line with what list_dump makes of it: effect, scope, host, port, and
whether there is a path. NAMES.tsv beside the lists, where it is there, is a third count of names; what differs from it is
explained by RULES_APART below, and by nothing else. Exits with 77 where no folder is there."""
import gzip
import ipaddress
import lzma
import os
import re
import subprocess
import sys

LABEL = r"[a-z0-9_-]{1,63}"
NAME = re.compile(rf"{LABEL}(\.{LABEL})*")
SINK = re.compile(r"0(\.0\.0\.0)?|127\.\d+\.\d+\.\d+|::1?|fe80::1%lo0|ff0\S*|255\.255\.255\.255")
OWN = {"localhost", "localhost.localdomain", "local", "broadcasthost", "ip6-localhost", "ip6-loopback", "ip6-localnet",
       "ip6-mcastprefix", "ip6-allnodes", "ip6-allrouters", "ip6-allhosts", "0.0.0.0"}


def host(text):
    """(host, is an address), or None."""
    text = text.lower()
    if not text.isascii():
        try:
            text = text.encode("idna").decode()
        except UnicodeError:
            return None
    text = text[:-1] if text.endswith(".") else text
    try:
        return str(ipaddress.ip_address(text.strip("[]"))), True
    except ValueError:
        pass
    if len(text) > 253 or not NAME.fullmatch(text) or re.fullmatch(r"\d+|0x[0-9a-f]*", text.split(".")[-1]):
        return None
    return text, False


def entry(text, scope, effect="block", port=0, path=False):
    found = host(text)
    if found is None:
        return []
    name, address = found
    if path:
        scope = "path"
    elif address:
        if scope == "below":
            return []
        scope = "exact" if port else "address"
    return [(effect, scope, name, port, path)]


def prefix(text):
    try:
        net = ipaddress.ip_network(text)
    except ValueError:
        return []
    return [("block", "address", str(net) if net.num_addresses > 1 else str(net.network_address), 0, False)]


def body(line):
    """Without comment, as all formats but zones and adblock have it."""
    line = re.sub(r"[ \t]#.*", "", line).strip()
    return "" if line[:1] in ("#", "!") else line


def read_domains(line):
    line = body(line)
    return prefix(line) if "/" in line else entry(re.sub(r"^\*?\.", "", line), "tree") if line else []


def read_hosts(line):
    words = body(line).split()
    if not words or not SINK.fullmatch(words[0]):
        return []
    return [e for w in words[1:] if w.lower() not in OWN for e in entry(w, "exact")]


def read_addresses(line):
    return prefix(re.split("[#;]", line)[0].strip())


def read_rpz(line):
    m = re.fullmatch(r"(\*\.)?(\S+)\s+CNAME\s+(\.|\*\.|rpz-passthru\.)\s*(;.*)?", line)
    return entry(m[2], "below" if m[1] else "exact", "except" if m[3][0] == "r" else "block") if m else []


def read_dnsmasq(line):
    m = re.fullmatch(r"(address=/([^/]+)/(#|0\.0\.0\.0|::)?)|((server|local)=/([^/]+)/)", body(line))
    return entry(m[2] or m[6], "tree") if m else []


def read_unbound(line):
    m = re.fullmatch(r'local-zone: "([^"]+)" always_(null|nxdomain)', body(line))
    return entry(m[1], "tree") if m else []


def read_url(line):
    m = re.fullmatch(r"([a-z+]+://)?([^/?#\s]*@)?([^/?#:\s]+)(:(\d*))?([/?#]\S*)?", body(line), re.I)
    if not m or m[3].startswith("*") or re.fullmatch(r"[a-z]+:/*", body(line)):
        return []
    if re.fullmatch(r"[\d.]+/\d+", line) and prefix(line):
        return [] # a path or a prefix: nobody knows
    rest = re.sub(r"#.*", "", m[6] or "")
    path = re.sub(r"/(\./|/)+", "/", rest) not in ("", "/", "?", "/?", "/.")
    name = m[3].replace("%20", " ")
    return entry(name, "tree", "block", int(m[5] or 0), path)


# Options that do not narrow a rule (list_adblock.def has the words for each).
KEPT = {"all", "important", "match-case", "_"}
# What NAMES.tsv counts as well, though the rule is about requests of other sites only.
RULES_APART = re.compile(r"\|\|([^\^/*|?$]+)\^\$third-party")


def adblock_rule(line):
    """(@@, pattern, options), or None for what is no rule about requests."""
    if line[:1] == "!" or re.fullmatch(r"\[.*\]|# .*|#", line) or re.search(r"#[@$?%]*#|\$@?\$", line):
        return None
    line = re.sub(r"[ \t]#.*", "", line).strip()
    except_ = line.startswith("@@")
    pattern, dollar, options = line[2 * except_:].partition("$")
    return except_, pattern, options.split(",") if dollar else []


def read_adblock(line):
    rule = adblock_rule(line.strip())
    if rule is None or not set(rule[2]) <= KEPT:
        return []
    effect = ("except" if rule[0] else "block") + ("!" if "important" in rule[2] else "")
    m = re.fullmatch(r"(\|\|)?(\*?\.)?([^\^/*|?@=\s]*[^\^/*|?@=.\s])(\^\*?|/\*?|)", rule[1])
    if m and not (m[2] == "." and m[1]):
        if ("." not in m[3] and not (m[1] and m[4])) or (not m[1] and ":" in m[3]):
            return []
        name, _, port = m[3].partition(":") if not m[3].startswith("[") else (m[3], "", "")
        return entry(name, "below" if m[2] else "tree", effect, int(port or 0))
    m = re.fullmatch(r"\|\|([^\^/*|?@=:\s]*[^\^/*|?@=.:\s])(/[^*^|]*[^*^|/])[\^*]?", rule[1])
    # A path whose canonical form is another one, or that ends in an empty query.
    if m and not re.search(r"//|./\?|/\.\.?(/|\?|$)|%(?![0-9A-F]{2})|%[46][1-9A-F]|%[57][0-9A]|%3[0-9]|%2[DE]|%5F|%7E|[^!-~]|[\"<>\[\]\\^`{|}]", m[2]) \
            and not m[2].endswith("?"):
        return entry(m[1], "path", effect, 0, True)
    return []


READERS = {"domains": read_domains, "wildcard": read_domains, "hosts": read_hosts, "addresses": read_addresses,
           "rpz": read_rpz, "dnsmasq": read_dnsmasq, "unbound": read_unbound, "urls": read_url, "adblock": read_adblock}


def text_of(path):
    with {".gz": gzip.open, ".xz": lzma.open}.get(os.path.splitext(path)[1], open)(path, "rb") as f:
        return f.read().decode("utf-8", "replace").removeprefix("\ufeff").split("\n")


def dump(program, path):
    out = subprocess.run([program, path], capture_output=True, check=False).stdout.decode("utf-8", "replace").split("\n")
    entries = {}
    for line in out:
        if line.startswith("#\t"):
            return line.split("\t")[1:], entries
        number, effect, scope, name, port, path = line.split("\t")
        entries.setdefault(int(number), []).append((effect, scope, name, int(port), path != ""))
    raise SystemExit("list_dump said nothing of " + path)


def compare(program, path):
    """Number of lines that differ; the names of trees and exact hosts that are blocked."""
    (form, lines, n, *_), entries = dump(program, path)
    text = text_of(path)
    differ, names, ours = 0, set(), 0
    for number, line in enumerate(text, 1):
        want = READERS[form](line.rstrip("\r"))
        got = entries.get(number, [])
        ours += len(want)
        names |= {e[2] for e in want if e[0].startswith("block") and e[1] in ("tree", "exact") and not e[3]}
        if want != got:
            differ += 1
            if differ <= 10:
                print(f"  {number}: {line[:100]!r}\n     counted {want}\n     read    {got}")
    print(f"{os.path.basename(path)}\t{form}\t{lines} lines\t{n} entries\t{ours} counted\t{differ} differ")
    return differ, names, text


def compare_names(name, want, names, text):
    """The third count."""
    more = set()
    if "adblock" in name:
        pure = re.compile(r"\|\|([^\^/*|?$]+)\^(\$(all|important))?")
        rules = [line.strip() for line in text] # it does not count rules with a comment behind them
        kept = {m[1].lower() for m in map(pure.fullmatch, rules) if m and host(m[1]) and not host(m[1])[1]}
        names = {n for n in names if n in kept} # bare names, `||x` and `||x/` are more than NAMES.tsv counts
        more = {m[1].lower() for m in map(RULES_APART.fullmatch, rules) if m and host(m[1]) and not host(m[1])[1]} - kept
    print(f"{name}\t{want} in NAMES.tsv = {len(names)} + {len(more)} for other sites only")
    return int(want) != len(names) + len(more)


def main():
    program, folders = sys.argv[1], [f for f in sys.argv[2:] if os.path.isdir(f)]
    if not folders:
        print("skipped: no lists at", *sys.argv[2:])
        return 77
    bad = 0
    for folder in folders:
        third = os.path.join(folder, "NAMES.tsv")
        counts = dict(line.split("\t")[:2] for line in text_of(third)[1:] if line) if os.path.exists(third) else {}
        for name in sorted(os.listdir(folder)):
            if name.endswith((".tsv", ".md")) or "expressions" in name:
                continue
            differ, names, text = compare(program, os.path.join(folder, name))
            bad += differ > 0
            if name in counts:
                bad += compare_names(name, counts[name], names, text)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
