"""Trees of software as tests build them: file times are set here, since git keeps none."""

import os
import struct
from datetime import UTC, datetime
from pathlib import Path

from densach_agent.collectors.packages import collect
from densach_agent.machine import Machine, Output
from densach_wire.messages import Item

NOON = datetime(2026, 10, 5, 5, 0, tzinfo=UTC).timestamp()
"""Noon in Vietnam: the same day almost everywhere a test may run."""


class Tree:
    """A root folder that grows; commands are answered from `answers` by their first word."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.answers: dict[str, str] = {}
        self.asked: list[tuple[str, ...]] = []

    def put(self, path: str, content: str | bytes = "", *, at: float = NOON) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        os.utime(file, (at, at))
        return file

    def link(self, path: str, to: str) -> None:
        link = self.root / path
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(to)
        os.utime(link, (NOON, NOON), follow_symlinks=False)

    @property
    def machine(self) -> Machine:
        def run(argv: tuple[str, ...], _seconds: float) -> Output | None:
            self.asked.append(argv)
            said = self.answers.get(" ".join(argv[:2]))
            return None if said is None else Output(0, said)

        return Machine(self.root, run)

    def items(self) -> dict[str, Item]:
        return {item.key: item for item in collect(self.machine)}


def stanza(name: str, **fields: str) -> str:
    """One installed package; `_` in a field's name stands for `-`."""
    told = {"Status": "install ok installed", "Architecture": "amd64", "Version": "1.0-1", "Section": "utils"} | {
        name.replace("_", "-"): value for name, value in fields.items()
    }
    return "\n".join([f"Package: {name}", *(f"{field}: {value}" for field, value in told.items())]) + "\n\n"


def desktop(name: str, more: str = "") -> str:
    return f"[Desktop Entry]\nType=Application\nName={name}\nName[vi]=Khác\n{more}\n[Desktop Action new]\nName=New\n"


def rpm_header(fields: dict[int, str | int]) -> bytes:
    """A header as rpm's database holds it."""
    index, store = b"", b""
    for tag, value in fields.items():
        if isinstance(value, int):
            store += b"\0" * (-len(store) % 4)
            index += struct.pack(">IIII", tag, 4, len(store), 1)
            store += struct.pack(">I", value)
        else:
            index += struct.pack(">IIII", tag, 6, len(store), 1)
            store += value.encode() + b"\0"
    return struct.pack(">II", len(fields), len(store)) + index + store


def deploy_file(origin: str, size: int, told: dict[str, str]) -> bytes:
    """A flatpak's `deploy`: GVariant (ssasta{sv}) as far as its reader looks, with one-byte or two-byte offsets."""
    body = origin.encode() + b"\0"
    ends = [len(body)]
    body += b"c0ffee" * 10 + b"\0"
    ends.append(len(body))
    ends.append(len(body))
    body += b"\0" * (-len(body) % 8) + size.to_bytes(8, "big")
    for name, value in told.items():
        body += b"\0" * (-len(body) % 8) + f"appdata-{name}".encode() + b"\0"
        body += b"\0" * (-len(body) % 8) + value.encode() + b"\0\0s"
    width = 1 if len(body) + 3 < 256 else 2
    return body + b"".join(end.to_bytes(width, "little") for end in reversed(ends))
