# SPDX-License-Identifier: GPL-2.0-or-later
"""crypto.py - the few primitives of one TLS 1.3 cipher suite, so that tls13.py can make a ClientHello that Debian 12's
OpenSSL cannot. For the lab only: neither fast nor free of side channels."""

import hashlib
import hmac
import struct

P25519 = 2**255 - 19
P1305 = 2**130 - 5


def x25519(scalar: bytes, u: bytes = b"\x09" + bytes(31)) -> bytes:
    """RFC 7748 section 5."""
    k = int.from_bytes(scalar, "little") & ~7 & ~(128 << 8 * 31) | 64 << 8 * 31
    x1 = int.from_bytes(u, "little") & (2**255 - 1)
    x2, z2, x3, z3, swap = 1, 0, x1, 1, 0
    for t in range(254, -1, -1):
        bit = k >> t & 1
        if swap ^ bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        da, cb, aa, bb = d * a % P25519, c * b % P25519, a * a % P25519, b * b % P25519
        x3, z3 = (da + cb) ** 2 % P25519, x1 * (da - cb) ** 2 % P25519
        e = aa - bb
        x2, z2 = aa * bb % P25519, e * (aa + 121665 * e) % P25519
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, P25519 - 2, P25519) % P25519).to_bytes(32, "little")


def _quarter(x, a, b, c, d):
    x[a] = x[a] + x[b] & 0xffffffff
    x[d] ^= x[a]
    x[d] = x[d] << 16 & 0xffffffff | x[d] >> 16
    x[c] = x[c] + x[d] & 0xffffffff
    x[b] ^= x[c]
    x[b] = x[b] << 12 & 0xffffffff | x[b] >> 20
    x[a] = x[a] + x[b] & 0xffffffff
    x[d] ^= x[a]
    x[d] = x[d] << 8 & 0xffffffff | x[d] >> 24
    x[c] = x[c] + x[d] & 0xffffffff
    x[b] ^= x[c]
    x[b] = x[b] << 7 & 0xffffffff | x[b] >> 25


def _chacha20_block(key: bytes, counter: int, nonce: bytes) -> bytes:
    state = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574, *struct.unpack("<8I", key), counter,
             *struct.unpack("<3I", nonce)]
    x = state[:]
    for _ in range(10):
        for column in ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
                       (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)):
            _quarter(x, *column)
    return struct.pack("<16I", *(a + b & 0xffffffff for a, b in zip(x, state)))


def _chacha20(key: bytes, nonce: bytes, data: bytes) -> bytes:
    blocks = (len(data) + 63) // 64
    stream = b"".join(_chacha20_block(key, 1 + i, nonce) for i in range(blocks))[:len(data)]
    return (int.from_bytes(data, "little") ^ int.from_bytes(stream, "little")).to_bytes(len(data), "little")


def _tag(key: bytes, nonce: bytes, sealed: bytes, aad: bytes) -> bytes:
    one_time = _chacha20_block(key, 0, nonce)
    r = int.from_bytes(one_time[:16], "little") & 0x0ffffffc0ffffffc0ffffffc0fffffff
    s = int.from_bytes(one_time[16:32], "little")
    text = aad + bytes(-len(aad) % 16) + sealed + bytes(-len(sealed) % 16) + struct.pack("<QQ", len(aad), len(sealed))
    acc = 0
    for i in range(0, len(text), 16):
        acc = (acc + int.from_bytes(text[i:i + 16] + b"\x01", "little")) * r % P1305
    return (acc + s & (1 << 128) - 1).to_bytes(16, "little")


def seal(key: bytes, nonce: bytes, data: bytes, aad: bytes) -> bytes:
    """AEAD_CHACHA20_POLY1305, RFC 8439 section 2.8."""
    sealed = _chacha20(key, nonce, data)
    return sealed + _tag(key, nonce, sealed, aad)


def open_sealed(key: bytes, nonce: bytes, sealed: bytes, aad: bytes) -> bytes:
    body, tag = sealed[:-16], sealed[-16:]
    if not hmac.compare_digest(tag, _tag(key, nonce, body, aad)):
        raise ValueError("a TLS record was altered")
    return _chacha20(key, nonce, body)


def hmac_sha256(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha256")


def expand_label(secret: bytes, label: str, context: bytes, length: int) -> bytes:
    """HKDF-Expand-Label, RFC 8446 section 7.1; one block of output is enough for this suite."""
    full = b"tls13 " + label.encode()
    info = struct.pack("!HB", length, len(full)) + full + bytes([len(context)]) + context
    return hmac_sha256(secret, info + b"\x01")[:length]


def derive_secret(secret: bytes, label: str, transcript: bytes) -> bytes:
    return expand_label(secret, label, hashlib.sha256(transcript).digest(), 32)
