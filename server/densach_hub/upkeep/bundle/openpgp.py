"""The few packets of OpenPGP (RFC 4880, EdDSA as in RFC 9580 §5.2.3.3 for version 4) that apt wants to see on a repository.

One Ed25519 key signs the manifest and, through this, the repository: no gpg, no key ring and no agent on the maker's
machine, and the same fingerprint to compare. Key and signatures say they were made in 2001, for machines whose clock
battery is dead: gpgv refuses what comes from the future. apt's own date check is turned off by the source entry.
"""

import base64
import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_MADE = (1_000_000_000).to_bytes(4, "big")
"""2001-09-09T01:46:40Z."""
_ED25519 = bytes.fromhex("092b06010401da470f01")
_EDDSA, _SHA512 = 22, 10
_DOCUMENT, _TEXT, _CERTIFICATION = 0x00, 0x01, 0x13
_CERTIFY_AND_SIGN = bytes([27, 0x03])
USER = "Den Sach bundle"


class RepositoryKey:
    """An Ed25519 key as apt knows it."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        point = b"\x40" + private.public_key().public_bytes_raw()
        self._body = b"\x04" + _MADE + bytes([_EDDSA]) + _ED25519 + _number(point)
        self._prefixed = b"\x99" + len(self._body).to_bytes(2, "big") + self._body
        self.fingerprint = hashlib.sha1(self._prefixed, usedforsecurity=False).digest()

    def public(self) -> str:
        """The public key in armour: what `Signed-By` of a source points at."""
        user = USER.encode()
        bound = self._prefixed + b"\xb4" + len(user).to_bytes(4, "big") + user
        certified = self._signature(_CERTIFICATION, bound, _subpacket(_CERTIFY_AND_SIGN))
        return _armour("PUBLIC KEY BLOCK", _packet(6, self._body) + _packet(13, user) + certified)

    def inline(self, text: str) -> str:
        """`text` with its signature, as an InRelease file. Lines end without blanks (Release files have none)."""
        lines = text.rstrip("\n").split("\n")
        signed = "\r\n".join(line.rstrip(" \t") for line in lines).encode()
        escaped = "\n".join(f"- {line}" if line.startswith("-") else line for line in lines)
        signature = _armour("SIGNATURE", self._signature(_TEXT, signed))
        return f"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n{escaped}\n{signature}"

    def detached(self, body: bytes) -> str:
        """The signature of a file (Release.gpg), in armour."""
        return _armour("SIGNATURE", self._signature(_DOCUMENT, body))

    def _signature(self, kind: int, data: bytes, more: bytes = b"") -> bytes:
        hashed = _subpacket(b"\x02" + _MADE) + _subpacket(b"\x21\x04" + self.fingerprint) + more
        head = bytes([4, kind, _EDDSA, _SHA512]) + len(hashed).to_bytes(2, "big") + hashed
        digest = hashlib.sha512(data + head + b"\x04\xff" + len(head).to_bytes(4, "big")).digest()
        made = self._private.sign(digest)
        loose = _subpacket(b"\x10" + self.fingerprint[-8:])
        body = head + len(loose).to_bytes(2, "big") + loose + digest[:2] + _number(made[:32]) + _number(made[32:])
        return _packet(2, body)


def _number(body: bytes) -> bytes:
    """A multiprecision integer: its length in bits, then its bytes without leading zeros."""
    body = body.lstrip(b"\0")
    bits = len(body) * 8 - (8 - body[0].bit_length()) if body else 0
    return bits.to_bytes(2, "big") + body


def _subpacket(body: bytes) -> bytes:
    return bytes([len(body)]) + body


def _packet(tag: int, body: bytes) -> bytes:
    """In the new format; ours are all shorter than 8383 bytes."""
    size = len(body)
    length = bytes([size]) if size < 192 else bytes([((size - 192) >> 8) + 192, (size - 192) & 0xFF])
    return bytes([0xC0 | tag]) + length + body


def _armour(kind: str, body: bytes) -> str:
    text = base64.b64encode(body).decode("ascii")
    lines = "\n".join(text[at : at + 64] for at in range(0, len(text), 64))
    check = base64.b64encode(_crc24(body)).decode("ascii")
    return f"-----BEGIN PGP {kind}-----\n\n{lines}\n={check}\n-----END PGP {kind}-----\n"


def _crc24(body: bytes) -> bytes:
    crc = 0xB704CE
    for byte in body:
        crc ^= byte << 16
        for _ in range(8):
            crc <<= 1
            if crc & 0x1000000:
                crc ^= 0x1864CFB
    return (crc & 0xFFFFFF).to_bytes(3, "big")
