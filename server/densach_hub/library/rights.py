"""What the catalogue's words on rights let readers do. Pure."""

from densach_core.errors import NotAllowed, Problem
from densach_core.folding import fold
from densach_core.text import t
from densach_hub.library.model import Item

FORBIDDEN = (
    "chi doc tai cho", "chi doc tai thu vien", "khong duoc sao chep", "khong sao chep", "khong duoc tai ve", "khong tai ve",
    "read here only", "no copies", "not to be copied", "no download",
)  # fmt: skip
"""Folded words in rights or licence by which a book may not leave the hub."""


def forbids_copies(*said: str | None) -> bool:
    """Whether these words forbid copies; without a word nothing is forbidden.

    >>> forbids_copies("© NXB Kim Đồng. Chỉ đọc tại thư viện.", None)
    True
    """
    words = " ".join(fold(" ".join(filter(None, said))).split())
    return any(one in words for one in FORBIDDEN)


def may_leave(it: Item) -> bool:
    """Whether a copy may be downloaded or kept on a device."""
    return not forbids_copies(it.rights, it.licence)


def no_copies() -> Problem:
    return NotAllowed("library.rights", t("This book may only be read here: its rights allow no copies."))
