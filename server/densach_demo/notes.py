"""What the demonstration remembers of itself, in demo.json of its folder: addresses, log-ins, how far it was made."""

import os
import secrets
from pathlib import Path

import msgspec

_WORDS = ("lua", "song", "gio", "nui", "bien", "trang", "sao", "hoa", "cay", "chim", "mua", "nang", "may", "doi", "suoi", "tre")
HUB, OFFICE, AGENT, SIMULATED, LOGS = "hub", "office", "agent", "simulated", "logs"
"""Folders of the demonstration's parts."""


class LogIn(msgspec.Struct, frozen=True):
    """Who may sign in where; `page` is where that person begins."""

    who: str
    login: str
    secret: str
    page: str


class Ports(msgspec.Struct, frozen=True):
    """All on one host: the hub's pages, the office, untrusted packages, and the broker's two listeners."""

    host: str
    http: int
    office: int
    packages: int
    devices: int
    equipment: int

    @property
    def hub_url(self) -> str:
        return f"http://{self.shown}:{self.http}"

    @property
    def office_url(self) -> str:
        return f"http://{self.shown}:{self.office}"

    @property
    def shown(self) -> str:
        """What a person types: an address of all interfaces is reached by the loopback one."""
        return "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104 - only compared

    def all(self) -> tuple[int, ...]:
        return (self.http, self.office, self.packages, self.devices, self.equipment)


def ports_from(host: str, first: int) -> Ports:
    return Ports(host, first, first + 1, first + 2, first + 3, first + 4)


class Notes(msgspec.Struct, frozen=True, kw_only=True):
    ports: Ports
    machines: int
    log_ins: tuple[LogIn, ...] = ()
    office_log_in: LogIn | None = None
    token: str = ""
    """For the supervisor's own calls."""
    made: bool = False
    """The school is whole; before that a start begins again."""


def read_notes(folder: Path) -> Notes | None:
    try:
        return msgspec.json.decode((folder / "demo.json").read_bytes(), type=Notes)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def write_notes(folder: Path, notes: Notes) -> None:
    """Readable by its owner only: it holds passwords."""
    draft = folder / "demo.json.new"
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(notes)))
    draft.replace(folder / "demo.json")


def new_password() -> str:
    """Three words and a number: long enough for an administrator, short enough to type."""
    return "-".join([*(secrets.choice(_WORDS) for _ in range(3)), f"{secrets.randbelow(900_000) + 100_000}"])
