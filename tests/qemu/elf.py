# SPDX-License-Identifier: GPL-2.0-or-later
"""elf.py - which shared libraries programs need, read from their dynamic sections; ldd(1) takes 50 ms for each file."""

import os
import re
import struct

LIBRARY_FOLDERS = ("/usr/lib/x86_64-linux-gnu", "/usr/local/lib", "/usr/lib", "/usr/local/lib/x86_64-linux-gnu")
PT_LOAD, PT_DYNAMIC, PT_INTERP = 1, 2, 3
DT_NEEDED, DT_STRTAB, DT_RPATH, DT_RUNPATH = 1, 5, 15, 29


class LibraryMissing(Exception):
    pass


def is_elf(path):
    with open(path, "rb") as content:
        return content.read(5) == b"\x7fELF\x02"


def _string(data, at):
    return data[at:data.index(b"\0", at)].decode()


def needs(path):
    """(names of libraries and paths of interpreters, folders to look in before the usual ones)."""
    with open(path, "rb") as content:
        data = content.read()
    table, size, count = (struct.unpack_from(form, data, at)[0] for form, at in (("<Q", 32), ("<H", 54), ("<H", 56)))
    segments = [struct.unpack_from("<IIQQQQ", data, table + i * size) for i in range(count)]
    loads = [(address, offset, length) for kind, _, offset, address, _, length in segments if kind == PT_LOAD]
    names = [_string(data, offset) for kind, _, offset, _, _, _ in segments if kind == PT_INTERP]
    entries = [entry for kind, _, offset, _, _, length in segments if kind == PT_DYNAMIC
               for entry in struct.iter_unpack("<QQ", data[offset:offset + length // 16 * 16])]
    strings = next((address for tag, address in entries if tag == DT_STRTAB), 0)
    base = next((offset + strings - address for address, offset, length in loads
                 if address <= strings < address + length), 0)
    names += [_string(data, base + value) for tag, value in entries if tag == DT_NEEDED]
    paths = [_string(data, base + value) for tag, value in entries if tag in (DT_RPATH, DT_RUNPATH)]
    here = os.path.dirname(os.path.realpath(path))
    return names, [re.sub(r"\$(ORIGIN|{ORIGIN})", here, folder) for line in paths for folder in line.split(":")]


def libraries(binaries):
    """All that these need, and what those need: paths."""
    found, left = set(), list(binaries)
    while left:
        path = left.pop()
        names, folders = needs(path)
        for name in names:
            places = [name] if name.startswith("/") else [os.path.join(folder, name)
                                                          for folder in (*folders, *LIBRARY_FOLDERS)]
            library = next(filter(os.path.exists, places), None)
            if library is None:
                raise LibraryMissing("%s needs the library %s, which is not here" % (path, name))
            if library not in found:
                found.add(library)
                left.append(library)
    return sorted(found)
