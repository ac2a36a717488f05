"""Where the files in `units/` go on a machine. Each says so itself in one of its first lines (`Goes to: /usr/…`), so that a
new one is packed by being there. A file that begins with `#!` is a program.

Paths are those of a distribution's package. What is installed beside the distribution (the self-unpacking file) lives in a
folder of its own and puts its units where an administrator's go.
"""

import re
from collections.abc import Iterable
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import NamedTuple

HOME = "/usr/lib/densach-agent"
"""Where a package keeps the agent; what `units/` names."""
_SAID = re.compile(r"\bGoes to: (/(?:usr|etc)/[A-Za-z0-9._/@-]+)")
_BESIDE = (
    ("/usr/lib/systemd/system/", "/etc/systemd/system/"),
    ("/usr/lib/systemd/user/", "/etc/systemd/user/"),
    ("/usr/lib/sysusers.d/", "/etc/sysusers.d/"),
    ("/usr/lib/tmpfiles.d/", "/etc/tmpfiles.d/"),
    ("/usr/share/polkit-1/rules.d/", "/etc/polkit-1/rules.d/"),
)


class Unplaced(Exception):
    """A file in `units/` does not say where it goes."""


class Piece(NamedTuple):
    """Not a Struct: an installer reads this before msgspec is there."""

    path: str
    body: bytes
    mode: int


def pieces(units: Traversable | None = None) -> list[Piece]:
    """All files of the folder, where a package puts them. Raises Unplaced."""
    folder = files("densach_agent") / "units" if units is None else units
    found = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if not entry.is_file():
            continue
        body = entry.read_bytes()
        said = _SAID.search("\n".join(body.decode("utf-8").splitlines()[:6]))
        if said is None:
            raise Unplaced(f"units/{entry.name}: no line “Goes to: /usr/…”")
        found.append(Piece(said[1], body, 0o755 if body.startswith(b"#!") else 0o644))
    return found


def to_enable(found: Iterable[Piece]) -> list[str]:
    """The units that an administrator switches on and off: those with an `[Install]` section. The agent itself comes last."""
    names = {
        piece.path.rpartition("/")[2] for piece in found if "/systemd/system/" in piece.path and b"\n[Install]\n" in piece.body
    }
    return sorted(names, key=lambda name: (name == "densach-agent.service", name))


def beside(piece: Piece, home: str) -> Piece:
    """The same for an agent that lives in `home`, beside what the distribution installs."""
    path = piece.path
    for theirs, ours in _BESIDE:
        if path.startswith(theirs):
            path = ours + path.removeprefix(theirs)
    if path.startswith(HOME + "/"):
        path = home + path.removeprefix(HOME)
    return Piece(path, piece.body.replace(HOME.encode(), home.encode()), piece.mode)
