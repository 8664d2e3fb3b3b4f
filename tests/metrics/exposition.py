# SPDX-License-Identifier: GPL-2.0-or-later
"""exposition.py - a strict reader of Prometheus' text format 0.0.4, and what `promtool check metrics` would say of names.
https://prometheus.io/docs/instrumenting/exposition_formats/ and https://prometheus.io/docs/practices/naming/"""

import collections
import math
import re

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
TYPES = {"counter", "gauge", "histogram"}
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count")}
# Units that are not base units; and abbreviations.
NO_UNITS = {"ms", "us", "ns", "milliseconds", "microseconds", "minutes", "hours", "days", "kb", "kib", "mb", "mib", "kilobytes",
            "percent", "sec", "secs"}

Sample = collections.namedtuple("Sample", "name labels value")


class Malformed(Exception):
    pass


class Family:
    def __init__(self, name):
        self.name, self.type, self.help, self.samples = name, None, None, []


def _unescaped(text, at):
    """The value of a label from its opening quote on, and where it ends."""
    out = []
    at += 1
    while at < len(text) and text[at] != '"':
        if text[at] == "\\":
            at += 1
            if text[at:at + 1] not in ("\\", '"', "n"):
                raise Malformed("%r is escaped" % text[at:at + 1])
            out.append("\n" if text[at] == "n" else text[at])
        else:
            out.append(text[at])
        at += 1
    if at >= len(text):
        raise Malformed("a label's value has no end")
    return "".join(out), at + 1


def _labels(text, at):
    """{name: value} from an opening brace on, and where it ends."""
    labels = {}
    at += 1
    while text[at:at + 1] != "}":
        found = LABEL.match(text, at)
        if not found or text[found.end():found.end() + 2] != '="':
            raise Malformed("no label at %r" % text[at:at + 20])
        if found.group() in labels:
            raise Malformed("label %s is there twice" % found.group())
        labels[found.group()], at = _unescaped(text, found.end() + 1)
        if text[at:at + 1] == ",":
            at += 1
        elif text[at:at + 1] != "}":
            raise Malformed("no comma at %r" % text[at:at + 20])
    return labels, at + 1


def _sample(line):
    found = NAME.match(line)
    if not found:
        raise Malformed("no name")
    labels, at = _labels(line, found.end()) if line[found.end():found.end() + 1] == "{" else ({}, found.end())
    words = line[at:].split(" ")
    if len(words) != 2 or words[0]:
        raise Malformed("a sample is a name, a space and a value")
    if not re.fullmatch(r"[+-]?(\d+(\.\d+)?([eE][+-]?\d+)?|Inf)|NaN", words[1]):
        raise Malformed("%r is no value" % words[1])
    return Sample(found.group(), labels, float(words[1]))


def _family_of(families, name):
    for family in families.values():
        if family.type is not None and name == family.name and family.type not in SUFFIXES:
            return family
        if name in [family.name + suffix for suffix in SUFFIXES.get(family.type, ())]:
            return family
    raise Malformed("%s has no TYPE before it" % name)


def _comment(families, line):
    """HELP or TYPE: the family."""
    words = line.split(" ", 3)
    if len(words) < 4 or words[1] not in ("HELP", "TYPE") or not NAME.fullmatch(words[2]):
        raise Malformed("neither HELP nor TYPE")
    family = families.setdefault(words[2], Family(words[2]))
    if words[1] == "HELP":
        if family.help is not None:
            raise Malformed("a second HELP")
        if re.search(r"\\(?![\\n])", words[3].replace("\\\\", "")):
            raise Malformed("a backslash that escapes nothing")
        family.help = words[3]
    else:
        if family.type is not None or family.samples:
            raise Malformed("a second TYPE, or one behind samples")
        if words[3] not in TYPES:
            raise Malformed("type %s" % words[3])
        family.type = words[3]
    return family


def _check_histogram(family):
    series = collections.defaultdict(dict)
    for sample in family.samples:
        key = tuple(sorted((k, v) for k, v in sample.labels.items() if k != "le"))
        part = sample.name[len(family.name):]
        if part == "_bucket":
            series[key].setdefault("le", []).append((float(sample.labels["le"]), sample.value))
        else:
            series[key][part] = sample.value
    for key, parts in series.items():
        bounds, counts = [b for b, _ in parts["le"]], [n for _, n in parts["le"]]
        if bounds != sorted(set(bounds)) or counts != sorted(counts) or not math.isinf(bounds[-1]):
            raise Malformed("%s: buckets are not in order" % family.name)
        if counts[-1] != parts["_count"] or parts["_sum"] < 0:
            raise Malformed("%s: count and buckets differ" % family.name)


def parse(text):
    """{name: Family}; Malformed says which line is wrong."""
    families, current, closed = {}, None, set()
    if text and not text.endswith("\n"):
        raise Malformed("the last line has no end")
    for number, line in enumerate(text.split("\n")[:-1], 1):
        try:
            if line.startswith("#"):
                family = _comment(families, line)
            else:
                sample = _sample(line)
                family = _family_of(families, sample.name)
                if any(sample.name == s.name and sample.labels == s.labels for s in family.samples):
                    raise Malformed("the same series twice")
                family.samples.append(sample)
            if family is not current:
                if family.name in closed:
                    raise Malformed("the lines of %s do not stand together" % family.name)
                closed.add(family.name)
                current = family
        except Malformed as error:
            raise Malformed("line %d, %r: %s" % (number, line[:100], error)) from None
    for family in families.values():
        if family.type == "histogram":
            _check_histogram(family)
    return families


def lint(families):
    """What is not as Prometheus wants names to be."""
    for family in families.values():
        words = family.name.split("_")
        if not family.help:
            yield "%s has no help" % family.name
        if family.type is None:
            yield "%s has no type" % family.name
        if (family.type == "counter") != family.name.endswith("_total"):
            yield "%s: counters, and nothing else, end in _total" % family.name
        if words[0] != "sluice" or family.name != family.name.lower():
            yield "%s: the prefix is sluice_, in small letters" % family.name
        if NO_UNITS & set(words):
            yield "%s: not a base unit" % family.name
        if family.type == "histogram" and "seconds" not in words:
            yield "%s: a histogram without a unit" % family.name
        for sample in family.samples:
            if "le" in sample.labels and family.type != "histogram":
                yield "%s: le is for histograms" % family.name


def value(families, name, **labels):
    """The sum of the samples of a family that have these labels; a histogram's by name_count, name_sum."""
    out = 0
    for family in families.values():
        for sample in family.samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                out += sample.value
    return out


def series(families):
    """Names that can be asked for."""
    return {family.name + suffix for family in families.values() for suffix in SUFFIXES.get(family.type, ("",))}
