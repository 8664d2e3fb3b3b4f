#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""parity.py - docs/ne-parity.md from the tests: every rule of Network Extension (tests/ne/rules.tsv), whether it holds here, and
the test that shows it.

usage: parity.py [--write]        without --write: fails where the file says something else than the tests

A test shows a rule when it names its id (NE-PEEK-04, also as NE-PEEK-01..05 or NE-PEEK-01, -04). rules.tsv has a line a rule: id,
class, what it says, and, where a gateway cannot have it or does something else, a sentence on that. Classes: behaviour (to hold),
differs (by design; needs its sentence), background (a fact about Apple's systems, nothing to build), optional, later."""

import collections
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
RULES, DOC, SCOPE = ROOT / "tests" / "ne" / "rules.tsv", ROOT / "docs" / "ne-parity.md", ROOT / "docs" / "ne-scope.md"
CHOICES = ROOT / "docs" / "ne-choices.md"
SOURCES = (".c", ".h", ".py", ".sh", ".json", ".jsonl", ".tsv")
MENTION = re.compile(r"NE-([A-Z]+)-(\d+)((?:(?:\.\.|, ?-|, )\d+)*)")
FUNCTION = re.compile(r"^(?:static )?[a-z_ ]*\b(test_\w+|def \w+)\(", re.M)
CLASSES = ("behaviour", "differs", "background", "optional", "later")


def read_rules():
    """id -> (class, what, why), in the order of the file."""
    rules = collections.OrderedDict()
    for line in RULES.read_text().splitlines()[1:]:
        rule, kind, what, why = (line.split("\t") + ["", "", ""])[:4]
        if kind not in CLASSES or rule in rules:
            sys.exit("%s: %s: twice, or of class %r" % (RULES, rule, kind))
        rules[rule] = (kind, what, why)
    return rules


def mentioned(text):
    """(id, where in the text) of each rule that is named, ranges and lists written out."""
    for match in MENTION.finditer(text):
        family, first, rest = match.groups()
        numbers, last = [int(first)], int(first)
        for how, number in re.findall(r"(\.\.|, ?-|, )(\d+)", rest):
            numbers += range(last + 1, int(number) + 1) if how == ".." else [int(number)] if "-" in how else []
            last = int(number)
        for number in numbers:
            yield "NE-%s-%02d" % (family, number), match.start()


def row_name(text, at):
    """The name of the row or test that the mention stands in: the string around it, or the function that follows a comment."""
    line_start = text.rfind("\n", 0, at) + 1
    opened = text.rfind('"', line_start, at)
    if opened >= 0 and text.count('"', line_start, at) % 2 == 1:
        closed = text.find('"', at)
        return re.sub(r"\s+", " ", text[opened + 1:closed])
    following = FUNCTION.search(text, line_start)
    return following.group(1).replace("def ", "") if following and following.start() - at < 600 else ""


def shown_by():
    """id -> [(file, row)]"""
    found = collections.defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("*")):
        if path.suffix not in SOURCES or path in (RULES, pathlib.Path(__file__).resolve()) or not path.is_file():
            continue
        text = path.read_text(errors="replace")
        for rule, at in mentioned(text):
            where = (str(path.relative_to(ROOT)), row_name(text, at))
            if where not in found[rule]:
                found[rule].append(where)
    return found


def state_of(kind, tests, why):
    if kind == "background":
        return "background fact"
    if kind == "differs":
        return "differs by design"
    if kind != "behaviour":
        return "built" if tests else "not built"
    return "holds" if tests else "does not hold" if why else "not built yet"


def cell(text):
    return text.replace("|", "\\|")


def document(rules, found):
    states, lines = collections.Counter(), []
    for rule, (kind, what, why) in rules.items():
        tests = found.get(rule, [])
        state = state_of(kind, tests, why)
        states[kind, state] += 1
        shown = "; ".join("%s%s" % (path.removeprefix("tests/"), ": " + name if name else "") for path, name in tests[:2])
        more = " and %d more" % (len(tests) - 2) if len(tests) > 2 else ""
        lines.append("| %s | %s | %s | %s |" % (rule, cell(what), state, cell(". ".join(filter(None, (why, shown + more))))))
    head = ["# Network Extension, rule by rule", "",
            "Made by `tests/ne/parity.py --write` from the tests; a test fails when it is not what they say. `holds` means that a",
            "test which names the rule passes. Tests are files under tests/ and the row in them.", "",
            "| class | state | rules |", "| --- | --- | --- |"]
    for kind in CLASSES:
        head += ["| %s | %s | %d |" % (kind, state, n) for (k, state), n in sorted(states.items()) if k == kind]
    return "\n".join(head + ["", "| rule | what | state | shown by, or why |", "| --- | --- | --- | --- |"] + lines) + "\n"


def wrong_scope(rules):
    """What docs/ne-scope.md names and is not there: rules, and files of ours."""
    text = SCOPE.read_text()
    yield from sorted({rule for rule, _ in mentioned(text)} - set(rules))
    yield from sorted(name for name in re.findall(r"\b(?:tests|docs)/[\w/.-]*\w", text) if not (ROOT / name).exists())


def wrong_choices(rules):
    """Choices without a row in docs/ne-choices.md, and options that it names and that are not there."""
    rows = {row[1]: row[3] for line in CHOICES.read_text().splitlines() if len(row := [c.strip() for c in line.split("|")]) == 6}
    yield from sorted({rule for rule in rules if rule.startswith("NE-CHOICE-")} ^ {rule for rule in rows if rule.startswith("NE-")})
    options = set(re.findall(r"^SL_\w+\((\w+),", (ROOT / "daemon/conf.def").read_text(), re.M)) | {"inside"}
    options |= {"--" + name.replace("_", "-") for name in
                re.findall(r"^SL_CLI_OPT\((\w+),", (ROOT / "daemon/cli/option.def").read_text(), re.M)}
    yield from sorted(set(re.findall(r"`([^`]+)`", " ".join(rows.values()))) - options)


def main():
    rules, found = read_rules(), shown_by()
    unknown = sorted(set(found) - set(rules))
    silent = sorted(r for r, (kind, _, why) in rules.items() if kind == "differs" and not why)
    for rule in unknown:
        print("%s: there is no such rule (%s)" % (rule, found[rule][0][0]))
    for rule in silent:
        print("%s: %s gives no reason why it differs" % (rule, RULES.relative_to(ROOT)))
    missing = list(wrong_scope(rules))
    for name in missing:
        print("%s: there is no %s" % (SCOPE.relative_to(ROOT), name))
    choices = list(wrong_choices(rules))
    for name in choices:
        print("%s: %s has no row there, or is no option" % (CHOICES.relative_to(ROOT), name))
    text = document(rules, found)
    if "--write" in sys.argv[1:]:
        DOC.write_text(text)
    elif not DOC.exists() or DOC.read_text() != text:
        print("docs/ne-parity.md does not say what the tests say: run tests/ne/parity.py --write, and read the difference")
        return 1
    return 1 if unknown or silent or missing or choices else 0


if __name__ == "__main__":
    sys.exit(main())
