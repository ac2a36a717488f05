"""`status.json`: what the resident process leaves for `densach agent status`. Times are epoch milliseconds by this
machine's clock."""

from pathlib import Path

import msgspec

FILE = "status.json"


class Status(msgspec.Struct, frozen=True, kw_only=True):
    pid: int
    state: str
    """`connected`, or why it is not, as the line said it."""
    since_ms: int
    at_ms: int = 0
    version: str = ""
    trouble: str | None = None
    """Why records are only in memory."""
    connected: bool = False
    hub_online: bool | None = None
    """None until the hub said anything: a broker that answers is not yet a hub."""
    next_try_ms: int | None = None
    offset_ms: int | None = None
    """The hub's clock minus this machine's; None while the hub has not told its time."""
    surveyed_ms: int | None = None
    """When the last inventory of this process ended."""
    surveying: bool = False


def put(folder: Path, status: Status) -> None:
    """Whole or not at all, but not forced to the disk: after a power cut nobody asks how the line was before it."""
    temporary = folder / f".{FILE}.new"
    temporary.write_bytes(msgspec.json.encode(status))
    temporary.replace(folder / FILE)


def read(folder: Path) -> Status | None:
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=Status)
    except (OSError, msgspec.MsgspecError):
        return None
