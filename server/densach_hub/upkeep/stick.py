"""What came of the last stick with updates: the playbooks' role `updates` writes a line, `doctor` reads it."""

import re
from datetime import UTC, datetime
from pathlib import Path

import msgspec

LAST = Path("/var/lib/densach-updates/last")
_LINE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ) (opened|kept|done|refused|failed) (.+)")
_NAMED = re.compile(r".*?\.bundle")
_CODE = re.compile(r"\((bundle\.[a-z0-9-]+)\)")


class Stick(msgspec.Struct, frozen=True, kw_only=True):
    """`at`: epoch ms. `word`: opened and kept (its updates are being installed, or that was cut off), done, refused, failed.

    `code`: why a bundle was refused; also beside `done`, when there were several.
    """

    at: int
    word: str
    file: str
    code: str | None = None


def last_stick(file: Path = LAST) -> Stick | None:
    """None where no stick was read yet, or sticks are not read at all."""
    try:
        found = _LINE.match(file.read_text("utf-8", "replace"))
    except OSError:
        return None
    if found is None:
        return None
    at = datetime.strptime(found[1], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    named, code = _NAMED.match(found[3]), _CODE.search(found[3])
    return Stick(
        at=int(at.timestamp() * 1000), word=found[2], file=named[0] if named else found[3], code=code[1] if code else None
    )
