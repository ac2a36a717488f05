"""What a bundle says about itself. The file is a plain tar (its members are compressed already) in this order:
`signature.json`, `manifest.json`, then each file of the manifest, in the manifest's order, and nothing else."""

from typing import Literal

import msgspec

SIGNATURE = "signature.json"
MANIFEST = "manifest.json"
FORMAT = 1
PYTHONS = {"bookworm": "3.11", "trixie": "3.13", "noble": "3.12"}
"""Suite of Debian or Ubuntu → its Python."""
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
"""Processor → Debian's name for it."""


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file: its path in the opened folder, SHA-256 in hex, bytes."""

    path: str
    sha256: str
    size: int
    run: bool = False
    """Whether it may be executed."""


class Manifest(msgspec.Struct, frozen=True):
    """`made_at`: epoch ms by the maker's clock. `version` is that of Đèn Sách; `build` tells two wheels of one version apart."""

    format: int
    made_at: int
    version: str
    build: str
    suite: str
    architecture: str
    python: str
    sets: tuple[str, ...]
    files: tuple[Entry, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(entry.size for entry in self.files)


class Signature(msgspec.Struct, frozen=True):
    """`key`: the maker's public Ed25519 key; `signature`: over the bytes of the manifest; both in hex."""

    format: int
    algorithm: Literal["ed25519"]
    key: str
    signature: str
