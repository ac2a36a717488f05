"""The hub's own ssh key and the host keys of machines it has met.

The key pair is made on first use (Ed25519, 0600). A machine's host key is believed at the first contact, under the
machine's id and not its address (addresses move); another key under the same id is refused by ssh from then on, until a
technician says that the machine was installed anew.
"""

import base64
import binascii
import hashlib
import os
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from densach_core.whole_file import write_whole
from densach_hub.provisioning.model import KnownHost


class Keys:
    """Files in `keys/ssh` of the data folder: they are part of every backup, so that a hub that was restored still gets in."""

    def __init__(self, folder: Path) -> None:
        self.private = folder / "id_ed25519"
        self.known = folder / "known_hosts"

    def public(self, comment: str) -> str:
        """The line for `authorized_keys`; makes the pair at the first call."""
        if not self.private.exists():
            self._make()
        key = serialization.load_ssh_private_key(self.private.read_bytes(), None)
        line = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
        return f"{line.decode('ascii')} {comment}"

    def _make(self) -> None:
        self.private.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        body = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        )
        # Two processes may be here at once: the first one's key stays.
        draft = self.private.with_name(f"{self.private.name}.{os.getpid()}")
        write_whole(draft, body, 0o600)
        try:
            os.link(draft, self.private)
        except FileExistsError:
            pass
        finally:
            draft.unlink()

    def known_hosts(self) -> list[KnownHost]:
        """By machine. Lines that are no key of a machine are left out."""
        found = []
        for line in self._lines():
            words = line.split()
            if len(words) >= 3 and (mark := fingerprint(words[2])) is not None:
                found.append(KnownHost(machine=words[0], kind=words[1].removeprefix("ssh-"), fingerprint=mark))
        return sorted(found, key=lambda one: (one.machine, one.kind))

    def forget(self, machine: str) -> bool:
        """Whether there was something to forget: the next contact is a first one."""
        lines = self._lines()
        left = [line for line in lines if line.split()[:1] != [machine]]
        if len(left) == len(lines):
            return False
        write_whole(self.known, "".join(f"{line}\n" for line in left).encode(), 0o600)
        return True

    def _lines(self) -> list[str]:
        try:
            return [line for line in self.known.read_text("utf-8", "replace").splitlines() if line.strip()]
        except OSError:
            return []


def fingerprint(key: str) -> str | None:
    """`SHA256:…` of a public key's base64, as `ssh-keygen -l` says it on the machine; None where it is none."""
    try:
        body = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        return None
    return "SHA256:" + base64.b64encode(hashlib.sha256(body).digest()).decode("ascii").rstrip("=")
