"""The installation's own key: what it says to the next level is signed with it, and the next level has pinned it."""

import os
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from densach_core.errors import Unavailable
from densach_core.text import t
from densach_wire.upward import Envelope, key_id, signed_part

KEY_FILE = "upward.key"


class SigningKey:
    """An Ed25519 key. `id` is how a receiver finds the public half it has pinned."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.id = key_id(self.public)

    def sign(self, envelope: Envelope) -> bytes:
        """The envelope as it is sent, with its signature."""
        unsigned, _ = signed_part(msgspec.json.encode(envelope))
        signature = self._private.sign(unsigned).hex()
        return unsigned[:-1] + b',"signature":"' + signature.encode() + b'"}'


def open_key(folder: Path) -> SigningKey:
    """The key in `folder` (mode 0600), made on first use. Raises Unavailable when the file cannot be read as a key."""
    path = folder / KEY_FILE
    try:
        private = load_pem_private_key(path.read_bytes(), password=None)
    except FileNotFoundError:
        return _make(path)
    except (OSError, ValueError) as error:
        raise _unreadable(path) from error
    if not isinstance(private, Ed25519PrivateKey):
        raise _unreadable(path)
    return SigningKey(private)


def verify(public_key: bytes, signature: str, message: bytes) -> bool:
    """Whether `signature` (hex) over `message` was made with the private half of `public_key` (32 bytes)."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(bytes.fromhex(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _make(path: Path) -> SigningKey:
    private = Ed25519PrivateKey.generate()
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".new")
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return SigningKey(private)


def _unreadable(path: Path) -> Unavailable:
    return Unavailable(
        "sender.key-unreadable",
        t("The key file {file} cannot be read.", file=path.name),
        t("Put it back from a backup, or remove it and pair with the office again."),
    )
