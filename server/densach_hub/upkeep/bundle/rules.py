"""Pure decisions about names and lists."""

import hashlib
import re

_PART = re.compile(r"[^\x00-\x1f/\\]{1,240}\Z")
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]+\Z")


def is_safe(path: str) -> bool:
    """Whether a path of a manifest stays below the folder it is opened into: relative, no `..`, no control characters.

    Names as `Bài tập 1.exe` are fine: what `--add` takes along was named by people.
    """
    parts = path.split("/")
    return 0 < len(path.encode()) <= 1000 and all(_PART.match(part) and part not in (".", "..") for part in parts)


def package_names(text: str, facts: set[str] | frozenset[str] = frozenset()) -> list[str]:
    """The names in a list of packages: one a line, what follows a `#` is a comment. Raises ValueError with the odd line.

    `linux-image-amd64 [amd64]` is wanted only where one of the words in brackets (an architecture or a suite) is in `facts`.
    """
    found = []
    for line in text.splitlines():
        words = line.partition("#")[0].strip()
        name, bracket, only = words.partition("[")
        if not words:
            continue
        if not _PACKAGE.match(name.strip()) or (bracket and not only.endswith("]")):
            raise ValueError(line.strip())
        if not bracket or facts & set(only.rstrip("]").split()):
            found.append(name.strip())
    return found


def fingerprint(key: bytes) -> str:
    """What two people compare over the telephone: ten groups of four hex digits (SHA-256 of the key, cut to 160 bits)."""
    digits = hashlib.sha256(key).hexdigest()[:40].upper()
    return " ".join(digits[at : at + 4] for at in range(0, 40, 4))


def same_fingerprint(one: str, other: str) -> bool:
    """Spaces, colons and case do not matter."""
    return re.sub(r"[\s:]", "", one).upper() == re.sub(r"[\s:]", "", other).upper()


def human(size: int) -> str:
    """1234567 → `1.2 MB`."""
    number, unit = float(size), "B"
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000 or unit == "GB":
            break
        number /= 1000
    return f"{number:.0f} {unit}" if number >= 100 or unit == "B" else f"{number:.1f} {unit}"
