"""The maker's key, and the keys a machine trusts: the first one it meets, and those somebody named."""

import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from densach_core.whole_file import write_whole
from densach_hub.upkeep.bundle import problems
from densach_hub.upkeep.bundle.rules import fingerprint, same_fingerprint


def maker_key_file() -> Path:
    return _settings() / "bundle-key"


def trusted_file() -> Path:
    """Of the machine for root, of the person for anybody else."""
    return Path("/etc/densach/bundle-keys") if os.geteuid() == 0 else _settings() / "bundle-keys"


def _settings() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "densach"


def maker_key(path: Path) -> Ed25519PrivateKey:
    """The key at `path`; made there, readable for nobody else, when there is none. Raises Problem("bundle.lacking")."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = Ed25519PrivateKey.generate()
        write_whole(path, fresh.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), mode=0o600)
        return fresh
    try:
        found = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError):
        found = None
    if not isinstance(found, Ed25519PrivateKey):
        raise problems.lacking(f"{path} (Ed25519)", f"rm {path}")
    return found


def check_signature(key: bytes, signature: bytes, message: bytes) -> None:
    """Raises Problem("bundle.bad-signature")."""
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        raise problems.bad_signature() from None


class Trust:
    """Which makers' keys are good here: a file with a fingerprint a line. Nothing there: the first key met is trusted."""

    def __init__(self, file: Path, named: str | None = None, *, first: bool = True) -> None:
        """`named`: only this fingerprint is good. `first`: whether a machine that trusts nobody yet trusts the first it meets."""
        self._file = file
        self._named = named
        self._first = first

    def fingerprints(self) -> list[str]:
        """As they stand in the file; what follows a `#` is a comment."""
        if not self._file.exists():
            return []
        lines = (line.partition("#")[0].strip() for line in self._file.read_text("utf-8").splitlines())
        return [line for line in lines if line]

    def check(self, key: bytes) -> bool:
        """True when this key was known or named, False when it is the first. Raises Problem("bundle.unknown-key")."""
        shown = fingerprint(key)
        if self._named is not None:
            if not same_fingerprint(self._named, shown):
                raise problems.unknown_key(shown, self._named)
            return True
        known = self.fingerprints()
        if any(same_fingerprint(one, shown) for one in known):
            return True
        if known:
            raise problems.unknown_key(shown, ", ".join(known))
        if not self._first:
            raise problems.nobody_trusted(shown)
        return False

    def remember(self, key: bytes) -> None:
        """From now on this key is good."""
        shown = fingerprint(key)
        known = self.fingerprints()
        if any(same_fingerprint(one, shown) for one in known):
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        kept = self._file.read_text("utf-8").splitlines() if self._file.exists() else []
        write_whole(self._file, "".join(f"{line}\n" for line in [*kept, shown]).encode())
