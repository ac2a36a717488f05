"""`agent.toml`: what a person may set on the machine itself. Everything has a default; an unknown key is an error.

What the machine was told when it was admitted is not here but in `enrolled.json` (densach_agent.membership).
"""

import tomllib
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

FILE = "agent.toml"


class BadSettings(Exception):
    """The file cannot be used; the message names it and the key."""


class Policy(Struct, frozen=True, forbid_unknown_fields=True):
    """What this machine lets the hub ask of it: what is in `allow` and not in `refuse`.

    By default everything: a room whose machines go off together is what a lab's agent is wanted for, nobody at work is
    switched off unless the hub says so twice (`force`), and each request names who asked. A machine that must never go
    off by itself says `refuse = ["shutdown", "restart"]`.
    """

    allow: tuple[str, ...] = ("refresh", "identify", "message", "reenrol", "shutdown", "restart", "wake")
    refuse: tuple[str, ...] = ()

    def allows(self, name: str) -> bool:
        return name in self.allow and name not in self.refuse


class OutboxSize(Struct, frozen=True, forbid_unknown_fields=True):
    max_mb: Annotated[int, Meta(ge=1, le=1024)] = 16
    max_days: Annotated[int, Meta(ge=1, le=3650)] = 180


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    hub: str = ""
    """Address of the hub, `http://hub.lan:8080`; `enrol` remembers it here."""
    off: tuple[str, ...] = ()
    """Collectors and record kinds switched off on this machine."""
    kiosk_users: tuple[str, ...] = ()
    simulated: bool = False
    """True marks everything this agent says as coming from no real machine."""
    policy: Policy = Policy()
    outbox: OutboxSize = OutboxSize()


def load(folder: Path) -> Settings:
    """Defaults without a file. Raises BadSettings."""
    path = folder / FILE
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return Settings()
    except OSError as error:
        raise BadSettings(f"{path}: {error.strerror}") from None
    try:
        return msgspec.convert(tomllib.loads(text), Settings)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise BadSettings(f"{path}: {error}") from None


def remember_hub(folder: Path, hub: str) -> None:
    """Writes the hub's address, leaving everything else of the file as it is."""
    path = folder / FILE
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    kept = [line for line in lines if not line.replace(" ", "").startswith("hub=")]
    write_whole(path, "\n".join([f'hub = "{hub}"', *kept]).rstrip() + "\n")


def write_whole(path: Path, text: str, *, secret: bool = False) -> None:
    """All of it or nothing, on disk when this returns: temporary file, fsync, rename, fsync of the folder."""
    import os

    temporary = path.with_name(f".{path.name}.new")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600 if secret else 0o644)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
