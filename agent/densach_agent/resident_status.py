"""`status.json`: what the resident process leaves for `densach agent status`."""

import msgspec


class Status(msgspec.Struct, frozen=True):
    pid: int
    state: str
    since_ms: int
    trouble: str | None = None
    """Why records are only in memory."""
